"""What happened: usage, failures, phases, sealed runs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from runner.core.records.base import _N, Record, without_unset
from runner.core.records.tasks import PhaseKind, Trial


def _plus(a: _N | None, b: _N | None) -> _N | None:
    return None if a is None or b is None else a + b


class Usage(Record):
    """What the gateway metered; every try counts as a request. None is unknown, never 0.

    `input_tokens` includes those read from the cache (`cached_input_tokens`) and those written to it;
    `output_tokens` includes `reasoning_tokens`.
    """

    requests: int = 0
    input_tokens: int | None = 0
    cached_input_tokens: int | None = 0
    cache_write_tokens: int | None = 0
    output_tokens: int | None = 0
    reasoning_tokens: int | None = 0
    cost_usd: float | None = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            requests=self.requests + other.requests,
            input_tokens=_plus(self.input_tokens, other.input_tokens),
            cached_input_tokens=_plus(self.cached_input_tokens, other.cached_input_tokens),
            cache_write_tokens=_plus(self.cache_write_tokens, other.cache_write_tokens),
            output_tokens=_plus(self.output_tokens, other.output_tokens),
            reasoning_tokens=_plus(self.reasoning_tokens, other.reasoning_tokens),
            cost_usd=_plus(self.cost_usd, other.cost_usd),
        )


UNKNOWN_USAGE = Usage(
    requests=1,
    input_tokens=None,
    cached_input_tokens=None,
    cache_write_tokens=None,
    output_tokens=None,
    reasoning_tokens=None,
    cost_usd=None,
)


class Disagreement(Record):
    """Two figures for one meter of a phase that lie more than 5 % apart; the ledger's is the one that counts.

    `source`: `agent` (what its own log says) or `provider` (the cost a reply states, against our prices).
    """

    phase: str
    meter: str
    source: str
    ledger: float
    other: float


class Blame(StrEnum):
    """Whose failure it is. INFRA is retried and never charged to the model; HARNESS is our bug."""

    MODEL = "model"
    INFRA = "infra"
    HARNESS = "harness"


class Failure(Record):
    """Why a run did not complete."""

    kind: Blame
    code: str
    message: str


class PhaseResult(Record):
    """How one phase went. `commit` and `tree` are Git ids of its snapshot, None of a phase that was skipped.

    `configuration` is the digest of all the agent was started with (program, files, environment).
    """

    id: str
    kind: PhaseKind = PhaseKind.WORK
    started: datetime
    wall_s: float
    usage: Usage
    exit_code: int | None
    stopped_by: str = Field(
        description="done, budget, wall_time, context_full, loop, provider, crashed or nothing_to_repair"
    )
    commit: str | None = None
    tree: str | None = None
    configuration: str | None = None


class RunStatus(StrEnum):
    """How an attempt ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Imported(Record):
    """Where a run that was made elsewhere came from, and what was claimed of it; nothing of it was metered.

    `kind`: `folder`, `repository` (with the history of its makers) or `result` (claims without a tree).
    """

    source: str
    kind: str
    status: str | None = None
    wall_s: float | None = None
    usage: Usage | None = None


class Run(Record):
    """One attempt at a trial. `files`: SHA-256 of each file beside run.json; `tree`: what is graded.

    `replay_of` is the run whose recorded replies were played instead of asking the model; `imported` says
    that it was made elsewhere.
    """

    trial: Trial
    attempt: int
    status: RunStatus
    started: datetime
    finished: datetime
    phases: tuple[PhaseResult, ...]
    usage: Usage
    image: str
    tree: str | None
    failure: Failure | None = None
    disagreements: tuple[Disagreement, ...] = ()
    replay_of: str | None = None
    imported: Imported | None = None
    files: dict[str, str] = {}

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_unset(self, dump, "imported")

    @property
    def id(self) -> str:
        """`<trial>/<attempt>`, also its place under `runs/`."""
        return f"{self.trial.id}/{self.attempt}"

    @property
    def wall_s(self) -> float:
        """Seconds the agent worked, over all phases; of an interrupted run, until it was interrupted."""
        if self.status is RunStatus.INTERRUPTED:
            return round((self.finished - self.started).total_seconds(), 3)
        return sum(p.wall_s for p in self.phases)
