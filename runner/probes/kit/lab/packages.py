"""Packages that were kept when a run was made, laid where offline package managers look for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from runner.core.protocols import PackageFile
from runner.core.records import Package, PackageKind

HOME = "/home/agent"


def offline_files(packages: Sequence[PackageFile]) -> dict[str, bytes]:
    """File contents by their path below HOME."""
    return {_PLACES[each.package.kind](each.package): each.path.read_bytes() for each in packages}


def _in_npm_cache(package: Package) -> str:
    """Where cacache keeps content: npm looks for a tarball by its lock's digest before it asks a registry."""
    algorithm, _, digest = package.content.partition("-")
    return f".npm/_cacache/content-v2/{algorithm}/{digest[:2]}/{digest[2:4]}/{digest[4:]}"


_PLACES: Mapping[PackageKind, Callable[[Package], str]] = {
    PackageKind.NPM: _in_npm_cache,
    PackageKind.PYTHON: lambda package: f"wheels/{package.file}",  # see start/python.yaml
    PackageKind.RUBY: lambda package: f"gem-files/{package.file}",  # see start/rails.yaml
}
