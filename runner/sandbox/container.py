"""What Docker is told of a sandbox: its seal, its limits, its program, its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from runner.core.protocols import SandboxSpec
from runner.core.tree import SourceFile, SourceTree, tar_of
from runner.sandbox.lease import PURPOSE, RUN

PORT = 8080
SILENCE_S, HEARTBEAT_S = 30.0, 5.0
USER = 1000
# The program comes through standard input, so that a process list inside stays short and readable.
_LOADER = """import os
source = b""
while len(source) < {size}:
    source += os.read(0, {size} - len(source)) or os._exit(0)
exec(source)"""


@dataclass(frozen=True)
class Entrance:
    """How the gateway's socket comes into a sandbox: `socket` is its path there."""

    socket: str
    binds: Mapping[str, Any] | None = None
    volumes_from: tuple[str, ...] = ()


def mounted(door: Path) -> Entrance:
    """The socket itself, mounted by an engine that shares this host's sockets."""
    socket = "/run/shipworthy.sock"
    return Entrance(socket, binds={str(door): {"bind": socket, "mode": "ro"}})


@cache
def program() -> bytes:
    """What PID 1 of a sandbox runs."""
    return Path(__file__).with_name("inside").joinpath("init.py").read_bytes()


def entrypoint(source: bytes, *arguments: str) -> list[str]:
    """Runs a program as PID 1, which waits for its source on standard input."""
    return ["python3", "-I", "-c", _LOADER.format(size=len(source)), *arguments]


def configuration(
    spec: SandboxSpec, labels: Mapping[str, str], entrance: Entrance | None = None
) -> dict[str, Any]:
    """What Docker calls the container's configuration."""
    command = entrypoint(program(), str(PORT), str(SILENCE_S))
    env = dict(spec.env)
    if entrance is not None:
        command.append(entrance.socket)
        proxy = f"http://127.0.0.1:{PORT}"
        for name in ("http_proxy", "https_proxy"):
            env |= {name: proxy, name.upper(): proxy}
        env |= {"no_proxy": "127.0.0.1,localhost,::1", "NO_PROXY": "127.0.0.1,localhost,::1"}
    return {
        "image": spec.image,
        "entrypoint": command,
        "command": [],
        "user": f"{USER}:{USER}",
        "working_dir": "/workspace",
        "environment": env,
        "labels": {**labels, RUN: spec.run, PURPOSE: spec.purpose},
        "stdin_open": True,
        "hostname": None if spec.joins else "sandbox",
    }


def seal(memory: int, cpus: float, pids: int) -> dict[str, Any]:
    """The part of a host configuration that shuts a container in; `memory` is in bytes."""
    return {
        "auto_remove": True,
        "cap_drop": ["ALL"],
        "ipc_mode": "private",
        "log_config": {"type": "none"},
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": int(cpus * 1e9),
        "network_mode": "none",
        "pids_limit": pids,
        "read_only": True,
        "security_opt": ["no-new-privileges"],
        "ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
    }


def host_configuration(spec: SandboxSpec, entrance: Entrance | None = None) -> dict[str, Any]:
    """What Docker calls the host configuration: the seal and the limits."""
    have = spec.resources
    side_mb = max(have.disk_mb // 2, 16)
    memory = (have.memory_mb + have.disk_mb + 2 * side_mb) * 2**20  # the file systems are memory too
    owner = f"uid={USER},gid={USER},mode=0755"
    return seal(memory, have.cpus, have.pids) | {
        "binds": entrance.binds if entrance else None,
        "volumes_from": list(entrance.volumes_from) if entrance else None,
        "extra_hosts": None if spec.joins else dict.fromkeys(spec.local_hosts, "127.0.0.1"),
        "network_mode": f"container:{spec.joins}" if spec.joins else "none",
        "sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"} if spec.local_hosts else None,
        "tmpfs": {
            "/workspace": f"rw,exec,nosuid,nodev,size={have.disk_mb}m,{owner}",
            "/home/agent": f"rw,exec,nosuid,nodev,size={side_mb}m,{owner}",
            "/tmp": f"rw,exec,nosuid,nodev,size={side_mb}m,mode=1777",
        },
    }


def as_tar(files: Mapping[str, bytes] | SourceTree) -> bytes:
    """The files as a tar archive, modes and links kept."""
    if isinstance(files, SourceTree):
        return tar_of(files.files)
    return tar_of({path: SourceFile(path, 0o100644, content) for path, content in files.items()})
