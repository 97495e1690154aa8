"""What a user does every day: each scenario, and what should come of it."""

from __future__ import annotations

import re

from runner.probes.kit.notes.commands import ADD_TWO, notes, records, shell, shows
from runner.probes.kit.python.terminal import Did, Fault, Scenario

COMMANDS = ("add", "list", "search", "done", "delete", "export")
_UNICODE = "Grüße nach 東京 🚀"
_DEFAULT = {"NOTES_FILE": None, "XDG_DATA_HOME": "{here}/data"}


def _help(did: list[Did]) -> str:
    output = did[0].ok()
    if missing := [c for c in COMMANDS if not re.search(rf"\b{c}\b", output)]:
        raise Fault(f"--help does not name {', '.join(missing)}")
    return "--help names every command"


def _adds(did: list[Did]) -> str:
    did[0].ok()
    did[1].ok()
    shows(did[2], only=("Buy milk", "Call Ada"))
    if not re.search(r"^\D*1\b.*Buy milk.*\n(?:.*\n)*?\D*2\b.*Call Ada", did[2].out, re.MULTILINE):
        raise Fault(
            f"the list does not show the ids 1 and 2 before their texts: {did[2].out.strip()[:200]!r}"
        )
    return "two notes added by two processes are listed by a third, with their ids"


def _json(did: list[Did]) -> str:
    if records(did[0]):
        raise Fault("without notes, `notes list --json` does not print []")
    did[1].ok()
    did[2].ok()
    found = [(note["id"], note["text"], note["tag"], note["done"]) for note in records(did[3])]
    if found != [(1, "Buy milk", "home", False), (2, "Call Ada", None, False)]:
        raise Fault(f"`{did[3].command}` prints other notes than were added: {str(found)[:200]}")
    return "list --json prints every note with id, text, tag and done"


def _tags(did: list[Did]) -> str:
    for step in did[:3]:
        step.ok()
    shows(did[3], only=("Write report",), hidden=("Buy milk", "Call Ada"))
    shows(did[4], only=(), hidden=("Write report", "Buy milk", "Call Ada"))
    return "list --tag shows the notes with that tag and no others"


def _searches(did: list[Did]) -> str:
    for step in did[:2]:
        step.ok()
    shows(did[2], only=("Buy MILK",), hidden=("Call Ada",))
    shows(did[3], only=(), hidden=("Buy MILK", "Call Ada"))
    return "search finds a word in any case, and nothing else"


def _completes(did: list[Did]) -> str:
    for step in did[:3]:
        step.ok()
    found = {note["text"]: note["done"] for note in records(did[3])}
    if found != {"Buy milk": False, "Call Ada": True}:
        raise Fault(f"after `{did[2].command}` the notes are done as in {found}")
    return "done marks that note and no other"


def _deletes(did: list[Did]) -> str:
    for step in did[:3]:
        step.ok()
    shows(did[3], only=("Call Ada",), hidden=("Buy milk",))
    return "delete removes that note and no other"


def _ids_never_reused(did: list[Did]) -> str:
    for step in did[:4]:
        step.ok()
    found = {note["text"]: note["id"] for note in records(did[4])}
    if found != {"Buy milk": 1, "Write report": 3}:
        raise Fault(f"after the last of two notes was deleted, the next one got an id as in {found}")
    return "the id of a deleted note is not given away again"


def _exports(did: list[Did]) -> str:
    for step in did[:3]:
        step.ok()
    listed, exported = records(did[4]), records(did[5])
    did[3].ok()
    if exported != listed:
        raise Fault("the exported file does not hold the array that `list --json` prints")
    did[6].refused()
    return "export writes what list --json prints, and says so when it cannot"


def _file_option(did: list[Did]) -> str:
    for step in did[:2]:
        step.ok()
    shows(did[2], only=("Elsewhere",), hidden=("At home",))
    shows(did[3], only=("At home",), hidden=("Elsewhere",))
    return "--file chooses another file than NOTES_FILE"


def _default_place(did: list[Did]) -> str:
    did[0].ok()
    shows(did[1], only=("Buy milk",))
    if not did[2].out.strip():
        raise Fault("without NOTES_FILE, nothing is kept below XDG_DATA_HOME")
    return "without NOTES_FILE, notes are kept below XDG_DATA_HOME"


def _unicode(did: list[Did]) -> str:
    did[0].ok()
    shows(did[1], only=(_UNICODE,))
    shows(did[2], only=(_UNICODE,))
    return "texts and tags in any script come back as they were"


EVERYDAY = {
    "help": Scenario((notes("--help"),), _help),
    "adds": Scenario((*ADD_TWO, notes("list")), _adds),
    "json": Scenario(
        (
            notes("list", "--json"),
            notes("add", "Buy milk", "--tag", "home"),
            notes("add", "Call Ada"),
            notes("list", "--json"),
        ),
        _json,
    ),
    "tags": Scenario(
        (
            notes("add", "Write report", "--tag", "work"),
            notes("add", "Buy milk", "--tag", "home"),
            notes("add", "Call Ada"),
            notes("list", "--tag", "work"),
            notes("list", "--tag", "garden"),
        ),
        _tags,
    ),
    "searches": Scenario(
        (
            notes("add", "Buy MILK"),
            notes("add", "Call Ada"),
            notes("search", "milk"),
            notes("search", "zebra"),
        ),
        _searches,
    ),
    "completes": Scenario((*ADD_TWO, notes("done", "2"), notes("list", "--json")), _completes),
    "deletes": Scenario((*ADD_TWO, notes("delete", "1"), notes("list")), _deletes),
    "ids_never_reused": Scenario(
        (*ADD_TWO, notes("delete", "2"), notes("add", "Write report"), notes("list", "--json")),
        _ids_never_reused,
    ),
    "exports": Scenario(
        (
            notes("add", "Buy milk", "--tag", "home"),
            notes("add", "Call Ada"),
            notes("done", "1"),
            notes("export", "{here}/out.json"),
            notes("list", "--json"),
            shell("cat {here}/out.json"),
            notes("export", "{here}/missing/out.json"),
        ),
        _exports,
    ),
    "file_option": Scenario(
        (
            notes("add", "At home"),
            notes("--file", "{here}/other.json", "add", "Elsewhere"),
            notes("--file", "{here}/other.json", "list"),
            notes("list"),
        ),
        _file_option,
    ),
    "default_place": Scenario(
        (
            notes("add", "Buy milk", **_DEFAULT),
            notes("list", **_DEFAULT),
            shell("find {here}/data -type f"),
        ),
        _default_place,
    ),
    "unicode": Scenario(
        (
            notes("add", _UNICODE, "--tag", "café"),
            notes("list", "--tag", "café"),
            notes("search", "東京"),
        ),
        _unicode,
    ),
}
