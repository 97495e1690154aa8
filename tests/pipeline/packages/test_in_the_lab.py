"""Apps with packages that no image has: kept during a run, installed in a lab without a network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from registry import Registry, gem, npm_lock, npm_package, wheel

from runner.archive.packages import content_digest
from runner.core.protocols import PackageFile, SandboxBackend, Subject
from runner.core.records import Finding, Package, PackageKind
from runner.core.tree import SourceFile, SourceTree
from runner.gateway.door import open_gateway
from runner.pipeline.grading.evidence import Laboratory, case_of, collect
from runner.pipeline.trials.trial import TrialJob, run_attempt
from runner.pipeline.workbench import Workbench
from runner.probes.kit.lab.lab import open_lab
from runner.probes.kit.lab.recipes import find_app

pytestmark = pytest.mark.docker
PAD = npm_package("pad-of-the-test", "1.3.0", "module.exports = () => 'padded'")
URL = "https://registry.example/pad-of-the-test/-/pad-of-the-test-1.3.0.tgz"
APP = json.dumps(
    {
        "name": "small-talk",
        "scripts": {"start": "node server.js"},
        "dependencies": {"pad-of-the-test": "1.3.0"},
    }
)
GEMFILE = "source 'https://rubygems.org'\ngem 'pad_of_the_test', '1.3.0'\n"
GEMFILE_LOCK = """\
GEM
  remote: https://rubygems.org/
  specs:
    pad_of_the_test (1.3.0)

PLATFORMS
  ruby

DEPENDENCIES
  pad_of_the_test (= 1.3.0)
"""
YARN_LOCK = f"""\
# yarn lockfile v1


pad-of-the-test@1.3.0:
  version "1.3.0"
  resolved "{URL}#0"
  integrity sha512-{base64.b64encode(hashlib.sha512(PAD).digest()).decode()}
"""
NOTES = {"yarn": "the versions at hand in place of those in the lock file"}  # here, the same ones
CASES: dict[str, tuple[dict[str, bytes], str, bytes, list[str]]] = {
    "yarn": (
        {"package.json": APP.encode(), "yarn.lock": YARN_LOCK.encode()},
        "pad-of-the-test-1.3.0.tgz",
        PAD,
        ["node", "-p", "require('pad-of-the-test')()"],
    ),
    PackageKind.NPM: (
        {"package.json": APP.encode(), "package-lock.json": npm_lock("pad-of-the-test", "1.3.0", URL, PAD)},
        "pad-of-the-test-1.3.0.tgz",
        PAD,
        ["node", "-p", "require('pad-of-the-test')()"],
    ),
    PackageKind.PYTHON: (
        {"app.py": b"import flask", "requirements.txt": b"pad-of-the-test==1.3.0\n"},
        "pad_of_the_test-1.3.0-py3-none-any.whl",
        wheel("pad_of_the_test", "1.3.0", "said = 'padded'"),
        ["python3", "-c", "import pad_of_the_test; print(pad_of_the_test.said)"],
    ),
    PackageKind.RUBY: (
        {"config/application.rb": b"", "Gemfile": GEMFILE.encode(), "Gemfile.lock": GEMFILE_LOCK.encode()},
        "pad_of_the_test-1.3.0.gem",
        gem("pad_of_the_test", "1.3.0", "SAID = 'padded'"),
        ["bundle", "exec", "ruby", "-rpad_of_the_test", "-e", "puts SAID"],
    ),
}


def tree(files: Mapping[str, bytes]) -> SourceTree:
    return SourceTree("t", {path: SourceFile(path, 0o100644, data) for path, data in files.items()})


@pytest.mark.parametrize("name", CASES)
async def test_an_app_is_installed_from_what_was_kept(
    name: str, backend: SandboxBackend, images: dict[str, str], tmp_path: Path
) -> None:
    files, file, data, command = CASES[name]
    kind = PackageKind.NPM if name == "yarn" else PackageKind(name)
    path = tmp_path / "package"
    path.write_bytes(data)
    digest = content_digest(data, "sha512" if kind is PackageKind.NPM else "sha256")
    package = Package(kind=kind, name="pad", version="1.3.0", url=URL, file=file, content=digest, locked=True)
    kept = (PackageFile(package, path),)
    subject = Subject(tree(files), "case", tmp_path, backend, images["rails"], images["base"], packages=kept)
    app = find_app(subject.tree)
    assert app is not None
    async with open_lab(subject, app) as lab:
        installed = await lab.install()
        assert installed.ok, installed.output
        assert installed.note == NOTES.get(name, "")
        said = await lab.execute(command, timeout_s=30)
        assert said.stdout == b"padded\n", said.stderr


class Seeing:
    """A lab probe that only notes which packages it is given."""

    id = "seeing"
    version = 1
    needs_lab = True
    checks: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.packages: tuple[PackageFile, ...] = ()

    async def run(self, subject: Subject) -> list[Finding]:
        self.packages = subject.packages
        return []


async def test_what_an_agent_fetched_is_kept_with_its_run_and_given_to_probes(
    bench: Workbench, job: Callable[..., TrialJob], registry: Registry, tmp_path: Path
) -> None:
    registry.files["/pad.tgz"] = PAD
    lock = npm_lock("pad-of-the-test", "1.3.0", f"{registry.url}/pad.tgz", PAD).decode()
    asked = f"curl -sf --noproxy '' -x http://127.0.0.1:8080 -o /tmp/pad.tgz {registry.url}/pad.tgz"
    async with open_gateway(registry.settings) as gateway:
        lenient = replace(bench, gateway=gateway)
        build = (f"cat > package-lock.json <<'LOCK'\n{lock}\nLOCK", asked)
        made = job(*build, egress=("localhost",))
        run = await run_attempt(lenient, made, lambda event: None)
    assert run.failure is None
    assert run.tree is not None
    assert [kept.name for kept in bench.archive.packages.of(run.tree)] == ["pad-of-the-test"]
    assert len(registry.asked) == 2  # by the agent, and once more by the runner
    assert all(complaints == [] for _, complaints in bench.archive.verify())
    probe, laboratory = Seeing(), Laboratory(bench.backend, bench.images, "lab:tag", tmp_path)
    case = case_of(run, made.task, bench.settings.images.sandboxes)
    [evidence] = await collect(bench.archive, case, [probe], laboratory, lambda event: None)
    assert evidence.environment.endswith(f"-packages-{bench.archive.packages.digest(run.tree)[:8]}")
    assert [each.path.read_bytes() for each in probe.packages] == [PAD]
