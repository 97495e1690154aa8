"""What a request may not ask of the provider: to reach the network for the model, or to keep state for it.

A sandbox has no network, but a provider's own search tool would read the web for it, a finished copy of the
task among others. State kept at the provider is input that nobody can meter beforehand or replay.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runner.gateway.wire import as_dict, as_list, as_text

TOOL_TYPES = (
    *("web_search", "web_fetch", "code_execution", "code_interpreter", "file_search", "image_generation"),
    *("mcp", "advisor", "tool_search_tool"),
)
TOOL_FIELDS = (
    *("googleSearch", "google_search", "googleSearchRetrieval", "google_search_retrieval", "googleMaps"),
    *("urlContext", "url_context", "codeExecution", "code_execution", "fileSearch", "enterpriseWebSearch"),
)
FIELDS = (
    *("web_search_options", "plugins", "mcp_servers", "container"),
    *("previous_response_id", "conversation", "cachedContent"),
)
ONLINE = ":online"


def breach(document: dict[str, Any]) -> str | None:
    """What breaks the seal in a request of any wire format, None if nothing does."""
    return next(_breaches(document), None)


def _breaches(document: dict[str, Any]) -> Iterator[str]:
    for tool in map(as_dict, as_list(document.get("tools"))):
        kind = as_text(tool.get("type"))
        if kind.startswith(TOOL_TYPES):
            yield f"the provider's tool {kind!r}"
        yield from (f"the provider's tool {field!r}" for field in TOOL_FIELDS if field in tool)
    yield from (f"the field {field!r}" for field in FIELDS if document.get(field))
    if as_text(document.get("model")).endswith(ONLINE):
        yield f"a model with {ONLINE!r}"
