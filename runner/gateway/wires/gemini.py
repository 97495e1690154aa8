"""Gemini's generateContent: the model and the streaming are in the path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, unquote_plus

from runner.gateway.calls.faults import fault_of
from runner.gateway.wire import (
    Fault,
    Reply,
    RequestSummary,
    Tokens,
    Wire,
    as_count,
    as_dict,
    as_json,
    as_list,
    as_text,
    digest_of,
    parsed,
)
from runner.gateway.wires.kit.sse import EventTap, data_line, dumps, error_text, pieces, whole_reply

# Clients ask for either version; the base URL's own is the one that counts.
VERSION = r"/v1(?:beta|alpha)?/"
CALL_PATH = re.compile(VERSION + r"models/(?P<model>.+):(?P<method>generateContent|streamGenerateContent)")
STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
}


class Gemini:
    """POST /v1beta/models/NAME:generateContent, or :streamGenerateContent?alt=sse.

    The finish marker is a candidate's finishReason. Requests may name fields in camel or snake case.
    """

    id = "gemini"
    models_path = "/v1beta/models"
    stop_status = 403

    def serves(self, path: str) -> bool:
        """Whether a POST to `path` is a model call."""
        return CALL_PATH.fullmatch(path) is not None

    def upstream_path(self, path: str) -> str:
        """The base URL ends in the version. A `key` in the query is this run's token: it stays here."""
        path, _, query = re.sub(f"^{VERSION}", "", path).partition("?")
        kept = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) != "key"]
        return "?".join([path, *(["&".join(kept)] if kept else [])])

    def token(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        """The key's header, or the key in the query."""
        return headers.get("x-goog-api-key") or query.get("key")

    def passed_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """None."""
        return {}

    def authorization(self, key: str, base_url: str) -> dict[str, str]:
        """The key's header."""
        return {"x-goog-api-key": key}

    def summary(self, path: str, document: dict[str, Any]) -> RequestSummary:
        """Raises ValueError without contents, and for a stream that is not to come as events."""
        path, _, query = path.partition("?")
        called, contents = CALL_PATH.fullmatch(unquote(path)), document.get("contents")
        if called is None or not isinstance(contents, list):
            raise ValueError("generateContent needs a model in its path and `contents`")
        stream = called["method"] == "streamGenerateContent"
        if stream and parse_qs(query).get("alt") != ["sse"]:
            raise ValueError("streamGenerateContent is served with ?alt=sse only")
        tools = list(_tool_names(document))
        results = [list(_results(content)) for content in contents]
        said = [c for c in contents if as_dict(c).get("role") == "model"]
        config = as_dict(_field(document, "generationConfig"))
        return RequestSummary(
            model=called["model"],
            stream=stream,
            max_output_tokens=as_count(_field(config, "maxOutputTokens")),
            messages=len(contents),
            turn=sum(map(len, results)) if tools else len(said),
            tools=tuple(tools),
            choices=as_count(_field(config, "candidateCount")) or 1,
            result=digest_of(results[-1] if results else []),
        )

    def output_limit(self, document: dict[str, Any], tokens: int) -> dict[str, Any]:
        """Among what else is configured, under the names that the request uses."""
        outer = "generation_config" if "generation_config" in document else "generationConfig"
        config = as_dict(document.get(outer))
        inner = "max_output_tokens" if "max_output_tokens" in config else "maxOutputTokens"
        return {outer: {**config, inner: tokens}}

    def additions(self, document: dict[str, Any]) -> dict[str, Any]:
        """Usage comes unasked."""
        return {}

    def plain_reply(self, body: bytes) -> Reply:
        """The first candidate."""
        return whole_reply(GeminiTap(), body)

    def tap(self) -> GeminiTap:
        """A fresh tap for one streamed reply."""
        return GeminiTap()

    def fault(self, status: int, body: bytes) -> Fault:
        """As everywhere."""
        return fault_of(status, body)

    def error(self, status: int, code: str, message: str) -> bytes:
        """An error body as Google writes it."""
        name = STATUS_NAMES.get(status, "UNAVAILABLE" if status > 500 else "INVALID_ARGUMENT")
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code.upper()}
        error = {"code": status, "message": message, "status": name}
        return dumps({"error": {**error, "details": [{**info, "domain": "gateway"}]}})

    def broken_stream(self, message: str) -> bytes:
        """The leading blank line ends whatever event was cut."""
        finish = {"content": {"role": "model", "parts": []}, "finishReason": "OTHER", "index": 0}
        error = self.error(502, Fault.PROVIDER_UNAVAILABLE, message)
        return b"\n\n" + data_line(error) + data_line(dumps({"candidates": [finish]}))

    def model_list(self, name: str, provider: str) -> bytes:
        """A list of one."""
        methods = ["generateContent", "streamGenerateContent"]
        model = {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}
        return dumps({"models": [model]})

    def render(self, turn: Reply, request: RequestSummary) -> Iterator[bytes]:
        """A scripted turn, with usage."""
        head = {"modelVersion": request.model, "responseId": f"response-{request.turn}"}
        usage = {"usageMetadata": _rendered(turn.tokens)} if turn.tokens else {}
        calls = [_call_part(c.id, c.name, c.arguments) for c in turn.tool_calls]
        if not request.stream:
            parts = [{"text": turn.text}, *calls] if turn.text else calls
            yield dumps({"candidates": [_candidate(parts, "STOP")], **usage, **head})
            return
        for part in [*({"text": piece} for piece in pieces(turn.text)), *calls]:
            yield data_line(dumps({"candidates": [_candidate([part])], **head}))
        yield data_line(dumps({"candidates": [_candidate([{"text": ""}], "STOP")], **usage, **head}))


