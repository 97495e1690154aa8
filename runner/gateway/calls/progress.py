"""Whether a model gets anywhere, told by its exchanges alone: how long a command is silent says nothing."""

from __future__ import annotations

from dataclasses import dataclass

from runner.core.records import Blame, Failure
from runner.gateway.wire import Reply, RequestSummary

SAME_WITH_SAME_RESULT = 10
SAME_WHATEVER_RESULT = 50


@dataclass
class _Phase:
    """`said` and `result`: the newest reply and the tool results it came after; how often in a row."""

    offered: bool = False
    called: bool = False
    at_end: bool = False
    said: object = None
    result: str = ""
    times: int = 0
    times_with_result: int = 0


class Progress:
    """Follows the usable replies of a run, phase by phase."""

    def __init__(self) -> None:
        self._phases: dict[str, _Phase] = {}

    def note(self, phase: str, request: RequestSummary, reply: Reply) -> Failure | None:
        """Take in a usable reply; returns the failure if the model loops.

        Side requests that offer no tools (for a title, say) do not count once some request has offered any.
        """
        seen = self._phases.setdefault(phase, _Phase())
        if seen.offered and not request.tools:
            return None
        seen.offered = seen.offered or bool(request.tools)
        seen.called = seen.called or bool(reply.tool_calls)
        seen.at_end = seen.offered and not reply.tool_calls
        said = (reply.text, tuple((call.name, call.arguments) for call in reply.tool_calls))
        same = said == seen.said
        seen.times = seen.times + 1 if same else 1
        seen.times_with_result = seen.times_with_result + 1 if same and request.result == seen.result else 1
        seen.said, seen.result = said, request.result
        return _loop(seen)

    def is_at_end(self, phase: str) -> bool:
        """Whether the newest reply of a phase ends it: no tool is called although there are some."""
        seen = self._phases.get(phase)
        return seen is not None and seen.at_end

    def given_up(self, phase: str, first: bool) -> Failure | None:
        """Why a phase that ended by itself left an empty workspace, if that is the model's doing."""
        seen = self._phases.get(phase)
        if seen is None or not seen.offered:
            return None
        if not seen.called:
            return _failure("no_tool_call", "the model never called a tool, and the workspace is empty")
        return _failure("gave_up", "the model ended its work with an empty workspace") if first else None


def _loop(seen: _Phase) -> Failure | None:
    if seen.times_with_result >= SAME_WITH_SAME_RESULT:
        return _failure("loop", f"the model gave the same reply {seen.times_with_result} times to one result")
    if seen.times >= SAME_WHATEVER_RESULT:
        return _failure("loop", f"the model gave the same reply {seen.times} times in a row")
    return None


def _failure(code: str, message: str) -> Failure:
    return Failure(kind=Blame.MODEL, code=code, message=message)
