"""What is asked: tasks, models, and trials of one on the other."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from runner.core.records.base import VARIANT, Record, without_unset


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


class OwnTests(Record):
    """Tests that come with a task: a folder whose `test.sh` writes a reward from 0 to 1.

    They run in the image of `sandbox` (default: the task's) beside the produced files at `place`. `folder`
    on this host and the digest of its `content` are filled in by the loader.
    """

    timeout_s: float = Field(600, gt=0)
    env: dict[str, str] = {}
    sandbox: str | None = None
    place: str = Field("/workspace", pattern=r"^/")
    folder: str = ""
    content: str = ""


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
    seed: str | None = Field(None, description="a folder of the image: what a workspace begins with")
    tests: OwnTests | None = None

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_unset(self, dump, "seed", "tests")

    @property
    def sandboxes(self) -> tuple[str, ...]:
        """The images that a run and its grading need."""
        own = self.tests.sandbox if self.tests else None
        return (self.sandbox, own) if own else (self.sandbox,)

    def identity(self) -> str:
        """Digest of what a model is asked, whatever it is called and however it is graded.

        What a repair phase asks depends on the rubric, so there it counts.
        """
        asks_by_rubric = any(phase.kind is PhaseKind.REPAIR for phase in self.phases)
        graded_by = ("goals", "review_file", *(() if asks_by_rubric else ("rubric",)))
        return self.digest("title", "shape", "demo", "tests", *graded_by)


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
        return without_unset(self, dump, "variant")

    @property
    def id(self) -> str:
        """A readable folder name, unique by digest: `rails_chat.demo-a.bash.e1.0f3c9a7e`."""
        return _trial_id(self)


@lru_cache(maxsize=100_000)  # asked for again and again, and most of what it takes is the digest
def _trial_id(trial: Trial) -> str:
    model = "".join(c if c.isalnum() or c in "-_" else "-" for c in trial.model)
    task = f"{trial.task}~{trial.variant}" if trial.variant else trial.task
    return f"{task}.{model}.{trial.agent}.e{trial.epoch}.{trial.digest()[:8]}"
