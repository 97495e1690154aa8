"""The self-test of a rubric: on a small rubric of our own, and as it ships (without the lab's share)."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import pytest

from runner.cli import rubric as command
from runner.cli.settings import settings_from
from runner.core.errors import SpecError, UserError
from runner.core.selftest import SelfTest, SelfTestResult
from runner.core.tree import SourceFile
from runner.pipeline.grading.grader import get_rubric
from runner.pipeline.rubrics.edits import executable
from runner.pipeline.rubrics.selftest import get_selftest, run_selftest

SETTINGS = settings_from(os.environ)
RUBRIC = {
    "id": "tidy",
    "version": 1,
    "title": "Tidy",
    "tiers": [{"id": "A", "at_least": 50, "meaning": "fine"}, {"id": "B", "at_least": 0, "meaning": "not"}],
    "dimensions": [
        {
            "id": "secrets",
            "title": "Secrets",
            "points": 70,
            "deductions": [
                {"id": "env_file", "when": "secrets.no_env_file", "points": 40, "because": "it is open"},
                {"id": "master_key", "when": "secrets.no_master_key", "points": 30, "because": "it is open"},
            ],
        },
        {
            "id": "start",
            "title": "Start",
            "points": 30,
            "deductions": [{"id": "dead", "when": "boot.boots", "points": 30, "because": "it is dead"}],
        },
    ],
}
ENV_FILE = {"path": ".env", "write": "MODEL=some/model\n"}
MASTER_KEY = {"path": "config/master.key", "write": "9f2b4c6d8e0a1b3c5d7e9f0a2b4c6d8e"}
GOOD: list[dict[str, Any]] = [
    {"id": "env", "does": "adds .env", "edits": [ENV_FILE], "expect": {"deductions": ["env_file"]}},
    {"id": "key", "does": "adds a key", "edits": [MASTER_KEY], "expect": {"deductions": ["master_key"]}},
]
WORDS = {"id": "words", "does": "says more", "edits": [{"path": "README.md", "replace": "Hi", "by": "Ho"}]}


class Folder:
    """A rubric with its self-test in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.rubric = root / "tidy" / "v1.yaml"
        self.tests = root / "tidy" / "selftest"
        for name in ("app", "base", "mutations", "refactorings"):
            (self.tests / name).mkdir(parents=True)
        self.rubric.write_text(json.dumps(RUBRIC))
        (self.tests / "reference.yaml").write_text("base: base\nsandbox: rails\n")
        (self.tests / "app/README.md").write_text("Hi, and bye, and bye\n")
        (self.tests / "base/lib.rb").write_text("class Lib; end\n")

    def release(self, version: int) -> None:
        """One more version, that asks the same."""
        self.rubric = self.rubric.with_name(f"v{version}.yaml")
        self.rubric.write_text(json.dumps(RUBRIC | {"version": version}))

    async def run(
        self, mutations: Any = GOOD, refactorings: Any = (WORDS,), **options: Any
    ) -> SelfTestResult:
        self.write(mutations, refactorings)
        rubric = get_rubric(str(self.rubric), SETTINGS)
        selftest = get_selftest(rubric, str(self.rubric), SETTINGS)
        return await run_selftest(rubric, selftest, SETTINGS, None, **options)

    def write(self, mutations: Any, refactorings: Any = (WORDS,)) -> None:
        (self.tests / "mutations/all.yaml").write_text(json.dumps({"mutations": list(mutations)}))
        (self.tests / "refactorings/all.yaml").write_text(json.dumps({"refactorings": list(refactorings)}))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def verdicts(result: SelfTestResult) -> dict[str, str]:
    return {outcome.change.id: outcome.verdict for outcome in result.outcomes}


def edited(*edits: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{"id": "m", "does": "x", "edits": list(edits), "expect": {"deductions": ["env_file"]}, **more}]


