"""A vetted Dockerfile carried out step by step in sealed containers of the workshop."""

from __future__ import annotations

import io
import posixpath
import re
import shlex
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from runner.core.errors import SandboxGone
from runner.core.protocols import Subject, Workpiece
from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.files.dockerfile import Instruction, Stage, assignments, filled
from runner.probes.kit.lab.logs import Flood, Log, error_line, error_places
from runner.probes.kit.shipped.objections import Objection, Refused
from runner.probes.kit.shipped.recipe import CONTEXT_BYTES, Vetted, Words, context_of, listed, words_of

COPIED_BYTES = 300_000_000
# Failures for want of the network or of what a stand-in image does not have are nobody's fault.
_EXCUSED = re.compile(
    r"could not (?:resolve|reach)|check your network|HTTPError|SocketError|"
    r"temporary failure|network is unreachable|not in the mirror|could not find gem|"
    r"could not find \S+ in (locally|any)|could not fetch|unable to locate package|getaddrinfo|EAI_AGAIN|"
    r"ENETUNREACH|ECONNREFUSED|ENOTFOUND|no matching distribution|command not found|: not found|"
    r"connection (error|refused|failed)|failed to (connect|fetch|download)|requires ruby version|"
    r"your ruby version|bundler could not|gem::|already exists|cannot allocate memory|could not be found",
    re.I,
)


@dataclass(frozen=True)
class State:
    """What an image says of its commands; `args` are known to the build alone."""

    env: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    drops: frozenset[str] = frozenset()
    folder: str = "/"
    user: str = ""
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    health: str = ""

    @property
    def known(self) -> dict[str, str]:
        """Every variable an instruction can name."""
        return {**self.args, **self.env}

    @property
    def passed(self) -> dict[str, str]:
        """The variables its commands get."""
        return {name: value for name, value in self.env.items() if name not in self.drops}

    @property
    def argv(self) -> tuple[str, ...]:
        """How it starts."""
        return (*self.entrypoint, *self.command)


@dataclass(frozen=True)
class Built:
    """A finished image."""

    image: str
    state: State


@asynccontextmanager
async def built(
    subject: Subject, vetted: Vetted, folder: str, args: Mapping[str, str], log: Log, target: str = ""
) -> AsyncIterator[Built]:
    """The image a Dockerfile describes, removed at the end. Raises Refused with the step that stopped it."""
    async with AsyncExitStack() as stack:
        build = _Build(subject, vetted, folder, args, log, stack)
        try:
            made = await build.through(target)
        except SandboxGone as error:
            raise Refused(Objection(vetted.path, build.line, f"could not be finished: {error}")) from error
        yield made


