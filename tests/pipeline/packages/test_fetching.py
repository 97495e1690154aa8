"""Downloads of the runner's own are held to what an agent's are held to."""

from __future__ import annotations

import pytest
from registry import Registry

from runner.gateway.door import open_gateway
from runner.gateway.downloads.fetching import Unavailable


async def get(registry: Registry, path: str, most_bytes: int = 1_000, of_all: int = 1_000_000) -> bytes:
    async with (
        open_gateway(registry.settings) as gateway,
        gateway.open_fetcher(("localhost",), of_all) as fetcher,
    ):
        return await fetcher.get(f"{registry.url}{path}", most_bytes)


async def test_a_redirect_is_followed_on_the_list_and_not_off_it(registry: Registry) -> None:
    registry.files["/there"] = b"content"
    registry.moved = {"/here": "/there", "/away": f"http://127.0.0.1:{registry.port}/there"}
    assert await get(registry, "/here") == b"content"
    with pytest.raises(Unavailable, match="403"):
        await get(registry, "/away")
    assert registry.asked == ["/here", "/there", "/away"]


async def test_a_file_may_not_be_larger_than_asked_for(registry: Registry) -> None:
    registry.files["/large"] = b"x" * 1_001
    with pytest.raises(Unavailable, match="larger than 1,000 bytes"):
        await get(registry, "/large")
    assert len(await get(registry, "/large", most_bytes=1_001)) == 1_001


async def test_all_files_together_may_not_be_larger_than_agreed(registry: Registry) -> None:
    registry.files["/large"] = b"x" * 200_000
    with pytest.raises(Unavailable):
        await get(registry, "/large", most_bytes=200_000, of_all=100_000)


@pytest.mark.parametrize(
    "url", ["", "file:///etc/passwd", "http://", "http://localhost:x/", "gopher://localhost/"]
)
async def test_an_address_that_makes_no_sense_cannot_be_had(registry: Registry, url: str) -> None:
    async with (
        open_gateway(registry.settings) as gateway,
        gateway.open_fetcher(("localhost",), 1_000) as fetcher,
    ):
        with pytest.raises(Unavailable):
            await fetcher.get(url, 1_000)
