"""Secrets that only exist at run time: no real-looking provider key stands in this repository."""

from __future__ import annotations

import random
import string

import pytest

from runner.core.records import Finding, Outcome
from runner.core.tree import SourceFile, SourceTree
from runner.probes import deliverables, secrets
from runner.probes.kit.files.secret_patterns import is_real, redacted

RANDOM = random.Random(7)
HEX = "0123456789abcdef"
BASE62 = string.ascii_letters + string.digits


def made_up(alphabet: str, length: int) -> str:
    return "".join(RANDOM.choice(alphabet) for _ in range(length))


KEYS = {
    "openrouter": "sk-or-" + "v1-" + made_up(HEX, 64),
    "anthropic": "sk-ant-" + "api03-" + made_up(BASE62 + "_-", 93) + "AA",
    "openai": "sk-" + made_up(BASE62, 48),
    "openai project": "sk-" + "proj-" + made_up(BASE62 + "_", 100),
    "google": "AI" + "za" + made_up(BASE62, 35),
    "aws": "AK" + "IA" + made_up(string.ascii_uppercase + string.digits, 16),
    "github": "gh" + "p_" + made_up(BASE62, 36),
    "stripe": "sk_" + "live_" + made_up(BASE62, 24),
    "hugging face": "hf" + "_" + made_up(BASE62, 34),
}
PLACES = {
    "README.md": "Set `OPENROUTER_API_KEY={}` and run it.\n",
    "Dockerfile": "FROM ruby:3.4\nENV OPENROUTER_API_KEY={}\n",
    "compose.yaml": "services:\n  web:\n    environment:\n      - OPENROUTER_API_KEY={}\n",
    "log/development.log": "Authorization: Bearer {}\n",
    "test/test_helper.rb": 'ENV["OPENROUTER_API_KEY"] = "{}"\n',
    "config/initializers/ruby_llm.rb": 'RubyLLM.configure {{ |c| c.openrouter_api_key = "{}" }}\n',
    ".env.example": "OPENROUTER_API_KEY={}\n",
    "Gemfile.lock": "    remote: https://{}@gems.example.com/\n",
}


def tree(files: dict[str, str]) -> SourceTree:
    return SourceTree(
        "made", {path: SourceFile(path, 0o100644, text.encode()) for path, text in files.items()}
    )


def finding(found: list[Finding], check: str) -> Finding:
    return next(f for f in found if f.check == check)


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("path", PLACES)
def test_a_key_is_found_and_never_repeated(kind: str, path: str) -> None:
    made = tree({path: PLACES[path].format(KEYS[kind])})
    found = secrets.findings(made)
    verdict = finding(found, "secrets.none_in_tree")
    assert verdict.outcome is Outcome.FAIL
    assert verdict.locations[0].path == path
    everything = [f.model_dump_json() for f in (*found, *deliverables.findings(made))]
    assert not any(KEYS[kind][9:] in json for json in everything)


def test_a_private_key_is_found_at_its_first_line() -> None:
    body = "\n".join(made_up(BASE62 + "+/", 64) for _ in range(5))
    pem = "-----BEGIN RSA " + f"PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n"
    verdict = finding(secrets.findings(tree({"config/server.pem": f"# mine\n{pem}"})), "secrets.none_in_tree")
    assert (verdict.outcome, verdict.locations[0].line) == (Outcome.FAIL, 2)


def test_a_key_beyond_the_shown_part_of_a_line_is_not_shown_in_part() -> None:
    key = KEYS["openrouter"]
    made = tree({"notes.txt": "x" * 170 + " " + key})
    assert key[9:20] not in finding(secrets.findings(made), "secrets.none_in_tree").model_dump_json()


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_any_text_can_be_redacted(key: str) -> None:
    assert key not in redacted(f'client = Client.new("{key}")')


@pytest.mark.parametrize(
    "value",
    [
        "test-key",
        "your-openrouter-key-goes-here-123",
        "0123456789abcdef0123456789abcdef",
        "1234567890abcdefghijklmnopqrstuv",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa11",
        "ab12ab12ab12ab12ab12ab12ab12ab12",
        "not-a-real-key-00000000000000000",
        "development_only_value_for_rails_42",
        "XXXXXXXXXXXXXXXXXXXXXXXXXXXX1234",
        "mytestkey1234567890abcdefgh",
        "redis-cache-store-for-chat-turns-01",
    ],
)
def test_a_stand_in_is_not_real(value: str) -> None:
    assert not is_real(value)


@pytest.mark.parametrize("alphabet", [HEX, BASE62])
def test_random_values_are_real(alphabet: str) -> None:
    assert all(is_real(made_up(alphabet, 64)) for _ in range(200))
