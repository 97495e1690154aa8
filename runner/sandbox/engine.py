"""The Docker engine: reaching it, what to do when it is not there, and what dead runners left in it."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from runner.core.errors import SetupError
from runner.sandbox.host import DEFAULT_URL, NO_INSTALL, Host
from runner.sandbox.lease import OWNER, PURPOSE, RUN, Lease

OLDEST_API = (1, 41)
_INSTALL = {
    "debian": "sudo apt-get install docker.io",
    "ubuntu": "sudo apt-get install docker.io",
    "fedora": "sudo dnf install moby-engine && sudo systemctl enable --now docker",
    "arch": "sudo pacman -S docker && sudo systemctl enable --now docker",
    "suse": "sudo zypper install docker && sudo systemctl enable --now docker",
    "alpine": "sudo apk add docker && sudo rc-update add docker && sudo service docker start",
}
_MAC = (
    "install and start Docker Desktop (https://docs.docker.com/desktop/), "
    "or: brew install colima docker && colima start"
)


def connect(url: str, host: Host) -> APIClient:
    """A client of the engine at `url`. Raises SetupError that says what to do; contexts are not looked at."""
    try:
        if url.startswith("unix://"):
            _knock(url)  # the client's own attempt would leave its socket open
        client = APIClient(base_url=url, version="auto", timeout=60)
    except (DockerException, RequestException, OSError) as error:
        cause = _innermost(error)
        raise SetupError(
            f"no Docker engine answers at {url} ({cause}): {advice(url, host, cause)}"
        ) from error
    version = client.api_version
    if tuple(int(part) for part in version.split(".")) < OLDEST_API:
        client.close()
        raise SetupError(
            f"the Docker engine at {url} is too old: it speaks API {version}, 1.41 is needed; "
            "install Docker 20.10 or newer"
        )
    return client


def listens(url: str) -> bool:
    """Whether anything accepts connections at a `unix://` URL."""
    try:
        _knock(url)
    except OSError:
        return False
    return True


def _knock(url: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(url.removeprefix("unix://"))


def advice(url: str, host: Host, cause: BaseException) -> str:
    """What the user can do about an engine that does not answer."""
    if isinstance(cause, PermissionError):
        return 'your user may not use it; run: sudo usermod -aG docker "$USER", then log in again'
    if url != DEFAULT_URL:
        return "check that it runs and that DOCKER_HOST, if set, is right"
    if host.system == "Darwin":
        return _MAC
    if host.find("dockerd"):
        return (
            "it is installed but does not run; start it: sudo systemctl start docker, or as root: bin/setup"
        )
    known = [_INSTALL[name] for name in host.distributions if name in _INSTALL]
    how = known[0] if known else "see https://docs.docker.com/engine/install/"
    if host.has_apt and host.is_root and not host.may_install:
        return f"unset {NO_INSTALL} to have it installed, or install it: {how}"
    return f"install it: {how}"


def _innermost(error: BaseException) -> BaseException:
    """What really went wrong, below the wrappings of the client's libraries."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


@dataclass(frozen=True)
class Leftover:
    """A container of a runner; `orphaned` if that runner is certainly dead."""

    name: str
    run: str
    purpose: str
    orphaned: bool


def leftovers(client: APIClient) -> list[Leftover]:
    """Every container that any runner made, living or dead."""
    nobody = Lease(Path())
    found: list[dict[str, Any]] = client.containers(all=True, filters={"label": OWNER})
    return [
        Leftover(
            name=container["Names"][0].lstrip("/"),
            run=container["Labels"].get(RUN, ""),
            purpose=container["Labels"].get(PURPOSE, ""),
            orphaned=nobody.is_orphan(container["Labels"]),
        )
        for container in found
    ]
