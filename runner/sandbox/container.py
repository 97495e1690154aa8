"""What Docker is told of a sandbox: its seal, its limits, its program, its files."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from runner.core.protocols import SandboxSpec
from runner.core.tree import SourceTree
from runner.sandbox.lease import PURPOSE, RUN

PORT = 8080
SILENCE_S = 30.0
DOOR = "/run/shipworthy.sock"
USER = 1000
# The program comes through standard input, so that a process list inside stays short and readable.
_LOADER = """import os
source = b""
while len(source) < {size}:
    source += os.read(0, {size} - len(source)) or os._exit(0)
exec(source)"""


@cache
def program() -> bytes:
    """What PID 1 runs; the container waits for it on standard input."""
    return Path(__file__).with_name("inside.py").read_bytes()


def configuration(spec: SandboxSpec, labels: Mapping[str, str]) -> dict[str, Any]:
    """What Docker calls the container's configuration."""
    command = ["python3", "-I", "-c", _LOADER.format(size=len(program())), str(PORT), str(SILENCE_S)]
    env = dict(spec.env)
    if spec.door is not None:
        command.append(DOOR)
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


def host_configuration(spec: SandboxSpec) -> dict[str, Any]:
    """What Docker calls the host configuration: the seal and the limits."""
    have = spec.resources
    side_mb = max(have.disk_mb // 2, 16)
    memory = (have.memory_mb + have.disk_mb + 2 * side_mb) * 2**20  # the file systems are memory too
    owner = f"uid={USER},gid={USER},mode=0755"
    return {
        "auto_remove": True,
        "binds": {str(spec.door): {"bind": DOOR, "mode": "ro"}} if spec.door else None,
        "cap_drop": ["ALL"],
        "extra_hosts": None if spec.joins else dict.fromkeys(spec.local_hosts, "127.0.0.1"),
        "ipc_mode": "private",
        "log_config": {"type": "none"},
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": int(have.cpus * 1e9),
        "network_mode": f"container:{spec.joins}" if spec.joins else "none",
        "pids_limit": have.pids,
        "read_only": True,
        "security_opt": ["no-new-privileges"],
        "sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"} if spec.local_hosts else None,
        "tmpfs": {
            "/workspace": f"rw,exec,nosuid,nodev,size={have.disk_mb}m,{owner}",
            "/home/agent": f"rw,exec,nosuid,nodev,size={side_mb}m,{owner}",
            "/tmp": f"rw,exec,nosuid,nodev,size={side_mb}m,mode=1777",
        },
        "ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
    }


def as_tar(files: Mapping[str, bytes] | SourceTree) -> bytes:
    """The files as a tar archive, modes and links kept."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        if isinstance(files, SourceTree):
            for file in files.files.values():
                member = tarfile.TarInfo(file.path)
                if file.is_link:
                    member.type, member.linkname = tarfile.SYMTYPE, file.content.decode("utf-8", "replace")
                    tar.addfile(member)
                else:
                    member.mode, member.size = file.mode & 0o777, len(file.content)
                    tar.addfile(member, io.BytesIO(file.content))
        else:
            for path, content in files.items():
                member = tarfile.TarInfo(path)
                member.mode, member.size = 0o644, len(content)
                tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
