"""Small pieces of Ruby: unusual but right uses of RubyLLM accuse nobody, each wrong one is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.llm.inventions import Invention
from runner.probes.kit.llm.llm_calls import LlmUse

HERE = Path(__file__).parent
MANIFESTS = HERE.parents[1] / "sandboxes/rails/manifests"
LOCK = "GEM\n  specs:\n    ruby_llm (1.16.0)\n    ruby_llm-mcp (0.8.0)\n"


def sections(name: str) -> dict[str, str]:
    parts = re.split(r"^# --- (.+)\n", (HERE / "snippets" / name).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


RIGHT, WRONG = sections("right.rb"), sections("wrong.rb")


def inventions(source: str) -> list[Invention]:
    written = {"app/services/a.rb": source, "Gemfile.lock": LOCK}
    files = {path: SourceFile(path, 0o100644, text.encode()) for path, text in written.items()}
    return LlmUse(SourceTree(digest="snippet", files=files), MANIFESTS).inventions


@pytest.mark.parametrize("name", RIGHT)
def test_right_use_accuses_nobody(name: str) -> None:
    assert inventions(RIGHT[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_found(name: str) -> None:
    _, area = name.rsplit(": ", maxsplit=1)
    assert {invention.area for invention in inventions(WRONG[name])} == {area}
