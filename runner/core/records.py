"""Frozen records with canonical JSON and a digest: the only thing stages exchange."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

_N = TypeVar("_N", int, float)
VARIANT = r"^[a-z][a-z0-9_]*$"
Values = dict[str, str | int | float | bool | list[str] | None]


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Record(BaseModel):
    """A frozen record; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def canonical(self, *without: str) -> bytes:
        """Its canonical JSON: equal records give equal bytes."""
        return canonical_json(self.model_dump(mode="json", exclude=set(without)))

    def digest(self, *without: str) -> str:
        """SHA-256 of the canonical JSON (without some fields), 64 hex digits."""
        return hashlib.sha256(self.canonical(*without)).hexdigest()


def _without_unset(record: Record, dump: SerializerFunctionWrapHandler, *later: str) -> dict[str, Any]:
    """A dump without these fields where they hold their default.

    Digests are names: of rubrics, under which scores are kept, and of sealed runs. Fields that came later
    must not change those of records that do not use them.
    """
    fields: dict[str, Any] = dump(record)
    unset = {name for name in later if getattr(record, name) == type(record).model_fields[name].default}
    return {name: value for name, value in fields.items() if name not in unset}


# --- what is asked -----------------------------------------------------------------------------


class Limits(Record):
    """What one phase or a whole run may use; None means no limit of that kind."""

    wall_s: float = Field(3600, gt=0)
    command_s: float = Field(600, gt=0, description="the longest one command of the agent may take")
    requests: int | None = Field(None, gt=0)
    input_tokens: int | None = Field(None, gt=0)
    output_tokens: int | None = Field(None, gt=0)
    cost_usd: float | None = Field(None, ge=0)


class Resources(Record):
    """What one sandbox may use."""

    cpus: float = Field(2.0, gt=0)
    memory_mb: int = Field(4096, ge=64)
    disk_mb: int = Field(2048, ge=16, description="the workspace; HOME and /tmp get half each")
    pids: int = Field(1024, ge=16)


class PhaseKind(StrEnum):
    """WORK changes the workspace; REVIEW judges it in a file that is compared with what probes find; REPAIR
    gets the statements of the failed checks (`{{ failed_checks }}` in its prompt) and mends them."""

    WORK = "work"
    REVIEW = "review"
    REPAIR = "repair"


class Phase(Record):
    """One prompt in a workspace that earlier phases left behind; `prompt` is fully rendered, but for
    `{{ failed_checks }}` of a repair phase."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: PhaseKind = PhaseKind.WORK
    prompt: str = Field(min_length=1)
    limits: Limits = Limits()


class Goal(Record):
    """One thing a task asks for. It holds if its `checks` pass; without any, no probe can tell."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    statement: str = Field(min_length=1)
    checks: tuple[str, ...] = ()


class Task(Record):
    """What a model is asked to build, and where.

    `goals` are what a review phase judges, in `review_file`; their statements are part of its prompt.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    sandbox: str
    rubric: str
    phases: tuple[Phase, ...] = Field(min_length=1)
    limits: Limits | None = Field(None, description="of the whole run, beside each phase's own")
    egress: tuple[str, ...] = ()
    egress_mb: int = Field(2000, gt=0, description="downloads of one run, both ways, in megabytes")
    resources: Resources = Resources()
    shape: dict[str, str] = {}
    demo: str | None = Field(None, description="the scripted model that runs where no model is named")
    goals: tuple[Goal, ...] = ()
    review_file: str = Field("SELF_REVIEW.md", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")

    def identity(self) -> str:
        """Digest of what a model is asked, whatever it is called and however it is graded.

        What a repair phase asks depends on the rubric, so there it counts.
        """
        asks_by_rubric = any(phase.kind is PhaseKind.REPAIR for phase in self.phases)
        graded_by = ("goals", "review_file", *(() if asks_by_rubric else ("rubric",)))
        return self.digest("title", "shape", "demo", *graded_by)


class Prices(Record):
    """USD per million tokens; reading from or writing to the cache costs like input where not given."""

    input: float = Field(ge=0)
    cached_input: float | None = Field(None, ge=0)
    cache_write: float | None = Field(None, ge=0)
    output: float = Field(ge=0)


class Model(Record):
    """A model as the gateway reaches it, or a scripted one: the folder `script` with that content."""

    id: str
    provider: str
    name: str = Field(description="the name the provider knows it by")
    wire: str
    upstream: str | None = None
    key_env: str | None = None
    params: dict[str, Any] = {}
    prices: Prices | None = None
    max_output_tokens: int | None = Field(None, gt=0, description="the most one reply can have")
    script: str | None = None
    script_digest: str | None = None
    script_files: str | None = Field(None, description="a folder of files that its script shares with others")

    def identity(self) -> str:
        """Digest of what decides its answers: neither keys, nor prices, nor where a script lies."""
        return self.digest("key_env", "prices", "max_output_tokens", "script", "script_files")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.upstream is None) == (self.script is None):
            raise ValueError("a model has either an upstream or a script")
        return self


class Trial(Record):
    """One cell of the plan: this task, this model, this agent, this repetition.

    `variant` names the paraphrase of the task's prompts, None for the prompts themselves.
    """

    task: str
    task_digest: str
    model: str
    model_digest: str
    agent: str
    agent_version: str
    epoch: int = Field(ge=1)
    variant: str | None = Field(None, pattern=VARIANT)

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_unset(self, dump, "variant")

    @property
    def id(self) -> str:
        """A readable folder name, unique by digest: `rails_chat.demo-a.bash.e1.0f3c9a7e`."""
        model = "".join(c if c.isalnum() or c in "-_" else "-" for c in self.model)
        task = f"{self.task}~{self.variant}" if self.variant else self.task
        return f"{task}.{model}.{self.agent}.e{self.epoch}.{self.digest()[:8]}"


# --- what happened -----------------------------------------------------------------------------


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
        return _without_unset(self, dump, "imported")

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


# --- what was found ----------------------------------------------------------------------------


class Outcome(StrEnum):
    """A check is a statement that is true of good code: PASS is always good. UNKNOWN is not failure."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


