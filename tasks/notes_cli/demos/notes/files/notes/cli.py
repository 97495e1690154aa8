"""The command line."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from notes.store import Note, NotesError, Store, write_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    try:
        options.command(Store(options.file or default_file(os.environ)), options)
    except NotesError as error:
        print(f"notes: {error}", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="notes", description="Keeps notes in one JSON file.")
    parser.add_argument("--file", type=Path, metavar="PATH", help="where the notes are kept")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add = commands.add_parser("add", help="keep a new note")
    add.add_argument("text", metavar="TEXT")
    add.add_argument("--tag")
    add.set_defaults(command=add_note)

    listing = commands.add_parser("list", help="show notes")
    listing.add_argument("--tag", help="only those with this tag")
    listing.add_argument("--json", action="store_true", help="as a JSON array")
    listing.set_defaults(command=list_notes)

    search = commands.add_parser("search", help="show notes with a word in their text")
    search.add_argument("word", metavar="WORD")
    search.set_defaults(command=search_notes)

    for name, command, text in (
        ("done", complete_note, "mark a note as done"),
        ("delete", delete_note, "remove a note"),
    ):
        by_id = commands.add_parser(name, help=text)
        by_id.add_argument("id", type=int, metavar="ID")
        by_id.set_defaults(command=command)

    export = commands.add_parser("export", help="write all notes to a file, as JSON")
    export.add_argument("target", type=Path, metavar="FILE")
    export.set_defaults(command=export_notes)
    return parser


def default_file(environ: Mapping[str, str]) -> Path:
    """NOTES_FILE, or a file in the user's data folder."""
    if named := environ.get("NOTES_FILE"):
        return Path(named)
    data = environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "notes" / "notes.json"


def add_note(store: Store, options: argparse.Namespace) -> None:
    """`add`"""
    show([store.add(options.text, options.tag)])


def list_notes(store: Store, options: argparse.Namespace) -> None:
    """`list`"""
    notes = [note for note in store.notes() if options.tag in (None, note.tag)]
    if options.json:
        print(json.dumps([asdict(note) for note in notes], ensure_ascii=False, indent=2))
    else:
        show(notes)


def search_notes(store: Store, options: argparse.Namespace) -> None:
    """`search`"""
    word = options.word.casefold()
    show(note for note in store.notes() if word in note.text.casefold())


def complete_note(store: Store, options: argparse.Namespace) -> None:
    """`done`"""
    store.complete(options.id)


def delete_note(store: Store, options: argparse.Namespace) -> None:
    """`delete`"""
    store.delete(options.id)


def export_notes(store: Store, options: argparse.Namespace) -> None:
    """`export`"""
    write_json(options.target, [asdict(note) for note in store.notes()])


def show(notes: Iterable[Note]) -> None:
    """One line a note: id, whether it is done, text, tag."""
    for note in notes:
        tag = f"  #{note.tag}" if note.tag else ""
        print(f"{note.id:>4} {'x' if note.done else '-'} {note.text}{tag}")
