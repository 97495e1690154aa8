"""Ruby written to break a reader of Ruby: deep, endless or cyclic code must neither raise nor hang."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import probes
from runner.core import registry
from runner.core.protocols import Probe, Subject
from runner.core.records import Finding, Outcome
from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.ruby.budget import MAX_BYTES

MANIFESTS = Path(__file__).parents[2] / "sandboxes/rails/manifests"
STATIC = (
    "ruby_llm",
    "error_handling",
    "persistence",
    "architecture",
    "test_quality",
    "production",
    "hotwire",
)
HOSTILE = {
    "chain": "x = RubyLLM.chat" + ".tap { }" * 2000 + "\nx.ask(x)",
    "constant": "x = A" + "::A" * 3000,
    "brackets": "x = " + "(" * 2000 + "RubyLLM.chat" + ")" * 2000 + "\nx.user",
    "elsif": "x = if a\n1\n" + "elsif b\n2\n" * 2000 + "end\nx.ask(x)",
    "interpolation": 'x = "' + '#{"' * 500 + '"}' * 500 + '"\nRubyLLM.chat.ask(x)',
    "own value": "def m(x = x)\n  x = x.then { x }\n  @a = @a || m(@a)\n  RubyLLM.chat.ask(m(x))\nend",
    "cycle": "class A < B\n  def a = b\n  def b = a\nend\nclass B < A\n  def c = RubyLLM.chat.ask(a)\nend",
    "recursion": "class A\n  def a(x) = b(x)\n  def b(x) = a(RubyLLM.chat.ask(x))\nend",
    "not ruby": "\x00\ufffd}}}{{{ <<~A <<~B def class module end end end @@ $$ ::: .. ->(",
    "empty": "",
}


@pytest.mark.parametrize("name", STATIC)
@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
async def test_every_probe_answers(source: str, name: str) -> None:
    paths = ("app/services/a.rb", "app/views/a.html.erb", "test/a_test.rb", "Gemfile")
    files = {path: SourceFile(path, 0o100644, source.encode()) for path in paths}
    probe: Probe = registry.load(probes, name, "probe").PROBE
    found = await probe.run(
        Subject(tree=SourceTree(digest="hostile", files=files), run="hostile", manifests=MANIFESTS)
    )
    assert sorted(f.check for f in found) == sorted(probe.checks)


ENTANGLED = {
    "error_handling": "class A\n"
    + "".join(
        f"  def r{i}(x)\n"
        + "".join(f"    r{(i * 3 + j) % 150}(x)\n" for j in range(15))
        + "    RubyLLM.chat.ask(x)\n  rescue Foo => e\n    raise Bar, e\n  end\n"
        for i in range(150)
    )
    + "end",
    "persistence": "class Chat\n  def m\n"
    + "".join(f"    a{i % 20} = a{(i * 7 + 1) % 20}\n" for i in range(2000))
    + "".join(f"    a{i % 20}.write('messages', a{i % 20})\n" for i in range(2000))
    + "  end\nend",
    "ruby_llm": "class A\n  def m\n    x = RubyLLM.chat\n"
    + "    x ||= x.then { x }\n" * 4000
    + "    x.user(x)\n  end\nend",
    "production": "module A\n  def m(x)\n"
    + "".join(f"    v{i % 40} = v{(i * 7 + 1) % 40} + x\n    raw(v{i % 40})\n" for i in range(4000))
    + "  end\nend",
}


@pytest.mark.parametrize("name", ENTANGLED)
async def test_code_that_ties_a_reader_up_is_unknown(name: str) -> None:
    """A count of steps, not a clock, ends it, so that every machine says the same."""
    found = await judged(name, {"app/helpers/a.rb": ENTANGLED[name], "config/application.rb": ""})
    assert {f.outcome for f in found} == {Outcome.UNKNOWN}
    assert found == await judged(name, {"app/helpers/a.rb": ENTANGLED[name], "config/application.rb": ""})


async def test_more_ruby_than_an_application_has_is_unknown() -> None:
    half = "# much\n" * 60_000
    files = {f"lib/a{i}.rb": half for i in range(MAX_BYTES // len(half) + 1)}
    found = await judged("ruby_llm", files)
    assert {f.outcome for f in found} == {Outcome.UNKNOWN}


async def test_a_private_key_with_endless_headers_is_read_once() -> None:
    """Each blank once belonged to one of two patterns: the time doubled with every line."""
    found = await judged("secrets", {"key.pem": "-----BEGIN PRIVATE KEY-----\n" + "a:  \n" * 400 + "!"})
    assert Outcome.UNKNOWN not in {f.outcome for f in found}


async def judged(name: str, sources: dict[str, str]) -> list[Finding]:
    files = {path: SourceFile(path, 0o100644, source.encode()) for path, source in sources.items()}
    probe: Probe = registry.load(probes, name, "probe").PROBE
    return await probe.run(
        Subject(tree=SourceTree(digest="hostile", files=files), run="hostile", manifests=MANIFESTS)
    )
