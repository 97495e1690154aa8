"""Plug-ins are files: a folder's module names are the plug-ins' names."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType

from runner.core.errors import UserError


def names(package: ModuleType) -> list[str]:
    """Sorted plug-in names of a package: its modules, not its sub-packages, without importing them."""
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.ispkg)


def load(package: ModuleType, name: str, kind: str) -> ModuleType:
    """The plug-in's module. Raises UserError that lists the known names if there is none."""
    known = names(package)
    if name not in known:
        raise UserError(f"unknown {kind} {name!r}; known: {', '.join(known)}")
    return import_module(f"{package.__name__}.{name}")
