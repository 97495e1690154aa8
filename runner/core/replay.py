"""What came of replaying a run: the agent run again, against the replies that were recorded."""

from __future__ import annotations

from math import isclose

from runner.core.records import Record, Run

METERS = (
    "requests",
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_usd",
)


class Divergence(Record):
    """Where a replay first went another way than the run it replays; `message` says it in one sentence.

    `request` counts the replay's requests from 1, `recorded` those of the recorded run; None if there is no
    such request. `where` is a place in the request as JSON (`messages[3].content`), `was` and `now` are what
    lay there, with what changes from run to run (times, ids) replaced by its kind.
    """

    message: str
    phase: str
    request: int | None = None
    recorded: int | None = None
    where: str | None = None
    was: str | None = None
    now: str | None = None


class Replayed(Record):
    """How many requests a replay made, how many found the reply to just that request, and how many recorded
    replies it never asked for."""

    requests: int
    as_recorded: int
    unplayed: int
    divergence: Divergence | None


class Replay(Record):
    """A run beside the run that it replays. `replayed` is None if the replay did not get as far as to say.

    `differing_files` are the paths of the two trees that do not lead to the same content.
    """

    original: Run
    run: Run
    replayed: Replayed | None
    differing_files: tuple[str, ...] = ()

    @property
    def differing_meters(self) -> tuple[str, ...]:
        """The meters whose totals differ; what is unknown in both is equal."""
        return tuple(name for name in METERS if not self._is_equal(name))

    @property
    def same_tree(self) -> bool:
        """Whether it left just the same files."""
        return self.original.tree == self.run.tree

    @property
    def is_faithful(self) -> bool:
        """Whether it went to its end as recorded, with the same totals."""
        went = self.replayed is not None and self.replayed.divergence is None
        return went and not self.differing_meters

    def _is_equal(self, meter: str) -> bool:
        one, other = getattr(self.original.usage, meter), getattr(self.run.usage, meter)
        if one is None or other is None:
            return one is other
        return isclose(one, other, rel_tol=1e-9)  # sums of costs depend on their order in the last digit
