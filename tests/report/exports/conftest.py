from __future__ import annotations

from pathlib import Path

import pytest
from transcripts import conversation, write_transcript

from runner.core.records import Run, Score
from runner.report.exports.kit.entry import Entry


@pytest.fixture
def scored(tmp_path: Path, run: Run, score: Score) -> Entry:
    folder = tmp_path / "scored"
    write_transcript(folder, conversation("openai_chat"))
    return Entry(run, score, None, folder)


@pytest.fixture
def infra(tmp_path: Path, failed_run: Run) -> Entry:
    return Entry(failed_run, None, "it failed, and not by the model", tmp_path / "none")
