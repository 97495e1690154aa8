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
tool results, or for an agent without tools, the first step whose text has not been said in it. A request of
an agent with tools that offers none (for a title, say) gets a word and costs no step.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from runner.core.errors import SpecError
from runner.core.protocols import ToolUse
from runner.core.records import Record
from runner.gateway.upstream import Answer, Call
from runner.gateway.wire import Reply, Tokens, ToolCall, Wire

CHARACTERS_PER_TOKEN = 4
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


class Rendering(Protocol):
    """How an agent carries out what a script wants; part of the Agent protocol."""

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """A shell command as a call of one of the agent's tools, or as a text."""
        ...

    def write_files(self, files: Mapping[str, bytes]) -> str | None:
        """Files written by text alone; None if commands do it."""
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
        if call.summary.tools:
            turn = call.summary.turn
            return self._played(steps[turn], turn, call.summary.tools) if turn < len(steps) else THE_END
        replies = [self._played(step, turn, ()) for turn, step in enumerate(steps)]
        if any(reply.tool_calls for reply in replies):
            return Reply(text=ASIDE)
        return next((r for r in replies if json.dumps(r.text)[1:-1].encode() not in call.body), THE_END)

    def _played(self, step: Step, turn: int, tools: Sequence[str]) -> Reply:
        if step.write:
            files = {name: file.read_bytes() for name, file in _sources(self._files, step.write)}
            text = self._rendering.write_files(files)
            if text is not None:
                return Reply(text="\n\n".join(filter(None, [step.say, text])))
        command = "\n".join(_write_commands(self._files, step.write)) if step.write else step.run
        if command is None:
            return Reply(text=step.say)
        use = self._rendering.run_command(command, tools)
        if isinstance(use, str):
            return Reply(text="\n\n".join(filter(None, [step.say, use])))
        call = ToolCall(f"call_{turn}", use.name, json.dumps(use.arguments))
        return Reply(text=step.say, tool_calls=(call,))


def _roots(folder: Path, shared: Path | None) -> tuple[Path, ...]:
    """Where a script's files lie; of two with one name the first counts."""
    return (folder / "files", *([shared] if shared else []))


def _check_source(roots: tuple[Path, ...], name: str, where: str) -> None:
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise SpecError(f"{where}: {name}: must be a path inside files/")
    if not any((root / name).exists() for root in roots):
        raise SpecError(f"{where}: {name}: there is no {roots[0] / name}")


def _write_commands(roots: tuple[Path, ...], names: tuple[str, ...]) -> Iterator[str]:
    yield f"# write {', '.join(names)}"
    yield "set -e"
    for path, file in _sources(roots, names):
        yield from _write_command(PurePosixPath(path), file.read_bytes(), os.access(file, os.X_OK))


def _sources(roots: tuple[Path, ...], names: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for name in names:
        found: dict[str, Path] = {}
        for root in reversed(roots):
            source = root / name
            below = (p for p in source.rglob("*") if p.is_file()) if source.is_dir() else [source]
            found |= {file.relative_to(root).as_posix(): file for file in below if file.is_file()}
        yield from sorted(found.items())


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
