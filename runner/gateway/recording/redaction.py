"""Keeps the provider's key out of everything that is written or goes back to the sandbox."""

from __future__ import annotations

import json

PLACEHOLDER = b"[key removed]"
SHORTEST_KEY = 8


class Redactor:
    """Replaces every occurrence of one key. Keys of fewer than 8 characters guard nothing and are left."""

    def __init__(self, key: str | None) -> None:
        forms = {key, json.dumps(key)[1:-1]} if key and len(key) >= SHORTEST_KEY else set()
        self._secrets = sorted((form.encode() for form in forms if form), key=len, reverse=True)

    def clean(self, data: bytes) -> bytes:
        """`data` without the key."""
        for secret in self._secrets:
            data = data.replace(secret, PLACEHOLDER)
        return data

    def clean_text(self, text: str) -> str:
        """`text` without the key."""
        for secret in self._secrets:
            text = text.replace(secret.decode(), PLACEHOLDER.decode())
        return text

    def stream(self) -> RedactedStream:
        """For a reply that comes in chunks."""
        return RedactedStream(self, self._secrets)


class RedactedStream:
    """Holds back only bytes that may be the beginning of a key cut by a chunk's end."""

    def __init__(self, redactor: Redactor, secrets: list[bytes]) -> None:
        self._redactor = redactor
        self._secrets = secrets
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What may be passed on now."""
        if not self._secrets:
            return chunk
        data = self._redactor.clean(self._held + chunk)
        held = max(_overlap(data, secret) for secret in self._secrets)
        self._held = data[len(data) - held :]
        return data[: len(data) - held]

    def end(self) -> bytes:
        """What was still held back."""
        held, self._held = self._held, b""
        return held


def _overlap(data: bytes, secret: bytes) -> int:
    """Length of the longest end of `data` that begins `secret`."""
    lengths = range(min(len(data), len(secret) - 1), 0, -1)
    return next((n for n in lengths if data.endswith(secret[:n])), 0)
