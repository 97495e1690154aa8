"""Literal runs and scores, and consoles that remember what was printed."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from rich.console import Console

from runner.core.records import (
    AppliedDeduction,
    Blame,
    Calibration,
    Claim,
    Comparison,
    DimensionScore,
    Failure,
    Finding,
    GoalComparison,
    GoalState,
    Improvement,
    Location,
    Outcome,
    PhaseResult,
    Run,
    RunStatus,
    Score,
    Trial,
    Usage,
)

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MakeConsole = Callable[..., Console]


@pytest.fixture
def make_console() -> MakeConsole:
    """`make_console(width=80, encoding="utf-8", colour=False)`."""

    def make(width: int = 80, encoding: str = "utf-8", colour: bool = False) -> Console:
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
        return Console(
            file=file, width=width, force_terminal=colour, color_system="standard" if colour else None
        )

    return make


@pytest.fixture
def printed() -> Callable[[Console], str]:
    """What was printed on such a console."""

    def read(console: Console) -> str:
        file = console.file
        assert isinstance(file, io.TextIOWrapper)
        raw = file.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue().decode(file.encoding)

    return read


@pytest.fixture
def run() -> Run:
    usage = Usage(
        requests=23,
        input_tokens=120_345,
        cached_input_tokens=80_000,
        output_tokens=12_001,
        cost_usd=None,
    )
    phase = PhaseResult(
        id="build", started=START, wall_s=84.2, usage=usage, exit_code=0, stopped_by="done", tree="t" * 40
    )
    return Run(
        trial=Trial(
            task="rails_chat",
            task_digest="d" * 64,
            model_digest="m" * 64,
            model="demo/b",
            agent="bash",
            agent_version="1",
            epoch=1,
        ),
        attempt=1,
        status=RunStatus.COMPLETED,
        started=START,
        finished=START,
        phases=(phase,),
        usage=usage,
        image="draft",
        tree="t" * 40,
    )


@pytest.fixture
def failed_run(run: Run) -> Run:
    failure = Failure(kind=Blame.INFRA, code="upstream", message="the provider\nanswered 503")
    return run.model_copy(update={"status": RunStatus.FAILED, "failure": failure})


def lost(id: str, points: float, because: str, *findings: Finding) -> AppliedDeduction:
    return AppliedDeduction(id=id, points=points, because=because, findings=findings)


def fails(check: str, message: str, *locations: Location) -> Finding:
    return Finding(check=check, outcome=Outcome.FAIL, message=message, locations=locations)


@pytest.fixture
def score(run: Run) -> Score:
    """68 points or 59: one dimension is undecided, and so is a ceiling."""
    no_compose = fails("deliverables.compose", "none of compose.yaml, compose.yml, ... is there")
    blind = fails(
        "error_handling.typed",
        "rescues StandardError",
        Location(path="app/services/chat_turn.rb", line=12, text="    rescue StandardError => e\n"),
    )
    unseen = Finding(check="suite.loads", outcome=Outcome.UNKNOWN, message="a gem could not be had")
    not_booted = Finding(check="boot.boots", outcome=Outcome.UNKNOWN, message="the image could not be pulled")
    dimension = DimensionScore(
        id="deliverables",
        title="Deliverable completeness",
        points=60,
        low=55,
        high=55,
        applied=(lost("no_compose", 5, "No compose file.", no_compose),),
        unknown=(),
    )
    errors = DimensionScore(
        id="errors",
        title="Error handling",
        points=40,
        low=5,
        high=13,
        applied=(lost("blind", 27, "Everything is caught alike.", blind),),
        unknown=(lost("suite", 8, "The suite does not load.", unseen),),
    )
    return Score(
        run=run.id,
        rubric="rails_chat@2",
        rubric_digest="r" * 64,
        evidence_digest="e" * 64,
        dimensions=(dimension, errors),
        ceilings=(lost("does_not_boot", 1, "It does not start.", not_booted),),
        low=59,
        high=68,
        tier=None,
    )


@pytest.fixture
def calibration(run: Run) -> Calibration:
    """Three goals: a claim too many, one that cannot be decided, and one without a claim."""
    finding = fails("deliverables.compose", "there is no compose file", Location(path="compose.yaml"))
    over = GoalComparison(
        goal="compose",
        statement="It comes up.",
        claimed=Claim.PASS,
        found=GoalState.FAILS,
        comparison=Comparison.OVER_CLAIM,
        findings=(finding,),
    )
    undecided = GoalComparison(
        goal="fast",
        statement="It is fast.",
        claimed=Claim.PARTIAL,
        found=GoalState.UNDECIDED,
        comparison=Comparison.UNDECIDED,
    )
    missing = undecided.model_copy(
        update={"goal": "small", "claimed": None, "comparison": Comparison.MISSING}
    )
    return Calibration(
        run=run.id,
        task="rails_chat",
        phase="review",
        tree="t" * 40,
        goals_digest="g" * 64,
        reading=1,
        evidence_digest="e" * 64,
        file="SELF_REVIEW.md",
        file_found=True,
        goals=(over, undecided, missing),
        counts={"over_claim": 1, "undecided": 1, "missing": 1, "holds": 0},
    )


@pytest.fixture
def improvement(run: Run) -> Improvement:
    return Improvement(
        run=run.id,
        phase="repair",
        rubric="rails_chat@2",
        rubric_digest="r" * 64,
        before_tree="t" * 40,
        after_tree="u" * 40,
        evidence_digest="e" * 64,
        before_low=50,
        before_high=58,
        after_low=70,
        after_high=70,
        gained_low=12,
        gained_high=20,
        asked=("deliverables.compose", "deliverables.readme"),
        fixed=("deliverables.compose",),
    )


@pytest.fixture
def hostile_score(score: Score) -> Score:
    """A score whose finding comes from a repository that attacks the terminal."""
    place = Location(
        path="app/\x1b[2J[red]\u202egnp.rb",
        line=3,
        text="puts '\x1b]0;owned\x07' \x9b31m # [bold]hi[/bold] [/] :smile: \u2028" + "x" * 5000,
    )
    finding = fails("x.y", "line one\r\nline \x1b[1;31mtwo [link=http://evil]here[/link]\x00\x7f", place)
    dimension = score.dimensions[0].model_copy(update={"applied": (lost("d", 5, "Bad.", finding),)})
    return score.model_copy(update={"dimensions": (dimension,)})
