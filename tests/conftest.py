"""What all tests share: the engine, its images, a lease and a backend."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient
from hypothesis import settings as hypothesis_settings
from xdist.scheduler import LoadScopeScheduling

from runner.cli.settings import settings_from
from runner.sandbox.docker import DockerBackend
from runner.sandbox.engine import DEFAULT_URL as ENGINE
from runner.sandbox.lease import Lease
from runner.sandbox.recipes import all_image_names, image_tag

# No test is timed: a busy machine is not a fault.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

# Long tests that share no set-up with their neighbours; the others of a file stay on one worker.
SPREAD = ("test_lab_cases.py", "test_real_clis.py", "test_interruptions.py")
# What takes longest begins first, so that both processors are busy to the end.
FIRST = ("test_demos.py", "test_rails_chat_hard.py", "test_notes.py", *SPREAD)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker whole files, but the tests of SPREAD one by one."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return nodeid if Path(path).name in SPREAD else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))


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
