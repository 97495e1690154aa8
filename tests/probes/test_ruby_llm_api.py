"""The API of ruby_llm as data: signatures, releases, what exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.probes.kit.llm.ruby_llm_api import UNRELEASED, RubyLlmApi, api_of
from runner.probes.kit.manifests import nearest_manifest

MANIFESTS = Path(__file__).parents[2] / "sandboxes/rails/manifests"
LOCK = "GEM\n  remote: https://rubygems.org/\n  specs:\n    rails (8.0)\n      ruby_llm\n    ruby_llm ({})\n"


def api(*version: int) -> RubyLlmApi:
    """The API as an application of that release is judged by."""
    return RubyLlmApi(nearest_manifest(MANIFESTS, "ruby_llm", version or None), version or None)


def test_signatures_are_read_from_the_manifest() -> None:
    ask = api().signature("Chat", "ask")
    assert ask is not None
    assert (ask.least, ask.most, ask.keywords) == (0, 1, {"with"})
    assert (ask.takes_block, ask.yields, ask.returns) == (True, "Chunk", "Message")
    chat = api().signature("RubyLLM", "chat")
    assert chat is not None
    assert (chat.most, chat.takes_block) == (0, False)
    assert chat.keywords == {"model", "provider", "assume_model_exists", "context"}


@pytest.mark.parametrize(
    ("kind", "name", "there"),
    [
        ("Chat", "say", True),
        ("Chat", "map", True),
        ("Chat", "tap", True),
        ("Chat", "last", False),
        ("Chat", "user", False),
        ("Chat", "messages=", False),
        ("RubyLLM", "chat", True),
        ("RubyLLM", "new", False),
        ("RubyLLM", "client", False),
        ("RubyLLM", "respond_to?", True),
        ("Chat.class", "new", True),
        ("Chat.class", "create", False),
        ("Message", "content", True),
        ("Message", "text", False),
        ("Content", "text", True),
        ("Transcription", "text", True),
        ("Configuration", "openrouter_api_key=", True),
        ("Configuration", "default_provider=", False),
        ("Agent", "ask", True),
        ("Agent", "run", False),
    ],
)
def test_what_exists(kind: str, name: str, there: bool) -> None:
    assert api().has(kind, name) is there


def test_the_release_comes_from_the_lock_file() -> None:
    assert api_of("", set(), MANIFESTS).version == (1, 16, 0)
    assert api_of(LOCK.format("1.14.1"), set(), MANIFESTS).version == (1, 14, 1)
    assert (
        api_of("GIT\n  remote: x\n  specs:\n    ruby_llm (1.16.0)\n", set(), MANIFESTS).version == UNRELEASED
    )


def test_later_methods_are_missing_in_earlier_releases() -> None:
    assert not api(1, 14, 1).has("Chat", "cost")
    assert api(1, 15, 0).has("Chat", "cost")
    assert "openrouter_api_base" not in api(1, 12, 1).options


def test_only_known_releases_are_complete() -> None:
    assert api(1, 14, 1).complete
    assert not api(1, 17, 0).complete


def test_add_on_gems_bring_constants() -> None:
    found = api_of("", {"ruby_llm", "ruby_llm-mcp", "ruby_llm-agents"}, MANIFESTS)
    assert {"MCP", "Agents"} <= found.constants
