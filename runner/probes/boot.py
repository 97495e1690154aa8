"""Whether the produced app starts in a fresh container without network and answers its own page."""

from __future__ import annotations

from collections.abc import Mapping

from runner.core.protocols import Subject
from runner.core.records import Finding, Location
from runner.probes.kit.lab.confirmed import SHARED, confirmed
from runner.probes.kit.lab.lab import READY_S, Lab, RootPage
from runner.probes.kit.lab.logs import error_line, error_places
from runner.probes.kit.lab.recipes import App, find_app
from runner.probes.kit.lab.services import excused
from runner.probes.kit.lab.stage import on_stage
from runner.probes.kit.lab.stub import Scenario
from runner.probes.kit.verdicts import Verdict, bad, good, moot

BOOTS, ROOT_PAGE = "boot.boots", "boot.root_page"


class BootProbe:
    """Starts the app as its recipe says and asks for its root page.

    `ready_s` is the time it may take, `tries` as for `confirmed`.
    """

    id = "boot"
    version = 3
    needs_lab = True
    checks: Mapping[str, str] = {
        BOOTS: "the app starts offline",
        ROOT_PAGE: "GET / answers the app's own page with a 2xx",
    }

    def __init__(self, ready_s: float = READY_S, tries: int = SHARED) -> None:
        self.ready_s = ready_s
        self.tries = tries

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check; a failure is confirmed by a second, fresh boot."""
        app = find_app(subject.tree)
        if app is None:
            nothing = bad("there is no app that the lab's recipes know (Rails, Node, Python)")
            return [nothing.of(BOOTS), moot("there is no app").of(ROOT_PAGE)]

        async def attempt(number: int) -> list[Finding]:
            boots, root_page = await self._boot(subject, app, number)
            return [boots.of(BOOTS), root_page.of(ROOT_PAGE)]

        return await confirmed(attempt, self.tries)

    async def _boot(self, subject: Subject, app: App, number: int) -> tuple[Verdict, Verdict]:
        async with on_stage(subject, app, Scenario(), alone=number > 1) as stage:
            lab, installed = stage.lab, stage.installed
            if not installed.ok:
                obstacle = installed.obstacle(subject.tree, app.folder)
                return obstacle, moot("the app cannot be started") if installed.broken else obstacle
            page = await stage.page(self.ready_s)
            lab.log.keep(subject.artifacts, f"boot-{number}.log")
            seen = boots(lab, page), root_page(lab, page)
            boot, root = (excused(lab.tree, app.folder, lab.log.text, verdict) for verdict in seen)
            return installed.fair(boot), installed.fair(root)


def boots(lab: Lab, page: RootPage) -> Verdict:
    """Whether the app came to serve."""
    if page.is_ready:
        by = f" as {page.by} says" if page.by else ""
        return good(f"the app started{by} and GET / answered {page.status}", http_status=page.status)
    return bad(*why_not(lab, page))


def why_not(lab: Lab, page: RootPage) -> tuple[str, list[Location]]:
    """What kept the app from serving, and where."""
    log = lab.log.text
    reason = error_line(log)
    if page.flooded:
        return "the app writes to its log without end", []
    if page.died:
        ending = f"the app ended with exit code {page.exit_code}"
    elif page.status:
        ending = f"GET / answers {page.status}"
    else:
        ending = "GET / was not answered in time"
    return f"{ending}: {reason}" if reason else ending, error_places(lab.tree, lab.app.folder, log)


def root_page(lab: Lab, page: RootPage) -> Verdict:
    """Whether the root page is the app's own."""
    if page.status == 0:
        return moot("the app does not start")
    if page.status >= 500:
        return bad(*why_not(lab, page))
    if lab.app.recipe.stock_page.search(page.source):
        return bad("GET / answers the generator's welcome page: there is no page of the app's own")
    if 300 <= page.status < 400:
        return bad(f"GET / redirects to {page.location[:200]}, which the app does not serve itself")
    if not 200 <= page.status < 300:
        return bad(f"GET / answers {page.status}: {error_line(lab.log.text)}".rstrip(": "))
    if not page.text.strip() and "<" not in page.source:
        return bad("GET / answers an empty page")
    return good(f"GET / answers {page.status} with a page of its own", http_status=page.status)


PROBE = BootProbe()
