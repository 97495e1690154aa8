"""A vetted Dockerfile carried out step by step in sealed containers of the workshop."""

from __future__ import annotations

import asyncio
import posixpath
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from runner.core.errors import SandboxError, SandboxGone
from runner.core.protocols import Subject, Workpiece
from runner.core.tree import tar_of
from runner.probes.kit.files.dockerfile import Instruction, Stage, filled
from runner.probes.kit.lab.logs import Flood, Log, error_line, error_places
from runner.probes.kit.shipped.context import Context, TooMuch, context_of
from runner.probes.kit.shipped.copying import (
    Copy,
    Uncopied,
    copy_of,
    from_context,
    name_alone,
    packed,
    put,
)
from runner.probes.kit.shipped.objections import Objection, Refused
from runner.probes.kit.shipped.packages import lay_packages
from runner.probes.kit.shipped.recipe import CONTEXT_BYTES, Mount, Vetted, listed, mounts, words_of
from runner.probes.kit.shipped.state import State, declared

_PREPARE_S = 300.0
# Failures for want of the network or of what a stand-in image does not have are nobody's fault.
_EXCUSED = re.compile(
    r"could not (?:resolve|reach)|check your network|HTTPError|SocketError|"
    r"temporary failure|network is unreachable|not in the mirror|could not find gem|"
    r"could not find \S+ in (locally|any)|could not fetch|unable to locate package|getaddrinfo|EAI_AGAIN|"
    r"ENETUNREACH|ECONNREFUSED|ENOTFOUND|ENOTCACHED|no matching distribution|command not found|: not found|"
    r"connection (error|refused|failed)|failed to (connect|fetch|download)|requires ruby version|"
    r"your ruby version|bundler could not|gem::|already exists|cannot allocate memory|could not be found",
    re.I,
)


@dataclass(frozen=True)
class Built:
    """A finished image."""

    image: str
    state: State


@asynccontextmanager
async def built(
    subject: Subject, vetted: Vetted, folder: str, args: Mapping[str, str], log: Log, target: str = ""
) -> AsyncIterator[Built]:
    """The image a Dockerfile describes, removed at the end. Raises Refused with the step that stopped it."""
    async with AsyncExitStack() as stack:
        build = _Build(subject, vetted, args, log, stack)
        try:
            async with asyncio.timeout(vetted.build_s):
                made = await build.through(folder, target)
        except TimeoutError:
            raise build.refusal(f"the build did not end within {vetted.build_s:.0f} s") from None
        except (Uncopied, TooMuch) as error:
            raise build.refusal(str(error), getattr(error, "is_fault", False)) from error
        except SandboxGone as error:
            raise build.refusal(f"could not be finished: {error}") from error
        yield made


