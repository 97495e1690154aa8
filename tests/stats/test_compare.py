from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from scipy import stats

from runner.core.comparison import RegressionState, Verdict
from runner.core.errors import UserError
from runner.stats.compare import compare, regression, sign_test_p
from runner.stats.contestants import contestant
from runner.stats.samples import Sample

MakeSample = Callable[..., Sample]
NOISY = (70, 60, 80, 50, 90, 65, 75, 55)


@pytest.fixture
def both(scores: MakeSample) -> Callable[[Sequence[float], Sequence[float]], list[Sample]]:
    def make(a: Sequence[float], b: Sequence[float]) -> list[Sample]:
        return [scores(m, n, p) for m, ps in (("a", a), ("b", b)) for n, p in enumerate(ps, 1)]

    return make


Both = Callable[[Sequence[float], Sequence[float]], list[Sample]]


def test_pairing_sees_through_what_is_hard_for_both(both: Both) -> None:
    """Epochs differ by far more than the models, which an unpaired test could not tell apart."""
    duel = compare(both([p + 3 + n % 2 for n, p in enumerate(NOISY)], NOISY), "a", "b")
    total = duel.total
    assert total.verdict is Verdict.AHEAD
    assert (total.difference, total.n, total.p) == ((3.5, 3.5), 8, 2 / 2**8)
    assert total.dz is not None
    assert total.dz > 6
    assert total.delta is not None
    assert total.delta < 0.3
    assert compare(both(NOISY, [p + 3 + n % 2 for n, p in enumerate(NOISY)]), "a", "b").total.verdict is (
        Verdict.BEHIND
    )


def test_noise_few_pairs_and_unknown_checks_are_told_apart(both: Both, scores: MakeSample) -> None:
    assert compare(both(NOISY, NOISY[::-1]), "a", "b").total.verdict is Verdict.NOISE
    assert compare(both([90] * 5, [50, 51, 52, 53, 54]), "a", "b").total.verdict is Verdict.TOO_FEW
    assert compare(both([90], [50]), "a", "b").total.verdict is Verdict.TOO_FEW
    unknown = [scores("a", n, 50, 90) for n in range(8)] + [scores("b", n, 70) for n in range(8)]
    assert compare(unknown, "a", "b").total.verdict is Verdict.UNDECIDED


def test_without_any_difference_it_is_noise(both: Both) -> None:
    total = compare(both([80] * 8, [80] * 8), "a", "b").total
    assert (total.verdict, total.p, total.dz) == (Verdict.NOISE, 1, None)


def test_who_has_no_partner_is_left_out_and_counted(both: Both, scores: MakeSample) -> None:
    duel = compare([*both([80, 70], [60, 50]), scores("a", 9, 10), scores("b", 3, None)], "a", "b")
    assert (duel.total.n, duel.left_out) == (2, (1, 0))
    assert duel.coverage == ("3 of 3 scored", "2 of 3 scored, 1 infra")
    assert duel.total.a == (75, 75)


def test_a_second_run_of_a_trial_adds_no_pair_and_narrows_nothing(both: Both) -> None:
    samples = both(NOISY, NOISY[::-1])
    again = [s.model_copy(update={"run": f"{s.run}again"}) for s in samples]
    once, twice = compare(samples, "a", "b"), compare([*samples, *again], "a", "b")
    assert twice.total == once.total


def test_agents_are_paired_where_neither_names_one(scores: MakeSample) -> None:
    points = {("a", "x"): 90, ("a", "y"): 10, ("b", "x"): 80}
    samples = [scores(m, n, p, agent=agent) for (m, agent), p in points.items() for n in (1, 2)]
    duel = compare(samples, "a", "b")
    assert (duel.paired_by_agent, duel.total.difference[0], duel.left_out) == (True, 10, (2, 0))
    named = compare(samples, "a:y", "b:x")
    assert (named.paired_by_agent, named.total.difference[0]) == (False, -70)


def test_checks_that_one_alone_fails(scores: MakeSample) -> None:
    samples = []
    for n in range(6):
        lost = ("x.both", "x.only_a")
        samples.append(scores("a", n, 60, failed=lost))
        samples.append(scores("b", n, 65, failed=("x.both",), unknown=("x.only_a",) if n else ()))
    samples += [scores("a", 9, 0, left_nothing=True), scores("b", 9, 65, failed=("x.both",))]
    (gap,) = compare(samples, "a", "b").checks
    assert (gap.check, gap.n, gap.a_fails, gap.b_fails, gap.only_a) == ("x.only_a", 1, 1, 0, 1)
    assert gap.p == 1


