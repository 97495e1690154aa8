"""Review and repair phases in real containers: what is compared, what the model is told, what is measured."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.core.errors import SpecError
from runner.core.records import Comparison, Run, RunStatus
from runner.pipeline.grading.grader import Graded, get_rubric, grade, lacking_sandboxes, latest
from runner.pipeline.grading.in_lab import laboratory
from runner.pipeline.settings import Settings
from runner.pipeline.trials.benchmark import Request, make_plan
from runner.pipeline.trials.trial import run_attempt
from runner.pipeline.workbench import Workbench

PROJECT = Path(__file__).parents[2]
RUBRIC: dict[str, Any] = {
    "id": "tiny",
    "version": 1,
    "title": "Tiny",
    "tiers": [{"id": "A", "at_least": 0, "meaning": "Any."}],
    "dimensions": [
        {
            "id": "all",
            "title": "All",
            "points": 100,
            "deductions": [
                {"id": "a", "when": "secrets.no_env_file", "points": 40, "because": "A."},
                {"id": "b", "when": "deliverables.compose", "points": 20, "because": "B."},
                {"id": "c", "when": "deliverables.readme", "points": 37, "because": "C."},
            ],
        }
    ],
}
GOALS = [
    {"id": "no_env", "statement": "No settings are\ncommitted.", "checks": ["secrets.no_env_file"]},
    {"id": "compose", "statement": "It comes up.", "checks": ["deliverables.compose"]},
    {"id": "manual", "statement": "It is explained.", "checks": ["deliverables.readme"]},
    {"id": "fast", "statement": "It is fast."},
]
COMPOSE = "printf 'services: {web: {image: x}}\\n' > compose.yaml"
ENV = "echo PASSWORD=hunter22222 > .env"
README = (
    "printf '# Boats\\n\\nA chat about small boats, for a sailing club and its guests.\\n\\n"
    "## Set-up\\n\\n    bundle install\\n\\n## Run\\n\\n    bin/rails server\\n' > README.md"
)
GOOD = (COMPOSE, README)


@dataclass(frozen=True)
class Trying:
    """A way to run a task of these phases with a model that does this in each."""

    bench: Workbench
    settings: Settings

    async def __call__(self, kind: str, prompt: str, **phases: tuple[str, ...]) -> Graded:
        plan = make_plan(
            Request(self.write(kind, prompt, **phases), "tiny", "bash"), self.settings, environ={}
        )
        run = await run_attempt(self.bench, plan.jobs[0], lambda event: None)
        return await self.grade(run)

    async def grade(self, run: Run, engine: bool = True) -> Graded:
        lab = laboratory(self.bench) if engine else None
        rubric = get_rubric(str(self.settings.root / "rubric.yaml"), self.settings)
        return await grade(self.bench.archive, run, rubric, self.settings, lab, lambda event: None)

    def write(self, kind: str, prompt: str, **phases: tuple[str, ...]) -> str:
        folder = self.settings.tasks / "tiny"
        last = {"id": kind, "kind": kind, "prompt": "last.md.j2", "limits": {"wall_s": 60}}
        task = yaml.safe_load((folder / "task.yaml").read_text())
        task |= {"phases": [*task["phases"][:1], last], "goals": GOALS}
        task |= {"rubric": str(self.settings.root / "rubric.yaml")}
        (self.settings.root / "rubric.yaml").write_text(yaml.safe_dump(RUBRIC))
        (folder / "last.md.j2").write_text(prompt)
        (folder / "task.yaml").write_text(yaml.safe_dump(task))
        steps = {name: [*({"run": c} for c in commands), {"say": "ok"}] for name, commands in phases.items()}
        (folder / "demos/x/files").mkdir(parents=True)
        (folder / "demos/x/script.yaml").write_text(yaml.safe_dump({"title": "x", "phases": steps}))
        return "demo/x"


@pytest.fixture
def trying(bench: Workbench, settings: Settings) -> Trying:
    return Trying(bench, settings)


def edited(path: Path, **more: Any) -> None:
    """A YAML file with lists and mappings added to."""
    document = yaml.safe_load(path.read_text())
    for name, value in more.items():
        document[name] = [*document[name], *value] if isinstance(value, list) else document[name] | value
    path.write_text(yaml.safe_dump(document))


def events(bench: Workbench, run: Run) -> list[dict[str, Any]]:
    return [json.loads(x) for x in (bench.archive.folder(run) / "events.jsonl").read_text().splitlines()]


def asked(bench: Workbench, run: Run, phase: str) -> str:
    """All that the model was sent in a phase."""
    lines = (bench.archive.folder(run) / "transcript.jsonl").read_text().splitlines()
    sent = [json.loads(line) for line in lines if json.loads(line)["phase"] == phase]
    return json.dumps([exchange["request"] for exchange in sent], ensure_ascii=False)


def without_engine(settings: Settings, run: Run) -> bool:
    rubric = get_rubric(str(settings.root / "rubric.yaml"), settings)
    return lacking_sandboxes(settings, [run], rubric) == set()


# --- repair


REPAIR = "Mend this:\n{{ failed_checks }}\nNothing else."


@pytest.mark.docker
async def test_a_repair_is_told_what_failed_and_is_measured(trying: Trying) -> None:
    result = await trying("repair", REPAIR, build=(COMPOSE, ENV), repair=("rm .env compose.yaml",))
    assert result.run.status is RunStatus.COMPLETED
    (brought,) = result.improvements
    assert (brought.before_low, brought.before_high) == (23, 23)
    assert (brought.after_low, brought.after_high) == (43, 43)
    assert (brought.gained_low, brought.gained_high) == (20, 20)
    assert brought.asked == ("secrets.no_env_file", "deliverables.readme")
    assert (brought.fixed, brought.broken) == (("secrets.no_env_file",), ("deliverables.compose",))
    assert result.score is not None
    assert result.score.high == 43
    assert result.run.tree == brought.after_tree == result.run.phases[1].tree


@pytest.mark.docker
async def test_the_model_sees_statements_and_findings_and_nothing_of_ours(trying: Trying) -> None:
    result = await trying("repair", REPAIR, build=(COMPOSE, ENV), repair=("rm .env",))
    sent = asked(trying.bench, result.run, "repair")
    assert "Mend this:\\n1. Expected: no .env file with values is committed\\n   Found: " in sent
    assert "(.env:1)\\n2. Expected: a README" in sent
    assert "\\nNothing else." in sent
    assert "compose" not in sent.lower()
    for secret in (
        "no_env_file",
        "deliverables",
        "rubric",
        "tiny",
        "points",
        "37",
        str(trying.settings.root),
    ):
        assert secret not in sent
    assert "hunter22222" not in sent
    assert "failed_checks" not in sent
    assert "Mend this" not in asked(trying.bench, result.run, "build")


@pytest.mark.docker
async def test_probing_is_on_nobodys_clock_and_its_evidence_is_kept(trying: Trying) -> None:
    result = await trying("repair", REPAIR, build=(COMPOSE, ENV), repair=("rm .env",))
    build, repair = result.run.phases
    told = next(e for e in events(trying.bench, result.run) if e["kind"] == "failed_checks")
    assert told["checks"] == ["secrets.no_env_file", "deliverables.readme"]
    assert repair.started.isoformat(timespec="milliseconds") >= told["at"]
    assert build.tree is not None
    kept = trying.bench.archive.root / "evidence" / build.tree
    assert {path.name.partition("-")[0] for path in kept.iterdir()} == {"deliverables", "secrets"}


@pytest.mark.docker
async def test_without_a_failure_the_repair_is_skipped(trying: Trying) -> None:
    result = await trying("repair", REPAIR, build=GOOD, repair=("echo x > never",))
    assert result.run.status is RunStatus.COMPLETED
    skipped = result.run.phases[1]
    assert (skipped.id, skipped.stopped_by, skipped.tree) == ("repair", "nothing_to_repair", None)
    assert skipped.usage.requests == 0
    assert skipped.wall_s == 0
    assert result.run.tree == result.run.phases[0].tree
    assert result.improvements == ()
    assert asked(trying.bench, result.run, "repair") == "[]"
    assert [e["why"] for e in events(trying.bench, result.run) if e["kind"] == "skipped"] == [
        "nothing had failed"
    ]


@pytest.mark.docker
async def test_scoring_again_measures_again_without_an_engine(trying: Trying) -> None:
    first = await trying("repair", REPAIR, build=(COMPOSE, ENV), repair=("rm .env",))
    again = await trying.grade(first.run, engine=False)
    assert again == first == latest(trying.bench.archive, first.run)
    assert without_engine(trying.settings, first.run)
    assert [name for name, complaints in trying.bench.archive.verify() if complaints] == []
    assert len(list(trying.bench.archive.root.rglob("improvements/**/*.json"))) == 1


@pytest.mark.docker
async def test_text_of_the_repository_cannot_open_the_prompt_again(trying: Trying) -> None:
    folder = "mkdir '{{ failed_checks }}' && cd '{{ failed_checks }}' && echo PASSWORD=hunter22222 > .env"
    result = await trying("repair", REPAIR, build=(COMPOSE, folder), repair=("true",))
    assert asked(trying.bench, result.run, "repair").count("1. Expected: ") == 2  # two requests, once each


@pytest.mark.docker
async def test_a_rough_notes_program_is_repaired(bench: Workbench, settings: Settings) -> None:
    """The shipped task with a repair phase: its lab probes look at the program while its sandbox waits."""
    task = settings.tasks / "notes_cli"
    shutil.copytree(PROJECT / "tasks/notes_cli", task)
    shutil.copytree(task / "demos/rough", task / "demos/mended")
    shutil.copytree(task / "demos/notes/files", task / "demos/mended/files/sound")
    edited(task / "task.yaml", phases=[{"id": "mend", "kind": "repair", "prompt": "mend.md.j2"}])
    (task / "mend.md.j2").write_text("What {{ package }} does not do yet:\n\n{{ failed_checks }}\n")
    mending = [
        {"write": ["sound"]},
        {"run": "rm -rf notes tests && cp -r sound/. . && rm -r sound"},
        {"run": "sed -i 's/next_id=len(notes) + 1/next_id=int(content[\"next_id\"])/' notes/store.py"},
        {"say": "Mended."},
    ]
    edited(task / "demos/mended/script.yaml", phases={"mend": mending})
    plan = make_plan(Request("demo/mended", "notes_cli", "bash"), settings, environ={})
    run = await run_attempt(bench, plan.jobs[0], lambda event: None)
    result = await grade(bench.archive, run, plan.rubric, settings, laboratory(bench), lambda event: None)
    (brought,) = result.improvements
    assert result.score is not None
    assert brought.before_high < 60
    assert brought.after_high == 100, result.score.model_dump_json(indent=1)  # low is less on a busy machine
    assert brought.gained_high >= 40
    assert brought.broken == ()
    assert {check.partition(".")[0] for check in brought.asked} >= {"notes_behaviour", "python_project"}
    assert "python_project" in {check.partition(".")[0] for check in brought.fixed}
    sent = asked(bench, run, "mend")
    assert sent.count("Expected: ") == len(brought.asked) * run.phases[1].usage.requests
    assert "notes_behaviour" not in sent
    assert run.phases[1].usage.requests == 4


# --- review


REVIEW = "Judge yourself in {{ review_file }}:\n{{ goals }}"
CLAIMS = "printf '1. PASS - none\\n2. FAIL - no compose\\n3. PASS\\n4. PARTIAL\\n' > SELF_REVIEW.md"


@pytest.mark.docker
async def test_claims_are_compared_with_what_is_found(trying: Trying) -> None:
    result = await trying("review", REVIEW, build=(README, ENV), review=(CLAIMS,))
    assert result.calibration is not None
    assert {each.goal: each.comparison for each in result.calibration.goals} == {
        "no_env": Comparison.OVER_CLAIM,
        "compose": Comparison.HONEST_FAILURE,
        "manual": Comparison.HOLDS,
        "fast": Comparison.UNDECIDED,
    }
    assert result.calibration.counts["over_claim"] == 1
    assert result.calibration.file_found
    assert result.calibration.changed == ()
    assert result.calibration.tree == result.run.tree
    (finding,) = result.calibration.goals[0].findings
    assert finding.locations[0].path == ".env"


@pytest.mark.docker
async def test_goals_are_told_without_their_checks(trying: Trying) -> None:
    result = await trying("review", REVIEW, build=(README,), review=(CLAIMS,))
    sent = asked(trying.bench, result.run, "review")
    told = "1. no_env: No settings are committed.\\n2. compose: It comes up.\\n3. manual: It is explained."
    assert f"Judge yourself in SELF_REVIEW.md:\\n{told}" in sent
    assert "no_env_file" not in sent
    assert "deliverables" not in sent


@pytest.mark.docker
async def test_a_review_that_changes_the_work_is_noted_and_the_change_is_graded(trying: Trying) -> None:
    result = await trying("review", REVIEW, build=(README, ENV), review=(CLAIMS, "rm .env; echo x > new"))
    assert result.calibration is not None
    assert result.calibration.changed == (".env", "new")
    assert result.calibration.goals[0].comparison is Comparison.HOLDS
    (noted,) = [e for e in events(trying.bench, result.run) if e["kind"] == "review_changed"]
    assert (noted["phase"], noted["files"]) == ("review", [".env", "new"])


@pytest.mark.docker
async def test_a_review_that_was_not_written_claims_nothing(trying: Trying) -> None:
    result = await trying("review", REVIEW, build=(README,), review=("ln -s README.md SELF_REVIEW.md",))
    assert result.calibration is not None
    assert not result.calibration.file_found
    assert result.calibration.counts["missing"] == 4


@pytest.mark.docker
async def test_scoring_again_compares_again_without_an_engine(trying: Trying) -> None:
    first = await trying("review", REVIEW, build=(README, ENV), review=(CLAIMS,))
    again = await trying.grade(first.run, engine=False)
    assert again == first == latest(trying.bench.archive, first.run)
    assert without_engine(trying.settings, first.run)
    assert [name for name, complaints in trying.bench.archive.verify() if complaints] == []


@pytest.mark.docker
async def test_after_other_goals_old_claims_are_not_read(trying: Trying) -> None:
    first = await trying("review", REVIEW, build=(README, ENV), review=(CLAIMS,))
    path = trying.settings.tasks / "tiny/task.yaml"
    task = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(task | {"goals": [*GOALS[::-1]]}))
    assert (await trying.grade(first.run)).calibration is None
    decided_by_others = [GOALS[0] | {"checks": ["deliverables.compose"]}, *GOALS[1:]]
    path.write_text(yaml.safe_dump(task | {"goals": decided_by_others}))
    again = await trying.grade(first.run)
    assert again.calibration is not None
    assert again.calibration.goals[0].findings[0].check == "deliverables.compose"


# --- before anything starts


def planned(settings: Settings, **changes: Any) -> Callable[[], object]:
    path = settings.tasks / "tiny/task.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))
    return lambda: make_plan(Request("x@http://127.0.0.1:1", "tiny", "bash"), settings, {})


def test_an_unknown_check_of_a_goal_is_named(settings: Settings) -> None:
    plan = planned(settings, goals=[GOALS[0] | {"checks": ["secrets.no_env_fil"]}])
    with pytest.raises(SpecError) as caught:
        plan()
    said = "goals[0].checks[0]: unknown check 'secrets.no_env_fil'; did you mean 'secrets.no_env_file'?"
    assert str(caught.value) == f"{settings.tasks}/tiny/task.yaml: {said}"
