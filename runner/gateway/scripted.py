"""The scripted model: plays a folder's `script.yaml` as a model's turns, in any wire format, for any agent.

    title: what it builds
    files: ../../other/files      # optional: more files to write, of another script; its own come first
    phases:
      build:
        - say: text beside the call
          run: a shell command
        - write: [path, ...]        # files or folders below `files/`, written to the same path, byte for byte
        - say: done                 # no call: ends the phase

Which step is next is read from the conversation, so a repeated request gets the same answer: after so many
tool results. An agent without tools is told all steps up to the next words without a call at once, the first
such group that has not been said in the conversation. A request of an agent with tools that offers none (for
a title, say) gets a word and costs no step. Waiting for a command costs none either. Files too long for one
command are written by several, each a turn.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from runner.core.errors import SpecError
from runner.core.protocols import ToolUse, Waits
from runner.core.records import Record
from runner.gateway.calls.upstream import Answer, Call
from runner.gateway.wire import Reply, Tokens, ToolCall, Wire

CHARACTERS_PER_TOKEN = 4
COMMAND_BYTES = 60_000  # a shell takes 131,072 in one argument, some agents less
BASE64_LINES = COMMAND_BYTES * 2 // 3 // 77
THE_END = Reply(text="There is nothing more to do.")
ASIDE = "Noted."


class Step(Record):
    """One turn: a command, files to write, or only words."""

    say: str = ""
    run: str | None = None
    write: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        if self.run is not None and self.write:
            raise ValueError("a step either runs or writes")
        if not (self.say or self.run or self.write):
            raise ValueError("a step says, runs or writes something")
        return self


class Script(Record):
    """The turns of each phase."""

    title: str
    files: str | None = Field(None, description="where more files lie; resolved when the model is named")
    phases: dict[str, tuple[Step, ...]] = Field(min_length=1)


def load_script(folder: Path, shared: Path | None = None) -> Script:
    """Raises SpecError that names file and field, also for a file to write that does not exist.

    `shared` is the folder that the script's `files` names.
    """
    path = folder / "script.yaml"
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise SpecError(f"{path}: not YAML: {error}") from error
    try:
        script = Script.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "top level"
        raise SpecError(f"{path}: {field}: {first['msg']}") from error
    for phase, steps in script.phases.items():
        for index, step in enumerate(steps):
            for name in step.write:
                _check_source(_roots(folder, shared), name, f"{path}: phases.{phase}.{index}.write")
    return script


def solution(folder: Path, shared: Path | None, phase: str) -> list[str]:
    """The shell commands by which a script does a phase's work, in order."""
    script, roots = load_script(folder, shared), _roots(folder, shared)
    commands: list[str] = []
    for step in script.phases.get(phase, ()):
        commands += [step.run] if step.run else []
        commands += _write_commands(roots, step.write) if step.write else ()
    return commands


class Rendering(Protocol):
    """How an agent carries out what a script wants; part of the Agent protocol."""

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """A shell command as a call of one of the agent's tools, or as a text."""
        ...

    def waits(self, request: bytes) -> Waits:
        """How often the conversation waited for a command, and the call that waits on if one still runs."""
        ...

    def write_files(self, files: Mapping[str, bytes]) -> str | None:
        """Files written by text alone; None if commands do it."""
        ...

    def finish(self, tools: Sequence[str]) -> ToolUse | None:
        """The call that ends the agent's work; None if words without a call do."""
        ...


