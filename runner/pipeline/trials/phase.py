"""One phase: the agent works, its logs are kept, and what it left is committed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import monotonic

from runner.archive.archive import Attempt
from runner.archive.repository import Repository
from runner.core.errors import UnpackError
from runner.core.protocols import Agent, Endpoint, Sandbox, Session
from runner.core.records import Blame, Disagreement, Failure, Model, Phase, PhaseResult
from runner.gateway.door import Door
from runner.pipeline.events import EventLog
from runner.pipeline.trials.endings import Ending, supervised
from runner.pipeline.trials.snapshot import take_snapshot


@dataclass(frozen=True)
class PhaseOutcome:
    """What came of a phase; a `failure` ends the run."""

    result: PhaseResult
    failure: Failure | None
    disagreements: tuple[Disagreement, ...]


@dataclass(frozen=True)
class PhaseWorker:
    """One phase of an attempt: its agent in its sandbox, behind its door, into its repository."""

    agent: Agent
    model: Model
    phase: Phase
    sandbox: Sandbox
    door: Door
    repository: Repository
    attempt: Attempt

    async def run(self, events: EventLog, is_first: bool) -> PhaseOutcome:
        """The agent's work and the snapshot of what it left."""
        started, clock = datetime.now(UTC), monotonic()
        self.door.begin_phase(self.phase.id, self.phase.limits)
        endpoint = Endpoint(
            base_url="http://127.0.0.1:8080",
            model=self.model.name,
            token=self.door.token,
            wire=self.model.wire,
        )
        work = self.agent.run(self.sandbox, self.phase.prompt, endpoint, self.phase.limits)
        session = await supervised(work, self.door, self.sandbox)
        wall_s = monotonic() - clock
        self._keep_logs(session)
        await self.sandbox.restart()
        commit = tree = unusable = None
        try:
            snapshot = await take_snapshot(self.sandbox, self.repository, self.phase.id, started)
            commit, tree = snapshot.commit, snapshot.tree
            events.emit("snapshot", phase=self.phase.id, tree=tree, skipped=snapshot.skipped)
        except UnpackError as error:
            unusable = Failure(kind=Blame.MODEL, code="unusable_workspace", message=str(error))
        ending = Ending(self.phase, session.result, self.door, tree, is_first=is_first)
        result = PhaseResult(
            id=self.phase.id,
            kind=self.phase.kind,
            started=started,
            wall_s=round(wall_s, 3),
            usage=self.door.usage(self.phase.id),
            exit_code=session.result.exit_code,
            stopped_by=ending.stopped_by,
            commit=commit,
            tree=tree,
            configuration=hashlib.sha256(session.configuration.encode()).hexdigest(),
        )
        disagreements = self.door.disagreements(self.phase.id, session.reported)
        return PhaseOutcome(result, ending.failure() or unusable, tuple(disagreements))

    def _keep_logs(self, session: Session) -> None:
        """What the agent wrote, what it was started with, and its own log's events, one JSON line each."""
        logs, phase = self.attempt.logs, self.phase.id
        written = [session.result.stderr, session.result.stdout]
        (logs / f"{phase}.log").write_bytes(b"\n".join(filter(None, written)))
        (logs / f"{phase}.config.json").write_text(session.configuration, "utf-8")
        steps = (json.dumps(asdict(step)) + "\n" for step in session.steps)
        (logs / f"{phase}.steps.jsonl").write_text("".join(steps), "utf-8")
