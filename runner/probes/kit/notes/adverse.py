"""What goes wrong around a notes program, and how it should bear it."""

from __future__ import annotations

from runner.probes.kit.notes.commands import notes, shell, shows
from runner.probes.kit.python.container import LAB
from runner.probes.kit.python.terminal import Fault, Scenario, Session

SIDE_BY_SIDE = 6
# Each waits a little before it writes, so that who does not lock is certain to lose a note.
_SLOWLY = f"mkdir {{here}}/slow && cp {LAB}/slow_writes.py {{here}}/slow/sitecustomize.py"
_MANY = (
    f"export PYTHONPATH={{here}}/slow; for n in $(seq {SIDE_BY_SIDE}); do"
    " python3 -m notes add parallel-$n. & done; wait"
)


def _refuses_nonsense(did: Session) -> str:
    did[0].refused(2)
    did[1].refused()
    did[2].refused()
    return "an unknown command ends with exit code 2; no id and no text are refused too"


def _corrupted_file(did: Session) -> str:
    did[1].refused()
    did[2].refused()
    if did[3].out != "{broken":
        raise Fault("the damaged file was written over")
    did[5].refused()
    return "a damaged file is reported and left as it is"


def _missing_folder(did: Session) -> str:
    did[0].ok()
    if did[1].code != 0:
        raise Fault(f"after `{did[0].command}` there is no NOTES_FILE")
    return "missing folders are made"


def _unwritable_file(did: Session) -> str:
    did[0].refused()
    return "a file that cannot be written is reported"


def _concurrent_adds(did: Session) -> str:
    shown = did[2].ok()
    missing = [n for n in range(1, SIDE_BY_SIDE + 1) if f"parallel-{n}." not in shown]
    if missing:
        raise Fault(f"of {SIDE_BY_SIDE} notes added at the same time {len(missing)} are lost")
    return f"{SIDE_BY_SIDE} notes added at the same time are all kept"


def _atomic_writes(did: Session) -> str:
    did[0].ok()
    did[2].ok()
    if did[1].code != 0:
        raise Fault("NOTES_FILE is not where the notes are kept")
    if "Second note" in did[3].out:
        raise Fault("the file is written over in place; whoever is interrupted then loses all notes")
    shows(did[3], "First note")
    if len(files := did[4].out.split()) > 3:  # the notes, our second name for them, perhaps a lock
        raise Fault(f"something is left behind beside the notes: {' '.join(files)[:200]}")
    return "a change replaces the file at once and leaves nothing behind"


ADVERSE = (
    Scenario(
        "does much at once",
        (shell(_SLOWLY), shell(_MANY), notes("list")),
        {"concurrent_adds": _concurrent_adds},
    ),
    Scenario(
        "types nonsense",
        (notes("frobnicate"), notes("done", "first"), notes("add", "")),
        {"refuses_nonsense": _refuses_nonsense},
    ),
    Scenario(
        "has a damaged file",
        (
            shell("printf '{broken' > \"$NOTES_FILE\""),
            notes("list"),
            notes("add", "Buy milk"),
            shell('cat "$NOTES_FILE"'),
            shell("echo 42 > {here}/odd.json"),
            notes("list", NOTES_FILE="{here}/odd.json"),
        ),
        {"corrupted_file": _corrupted_file},
    ),
    Scenario(
        "starts in a new place",
        (
            notes("add", "Buy milk", NOTES_FILE="{here}/a/b/notes.json"),
            shell("test -s {here}/a/b/notes.json"),
        ),
        {"missing_folder": _missing_folder},
    ),
    Scenario(
        "may not write",
        (notes("add", "Buy milk", NOTES_FILE="/proc/notes.json"),),
        {"unwritable_file": _unwritable_file},
    ),
    Scenario(
        "keeps an eye on the file",
        (
            notes("add", "First note"),
            shell('ln "$NOTES_FILE" {here}/before'),
            notes("add", "Second note"),
            shell("cat {here}/before"),
            shell("ls -A {here}"),
        ),
        {"atomic_writes": _atomic_writes},
    ),
)
