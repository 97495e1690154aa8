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
from runner.pipeline.archives import open_archive
from runner.pipeline.settings import Settings
from runner.pipeline.showing.placings import placing
from runner.pipeline.showing.site import material_of
from runner.pipeline.showing.view import View
from runner.report.site.entries import ALL_TASKS, Standing
from runner.stats.leaderboard import leaderboard
from runner.stats.samples import sample_of
from tests.report.site.conftest import RUBRIC, png, run_of, score_of


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("synthetic") / "archive"
    make(Plan(root, 40, seed=3, repositories=1))
    return replace(settings_from(os.environ), archive=root)


def rows_of(*rows: tuple[str, str, int, float]) -> list[Standing]:
    graded = [(run_of(model, task=task, epoch=epoch), points) for model, task, epoch, points in rows]
    samples = [sample_of(run, score_of(run, points), RUBRIC) for run, points in graded]
    return [placing(row) for row in leaderboard(samples, ["A", "D"])]


def test_a_row_keeps_what_the_statistics_say() -> None:
    two = [s for s in rows_of(*[("a", "t", n, 70 + n) for n in (1, 2)], ("b", "t", 1, 30)) if s.scope == "t"]
    a, _ = two
    assert a.mean == 71.5
    assert a.low is not None
    assert a.high is not None
    assert a.low < 71.5 < a.high
    assert (a.trials, a.scored, a.tier, a.tier_odds["A"]) == (2, 2, "A", 1.0)
    assert a.coverage == "2 of 2 scored"
    assert a.more["Cost per shipped app"] == "$0.0300"


def test_one_run_has_no_interval_no_odds_and_any_rank() -> None:
    b = next(s for s in rows_of(("a", "t", 1, 70), ("a", "t", 2, 71), ("b", "t", 1, 30)) if s.model == "b")
    assert (b.low, b.high, b.tier_odds, b.rank_low, b.rank_high) == (None, None, {}, 1, 2)


def test_who_was_not_scored_in_every_task_has_no_rank_over_all() -> None:
    rows = rows_of(("a", "t", 1, 70), ("a", "u", 1, 50), ("b", "t", 1, 99))
    b = next(s for s in rows if s.model == "b" and s.scope == ALL_TASKS)
    assert (b.rank_low, b.tier) == (None, None)
    assert b.why_not == "not scored in u"


def test_each_task_is_shown_under_its_own_rubric(settings: Settings) -> None:
    material = material_of(settings, None)
    by_task: dict[str, set[str]] = {}
    for entry in material.entries:
        if entry.score:
            by_task.setdefault(entry.run.trial.task, set()).add(entry.score.rubric_digest)
        assert entry.score or entry.why_not
    assert {len(digests) for digests in by_task.values()} == {1}
    assert material.standings


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
        while not (home := (await asyncio.wait_for(said.get(), 60)).split()[0]).startswith("http"):
            pass  # a slow machine is told how far the site is
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
