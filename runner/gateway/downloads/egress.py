"""Downloads of package managers: CONNECT and plain HTTP to hosts on the task's allow-list, each recorded."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from runner.gateway.settings import GatewaySettings

CHUNK = 65536
HEAD_BYTES = 65536
IDLE_S = 120
MOST_FETCHES = 20_000
KEPT_PATH = 2000
USED_UP = "this run has used up the bytes that its task allows for downloads"
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*")
DROPPED_HEADERS = {
    *("connection", "proxy-connection", "proxy-authorization", "keep-alive", "te", "upgrade", "host"),
    *("content-length", "transfer-encoding", "expect"),
}
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(n)
    for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "64:ff9b::/96")
)


class Refused(Exception):
    """A download that is not made, with the status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class OverCap(Exception):
    """A download that is cut off, because the run has fetched all that it may."""


@dataclass
class Fetch:
    """One line of the download log. `path` is None for CONNECT: it is encrypted."""

    method: str = ""
    host: str = ""
    port: int = 0
    path: str | None = None
    status: int = 0
    sent: int = 0
    received: int = 0
    error: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Target:
    """What a proxy request names; `headers` are those of a plain request that its origin gets to see."""

    method: str
    host: str
    port: int
    path: str | None = None
    headers: tuple[str, ...] = ()

    @property
    def authority(self) -> str:
        """`host`, or `host:port` where the port says something."""
        return self.host if self.port == 80 else f"{self.host}:{self.port}"

    def head(self, prefix: str = "", more: Sequence[str] = ()) -> bytes:
        """A plain request as its origin, or with a prefix as a proxy, wants it."""
        lines = [f"{self.method} {prefix}{self.path} HTTP/1.1", f"Host: {self.authority}", *self.headers]
        return "\r\n".join([*lines, *more, "Connection: close", "", ""]).encode()


