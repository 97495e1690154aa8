"""The API of ruby_llm as data: signatures, releases, what exists."""

from __future__ import annotations

import pytest

from runner.probes.kit.llm.ruby_llm_api import NEWEST, UNRELEASED, RubyLlmApi, api_of

LOCK = "GEM\n  remote: https://rubygems.org/\n  specs:\n    rails (8.0)\n      ruby_llm\n    ruby_llm ({})\n"


def test_signatures_are_read_from_the_table() -> None:
    ask = RubyLlmApi().signature("Chat", "ask")
    assert ask is not None
    assert (ask.least, ask.most, ask.keywords) == (0, 1, {"with"})
    assert (ask.takes_block, ask.yields, ask.returns) == (True, "Chunk", "Message")
    chat = RubyLlmApi().signature("RubyLLM", "chat")
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
    assert RubyLlmApi().has(kind, name) is there


def test_the_release_comes_from_the_lock_file() -> None:
    assert api_of("", set()).version == NEWEST
    assert api_of(LOCK.format("1.14.1"), set()).version == (1, 14, 1)
    assert api_of("GIT\n  remote: x\n  specs:\n    ruby_llm (1.16.0)\n", set()).version == UNRELEASED


def test_later_methods_are_missing_in_earlier_releases() -> None:
    assert not RubyLlmApi((1, 14, 1)).has("Chat", "cost")
    assert RubyLlmApi((1, 15, 0)).has("Chat", "cost")
    assert RubyLlmApi(UNRELEASED).has("Chat", "messages=")
    assert "openrouter_api_base" not in RubyLlmApi((1, 12, 1)).options


def test_only_known_releases_are_complete() -> None:
    assert RubyLlmApi((1, 14, 1)).complete
    assert not RubyLlmApi((1, 17, 0)).complete


def test_add_on_gems_bring_constants() -> None:
    api = api_of("", {"ruby_llm", "ruby_llm-mcp", "ruby_llm-agents"})
    assert {"MCP", "Agents"} <= api.constants
