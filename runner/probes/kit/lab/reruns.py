"""An app's own suite, run again and again in one lab: as it is, and with files of the app changed.

Every run begins with the same files. A run is judged by its exit code, which comes from the engine: what a
suite writes into the sandbox decides nothing but what it is told to have executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """A suite in a lab whose app is installed."""

    def __init__(self, lab: Lab, suite: Suite) -> None:
        command = lab.app.command(lab.tree, suite.commands)
        assert command is not None
        self._lab = lab
        self._suite = suite
        self._argv = command.argv
        self._hurried = hurried(command.argv)

    async def first(self, limit_s: float) -> tuple[Rerun, Executed]:
        """The suite as it is, with the lines it executes counted."""
        await self._lab.prepare(self._suite.prepare, {"RAILS_ENV": "test"})
        await self._lab.put({_COUNTER: (_INSIDE / _COUNTER).read_bytes()}, HELPER)
        saved = await self._lab.execute(["sh", "-c", _SAVE], timeout_s=RESET_S)
        counting = {"RUBYOPT": f"-r{HELPER}/{_COUNTER}", "LAB_COVERAGE": _COUNTS} if saved.ok else {}
        run = await self._run(self._argv, limit_s, counting)
        counted = await self._lab.execute(["sh", "-c", f"cat {_COUNTS}/*"], timeout_s=RESET_S)
        return run, Executed.read(counted.stdout.decode("utf-8", "replace"))

    def hurry_no_more(self) -> bool:
        """Have later runs go on after a failure; False if they do so already."""
        before, self._hurried = self._hurried, self._argv
        return before != self._argv

    async def changed(self, files: Mapping[str, bytes], limit_s: float) -> Rerun | None:
        """The suite, up to its first failure, with these files (by path in the tree) in place of the app's.

        None if the first state could not be restored: what the suite left behind is in the way.
        """
        reset = await self._lab.execute(["sh", "-c", _RESET], timeout_s=RESET_S)
        if not reset.ok:
            return None
        await self._lab.put(files, WORKSPACE)
        return await self._run(self._hurried, limit_s, {})

    async def _run(self, argv: Sequence[str], limit_s: float, env: Mapping[str, str]) -> Rerun:
        log = Log()
        try:
            result = await self._lab.execute(argv, env={**_PLAIN, **env}, timeout_s=limit_s, log=log)
        except Flood:
            result = ExecResult(exit_code=None, wall_s=0, truncated=True)
        return Rerun(result, log.text)


def hurried(argv: Sequence[str]) -> tuple[str, ...]:
    """The command, told to stop at the first failure; not every release of a runner knows the option."""
    known = argv[-1] == "test" or "rspec" in argv
    return (*argv, "--fail-fast") if known else tuple(argv)
