from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runner.spec.harbor.toml import to_toml

texts = st.text(st.characters(codec="utf-8"), max_size=20)
plain = st.one_of(texts, st.integers(-(2**40), 2**40), st.booleans(), st.floats(-1e6, 1e6))
tables = st.dictionaries(texts, st.one_of(plain, st.lists(plain, max_size=3)), max_size=4)
documents = st.dictionaries(
    texts, st.one_of(plain, tables, st.lists(tables, min_size=1, max_size=3)), max_size=5
)


@given(documents)
def test_what_is_written_is_read_back(document: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(document)) == document


def test_what_is_unknown_is_left_out() -> None:
    assert to_toml({"a": None, "b": {"c": None}}) == "[b]\n"
