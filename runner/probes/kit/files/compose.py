"""Compose files: which there are, what services they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner.core.tree import SourceTree
from runner.probes.kit.files import yaml_data

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


@dataclass(frozen=True)
class ComposeFile:
    """One compose file; `problem` says why it cannot be read."""

    path: str
    services: dict[str, dict[str, Any]]
    problem: str | None = None
    line: int | None = None


def compose_files(tree: SourceTree, folders: tuple[str, ...]) -> list[ComposeFile]:
    """The compose files of these folders (`""` or ending with `/`), in Compose's own order of names."""
    paths = [folder + name for folder in folders for name in NAMES]
    return [_read(path, text) for path in paths if (text := tree.text(path)) is not None]


def _read(path: str, text: str) -> ComposeFile:
    try:
        document = yaml_data.load(text)
    except yaml_data.BrokenYaml as error:
        return ComposeFile(path, {}, f"not readable as YAML: {error}", error.line)
    if not isinstance(document, dict):
        return ComposeFile(path, {}, "not a mapping")
    services = yaml_data.mapping(document.get("services"))
    named = {name: yaml_data.mapping(item) for name, item in services.items()}
    runnable = {name: item for name, item in named.items() if _is_service(item)}
    return ComposeFile(path, runnable, None if runnable else "names no service with an image or a build")


def _is_service(item: dict[str, Any]) -> bool:
    return any(item.get(key) for key in ("image", "build", "extends"))


def dockerfiles_built(file: ComposeFile) -> list[str]:
    """The Dockerfiles its services build, relative to the repository's root."""
    folder = file.path.rpartition("/")[0]
    found = []
    for service in file.services.values():
        build = service.get("build")
        options = yaml_data.mapping(build)
        context = str(options.get("context", ".") if options else build or "")
        if context:
            found.append(_joined(folder, context, str(options.get("dockerfile") or "Dockerfile")))
    return found


def _joined(*parts: str) -> str:
    return "/".join(piece for part in parts for piece in part.split("/") if piece not in ("", "."))
