"""What the user sets for all doors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class GatewaySettings:
    """`proxy`: an HTTP proxy (http://[user:password@]host:port) for providers and downloads alike.

    `ca_bundle`: certificates trusted beside the system's. `stream_idle_s` bounds the silence between two
    pieces of a streamed reply, `reply_s` the silence before a plain one, which models may think long over.
    The last two exist for tests: ports of downloads, and whether names may resolve to private addresses.
    """

    ca_bundle: Path | None = None
    proxy: str | None = None
    connect_s: float = 30
    stream_idle_s: float = 300
    reply_s: float = 900
    head_s: float = 10
    egress_ports: frozenset[int] = frozenset({80, 443})
    private_egress: bool = False
