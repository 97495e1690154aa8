"""Every case folder `<probe>/<case>/`: a small repository in `repo/`, what is expected in `expected.yaml`.

`expected.yaml` maps check ids to an outcome, or to `{outcome, locations: [path:line]}`; only what it lists is
compared. Its checks say which probes are run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runner import probes
from runner.core import registry
from runner.core.protocols import Probe, Subject
from runner.core.records import Finding, Outcome
from runner.core.tree import SourceTree

HERE = Path(__file__).parent
MANIFESTS = HERE.parents[1] / "sandboxes/rails/manifests"
CASES = sorted(path.parent for path in HERE.glob("*/*/expected.yaml"))


def load(name: str) -> Probe:
    probe: Probe = registry.load(probes, name, "probe").PROBE
    return probe


def expectation(written: Any) -> dict[str, Any]:
    return written if isinstance(written, dict) else {"outcome": written}


def check_shape(probe: Probe, found: list[Finding], tree: SourceTree) -> None:
    """Exactly one finding per declared check, each with a message and places that exist."""
    assert sorted(f.check for f in found) == sorted(probe.checks)
    for finding in found:
        assert finding.message
        for place in finding.locations:
            assert place.path in tree
            if place.line is not None:
                assert 1 <= place.line <= len((tree.text(place.path) or "").splitlines())


@pytest.mark.parametrize("case", CASES, ids=lambda p: f"{p.parent.name}-{p.name}")
async def test_case(case: Path, read: Any) -> None:
    expected: dict[str, Any] = yaml.safe_load((case / "expected.yaml").read_text())
    tree = read(case / "repo")
    found: dict[str, Finding] = {}
    for name in sorted({check.split(".")[0] for check in expected}):
        probe = load(name)
        results = await probe.run(Subject(tree=tree, run="case", manifests=MANIFESTS))
        check_shape(probe, results, tree)
        found |= {finding.check: finding for finding in results}
    for check, written in expected.items():
        wanted, finding = expectation(written), found[check]
        assert finding.outcome == Outcome(wanted["outcome"]), finding
        if "locations" in wanted:
            assert [f"{p.path}:{p.line}" for p in finding.locations] == wanted["locations"], finding


@pytest.mark.parametrize("name", registry.names(probes))
async def test_a_repository_without_files(name: str) -> None:
    probe = load(name)
    if not probe.needs_lab:
        tree = SourceTree(digest="empty", files={})
        check_shape(probe, await probe.run(Subject(tree=tree, run="empty", manifests=MANIFESTS)), tree)
