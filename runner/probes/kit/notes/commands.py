"""Calls of the notes program, and how its listings are read."""

from __future__ import annotations

from typing import Any

from runner.probes.kit.python.terminal import Did, Fault, Step, json_of

FILE = "{here}/notes.json"
_FIELDS: dict[str, tuple[tuple[type, ...], str]] = {
    "id": ((int,), "a whole number"),
    "text": ((str,), "a text"),
    "tag": ((str, type(None)), "a text or null"),
    "done": ((bool,), "true or false"),
}


def notes(*words: str, **env: str | None) -> Step:
    """The program with these arguments, as a rule on its scenario's own file."""
    return Step(("python3", "-m", "notes", *words), {"NOTES_FILE": FILE, **env})


def shell(script: str) -> Step:
    """Something else that the user does beside it."""
    return Step(("sh", "-c", script), {"NOTES_FILE": FILE})


def shows(did: Did, *texts: str, hidden: str | None = None) -> None:
    """Raises Fault unless an output has these texts, and not the hidden one."""
    output = did.ok()
    for text in texts:
        if text not in output:
            raise Fault(f"`{did.command}` does not show {text!r}, but: {did.said}")
    if hidden is not None and hidden in output:
        raise Fault(f"`{did.command}` shows {hidden!r}, which does not belong there")


def records(did: Did) -> list[dict[str, Any]]:
    """The notes that `list --json` printed, each with the agreed fields."""
    found = json_of(did)
    if not isinstance(found, list) or not all(isinstance(note, dict) for note in found):
        raise Fault(f"`{did.command}` does not print an array of objects")
    for note in found:
        for name, (kind, words) in _FIELDS.items():
            if name not in note or not isinstance(note[name], kind):
                raise Fault(f"`{did.command}`: {name} should be {words}, but a note is {str(note)[:200]}")
    return found
