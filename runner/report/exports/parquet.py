"""Parquet: the columns of the CSV with their types, also where all of a column is unknown."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from runner.core.errors import UserError
from runner.report.exports.kit.entry import Document, Entry, Format
from runner.report.exports.kit.rows import table

try:
    import pyarrow
    import pyarrow.parquet
except ModuleNotFoundError:  # an extra: it is larger than all the rest
    pyarrow = None

MISSING = "export parquet needs pyarrow, which is not installed: pip install 'shipworthy[parquet]'"


def _documents(entries: Sequence[Entry]) -> Iterator[Document]:
    if pyarrow is None:
        raise UserError(MISSING)
    columns, rows = table(entries)
    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema), file)
    yield "runs.parquet", file.getvalue()


FORMAT = Format(_documents, binary=True)
