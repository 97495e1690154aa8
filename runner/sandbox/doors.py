"""How a sandbox reaches the gateway: its socket mounted, or a relay where the engine has another host."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.errors import APIError, ImageNotFound
from docker.types import Mount

from runner.sandbox.host import DoorMode, Host


@dataclass(frozen=True)
class Door:
    """The mode that is used, and why."""

    mode: DoorMode
    why: str


def choose_door(wanted: DoorMode, client: APIClient, engine_url: str, host: Host) -> Door:
    """Mount the socket only where nothing speaks against it; a relay works everywhere."""
    if wanted is not DoorMode.AUTO:
        return Door(wanted, "as SHIPWORTHY_DOOR says")
    against = obstacle(engine_url, host.system, os.uname().release, client.info())
    if against is None and not shares_files(client):
        against = "the engine does not see this host's files"
    return Door(DoorMode.RELAY, against) if against else Door(DoorMode.MOUNT, "the engine shares this host")


def obstacle(engine_url: str, system: str, kernel: str, info: dict[str, Any]) -> str | None:
    """What says that a socket of this host is none on the engine's: containers connect through one kernel."""
    if not engine_url.startswith("unix://"):
        return "the engine is not reached by a socket of this host"
    if system != "Linux":
        return f"on {system}, the engine runs in a virtual machine"
    if info.get("OperatingSystem") == "Docker Desktop":
        return "Docker Desktop runs in a virtual machine"
    if info.get("KernelVersion", kernel) != kernel:
        return "the engine runs under another kernel than this host"
    return None


def shares_files(client: APIClient) -> bool:
    """Whether the engine sees a folder that was made here just now.

    It is asked for a container that mounts the folder, of an image that does not exist: an engine that sees
    the folder finds the image missing, one that does not complains of the folder first. Nothing is made.
    """
    with tempfile.TemporaryDirectory(prefix="shipworthy-") as folder:
        mounts = [Mount("/probe", str(Path(folder).resolve()), type="bind", read_only=True)]
        host_config = client.create_host_config(mounts=mounts)
        try:
            client.create_container("shipworthy/none:probe", ["true"], host_config=host_config)
        except ImageNotFound:
            return True
        except APIError:
            return False
    return False
