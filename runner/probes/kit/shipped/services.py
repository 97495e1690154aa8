"""What a compose file says of one service: its command, variables, files, port and health check."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.files.yaml_data import mapping
from runner.probes.kit.shipped.build import Built
from runner.probes.kit.shipped.composition import Composition, listed, pairs
from runner.probes.kit.shipped.serving import PORT, Service
from runner.probes.kit.shipped.state import MAX_PORT, State, shell_words
from runner.probes.kit.shipped.variables import GIVEN

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
# The page is served already when the check is made, so that it need not have long.
_MOST_TRIES, _MOST_WAIT_S, _MOST_CHECK_S = 5, 5.0, 30.0


def service_of(whole: Composition, name: str, item: Mapping[str, Any], image: Built) -> Service:
    """How a service is started."""
    state = image.state
    entrypoint, command = shell_words(item.get("entrypoint")), shell_words(item.get("command"))
    started = replace(
        state,
        args={},
        entrypoint=(),
        command=(*(entrypoint or state.entrypoint), *(command or (() if entrypoint else state.command))),
        user=str(item.get("user") or state.user),
        folder=posixpath.join("/", str(item.get("working_dir") or state.folder)),
    )
    env = {**_of_files(whole, item), **texts(item.get("environment"))}
    files = {**_mounted(whole, item), **_handed(whole, item)}
    return Service(name, image.image, started, env, files, _port(item, started))


def texts(value: Any) -> dict[str, str]:
    """Variables as texts; one that is only named is the lab's, or left out."""
    named = {name: GIVEN.get(name) if item is None else item for name, item in pairs(value).items()}
    return {name: _plain(item) for name, item in named.items() if item is not None}


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip().strip("\"'")


def _of_files(whole: Composition, item: Mapping[str, Any]) -> dict[str, str]:
    env: dict[str, str] = {}
    for entry in listed(item.get("env_file")):
        path = _there(whole, mapping(entry).get("path") or entry)
        lines = (whole.tree.text(path) or "").splitlines()
        env |= texts([line for line in lines if line.strip() and not line.lstrip().startswith("#")])
    return env


def _mounted(whole: Composition, item: Mapping[str, Any]) -> dict[str, SourceFile]:
    """Folders of the repository that a service mounts, as copies of their files."""
    files: dict[str, SourceFile] = {}
    for volume in listed(item.get("volumes")):
        options = mapping(volume)
        source, _, rest = str(volume).partition(":")
        if options:
            source, rest = str(options.get("source") or ""), str(options.get("target") or "")
        if source.startswith(".") and rest.startswith("/"):
            files |= _below(whole.tree, _there(whole, source), rest.partition(":")[0])
    return files


def _handed(whole: Composition, item: Mapping[str, Any]) -> dict[str, SourceFile]:
    """Its secrets and configs, where Compose would mount them."""
    files: dict[str, SourceFile] = {}
    for kind, folder in (("secrets", "/run/secrets"), ("configs", "/")):
        known = whole.top(kind)
        for entry in listed(item.get(kind)):
            options = mapping(entry)
            name = str(options.get("source") or entry)
            target = posixpath.join(folder, str(options.get("target") or name))
            if (content := _content(whole, mapping(known.get(name)))) is not None:
                files[target] = SourceFile(target, 0o100644, content)
    return files


def _content(whole: Composition, told: Mapping[str, Any]) -> bytes | None:
    if told.get("content") is not None:
        return str(told["content"]).encode()
    if told.get("environment"):
        return GIVEN.get(str(told["environment"]), "").encode()
    file = whole.tree.files.get(_there(whole, told.get("file")))
    return None if file is None or file.is_link else file.content


def _there(whole: Composition, name: Any) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(whole.path), str(name)))


def _below(tree: SourceTree, folder: str, target: str) -> dict[str, SourceFile]:
    files = {}
    for path, found in tree.files.items():
        if folder in (".", path) or path.startswith(f"{folder}/"):
            below = path if folder == "." else path[len(folder) :].lstrip("/")
            files[posixpath.join(target, below) if below else target] = found
    return files


def _port(item: Mapping[str, Any], state: State) -> int:
    """The port in the container that the app's page is at."""
    for entry in listed(item.get("ports")):
        told = str(mapping(entry).get("target") or entry).partition("/")[0].rpartition(":")[2]
        if re.fullmatch(r"\d{1,5}", told) and 0 < int(told) <= MAX_PORT:
            return int(told)
    return next(iter(state.ports), PORT)


@dataclass(frozen=True)
class HealthCheck:
    """A command that is tried until it succeeds; none if `argv` is empty."""

    argv: tuple[str, ...]
    retries: int
    interval_s: float
    timeout_s: float


def health_check(service: Service, told: Any) -> HealthCheck:
    """The check of the compose file, else that of the image."""
    options = mapping(told)
    wait_s = min(_MOST_WAIT_S, seconds(options.get("interval"), _MOST_WAIT_S))
    retries = options.get("retries")
    return HealthCheck(
        argv=_checking(service, options),
        retries=min(_MOST_TRIES, max(0, retries)) if isinstance(retries, int) else 3,
        interval_s=wait_s,
        timeout_s=min(_MOST_CHECK_S, max(1.0, seconds(options.get("timeout"), _MOST_CHECK_S))),
    )


def _checking(service: Service, options: Mapping[str, Any]) -> tuple[str, ...]:
    test = options.get("test")
    if options.get("disable") is True or test in (["NONE"], "NONE"):
        return ()
    if isinstance(test, list) and test[:1] in (["CMD"], ["CMD-SHELL"]):
        words = [str(word) for word in test[1:]]
        return tuple(words) if test[0] == "CMD" else (*service.state.shell, " ".join(words))
    if isinstance(test, str) and test.strip():
        return (*service.state.shell, test)
    return service.state.health


def seconds(value: Any, default: float) -> float:
    """A duration as Compose writes it (`1m30s`), in seconds."""
    found = _DURATION.findall(str(value or ""))
    return sum(float(number) * _SECONDS[unit] for number, unit in found) if found else default
