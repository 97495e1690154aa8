from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.archive.repository import Bounds, Repository, open_repository, write_out
from runner.core.errors import ArchiveError, UnpackError
from runner.core.tree import SourceFile, SourceTree

AT = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, input=stdin, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


def bundle(folder: Path, files: dict[str, str], name: str = "snapshot") -> Path:
    """A bundle with one commit of these files on refs/heads/<name>."""
    folder.mkdir(exist_ok=True)
    git(folder, "init", "-q")
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x", "--allow-empty")
    git(folder, "branch", "-f", name)
    git(folder, "bundle", "create", "-q", f"../{folder.name}.bundle", f"refs/heads/{name}")
    return folder.with_name(f"{folder.name}.bundle")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo.git")


def test_phases_follow_each_other(repository: Repository, tmp_path: Path) -> None:
    first, _ = repository.add_snapshot("build", bundle(tmp_path / "one", {"a": "1"}), AT)
    second, tree = repository.add_snapshot("prove", bundle(tmp_path / "two", {"a": "2"}), AT)
    assert git(repository.path, "rev-parse", "refs/phases/prove^") == first
    assert git(repository.path, "rev-parse", "main") == second
    assert repository.read(tree).text("a") == "2"


def test_equal_files_give_an_equal_tree(repository: Repository, tmp_path: Path) -> None:
    files = {"a": "1", "b/c": "2"}
    _, one = repository.add_snapshot("build", bundle(tmp_path / "one", files), AT)
    _, two = repository.add_snapshot("prove", bundle(tmp_path / "two", files), AT)
    assert one == two


def test_what_changed_between_two_trees(repository: Repository, tmp_path: Path) -> None:
    files = {"same": "1", "other": "1", "gone": "1", "mode": "1", "sub/deep": "1"}
    _, one = repository.add_snapshot("build", bundle(tmp_path / "one", files), AT)
    (tmp_path / "two").mkdir()
    (tmp_path / "two/mode").touch(0o755)
    changed = files | {"other": "2", "sub/deep": "2", "new é": "1"}
    del changed["gone"]
    _, two = repository.add_snapshot("review", bundle(tmp_path / "two", changed), AT)
    assert repository.changes(one, two) == ["gone", "mode", "new é", "other", "sub/deep"]
    assert repository.changes(one, one) == []


def test_the_agents_history_is_kept_apart(repository: Repository, tmp_path: Path) -> None:
    repository.add_snapshot("build", bundle(tmp_path / "one", {"a": "1"}), AT)
    repository.add_history(bundle(tmp_path / "agent", {"z": "9"}, name="feature"))
    repository.pack()
    refs = git(repository.path, "for-each-ref", "--format=%(refname)").split()
    assert refs == ["refs/agent/heads/feature", "refs/heads/main", "refs/phases/build"]


def test_modes_links_and_odd_names_are_read(repository: Repository, tmp_path: Path) -> None:
    source = tmp_path / "one"
    source.mkdir()
    (source / "tool").write_text("#!/bin/sh")
    (source / "tool").chmod(0o755)
    (source / "link").symlink_to("tool")
    (source / "ümlaut\nand newline").write_text("x")
    _, tree = repository.add_snapshot("build", bundle(source, {}), AT)
    files = repository.read(tree).files
    assert files["tool"].mode == 0o100755
    assert files["link"].is_link
    assert files["link"].content == b"tool"
    assert "ümlaut\nand newline" in files


def test_reading_is_bounded_and_says_what_is_missing(repository: Repository, tmp_path: Path) -> None:
    files = {f"f{n}": "x" * 100 for n in range(5)} | {"large": "x" * 1000}
    _, tree = repository.add_snapshot("build", bundle(tmp_path / "one", files), AT)
    read = repository.read(tree, Bounds(files=3, file_bytes=500, total_bytes=10_000))
    assert list(read) == ["f0", "f1", "f2"]
    assert set(read.skipped) == {"f3", "f4", "large"}


def test_a_submodule_is_no_file(repository: Repository, tmp_path: Path) -> None:
    source = tmp_path / "one"
    bundle(source, {"a": "1"})
    head = git(source, "rev-parse", "HEAD")
    git(source, "update-index", "--add", "--cacheinfo", f"160000,{head},sub")
    git(source, "commit", "-q", "-m", "sub")
    git(source, "branch", "-f", "snapshot")
    git(source, "bundle", "create", "-q", "../one.bundle", "refs/heads/snapshot")
    _, tree = repository.add_snapshot("build", tmp_path / "one.bundle", AT)
    assert repository.read(tree).skipped == {"sub": "a submodule, not a file"}


@pytest.mark.parametrize("name", [b"..", b".git", b".GIT"])
def test_a_tree_with_a_forbidden_name_is_refused(repository: Repository, tmp_path: Path, name: bytes) -> None:
    source = tmp_path / "one"
    bundle(source, {"a": "1"})
    blob = git(source, "hash-object", "-w", "a")
    entry = b"100644 " + name + b"\0" + bytes.fromhex(blob)
    tree = git(source, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=entry)
    commit = git(source, "commit-tree", tree, "-m", "evil")
    git(source, "update-ref", "refs/heads/snapshot", commit)
    git(source, "bundle", "create", "-q", "../one.bundle", "refs/heads/snapshot")
    with pytest.raises(UnpackError, match="unsound"):
        repository.add_snapshot("build", tmp_path / "one.bundle", AT)


@pytest.mark.parametrize("content", [b"", b"not a bundle at all", b"# v2 git bundle\n\nPACKgarbage"])
def test_a_broken_bundle_is_refused(repository: Repository, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken").write_bytes(content)
    with pytest.raises(UnpackError):
        repository.add_snapshot("build", tmp_path / "broken", AT)


def test_host_settings_have_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home/hooks").mkdir(parents=True)
    hook = tmp_path / "home/hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    (tmp_path / "home/.gitconfig").write_text(f"[core]\n\thooksPath = {tmp_path}/home/hooks\n")
    made = bundle(tmp_path / "one", {"a": "1"})
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Repository(tmp_path / "repo.git").add_snapshot("build", made, AT)
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "repo.git/hooks").exists()


def test_a_missing_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"none\.git"):
        open_repository(tmp_path / "none.git")


def tree_of(*files: SourceFile) -> SourceTree:
    return SourceTree("t", {f.path: f for f in files}, {"huge": "too large"})


def test_writing_out_keeps_modes_and_good_links(tmp_path: Path) -> None:
    tree = tree_of(
        SourceFile("bin/run", 0o100755, b"x"),
        SourceFile("bin/good", 0o120000, b"../a/b"),
        SourceFile("a/b", 0o100644, b"y"),
    )
    assert write_out(tree, tmp_path / "out") == ["huge: too large"]
    assert (tmp_path / "out/bin/run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/bin/good").read_text() == "y"


@pytest.mark.parametrize("link", [b"/etc/passwd", b"../x", b"a/../../x", b"sub/../../../x", b"./sub/.."])
def test_links_that_lead_out_are_left_out(tmp_path: Path, link: bytes) -> None:
    left_out = write_out(tree_of(SourceFile("l", 0o120000, link)), tmp_path / "out")
    assert left_out[-1] == "l: a link that leads out of the repository"
    assert not (tmp_path / "out/l").is_symlink()


def test_a_folder_in_use_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(ArchiveError, match="not an empty folder"):
        write_out(tree_of(), tmp_path)
