"""Repositories that no file can describe: {path: (Git mode, content)}, as bytes."""

from __future__ import annotations

from collections.abc import Callable

Entries = dict[bytes, tuple[str, bytes]]
FILE = "100644"


def many_files() -> Entries:
    return {b"many/%d/%d.rb" % (n % 100, n): (FILE, b"x = 1\n") for n in range(21_000)}


def deep_nesting() -> Entries:
    deep = b"(" * 500 + b"1" + b")" * 500
    brackets = b"[" * 3000 + b"]" * 3000
    return {
        b"d/" * 300 + b"x.rb": (FILE, deep),
        b"app/models/deep.rb": (FILE, deep),
        b"compose.yaml": (FILE, b"a: " + brackets),
        b"package.json": (FILE, brackets),
    }


def strange_names() -> Entries:
    names = [
        *(b"line\nfeed.rb", b"tab\t.rb", b"bell\x07.rb", b"\x1b[2Jclear.rb", "\u202egnp.exe".encode()),
        *(b"\xff\xfe.rb", b"-rf", b"app/models/; touch x.rb", b"$(touch x).rb", b" ", b"a" * 250 + b".rb"),
    ]
    return dict.fromkeys(names, (FILE, b"class X; end\n"))


def invalid_utf8() -> Entries:
    broken = b"\xff\xfe\x80 \xc3\x28: [\n"
    names = (b"compose.yaml", b"Dockerfile", b"Gemfile", b"config/application.rb", b"package.json")
    return dict.fromkeys(names, (FILE, broken))


def compose_without_end() -> Entries:
    services = "".join(f"  s{n}: {{image: 'ruby:3'}}\n" for n in range(1_000))
    mounts = ", ".join(f"'/x{n}:/y'" for n in range(5_000))
    return {
        b"compose.yaml": (FILE, f"services:\n  w: {{image: x, volumes: [{mounts}]}}\n{services}".encode())
    }


def stages_without_end() -> Entries:
    text = "".join(f"FROM ruby:3 AS s{n}\n" for n in range(12_000))
    return {b"Dockerfile": (FILE, text.encode()), b"config/application.rb": (FILE, b"")}


def values_that_double() -> Entries:
    arguments = "".join(f"ARG A{n}=${{A{n - 1}}}${{A{n - 1}}}\n" for n in range(1, 60))
    text = f"ARG A0=xy\n{arguments}FROM $A59\n" + arguments.replace("ARG", "ENV")
    return {b"Dockerfile": (FILE, text.encode())}


def rules_without_end() -> Entries:
    rules = "".join(f"**/{'*a' * 8}{n}\n" for n in range(999))
    files = {b"%s/%d" % (b"a/" * 20 + b"a" * 40, n): (FILE, b"") for n in range(6_000)}
    dockerfile = (FILE, b"FROM ruby:3\nCOPY . /x\n")
    return {b"Dockerfile": dockerfile, b".dockerignore": (FILE, rules.encode()), **files}


READ = (
    *(
        b"app/models/a.rb",
        b"app/views/a/b.html.erb",
        b"app/javascript/controllers/a_controller.js",
        b"Gemfile",
    ),
    *(
        b"Gemfile.lock",
        b"README.md",
        b"compose.yaml",
        b"Dockerfile",
        b".dockerignore",
        b"package.json",
        b".env",
    ),
    *(b"config/database.yml", b"config/routes.rb", b"config/ci.rb", b".github/workflows/ci.yml", b"bin/ci"),
    *(
        b"test/models/a_test.rb",
        b"spec/a_spec.rb",
        b"pyproject.toml",
        b"requirements.txt",
        b"notes/__main__.py",
    ),
)
RAILS = {b"config/application.rb": (FILE, b"module A; class Application < Rails::Application; end; end")}


def everywhere(content: bytes) -> Entries:
    return {**RAILS, **dict.fromkeys(READ, (FILE, content))}


def a_line_without_end() -> Entries:
    return everywhere(b"a" * 1_000_000)


def lines_without_content() -> Entries:
    return everywhere(b"\n" * 100_000)


def unreadable_documents() -> Entries:
    odd = (
        b"services: {? [a, b] : {image: 1}, null: 2020-01-01, 2020-01-01: !!set {a}, a: 0x7f, b: "
        + b"9" * 5_000
    )
    late = b"services: {a: {image: x}}\n" + b"#" * 9_000 + b"\0"
    places = {b"compose.yaml": odd + b"}", b"config/database.yml": late, b".github/workflows/ci.yml": late}
    places |= {b"package.json": b'{"version": ' + b"9" * 5_000 + b', "dependencies": [1e99999]}'}
    places |= {b"pyproject.toml": b"project = 1\n[tool]\npytest = [1]\n", b"setup.cfg": b"[a\n"}
    return {**RAILS, **{path: (FILE, content) for path, content in places.items()}}


def links_in_a_circle() -> Entries:
    links = {path: ("120000", path.rpartition(b"/")[2]) for path in READ}
    return {
        **RAILS,
        **links,
        b"compose.yaml": ("120000", b"/tmp/shipworthy-hostile-canary"),
        b"app2": ("120000", b"\xff"),
    }


GENERATORS: dict[str, Callable[[], Entries]] = {
    "many_files": many_files,
    "deep_nesting": deep_nesting,
    "strange_names": strange_names,
    "invalid_utf8": invalid_utf8,
    "compose_without_end": compose_without_end,
    "stages_without_end": stages_without_end,
    "values_that_double": values_that_double,
    "rules_without_end": rules_without_end,
    "a_line_without_end": a_line_without_end,
    "lines_without_content": lines_without_content,
    "unreadable_documents": unreadable_documents,
    "links_in_a_circle": links_in_a_circle,
}
