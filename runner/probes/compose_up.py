"""Whether the produced compose file is safe, and brings up an app that answers, without any network."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from runner.core.protocols import Subject
from runner.core.records import Finding, Location, Outcome
from runner.core.tree import SourceTree
from runner.probes.docker_build import started
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.compose import ComposeFile, compose_files
from runner.probes.kit.files.yaml_data import mapping
from runner.probes.kit.lab.confirmed import confirmed
from runner.probes.kit.lab.lab import Lab
from runner.probes.kit.lab.logs import Log
from runner.probes.kit.lab.services import excused
from runner.probes.kit.lab.stub import Scenario
from runner.probes.kit.shipped.build import Built, built
from runner.probes.kit.shipped.composition import Composition
from runner.probes.kit.shipped.objections import Objection, Refused, verdict_of
from runner.probes.kit.shipped.policy import objections
from runner.probes.kit.shipped.recipe import vetted, vetted_text
from runner.probes.kit.shipped.services import health_check, service_of, texts
from runner.probes.kit.shipped.serving import Service, serving
from runner.probes.kit.shipped.state import State
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
    version = 2
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
            whole = Composition(subject.tree, file.path)
            services = await _services(subject, whole, log, stack)
            return await _seen(subject, whole, services, log)
    except Refused as refused:
        verdict = verdict_of(subject.tree, [refused.objection])
        rest = unclear("the services could not be brought up here")
        return verdict, rest, rest


async def _services(subject: Subject, whole: Composition, log: Log, stack: AsyncExitStack) -> list[Service]:
    """Every service with its image, the app first."""
    named = whole.services()
    if not named:
        raise Refused(Objection(whole.path, None, "has no service that starts without a profile"))
    if len(named) > _MAX_SERVICES:
        raise Refused(Objection(whole.path, None, f"names more than {_MAX_SERVICES} services"))
    order = sorted(named, key=lambda name: (not named[name].get("build"), not named[name].get("ports")))
    made: dict[str, Built] = {}
    services = []
    for name in order:
        item = named[name]
        key = repr(item.get("build")) if item.get("build") else str(item.get("image"))
        if key not in made:
            made[key] = await _image(subject, whole.path, name, item, log, stack)
        services.append(service_of(whole, name, item, made[key]))
    return services


async def _image(
    subject: Subject, path: str, name: str, item: Mapping[str, Any], log: Log, stack: AsyncExitStack
) -> Built:
    assert subject.workshop is not None
    if not item.get("build"):
        base = subject.workshop.base(str(item.get("image") or ""))
        if base is None or not item.get("command"):
            told = (
                f"service {name[:60]} needs the image {str(item.get('image'))[:80]}, which is not to be had"
            )
            raise Refused(Objection(path, None, told))
        return Built(base.image, State(env=base.env, drops=base.drops))
    options = mapping(item["build"]) or {"context": item["build"]}
    folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), str(options.get("context") or ".")))
    folder = "" if folder == "." else f"{folder}/"
    args = texts(options.get("args"))
    if inline := options.get("dockerfile_inline"):
        recipe = vetted_text(str(inline), path, args=args)
    else:
        there = posixpath.normpath(posixpath.join(folder, str(options.get("dockerfile") or "Dockerfile")))
        recipe = vetted(subject.tree, there, args=args)
    making = built(subject, recipe, folder, args, log, str(options.get("target") or ""))
    return await stack.enter_async_context(making)


async def _seen(subject: Subject, whole: Composition, services: list[Service], log: Log) -> Three:
    one, two = turns = new_turns(2)
    scenario = Scenario(tuple((turn.text, turn.reply) for turn in turns))
    async with serving(subject, services, scenario) as lab, lab.running() as page:
        up = excused(subject.tree, "", lab.log.text, started(lab, page))
        log.feed(lab.log.text.encode())
        if up.outcome is not Outcome.PASS:
            return up, moot("the app does not start"), moot("the app does not start")
        health = await _health(subject.tree, whole, services[0], lab)
        told = [{"text": turn.text, "expect": turn.nonce} for turn in turns]
        report = await lab.visit({"do": "converse", "patience_s": PATIENCE_S, "turns": told})
        seen = Seen((one, two), report, lab.provider, lab.log.text, alive=True)
        sent, _, shown, _ = judged(subject.tree, lab.app, seen)
        return up, health, shown if sent.outcome is Outcome.PASS else sent


async def _health(tree: SourceTree, whole: Composition, service: Service, lab: Lab) -> Verdict:
    check = health_check(service, mapping(whole.services().get(service.name)).get("healthcheck"))
    if not check.argv:
        return good("the root page is served; there is no health check of its own")
    tries = 0
    while True:
        # Within the container's own limit, which would end the whole of it.
        limited = ("timeout", "-k", "1", str(check.timeout_s), *check.argv)
        result = await lab.execute(limited, timeout_s=check.timeout_s + 30)
        tries += 1
        if result.ok:
            return good(f"its health check passes, at try {tries}", tries=tries)
        if tries > check.retries:
            break
        await asyncio.sleep(check.interval_s)
    if result.exit_code in (126, 127):
        return unclear("its health check uses a program that the stand-in image does not have")
    why = "does not end" if result.exit_code == 124 else f"ends with {result.exit_code}"
    return bad(f"its health check {why}, {tries} times", [place(tree, whole.path)], tries=tries)


PROBE = ComposeUpProbe()
