"""One Python file as a syntax tree: parsed as data, within bounds that a hostile file cannot break."""

from __future__ import annotations

import ast
import threading
import warnings
from dataclasses import dataclass

MOST_CHARACTERS = 400_000
_ONE_PARSE = threading.Lock()  # warnings are silenced for the whole process


@dataclass(frozen=True)
class Parsed:
    """A syntax tree, or why there is none. `hostile`: too large or nested, not just wrong."""

    tree: ast.Module | None = None
    why_not: str = ""
    line: int | None = None
    hostile: bool = False


def parse(source: str) -> Parsed:
    """Its tree. This Python's grammar decides, which may be older than the one the file was written for.

    CPython refuses brackets 200 and blocks 100 deep, and whatever else would exhaust its stack.
    """
    if len(source) > MOST_CHARACTERS:
        return Parsed(why_not=f"longer than {MOST_CHARACTERS} characters", hostile=True)
    try:
        with _ONE_PARSE, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Parsed(ast.parse(source))
    except (RecursionError, MemoryError) as error:
        return Parsed(why_not=f"too much for the parser ({type(error).__name__})", hostile=True)
    except SyntaxError as error:
        return Parsed(why_not=error.msg or "not Python", line=error.lineno)
    except ValueError as error:
        return Parsed(why_not=str(error))
