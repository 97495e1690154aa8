"""Is the conversation kept between requests, where, and how much of it?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.core.tree import SourceTree
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.llm.stores import Kept, bounds, environment, kept_places
from runner.probes.kit.llm.turns import kept_chats
from runner.probes.kit.ruby.budget import within_budget
from runner.probes.kit.verdicts import Verdict, bad, good, moot

CHECKS = {
    "persistence.kept": "the conversation is kept between requests",
    "persistence.shared": "what is kept is seen by every process, also after a restart",
    "persistence.bounded": "what is kept is bounded in number, size or time",
}


def findings(tree: SourceTree, manifests: Path) -> list[Finding]:
    """One finding per check."""
    use = LlmUse.of(tree, manifests)
    places = kept_places(use) + [Kept("process", place) for place in kept_chats(use)]
    places = list(dict.fromkeys(places))
    keeping = [k for k in places if not k.lost]
    verdicts = {
        "kept": _kept(use, places, keeping),
        "shared": _shared(keeping),
        "bounded": _bounded(use, keeping),
    }
    return [verdict.of(f"persistence.{name}") for name, verdict in verdicts.items()]


def _kept(use: LlmUse, places: list[Kept], keeping: list[Kept]) -> Verdict:
    if keeping:
        media = sorted({k.medium for k in keeping})
        return good(
            f"the conversation is kept in: {', '.join(media)}", [k.location for k in keeping], media=media
        )
    if places:
        message = (
            f"the conversation goes to the cache, but its store keeps nothing in {environment(use.tree)}"
        )
        return bad(message, [k.location for k in places])
    return bad(
        "nothing keeps the conversation (looked for session, cache, files, database, Redis, variables)"
    )


def _shared(keeping: list[Kept]) -> Verdict:
    if not keeping:
        return moot("nothing is kept")
    shared = [k for k in keeping if not k.local]
    if shared:
        names = sorted({k.detail or k.medium for k in shared})
        return good(f"every process sees it: {', '.join(names)}", [k.location for k in shared], stores=names)
    return bad(
        "only one process knows the conversation, and only until it ends", [k.location for k in keeping]
    )


def _bounded(use: LlmUse, keeping: list[Kept]) -> Verdict:
    if not keeping:
        return moot("nothing is kept")
    limits = bounds(use)
    if limits:
        return good("what is kept is bounded", limits)
    message = "nothing bounds what is kept (looked for the last N, a size, a time to live)"
    if any(k.detail == "cookie_store" for k in keeping):
        message = "the session cookie holds about 4 KB and nothing keeps the conversation below that"
    return bad(message, [k.location for k in keeping])


class PersistenceProbe:
    """Looks for the place where the conversation lives."""

    id = "persistence"
    version = 4
    needs_lab = False
    checks: Mapping[str, str] = CHECKS

    async def run(self, subject: Subject) -> list[Finding]:
        """Judge the tree."""
        return within_budget(self, subject.tree, lambda: findings(subject.tree, subject.manifests))


PROBE = PersistenceProbe()
