"""What all tests share: the engine, its images, a lease and a backend."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import APIClient

from runner.cli.settings import settings_from
from runner.sandbox.docker import DockerBackend
from runner.sandbox.engine import DEFAULT_URL as ENGINE
from runner.sandbox.lease import Lease
from runner.sandbox.recipes import all_image_names, image_tag

# Long tests that share no set-up with their neighbours; the others of a file stay on one worker.
SPREAD = ("test_lab_cases.py", "test_real_clis.py", "test_interruptions.py")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps both processors busy to the end."""
    for item in items:
        if item.path.name not in SPREAD:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    """The tags of all images by name, the agents' too; `make test` has built them."""
    settings = settings_from(os.environ).images
    return {name: image_tag(name, settings) for name in all_image_names(settings)}


@pytest.fixture
def lease() -> Iterator[Lease]:
    """A runner's lease in a folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="sw-", dir="/tmp") as root, Lease(Path(root)) as lease:
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
