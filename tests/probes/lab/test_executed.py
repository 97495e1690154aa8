"""What a suite executed, read from the records of its processes."""

from __future__ import annotations

import pytest

from runner.probes.kit.lab.executed import Executed
from runner.probes.kit.ruby.syntax import Call, RubyFile

FILE = RubyFile(
    "web/app/turn.rb",
    """class Turn
  def short(t) = chat.ask(t)

  def long(t)
    chat
      .ask(t)
    if t
      chat.say(t)
    else
      chat.complete
    end
  end
end
""",
)
COUNTS = "L\tapp/turn.rb\t1,1,,1,1,,1,0,,1,,,"
SPANS = "M\tapp/turn.rb\t2\t2\t{}\nM\tapp/turn.rb\t4\t12\t1"


def call(name: str) -> Call:
    (found,) = [c for c in FILE.calls if c.name == name]
    return found


def ask(in_line: int) -> Call:
    (found,) = [c for c in FILE.calls if c.name == "ask" and c.line == in_line]
    return found


def ran(executed: Executed, wanted: Call) -> bool | None:
    return executed.ran(FILE, wanted.node, "web/")


def test_a_call_ran_if_its_statement_did() -> None:
    executed = Executed.read(f"{COUNTS}\n{SPANS.format(0)}\n")
    assert ran(executed, ask(in_line=6)) is True
    assert ran(executed, call("say")) is False
    assert ran(executed, call("complete")) is True


@pytest.mark.parametrize(("count", "has_run"), [(0, False), (1, True)])
def test_of_a_method_on_one_line_its_own_count_tells(count: int, has_run: bool) -> None:
    executed = Executed.read(f"{COUNTS}\n{SPANS.format(count)}\n")
    assert ran(executed, ask(in_line=2)) is has_run


def test_the_processes_of_a_suite_count_together() -> None:
    other = COUNTS.replace("1,0,,1", "0,3,,0")
    executed = Executed.read(f"{COUNTS}\n{other}\n")
    assert ran(executed, call("say")) is True
    assert ran(executed, call("complete")) is True


def test_a_file_that_was_never_loaded_did_not_run() -> None:
    assert ran(Executed.read("L\tapp/other.rb\t1\n"), call("say")) is False


def test_without_any_record_nothing_is_known() -> None:
    assert ran(Executed.read(""), call("say")) is None
    assert Executed().any_ran([(FILE, call("say").node)]) is None


@pytest.mark.parametrize(
    "line",
    [
        "L\tapp/turn.rb",
        "L\tapp/turn.rb\tx,y",
        "L\tapp/turn.rb\t1,99999",
        "M\tapp/turn.rb\t1\t2",
        "M\tapp/turn.rb\t-1\t2\t3",
        "M\tapp/turn.rb\t1\t2\t" + "9" * 5000,
        "rubbish",
    ],
)
def test_what_is_no_record_is_left_out(line: str) -> None:
    assert Executed.read(line) == Executed()


def test_records_that_disagree_do_not_count_together() -> None:
    executed = Executed.read("L\tapp/turn.rb\t1,1\nL\tapp/turn.rb\t1\n")
    assert executed.lines == {"app/turn.rb": [1, 1]}
