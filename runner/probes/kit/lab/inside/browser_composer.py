"""Which field a person would type a message into, and which button sends it: pure, from what a page says.

Part of the browser driver, which runs inside the helper sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .page import UNWANTED, WANTED

SEND = re.compile(r"send|submit|\bask\b|\bgo\b|post|reply|➤|➔|→|↑|⏎|arrow|plane|enviar|senden|envoyer", re.I)
OTHER = re.compile(
    r"new|clear|reset|delete|remove|cancel|stop|attach|upload|file|voice|micro|search|settings|menu|close|copy|"
    r"sign|log ?out|theme|export|regenerate",
    re.I,
)
ENTRANCE = re.compile(r"\b(new|start|begin|chat|conversations?|messages?|talk)\b", re.I)
SETTING = re.compile(r"system|instruction|persona|comment")
EXIT = re.compile(r"delete|remove|clear|sign|log ?out|download|export", re.I)

Facts = dict[str, Any]


def best_field(fields: Sequence[Facts]) -> int | None:
    """The place of the composer among the fields of a page; None if no field is one."""
    rated = [(_fitness(facts), facts["bottom"], -facts["place"]) for facts in fields if facts["visible"]]
    best = max(rated, default=None)
    return -best[2] if best and best[0] > 0 else None


def _fitness(facts: Facts) -> int:
    """By its role and label, then by its hints and its shape."""
    label, hints = facts["label"].lower(), facts["hints"].lower()
    if "search" in facts["form"].lower():
        return 0
    points = {"textarea": 4, "editable": 3}.get(facts["kind"], 2)
    points += 4 * bool(WANTED.search(label)) + 2 * bool(WANTED.search(hints))
    points -= 8 * bool(UNWANTED.search(label) or SETTING.search(label)) + 2 * bool(UNWANTED.search(hints))
    return int(points + (facts["method"] == "post") + (facts["width"] > 300))


def best_button(buttons: Sequence[Facts]) -> int | None:
    """The place of the button that sends what stands in the composer; None if there is none."""
    rated = [
        (_readiness(facts), -facts["distance"], -facts["place"]) for facts in buttons if facts["visible"]
    ]
    best = max(rated, default=None)
    return -best[2] if best and best[0] > 0 else None


def _readiness(facts: Facts) -> int:
    label, hints = facts["label"], facts["hints"]
    points = 1 + 3 * bool(facts["submits"]) + 4 * bool(SEND.search(label)) + bool(SEND.search(hints))
    return points - 6 * bool(OTHER.search(label))


def is_entrance(label: str) -> bool:
    """Whether a link or button says that the chat is behind it."""
    return bool(ENTRANCE.search(label)) and not EXIT.search(label)
