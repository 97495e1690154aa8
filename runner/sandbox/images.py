"""Building sandbox images: only what is missing, parents first, one builder at a time."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker import APIClient
from docker.credentials.errors import StoreError
from docker.errors import DockerException
from requests.exceptions import RequestException

from runner.core.errors import SetupError
from runner.sandbox.bootstrap import BASE, ensure_base, present
from runner.sandbox.host import Progress, tail
from runner.sandbox.recipes import Image, ImageSettings, image_line

IMAGE_LABEL = "org.shipworthy.image"
INPUTS_LABEL = "org.shipworthy.inputs"
_HEARTBEAT_S = 10


def ensure_image(client: APIClient, name: str, settings: ImageSettings, progress: Progress) -> str:
    """The tag of an image the engine has; it and its parents are built if they are missing.

    Raises SetupError with the end of the log if a build fails.
    """
    line = image_line(name, settings)
    tag = line[-1].tag
    if present(client, tag):
        return tag
    with _only_builder(settings.logs, progress):
        for image in line:
            if not present(client, image.tag):
                _build(client, image, settings, progress)
    return tag


@contextmanager
def _only_builder(logs: Path, progress: Progress) -> Iterator[None]:
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / "images.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another process that builds images")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(client: APIClient, image: Image, settings: ImageSettings, progress: Progress) -> None:
    name = image.recipe.name
    log = settings.logs / f"{name}-{image.digest[:12]}.log"
    started = time.monotonic()
    if image.recipe.starts_from(BASE):
        ensure_base(client, settings.host, settings.mirror, settings.logs, progress)
    try:
        error = _follow(_start(client, image, settings, progress), log, _Steps(name, progress))
    except StoreError as broken:
        raise SetupError(f"{broken}; install it, or take credsStore out of ~/.docker/config.json") from broken
    except (DockerException, RequestException) as broken:
        raise SetupError(f"image {name}: the engine broke off the build: {broken}") from broken
    if error is not None:
        raise SetupError(f"image {name} could not be built: {error}\nthe end of {log}:\n{tail(log)}")
    progress(f"{name}: built {image.tag} in {time.monotonic() - started:.0f} s")


def _start(client: APIClient, image: Image, settings: ImageSettings, progress: Progress) -> Any:
    arguments = {key: value for name, value in settings.proxies for key in (name.upper(), name.lower())}
    network = "host" if _needs_host_network(settings) else None
    if network:
        progress("the proxy is this machine's own: building in its network")
    if image.parent_tag is not None:
        arguments["PARENT"] = image.parent_tag
    return client.build(
        fileobj=image.recipe.context(),
        custom_context=True,
        tag=image.tag,
        buildargs=arguments,
        labels={IMAGE_LABEL: image.recipe.name, INPUTS_LABEL: image.digest},
        network_mode=network,
        rm=True,
        forcerm=True,
        decode=True,
    )


def _needs_host_network(settings: ImageSettings) -> bool:
    """Whether a proxy listens on the host's loopback, which a build's own network does not reach."""
    proxies = [value for name, value in settings.proxies if name.lower() != "no_proxy"]
    hosts = {urlsplit(proxy if "://" in proxy else f"//{proxy}").hostname for proxy in proxies}
    return bool(hosts & {"localhost", "127.0.0.1", "::1"})


def _follow(lines: Any, log: Path, steps: _Steps) -> str | None:
    """Write the build's output to `log` and report it; the error the build ended with, if any."""
    with log.open("w", encoding="utf-8") as output:
        for line in lines:
            text = line.get("stream") or line.get("error") or ""
            output.write(text)
            if "error" in line:
                return str(line["error"])
            steps.see(text)
    return None


class _Steps:
    """Turns the engine's output into few lines: each step, and a sign of life in long ones."""

    def __init__(self, name: str, progress: Progress) -> None:
        self._name = name
        self._progress = progress
        self._step = ""
        self._started = self._told = time.monotonic()

    def see(self, text: str) -> None:
        """Take one piece of output."""
        line = " ".join(text.split())[:90]
        now = time.monotonic()
        if line.startswith("Step "):
            self._step, _, what = line.partition(" : ")
            self._started = self._told = now
            self._progress(f"{self._name}: {self._step.lower()} {what}")
        elif line and now - self._told > _HEARTBEAT_S:
            self._told = now
            self._progress(f"{self._name}: {self._step.lower()}, {now - self._started:.0f} s: {line}")
