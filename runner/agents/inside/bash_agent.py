"""The bash agent: one system prompt, one tool. Runs inside the sandbox by plain python3, with no dependency.

Its configuration comes as JSON on standard input: prompt, base_url, token, model, command_s.
Exit codes: 0 the model is done, 3 it may not go on (budget, key, model name), 4 the provider failed in
spite of retries or refused the request, 5 the conversation no longer fits the model's context.
"""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import random
import signal
import sys
import time
from contextlib import suppress
from urllib.parse import urlsplit

TYPE_CHECKING = False  # importing typing would cost a tenth of the start
if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message
    from typing import Any, NoReturn

    Json = dict[str, Any]

DONE, STOPPED, PROVIDER_FAILED, CONTEXT_FULL = 0, 3, 4, 5
TRIES = 5
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
REPLY_S = 1000
KEPT_BYTES = 16_000
DEFAULT_COMMAND_S = 120
KILLING_S = 5
FLUSH_S = 0.5
PR_SET_DUMPABLE = 4
STEP = "AGENT_STEP"  # a mark in the environment of each command, to find all that it started
STOP_STATUS = (401, 402, 403, 404)
RETRY_STATUS = (408, 409, 425, 429)
OVERFLOW = (
    "context_length_exceeded",
    "context length",
    "context window",
    "prompt is too long",
    "input token count",
    "too many tokens",
)
SENT_BACK = ("content", "reasoning", "reasoning_content", "reasoning_details", "extra_content")

SYSTEM_PROMPT = """\
You are an experienced software engineer. You work on your own, on a Linux machine, through one tool: `bash`.

- Your workspace is the current directory. Every command starts there in a fresh, non-interactive shell: \
a `cd` or a variable does not carry over to the next command, files do.
- Nobody can answer questions. Decide yourself, and carry on until the task is finished.
- Commands have no keyboard. Use options that do not ask, and no editors or pagers.
- Long output is cut in the middle, so look at the parts that matter.
- A command that runs too long is stopped with everything it started. Start servers in the background, \
with their output in a file: `command > log 2>&1 &`.
- Check your work by running it before you call it done.

When the task is finished, answer with a short summary and without a tool call: that ends your work.
"""


class Stop(Exception):
    """The phase cannot go on; carries the exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Log:
    """The agent's log, on standard error; every write wakes the engine, so quick turns share one."""

    flushed = 0.0

    def __call__(self, text: str) -> None:
        """A few lines."""
        sys.stderr.write(text.rstrip("\n") + "\n")
        if time.monotonic() - self.flushed > FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """What is written can be seen, whatever happens next."""
        sys.stderr.flush()
        self.flushed = time.monotonic()


log = Log()


# --- the provider ------------------------------------------------------------------------------


class Provider:
    """Asks the model, over one connection that is kept open."""

    def __init__(self, base_url: str, token: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.meanwhile = meanwhile
        parts = urlsplit(base_url)
        self.path = parts.path.rstrip("/") + "/v1/chat/completions"
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=REPLY_S)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, body: bytes) -> tuple[Json, str | None]:
        """The message and finish reason of a reply; tries again what may pass, raises Stop for the rest."""
        for attempt in range(1, TRIES + 1):
            status, headers, payload = self.post(body)
            choice = first_choice(payload) if status == 200 else None
            if choice is not None:
                return choice
            text = payload[:4000].decode("utf-8", "replace")
            if 400 <= status < 500 and status not in RETRY_STATUS:
                give_up(status, text)
            log(f"! try {attempt} of {TRIES}: {f'status {status}' if status else 'no reply'}: {text[:500]}")
            if attempt < TRIES:
                time.sleep(wait_s(attempt, headers.get("Retry-After") or ""))
        raise Stop(PROVIDER_FAILED, f"no usable reply in {TRIES} tries")

    def post(self, body: bytes) -> tuple[int, Message | Json, bytes]:
        """Status, headers and body; status 0 if the connection failed."""
        reused = self.connection.sock is not None
        try:
            self.connection.request("POST", self.path, body, self.headers)
            self.meanwhile()
            reply = self.connection.getresponse()
            return reply.status, reply.headers, reply.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            if reused and isinstance(error, (http.client.RemoteDisconnected, BrokenPipeError)):
                return self.post(body)  # an idle connection was closed under us: nothing was asked yet
            return 0, {}, f"{type(error).__name__}: {error}".encode()


