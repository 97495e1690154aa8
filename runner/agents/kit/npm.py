"""Install lines for agents that npm distributes as one tarball a platform."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

REGISTRY = "https://registry.npmjs.org"


@dataclass(frozen=True)
class Package:
    """A release in the npm registry; `integrity` is what `npm view NAME@VERSION dist.integrity` prints."""

    name: str
    version: str
    integrity: str

    @property
    def url(self) -> str:
        """Where its tarball lies."""
        return f"{REGISTRY}/{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"

    @property
    def sha512(self) -> str:
        """The checksum in hexadecimal. Raises ValueError if `integrity` is no SHA-512."""
        algorithm, _, encoded = self.integrity.partition("-")
        digest = base64.b64decode(encoded, validate=True)
        if algorithm != "sha512" or len(digest) != 64:
            raise ValueError(f"{self.name}: integrity should be sha512-<base64>, not {self.integrity!r}")
        return digest.hex()


def unpacked(
    agent: str, packages: Mapping[str, Package], *, strip: int = 1, without: Sequence[str] = ()
) -> str:
    """Dockerfile lines that fetch, check and unpack a tarball below /opt/<agent>.

    `packages` is by Debian architecture (`amd64`, `arm64`); `strip` leading folders are dropped, and so is
    what matches a pattern of `without`.
    """
    cases = "".join(
        f"      {architecture}) url={package.url}; sum={package.sha512} ;; \\\n"
        for architecture, package in packages.items()
    )
    options = "".join(f" --exclude={shlex.quote(pattern)}" for pattern in without)
    options += f" --strip-components={strip} --no-same-owner"
    return (
        'RUN case "$(dpkg --print-architecture)" in \\\n'
        f"{cases}"
        f'      *) echo "{agent} has no release for this architecture" >&2; exit 1 ;; \\\n'
        "    esac \\\n"
        ' && curl --fail --silent --show-error --location --retry 3 --output /tmp/agent.tgz "$url" \\\n'
        ' && echo "$sum  /tmp/agent.tgz" | sha512sum --check --quiet \\\n'
        f" && tar -xzf /tmp/agent.tgz -C /opt/{agent}{options} \\\n"
        " && rm /tmp/agent.tgz"
    )
