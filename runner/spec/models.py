"""Models: `provider/name`, an entry of one's own, or `name@URL` for any OpenAI-compatible server."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from runner.core.errors import SetupError, SpecError, UserError
from runner.core.records import Model, Prices, Record
from runner.spec.contents import digest_of
from runner.spec.documents import parse, read_document

CUSTOM_KEY = "SHIPWORTHY_API_KEY"
CHAT = "openai_chat"
WIRES = (CHAT, "openai_responses", "anthropic_messages", "gemini")
UPSTREAM = r"https?://[^/\s@]+(/\S*)?"


class Provider(Record):
    """Where a provider's models are reached: at an upstream, or as scripts in a folder of the task.

    `upstream` is the base URL of each wire format it speaks; a single URL speaks OpenAI chat completions.
    """

    upstream: dict[str, str] | None = None
    key_env: str | None = None
    scripts: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    prices: Prices | None = None
    max_output_tokens: int | None = Field(None, gt=0)
    prices_as: str | None = Field(None, description="the provider's id in genai-prices, if another")

    @field_validator("upstream", mode="before")
    @classmethod
    def _one_for_chat(cls, value: object) -> object:
        return {CHAT: value} if isinstance(value, str) else value

    @field_validator("upstream")
    @classmethod
    def _are_urls(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        for wire, url in (value or {}).items():
            if wire not in WIRES:
                raise ValueError(f"unknown wire format {wire!r}; known: {', '.join(WIRES)}")
            if not re.fullmatch(UPSTREAM, url):
                raise ValueError(f"should be an http(s) URL, not {url!r}")
        return value

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if (self.upstream is None) == (self.scripts is None):
            raise ValueError("give either upstream or scripts")
        return self


class Entry(Record):
    """A model with settings of its own."""

    provider: str
    name: str
    params: dict[str, Any] = Field(default_factory=dict)
    prices: Prices | None = None
    max_output_tokens: int | None = Field(None, gt=0)


class Catalogue(Record):
    """One models file."""

    providers: dict[str, Provider] = Field(default_factory=dict)
    models: dict[str, Entry] = Field(default_factory=dict)


def load_catalogue(shipped: Path, own: Path | None) -> Catalogue:
    """The shipped providers, with the user's file (if it exists) added and preferred."""
    files = [shipped, *([own] if own is not None and own.exists() else [])]
    read = [parse(Catalogue, read_document(path), path) for path in files]
    merged = Catalogue(
        providers={k: v for c in read for k, v in c.providers.items()},
        models={k: v for c in read for k, v in c.models.items()},
    )
    for identity, entry in merged.models.items():
        if entry.provider not in merged.providers:
            raise SpecError(f"{files[-1]}: models.{identity}.provider: unknown provider {entry.provider!r}")
    return merged


def resolve_model(
    reference: str, catalogue: Catalogue, task_folder: Path, wires: Sequence[str] = (CHAT,)
) -> Model:
    """The model that `reference` names, in the first of an agent's `wires` that its provider speaks.

    Raises UserError that lists what is known. A `name@URL` and a scripted model speak every format.
    """
    name, at, url = reference.partition("@")
    if at and url.startswith(("http://", "https://")):
        if not name or not re.fullmatch(UPSTREAM, url):
            raise UserError(f"model {reference!r}: should be <name>@http(s)://host[:port][/path]")
        custom = Provider(upstream=dict.fromkeys(wires, url.rstrip("/")), key_env=CUSTOM_KEY)
        return _model(reference, "custom", name, custom, wires)
    if reference in catalogue.models:
        entry = catalogue.models[reference]
        provider = catalogue.providers[entry.provider]
        own = {
            "params": {**provider.params, **entry.params},
            "prices": entry.prices or provider.prices,
            "max_output_tokens": entry.max_output_tokens or provider.max_output_tokens,
        }
        return _model(reference, entry.provider, entry.name, provider.model_copy(update=own), wires)
    provider_id, _, name = reference.partition("/")
    found = catalogue.providers.get(provider_id)
    if found is None or not name:
        known = ", ".join([*(f"{p}/<name>" for p in sorted(catalogue.providers)), *sorted(catalogue.models)])
        raise UserError(f"unknown model {reference!r}; known: {known}, or <name>@http(s)://base-url")
    if found.scripts is not None:
        return _scripted(reference, name, found, task_folder).model_copy(update={"wire": wires[0]})
    return _model(reference, provider_id, name, found, wires)


def find_key(model: Model, environ: Mapping[str, str]) -> str | None:
    """The model's key. Raises SetupError naming the variable if it needs one that is not set."""
    if model.key_env is None:
        return None
    key = environ.get(model.key_env, "").strip()
    if not key and model.provider != "custom":
        raise SetupError(f"{model.id} needs a key: set {model.key_env} (it stays in this process)")
    return key or None


def _scripted(reference: str, name: str, provider: Provider, task_folder: Path) -> Model:
    folder = task_folder / str(provider.scripts)
    known = sorted(p.parent.name for p in folder.glob("*/script.yaml"))
    if name not in known:
        listed = ", ".join(f"{reference.partition('/')[0]}/{k}" for k in known) or "none"
        raise UserError(f"unknown model {reference!r}: task {task_folder.name} has {listed}")
    shared = _shared_files(folder / name, task_folder.parent)
    return Model(
        id=reference,
        provider=reference.partition("/")[0],
        name=name,
        wire=CHAT,
        script=str(folder / name),
        script_digest=digest_of(folder / name, *([shared] if shared else [])),
        script_files=str(shared) if shared else None,
        prices=provider.prices,
    )


def _shared_files(folder: Path, tasks: Path) -> Path | None:
    """The folder that a script's `files` names, relative to its own: another script's files."""
    path = folder / "script.yaml"
    name = read_document(path).get("files")
    if name is None:
        return None
    shared = (folder / str(name)).resolve()
    if not shared.is_relative_to(tasks.resolve()):
        raise SpecError(f"{path}: files: {name}: should lie below {tasks}")
    if not shared.is_dir():
        raise SpecError(f"{path}: files: {name}: there is no folder {shared}")
    return shared


def _model(reference: str, provider_id: str, name: str, provider: Provider, wires: Sequence[str]) -> Model:
    upstream = provider.upstream or {}
    wire = next((wire for wire in wires if wire in upstream), None)
    if wire is None:
        spoken = f"{provider_id} speaks {', '.join(upstream)}"
        raise UserError(f"model {reference!r}: the agent speaks {', '.join(wires)}, but {spoken}")
    return Model(
        id=reference,
        provider=provider.prices_as or provider_id,
        name=name,
        wire=wire,
        upstream=upstream[wire],
        key_env=provider.key_env,
        params=provider.params,
        prices=provider.prices,
        max_output_tokens=provider.max_output_tokens,
    )
