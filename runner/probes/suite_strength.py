"""Does the suite notice when the app's LLM path breaks? It is run with coverage, then against mutants."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runner.core.protocols import Subject
from runner.core.records import Finding, Location, Outcome, Values
from runner.core.tree import SourceTree
from runner.probes.kit.lab.executed import Executed
from runner.probes.kit.lab.inside.slowness import slowness
from runner.probes.kit.lab.installed import Installed
from runner.probes.kit.lab.lab import Lab, open_lab
from runner.probes.kit.lab.recipes import App, Suite, find_app
from runner.probes.kit.lab.reruns import Rerun, Reruns, nearest
from runner.probes.kit.lab.services import excused
from runner.probes.kit.llm.clauses import Clause
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.llm.mutants import Mutant, harmless, mutants
from runner.probes.kit.llm.rescues import Rescues
from runner.probes.kit.verdicts import Verdict, bad, moot, unclear
from runner.probes.suite import find_suite, read_suite, suite_files

LLM_PATH = "suite_strength.llm_path_executed"
ERROR_PATH = "suite_strength.error_path_executed"
MUTANTS = "suite_strength.mutants_killed"
BUDGET_S = 480.0
_SLOWER, _MORE_S = 3, 10.0
Verdicts = tuple[Verdict, Verdict, Verdict]


@dataclass
class Toll:
    """What became of the mutants. `unexecuted` survived too: no test runs what they change."""

    killed: list[Mutant] = field(default_factory=list)
    survived: list[Mutant] = field(default_factory=list)
    unexecuted: list[Mutant] = field(default_factory=list)
    untried: list[Mutant] = field(default_factory=list)

    @property
    def alive(self) -> list[Mutant]:
        """Those under which the suite is green."""
        return [*self.unexecuted, *self.survived]


class SuiteStrengthProbe:
    """`limit_s` is the time the suite may take as it is, `budget_s` that of all its runs together."""

    id = "suite_strength"
    version = 3
    needs_lab = True
    checks: Mapping[str, str] = {
        LLM_PATH: "the suite executes the code that calls the provider",
        ERROR_PATH: "the suite executes what the app does when the provider fails",
        MUTANTS: "the suite fails when the code around the provider call is broken",
    }

    def __init__(self, limit_s: float = 180, budget_s: float = BUDGET_S) -> None:
        self.limit_s = limit_s
        self.budget_s = budget_s

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check."""
        verdicts = await self._judge(subject)
        return [verdict.of(check) for check, verdict in zip(self.checks, verdicts, strict=True)]

    async def _judge(self, subject: Subject) -> Verdicts:
        app = find_app(subject.tree)
        suite = None if app is None else find_suite(subject.tree, app)
        if app is None or suite is None:
            return _all(moot("there are no test files" if app else "there is no app that the lab knows"))
        if not suite_files(subject.tree, app, suite):
            return _all(unclear("there are only browser tests, and the image has no browser"))
        use = LlmUse.of(subject.tree, subject.manifests)
        if not use.provider_calls:
            return _all(moot("nothing in the application calls a provider"))
        async with open_lab(subject, app) as lab:
            installed = await lab.install()
            if not installed.ok:
                return _all(_not_judged(installed.obstacle(subject.tree, app.folder).message))
            return await self._measure(subject, lab, suite, use, installed)

    async def _measure(
        self, subject: Subject, lab: Lab, suite: Suite, use: LlmUse, installed: Installed
    ) -> Verdicts:
        started = time.monotonic()
        reruns = Reruns(lab, suite)
        run, executed = await reruns.first(self.limit_s * slowness())
        loads, passes, _ = read_suite(lab.tree, lab.app, suite, run.result, run.output)
        folder = lab.app.folder
        loads, passes = (installed.fair(excused(lab.tree, folder, run.output, v)) for v in (loads, passes))
        if loads.outcome is not Outcome.PASS:
            return _all(_no_judge(loads))
        if passes.outcome is Outcome.NOT_APPLICABLE:
            return _all(moot(passes.message))
        covered = (llm_path(use, executed, folder), error_path(use, executed, folder))
        fair = [installed.fair(excused(lab.tree, folder, run.output, verdict)) for verdict in covered]
        if passes.outcome is not Outcome.PASS:
            return fair[0], fair[1], _no_judge(passes)
        hunt = Hunt(reruns, lab, suite, use, run.result.wall_s)
        survivors = await hunt.judged(executed, started + self.budget_s * slowness())
        return fair[0], fair[1], installed.fair(survivors)


