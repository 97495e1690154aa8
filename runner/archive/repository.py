"""The produced repository, as a bare Git repository: filled from bundles, read as data, never checked out.

Host Git only ever works on a repository that this module made itself; what comes from a sandbox is a
bundle, and its objects are checked on the way in.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from git import Repo
from git.exc import GitCommandError, GitError, ODBError

from runner.core.errors import ArchiveError, UnpackError
from runner.core.tree import SourceFile, SourceTree

_SUBMODULE = 0o160000
_UNPACK_S = 120
_FETCH = ("fetch", "-q", "--no-tags", "--no-write-fetch-head")
# What submodules and attributes would do at a checkout is no matter: there is none.
_UNUSED = (
    *("gitmodulesUpdate", "gitmodulesUrl", "gitmodulesPath", "gitmodulesName", "gitmodulesParse"),
    *("gitmodulesBlob", "gitmodulesLarge", "gitmodulesMissing", "gitmodulesSymlink"),
    *("gitattributesBlob", "gitattributesLarge", "gitattributesLineLength", "gitattributesMissing"),
)
_FSCK = tuple(word for name in _UNUSED for word in ("-c", f"fsck.{name}=ignore"))
_QUIET = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.bigFileThreshold=8m"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false"),
)


@dataclass(frozen=True)
class Bounds:
    """What of a tree is read; the rest is skipped and named."""

    files: int = 20_000
    file_bytes: int = 20_000_000
    total_bytes: int = 256_000_000


class Repository:
    """A run's `repo.git`: `refs/phases/<id>` are the snapshots, `refs/agent/*` the agent's own history."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / "HEAD").exists():
            _create(path)
        self._repo = Repo(path)
        self._repo.git.update_environment(
            GIT_CONFIG_NOSYSTEM="1",
            GIT_CONFIG_GLOBAL=os.devnull,
            GIT_TERMINAL_PROMPT="0",
            GIT_AUTHOR_NAME="shipworthy",
            GIT_AUTHOR_EMAIL="snapshot@shipworthy.invalid",
            GIT_COMMITTER_NAME="shipworthy",
            GIT_COMMITTER_EMAIL="snapshot@shipworthy.invalid",
        )

    def close(self) -> None:
        """End the helper processes."""
        self._repo.close()

    def add_snapshot(self, phase: str, bundle: Path, at: datetime) -> tuple[str, str]:
        """Take in a phase's snapshot (`refs/heads/snapshot` of a bundle): its commit and tree id.

        The commit follows the previous phase's. Raises UnpackError if Git finds the bundle unsound.
        """
        self._fetch(bundle, "+refs/heads/snapshot:refs/incoming")
        tree = str(self._repo.git.rev_parse("refs/incoming^{tree}"))
        parents = [("-p", c) for c in [self._last_snapshot()] if c]
        with self._repo.git.custom_environment(
            GIT_AUTHOR_DATE=at.isoformat(), GIT_COMMITTER_DATE=at.isoformat()
        ):
            message = f"{phase}: the workspace when the phase ended"
            commit = self._repo.git.commit_tree(tree, *(a for p in parents for a in p), "-m", message)
        self._repo.git.update_ref(f"refs/phases/{phase}", commit)
        self._repo.git.update_ref("refs/heads/main", commit)
        self._repo.git.update_ref("-d", "refs/incoming")
        return str(commit), tree

    def add_history(self, bundle: Path) -> None:
        """Take in the agent's own branches and tags. Raises UnpackError as above."""
        self._fetch(bundle, "+refs/*:refs/agent/*")

    def pack(self) -> None:
        """Put all objects in one pack, so that the sealed form is small and stable."""
        self._repo.git.repack("-a", "-d", "-q")
        self._repo.git.pack_refs("--all")

    def read(self, tree: str, bounds: Bounds | None = None) -> SourceTree:
        """A tree's files, within bounds; what is left out is named in `skipped`.

        Raises ArchiveError if something of it is missing or damaged.
        """
        try:
            return self._read(tree, bounds or Bounds())
        except (GitError, ODBError, ValueError, zlib.error) as error:
            raise _unreadable(self.path) from error

    def _read(self, tree: str, bounds: Bounds) -> SourceTree:
        files: dict[str, SourceFile] = {}
        skipped: dict[str, str] = {}
        total = 0
        for mode, blob, size, path in self._entries(tree):
            reason = _refusal(path, mode)
            if reason is None and size > bounds.file_bytes:
                reason = f"larger than {bounds.file_bytes} bytes"
            if reason is None and (len(files) >= bounds.files or total + size > bounds.total_bytes):
                reason = "the repository is larger than what is read"
            if reason is not None:
                skipped[path.encode("utf-8", "replace").decode()] = reason
                continue
            total += size
            content = self._repo.odb.stream(bytes.fromhex(blob)).read()
            files[path] = SourceFile(path, mode, content)
        return SourceTree(tree, files, skipped)

    def changes(self, before: str, after: str) -> list[str]:
        """Sorted paths that differ between two trees, in content or mode, or are in one only."""
        old, new = ({path: (mode, blob) for mode, blob, _, path in self._entries(t)} for t in (before, after))
        paths = [path for path in old.keys() | new.keys() if old.get(path) != new.get(path)]
        return sorted(path.encode("utf-8", "replace").decode() for path in paths)

    def _entries(self, tree: str) -> Iterator[tuple[int, str, int, str]]:
        listing = self._repo.git.ls_tree("-r", "-l", "-z", "--full-tree", tree, strip_newline_in_stdout=False)
        for entry in filter(None, listing.split("\0")):
            meta, _, path = entry.partition("\t")
            mode, _, blob, size = meta.split()
            yield int(mode, 8), blob, 0 if size == "-" else int(size), path

    def _last_snapshot(self) -> str | None:
        try:
            return str(self._repo.git.rev_parse("--verify", "-q", "refs/heads/main"))
        except GitCommandError:
            return None

    def _fetch(self, bundle: Path, refspec: str) -> None:
        """Take in refs of a bundle that fsck finds sound, in a repository of its own; Git itself checks the
        objects of a fetch, but not yet those of a bundle."""
        with tempfile.TemporaryDirectory(prefix="shipworthy-") as folder:
            incoming = Path(folder) / "incoming.git"
            _create(incoming)
            try:
                self._git(incoming, *_FETCH, str(bundle.resolve()), "+refs/*:refs/*")
                self._git(incoming, *_FSCK, "fsck", "--strict", "--no-progress", "--no-dangling")
                self._git(self.path, *_FETCH, str(incoming), refspec)
            except GitError as error:
                raise UnpackError(f"the sandbox's Git bundle is unsound: {error}") from error

    def _git(self, repository: Path, *arguments: str) -> None:
        command = ["git", f"--git-dir={repository}", *_QUIET, *arguments]
        self._repo.git.execute(command, kill_after_timeout=_UNPACK_S)


