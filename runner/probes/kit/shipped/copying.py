"""COPY and ADD: files of the context or of an earlier stage, laid into a container by its own tar."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from runner.core.protocols import Workpiece
from runner.core.tree import SourceFile
from runner.probes.kit.files.dockerfile import Instruction, expanded, filled
from runner.probes.kit.shipped.context import Context
from runner.probes.kit.shipped.recipe import Words, listed, words_of
from runner.probes.kit.shipped.state import State

COPIED_BYTES = 300_000_000
_COPY_S = 120.0
# Prints what is at each path that the pattern fits: the content of a folder, or the file itself.
_PACK = """IFS=; code=0
for path in $0; do
  if [ -d "$path" ]; then tar -c -C "$path" . && code=9 || exit 1
  elif [ -e "$path" ]; then tar -c -h -C "${path%/*}/" "${path##*/}" || exit 1
  else exit 3; fi
done; exit $code"""
_FOLDER = 9
# Folders that are there already stay as they are. $1 is the name of an only file, which may be renamed.
_UNPACK = """t=$(mktemp -d) && chmod 755 "$t" && tar -x -i -f - -C "$t" || exit 1
if [ -n "$2" ]; then chown -R -h "$2" "$t" || exit 1; fi
if [ -n "$3" ]; then chmod -R "$3" "$t" || exit 1; fi
if [ -n "$1" ] && [ ! -d "$0" ]; then
  mkdir -p "${0%/*}/" && mv -f -T "$t/$1" "$0"
else
  if [ ! -d "$0" ]; then mkdir -p "$0" && { [ -z "$2" ] || chown "$2" "$0"; } fi &&
  tar -c -C "$t" . | tar -x -C "$0" --no-overwrite-dir --keep-directory-symlink
fi && rm -rf "$t" """


class Uncopied(Exception):
    """What was to be copied is not there, or cannot be. `is_fault`: the repository lacks it."""

    def __init__(self, reason: str, is_fault: bool = False) -> None:
        super().__init__(reason)
        self.is_fault = is_fault


@dataclass(frozen=True)
class Copy:
    """One COPY or ADD with its variables put in. `place` is absolute; `into`: it is a folder."""

    sources: tuple[str, ...]
    place: str
    into: bool
    owner: str
    mode: str
    without: tuple[str, ...]


def copy_of(step: Instruction, state: State) -> Copy:
    """Raises Uncopied if it names no destination."""
    words = words_of(step)
    names = [filled(name, state.known) for name in listed(words.rest) or words.rest.split()]
    if len(names) < 2:
        raise Uncopied("needs a source and a destination", is_fault=True)
    *sources, destination = names
    return Copy(
        sources=tuple(sources),
        place=posixpath.normpath(posixpath.join(state.folder, destination)),
        into=destination.endswith("/") or destination in (".", "..") or len(sources) > 1,
        owner=filled(words.flag("chown"), state.known),
        mode=words.flag("chmod"),
        without=_all_of(words, "exclude"),
    )


def from_context(copy: Copy, step: Instruction, context: Context, state: State) -> dict[str, SourceFile]:
    """Files by their path below the destination. Raises Uncopied, and TooMuch of the context."""
    documents = {f"<<{d.name}": d for d in step.documents}
    chosen: dict[str, SourceFile] = {}
    for source in copy.sources:
        if (document := documents.get(_plain(source))) is not None:
            text = f"{document.body}\n"
            if document.is_filled:
                text = expanded(text, state.known)
            chosen[document.name] = SourceFile(document.name, 0o100644, text.encode("utf-8", "replace"))
            continue
        found = context.chosen(source, copy.without)
        if found is None:
            raise Uncopied(f"copies {source[:100]}, which is not in the context", is_fault=True)
        chosen |= found
    return chosen


async def put(piece: Workpiece, copy: Copy, data: bytes, alone: str) -> None:
    """Lay a tar into the container. `alone` is the name of its only file. Raises Uncopied."""
    name = "" if copy.into or copy.place == "/" else alone
    result = await piece.exec(
        ["sh", "-c", _UNPACK, copy.place, name, copy.owner, copy.mode], stdin=data, timeout_s=_COPY_S
    )
    if not result.ok:
        raise Uncopied(f"files could not be copied: {result.stderr[-200:].decode('utf-8', 'replace')}")


async def packed(piece: Workpiece, source: str) -> tuple[bytes, str]:
    """A tar of what an earlier stage has at a path or a pattern, and its only file's name.

    Raises Uncopied.
    """
    path = posixpath.normpath(posixpath.join("/", source))
    result = await piece.exec(["sh", "-c", _PACK, path], keep_bytes=COPIED_BYTES, timeout_s=_COPY_S)
    if result.truncated:
        raise Uncopied(f"copies more than {COPIED_BYTES // 10**6} MB")
    if result.exit_code not in (0, _FOLDER):
        raise Uncopied(f"copies {source[:100]}, which its stage does not have")
    is_alone = result.ok and not any(sign in path for sign in "*?[")
    return result.stdout, posixpath.basename(path) if is_alone else ""


def name_alone(copy: Copy, context: Context, names: Sequence[str]) -> str:
    """The only file's name; empty if there are more, or a folder was asked for."""
    is_file = all(source.startswith("<<") or context.is_file(source) for source in copy.sources)
    return names[0] if is_file and len(names) == 1 and "/" not in names[0] else ""


def _all_of(words: Words, name: str) -> tuple[str, ...]:
    return tuple(value for flag, value in words.flags if flag == name)


def _plain(source: str) -> str:
    return source.replace("<<-", "<<").replace('"', "").replace("'", "")