class GeminiTap(EventTap):
    """Assembles streamed candidates. Every chunk may state the usage so far: the final one counts."""

    def take(self, event: dict[str, Any]) -> None:
        """One chunk, which is like a whole reply."""
        self._error = error_text(event.get("error")) or self._error
        for candidate in map(as_dict, as_list(event.get("candidates"))[:1]):
            for part in as_list(as_dict(candidate.get("content")).get("parts")):
                self._take_part(as_dict(part))
            self._complete = self._complete or bool(as_text(candidate.get("finishReason")))
        blocked = as_text(as_dict(event.get("promptFeedback")).get("blockReason"))
        self._complete = self._complete or bool(blocked)
        if self._complete:
            self._tokens = _tokens(event.get("usageMetadata")) or self._tokens

    def _take_part(self, part: dict[str, Any]) -> None:
        self._keep(self._reasoning if part.get("thought") is True else self._text, part.get("text"))
        if isinstance(call := part.get("functionCall"), dict):
            known = self._call(len(self._calls), call.get("name"), call.get("id"))
            self._keep(known.arguments, as_json(as_dict(call.get("args"))))


def _field(document: dict[str, Any], name: str) -> Any:
    """A field in camel case, or else in snake case: the API takes both."""
    return document.get(name, document.get(re.sub("([A-Z])", r"_\1", name).lower()))


def _tool_names(document: dict[str, Any]) -> Iterator[str]:
    """Of declared functions; a built-in tool is named by its only field."""
    for tool in map(as_dict, as_list(document.get("tools"))):
        declared = _field(tool, "functionDeclarations")
        if declared is None:
            yield from tool
        for function in map(as_dict, as_list(declared)):
            yield as_text(function.get("name"))


def _results(content: Any) -> Iterator[dict[str, Any]]:
    """What functions returned, without the ids that differ from call to call."""
    for part in map(as_dict, as_list(as_dict(content).get("parts"))):
        if response := as_dict(_field(part, "functionResponse")):
            yield {"name": response.get("name"), "response": response.get("response")}


def _tokens(usage: Any) -> Tokens | None:
    """Counts of zero are left out. The prompt count includes the cache, but not what built-in tools read."""
    usage = as_dict(usage)
    prompt, total = as_count(usage.get("promptTokenCount")), as_count(usage.get("totalTokenCount"))
    written = as_count(usage.get("candidatesTokenCount"))
    if prompt is None or (written is None and total is None):
        return None
    read = prompt + (as_count(usage.get("toolUsePromptTokenCount")) or 0)
    thoughts = as_count(usage.get("thoughtsTokenCount")) or 0
    return Tokens(
        input=read,
        cached_input=min(as_count(usage.get("cachedContentTokenCount")) or 0, read),
        output=max((written or 0) + thoughts, (total or 0) - read),
        reasoning=thoughts,
    )


def _rendered(tokens: Tokens) -> dict[str, Any]:
    thoughts = tokens.reasoning or 0
    return {
        "promptTokenCount": tokens.input,
        "cachedContentTokenCount": tokens.cached_input,
        "candidatesTokenCount": tokens.output - thoughts,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": tokens.input + tokens.output,
    }


def _candidate(parts: list[dict[str, Any]], finish: str | None = None) -> dict[str, Any]:
    reason = {"finishReason": finish} if finish else {}
    return {"content": {"role": "model", "parts": parts}, **reason, "index": 0}


def _call_part(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    try:
        args = as_dict(parsed(arguments))
    except ValueError:
        args = {}
    return {"functionCall": {**({"id": call_id} if call_id else {}), "name": name, "args": args}}


WIRE: Wire = Gemini()
