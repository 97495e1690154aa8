"""What lock files name, and what is left out of it."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from runner.core.records import PackageKind
from runner.core.tree import SourceFile, SourceTree
from runner.pipeline.packages.locks import gems, locked, npm_packages, strongest
from runner.pipeline.packages.wheels import releases, required_by, requirements

SHA512 = f"sha512-{base64.b64encode(hashlib.sha512(b'x').digest()).decode()}"
SHA1 = f"sha1-{base64.b64encode(hashlib.sha1(b'x').digest()).decode()}"
DIGEST = f"sha512-{hashlib.sha512(b'x').hexdigest()}"
SUM = hashlib.sha256(b"x").hexdigest()


def tree(**files: str) -> SourceTree:
    paths = {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
    return SourceTree("t", {p: SourceFile(p, 0o100644, text.encode()) for p, text in paths.items()})


def entry(**more: object) -> dict[str, object]:
    return {"version": "1.0.0", "resolved": "https://r.example/a/-/a-1.0.0.tgz", "integrity": SHA512, **more}


def npm_names(*entries: dict[str, object]) -> list[str]:
    packages = {f"node_modules/p{n}": each for n, each in enumerate(entries)}
    return [found.name for found in npm_packages(json.dumps({"packages": packages}))]


def test_npm_packages_by_path_scope_and_alias() -> None:
    packages = {
        "": {"name": "app"},
        "node_modules/@scope/a": entry(),
        "node_modules/b/node_modules/c": entry(),
        "node_modules/alias": entry(name="real"),
        "node_modules/workspace": {"resolved": "packages/workspace", "link": True},
    }
    found = list(npm_packages(json.dumps({"lockfileVersion": 3, "packages": packages})))
    assert [each.name for each in found] == ["@scope/a", "c", "real"]
    assert {(each.host, each.file, each.digest) for each in found} == {("r.example", "a-1.0.0.tgz", DIGEST)}


def test_an_old_npm_lock_nests() -> None:
    nested = entry(dependencies={"b": entry()}, requires={"b": "^1.0.0"})
    found = npm_packages(json.dumps({"lockfileVersion": 1, "dependencies": {"a": nested}}))
    assert [each.name for each in found] == ["a", "b"]


def test_npm_packages_that_no_sandbox_runs_are_left_out() -> None:
    assert npm_names(
        entry(os=["linux"], cpu=["x64"], libc=["glibc"]),
        entry(os=["darwin"]),
        entry(os=["!win32"]),
        entry(os=["!linux"]),
        entry(cpu=["arm64"]),
        entry(cpu=["s390x"]),
        entry(libc=["musl"]),
    ) == ["p0", "p2", "p4"]


def test_npm_packages_that_could_not_be_checked_or_found_again_are_left_out() -> None:
    assert npm_names(entry(integrity=None), entry(integrity=SHA1), entry()) == ["p2"]


@pytest.mark.parametrize(
    ("integrity", "found"),
    [
        (f"{SHA1} {SHA512}?option", DIGEST),
        (SHA1, None),
        ("sha512-AAAA", None),
        ("sha512-not base64!", None),
        ("", None),
    ],
)
def test_the_strongest_sound_digest_is_taken(integrity: str, found: str | None) -> None:
    assert strongest(integrity) == found


@pytest.mark.parametrize("text", ["", "[]", "{", '{"packages": []}', '{"packages": {"a": 1}}', "[" * 100_000])
def test_a_lock_that_makes_no_sense_names_nothing(text: str) -> None:
    assert list(npm_packages(text)) == []


def test_gems_come_from_registries_with_the_sums_of_the_lock() -> None:
    lock = f"""\
GIT
  remote: https://git.example/own.git
  specs:
    own (0.1.0)

GEM
  remote: https://rubygems.example/
  specs:
    nokogiri (1.18.0-x86_64-linux-gnu)
      racc (~> 1.4)
    nokogiri (1.18.0-x86_64-darwin)
    nokogiri (1.18.0-x86_64-linux-musl)
    racc (1.8.1)

CHECKSUMS
  nokogiri (1.18.0-x86_64-linux-gnu) sha256={SUM}
  racc (1.8.1)
"""
    assert [(each.file, each.url.rpartition("/")[0], each.digest) for each in gems(lock)] == [
        ("nokogiri-1.18.0-x86_64-linux-gnu.gem", "https://rubygems.example/gems", f"sha256-{SUM}"),
        ("racc-1.8.1.gem", "https://rubygems.example/gems", None),
    ]


def test_lock_files_are_found_in_any_folder_but_not_in_installed_packages() -> None:
    lock = json.dumps({"packages": {"node_modules/a": entry()}})
    files = {
        p: SourceFile(p, 0o100644, lock.encode()) for p in ("web/package-lock.json", "npm-shrinkwrap.json")
    }
    assert [each.name for each in locked(SourceTree("t", files))] == ["a"]
    inside = SourceFile("node_modules/b/package-lock.json", 0o100644, lock.encode())
    assert locked(SourceTree("t", {inside.path: inside})) == []


def test_requirements_without_options_addresses_and_folders() -> None:
    text = f"""\
# a comment
flask[async]==3.0.3 \\
    --hash=sha256:{SUM}
requests>=2  # why
colorama; sys_platform == "win32"
-r other.txt
--index-url https://evil.example/simple
-e .
./local
thing @ https://evil.example/thing.whl
"""
    found = requirements(tree(requirements_txt=text))
    assert [str(each) for each in found] == ["flask[async]==3.0.3", "requests>=2"]


def test_releases_have_the_wheels_that_a_sandbox_can_use() -> None:
    names = [
        "a-1.0-py3-none-any.whl",
        "a-1.0-cp314-cp314-manylinux_2_28_x86_64.whl",
        "a-1.1-cp314-cp314-manylinux_2_28_x86_64.whl",
        "a-1.1-cp314-cp314-musllinux_1_2_x86_64.whl",
        "a-1.1-cp39-abi3-manylinux_2_28_aarch64.whl",
        "a-1.1-cp312-cp312-manylinux_2_28_x86_64.whl",
        "a-1.2-cp314-cp314-win_amd64.whl",
        "a-1.3.tar.gz",
    ]
    files = [{"filename": n, "url": f"../../f/{n}", "hashes": {"sha256": SUM}} for n in names]
    files.append(
        {"filename": "a-2.0-py3-none-any.whl", "url": "x", "hashes": {"sha256": SUM}, "yanked": "bad"}
    )
    found = list(releases(json.dumps({"files": files}).encode(), "https://r.example/simple/a/"))
    assert {str(release.version): [wheel.file for wheel in release.wheels] for release in found} == {
        "1.0": [names[0]],
        "1.1": [names[2], names[4]],
    }
    assert found[0].wheels[0].url == f"https://r.example/f/{names[0]}"
    assert found[0].wheels[0].kind is PackageKind.PYTHON


@pytest.mark.parametrize("page", [None, b"<html>", b"[]", b'{"files": [{"filename": 1}]}'])
def test_an_index_that_makes_no_sense_has_no_releases(page: bytes | None) -> None:
    assert list(releases(page, "https://r.example/")) == []


def test_a_wheel_that_is_none_requires_nothing() -> None:
    assert required_by(b"not a zip") == []
