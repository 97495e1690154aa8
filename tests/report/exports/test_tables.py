"""CSV, JSON lines and Parquet, each read back by a reader that is not ours."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pyarrow
import pyarrow.parquet
import pytest

from runner.core.errors import UserError
from runner.core.records import Failure, Imported
from runner.report.exports import csv as csv_format
from runner.report.exports import jsonl, parquet
from runner.report.exports.kit.entry import Entry, Format


def content(chosen: Format, *entries: Entry) -> bytes:
    [(_, content)] = chosen.documents(entries)
    return content


def test_a_row_has_the_score_and_what_is_unknown_is_null(scored: Entry, infra: Entry) -> None:
    first, second = (json.loads(line) for line in content(jsonl.FORMAT, scored, infra).splitlines())
    score = scored.score
    assert score is not None
    assert (first["run"], first["low"], first["high"]) == (scored.run.id, score.low, score.high)
    assert first["rubric"] == score.rubric
    for dimension in score.dimensions:
        assert first[f"{dimension.id}_low"] == dimension.low
        assert first[f"{dimension.id}_high"] == dimension.high
        assert first[f"{dimension.id}_points"] == dimension.points
    assert first["cost_usd"] is None, "an unknown cost is not 0"
    assert first["input_tokens"] == 120_345
    assert (second["low"], second["blame"], second["failure"]) == (None, "infra", "upstream")
    assert second["why_not_scored"] == infra.why_not
    assert first.keys() == second.keys()


def test_nothing_of_an_imported_run_was_metered(scored: Entry) -> None:
    imported = scored.run.model_copy(update={"imported": Imported(source="there", kind="folder")})
    row = json.loads(content(jsonl.FORMAT, replace(scored, run=imported)))
    assert (row["requests"], row["wall_s"], row["imported_from"]) == (None, None, "there")


def test_csv_has_the_same_cells(scored: Entry, infra: Entry) -> None:
    text = content(csv_format.FORMAT, scored, infra).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    lines = [json.loads(line) for line in content(jsonl.FORMAT, scored, infra).splitlines()]
    assert rows == [{k: "" if v is None else str(v) for k, v in line.items()} for line in lines]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@"])
def test_no_cell_of_a_csv_is_a_formula(infra: Entry, begin: str) -> None:
    assert infra.run.failure is not None
    said = Failure(kind=infra.run.failure.kind, code="x", message=f'{begin}HYPERLINK("http://evil")')
    hostile = replace(infra, run=infra.run.model_copy(update={"failure": said}))
    [row] = csv.DictReader(io.StringIO(content(csv_format.FORMAT, hostile).decode(), newline=""))
    assert row["failure_message"] == f"'{said.message}"


def test_parquet_has_the_same_rows_and_typed_columns(scored: Entry, infra: Entry) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(content(parquet.FORMAT, scored, infra)))
    lines = [json.loads(line) for line in content(jsonl.FORMAT, scored, infra).splitlines()]
    assert table.to_pylist() == lines
    assert table.schema.field("cost_usd").type == pyarrow.float64(), "though all of it is unknown"
    assert table.schema.field("epoch").type == pyarrow.int64()


def test_parquet_without_pyarrow_says_what_to_install(scored: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "pyarrow", None)
    with pytest.raises(UserError, match=r"pip install 'shipworthy\[parquet\]'"):
        content(parquet.FORMAT, scored)


def test_tables_of_nothing_are_tables() -> None:
    assert content(jsonl.FORMAT) == b""
    assert content(csv_format.FORMAT).startswith(b"run,task,variant,")
    assert pyarrow.parquet.read_table(io.BytesIO(content(parquet.FORMAT))).num_rows == 0
