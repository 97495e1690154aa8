"""The local server: its own folder, its own names, and word of what is new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from runner.report.site.server import LiveSite


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[LiveSite, str]]:
    root = tmp_path / "site"
    (root / "runs").mkdir(parents=True)
    (root / "index.html").write_text("<p>home")
    (root / "runs" / "index.html").write_text("<p>runs")
    (root / ".shipworthy-site.json").write_text("{}")
    (root / "page.svg").write_text("<svg onload=alert(1)>")
    (tmp_path / "secret.html").write_text("secret")
    (root / "link.html").symlink_to(tmp_path / "secret.html")
    site = LiveSite(root)
    async with site.serve(0) as port:
        yield site, f"http://127.0.0.1:{port}"


async def get(url: str, **headers: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(URL(url, encoded=True), headers=headers) as got,
    ):
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        return got.status, await got.text()


async def test_pages_are_served(served: tuple[LiveSite, str]) -> None:
    _, home = served
    assert await get(f"{home}/") == (200, "<p>home")
    assert await get(f"{home}/runs/") == (200, "<p>runs")
    assert await get(f"{home}/", Host="localhost:80") == (200, "<p>home")


@pytest.mark.parametrize(
    "path",
    [
        *("/../secret.html", "/%2e%2e/secret.html", "/..%2fsecret.html", "/runs/../../secret.html"),
        *(
            "/link.html",
            "/.shipworthy-site.json",
            "/page.svg",
            "/missing.html",
            "//etc/passwd",
            "/%00",
            "/a%0ab",
        ),
    ],
)
async def test_nothing_else_is(served: tuple[LiveSite, str], path: str) -> None:
    status, text = await get(f"{served[1]}{path}")
    assert status == 404
    assert "secret" not in text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "localhost.evil"]
)
async def test_other_names_for_this_machine_get_nothing(served: tuple[LiveSite, str], host: str) -> None:
    status, text = await get(f"{served[1]}/", Host=host)
    assert (status, "home" in text) == (403, False)
    assert (await get(f"{served[1]}/events", Host=host))[0] == 403


async def test_open_pages_are_told_what_is_new(served: tuple[LiveSite, str]) -> None:
    site, home = served
    async with aiohttp.ClientSession() as session, session.get(f"{home}/events") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        for _ in range(2):
            await site.announce()
            async with asyncio.timeout(5):
                assert await stream.content.readuntil(b"\n\n") == b"event: changed\ndata: \n\n"
