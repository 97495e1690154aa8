"""Secrets that a repository carries: provider keys, private keys, `.env` values, master keys."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runner.core.protocols import Subject
from runner.core.records import Finding, Location
from runner.core.tree import SourceTree
from runner.probes.kit.files.secret_patterns import Secret, is_real, named_secrets, provider_secrets
from runner.probes.kit.verdicts import Verdict, bad, good, place

_MAX_CHARS = 1_000_000
_DATA = re.compile(
    r"(?:\.lock|-lock\.(?:json|yaml)|\.lockb|\.sum|\.enc|\.min\.(?:js|css)|\.map|\.svg|gems\.locked|importmap\.json)$"
)
_DEPENDENCIES = re.compile(
    r"(?:^|/)(?:node_modules|vendor/(?:bundle|cache|javascript|assets)|\.bundle|\.git)/"
)
_CODE = re.compile(r"\.(?:rb|rake|ru|gemspec|erb|haml|slim|js|jsx|ts|tsx|mjs|vue|py|html?|css|json)$")
_ENV_FILE = re.compile(r"(?:^|/)(?:\.env(?:\.[\w.-]+)?|[\w-]+\.env)$")
_ENV_PATTERN = re.compile(r"example|sample|template|dist$|default|\.erb$", re.IGNORECASE)
_ENV_TEST = re.compile(r"\.env\.test$")
_ENV_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s#]*))")
# Devise's generator writes a random key into a comment of this file: nothing uses it.
_DEVISE = re.compile(r"(?:^|/)config/initializers/devise\.rb$")
_COMMENTED = re.compile(r"^[ \t]*# config\.(?:secret_key|pepper) = .*$", re.MULTILINE)
_KEY_FILE = re.compile(r"(?:^|/)config/(?:master\.key|credentials/[\w-]+\.key)$")
_MASTER_KEY = re.compile(r"RAILS_MASTER_KEY[\"']?\s*[:=]\s*[\"']?([0-9a-f]{32})\b")


def _none_in_tree(tree: SourceTree) -> Verdict:
    found = [(path, secret) for path in tree for secret in _secrets(tree, path)]
    if not found:
        return good("no provider key, token or private key in any text file")
    kinds = ", ".join(dict.fromkeys(secret.kind for _, secret in found))
    places = [place(tree, path, secret.line) for path, secret in found]
    return bad(f"real-looking secrets are committed: {kinds}", places, count=len(found))


def _secrets(tree: SourceTree, path: str) -> list[Secret]:
    if _DEPENDENCIES.search(path) or (source := tree.text(path)) is None:
        return []
    source = source[:_MAX_CHARS]
    if _DEVISE.search(path):
        source = _COMMENTED.sub("", source)
    found = list(provider_secrets(source))
    if not _DATA.search(path):
        known = [secret.value for secret in found]
        named = named_secrets(source, quoted=_CODE.search(path) is not None)
        found += [
            secret for secret in named if not any(secret.value in k or k in secret.value for k in known)
        ]
    return found


def _no_env_file(tree: SourceTree) -> Verdict:
    files = [p for p in tree if _ENV_FILE.search(p) and not _DEPENDENCIES.search(p)]
    places = [where for path in files if not _ENV_PATTERN.search(path) for where in _env_values(tree, path)]
    if places:
        return bad("an environment file is committed with values", places)
    return good("no .env with values is committed", examples=[p for p in files if _ENV_PATTERN.search(p)])


def _env_values(tree: SourceTree, path: str) -> list[Location]:
    """The assignments of values, values masked; in `.env.test` only those that look real."""
    found = []
    for number, line in enumerate((tree.text(path) or "").splitlines(), start=1):
        assigned = _ENV_LINE.match(line)
        value = next(filter(None, assigned.groups()[1:]), "") if assigned else ""
        if assigned and value and not (_ENV_TEST.search(path) and not is_real(value)):
            found.append(Location(path=path, line=number, text=f"{assigned.group(1)}={'*' * 8}"))
    return found


def _no_master_key(tree: SourceTree) -> Verdict:
    places = [
        Location(path=p)
        for p in tree
        if _KEY_FILE.search(p) and not _DEPENDENCIES.search(p) and (tree.text(p) or "").strip()
    ]
    for path in tree:
        source = "" if _DEPENDENCIES.search(path) else (tree.text(path) or "")[:_MAX_CHARS]
        for found in _MASTER_KEY.finditer(source):
            line = source.count("\n", 0, found.start()) + 1
            if is_real(found.group(1)):
                places.append(place(tree, path, line))
    if places:
        return bad("a Rails master key is committed", places)
    return good("no config/master.key, no credentials key and no RAILS_MASTER_KEY value")


class Secrets:
    """Looks for secrets in every text file of the tree; findings never repeat one."""

    id = "secrets"
    version = 2
    needs_lab = False
    checks: Mapping[str, str] = {
        "secrets.none_in_tree": "no provider key, token or private key stands in any file",
        "secrets.no_env_file": "no .env file with values is committed",
        "secrets.no_master_key": "no Rails master key is committed",
    }

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding per check."""
        return findings(subject.tree)


def findings(tree: SourceTree) -> list[Finding]:
    """What the files say."""
    return [
        _none_in_tree(tree).of("secrets.none_in_tree"),
        _no_env_file(tree).of("secrets.no_env_file"),
        _no_master_key(tree).of("secrets.no_master_key"),
    ]


PROBE = Secrets()
