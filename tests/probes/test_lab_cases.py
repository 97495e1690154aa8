"""Every case folder `<probe>/<case>/` with a `lab.yaml`: a small app, run in the lab, and what is expected.

`repo/` is laid over `lab_app/`, a whole small chat app (or over the folder `under`; `alone: true`: over
nothing), without the files that `without` lists, with `edits` as {path: {old text: new text}}, and all of it
moved below `folder`. `image` is the sandbox's, `helper` that of what joins it. `resources` and `limit_s`
bound it. What fails is looked at once, unless `tries` says more. `expected` maps each check to an outcome, or
to `{outcome, says, locations, values}`: a part of the message, some of its places and values; `others` is the
outcome of the checks that it does not list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from docker import APIClient

from runner.core.protocols import Probe, SandboxBackend, Subject
from runner.core.records import Finding, Outcome, Resources
from runner.core.tree import SourceTree
from runner.probes.boot import BootProbe
from runner.probes.chat_turn import ChatTurnProbe
from runner.probes.endurance import EnduranceProbe
from runner.probes.failed_turn import FailedTurnProbe
from runner.probes.notes_behaviour import NotesBehaviour
from runner.probes.python_suite import PythonSuite
from runner.probes.suite import SuiteProbe
from runner.probes.suite_strength import SuiteStrengthProbe
from runner.probes.visit import VisitProbe
from runner.sandbox.lease import OWNER, Lease

pytestmark = pytest.mark.docker

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/lab.yaml"))
CONVERSING: dict[str, Callable[[int], Probe]] = {
    "chat_turn": ChatTurnProbe,
    "endurance": EnduranceProbe,
    "failed_turn": FailedTurnProbe,
    "visit": VisitProbe,
}
Read = Callable[[Path], SourceTree]


def tree_of(case: Path, read: Read, told: dict[str, Any]) -> SourceTree:
    under = {} if told.get("alone") else dict(read(HERE / told.get("under", "lab_app")).files)
    for path in told.get("without", []):
        del under[path]
    over = read(case / "repo")
    files = {**under, **over.files}
    for path, edits in told.get("edits", {}).items():
        for old, new in edits.items():
            assert files[path].content.count(old.encode()) == 1, old
            content = files[path].content.replace(old.encode(), new.encode())
            files[path] = replace(files[path], content=content)
    folder = told.get("folder", "")
    moved = {folder + path: replace(file, path=folder + path) for path, file in files.items()}
    return SourceTree(digest=over.digest, files=moved)


def probe_of(case: Path, told: dict[str, Any]) -> Probe:
    name, limit_s, tries = case.parent.name, told.get("limit_s", 60), told.get("tries", 1)
    if name in CONVERSING:
        return CONVERSING[name](tries)
    if name == "boot":
        return BootProbe(limit_s, tries)
    bounded = {
        "suite": SuiteProbe,
        "suite_strength": SuiteStrengthProbe,
        "python_suite": PythonSuite,
    }
    return bounded.get(name, NotesBehaviour)(limit_s)


def left_over(engine: APIClient, lease: Lease) -> list[str]:
    found = engine.containers(all=True, filters={"label": f"{OWNER}={lease.labels[OWNER]}"})
    return [container["Id"] for container in found]


def check(finding: Finding, wanted: dict[str, Any], tree: SourceTree) -> None:
    assert finding.outcome == Outcome(wanted["outcome"]), finding
    assert wanted.get("says", "") in finding.message
    for place in finding.locations:
        assert place.line is not None
        assert place.line <= len((tree.text(place.path) or "").splitlines())
    if "locations" in wanted:
        places = [f"{place.path}:{place.line}" for place in finding.locations]
        assert set(places) >= set(wanted["locations"])
    for name, value in wanted.get("values", {}).items():
        assert finding.values[name] == value, finding


@pytest.fixture
def empty(backend: SandboxBackend, images: dict[str, str], tmp_path: Path) -> Subject:
    """A subject without files, in a real lab."""
    return Subject(
        tree=SourceTree(digest="empty", files={}),
        run="case",
        manifests=Path(__file__).parents[2] / "sandboxes/rails/manifests",
        backend=backend,
        image=images["rails"],
        helper_image=images["lab"],
        artifacts=tmp_path / "artifacts",
    )


@pytest.mark.parametrize("case", CASES, ids=lambda p: f"{p.parent.name}-{p.name}")
async def test_case(
    case: Path, read: Read, empty: Subject, images: dict[str, str], engine: APIClient, lease: Lease
) -> None:
    told = yaml.safe_load((case / "lab.yaml").read_text())
    tree = tree_of(case, read, told)
    image = images[told.get("image", "rails")]
    helper, bounds = images[told.get("helper", "lab")], Resources(**told.get("resources", {}))
    subject = replace(empty, tree=tree, image=image, helper_image=helper, resources=bounds)
    probe = probe_of(case, told)
    found = {finding.check: finding for finding in await probe.run(subject)}
    expected = (dict.fromkeys(probe.checks, told["others"]) if "others" in told else {}) | told["expected"]
    assert sorted(found) == sorted(probe.checks) == sorted(expected)
    for name, wanted in expected.items():
        check(found[name], wanted if isinstance(wanted, dict) else {"outcome": wanted}, tree)
    assert left_over(engine, lease) == []
    assert subject.artifacts is not None
    assert all(path.stat().st_size < 1_000_000 for path in subject.artifacts.rglob("*"))


async def test_a_cancelled_probe_leaves_nothing(
    read: Read, empty: Subject, engine: APIClient, lease: Lease
) -> None:
    subject = replace(empty, tree=read(HERE / "lab_app"))
    running = asyncio.create_task(ChatTurnProbe().run(subject))
    while len(left_over(engine, lease)) < 2:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert left_over(engine, lease) == []
