from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.archive.archive import Archive
from runner.core.errors import UserError
from runner.core.locks import lock
from runner.core.records import (
    Calibration,
    Evidence,
    Finding,
    Improvement,
    Outcome,
    Run,
    RunStatus,
    Score,
    Trial,
    Usage,
)
from runner.storage.local import LocalStore

AT = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)


def trial(model: str = "demo/a", epoch: int = 1) -> Trial:
    return Trial(
        task="t", task_digest="d", model=model, model_digest="m", agent="bash", agent_version="1", epoch=epoch
    )


def sealed(archive: Archive, of: Trial, started: datetime = AT) -> Run:
    attempt = archive.new_attempt(of)
    attempt.transcript.write_text('{"n":1}\n')
    (attempt.logs / "build.log").write_text("log")
    run = Run(
        trial=of,
        attempt=attempt.number,
        status=RunStatus.COMPLETED,
        started=started,
        finished=started,
        phases=(),
        usage=Usage(),
        image="i",
        tree="abc",
    )
    return archive.seal(attempt, run)


def evidence(outcome: Outcome = Outcome.PASS) -> Evidence:
    finding = Finding(check="p.c", outcome=outcome, message="m")
    return Evidence(tree="abc", probe="p", version=1, environment="e", findings=(finding,))


def score(run: Run, high: float = 90, digest: str = "e" * 64) -> Score:
    return Score(
        run=run.id,
        rubric="r@1",
        rubric_digest="d" * 64,
        evidence_digest=digest,
        dimensions=(),
        low=high,
        high=high,
        tier="A",
    )


def calibration(run: Run, digest: str = "e" * 64) -> Calibration:
    return Calibration(
        run=run.id,
        task="t",
        phase="review",
        tree="abc",
        goals_digest="g" * 64,
        reading=1,
        evidence_digest=digest,
        file="SELF_REVIEW.md",
        file_found=True,
        goals=(),
        counts={"holds": 90},
    )


def improvement(run: Run, rubric_digest: str = "d" * 64, phase: str = "repair") -> Improvement:
    return Improvement(
        run=run.id,
        phase=phase,
        rubric="r@1",
        rubric_digest=rubric_digest,
        before_tree="abc",
        after_tree="def",
        evidence_digest="e" * 64,
        before_low=50,
        before_high=50,
        after_low=90,
        after_high=90,
        gained_low=40,
        gained_high=40,
    )


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path, LocalStore(tmp_path))


def below(archive: Archive, kind: str) -> list[Path]:
    return sorted((archive.root / kind).rglob("*.json"))


def complaints(archive: Archive) -> dict[str, list[str]]:
    return {name: list(said) for name, said in archive.verify() if said}


def test_a_sealed_run_comes_back(archive: Archive) -> None:
    run = sealed(archive, trial())
    assert archive.runs() == [run]
    assert set(run.files) == {"transcript.jsonl", "logs/build.log"}
    assert complaints(archive) == {}


def test_attempts_are_separate_and_counted(archive: Archive) -> None:
    first, second = sealed(archive, trial()), sealed(archive, trial())
    assert (first.attempt, second.attempt) == (1, 2)
    assert archive.runs(trial()) == [first, second]


def test_an_unsealed_attempt_is_no_run(archive: Archive) -> None:
    archive.new_attempt(trial())
    assert archive.runs() == []


def test_an_attempt_in_use_is_not_abandoned(archive: Archive) -> None:
    attempt = archive.new_attempt(trial())
    assert archive.abandoned(trial()) == []
    attempt.close()
    assert [a.number for a in archive.abandoned(trial())] == [1]


def test_an_attempt_of_a_killed_process_is_abandoned(archive: Archive) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from runner.archive.archive import Archive;"
        "from runner.core.records import Trial; from runner.storage.local import LocalStore;"
        "root = Path(sys.argv[1]); Archive(root, LocalStore(root)).new_attempt("
        "Trial(task='t', task_digest='d', model='demo/a', model_digest='m',"
        "agent='bash', agent_version='1', epoch=1));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(archive.root)], check=False)
    assert [a.number for a in archive.abandoned(trial())] == [1]


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        ("transcript.jsonl", "write", "transcript.jsonl: was changed"),
        ("logs/build.log", "remove", "logs/build.log: is missing"),
        ("logs/new.log", "write", "logs/new.log: was added"),
    ],
)
def test_verify_names_what_changed(archive: Archive, path: str, change: str, said: str) -> None:
    run = sealed(archive, trial())
    file = archive.folder(run) / path
    file.unlink() if change == "remove" else file.write_text("other")
    assert complaints(archive) == {f"runs/{run.id}": [said]}


