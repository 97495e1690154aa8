from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.archive.folder import read_folder
from runner.archive.repository import Bounds
from runner.core.errors import UserError


def test_files_are_read_as_data_and_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    folder = tmp_path / "work"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/run").write_text("#!/bin/sh\n")
    (folder / "bin/run").chmod(0o755)
    (folder / "leak").symlink_to(outside / "secret")
    (folder / "way").symlink_to(outside)
    os.mkfifo(folder / "pipe")
    tree = read_folder(folder)
    assert {path: (oct(f.mode), f.content) for path, f in tree.files.items()} == {
        "bin/run": ("0o100755", b"#!/bin/sh\n"),
        "leak": ("0o120000", str(outside / "secret").encode()),
        "way": ("0o120000", str(outside).encode()),
    }
    assert tree.skipped == {"pipe": "not a file"}


def test_what_is_too_large_or_empty_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file in it"):
        read_folder(tmp_path)
    with pytest.raises(UserError, match="is not a folder"):
        read_folder(tmp_path / "absent")
    (tmp_path / "a").write_text("12345")
    (tmp_path / "b").write_text("1")
    assert read_folder(tmp_path, Bounds(file_bytes=4)).skipped == {"a": "larger than 4 bytes"}
    with pytest.raises(UserError, match="is larger than 1 files"):
        read_folder(tmp_path, Bounds(files=1))
