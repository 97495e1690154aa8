"""A small site whose model, repository, transcript and logs all try to be markup."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.core.records import (
    AppliedDeduction,
    Condition,
    Deduction,
    Dimension,
    DimensionScore,
    Finding,
    Location,
    Outcome,
    PhaseResult,
    Rubric,
    Run,
    RunStatus,
    Score,
    Tier,
    Trial,
    Usage,
)
from runner.core.rubric_diff import RubricDiff
from runner.core.tree import SourceFile, SourceTree
from runner.core.variants import Reading, VariantMean, VariantSpread
from runner.report.site.entries import CheckMeaning, Duel, Effort, Entry, Material, Method, Standing

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
# If any of these is markup anywhere, a test sees the mark that it leaves.
EVIL = "<script>window.ran = 1</script><img src=x onerror='window.ran=1'>\"'><svg onload=window.ran=1>"
PATHS = {
    "app/<img src=x onerror=window.ran=1>.rb": "puts 1 # </pre></code><script>window.ran = 1</script>\n" * 3,
    "app/evil.html": f"<html><body>{EVIL}</body></html>\n",
    "app/picture.svg": "<svg xmlns='http://www.w3.org/2000/svg' onload='window.ran=1'/>\n",
    "%2e%2e%2fescape.rb": "1\n",
    "control\x01\x1b[31m\u202egpj.rb": "2\n",
    "long/" + "x" * 250 + ".rb": "3\n",
    "data.bin": "\0\1",
    "README.md": "# Hello\n",
    "-->.js": "/* --> */ let a = '</script>';\n",
}


def tree_of(paths: dict[str, str]) -> SourceTree:
    files = {path: SourceFile(path, 0o100644, text.encode()) for path, text in paths.items()}
    return SourceTree("a" * 40, files)


def png(width: int = 2, height: int = 2, extra: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x88\xaa\xcc" * width for _ in range(height)))
    text = chunk(b"tEXt", extra) if extra else b""
    parts = chunk(b"IHDR", header) + text + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def exchange(n: int, messages: list[dict[str, Any]], text: str, command: str = "") -> str:
    reply = {"text": text, "reasoning": "", "tool_calls": []}
    if command:
        reply["tool_calls"] = [{"id": "c", "name": "bash", "arguments": json.dumps({"command": command})}]
    usage = {"input_tokens": 10 * n, "cached_input_tokens": 0, "output_tokens": n}
    record = {"n": n, "phase": "build", "at": "2026-05-01T12:00:00", "wall_s": 0.5, "status": 200}
    more = {"attempt": 1, "command": command, "usage": usage, "cost_usd": 0.01, "reply": reply}
    return json.dumps(record | more | {"request": {"model": "m", "messages": messages}}) + "\n"


def write_transcript(path: Path, turns: int = 3) -> None:
    messages = [{"role": "system", "content": "be good"}, {"role": "user", "content": f"build it {EVIL}"}]
    lines = []
    for n in range(1, turns + 1):
        lines.append(exchange(n, list(messages), f"step {n} {EVIL}", f"echo needle-{n} {EVIL}"))
        messages.append({"role": "assistant", "content": f"step {n}"})
        messages.append({"role": "tool", "content": f"result {n} {EVIL}"})
    path.write_text("".join(lines))


RUBRIC = Rubric(
    id="chat",
    version=1,
    title=f"A chat {EVIL}",
    dimensions=(
        Dimension(
            id="tests",
            title="Tests",
            points=100,
            deductions=(
                Deduction(id="blind", when=Condition(fail="tests.real"), points=27, because="Blind."),
            ),
        ),
    ),
    tiers=(Tier(id="A", at_least=60, meaning="ships"), Tier(id="D", at_least=0, meaning="not")),
)


def run_of(model: str, agent: str = "bash", task: str = "chat", epoch: int = 1) -> Run:
    usage = Usage(requests=3, input_tokens=60, output_tokens=6, cost_usd=0.03)
    phase = PhaseResult(id="build", started=START, wall_s=9.5, usage=usage, exit_code=0, stopped_by="done")
    digests = {"task_digest": "d" * 64, "model_digest": "m" * 64}
    return Run(
        trial=Trial(task=task, model=model, agent=agent, agent_version="1", epoch=epoch, **digests),
        attempt=1,
        status=RunStatus.COMPLETED,
        started=START,
        finished=START,
        phases=(phase,),
        usage=usage,
        image="shipworthy/base:0",
        tree="a" * 40,
    )


def score_of(run: Run, points: float, message: str = EVIL) -> Score:
    places = tuple(Location(path=path, line=1, text=EVIL) for path in [*list(PATHS)[:4], "not/there.rb"])
    finding = Finding(check="tests.real", outcome=Outcome.FAIL, message=message, locations=places)
    lost = AppliedDeduction(id="blind", points=27, because=f"Blind. {EVIL}", findings=(finding,))
    numbers = {"low": points, "high": points}
    tests = DimensionScore(id="tests", title="Tests", points=100, applied=(lost,), unknown=(), **numbers)
    return Score(
        run=run.id,
        rubric=RUBRIC.name,
        rubric_digest=RUBRIC.digest(),
        evidence_digest="e" * 64,
        dimensions=(tests,),
        tier="A" if points >= 60 else "D",
        **numbers,
    )


def standing(
    model: str, mean: float | None, scope: str = "chat", agent: str = "bash", **more: Any
) -> Standing:
    known = {"low": mean and mean - 5, "high": mean and mean + 5, "rank_low": 1, "rank_high": 2}
    tier = None if mean is None else "A" if mean >= 60 else "D"
    cost = {"cost_usd": None if mean is None else mean / 20, "wall_s": 60.0, "tier": tier, "tier_odds": {}}
    odds = {"pass@1": (0.5, "50%"), "pass^3": (0.0, "0–10%")}
    effort = Effort(odds, 1e6, 2e4, None, (1.0, 9.5), (2.0, 12.0), None)
    more = {"effort": effort, "coverage": "3 of 3 scored", **more}
    fields = {"trials": 3, "scored": 0 if mean is None else 3, "mean": mean, **known, **cost, **more}
    return Standing(scope=scope, model=model, agent=agent, **fields)


@pytest.fixture
def material(tmp_path: Path) -> Material:
    """Three models, one of them named as markup; the first has a transcript, screenshots and a wire log."""
    names = ("good/one", "fair/two", f"evil/{EVIL}")
    entries = []
    for n, name in enumerate(names):
        run = run_of(name, agent="bash" if n < 2 else "aider")
        folder, artifacts = tmp_path / f"run{n}", tmp_path / f"artifacts{n}"
        (folder / "logs").mkdir(parents=True)
        artifacts.mkdir()
        write_transcript(folder / "transcript.jsonl", turns=3)
        (folder / "logs" / "build.log").write_text(EVIL)
        (artifacts / "empty_page.png").write_bytes(png(extra=EVIL.encode()))
        (artifacts / "fake.png").write_bytes(EVIL.encode())
        wire = {"n": 1, "at_s": 1.5, "method": "POST", "host": "api", "path": "/v1", "body": {"messages": []}}
        (artifacts / "chat-1.wire.jsonl").write_text(json.dumps(wire | {"model": EVIL}) + "\n{broken\n")
        entries.append(Entry(run, score_of(run, 90 - 30 * n), None, None, (), folder, artifacts))
    unscored = replace(entries[0], run=run_of("good/one", epoch=2), score=None, why_not="it was interrupted")
    boards = [standing(names[0], 90), standing(names[1], 60), standing(names[2], 30, agent="aider")]
    boards += [replace(s, scope="notes", mean=100 - (s.mean or 0)) for s in boards]
    told = CheckMeaning("tests.real", "tests are real", "suite", 1, EVIL, "how", "unknown", EVIL, "bad")
    method = Method("1", START, "archive", [], ["img"], [], [("suite", 1, True)], ["words"], {EVIL: EVIL})
    diff = RubricDiff(RUBRIC, RUBRIC.model_copy(update={"version": 2}), ())
    means = [
        VariantMean(variant=v, n=2, mean=m, low=m - 1, high=m + 1)
        for v, m in (("original", 80), ("terse", 60))
    ]
    spread = VariantSpread(
        task="chat",
        model=names[0],
        agent="bash",
        variants=tuple(means),
        spread=20,
        p_spread=0.04,
        original_lead=20,
        lead_interval=(-2.5, 30),
        p_lead=0.2,
        reading=Reading.SENSITIVE,
    )
    return Material(
        entries=[*entries, unscored],
        standings=boards,
        rubrics=[RUBRIC],
        checks={"tests.real": told},
        changes=[diff],
        method=method,
        spreads=[spread],
        duels=[Duel((names[0], "bash"), (names[1], "bash"), f"The first is ahead. {EVIL}")],
        read_tree=lambda run: tree_of(PATHS),
    )
