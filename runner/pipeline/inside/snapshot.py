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
}


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
    return "/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", path)


def snapshot(folder: Path, nested: list[Path], large: list[str]) -> None:
    """Commit the workspace into a fresh repository and bundle it."""
    store = folder / "git"
    git("init", "-q", "--bare", "--template=", str(store))
    (store / "info").mkdir(exist_ok=True)
    (store / "info" / "exclude").write_text("\n".join([HIDDEN, *map(pattern, large)]) + "\n")
    here = [f"--git-dir={store}", f"--work-tree={WORKSPACE}"]
    for entry in nested:
        entry.rename(entry.with_name(HIDDEN))
    try:
        git(*here, "add", "-A", "--ignore-errors", check=False)
    finally:
        for entry in nested:
            entry.with_name(HIDDEN).rename(entry)
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
    print(json.dumps({"folder": str(folder), "history": history(folder), "skipped": large}))


if __name__ == "__main__":
    main(*sys.argv[1:])
