"""The `shipworthy` command: finds the subcommand, runs it, and turns errors into messages and exit codes.

Each subcommand is a module of this folder with `add_arguments(parser)` and `main(args) -> int`; it is
imported only when it is chosen, so that `--help` stays quick.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib import import_module

from runner import __version__
from runner.core.errors import ArchiveError, Interrupted, SandboxError, ShipworthyError, UserError

DONE, INCOMPLETE, USER_ERROR, OUR_BUG, INTERRUPTED = 0, 1, 2, 3, 130
ONLY_PRINT = {
    *("list", "standings", "compare", "recommend", "inspect"),
    *("verify", "explain", "rubric", "history", "export"),
}
THE_USERS = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR),
    *(errno.ENOENT, errno.EEXIST, errno.ENAMETOOLONG),
}
COMMANDS = {
    "run": "give a model a build task, then archive, probe and grade what it made",
    "import": "make sealed runs of work that was done elsewhere",
    "list": "list the runs in the archive",
    "standings": "list models with their agents, best first",
    "compare": "show two models side by side, and whether noise explains the difference",
    "recommend": "name a model for a shape of task, with reasons and doubts",
    "inspect": "show a run's score sheet, and where its files are",
    "score": "grade one archived run",
    "rescore": "grade archived runs again, under another rubric",
    "history": "list every score a run ever got, and what moved it",
    "report": "write the archive as a site: leaderboard, score sheets, transcripts",
    "view": "show that site in this machine's browser, made anew as runs finish",
    "export": "write runs and scores in the formats of other tools",
    "explain": "say what a check means, how it is decided and what it costs",
    "rubric": "show what points are lost for, and try whether rightly so",
    "task": "list the tasks, and take them from Harbor or to it",
    "verify": "hash the whole archive again and name what changed",
    "agents": "list the agents: version, wire formats, size of their image layer",
    "doctor": "check this machine, one line each with the mend",
    "image": "build and list the sandbox images",
    "manifest": "write down what a library really offers",
    "engine": "make sure a Docker engine answers",
}
EPILOG = """\
examples:
  shipworthy run --model demo/a                                  a scripted model: no key, no cost
  shipworthy run --model openrouter/anthropic/claude-opus-4.7    needs OPENROUTER_API_KEY
  shipworthy inspect last                                        the score sheet, point by point
  shipworthy rescore --all --rubric my-rubric.yaml               no container is started

exit codes: 0 done, 1 something is unknown or infrastructure failed, 2 your mistake, 3 our bug, 130 interrupt
"""


def build_parser(chosen: str | None) -> argparse.ArgumentParser:
    """The parser with every subcommand's name, and the arguments of the chosen one."""
    parser = argparse.ArgumentParser(
        prog="shipworthy",
        description="Can this model build software that ships?",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"shipworthy {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == chosen:
            import_module(f"runner.cli.{name}").add_arguments(command)
    return parser


def main(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    try:
        return _run(argv)
    except (KeyboardInterrupt, Interrupted):
        return _say("interrupted; the same command goes on where it stopped", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing to tell
        return DONE
    except (UserError, ArchiveError) as error:
        return _say(str(error), USER_ERROR)
    except SandboxError as error:
        return _say(f"{error}\nlook at: shipworthy doctor", INCOMPLETE)
    except OSError as error:
        if error.errno in THE_USERS:
            return _say(f"{error.filename or 'the archive or /tmp'}: {error.strerror}", USER_ERROR)
        return _report_bug(error)
    except ShipworthyError as error:
        return _say(str(error), INCOMPLETE)
    except Exception as error:
        return _report_bug(error)


def _run(argv: Sequence[str]) -> int:
    chosen = next((word for word in argv if not word.startswith("-")), None)
    parser = build_parser(chosen if chosen in COMMANDS else None)
    if not argv:
        parser.print_help()
        return USER_ERROR
    args = parser.parse_args(argv)
    code = int(import_module(f"runner.cli.{args.command}").main(args))
    sys.stdout.flush()
    return code


def _say(message: str, code: int) -> int:
    print(f"shipworthy: {message}", file=sys.stderr)
    return code


def _report_bug(error: Exception) -> int:
    with tempfile.NamedTemporaryFile("w", prefix="shipworthy-", suffix=".log", delete=False) as log:
        log.write(f"shipworthy {__version__} {' '.join(sys.argv[1:])}\n{traceback.format_exc()}")
    first = next(iter(str(error).splitlines()), "")
    return _say(
        f"this is a bug of ours: {type(error).__name__}: {first}\nplease report it with {log.name}", OUR_BUG
    )


def entry() -> None:
    """The console script; SIGTERM ends a command as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    if sys.argv[1:2] and sys.argv[1] in ONLY_PRINT:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as `ls | head` ends
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    entry()
