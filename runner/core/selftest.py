"""What shows that a rubric grades rightly: an application, changes to it, and what they should cost."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from runner.core.records import Record


class Edit(Record):
    """One change of files; exactly one of `write`, `replace`, `replace_all`, `delete` and `rename`.

    `path` names a file; for `replace_all`, `delete` and `rename` it may be a pattern, whose `*` crosses `/`.
    `write` is a file's whole text. `replace` is a text that stands in the file exactly once, `replace_all`
    one that stands anywhere in the files; `by` takes its place. `rename` is the new path, or for a pattern
    that ends in `*` the new folder, with a `/` at its end.
    """

    path: str = Field(min_length=1)
    write: str | None = None
    replace: str | None = Field(None, min_length=1)
    replace_all: str | None = Field(None, min_length=1)
    by: str | None = None
    delete: bool = False
    rename: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one_kind(self) -> Edit:
        kinds = (self.write, self.replace, self.replace_all, self.rename, self.delete or None)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("give exactly one of write, replace, replace_all, delete, rename")
        if (self.by is None) != (self.replace is None and self.replace_all is None):
            raise ValueError("`by` belongs to replace and replace_all, and they need it")
        if self.replace is not None and "*" in self.path:
            raise ValueError("replace is about one file; use replace_all for a pattern")
        return self


class Expectation(Record):
    """Exactly what a mutation should take: ids of deductions that are charged and of ceilings that hold.

    Of one group only the dearest is charged. Every other dimension keeps all its points.
    """

    deductions: tuple[str, ...] = ()
    ceilings: tuple[str, ...] = ()


class Change(Record):
    """One mutation, or without `expect` one refactoring, which may cost nothing.

    `lab` names the probes that are run for real on it, in containers; without them what a lab finds costs
    nothing. `known_gap` says why the rubric does not see it yet. Versions of a rubric share their self-test:
    a change belongs to those from `since` to `until`; `expect_since` maps a version to what is taken from
    it on.
    """

    id: str = Field(pattern=r"[a-z][a-z0-9_]*")
    does: str = Field(min_length=1)
    edits: tuple[Edit, ...] = ()
    expect: Expectation = Expectation()
    lab: tuple[str, ...] = ()
    known_gap: str | None = None
    since: int = Field(1, ge=1)
    until: int | None = None
    expect_since: dict[int, Expectation] = Field(default_factory=dict)

    def under(self, version: int) -> Change | None:
        """What it is for a version of the rubric, or None if it is only for later ones."""
        if version < self.since or (self.until is not None and version > self.until):
            return None
        newest = max((v for v in self.expect_since if v <= version), default=None)
        expect = self.expect if newest is None else self.expect_since[newest]
        return self.model_copy(update={"expect": expect, "expect_since": {}})


class Shared(Record):
    """The changes of another rubric's self-test, a folder beside this file, as they are for one `version`."""

    folder: str
    version: int = Field(ge=1)


class Reference(Record):
    """Where the good application comes from: two folders of files, `base` and `app`, laid over each other.

    Paths are relative to the file that says this. `edits` are made to those files first; those that match
    `executable` are made so. `sandbox` is the image that the lab uses; `from_image` maps paths to files of
    that image, which only the lab needs. `shares` adds another self-test's changes. Versions of the rubric
    before `since` are not tried.
    """

    base: str
    app: str = "app"
    edits: tuple[Edit, ...] = ()
    executable: tuple[str, ...] = ()
    sandbox: str
    shares: Shared | None = None
    since: int = Field(1, ge=1)
    from_image: dict[str, str] = Field(default_factory=dict)


class SelfTest(Record):
    """A rubric's whole self-test; `app` and `base` are folders of the reference application."""

    app: Path
    base: Path
    reference: Reference
    mutations: tuple[Change, ...]
    refactorings: tuple[Change, ...]


class ChangeOutcome(Record):
    """What came of one change: the ids it was charged and those it should have been, and the score left."""

    change: Change
    kind: str = Field(pattern="mutation|refactoring|reference")
    charged: tuple[str, ...]
    because: dict[str, str] = Field(default_factory=dict, description="what was found, by id")
    low: float
    high: float

    @property
    def expected(self) -> tuple[str, ...]:
        """Deductions and ceilings, in no order."""
        return (*self.change.expect.deductions, *self.change.expect.ceilings)

    @property
    def as_expected(self) -> bool:
        """Whether exactly what should be charged is charged, and nothing is undecided."""
        return sorted(self.charged) == sorted(self.expected) and self.low == self.high

    @property
    def verdict(self) -> str:
        """`killed`, `survived` or `wrong deductions`; `harmless` or `false alarm`; or about a known gap."""
        if self.change.known_gap is not None:
            return "gap closed" if self.as_expected else "known gap"
        if self.kind != "mutation":
            return "harmless" if self.as_expected else "false alarm"
        if self.as_expected:
            return "killed"
        return "wrong deductions" if self.charged else "survived"

    @property
    def surprising(self) -> bool:
        """Whether the self-test fails by it; a gap that has closed does, so that its note goes."""
        return self.verdict not in ("killed", "harmless", "known gap")


class SelfTestResult(Record):
    """A self-test's outcomes; `unexercised` are the deductions that no mutation takes as it should.

    `needs_lab` are those among the rubric's deductions and ceilings that this self-test could not try without
    a lab. `partial` says that only some changes were tried, so nothing follows from what was not exercised.
    """

    rubric: str
    outcomes: tuple[ChangeOutcome, ...]
    exercised: tuple[str, ...]
    unexercised: tuple[str, ...]
    needs_lab: tuple[str, ...]
    partial: bool
    wall_s: float

    @property
    def passed(self) -> bool:
        """Whether nothing was a surprise and everything that could be was exercised."""
        complete = self.partial or not self.unexercised
        return complete and not any(outcome.surprising for outcome in self.outcomes)
