"""Takes a snapshot of /workspace inside the sandbox, as Git bundles in a new folder; never imported.

Only a Git folder of its own is used, with its own configuration, so nothing the agent left in `.git`
(hooks, filters, file-system monitors) has a say. What .gitignore names is left out, as a clone would.
Arguments: MAX_FILE_BYTES. Prints JSON: folder, history (is there a bundle of the agent's own commits),
skipped (files left out for their size).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

WORKSPACE = Path("/workspace")
HIDDEN = ".git-of-a-nested-repository"
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "shipworthy",
    "GIT_AUTHOR_EMAIL": "snapshot@shipworthy.invalid",
    "GIT_COMMITTER_NAME": "shipworthy",
    "GIT_COMMITTER_EMAIL": "snapshot@shipworthy.invalid",
    # Or a partial clone in the agent's settings would fetch, by a command of its own.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}
ATTRIBUTES = "* -text -ident -filter -working-tree-encoding -export-ignore\n"  # bytes as they are
MOST_NAMED = 100


def git(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Git with no configuration but the repository's own."""
    command = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", *arguments]
    return subprocess.run(
        command, cwd=WORKSPACE, env=ENVIRONMENT, check=check, capture_output=True, stdin=subprocess.DEVNULL
    )


def survey(max_bytes: int) -> tuple[list[Path], list[str]]:
    """Nested `.git` entries (Git would take their folders for submodules), and files that are too large."""
    nested, large = [], []
    for folder, folders, files in os.walk(WORKSPACE):
        here = Path(folder)
        if here != WORKSPACE and ".git" in folders + files:
            nested.append(here / ".git")
        folders[:] = [f for f in folders if f != ".git"]
        for name in files:
            path = here / name
            if not path.is_symlink() and path.is_file() and path.stat().st_size > max_bytes:
                large.append(str(path.relative_to(WORKSPACE)))
    return nested, large


def pattern(path: str) -> str:
    """A .gitignore line that names exactly this path."""
    return "/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", path).replace("\n", "?")


def renamed(entry: Path, name: Path) -> bool:
    """Rename if the folder lets us."""
    try:
        entry.rename(name)
    except OSError:
        return False
    return True


def snapshot(folder: Path, nested: list[Path], large: list[str]) -> None:
    """Commit the workspace into a fresh repository and bundle it."""
    store = folder / "git"
    git("init", "-q", "--bare", "--template=", str(store))
    (store / "info").mkdir(exist_ok=True)
    (store / "info" / "attributes").write_text(ATTRIBUTES)
    here = [f"--git-dir={store}", f"--work-tree={WORKSPACE}"]
    hidden = [entry for entry in nested if renamed(entry, entry.with_name(HIDDEN))]
    locked = [str(entry.parent.relative_to(WORKSPACE)) for entry in nested if entry not in hidden]
    excluded = [HIDDEN, *(pattern(path) for path in [*large, *locked])]
    (store / "info" / "exclude").write_bytes(os.fsencode("\n".join(excluded) + "\n"))
    try:
        added = git(*here, "add", "-A", "--ignore-errors", check=False)
    finally:
        for entry in hidden:
            renamed(entry.with_name(HIDDEN), entry)
    if added.returncode not in (0, 1):  # 1: some files could not be read
        sys.exit(os.fsdecode(added.stderr[-2000:]))
    tree = git(*here, "write-tree").stdout.decode().strip()
    commit = git(*here, "commit-tree", tree, "-m", "snapshot").stdout.decode().strip()
    git(*here, "update-ref", "refs/heads/snapshot", commit)
    git(*here, "bundle", "create", "-q", str(folder / "snapshot.bundle"), "refs/heads/snapshot")


def history(folder: Path) -> bool:
    """Bundle the agent's own commits, if there are any."""
    if not (WORKSPACE / ".git").is_dir():
        return False
    bundle = folder / "history.bundle"
    done = git(f"--git-dir={WORKSPACE / '.git'}", "bundle", "create", "-q", str(bundle), "--all", check=False)
    return done.returncode == 0 and bundle.exists()


def main(max_bytes: str) -> None:
    """Do it and say where."""
    folder = Path(tempfile.mkdtemp(prefix="snapshot-"))
    nested, large = survey(int(max_bytes))
    snapshot(folder, nested, large)
    named = [f"{path}: larger than {max_bytes} bytes" for path in large[:MOST_NAMED]]
    more = [f"and {len(large) - MOST_NAMED} more large files"] if len(large) > MOST_NAMED else []
    print(json.dumps({"folder": str(folder), "history": history(folder), "skipped": named + more}))


if __name__ == "__main__":
    main(*sys.argv[1:])
