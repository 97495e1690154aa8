"""Every pair of the leading contenders: who is better, and whether that is more than noise, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from runner.report.site.entries import Duel
from runner.stats.compare import score_pairs
from runner.stats.contestants import Contestant
from runner.stats.paired import ALPHA, Noise, Paired, corrected, paired
from runner.stats.samples import Contender, Sample

MOST = 12


def duels(samples: Sequence[Sample], ranking: Sequence[Contender]) -> list[Duel]:
    """Of the first MOST of a ranking; all their comparisons are one family for Holm's correction."""
    leading = list(dict.fromkeys(ranking))[:MOST]
    sides = {who: _side(who, samples) for who in leading}
    pairs = list(combinations(leading, 2))
    family = {str(n): paired(score_pairs(sides[a], sides[b])) for n, (a, b) in enumerate(pairs)}
    found = corrected(family)
    return [Duel(a, b, words(found[str(n)], a, b, len(pairs))) for n, (a, b) in enumerate(pairs)]


def words(result: Paired, a: Contender, b: Contender, comparisons: int) -> str:
    """Whether one is better, for people who do not know what p is."""
    first, second = (f"{model} with {agent}" for model, agent in (a, b))
    many = f"{result.n} pair{'s' * (result.n != 1)}"
    if result.difference is None:
        return f"{first} and {second} have no task and epoch in common with a score for both."
    gap = result.difference.mean
    if gap < 0:
        first, second, gap = second, first, -gap
    leads = f"{first} is ahead of {second} by {gap:.1f} points over {many}"
    if gap < 0.05:
        leads = f"{first} and {second} are level over {many}"
    if result.noise is Noise.TOO_FEW:
        return f"{leads}: too few to tell from noise. Run more epochs of both."
    p = result.p_holm if result.p_holm is not None else result.p
    among = f"{_chance(p)}, corrected for {comparisons} comparisons" if comparisons > 1 else _chance(p)
    if result.noise is Noise.BEYOND:
        low, high = sorted(abs(end) for end in result.difference.interval or (gap, gap))
        return f"{leads}: more than noise ({among}; 95 % interval {low:.1f} to {high:.1f} points)."
    return f"{leads}: no more than noise explains ({among})."


def _chance(p: float | None) -> str:
    if p is None:
        return "p unknown"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 2 * ALPHA else f"p = {p:.2f}"


def _side(who: Contender, samples: Sequence[Sample]) -> Contestant:
    model, agent = who
    return Contestant(model, agent, tuple(s for s in samples if s.contender == who))
