"""Prints the public API of an installed Python package as JSON, by reflection. Runs inside a sandbox.

Arguments: the name to import. The layout is that of reflect.rb: a module or class has `singleton` functions
(called on itself) and `instance` methods; parameters read `kind name`, with `pos`/`optpos` for those that
cannot be given by keyword.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import sys
from types import ModuleType
from typing import Any

KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: ("pos", "optpos"),
    inspect.Parameter.POSITIONAL_OR_KEYWORD: ("req", "opt"),
    inspect.Parameter.VAR_POSITIONAL: ("rest", "rest"),
    inspect.Parameter.KEYWORD_ONLY: ("keyreq", "key"),
    inspect.Parameter.VAR_KEYWORD: ("keyrest", "keyrest"),
}
# From 3.14 on a signature evaluates annotations, and they may name what only type checkers import.
WITHOUT_TYPES: dict[str, Any] = {}
if sys.version_info >= (3, 14):
    import annotationlib

    WITHOUT_TYPES["annotation_format"] = annotationlib.Format.STRING
ANYTHING = ["rest args", "keyrest kwargs"]


def parameters(function: Any, skip_self: bool) -> list[str]:
    """`kind name` of each; anything where the function does not tell (many written in C)."""
    try:
        found = list(inspect.signature(function, **WITHOUT_TYPES).parameters.values())
    except Exception:
        return ANYTHING
    found = found[1:] if skip_self and found else found
    return [f"{KINDS[p.kind][p.default is not inspect.Parameter.empty]} {p.name}" for p in found]


def signature(function: Any, skip_self: bool = False) -> dict[str, Any]:
    """The facts of one callable."""
    try:
        returns = function.__annotations__["return"]
    except Exception:  # absent, or naming what only a type checker imports
        returns = None
    name = returns if isinstance(returns, str) else getattr(returns, "__qualname__", None)
    return {"parameters": parameters(function, skip_self), **({"returns": name} if name else {})}


def is_public(name: str) -> bool:
    """Whether a name is meant for users."""
    return not name.startswith("_")


def class_facts(kind: type) -> dict[str, Any]:
    """A class: what is called on it, and on its instances."""
    singleton, instance, constants = {"new": signature(kind)}, {}, []
    for name, value in inspect.getmembers_static(kind):
        if not is_public(name):
            continue
        if isinstance(value, staticmethod | classmethod):
            singleton[name] = signature(getattr(kind, name))
        elif callable(value):
            instance[name] = signature(value, skip_self=True)
        elif isinstance(value, property) or inspect.isdatadescriptor(value):
            instance[name] = {"parameters": []}
        else:
            constants.append(name)
    ancestors = [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__[1:-1]]
    facts = {"kind": "class", "ancestors": ancestors, "constants": constants}
    return {**facts, "singleton": singleton, "instance": instance}


def module_facts(module: ModuleType) -> dict[str, Any]:
    """A module: its functions, and the names of all else in it."""
    singleton, constants = {}, ["__getattr__"] if hasattr(module, "__getattr__") else []
    for name, value in vars(module).items():
        if not is_public(name):
            continue
        if callable(value) and not isinstance(value, type):
            singleton[name] = signature(value)
        else:
            constants.append(name)
    return {
        "kind": "module",
        "ancestors": [],
        "constants": sorted(constants),
        "singleton": singleton,
        "instance": {},
    }


def modules(name: str) -> dict[str, ModuleType]:
    """The package and what lies below it, as far as it can be imported."""
    root = importlib.import_module(name)
    found = {name: root}
    for info in pkgutil.walk_packages(getattr(root, "__path__", []), f"{name}.", onerror=lambda _: None):
        if any(part.startswith("_") for part in info.name.split(".")):
            continue
        try:
            found[info.name] = importlib.import_module(info.name)
        except Exception:
            continue  # what needs another package is not there without it either
    return found


def manifest(name: str) -> dict[str, Any]:
    """The facts of one package; the version of a part of Python is Python's own."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = ".".join(map(str, sys.version_info[:3]))
    facts: dict[str, Any] = {}
    for path, module in modules(name).items():
        facts[path] = module_facts(module)
        for value in vars(module).values():
            if isinstance(value, type) and is_public(value.__name__) and value.__module__.startswith(name):
                facts[f"{value.__module__}.{value.__qualname__}"] = class_facts(value)
    return {"language": "python", "library": name, "version": version, "root": name, "modules": facts}


if __name__ == "__main__":
    print(json.dumps(manifest(sys.argv[1])))
