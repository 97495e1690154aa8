"""Whether the produced Dockerfile builds and its image serves the app, in containers without network."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from runner.core.protocols import SandboxSpec, Subject
from runner.core.records import Finding
from runner.core.tree import SourceTree
from runner.probes.boot import why_not
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.dockerfile import Instruction, dockerfile_path, lineage, start_command
from runner.probes.kit.lab.confirmed import confirmed
from runner.probes.kit.lab.lab import Lab, RootPage
from runner.probes.kit.lab.logs import Log
from runner.probes.kit.lab.services import excused
from runner.probes.kit.lab.stub import Scenario
from runner.probes.kit.shipped.build import Built, built
from runner.probes.kit.shipped.objections import Refused, verdict_of
from runner.probes.kit.shipped.recipe import RUN_S, Vetted, vetted
from runner.probes.kit.shipped.serving import PORT, Service, serving
from runner.probes.kit.shipped.variables import GIVEN
from runner.probes.kit.verdicts import Verdict, bad, good, moot, place, unclear

BUILDS, STARTS = "docker_build.builds", "docker_build.starts"
UNPRIVILEGED, LINT = "docker_build.runs_unprivileged", "docker_build.lint"
_STEPS_DOWN = re.compile(r"\b(gosu|su-exec|setpriv|runuser|chroot|s6-setuidgid)\b")


class DockerBuildProbe:
    """Carries the Dockerfile out step by step; the engine's own builder never sees it.

    `run_s`: how long one RUN may take.
    """

    id = "docker_build"
    version = 2
    needs_lab = True
    checks: Mapping[str, str] = {
        BUILDS: "the Dockerfile builds",
        STARTS: "the built image starts and answers GET / below 500",
        UNPRIVILEGED: "the image runs as a user that is not root",
        LINT: "hadolint finds no error in the Dockerfile",
    }

    def __init__(self, run_s: float = RUN_S) -> None:
        self.run_s = run_s

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check; a failure is confirmed by a second, fresh build."""
        path = dockerfile_path(subject.tree, Application.of(subject.tree).folders)
        if path is None:
            return [moot("there is no Dockerfile").of(check) for check in self.checks]
        recipe = vetted(subject.tree, path, self.run_s)

        async def attempt(number: int) -> list[Finding]:
            log = Log()
            builds, starts = await _built_and_started(subject, recipe, log)
            log.keep(subject.artifacts, f"docker_build-{number}.log")
            return [builds.of(BUILDS), starts.of(STARTS)]

        lint = await linted(subject, path)
        user = unprivileged(subject.tree, recipe)
        return [*await confirmed(attempt), user.of(UNPRIVILEGED), lint.of(LINT)]


async def _built_and_started(subject: Subject, recipe: Vetted, log: Log) -> tuple[Verdict, Verdict]:
    if recipe.objections:
        return verdict_of(subject.tree, recipe.objections), moot("there is no image")
    if subject.workshop is None:
        return (nowhere := unclear("there is no workshop to build in")), nowhere
    folder = recipe.path[: recipe.path.rfind("/") + 1]
    try:
        async with built(subject, recipe, folder, {}, log) as image:
            builds = good(f"{recipe.path} builds, {len(recipe.stages)} stages")
            return builds, await _started(subject, image, log)
    except Refused as refused:
        verdict = verdict_of(subject.tree, [refused.objection])
        return verdict, unclear("the image could not be built here")


async def _started(subject: Subject, image: Built, log: Log) -> Verdict:
    if not image.state.argv:
        return bad("the image has neither CMD nor ENTRYPOINT")
    service = Service("app", image.image, image.state, GIVEN, port=next(iter(image.state.ports), PORT))
    async with serving(subject, [service], Scenario()) as lab, lab.running() as page:
        log.feed(lab.log.text.encode())
        return excused(subject.tree, "", lab.log.text, started(lab, page))


def started(lab: Lab, page: RootPage) -> Verdict:
    """Whether a shipped image came to serve. Only what the app itself said counts against it."""
    if page.is_ready:
        return good(f"the image serves, and GET / answered {page.status}", http_status=page.status)
    what, places = why_not(lab, page)
    # The image stands on one of ours, so what ends without a place in the repository may be for that.
    return bad(what, places) if places else unclear(f"in the stand-in image, {what}")


def unprivileged(tree: SourceTree, recipe: Vetted) -> Verdict:
    """The user of the last stage, by the Dockerfile; an entry point may step down by itself."""
    if not recipe.stages:
        return moot("the Dockerfile has no stage")
    steps = [step for stage in lineage(list(recipe.stages)) for step in reversed(stage.instructions)]
    user = next((step for step in steps if step.keyword == "USER"), None)
    name = user.arguments.partition(":")[0].strip() if user else ""
    if user and name not in ("", "0", "root"):
        if name.startswith("$"):
            return unclear(f"the user is {name[:60]}", [place(tree, recipe.path, user.line)])
        return good(f"it runs as {name[:60]}", [place(tree, recipe.path, user.line)])
    start = start_command(list(recipe.stages))
    if _steps_down(tree, [i for i in (start, *steps) if i is not None]):
        return unclear("it starts as root, and may step down by itself")
    line = user.line if user else recipe.stages[-1].line
    return bad("it runs as root: no USER is set", [place(tree, recipe.path, line)])


def _steps_down(tree: SourceTree, steps: list[Instruction]) -> bool:
    starts = " ".join(step.arguments for step in steps if step.keyword in ("CMD", "ENTRYPOINT"))
    scripts = [tree.text(p) or "" for p in tree if p.rpartition("/")[2] and p.rpartition("/")[2] in starts]
    return any(_STEPS_DOWN.search(text) for text in (starts, *scripts))


async def linted(subject: Subject, path: str) -> Verdict:
    """What hadolint calls an error; it runs in the helper's image, on the text alone."""
    if subject.backend is None or subject.helper_image is None:
        return unclear("there is no container engine to run hadolint in")
    text = (subject.tree.text(path) or "").encode()
    async with subject.backend.open(SandboxSpec(subject.helper_image, subject.run, "lab")) as sandbox:
        result = await sandbox.exec(
            ["sh", "-c", "exec hadolint --no-fail --format json -"], stdin=text, cwd="/tmp", timeout_s=30
        )
    try:
        found = json.loads(result.stdout)
    except ValueError:
        return unclear(f"hadolint could not be used (exit code {result.exit_code})")
    errors = [item for item in found if item["level"] == "error"]
    if not errors:
        return good(f"hadolint finds no error ({len(found)} lesser remarks)")
    places = [place(subject.tree, path, max(1, int(item["line"]))) for item in errors]
    return bad(f"{errors[0]['code']}: {str(errors[0]['message'])[:200]}", places)


PROBE = DockerBuildProbe()
