"""A whole small notes program; the cases of the probes spoil one thing each."""

import argparse
import contextlib
import fcntl
import json
import os
import sys
from pathlib import Path


class NotesError(Exception):
    """One line for the user."""


@contextlib.contextmanager
def changing(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        content = read(path)
        yield content
        write(path, content)


def read(path):
    if not path.exists():
        return {"next": 1, "notes": []}
    try:
        content = json.loads(path.read_text("utf-8"))
        return {"next": content["next"], "notes": list(content["notes"])}
    except (ValueError, TypeError, KeyError):
        raise NotesError(f"{path} is damaged") from None


def write(path, content):
    new = Path(f"{path}.{os.getpid()}")
    new.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    new.replace(path)


def find(content, wanted):
    for note in content["notes"]:
        if note["id"] == wanted:
            return note
    raise NotesError(f"no note {wanted}")


def show(notes):
    for note in notes:
        print(note["id"], note["text"], note["tag"] or "")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="notes")
    parser.add_argument("--file", type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add")
    add.add_argument("text")
    add.add_argument("--tag")
    listing = commands.add_parser("list")
    listing.add_argument("--tag")
    listing.add_argument("--json", action="store_true")
    commands.add_parser("search").add_argument("word")
    commands.add_parser("done").add_argument("id", type=int)
    commands.add_parser("delete").add_argument("id", type=int)
    commands.add_parser("export").add_argument("target", type=Path)
    return parser.parse_args(arguments)


def place(options):
    if options.file or os.environ.get("NOTES_FILE"):
        return options.file or Path(os.environ["NOTES_FILE"])
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share", "notes/notes.json")


def carry_out(options, path):
    if options.command == "add":
        if not options.text.strip():
            raise NotesError("empty note")
        with changing(path) as content:
            content["notes"].append(
                {"id": content["next"], "text": options.text, "tag": options.tag, "done": False}
            )
            content["next"] += 1
    elif options.command == "done":
        with changing(path) as content:
            find(content, options.id)["done"] = True
    elif options.command == "delete":
        with changing(path) as content:
            content["notes"].remove(find(content, options.id))
    elif options.command == "export":
        options.target.write_text(json.dumps(read(path)["notes"]), "utf-8")
    elif options.command == "search":
        show(n for n in read(path)["notes"] if options.word.casefold() in n["text"].casefold())
    else:
        notes = [n for n in read(path)["notes"] if options.tag in (None, n["tag"])]
        print(json.dumps(notes)) if options.json else show(notes)


def main(arguments=None):
    options = parse(arguments)
    try:
        carry_out(options, place(options))
    except (NotesError, OSError) as error:
        print(f"notes: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
