"""What a build may copy: .dockerignore and COPY as the engine reads them, and never above the context."""

from __future__ import annotations

import io
import tarfile

import pytest

from runner.core.tree import SourceFile, SourceTree, tar_of
from runner.probes.kit.files.dockerfile import parse
from runner.probes.kit.shipped.context import Context, TooMuch, context_of, ignore_rules, is_ignored
from runner.probes.kit.shipped.copying import Uncopied, copy_of, from_context, name_alone
from runner.probes.kit.shipped.state import State

PATHS = ("Gemfile", "Gemfile.lock", "app/a.rb", "app/models/b.rb", "vendor/.keep", "log/x.log", "log/.keep")


def tree(*paths: str, **texts: str) -> SourceTree:
    files = {path: SourceFile(path, 0o100644, path.encode()) for path in paths}
    named = {name.replace("__", "."): text for name, text in texts.items()}
    return SourceTree("t", files | {n: SourceFile(n, 0o100644, t.encode()) for n, t in named.items()})


def taken(line: str, *paths: str, env: dict[str, str] | None = None) -> list[str]:
    step = parse(f"FROM x\n{line}\n")[0].instructions[0]
    state = State(env=env or {}, folder="/work")
    files = context_of(tree(*(paths or PATHS)), "", "Dockerfile")
    return sorted(from_context(copy_of(step, state), step, files, state))


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ("log", "log/x.log", True),
        ("/log/*\n!/log/.keep", "log/x.log", True),
        ("/log/*\n!/log/.keep", "log/.keep", False),
        ("*.log", "log/x.log", False),
        ("**/*.log", "log/x.log", True),
        ("**/*.log", "x.log", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z/y", True),
        ("a/**", "a/b", True),
        ("a/**", "b", False),
        ("**", "a/b", True),
        ("*\n!app", "app/a.rb", False),
        ("*\n!app\napp/secret", "app/secret/x", True),
        ("[^a]*", "b", True),
        ("[^a]*", "a", False),
        ("# log\n\n  ./log/  ", "log/x.log", True),
        ("../log", "log/x.log", True),
        (".env*\n!.env.example", ".env.example", False),
    ],
)
def test_ignored(rules: str, path: str, ignored: bool) -> None:
    assert is_ignored(path, ignore_rules(rules)) is ignored


def test_a_dockerfile_can_have_rules_of_its_own() -> None:
    made = tree("a", "b", __dockerignore="a", Dockerfile__dockerignore="b")
    assert "a" in context_of(made, "", "Dockerfile").files
    assert "b" not in context_of(made, "", "Dockerfile").files


def test_rules_without_end_are_not_read() -> None:
    with pytest.raises(TooMuch):
        ignore_rules("a\n" * 1_001)
    many = {f"{n}": SourceFile(f"{n}", 0o100644, b"") for n in range(6_000)}
    rules = SourceFile(".dockerignore", 0o100644, b"**/*a*a*a*a*a*b\n" * 1_000)
    with pytest.raises(TooMuch):
        context_of(SourceTree("t", many | {".dockerignore": rules}), "", "Dockerfile")


def test_patterns_of_copies_without_end_are_not_tried() -> None:
    context = Context({f"{n}": SourceFile(f"{n}", 0o100644, b"") for n in range(20_000)})
    with pytest.raises(TooMuch):
        [context.chosen("*x") for _ in range(300)]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("COPY . .", sorted(PATHS)),
        ("COPY app .", ["a.rb", "models/b.rb"]),
        ("COPY app/ /x/", ["a.rb", "models/b.rb"]),
        ("COPY app/a.rb /x", ["a.rb"]),
        ("COPY Gemfile Gemfile.lock ./", ["Gemfile", "Gemfile.lock"]),
        ("COPY Gemfile* ./", ["Gemfile", "Gemfile.lock"]),
        ("COPY vendor/* ./vendor/", [".keep"]),
        ("COPY a* /x/", ["a.rb", "models/b.rb"]),
        ("COPY nothing* /x/", []),
        ('COPY ["app/a.rb", "/x y/"]', ["a.rb"]),
        ("COPY --exclude=*.rb app /x", ["models/b.rb"]),
        ("COPY $WHAT/a.rb /x", ["a.rb"]),
        ("COPY ../../../../app/a.rb /x", ["a.rb"]),
        ("COPY /app/../Gemfile /x", ["Gemfile"]),
        ("COPY <<EOF /x\nhello $WHAT\nEOF", ["EOF"]),
    ],
)
def test_copied(line: str, names: list[str]) -> None:
    assert taken(line, env={"WHAT": "app"}) == names


@pytest.mark.parametrize(
    "line", ["COPY missing /x", "COPY app/missing.rb /x", "COPY ../../etc/passwd /x", "COPY /x"]
)
def test_what_is_not_there_is_the_repository_s_fault(line: str) -> None:
    with pytest.raises(Uncopied) as error:
        taken(line)
    assert error.value.is_fault


def test_a_here_document_is_filled_unless_it_is_quoted() -> None:
    for mark, content in (("<<E", b"a x\n"), ("<<'E'", b"a $W\n")):
        step = parse(f"FROM x\nCOPY {mark} /x\na $W\nE\n")[0].instructions[0]
        state = State(env={"W": "x"})
        found = from_context(copy_of(step, state), step, Context({}), state)
        assert found["E"].content == content


@pytest.mark.parametrize(
    ("line", "place", "into"),
    [
        ("COPY a /x/", "/x", True),
        ("COPY a b /x", "/x", True),
        ("COPY a x", "/work/x", False),
        ("COPY a .", "/work", True),
        ("COPY a ../../..", "/", False),
        ("COPY a $HOME/x", "/root/x", False),
    ],
)
def test_where_it_goes(line: str, place: str, into: bool) -> None:
    step = parse(f"FROM x\n{line}\n")[0].instructions[0]
    copy = copy_of(step, State(env={"HOME": "/root"}, folder="/work"))
    assert (copy.place, copy.into) == (place, into)


def test_links_stay_links_and_nothing_else_is_packed() -> None:
    files = {
        "a": SourceFile("a", 0o104755, b"x"),
        "b": SourceFile("b", 0o120000, b"/etc/passwd"),
        "/c": SourceFile("c", 0o100644, b""),
    }
    with tarfile.open(fileobj=io.BytesIO(tar_of(files))) as tar:
        members = {member.name: member for member in tar}
    assert set(members) == {"a", "b", "c"}
    assert (members["a"].mode, members["b"].linkname) == (0o755, "/etc/passwd")
    assert {member.type for member in members.values()} == {tarfile.REGTYPE, tarfile.SYMTYPE}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("COPY Gemfile /x", "Gemfile"),
        ("COPY app/a.r? /x", "a.rb"),
        ("COPY <<E /x\na\nE", "E"),
        ("COPY vendor /x", ""),  # a folder, though it has a single file
        ("COPY Gemfile* /x", ""),
        ("COPY app/models /x", ""),
    ],
)
def test_a_single_file_may_take_the_name_of_its_destination(line: str, name: str) -> None:
    step = parse(f"FROM x\n{line}\n")[0].instructions[0]
    files, copy = context_of(tree(*PATHS), "", "Dockerfile"), copy_of(step, State())
    assert name_alone(copy, files, list(from_context(copy, step, files, State()))) == name
