"""What a user does every day: each scenario, and what should come of it."""

from __future__ import annotations

import re

from runner.probes.kit.notes.commands import notes, records, shell, shows
from runner.probes.kit.python.terminal import Fault, Scenario, Session, json_of

COMMANDS = ("add", "list", "search", "done", "delete", "export")
_UNICODE = "Grüße nach 東京 🚀"


def _help(did: Session) -> str:
    output = did[0].ok()
    if missing := [c for c in COMMANDS if not re.search(rf"\b{c}\b", output)]:
        raise Fault(f"--help does not name {', '.join(missing)}")
    return "--help names every command"


def _adds(did: Session) -> str:
    did[1].ok()
    did[2].ok()
    shows(did[3], "Buy MILK", "Call Ada")
    if _ids(did[3].out, "Buy MILK", "Call Ada") != [1, 2]:
        raise Fault(f"the list does not show the ids 1 and 2 before their texts: {did[3].said}")
    return "two notes added by two processes are listed by a third, with their ids"


def _ids(output: str, *texts: str) -> list[int]:
    """The first number of each line that has one of the texts behind it, in the order of the lines."""
    found = []
    for line in output.splitlines():
        start = next((line.index(text) for text in texts if text in line), 0)
        number = re.search(r"\d{1,9}", line[:start])
        found += [int(number[0])] if number else []
    return found


def _json(did: Session) -> str:
    if records(did[0]):
        raise Fault("without notes, `notes list --json` does not print []")
    found = [(note["id"], note["text"], note["tag"], note["done"]) for note in records(did[4])]
    if found != [(1, "Buy MILK", "home", False), (2, "Call Ada", None, False)]:
        raise Fault(f"`{did[4].command}` prints other notes than were added: {did[4].said}")
    return "list --json prints every note with id, text, tag and done"


def _tags(did: Session) -> str:
    shows(did[5], "Buy MILK", hidden="Call Ada")
    return "list --tag shows the note with that tag and not the other"


def _searches(did: Session) -> str:
    shows(did[6], "Buy MILK", hidden="Call Ada")
    return "search finds a word in any case, and nothing else"


def _completes(did: Session) -> str:
    did[2].ok()
    found = {note["text"]: note["done"] for note in records(did[3])}
    if found != {"Buy milk": False, "Call Ada": True}:
        raise Fault(f"after `{did[2].command}` the notes are done as in {found}")
    return "done marks that note and no other"


def _deletes(did: Session) -> str:
    did[4].ok()
    shows(did[8], "Buy milk", hidden="Call Ada")
    return "delete removes that note and no other"


def _unknown_id(did: Session) -> str:
    did[5].refused(1)
    did[6].refused(1)
    shows(did[8], "Buy milk")
    return "an unknown id is refused with exit code 1, and the notes stay"


def _ids_never_reused(did: Session) -> str:
    did[4].ok()
    did[7].ok()
    found = {note["text"]: note["id"] for note in records(did[8])}
    if found.get("Write report") != 3:
        raise Fault(f"after the last of two notes was deleted, the next one got an id as in {found}")
    return "the id of a deleted note is not given away again"


def _exports(did: Session) -> str:
    did[9].ok()
    if json_of(did[10]) != records(did[8]):
        raise Fault("the exported file does not hold the array that `list --json` prints")
    did[11].refused()
    return "export writes what list --json prints, and says so when it cannot"


def _file_option(did: Session) -> str:
    did[0].ok()
    shows(did[1], "Elsewhere")
    shows(did[2], hidden="Elsewhere")
    return "--file chooses another file than NOTES_FILE"


def _default_place(did: Session) -> str:
    did[0].ok()
    if not did[1].out.strip():
        raise Fault("without NOTES_FILE, nothing is kept below XDG_DATA_HOME")
    return "without NOTES_FILE, notes are kept below XDG_DATA_HOME"


def _unicode(did: Session) -> str:
    did[0].ok()
    shows(did[1], _UNICODE)
    shows(did[2], _UNICODE)
    return "texts and tags in any script come back as they were"


EVERYDAY = (
    Scenario("asks for help", (notes("--help"),), {"help": _help}),
    Scenario(
        "reads",
        (
            notes("list", "--json"),
            notes("add", "Buy MILK", "--tag", "home"),
            notes("add", "Call Ada"),
            notes("list"),
            notes("list", "--json"),
            notes("list", "--tag", "home"),
            notes("search", "milk"),
        ),
        {"adds": _adds, "json": _json, "tags": _tags, "searches": _searches},
    ),
    Scenario(
        "changes",
        (
            notes("add", "Buy milk", "--tag", "home"),
            notes("add", "Call Ada"),
            notes("done", "2"),
            notes("list", "--json"),
            notes("delete", "2"),
            notes("done", "99"),
            notes("delete", "99"),
            notes("add", "Write report"),
            notes("list", "--json"),
            notes("export", "{here}/out.json"),
            shell("cat {here}/out.json"),
            notes("export", "/proc/out.json"),
        ),
        {
            "completes": _completes,
            "deletes": _deletes,
            "unknown_id": _unknown_id,
            "ids_never_reused": _ids_never_reused,
            "exports": _exports,
        },
    ),
    Scenario(
        "names a file",
        (
            notes("--file", "{here}/other.json", "add", "Elsewhere"),
            notes("--file", "{here}/other.json", "list"),
            notes("list"),
        ),
        {"file_option": _file_option},
    ),
    Scenario(
        "names no file",
        (
            notes("add", "Buy milk", NOTES_FILE=None, XDG_DATA_HOME="{here}/data"),
            shell("grep -rl 'Buy milk' {here}/data"),
        ),
        {"default_place": _default_place},
    ),
    Scenario(
        "writes in other scripts",
        (
            notes("add", _UNICODE, "--tag", "café"),
            notes("list", "--tag", "café"),
            notes("search", "東京"),
        ),
        {"unicode": _unicode},
    ),
)
