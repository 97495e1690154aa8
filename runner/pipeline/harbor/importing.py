"""A Harbor task directory becomes a task of ours: task, prompts, image, tests, and its solution as a demo.

The image is Harbor's Dockerfile with what a sandbox needs added at its end: Python, Git, the user `agent`,
and its working directory as a link to /workspace, which begins with what the image had there.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from runner.core.errors import ShipworthyError, UserError
from runner.core.records import Task
from runner.pipeline.grading.grader import get_task
from runner.pipeline.settings import Settings
from runner.sandbox.recipes import CA_BUNDLE, MANIFESTS
from runner.spec.harbor.reading import Files, HarborImage, HarborPhase, HarborTask, read_harbor, slug
from runner.spec.tasks import TESTS

RUBRIC, DEMO = "own_tests@1", "oracle"
SEED = "/opt/shipworthy/workspace"
SOLUTION = "harbor_solution"
_OPENING = re.compile(r"\{[{%#]")
_SANDBOX = """
# --- added for shipworthy: what every sandbox has, and the working directory as a link to /workspace
USER root
{workdir}RUN set -e; here="$PWD"; cd /; \\
    if command -v python3 && command -v git && command -v tar && command -v ps; then :; \\
    elif command -v apt-get >/dev/null; then \\
      apt-get update && apt-get install -y --no-install-recommends ca-certificates git procps python3 tar \\
      && rm -rf /var/lib/apt/lists/*; \\
    elif command -v apk >/dev/null; then \\
      apk add --no-cache bash ca-certificates coreutils git procps python3 tar; \\
    elif command -v dnf >/dev/null; then dnf install -y ca-certificates git procps-ng python3 tar; \\
    else echo 'python3, git, tar and ps are needed, and there is no way to install them'; exit 1; fi; \\
    name="$(getent passwd 1000 | cut -d: -f1)"; \\
    if [ -n "$name" ] && [ "$name" != agent ]; then sed -i "/^$name:/d" /etc/passwd; fi; \\
    grep -q '^agent:' /etc/group || echo 'agent:x:1000:' >> /etc/group; \\
    grep -q '^agent:' /etc/passwd || echo 'agent:x:1000:1000::/home/agent:/bin/bash' >> /etc/passwd; \\
    mkdir -p /home/agent /opt/shipworthy {seed} /workspace; \\
    if [ "$here" != / ] && [ -d "$here" ]; then cp -a "$here/." {seed}/; fi; \\
    if [ "$here" = /workspace ]; then find /workspace -mindepth 1 -delete; \\
    elif [ "$here" != / ]; then rm -rf "$here"; ln -s /workspace "$here"; fi; \\
    ln -sfn /tmp/solution /solution; \\
    chown -R 1000:1000 {seed} /home/agent /workspace; \\
    git config --system user.name agent; git config --system user.email agent@sandbox.invalid; \\
    git config --system init.defaultBranch main; git config --system --add safe.directory '*'
COPY {ca} /etc/ssl/certs/ca-certificates.crt
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt CURL_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \\
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt \\
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \\
    GIT_SSL_CAINFO=/etc/ssl/certs/ca-certificates.crt LANG=C.UTF-8
USER agent
WORKDIR /workspace
"""


@dataclass(frozen=True)
class ImportedTask:
    """The task, the folders that were written, and what is not as it was in Harbor."""

    task: Task
    folders: tuple[Path, ...]
    notes: tuple[str, ...]


def import_harbor(source: Path, settings: Settings, identity: str | None = None) -> ImportedTask:
    """Write it below tasks/ and sandboxes/; all of it, or nothing.

    Raises UserError if there is a task or an image of that name, SpecError naming file and field.
    """
    found = read_harbor(source)
    name = identity or found.id
    if name != slug(name):
        raise UserError(f"--id: {name!r} is no id; use a-z, 0-9 and _, as in {slug(name)}")
    sandboxes = settings.images.sandboxes
    folders = {settings.tasks / name: _task_files(found, name)}
    folders[sandboxes / name] = _image_files(found.image, _tail(found.workdir))
    if found.tests.image:
        folders[sandboxes / _tests_sandbox(name)] = _image_files(found.tests.image, "")
    if taken := [folder for folder in folders if folder.exists()]:
        raise UserError(f"{taken[0]}: is there already; choose another name with --id")
    try:
        for folder, files in folders.items():
            _write(folder, files)
        task = get_task(name, settings)
    except (OSError, ShipworthyError):
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return ImportedTask(task, tuple(folders), found.notes)


def _tests_sandbox(name: str) -> str:
    return f"{name}_tests"


def _tail(workdir: str | None) -> str:
    line = f"WORKDIR {workdir}\n" if workdir else ""
    return _SANDBOX.format(workdir=line, seed=SEED, ca=CA_BUNDLE)


def _image_files(image: HarborImage, tail: str) -> Files:
    env = "".join(f"ENV {name}={_quoted(value)}\n" for name, value in image.env.items())
    dockerfile = f"{image.dockerfile.rstrip()}\n{env}{tail}"
    kept = {path: file for path, file in image.files.items() if not path.startswith(f"{MANIFESTS}/")}
    return {**kept, "Dockerfile": (False, dockerfile.encode())}


def _quoted(value: str) -> str:
    escaped = re.sub(r'(["\\$])', r"\\\1", value.replace("\n", " "))
    return f'"{escaped}"'


def _task_files(found: HarborTask, name: str) -> Files:
    files = {f"prompts/{phase.id}.md.j2": (False, _template(phase).encode()) for phase in found.phases}
    files |= {f"{TESTS}/{path}": file for path, file in found.tests.files.items()}
    solved = [phase for phase in found.phases if "solve.sh" in phase.solution]
    for phase in solved:
        below = f"demos/{DEMO}/files/{SOLUTION}/{phase.id}"
        files |= {f"{below}/{path}": file for path, file in phase.solution.items()}
    if solved:
        files[f"demos/{DEMO}/script.yaml"] = (False, _yaml(_script(found.phases)))
    files["task.yaml"] = (False, _yaml(_document(found, name, has_demo=bool(solved))))
    return files


def _template(phase: HarborPhase) -> str:
    """The instruction as a template that renders to just that."""
    return _OPENING.sub(lambda match: f"{{{{ '{match[0]}' }}}}", phase.instruction)


def _document(found: HarborTask, name: str, has_demo: bool) -> dict[str, Any]:
    tests: dict[str, Any] = {"timeout_s": found.tests.timeout_s}
    if found.tests.env:
        tests["env"] = dict(found.tests.env)
    if found.tests.image:
        tests |= {"sandbox": _tests_sandbox(name), "place": found.workdir or "/workspace"}
    document = {
        "id": name,
        "title": found.title,
        "sandbox": name,
        "rubric": RUBRIC,
        "phases": [
            {"id": p.id, "prompt": f"prompts/{p.id}.md.j2", "limits": {"wall_s": p.wall_s}}
            for p in found.phases
        ],
        "egress": list(found.egress),
        "resources": found.resources.model_dump(),
        "seed": SEED,
        "tests": tests,
    }
    return document | ({"demo": f"demo/{DEMO}"} if has_demo else {})


def _script(phases: tuple[HarborPhase, ...]) -> dict[str, Any]:
    """The solution, played as a model would: written into the workspace, moved out of it, and run."""
    return {
        "title": "The task's own solution",
        "phases": {phase.id: list(_turns(phase)) for phase in phases if "solve.sh" in phase.solution},
    }


def _turns(phase: HarborPhase) -> Iterator[dict[str, Any]]:
    place = f"{SOLUTION}/{phase.id}"
    yield {"say": "The solution comes with the task.", "write": [place]}
    moved = f"rm -rf /tmp/solution && mv {place} /tmp/solution && rm -rf {SOLUTION}"
    yield {"run": f"{moved} && bash /solution/solve.sh"}
    yield {"say": "Done."}


def _yaml(document: Mapping[str, Any]) -> bytes:
    plain = json.loads(json.dumps(document))
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)
    return text.encode()


def _write(folder: Path, files: Files) -> None:
    for path, (executable, content) in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755 if executable else 0o644)
