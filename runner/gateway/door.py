"""The gateway's face: one `Gateway` a process, one `Door` a trial."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from runner.core.errors import SetupError
from runner.core.records import Blame, Disagreement, Failure, Limits, Model, Usage
from runner.core.registry import load
from runner.core.replay import Replayed
from runner.gateway import wires
from runner.gateway.calls.breaker import PROVIDER_FAULTS, provider_failure
from runner.gateway.calls.proxy import ModelProxy, Service
from runner.gateway.calls.upstream import HttpUpstream, Upstream
from runner.gateway.downloads.egress import Egress
from runner.gateway.downloads.fetching import Fetcher, open_fetcher
from runner.gateway.listener import Listener, listening
from runner.gateway.metering.ledger import Account, Exchange, Ledger
from runner.gateway.metering.pricing import is_priced
from runner.gateway.metering.reconciliation import with_agent
from runner.gateway.recording.cassette import recording
from runner.gateway.recording.redaction import Redactor
from runner.gateway.recording.replay import ReplayUpstream, open_replay
from runner.gateway.recording.transcript import JsonLines
from runner.gateway.scripted import Rendering, ScriptedModel
from runner.gateway.settings import GatewaySettings, without_waits
from runner.gateway.wire import Fault, Wire


@dataclass(frozen=True)
class DoorSpec:
    """What a trial's door opens to. `limits` bound the whole run; `egress` holds names and `*.domain`, and
    `egress_bytes` bounds what passes to and from them.

    `rendering` is the agent's way of doing what a scripted model wants. Model calls are recorded in the new
    file `cassette`; with `replay`, they are answered from that recorded one, and nothing else is asked.
    """

    socket: Path
    model: Model
    key: str | None = field(repr=False)
    transcript: Path
    downloads: Path
    egress: tuple[str, ...] = ()
    egress_bytes: int | None = None
    limits: Limits | None = None
    rendering: Rendering | None = None
    cassette: Path | None = None
    replay: Path | None = None


class Door:
    """One trial's way out. `token` is what its agent authenticates with; it is worth nothing elsewhere."""

    def __init__(
        self,
        token: str,
        model: Model,
        ledger: Ledger,
        proxy: ModelProxy,
        egress: Egress,
        replay: ReplayUpstream | None = None,
    ) -> None:
        self.token = token
        self._model = model
        self._replay = replay
        self._ledger = ledger
        self._proxy = proxy
        self._egress = egress
        self.lost: str | None = None

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Every try so far, in the order in which they ended."""
        return tuple(self._ledger.exchanges)

    @property
    def stopped(self) -> asyncio.Event:
        """Set when no request of this phase can come to anything any more: the agent should end, or be ended.

        Why: `verdict` and `refusal`.
        """
        return self._proxy.breaker.stopped

    @property
    def ended_by(self) -> Failure | None:
        """Why the gateway ended the run before its time, if it did."""
        return self._proxy.breaker.failure

    @property
    def fetched(self) -> dict[str, int]:
        """Bytes of downloads by host, both ways."""
        return dict(self._egress.totals)

    @property
    def replayed(self) -> Replayed | None:
        """How a replay went so far; None if it is none."""
        return self._replay.replayed if self._replay else None

    def begin_phase(self, phase: str, limits: Limits) -> None:
        """Count for this phase from now on; the scripted model plays this phase's script."""
        self._ledger.begin_phase(phase, limits)
        self._proxy.breaker.begin_phase()

    def usage(self, phase: str | None = None) -> Usage:
        """Totals of one phase or of the run; unknown as soon as one part is unknown."""
        return self._ledger.usage(phase)

    def refusal(self, phase: str | None = None) -> str | None:
        """Which limit was hit in the phase (default: the current one), if one was: it stopped by budget."""
        return self._ledger.refusals.get(self._ledger.phase if phase is None else phase)

    def spent_out(self) -> str | None:
        """Which limit of the run or of the whole invocation is used up, so that no phase need begin."""
        return self._ledger.spent_out()

    def is_held_to(self, limits: Limits | None) -> bool:
        """Whether the limits can be held: the cost of a model without a price cannot."""
        return limits is None or limits.cost_usd is None or is_priced(self._model)

    def is_context_full(self, phase: str) -> bool:
        """Whether the phase ended because the conversation no longer fits the model's context."""
        last = next((e for e in reversed(self._ledger.exchanges) if e.phase == phase), None)
        return last is not None and last.fault is Fault.CONTEXT_OVERFLOW

    def disagreements(self, phase: str, reported: Usage | None = None) -> list[Disagreement]:
        """Where the provider's stated cost, or what the agent `reported`, is more than 5 % off."""
        own = with_agent(phase, self.usage(phase), reported) if reported else []
        return [*self._proxy.reconciliation.with_provider(phase), *own]

    def given_up(self, phase: str, first: bool) -> Failure | None:
        """Why a phase that ended by itself left an empty workspace, if that is the model's doing."""
        return self._proxy.progress.given_up(phase, first)

    def verdict(self, agent_done: bool = False) -> Failure | None:
        """What failed beside the agent: what ended the run, else how the last call that was sent ended.

        A provider's last fault did not matter to an agent that came to its own end: it says so
        (`agent_done`), and the model's newest reply called no tool. Exit codes alone lie.
        """
        if self._proxy.bug:
            return Failure(kind=Blame.HARNESS, code="gateway_bug", message=self._proxy.bug)
        if lost := self._proxy.lost or self.lost:
            return Failure(kind=Blame.INFRA, code="transcript_lost", message=lost)
        if self.ended_by:
            return self.ended_by
        if agent_done and self._proxy.progress.is_at_end(self._ledger.phase):
            return None
        sent = [e for e in self._ledger.exchanges if e.usage.requests and e.fault is not Fault.AGENT_LEFT]
        if not sent or sent[-1].fault not in PROVIDER_FAULTS:
            return None
        return provider_failure(sent[-1])


