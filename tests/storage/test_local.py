from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.errors import ArchiveError
from runner.storage.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "root")


def test_what_was_written_is_read(store: LocalStore) -> None:
    store.write("a/b/c.json", b"data")
    assert store.read("a/b/c.json") == b"data"


def test_the_same_again_is_no_change(store: LocalStore) -> None:
    store.write("k", b"data")
    store.write("k", b"data")
    assert list(store.keys()) == ["k"]


def test_other_bytes_are_refused_and_the_first_stay(store: LocalStore) -> None:
    store.write("k", b"first")
    with pytest.raises(ArchiveError, match="already written"):
        store.write("k", b"second")
    assert store.read("k") == b"first"


def test_a_missing_key_is_named(store: LocalStore) -> None:
    with pytest.raises(ArchiveError, match="nothing/here"):
        store.read("nothing/here")


def test_keys_are_sorted_and_filtered(store: LocalStore) -> None:
    for key in ("b/2", "a/1", "b/1", "bc/1"):
        store.write(key, b"")
    assert list(store.keys("b/")) == ["b/1", "b/2"]
    assert list(store.keys()) == ["a/1", "b/1", "b/2", "bc/1"]


def test_a_key_cannot_lead_out(store: LocalStore) -> None:
    with pytest.raises(ArchiveError, match="leads out"):
        store.write("../out", b"")


def test_a_link_cannot_lead_out_but_may_stay_inside(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_bytes(b"x")
    store.write("a/k", b"data")
    (store.root / "out").symlink_to(tmp_path / "outside")
    (store.root / "a/link").symlink_to(tmp_path / "outside/secret")
    (store.root / "inside").symlink_to(store.root / "a")
    for key in ("out/secret", "a/link", "a/../../outside/secret", "out/new"):
        with pytest.raises(ArchiveError, match="leads out"):
            store.read(key)
        with pytest.raises(ArchiveError, match="leads out"):
            store.write(key, b"data")
    assert store.read("inside/k") == b"data"


def test_nothing_half_written_is_left_when_the_disk_is_full(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)  # the fault
    with pytest.raises(OSError, match="No space"):
        store.write("k", b"data")
    assert [p for p in store.root.rglob("*") if p.is_file()] == []
