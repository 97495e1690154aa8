"""The verdict on a suite by what became of the mutants of its app."""

from __future__ import annotations

from runner.core.records import Outcome
from runner.probes.kit.lab.reruns import hurried, nearest
from runner.probes.kit.llm.mutants import Mutant, Site
from runner.probes.kit.ruby.syntax import RubyFile
from runner.probes.suite_strength import Toll, mutants_killed

FILE = RubyFile("app/turn.rb", "one\ntwo\nthree\n")


def mutant(name: str, line: int = 1, weak: bool = False) -> Mutant:
    node = FILE.root.named_children[line - 1]
    return Mutant(name, f"the {name} is gone", weak, (Site(FILE, node, ()),))


def test_all_must_die() -> None:
    verdict = mutants_killed(Toll(killed=[mutant("history"), mutant("text")]))
    assert (verdict.outcome, verdict.locations) == (Outcome.PASS, ())
    assert verdict.values == {"killed": ["history", "text"], "survived": [], "score": "2/2"}


def test_a_survivor_is_named_with_its_place() -> None:
    verdict = mutants_killed(Toll(killed=[mutant("text")], survived=[mutant("history", line=3)]))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == "the suite stays green when the history is gone (app/turn.rb:3)"
    assert [(place.path, place.line) for place in verdict.locations] == [("app/turn.rb", 3)]


def test_one_weak_mutant_may_survive_and_is_told() -> None:
    prompt = mutant("prompt", line=2, weak=True)
    verdict = mutants_killed(Toll(killed=[mutant("text")], survived=[prompt]))
    assert verdict.outcome is Outcome.PASS
    assert "it stays green when the prompt is gone (app/turn.rb:2)" in verdict.message


def test_two_weak_mutants_may_not() -> None:
    weak = [mutant("prompt", weak=True), mutant("accessor", weak=True)]
    assert mutants_killed(Toll(killed=[mutant("text")], survived=weak)).outcome is Outcome.FAIL


def test_what_no_test_runs_survives_without_a_run() -> None:
    verdict = mutants_killed(Toll(unexecuted=[mutant("text", line=2)]))
    assert verdict.outcome is Outcome.FAIL
    assert "(app/turn.rb:2, which no test runs)" in verdict.message
    assert verdict.values["score"] == "0/1"


def test_a_rescue_that_no_test_runs_is_told_by_another_check() -> None:
    rescue = mutant("rescue", line=2)
    assert mutants_killed(Toll(killed=[mutant("text")], unexecuted=[rescue])).outcome is Outcome.PASS
    assert mutants_killed(Toll(killed=[mutant("text")], survived=[rescue])).outcome is Outcome.FAIL


def test_without_time_for_all_only_a_survivor_decides() -> None:
    untried = [mutant("text")]
    assert mutants_killed(Toll(killed=[mutant("reply")], untried=untried)).outcome is Outcome.UNKNOWN
    assert mutants_killed(Toll(survived=[mutant("reply")], untried=untried)).outcome is Outcome.FAIL


def test_only_known_runners_are_hurried() -> None:
    assert hurried(("ruby", "bin/rails", "test"))[-1] == "--fail-fast"
    assert hurried(("bundle", "exec", "rspec", "--no-color"))[-1] == "--fail-fast"
    assert hurried(("ruby", "-Itest", "-e", "puts")) == ("ruby", "-Itest", "-e", "puts")


RAILS_TEST = ("ruby", "bin/rails", "test")
TESTS = ["test/services/chat_turn_test.rb", "test/messages_test.rb", "test/models/note_test.rb"]


def test_the_tests_named_after_what_changes_are_asked_first() -> None:
    changed = ["web/app/services/chat_turn.rb", "web/app/controllers/messages_controller.rb"]
    assert nearest(RAILS_TEST, TESTS, changed) == TESTS[:2]
    specs = ["spec/requests/messages_spec.rb", "spec/models/note_spec.rb"]
    assert nearest(("bundle", "exec", "rspec"), specs, changed) == specs[:1]


def test_a_command_that_takes_no_files_runs_them_all() -> None:
    assert nearest(("ruby", "-Itest", "-e", "puts"), TESTS, ["app/services/chat_turn.rb"]) == []


def test_to_ask_all_of_them_first_would_ask_them_twice() -> None:
    assert nearest(RAILS_TEST, TESTS[:1], ["app/services/chat_turn.rb"]) == []
