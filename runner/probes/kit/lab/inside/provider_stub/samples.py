"""Values that satisfy a JSON schema: for structured output and for the arguments of tool calls."""

from __future__ import annotations

from typing import Any

DEEPEST = 8


def sample(schema: Any, text: str, depth: int = 0) -> Any:
    """A small value of this schema; strings are `text`, so that the reply can be known again."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        return text
    if "const" in schema:
        return schema["const"]
    if isinstance(choices := schema.get("enum"), list) and choices:
        return choices[0]
    for name in ("anyOf", "oneOf", "allOf"):
        if isinstance(options := schema.get(name), list) and options:
            return sample(options[0], text, depth + 1)
    kind = schema.get("type")
    kind = next((k for k in kind if k != "null"), "null") if isinstance(kind, list) else kind
    if kind == "object" or (kind is None and "properties" in schema):
        return _object(schema, text, depth)
    if kind == "array":
        count = schema.get("minItems", 1)
        return [sample(schema.get("items"), text, depth + 1)] * (count if isinstance(count, int) else 1)
    plain = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1), "boolean": True}
    return {**plain, "null": None}.get(str(kind), text)


def _object(schema: dict[str, Any], text: str, depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: sample(inner, text, depth + 1) for name, inner in properties.items()}
