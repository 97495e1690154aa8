"""The texts of all checks: each has some, they are true to their probe, and an unknown name is helped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from runner.cli.settings import settings_from
from runner.core.errors import SpecError, UserError
from runner.core.protocols import Probe
from runner.pipeline.grading.evidence import all_checks, all_probes
from runner.pipeline.rubrics.explain import (
    DOCS,
    CheckDoc,
    Cost,
    costs_by_check,
    documentation,
    explain,
    explanations,
    rubrics_in_force,
)
from runner.pipeline.settings import Settings

EVERY = [(probe, name) for probe in all_probes() for name in documentation(probe)]
each_check = pytest.mark.parametrize(("probe", "check"), EVERY, ids=[check for _, check in EVERY])


@pytest.fixture(scope="module")
def settings() -> Settings:
    return settings_from({})


def doc_of(probe: Probe, check: str) -> CheckDoc:
    return documentation(probe)[check]


def test_every_check_has_its_texts_and_no_text_is_orphaned() -> None:
    assert {check for _, check in EVERY} == set(all_checks())
    assert {path.stem for path in DOCS.iterdir()} == {probe.id for probe in all_probes()}


@each_check
def test_texts_are_sentences_and_examples_short_and_different(probe: Probe, check: str) -> None:
    doc = doc_of(probe, check)
    for text in (doc.why, doc.how, doc.unknown):
        assert text.endswith("."), text
        assert text[0].isupper() or text[0] in "`", text
        assert len(re.findall(r"\.(?:\s|$)", text)) <= 4, text
    examples = [doc.good.strip(), doc.bad.strip()]
    assert examples[0] != examples[1]
    assert all(1 <= len(example.splitlines()) <= 6 for example in examples)


@each_check
def test_only_what_runs_the_app_is_unknown_for_want_of_an_engine(probe: Probe, check: str) -> None:
    """A probe that needs a laboratory is UNKNOWN without a Docker engine, others never for that."""
    told = doc_of(probe, check).unknown
    assert ("No Docker engine" in told or "no Docker engine" in told) == probe.needs_lab


def documented(folder: Path, probe: Probe, change: dict[str, object]) -> Path:
    """The probe's own texts with a change, in another folder."""
    texts = yaml.safe_load((DOCS / f"{probe.id}.yaml").read_text())
    texts |= change
    kept = {name: text for name, text in texts.items() if text is not None}
    (folder / f"{probe.id}.yaml").write_text(yaml.safe_dump(kept))
    return folder


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"boots": None}, "boot.boots: is missing"),
        ({"flies": dict.fromkeys(CheckDoc.model_fields, "x")}, "boot.flies: the probe has no such check"),
        ({"boots": {"why": "It matters."}}, "checks.boots.how: is missing"),
        ({"boots": "It matters."}, "checks.boots: "),
    ],
)
def test_missing_and_orphaned_texts_are_refused(
    tmp_path: Path, change: dict[str, object], fault: str
) -> None:
    (boot,) = (probe for probe in all_probes() if probe.id == "boot")
    with pytest.raises(SpecError, match=re.escape(f"boot.yaml: {fault}")):
        documentation(boot, documented(tmp_path, boot, change))


def test_one_check_with_its_costs(settings: Settings) -> None:
    told = explain("ruby_llm.dsl", settings)
    assert told.statement == all_checks()["ruby_llm.dsl"]
    assert [str(cost) for cost in told.costs] == [
        "5 of ruby_llm (rails_chat@3)",
        "6 of ruby_llm (rails_chat_hard@1)",
    ]
    data = told.document()
    assert data["costs"][0] == {
        "rubric": "rails_chat@3",
        "id": "invented_dsl",
        "dimension": "ruby_llm",
        "points": 5,
        "ceiling": None,
    }
    assert {"check", "statement", "probe", "needs_lab", "why", "how", "unknown", "good", "bad"} <= data.keys()


def test_the_newest_version_counts_and_ceilings_too(settings: Settings) -> None:
    assert {rubric.name for rubric in rubrics_in_force(settings)} >= {"rails_chat@3", "notes_cli@1"}
    assert [str(cost) for cost in explain("boot.boots", settings).costs] == [
        "a total above 59 (rails_chat@3)",
        "a total above 59 (rails_chat_hard@1)",
    ]
    assert explain("ruby_llm_v1.only_known_calls", settings).costs == ()
    assert len(explain("deliverables.routes", settings).costs) == 4  # two deductions, two rubrics


def test_costs_name_everything_a_rubric_takes(settings: Settings) -> None:
    (rubric,) = (r for r in rubrics_in_force(settings) if r.id == "rails_chat")
    costs = costs_by_check([rubric])
    assert costs.keys() == rubric.checks()
    assert Cost("rails_chat@3", "stock_readme", "deliverables", 5) in costs["deliverables.readme"]


def test_all_are_told_by_probe() -> None:
    assert [told.check for told in explanations([])] == list(all_checks())


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("bot.boots", "; did you mean 'boot.boots'?"),
        ("readme", "; did you mean deliverables.readme or python_project.readme?"),
        ("boot", "; did you mean boot.boots or boot.root_page?"),
        ("xyzzy", "; shipworthy explain lists them all"),
    ],
)
def test_an_unknown_check_is_helped(name: str, help: str, settings: Settings) -> None:
    with pytest.raises(UserError, match=re.escape(f"unknown check {name!r}{help}")):
        explain(name, settings)