@dataclass
class Hunt:
    """A green suite against the mutants of its app; `wall_s` is what it takes as it is.

    `is_judge` once the whole suite was seen to stay green under a harmless change.
    """

    reruns: Reruns
    lab: Lab
    suite: Suite
    use: LlmUse
    wall_s: float
    is_judge: bool = False

    async def judged(self, executed: Executed, until: float) -> Verdict:
        """Try every mutant while there is time."""
        toll = Toll()
        folder = self.lab.app.folder
        for mutant in mutants(self.use):
            sites = [(site.file, site.node) for site in mutant.sites]
            never = executed.any_ran(sites, folder) is False
            (toll.unexecuted if never else toll.untried).append(mutant)
        if not toll.unexecuted and not toll.untried:
            return moot("the application has nothing that a mutant could take away")
        near = await self._judges_nearby() if toll.untried else []
        while toll.untried and time.monotonic() < until:
            files = toll.untried[0].files(self.use.tree)
            green = await self._green(files, near) if near else True
            if green:  # so far: now all tests
                if (obstacle := await self._obstacle()) is not None:
                    return obstacle
                green = await self._green(files)
            (toll.survived if green else toll.killed).append(toll.untried.pop(0))
        return mutants_killed(toll)

    async def _judges_nearby(self) -> list[str]:
        """The test files that are asked first, if they are green by themselves under a harmless change."""
        files = harmless(self.use)
        tests = suite_files(self.lab.tree, self.lab.app, self.suite)
        near = nearest(self.reruns.argv, tests, files)
        return near if near and await self._green(files, near) else []

    async def _obstacle(self) -> Verdict | None:
        """Why the suite is no judge of mutants: it must be green a second time, under a harmless change."""
        if self.is_judge:
            return None
        files = harmless(self.use)
        green = await self._green(files)
        if green is False and self.reruns.hurry_no_more():
            green = await self._green(files)
        if green is None:
            return _not_judged("what the suite leaves behind cannot be removed")
        if not green:
            return bad("the suite is green once, and fails when a comment is added to the code it tests")
        self.is_judge = True
        return None

    async def _green(self, files: Mapping[str, bytes], tests: Sequence[str] = ()) -> bool | None:
        run = await self.reruns.changed(files, _SLOWER * self.wall_s + _MORE_S, tests)
        return None if run is None else is_green(self.lab.tree, self.lab.app, self.suite, run)


def is_green(tree: SourceTree, app: App, suite: Suite, run: Rerun) -> bool:
    """Whether tests ran and all of them passed."""
    _, passes, _ = read_suite(tree, app, suite, run.result, run.output)
    return passes.outcome is Outcome.PASS


def llm_path(use: LlmUse, executed: Executed, folder: str) -> Verdict:
    """Which of the calls that reach the provider were executed."""
    calls = use.provider_calls
    told = [(call.location, executed.ran(call.file, call.node, folder)) for call in calls]
    return _executed(told, "the code that calls the provider")


def error_path(use: LlmUse, executed: Executed, folder: str) -> Verdict:
    """Which of the clauses that end a provider's failure were executed."""
    rescues = Rescues(use)
    found = {clause.location: clause for call in use.provider_calls for clause in rescues.guard(call).clauses}
    told = [(place, _clause_ran(clause, executed, folder)) for place, clause in found.items()]
    if not told:
        return moot("nothing rescues a failure of the provider, so there is nothing to execute")
    return _executed(told, "what the app does when the provider fails")


def _clause_ran(clause: Clause, executed: Executed, folder: str) -> bool | None:
    return executed.any_ran([(clause.file, node) for node in clause.statements[:1]], folder)


def _executed(told: list[tuple[Location, bool | None]], what: str) -> Verdict:
    ran = [place for place, has_run in told if has_run]
    missed = [place for place, has_run in told if has_run is False]
    values: Values = {"executed": _named(ran), "not_executed": _named(missed)}
    if ran:
        also = f", but not {', '.join(_named(missed))}" if missed else ""
        return Verdict(Outcome.PASS, f"tests execute {what}{also}", (*ran, *missed), values)
    if len(missed) < len(told):
        return unclear("the lab could not tell which lines the suite executes", [p for p, _ in told])
    return Verdict(Outcome.FAIL, f"no test executes {what}", tuple(missed), values)


def mutants_killed(toll: Toll) -> Verdict:
    """All mutants must be killed; one weak one may survive.

    A rescue that no test runs counts as weak here: that is what ERROR_PATH tells.
    """
    told = [mutant for mutant in toll.unexecuted if mutant.id == "rescue"]
    strong = [mutant for mutant in toll.alive if not mutant.weak and mutant not in told]
    stays = "; ".join(f"when {m.words} ({_where(m, toll)})" for m in toll.alive)
    tried = len(toll.killed) + len(toll.alive)
    values: Values = {
        "killed": [m.id for m in toll.killed],
        "survived": [m.id for m in toll.alive],
        "score": f"{len(toll.killed)}/{tried}",
    }
    places = tuple(site.location for mutant in toll.alive for site in mutant.sites)
    if strong or len(toll.alive) > 1:
        return Verdict(Outcome.FAIL, f"the suite stays green {stays}", places, values)
    if toll.untried:
        left = ", ".join(m.id for m in toll.untried)
        return Verdict(Outcome.UNKNOWN, f"the suite is too slow to try every mutant: {left}", places, values)
    noticed = f"the suite fails under {len(toll.killed)} of {tried} mutants of the LLM path"
    also = f"; it stays green {stays}" if stays else ""
    return Verdict(Outcome.PASS, f"{noticed}{also}", places, values)


def _where(mutant: Mutant, toll: Toll) -> str:
    never = ", which no test runs" if mutant in toll.unexecuted else ""
    return _named([mutant.sites[0].location])[0] + never


def _named(places: Iterable[Location]) -> list[str]:
    return list(dict.fromkeys(f"{place.path}:{place.line}" for place in places))


def _not_judged(reason: str) -> Verdict:
    return unclear(f"not judged: {reason}")


def _no_judge(verdict: Verdict) -> Verdict:
    """A suite that fails by its own fault tells nothing of mutants, and is charged for that already."""
    if verdict.outcome is Outcome.FAIL:
        return moot(f"the suite is no judge: {verdict.message}")
    return _not_judged(verdict.message)


def _all(verdict: Verdict) -> Verdicts:
    return verdict, verdict, verdict


PROBE = SuiteStrengthProbe()
