"""What a compose file may ask for. Everything else is refused, with its place; ports are never published."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from runner.core.tree import SourceTree
from runner.probes.kit.files.compose import ComposeFile
from runner.probes.kit.files.yaml_data import mapping
from runner.probes.kit.shipped.composition import Composition, Part, included, listed
from runner.probes.kit.shipped.objections import Objection
from runner.probes.kit.shipped.places import leads_out

_MOST = 50  # of one file; each is looked for in its lines
_NAMESPACES = ("network_mode", "pid", "ipc", "userns_mode", "uts", "cgroup")
_HARMLESS = ("", "none", "private", "bridge", "default", "shareable")
_POWERS = (
    *("devices", "device_cgroup_rules", "cap_add", "gpus", "cgroup_parent", "runtime", "credential_spec"),
    *("use_api_socket", "provider", "external_links", "oom_kill_disable"),
)
_LESS_SEALED = ("ssh", "secrets", "network", "privileged", "entitlements")
_SOCKET = re.compile(r"(docker|containerd|podman|crio|buildkitd)[\w.-]*\.sock")
_FALSE = ("", "false", "no", "off", "n", "0", "none", "null")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}")

Found = tuple[str, str, bool]
Outside = Callable[[Any], bool]


def objections(tree: SourceTree, file: ComposeFile) -> list[Objection]:
    """What speaks against bringing a compose file up, with its override and what it includes or extends."""
    found = []
    for part in Composition(tree, file.path).parts.values():
        if part.problem:
            why = f"is not readable as YAML: {part.problem}"
            found.append(Objection(part.path, part.line, why, is_fault=True))
        told = islice(_of_part(tree, part), _MOST)
        found += [Objection(part.path, _line(part.text, token), why, fault) for token, why, fault in told]
    return found


def _of_part(tree: SourceTree, part: Part) -> Iterator[Found]:
    def outside(name: Any) -> bool:
        return leads_out(tree, part.path, name)

    yield from _included(tree, part, outside)
    yield from _networks_and_volumes(part.document, outside)
    yield from _configs_and_secrets(part.document, outside)
    for name, service in part.services.items():
        called = name[:60]
        if not _NAME.fullmatch(name):
            yield name, f"service {called!r} has a name that no service can have", True
        yield from _rights(called, service)
        yield from _mounts(called, service, outside)
        yield from _files(tree, called, service, outside)
        yield from _built(called, mapping(service.get("build")) or {"context": service.get("build")}, outside)


def _included(tree: SourceTree, part: Part, outside: Outside) -> Iterator[Found]:
    for name in included(part):
        if outside(name):
            yield "include", f"includes {_short(name)}, which is outside the repository", True
    for item in listed(part.document.get("include")):
        for key in ("env_file", "project_directory"):
            for name in listed(mapping(item).get(key)):
                if outside(name):
                    yield key, f"includes with {key} {_short(name)}, outside the repository", True


def _networks_and_volumes(document: Mapping[str, Any], outside: Outside) -> Iterator[Found]:
    for kind in ("networks", "volumes"):
        for name, item in mapping(document.get(kind)).items():
            options, called = mapping(item), f"{kind[:-1]} {name[:60]}"
            if _is_on(options.get("external")):
                yield "external", f"{called} is external: it belongs to another project", False
            yield from _driver(called, options, outside)


def _driver(called: str, options: Mapping[str, Any], outside: Outside) -> Iterator[Found]:
    driver, own = str(options.get("driver") or ""), mapping(options.get("driver_opts"))
    if driver in ("host", "macvlan", "ipvlan"):
        yield "driver", f"{called} is a network of the host", True
    elif driver not in ("", "local", "bridge", "default", "null", "none"):
        yield "driver", f"{called} needs the driver {driver[:40]}, which is not to be had", False
    device = own.get("device")
    if device is not None and (outside(device) or "bind" not in str(own.get("o"))):
        yield "device", f"{called} is a path or a device of the host", True
    if called.startswith("network") and str(own.get("parent") or ""):
        yield "parent", f"{called} is a network of the host", True


def _configs_and_secrets(document: Mapping[str, Any], outside: Outside) -> Iterator[Found]:
    for kind in ("configs", "secrets"):
        for name, item in mapping(document.get(kind)).items():
            options, called = mapping(item), f"{kind[:-1]} {name[:60]}"
            source = options.get("file")
            if source and outside(source):
                yield str(source), f"{called} is {_short(source)}, outside the repository", True
            if _is_on(options.get("external")):
                yield "external", f"{called} is external: it belongs to another project", False


def _rights(name: str, service: Mapping[str, Any]) -> Iterator[Found]:
    if _is_on(service.get("privileged")):
        yield "privileged", f"service {name} asks to be privileged", True
    for key in _NAMESPACES:
        value = str(service.get(key) or "")
        if value not in _HARMLESS and not value.startswith("service:"):
            yield key, f"service {name} asks for {key}: {_short(value)}", True
    for key in _POWERS:
        if _is_on(service.get(key)):
            yield key, f"service {name} asks for {key}: {_short(service[key])}", True
    for option in listed(service.get("security_opt")):
        if not re.fullmatch(r"no-new-privileges([:=]true)?", str(option)):
            yield "security_opt", f"service {name} weakens its seal: {_short(option)}", True
    for hook in (*listed(service.get("post_start")), *listed(service.get("pre_stop"))):
        if _is_on(mapping(hook).get("privileged")):
            yield "privileged", f"service {name} asks to be privileged for a command", True
    resources = mapping(mapping(service.get("deploy")).get("resources"))
    if mapping(resources.get("reservations")).get("devices"):
        yield "devices", f"service {name} needs a device, which is not given", False


def _mounts(name: str, service: Mapping[str, Any], outside: Outside) -> Iterator[Found]:
    for volume in listed(service.get("volumes")):
        source = _bound(volume)
        if source and (_SOCKET.search(source) or outside(source)):
            what = "the engine's socket" if _SOCKET.search(source) else f"{_short(source)} of the host"
            yield source, f"service {name} mounts {what}", True
    for other in listed(service.get("volumes_from")):
        if str(other).startswith("container:"):
            yield "volumes_from", f"service {name} takes the volumes of {_short(other)}", True


def _bound(volume: Any) -> str:
    """The host's side of a mount, empty for a named or nameless volume."""
    if isinstance(volume, dict):
        return str(volume.get("source") or "") if volume.get("type") in ("bind", "npipe") else ""
    source, colon, _ = str(volume).partition(":")
    return source if colon and re.match(r"[./~\\]", source) else ""