def _create(path: Path) -> None:
    """An empty bare repository, by hand: the host's own templates and settings have no say in it."""
    for folder in ("objects", "refs"):
        (path / folder).mkdir(parents=True)
    (path / "HEAD").write_text("ref: refs/heads/main\n")
    (path / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")


def open_repository(path: Path) -> Repository:
    """An archived repository. Raises ArchiveError if there is none."""
    if not (path / "HEAD").exists():
        raise ArchiveError(f"{path}: there is no repository")
    try:
        return Repository(path)
    except GitError as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> ArchiveError:
    return ArchiveError(f"{path}: is damaged; shipworthy verify names what is missing")


def write_out(tree: SourceTree, target: Path) -> list[str]:
    """Write a tree's files into an empty or new folder; returns what was left out, with reasons.

    Links are written only if they stay inside. Raises ArchiveError if `target` holds anything.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ArchiveError(f"{target}: is not an empty folder")
    left_out = [f"{path}: {reason}" for path, reason in tree.skipped.items()]
    for path in tree:
        file = tree.files[path]
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_link:
            place.write_bytes(file.content)
            place.chmod(file.mode & 0o777)
        elif _stays_inside(path, file.content.decode("utf-8", "replace")):
            place.symlink_to(file.content.decode("utf-8", "replace"))
        else:
            left_out.append(f"{path}: a link that leads out of the repository")
    return left_out


def _refusal(path: str, mode: int) -> str | None:
    parts = PurePosixPath(path).parts
    if not path.isprintable() and any(0xDC80 <= ord(c) <= 0xDCFF for c in path):
        return "a name that is not UTF-8"
    if path.startswith("/") or any(p == ".." or p.lower() == ".git" for p in parts):
        return "a path that no repository should have"
    return "a submodule, not a file" if mode == _SUBMODULE else None


def _stays_inside(path: str, link: str) -> bool:
    """Whether a relative link stays in the root: it only climbs at its beginning, and not too far."""
    parts = PurePosixPath(link).parts
    climbs = [part == ".." for part in parts]
    up = sum(climbs)
    return not link.startswith("/") and all(climbs[:up]) and up <= len(PurePosixPath(path).parent.parts)
