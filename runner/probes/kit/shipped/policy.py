"""What a compose file may ask for. Everything else is refused, with its place; ports are never published."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.core.tree import SourceTree
from runner.probes.kit.files.compose import ComposeFile
from runner.probes.kit.files.yaml_data import BrokenYaml, load, mapping
from runner.probes.kit.shipped.objections import Objection

# What an app may find in its environment; never the host's own. No RAILS_MASTER_KEY: a wrong one keeps an app
# whose credentials are encrypted from starting, and without one they are merely empty.
GIVEN = {
    "OPENROUTER_API_KEY": "sk-or-v1-dummy-key-of-the-lab",
    "OPENAI_API_KEY": "sk-dummy-key-of-the-lab",
    "ANTHROPIC_API_KEY": "sk-ant-dummy-key-of-the-lab",
    "SECRET_KEY_BASE": "5f" * 64,
}
_NAMESPACES = ("network_mode", "pid", "ipc", "userns_mode", "uts", "cgroup")
_HARMLESS = ("", "none", "private", "bridge", "default", "shareable")
_POWERS = ("devices", "device_cgroup_rules", "cap_add", "gpus", "cgroup_parent", "runtime", "credential_spec")
_SOCKET = re.compile(r"(docker|containerd|podman)[\w.-]*\.sock")
_VARIABLE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)(?:(:?[-?+])([^{}]*))?\})")


def interpolated(value: Any) -> Any:
    """A value with its variables put in from GIVEN alone."""
    if isinstance(value, dict):
        return {key: interpolated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item) for item in value]
    return _VARIABLE.sub(_value, value) if isinstance(value, str) else value


def _value(found: re.Match[str]) -> str:
    if found[1]:
        return "$"
    known = GIVEN.get(found[2] or found[3], "")
    sign, other = found[4] or "", found[5] or ""
    if sign.endswith("+"):
        return other if known else ""
    return known or (other if sign.endswith("-") else "")


def objections(tree: SourceTree, file: ComposeFile) -> list[Objection]:
    """What speaks against bringing a compose file up."""
    text = tree.text(file.path) or ""
    try:
        document = interpolated(mapping(load(text)))
    except BrokenYaml as error:
        return [Objection(file.path, error.line, f"is not readable as YAML: {error}", is_fault=True)]
    found = [*_of_document(document, file.path)]
    for name, service in mapping(document.get("services")).items():
        found += _of_service(str(name)[:60], mapping(service), file.path)
    return [Objection(file.path, _line(text, token), why, fault) for token, why, fault in found]


Found = tuple[str, str, bool]


def _of_document(document: Mapping[str, Any], path: str) -> Iterator[Found]:
    included = document.get("include")
    for item in included if isinstance(included, list) else [included] if included else []:
        files = item.get("path") if isinstance(item, dict) else item
        for name in files if isinstance(files, list) else [files]:
            if _outside(path, name):
                yield "include", f"includes {_short(name)}, which is outside the repository", True
            else:
                yield "include", "includes another file, which is not carried out", False
    for kind in ("networks", "volumes"):
        for name, item in mapping(document.get(kind)).items():
            options = mapping(item)
            if options.get("external"):
                yield "external", f"{kind[:-1]} {name[:60]} is external: it belongs to another project", False
            if mapping(options.get("driver_opts")).get("device"):
                yield "device", f"volume {name[:60]} is a path or a device of the host", True
            if options.get("driver") in ("host", "macvlan", "ipvlan"):
                yield "driver", f"network {name[:60]} is a network of the host", True
    for kind in ("configs", "secrets"):
        for name, item in mapping(document.get(kind)).items():
            source = mapping(item).get("file")
            if source and _outside(path, source):
                yield (
                    str(source),
                    f"{kind[:-1]} {name[:60]} is {_short(source)}, outside the repository",
                    True,
                )


def _of_service(name: str, service: Mapping[str, Any], path: str) -> Iterator[Found]:
    if service.get("privileged"):
        yield "privileged", f"service {name} asks to be privileged", True
    for key in _NAMESPACES:
        if str(service.get(key) or "") not in _HARMLESS:
            yield key, f"service {name} asks for {key}: {_short(service[key])}", True
    for key in _POWERS:
        if service.get(key):
            yield key, f"service {name} asks for {key}: {_short(service[key])}", True
    for option in _list(service.get("security_opt")):
        if not re.fullmatch(r"no-new-privileges([:=]true)?", str(option)):
            yield "security_opt", f"service {name} weakens its seal: {_short(option)}", True
    for volume in _list(service.get("volumes")):
        source = _bound(volume)
        if source and (_SOCKET.search(source) or _outside(path, source)):
            what = "the engine's socket" if _SOCKET.search(source) else f"{_short(source)} of the host"
            yield source, f"service {name} mounts {what}", True
    yield from _files(name, service, path)


def _files(name: str, service: Mapping[str, Any], path: str) -> Iterator[Found]:
    extends = service.get("extends")
    if isinstance(extends, dict) and extends.get("file"):
        outside = _outside(path, extends["file"])
        more = "outside the repository" if outside else "which is not carried out"
        yield "extends", f"service {name} extends {_short(extends['file'])}, {more}", outside
    for item in _list(service.get("env_file")):
        file = item.get("path") if isinstance(item, dict) else item
        if file and _outside(path, file):
            yield str(file), f"service {name} reads {_short(file)}, outside the repository", True
    build = service.get("build")
    options = build if isinstance(build, dict) else {"context": build or "."}
    for key in ("context", "dockerfile"):
        if options.get(key) and _outside(path, options[key]):
            yield str(options[key]), f"service {name} builds from {_short(options[key])}, outside", True
    for key in ("ssh", "secrets", "network", "privileged", "entitlements", "additional_contexts"):
        if options.get(key) and options[key] not in ("none", "default"):
            yield key, f"service {name} builds with {key}", key != "additional_contexts"


def _bound(volume: Any) -> str:
    """The host's side of a mount, empty for a named or nameless volume."""
    if isinstance(volume, dict):
        return str(volume.get("source") or "") if volume.get("type") in ("bind", "npipe") else ""
    source, colon, _ = str(volume).partition(":")
    return source if colon and re.match(r"[./~\\]", source) else ""


def _outside(path: str, name: Any) -> bool:
    """Whether a name in a compose file leads out of the repository, by its words alone."""
    text = str(name)
    if re.match(r"[/~\\]|[a-z]:\\|\w+://|\w+@", text, re.I):
        return True
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), text))
    return joined == ".." or joined.startswith("../")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _short(value: Any) -> str:
    return str(value)[:80]


def _line(text: str, token: str) -> int | None:
    return next((n for n, line in enumerate(text.splitlines(), 1) if token[:80] in line), None)
