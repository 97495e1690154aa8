"""The lab: a produced app in a fresh container without network, a stand-in provider and a visitor."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.core.errors import SandboxError
from runner.core.protocols import ExecResult, Sandbox, SandboxBackend, SandboxSpec, Subject
from runner.core.tree import SourceTree
from runner.probes.kit.lab.inside.slowness import slowness
from runner.probes.kit.lab.installed import Installed
from runner.probes.kit.lab.logs import Flood, Log, error_line
from runner.probes.kit.lab.packages import HOME, offline_files
from runner.probes.kit.lab.recipes import AS_USUAL, AUTHORITY, App, Command, Start
from runner.probes.kit.lab.stub import HOSTS, Provider, Scenario, issue_certificates

WORKSPACE = "/workspace"
HELPER = "/home/agent/lab"
INSTALL_S = 120.0
READY_S = 60.0
LAB_S = 3600.0
ORDER_S = 10.0
_INSIDE = Path(__file__).with_name("inside")


@dataclass(frozen=True)
class RootPage:
    """What GET / came to. `status` is 0 when nothing answered in time; `died` when the app ended.

    `by` is the file whose word for a start was taken where the usual one came to nothing.
    """

    status: int = 0
    url: str = ""
    location: str = ""
    text: str = ""
    source: str = ""
    died: bool = False
    exit_code: int | None = None
    flooded: bool = False
    by: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether the app serves; an error of its own is not readiness."""
        return 0 < self.status < 500


