"""Ruby written to break a reader of Ruby: deep, endless or cyclic code must neither raise nor hang."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import probes
from runner.core import registry
from runner.core.protocols import Probe, Subject
from runner.core.tree import SourceFile, SourceTree

MANIFESTS = Path(__file__).parents[2] / "sandboxes/rails/manifests"
STATIC = ("ruby_llm", "error_handling", "persistence", "architecture", "test_quality")
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
