"""Reading of requests whose shape nobody vouches for."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

WORDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_credits",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
}


def dicts(value: Any) -> list[Json]:
    """The objects of a list, nothing for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def inner(value: Any, *names: str) -> Any:
    """What stands below these names; None if it does not go so deep."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def flat(content: Any) -> str:
    """The text of a message, given as text or as a list of parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in dicts(content))
    return content if isinstance(content, str) else ""
