"""What probes found in a tree, by the names of its documents: which there are is known before any is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


def evidence_key(tree: str, probe: str, version: int, environment: str) -> str:
    """The document of what a probe version found in a tree, in one environment."""
    return f"evidence/{tree}/{probe}-{version}-{environment}.json"


@dataclass(frozen=True)
class Looks:
    """The documents of a tree's evidence by name."""

    root: Path
    tree: str
    names: tuple[str, ...]

    def key(self, probe: str, version: int, environment: str | None = None, where: str = "") -> str | None:
        """What a probe version found in one environment, or where it looked last; None if it never did.

        Without an environment it is the newest of those with `where` in their names.
        """
        if environment is not None:
            key = evidence_key(self.tree, probe, version, environment)
            return key if key.rpartition("/")[2] in self.names else None
        begin = f"{probe}-{version}-"
        found = [
            f"evidence/{self.tree}/{name}" for name in self.names if name.startswith(begin) and where in name
        ]
        if len(found) > 1:
            found.sort(key=lambda key: (self.root / key).stat().st_mtime_ns)
        return found[-1] if found else None
