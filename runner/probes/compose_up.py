"""Whether the produced compose file is safe, and brings up an app that answers, without any network."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from runner.core.protocols import Subject
from runner.core.records import Finding, Location, Outcome
from runner.core.tree import SourceFile, SourceTree
from runner.probes.docker_build import started
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.compose import ComposeFile, compose_files
from runner.probes.kit.files.yaml_data import mapping
from runner.probes.kit.lab.confirmed import confirmed
from runner.probes.kit.lab.lab import Lab
from runner.probes.kit.lab.logs import Log
from runner.probes.kit.lab.services import excused
from runner.probes.kit.lab.stub import Scenario
from runner.probes.kit.shipped.build import Built, State, built, shell_words
from runner.probes.kit.shipped.objections import Objection, Refused, verdict_of
from runner.probes.kit.shipped.policy import interpolated, objections
from runner.probes.kit.shipped.recipe import vetted
from runner.probes.kit.shipped.serving import PORT, Service, serving
from runner.probes.kit.verdicts import Verdict, bad, good, moot, place, unclear
from runner.probes.kit.visit.turns import PATIENCE_S, new_turns
from runner.probes.kit.visit.two_turns import Seen, judged

VETTED, COMES_UP = "compose_up.vetted", "compose_up.comes_up"
HEALTHY, ANSWERS = "compose_up.healthy", "compose_up.answers_a_turn"
_MAX_SERVICES = 8
Three = tuple[Verdict, Verdict, Verdict]


class ComposeUpProbe:
    """Brings services up by steps of our own; the file itself never reaches Compose or the engine."""

    id = "compose_up"
    version = 1
    needs_lab = True
    checks: Mapping[str, str] = {
        VETTED: "the compose file asks for nothing of the host",
        COMES_UP: "the services build and start",
        HEALTHY: "the app's health check passes, or its page is served",
        ANSWERS: "a message typed into the page is answered",
    }

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check; a failure is confirmed by a second, fresh start."""
        files = compose_files(subject.tree, Application.of(subject.tree).folders)
        if not files:
            return [moot("there is no compose file").of(check) for check in self.checks]
        file = files[0]
        against = objections(subject.tree, file)
        if not against and file.problem:
            against = [Objection(file.path, file.line, file.problem, is_fault=True)]
        safe = _vetted(subject.tree, file, against)
        if against:
            refused = unclear("it is not brought up: " + against[0].told)
            return [safe.of(VETTED), *(refused.of(check) for check in (COMES_UP, HEALTHY, ANSWERS))]

        async def attempt(number: int) -> list[Finding]:
            log = Log()
            three = await _brought_up(subject, file, log)
            log.keep(subject.artifacts, f"compose_up-{number}.log")
            return [v.of(c) for c, v in zip((COMES_UP, HEALTHY, ANSWERS), three, strict=True)]

        return [safe.of(VETTED), *await confirmed(attempt)]


def _vetted(tree: SourceTree, file: ComposeFile, against: list[Objection]) -> Verdict:
    if against:
        return verdict_of(tree, against)
    return good(f"{file.path} asks for nothing of the host", [Location(path=file.path)])


async def _brought_up(subject: Subject, file: ComposeFile, log: Log) -> Three:
    if subject.workshop is None:
        return (nowhere := unclear("there is no workshop to build in")), nowhere, nowhere
    try:
        async with AsyncExitStack() as stack:
            services = await _services(subject, file, log, stack)
            return await _seen(subject, file, services, log)
    except Refused as refused:
        verdict = verdict_of(subject.tree, [refused.objection])
        rest = unclear("the services could not be brought up here")
        return verdict, rest, rest


async def _services(subject: Subject, file: ComposeFile, log: Log, stack: AsyncExitStack) -> list[Service]:
    """Every service with its image, the app first."""
    named = {name: mapping(interpolated(item)) for name, item in file.services.items()}
    if len(named) > _MAX_SERVICES:
        raise Refused(Objection(file.path, None, f"names more than {_MAX_SERVICES} services"))
    order = sorted(named, key=lambda name: ("build" not in named[name], not named[name].get("ports")))
    made: dict[str, Built] = {}
    services = []
    for name in order:
        item = named[name]
        key = repr(item.get("build")) if item.get("build") else str(item.get("image"))
        if key not in made:
            made[key] = await _image(subject, file, name, item, log, stack)
        services.append(_service(subject.tree, file, name, item, made[key]))
    return services


async def _image(
    subject: Subject, file: ComposeFile, name: str, item: Mapping[str, Any], log: Log, stack: AsyncExitStack
) -> Built:
    assert subject.workshop is not None
    home = posixpath.dirname(file.path)
    if not item.get("build"):
        base = subject.workshop.base(str(item.get("image") or ""))
        if base is None or not item.get("command"):
            told = (
                f"service {name[:60]} needs the image {str(item.get('image'))[:80]}, which is not to be had"
            )
            raise Refused(Objection(file.path, None, told))
        return Built(base.image, State(env=base.env, drops=base.drops))
    build = item["build"]
    options = mapping(build) or {"context": build}
    folder = posixpath.normpath(posixpath.join(home, str(options.get("context") or ".")))
    folder = "" if folder == "." else f"{folder}/"
    recipe = vetted(subject.tree, folder + str(options.get("dockerfile") or "Dockerfile"))
    args = _pairs(options.get("args"))
    making = built(subject, recipe, folder, args, log, str(options.get("target") or ""))
    return await stack.enter_async_context(making)