class Gateway:
    """Opens doors; they share one pool of connections to providers."""

    def __init__(self, settings: GatewaySettings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._session: aiohttp.ClientSession | None = None
        cap = settings.spend_cap_usd
        self._invocation = None if cap is None else Account("invocation", Limits(cost_usd=cap))

    def spent_out(self) -> str | None:
        """The spend cap of all doors, once it is used up."""
        return self._invocation.used_up() if self._invocation else None

    @asynccontextmanager
    async def open_door(self, spec: DoorSpec, on_exchange: Callable[[Exchange], None]) -> AsyncIterator[Door]:
        """Raises SpecError for a bad script, SetupError for an unusable socket path or CA bundle, and
        ArchiveError for a damaged cassette."""
        wire: Wire = load(wires, spec.model.wire, "wire format").WIRE
        redactor, token = Redactor(spec.key), secrets.token_urlsafe(24)
        ledger = Ledger(spec.limits, self._invocation)
        replay = await open_replay(spec.replay, wire) if spec.replay else None
        upstream = replay or await self._upstream(spec, wire)
        settings = without_waits(self._settings) if replay else self._settings

        def lose(why: str) -> None:
            door.lost = why

        with (
            JsonLines(spec.transcript, redactor) as transcript,
            JsonLines(spec.downloads, redactor) as log,
            recording(upstream, spec.cassette, spec.model, redactor, lose) as recorded,
        ):
            service = Service(
                spec.model, wire, token, recorded, ledger, transcript, redactor, on_exchange, settings
            )
            proxy = ModelProxy(service)

            def record(fetch: dict[str, Any]) -> None:
                try:
                    log.write(fetch)
                except OSError as error:
                    lose(str(error))

            egress = Egress(spec.egress, self._settings, record, spec.egress_bytes)
            door = Door(token, spec.model, ledger, proxy, egress, replay)
            async with listening(spec.socket, Listener(proxy.handle, egress, self._settings.head_s)):
                yield door

    @asynccontextmanager
    async def open_fetcher(self, hosts: Sequence[str], most_bytes: int) -> AsyncIterator[Fetcher]:
        """For downloads of the runner's own from these hosts. Raises SetupError for an unusable CA bundle."""
        egress = Egress(hosts, self._settings, lambda fetch: None, most_bytes)
        async with _session(self._settings) as session, open_fetcher(session, egress) as fetcher:
            yield fetcher

    async def _upstream(self, spec: DoorSpec, wire: Wire) -> Upstream:
        if spec.model.script is not None:
            assert spec.rendering is not None
            shared = Path(spec.model.script_files) if spec.model.script_files else None
            return ScriptedModel(Path(spec.model.script), wire, spec.rendering, shared)
        assert spec.model.upstream is not None
        if self._session is None:
            self._session = await self._stack.enter_async_context(_session(self._settings))
        authorization = wire.authorization(spec.key, spec.model.upstream) if spec.key else {}
        return HttpUpstream(self._session, spec.model.upstream, authorization, self._settings)


@asynccontextmanager
async def open_gateway(settings: GatewaySettings | None = None) -> AsyncIterator[Gateway]:
    """The gateway of this process; leave its doors before it."""
    async with AsyncExitStack() as stack:
        yield Gateway(settings or GatewaySettings(), stack)


def _session(settings: GatewaySettings) -> aiohttp.ClientSession:
    """No cookies: trials share the session, and one must not leave traces in another."""
    trust = ssl.create_default_context()
    if settings.ca_bundle is not None:
        try:
            trust.load_verify_locations(settings.ca_bundle)
        except OSError as error:  # ssl.SSLError is one
            raise SetupError(f"{settings.ca_bundle}: not a bundle of CA certificates: {error}") from error
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=trust),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "shipworthy"},
    )
