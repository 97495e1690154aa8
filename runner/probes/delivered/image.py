"""How the shipped image runs: not as root, and with somebody who asks whether it still answers."""

from __future__ import annotations

import re

from runner.core.records import Location
from runner.probes.kit.files import dockerfile, yaml_data
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.compose import ComposeFile, compose_files, dockerfiles_built
from runner.probes.kit.files.dockerfile import Instruction, Stage
from runner.probes.kit.verdicts import Verdict, bad, good, moot, place, unclear

_ROOT = re.compile(r"(?:root|0)(?::.*)?")
_VARIABLE = re.compile(r"\$\{?(\w+)[^}\s:]*\}?")
_DROPS = re.compile(r"(?:^|[\s;&|\"'\[,])(?:gosu|su-exec|setpriv|runuser|chpst|su\s+-)[\"',\s]")
_LOCAL = re.compile(r"[\w./-]+")
_DEPLOYMENTS = (
    "config/deploy*.yml",
    "fly.toml",
    "render.y*ml",
    "*k8s*.y*ml",
    "*deployment*.y*ml",
    "app.json",
)
_DEPLOYED = re.compile(
    r"^\s*(?:-\s*)?(?:healthcheck:|livenessProbe:|readinessProbe:|healthCheckPath:|\[\[?[\w.]*checks\]?\])"
)


def image_user(app: Application) -> Verdict:
    """The image's process does not run as root."""
    path, stages = _shipped(app)
    if path is None:
        return moot("there is no Dockerfile with a FROM")
    user = _last(stages, "USER")
    name = _user(stages, user)
    if user is not None and name is None:
        return unclear("the USER is an ARG without a value", [place(app.tree, path, user.line)])
    if user is not None and name is not None and not _ROOT.fullmatch(name):
        return good(f"the image runs as {name}", [place(app.tree, path, user.line)], user=name)
    other = _composed_user(app, path)
    if other is not None:
        return other
    dropped = _drops_privileges(app, path, stages)
    if dropped is not None:
        return good("the start script gives root's rights up", [dropped])
    if user is not None:
        return bad("the image's last USER is root", [place(app.tree, path, user.line)])
    return _without_user(app, path, stages)


def _without_user(app: Application, path: str, stages: list[Stage]) -> Verdict:
    """No USER at all: an official image runs as root, of somebody's own nothing is known."""
    image = dockerfile.lineage(stages)[-1].image
    where = [place(app.tree, path, stages[-1].line)]
    if "/" in image.removeprefix("docker.io/").removeprefix("library/"):
        return unclear(f"no USER is set, and which one {image} sets is not known", where)
    return bad("the image runs as root: no USER is set", where)


def _user(stages: list[Stage], user: Instruction | None) -> str | None:
    """The user an instruction names, its variables filled in from ARG and ENV; None if they have no value."""
    if user is None:
        return None
    known = dict(_settings(stages))
    parts = [known.get(found) for found in _VARIABLE.findall(user.arguments)]
    if any(not part for part in parts):
        return None
    return _VARIABLE.sub(lambda found: known[found.group(1)], user.arguments.strip("\"'"))


def _settings(stages: list[Stage]) -> list[tuple[str, str]]:
    """What ARG and ENV of the stages set, in order."""
    instructions = [i for stage in stages for i in stage.instructions if i.keyword in ("ARG", "ENV")]
    return [pair for instruction in instructions for pair in dockerfile.assignments(instruction)]


def _last(stages: list[Stage], keyword: str) -> Instruction | None:
    """The instruction that counts: the last one of the last stage or of those it is built on."""
    found = (i for stage in dockerfile.lineage(stages) for i in reversed(stage.instructions))
    return next((i for i in found if i.keyword == keyword), None)


def _shipped(app: Application) -> tuple[str | None, list[Stage]]:
    path = dockerfile.dockerfile_path(app.tree, app.folders)
    stages = dockerfile.parse(app.tree.text(path) or "") if path else []
    return (path if stages else None), stages


def _building(app: Application, path: str) -> list[tuple[ComposeFile, dict[str, object]]]:
    """The services of compose files that are built from this Dockerfile."""
    return [
        (file, service)
        for file in compose_files(app.tree, app.folders)
        for service in file.services.values()
        if path in dockerfiles_built(ComposeFile(file.path, {"it": service}))
    ]


def _composed_user(app: Application, path: str) -> Verdict | None:
    """`user:` of every service that is built from it."""
    building = _building(app, path)
    users = [str(service.get("user") or "") for _, service in building]
    if building and all(user and not _ROOT.fullmatch(user) for user in users):
        return good(f"the compose file runs it as {users[0]}", [Location(path=building[0][0].path)])
    return None


def _drops_privileges(app: Application, path: str, stages: list[Stage]) -> Location | None:
    """Where a start command, or the script it starts, changes to another user."""
    commands = [c for c in (_last(stages, "ENTRYPOINT"), _last(stages, "CMD")) if c is not None]
    for command in commands:
        if _DROPS.search(f" {command.arguments} "):
            return place(app.tree, path, command.line)
        for word in _LOCAL.findall(command.arguments):
            name = word.rpartition("/")[2]
            scripts = (
                [p for p in app.tree if p.rpartition("/")[2] == name] if "." in word or "/" in word else []
            )
            for script in scripts:
                for number, line in enumerate((app.tree.text(script) or "").splitlines(), start=1):
                    if _DROPS.search(f" {line} ") and not line.lstrip().startswith("#"):
                        return place(app.tree, script, number)
    return None


def health_check(app: Application) -> Verdict:
    """The image or the compose file asks the running application whether it answers."""
    path, stages = _shipped(app)
    composed = [f for f in compose_files(app.tree, app.folders) if f.problem is None]
    if path is None and not composed:
        return moot("there is neither a Dockerfile nor a compose file")
    check = _last(stages, "HEALTHCHECK")
    if path is not None and check is not None and check.arguments.upper() != "NONE":
        return good("the image has a HEALTHCHECK", [place(app.tree, path, check.line)], via="image")
    services = _building(app, path) if path is not None else []
    services = services or [(f, s) for f in composed for s in f.services.values() if s.get("build")]
    checked = [file for file, service in services if _checks(service)]
    if checked:
        return good(
            "the compose file checks the application's health",
            [Location(path=checked[0].path)],
            via="compose",
        )
    deployed = [] if services else app.matches(_DEPLOYED, *_DEPLOYMENTS)
    if deployed:
        return good("what deploys it checks its health", deployed[:1], via="deployment")
    where = (
        [place(app.tree, path, stages[-1].line)] if path is not None else [Location(path=composed[0].path)]
    )
    return bad("neither a HEALTHCHECK nor a healthcheck of the application's service", where)


def _checks(service: dict[str, object]) -> bool:
    """Whether a service's own healthcheck is more than switched off."""
    check = yaml_data.mapping(service.get("healthcheck"))
    test = check.get("test")
    off = check.get("disable") is True or test in ("NONE", ["NONE"])
    return bool(test) and not off
