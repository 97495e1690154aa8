"""PID 1 of a relay: a Unix socket in a shared volume, every connection to it carried to the runner.

Arguments: SOCKET SILENCE_S. Standard input and output are the runner's, in frames; standard input is also
the lease: its end, or silence for too long, ends the container. One beat says that it listens; every beat
of the runner is answered by another.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from contextlib import suppress

from runner.sandbox.inside.multiplex import BEAT, CHUNK, Multiplex


async def pipes() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Standard input and output."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(CHUNK)
    protocol = asyncio.StreamReaderProtocol(reader)
    await loop.connect_read_pipe(lambda: protocol, os.fdopen(0, "rb", 0))
    flow = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    transport, _ = await loop.connect_write_pipe(lambda: flow, os.fdopen(1, "wb", 0))
    return reader, asyncio.StreamWriter(transport, flow, None, loop)


async def main(path: str, silence_s: str) -> None:
    """Listen until the lease ends."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    reader, writer = await pipes()

    async def send(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    answers: set[asyncio.Task[None]] = set()

    def answer() -> None:
        answers.add(task := asyncio.create_task(multiplex.tell(BEAT)))
        task.add_done_callback(answers.discard)

    multiplex = Multiplex(send, answer, lambda number: None)
    numbers = itertools.count(1)

    async def connected(inner: asyncio.StreamReader, outer: asyncio.StreamWriter) -> None:
        if multiplex.is_full:
            outer.transport.abort()
        else:
            await multiplex.open(next(numbers), inner, outer)

    server = await asyncio.start_unix_server(connected, path, limit=CHUNK, backlog=128)
    os.chmod(path, 0o666)
    await multiplex.tell(BEAT)
    with suppress(TimeoutError):
        while data := await asyncio.wait_for(reader.read(CHUNK), float(silence_s)):
            multiplex.feed(data)
    server.close()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
