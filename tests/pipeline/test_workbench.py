from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from runner.cli.settings import settings_from
from runner.core.errors import SetupError
from runner.pipeline.workbench import check_disk, set_up


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=100_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)  # the fault
    with pytest.raises(SetupError, match=r"only 100 MB free, 500 MB are needed; make room or choose"):
        check_disk(tmp_path)


def test_a_usable_archive_is_made(tmp_path: Path) -> None:
    check_disk(tmp_path / "new/archive")
    assert list((tmp_path / "new/archive").iterdir()) == []


def test_without_the_browser_image_pages_are_used_by_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(client: object, name: str, images: object, progress: object) -> str:
        if name == "lab":
            raise SetupError("no package mirror")
        return f"shipworthy/{name}:1"

    monkeypatch.setattr("runner.pipeline.workbench.ensure_image", build)  # the fault
    monkeypatch.setattr("runner.pipeline.workbench.set_up_engine", lambda settings, progress: Engine())
    said: list[str] = []
    tags = set_up(settings_from(os.environ), {"rails"}, said.append)
    assert tags == {"rails": "shipworthy/rails:1", "base": "shipworthy/base:1", "lab": "shipworthy/base:1"}
    assert said == ["pages are used without a browser, by plain HTTP: no package mirror"]


class Engine:
    def info(self) -> dict[str, object]:
        return {"Runtimes": {"runc": {}}}

    def close(self) -> None:
        pass
