"""What all tests share: the engine, its images, a lease and a backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import APIClient

from runner.sandbox.docker import DockerBackend
from runner.sandbox.engine import DEFAULT_URL as ENGINE
from runner.sandbox.lease import Lease


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    """The tags of the sandbox images by name."""
    return {"base": "draft/base", "rails": "draft/rails"}


@pytest.fixture
def lease(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lease]:
    """A runner's lease in a folder with a short path."""
    with Lease(Path(f"/tmp/shipworthy-test-{tmp_path_factory.getbasetemp().name}")) as lease:
        yield lease


@pytest.fixture(scope="session")
def engine() -> Iterator[APIClient]:
    """A client of the real engine."""
    client = APIClient(base_url=ENGINE, version="auto")
    yield client
    client.close()


@pytest.fixture
def backend(engine: APIClient, lease: Lease) -> Iterator[DockerBackend]:
    """The real Docker backend."""
    backend = DockerBackend(engine, ENGINE, lease)
    yield backend
    backend.close()
