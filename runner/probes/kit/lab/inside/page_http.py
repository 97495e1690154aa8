"""A browser's network side: cookies, redirects on the same host, bounded answers.

Part of the page driver, which runs inside the helper sandbox by plain python3.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

MAX_BYTES = 2_000_000
MAX_HOPS = 8
MAX_COOKIE = 4096
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
SELF = {"localhost", "127.0.0.1", "[::1]"}


@dataclass(frozen=True)
class Answer:
    """What came back in the end; `status` 0 means that nothing did, `body` then says why."""

    url: str
    status: int
    type: str
    body: str
    location: str = ""


class Browser:
    """One visitor: a cookie jar and a deadline (monotonic seconds) for everything it does."""

    def __init__(self, base: str, deadline: float) -> None:
        self.base = base
        self.cookies: dict[str, str] = {}
        self._deadline = deadline
        self._port = urlsplit(base).port or 80

    def left(self, most: float) -> float:
        """Seconds that may still be spent, at most `most`."""
        return max(0.0, min(most, self._deadline - time.monotonic()))

    def get(self, url: str, accept: str = "text/html,application/xhtml+xml") -> Answer:
        """Open an address."""
        return self.send("GET", url, {"Accept": accept})

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", patience_s: float = 30
    ) -> Answer:
        """One request with the redirects that follow, as a browser follows them."""
        ends = time.monotonic() + self.left(patience_s)
        for _ in range(MAX_HOPS):
            answer = self._once(method, url, headers, body, ends)
            target = absolute(url, answer.location)
            if not (300 <= answer.status < 400 and answer.location and self.is_own(target)):
                return answer
            if answer.status not in (307, 308):
                method, body = "GET", b""
                headers = {k: v for k, v in headers.items() if k not in ("Content-Type", "X-CSRF-Token")}
            url = target
        return answer

    def is_own(self, url: str) -> bool:
        """Whether an absolute address belongs to the app."""
        try:
            parts = urlsplit(url)
            port = parts.port or 80
        except ValueError:
            return False
        return parts.scheme == "http" and (parts.hostname or "") in SELF and port == self._port

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes, ends: float) -> Answer:
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=1)
        try:
            connection.timeout = max(0.05, ends - time.monotonic())
            connection.request(method, path, body or None, self._headers(headers))
            response = connection.getresponse()
            for header in response.headers.get_all("Set-Cookie") or []:
                self._keep(header)
            text = _read(connection, response, ends)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Answer(url, 0, "", f"{type(error).__name__}: {error}"[:300])
        finally:
            connection.close()
        kind = response.headers.get_content_type() if response.headers.get("Content-Type") else ""
        return Answer(url, response.status, kind, text, response.headers.get("Location") or "")

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        own = {"Host": urlsplit(self.base).netloc, "User-Agent": AGENT}
        if self.cookies:
            own["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {**own, **headers}

    def _keep(self, header: str) -> None:
        pair, *attributes = header.split(";")
        name, _, value = pair.strip().partition("=")
        if len(pair) > MAX_COOKIE:
            return
        if any(_is_over(*attribute.strip().partition("=")[::2]) for attribute in attributes):
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value


def absolute(base: str, url: str) -> str:
    """The address that a link on a page leads to; empty if it leads nowhere."""
    try:
        return urljoin(base, url)
    except ValueError:
        return ""


def _is_over(name: str, value: str) -> bool:
    if name.lower() == "max-age":
        return value.strip().startswith(("0", "-"))
    if name.lower() == "expires":
        try:
            return parsedate_to_datetime(value).timestamp() < time.time()
        except (ValueError, TypeError):
            return False
    return False


def _read(connection: http.client.HTTPConnection, response: http.client.HTTPResponse, ends: float) -> str:
    """The body, or as much of it as came in time: an event stream may never end."""
    data = b""
    while len(data) < MAX_BYTES and (left := ends - time.monotonic()) > 0:
        if connection.sock is not None:
            connection.sock.settimeout(left)
        try:
            piece = response.read1(65536)
        except (TimeoutError, http.client.IncompleteRead):
            break
        if not piece:
            break
        data += piece
    return data.decode("utf-8", "replace")
