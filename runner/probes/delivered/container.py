"""How the application is shipped: Dockerfile, compose file, README."""

from __future__ import annotations

from runner.core.records import Location
from runner.probes.kit.files import dockerfile, readme
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.compose import NAMES, compose_files
from runner.probes.kit.verdicts import Verdict, bad, good, place


def docker_file(app: Application) -> Verdict:
    """There is a Dockerfile with a FROM and a start command."""
    path = dockerfile.dockerfile_path(app.tree, app.folders)
    if path is None:
        return bad("no Dockerfile")
    stages = dockerfile.parse(app.tree.text(path) or "")
    if not stages:
        return bad(f"{path} has no FROM", [Location(path=path)])
    start = dockerfile.start_command(stages)
    if start is None:
        return bad(f"{path} has neither CMD nor ENTRYPOINT", [place(app.tree, path, stages[-1].line)])
    return good(f"{path} starts with {start.keyword}", [place(app.tree, path, start.line)])


def compose(app: Application) -> Verdict:
    """There is a readable compose file that names a service."""
    files = compose_files(app.tree, app.folders)
    if not files:
        return bad(f"none of {', '.join(NAMES)} is there")
    sound = next((file for file in files if file.problem is None), None)
    if sound is None:
        broken = files[0]
        return bad(f"{broken.path}: {broken.problem}", [place(app.tree, broken.path, broken.line)])
    return good(f"{sound.path} names {', '.join(sorted(sound.services))}", [Location(path=sound.path)])


def read_me(app: Application) -> Verdict:
    """A README says what the application is, how to set it up and how to run it."""
    found = readme.find(app.tree, app.folders)
    if found is None:
        return bad("no README")
    where = [Location(path=found.path)]
    if found.stock:
        return bad(
            f"{found.path} is the generator's template", where, stock=True, missing=list(found.missing)
        )
    if found.missing:
        return bad(
            f"{found.path} does not say {' nor '.join(found.missing)}", where, missing=list(found.missing)
        )
    return good(f"{found.path} says what it is, how to set it up and how to run it", where)
