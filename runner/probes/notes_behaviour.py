"""Whether a notes program on the command line does what a user asks of it, also when something is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.probes.kit.notes.adverse import ADVERSE
from runner.probes.kit.notes.everyday import EVERYDAY
from runner.probes.kit.python.container import open_container
from runner.probes.kit.python.terminal import play
from runner.probes.kit.verdicts import Verdict, bad

LIMIT_S = 20.0
BUDGET_S = 120.0
SCENARIOS = (*ADVERSE, *EVERYDAY)  # the one that waits longest comes first


class NotesBehaviour:
    """Plays every scenario in one fresh container; `limit_s` is for one command."""

    id = "notes_behaviour"
    version = 1
    needs_lab = True
    checks: Mapping[str, str] = {
        "notes_behaviour.help": "--help names every command",
        "notes_behaviour.adds": "added notes are listed by a later process, with ids that count from 1",
        "notes_behaviour.json": "list --json prints an array of notes with id, text, tag and done",
        "notes_behaviour.tags": "list --tag shows just the notes with that tag",
        "notes_behaviour.searches": "search finds a word, whatever its case",
        "notes_behaviour.completes": "done marks just that note",
        "notes_behaviour.deletes": "delete removes just that note",
        "notes_behaviour.ids_never_reused": "the id of a deleted note is never given to another",
        "notes_behaviour.exports": "export writes the array that list --json prints",
        "notes_behaviour.file_option": "--file chooses the file, against NOTES_FILE",
        "notes_behaviour.default_place": "without NOTES_FILE, notes are kept in the XDG data folder",
        "notes_behaviour.unicode": "texts and tags may be in any script",
        "notes_behaviour.unknown_id": "an unknown id is refused with exit code 1 and a message",
        "notes_behaviour.refuses_nonsense": "wrong usage and empty notes are refused, without a traceback",
        "notes_behaviour.corrupted_file": "a damaged file is reported and not written over",
        "notes_behaviour.missing_folder": "missing folders of the file are made",
        "notes_behaviour.unwritable_file": "a file that cannot be written is reported without a traceback",
        "notes_behaviour.concurrent_adds": "no note is lost when several processes add at once",
        "notes_behaviour.atomic_writes": "the file is replaced as a whole, never written over in place",
    }

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self.limit_s = limit_s

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check."""
        verdicts = await self._judge(subject)
        return [verdicts[check.partition(".")[2]].of(check) for check in self.checks]

    async def _judge(self, subject: Subject) -> dict[str, Verdict]:
        if not any(path == "notes.py" or path.startswith("notes/") for path in subject.tree):
            names = (check.partition(".")[2] for check in self.checks)
            return dict.fromkeys(names, bad("there is no notes package, so there is nothing to use"))
        async with open_container(subject) as sandbox:
            return await play(sandbox, SCENARIOS, self.limit_s, BUDGET_S)


PROBE = NotesBehaviour()
