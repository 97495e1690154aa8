"""API manifests: facts about a library, taken by reflection in the sandbox image that has it.

One JSON file a version, `sandboxes/<image>/manifests/<library>-<version>.json`, one line a method, so that a
change of the library reads well as a diff. Probes judge by them what an application calls.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.core.errors import SpecError, UserError
from runner.core.protocols import Sandbox, SandboxSpec
from runner.pipeline.settings import Settings
from runner.pipeline.workbench import Workbench
from runner.sandbox.recipes import MANIFESTS

REFLECT_S = 120
KEPT_BYTES = 50_000_000
SOURCE = "/workspace/library"


@dataclass(frozen=True)
class ManifestRequest:
    """`root` is the constant to begin with; `source` a folder with the code of a version not installed.

    `version` is what to call it where the code does not say it, as before a release.
    """

    image: str
    library: str
    language: str = "ruby"
    root: str | None = None
    source: Path | None = None
    version: str | None = None


async def build_manifest(bench: Workbench, request: ManifestRequest) -> Path:
    """Write the manifest of a library; returns its file. Raises UserError if the library cannot be loaded."""
    spec = SandboxSpec(
        image=bench.images[request.image], run=f"manifest/{request.library}", purpose="manifest"
    )
    async with bench.backend.open(spec) as sandbox:
        if request.source is not None:
            await sandbox.put(_sources(request.source), SOURCE)
        document = await _reflected(sandbox, request)
    document["version"] = request.version or document["version"]
    folder = bench.settings.root / "sandboxes" / request.image / MANIFESTS
    folder.mkdir(exist_ok=True)
    path = folder / f"{request.library}-{document['version']}.json"
    path.write_text(written(document), "utf-8")
    return path


def manifest_files(settings: Settings) -> list[Path]:
    """Every manifest, by sandbox and name."""
    return sorted(settings.images.sandboxes.glob(f"*/{MANIFESTS}/*.json"))


def written(document: dict[str, Any]) -> str:
    """A manifest as it is kept: sorted, one line a method."""
    head = {key: document[key] for key in ("language", "library", "version", "root")}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    modules = ",\n".join(_module(name, facts) for name, facts in sorted(document["modules"].items()))
    return "\n".join(["{", *lines, ' "modules": {', modules, " }", "}"]) + "\n"


def _module(name: str, facts: dict[str, Any]) -> str:
    parts = [f"   {json.dumps(key)}: {json.dumps(facts[key])}" for key in ("kind", "ancestors", "constants")]
    for key in ("singleton", "instance"):
        methods = [
            f"    {json.dumps(method)}: {json.dumps(told)}" for method, told in sorted(facts[key].items())
        ]
        body = "\n" + ",\n".join(methods) + "\n   " if methods else ""
        parts.append(f"   {json.dumps(key)}: {{{body}}}")
    return f"  {json.dumps(name)}: {{\n" + ",\n".join(parts) + "\n  }"


async def _reflected(sandbox: Sandbox, request: ManifestRequest) -> dict[str, Any]:
    program = {"ruby": "reflect.rb", "python": "reflect.py"}[request.language]
    text = (Path(__file__).with_name("inside") / program).read_bytes()
    root = request.root or _camel_case(request.library)
    command = {
        "ruby": ["ruby", "-W0", "-I", f"{SOURCE}/lib", "-", request.library, root],
        "python": ["python3", "-", request.library],
    }[request.language]
    env = {"PYTHONPATH": SOURCE} if request.source is not None else {}
    result = await sandbox.exec(command, stdin=text, env=env, timeout_s=REFLECT_S, keep_bytes=KEPT_BYTES)
    if not result.ok:
        said = result.stderr[-1500:].decode("utf-8", "replace").strip()
        raise UserError(f"{request.library} cannot be loaded in image {request.image}: {said}")
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def _camel_case(library: str) -> str:
    return "".join(part.capitalize() for part in library.replace("-", "_").split("_"))


def _sources(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise SpecError(f"--from {folder}: is not a folder")
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files if ".git" not in p.parts}
