"""Dockerfiles are read as BuildKit reads them, and vetted before a step is carried out."""

from __future__ import annotations

import pytest

from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.files.dockerfile import MOST_VALUE, parse
from runner.probes.kit.shipped.recipe import Vetted, mounts, vetted, vetted_text, words_of
from runner.probes.kit.shipped.state import State, declared, shell_words


def read(*lines: str) -> Vetted:
    return vetted_text("\n".join(lines), "Dockerfile")


def told(*lines: str) -> list[str]:
    return [objection.reason for objection in read("FROM ruby:3", *lines).objections]


def state_after(text: str, args: dict[str, str] | None = None) -> State:
    stage = parse(text, args)[-1]
    state = State()
    for step in stage.instructions:
        state = declared(state, step, args or {}, stage.known)
    return state


def test_a_continued_line_passes_comments_and_blank_lines() -> None:
    (step,) = parse("FROM x\nRUN a \\\n  # a comment\n\n  && b \\   \n  && c\n")[0].instructions
    assert (step.arguments, step.line) == ("a && b && c", 2)


def test_another_escape_character_continues_lines() -> None:
    stages = parse("# escape=`\nFROM x\nRUN a `\n  b\nRUN c:\\\n")
    assert [step.arguments for step in stages[0].instructions] == ["a b", "c:\\"]
    assert parse("FROM x\n# escape=`\nRUN a `\nRUN b\n")[0].instructions[0].arguments == "a `"


def test_here_documents_are_kept_apart_from_their_line() -> None:
    text = "FROM x\nRUN <<A cat <<-'B'\n a\n A\nA\n\tb $X\n\tB\nCOPY <<\"C\" /c\nc\nC\nRUN last\n"
    run, copy, last = parse(text)[0].instructions
    assert run.words == "<<A cat <<-'B'"
    assert [(d.name, d.body, d.is_filled) for d in run.documents] == [
        ("A", " a\n A", True),
        ("B", "b $X", False),
    ]
    assert (copy.documents[0].body, last.arguments) == ("c", "last")


@pytest.mark.parametrize("line", ["RUN echo $((1<<EOF))", "RUN cat 'x<<EOF'", "CMD cat <<EOF"])
def test_what_only_looks_like_a_here_document_takes_no_lines(line: str) -> None:
    assert len(parse(f"FROM x\n{line}\nRUN b\n")[0].instructions) == 2


def test_args_before_from_name_images_and_reach_stages_that_ask() -> None:
    text = "ARG V=3.3\nARG W=$V-slim\nFROM ruby:$W AS a\nARG V\nARG W=own\nENV X=$V Y=$W\nFROM a\nENV Z=$V\n"
    first, second = parse(text)
    assert (first.image, second.parent) == ("ruby:3.3-slim", 0)
    state = State()
    for step in first.instructions:
        state = declared(state, step, {}, first.known)
    assert state.env == {"X": "3.3", "Y": "own"}
    assert parse(text, {"V": "4", "NOT_ASKED": "x"})[0].image == "ruby:4-slim"


def test_args_from_outside_win_and_the_platform_is_known() -> None:
    state = state_after("FROM x\nARG A=1 B\nARG TARGETARCH\nENV C=$A-$B-$TARGETARCH\n", {"A": "2", "B": "3"})
    assert state.env["C"] == "2-3-amd64"


def test_values_that_double_stay_small() -> None:
    doubling = "\n".join(f"ENV A{n}=$A{n - 1}$A{n - 1}" for n in range(1, 100))
    state = state_after(f"FROM x\nENV A0=x\n{doubling}\n")
    assert max(map(len, state.env.values())) == MOST_VALUE


def test_how_an_image_starts() -> None:
    assert state_after('FROM x\nCMD ["a"]\nENTRYPOINT ["b"]\n').argv == ("b", "a")
    assert state_after('FROM x\nSHELL ["bash", "-c"]\nCMD a || b\n').argv == ("bash", "-c", "a || b")
    assert state_after("FROM x\nCMD a\nCMD []\n").argv == ()
    inherited = declared(
        State(command=("a",), inherits=True), parse('FROM x\nENTRYPOINT ["b"]')[0].instructions[0], {}
    )
    assert inherited.argv == ("b",)


def test_a_health_check_is_a_command_line_or_a_list() -> None:
    assert (
        state_after("FROM x\nHEALTHCHECK --interval=5s CMD curl -f x || exit 1").health[-1]
        == "curl -f x || exit 1"
    )
    assert state_after('FROM x\nHEALTHCHECK CMD ["curl", "x"]').health == ("curl", "x")
    assert state_after("FROM x\nHEALTHCHECK CMD a\nHEALTHCHECK NONE").health == ()