def give_up(status: int, text: str) -> NoReturn:
    """Raise Stop for an error that would only come again."""
    if status in STOP_STATUS:
        raise Stop(STOPPED, f"the provider ends this run with status {status}: {text}")
    full = any(marker in text.lower() for marker in OVERFLOW)
    raise Stop(CONTEXT_FULL if full else PROVIDER_FAILED, f"status {status}: {text}")


def wait_s(attempt: int, retry_after: str) -> float:
    """Seconds to wait after a failed try: what the provider asks for, else doubling, with jitter."""
    try:
        return min(max(float(retry_after), 0.0), LONGEST_WAIT_S)
    except ValueError:
        return random.uniform(0.75, 1.25) * FIRST_WAIT_S * (1 << attempt - 1)


def first_choice(payload: bytes) -> tuple[Json, str | None] | None:
    """Message and finish reason, or None if the reply is none."""
    try:
        choice = json.loads(payload)["choices"][0]
        message = choice["message"]
        return (message, choice.get("finish_reason")) if isinstance(message, dict) else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


# --- the shell ---------------------------------------------------------------------------------


class Spare:
    """A shell that is started and waits for its command, so that a step does not wait for a shell.

    Output goes to an unlinked file, not a pipe: a background process that keeps it open blocks nobody.
    The command comes through a file too, because bash reads a pipe byte by byte.
    """

    WAITING = b'read -r -u 4; IFS= read -r -d "" -u 3 REPLY; exec 3<&- 4<&-; eval "$REPLY"'

    def __init__(self, program: str, folder: str, number: int) -> None:
        path = f"{folder}/.agent-{os.getpid()}-{number}"
        self.mark = os.path.basename(path)
        self.output = scratch(path)
        self.source = scratch(path)
        self.heard, self.start_it = os.pipe()
        try:
            self.pid = self.spawn(program)
        except OSError:
            self.close()
            raise
        finally:
            os.close(self.heard)

    def spawn(self, program: str) -> int:
        """Start the shell; `posix_spawn` costs half of what `subprocess` does."""
        return os.posix_spawn(
            program,
            [b"bash", b"-c", self.WAITING],
            {**os.environ, STEP: self.mark},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, self.output, 1),
                (os.POSIX_SPAWN_DUP2, self.output, 2),
                (os.POSIX_SPAWN_DUP2, self.source, 3),
                (os.POSIX_SPAWN_DUP2, self.heard, 4),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them, programs count on them
        )

    @property
    def is_waiting(self) -> bool:
        """Whether it still lives: a command before may have killed every shell it found."""
        return os.waitpid(self.pid, os.WNOHANG)[0] == 0

    def begin(self, command: str) -> None:
        """Run the command now."""
        os.pwrite(self.source, command.encode("utf-8", "replace"), 0)
        os.write(self.start_it, b"\n")

    def close(self) -> None:
        """Let go of its files; a shell that is still waiting ends."""
        for descriptor in (self.output, self.source, self.start_it):
            os.close(descriptor)


