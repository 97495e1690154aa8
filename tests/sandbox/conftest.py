"""What several tests of sandboxes share: an image, and something behind a door."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from desk import Desk, open_desk

from runner.sandbox.lease import Lease


@pytest.fixture
def image(images: dict[str, str]) -> str:
    return images["base"]


@pytest.fixture
async def desk(lease: Lease) -> AsyncIterator[Desk]:
    async with open_desk(lease.folder / "desk.sock") as desk:
        yield desk
