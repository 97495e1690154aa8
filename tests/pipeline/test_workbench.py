from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runner.core.errors import SetupError
from runner.pipeline.workbench import check_disk


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=100_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)  # the fault
    with pytest.raises(SetupError, match=r"only 100 MB free, 500 MB are needed; make room or choose"):
        check_disk(tmp_path)


def test_a_usable_archive_is_made(tmp_path: Path) -> None:
    check_disk(tmp_path / "new/archive")
    assert list((tmp_path / "new/archive").iterdir()) == []
