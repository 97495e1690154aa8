"""The provider stub over real TLS, and how the runner reads its records."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.probes.kit.lab.inside.provider_stub import MAX_RECORDS, Stub, chosen_reply, flat
from runner.probes.kit.lab.stub import Provider, Scenario, issue_certificates

ASK = {"model": "m", "messages": [{"role": "user", "content": "about apples"}]}
SCENARIO = Scenario((("apples", "They are red."), ("pears", "They are green.")), "Well.")


class Client:
    """Speaks to a stub as an app would, by the provider's name."""

    def __init__(self, port: int, authority: bytes) -> None:
        self.port = port
        self.context = ssl.create_default_context(cadata=authority.decode())

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, str, bytes]:
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=10)
        raw = self.context.wrap_socket(connection_socket(self.port), server_hostname="openrouter.ai")
        connection.sock = raw
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else None
        connection.request(method, path, data, {"Host": "openrouter.ai", "Authorization": "Bearer secret"})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, response.headers["Content-Type"], content


def connection_socket(port: int) -> Any:
    plain = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    plain.connect()
    return plain.sock


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    certificates = issue_certificates()
    (tmp_path / "server.pem").write_bytes(certificates.server)
    stub = Stub({**json.loads(SCENARIO.document()), "port": 0}, tmp_path)
    thread = threading.Thread(target=stub.serve_forever, args=(0.01,))
    thread.start()
    yield Client(stub.server_port, certificates.authority)
    stub.shutdown()
    stub.server_close()
    thread.join()


def records(capsys: pytest.CaptureFixture[str]) -> Provider:
    provider = Provider()
    provider.feed(capsys.readouterr().out.encode())
    return provider


def test_a_plain_answer_and_its_record(
    client: Client, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, kind, content = client.send("POST", "/api/v1/chat/completions", ASK)
    answer = json.loads(content)
    assert (status, kind) == (200, "application/json")
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "They are red."}
    assert answer["usage"] == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
    (request,) = records(capsys).chats
    assert (request.host, request.path, request.body) == ("openrouter.ai", "/api/v1/chat/completions", ASK)
    assert [(m.role, m.text) for m in request.messages] == [("user", "about apples")]
    assert (tmp_path / "requests").read_bytes() == b"."


def test_no_key_is_recorded(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.send("POST", "/api/v1/chat/completions", ASK)
    out = capsys.readouterr().out
    assert "secret" not in out
    assert json.loads(out)["headers"]["authorization"] == "(hidden)"


def test_a_streamed_answer(client: Client) -> None:
    status, kind, content = client.send("POST", "/v1/chat/completions", {**ASK, "stream": True})
    events = [line.removeprefix("data: ") for line in content.decode().split("\n\n") if line]
    assert (status, kind, events[-1]) == (200, "text/event-stream", "[DONE]")
    chunks = [json.loads(event) for event in events[:-1]]
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == "They are red."
    assert len(chunks) > 3
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 5


@pytest.mark.parametrize("body", [b"not json", b"[1]", b"[" * 100_000, b"", b"\xff"])
def test_nonsense_is_recorded_and_refused(
    client: Client, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    assert client.send("POST", "/v1/chat/completions", body)[0] == 404
    (request,) = records(capsys).requests
    assert not request.is_chat
    assert request.messages == []


def test_other_formats_are_seen_but_not_spoken(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert client.send("POST", "/v1/messages", ASK)[0] == 404
    provider = records(capsys)
    assert provider.chats == []
    assert provider.requests[0].carries("about apples")


def test_lists_of_models_are_empty(client: Client) -> None:
    assert json.loads(client.send("GET", "/api/v1/models?x=1")[2])["data"] == []
    assert client.send("GET", "/api/v1/credits")[0] == 404


def test_a_flood_of_requests_is_not_recorded_for_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificates = issue_certificates()
    (tmp_path / "server.pem").write_bytes(certificates.server)
    stub = Stub({"port": 0, "replies": [], "otherwise": ""}, tmp_path)
    for _ in range(MAX_RECORDS + 5):
        stub.recorder.write({"path": "/"})
    stub.server_close()
    assert len(capsys.readouterr().out.splitlines()) == MAX_RECORDS


@pytest.mark.parametrize(
    ("conversation", "reply"),
    [
        ("about apples", "They are red."),
        ("about apples\nThey are red.\nand pears", "They are green."),
        ("about pears\nand apples", "They are red."),
        ("hello", "Well."),
    ],
)
def test_the_reply_is_to_what_was_said_last(conversation: str, reply: str) -> None:
    assert chosen_reply(json.loads(SCENARIO.document()), conversation) == reply


def test_content_may_come_in_parts() -> None:
    assert flat([{"type": "text", "text": "a"}, {"type": "image_url"}, "x", {"text": "b"}]) == "a\n\nb"
    assert flat(None) == ""


def test_records_come_in_any_pieces() -> None:
    record = {"method": "POST", "host": "h", "path": "/p", "body": None, "text": "", "reply": None}
    stream = (
        b'{"listening": 443}\nTraceback (most recent call last)\n[1]\n' + json.dumps(record).encode() + b"\n"
    )
    provider = Provider()
    for byte in stream:
        provider.feed(bytes([byte]))
    assert provider.listening
    assert [r.path for r in provider.requests] == ["/p"]
