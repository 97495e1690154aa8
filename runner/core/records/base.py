"""What every record is: frozen, with canonical JSON and a digest."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler

_N = TypeVar("_N", int, float)


VARIANT = r"^[a-z][a-z0-9_]*$"


Values = dict[str, str | int | float | bool | list[str] | None]


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Record(BaseModel):
    """A frozen record; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def canonical(self, *without: str) -> bytes:
        """Its canonical JSON: equal records give equal bytes."""
        return canonical_json(self.model_dump(mode="json", exclude=set(without)))

    def digest(self, *without: str) -> str:
        """SHA-256 of the canonical JSON (without some fields), 64 hex digits."""
        return hashlib.sha256(self.canonical(*without)).hexdigest()


def without_unset(record: Record, dump: SerializerFunctionWrapHandler, *later: str) -> dict[str, Any]:
    """A dump without these fields where they hold their default.

    Digests are names: of rubrics, under which scores are kept, and of sealed runs. Fields that came later
    must not change those of records that do not use them.
    """
    fields: dict[str, Any] = dump(record)
    unset = {name for name in later if getattr(record, name) == type(record).model_fields[name].default}
    return {name: value for name, value in fields.items() if name not in unset}
