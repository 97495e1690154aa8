"""The provider stub as a process, over real TLS, and how the runner reads its records."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.probes.kit.lab.inside.provider_stub.records import MAX_RECORDS, Recorder
from runner.probes.kit.lab.inside.provider_stub.samples import sample
from runner.probes.kit.lab.inside.provider_stub.script import Script
from runner.probes.kit.lab.stub import Act, Certificates, Provider, Request, Scenario, issue_certificates

INSIDE = Path(__file__).parents[3] / "runner/probes/kit/lab"
ASK = {"model": "m", "messages": [{"role": "user", "content": "about apples"}]}
ORDERED = (Act(status=500), Act("Late."))
SCENARIO = Scenario(
    replies=(("apples", "They are red."), ("pears", "They are green."), ("slowly", "one two three")),
    otherwise="Well.",
    pauses=(("slowly", 0.03),),
    acts=(
        ("again", ORDERED),
        ("tool", (Act("It is warm.", tool="weather"),)),
        ("any", (Act("Done.", tool="*", arguments={"city": "Oslo"}),)),
        ("hang", (Act(fault="hang", hang_s=0.2),)),
        ("long", (Act("word ", repeat=50_000),)),
        ("markup", (Act("<script>alert(1)</script> & more"),)),
        *((fault, (Act("a b c d e f g", fault=fault),)) for fault in ("cut", "empty", "nonsense", "html")),
        *((f"status {status}", (Act(status=status),)) for status in (401, 402, 429, 500, 503)),
    ),
)
TOOL = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
CHAT_TOOL = {"type": "function", "function": TOOL}


class Stub:
    """A stub's process, its records, and a client that reaches it by the provider's name."""

    def __init__(self, process: subprocess.Popen[bytes], authority: bytes) -> None:
        self.process = process
        self.provider = Provider()
        assert process.stdout is not None
        first = process.stdout.readline()
        self.provider.feed(first)
        self.port = int(json.loads(first)["listening"][0])
        self.context = ssl.create_default_context(cadata=authority.decode())
        self._sent = 0
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.provider.feed(line)

    def close(self) -> None:
        self.process.kill()
        self._reading.join()

    def heard(self, wanted: Callable[[Provider], Any]) -> Any:
        """Wait until the records hold what is wanted."""
        deadline = time.monotonic() + 10
        while not (found := wanted(self.provider)):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return found

    def newest(self) -> Request:
        """The request that was sent last."""
        mark = str(self._sent)
        found = self.heard(lambda provider: [r for r in provider.requests if r.headers.get("x-mark") == mark])
        return Request(**vars(found[0]))

    def mark(self) -> dict[str, str]:
        """Headers by which a request is known, two of which carry a key."""
        self._sent += 1
        return {"Authorization": "Bearer secret", "X-Api-Key": "secret", "X-Mark": str(self._sent)}

    def order(self, scenario: Scenario) -> None:
        count = self.provider.switched
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"scenario": scenario.document()}).encode() + b"\n")
        self.process.stdin.flush()
        self.heard(lambda provider: provider.switched > count)

    def connection(self, host: str = "openrouter.ai", plain: bool = False) -> http.client.HTTPConnection:
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.sock = raw if plain else self.context.wrap_socket(raw, server_hostname=host)
        return connection

    def send(
        self, method: str, path: str, body: Any = None, host: str = "openrouter.ai", plain: bool = False
    ) -> tuple[int, str, bytes]:
        connection = self.connection(host, plain)
        try:
            data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else None
            connection.request(method, path, data, self.mark())
            response = connection.getresponse()
            return response.status, response.headers["Content-Type"], response.read()
        finally:
            connection.close()

    def chat(self, text: str, **more: Any) -> tuple[int, str, bytes]:
        return self.send("POST", "/api/v1/chat/completions", {**chat_body(text), **more})

    def said(self, text: str, **more: Any) -> dict[str, Any]:
        return dict(json.loads(self.chat(text, **more)[2])["choices"][0]["message"])


def chat_body(text: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


def events(content: bytes) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for block in content.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if fields and fields["data"] != "[DONE]":
            found.append((fields.get("event", ""), json.loads(fields["data"])))
    return found


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return issue_certificates()


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Stub]:
    """One stub for all tests; who needs a fresh count of acts switches the scenario."""
    folder = tmp_path_factory.mktemp("stub")
    (folder / "server.pem").write_bytes(certificates.server)
    (folder / "scenario.json").write_text(json.dumps({**SCENARIO.document(), "ports": [0]}))
    argv = [sys.executable, "-m", "inside.provider_stub", str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(argv, cwd=INSIDE, **pipes) as process:  # type: ignore[call-overload]
        stub = Stub(process, certificates.authority)
        yield stub
        stub.close()


def test_a_plain_answer_and_its_exact_record(stub: Stub) -> None:
    body = b'{ "model": "m", "messages": [{"role": "user", "content": "about apples \\u00e9"}] }'
    status, kind, content = stub.send("POST", "/api/v1/chat/completions?a=b", body)
    answer = json.loads(content)
    assert (status, kind) == (200, "application/json")
    assert answer["choices"][0]["message"]["content"] == "They are red."
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}
    request = stub.newest()
    assert (request.host, request.path) == ("openrouter.ai", "/api/v1/chat/completions?a=b")
    assert request.text.encode() == body
    assert [(m.role, m.text) for m in request.messages] == [("user", "about apples é")]
    assert request.headers["authorization"] == request.headers["x-api-key"] == "(hidden)"
    assert abs(request.at - time.time()) < 60
    outcome = stub.heard(lambda provider: provider.answers.get(request.number))
    assert (outcome.status, outcome.kind, outcome.sent) == (200, "reply", len(content))
    assert "secret" not in "".join(stub.provider.lines)


def test_a_streamed_answer_with_its_usage_as_openrouter_or_openai_send_it(stub: Stub) -> None:
    status, kind, content = stub.chat("about apples", stream=True)
    assert (status, kind) == (200, "text/event-stream; charset=utf-8")
    assert content.endswith(b"data: [DONE]\n\n")
    chunks = [data for _, data in events(content)]
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == "They are red."
    assert len(chunks) > 3
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 5
    asked = stub.chat("about apples", stream=True, stream_options={"include_usage": True})
    last = events(asked[2])[-1][1]
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 3)


def test_a_slow_stream_comes_word_by_word(stub: Stub) -> None:
    connection = stub.connection()
    body = json.dumps({**chat_body("slowly"), "stream": True})
    connection.request("POST", "/v1/chat/completions", body, stub.mark())
    response = connection.getresponse()
    seen = []
    while line := response.readline():
        if b"content" in line and (word := json.loads(line[6:])["choices"][0]["delta"].get("content")):
            seen.append((word, time.monotonic()))
    connection.close()
    assert [word for word, _ in seen] == ["one ", "two ", "three"]
    assert seen[2][1] - seen[0][1] >= 0.05
    number = stub.newest().number
    times = stub.heard(lambda provider: provider.answers.get(number)).times
    assert len(times) == 6
    assert sorted(times) == list(times)
    assert times[-1] - times[0] >= 0.1


def test_responses_are_spoken(stub: Stub) -> None:
    body = {
        "model": "gpt",
        "instructions": "Be kind.",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "pears"}]}],
    }
    answer = json.loads(stub.send("POST", "/v1/responses", body, "api.openai.com")[2])
    assert (answer["object"], answer["status"]) == ("response", "completed")
    assert answer["output"][0]["content"][0]["text"] == "They are green."
    assert answer["usage"]["total_tokens"] == 6
    assert [(m.role, m.text) for m in stub.newest().messages] == [("system", "Be kind."), ("user", "pears")]
    told = events(stub.send("POST", "/v1/responses", {"input": "pears", "stream": True}, "api.openai.com")[2])
    assert [m.text for m in stub.newest().messages] == ["pears"]
    assert all(name == data["type"] for name, data in told)
    assert [data["sequence_number"] for _, data in told] == list(range(len(told)))
    deltas = [data["delta"] for name, data in told if name == "response.output_text.delta"]
    assert "".join(deltas) == "They are green."
    assert (told[0][0], told[-1][0]) == ("response.created", "response.completed")
    assert told[-1][1]["response"]["output"][0]["content"][0]["text"] == "They are green."


def test_anthropics_messages_are_spoken(stub: Stub) -> None:
    body = {"model": "claude", "max_tokens": 9, "system": "Be kind.", **{"messages": ASK["messages"]}}
    answer = json.loads(stub.send("POST", "/v1/messages", body, "api.anthropic.com")[2])
    assert (answer["type"], answer["role"], answer["stop_reason"]) == ("message", "assistant", "end_turn")
    assert answer["content"] == [{"type": "text", "text": "They are red."}]
    assert answer["usage"] == {"input_tokens": 4, "output_tokens": 3}
    assert [m.role for m in stub.newest().messages] == ["system", "user"]
    told = events(stub.send("POST", "/v1/messages", {**body, "stream": True}, "api.anthropic.com")[2])
    kinds = list(dict.fromkeys(name for name, _ in told))
    assert kinds == [
        *("message_start", "content_block_start", "ping", "content_block_delta"),
        *("content_block_stop", "message_delta", "message_stop"),
    ]
    assert "".join(d["delta"]["text"] for n, d in told if n == "content_block_delta") == "They are red."


def test_tools_of_the_app_are_called_and_their_result_is_answered(stub: Stub) -> None:
    call = stub.said("tool", tools=[CHAT_TOOL])["tool_calls"][0]
    assert (call["type"], call["function"]["name"]) == ("function", "weather")
    assert json.loads(call["function"]["arguments"]) == {"city": "It is warm."}
    turns = [
        {"role": "user", "content": "tool"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "12 degrees"},
    ]
    assert stub.said("", messages=turns, tools=[CHAT_TOOL])["content"] == "It is warm."
    assert stub.said("tool")["content"] == "It is warm."
    assert stub.said("tool", tools=[CHAT_TOOL], tool_choice="none")["content"] == "It is warm."


def test_tool_calls_are_streamed_in_every_format(stub: Stub) -> None:
    chunks = events(stub.chat("any", tools=[CHAT_TOOL], stream=True)[2])
    deltas = [c["choices"][0]["delta"].get("tool_calls", []) for _, c in chunks]
    arguments = "".join(d["function"]["arguments"] for delta in deltas for d in delta)
    assert json.loads(arguments) == {"city": "Oslo"}
    assert chunks[-1][1]["choices"][0]["finish_reason"] == "tool_calls"
    flat = {"type": "function", **TOOL}
    told = dict(
        events(stub.send("POST", "/v1/responses", {"input": "any", "tools": [flat], "stream": True})[2])
    )
    assert json.loads(told["response.function_call_arguments.done"]["arguments"]) == {"city": "Oslo"}
    own = {"name": "weather", "input_schema": TOOL["parameters"]}
    body = {**chat_body("any"), "tools": [own]}
    whole = json.loads(stub.send("POST", "/v1/messages", body)[2])
    assert (whole["stop_reason"], whole["content"][0]["input"]) == ("tool_use", {"city": "Oslo"})
    told = dict(events(stub.send("POST", "/v1/messages", {**body, "stream": True})[2]))
    assert json.loads(told["content_block_delta"]["delta"]["partial_json"]) == {"city": "Oslo"}


def test_structured_output_satisfies_the_schema_in_every_format(stub: Stub) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "count": {"type": "integer"}}}
    wanted = {"name": "They are red.", "count": 1}
    form = {"type": "json_schema", "json_schema": {"name": "fruit", "schema": schema}}
    assert json.loads(stub.said("apples", response_format=form)["content"]) == wanted
    loose = stub.said("apples", response_format={"type": "json_object"})["content"]
    assert json.loads(loose) == {"answer": "They are red."}
    text = {"format": {"type": "json_schema", "name": "fruit", "schema": schema}}
    answer = json.loads(stub.send("POST", "/v1/responses", {"input": "apples", "text": text})[2])
    assert json.loads(answer["output"][0]["content"][0]["text"]) == wanted
    tool = {"name": "fruit", "input_schema": schema}
    forced = {**ASK, "tools": [tool], "tool_choice": {"type": "tool", "name": "fruit"}}
    call = json.loads(stub.send("POST", "/v1/messages", forced)[2])["content"][0]
    assert (call["type"], set(call["input"])) == ("tool_use", {"name", "count"})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": ["null", "string"]}, "x"),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 3}, 3),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, True),
        ({"type": "array", "minItems": 2, "items": {"type": "number", "minimum": 5}}, [5, 5]),
        ({"type": "object"}, {}),
        (None, "x"),
    ],
)
def test_samples_of_schemas(schema: Any, value: Any) -> None:
    assert sample(schema, "x") == value


def test_a_schema_that_never_ends_is_cut_off() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    schema["properties"]["again"] = schema
    assert "again" in sample(schema, "x")


@pytest.mark.parametrize("status", [401, 402, 429, 500, 503])
def test_errors_are_worded_as_the_provider_words_them(stub: Stub, status: int) -> None:
    got, kind, content = stub.chat(f"status {status}", stream=True)
    assert (got, kind) == (status, "application/json")
    assert json.loads(content)["error"]["code"] == status
    theirs = json.loads(stub.send("POST", "/v1/messages", chat_body(f"status {status}"))[2])
    assert (theirs["type"], set(theirs["error"])) == ("error", {"type", "message"})


def test_acts_come_in_order_and_the_last_one_stays(stub: Stub) -> None:
    assert [stub.chat("again")[0] for _ in range(3)] == [500, 200, 200]
    assert stub.said("again")["content"] == "Late."


def test_a_hanging_provider_never_answers(stub: Stub) -> None:
    with pytest.raises((ConnectionError, ssl.SSLError)):
        stub.chat("hang")
    number = stub.newest().number
    assert stub.heard(lambda provider: provider.answers.get(number)).kind == "hang"


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_breaks_off(stub: Stub, stream: bool) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        stub.chat("cut", stream=stream)
    assert b'"a b c' in caught.value.partial if stream else caught.value.partial.startswith(b"{")


def test_empty_nonsense_html_markup_and_very_long_replies(stub: Stub) -> None:
    assert stub.said("empty")["content"] == ""
    assert json.loads(stub.send("POST", "/v1/messages", chat_body("empty"))[2])["content"] == []
    status, kind, content = stub.chat("nonsense")
    assert (status, kind) == (200, "application/json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(content)
    status, kind, content = stub.chat("html", stream=True)
    assert (status, kind[:9], content[:9]) == (200, "text/html", b"<!DOCTYPE")
    assert stub.said("markup")["content"] == "<script>alert(1)</script> & more"
    assert stub.said("long")["content"] == "word " * 50_000
    streamed = events(stub.chat("long", stream=True)[2])
    assert sum(len(c["choices"][0]["delta"].get("content", "")) for _, c in streamed) == 250_000
    assert len(streamed) < 2100


def test_plain_http_is_answered_on_the_same_port(stub: Stub) -> None:
    status, _, content = stub.send("POST", "/v1/chat/completions", ASK, "localhost:11434", plain=True)
    assert (status, json.loads(content)["choices"][0]["message"]["content"]) == (200, "They are red.")
    assert stub.newest().host == "localhost:11434"


def test_a_body_may_come_in_chunks(stub: Stub) -> None:
    connection = stub.connection()
    data = json.dumps(ASK).encode()
    connection.request(
        "POST", "/v1/chat/completions", iter([data[:10], data[10:]]), stub.mark(), encode_chunked=True
    )
    assert connection.getresponse().status == 200
    connection.close()
    assert stub.newest().body == ASK


@pytest.mark.parametrize("body", [b"not json", b"[1]", b"[" * 100_000, b"\xff"])
def test_nonsense_is_recorded_and_refused(stub: Stub, body: bytes) -> None:
    assert stub.send("POST", "/v1/chat/completions", body)[0] == 404
    request = stub.newest()
    assert not request.is_chat
    assert request.messages == []


@pytest.mark.parametrize(
    "body", [{"messages": 3}, {"messages": [1, {"content": {}}], "tools": [None, {}]}, {"input": {}}]
)
@pytest.mark.parametrize("path", ["chat/completions", "responses", "messages"])
def test_requests_of_a_strange_shape_are_answered(stub: Stub, path: str, body: dict[str, Any]) -> None:
    assert stub.send("POST", f"/v1/{path}", body)[0] == 200
    assert isinstance(stub.newest().messages, list)


def test_models_are_listed(stub: Stub) -> None:
    names = [model["id"] for model in json.loads(stub.send("GET", "/api/v1/models?x=1")[2])["data"]]
    assert "anthropic/claude-sonnet-4.6" in names
    assert stub.send("GET", "/api/v1/credits")[0] == 404


def test_the_scenario_is_switched_while_it_runs(stub: Stub) -> None:
    stub.order(Scenario((("apples", "They are blue."),)))
    assert stub.said("about apples")["content"] == "They are blue."
    stub.order(SCENARIO)
    assert stub.said("about apples")["content"] == "They are red."
    assert stub.chat("again")[0] == 500


def test_a_flood_of_requests_is_not_recorded_for_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(tmp_path / "requests")
    numbers = [recorder.request({"path": "/"}) for _ in range(MAX_RECORDS + 5)]
    assert numbers[-1] == 0
    recorder.answered(0, {})
    assert len(capsys.readouterr().out.splitlines()) == MAX_RECORDS
    assert (tmp_path / "requests").stat().st_size == MAX_RECORDS


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
    assert Script(SCENARIO.document()).act(conversation).say == reply


def test_records_come_in_any_pieces() -> None:
    record = {"method": "POST", "host": "h", "path": "/p", "text": "", "reply": None}
    stream = (
        b'{"listening": [443]}\nTraceback (most recent call last)\n[1]\n'
        + json.dumps(record).encode()
        + b"\n"
    )
    provider = Provider()
    for byte in stream:
        provider.feed(bytes([byte]))
    assert provider.listening
    assert [r.path for r in provider.requests] == ["/p"]
