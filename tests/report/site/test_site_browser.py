"""The site in a real Chromium, in a container without a network: one boot, and what was seen there."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from runner.core.protocols import SandboxSpec
from runner.report.site.build import build
from runner.report.site.entries import Material
from runner.sandbox.docker import DockerBackend

pytestmark = pytest.mark.docker
PYTHON = "/opt/lab/bin/python"
TIMEOUT_S = 240


@pytest.fixture
async def seen(material: Material, images: dict[str, str], backend: DockerBackend, tmp_path: Path) -> Any:
    out = tmp_path / "site"
    build(material, out, lambda line: None)
    files = {f"site/{p.relative_to(out)}": p.read_bytes() for p in out.rglob("*") if p.is_file()}
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_bytes()
    program = Path(__file__).with_name("browse.py").read_bytes()
    async with backend.open(SandboxSpec(image=images["lab"], run="site", purpose="lab")) as sandbox:
        await sandbox.put(files | {"axe.js": axe, "browse.py": program})
        command = [PYTHON, "browse.py", "/workspace/site", "axe.js"]
        done = await sandbox.exec(command, timeout_s=TIMEOUT_S)
    assert done.ok, done.stderr.decode()
    return json.loads(done.stdout)


async def test_the_site_in_a_real_browser(seen: dict[str, Any]) -> None:
    """One test, since one boot serves all: every page, every control, nothing hostile."""
    assert len(seen["pages"]) == 2 * len({name for name, _ in seen["pages"]}) > 20
    assert all(title.endswith("Shipworthy") for _, title in seen["pages"])
    assert seen["faults"] == []
    assert seen["ran"] == []
    assert seen["wide"] == []
    assert seen["axe"] == []

    board = seen["board"]
    assert board["by_rank"][0] == "good/one"
    assert board["best_first"] == ["90", "60", "30"]
    assert (board["worst_first"], board["aria_sort"]) == (["30", "60", "90"], "ascending")

    filters = seen["filters"]
    assert len(filters["all"]) == 3
    assert len(filters["agent"]) == len(filters["after_reload"]) == 1
    assert filters["tier"] == ["good/one", "fair/two"]
    assert sorted(filters["task"]) == ["10", "40", "70"]
    assert filters["charts"] == ["notes"]
    assert filters["effort"] == 3
    assert filters["empty"]
    assert filters["cleared"] == filters["all"]

    compare = seen["compare"]
    assert (compare["told"], compare["untold"], compare["all_told"]) == (1, True, True)
    assert (compare["columns"], compare["fewer"], compare["after_reload"]) == (4, 3, 3)
    assert 0 < compare["differing"] < compare["rows"]

    transcript = seen["transcript"]
    assert (transcript["turns"], transcript["open"], transcript["opened"]) == (3, 0, 3)
    assert transcript["hits"] == ["Turn 2"]
    assert transcript["revealed"] == ["t2"]
    assert transcript["ran"] is None

    assert seen["files"]["shown"] == 1
    assert "onerror" in seen["files"]["name"]
    assert seen["files"]["line"].startswith("puts 1")

    light, dark, auto = seen["theme"]["colours"]
    assert light != dark
    assert auto == light
    assert seen["theme"]["first_stop"] == "Skip to the content"
    assert seen["without_script"] == {"rows": 3, "turns": 3}
