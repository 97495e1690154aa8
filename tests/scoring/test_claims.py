"""Reading a model's review of itself: the form that is asked for, and what models write instead."""

from __future__ import annotations

import time

import pytest

from runner.core.records import Claim, Goal
from runner.scoring.claims import MAX_CHARACTERS, read_claims

GOALS = tuple(Goal(id=name, statement=name) for name in ("token_streaming", "tools", "never_fails"))
PASS, PARTIAL, FAIL = Claim.PASS, Claim.PARTIAL, Claim.FAIL


def claims(text: str) -> list[Claim | None]:
    read = read_claims(text, GOALS)
    return [read.get(goal.id) for goal in GOALS]


@pytest.mark.parametrize(
    "text",
    [
        "1. PASS - seen\n2. PARTIAL - one of two\n3. FAIL - it does",
        "1: pass\n2: partial\n3: fail",
        "1) **PASS**\r\n2) **PARTIAL**\r\n3) **FAIL**",
        "- Goal 1: PASS\n- Goal 2: PARTIAL\n- Goal 3: FAIL",
        "* G1 PASS\n* G-2 PARTIAL\n* goal-3 FAIL",
        "- [x] 1. PASS\n- [ ] 2. PARTIAL\n- [ ] 3. FAIL",
        "token_streaming: PASS\ntools: PARTIAL\nnever_fails: FAIL",
        "**Token streaming** - PASS\n**Tools** - PARTIAL\n`never-fails` = FAIL",
        "| # | goal | verdict |\n|---|---|---|\n| 1 | a | PASS |\n| 2 | b | PARTIAL |\n| 3 | c | FAIL |",
        "| goal | so |\n|--|--|\n| token_streaming | ✅ PASS |\n| tools | ⚠️ PARTIAL |\n| 3 | ❌ FAIL |",
        "1. ✅ streams\n2. ⚠️ only one\n3. ❌ no",
        "✅ 1. streams\n🟡 2. only one\n❌ 3. no",
        "PASS: 1. streams\nPARTIAL: 2. one\nFAIL: 3. no",
        "## 1. Streaming\n\n**Verdict:** PASS\n\n## 2. Tools\nPARTIAL. One is there.\n\n## 3.\nStatus - FAIL",
        "### Goal 1\n✅ works\n### Goal 2\nI tried.\n⚠️ so so\n### Goal 3\n❌",
        "1. streams\tPASSED\n2. tools PARTIALLY there\n3. it FAILS",
        "\ufeff1. PASS\n```\n2. PARTIAL\n3. FAIL\n```",
    ],
)
def test_forms_that_say_the_same(text: str) -> None:
    assert claims(text) == [PASS, PARTIAL, FAIL]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [None, None, None]),
        ("1. PASS", [PASS, None, None]),
        ("1. PASS / PARTIAL / FAIL", [None, None, None]),
        ("Legend: PASS, PARTIAL or FAIL\n1. PASS or FAIL, who knows", [None, None, None]),
        ("3. A provider that fails is shown: PASS", [None, None, PASS]),
        ("3. PASS - failures are shown, nothing is partial", [None, None, PASS]),
        ("3. PASS - it was PARTIAL before, and FAIL at first", [None, None, PASS]),
        ("| 3 | when it must FAIL politely | PASS |", [None, None, PASS]),
        ("3. Tools fail, politely, and all tests pass with them at hand", [None, None, None]),
        ("1. PASS\n1. FAIL", [PASS, None, None]),
        ("1. ~~PASS~~ FAIL", [FAIL, None, None]),
        ("<!-- 1. FAIL -->\n1. PASS", [PASS, None, None]),
        ("1. PASS <!-- 2. FAIL\n2. PASS", [PASS, None, None]),
        ("0. PASS\n4. PASS\n12. PASS\n1.5 PASS\n1st PASS\n99999999999 PASS", [None, None, None]),
        ("toolset: PASS\ntoken_streamings: PASS", [None, None, None]),
        ("## 1. Streaming\nIn passing: nothing is said.\n## 2. Tools\nPASS", [None, PASS, None]),
        ("3 tests PASS\n2 goals PASS, one does not\nTools PASS nothing on", [None, PASS, None]),
        ("3 tests PASS\nTools of the trade: PASS\n3. FAIL", [None, None, FAIL]),
        ("PASS\n\nAll good.", [None, None, None]),
        ("1. passable", [None, None, None]),
        ("1. surpassed", [None, None, None]),
        ("١. PASS\n１. PASS", [None, None, None]),
    ],
)
def test_what_is_no_claim_and_what_is(text: str, expected: list[Claim | None]) -> None:
    assert claims(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<!--" * 100_000,
        "~~" * 150_000,
        "~~x\n" * 100_000,
        "1" * 500_000,
        "|" * 500_000,
        "1. " + "PASS/" * 100_000,
        "goal" + " " * 400_000 + "1 PASS",
        "goal #.:_-" * 50_000,
        "PASS " * 100_000,
        "1. \x00\x1b[31m\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace") * 50_000,
    ],
)
def test_hostile_files_are_read_in_bounded_time(text: str) -> None:
    started = time.process_time()
    claims(text)
    assert time.process_time() - started < 5


def test_only_the_beginning_of_a_huge_file_is_read() -> None:
    assert claims("x" * MAX_CHARACTERS + "\n1. PASS") == [None, None, None]