def _files(tree: SourceTree, name: str, service: Mapping[str, Any], outside: Outside) -> Iterator[Found]:
    extends = mapping(service.get("extends")).get("file")
    if extends and outside(extends):
        yield "extends", f"service {name} extends {_short(extends)}, outside the repository", True
    for key in ("env_file", "label_file"):
        for item in listed(service.get(key)):
            file = item.get("path") if isinstance(item, dict) else item
            if file and outside(file):
                yield str(file), f"service {name} reads {_short(file)}, outside the repository", True


def _built(name: str, options: Mapping[str, Any], outside: Outside) -> Iterator[Found]:
    context = options.get("context")
    if context and outside(context):
        yield str(context), f"service {name} builds from {_short(context)}, outside", True
    dockerfile = options.get("dockerfile")
    if dockerfile and outside(f"{str(context or '.').rstrip('/')}/{dockerfile}"):
        yield str(dockerfile), f"service {name} builds from {_short(dockerfile)}, outside", True
    for key in _LESS_SEALED:
        if options.get(key) and options[key] not in ("none", "default"):
            yield key, f"service {name} builds with {key}", True
    for source in mapping(options.get("additional_contexts")).values():
        if outside(source):
            yield "additional_contexts", f"service {name} builds with {_short(source)}", False
    for key in ("cache_from", "cache_to"):
        for entry in listed(options.get(key)):
            place = re.search(r"(?:src|dest)=([^,]+)", str(entry))
            if place and outside(place[1]):
                yield key, f"service {name} keeps its cache at {_short(place[1])} of the host", True


def _is_on(value: Any) -> bool:
    """Whether an option is set; a quoted `false` is none."""
    return bool(value) and str(value).strip().lower() not in _FALSE


def _short(value: Any) -> str:
    return str(value)[:80]


def _line(text: str, token: str) -> int | None:
    return next((n for n, line in enumerate(text.splitlines(), 1) if token[:80] in line), None)