class Location(Record):
    """A place in the produced repository; lines count from 1."""

    path: str
    line: int | None = None
    text: str | None = None


class Finding(Record):
    """The outcome of one check, with what it was seen by."""

    check: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    outcome: Outcome
    message: str
    locations: tuple[Location, ...] = ()
    values: Values = {}


class PackageKind(StrEnum):
    """Whose package manager installs it."""

    NPM = "npm"
    PYTHON = "python"
    RUBY = "ruby"


class Package(Record):
    """A package file as its registry served it: one of those that a tree needs to be installed again.

    `content` is `<algorithm>-<hex>`, its digest, and names the file in the archive; `locked` says that the
    repository's lock file, or the registry's index, stated it.
    """

    kind: PackageKind
    name: str
    version: str
    url: str
    file: str = Field(pattern=r"^[\w@+-][\w.@+!-]*$")
    content: str = Field(pattern=r"^sha(256|384|512)-[0-9a-f]{64,128}$")
    locked: bool


class PackageIndex(Record):
    """The packages that were kept for a tree, sorted."""

    tree: str
    packages: tuple[Package, ...]


class Evidence(Record):
    """What one probe found in one tree; cached under (tree, probe, version, environment)."""

    tree: str
    probe: str
    version: int
    environment: str
    findings: tuple[Finding, ...]


# --- what it is worth --------------------------------------------------------------------------


