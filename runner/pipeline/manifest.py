"""API manifests: facts about a library, taken by reflection in the sandbox image that has it.

One JSON file a version, `sandboxes/<image>/manifests/<library>-<version>.json`, one line a method, so that a
change of the library reads well as a diff. Probes judge by them what an application calls.
"""

from __future__ import annotations

import json
import re
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
_MAX_SAID = 1_500
_LIBRARY = re.compile(r"[A-Za-z0-9](?:[\w.-]*\w)?")
_ROOT = re.compile(r"[A-Za-z_]\w*(?:(?:::|\.)\w+)*")
_VERSION = re.compile(r"\d[\w.+-]*")


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
    check(request)
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


def check(request: ManifestRequest) -> None:
    """Raise SpecError for names that no library, constant or version has, before a container is started."""
    forms = (
        ("--library", request.library, _LIBRARY, "a name it is required or imported by, such as ruby_llm"),
        ("--root", request.root, _ROOT, "a constant, such as RubyLLM"),
        ("--as", request.version, _VERSION, "a version, such as 2.0.dev"),
    )
    for option, value, form, wanted in forms:
        if value is not None and form.fullmatch(value) is None:
            raise SpecError(f"{option} {value!r}: is not {wanted}")
    if request.source is not None and not request.source.is_dir():
        raise SpecError(f"--from {request.source}: is not a folder; give the unpacked code of a version")


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
        raise UserError(explained(request, root, result.stderr.decode("utf-8", "replace")))
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def explained(request: ManifestRequest, root: str, said: str) -> str:
    """Why reflection failed, with what to do; the last words of a traceback where the reason is not known."""
    library, image = request.library, request.image
    if re.search(rf"(cannot load such file|No module named).*{re.escape(library)}", said):
        return (
            f"{library} cannot be loaded in image {image}, which has no {request.language} library so named: "
            f"add it to sandboxes/{image}/Dockerfile, or give its unpacked code with --from; see --language"
        )
    if f"uninitialized constant {root} " in said or f"uninitialized constant {root}\n" in said:
        return f"{library} has no constant {root}: name its root constant with --root"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = "\n".join(lines[-1:] if request.language == "python" else lines[:3])
    return f"{library} cannot be loaded in image {image}: {told[:_MAX_SAID]}"


def _camel_case(library: str) -> str:
    return "".join(part.capitalize() for part in library.replace("-", "_").split("_"))


def _sources(folder: Path) -> dict[str, bytes]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files if ".git" not in p.parts}
