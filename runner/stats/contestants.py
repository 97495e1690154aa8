"""Who is meant by a name: `model`, `model:agent` or `model:agent@version`, each exact or a unique part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from runner.core.errors import UserError
from runner.stats.samples import Sample


@dataclass(frozen=True)
class Contestant:
    """A model, with one agent or whatever agents it ran with."""

    name: str
    agent: str | None
    samples: tuple[Sample, ...]


def contestant(reference: str, samples: Sequence[Sample]) -> Contestant:
    """Raises UserError if the reference names nobody, or several."""
    models = sorted({sample.model for sample in samples})
    if not models:
        raise UserError("there is no run to compare; make some: shipworthy run --epochs 3 ...")
    for exact in (True, False):
        for model, agent in _readings(reference):
            named = [m for m in models if (m == model if exact else model in m)]
            if len(named) > 1:
                raise UserError(f"{reference!r} names several models:\n  " + "\n  ".join(named))
            if named:
                return _with_agent(named[0], agent, [s for s in samples if s.model == named[0]])
    raise UserError(f"no model is called {reference!r}{_near(reference, models)}")


def _near(reference: str, models: Sequence[str]) -> str:
    """The names that may be meant, by the whole or by what follows the provider; else all there are."""
    wanted = reference.partition(":")[0].lower()
    by_name = {name: model for model in models for name in (model.lower(), model.lower().rpartition("/")[2])}
    close = get_close_matches(wanted, list(by_name), n=5, cutoff=0.6)
    near = list(dict.fromkeys(by_name[name] for name in close))
    if near:
        return f"; did you mean {' or '.join(near)}?"
    more = f"\n  and {len(models) - 20} more" if len(models) > 20 else ""
    return "; known:\n  " + "\n  ".join(models[:20]) + more


def _readings(reference: str) -> Iterator[tuple[str, str]]:
    """Names of models may have colons themselves, so the whole of it comes first."""
    yield reference, ""
    model, colon, agent = reference.rpartition(":")
    if colon and model and agent:
        yield model, agent


def _with_agent(model: str, agent: str, samples: Sequence[Sample]) -> Contestant:
    if not agent:
        return Contestant(model, None, tuple(samples))
    name, _, version = agent.partition("@")
    agents = {sample.agent for sample in samples}
    named = [name] if name in agents else sorted(a for a in agents if name in a)
    if len(named) != 1:
        known = ", ".join(sorted(agents))
        raise UserError(f"{model} ran with {known}; {agent!r} names {'several' if named else 'none'} of them")
    chosen = [s for s in samples if s.agent == named[0] and (not version or s.agent_version == version)]
    if not chosen:
        known = ", ".join(_versions(s for s in samples if s.agent == named[0]))
        raise UserError(f"{model} did not run with version {version!r} of {named[0]}; known: {known}")
    return Contestant(f"{model}:{named[0]}{'@' * bool(version)}{version}", named[0], tuple(chosen))


def _versions(samples: Iterable[Sample]) -> list[str]:
    return sorted({sample.agent_version for sample in samples})
