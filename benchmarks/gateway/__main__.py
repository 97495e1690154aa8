"""Measures the gateway beside its upstream and beside a peer.

    .venv/bin/python -m benchmarks.gateway [--json] [--no-peer] [--requests N]

Upstream, gateway and peer are processes of their own; one client asks each in turn, in rounds, so that a
machine that slows down slows all alike. Quote the ratios and differences.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.gateway import peer
from benchmarks.gateway.client import Figures, Target, measured

ROUNDS, WIDE = 3, 16
CACHE = Path(__file__).parents[2] / ".cache"


@contextmanager
def started(command: Sequence[str], folder: Path, talks: bool = True) -> Iterator[subprocess.Popen[str]]:
    """A server; one that `talks` says one line on standard output, of the others nobody reads it."""
    with (folder / "server.log").open("a") as log:
        out = subprocess.PIPE if talks else log
        process = subprocess.Popen(command, stdout=out, stderr=log, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def told(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    said: dict[str, str] = json.loads(process.stdout.readline())
    return said


def targets(stack: ExitStack, folder: Path, with_peer: bool) -> list[Target]:
    """The upstream itself first."""
    upstream = stack.enter_context(started([sys.executable, "-m", "benchmarks.gateway.upstream"], folder))
    base = told(upstream)["url"]
    url = f"{base}/chat/completions"
    door = stack.enter_context(
        started([sys.executable, "-m", "benchmarks.gateway.door", base, str(folder)], folder)
    )
    said = told(door)
    found = [
        Target("direct", url, "none", upstream.pid),
        Target("gateway", "http://door/v1/chat/completions", said["token"], door.pid, said["socket"]),
    ]
    if with_peer:
        found.append(stack.enter_context(peer_target(base, folder)))
    return found


@contextmanager
def peer_target(upstream: str, folder: Path) -> Iterator[Target]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = peer.command(peer.installed(CACHE), upstream, port, folder)
    with started(command, folder, talks=False) as process:
        for _ in range(240):
            time.sleep(0.5)
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=5)
                break
            except OSError:
                continue
        yield Target("litellm", f"http://127.0.0.1:{port}/v1/chat/completions", peer.KEY, process.pid)


async def rounds(asked: Sequence[Target], requests: int) -> dict[str, dict[str, float]]:
    """The median of the rounds, figure by figure."""
    found: dict[str, list[Figures]] = {target.name: [] for target in asked}
    for _ in range(ROUNDS):
        for target in asked:
            few = requests if target.name != "litellm" else max(requests // 5, 100)
            found[target.name].append(await measured(target, few, WIDE))
    return {
        name: {key: statistics.median(asdict(f)[key] for f in figures) for key in asdict(figures[0])}
        for name, figures in found.items()
    }


def summary(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """What the gateway and the peer add to the upstream."""
    direct, lines = found["direct"], {}
    for name in [n for n in found if n != "direct"]:
        for key in ("plain_p50_ms", "plain_p99_ms", "first_chunk_p50_ms"):
            lines[f"{name}: added {key}"] = found[name][key] - direct[key]
    if "litellm" in found:
        ours, theirs = found["gateway"], found["litellm"]
        lines["gateway / litellm, requests per processor second (aim >= 10)"] = (
            ours["wide_per_cpu_s"] / theirs["wide_per_cpu_s"]
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--no-peer", action="store_true", help="leave litellm out (its install takes minutes)"
    )
    parser.add_argument(
        "--requests", type=int, default=1000, help="per figure and round (default: %(default)s)"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        asked = targets(stack, Path(name), not args.no_peer)
        found = asyncio.run(rounds(asked, args.requests))
    report: dict[str, Any] = {"figures": found, "summary": summary(found)}
    if args.json:
        print(json.dumps(report, indent=2))
        return
    print(f"{'':<22}" + "".join(f"{name:>12}" for name in found))
    for key in found["direct"]:
        print(f"{key:<22}" + "".join(f"{found[name][key]:>12.2f}" for name in found))
    for key, value in report["summary"].items():
        print(f"{key:<62} {value:8.2f}")


if __name__ == "__main__":
    main()
