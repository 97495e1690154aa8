"""The real inspect_ai reads what is exported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from inspect_ai.log import EvalLog, read_eval_log
from transcripts import ASKED, COMMAND, DONE, SEEN, exchange, write_transcript

from runner.report.exports.inspect import FORMAT
from runner.report.exports.kit.entry import Entry


def read(folder: Path, *entries: Entry) -> list[EvalLog]:
    logs = []
    for name, content in FORMAT.documents(entries):
        (folder / name).write_bytes(content)
        logs.append(read_eval_log(str(folder / name)))
    return logs


def test_inspect_reads_scores_conversation_and_usage(tmp_path: Path, scored: Entry) -> None:
    [log] = read(tmp_path, scored)
    assert scored.score is not None
    assert (log.status, log.eval.model, log.eval.task) == ("success", "demo/b", "rails_chat")
    assert log.samples is not None
    [sample] = log.samples
    assert sample.input == ASKED
    assert [m.role for m in sample.messages] == ["user", "assistant", "tool", "assistant"]
    called, seen = sample.messages[1:3]
    assert called.tool_calls[0].arguments == COMMAND
    assert (seen.tool_call_id, seen.text) == (called.tool_calls[0].id, SEEN)
    assert sample.output.completion == DONE
    assert sample.scores is not None
    assert sample.scores["points"].value == {"low": scored.score.low, "high": scored.score.high}
    for dimension in scored.score.dimensions:
        assert sample.scores[dimension.id].value == {"low": dimension.low, "high": dimension.high}
    assert sample.model_usage["demo/b"].input_tokens == 120_345
    assert sample.model_usage["demo/b"].total_cost is None, "an unknown cost is not 0"
    assert log.results is not None
    assert log.results.scores[0].metrics["mean_low"].value == scored.score.low


def test_a_failure_of_infrastructure_is_an_error_without_a_score(
    tmp_path: Path, scored: Entry, infra: Entry
) -> None:
    [log] = read(tmp_path, scored, infra)
    assert log.samples is not None
    assert [bool(sample.error) for sample in log.samples] == [False, True]
    assert not log.samples[1].scores
    assert log.results is not None
    assert (log.results.total_samples, log.results.completed_samples) == (2, 1)


def test_models_agents_and_variants_have_logs_of_their_own(tmp_path: Path, scored: Entry) -> None:
    trial = scored.run.trial.model_copy(update={"variant": "terse"})
    terse = replace(scored, run=scored.run.model_copy(update={"trial": trial}))
    logs = read(tmp_path, scored, terse)
    assert {log.eval.task for log in logs} == {"rails_chat", "rails_chat~terse"}


@pytest.mark.parametrize("model", ["../../etc/passwd", "a/b"])
def test_no_name_leads_out_of_the_folder(scored: Entry, model: str) -> None:
    trial = scored.run.trial.model_copy(update={"model": model})
    [(name, _)] = FORMAT.documents([replace(scored, run=scored.run.model_copy(update={"trial": trial}))])
    assert "/" not in name


def test_a_known_cost_is_read_back(tmp_path: Path, scored: Entry) -> None:
    usage = scored.run.usage.model_copy(update={"cost_usd": 1.25})
    [log] = read(tmp_path, replace(scored, run=scored.run.model_copy(update={"usage": usage})))
    assert log.stats.model_usage["demo/b"].total_cost == 1.25
    assert log.samples is not None
    assert log.samples[0].metadata["cost_usd"] == 1.25


def test_half_a_character_and_odd_names_do_no_harm(tmp_path: Path, scored: Entry) -> None:
    asked = {"messages": [{"role": "user", "content": "\ud800 \x00 <b>"}]}
    reply = {"text": "\udfff", "reasoning": "", "tool_calls": []}
    write_transcript(tmp_path, [exchange(asked, reply)])
    trial = scored.run.trial.model_copy(update={"model": "模型/" + "x" * 400})
    run = scored.run.model_copy(update={"trial": trial})
    [log] = read(tmp_path, replace(scored, run=run, folder=tmp_path))
    assert log.eval.model == trial.model
    assert log.samples is not None
    assert log.samples[0].input == "? \x00 <b>"
    assert log.samples[0].output.completion == "?"