def test_ports_are_ports() -> None:
    assert state_after("FROM x\nENV P=80\nEXPOSE $P 99999 0 3000/tcp x").ports == (80, 3000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a 'b c'", ("a", "b c")),
        (["a", 1], ("a", "1")),
        ('["a"]', ("a",)),
        ("a '", ("sh", "-c", "a '")),
        (None, ()),
    ],
)
def test_a_command_of_a_compose_file(text: object, words: tuple[str, ...]) -> None:
    assert shell_words(text) == words


def test_only_what_the_wanted_stage_comes_of_is_built() -> None:
    recipe = read(
        *("FROM a AS base", "FROM b AS tools", "FROM c AS unused", "FROM base AS build"),
        *(
            "COPY --from=tools /x /x",
            "FROM base",
            "COPY --from=build /y /y",
            "RUN --mount=type=bind,from=1 z",
        ),
    )
    assert recipe.needed("") == [0, 1, 3, 4]
    assert recipe.needed("Tools") == [1]
    assert recipe.needed("nowhere") == []


def test_mounts_of_a_run() -> None:
    step = parse(
        "FROM x\nRUN --mount=type=cache,target=/c --mount=source=a,dst=b --mount=type=secret,id=s c d"
    )[0]
    words = words_of(step.instructions[0])
    assert words.rest == "c d"
    found = [(mount.kind, mount.source, mount.target, mount.is_given) for mount in mounts(words)]
    assert found == [("cache", "", "/c", True), ("bind", "a", "b", True), ("secret", "", "", False)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("RUN --mount=type=secret,id=x cat /run/secrets/x", "mount that is not given"),
        ("RUN --mount=type=ssh ssh-add -l", "mount that is not given"),
        ("RUN --mount=type=bind,from=evil.example/x,target=/x true", "mount from another image"),
        ("RUN --network=host true", "asks for the network host"),
        ("RUN --security=insecure true", "asks for security insecure"),
        ("ONBUILD RUN true", "ONBUILD"),
        ("ADD https://x.example/a /a", "of an address"),
        ("ADD git@x.example:a/b.git /a", "of an address"),
        ('ADD ["https://x.example/a", "/a"]', "of an address"),
        ("ADD app.tar.gz /a", "of an archive"),
        ("COPY --from=evil.example/x /a /a", "from another image"),
        ("COPY --parents a/b /c", "--parents"),
        ("COPY " + "a " * 300 + "/x", "names more than"),
        ("RUN " + "a" * 70_000, "longer than a command"),
        ("RUNS true", "unknown instruction"),
    ],
)
def test_what_is_not_carried_out(line: str, reason: str) -> None:
    assert [reason in why for why in told(line)] == [True]


@pytest.mark.parametrize(
    "line",
    [
        *("RUN --network=default --security=sandbox true", "RUN --mount=type=cache,target=/x true"),
        *(
            "ADD a.tar.txt /a",
            "COPY --link --chown=1:1 --exclude=*.md a /a",
            "STOPSIGNAL SIGTERM",
            "run true",
        ),
    ],
)
def test_what_is_carried_out(line: str) -> None:
    assert told(line) == []


@pytest.mark.parametrize(
    ("head", "is_refused"),
    [
        ("# syntax=docker/dockerfile:1.7-labs", False),
        ("# syntax = docker.io/docker/dockerfile:latest@sha256:abc", False),
        ("#syntax=evil.example/docker/dockerfile:1", True),
        ("# check=skip=all\n# syntax=evil.example/x", True),
        ("# a comment\n# syntax=evil.example/x", False),  # no directive any more
        ("# escape=x", True),
    ],
)
def test_directives(head: str, is_refused: bool) -> None:
    assert bool(vetted_text(f"{head}\nFROM x\n", "Dockerfile").objections) is is_refused


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("RUN true", "has no FROM"),
        ("FROM x\n" * 21, "more than 20 stages"),
        ("FROM x\n" * 90_000, "cannot be read"),
        ("FROM x\n" + "RUN true\n" * 501, "more than 500 steps"),
    ],
)
def test_a_dockerfile_that_is_none_or_has_no_end(text: str, reason: str) -> None:
    assert any(reason in objection.reason for objection in vetted_text(text, "Dockerfile").objections)


def test_a_dockerfile_that_is_a_link_is_not_followed() -> None:
    tree = SourceTree("t", {"Dockerfile": SourceFile("Dockerfile", 0o120000, b"/etc/passwd")})
    (objection,) = vetted(tree, "Dockerfile").objections
    assert (objection.is_fault, "cannot be read" in objection.reason) == (True, True)
    assert "is not there" in vetted(tree, "other/Dockerfile").objections[0].reason