class _Build:
    def __init__(
        self,
        subject: Subject,
        vetted: Vetted,
        folder: str,
        args: Mapping[str, str],
        log: Log,
        stack: AsyncExitStack,
    ) -> None:
        assert subject.workshop is not None
        self.line: int | None = None
        self._subject, self._workshop, self._vetted = subject, subject.workshop, vetted
        self._args, self._log, self._stack = args, log, stack
        self._context = context_of(subject.tree, folder, vetted.path)
        self._pieces: list[Workpiece] = []
        self._states: list[State] = []

    async def through(self, target: str) -> Built:
        """Carry out all stages that the wanted one needs."""
        if self._vetted.objections:
            raise Refused(self._vetted.objections[0])
        if sum(len(file.content) for file in self._context.values()) > CONTEXT_BYTES:
            raise self._refusal(f"its context is larger than {CONTEXT_BYTES // 10**6} MB")
        for stage in self._vetted.stages:
            await self._stage(stage)
            if target and target.lower() in (stage.name, str(len(self._pieces) - 1)):
                break
        image = await self._stack.enter_async_context(self._pieces[-1].committed())
        return Built(image, self._states[-1])

    def _refusal(self, reason: str, is_fault: bool = False) -> Refused:
        return Refused(Objection(self._vetted.path, self.line, reason, is_fault))

    async def _stage(self, stage: Stage) -> None:
        self.line = stage.line
        if stage.parent is not None:
            parent = self._pieces[stage.parent]
            image = await self._stack.enter_async_context(parent.committed())
            state, prepare = replace(self._states[stage.parent], args={}), ""
        else:
            base = self._workshop.base(stage.image)
            if base is None:
                raise self._refusal(f"the image {stage.image[:100]} is not to be had here")
            image, prepare = base.image, base.prepare
            state = State(env=base.env, drops=base.drops)
        opening = self._workshop.open(image, self._subject.run, self._subject.resources)
        piece = await self._stack.enter_async_context(opening)
        if prepare:
            await piece.exec(["sh", "-c", prepare])
        for step in stage.instructions:
            self.line = step.line
            self._log.feed(f"Step {step.keyword} {step.arguments[:200]}\n".encode())
            state = await self._step(piece, state, step)
        self._pieces.append(piece)
        self._states.append(state)

    async def _step(self, piece: Workpiece, state: State, step: Instruction) -> State:
        if step.keyword == "RUN":
            await self._run(piece, state, words_of(step).rest)
        elif step.keyword in ("COPY", "ADD"):
            await self._copy(piece, state, words_of(step))
        elif step.keyword == "WORKDIR":
            folder = posixpath.join(state.folder, filled(step.arguments, state.known))
            await piece.exec(["mkdir", "-p", folder])
            return replace(state, folder=folder)
        return declared(state, step, self._args)

    async def _run(self, piece: Workpiece, state: State, text: str) -> None:
        if text.startswith("<<"):
            text = text.partition(" ")[2]
        argv = listed(text) or [*state.shell, text]
        env = {**state.args, **state.passed}
        try:
            result = await piece.exec(
                argv,
                env={name: value for name, value in env.items() if name not in state.drops},
                cwd=state.folder,
                user=state.user or "0:0",
                timeout_s=self._vetted.run_s,
                on_output=self._log.feed,
                keep_bytes=100_000,
            )
        except Flood:
            raise self._refusal("RUN writes without end", is_fault=True) from None
        if result.timed_out:
            raise self._refusal(f"RUN did not end within {self._vetted.run_s:.0f} s")
        if not result.ok:
            said = Log()
            said.feed(result.stdout + b"\n" + result.stderr)
            output = said.text
            why = f"RUN ended with exit code {result.exit_code}: {error_line(output)}"
            # The image is a stand-in: only what names a place in the repository is the repository's fault.
            told = bool(error_places(self._subject.tree, "", output)) and not _EXCUSED.search(output)
            raise self._refusal(why, is_fault=told and result.exit_code != 137)

    async def _copy(self, piece: Workpiece, state: State, words: Words) -> None:
        names = listed(words.rest) or words.rest.split()
        names = [filled(name, state.known) for name in names]
        if len(names) < 2:
            raise self._refusal("needs a source and a destination", is_fault=True)
        *sources, destination = names
        into = destination.endswith("/") or destination == "." or len(sources) > 1
        place = posixpath.normpath(posixpath.join(state.folder, destination))
        source_stage = words.flag("from").lower()
        if source_stage:
            await self._from_stage(piece, source_stage, sources, place, into)
        else:
            files = self._chosen(sources, place, into)
            await self._unpack(piece, "/", tar_of(files))
        owner, mode = filled(words.flag("chown"), state.known), words.flag("chmod")
        for program, value in (("chown", owner), ("chmod", mode)):
            if value and place != "/":
                await piece.exec([program, "-R", value, place])

    def _chosen(self, sources: list[str], place: str, into: bool) -> dict[str, SourceFile]:
        chosen: dict[str, SourceFile] = {}
        for source in sources:
            wanted = posixpath.normpath(f"/{source}").strip("/")  # never above the context
            found = {p: f for p, f in self._context.items() if not wanted or fnmatchcase(p, wanted)}
            if wanted and not found:
                below = {p: f for p, f in self._context.items() if fnmatchcase(p, f"{wanted}/*")}
                depth = wanted.count("/") + 1
                chosen |= {_under(place, "/".join(p.split("/")[depth:])): f for p, f in below.items()}
                if not below and not any(c in wanted for c in "*?["):
                    raise self._refusal(f"copies {wanted[:100]}, which is not in the context", is_fault=True)
            elif not wanted:
                chosen |= {_under(place, path): file for path, file in found.items()}
            else:
                many = into or len(found) > 1
                named = {_under(place, posixpath.basename(p)) if many else place: f for p, f in found.items()}
                chosen |= named
        return chosen

    async def _from_stage(
        self, piece: Workpiece, name: str, sources: list[str], place: str, into: bool
    ) -> None:
        numbers = {stage.name: n for n, stage in enumerate(self._vetted.stages[: len(self._pieces)])}
        number = int(name) if name.isdigit() else numbers.get(name, len(self._pieces))
        if number >= len(self._pieces):
            raise self._refusal(f"copies from {name[:40]}, which is no earlier stage", is_fault=True)
        for source in sources:
            packed = await self._pieces[number].exec(
                ["sh", "-c", _PACK, posixpath.join("/", source)], keep_bytes=COPIED_BYTES, timeout_s=120
            )
            if not packed.ok:
                raise self._refusal(f"copies {source[:100]}, which stage {name[:40]} does not have")
            if packed.truncated:
                raise self._refusal(f"copies more than {COPIED_BYTES // 10**6} MB")
            await self._unpack(piece, place, packed.stdout, posixpath.basename(source) if into else "")

    async def _unpack(self, piece: Workpiece, place: str, data: bytes, name: str = "") -> None:
        script = _UNPACK if place != "/" else 'tar -x -o -f - -C "$0"'
        result = await piece.exec(["sh", "-c", script, place, name], stdin=data, timeout_s=120)
        if not result.ok:
            raise self._refusal(
                f"files could not be copied: {result.stderr[-200:].decode('utf-8', 'replace')}"
            )


