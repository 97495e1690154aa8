"""Which field and button a person would take, from what a page says of them."""

from __future__ import annotations

from typing import Any

import pytest

from runner.probes.kit.lab.inside.browser_composer import best_button, best_field, is_entrance


def field(kind: str = "input", label: str = "", hints: str = "", **more: Any) -> dict[str, Any]:
    plain = {"form": "", "method": "", "visible": True, "enabled": True, "width": 400, "bottom": 700}
    return {"kind": kind, "label": label, "hints": hints, **plain, **more}


def button(label: str = "", **more: Any) -> dict[str, Any]:
    return {"label": label, "hints": "", "submits": False, "visible": True, "distance": 20, **more}


def placed(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**item, "place": place} for place, item in enumerate(items)]


@pytest.mark.parametrize(
    ("fields", "best"),
    [
        ([field("textarea", "Message")], 0),
        ([field(label="Search"), field(label="Your message")], 1),
        ([field(label="Search messages", form="search /search"), field("textarea")], 1),
        ([field("textarea", "System prompt"), field(hints="Ask anything")], 1),
        ([field("textarea", visible=False), field("editable", "Message")], 1),
        ([field("textarea", bottom=100), field("textarea", bottom=700)], 1),
        ([field(label="Chat title"), field(label="Model")], None),
        ([field(label="E-mail"), field(label="Password")], None),
        ([], None),
    ],
)
def test_the_field_to_type_into(fields: list[dict[str, Any]], best: int | None) -> None:
    assert best_field(placed(fields)) == best


@pytest.mark.parametrize(
    ("buttons", "best"),
    [
        ([button("Attach a file"), button("Send")], 1),
        ([button("", submits=True), button("New chat")], 0),
        ([button("Clear", submits=True), button("Ask")], 1),
        ([button("Stop"), button("Voice"), button("", distance=5)], 2),
        ([button("", distance=300), button("", distance=5)], 1),
        ([button("Send", visible=False), button("Delete")], None),
        ([], None),
    ],
)
def test_the_button_that_sends(buttons: list[dict[str, Any]], best: int | None) -> None:
    assert best_button(placed(buttons)) == best


def test_entrances() -> None:
    assert all(map(is_entrance, ("Start a conversation", "New chat", "Begin")))
    assert not any(map(is_entrance, ("Delete chat", "Sign in to chat", "Imprint", "Renewal")))
