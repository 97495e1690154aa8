"""Pages as text: inline scripts and styles, utility classes, Stimulus names, raw ERB output."""

from __future__ import annotations

import re

from runner.core.records import Location
from runner.core.tree import SourceTree
from runner.probes.kit.files.application import Application
from runner.probes.kit.verdicts import place

TEMPLATES = ("app/views/*", "app/components/*", "app/helpers/*", "app/frontend/*", "app/javascript/*")
_MAX_CHARS = 300_000
_LONG_WORD = 80
_ELEMENT = re.compile(r"<(script|style)\b([^>]*)>(.*?)(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_NOT_CODE = re.compile(
    r"\bsrc\s*=|type\s*=\s*[\"']?(?:importmap|text/template|text/x-|application/(?:ld\+)?json|speculationrules)",
    re.I,
)
_ERB = re.compile(r"<%.*?(?:%>|\Z)", re.DOTALL)
_COMMENTS = re.compile(r"<%#.*?(?:%>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL)
_SCRIPTS = (".js", ".mjs", ".jsx", ".ts", ".tsx")
_SCRIPT_COMMENTS = re.compile(r"(?:^|(?<=\s))//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL | re.MULTILINE)
_COLORS = (
    "slate|gray|zinc|neutral|stone|red|orange|amber|yellow|lime|green|emerald|teal|cyan|sky|blue|indigo|violet|purple"
    "|fuchsia|pink|rose"
)
_UTILITY = re.compile(
    rf"(?:[a-z0-9\[\]&>*-]+:)*-?(?:(?:bg|text|border|ring|from|via|to|fill|stroke|divide|placeholder|accent|outline|shadow)-(?:{_COLORS})-\d{{2,3}}(?:/\d+)?"
    r"|max-w-(?:xs|sm|md|lg|[2-7]?xl|prose|full|screen(?:-\w+)?|\[.+\])|(?:min-)?[hw]-(?:screen|full|dvh|svh|px|\d+/\d+|\[.+\])"
    r"|text-(?:xs|sm|base|lg|[2-9]?xl)|font-(?:medium|semibold)|rounded-(?:md|lg|[23]?xl|full|\[.+\])|flex-col|items-center"
    r"|justify-(?:between|center|end|start)|space-[xy]-\d+(?:\.5)?|[pm][xytrbl]?-(?:[6-9]|1\d|2\d|\d\.5|auto|px)|whitespace-pre-wrap|overflow-y-auto"
    r"|bg-(?:white|black|transparent)(?:/\d+)?|leading-(?:relaxed|tight|normal|snug)|tracking-(?:wide|tight)|break-words|inline-flex|grow|shrink-0|flex-1)"
)
_STIMULUS_NAMES = re.compile(
    r"data-controller[\"']?\s*(?:=>|=|:)\s*\\?[\"'`{]+([^\"'`}]*)"
    r"|\bdata(?::|\s*=>|[\"']\s*:)\s*\{[^{}]*?(?<![-\w])[\"']?controller[\"']?(?::|\s*=>)\s*[\"']([^\"']*)[\"']"
    r"|\bdata_controller:\s*[\"']([^\"']*)[\"']"
)


def inline_code(tree: SourceTree, path: str, few: int) -> list[Location]:
    """Where a page's own CSS or JavaScript begins, if it is more than a few lines beside its markup."""
    source = tree.text(path) or ""
    found = [m for m in _ELEMENT.finditer(source[:_MAX_CHARS]) if not _NOT_CODE.search(m.group(2))]
    lines = sum(1 for m in found for line in m.group(3).splitlines() if line.strip())
    alone = not _COMMENTS.sub("", _ELEMENT.sub("", source)).strip()
    if lines <= few or alone:
        return []
    return [place(tree, path, source.count("\n", 0, m.start()) + 1) for m in found]


def scripts(source: str) -> str:
    """The inline JavaScript of a page, everything else blanked: lines stay; ERB in it becomes `0`."""
    kept, end = [], 0
    for found in _ELEMENT.finditer(source[:_MAX_CHARS]):
        if found.group(1).lower() == "script" and not _NOT_CODE.search(found.group(2)):
            code = _ERB.sub(lambda m: "0" + _blank(m.group())[1:], found.group(3))
            kept += [_blank(source[end : found.start(3)]), code]
            end = found.end(3)
    return "".join(kept)


def utility_classes(app: Application) -> int:
    """How many different utility classes of Tailwind the pages use, without those Bootstrap shares."""
    used: set[str] = set()
    for path in app.glob(*TEMPLATES, "app/*.css"):
        source = (app.tree.text(path) or "")[:_MAX_CHARS]
        if path.endswith(".css"):
            source = " ".join(re.findall(r"@apply([^;]+)", source))
        used.update(
            word
            for word in re.split(r"[\s\"'`<>=;,]+", source)
            if len(word) < _LONG_WORD and _UTILITY.fullmatch(word)
        )
    return len(used)


def stimulus_names(app: Application) -> dict[str, Location]:
    """The controllers that markup connects, with the first place of each."""
    found: dict[str, Location] = {}
    for path in app.glob(*TEMPLATES):
        hidden = without_comments(app, path)
        for match in _STIMULUS_NAMES.finditer(hidden):
            line = hidden.count("\n", 0, match.start()) + 1
            for name in " ".join(filter(None, match.groups())).split():
                if name not in found:
                    found[name] = place(app.tree, path, line)
    return found


def without_comments(app: Application, path: str) -> str:
    """A template or script with its comments blanked: lines stay."""
    source = (app.tree.text(path) or "")[:_MAX_CHARS]
    comments = _SCRIPT_COMMENTS if path.endswith(_SCRIPTS) else _COMMENTS
    return comments.sub(lambda m: _blank(m.group()), source)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
