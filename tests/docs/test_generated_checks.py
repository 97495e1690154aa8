"""The page of checks knows every probe and every rubric."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.pipeline.grading.evidence import all_probes
from runner.pipeline.rubrics.explain import explanations
from runner.spec.rubrics import load_rubric

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/checks.md").read_text()
RUBRICS = sorted(path.name for path in (ROOT / "rubrics").iterdir() if path.is_dir())


def row_of(check: str) -> str:
    return next(line for line in PAGE.splitlines() if line.startswith(f"| `{check}` |"))


def test_every_probe_has_a_table() -> None:
    for probe in all_probes():
        assert f"## {probe.id} (version {probe.version};" in PAGE
        assert all(statement in row_of(check) for check, statement in probe.checks.items())


@pytest.mark.parametrize("name", RUBRICS)
def test_every_rubric_prices_its_checks(name: str) -> None:
    rubric = load_rubric(name, ROOT / "rubrics")
    assert f"# Rubric {rubric.name}: {rubric.title}" in PAGE
    for dimension in rubric.dimensions:
        for deduction in dimension.deductions:
            for check in deduction.when.charged():
                assert f"{deduction.points:g} of {dimension.id} ({rubric.name})" in row_of(check)


def test_every_check_has_its_texts_in_full() -> None:
    for told in explanations([]):
        section = PAGE.partition(f"\n### {told.check}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
        texts = (told.statement, *told.doc.model_dump().values())
        assert all(text.rstrip() in section for text in texts)