def test_tasks_and_dimensions_are_corrected_together(scores: MakeSample) -> None:
    samples = [
        scores(m, n, p + n % 3 + (5 if task == "notes" else 0), task=task)
        for m, p in (("a", 80), ("b", 70))
        for n in range(7)
        for task in ("chat", "notes")
    ]
    duel = compare(samples, "a", "b")
    assert [(gap.id, gap.p, gap.p_holm) for gap in duel.tasks] == [
        ("chat", 2 / 2**7, 4 / 2**7),
        ("notes", 2 / 2**7, 4 / 2**7),
    ]
    assert [gap.id for gap in duel.dimensions] == ["chat.all", "notes.all"]


@pytest.mark.parametrize(
    ("old", "new", "state"),
    [
        ([80, 82, 81] * 2, [76, 77, 78] * 2, RegressionState.WORSE),
        ([80, 82, 81], [76, 77, 78], RegressionState.UNCLEAR),  # three pairs can be chance
        ([80, 82, 81], [79, 80, 80], RegressionState.NOT_WORSE),  # a drop of less than 3
        ([80, 82, 81], [90, 91, 92], RegressionState.NOT_WORSE),
        ([80, 60, 70], [50, 75, 70], RegressionState.NOT_WORSE),  # noise explains it
        ([80], [70], RegressionState.UNCLEAR),
        ([80], [78], RegressionState.NOT_WORSE),
    ],
)
def test_the_rule_of_a_regression(
    both: Both, old: list[float], new: list[float], state: RegressionState
) -> None:
    assert regression(compare(both(old, new), "a", "b"), 3).state is state


def test_a_regression_that_unknown_checks_decide_is_unclear(scores: MakeSample) -> None:
    old = [scores("a", n, 80) for n in range(8)]
    unclear = compare([*old, *(scores("b", n, 75, 79) for n in range(8))], "a", "b")
    assert regression(unclear, 3).state is RegressionState.UNCLEAR
    worse = compare([*old, *(scores("b", n, 70, 76) for n in range(8))], "a", "b")
    assert regression(worse, 3).state is RegressionState.WORSE


def test_names_are_exact_or_unique_parts(scores: MakeSample) -> None:
    samples = [scores(m, 1, 50) for m in ("lab/big", "lab/big-2", "free:model")]
    samples += [scores("free:model", 2, 50, agent="aider", agent_version="2")]
    assert contestant("lab/big", samples).name == "lab/big"
    assert contestant("big-2", samples).name == "lab/big-2"
    assert len(contestant("free:model", samples).samples) == 2
    assert contestant("free:model:aid", samples).name == "free:model:aider"
    assert contestant("model:aider@2", samples).name == "free:model:aider@2"


@pytest.mark.parametrize(
    ("reference", "near"),
    [
        ("heron-lrage", "lab/heron-large"),
        ("lab/heron-lage", "lab/heron-large"),
        ("Heron-Large", "lab/heron-large"),
        ("curlw:bash", "curlew"),
    ],
)
def test_a_misspelt_model_gets_the_near_names(scores: MakeSample, reference: str, near: str) -> None:
    samples = [scores(m, 1, 50) for m in ("lab/heron-large", "curlew", *(f"other/{n}" for n in range(40)))]
    with pytest.raises(UserError, match=f"; did you mean .*{near}"):
        contestant(reference, samples)
    with pytest.raises(UserError, match="and 22 more"):
        contestant("zzzzzzzz", samples)


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        ("nobody", "b", "no model is called 'nobody'; known:\n  a\n  b"),
        ("a", "b:other", "b ran with bash; 'other' names none of them"),
        ("a", "b:bash@7", "did not run with version '7' of bash; known: 1"),
        ("a", "a:bash", "share runs"),
        ("", "b", "names several models"),
    ],
)
def test_bad_names_are_refused(both: Both, a: str, b: str, says: str) -> None:
    with pytest.raises(UserError, match=says.replace("(", r"\(")):
        compare(both([1], [2]), a, b)


def test_nothing_to_pair_says_what_there_is(scores: MakeSample) -> None:
    with pytest.raises(UserError, match=r"no task and epoch .*1 scored trials \(chat\) and 0 \(none\)"):
        compare([scores("a", 1, 50), scores("b", 1, None)], "a", "b")
    with pytest.raises(UserError, match="there is no run"):
        compare([], "a", "b")


@pytest.mark.parametrize(("one", "other"), [(0, 0), (5, 5), (9, 1), (0, 6), (3, 12)])
def test_the_sign_test_is_scipys_binomial_test(one: int, other: int) -> None:
    expected = stats.binomtest(one, one + other).pvalue if one + other else 1
    assert sign_test_p(one, other) == pytest.approx(expected)
