"""What an image is made of, and the tag that follows from it.

Names: `rails` is a folder of sandboxes/; `opencode` an agent, below /opt/opencode of the base image;
`rails+opencode` the sandbox with that folder copied on top, so that each agent is downloaded once.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner.core.errors import SetupError, SpecError, UserError
from runner.sandbox.host import Host

CA_BUNDLE = "ca-bundle.crt"
AGENTS_ON = "base"
MANIFESTS = "manifests"  # facts about what an image holds; they lie beside its recipe and are no part of it
_AGENT = """\
ARG PARENT={on}
FROM ${{PARENT}}
USER root
RUN mkdir -p /opt/{agent}
{install}
USER agent
"""
_LAYERED = """\
ARG PARENT={sandbox}
FROM {tag} AS agent
FROM ${{PARENT}}
COPY --from=agent /opt/{agent} /opt/{agent}
"""
_PARENT = re.compile(r"^ARG PARENT=(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class ImageSettings:
    """What image building depends on.

    `sandboxes` holds one folder an image; `logs` takes logs and the builders' lock. `ca_bundle` is None if
    the host has none. `proxies` are build arguments (`HTTP_PROXY`, ...). `mirror` serves Debian packages.
    `agents` holds the install lines of each agent that has any, by its id.
    """

    sandboxes: Path
    logs: Path
    ca_bundle: Path | None
    proxies: tuple[tuple[str, str], ...]
    mirror: str
    host: Host
    agents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """One image: its folder's files by path, with whether each is executable, the CA bundle among them."""

    name: str
    files: dict[str, tuple[bool, bytes]]

    @property
    def dockerfile(self) -> str:
        """Its text."""
        return self.files["Dockerfile"][1].decode()

    @property
    def parent(self) -> str | None:
        """The image it builds on: what `ARG PARENT=<name>` says."""
        found = _PARENT.search(self.dockerfile)
        return found[1] if found else None

    def starts_from(self, image: str) -> bool:
        """Whether one of its stages is built on `image`."""
        return any(line.split()[:2] == ["FROM", image] for line in self.dockerfile.splitlines())

    def digest(self, parent_tag: str | None) -> str:
        """SHA-256 over everything the image is made of, 64 hex digits."""
        total = hashlib.sha256(f"{parent_tag}\n".encode())
        for path, (executable, content) in sorted(self.files.items()):
            total.update(f"{path}\0{executable:d}\0{len(content)}\0".encode())
            total.update(content)
        return total.hexdigest()

    def context(self) -> io.BytesIO:
        """The files as the tar archive the engine builds from; alike on every machine."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for path, (executable, content) in sorted(self.files.items()):
                member = tarfile.TarInfo(path)
                member.mode, member.size = 0o755 if executable else 0o644, len(content)
                tar.addfile(member, io.BytesIO(content))
        buffer.seek(0)
        return buffer


@dataclass(frozen=True)
class Image:
    """A recipe with its place in the line of images; `tag` is the engine's name for it."""

    recipe: Recipe
    digest: str
    parent_tag: str | None

    @property
    def tag(self) -> str:
        """`shipworthy/<name>:<12 hex>`, with `-` for `+`."""
        return f"shipworthy/{self.recipe.name.replace('+', '-')}:{self.digest[:12]}"


def image_names(settings: ImageSettings) -> list[str]:
    """Every sandbox image that can be built, sorted."""
    return sorted(found.parent.name for found in settings.sandboxes.glob("*/Dockerfile"))


def image_line(name: str, settings: ImageSettings) -> list[Image]:
    """The images to build for `name`, itself last.

    Raises UserError for an unknown name, SpecError for a circle of parents, SetupError without CA bundle.
    """
    sandbox, plus, agent = name.partition("+")
    if not plus:
        return _line_of_parents(name, settings)
    if agent not in settings.agents:
        raise UserError(
            f"unknown agent {agent!r} in image {name!r}; known: {', '.join(sorted(settings.agents))}"
        )
    below = [*image_line(agent, settings), *image_line(sandbox, settings)]
    recipe = _recipe(name, _LAYERED.format(sandbox=sandbox, agent=agent, tag=image_tag(agent, settings)))
    once = {image.tag: image for image in below}
    return [*once.values(), Image(recipe, recipe.digest(below[-1].tag), below[-1].tag)]


def with_agent(sandbox: str, agent: str, settings: ImageSettings) -> str:
    """The name of the image that a sandbox's runs with an agent use."""
    return f"{sandbox}+{agent}" if agent in settings.agents else sandbox


def all_image_names(settings: ImageSettings) -> list[str]:
    """Every sandbox, and every agent on the base image."""
    return [*image_names(settings), *(f"{AGENTS_ON}+{agent}" for agent in sorted(settings.agents))]


def _line_of_parents(name: str, settings: ImageSettings) -> list[Image]:
    recipes: list[Recipe] = []
    wanted: str | None = name
    while wanted is not None:
        if any(recipe.name == wanted for recipe in recipes):
            raise SpecError(f"{settings.sandboxes / wanted / 'Dockerfile'}: PARENT goes round in a circle")
        recipes.append(_read(wanted, settings))
        wanted = recipes[-1].parent
    images: list[Image] = []
    for recipe in reversed(recipes):
        parent_tag = images[-1].tag if images else None
        images.append(Image(recipe, recipe.digest(parent_tag), parent_tag))
    return images


def image_tag(name: str, settings: ImageSettings) -> str:
    """The tag of an image as its inputs are now, built or not."""
    return image_line(name, settings)[-1].tag


def _read(name: str, settings: ImageSettings) -> Recipe:
    if name in settings.agents:
        return _recipe(name, _AGENT.format(on=AGENTS_ON, agent=name, install=settings.agents[name]))
    folder = settings.sandboxes / name
    if name not in image_names(settings):
        raise UserError(f"unknown image {name!r}; known: {', '.join(image_names(settings)) or 'none'}")
    files = {
        path.relative_to(folder).as_posix(): (bool(path.stat().st_mode & 0o100), path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and folder / MANIFESTS not in path.parents
    }
    recipe = Recipe(name, files)
    if f"COPY {CA_BUNDLE}" in recipe.dockerfile:
        files[CA_BUNDLE] = (False, _ca_bundle(settings))
    return recipe


def _recipe(name: str, dockerfile: str) -> Recipe:
    return Recipe(name, {"Dockerfile": (False, dockerfile.encode())})


def _ca_bundle(settings: ImageSettings) -> bytes:
    if settings.ca_bundle is None:
        raise SetupError("this machine has no CA bundle; name one: SHIPWORTHY_CA_BUNDLE=/path/to/bundle.crt")
    try:
        return settings.ca_bundle.read_bytes()
    except OSError as error:
        raise SetupError(f"the CA bundle cannot be read (setting: SHIPWORTHY_CA_BUNDLE): {error}") from error