class Egress:
    """The forward proxy of one door. `record` is called once for each fetch, refused ones too.

    `most_bytes` bounds what is fetched, both ways and all together; `totals` are the bytes by host.
    """

    def __init__(
        self,
        hosts: Sequence[str],
        settings: GatewaySettings,
        record: Callable[[dict[str, Any]], None],
        most_bytes: int | None = None,
    ) -> None:
        self._hosts = tuple(h.lower() for h in hosts)
        self._settings = settings
        self._proxy = urlsplit(settings.proxy) if settings.proxy else None
        self._record = record
        self._fetches = 0
        self._room = most_bytes
        self.totals: Counter[str] = Counter()

    async def serve(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one proxy request and close the connection; `head` ends with its blank line."""
        fetch = Fetch()
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            await self._fetch(fetch, head, reader, writer)
        except Refused as refusal:
            fetch.status, fetch.error = refusal.status, str(refusal)
            writer.write(_answer(refusal.status, str(refusal)))
        except OSError as error:  # also time-outs: TimeoutError is one
            fetch.error = f"{type(error).__name__}: {error}".rstrip(": ")
        except OverCap as error:
            fetch.error = str(error)
            writer.transport.abort()  # an orderly end would look like the end of the file
        finally:
            writer.close()
            self._fetches += 1
            if self._fetches <= MOST_FETCHES:
                line = asdict(fetch) | {"at": fetch.at.isoformat(), "wall_s": round(loop.time() - started, 4)}
                self._record(line)

    async def _fetch(
        self, fetch: Fetch, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        target = parsed_target(head)
        fetch.method, fetch.host, fetch.port = target.method, target.host[:255], target.port
        fetch.path = target.path and target.path[:KEPT_PATH]
        self._check(target)
        try:
            async with asyncio.timeout(self._settings.connect_s):
                remote, origin = await self._connect(target)
        except (OSError, UnicodeError) as error:
            raise Refused(502, f"{target.host} cannot be reached: {error}") from error
        try:
            if target.method == "CONNECT":
                fetch.status = 200
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await _relay(fetch, (reader, origin), (remote, writer), self._count)
            else:
                origin.write(self._plain_head(target))
                await _relay(fetch, None, (remote, writer), self._count)
        finally:
            origin.transport.abort()

    def _check(self, target: Target) -> None:
        if self._fetches >= MOST_FETCHES:
            raise Refused(429, f"no more than {MOST_FETCHES} downloads are made for one run")
        if not any(_matches(target.host, pattern) for pattern in self._hosts):
            raise Refused(403, f"{target.host} is not on this task's list of download hosts")
        if target.port not in self._settings.egress_ports:
            raise Refused(403, f"port {target.port} is not open for downloads")
        if self._room is not None and self._room <= 0:
            raise Refused(403, USED_UP)

    def _count(self, fetch: Fetch, size: int) -> None:
        """Raises OverCap when these bytes are more than this run may still fetch."""
        self.totals[fetch.host] += size
        if self._room is not None:
            self._room -= size
            if self._room < 0:
                raise OverCap(f"cut off: {USED_UP}")

    async def _connect(self, target: Target) -> Streams:
        if self._proxy is not None:
            streams = await asyncio.open_connection(self._proxy.hostname, self._proxy.port or 3128)
            if target.method == "CONNECT":
                await _open_tunnel(streams, target, self._proxy_credentials())
            return streams
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._settings.private_egress and any(map(is_private, addresses)):
            raise Refused(403, f"{target.host} resolves to a private address")
        # The checked address is dialled, not the name: it could resolve to another one now.
        for address in addresses[:-1]:
            with suppress(OSError):
                return await asyncio.open_connection(address, target.port)
        return await asyncio.open_connection(addresses[-1], target.port)

    def _plain_head(self, target: Target) -> bytes:
        if self._proxy is None:
            return target.head()
        return target.head(f"http://{target.authority}", self._proxy_credentials())

    def _proxy_credentials(self) -> list[str]:
        if self._proxy is None or self._proxy.username is None:
            return []
        pair = f"{unquote(self._proxy.username)}:{unquote(self._proxy.password or '')}"
        return [f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}"]


def parsed_target(head: bytes) -> Target:
    """What a CONNECT or absolute-form request asks for; raises Refused if it is neither."""
    try:
        request, *lines = head.decode("ascii").split("\r\n")
        if not request.isprintable():
            raise ValueError(request)
        method, url, _ = request.split(" ")
        parts = urlsplit(f"//{url}" if method == "CONNECT" else url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise Refused(400, "not a proxy request") from None
    if not host or (method == "CONNECT" and port is None):
        raise Refused(400, "the request names no host and port")
    if method == "CONNECT":
        return Target(method, host, port or 443)
    if parts.scheme != "http" or method not in ("GET", "HEAD"):
        raise Refused(405, "only GET and HEAD of http:// addresses are passed on")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if any(line and not HEADER.fullmatch(line) for line in lines):
        raise Refused(400, "a header line is malformed")  # a bare line feed would smuggle a second request
    kept = (line for line in lines if line and line.partition(":")[0].lower() not in DROPPED_HEADERS)
    return Target(method, host, port or 80, path, tuple(kept))


def is_private(address: str) -> bool:
    """Whether an address leads back to this machine or its local networks."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    own = ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified
    return own or any(ip in network for network in PRIVATE_NETWORKS)


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


async def _open_tunnel(streams: Streams, target: Target, credentials: Sequence[str]) -> None:
    reader, writer = streams
    origin = f"{target.host}:{target.port}"
    lines = [f"CONNECT {origin} HTTP/1.1", f"Host: {origin}", *credentials, "", ""]
    try:
        writer.write("\r\n".join(lines).encode())
        status = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1]
        if status != b"200":
            raise Refused(502, f"the upstream proxy answered {status[:3].decode('ascii', 'replace')}")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, IndexError) as error:
        writer.transport.abort()
        raise Refused(502, "the upstream proxy's answer makes no sense") from error
    except BaseException:
        writer.transport.abort()
        raise


async def _relay(
    fetch: Fetch, out: Streams | None, back: Streams, count: Callable[[Fetch, int], None]
) -> None:
    """Copy until the origin ends; silence in both directions ends it too, and so does what `count` raises.

    A plain request has no body, so nothing after its head is passed on (`out` is None): the origin must
    not see requests that were not checked.
    """
    loop = asyncio.get_running_loop()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: str) -> None:
        while data := await reader.read(CHUNK):
            if not fetch.status and data.startswith(b"HTTP/1."):
                fetch.status = int(data[9:12]) if data[9:12].isdigit() else 0
            count(fetch, len(data))
            setattr(fetch, counter, getattr(fetch, counter) + len(data))
            silence.reschedule(loop.time() + IDLE_S)
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def upload(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await copy(reader, writer, "sent")
        except OSError:  # the client is gone, so the origin may go too
            writer.transport.abort()
        except OverCap as error:
            fetch.error = str(error)
            writer.transport.abort()

    async with asyncio.timeout(IDLE_S) as silence:
        uploading = asyncio.create_task(upload(*out)) if out else None
        try:
            await copy(*back, "received")
        finally:
            if uploading:
                uploading.cancel()
                with suppress(asyncio.CancelledError):
                    await uploading


def _answer(status: int, message: str) -> bytes:
    body = message.encode() + b"\n"
    head = f"HTTP/1.1 {status} Refused\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body
