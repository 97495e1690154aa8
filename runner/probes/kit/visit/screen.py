"""What a visitor's browser tells about a page: judged from its events, without a container."""

from __future__ import annotations

from urllib.parse import urlsplit

from runner.probes.kit.lab.browser import Report


def foreign_scripts(report: Report) -> list[str]:
    """Hosts beside the app that the page wanted scripts from; the lab reaches none of them."""
    wanted = [e for e in report.of("failed") if e["type"] == "script" and not e["own"]]
    return sorted({urlsplit(event["url"]).hostname or "" for event in wanted})
