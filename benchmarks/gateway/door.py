"""Our gateway with one door, in a process of its own: python -m benchmarks.gateway.door UPSTREAM FOLDER"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from benchmarks.gateway.upstream import MODEL
from runner.agents.bash import AGENT
from runner.core.records import Limits, Model, Prices
from runner.gateway.door import DoorSpec, open_gateway
from runner.gateway.settings import GatewaySettings


async def main(upstream: str, folder: Path) -> None:
    model = Model(
        id="bench/1",
        provider="bench",
        name=MODEL,
        wire="openai_chat",
        upstream=upstream,
        prices=Prices(input=1, output=1),
    )
    spec = DoorSpec(
        socket=folder / "door.sock",
        model=model,
        key="sk-benchmark-0123456789",
        transcript=folder / "transcript.jsonl",
        downloads=folder / "downloads.jsonl",
        rendering=AGENT,
    )
    settings = GatewaySettings(ends_loops=False)  # all replies are alike here
    async with open_gateway(settings) as gateway, gateway.open_door(spec, lambda exchange: None) as door:
        door.begin_phase("build", Limits(cost_usd=1000))
        print(json.dumps({"socket": str(spec.socket), "token": door.token}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
