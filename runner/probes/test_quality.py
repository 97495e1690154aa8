"""Do the tests exercise the code that talks to the provider, with honest stand-ins?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.core.tree import SourceTree
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.llm.mocks import Mocks
from runner.probes.kit.llm.test_suite import Case, TestSuite
from runner.probes.kit.ruby.budget import within_budget
from runner.probes.kit.ruby.syntax import Call, constant_path, literal, text
from runner.probes.kit.verdicts import Verdict, bad, good, moot, unclear

CHECKS = {
    "test_quality.llm_path": "tests run the code that calls the provider",
    "test_quality.mocks_exist": "stubs and fakes of RubyLLM only have what RubyLLM has",
    "test_quality.mocking_tool": "a real mocking tool or an injected fake stands in for the provider",
    "test_quality.error_path": "a failure of the provider is tested",
}
_TOOLS = {
    "stub_request": "WebMock",
    "use_cassette": "VCR",
    "stub": "Minitest stub",
    "stubs": "Mocha",
    "expects": "Mocha",
    "any_instance": "Mocha",
    "expect": "Minitest::Mock",
    "allow": "RSpec",
    "double": "RSpec",
    "instance_double": "RSpec",
}
_RAISING = ("raise", "raises", "to_raise", "and_raise", "to_timeout", "fail")
_GEM_ERROR = re.compile(r"(?:::)?(?:RubyLLM::\w*Error|Faraday::\w+)\b")
_FAILED = re.compile(r"[45]\d\d")
_EXPECTING = re.compile(r"assert|refute|must_|raise_error|rescue_from|is_a\?|kind_of\?|instance_of\?")
_PROVIDER_ERROR = re.compile(
    r"RubyLLM::|Faraday|Net::|Timeout|Errno|SocketError|StandardError|RuntimeError"
    r"|\b(?!NotImplemented|Key|Argument|NoMethod|Name)\w*Error\b"
)


def findings(tree: SourceTree, manifests: Path) -> list[Finding]:
    """One finding per check."""
    use = LlmUse.of(tree, manifests)
    suite = TestSuite(use)
    exercising = suite.exercising()
    verdicts = {
        "llm_path": _llm_path(use, suite, exercising),
        "mocks_exist": _mocks_exist(use, suite),
        "mocking_tool": _mocking_tool(suite, exercising),
        "error_path": _error_path(use, suite),
    }
    return [verdict.of(f"test_quality.{name}") for name, verdict in verdicts.items()]


def _llm_path(use: LlmUse, suite: TestSuite, exercising: list[Case]) -> Verdict:
    if not suite.cases:
        return bad("there is no test case")
    if not use.provider_calls:
        return bad("nothing in the application calls a provider, so no test can exercise it")
    if exercising:
        return good(
            "tests run the code that calls the provider",
            [c.location for c in exercising],
            tests=len(exercising),
        )
    called = [c.location for c in use.provider_calls]
    return bad("no test runs the code that calls the provider (with the provider itself replaced)", called)


def _mocks_exist(use: LlmUse, suite: TestSuite) -> Verdict:
    if not suite.cases:
        return moot("there is no test case")
    if use.tree.text("lib/ruby_llm.rb") is not None and use.tree.glob("ruby_llm.gemspec"):
        return moot("the repository is RubyLLM itself: no manifest tells what it has")
    found = Mocks(use, suite).pretence()
    if found.false:
        messages = "; ".join(dict.fromkeys(message for _, message in found.false[:5]))
        if not use.api.complete:
            return unclear(
                f"{messages}, as far as known of this release", [place for place, _ in found.false]
            )
        return bad(f"tests pretend API that does not exist: {messages}", [place for place, _ in found.false])
    if found.judged:
        return good("every stand-in for RubyLLM has only what RubyLLM has", judged=found.judged)
    return good("no test stands in for a RubyLLM object in a way that contradicts it")


def _mocking_tool(suite: TestSuite, exercising: list[Case]) -> Verdict:
    if not suite.cases:
        return bad("there is no test case")
    used = [(c, tool) for c in suite.calls if (tool := _tool(c)) is not None]
    if used:
        tools = sorted({tool for _, tool in used})
        return good(f"tests use {', '.join(tools)}", [c.location for c, _ in used], tools=tools)
    if exercising:
        places = [c.location for c in exercising]
        if any(_monkey_patches(call) for case in exercising for call in case.calls):
            return bad("RubyLLM is patched by hand instead of stubbed with a tool", places)
        return good("a fake is handed to the code under test", places)
    return bad(
        "tests use no mocking tool (looked for WebMock, VCR, Mocha, Minitest::Mock, stub, RSpec doubles)"
    )


def _tool(call: Call) -> str | None:
    tool = _TOOLS.get(call.name)
    if constant_path(call.receiver) == "Minitest::Mock" and call.name == "new":
        return "Minitest::Mock"
    if tool is None or (tool in ("Minitest stub", "Minitest::Mock") and not _on_symbol(call)):
        return None
    return tool


def _on_symbol(call: Call) -> bool:
    return call.receiver is not None and literal(next(iter(call.positional), None)) is not None


def _monkey_patches(call: Call) -> bool:
    return "RubyLLM" in text(call.receiver) and call.name in (
        "define_singleton_method",
        "send",
        "define_method",
    )


def _error_path(use: LlmUse, suite: TestSuite) -> Verdict:
    if not suite.cases:
        return bad("there is no test case")
    if not use.provider_calls:
        return bad("nothing in the application calls a provider, so no failure of it is tested")
    found = [c.location for c in (*_failures(suite), *_armed_fakes(suite))]
    if found:
        return good("a failing provider is tested", list(dict.fromkeys(found)))
    return bad(
        "no test lets the provider fail (looked for raised errors, time-outs and error statuses in stubs)"
    )


def _failures(suite: TestSuite) -> Iterator[Call]:
    for call in suite.calls:
        raised = call.name in _RAISING
        raised = raised and (call.name == "to_timeout" or _PROVIDER_ERROR.search(text(call.node)) is not None)
        if raised or (call.file.says(_FAILED) and _answers_failure(call)):
            yield call


def _answers_failure(call: Call) -> bool:
    """`to_return(status: 500)`, `stub_failure(503)`; not `head status: 404`, which asks."""
    status = call.keyword("status")
    if status is not None and _FAILED.fullmatch(text(status)) and call.name != "head":
        return True
    named = re.search(r"fail|error|status", call.name) is not None
    return named and any(_FAILED.fullmatch(text(p)) for p in call.positional)


def _armed_fakes(suite: TestSuite) -> Iterator[Call]:
    """Errors handed to a fake that raises what it is given: `Fake.new(error: RubyLLM::ServerError.new)`."""
    raised = (call.positional[0] for call in suite.calls if call.name == "raise" and call.positional)
    if not any(node.type in ("identifier", "instance_variable") for node in raised):
        return
    for call in (call for call in suite.calls if call.file.says(_GEM_ERROR)):
        given = (*call.positional, *(value for _, value in call.keywords))
        if any(_GEM_ERROR.match(text(node)) for node in given) and not _EXPECTING.match(call.name):
            yield call


class TestQualityProbe:
    """Reads the test suite against the application it tests."""

    __test__ = False
    id = "test_quality"
    version = 6
    needs_lab = False
    checks: Mapping[str, str] = CHECKS

    async def run(self, subject: Subject) -> list[Finding]:
        """Judge the tree."""
        return within_budget(self, subject.tree, lambda: findings(subject.tree, subject.manifests))


PROBE = TestQualityProbe()
