"""The server: TLS and plain HTTP on the same ports, each connection in a thread of its own."""

from __future__ import annotations

import itertools
import json
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .formats import Format, Json, spoken
from .records import KEPT_TIMES, Recorder, exact, shown_headers
from .samples import sample
from .script import Act, Call, Said, Script

MAX_BODY = 2_000_000
IDLE_S = 60
TLS_HANDSHAKE = 0x16
PAGE = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>502</h1>{}</body></html>"
NONSENSE = "%PDF-1.7 ]]}{ \u0000\ufffd this is no answer {"
MODELS = ("anthropic/claude-sonnet-4.6", "claude-sonnet-4-6", "openai/gpt-5", "gpt-5")
CALLS = itertools.count(1)


class Stub(ThreadingHTTPServer):
    """Serves one port of the provider; plain HTTP is told from TLS by its first byte."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, tls: ssl.SSLContext, script: Script, recorder: Recorder) -> None:
        self.script = script
        self.recorder = recorder
        self._tls = tls
        super().__init__(("127.0.0.1", port), Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        request.settimeout(IDLE_S)
        if request.recv(1, socket.MSG_PEEK)[:1] != bytes([TLS_HANDSHAKE]):
            super().finish_request(request, client_address)
            return
        with self._tls.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is no news."""


