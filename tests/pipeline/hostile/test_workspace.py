"""The worst that an agent can leave in its workspace, all at once: sealed, probed and scored as any other."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from docker import APIClient

from runner.core.records import RunStatus
from runner.pipeline.grading.checkout import read_tree
from runner.pipeline.grading.evidence import Laboratory
from runner.pipeline.grading.grader import get_rubric, grade
from runner.pipeline.grading.in_lab import laboratory
from runner.pipeline.settings import Settings
from runner.pipeline.trials.trial import TrialJob, run_attempt
from runner.pipeline.workbench import Workbench
from runner.sandbox.lease import OWNER

pytestmark = pytest.mark.docker
SCRIPT = Path(__file__).with_name("workspace.sh").read_text()
RAN = Path("/tmp/shipworthy-hostile-ran")


def hashed(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


async def test_it_is_sealed_and_graded_and_nothing_comes_of_it(
    bench: Workbench, job: Callable[..., TrialJob], settings: Settings, engine: APIClient
) -> None:
    phases = job().task.phases[:1]
    made = job(
        f"cat > /tmp/w.sh <<'SCRIPT'\n{SCRIPT}\nSCRIPT\nbash /tmp/w.sh 2>&1 | tail -n 50", phases=phases
    )
    run = await run_attempt(bench, made, lambda event: None)
    assert run.status is RunStatus.COMPLETED, run.failure
    sealed = hashed(bench.archive.folder(run))
    tree = read_tree(bench.archive, run)
    names = set(tree.files)
    assert {"line\nfeed.rb", "-rf", "shadow", "root", "setuid", "package.json"} <= names
    assert not any(name.startswith(".git/") or "/.git" in name for name in names)
    assert {"pipe", "socket", "device", "null", "hard", "sparse"}.isdisjoint(names)
    assert tree.files["shadow"].is_link
    assert tree.files["setuid"].mode == 0o100755
    assert "a name that is not UTF-8" in tree.skipped.values()
    lab: Laboratory = laboratory(bench)
    rubric = get_rubric("rails_chat@3", settings)
    graded = await grade(bench.archive, run, rubric, settings, lab, lambda event: None)
    assert graded.score is not None
    assert 0 <= graded.score.low <= graded.score.high <= 100
    assert hashed(bench.archive.folder(run)) == sealed
    assert all(complaints == [] for _, complaints in bench.archive.verify())
    assert not RAN.exists()
    assert b"shipworthy-hostile" not in subprocess.check_output(
        ["ps", "-eo", "args", "--no-headers"]
    ).replace(b"tests/", b"")
    assert engine.containers(all=True, filters={"label": f"{OWNER}={bench.lease.owner}"}) == []
