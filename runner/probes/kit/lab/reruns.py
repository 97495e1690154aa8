"""An app's own suite, run again and again in one lab: as it is, and with files of the app changed.

Every run begins with the same files. A run is judged by its exit code, which comes from the engine: what a
suite writes into the sandbox decides nothing but what it is told to have executed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.core.protocols import ExecResult
from runner.probes.kit.lab.executed import Executed
from runner.probes.kit.lab.lab import HELPER, WORKSPACE, Lab
from runner.probes.kit.lab.logs import Flood, Log
from runner.probes.kit.lab.recipes import Suite

RESET_S = 60.0
_FIRST_STATE = "/home/agent/first-state"
_COUNTS = "/tmp/lab-coverage"
_COUNTER = "line_coverage.rb"
_INSIDE = Path(__file__).with_name("inside")

# One process, so that all is counted; no preloader and no cache that could hold the files of another run.
_PLAIN = {"PARALLEL_WORKERS": "1", "DISABLE_SPRING": "1", "DISABLE_BOOTSNAP_COMPILE_CACHE": "1"}
_SAVE = f"mkdir {_COUNTS} {_FIRST_STATE} && cp -a {WORKSPACE}/. {_FIRST_STATE}"
_RESET = (
    f"chmod -R u+rwX {WORKSPACE}; "
    f"find {WORKSPACE} -mindepth 1 -maxdepth 1 -exec rm -rf {{}} + && cp -a {_FIRST_STATE}/. {WORKSPACE}"
)


@dataclass(frozen=True)
class Rerun:
    """How one run ended and what it wrote."""

    result: ExecResult
    output: str


class Reruns:
    """A suite in a lab whose app is installed; `argv` is its command."""

    def __init__(self, lab: Lab, suite: Suite) -> None:
        command = lab.app.command(lab.tree, suite.commands)
        assert command is not None
        self._lab = lab
        self._suite = suite
        self.argv = command.argv
        self._hurried = hurried(command.argv)

    async def first(self, limit_s: float) -> tuple[Rerun, Executed]:
        """The suite as it is, with the lines it executes counted."""
        await self._lab.prepare(self._suite.prepare, {"RAILS_ENV": "test"})
        await self._lab.put({_COUNTER: (_INSIDE / _COUNTER).read_bytes()}, HELPER)
        saved = await self._lab.execute(["sh", "-c", _SAVE], timeout_s=RESET_S)
        counting = {"RUBYOPT": f"-r{HELPER}/{_COUNTER}", "LAB_COVERAGE": _COUNTS} if saved.ok else {}
        run = await self._run(self.argv, limit_s, counting)
        counted = await self._lab.execute(["sh", "-c", f"cat {_COUNTS}/*"], timeout_s=RESET_S)
        return run, Executed.read(counted.stdout.decode("utf-8", "replace"))

    def hurry_no_more(self) -> bool:
        """Have later runs go on after a failure; False if they do so already."""
        before, self._hurried = self._hurried, self.argv
        return before != self.argv

    async def changed(
        self, files: Mapping[str, bytes], limit_s: float, tests: Sequence[str] = ()
    ) -> Rerun | None:
        """The suite, up to its first failure, with these files (by path in the tree) in place of the app's.

        Only these test files of it, if any are named. None if the first state could not be restored: what
        the suite left behind is in the way.
        """
        reset = await self._lab.execute(["sh", "-c", _RESET], timeout_s=RESET_S)
        if not reset.ok:
            return None
        await self._lab.put(files, WORKSPACE)
        return await self._run((*self._hurried, *tests), limit_s, {})

    async def _run(self, argv: Sequence[str], limit_s: float, env: Mapping[str, str]) -> Rerun:
        log = Log()
        try:
            result = await self._lab.execute(argv, env={**_PLAIN, **env}, timeout_s=limit_s, log=log)
        except Flood:
            result = ExecResult(exit_code=None, wall_s=0, truncated=True)
        return Rerun(result, log.text)


def hurried(argv: Sequence[str]) -> tuple[str, ...]:
    """The command, told to stop at the first failure; not every release of a runner knows the option."""
    return (*argv, "--fail-fast") if _is_known(argv) else tuple(argv)


def _is_known(argv: Sequence[str]) -> bool:
    return argv[-1] == "test" or "rspec" in argv


def nearest(argv: Sequence[str], tests: Sequence[str], changed: Iterable[str]) -> list[str]:
    """The test files that bear the name of a changed file, where a command can be given files and they are
    not all that it runs: they are quick to tell a mutant."""
    names = {path.rpartition("/")[2].removesuffix(".rb") for path in changed}
    names |= {name.removesuffix("_controller") for name in names}
    near = [path for path in tests if _tested(path) in names]
    return near if _is_known(argv) and len(near) < len(tests) else []


def _tested(path: str) -> str:
    """What a test file tests, by its name."""
    name = path.rpartition("/")[2].removesuffix(".rb")
    return name.removeprefix("test_").removesuffix("_test").removesuffix("_spec")
