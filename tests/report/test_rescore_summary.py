from __future__ import annotations

from runner.core.rescored import Points, Rescored
from runner.report.rescore_summary import as_text

TIERS = ("A", "B", "C")


def points(low: float, tier: str | None, high: float | None = None, rubric: str = "r@2") -> Points:
    return Points(rubric, low, low if high is None else high, tier, "d" * 64, "e" * 64)


def told(*results: Rescored) -> str:
    return as_text("r@2", TIERS, results)


def test_who_moved_farthest_comes_first_and_crossings_before_that() -> None:
    moved = [
        Rescored("stays/1", points(90, "A"), points(90, "A", rubric="r@1"), new=True),
        Rescored("slips/1", points(60, "B"), points(79, "B", rubric="r@1"), new=True),
        Rescored("falls/1", points(58, "C"), points(61, "B", rubric="r@1")),
        Rescored("opens/1", points(50, None, 70), points(55, "C", rubric="r@1")),
        Rescored("\x1b[2Jnew/1", points(10, "C")),
    ]
    lines = told(*moved).splitlines()
    assert lines[0] == "r@2: 5 runs scored: 2 new, 3 were there already"
    assert lines[1] == "  tiers: A 1, B 1, C 2, undecided 1"
    assert lines[2] == "  beside the score before: 3 of 4 runs moved, 2 into another tier"
    assert lines[3:6] == [
        "    opens/1: 55 (C, r@1) -> 50-70 (no tier, r@2)",
        "    falls/1: 61 (B, r@1) -> 58 (C, r@2)",
        "    slips/1: 79 (B, r@1) -> 60 (B, r@2)",
    ]


def test_thousands_of_runs_are_a_few_lines() -> None:
    many = [Rescored(f"r{n}/1", points(n % 100, "B"), points(50, "B", rubric="r@1")) for n in range(3_000)]
    many += [Rescored(f"x{n}/1", None, why_not=f"reason {n % 20}") for n in range(400)]
    shown = told(*many)
    assert len(shown.splitlines()) < 35
    assert "3,000 runs scored" in shown
    assert "and 2,955 more" in shown
    assert "not graded: 400 runs" in shown
    assert "for other reasons" in shown


def test_nothing_scored_and_damage_are_told() -> None:
    shown = told(Rescored("a/1", None, why_not="no repository", broken="the file\nis damaged \x1b[31m"))
    assert "0 runs scored" in shown
    assert "tiers: none" in shown
    assert "none of them had another score before" in shown
    assert "damaged: a/1: the file is damaged" in shown
    assert "\x1b" not in shown
