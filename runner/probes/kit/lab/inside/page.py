"""What a page holds: its forms with labels, links, scripts and visible text.

Part of the page driver, which runs inside the helper sandbox by plain python3.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

TYPED = {"text", "textarea", ""}
VOID_OF_DATA = {"file", "reset", "image", "button"}
WANTED = re.compile(r"messag|content|prompt|question|chat|ask|body|say|type|input|reply|query|text")
UNWANTED = re.compile(r"search|e-?mail|passw|title|\bname\b|token|model|key|temperature|url|rename|filter")

Attributes = dict[str, str]


@dataclass
class Field:
    """One control of a form; `hints` is all that tells a person what it is for."""

    name: str
    kind: str
    value: str = ""
    hints: str = ""
    checked: bool = False
    disabled: bool = False


@dataclass
class Form:
    """One form, with its controls in document order."""

    action: str = ""
    method: str = "get"
    enctype: str = "application/x-www-form-urlencoded"
    hints: str = ""
    turbo: bool = True
    fields: list[Field] = field(default_factory=list)

    def pairs(self, typed: Field | None = None, text: str = "") -> list[tuple[str, str]]:
        """What the browser would send, with `text` typed into `typed`, by its first button."""
        sent: list[tuple[str, str]] = []
        pressed = False
        for control in self.fields:
            if control is typed:
                sent.append((control.name, text))
            elif not control.name or control.disabled or control.kind in VOID_OF_DATA:
                continue
            elif control.kind == "submit":
                if not pressed:
                    sent.append((control.name, control.value))
                pressed = True
            elif control.kind not in ("checkbox", "radio") or control.checked:
                sent.append((control.name, control.value))
        return sent


@dataclass
class Page:
    """One document. `text` is what a reader sees of it; `loose` are fields that no form can send."""

    forms: list[Form] = field(default_factory=list)
    loose: list[Field] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    inline: str = ""
    csrf: str = ""
    text: str = ""

    def composer(self) -> tuple[Form, Field] | None:
        """The form and field a person would type a message into."""
        rated = [
            (_fitness(form, control), -place, form, control)
            for place, form in enumerate(self.forms)
            for control in form.fields
        ]
        best = max(rated, key=lambda item: item[:2], default=None)
        return (best[2], best[3]) if best and best[0] > 0 else None


def _fitness(form: Form, control: Field) -> int:
    if control.kind not in TYPED or control.disabled or not control.name:
        return 0
    if any(f.name == "_method" and f.value == "delete" for f in form.fields) or "search" in form.hints:
        return 0
    points = 3 if control.kind == "textarea" else 1
    points += 2 * bool(WANTED.search(control.hints))
    points -= 3 * bool(UNWANTED.search(control.hints))
    return points + (form.method == "post")


class _Reader(HTMLParser):
    """Collects a Page from tags; broken markup is read as far as it goes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._form: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._elsewhere: list[tuple[str, Field]] = []
        self._ids: dict[str, Field] = {}
        self._labels: list[tuple[str, list[str], list[Field]]] = []
        self._label: tuple[str, list[str], list[Field]] | None = None
        self._area: Field | None = None
        self._option: list[str] | None = None
        self._select: Field | None = None
        self._link: tuple[str, list[str]] | None = None
        self._button: Field | None = None
        self._silent = ""
        self._script_type, self._script_start = "", 0
        self._text: list[str] = []
        self._inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Dispatch by tag."""
        a: Attributes = {name: value or "" for name, value in attrs}
        handler = getattr(self, f"_start_{tag.replace('-', '_')}", None)
        if handler is not None:
            handler(a)

    def handle_endtag(self, tag: str) -> None:
        """Close what the tag had opened."""
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = None
        elif tag == "label":
            self._label = None
        elif tag == "select":
            self._end_option()
            self._select = None
        elif tag == "option":
            self._end_option()
        elif tag == "button":
            self._button = None
        elif tag == "a" and self._link:
            self.page.links.append((self._link[0], " ".join(self._link[1]).strip().lower()))
            self._link = None
        elif tag == self._silent:
            self._end_script()
            self._silent = ""

    def handle_data(self, data: str) -> None:
        """Text belongs to a control, a script or the reader."""
        if self._silent:
            if self._silent == "script":
                self._inline.append(data)
            return
        if self._area is not None:
            self._area.value += data
            return
        if self._option is not None:
            self._option.append(data)
        if self._label is not None:
            self._label[1].append(data)
        if self._link is not None:
            self._link[1].append(data)
        if self._button is not None:
            self._button.hints += " " + data.strip().lower()
        self._text.append(data)

    def finished(self) -> Page:
        """The page, once all labels and distant controls are known."""
        for identity, control in self._elsewhere:
            if identity in self._by_id:
                self._by_id[identity].fields.append(control)
        for target, words, controls in self._labels:
            named = [self._ids[target]] if target in self._ids else controls
            for control in named:
                control.hints += " " + " ".join(words).lower()
        self.page.text = " ".join(" ".join(self._text).split())
        self.page.inline = "\n".join(self._inline)
        return self.page

    def _start_form(self, a: Attributes) -> None:
        hints = " ".join(a.get(k, "") for k in ("role", "id", "class", "action", "aria-label")).lower()
        form = Form(
            action=a.get("action", ""),
            method=a.get("method", "get").lower(),
            enctype=a.get("enctype", "application/x-www-form-urlencoded").lower(),
            hints=hints,
            turbo=a.get("data-turbo") != "false",
        )
        self._form = form
        self._by_id[a.get("id", "")] = form
        self.page.forms.append(form)

    def _add(self, a: Attributes, kind: str) -> Field:
        names = ("id", "name", "placeholder", "aria-label", "title")
        control = Field(
            name=a.get("name", ""),
            kind=kind,
            value=a.get("value", ""),
            hints=" ".join(a.get(k, "") for k in names).lower(),
            checked="checked" in a,
            disabled="disabled" in a or "readonly" in a,
        )
        if "form" in a:
            self._elsewhere.append((a["form"], control))
        elif self._form is not None:
            self._form.fields.append(control)
        if kind in TYPED and not (control.name and (self._form is not None or "form" in a)):
            self.page.loose.append(control)
        if "id" in a:
            self._ids[a["id"]] = control
        if self._label is not None:
            self._label[2].append(control)
        return control

    def _start_input(self, a: Attributes) -> None:
        control = self._add(a, a.get("type", "text").lower())
        if control.kind in ("checkbox", "radio") and "value" not in a:
            control.value = "on"

    def _start_textarea(self, a: Attributes) -> None:
        self._area = self._add(a, "textarea")

    def _start_select(self, a: Attributes) -> None:
        self._select = self._add(a, "select")
        self._select.checked = False

    def _start_option(self, a: Attributes) -> None:
        self._end_option()
        select = self._select
        if select is not None and ("selected" in a or not select.checked):
            select.checked = True
            if "value" in a:
                select.value = a["value"]
            else:
                self._option = []

    def _end_option(self) -> None:
        if self._option is not None and self._select is not None:
            self._select.value = "".join(self._option).strip()
        self._option = None

    def _start_button(self, a: Attributes) -> None:
        self._button = self._add(a, a.get("type", "submit").lower())

    def _start_label(self, a: Attributes) -> None:
        self._label = (a.get("for", ""), [], [])
        self._labels.append(self._label)

    def _start_a(self, a: Attributes) -> None:
        if a.get("href"):
            self._link = (a["href"], [a.get("aria-label", ""), a.get("title", "")])

    def _start_meta(self, a: Attributes) -> None:
        if a.get("name") == "csrf-token":
            self.page.csrf = a.get("content", "")

    def _start_link(self, a: Attributes) -> None:
        if a.get("rel") == "modulepreload" and a.get("href"):
            self.page.scripts.append(a["href"])

    def _start_turbo_frame(self, a: Attributes) -> None:
        if a.get("src"):
            self.page.frames.append(a["src"])

    def _start_div(self, a: Attributes) -> None:
        if a.get("contenteditable") in ("", "true", "plaintext-only"):
            self.page.loose.append(Field("", "text", hints=" ".join(a.values()).lower()))

    def _start_script(self, a: Attributes) -> None:
        self._silent, self._script_type = "script", a.get("type", "")
        self._script_start = len(self._inline)
        if a.get("src"):
            self.page.scripts.append(a["src"])

    def _start_style(self, a: Attributes) -> None:
        self._silent = "style"

    def _start_title(self, a: Attributes) -> None:
        self._silent = "title"

    def _end_script(self) -> None:
        """An import map names scripts; any other script inside the page is text of its own."""
        if self._silent != "script" or self._script_type != "importmap":
            return
        written = "".join(self._inline[self._script_start :])
        del self._inline[self._script_start :]
        try:
            imports = json.loads(written).get("imports", {})
        except (ValueError, AttributeError, RecursionError):
            return
        if isinstance(imports, dict):
            self.page.scripts.extend(str(url) for url in imports.values())


def read_page(markup: str) -> Page:
    """Read a document or a fragment of one, such as Turbo Streams."""
    reader = _Reader()
    reader.feed(markup.replace("<![", "<! ["))  # the parser of Python 3.11 fails on broken sections
    reader.close()
    return reader.finished()
