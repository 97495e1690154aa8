"""Mutants of an app's LLM path: what each takes away, that the edits are small, and that they parse."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.llm.mutants import Edit, edited, harmless, mutants
from runner.probes.kit.ruby.syntax import RubyFile

MANIFESTS = Path(__file__).parents[2] / "sandboxes/rails/manifests"
SERVICE = "app/services/turn.rb"
STEADY = """class Turn
  def call(text, turns)
    chat = RubyLLM.chat.with_instructions("Be brief.").with_temperature(0.2)
    turns.each do |turn|
      chat.add_message(role: turn.role, content: turn.content)
    end
    chat.ask(text).content
  rescue RubyLLM::Error => e
    e.message
  end
end
"""


def tree_of(source: str, path: str = SERVICE) -> SourceTree:
    return SourceTree("made", {path: SourceFile(path, 0o100644, source.encode())})


def changes(source: str) -> dict[str, list[tuple[str, str]]]:
    """By mutant: each changed line as it was and as it is."""
    tree = tree_of(source)
    found = {}
    for mutant in mutants(LlmUse.of(tree, MANIFESTS)):
        ((path, content),) = mutant.files(tree).items()
        assert not RubyFile(path, content.decode()).root.has_error
        old, new = source.splitlines(), content.decode().splitlines()
        assert len(old) == len(new), mutant.id
        found[mutant.id] = [
            (a.strip(), b.strip()) for a, b in zip(old, new, strict=True) if a.rstrip() != b.rstrip()
        ]
    return found


def test_each_mutant_takes_one_thing_away_on_one_line() -> None:
    asking = "chat.ask(text).content"
    assert changes(STEADY) == {
        "history": [("chat.add_message(role: turn.role, content: turn.content)", "chat")],
        "reply": [(asking, 'chat.ask(text).then { "" }')],
        "accessor": [(asking, "chat.ask(text).model_id")],
        "rescue": [("e.message", "raise; e.message")],
        "text": [(asking, 'chat.ask("").content')],
        "prompt": [
            (
                'chat = RubyLLM.chat.with_instructions("Be brief.").with_temperature(0.2)',
                "chat = RubyLLM.chat.with_temperature(0.2)",
            )
        ],
    }


def test_a_mutant_says_where_it_is_and_what_it_does() -> None:
    found = {m.id: m for m in mutants(LlmUse.of(tree_of(STEADY), MANIFESTS))}
    assert [site.location.line for site in found["history"].sites] == [5]
    assert [site.location.line for site in found["rescue"].sites] == [8]
    assert found["history"].words == "earlier turns are no longer sent"
    assert {m.id for m in found.values() if m.weak} == {"accessor", "prompt"}


@pytest.mark.parametrize(
    ("body", "mutant", "expected"),
    [
        ("RubyLLM.chat.ask(t)&.content", "reply", 'RubyLLM.chat.ask(t).then { "" }'),
        ("RubyLLM.chat.ask t", "text", 'RubyLLM.chat.ask ""'),
        ("RubyLLM.chat.ask(t) rescue nil", "rescue", "RubyLLM.chat.ask(t) rescue raise"),
        ("RubyLLM.chat.ask(t) { |c| show(c.content) }", "reply", 'c.then { "" }'),
        ("c = RubyLLM.chat; h.each { |m| c.messages << m }; c.ask(t)", "history", "{ |m| c.messages }"),
        (
            "c = RubyLLM.chat; c.messages.concat(h); c.ask(t)",
            "history",
            "c = RubyLLM.chat; c.messages; c.ask",
        ),
        (
            "h.inject(RubyLLM.chat) { |chat, m| chat.add_message(m); chat }.ask(t)",
            "history",
            "m| chat; chat }",
        ),
        ("c = RubyLLM.chat; c.add_message(role: :user, content: t); c.complete", "text", 'content: ""'),
        ("c = RubyLLM.chat; c.add_message(role: :system, content: P); c.ask(t)", "prompt", "chat; c; c.ask"),
        ("OpenRouter::Client.new.complete(messages: [t], model: M)", None, ""),
        ("OpenRouter::Client.new.complete(messages: h + [t])", "history", "messages: (h + [t]).last(1)"),
        (
            "OpenRouter::Client.new.complete(messages: turns, model: M)",
            "history",
            "messages: (turns).last(1)",
        ),
    ],
)
def test_forms_of_a_call(body: str, mutant: str | None, expected: str) -> None:
    found = changes(f"class Turn\n  def call(t, h)\n    {body}\n  end\nend\n")
    if mutant is None:
        assert "history" not in found
    else:
        (line,) = found[mutant]
        assert expected in line[1]


def test_a_dropped_heredoc_goes_with_its_body() -> None:
    source = STEADY.replace('"Be brief."', "<<~TEXT").replace("(0.2)\n", "(0.2)\n      Be brief.\n    TEXT\n")
    tree = tree_of(source)
    (prompt,) = [m for m in mutants(LlmUse.of(tree, MANIFESTS)) if m.id == "prompt"]
    changed = prompt.files(tree)[SERVICE].decode()
    assert "TEXT" not in changed
    assert "Be brief." not in changed
    assert "chat = RubyLLM.chat.with_temperature(0.2)\n" in changed


def test_the_turns_of_a_stored_history_are_no_reply() -> None:
    source = (
        "class Turn\n  def call\n    chat = RubyLLM.chat\n    chat.ask('x')\n"
        "    chat.messages.map { |m| m.content }\n  end\nend\n"
    )
    assert changes(source).keys() == {"text"}


def test_a_reply_is_found_behind_a_method_that_asks() -> None:
    source = (
        "class Turn\n  def call(t)\n    answer = ask(RubyLLM.chat, t)\n    answer.content.strip\n  end\n\n"
        "  def ask(chat, t)\n    chat.ask(t)\n  rescue TypeError => e\n    raise X, e.message\n  end\nend\n"
    )
    assert changes(source)["reply"] == [("answer.content.strip", 'answer.then { "" }.strip')]


@pytest.mark.parametrize(
    "source", ["", "class Turn; end\n", "def x = RubyLLM.chat.ask(\n", "RubyLLM.chat.ask(t\n)\n)\n"]
)
def test_without_a_target_or_without_sense_there_is_no_mutant(source: str) -> None:
    assert mutants(LlmUse.of(tree_of(source), MANIFESTS)) == []


def test_of_overlapping_edits_the_outer_counts() -> None:
    tree = tree_of("a(b(c))\n")
    assert edited(tree, SERVICE, [Edit(4, 5, b"x"), Edit(2, 6, b"y")]) == b"a(y)\n"
    assert edited(tree, SERVICE, [Edit(0, 0, b"z; "), Edit(4, 5)]) == b"z; a(b())\n"


def test_text_that_is_not_ascii_keeps_its_place() -> None:
    source = STEADY.replace('"Be brief."', '"Fasse dich kürzer — bitte."')
    assert changes(source)["text"] == [("chat.ask(text).content", 'chat.ask("").content')]


def test_the_harmless_change_is_a_comment() -> None:
    assert harmless(LlmUse.of(tree_of(STEADY), MANIFESTS)) == {SERVICE: STEADY.encode() + b"\n# mark\n"}
    assert harmless(LlmUse.of(tree_of(STEADY + "__END__\nx\n"), MANIFESTS)) == {}
