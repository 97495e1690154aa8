"""Plug-ins are files: a folder's module names are the plug-ins' names.

A package whose plug-ins have hyphens in their names says `JOINED_BY = "-"`: then the module `claude_code`
is the plug-in `claude-code`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType

from runner.core.errors import UserError


def names(package: ModuleType) -> list[str]:
    """Sorted plug-in names of a package: its modules, not its sub-packages, without importing them."""
    return sorted(_modules(package))


def load(package: ModuleType, name: str, kind: str) -> ModuleType:
    """The plug-in's module. Raises UserError that lists the known names if there is none."""
    modules = _modules(package)
    if name not in modules:
        raise UserError(f"unknown {kind} {name!r}; known: {', '.join(sorted(modules))}")
    return import_module(f"{package.__name__}.{modules[name]}")


def _modules(package: ModuleType) -> dict[str, str]:
    """Module names by plug-in name."""
    joined_by: str = getattr(package, "JOINED_BY", "_")
    found = (m.name for m in pkgutil.iter_modules(package.__path__) if not m.ispkg)
    return {name.replace("_", joined_by): name for name in found}
