"""Packages are kept from hosts that the run used, checked, once; and nothing that goes wrong fails a run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from registry import Registry, npm_lock, npm_package, wheel

from runner.archive.archive import Archive
from runner.archive.packages import content_digest
from runner.core.records import Package
from runner.core.tree import SourceFile, SourceTree
from runner.gateway.door import open_gateway
from runner.gateway.settings import GatewaySettings
from runner.pipeline.events import Event, EventLog
from runner.pipeline.packages.keeping import PackageKeeper
from runner.storage.local import LocalStore

PAD = npm_package("pad", "1.3.0", "module.exports = () => 'padded'")
Told = list[dict[str, Any]]


def tree(files: dict[str, bytes], digest: str = "t") -> SourceTree:
    return SourceTree(digest, {path: SourceFile(path, 0o100644, data) for path, data in files.items()})


def npm_tree(registry: Registry, data: bytes = PAD, **more: object) -> SourceTree:
    """An app that needs the package, which the registry has."""
    registry.files["/pad/-/pad-1.3.0.tgz"] = PAD
    url = f"{registry.url}/pad/-/pad-1.3.0.tgz"
    return tree({"package-lock.json": npm_lock("pad", "1.3.0", url, data, **more)})


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive", LocalStore(tmp_path / "archive"))


@pytest.fixture
def keep(registry: Registry, archive: Archive, tmp_path: Path) -> Callable[..., Any]:
    """Keeps a tree's packages; returns what was told of them."""

    async def keeping(
        of: SourceTree, hosts: tuple[str, ...] = ("localhost",), settings: GatewaySettings | None = None
    ) -> Told:
        told: Told = []

        def listen(event: Event) -> None:
            told.append({"kind": event.kind, **event.data})

        events = EventLog(tmp_path / "events.jsonl", "r", listen)
        async with open_gateway(settings or registry.settings) as gateway:
            index = f"{registry.url}/simple/"
            await PackageKeeper(archive.packages, gateway, events, index).keep_of(of, hosts)
        events.close()
        return told

    return keeping


async def test_a_locked_package_is_kept_and_found_by_its_tree(
    registry: Registry, archive: Archive, keep: Callable[..., Any]
) -> None:
    assert await keep(npm_tree(registry)) == [
        {"kind": "packages", "kept": 1, "missing": [], "missing_count": 0}
    ]
    [kept] = archive.packages.of("t")
    assert (kept.name, kept.version, kept.locked) == ("pad", "1.3.0", True)
    assert kept.content == content_digest(PAD, "sha512")
    assert archive.packages.path(kept).read_bytes() == PAD
    assert all(complaints == [] for _, complaints in archive.verify())
    await keep(npm_tree(registry))
    assert registry.asked == ["/pad/-/pad-1.3.0.tgz"]  # it was there already


@pytest.mark.parametrize("hosts", [(), ("elsewhere.example",)])
async def test_nothing_comes_from_a_host_that_the_run_did_not_use(
    registry: Registry, archive: Archive, keep: Callable[..., Any], hosts: tuple[str, ...]
) -> None:
    (told,) = await keep(npm_tree(registry), hosts)
    assert told["missing"] == ["packages of localhost: this run did not fetch from it"]
    assert registry.asked == []
    assert archive.packages.of("t") == ()
    assert archive.packages.digest("t") == ""


async def test_another_content_than_the_lock_says_is_not_kept(
    registry: Registry, archive: Archive, keep: Callable[..., Any]
) -> None:
    [told] = await keep(npm_tree(registry, data=b"what the lock means"))
    assert told["kept"] == 0
    assert "pad 1.3.0: packages/files/" in told["missing"][0]
    assert not any((archive.root / "packages").rglob("*"))


async def test_private_addresses_are_refused_as_they_are_to_an_agent(
    registry: Registry, keep: Callable[..., Any]
) -> None:
    sealed = GatewaySettings(egress_ports=frozenset({registry.port}))
    [told] = await keep(npm_tree(registry), settings=sealed)
    assert "403" in told["missing"][0]
    assert registry.asked == []


async def test_a_registry_that_is_gone_is_told_and_no_more(
    registry: Registry, keep: Callable[..., Any]
) -> None:
    of = npm_tree(registry)
    registry.files.clear()
    [told] = await keep(of)
    assert (told["kept"], told["missing_count"]) == (0, 1)
    assert "status 404" in told["missing"][0]


async def test_wheels_are_kept_with_what_they_require(
    registry: Registry, archive: Archive, keep: Callable[..., Any]
) -> None:
    made = {
        "web-1.0-py3-none-any.whl": wheel(
            "web", "1.0", "", "under>=2", 'dotenv; extra == "env"', "win; os_name == 'nt'"
        ),
        "web-1.1-py3-none-any.whl": wheel("web", "1.1", ""),
        "under-2.0-py3-none-any.whl": wheel("under", "2.0", ""),
        "under-2.1-py3-none-any.whl": wheel("under", "2.1", "", "web"),
        "under-3.0rc1-py3-none-any.whl": wheel("under", "3.0rc1", ""),
    }
    registry.files |= {f"/files/{name}": data for name, data in made.items()}
    for project in ("web", "under"):
        registry.page(project, *(name for name in made if name.startswith(f"{project}-")))
    [told] = await keep(tree({"requirements.txt": b"web==1.0\nnowhere\n"}))
    kept = archive.packages.of("t")
    assert sorted((p.name, p.version) for p in kept) == [("under", "2.1"), ("web", "1.0")]
    assert {p.content for p in kept} == {f"sha256-{hashlib.sha256(made[p.file]).hexdigest()}" for p in kept}
    assert told["missing"] == ["nowhere: no wheel for it"]


async def test_verify_names_packages_that_were_changed_or_are_gone(
    registry: Registry, archive: Archive, keep: Callable[..., Any]
) -> None:
    await keep(npm_tree(registry))
    [kept] = archive.packages.of("t")
    path = archive.packages.path(kept)
    path.write_bytes(b"other")
    assert dict(archive.verify())[f"packages/files/{kept.content}"] == ["was changed"]
    path.unlink()
    [(key, complaints)] = archive.verify()
    assert key.startswith("packages/trees/t/")
    assert complaints == [f"pad 1.3.0: {kept.content} is missing"]
    assert archive.packages.of("t") == ()


@pytest.mark.parametrize("file", ["../x", ".hidden", "a/b", ""])
def test_a_package_cannot_be_laid_elsewhere_by_its_name(file: str) -> None:
    with pytest.raises(ValueError, match="file"):
        Package(
            kind="python", name="a", version="1", url="u", file=file, content=content_digest(b""), locked=True
        )
