"""Pages about many runs: leaderboard, all runs, models, comparison, rubrics, method."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from runner.core.records import DimensionScore, Rubric
from runner.core.rubric_diff import RubricDiff
from runner.report.site.chart import chart_of
from runner.report.site.entries import ALL_TASKS, Entry, Material, Standing
from runner.report.site.naming import model_page, rubric_page, slug
from runner.report.site.rendering import Renderer
from runner.report.variant_sheet import READINGS

Contestant = tuple[str, str]


@dataclass
class Lost:
    """A deduction or ceiling, and in how many of each contestant's runs it was taken."""

    rubric: str
    dimension: str
    id: str
    points: float
    because: str
    runs: Counter[Contestant] = field(default_factory=Counter)


@dataclass(frozen=True)
class Profile:
    """A dimension on average: the contestant's points, and the least, middle and most of the field."""

    rubric: str
    title: str
    points: float
    own: float
    least: float
    middle: float
    most: float


def overview_pages(material: Material, render: Renderer) -> dict[str, bytes]:
    """Every such page by its path."""
    files = {path: render.page(path, template, **more) for path, template, more in _plain(material)}
    for model in sorted({s.model for s in material.standings}):
        path = model_page(model)
        files[path] = render.page(path, "model", **_model(material, model))
    for rubric in material.rubrics:
        digest = rubric.digest()
        path = rubric_page(rubric.name, digest)
        graded = [e for e in material.entries if e.score and e.score.rubric_digest == digest]
        lost = {(d.dimension, d.id): d for d in losses(graded)}
        context = {"rubric": rubric, "checks": material.checks, "lost": lost, "graded": len(graded)}
        files[path] = render.page(path, "rubric", **context)
    entries = {entry.run.id: entry for entry in material.entries}
    for change in material.changes:
        path = diff_page(change)
        files[path] = render.page(path, "rubric_diff", change=change, entries=entries)
    return files


def diff_page(change: RubricDiff) -> str:
    """The page of what changed from one rubric to another."""
    return f"rubrics/{slug(f'{change.old.digest()}-{change.new.digest()}')[-8:]}-diff.html"


def _plain(material: Material) -> Iterator[tuple[str, str, dict[str, object]]]:
    scopes = _scopes(material.standings)
    tiers = _tiers(material.rubrics)
    boards = [(scope, [s for s in material.standings if s.scope == scope]) for scope in scopes]
    charts = [(scope, chart_of(board)) for scope, board in boards]
    agents = sorted({s.agent for s in material.standings})
    board = {"scopes": scopes, "boards": boards, "charts": charts, "agents": agents, "tiers": tiers}
    yield "index.html", "leaderboard", {**board, "entries": material.entries, "method": material.method}
    yield "runs.html", "runs", {"entries": list(reversed(material.entries)), "tiers": tiers}
    yield "compare.html", "compare", _comparison(material)
    yield (
        "rubrics.html",
        "rubrics",
        {"rubrics": material.rubrics, "changes": material.changes, "diff_page": diff_page},
    )
    yield "methodology.html", "methodology", {"method": material.method, "rubrics": material.rubrics}


def _scopes(standings: Sequence[Standing]) -> list[str]:
    """All tasks first, if there are standings of it; then the task that most contestants ran."""
    scopes = Counter(s.scope for s in standings)
    return sorted(scopes, key=lambda scope: (scope != ALL_TASKS, -scopes[scope], scope))


def _tiers(rubrics: Sequence[Rubric]) -> list[str]:
    return list(dict.fromkeys(tier.id for rubric in rubrics for tier in rubric.tiers))


def _model(material: Material, model: str) -> dict[str, object]:
    standings = [s for s in material.standings if s.model == model]
    scopes = _scopes(standings)
    entries = [e for e in material.entries if e.run.trial.model == model]
    lost = [d for d in losses(entries) if d.points]
    return {
        "model": model,
        "standings": [s for s in standings if s.scope in scopes],
        "entries": entries,
        "profiles": profiles(material.entries, model),
        "spreads": [
            (spread, READINGS[spread.reading]) for spread in material.spreads if spread.model == model
        ],
        "lost": sorted(lost, key=lambda d: -d.points * d.runs.total())[:15],
        "scored": sum(e.score is not None for e in entries),
    }


def profiles(entries: Sequence[Entry], model: str) -> list[tuple[str, list[Profile]]]:
    """By rubric: each dimension of a model's runs beside the field's."""
    points: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    dimensions: dict[tuple[str, str], DimensionScore] = {}
    for entry in entries:
        for dimension in entry.score.dimensions if entry.score else ():
            key = (entry.score.rubric if entry.score else "", dimension.id)
            dimensions.setdefault(key, dimension)
            points[key][entry.run.trial.model].append((dimension.low + dimension.high) / 2)
    found: dict[str, list[Profile]] = defaultdict(list)
    for (rubric, id), by_model in points.items():
        if model in by_model:
            means = sorted(sum(values) / len(values) for values in by_model.values())
            own = by_model[model]
            shown = dimensions[rubric, id]
            middle = (means[(len(means) - 1) // 2] + means[len(means) // 2]) / 2
            profile = (sum(own) / len(own), means[0], middle, means[-1])
            found[rubric].append(Profile(rubric, shown.title, shown.points, *profile))
    return list(found.items())


def losses(entries: Sequence[Entry]) -> list[Lost]:
    """Every deduction and ceiling that was taken, in the rubric's order."""
    found: dict[tuple[str, str, str], Lost] = {}
    for entry in entries:
        score = entry.score
        if score is None:
            continue
        who = (entry.run.trial.model, entry.run.trial.agent)
        taken = [(d.id, a) for d in score.dimensions for a in d.applied]
        for dimension, applied in [*taken, *(("", ceiling) for ceiling in score.ceilings)]:
            new = Lost(score.rubric, dimension, applied.id, applied.points, applied.because)
            found.setdefault((score.rubric, dimension, applied.id), new).runs[who] += 1
    return list(found.values())


def _comparison(material: Material) -> dict[str, object]:
    """Each contestant a column; the page's script shows the chosen ones."""
    columns: list[Contestant] = list(dict.fromkeys((s.model, s.agent) for s in material.standings))
    by_cell = {(s.scope, s.model, s.agent): s for s in material.standings}
    graded = Counter(
        (e.score.rubric, e.run.trial.model, e.run.trial.agent) for e in material.entries if e.score
    )
    means: dict[tuple[str, str, str], dict[Contestant, list[float]]] = defaultdict(lambda: defaultdict(list))
    most: dict[tuple[str, str, str], float] = {}
    for entry in material.entries:
        for dimension in entry.score.dimensions if entry.score else ():
            key = (entry.score.rubric if entry.score else "", dimension.id, dimension.title)
            who = (entry.run.trial.model, entry.run.trial.agent)
            means[key][who].append((dimension.low + dimension.high) / 2)
            most[key] = dimension.points
    dimensions = [
        (rubric, title, most[rubric, id, title], {who: sum(v) / len(v) for who, v in values.items()})
        for (rubric, id, title), values in means.items()
    ]
    numbers = {who: number for number, who in enumerate(columns)}
    known = [d for d in material.duels if d.a in numbers and d.b in numbers]
    return {
        "columns": columns,
        "duels": [(f"{numbers[d.a]}-{numbers[d.b]}", d.words) for d in known],
        "scopes": _scopes(material.standings),
        "cells": by_cell,
        "graded": graded,
        "dimensions": dimensions,
        "lost": losses(material.entries),
    }