async def test_all_as_it_should_be(folder: Folder) -> None:
    result = await folder.run()
    assert verdicts(result) == {
        "reference": "harmless",
        "env": "killed",
        "key": "killed",
        "words": "harmless",
    }
    assert (result.exercised, result.unexercised) == (("env_file", "master_key"), ())
    assert result.needs_lab == ("dead",)
    assert result.passed


async def test_a_mutation_that_nothing_sees_survives(folder: Folder) -> None:
    result = await folder.run(edited({"path": ".env.example", "write": "MODEL=some/model\n"}))
    assert verdicts(result)["m"] == "survived"
    assert result.unexercised == ("env_file", "master_key")
    assert not result.passed


async def test_one_deduction_too_many_is_wrong(folder: Folder) -> None:
    result = await folder.run(edited(ENV_FILE, MASTER_KEY))
    assert verdicts(result)["m"] == "wrong deductions"
    assert result.outcomes[1].charged == ("env_file", "master_key")
    assert "config/master.key" in result.outcomes[1].because["master_key"]


async def test_a_refactoring_that_costs_points_is_a_false_alarm(folder: Folder) -> None:
    result = await folder.run(refactorings=[{"id": "r", "does": "x", "edits": [ENV_FILE]}])
    assert verdicts(result)["r"] == "false alarm"
    assert not result.passed


async def test_a_reference_that_costs_points_is_a_false_alarm(folder: Folder) -> None:
    (folder.tests / "app/.env").write_text("MODEL=some/model\n")
    result = await folder.run(GOOD[1:])
    assert verdicts(result)["reference"] == "false alarm"


async def test_a_deduction_that_no_mutation_takes_fails(folder: Folder) -> None:
    result = await folder.run(GOOD[:1])
    assert result.unexercised == ("master_key",)
    assert not result.passed


async def test_some_changes_alone_prove_nothing_about_the_others(folder: Folder) -> None:
    result = await folder.run(only=["env"])
    assert (verdicts(result), result.passed) == ({"env": "killed"}, True)
    with pytest.raises(UserError, match="no change named nobody"):
        await folder.run(only=["nobody"])


async def test_a_known_gap_fails_nothing_and_exercises_nothing(folder: Folder) -> None:
    hidden = {"path": ".env.example", "write": "MODEL=some/model\n"}
    gap = edited(hidden, known_gap="an example is not read")
    assert verdicts(await folder.run([*GOOD, *gap]))["m"] == "known gap"
    assert (await folder.run([*GOOD, *gap])).passed
    assert (await folder.run([GOOD[1], *gap])).unexercised == ("env_file",)


async def test_a_gap_that_has_closed_is_told(folder: Folder) -> None:
    result = await folder.run([*GOOD, *edited(ENV_FILE, known_gap="not seen")])
    assert verdicts(result)["m"] == "gap closed"
    assert not result.passed


async def test_changes_for_the_lab_wait_for_one(folder: Folder) -> None:
    lab = edited(ENV_FILE, lab=["boot"], expect={"deductions": ["dead"]})
    assert "m" not in verdicts(await folder.run([*GOOD, *lab]))


async def test_versions_share_their_changes_and_differ_where_it_is_said(folder: Folder) -> None:
    both = edited(
        *(ENV_FILE, MASTER_KEY),
        expect_since={2: {"deductions": ["env_file", "master_key"]}, 4: {"deductions": ["dead"]}},
    )
    later = {**GOOD[1], "id": "later", "since": 3}
    assert verdicts(await folder.run([*GOOD, *both, later]))["m"] == "wrong deductions"
    folder.release(2)
    second = verdicts(await folder.run([*GOOD, *both, later]))
    assert (second["m"], "later" in second) == ("killed", False)
    folder.release(3)
    assert verdicts(await folder.run([*GOOD, *both, later]))["later"] == "killed"


def test_files_of_the_reference_can_be_made_executable() -> None:
    files = {path: SourceFile(path, 0o100644, b"") for path in ("bin/rails", "lib/bin.rb")}
    assert [file.mode for file in executable(files, ["bin/*"]).values()] == [0o100755, 0o100644]