def _service(
    tree: SourceTree, file: ComposeFile, name: str, item: Mapping[str, Any], image: Built
) -> Service:
    state = image.state
    env: dict[str, str] = {}
    home = posixpath.dirname(file.path)
    for entry in _items(item.get("env_file")):
        path = posixpath.normpath(posixpath.join(home, str(mapping(entry).get("path") or entry)))
        lines = (tree.text(path) or "").splitlines()
        env |= _pairs([line for line in lines if line.strip() and not line.lstrip().startswith("#")])
    env |= _pairs(item.get("environment"))
    entrypoint, command = shell_words(item.get("entrypoint")), shell_words(item.get("command"))
    start = (*(entrypoint or state.entrypoint), *(command or (() if entrypoint else state.command)))
    user = str(item.get("user") or state.user)
    folder = str(item.get("working_dir") or state.folder)
    state = State(state.env, {}, state.drops, folder, user, state.shell, (), start, state.ports, state.health)
    return Service(name, image.image, state, env, _mounted(tree, home, item), _port(item, state))


def _mounted(tree: SourceTree, home: str, item: Mapping[str, Any]) -> dict[str, SourceFile]:
    """Folders of the repository that a service mounts, as copies of their files."""
    files: dict[str, SourceFile] = {}
    for volume in _items(item.get("volumes")):
        options = mapping(volume)
        source, _, rest = str(volume).partition(":")
        if options:
            source, rest = str(options.get("source") or ""), str(options.get("target") or "")
        if not source.startswith(".") or not rest.startswith("/"):
            continue
        target = rest.partition(":")[0]
        folder = posixpath.normpath(posixpath.join(home, source))
        for path, found in tree.files.items():
            if folder in (".", path) or path.startswith(f"{folder}/"):
                below = path if folder == "." else path[len(folder) :].lstrip("/")
                files[posixpath.join(target, below) if below else target] = found
    return files


def _port(item: Mapping[str, Any], state: State) -> int:
    """The port in the container that the app's page is at."""
    for entry in _items(item.get("ports")):
        told = str(mapping(entry).get("target") or entry).partition("/")[0].rpartition(":")[2]
        if re.fullmatch(r"\d{1,5}", told):
            return int(told)
    return next(iter(state.ports), PORT)


async def _seen(subject: Subject, file: ComposeFile, services: list[Service], log: Log) -> Three:
    one, two = turns = new_turns(2)
    scenario = Scenario(tuple((turn.text, turn.reply) for turn in turns))
    async with serving(subject, services, scenario) as lab, lab.running() as page:
        up = excused(subject.tree, "", lab.log.text, started(lab, page))
        log.feed(lab.log.text.encode())
        if up.outcome is not Outcome.PASS:
            return up, moot("the app does not start"), moot("the app does not start")
        health = await _health(subject, file, services[0], lab)
        told = [{"text": turn.text, "expect": turn.nonce} for turn in turns]
        report = await lab.visit({"do": "converse", "patience_s": PATIENCE_S, "turns": told})
        seen = Seen((one, two), report, lab.provider, lab.log.text, alive=True)
        sent, _, shown, _ = judged(subject.tree, lab.app, seen)
        return up, health, shown if sent.outcome is Outcome.PASS else sent


async def _health(subject: Subject, file: ComposeFile, service: Service, lab: Lab) -> Verdict:
    item = mapping(mapping(file.services.get(service.name)).get("healthcheck"))
    test = interpolated(item.get("test"))
    if isinstance(test, list) and test[:1] in (["CMD"], ["CMD-SHELL"]):
        words = [str(word) for word in test[1:]]
        argv = tuple(words) if test[0] == "CMD" else ("sh", "-c", " ".join(words))
    else:
        argv = shell_words(test or service.state.health)
    if not argv or item.get("disable") or test == ["NONE"]:
        return good("the root page is served; there is no health check of its own")
    result = await lab.execute(argv, timeout_s=30)
    if result.ok:
        return good("its health check passes")
    if result.exit_code in (126, 127):
        return unclear("its health check uses a program that the stand-in image does not have")
    return bad(f"its health check ends with {result.exit_code}", [place(subject.tree, file.path)])


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _pairs(value: Any) -> dict[str, str]:
    """Variables, given as a mapping or as NAME=value; a name alone would take the host's, and is left out."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items() if v is not None}
    pairs = (str(entry).partition("=") for entry in _items(value))
    return {name.strip(): text.strip().strip("\"'") for name, sign, text in pairs if sign}


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


PROBE = ComposeUpProbe()