class Lab:
    """One produced app in its sandbox, with its helper. Made by open_lab."""

    def __init__(self, tree: SourceTree, app: App, sandbox: Sandbox) -> None:
        self.tree = tree
        self.app = app
        self.log = Log()
        self.provider = Provider()
        self._sandbox = sandbox
        self._helper: Sandbox | None = None
        self._installed = Installed()
        self._orders: asyncio.Queue[bytes] = asyncio.Queue()
        self._starts: list[str] = []
        self._start_log = Log()
        self._running: asyncio.Task[ExecResult] | None = None

    @property
    def helper(self) -> Sandbox:
        """The sandbox beside the app: the provider stub is in it, and what uses the page."""
        assert self._helper is not None
        return self._helper

    async def install(self) -> Installed:
        """Satisfy the app's dependencies from what the image has."""
        log = Log()
        for attempt in self.app.recipe.install.attempts:
            log = Log()
            try:
                result = await self.execute(
                    attempt.argv, env=attempt.env, timeout_s=INSTALL_S * slowness(), log=log
                )
            except Flood:
                return Installed(broken="installing the dependencies writes without end")
            if result.ok:
                self._installed = Installed(attempt.env, attempt.note, attempt.alters)
                return self._installed
            if result.timed_out:
                return Installed(broken=f"{' '.join(attempt.argv[:2])} never ended", output=log.text)
            if found := self.app.recipe.install.broken.search(log.text):
                return Installed(broken=found[0].strip(), output=log.text)
        return Installed(missing=self._missing(log.text), output=log.text)

    def _missing(self, output: str) -> str:
        patterns = self.app.recipe.install.missing
        names = (found[1] for pattern in patterns if (found := pattern.search(output)))
        return next(names, "") or error_line(output) or "something"

    async def prepare(self, commands: Sequence[Command], env: Mapping[str, str] | None = None) -> None:
        """Run what is for this app; a failure shows in what comes after."""
        for command in commands:
            if command.suits(self.tree, self.app.folder):
                with suppress(Flood):
                    await self.execute(command.argv, env=env, timeout_s=INSTALL_S * slowness(), log=Log())

    async def execute(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout_s: float,
        log: Log | None = None,
    ) -> ExecResult:
        """A command of the app, in its folder."""
        return await self._sandbox.exec(
            argv,
            env={**self._installed.env, **(env or {})},
            cwd=f"{WORKSPACE}/{self.app.folder}".rstrip("/"),
            timeout_s=timeout_s,
            on_output=log.feed if log else None,
        )

    async def put(self, files: Mapping[str, bytes], path: str) -> None:
        """Write files below an absolute path of the sandbox."""
        await self._sandbox.put(files, path)

    @asynccontextmanager
    async def running(
        self, ready_s: float = READY_S, start: Start = AS_USUAL, env: Mapping[str, str] | None = None
    ) -> AsyncIterator[RootPage]:
        """The started app, once its root page has settled; killed with all it started at the end.

        `env` goes before what its recipe sets.

        To start it again restarts the app: a new process, with the files that the last one left.
        """
        env = {**start.env(self.app.recipe), **(env or {})}
        if not self._starts:
            await self.prepare(self.app.recipe.prepare, env)
        if start.mode not in self._starts:
            await self.prepare(self.app.recipe.modes[start.mode].prepare, env)
        self._starts.append(start.mode)
        try:
            yield await self._start(env, ready_s)
        finally:
            if self._running is not None:
                await _end(self._running)

    async def _start(self, env: Mapping[str, str], ready_s: float) -> RootPage:
        """By the first command that does not end at once; what the first one came to if all of them do."""
        pages: list[RootPage] = []
        for command in self.app.commands(self.tree, self.app.recipe.start):
            running = self.execute(command.argv, env=env, timeout_s=LAB_S, log=self.log)
            self._running = asyncio.create_task(running, name="app")
            page = await self._settled(ready_s)
            if not page.died or page.flooded:
                return replace(page, by=command.needs or "") if pages else page
            pages.append(page)
        return pages[0] if pages else RootPage(died=True)

    @property
    def runs(self) -> bool:
        """Whether the started app still does."""
        return self._running is not None and not self._running.done()

    def has_started(self) -> None:
        """What the log holds now is about the start of the app."""
        self._start_log.become(self.log)

    async def begin(self, scenario: Scenario) -> None:
        """From now on the provider follows a scenario and was asked nothing; the log tells of the start."""
        self.log.become(self._start_log)
        await self.script(scenario)
        self.provider = Provider(listening=True, switched=self.provider.switched)

    async def has_ended(self) -> bool:
        """Whether the started app is gone, or goes within a second."""
        assert self._running is not None
        return bool((await asyncio.wait({self._running}, timeout=1))[0])

    async def _settled(self, ready_s: float) -> RootPage:
        assert self._running is not None
        asking = asyncio.create_task(self.visit({"do": "wait", "patience_s": ready_s * slowness()}))
        try:
            await asyncio.wait({asking, self._running}, return_when=asyncio.FIRST_COMPLETED)
            if self._running.done():
                error = self._running.exception()
                if error is not None and not isinstance(error, Flood):
                    raise error
                code = None if error else self._running.result().exit_code
                return RootPage(died=True, exit_code=code, flooded=error is not None)
            seen = await asking
            return RootPage(**{name: seen[name] for name in ("status", "url", "location", "text", "source")})
        finally:
            await _end(asking)

    async def visit(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Let the page driver carry out a plan; returns its report (see page_driver.py)."""
        base = f"http://localhost:{self.app.recipe.port}"
        result = await self.helper.exec(
            ["python3", "-m", "inside.page_driver"],
            stdin=json.dumps({**plan, "base": base}).encode(),
            cwd=HELPER,
            timeout_s=plan.get("patience_s", 0) + 150 * slowness(),
        )
        try:
            report = json.loads(result.stdout)
        except ValueError:
            raise SandboxError(f"the page driver failed: {result.stderr[-500:]!r}") from None
        return dict(report)

    @asynccontextmanager
    async def helped(self, helper: Sandbox, scenario: Scenario) -> AsyncIterator[None]:
        """Have the provider stub listen, and the page driver at hand."""
        self._helper = helper
        certificates = issue_certificates()
        files = {f"inside/{path.name}": path.read_bytes() for path in _INSIDE.glob("*.py")}
        stub_files = (_INSIDE / "provider_stub").glob("*.py")
        files |= {f"inside/provider_stub/{path.name}": path.read_bytes() for path in stub_files}
        script = json.dumps(scenario.document()).encode()
        files |= {"scenario.json": script, "server.pem": certificates.server}
        authority = {Path(AUTHORITY).name: certificates.authority}
        await asyncio.gather(
            helper.put(files, HELPER), self._sandbox.put(authority, str(Path(AUTHORITY).parent))
        )
        stub = asyncio.create_task(
            helper.exec(
                ["python3", "-m", "inside.provider_stub", HELPER],
                stdin=self._told_provider(),
                cwd=HELPER,
                timeout_s=LAB_S,
                on_output=self._told_by_provider,
            ),
            name="provider stub",
        )
        try:
            await self._listening(stub)
            yield
        finally:
            await _end(stub)

    async def script(self, scenario: Scenario) -> None:
        """From now on, the provider follows this scenario."""
        wanted = self.provider.switched + 1
        self._orders.put_nowait(json.dumps({"scenario": scenario.document()}).encode() + b"\n")
        async with asyncio.timeout(ORDER_S):
            while self.provider.switched < wanted:  # noqa: ASYNC110 - told by a callback for output
                await asyncio.sleep(0.01)

    def _told_by_provider(self, chunk: bytes) -> None:
        self.provider.feed(chunk)

    async def _told_provider(self) -> AsyncIterator[bytes]:
        while True:
            yield await self._orders.get()

    async def _listening(self, stub: asyncio.Task[ExecResult]) -> None:
        deadline = time.monotonic() + 30
        while not self.provider.listening:
            if stub.done():
                raise SandboxError(f"the provider stub did not start: {stub.result().stderr[-500:]!r}")
            if time.monotonic() > deadline:
                raise SandboxError("the provider stub did not start in 30 s")
            await asyncio.sleep(0.02)


@asynccontextmanager
async def open_lab(subject: Subject, app: App, scenario: Scenario | None = None) -> AsyncIterator[Lab]:
    """Put the tree into a fresh sandbox; with a scenario, a helper with stub and driver joins it."""
    backend, image, helper_image = _equipment(subject)
    spec = SandboxSpec(
        image=image,
        run=subject.run,
        purpose="grade",
        resources=subject.resources,
        local_hosts=HOSTS if scenario else (),
    )
    async with backend.open(spec) as sandbox:
        lab = Lab(subject.tree, app, sandbox)
        await sandbox.put(subject.tree)
        if subject.packages:
            await sandbox.put(offline_files(subject.packages), HOME)
        if scenario is None:
            yield lab
            return
        helper = SandboxSpec(image=helper_image, run=subject.run, purpose="lab", joins=sandbox.id)
        async with backend.open(helper) as other, lab.helped(other, scenario):
            yield lab


def _equipment(subject: Subject) -> tuple[SandboxBackend, str, str]:
    if subject.backend is None or subject.image is None or subject.helper_image is None:
        raise SandboxError("the lab needs a container engine and images")
    return subject.backend, subject.image, subject.helper_image


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it has cleaned up; how it ended no longer matters."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