class _Build:
    def __init__(
        self, subject: Subject, vetted: Vetted, args: Mapping[str, str], log: Log, stack: AsyncExitStack
    ) -> None:
        assert subject.workshop is not None
        self._line: int | None = None
        self._subject, self._workshop, self._vetted = subject, subject.workshop, vetted
        self._args, self._log, self._stack = args, log, stack
        self._context = Context({})
        self._pieces: dict[int, Workpiece] = {}
        self._states: dict[int, State] = {}

    async def through(self, folder: str, target: str) -> Built:
        """Carry out all stages that the wanted one needs."""
        if self._vetted.objections:
            raise Refused(self._vetted.objections[0])
        self._context = await asyncio.to_thread(context_of, self._subject.tree, folder, self._vetted.path)
        if self._context.size > CONTEXT_BYTES:
            raise self.refusal(f"its context is larger than {CONTEXT_BYTES // 10**6} MB")
        needed = self._vetted.needed(target)
        if not needed:
            raise self.refusal(f"has no stage {target[:40]}", is_fault=True)
        for number in needed:
            await self._stage(number, self._vetted.stages[number])
        image = await self._stack.enter_async_context(self._pieces[needed[-1]].committed())
        return Built(image, self._states[needed[-1]])

    def refusal(self, reason: str, is_fault: bool = False) -> Refused:
        """With the step that is carried out just now."""
        return Refused(Objection(self._vetted.path, self._line, reason, is_fault))

    async def _stage(self, number: int, stage: Stage) -> None:
        self._line = stage.line
        state, image, prepare = await self._origin(stage)
        opening = self._workshop.open(image, self._subject.run, self._subject.resources)
        piece = await self._stack.enter_async_context(opening)
        if stage.parent is None:
            await lay_packages(piece, self._subject.packages)
        if prepare:
            await piece.exec(["sh", "-c", prepare], timeout_s=_PREPARE_S)
        for step in stage.instructions:
            self._line = step.line
            self._log.feed(f"Step {step.keyword} {step.arguments[:200]}\n".encode("utf-8", "replace"))
            state = await self._step(piece, state, step, stage)
        self._pieces[number], self._states[number] = piece, state

    async def _origin(self, stage: Stage) -> tuple[State, str, str]:
        """The state, the image and what is to be done first in it."""
        if stage.parent is not None:
            image = await self._stack.enter_async_context(self._pieces[stage.parent].committed())
            return replace(self._states[stage.parent], args={}, inherits=True), image, ""
        base = self._workshop.base(stage.image)
        if base is None:
            raise self.refusal(f"the image {stage.image[:100]} is not to be had here")
        return State(env=base.env, drops=base.drops), base.image, base.prepare

    async def _step(self, piece: Workpiece, state: State, step: Instruction, stage: Stage) -> State:
        if step.keyword == "RUN":
            await self._run(piece, state, step)
        elif step.keyword in ("COPY", "ADD"):
            await self._copy(piece, state, step)
        elif step.keyword == "WORKDIR":
            folder = posixpath.normpath(posixpath.join(state.folder, filled(step.arguments, state.known)))
            await piece.exec(["mkdir", "-p", folder])
            return replace(state, folder=folder)
        return declared(state, step, self._args, stage.known)

    async def _run(self, piece: Workpiece, state: State, step: Instruction) -> None:
        words = words_of(step)
        bound = [await self._mounted(piece, state, mount) for mount in mounts(words)]
        argv = listed(words.rest) or [*state.shell, _command(step, words.rest)]
        env = {name: v for name, v in {**state.args, **state.passed}.items() if name not in state.drops}
        try:
            result = await piece.exec(
                argv,
                env=env,
                cwd=state.folder,
                user=state.user or "0:0",
                timeout_s=self._vetted.run_s,
                on_output=self._log.feed,
                keep_bytes=100_000,
            )
        except Flood:
            raise self.refusal("RUN writes without end", is_fault=True) from None
        except SandboxGone:
            raise
        except SandboxError as error:  # no such user or program in the image
            raise self.refusal(f"RUN could not be started: {str(error)[-200:]}") from error
        if result.timed_out:
            raise self.refusal(f"RUN did not end within {self._vetted.run_s:.0f} s")
        if result.exit_code == 126 and b"unable to find" in result.stdout + result.stderr:
            raise self.refusal(f"RUN as {state.user[:60]}, whom the image does not have")
        if not result.ok:
            self._failed(result.exit_code, result.stdout + b"\n" + result.stderr)
        if taken := [path for path in bound if path]:
            await piece.exec(["rm", "-rf", "--", *taken])

    def _failed(self, exit_code: int | None, output: bytes) -> None:
        said = Log()
        said.feed(output)
        why = f"RUN ended with exit code {exit_code}: {error_line(said.text)}"
        # The image is a stand-in: only what names a place in the repository is the repository's fault.
        told = bool(error_places(self._subject.tree, "", said.text)) and not _EXCUSED.search(said.text)
        raise self.refusal(why, is_fault=told and exit_code != 137)

    async def _mounted(self, piece: Workpiece, state: State, mount: Mount) -> str:
        """Files that a RUN sees are laid where it expects them; the path that is to be removed after it."""
        target = posixpath.normpath(posixpath.join(state.folder, filled(mount.target, state.known)))
        if mount.kind != "bind":
            await piece.exec(["mkdir", "-p", "--", target])
            return ""
        if (await piece.exec(["test", "-e", target])).ok:
            raise self.refusal(f"RUN with a mount over what is there already: {target[:100]}")
        source = filled(mount.source, state.known) or "."
        copy = Copy((source,), target, into=False, owner="", mode="", without=())
        if mount.stage:
            await self._from_stage(piece, mount.stage, copy)
        else:
            await self._lay(piece, copy, Instruction("RUN", "", 0), state)
        return target

    async def _copy(self, piece: Workpiece, state: State, step: Instruction) -> None:
        copy = copy_of(step, state)
        if name := words_of(step).flag("from").lower():
            await self._from_stage(piece, name, copy)
        else:
            await self._lay(piece, copy, step, state)

    async def _lay(self, piece: Workpiece, copy: Copy, step: Instruction, state: State) -> None:
        files = await asyncio.to_thread(from_context, copy, step, self._context, state)
        data = await asyncio.to_thread(tar_of, files)
        await put(piece, copy, data, name_alone(copy, self._context, list(files)))

    async def _from_stage(self, piece: Workpiece, name: str, copy: Copy) -> None:
        number = self._vetted.number(name)
        if number is None or number not in self._pieces:
            raise self.refusal(f"copies from {name[:40]}, which is no earlier stage", is_fault=True)
        for source in copy.sources:
            data, alone = await packed(self._pieces[number], source)
            await put(piece, copy, data, alone)


def _command(step: Instruction, line: str) -> str:
    """What the shell gets: the script of an only here-document, or the line with all of them after it."""
    documents = step.documents
    if len(documents) == 1 and re.fullmatch(r"\S+", line):
        return documents[0].body
    return "\n".join((line, *(f"{d.body}\n{d.name}" for d in documents)))
