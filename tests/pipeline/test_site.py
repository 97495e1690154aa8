"""The site of an archive: standings, one rubric a task, and what `shipworthy report` and `view` do."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from benchmarks.synthetic import Plan, make
from runner.cli.main import main
from runner.cli.settings import settings_from
from runner.core.records import Run, Score
from runner.pipeline.placings import placings
from runner.pipeline.settings import Settings
from runner.pipeline.site import material_of
from runner.pipeline.view import View
from runner.pipeline.workbench import open_archive
from runner.report.site.entries import ALL_TASKS, Standing
from tests.report.site.conftest import png, run_of, score_of


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("synthetic") / "archive"
    make(Plan(root, 40, seed=3, repositories=1))
    return replace(settings_from(os.environ), archive=root)


def graded(*rows: tuple[str, str, int, float | None]) -> list[tuple[Run, Score | None]]:
    runs = [(run_of(model, task=task, epoch=epoch), points) for model, task, epoch, points in rows]
    return [(run, None if points is None else score_of(run, points)) for run, points in runs]


def by_name(standings: list[Standing], scope: str) -> dict[str, Standing]:
    return {s.model: s for s in standings if s.scope == scope}


def test_overlapping_ranges_share_their_ranks() -> None:
    rows = graded(
        *[
            (m, "t", e, p)
            for m, ps in {"a": (90, 80), "b": (85, 70), "c": (50, 40)}.items()
            for e, p in enumerate(ps, 1)
        ]
    )
    found = by_name(placings(rows, ["A", "D"]), "t")
    assert {m: (s.rank_low, s.rank_high) for m, s in found.items()} == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}
    assert found["a"].tier_odds == {"A": 1.0, "D": 0.0}


def test_one_run_has_no_interval_no_rank_and_no_odds() -> None:
    (only,) = placings(graded(("a", "t", 1, 90)), ["A", "D"])
    assert (only.mean, only.low, only.rank_low, only.tier_odds, only.tier) == (90, None, None, {}, "A")


def test_trials_without_a_score_are_counted_and_few_scores_name_no_tier() -> None:
    (thin,) = placings(graded(("a", "t", 1, 90), ("a", "t", 2, None), ("a", "t", 3, None)), ["A", "D"])
    assert (thin.scored, thin.trials, thin.tier, thin.mean) == (1, 3, None, 90)
    assert "too few" in thin.why_not
    (none,) = placings(graded(("a", "t", 1, None)), ["A", "D"])
    assert (none.mean, none.tier) == (None, None)


def test_all_tasks_count_alike_and_only_for_who_ran_them_all() -> None:
    rows = graded(
        ("a", "t", 1, 90), ("a", "t", 2, 90), ("a", "t", 3, 90), ("a", "u", 1, 50), ("b", "t", 1, 99)
    )
    overall = by_name(placings(rows, ["A", "D"]), ALL_TASKS)
    assert {m: s.mean for m, s in overall.items()} == {"a": 70}
    assert not by_name(placings(rows[:3], ["A", "D"]), ALL_TASKS)


def test_replays_do_not_count_and_the_order_of_runs_does_not_matter() -> None:
    rows = graded(("a", "t", 1, 90), ("a", "t", 2, 70), ("b", "t", 1, 50))
    replay = rows[0][0].model_copy(update={"replay_of": "x/1"})
    again = (replay.model_copy(update={"attempt": 2}), score_of(replay, 10))
    assert placings([*rows, again], ["A"]) == placings(rows, ["A"])
    assert placings(rows, ["A"]) == placings(rows[::-1], ["A"])


def test_runs_of_a_task_are_shown_under_one_rubric(settings: Settings) -> None:
    material = material_of(settings, None)
    shown = {(e.score.rubric.partition("@")[0], e.score.rubric_digest) for e in material.entries if e.score}
    assert len(shown) == len({id for id, _ in shown})
    assert all(e.score or e.why_not for e in material.entries)


def test_report_writes_the_site_once(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["report", "--archive", str(settings.archive), "--out", str(tmp_path / "site"), "--json"]
    assert main(command) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["runs"] == len(list((tmp_path / "site").glob("runs/*/index.html")))
    assert Path(first["index"]).is_file()
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["written"] == 0


def test_report_under_another_rubric_says_what_is_missing(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "site"
    assert (
        main(["report", "--archive", str(settings.archive), "--out", str(out), "--rubric", "rails_chat@1"])
        == 0
    )
    assert "rails_chat@1" in (out / "rubrics.html").read_text()


@pytest.mark.parametrize(
    ("option", "value", "told"), [("--rubric", "nothing@1", "nothing@1"), ("--archive", "/no", "/no")]
)
def test_report_names_the_mistake(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, told: str
) -> None:
    command = ["report", "--archive", str(settings.archive), "--out", str(tmp_path / "x"), option, value]
    assert main(command) == 2
    assert told in capsys.readouterr().err


async def test_view_serves_and_follows(settings: Settings, tmp_path: Path) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    view = View(settings, tmp_path / "live", None, said.put_nowait, every_s=0.05)
    serving = asyncio.create_task(view.serve(0))
    try:
        home = (await asyncio.wait_for(said.get(), 20)).split()[0]
        async with aiohttp.ClientSession() as session, session.get(f"{home}events") as stream:
            run = next(run for run in open_archive(settings).runs() if run.tree)
            artifacts = settings.archive / "artifacts" / str(run.tree)
            artifacts.mkdir(parents=True, exist_ok=True)
            (artifacts / "narrow.png").write_bytes(png())
            assert b"changed" in await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 60)
            async with session.get(f"{home}index.html") as page:
                assert "data-live" in await page.text()
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
