"""What goes wrong around a notes program, and how it should bear it."""

from __future__ import annotations

from runner.probes.kit.notes.commands import notes, shell, shows
from runner.probes.kit.python.terminal import Did, Fault, Scenario

SIDE_BY_SIDE = 8
_MANY = f"for n in $(seq {SIDE_BY_SIDE}); do python3 -m notes add parallel-$n. & done; wait"
_ODD = {"NOTES_FILE": "{here}/odd.json"}
_ELSEWHERE = {"NOTES_FILE": "{here}/a/b/notes.json"}


def _unknown_id(did: list[Did]) -> str:
    did[0].ok()
    did[1].refused(1)
    did[2].refused(1)
    shows(did[3], only=("Buy milk",))
    return "an unknown id is refused with exit code 1, and nothing changes"


def _refuses_nonsense(did: list[Did]) -> str:
    did[0].refused(2)
    did[1].refused(2)
    did[2].refused()
    did[3].refused()
    return "wrong usage ends with exit code 2, and an empty note is refused"


def _corrupted_file(did: list[Did]) -> str:
    did[1].refused()
    did[2].refused()
    if did[3].out != "{broken":
        raise Fault("the damaged file was written over")
    did[5].refused()
    return "a damaged file is named and left as it is"


def _missing_folder(did: list[Did]) -> str:
    did[0].ok()
    shows(did[1], only=("Buy milk",))
    return "missing folders are made"


def _unwritable_file(did: list[Did]) -> str:
    did[0].refused()
    return "a file that cannot be written is said to be so"


def _concurrent_adds(did: list[Did]) -> str:
    texts = [f"parallel-{n}." for n in range(1, SIDE_BY_SIDE + 1)]
    missing = [text for text in texts if text not in did[1].ok()]
    if missing:
        raise Fault(f"of {len(texts)} notes added at the same time {len(missing)} are lost")
    return f"{len(texts)} notes added at the same time are all kept"


def _atomic_writes(did: list[Did]) -> str:
    for step in (did[0], did[2]):
        step.ok()
    if did[1].code != 0:
        raise Fault("NOTES_FILE is not where the notes are kept")
    if "Second note" in did[3].out:
        raise Fault("the file is written over in place; whoever is interrupted then loses all notes")
    if len(files := did[4].out.split()) > 3:  # the notes, our second name for them, perhaps a lock
        raise Fault(f"something is left behind beside the notes: {' '.join(files)[:200]}")
    return "a change replaces the file at once and leaves nothing behind"


ADVERSE = {
    "unknown_id": Scenario(
        (notes("add", "Buy milk"), notes("done", "99"), notes("delete", "99"), notes("list")),
        _unknown_id,
    ),
    "refuses_nonsense": Scenario(
        (notes(), notes("frobnicate"), notes("done", "first"), notes("add", "")), _refuses_nonsense
    ),
    "corrupted_file": Scenario(
        (
            shell("printf '{broken' > \"$NOTES_FILE\""),
            notes("list"),
            notes("add", "Buy milk"),
            shell('cat "$NOTES_FILE"'),
            shell("echo 42 > {here}/odd.json"),
            notes("list", **_ODD),
        ),
        _corrupted_file,
    ),
    "missing_folder": Scenario(
        (notes("add", "Buy milk", **_ELSEWHERE), notes("list", **_ELSEWHERE)), _missing_folder
    ),
    "unwritable_file": Scenario((notes("add", "Buy milk", NOTES_FILE="/proc/notes.json"),), _unwritable_file),
    "concurrent_adds": Scenario((shell(_MANY), notes("list")), _concurrent_adds),
    "atomic_writes": Scenario(
        (
            notes("add", "First note"),
            shell('ln "$NOTES_FILE" {here}/before'),
            notes("add", "Second note"),
            shell("cat {here}/before"),
            shell("ls -A {here}"),
        ),
        _atomic_writes,
    ),
}
