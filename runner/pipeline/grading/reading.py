"""Probes that only read, in a process of their own: no repository can hold up, fill or end the runner.

A search that never comes to an end, a parser that fills the memory or breaks its stack ends that process, and
with it one probe's look at one tree.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import signal
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from runner import probes
from runner.core.protocols import Probe, Subject
from runner.core.records import Finding
from runner.core.registry import load, names

READ_S = 120.0
MEMORY_BYTES = 8 * 2**30


class Unread(Exception):
    """A probe could not read a tree; the reason is told to people."""


class Reader:
    """One tree's reader. Made by open_reader; not for several probes at a time."""

    def __init__(self, subject: Subject, read_s: float) -> None:
        self._subject = subject
        self._read_s = read_s
        self._process: SpawnProcess | None = None
        self._line: Connection | None = None

    async def findings(self, probe: Probe) -> list[Finding]:
        """What a probe finds. Raises Unread."""
        return await asyncio.to_thread(self._ask, probe.id)

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._line is not None:
            self._line.close()
        self._process = self._line = None

    def _ask(self, probe: str) -> list[Finding]:
        line = self._line or self._begin()
        try:
            line.send(probe)
            if not line.poll(self._read_s):
                self.close()
                raise Unread(f"reading the repository did not end within {self._read_s:.0f} s")
            answer = line.recv()
        except (EOFError, OSError) as error:
            self.close()
            raise Unread("reading the repository ended the process that read it") from error
        if isinstance(answer, str):
            raise Unread(f"the probe crashed (our bug): {answer}")
        return list(answer)

    def _begin(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self._read_s), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self._line.send(self._subject)
        except BaseException:
            self.close()  # one that never got its subject would wait for it for ever
            raise
        return self._line


def is_shipped(probe: Probe) -> bool:
    """Whether another process finds this very probe by its name."""
    return probe.id in names(probes) and load(probes, probe.id, "probe").PROBE is probe


def serve(line: Connection, read_s: float) -> None:
    """What the process does: answer a probe's name with its findings, or with the traceback of its crash."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the runner's, which then ends this process
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with suppress(EOFError):
        subject: Subject = line.recv()
        while True:
            name: str = line.recv()
            _allow_seconds(read_s)
            try:
                line.send(asyncio.run(load(probes, name, "probe").PROBE.run(subject)))
            except Exception:
                line.send(traceback.format_exc())


def _allow_seconds(read_s: float) -> None:
    """Should the runner be killed meanwhile, the kernel ends this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + read_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


@asynccontextmanager
async def open_reader(subject: Subject, read_s: float = READ_S) -> AsyncIterator[Reader]:
    """Begins with the first probe."""
    reader = Reader(subject, read_s)
    try:
        yield reader
    finally:
        reader.close()
