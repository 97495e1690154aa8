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


GENERATORS: dict[str, Callable[[], Entries]] = {
    "many_files": many_files,
    "deep_nesting": deep_nesting,
    "strange_names": strange_names,
    "invalid_utf8": invalid_utf8,
}