class Shell:
    """Runs the model's commands, each in a session of its own, where `folder` takes their output."""

    def __init__(self, folder: str = "/tmp") -> None:
        self.program = next(p for p in ("/bin/bash", "/usr/bin/bash") if os.access(p, os.X_OK))
        self.folder = folder
        self.started = 0
        self.spare: Spare | None = None
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # so that sigtimedwait can wait for it

    def prepare(self) -> None:
        """Start the next command's shell, for the time in which the model thinks."""
        if self.spare is None:
            with suppress(OSError):
                self.spare = self.fresh()

    def fresh(self) -> Spare:
        """A waiting shell."""
        self.started += 1
        return Spare(self.program, self.folder, self.started)

    def run(self, command: str, seconds: float) -> tuple[str, str]:
        """The output, cut if long, and how the command ended; raises OSError if it cannot be started."""
        shell, self.spare = self.spare, None
        if shell is not None and not shell.is_waiting:
            shell.close()
            shell = None
        shell = shell or self.fresh()
        try:
            shell.begin(command)
            code = self.wait(shell, seconds)
            text = clipped(shell.output)
        finally:
            shell.close()
        if code is None:
            return text, f"stopped after {seconds:g} s: the command and everything it started were killed"
        return text, f"exit code {code}" if code >= 0 else f"killed by signal {-code}"

    def wait(self, shell: Spare, seconds: float) -> int | None:
        """The exit code, negative for a signal; None when it had to be killed."""
        deadline = time.monotonic() + seconds
        while True:
            ended, status = os.waitpid(shell.pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            left = deadline - time.monotonic()
            if left <= 0:
                break
            if signal.sigtimedwait([signal.SIGCHLD], min(left, FLUSH_S)) is None:
                log.flush()
        kill_tree(shell.pid, f"{STEP}={shell.mark}\0".encode())
        os.waitpid(shell.pid, 0)
        return None


def scratch(path: str) -> int:
    """A fresh file without a name, open for reading and appending."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND, 0o600)
    os.unlink(path)
    return descriptor


def clipped(file: int) -> str:
    """The file's text; of a long one the first and the last part."""
    size = os.fstat(file).st_size
    if size <= KEPT_BYTES:
        return os.pread(file, size, 0).decode("utf-8", "replace")
    half = KEPT_BYTES // 2
    head = os.pread(file, half, 0).decode("utf-8", "replace")
    tail = os.pread(file, half, size - half).decode("utf-8", "replace")
    return f"{head}\n[... {size - 2 * half} of {size} bytes left out ...]\n{tail}"


def kill_tree(pid: int, mark: bytes) -> None:
    """Kill a command and everything it started, also what left its session or lost its parent."""
    deadline = time.monotonic() + KILLING_S
    while (victims := family(pid, mark)) and time.monotonic() < deadline:
        for victim in victims:
            with suppress(OSError):
                os.kill(victim, signal.SIGKILL)
        time.sleep(0.005)


def family(pid: int, mark: bytes) -> set[int]:
    """Living processes that share the session of `pid`, carry its mark, or descend from one that does."""
    parents: dict[int, int] = {}
    members = {pid}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError, ValueError):
            state, parent, _, session = contents(f"/proc/{name}/stat").rsplit(b")", 1)[1].split()[:4]
            if state == b"Z":
                continue
            parents[int(name)] = int(parent)
            if int(session) == pid or mark in contents(f"/proc/{name}/environ") + b"\0":
                members.add(int(name))
    size = 0
    while len(members) > size:
        size = len(members)
        members |= {child for child, parent in parents.items() if parent in members}
    return members & parents.keys()


def contents(path: str) -> bytes:
    """A whole file."""
    with open(path, "rb") as file:
        return file.read()


# --- the conversation --------------------------------------------------------------------------


def tool(command_s: float) -> Json:
    """The one tool, as the model is told of it."""
    seconds = f"Seconds it may take: {default_seconds(command_s):g} unless told, {command_s:g} at most."
    properties = {
        "command": {"type": "string", "description": "The shell command, of one or more lines."},
        "timeout_s": {"type": "number", "description": seconds},
    }
    return {
        "type": "function",
        "function": {
            "name": "bash",
            "description": "Run a bash command in the workspace; its output and exit code come back.",
            "parameters": {"type": "object", "properties": properties, "required": ["command"]},
        },
    }


def default_seconds(command_s: float) -> float:
    """The time-out of a command that names none."""
    return min(DEFAULT_COMMAND_S, command_s)