class ScriptedModel:
    """An upstream that plays a script. Tokens are taken as four characters each."""

    def __init__(self, folder: Path, wire: Wire, rendering: Rendering, shared: Path | None = None) -> None:
        self._files = _roots(folder, shared)
        self._script = load_script(folder, shared)
        self._wire = wire
        self._rendering = rendering

    @asynccontextmanager
    async def send(self, call: Call) -> AsyncIterator[Answer]:
        """The turn that is next in the conversation."""
        reply = self._next(call)
        written = len(reply.text) + sum(len(c.arguments) for c in reply.tool_calls)
        tokens = Tokens(
            input=len(call.body) // CHARACTERS_PER_TOKEN,
            cached_input=0,
            output=max(1, written // CHARACTERS_PER_TOKEN),
            reasoning=0,
        )
        metered = Reply(text=reply.text, tool_calls=reply.tool_calls, tokens=tokens)
        kind = "text/event-stream" if call.summary.stream else "application/json"
        yield Answer(200, {"Content-Type": kind}, _aiter(self._wire.render(metered, call.summary)))

    def _next(self, call: Call) -> Reply:
        steps = self._script.phases.get(call.phase, ())
        moves = [move for step in steps for move in self._moves(step)]
        if call.summary.tools:
            waits = self._rendering.waits(call.body)
            turn = call.summary.turn - waits.made
            if waits.next is not None:
                return Reply(tool_calls=(_call(f"call_{turn - 1}_{waits.made}", waits.next),))
            move = moves[turn] if turn < len(moves) else Step(say=THE_END.text)
            return self._played(move, turn, call.summary.tools)
        if any(self._played(move, turn, ()).tool_calls for turn, move in enumerate(moves)):
            return Reply(text=ASIDE)
        said = list(_texts(json.loads(call.body)))
        left = (text for text in self._told_at_once(steps) if not any(text in message for message in said))
        return next((Reply(text=text) for text in left), THE_END)

    def _told_at_once(self, steps: Sequence[Step]) -> Iterator[str]:
        """What an agent without tools is told in one turn: nothing comes back before words that end it."""
        parts: list[str] = []
        for n, step in enumerate(steps, 1):
            parts += [self._played(move, 0, ()).text.strip() for move in self._moves(step)]
            if n == len(steps) or (step.run is None and not step.write):
                yield "\n\n".join(parts)
                parts = []

    def _moves(self, step: Step) -> Iterator[Step]:
        """The step as turns that run one command each, or only say something."""
        if not step.write:
            yield step
            return
        files = {name: file.read_bytes() for name, file in _sources(self._files, step.write)}
        text = self._rendering.write_files(files)
        if text is not None:
            yield Step(say="\n\n".join(filter(None, [step.say, text])))
            return
        for n, command in enumerate(_write_commands(self._files, step.write)):
            yield Step(say="" if n else step.say, run=command)

    def _played(self, move: Step, turn: int, tools: Sequence[str]) -> Reply:
        agent = self._rendering
        use = agent.finish(tools) if move.run is None else agent.run_command(move.run, tools)
        if use is None:
            return Reply(text=move.say)
        if isinstance(use, str):
            return Reply(text="\n\n".join(filter(None, [move.say, use])))
        return Reply(text=move.say, tool_calls=(_call(f"call_{turn}", use),))


def _call(identity: str, use: ToolUse) -> ToolCall:
    return ToolCall(identity, use.name, json.dumps(use.arguments))


def _texts(value: Any) -> Iterator[str]:
    """Every string in some JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _roots(folder: Path, shared: Path | None) -> tuple[Path, ...]:
    """Where a script's files lie; of two with one name the first counts."""
    return (folder / "files", *([shared] if shared else []))


def _check_source(roots: tuple[Path, ...], name: str, where: str) -> None:
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise SpecError(f"{where}: {name}: must be a path inside files/")
    if not any((root / name).exists() for root in roots):
        raise SpecError(f"{where}: {name}: there is no {roots[0] / name}")


def _write_commands(roots: tuple[Path, ...], names: tuple[str, ...]) -> Iterator[str]:
    """Commands of bounded length that write the files, one after the other."""
    head = f"# write {', '.join(names)}\nset -e\n"
    command = head
    for path, file in _sources(roots, names):
        for part in _write_parts(PurePosixPath(path), file.read_bytes(), os.access(file, os.X_OK)):
            if len(command) > len(head) and len(command.encode()) + len(part.encode()) > COMMAND_BYTES:
                yield command.removesuffix("\n")
                command = head
            command += part
    yield command.removesuffix("\n")


def _sources(roots: tuple[Path, ...], names: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for name in names:
        found: dict[str, Path] = {}
        for root in reversed(roots):
            source = root / name
            below = (p for p in source.rglob("*") if p.is_file()) if source.is_dir() else [source]
            found |= {file.relative_to(root).as_posix(): file for file in below if file.is_file()}
        yield from sorted(found.items())


def _write_parts(path: PurePosixPath, content: bytes, executable: bool) -> Iterator[str]:
    """Each at most as long as a command; together they write one file."""
    target = shlex.quote(path.as_posix())
    folder = f"mkdir -p {shlex.quote(path.parent.as_posix())}\n" if path.parent != PurePosixPath() else ""
    text = _heredoc_text(content)
    if text is not None and len(content) < COMMAND_BYTES * 2 // 3:
        parts = [f"{folder}cat > {target} <<'END_OF_FILE'\n{text}END_OF_FILE\n"]
    else:
        lines = base64.encodebytes(content).decode().splitlines(keepends=True)
        parts = [
            f"{'' if at else folder}base64 -d {'>>' if at else '>'} {target} <<'END_OF_FILE'\n"
            f"{''.join(lines[at : at + BASE64_LINES])}END_OF_FILE\n"
            for at in range(0, len(lines), BASE64_LINES)
        ]
    yield from parts[:-1]
    yield parts[-1] + (f"chmod +x {target}\n" if executable else "")


def _heredoc_text(content: bytes) -> str | None:
    """The content if a quoted here-document reproduces it exactly."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    exact = not text or (text.endswith("\n") and "\0" not in text and "END_OF_FILE" not in text.split("\n"))
    return text if exact else None


async def _aiter(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
