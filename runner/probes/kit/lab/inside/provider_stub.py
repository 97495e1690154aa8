"""Stands in for the model provider: runs inside the helper sandbox by plain python3.

Argument: a folder with `server.pem` (certificate chain and key) and `scenario.json`:

    {"port": 443, "replies": [{"to": "words of the user", "say": "the answer"}], "otherwise": "the answer"}

The reply is the one whose `to` stands last in the conversation, so that each turn gets its own however
often the app asks. Standard output: `{"listening": 443}`, then one JSON line for each request. The size of
the file `requests` in the folder is their number, so that the page driver knows when to stop waiting.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MAX_BODY = 2_000_000
MAX_RECORDS = 500
MARKS = "requests"
SECRET_HEADERS = {"authorization", "x-api-key", "cookie", "proxy-authorization"}

Json = dict[str, Any]


def flat(content: Any) -> str:
    """The text of a message, given as text or as a list of parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def chosen_reply(scenario: Json, conversation: str) -> str:
    """The scripted reply to what the user said last."""
    said = [(conversation.rfind(reply["to"]), reply["say"]) for reply in scenario["replies"]]
    place, reply = max(said, key=lambda pair: pair[0], default=(-1, ""))
    return str(reply if place >= 0 else scenario["otherwise"])


def chat_conversation(body: Json) -> str:
    """All that a chat-completions request says, in order."""
    messages = body.get("messages")
    turns = messages if isinstance(messages, list) else []
    return "\n".join(flat(turn.get("content")) for turn in turns if isinstance(turn, dict))


def _chat_head(body: Json, kind: str) -> Json:
    model = str(body.get("model", ""))
    return {"id": "gen-lab", "object": kind, "created": 1, "model": model, "provider": "lab"}


def _chat_usage(body: Json, reply: str) -> Json:
    asked, said = len(chat_conversation(body).split()), len(reply.split())
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def chat_answer(body: Json, reply: str) -> Json:
    """A whole chat completion."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": reply}}
    head = _chat_head(body, "chat.completion")
    return {**head, "choices": [choice], "usage": _chat_usage(body, reply)}


def chat_events(body: Json, reply: str) -> Iterator[str]:
    """The data fields of a streamed chat completion, a few characters each."""
    head = _chat_head(body, "chat.completion.chunk")

    def event(delta: Json, finish: str | None = None, **more: Any) -> str:
        return json.dumps(
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}
        )

    yield event({"role": "assistant", "content": ""})
    for start in range(0, len(reply), 6):
        yield event({"content": reply[start : start + 6]})
    yield event({}, "stop", usage=_chat_usage(body, reply))
    yield "[DONE]"


# A wire format, by the end of its path: what a request says, its whole answer, its streamed answer.
FORMATS: dict[
    str, tuple[Callable[[Json], str], Callable[[Json, str], Json], Callable[[Json, str], Iterator[str]]]
] = {"/chat/completions": (chat_conversation, chat_answer, chat_events)}


class Recorder:
    """Writes one JSON line for each request, up to a bound, and a mark for each to a file."""

    def __init__(self, marks: Path) -> None:
        self._marks = marks
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._count = 0

    def write(self, record: Json) -> None:
        """Number, time and print a record."""
        with self._lock:
            self._count += 1
            if self._count <= MAX_RECORDS:
                at = round(time.monotonic() - self._started, 3)
                with self._marks.open("ab") as marks:
                    marks.write(b".")
                print(json.dumps({"n": self._count, "at_s": at, **record}), flush=True)


class Stub(ThreadingHTTPServer):
    """An HTTPS server; each handshake happens in the connection's own thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, scenario: Json, folder: Path) -> None:
        self.scenario = scenario
        self.recorder = Recorder(folder / MARKS)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(folder / "server.pem")
        super().__init__(("127.0.0.1", scenario["port"]), Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection, encrypted."""
        request.settimeout(60)
        with self._tls.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is no news."""


class Handler(BaseHTTPRequestHandler):
    """Answers as a provider would, after recording the request."""

    protocol_version = "HTTP/1.1"
    server: Stub

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are recorded in full instead."""

    def do_GET(self) -> None:
        """Lists of models are empty; nothing else can be read."""
        self._record(None, "")
        if self.path.partition("?")[0].endswith("/models"):
            self._send_json(200, {"object": "list", "data": []})
        else:
            self._send_json(404, {"error": {"message": "the lab knows no such page", "code": 404}})

    def do_POST(self) -> None:
        """Answer a request of a known wire format."""
        raw = self._read_body()
        body = _parsed(raw)
        known = next((FORMATS[end] for end in FORMATS if self.path.partition("?")[0].endswith(end)), None)
        if known is None or body is None:
            self._record(body, raw.decode("utf-8", "replace"))
            self._send_json(404, {"error": {"message": "the lab does not speak this", "code": 404}})
            return
        conversation, answer, events = known
        reply = chosen_reply(self.server.scenario, conversation(body))
        self._record(body, "", reply)
        if body.get("stream"):
            said = conversation(body)
            last: Json = max(self.server.scenario["replies"], key=lambda r: said.rfind(r["to"]), default={})
            self._send_events(events(body, reply), last.get("pause_s", 0.0))
        else:
            self._send_json(200, answer(body, reply))

    def _read_body(self) -> bytes:
        try:
            size = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            size = 0
        if size > MAX_BODY:
            self.close_connection = True
        return self.rfile.read(max(0, min(size, MAX_BODY)))

    def _record(self, body: Json | None, text: str, reply: str | None = None) -> None:
        headers = {
            name.lower(): "(hidden)" if name.lower() in SECRET_HEADERS else value
            for name, value in self.headers.items()
        }
        self.server.recorder.write(
            {
                "method": self.command,
                "host": headers.get("host", ""),
                "path": self.path,
                "headers": headers,
                "body": body,
                "text": text,
                "reply": reply,
            }
        )

    def _send_json(self, status: int, document: Json) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_events(self, events: Iterator[str], pause_s: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            data = f"data: {event}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
            time.sleep(pause_s / 2)
        self.wfile.write(b"0\r\n\r\n")


def _parsed(raw: bytes) -> Json | None:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def main(folder: str) -> None:
    """Serve until killed."""
    scenario = json.loads((Path(folder) / "scenario.json").read_text())
    stub = Stub(scenario, Path(folder))
    print(json.dumps({"listening": scenario["port"]}), flush=True)
    stub.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
