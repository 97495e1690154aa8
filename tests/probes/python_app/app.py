"""A small chat of the standard library's WSGI server."""

import html
import json
import os
import urllib.parse
import urllib.request
from wsgiref.simple_server import make_server

TURNS = []


def ask(messages):
    body = json.dumps({"model": "claude-sonnet-4-6", "max_tokens": 500, "messages": messages}).encode()
    headers = {"x-api-key": os.environ["ANTHROPIC_API_KEY"], "content-type": "application/json"}
    request = urllib.request.Request("https://api.anthropic.com/v1/messages", body, headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)["content"][0]["text"]


def app(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        form = urllib.parse.parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
        TURNS.append({"role": "user", "content": form["content"][0]})
        TURNS.append({"role": "assistant", "content": ask(TURNS)})
        start_response("303 See Other", [("Location", "/")])
        return [b""]
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    shown = "".join(f"<p>{html.escape(turn['content'])}</p>" for turn in TURNS)
    form = (
        '<form method="post"><label>Message <textarea name="content"></textarea></label><button>Send</button>'
    )
    return [f"<!DOCTYPE html><title>Small talk</title>{shown}{form}</form>".encode()]


make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), app).serve_forever()
