"""Services beside the app (Redis, a database server) that its compose file brings and the lab does not."""

from __future__ import annotations

import re
from dataclasses import replace

from runner.core.records import Outcome
from runner.core.tree import SourceTree
from runner.probes.kit.files.compose import compose_files
from runner.probes.kit.verdicts import Verdict

# A name, how clients complain that it is not there, and the images that run it.
_SERVICES = (
    ("Redis", r"Redis(?:Client)?::CannotConnectError|ECONNREFUSED.*:6379\b", r"redis|valkey|dragonfly|keydb"),
    ("PostgreSQL", r"PG::ConnectionBad|ECONNREFUSED.*:5432\b", r"postg|pgvector|timescale"),
    ("MySQL", r"(?:Mysql2|Trilogy)::\w*(?:Error|Refused)\b.*connect|ECONNREFUSED.*:3306\b", r"mysql|mariadb"),
    ("Memcached", r"Dalli::(?:RingError|NetworkError)|ECONNREFUSED.*:11211\b", r"memcached"),
)


def absent_service(tree: SourceTree, folder: str, log: str) -> str:
    """The service an app's log misses although its compose file brings it; empty if there is none."""
    files = compose_files(tree, tuple(dict.fromkeys(("", folder))))
    images = " ".join(str(item.get("image", "")) for file in files for item in file.services.values())
    missed = (
        name
        for name, complaint, image in _SERVICES
        if re.search(image, images, re.I) and re.search(complaint, log, re.I)
    )
    return next(missed, "")


def excused(tree: SourceTree, folder: str, log: str, verdict: Verdict) -> Verdict:
    """A failure for want of such a service is not the app's own."""
    name = absent_service(tree, folder, log) if verdict.outcome is Outcome.FAIL else ""
    if not name:
        return verdict
    told = f"{verdict.message} (its compose file brings {name}, which the lab does not have)"
    return replace(verdict, outcome=Outcome.UNKNOWN, message=told)