_PACK = 'if [ -d "$0" ]; then tar -c -f - -C "$0" .; else tar -c -f - -C "${0%/*}/" "${0##*/}"; fi'
# A single file that is not copied into a folder takes the destination's own name.
_UNPACK = """t=$(mktemp -d) && tar -x -f - -C "$t" || exit 1
set -- "$1" "$t"/* "$t"/.[!.]*
if [ -n "$1" ] || [ -d "$0" ] || [ ! -f "$2" ] || [ -e "$3" ]; then
  mkdir -p "$0" && cp -a "$t"/. "$0"/
else mkdir -p "${0%/*}/" && cp -a "$2" "$0"; fi && rm -rf "$t" """


def _under(place: str, path: str) -> str:
    return posixpath.join(place, path)


def tar_of(files: Mapping[str, SourceFile]) -> bytes:
    """Files and links under absolute paths; nothing else can be in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, file in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            if file.is_link:
                member.type, member.linkname = tarfile.SYMTYPE, file.content.decode("utf-8", "replace")
                tar.addfile(member)
            else:
                member.mode, member.size = file.mode & 0o777, len(file.content)
                tar.addfile(member, io.BytesIO(file.content))
    return buffer.getvalue()


def declared(state: State, step: Instruction, args: Mapping[str, str]) -> State:
    """The state after an instruction that runs nothing."""
    text = step.arguments
    if step.keyword == "ARG":
        names = [(word.partition("=")[0], word) for word in text.split() if word]
        given = dict(assignments(step))
        known = {n: args.get(n, filled(given.get(n, ""), state.known)) for n, _ in names}
        return replace(state, args={**state.args, **known})
    if step.keyword == "ENV":
        added = {name: filled(value, state.known) for name, value in assignments(step)}
        return replace(state, env={**state.env, **added})
    if step.keyword == "USER":
        return replace(state, user=filled(text, state.known))
    if step.keyword == "EXPOSE":
        numbers = (re.match(r"\d{1,5}", filled(word, state.known)) for word in text.split())
        return replace(state, ports=(*state.ports, *(int(n[0]) for n in numbers if n)))
    if step.keyword == "HEALTHCHECK":
        command = words_of(step).rest.removeprefix("CMD").strip()
        return replace(state, health="" if command == "NONE" else command)
    if step.keyword in ("CMD", "ENTRYPOINT", "SHELL"):
        words = tuple(listed(text) or [*state.shell, text])
        if step.keyword == "CMD":
            return replace(state, command=words)
        if step.keyword == "SHELL":
            return replace(state, shell=words)
        return replace(state, entrypoint=words, command=())
    return state


def is_root(state: State) -> bool:
    """Whether an image's commands run as root."""
    return state.user.partition(":")[0] in ("", "0", "root")


def build_of(tree: SourceTree, path: str) -> str:
    """The folder that is a Dockerfile's context by custom: its own."""
    return path[: path.rfind("/") + 1] if path in tree else ""


def shell_words(value: object) -> tuple[str, ...]:
    """A command of a compose file: a list as it is, a text split as a shell would; () if there is none."""
    if isinstance(value, list):
        return tuple(str(word) for word in value)
    if not value:
        return ()
    text = str(value)
    if (words := listed(text)) is not None:
        return tuple(words)
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return ("sh", "-c", text)