async def test_the_reference_is_edited_before_anything_is_changed(folder: Folder) -> None:
    told = "base: base\nsandbox: rails\nedits:\n- {path: README.md, replace: Hi, by: Hello}\n"
    (folder.tests / "reference.yaml").write_text(told)
    with pytest.raises(SpecError, match="stands 0 times"):
        await folder.run()
    greeting = [{**WORDS, "edits": [{"path": "README.md", "replace": "Hello", "by": "Ho"}]}]
    assert (await folder.run(refactorings=greeting)).passed


async def test_a_version_before_the_self_test_has_none(folder: Folder) -> None:
    (folder.tests / "reference.yaml").write_text("base: base\nsandbox: rails\nsince: 2\n")
    with pytest.raises(SpecError, match="since: is 2, so tidy@1 has no self-test"):
        await folder.run()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            {"path": "README.md", "replace": "bye", "by": "x"},
            r"m\.edits\[0\]\.replace: stands 2 times in README",
        ),
        ({"path": "README.md", "replace": "gone", "by": "x"}, r"m\.edits\[0\]\.replace: stands 0 times"),
        ({"path": "*.md", "replace_all": "gone", "by": "x"}, r"m\.edits\[0\]\.replace_all: stands nowhere"),
        ({"path": "none.rb", "delete": True}, r"m\.edits\[0\]\.path: no file matches 'none.rb'"),
        (
            {"path": "lib.rb", "rename": "README.md"},
            r"m\.edits\[0\]\.rename: there is a file README.md already",
        ),
        ({"path": "*", "rename": "into"}, r"m\.edits\[0\]\.rename: .* goes to a folder ending in /"),
        (
            {"path": "README.md", "write": "Hi, and bye, and bye\n"},
            r"m\.edits\[0\]: changes nothing in README",
        ),
        ({"path": "README.md", "write": "x", "delete": True}, r"exactly one of write, replace"),
        ({"path": "README.md", "replace": "Hi"}, r"`by` belongs to replace"),
        ({"path": "README.md"}, r"exactly one of write, replace"),
    ],
)
async def test_an_edit_that_does_not_fit_is_refused(
    folder: Folder, edit: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        await folder.run(edited(edit))


async def test_edits_that_undo_each_other_are_refused(folder: Folder) -> None:
    there, back = ({"path": "lib.rb", "replace": a, "by": b} for a, b in (("Lib", "Bil"), ("Bil", "Lib")))
    with pytest.raises(SpecError, match=r"r\.edits: they leave every file as it was"):
        await folder.run(refactorings=[{"id": "r", "does": "x", "edits": [there, back]}])
    with pytest.raises(SpecError, match=r"r\.edits: they leave every file as it was"):
        await folder.run(refactorings=[{"id": "r", "does": "x"}])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"expect": {"deductions": ["env_fil"]}},
            r"all\.yaml: mutations\.m\.expect\.deductions: unknown 'env_fil'; did",
        ),
        ({"expect": {"ceilings": ["dead"]}}, r"mutations\.m\.expect\.ceilings: unknown 'dead'"),
        ({"lab": ["secrets"]}, r"mutations\.m\.lab: unknown 'secrets'"),
        ({"expect": {}}, r"mutations\.m\.expect: a mutation costs something"),
        (
            {"since": 2, "expect_since": {2: {"deductions": ["env_file"]}}},
            r"mutations\.m\.expect_since: 2 is not above `since`",
        ),
        ({"id": "env"}, r"mutations\[2\]\.id: 'env' is given twice"),
    ],
)
async def test_a_wrong_entry_is_named(folder: Folder, change: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        await folder.run([*GOOD, *edited(ENV_FILE, **change)])


async def test_a_refactoring_with_a_price_is_refused(folder: Folder) -> None:
    with pytest.raises(SpecError, match=r"refactorings\.m\.expect: a refactoring costs nothing"):
        await folder.run(refactorings=edited(ENV_FILE))


async def test_a_file_that_is_stored_twice_is_refused(folder: Folder) -> None:
    (folder.tests / "base/README.md").write_text("Hi\n")
    with pytest.raises(SpecError, match=r"base/README\.md: there is such a file"):
        await folder.run()


def call(*options: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.main(parser.parse_args(["selftest", *options]))


def test_the_command_tells_and_fails(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write([*GOOD, *edited({"path": ".env.example", "write": "A=b\n"})])
    assert call(str(folder.rubric)) == 1
    printed = capsys.readouterr().out
    assert "survived: m (x) should take env_file" in printed
    assert "3 mutations: 2 killed, 1 survived" in printed
    assert "tidy@1: failed" in printed


def test_the_command_prints_json(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write(GOOD)
    assert call(str(folder.rubric), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] is True
    assert told["figures"]["killed"] == 2
    assert {change["id"]: change["charged"] for change in told["changes"]}["env"] == ["env_file"]


def test_a_rubric_without_a_self_test(tmp_path: Path) -> None:
    (tmp_path / "tidy").mkdir()
    (tmp_path / "tidy/v1.yaml").write_text(json.dumps(RUBRIC))
    with pytest.raises(UserError, match="tidy@1 has no self-test"):
        call(str(tmp_path / "tidy/v1.yaml"))


def cover(selftest: SelfTest) -> list[str]:
    """The first static mutation of each deduction, and every fifth refactoring; `make selftest` tries all."""
    seen: set[str] = set()
    chosen = ["reference", *(change.id for change in selftest.refactorings[::5] if not change.lab)]
    for change in (change for change in selftest.mutations if not change.lab and change.known_gap is None):
        if not seen.issuperset(taken := (*change.expect.deductions, *change.expect.ceilings)):
            chosen.append(change.id)
            seen.update(taken)
    return chosen


@pytest.mark.parametrize(
    ("name", "mutations", "refactorings"), [("rails_chat@3", 120, 60), ("notes_cli@1", 40, 15)]
)
async def test_a_shipped_rubric_by_what_files_say(name: str, mutations: int, refactorings: int) -> None:
    rubric = get_rubric(name, SETTINGS)
    selftest = get_selftest(rubric, name, SETTINGS)
    assert len(selftest.mutations) >= mutations
    assert len(selftest.refactorings) >= refactorings
    result = await run_selftest(rubric, selftest, SETTINGS, None, only=cover(selftest))
    surprises = {o.change.id: (o.verdict, o.because) for o in result.outcomes if o.surprising}
    assert surprises == {}
    assert result.unexercised == ()
    assert result.passed


SHARED = ("reference", "gem_of_another_library", "invented_keyword", "nothing_rescued", "without_a_bound")


async def test_the_harder_rubric_shares_the_changes_of_the_easier_one() -> None:
    """A few of them: the files are the same, so the others would find the same again."""
    rubric, easier = (get_rubric(name, SETTINGS) for name in ("rails_chat_hard@1", "rails_chat@2"))
    selftest = get_selftest(rubric, "rails_chat_hard@1", SETTINGS)
    assert selftest.mutations == get_selftest(easier, "rails_chat@2", SETTINGS).mutations
    result = await run_selftest(rubric, selftest, SETTINGS, None, only=SHARED)
    assert {o.verdict for o in result.outcomes} == {"harmless", "killed"}


def test_every_deduction_of_a_shipped_rubric_has_its_mutation() -> None:
    """Those that only a lab decides as well, which the runs above leave out."""
    for name in ("rails_chat@2", "rails_chat@3", "rails_chat_hard@1", "notes_cli@1"):
        rubric = get_rubric(name, SETTINGS)
        changes = get_selftest(rubric, name, SETTINGS).mutations
        taken = {id for change in changes for id in (*change.expect.deductions, *change.expect.ceilings)}
        known = {d.id for dimension in rubric.dimensions for d in dimension.deductions}
        assert {*known, *(ceiling.id for ceiling in rubric.ceilings)} - taken == set(), name
