"""PID 1 of every sandbox: runs inside, by plain python3 without any dependency; never imported.

It reaps orphans, kills process trees when told to, ends the container when the runner is gone or has been
silent for too long, and turns each TCP connection to 127.0.0.1:PORT into one to the gateway's Unix socket.
As PID 1 it cannot be killed from within the container; as a non-dumpable process it cannot be traced.

Arguments: PORT SILENCE_S [SOCKET]. Standard input is the lease, in lines: `.` renews it, `kill COOKIE` kills
every process started with SHIPWORTHY_EXEC=COOKIE and all that came of it, `kill *` kills all; each kill is
answered by a line `killed`. The end of standard input ends the container.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress

CHUNK = 65536
PR_SET_DUMPABLE = 4


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes one way until the source ends, then pass the end on."""
    try:
        while data := source.recv(CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def forward(connection: socket.socket, path: str) -> None:
    """Join one TCP connection with a fresh connection to the gateway."""
    door = socket.socket(socket.AF_UNIX)
    with connection, door, suppress(OSError, RuntimeError):  # RuntimeError: no thread to be had
        door.connect(path)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=pump, args=(door, connection), daemon=True)
        back.start()
        pump(connection, door)
        back.join()


def accept(listener: socket.socket, path: str) -> None:
    """Forward connections for ever; out of threads or descriptors, wait and go on."""
    while True:
        try:
            connection, _ = listener.accept()
            threading.Thread(target=forward, args=(connection, path), daemon=True).start()
        except (OSError, RuntimeError):
            time.sleep(0.05)


def processes() -> dict[int, tuple[int, int, bytes]]:
    """Parent, session and environment of every process but PID 1."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit() or name == "1":
            continue
        with suppress(OSError, ValueError):
            with open(f"/proc/{name}/stat", "rb") as stat:
                state, parent, _, session = stat.read().rpartition(b")")[2].split()[:4]
            if state in b"ZX":
                continue
            environment = b""
            with suppress(OSError), open(f"/proc/{name}/environ", "rb") as environ:
                environment = environ.read()
            found[int(name)] = (int(parent), int(session), environment)
    return found


def tree(cookie: bytes) -> set[int]:
    """Processes that carry the cookie, share a session with one that does, or descend from one."""
    table = processes()
    mark = b"SHIPWORTHY_EXEC=" + cookie
    marked = {pid for pid, (_, _, env) in table.items() if mark in env.split(b"\0")}
    sessions = {table[pid][1] for pid in marked}
    marked |= {pid for pid, (_, session, _) in table.items() if session in sessions and session > 1}
    while grown := {pid for pid, (parent, _, _) in table.items() if parent in marked} - marked:
        marked |= grown
    return marked


def kill(cookie: bytes) -> None:
    """Kill a tree, again and again until nothing of it is left (it may be forking)."""
    for _ in range(100):
        targets = {-1} if cookie == b"*" else tree(cookie)
        if not targets or (cookie == b"*" and not processes()):
            return
        for pid in targets:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def obey(silence_s: float) -> None:
    """Follow the lease until it ends."""
    pending = b""
    while select.select([0], [], [], silence_s)[0]:
        data = os.read(0, 4096)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            if line.startswith(b"kill "):
                kill(line[5:])
                os.write(1, b"killed\n")


def main(port: str, silence_s: str, door: str | None = None) -> None:
    """Be PID 1."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel then reaps orphans by itself
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if door:
        listener = socket.create_server(("127.0.0.1", int(port)), backlog=128)
        threading.Thread(target=accept, args=(listener, door), daemon=True).start()
    os.write(1, b"ready\n")
    obey(float(silence_s))
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