class Condition(Record):
    """When a deduction fires: one check FAILs, or a combination. Exactly one field is set.

    `given` holds where a check PASSes and `unless` where it does not: they narrow an `all`, and what they
    name costs nothing by them.
    """

    fail: str | None = None
    all: tuple[Condition, ...] | None = None
    any: tuple[Condition, ...] | None = None
    given: str | None = None
    unless: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _check_name(cls, value: Any) -> Any:
        return {"fail": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(x is not None for x in (self.check, self.all, self.any)) != 1:
            raise ValueError("give exactly one of a check id, `all`, `any`, `given` or `unless`")
        return self

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_unset(self, dump, "given", "unless")

    @property
    def check(self) -> str | None:
        """The one check it names, if it is no combination."""
        return self.fail or self.given or self.unless

    def checks(self) -> frozenset[str]:
        """Every check id it names."""
        return self._named(("fail", "given", "unless"))

    def charged(self) -> frozenset[str]:
        """The check ids whose failure it is about."""
        return self._named(("fail",))

    def _named(self, fields: tuple[str, ...]) -> frozenset[str]:
        own = {getattr(self, name) for name in fields} - {None}
        return frozenset(own).union(*(c._named(fields) for c in (self.all or self.any or ())))


class Deduction(Record):
    """Points lost when a condition holds; what its `group` in the dimension does, that group says.

    `twice` says why a check that costs points elsewhere already may cost some here again.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    when: Condition
    points: float = Field(gt=0)
    because: str
    group: str | None = None
    twice: str | None = Field(None, min_length=1)

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_unset(self, dump, "twice")


class GroupMode(StrEnum):
    """EXCLUSIVE: only the worst member counts. ADDITIVE: all count, up to the group's `max`."""

    EXCLUSIVE = "exclusive"
    ADDITIVE = "additive"


class Group(Record):
    """How the deductions of one group count together; `max` is the most an additive one can cost."""

    mode: GroupMode = GroupMode.EXCLUSIVE
    max: float | None = Field(None, gt=0)


class Dimension(Record):
    """One of the rubric's dimensions, worth `points`; a group not named in `groups` is exclusive."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    points: float = Field(gt=0)
    groups: dict[str, Group] = {}
    deductions: tuple[Deduction, ...]

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_unset(self, dump, "groups")

    def group(self, deduction: Deduction) -> Group:
        """How a deduction counts beside others; alone it is a group of its own."""
        return self.groups.get(deduction.group or "", Group())


class Ceiling(Record):
    """Caps the total when a condition holds, whatever the dimensions add up to."""

    id: str
    when: Condition
    max: float = Field(ge=0)
    because: str


class Tier(Record):
    """Reached from `at_least` points on."""

    id: str
    at_least: float = Field(ge=0)
    meaning: str


class Rubric(Record):
    """Versioned data; a released one is never edited."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: int = Field(ge=1)
    title: str
    dimensions: tuple[Dimension, ...] = Field(min_length=1)
    ceilings: tuple[Ceiling, ...] = ()
    tiers: tuple[Tier, ...] = Field(min_length=1, description="best first")

    @property
    def name(self) -> str:
        """`rails_chat@2`."""
        return f"{self.id}@{self.version}"

    def checks(self) -> frozenset[str]:
        """Every check id it names."""
        conditions = [d.when for dim in self.dimensions for d in dim.deductions]
        conditions += [c.when for c in self.ceilings]
        return frozenset().union(*(c.checks() for c in conditions))


class AppliedDeduction(Record):
    """A deduction that fired (or, in `unknown`, might have), with the findings that decided it."""

    id: str
    points: float
    because: str
    findings: tuple[Finding, ...]


class DimensionScore(Record):
    """Points kept of `points`, as an interval when something is unknown."""

    id: str
    title: str
    points: float
    low: float
    high: float
    applied: tuple[AppliedDeduction, ...]
    unknown: tuple[AppliedDeduction, ...]


class Score(Record):
    """One run under one rubric. `tier` is named only when [low, high] lies in one tier."""

    run: str
    rubric: str
    rubric_digest: str
    evidence_digest: str
    dimensions: tuple[DimensionScore, ...]
    ceilings: tuple[AppliedDeduction, ...] = ()
    low: float
    high: float
    tier: str | None


# --- what the model said of its work, and made of what was found -------------------------------


class Claim(StrEnum):
    """A model's own verdict on a goal."""

    PASS = "pass"
    PARTIAL = "partial"
    FAIL = "fail"


class GoalState(StrEnum):
    """What the probes say of a goal."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"


class Comparison(StrEnum):
    """A claim beside what was found.

    HOLDS: PASS was claimed, and it is so. OVER_CLAIM: PASS was claimed, and it fails. HONEST_FAILURE:
    less than PASS was claimed, and it fails. UNDER_CLAIM: less than PASS was claimed, and it holds.
    MISSING: nothing was claimed.
    """

    HOLDS = "holds"
    OVER_CLAIM = "over_claim"
    HONEST_FAILURE = "honest_failure"
    UNDER_CLAIM = "under_claim"
    UNDECIDED = "undecided"
    MISSING = "missing"


class GoalComparison(Record):
    """One goal: what was claimed, what was found, and the findings that decided it."""

    goal: str
    statement: str
    claimed: Claim | None
    found: GoalState
    comparison: Comparison
    findings: tuple[Finding, ...] = ()


class Calibration(Record):
    """A run's review beside what probes found in the same tree.

    `goals_digest` is of the task's goals, `reading` the version of the rules by which the file was read;
    `file_found` is False if there was no file to read. `changed` are other files that the phase changed.
    """

    run: str
    task: str
    phase: str
    tree: str
    goals_digest: str
    reading: int
    evidence_digest: str
    file: str
    file_found: bool
    goals: tuple[GoalComparison, ...]
    counts: dict[str, int] = Field(description="goals by comparison")
    changed: tuple[str, ...] = ()


class Improvement(Record):
    """What a repair phase made of the checks that had failed, under one rubric.

    `gained_low` and `gained_high` bound what the score gained, as far as both scores are known. `fixed`
    failed before and pass after, `broken` the other way round.
    """

    run: str
    phase: str
    rubric: str
    rubric_digest: str
    before_tree: str
    after_tree: str
    evidence_digest: str = Field(description="of the evidence of both trees")
    before_low: float
    before_high: float
    after_low: float
    after_high: float
    gained_low: float
    gained_high: float
    asked: tuple[str, ...] = Field((), description="checks that had failed and cost points")
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
