"""Whether the produced app's own test suite loads, runs and passes without network."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runner.core.protocols import ExecResult, Subject
from runner.core.records import Finding, Location, Values
from runner.core.tree import SourceTree
from runner.probes.kit.lab.inside.slowness import slowness
from runner.probes.kit.lab.lab import Lab, open_lab
from runner.probes.kit.lab.logs import Flood, Log, error_line, error_places, has_line
from runner.probes.kit.lab.recipes import App, Suite, find_app
from runner.probes.kit.lab.services import excused
from runner.probes.kit.verdicts import Verdict, bad, good, moot, place, unclear

LOADS, PASSES, NOT_EMPTY = "suite.loads", "suite.passes", "suite.not_empty"
_COUNTS = ("runs", "assertions", "failures", "errors", "skips")
_NAMED = 10
_REPORT = 2000
Verdicts = tuple[Verdict, Verdict, Verdict]


class SuiteProbe:
    """Runs the suite as its recipe says; `limit_s` is the time it may take."""

    id = "suite"
    version = 2
    needs_lab = True
    checks: Mapping[str, str] = {
        LOADS: "the test suite loads and runs",
        PASSES: "every test passes",
        NOT_EMPTY: "at least one test really ran",
    }

    def __init__(self, limit_s: float = 300) -> None:
        self.limit_s = limit_s

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check."""
        verdicts = await self._judge(subject)
        return [verdict.of(check) for check, verdict in zip(self.checks, verdicts, strict=True)]

    async def _judge(self, subject: Subject) -> Verdicts:
        app = find_app(subject.tree)
        if app is None:
            nothing = moot("there is no app that the lab's recipes know")
            return nothing, nothing, bad("there is no app, so there is no test of it")
        suite = find_suite(subject.tree, app)
        if suite is None:
            nothing = moot("there are no test files")
            looked = " or ".join(s.files.pattern for s in app.recipe.suites)
            return nothing, nothing, bad(f"no test file was found (looked for {looked})")
        if not suite_files(subject.tree, app, suite):
            unseen = unclear("there are only browser tests, and the image has no browser")
            return unseen, unseen, unseen
        return await self._run_suite(subject, app, suite)

    async def _run_suite(self, subject: Subject, app: App, suite: Suite) -> Verdicts:
        async with open_lab(subject, app) as lab:
            installed = await lab.install()
            if not installed.ok:
                obstacle = installed.obstacle(subject.tree, app.folder)
                after = moot("the test suite cannot be loaded") if installed.broken else obstacle
                return obstacle, after, after
            log = Log()
            result = await self._execute(lab, suite, log)
            log.keep(subject.artifacts, "suite.log")
            loads, passes, not_empty = read_suite(subject.tree, app, suite, result, log.text)
            loads, passes = (excused(subject.tree, app.folder, log.text, v) for v in (loads, passes))
            return installed.fair(loads), installed.fair(passes), not_empty

    async def _execute(self, lab: Lab, suite: Suite, log: Log) -> ExecResult:
        command = lab.app.command(lab.tree, suite.commands)
        assert command is not None
        await lab.prepare(suite.prepare, {"RAILS_ENV": "test"})
        try:
            return await lab.execute(command.argv, timeout_s=self.limit_s * slowness(), log=log)
        except Flood:
            return ExecResult(exit_code=None, wall_s=0, truncated=True)


def find_suite(tree: SourceTree, app: App) -> Suite | None:
    """The first suite of the recipe that has files."""
    return next((s for s in app.recipe.suites if any(s.files.search(p) for p in _inside(tree, app))), None)


def suite_files(tree: SourceTree, app: App, suite: Suite) -> list[str]:
    """The files that can run without a browser, relative to the app."""
    skipped = suite.browser_files
    return [p for p in _inside(tree, app) if suite.files.search(p) and not (skipped and skipped.search(p))]


def _inside(tree: SourceTree, app: App) -> list[str]:
    return [path.removeprefix(app.folder) for path in tree if path.startswith(app.folder)]


def read_suite(tree: SourceTree, app: App, suite: Suite, result: ExecResult, output: str) -> Verdicts:
    """Judge a suite by its exit code and its output; the output alone may lie."""
    summaries = list(suite.summary.finditer(output))
    values: Values = {"suite": suite.id, "exit_code": result.exit_code, "wall_s": round(result.wall_s, 1)}
    if result.exit_code is None or not summaries:
        not_loaded = moot("the test suite does not run")
        return _not_loaded(tree, app, result, output, values), not_loaded, not_loaded
    counts = {name: int(summaries[-1].groupdict().get(name) or 0) for name in _COUNTS}
    values = {**values, **counts}
    loads = good(f"{counts['runs']} tests ran in {result.wall_s:.1f} s")
    ran = counts["runs"] - counts["skips"]
    if ran <= 0:
        empty = f"no test ran: {counts['runs']} found, {counts['skips']} skipped"
        return _with(loads, values), moot("no test ran"), _with(bad(empty), values)
    passes = _passes(tree, app, suite, result, output, counts)
    return _with(loads, values), _with(passes, values), _with(good(f"{ran} tests really ran"), values)


def _with(verdict: Verdict, values: Values) -> Verdict:
    return Verdict(verdict.outcome, verdict.message, verdict.locations, values)


def _not_loaded(tree: SourceTree, app: App, result: ExecResult, output: str, values: Values) -> Verdict:
    if result.timed_out:
        message = f"the test suite did not end within {result.wall_s:.0f} s"
    elif result.truncated and result.exit_code is None:
        message = "the test suite writes without end"
    else:
        reason = error_line(output) or "it printed nothing"
        message = f"the test suite does not load (exit code {result.exit_code}): {reason}"
    return _with(bad(message, error_places(tree, app.folder, output)), values)


def _passes(
    tree: SourceTree, app: App, suite: Suite, result: ExecResult, output: str, counts: dict[str, int]
) -> Verdict:
    failing = counts["failures"] + counts["errors"]
    if failing:
        reports = list(suite.failed.finditer(output))[:_NAMED]
        tests = ", ".join(report["test"] for report in reports)
        what = f"{failing} of {counts['runs']} tests fail: {tests}".rstrip(": ")
        return bad(what, [p for report in reports for p in _place_of(tree, app, report, output)])
    if result.exit_code and not re.search(r"^SimpleCov failed with exit", output, re.M):
        return bad(f"the summary names no failure, but the suite ended with exit code {result.exit_code}")
    return good(f"all {counts['runs']} tests pass")


def _place_of(tree: SourceTree, app: App, report: re.Match[str], output: str) -> list[Location]:
    """Where a failing test stands, or what it ran into: as its report says."""
    named = report.groupdict()
    path = app.folder + (named["path"] or "").removeprefix("/workspace/").removeprefix(app.folder)
    line = int((named["line"] or "0")[:9])
    if has_line(tree, path, line):
        return [place(tree, path, line)]
    return error_places(tree, app.folder, output[report.end() : report.end() + _REPORT])[:1]


PROBE = SuiteProbe()
