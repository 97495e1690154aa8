"""What a request may not ask of the provider: it is refused unsent, and the run goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_provider import Opening, Provider

from runner.gateway.calls.seal import breach
from runner.gateway.wire import Fault

REFUSED: dict[str, dict[str, Any]] = {
    "responses search": {"tools": [{"type": "web_search_preview"}]},
    "responses code": {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
    "responses mcp": {"tools": [{"type": "mcp", "server_url": "https://host.example"}]},
    "responses memory": {"previous_response_id": "resp_1"},
    "messages search": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "messages fetch": {"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]},
    "messages servers": {"mcp_servers": [{"url": "https://host.example"}]},
    "gemini search": {"tools": [{"functionDeclarations": []}, {"googleSearch": {}}]},
    "gemini page": {"tools": [{"urlContext": {}}]},
    "chat search": {"web_search_options": {"search_context_size": "low"}},
    "router plug-in": {"plugins": [{"id": "web"}]},
    "router suffix": {"model": "vendor/name:online"},
}
PASSED: dict[str, dict[str, Any]] = {
    "a function of that name": {"tools": [{"type": "function", "function": {"name": "web_search"}}]},
    "a client's own shell": {"tools": [{"type": "bash_20250124", "name": "bash"}]},
    "a client's own editor": {"tools": [{"type": "text_editor_20250728", "name": "edit"}]},
    "a declared function": {"tools": [{"functionDeclarations": [{"name": "google_web_search"}]}]},
    "a local shell": {"tools": [{"type": "local_shell"}]},
    "nothing": {"plugins": [], "conversation": None, "tools": None},
    "nonsense": {"tools": ["web_search", 1, None]},
}


@pytest.mark.parametrize("request_part", REFUSED.values(), ids=REFUSED)
def test_what_leads_out_is_named(request_part: dict[str, Any]) -> None:
    assert breach(request_part)


@pytest.mark.parametrize("request_part", PASSED.values(), ids=PASSED)
def test_what_stays_inside_passes(request_part: dict[str, Any]) -> None:
    assert breach(request_part) is None


async def test_it_is_refused_unsent_and_the_next_request_goes_through(
    open_door: Opening, provider: Provider
) -> None:
    opened = await open_door()
    status, body = await opened.ask(web_search_options={"search_context_size": "low"})
    assert status == 400
    message = json.loads(body)["error"]["message"]
    assert message == "this run is sealed: the field 'web_search_options' is refused"
    assert provider.bodies == []
    assert (await opened.ask())[0] == 200
    refused, answered = opened.door.exchanges
    assert (refused.fault, refused.usage.requests) == (Fault.BAD_REQUEST, 0)
    assert answered.usage.requests == 1
    assert opened.door.verdict() is None


async def test_what_the_user_asks_for_in_the_models_entry_is_the_users(
    open_door: Opening, provider: Provider
) -> None:
    opened = await open_door(params={"plugins": [{"id": "web"}]})
    assert (await opened.ask())[0] == 200
    assert json.loads(provider.bodies[0])["plugins"] == [{"id": "web"}]
