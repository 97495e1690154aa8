"""The file that notes are kept in: read whole, replaced whole, changed by one process at a time."""

import fcntl
import json
import os
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path


class NotesError(Exception):
    """Something the user should be told in one line."""


@dataclass
class Note:
    """One note."""

    id: int
    text: str
    tag: str | None = None
    done: bool = False


@dataclass
class Content:
    """What the file holds. Ids are not used twice, so the next one is kept too."""

    notes: list[Note] = field(default_factory=list)
    next_id: int = 1


class Store:
    """The notes in one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def notes(self) -> list[Note]:
        """All notes, in the order they were added."""
        return self._read().notes

    def add(self, text: str, tag: str | None = None) -> Note:
        """Keep a new note."""
        if not text.strip():
            raise NotesError("a note needs a text")
        with self._changing() as content:
            note = Note(content.next_id, text, tag)
            content.notes.append(note)
            content.next_id += 1
        return note

    def complete(self, note_id: int) -> None:
        """Mark a note as done."""
        with self._changing() as content:
            _find(content.notes, note_id).done = True

    def delete(self, note_id: int) -> None:
        """Remove a note."""
        with self._changing() as content:
            content.notes.remove(_find(content.notes, note_id))

    @contextmanager
    def _changing(self):
        """The content to change; written when the block ends well. Others wait that long."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = open(f"{self.path}.lock", "w")
        except OSError as error:
            raise NotesError(f"cannot write {self.path}: {error.strerror}") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            content = self._read()
            yield content
            write_json(self.path, asdict(content))

    def _read(self) -> Content:
        try:
            content = json.loads(self.path.read_text("utf-8"))
            notes = [Note(**fields) for fields in content["notes"]]
            return Content(notes, next_id=len(notes) + 1)
        except FileNotFoundError:
            return Content()
        except OSError as error:
            raise NotesError(f"cannot read {self.path}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise NotesError(f"{self.path} is damaged and was left as it is") from error


def write_json(path: Path, content: object) -> None:
    """Replace a file at once: whoever reads it sees the old content or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise NotesError(f"cannot write {path}: {error.strerror}") from error


def _find(notes: list[Note], note_id: int) -> Note:
    for note in notes:
        if note.id == note_id:
            return note
    raise NotesError(f"there is no note {note_id}")
