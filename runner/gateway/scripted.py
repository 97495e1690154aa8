"""The scripted model: plays a folder's `script.yaml` as a model's turns, in any wire format, for any agent.

    title: what it builds
    phases:
      build:
        - say: text beside the call
          run: a shell command
        - write: [path, ...]        # files or folders below `files/`, written to the same path, byte for byte
        - say: done                 # no call: ends the phase

Which step is next is read from the conversation, so a repeated request gets the same answer: after so many
tool results. An agent without tools is told all steps up to the next words without a call at once, the first
such group that has not been said in the conversation. A request of an agent with tools that offers none (for
a title, say) gets a word and costs no step.
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
from runner.core.protocols import ToolUse
from runner.core.records import Record
from runner.gateway.upstream import Answer, Call
from runner.gateway.wire import Reply, Tokens, ToolCall, Wire

CHARACTERS_PER_TOKEN = 4
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


THE_END = Step(say="There is nothing more to do.")


class Script(Record):
    """The turns of each phase."""

    title: str
    phases: dict[str, tuple[Step, ...]] = Field(min_length=1)


def load_script(folder: Path) -> Script:
    """Raises SpecError that names file and field, also for a file to write that does not exist."""
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
                _check_source(folder, name, f"{path}: phases.{phase}.{index}.write")
    return script


class Rendering(Protocol):
    """How an agent carries out what a script wants; part of the Agent protocol."""

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """A shell command as a call of one of the agent's tools, or as a text."""
        ...

    def write_files(self, files: Mapping[str, bytes]) -> str | None:
        """Files written by text alone; None if commands do it."""
        ...

    def finish(self, tools: Sequence[str]) -> ToolUse | None:
        """The call that ends the agent's work; None if words without a call do."""
        ...


class ScriptedModel:
    """An upstream that plays a script. Tokens are taken as four characters each."""

    def __init__(self, folder: Path, wire: Wire, rendering: Rendering) -> None:
        self._files = folder / "files"
        self._script = load_script(folder)
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
        if call.summary.tools:
            turn = call.summary.turn
            step = steps[turn] if turn < len(steps) else THE_END
            return self._played(step, turn, call.summary.tools)
        replies = [self._played(step, turn, ()) for turn, step in enumerate(steps)]
        if any(reply.tool_calls for reply in replies):
            return Reply(text=ASIDE)
        said = list(_texts(json.loads(call.body)))
        left = (text for text in _told_at_once(steps, replies) if not any(text in said_text for said_text in said))
        return Reply(text=next(left, THE_END.say))

    def _played(self, step: Step, turn: int, tools: Sequence[str]) -> Reply:
        if step.write:
            files = dict(_sources(self._files, step.write))
            text = self._rendering.write_files(files)
            if text is not None:
                return Reply(text="\n\n".join(filter(None, [step.say, text])))
        command = "\n".join(_write_commands(self._files, step.write)) if step.write else step.run
        use = (
            self._rendering.finish(tools) if command is None else self._rendering.run_command(command, tools)
        )
        if use is None:
            return Reply(text=step.say)
        if isinstance(use, str):
            return Reply(text="\n\n".join(filter(None, [step.say, use])))
        call = ToolCall(f"call_{turn}", use.name, json.dumps(use.arguments))
        return Reply(text=step.say, tool_calls=(call,))


def _told_at_once(steps: Sequence[Step], replies: Sequence[Reply]) -> Iterator[str]:
    """What an agent without tools is told in one turn: no result comes back before the words that end it."""
    parts: list[str] = []
    for step, reply in zip(steps, replies, strict=True):
        parts.append(reply.text.strip())
        if step.run is None and not step.write:
            yield "\n\n".join(parts)
            parts = []
    if parts:
        yield "\n\n".join(parts)


def _texts(value: Any) -> Iterator[str]:
    """Every string in some JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _check_source(folder: Path, name: str, where: str) -> None:
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise SpecError(f"{where}: {name}: must be a path inside files/")
    if not (folder / "files" / name).exists():
        raise SpecError(f"{where}: {name}: there is no {folder / 'files' / name}")


def _write_commands(files: Path, names: tuple[str, ...]) -> Iterator[str]:
    yield f"# write {', '.join(names)}"
    yield "set -e"
    for path, content in _sources(files, names):
        yield from _write_command(PurePosixPath(path), content, os.access(files / path, os.X_OK))


def _sources(files: Path, names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        source = files / name
        found = sorted(p for p in source.rglob("*") if p.is_file()) if source.is_dir() else [source]
        for file in found:
            yield file.relative_to(files).as_posix(), file.read_bytes()


def _write_command(path: PurePosixPath, content: bytes, executable: bool) -> Iterator[str]:
    target = shlex.quote(path.as_posix())
    if path.parent != PurePosixPath():
        yield f"mkdir -p {shlex.quote(path.parent.as_posix())}"
    text = _heredoc_text(content)
    if text is None:
        yield f"base64 -d > {target} <<'END_OF_FILE'"
        yield base64.encodebytes(content).decode().rstrip("\n")
    else:
        yield f"cat > {target} <<'END_OF_FILE'"
        yield from [text[:-1]] if text else []
    yield "END_OF_FILE"
    if executable:
        yield f"chmod +x {target}"


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
