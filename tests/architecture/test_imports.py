"""The architecture: who may import whom, and what no module below the command line may do.

Each rule is a function from modules to violations. It is applied to the whole package, and also to small
planted modules that break it: a rule that catches nothing would pass for ever.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

STAGES = {
    "spec",
    "sandbox",
    "gateway",
    "agents",
    "archive",
    "storage",
    "probes",
    "scoring",
    "stats",
    "report",
}
LAYERS: dict[str, set[str]] = {
    "core": {"core"},
    **{stage: {"core", stage} for stage in STAGES},
    "pipeline": {"core", "pipeline", *STAGES},
    # The command line asks the pipeline to do things; by itself it only reads specs and prints reports.
    "cli": {"core", "spec", "report", "pipeline", "cli"},
}
CORE_LIBRARIES = {*sys.stdlib_module_names, "pydantic"}
READS_ENVIRONMENT = {"environ", "environb", "getenv", "getenvb"}

PACKAGE = Path(__file__).parents[2] / "runner"


@dataclass(frozen=True)
class Module:
    """A parsed module; `name` is dotted, and a package's `__init__` has the package's name."""

    name: str
    tree: ast.Module
    is_package: bool = False

    @property
    def layer(self) -> str:
        """The folder below `runner`, or nothing for `runner` itself."""
        return layer_of(self.name)

    @property
    def runs_inside(self) -> bool:
        """Whether it is a program that is sent into a sandbox and never imported by the host."""
        return "inside" in self.name.split(".") and not self.is_package


def layer_of(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def modules_in(package: Path) -> list[Module]:
    found = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        found.append(Module(name, ast.parse(path.read_text(), str(path)), is_package))
    return found


def planted(sources: Mapping[str, str]) -> list[Module]:
    return [Module(name, ast.parse(source)) for name, source in sources.items()]


def targets(node: ast.AST, module: Module, known: set[str]) -> Iterator[str]:
    """The dotted names an import statement reaches: `from a import b` is a.b if that is a module, else a."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        home = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
        above = home[: len(home) - node.level + 1] if node.level else []
        source = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            yield inner if (inner := f"{source}.{alias.name}") in known else source


def imports(module: Module, known: set[str]) -> Iterator[tuple[str, str]]:
    """Each (place, target) anywhere in the module, also under TYPE_CHECKING and in functions."""
    for node in ast.walk(module.tree):
        for target in targets(node, module, known):
            yield f"{module.name}:{getattr(node, 'lineno', 0)}", target


def names_of(modules: Sequence[Module]) -> set[str]:
    return {m.name for m in modules}


# --- the rules ---------------------------------------------------------------------------------


def undeclared_layers(modules: Sequence[Module]) -> list[str]:
    """Every module belongs to a declared layer; nothing lies loose beside them."""
    return [m.name for m in modules if m.name != "runner" and m.layer not in LAYERS]


def forbidden_imports(module: Module, known: set[str]) -> list[str]:
    """Imports that leave the module's layer for one it may not know."""
    allowed = LAYERS.get(module.layer, set())
    return [
        f"{place} imports {target}"
        for place, target in imports(module, known)
        if target.startswith("runner.") and layer_of(target) not in allowed
    ]


def heavy_core_imports(module: Module, known: set[str]) -> list[str]:
    """What the core imports beside the standard library, pydantic and itself."""
    return [
        f"{place} imports {target}"
        for place, target in imports(module, known)
        if module.layer == "core" and target.split(".")[0] not in {*CORE_LIBRARIES, "runner"}
    ]


