"""What `shipworthy manifest build` says when it cannot: of its options, and of what the library said."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.errors import SpecError
from runner.pipeline.manifest import ManifestRequest, check, explained


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (ManifestRequest("rails", "../x"), "--library '../x'"),
        (ManifestRequest("rails", "ruby_llm", root="Ruby LLM"), "--root 'Ruby LLM'"),
        (ManifestRequest("rails", "ruby_llm", version="next"), "--as 'next'"),
        (ManifestRequest("rails", "ruby_llm", source=Path("/nowhere/at/all")), "is not a folder"),
    ],
)
def test_impossible_names_are_refused_by_option(request_: ManifestRequest, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        check(request_)


def test_possible_names_pass(tmp_path: Path) -> None:
    check(ManifestRequest("base", "os.path", language="python"))
    check(ManifestRequest("rails", "ruby_llm-mcp", root="RubyLLM::MCP", source=tmp_path, version="2.0.dev"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "-:17:in `require': cannot load such file -- ruby_llm (LoadError)",
            "add it to sandboxes/rails/Dockerfile",
        ),
        ("-:24:in `<main>': uninitialized constant Llm (NameError)", "name its root constant with --root"),
        (
            "a.rb:1: syntax error\n\tfrom b.rb:2\n\tfrom c.rb:3\n\tfrom d.rb:4",
            "cannot be loaded in image rails: a.rb:1",
        ),
    ],
)
def test_a_traceback_is_told_as_what_to_do(said: str, told: str) -> None:
    message = explained(ManifestRequest("rails", "ruby_llm"), "Llm", said)
    assert told in message
    assert "d.rb" not in message
