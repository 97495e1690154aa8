"""A Harbor task becomes one of ours, all of it or nothing; what it brings is run in containers only."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from runner.cli.settings import settings_from
from runner.core.errors import SpecError, UserError
from runner.core.records import Task
from runner.pipeline.executors.local import LocalExecutor
from runner.pipeline.grading.grader import Graded
from runner.pipeline.harbor.importing import import_harbor
from runner.pipeline.settings import Settings
from runner.pipeline.trials.benchmark import Request, make_plan, run_plan
from runner.pipeline.workbench import open_workbench, set_up
from runner.sandbox.recipes import image_tag
from runner.spec.tasks import load_task

PROJECT = Path(__file__).parents[3]
INSTRUCTION = "Fill in {{ name }} of `/app/template.txt` {% raw %}: {# as told #}\n"
TEST = """\
[ "$(whoami)" = root ] || exit 1
[ -f /app/template.txt ] && good=1
grep -q "$GREETING, world" /app/hello.txt && good=$((good + 2))
cat > /logs/verifier/ctrf.json <<'END'
{"results": {"tests": [{"name": "greets", "status": "failed"}]}}
END
python3 -c "print($good / 3)" > /logs/verifier/reward.txt
"""


@pytest.fixture
def root(tmp_path: Path) -> Settings:
    """Settings whose tasks are none yet, and whose sandboxes can be added to."""
    folder = tmp_path / "root"
    (folder / "tasks").mkdir(parents=True)
    (folder / "sandboxes").mkdir()
    (folder / "runner").mkdir()
    (folder / "runner/models.yaml").symlink_to(PROJECT / "runner/models.yaml")
    (folder / "rubrics").symlink_to(PROJECT / "rubrics")
    for name in ("base", "lab", "mirror.yaml"):
        (folder / "sandboxes" / name).symlink_to(PROJECT / "sandboxes" / name)
    archive, models = tmp_path / "archive", tmp_path / "none"
    return replace(settings_from(os.environ), root=folder, archive=archive, models=models)


CONFIG = """
[task]
name = "acme/hello"
[verifier]
timeout_sec = 60
env = { GREETING = "Hello" }
[environment]
network_mode = "no-network"
memory_mb = 256
storage_mb = 32
env = { MOTTO = 'a "b" $c' }
"""


def harbor(folder: Path, base: str = "debian:forky-slim") -> Path:
    files = {
        "task.toml": CONFIG,
        "instruction.md": INSTRUCTION,
        "environment/Dockerfile": f"FROM {base}\nUSER root\nWORKDIR /app\nCOPY template.txt .\n",
        "environment/template.txt": "Hello, {name}!\n",
        "tests/test.sh": TEST,
        "solution/solve.sh": "cd /app && sed 's/{name}/world/' template.txt > hello.txt\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_what_is_asked_is_asked_to_the_letter(tmp_path: Path, root: Settings) -> None:
    made = import_harbor(harbor(tmp_path / "h"), root)
    task = load_task("hello", root.tasks)
    assert made.task == task
    assert task.phases[0].prompt == INSTRUCTION
    assert (task.rubric, task.demo, task.egress) == ("own_tests@1", "demo/oracle", ())
    assert task.tests is not None
    assert task.tests.env == {"GREETING": "Hello"}


def test_tests_decide_what_is_kept_but_not_what_is_asked(tmp_path: Path, root: Settings) -> None:
    before = import_harbor(harbor(tmp_path / "h"), root).task
    (root.tasks / "hello/tests/test.sh").write_text("echo 1 > /logs/verifier/reward.txt\n")
    after = load_task("hello", root.tasks)
    assert before.identity() == after.identity()
    assert before.tests != after.tests


def test_the_image_has_nothing_of_tests_or_solution(tmp_path: Path, root: Settings) -> None:
    import_harbor(harbor(tmp_path / "h"), root)
    lies = {p.name for p in (root.root / "sandboxes/hello").rglob("*")}
    assert lies == {"Dockerfile", "template.txt"}
    text = (root.root / "sandboxes/hello/Dockerfile").read_text()
    assert 'ENV MOTTO="a \\"b\\" \\$c"' in text
    assert image_tag("hello", root.images).startswith("shipworthy/hello:")


def test_all_or_nothing(tmp_path: Path, root: Settings) -> None:
    import_harbor(harbor(tmp_path / "h"), root)
    with pytest.raises(UserError, match="is there already; choose another name with --id"):
        import_harbor(tmp_path / "h", root)
    import_harbor(tmp_path / "h", root, "again")
    with pytest.raises(UserError, match="'Not An Id' is no id"):
        import_harbor(tmp_path / "h", root, "Not An Id")
    (tmp_path / "h/tests/test.sh").unlink()
    with pytest.raises(SpecError, match="is missing"):
        import_harbor(tmp_path / "h", root, "third")
    assert {p.name for p in root.tasks.iterdir()} == {"hello", "again"}
    assert not (root.root / "sandboxes/third").exists()


def test_a_task_without_new_fields_is_the_one_it_was() -> None:
    """Digests name trials that were sealed before tasks could bring tests."""
    task = Task(id="t", title="T", sandbox="base", rubric="r@1", phases=({"id": "a", "prompt": "b"},))  # type: ignore[arg-type]
    assert not {"seed", "tests"} & task.model_dump().keys()


@pytest.mark.docker
async def test_it_is_solved_and_graded_by_its_own_tests(
    tmp_path: Path, root: Settings, images: dict[str, str]
) -> None:
    """By its solution and, in a second run, by nobody."""
    import_harbor(harbor(tmp_path / "h", images["base"]), root)
    idle = root.tasks / "hello/demos/idle/script.yaml"
    idle.parent.mkdir()
    idle.write_text(json.dumps({"title": "Idle", "phases": {"build": [{"say": "No.", "run": "touch x"}]}}))
    plans = [make_plan(Request(m, "hello", "bash"), root, {}) for m in ("demo/oracle", "demo/idle")]
    tags = set_up(root, plans[0].images(root), lambda line: None)
    results: list[Graded] = []
    async with open_workbench(root, tags) as bench:
        for plan in plans:
            results += [r async for r in run_plan(bench, plan, LocalExecutor(1), lambda event: None)]
    solved, idled = results
    assert solved.score is not None
    assert (solved.score.low, solved.score.high, solved.score.tier) == (100, 100, "A")
    assert idled.score is not None
    assert (idled.score.low, idled.score.high, idled.score.tier) == (30, 30, "C")
    (lost,) = [each for each in idled.score.dimensions[0].applied if each.points]
    assert lost.id == "below_40"
    assert lost.findings[0].message == "reward 0.333333: 1 of 1 tests fail: greets"
