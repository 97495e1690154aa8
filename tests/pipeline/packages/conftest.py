"""A registry on loopback for what keeps packages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from registry import Registry, open_registry


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    async with open_registry() as registry:
        yield registry
