"""Settings from an environment that is handed in."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cli.settings import settings_from
from runner.core.errors import SetupError
from runner.pipeline.settings import DoorMode

PLAIN = {"HOME": "/home/nobody-at-all", "PATH": "/opt/bin"}


def test_defaults() -> None:
    settings = settings_from(PLAIN)
    assert settings.archive == Path("archive").absolute()
    assert settings.models == Path("/home/nobody-at-all/.config/shipworthy/models.yaml")
    assert settings.runtime == "runc"
    assert settings.door is DoorMode.AUTO
    assert settings.proxies == ()
    assert settings.host.may_install
    assert (settings.images.sandboxes / "base" / "Dockerfile").is_file()


def test_the_environment_decides() -> None:
    settings = settings_from(
        PLAIN
        | {
            "SHIPWORTHY_ARCHIVE": "/data/archive",
            "SHIPWORTHY_MODELS": "/etc/models.yaml",
            "SHIPWORTHY_RUNTIME": "runsc",
            "SHIPWORTHY_DOOR": "relay",
            "SHIPWORTHY_MIRROR": "http://mirror.example/debian",
            "SHIPWORTHY_NO_INSTALL": "1",
            "DOCKER_HOST": "tcp://elsewhere:2375",
        }
    )
    assert settings.archive == Path("/data/archive")
    assert settings.models == Path("/etc/models.yaml")
    assert settings.runtime == "runsc"
    assert settings.door is DoorMode.RELAY
    assert settings.images.mirror == "http://mirror.example/debian"
    assert not settings.host.may_install
    assert settings.engine_url == "tcp://elsewhere:2375"


def test_an_impossible_door_is_told_with_the_possible_ones() -> None:
    with pytest.raises(
        SetupError, match=r"SHIPWORTHY_DOOR is 'window'; set it to one of: auto, mount, relay"
    ):
        settings_from(PLAIN | {"SHIPWORTHY_DOOR": "window"})


def test_the_option_wins_over_the_environment() -> None:
    settings = settings_from(PLAIN | {"SHIPWORTHY_ARCHIVE": "/data/archive"}, archive=Path("/mine"))
    assert settings.archive == Path("/mine")


def test_an_empty_variable_is_an_unset_one() -> None:
    empty = dict.fromkeys(("DOCKER_HOST", "SHIPWORTHY_RUNTIME", "SHIPWORTHY_NO_INSTALL", "http_proxy"), "")
    assert settings_from(PLAIN | empty) == settings_from(PLAIN)


def test_proxies_are_taken_in_either_case() -> None:
    environ = {"http_proxy": "http://lower:1", "HTTP_PROXY": "http://UPPER:1", "NO_PROXY": "localhost"}
    assert settings_from(PLAIN | environ).proxies == (
        ("HTTP_PROXY", "http://lower:1"),
        ("NO_PROXY", "localhost"),
    )


def test_names_of_variables_are_kept_and_never_their_values() -> None:
    settings = settings_from(PLAIN | {"OPENROUTER_API_KEY": "canary-value"})
    assert "OPENROUTER_API_KEY" in settings.variables
    assert "canary-value" not in repr(settings)


def test_the_ca_bundle(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.touch()
    assert settings_from(PLAIN | {"SSL_CERT_FILE": str(bundle)}).ca_bundle == bundle
    other = {"SSL_CERT_FILE": str(bundle), "SHIPWORTHY_CA_BUNDLE": "/asked/for.crt"}
    assert settings_from(PLAIN | other).ca_bundle == Path("/asked/for.crt")
    found = settings_from(PLAIN | {"SSL_CERT_FILE": str(tmp_path / "gone.crt")}).ca_bundle
    assert found is not None
    assert found.is_file()


def test_an_engine_of_the_users_own_is_found(tmp_path: Path) -> None:
    system = Path("/var/run/docker.sock").exists()
    rootless = tmp_path / "docker.sock"
    rootless.touch()
    url = settings_from(PLAIN | {"XDG_RUNTIME_DIR": str(tmp_path)}).engine_url
    assert url == ("unix:///var/run/docker.sock" if system else f"unix://{rootless}")


@pytest.mark.parametrize("name", ["tasks", "rubrics"])
def test_folders_lie_in_the_repository(name: str) -> None:
    assert getattr(settings_from(PLAIN), name) == Path(__file__).parents[2] / name
