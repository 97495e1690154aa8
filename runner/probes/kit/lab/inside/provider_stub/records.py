"""The records of what came over the wire: one JSON line each, on standard output.

A request as it comes:  {"n": 1, "at": EPOCH_S, "method", "host", "path", "tls", "port", "headers",
                         "text": its body exactly (or "base64"), "reply": the words said or null}
When it is answered:    {"answered": 1, "at": EPOCH_S, "status", "kind", "sent": BYTES,
                         "times": [EPOCH_S, ...], "gone": true if the app broke off}

`times` are those of the streamed pieces, the first KEPT_TIMES.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

MAX_RECORDS = 500
KEPT_TIMES = 200
SECRET_HEADERS = {"authorization", "x-api-key", "cookie", "proxy-authorization", "api-key"}


class Recorder:
    """Writes records up to a bound, and a mark for each request to a file."""

    def __init__(self, marks: Path) -> None:
        self._marks = marks
        self._lock = threading.Lock()
        self._count = 0

    def say(self, document: dict[str, Any]) -> None:
        """Print one line."""
        with self._lock:
            sys.stdout.write(json.dumps(document) + "\n")
            sys.stdout.flush()

    def request(self, record: dict[str, Any]) -> int:
        """Number, time and print a request; returns its number, 0 when there were too many."""
        with self._lock:
            self._count += 1
            number = self._count
            with self._marks.open("ab") as marks:
                marks.write(b"." if number <= MAX_RECORDS else b"")
        if number > MAX_RECORDS:
            return 0
        self.say({"n": number, "at": round(time.time(), 4), **record})
        return number

    def answered(self, number: int, record: dict[str, Any]) -> None:
        """Tell what a request came to."""
        if number:
            self.say({"answered": number, "at": round(time.time(), 4), **record})


def exact(raw: bytes) -> dict[str, str]:
    """A body as it came: as text, or what is no text as base64."""
    try:
        return {"text": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": raw.decode("utf-8", "replace"), "base64": base64.b64encode(raw).decode()}


def shown_headers(headers: Any) -> dict[str, str]:
    """All headers in lower case, without the values of those that carry keys."""
    return {
        name.lower(): "(hidden)" if name.lower() in SECRET_HEADERS else value
        for name, value in headers.items()
    }
