"""A provider that answers at once, in a process of its own: python -m benchmarks.gateway.upstream"""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

MODEL = "bench-1"
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
CHUNKS = 20


def document(**fields: object) -> bytes:
    return json.dumps({"id": "c", "created": 0, "model": MODEL, **fields}).encode()


def plain() -> bytes:
    message = {"role": "assistant", "content": "word " * CHUNKS}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return document(object="chat.completion", choices=[choice], usage=USAGE)


def events() -> list[bytes]:
    deltas = [{"role": "assistant", "content": "word "}, *[{"content": "word "}] * (CHUNKS - 1)]
    choices: list[list[object]] = [[{"index": 0, "delta": d, "finish_reason": None}] for d in deltas]
    choices.append([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    kind = "chat.completion.chunk"
    told = [document(object=kind, choices=c) for c in choices] + [
        document(object=kind, choices=[], usage=USAGE)
    ]
    return [b"data: " + event + b"\n\n" for event in [*told, b"[DONE]"]]


PLAIN, EVENTS = plain(), events()


async def answer(request: web.Request) -> web.StreamResponse:
    if not (await request.json()).get("stream"):
        return web.Response(body=PLAIN, content_type="application/json")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in EVENTS:
        await response.write(event)
    return response


async def main() -> None:
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}/v1"}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