def test_verify_notices_a_changed_seal(archive: Archive) -> None:
    run = sealed(archive, trial())
    file = archive.folder(run) / "run.json"
    document = json.loads(file.read_text())
    document["record"]["usage"]["cost_usd"] = 0.01
    file.write_text(json.dumps(document))
    ((_, (said,)),) = complaints(archive).items()
    assert "does not match its digest" in said


@pytest.mark.parametrize(
    "content", ["", "{", '{"digest": "x"}', '{"digest": "x", "record": {"no": 1}}', "[]"]
)
def test_a_damaged_record_is_named(archive: Archive, content: str) -> None:
    good, run = sealed(archive, trial("demo/b")), sealed(archive, trial())
    (archive.folder(run) / "run.json").write_text(content)
    assert archive.runs() == [good]
    assert "run.json: is damaged" in archive.damaged[f"runs/{run.id}/run.json"]
    assert len(complaints(archive)) == 1


def test_verify_names_a_changed_record_of_any_kind(archive: Archive) -> None:
    run = sealed(archive, trial())
    archive.add_evidence(evidence())
    archive.add_score(score(run))
    archive.add_calibration(calibration(run))
    archive.add_improvement(improvement(run))
    assert complaints(archive) == {}
    made = [
        f for kind in ("evidence", "scores", "calibrations", "improvements") for f in below(archive, kind)
    ]
    for file in made:
        file.write_text(file.read_text().replace('"pass"', '"fail"').replace("90", "95"))
    assert len(complaints(archive)) == len(made) == 4


def test_verify_names_a_run_whose_runner_died(archive: Archive) -> None:
    archive.new_attempt(trial()).close()
    assert "not sealed" in next(iter(complaints(archive).values()))[0]


def test_the_first_evidence_stays(archive: Archive) -> None:
    assert archive.add_evidence(evidence()) == evidence()
    assert archive.add_evidence(evidence(Outcome.FAIL)) == evidence()
    assert archive.evidence("abc", "p", 1, "e") == evidence()
    assert archive.evidence("abc", "p", 2, "e") is None
    assert archive.latest_evidence("abc", "p", 1) == evidence()


def test_old_scores_remain(archive: Archive) -> None:
    run = sealed(archive, trial())
    archive.add_score(score(run, 90))
    archive.add_score(score(run, 90))
    archive.add_score(score(run, 70, "f" * 64))
    assert [s.high for s in archive.scores(run)] == [90, 70]


def test_calibrations_and_improvements_are_kept_once(archive: Archive) -> None:
    run, other = sealed(archive, trial()), sealed(archive, trial())
    for digest in ("e" * 64, "e" * 64, "f" * 64):
        archive.add_calibration(calibration(run, digest))
    assert [c.evidence_digest[0] for c in archive.calibrations(run)] == ["e", "f"]
    for made in (improvement(run), improvement(run), improvement(run, "x" * 64), improvement(run, phase="p")):
        archive.add_improvement(made)
    assert [i.phase for i in archive.improvements(run, "r@1", "d" * 64)] == ["repair", "p"]
    assert [i.phase for i in archive.improvements(run, "r@1", "x" * 64)] == ["repair"]
    assert archive.calibrations(other) == []
    assert archive.improvements(other, "r@1", "d" * 64) == []


def test_runs_are_found_by_what_people_type(archive: Archive) -> None:
    a1, a2 = sealed(archive, trial("demo/a")), sealed(archive, trial("demo/a"))
    b = sealed(archive, trial("demo/b"), AT.replace(hour=13))
    assert archive.find("last") == b
    assert archive.find(a1.id) == a1
    assert archive.find(a1.trial.id) == a2
    assert archive.find("demo/a") == a2
    assert archive.find("demo-b") == b
    with pytest.raises(UserError, match="several"):
        archive.find("bash")
    with pytest.raises(UserError, match="no run is called 'nope'"):
        archive.find("nope")


def test_an_empty_archive_says_how_to_fill_it(archive: Archive) -> None:
    with pytest.raises(UserError, match="make run"):
        archive.find("last")


def test_two_runners_never_share_an_attempt(archive: Archive) -> None:
    folders = {archive.new_attempt(trial()).folder for _ in range(5)}
    assert len(folders) == 5
    assert all(os.path.isdir(f) for f in folders)


def test_an_attempt_sealed_in_between_is_not_abandoned(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = archive.new_attempt(trial())
    attempt.close()

    def sealed_meanwhile(folder: Path) -> int | None:
        (folder / "run.json").write_text("{}")
        return lock(folder)

    monkeypatch.setattr("runner.archive.archive.lock", sealed_meanwhile)  # the fault: another runner's luck
    assert archive.abandoned(trial()) == []
