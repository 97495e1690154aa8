"""The Dockerfile that `rails new` writes, with a package that no image has: built offline, and it chats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from docker import APIClient
from registry import gem

from runner.archive.packages import content_digest
from runner.core.protocols import PackageFile, SandboxBackend, Subject
from runner.core.records import Outcome, Package, PackageKind
from runner.core.tree import SourceFile, SourceTree
from runner.probes.compose_up import PROBE
from runner.probes.kit.lab.lab import open_lab
from runner.probes.kit.lab.recipes import find_app
from runner.sandbox.build.mirror import load_mirrors
from runner.sandbox.build.workshop import DockerWorkshop
from runner.sandbox.docker import DockerBackend
from runner.sandbox.lease import OWNER, Lease

pytestmark = pytest.mark.docker
PROJECT = Path(__file__).parents[3]
STOCK = Path(__file__).with_name("stock")
PAD = gem("pad_of_the_test", "1.3.0", "PAD = 'padded'")
COMPOSE = """\
services:
  web:
    build: {context: ., args: {RUBY_VERSION: 3.4.1}}
    ports: ["127.0.0.1:${PORT:-8080}:3000"]
    environment: [OPENROUTER_API_KEY, SECRET_KEY_BASE, RAILS_ENV=production]
    secrets: [pad]
    healthcheck: {test: "curl -fsS http://localhost:3000/ && grep -q k /run/secrets/pad", retries: 2}
  console: {build: ., command: bin/rails console, profiles: [tools]}
secrets: {pad: {file: ./pad.txt}}
"""
NEEDED = "if PAD != 'padded' then raise 'no pad' end\n"


def app() -> SourceTree:
    """A small chat app with the generator's own Dockerfile, which needs the package at every start."""
    lab_app = PROJECT / "tests/probes/lab_app"
    paths = [(root, path) for root in (lab_app, STOCK) for path in root.rglob("*") if path.is_file()]
    named = {str(path.relative_to(root)): path.read_text() for root, path in paths}
    named["Gemfile"] += "gem 'propshaft'\ngem 'pad_of_the_test', '1.3.0'\n"
    named["config/initializers/pad.rb"] = NEEDED
    named |= {"compose.yaml": COMPOSE, "pad.txt": "k", "vendor/.keep": "", ".dockerignore": "/log/*\n/.git\n"}
    named |= {f"{name}/.keep": "" for name in ("db", "log", "storage", "tmp")}
    modes = {name: 0o100755 if name.startswith("bin/") else 0o100644 for name in named}
    return SourceTree("shipped", {n: SourceFile(n, modes[n], text.encode()) for n, text in named.items()})


async def locked(subject: Subject) -> SourceTree:
    """With the lock file that Bundler writes for it."""
    found = find_app(subject.tree)
    assert found is not None
    async with open_lab(subject, found) as lab:
        installed = await lab.install()
        assert installed.ok, installed.output
        lock = (await lab.execute(["cat", "Gemfile.lock"], timeout_s=10)).stdout
    files = {**subject.tree.files, "Gemfile.lock": SourceFile("Gemfile.lock", 0o100644, lock)}
    return replace(subject.tree, files=files)


async def test_it_is_built_comes_up_is_healthy_chats_and_is_gone(
    backend: DockerBackend, images: dict[str, str], tmp_path: Path, engine: APIClient, lease: Lease
) -> None:
    path = tmp_path / "pad.gem"
    path.write_bytes(PAD)
    package = Package(
        kind=PackageKind.RUBY,
        name="pad_of_the_test",
        version="1.3.0",
        url="https://rubygems.org/gems/pad_of_the_test-1.3.0.gem",
        file="pad_of_the_test-1.3.0.gem",
        content=content_digest(PAD),
        locked=False,
    )
    workshop = DockerWorkshop(backend, images, load_mirrors(PROJECT / "sandboxes/mirror.yaml"))
    own: SandboxBackend = backend
    subject = Subject(app(), "case", tmp_path, own, images["rails"], images["lab"], workshop=workshop)
    subject = replace(subject, packages=(PackageFile(package, path),), artifacts=tmp_path / "artifacts")
    found = await PROBE.run(replace(subject, tree=await locked(subject)))
    log = "".join(path.read_text() for path in (tmp_path / "artifacts").glob("*"))
    outcomes = {finding.check: finding.outcome for finding in found}
    assert outcomes == dict.fromkeys(PROBE.checks, Outcome.PASS), ([f.message for f in found], log[-3000:])
    label = {"label": f"{OWNER}={lease.owner}"}
    assert [*engine.containers(all=True, filters=label), *engine.images(all=True, filters=label)] == []