def answered(call: Json, shell: Shell, command_s: float) -> str:
    """The result of one tool call, for the model; what is broken about it is explained, not raised."""
    try:
        command, seconds = asked(call, command_s)
        log(f"$ {command[:2000]}")
        started = time.monotonic()
        text, end = shell.run(command, max(0.1, min(seconds, command_s)))
    except (ValueError, OSError) as error:
        log(f"! {error}")
        return f"Error: {error}"
    log(f"  [{end}, {time.monotonic() - started:.1f} s, {len(text)} characters]")
    return text + ("\n" if text and not text.endswith("\n") else "") + f"[{end}]"


def asked(call: Json, command_s: float) -> tuple[str, float]:
    """Command and time-out of a tool call; raises ValueError if it makes no sense."""
    function = call.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if name != "bash" or not isinstance(function, dict):
        raise ValueError(f"there is no tool {name!r}; the only one is `bash`")
    try:
        arguments = json.loads(function.get("arguments") or "")
        command, seconds = (
            arguments["command"],
            float(arguments.get("timeout_s") or default_seconds(command_s)),
        )
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError(f'the arguments are not JSON like {{"command": "ls"}}: {error}') from None
    if not isinstance(command, str) or not command.strip() or "\0" in command:
        raise ValueError("`command` must be a text, not empty and without NUL")
    return command, seconds


def encoded(message: Json) -> bytes:
    """A message as it goes over the wire, encoded once."""
    return json.dumps(message, separators=(",", ":")).encode()


def remembered(message: Json, calls: list[Json]) -> Json:
    """The model's own message as it is sent back: what providers want to see again, without nulls.

    Providers refuse a history with arguments that are not JSON, so broken ones go back quoted.
    """
    kept = {name: message[name] for name in SENT_BACK if message.get(name) is not None}
    return {"role": "assistant", "content": None, **kept, "tool_calls": [mended(call) for call in calls]}


def mended(call: Json) -> Json:
    """A tool call whose arguments are a JSON object."""
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    arguments = function.get("arguments") or ""
    with suppress(ValueError, TypeError, RecursionError):
        if isinstance(json.loads(arguments), dict):
            return call
    return {**call, "function": {**function, "arguments": json.dumps({"unreadable": str(arguments)})}}


def converse(config: Json, provider: Provider, shell: Shell) -> str:
    """Ask and act until the model calls no tool; returns its last words."""
    head = encoded({"model": config["model"], "tools": [tool(config["command_s"])]})[:-1] + b',"messages":['
    messages = [
        encoded({"role": "system", "content": SYSTEM_PROMPT}),
        encoded({"role": "user", "content": config["prompt"]}),
    ]
    turn = 0
    while True:
        turn += 1
        message, finish = provider.ask(head + b",".join(messages) + b"]}")
        content, listed = message.get("content"), message.get("tool_calls")
        words = content if isinstance(content, str) else ""
        calls = [c for c in listed if isinstance(c, dict)] if isinstance(listed, list) else []
        log(f"--- turn {turn}{': ' + words[:2000] if words else ''}")
        if not calls:
            log(f"--- done: the model called no tool (finish reason: {finish})")
            return words
        messages.append(encoded(remembered(message, calls)))
        for call in calls:
            result = answered(call, shell, config["command_s"])
            messages.append(encoded({"role": "tool", "tool_call_id": call.get("id"), "content": result}))


def step_back() -> None:
    """When memory runs out, be killed before PID 1 is; and hide the run's token from the commands."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")
    with suppress(AttributeError):  # only Linux has it
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def main() -> int:
    """Run one phase; returns the exit code."""
    step_back()
    config = json.loads(sys.stdin.readline())
    sys.stderr.reconfigure(line_buffering=False)  # type: ignore[union-attr]
    try:
        shell = Shell()
        words = converse(config, Provider(config["base_url"], config["token"], shell.prepare), shell)
    except Stop as stop:
        log(f"--- stopped: {stop}")
        return stop.code
    sys.stdout.buffer.write(words.encode("utf-8", "replace") + b"\n")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
