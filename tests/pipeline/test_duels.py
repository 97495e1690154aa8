"""Who is ahead of whom, and whether that is more than noise, in sentences people can read."""

from __future__ import annotations

from runner.pipeline.showing.duels import MOST, duels
from runner.stats.samples import Sample, sample_of
from tests.report.site.conftest import RUBRIC, run_of, score_of

A, B = ("a", "bash"), ("b", "bash")


def samples(*series: tuple[str, list[float]]) -> list[Sample]:
    return [
        sample_of(run, score_of(run, points), RUBRIC)
        for model, values in series
        for epoch, points in enumerate(values, 1)
        for run in [run_of(model, epoch=epoch)]
    ]


def told(*series: tuple[str, list[float]]) -> str:
    [duel] = duels(samples(*series), [A, B])
    assert (duel.a, duel.b) == (A, B)
    return duel.words


def test_a_sure_lead_is_more_than_noise() -> None:
    words = told(("a", [30, 31, 32, 33, 34, 35, 36, 37]), ("b", [70, 72, 71, 74, 73, 75, 78, 77]))
    assert words.startswith(
        "b with bash is ahead of a with bash by 40.2 points over 8 pairs: more than noise"
    )
    assert "p = 0.008" in words
    assert "95 % interval" in words


def test_a_small_lead_is_not() -> None:
    words = told(("a", [50, 60, 70, 40, 55, 65]), ("b", [60, 50, 69, 41, 50, 66]))
    assert "no more than noise explains (p = " in words


def test_few_pairs_tell_nothing() -> None:
    assert "over 1 pair: too few to tell from noise" in told(("a", [90]), ("b", [10]))
    assert "have no task and epoch in common" in told(("a", []), ("b", [10]))


def test_level_is_not_ahead() -> None:
    assert told(("a", [50] * 6), ("b", [50] * 6)).startswith("a with bash and b with bash are level over 6")


def test_many_comparisons_are_corrected_and_bounded() -> None:
    models = [f"m{n}" for n in range(MOST + 3)]
    series = [(model, [float(10 + n)] * 2) for n, model in enumerate(models)]
    found = duels(samples(*series), [(model, "bash") for model in models])
    assert len(found) == MOST * (MOST - 1) / 2
    assert models[-1] not in {who for duel in found for who, _ in (duel.a, duel.b)}