def serve(ports: Sequence[int], pem: Path, script: Script, recorder: Recorder) -> list[Stub]:
    """Listen on all these ports; the first must be free, the others may be the app's own."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    servers = [Stub(ports[0], tls, script, recorder)]
    for port in ports[1:]:
        try:
            servers.append(Stub(port, tls, script, recorder))
        except OSError:
            continue
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    return servers


class Cut(Exception):
    """The answer breaks off here."""


class Handler(BaseHTTPRequestHandler):
    """Answers as a provider would, after recording the request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Stub

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are recorded in full instead."""

    def do_GET(self) -> None:
        """The list of models; nothing else can be read."""
        number = self._record(b"", None)
        if self.path.partition("?")[0].rstrip("/").endswith("/models"):
            data = [{"id": name, "object": "model", "created": 1, "owned_by": "lab"} for name in MODELS]
            self._answer(number, "models", 200, {"object": "list", "data": data})
        else:
            self._refuse(number, "the lab knows no such page")

    def do_POST(self) -> None:
        """Answer a request of a known wire format."""
        raw = self._read_body()
        body, form = _parsed(raw), spoken(self.path)
        if form is None or body is None:
            self._refuse(self._record(raw, None), "the lab does not speak this")
            return
        act = self.server.script.act(form.conversation(body))
        said = _said(form, body, act)
        number = self._record(raw, said.text if act.kind == "reply" else "")
        self._play(number, form, body, act, said)

    def _play(self, number: int, form: Format, body: Json, act: Act, said: Said) -> None:
        """Do what the act says, and record how that ended."""
        told: Json = {"status": act.status, "kind": act.kind}
        out = _Out(self, act.pause_s)
        try:
            self._write(out, form, body, act, said)
        except Cut:
            self.close_connection = True
        except OSError:
            told["gone"] = self.close_connection = True
        finally:
            self.server.recorder.answered(number, {**told, "sent": out.sent, "times": out.times})

    def _write(self, out: _Out, form: Format, body: Json, act: Act, said: Said) -> None:
        if act.fault == "hang":
            self._hang(act.hang_s)
            raise Cut
        if act.fault == "html":
            out.whole(act.status, PAGE.format(act.say).encode(), "text/html; charset=utf-8")
        elif act.fault == "nonsense":
            out.whole(act.status, NONSENSE.encode())
        elif act.status != 200:
            message = act.say or f"the provider's own message for {act.status}"
            out.whole(act.status, json.dumps(form.error(act.status, message)).encode())
        elif body.get("stream") and act.fault != "no_stream":
            out.stream(form.events(body, said), is_cut=act.fault == "cut")
        else:
            out.whole(200, json.dumps(form.answer(body, said)).encode(), is_cut=act.fault == "cut")

    def _hang(self, hang_s: float) -> None:
        """Keep quiet until the app gives up or the time is over."""
        deadline = time.monotonic() + hang_s
        while (left := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.5))
            if readable and not self.connection.recv(1):
                raise ConnectionAbortedError

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return self._read_chunks()
        size = self.headers.get("Content-Length", "0")
        length = int(size) if size.isdecimal() else 0
        if length > MAX_BODY:
            self.close_connection = True
        return self.rfile.read(min(length, MAX_BODY))

    def _read_chunks(self) -> bytes:
        body = b""
        while (size := int(self.rfile.readline(20).split(b";")[0].strip() or b"0", 16)) and len(
            body
        ) < MAX_BODY:
            body += self.rfile.read(min(size, MAX_BODY))
            self.rfile.readline(3)
        self.rfile.readline(3)
        return body

    def _record(self, raw: bytes, reply: str | None) -> int:
        record = {
            "method": self.command,
            "host": self.headers.get("Host", ""),
            "path": self.path,
            "tls": isinstance(self.connection, ssl.SSLSocket),
            "port": self.server.server_port,
            "headers": shown_headers(self.headers),
            **exact(raw),
            "reply": reply,
        }
        return self.server.recorder.request(record)

    def _refuse(self, number: int, message: str) -> None:
        self._answer(number, "unknown", 404, {"error": {"message": message, "code": 404}})

    def _answer(self, number: int, kind: str, status: int, document: Json) -> None:
        out = _Out(self, 0)
        out.whole(status, json.dumps(document).encode())
        self.server.recorder.answered(number, {"status": status, "kind": kind, "sent": out.sent, "times": []})


class _Out:
    """What goes back to the app, counted; pieces of a stream with the time at which they left."""

    def __init__(self, handler: Handler, pause_s: float) -> None:
        self._handler = handler
        self._pause_s = pause_s
        self.sent = 0
        self.times: list[float] = []

    def whole(self, status: int, data: bytes, kind: str = "application/json", is_cut: bool = False) -> None:
        """One body; a cut one is shorter than its header says."""
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", kind)
        self._handler.send_header("Content-Length", str(len(data)))
        if status == 429:
            self._handler.send_header("Retry-After", "1")
        self._handler.end_headers()
        self._send(data[: len(data) // 2] if is_cut else data)
        if is_cut:
            raise Cut

    def stream(self, events: Iterator[tuple[str, str]], is_cut: bool) -> None:
        """Server-sent events, each a chunk of its own; a cut stream ends in the middle of its text."""
        self._handler.send_response(200)
        self._handler.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self._handler.send_header("Cache-Control", "no-cache")
        self._handler.send_header("Transfer-Encoding", "chunked")
        self._handler.end_headers()
        told = list(events)
        for name, data in told[: len(told) // 2] if is_cut else told:
            text = f"event: {name}\ndata: {data}\n\n" if name else f"data: {data}\n\n"
            self._chunk(text.encode())
            time.sleep(self._pause_s)
        if is_cut:
            raise Cut
        self._send(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self._send(b"%x\r\n%s\r\n" % (len(data), data))
        if len(self.times) < KEPT_TIMES:
            self.times.append(round(time.time(), 4))

    def _send(self, data: bytes) -> None:
        self._handler.wfile.write(data)
        self._handler.wfile.flush()
        self.sent += len(data)


def _said(form: Format, body: Json, act: Act) -> Said:
    """What an answer holds: a tool call if that is next, else the text in the shape that was asked for."""
    asked = len(form.conversation(body).split())
    offered = form.tools(body)
    wish = act.tool or form.forced(body)
    name = next(iter(offered), "") if wish == "*" else wish
    if name in offered and not form.has_result(body):
        made = sample(offered[name], act.say or "lab") if act.arguments is None else act.arguments
        arguments = made if isinstance(made, dict) else {}
        return Said(calls=(Call(f"call_lab{next(CALLS)}", name, arguments),), asked=asked)
    text = "" if act.fault == "empty" else act.text
    wanted = form.schema(body)
    if text and wanted is not None:
        text = json.dumps(sample(wanted, text) if wanted else {"answer": text})
    return Said(text=text, by_words=act.pause_s > 0, asked=asked)


def _parsed(raw: bytes) -> Json | None:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
