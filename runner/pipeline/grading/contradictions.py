"""What was read and what was measured of an archived run, where the two disagree."""

from __future__ import annotations

from runner.archive.archive import Archive
from runner.core.records import Finding, Run, Score
from runner.pipeline.grading.evidence import probes_for
from runner.pipeline.grading.grader import get_rubric
from runner.pipeline.settings import Settings
from runner.scoring.contradictions import contradictions


def contradictions_of(
    archive: Archive, run: Run, score: Score | None, settings: Settings
) -> list[tuple[Finding, Finding]]:
    """By the rubric of a score and the newest evidence; none for a rubric that was edited since."""
    if run.tree is None or score is None:
        return []
    rubric = get_rubric(score.rubric, settings)
    if rubric.digest() != score.rubric_digest:
        return []
    kept = (archive.latest_evidence(run.tree, p.id, p.version) for p in probes_for(rubric.checks()))
    return contradictions(rubric, [evidence for evidence in kept if evidence is not None])
