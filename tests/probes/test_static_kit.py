"""The parsers behind the static probes: compose files, Dockerfiles, Ruby versions, READMEs, hostile input."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.protocols import Probe, Subject
from runner.core.tree import SourceFile, SourceTree
from runner.probes import deliverables, hotwire, production, secrets
from runner.probes.kit.files import compose, dockerfile, readme, yaml_data
from runner.probes.kit.files.ruby_releases import Existence, existence, satisfies, version_in

MANIFESTS = Path(__file__).parents[2] / "sandboxes/rails/manifests"
PROBES: list[Probe] = [deliverables.PROBE, secrets.PROBE, hotwire.PROBE, production.PROBE]
STOCK = (
    "This README would normally document whatever steps are necessary to get the\n"
    "application up and running.\n"
)


def tree(files: dict[str, str | bytes]) -> SourceTree:
    raw = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
    return SourceTree("made", {path: SourceFile(path, 0o100644, content) for path, content in raw.items()})


@pytest.mark.parametrize("name", compose.NAMES)
def test_all_names_of_compose_files_count_alike(name: str) -> None:
    (file,) = compose.compose_files(tree({name: "services:\n  web:\n    image: chat\n"}), ("",))
    assert (file.path, list(file.services), file.problem) == (name, ["web"], None)


@pytest.mark.parametrize(
    "text", ["", "[]", "services:\n", "services:\n  web:\n", "web:\n  image: x\n", "a: [\n"]
)
def test_a_compose_file_without_a_service_has_a_problem(text: str) -> None:
    assert compose.compose_files(tree({"compose.yaml": text}), ("",))[0].problem


def test_brackets_in_brackets_are_bounded() -> None:
    assert yaml_data.load("a: " + "[" * 100 + "]" * 100)
    with pytest.raises(yaml_data.BrokenYaml, match="too deeply"):
        yaml_data.load("a: " + "[" * 100_000)


def test_yaml_that_explodes_is_refused() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(yaml_data.BrokenYaml, match="aliases"):
        yaml_data.load("l0: &l0 [x]\n" + levels)


def test_yaml_merges_that_explode_are_refused() -> None:
    levels = "".join(f"l{n}: &l{n}\n  <<: [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(yaml_data.BrokenYaml, match="aliases"):
        yaml_data.load("l0: &l0 {x: 1}\n" + levels)


@pytest.mark.parametrize(
    "text", ["a: &a [*a]\n", "[" * 5000, "a: *b\n", "\t- a", "!!python/object:os.system {}: ["]
)
def test_broken_yaml_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(yaml_data.BrokenYaml):
        yaml_data.load(text)


def test_unknown_tags_are_plain_data() -> None:
    assert yaml_data.load("a: !reset [1]\nb: !!python/name:os.system x\n") == {"a": [1], "b": "x"}


def test_arguments_of_a_dockerfile_are_filled_in() -> None:
    stages = dockerfile.parse(
        "# syntax=docker/dockerfile:1\nARG RUBY=3.4.2\nARG KIND=slim\n\n"
        "FROM --platform=linux/amd64 docker.io/library/ruby:${RUBY}-${KIND:-alpine} AS Base\n"
        "RUN <<SH\nCMD not an instruction\nSH\n"
        "FROM base\nRUN a && \\\n\n  # a comment\n  b\n"
    )
    assert [(stage.image, stage.parent) for stage in stages] == [
        ("docker.io/library/ruby:3.4.2-slim", None),
        ("base", 0),
    ]
    assert stages[1].instructions[0].arguments == "a && b"
    assert dockerfile.start_command(stages) is None
    assert [tag for _, tag in dockerfile.ruby_stages(stages)] == ["3.4.2-slim"]


@pytest.mark.parametrize(
    ("image", "ruby"),
    [("ruby", ""), ("ruby:3.4", "3.4"), ("ghcr.io/x/ruby:3.3@sha256:ab", "3.3"), ("localhost:5000/ruby", "")],
)
def test_images_of_ruby(image: str, ruby: str) -> None:
    assert [tag for _, tag in dockerfile.ruby_stages(dockerfile.parse(f"FROM {image}\n"))] == [ruby]


@pytest.mark.parametrize("image", ["node:24", "jruby:9", "debian:trixie", "my/ruby-app:3.4"])
def test_other_images(image: str) -> None:
    assert dockerfile.ruby_stages(dockerfile.parse(f"FROM {image}\n")) == []


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("3.4.2", Existence.EXISTS),
        ("3.4", Existence.EXISTS),
        ("3", Existence.EXISTS),
        ("4.0.0", Existence.EXISTS),
        ("3.5.0-preview1", Existence.EXISTS),
        ("3.5.0", Existence.IMPOSSIBLE),
        ("3.9.1", Existence.IMPOSSIBLE),
        ("2.7.9", Existence.IMPOSSIBLE),
        ("2.8", Existence.IMPOSSIBLE),
        ("3.4.99", Existence.NEWER),
        ("4.1.0", Existence.NEWER),
        ("5", Existence.NEWER),
    ],
)
def test_versions_of_ruby(version: str, known: Existence) -> None:
    assert existence(version) is known


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.4-slim-bookworm", "3.4"),
        ("ruby-3.3.8\n", "3.3.8"),
        ("3.5.0-preview1-slim", "3.5.0-preview1"),
        ("3.5-rc-slim", "3.5-rc"),
        ("slim", None),
        ("jruby-9.4", None),
        ("", None),
    ],
)
def test_the_version_in_a_tag(text: str, version: str | None) -> None:
    assert version_in(text) == version


@pytest.mark.parametrize(
    ("version", "requirement", "met"),
    [
        ("3.4", "3.4.2", True),
        ("3.4.1", "3.4.2", False),
        ("3.3", "~> 3.4.0", False),
        ("3.4.5", "~> 3.4.2", True),
        ("3.5", "~> 3.4", True),
        ("4.0", "~> 3.4", False),
        ("3.4.2", ">= 3.2.0", True),
        ("3.1", ">= 3.2.0", False),
        ("3.4.2", ">= 3.2, < 3.4", False),
        ("3.3.9", ">= 3.2, < 3.4", True),
        ("3", "3.4.2", True),
    ],
)
def test_requirements_of_ruby(version: str, requirement: str, met: bool) -> None:
    assert satisfies(version, requirement) is met


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (STOCK, 3),
        ("# Chat\n\nA chat with Claude in Rails.\n\n`bundle install`, then `bin/dev`.\n", 0),
        ("Chat\n====\n\nA chat with Claude in Rails.\n\n    bundle\n    bin/rails s\n", 0),
        (f"{STOCK}\nA chat assistant for everyone.\n\ndocker compose up --build\n", 0),
        ("# Chat App in Rails with Claude\n\nbundle install\n\nbin/dev\n", 1),
        ("A chat with Claude in Rails.\n\n```\nbin/rails server\n```\n", 1),
        ("A chat with Claude in Rails.\n\n## Setup\n\nbin/setup\n", 1),
        (
            "基于 Rails 和 RubyLLM 的聊天应用。\n\n```sh\nbundle install\nbin/rails server\n```\n",
            0,
        ),
        ("", 3),
    ],
)
def test_what_a_readme_says(text: str, missing: int) -> None:
    found = readme.find(tree({"README.md": text}), ("",))
    assert found is not None
    assert len(found.missing) == missing, found
    assert found.stock == (text == STOCK)


@pytest.mark.parametrize("name", ["README", "Readme.markdown", "README.rdoc", "readme.txt"])
def test_names_of_a_readme(name: str) -> None:
    assert readme.find(tree({name: "x"}), ("",)) is not None


HOSTILE = {
    "erb": ("app/views/a.html.erb", "<%==" * 20_000),
    "comments": ("app/views/a.html.erb", "<!--" * 20_000),
    "scripts": ("app/views/a.html.erb", "<script>" * 10_000),
    "ruby brackets": ("app/a.rb", "(" * 10_000),
    "ruby chain": ("app/a.rb", "x" + ".to_s" * 10_000 + ".html_safe"),
    "ruby circle": ("app/a.rb", "def f\n" + "x = x + y\ny = y + x\n" * 40 + "x.html_safe\nend\n"),
    "ruby branches": (
        "app/helpers/a.rb",
        "module A\n  def f(text) = text ? text : ''\n  def g(text)\n    if text\n    end\n  end\n"
        "  def h(text)\n    case text when 1 then 2 else begin\n    end\n    end\n  end\nend\n"
        "raw f(g(h(text)))\n",
    ),
    "script sum": ("app/javascript/a.js", "x.innerHTML = " + " +\n".join(["a.content()"] * 3000)),
    "script circle": ("app/javascript/a.js", "x = x + y\ny = y + x\n" * 60 + "el.innerHTML = x\n"),
    "links": ("README.md", "[a](" * 20_000),
    "words": ("bin/ci", "gem install " * 10_000),
    "names": ("notes.txt", "token=" * 20_000),
    "numbers": ("Dockerfile", "FROM ruby:" + "9" * 5000),
    "package": ("package.json", "[" * 50_000),
    "bytes": ("config/routes.rb", b"\xff\xfe\x00\x01"),
    "gemfile": (
        "Gemfile",
        "eval_gemfile 'Gemfile'\n" * 50 + "gem\ngem(*names)\nruby file: '.ruby-version'\n",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: str(probe.id))
async def test_hostile_files_neither_crash_nor_stall(probe: Probe, name: str) -> None:
    path, content = HOSTILE[name]
    files: dict[str, str | bytes] = {
        "config/application.rb": "class A < Rails::Application\nend\n",
        path: content,
    }
    found = await probe.run(Subject(tree=tree(files), run="hostile", manifests=MANIFESTS))
    assert sorted(f.check for f in found) == sorted(probe.checks)
