"""aider: no tools; the model's text carries edits, and failing tests go back to the model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any

from runner.agents.kit.cli import CONTEXT_TOKENS, HOME, AgentLog, CliAgent, Launch
from runner.agents.kit.events import at, number, words
from runner.agents.kit.pip import venv
from runner.core.protocols import Agent, Endpoint, Step, ToolUse
from runner.core.records import Limits, Usage

VERSION = "0.86.2"
# It pins every package it needs, and two of those pins have no release for Python 3.13 or later: numpy, of
# which it takes a newer one, and scipy, which only ranks files for the map of a repository, and that is off.
# audioop left Python with 3.13.
INSTEAD = "numpy==2.3.5 audioop-lts==0.2.2"
PINS = (
    "from importlib.metadata import requires; "
    'print(*(r.partition(";")[0] for r in requires("aider-chat") if not r.startswith(("numpy=", "scipy="))'
    ' and "extra" not in r and "<" not in r), sep="\\n")'
)
PYTHON = ("/opt/aider/bin/python", "-s", "-P", "-B")
STATE = f"{HOME}/.aider"
LOG, TESTS = f"{STATE}/log", f"{STATE}/run-tests.sh"
METADATA = f"{STATE}/models.json"
OPTIONS = (
    *(
        "--edit-format",
        "diff",
        "--model-metadata-file",
        METADATA,
        "--map-tokens",
        "0",
        "--max-chat-history-tokens",
        "1000000",
    ),
    *("--chat-history-file", LOG, "--analytics-log", LOG, "--input-history-file", f"{STATE}/input"),
    *("--auto-test", "--test-cmd", f"sh {TESTS}"),
    *("--yes-always", "--no-stream", "--no-pretty", "--no-fancy-input", "--no-git", "--no-gitignore"),
    *("--analytics-disable", "--no-check-update", "--no-show-release-notes", "--no-show-model-warnings"),
    *("--no-detect-urls", "--disable-playwright", "--no-suggest-shell-commands", "--no-restore-chat-history"),
)
# A fresh invocation knows nothing of a workspace: without a repository it sees only files it is given.
# And it ends with 0 even if its last request was refused, which its events tell.
MOST_BYTES = 200_000
RUN = f"""\
skipped='-name .?* -o -name node_modules -o -name vendor -o -name __pycache__ -o -name tmp -o -name log'
set -f
files=$(find . -type d \\( $skipped \\) -prune -o -type f -size -64k -exec grep -Il . {{}} + | sort \\
  | xargs -r -d '\\n' stat -c '%s %n' \\
  | awk '(total += $1) <= {MOST_BYTES} {{ print substr($0, index($0, " ") + 1) }}')
IFS='
'
"$@" $files
code=$?
asked=$(grep -c '^{{"event": "message_send_starting"' {LOG})
[ "$(grep -c '^{{"event": "message_send",' {LOG})" = "$asked" ] || [ "$code" -ne 0 ] || code=1
exit "$code"
"""
RUN_TESTS = """\
# The workspace's own tests, whatever they are; to have none is no failure.
export PYTHONDONTWRITEBYTECODE=1
unset PYTHONHASHSEED
limit="timeout --kill-after=5 {seconds}"
if [ -f bin/rails ]; then exec $limit ruby bin/rails test
elif [ -d spec ] && [ -f Gemfile ]; then exec $limit bundle exec rspec
elif grep -qs '"test"[[:space:]]*:' package.json; then exec $limit npm test --silent
elif [ -f go.mod ]; then exec $limit go test ./...
elif [ -f Cargo.toml ]; then exec $limit cargo test --quiet
elif find . -name 'test*.py' -not -path '*/.*' | grep -q .; then
  if python3 -c 'import pytest' 2> /dev/null; then $limit python3 -m pytest -q -p no:cacheprovider
  else $limit python3 -m unittest; fi
  code=$?
  [ "$code" -eq 5 ] || exit "$code"  # 5: not one test was found
