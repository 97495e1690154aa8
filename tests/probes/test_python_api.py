"""What a Python project uses of a library with a manifest: made-up names are seen, unsure ones left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.core.protocols import Subject
from runner.core.records import Finding, Outcome
from runner.core.tree import SourceFile, SourceTree
from runner.pipeline.manifest import written
from runner.probes.kit.python.versions import wanted_version
from runner.probes.python_project import PROBE

BASE = Path(__file__).parents[2] / "sandboxes/base/manifests"


async def judged(texts: dict[str, str], manifests: Path = BASE) -> Finding:
    files = {name: SourceFile(name, 0o100644, text.encode()) for name, text in texts.items()}
    found = await PROBE.run(Subject(tree=SourceTree(digest="t", files=files), run="r", manifests=manifests))
    return next(finding for finding in found if finding.check == "python_project.api")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import json\njson.parse('1')", "json.parse does not exist"),
        ("import json as j\nj.stringify(1)", "json.stringify does not exist"),
        ("from json import parse", "json.parse does not exist"),
        ("def f():\n    from json import dump, to_text", "json.to_text does not exist"),
        ("import json.decoder\njson.decoder.decode('1')", "json.decoder.decode does not exist"),
        ("from json import decoder\ndecoder.JSONReader()", "json.decoder.JSONReader does not exist"),
        ("from pathlib import Path\nPath.from_text('a')", "Path.from_text does not exist"),
        ("import pathlib\npathlib.Path.homedir()", "Path.homedir does not exist"),
        ("import argparse\nargparse.ArgumentParser(name='x')", "argparse.ArgumentParser takes no name="),
        ("from shutil import copytree\ncopytree('a', 'b', over=True)", "shutil.copytree takes no over="),
        ("import sqlite3\nsqlite3.open('a.db')", "sqlite3.open does not exist"),
    ],
)
async def test_what_is_made_up_is_found(source: str, says: str) -> None:
    finding = await judged({"app/main.py": source})
    assert finding.outcome is Outcome.FAIL, finding
    assert says in finding.message
    assert "judged by" in finding.message
    assert [place.path for place in finding.locations] == ["app/main.py"]


@pytest.mark.parametrize(
    "source",
    [
        "import json\njson.loads('1', parse_float=str, whatever=1)",  # a decoder of one's own may take more
        "import json\njson.JSONDecoder().decode('1')",
        "from json.decoder import JSONDecodeError",
        "import json\ndef f(json):\n    return json.parse()",
        "import json\nfor json in (): json.parse",
        "try:\n    from json import loads, parse\nexcept ImportError:\n    parse = loads",
        "import json\ntry:\n    json.parse('1')\nexcept AttributeError:\n    pass",
        "import json\nif hasattr(json, 'parse'):\n    json.parse('1')",
        "import json\nimport sys\nif sys.version_info >= (4,):\n    json.parse('1')",
        "import json\nfrom contextlib import suppress\nwith suppress(AttributeError):\n    json.parse('1')",
        "import json\njson.parse = json.loads\njson.parse('1')",
        "import json\njson.__version__",
        "from json import *",
        "try:\n    import orjson as json\nexcept ImportError:\n    import json\njson.parse('1')",
        "import json\nparser = json.loads\nparser.parse('1')",
        "import argparse\noptions = argparse.ArgumentParser().parse_args()\noptions.anything",
        "import pathlib\npathlib.Path('a').made_up()",  # what an instance has is not followed
        "'''json.parse('1')'''\nimport json  # json.parse",
    ],
)
async def test_what_is_real_or_unsure_is_left_alone(source: str) -> None:
    finding = await judged({"app/main.py": source, "app/other.py": "import json\njson.loads('1')\n"})
    assert finding.outcome is Outcome.PASS, finding


async def test_where_no_manifest_speaks_nothing_is_judged() -> None:
    assert (await judged({"app/main.py": "import os\nos.made_up()"})).outcome is Outcome.NOT_APPLICABLE
    assert (await judged({"README.md": "# Hi"})).outcome is Outcome.NOT_APPLICABLE
    own = {"app/main.py": "import json\njson.parse('1')", "app/json.py": "def parse(text): ..."}
    assert (await judged(own)).outcome is Outcome.NOT_APPLICABLE


async def test_tests_are_read_too() -> None:
    texts = {"app/main.py": "import json\n", "tests/test_main.py": "import json\n\njson.parse('1')\n"}
    finding = await judged(texts)
    assert [(place.path, place.line) for place in finding.locations] == [("tests/test_main.py", 3)]


def manifest(folder: Path, version: str, *functions: str, constants: tuple[str, ...] = ()) -> None:
    facts = {
        "kind": "module",
        "ancestors": [],
        "constants": list(constants),
        "singleton": {name: {"parameters": ["rest args"]} for name in functions},
        "instance": {},
    }
    document = {"language": "python", "library": "small_llm", "version": version, "root": "small_llm"}
    text = written({**document, "modules": {"small_llm": facts}})
    (folder / f"small_llm-{version}.json").write_text(text)


CALL = "import small_llm\nsmall_llm.answer('Hi')\n"
OLD, NEW = "small_llm 1.0.0", "small_llm 2.0.0"


@pytest.mark.parametrize(
    ("pinned", "outcome", "by"),
    [
        ({"requirements.txt": "small-llm[fast]==1.0.0\n"}, Outcome.FAIL, OLD),
        ({"requirements.txt": "small_llm == 2.0.0 # new\n"}, Outcome.PASS, NEW),
        ({"uv.lock": '[[package]]\nname = "small-llm"\nversion = "1.0.0"\n'}, Outcome.FAIL, OLD),
        ({"Pipfile.lock": '{"default": {"small-llm": {"version": "==1.0.0"}}}'}, Outcome.FAIL, OLD),
        ({"requirements.txt": "small_llm>=1\n"}, Outcome.PASS, NEW),
        ({"requirements.txt": "small_llm==0.9\n"}, Outcome.UNKNOWN, f"{OLD}, the nearest known to 0.9"),
        ({"requirements.txt": "small_llm==1.0.3\n"}, Outcome.PASS, f"{NEW}, the nearest known to 1.0.3"),
        ({"poetry.lock": "[[package", "Pipfile.lock": "[1]"}, Outcome.PASS, NEW),
    ],
)
async def test_the_version_that_the_project_locks_decides(
    tmp_path: Path, pinned: dict[str, str], outcome: Outcome, by: str
) -> None:
    manifest(tmp_path, "1.0.0", "ask")
    manifest(tmp_path, "2.0.0", "ask", "answer")
    finding = await judged({"app/main.py": CALL, **pinned}, tmp_path)
    assert finding.outcome is outcome, finding
    assert by in finding.message


async def test_a_module_that_makes_names_up_itself_is_not_judged(tmp_path: Path) -> None:
    manifest(tmp_path, "1.0.0", "ask", constants=("__getattr__",))
    assert (await judged({"app/main.py": CALL}, tmp_path)).outcome is Outcome.PASS


def test_pythons_own_version_is_that_of_its_parts() -> None:
    files = {".python-version": SourceFile(".python-version", 0o100644, b"3.12.4\n")}
    assert wanted_version(SourceTree(digest="t", files=files), "json") == (3, 12, 4)
    assert wanted_version(SourceTree(digest="t", files={}), "json") is None


@pytest.mark.parametrize("path", sorted(BASE.glob("*.json")), ids=lambda path: path.stem)
def test_a_file_is_named_after_what_it_holds(path: Path) -> None:
    document = json.loads(path.read_text())
    assert path.stem == f"{document['library']}-{document['version']}"
    assert path.read_text() == written(document)
