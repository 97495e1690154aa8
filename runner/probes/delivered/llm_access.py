"""How the application reaches its model: the gem, the provider, the model's name, the key."""

from __future__ import annotations

import re

from runner.core.records import Location
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.gemfile import Gemfile
from runner.probes.kit.ruby.paths import is_test
from runner.probes.kit.ruby.syntax import Call, RubyFile, literal, text
from runner.probes.kit.verdicts import Verdict, bad, good

_KEY = "OPENROUTER_API_KEY"
_OTHER_GEMS = {
    "ruby-openai": "OpenAI",
    "openai": "OpenAI",
    "alexrudall-ruby-openai": "OpenAI",
    "anthropic": "Anthropic",
    "ruby-anthropic": "Anthropic",
    "anthropic-rb": "Anthropic",
    "anthropic-sdk-beta": "Anthropic",
    "langchainrb": "Langchain",
    "langchainrb_rails": "Langchain",
    "open_router": "OpenRouter",
    "openrouter": "OpenRouter",
    "open_router_enhanced": "OpenRouter",
    "openrouter-ruby": "OpenRouter",
    "openrouter_client": "OpenRouter",
    "rubyllm": "RubyLLM",
    "ruby-llm": "RubyLLM",
    "rubyllm-rails": "RubyLLM",
    "llm.rb": "LLM",
    "gemini-ai": "Gemini",
    "omniai": "OmniAI",
    "active_agent": "ActiveAgent",
    "activeagent": "ActiveAgent",
    "raix": "Raix",
}
_SONNET = re.compile(r"claude[\w.:-]*sonnet[\w.:-]*", re.IGNORECASE)
_MODEL = re.compile(
    r"(?:anthropic|openai|google|meta-llama|deepseek|mistralai|qwen|x-ai|moonshotai|z-ai)/[\w.:-]+|claude-[\w.-]+|gpt-[\w.-]+"
)
_ADDRESS = "openrouter.ai/api"
_SETTINGS = (
    "config/*.yml",
    "config/*.yaml",
    ".env*",
    "*compose*.y*ml",
    "Dockerfile*",
    "config/*.json",
    "config/*.toml",
)
_COMMENT = re.compile(r"\s*(?:#|//)")


def ruby_llm(gemfile: Gemfile | None) -> Verdict:
    """The gem ruby_llm is asked for."""
    gem = gemfile.find("ruby_llm") if gemfile else None
    if gem is None:
        return bad("the Gemfile does not ask for ruby_llm" if gemfile else "there is no Gemfile")
    if not gem.at_run_time:
        return bad(f"ruby_llm is only in group {', '.join(sorted(gem.groups))}", [gem.location])
    return good("the Gemfile asks for ruby_llm", [gem.location])


def llm_gem(app: Application, gemfile: Gemfile | None) -> Verdict:
    """No wrong LLM gem takes the place of ruby_llm."""
    others = [gem for gem in (gemfile.gems if gemfile else ()) if gem.name in _OTHER_GEMS]
    names = list(dict.fromkeys(gem.name for gem in others))
    if not others:
        return good("the Gemfile names no other LLM gem")
    constants = {name for file in app.ruby("app/*", "lib/*") for name in map(text, file.of("constant"))}
    replaced = gemfile is None or gemfile.find("ruby_llm") is None
    if replaced or ("RubyLLM" not in constants and constants & {_OTHER_GEMS[name] for name in names}):
        return bad(f"{', '.join(names)} takes the place of ruby_llm", [gem.location for gem in others])
    return good(
        "ruby_llm is used; another LLM gem stands beside it", [g.location for g in others], beside=names
    )


def openrouter_config(app: Application) -> Verdict:
    """RubyLLM is configured for OpenRouter and a Claude Sonnet."""
    router = _router(app)
    models = _named(app, _SONNET)
    if router and models:
        return good(
            "RubyLLM is configured for OpenRouter and a Claude Sonnet",
            [router, models[0][1]],
            model=models[0][0],
        )
    if router:
        others = _named(app, _MODEL)
        named = f"; it names {others[0][0]}" if others else ""
        return bad(f"OpenRouter is configured, but no Claude Sonnet{named}", [where for _, where in others])
    if models:
        return bad("a Claude Sonnet is named, but RubyLLM is not configured for OpenRouter", [models[0][1]])
    return bad("RubyLLM is configured neither for OpenRouter nor for a Claude Sonnet")


def _router(app: Application) -> Location | None:
    """Where RubyLLM gets OpenRouter's key, or OpenRouter's address in the place of OpenAI's."""
    calls = [call for file in _code(app) for call in file.calls]
    keyed = [
        call for call in calls if call.name == "openrouter_api_key=" or _sends(call, "openrouter_api_key")
    ]
    if keyed:
        return keyed[0].location
    based = [call for call in calls if call.name == "openai_api_base="]
    addressed = any(_ADDRESS in value for file in _code(app) for value, _ in file.strings)
    return based[0].location if based and addressed else None


def _sends(call: Call, option: str) -> bool:
    """`config.public_send(:openrouter_api_key=, key)`."""
    first = literal(call.positional[0]) if call.positional else None
    return call.name in ("public_send", "send") and (first or "").rstrip("=") == option


def _named(app: Application, pattern: re.Pattern[str]) -> list[tuple[str, Location]]:
    """Names that strings of the code and lines of settings give to a model; comments do not count."""
    found = [
        (match.group(), file.location(node))
        for file in _code(app)
        for value, node in (
            *file.strings,
            *((text(symbol), symbol) for symbol in file.of("delimited_symbol")),
        )
        if (match := pattern.search(value))
    ]
    for where in app.matches(pattern, *_SETTINGS):
        line = where.text or ""
        if not _COMMENT.match(line) and (match := pattern.search(line)):
            found.append((match.group(), where))
    return found


def _code(app: Application) -> list[RubyFile]:
    return [file for file in app.ruby("*") if not is_test(file.path)]


def key_from_env(app: Application) -> Verdict:
    """OPENROUTER_API_KEY is read from the environment."""
    reads = [where for file in _code(app) for where in _reads(file)]
    reads += app.matches(re.compile(rf"<%=?[^%]*\bENV\b[^%]*{_KEY}"), "config/*.yml", "config/*.yaml")
    if reads:
        return good(f"{_KEY} is read from the environment", reads[:3])
    set_otherwise = [c.location for file in _code(app) for c in file.calls if c.name == "openrouter_api_key="]
    return bad(f"no code reads {_KEY} from ENV", set_otherwise)


def _reads(file: RubyFile) -> list[Location]:
    """Uses of ENV with the key's name, also when a constant holds the name."""
    names = {_KEY}
    for node in file.of("assignment"):
        if literal(node.child_by_field_name("right")) == _KEY:
            names.add(text(node.child_by_field_name("left")))
    uses = [c for c in file.calls if text(c.receiver) in ("ENV", "::ENV") and c.name != "[]="]
    return [
        call.location
        for call in uses
        if any((literal(node) or text(node)).rpartition("::")[2] in names for node in call.positional)
    ]
