"""The mirror map: which image of ours stands for one that a produced repository names."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from runner.core.errors import SpecError

_REGISTRIES = ("docker.io/", "index.docker.io/", "registry-1.docker.io/", "registry.hub.docker.com/")


class Mirror(BaseModel):
    """One entry; see sandboxes/mirror.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: tuple[str, ...]
    sandbox: str
    prepare: str = ""
    env: dict[str, str] = {}
    drops: frozenset[str] = frozenset()


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    mirrors: tuple[Mirror, ...]


@dataclass(frozen=True)
class MirrorMap:
    """All entries, in order."""

    mirrors: tuple[Mirror, ...] = ()

    def find(self, reference: str) -> Mirror | None:
        """The first entry whose pattern fits an image's name; its digest does not matter."""
        name = plain_name(reference)
        fitting = (m for m in self.mirrors if any(fnmatchcase(name, pattern) for pattern in m.images))
        return next(fitting, None)


def load_mirrors(path: Path) -> MirrorMap:
    """The map in a file. Raises SpecError naming file and field."""
    try:
        return MirrorMap(_Document.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).mirrors)
    except (OSError, yaml.YAMLError) as error:
        raise SpecError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SpecError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def plain_name(reference: str) -> str:
    """name:tag of an image, without the usual registry and without its digest."""
    name = reference.strip().lower().partition("@")[0]
    name = next((name.removeprefix(r) for r in _REGISTRIES if name.startswith(r)), name)
    name = name.removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
