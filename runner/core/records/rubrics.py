"""What it is worth: deductions, groups, dimensions, ceilings, tiers."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from runner.core.records.base import Record, without_unset


class Condition(Record):
    """When a deduction fires: one check FAILs, or a combination. Exactly one field is set.

    `given` holds where a check PASSes and `unless` where it does not: they narrow an `all`, and what they
    name costs nothing by them.
    """

    fail: str | None = None
    all: tuple[Condition, ...] | None = None
    any: tuple[Condition, ...] | None = None
    given: str | None = None
    unless: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _check_name(cls, value: Any) -> Any:
        return {"fail": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(x is not None for x in (self.check, self.all, self.any)) != 1:
            raise ValueError("give exactly one of a check id, `all`, `any`, `given` or `unless`")
        return self

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_unset(self, dump, "given", "unless")

    @property
    def check(self) -> str | None:
        """The one check it names, if it is no combination."""
        return self.fail or self.given or self.unless

    def checks(self) -> frozenset[str]:
        """Every check id it names."""
        return self._named(("fail", "given", "unless"))

    def charged(self) -> frozenset[str]:
        """The check ids whose failure it is about."""
        return self._named(("fail",))

    def _named(self, fields: tuple[str, ...]) -> frozenset[str]:
        own = {getattr(self, name) for name in fields} - {None}
        return frozenset(own).union(*(c._named(fields) for c in (self.all or self.any or ())))


class Deduction(Record):
    """Points lost when a condition holds; what its `group` in the dimension does, that group says.

    `twice` says why a check that costs points elsewhere already may cost some here again.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    when: Condition
    points: float = Field(gt=0)
    because: str
    group: str | None = None
    twice: str | None = Field(None, min_length=1)

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_unset(self, dump, "twice")


class GroupMode(StrEnum):
    """EXCLUSIVE: only the worst member counts. ADDITIVE: all count, up to the group's `max`."""

    EXCLUSIVE = "exclusive"
    ADDITIVE = "additive"


class Group(Record):
    """How the deductions of one group count together; `max` is the most an additive one can cost."""

    mode: GroupMode = GroupMode.EXCLUSIVE
    max: float | None = Field(None, gt=0)


class Dimension(Record):
    """One of the rubric's dimensions, worth `points`; a group not named in `groups` is exclusive."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    points: float = Field(gt=0)
    groups: dict[str, Group] = {}
    deductions: tuple[Deduction, ...]

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_unset(self, dump, "groups")

    def group(self, deduction: Deduction) -> Group:
        """How a deduction counts beside others; alone it is a group of its own."""
        return self.groups.get(deduction.group or "", Group())


class Ceiling(Record):
    """Caps the total when a condition holds, whatever the dimensions add up to."""

    id: str
    when: Condition
    max: float = Field(ge=0)
    because: str


class Tier(Record):
    """Reached from `at_least` points on."""

    id: str
    at_least: float = Field(ge=0)
    meaning: str


class Rubric(Record):
    """Versioned data; a released one is never edited."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: int = Field(ge=1)
    title: str
    dimensions: tuple[Dimension, ...] = Field(min_length=1)
    ceilings: tuple[Ceiling, ...] = ()
    tiers: tuple[Tier, ...] = Field(min_length=1, description="best first")

    @property
    def name(self) -> str:
        """`rails_chat@2`."""
        return f"{self.id}@{self.version}"

    def checks(self) -> frozenset[str]:
        """Every check id it names."""
        conditions = [d.when for dim in self.dimensions for d in dim.deductions]
        conditions += [c.when for c in self.ceilings]
        return frozenset().union(*(c.checks() for c in conditions))