def local_imports(module: Module) -> list[str]:
    """Imports inside functions, which hide a dependency or dodge a cycle."""
    functions = [n for n in ast.walk(module.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = {
        node.lineno
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    return [f"{module.name}:{line} imports inside a function" for line in sorted(lines)]


def environment_reads(module: Module) -> list[str]:
    """Reading of the environment below the command line; inside a sandbox it is the sandbox's own."""
    if module.layer == "cli" or module.runs_inside:
        return []
    aliases = aliases_of_os(module)
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            taken = [node.attr]
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            taken = [alias.name for alias in node.names]
        else:
            continue
        found += [f"{module.name}:{node.lineno} reads os.{n}" for n in taken if n in READS_ENVIRONMENT]
    return found


def host_imports(module: Module, known: set[str]) -> list[str]:
    """What a program sent into a sandbox imports of this package beside its own folder: it is not there."""
    own = f"{module.name.partition('.inside')[0]}.inside"
    return [
        f"{place} imports {target}"
        for place, target in imports(module, known)
        if module.runs_inside and target.split(".")[0] == "runner" and not target.startswith(own)
    ]


def aliases_of_os(module: Module) -> set[str]:
    statements = [n for n in ast.walk(module.tree) if isinstance(n, ast.Import)]
    return {a.asname or a.name for n in statements for a in n.names if a.name == "os"}


def cycle(modules: Sequence[Module]) -> list[str]:
    """The names along one import cycle, or nothing."""
    known = names_of(modules)
    graph = {m.name: {t for _, t in imports(m, known) if t in known and t != m.name} for m in modules}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


# --- applied to the package --------------------------------------------------------------------

MODULES = modules_in(PACKAGE)
KNOWN = names_of(MODULES)
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda m: m.name)


def test_every_module_is_in_a_declared_layer() -> None:
    assert undeclared_layers(MODULES) == []


@each_module
def test_layers(module: Module) -> None:
    assert forbidden_imports(module, KNOWN) == []
    assert heavy_core_imports(module, KNOWN) == []


@each_module
def test_no_imports_inside_functions(module: Module) -> None:
    assert local_imports(module) == []


@each_module
def test_the_environment_is_read_by_the_command_line_alone(module: Module) -> None:
    assert environment_reads(module) == []


@each_module
def test_programs_sent_into_a_sandbox_stand_alone(module: Module) -> None:
    assert host_imports(module, KNOWN) == []


def test_no_import_cycles() -> None:
    assert cycle(MODULES) == []


# --- the rules catch what they are for ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("runner.scoring.a", "from runner.report import text"),
        ("runner.scoring.a", "import runner.report.text"),
        ("runner.scoring.a", "from runner import report"),
        ("runner.scoring.a", "from ..report import text"),
        ("runner.scoring.a", "from .. import report"),
        ("runner.scoring.a", "def f():\n    from runner.pipeline import images"),
        (
            "runner.probes.kit.a",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import runner.sandbox.x",
        ),
        ("runner.core.a", "from runner.spec import documents"),
        ("runner.pipeline.a", "from runner.cli import main"),
        ("runner.cli.a", "from runner.sandbox import docker"),
        ("runner", "from runner.core import records"),
    ],
)
def test_a_forbidden_import_is_caught(name: str, source: str) -> None:
    (module,) = planted({name: source})
    assert len(forbidden_imports(module, {*KNOWN, "runner.report"})) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("runner.scoring.a", "from runner.core import records\nfrom runner.scoring import evaluate"),
        ("runner.scoring.a", "from . import evaluate\nfrom .evaluate import evaluate"),
        ("runner.scoring.a", "from runner import __version__\nimport json, rich"),
        ("runner.pipeline.a", "from runner.sandbox import docker\nfrom runner.scoring import evaluate"),
        ("runner.cli.a", "from runner.pipeline import images\nfrom runner.report import text"),
    ],
)
def test_an_allowed_import_is_not(name: str, source: str) -> None:
    (module,) = planted({name: source})
    assert forbidden_imports(module, KNOWN) == []


def test_relative_imports_count_from_the_package() -> None:
    source = ast.parse("from . import report\nfrom .report import text")
    package = Module("runner.scoring", source, is_package=True)
    assert [t for _, t in imports(package, KNOWN)] == ["runner.scoring", "runner.scoring.report"]
    assert forbidden_imports(package, KNOWN) == []


def test_a_heavy_import_in_the_core_is_caught() -> None:
    core, stage = planted(
        {
            "runner.core.a": "import json, rich.text\nfrom pydantic import Field",
            "runner.spec.a": "import rich",
        }
    )
    assert heavy_core_imports(core, KNOWN) == ["runner.core.a:1 imports rich.text"]
    assert heavy_core_imports(stage, KNOWN) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def f():\n    import json", [2]),
        ("async def f():\n    if True:\n        from json import loads", [3]),
        ("class A:\n    def f(self):\n        import json\n        def g():\n            import re", [3, 5]),
        ("import json\nif True:\n    import re\nclass A:\n    import ast", []),
    ],
)
def test_an_import_inside_a_function_is_caught(source: str, lines: list[int]) -> None:
    (module,) = planted({"runner.spec.a": source})
    assert local_imports(module) == [f"runner.spec.a:{n} imports inside a function" for n in lines]


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ("import os\nx = os.environ['A']", 1),
        ("import os as system\nx = system.getenv('A')", 1),
        ("from os import environ, getenv, path", 2),
        ("def f(environ):\n    return environ['A']", 0),
        ("import os\nx = os.path.join('a', 'b')\ny = settings.environ", 0),
    ],
)
def test_reading_the_environment_is_caught(source: str, caught: int) -> None:
    below, above = planted({"runner.gateway.a": source, "runner.cli.a": source})
    assert len(environment_reads(below)) == caught
    assert environment_reads(above) == []


def test_a_program_sent_into_a_sandbox_has_its_own_environment_but_not_this_package() -> None:
    source = "import os\nx = os.environ\nfrom runner.core import records\nfrom .sibling import x"
    inside, host = planted({"runner.agents.inside.a": source, "runner.agents.a": source})
    assert environment_reads(inside) == []
    assert host_imports(inside, KNOWN) == ["runner.agents.inside.a:3 imports runner.core.records"]
    assert host_imports(host, KNOWN) == []


def test_a_cycle_is_caught() -> None:
    straight = {"runner.spec.a": "from runner.spec import b", "runner.spec.b": "import runner.spec.c"}
    assert cycle(planted({**straight, "runner.spec.c": "import json"})) == []
    round_trip = cycle(planted({**straight, "runner.spec.c": "from runner.spec.a import x"}))
    assert set(round_trip) == {"runner.spec.a", "runner.spec.b", "runner.spec.c"}


def test_a_stray_layer_is_caught() -> None:
    stray = planted({"runner": "", "runner.misc.a": "", "runner.loose": "", "runner.spec": ""})
    assert undeclared_layers(stray) == ["runner.misc.a", "runner.loose"]


def test_the_package_was_really_read() -> None:
    assert {"runner", "runner.core.records", "runner.scoring.evaluate"} <= KNOWN