fi
"""
MARKER = re.compile(r"^\s*(<{5,9} SEARCH>?|={5,9}|>{5,9} REPLACE)\s*$", re.MULTILINE)
FIRST_LINE = "placeholder for the first line\n"
NOT_FILES = "These files cannot be told in SEARCH/REPLACE blocks: "


class Aider(CliAgent):
    """`aider --message`: one request, and up to three more when tests or edits fail."""

    id = "aider"
    version = VERSION
    wires: tuple[str, ...] = ("openai_chat",)
    install = venv(
        id,
        (
            f"{{install}} aider-chat=={VERSION} {INSTEAD}",
            f"{{python}} -c '{PINS}' > /tmp/pins.txt",
            "{install} -r /tmp/pins.txt",
            "{python} -c 'import aider.main, litellm, networkx, numpy'",
        ),
    )
    version_command = (*PYTHON, "-m", "aider", "--version")

    def launch(self, prompt: str, endpoint: Endpoint, limits: Limits) -> Launch:
        """With the workspace's files; key and address by options, which no .env of a workspace overrides."""
        model = f"openai/{endpoint.model}"
        key = ("--openai-api-key", endpoint.token, "--openai-api-base", f"{endpoint.base_url}/v1")
        command = (*PYTHON, "-m", "aider", "--model", model, "--weak-model", model, *key, *OPTIONS)
        known = {"max_input_tokens": CONTEXT_TOKENS, "litellm_provider": "openai", "mode": "chat"}
        return Launch(
            argv=("sh", "-c", RUN, "aider", *command, "--message", prompt),
            # It keeps files in sets, and their order is the order in its requests.
            env={"CI": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_COLOR": "1", "PYTHONHASHSEED": "0"},
            files={
                METADATA: json.dumps({model: known}),
                TESTS: RUN_TESTS.format(seconds=int(limits.command_s)),
            },
            state=(STATE,),
            log=LOG,
        )

    def read(self, log: bytes) -> AgentLog:
        """Its chat in Markdown, and between it one JSON line an event, those with figures `message_send`."""
        chat: list[str] = []
        usages: list[Usage] = []
        for line in log.decode("utf-8", "replace").split("\n"):
            event = _event(line)
            if event is None:
                chat.append(line)
            elif at(event, "event") == "message_send":
                usages.append(_usage(at(event, "properties")))
        return AgentLog(tuple(_steps(chat)), sum(usages, Usage(cost_usd=None)) if usages else None)

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """It runs none: the words are all there is."""
        return f"To be run by hand:\n\n{_indented(command)}"

    def write_files(self, files: Mapping[str, bytes]) -> str | None:
        """Byte for byte, but: a last line gets its line feed and an empty file becomes an empty line. Files
        that are there already get longer. Executable bits are lost; what is no text is only named."""
        blocks = {path: _blocks(path, content) for path, content in files.items()}
        left_out = [path for path, block in blocks.items() if block is None]
        parts = [block for block in blocks.values() if block is not None]
        return "\n".join([*parts, *([NOT_FILES + ", ".join(left_out)] if left_out else [])])


def _blocks(path: str, content: bytes) -> str | None:
    """A new file; None if it cannot be told."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    text = text if text.endswith("\n") else f"{text}\n"
    if text.splitlines() != text[:-1].split("\n") or MARKER.search(text):
        return None
    if text == "\n" or text.endswith("\n\n"):
        text += "\n"  # of empty lines at the end it loses one
    first = text.partition("\n")[0].strip()
    if first and not first.endswith(path.rpartition("/")[2]) and not first.startswith("```"):
        return _block(path, "", text)
    # It drops a first line that is empty, names the file or opens a fence: so not the first at first.
    return _block(path, "", FIRST_LINE + text) + _block(path, FIRST_LINE, "")


def _block(path: str, search: str, replace: str) -> str:
    return f"{path}\n```\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n```\n"


def _indented(command: str) -> str:
    return "\n".join(f"    {line}" for line in command.splitlines())


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith('{"event"'):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _steps(chat: list[str]) -> Iterator[Step]:
    """Runs of lines: `####` the user's, `>` aider's own, all else the model's, once the user has spoken."""
    begun = False
    for kind, run in groupby(
        zip(accumulate(chat, _speaker, initial="said"), ["", *chat], strict=True), _first
    ):
        lines = [line.removeprefix("> ") if kind == "noted" else line for _, line in run]
        begun = begun or kind == "asked"
        if kind == "noted" or (kind == "said" and begun):
            yield Step(kind, words("\n".join(lines).strip("\n")))


def _first(pair: tuple[str, str]) -> str:
    return pair[0]


def _speaker(before: str, line: str) -> str:
    """Whose line it is: an empty one belongs to what was before."""
    if not line.strip():
        return before
    return "asked" if line.startswith("#### ") else "noted" if line.startswith("> ") else "said"


def _usage(properties: Any) -> Usage:
    return Usage(
        requests=1,
        input_tokens=number(at(properties, "prompt_tokens")),
        cached_input_tokens=None,
        cache_write_tokens=None,
        output_tokens=number(at(properties, "completion_tokens")),
        reasoning_tokens=None,
        cost_usd=None,
    )


AGENT: Agent = Aider()
