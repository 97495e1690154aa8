"""Settings from the environment: the one place that knows the variables' names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import certifi

import runner
from runner.core.errors import SetupError
from runner.pipeline.settings import DEFAULT_URL, NO_INSTALL, DoorMode, Host, Settings

MIRROR = "http://deb.debian.org/debian"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, Alpine
)
_SOCKETS = (".docker/run/docker.sock", ".colima/default/docker.sock", ".orbstack/run/docker.sock")


def settings_from(environ: Mapping[str, str], archive: Path | None = None) -> Settings:
    """The settings of a command; `archive` is its option and wins over the environment.

    Raises SetupError that names the variable if one has no possible value.
    """
    have = {name: value for name, value in environ.items() if value}
    home = Path(have.get("HOME") or Path.home())
    config = Path(have.get("XDG_CONFIG_HOME", home / ".config"))
    return Settings(
        root=Path(runner.__file__).parents[1],
        archive=(archive or Path(have.get("SHIPWORTHY_ARCHIVE", "archive"))).expanduser().absolute(),
        models=Path(have.get("SHIPWORTHY_MODELS", config / "shipworthy" / "models.yaml")).expanduser(),
        engine_url=have.get("DOCKER_HOST") or _engine_url(home, have.get("XDG_RUNTIME_DIR")),
        runtime=have.get("SHIPWORTHY_RUNTIME", "runc"),
        door=_door(have.get("SHIPWORTHY_DOOR", DoorMode.AUTO)),
        ca_bundle=_ca_bundle(have),
        proxies=tuple(_proxies(have)),
        mirror=have.get("SHIPWORTHY_MIRROR", MIRROR),
        host=Host.here(have.get("PATH", ""), may_install=NO_INSTALL not in have),
        variables=frozenset(have),
    )


def _engine_url(home: Path, runtime: str | None) -> str:
    """The first socket there is: the system's engine, a rootless one, Docker Desktop, colima, OrbStack."""
    sockets = [Path(DEFAULT_URL.removeprefix("unix://"))]
    sockets += [Path(runtime, "docker.sock")] if runtime else []
    sockets += [home / path for path in _SOCKETS]
    return next((f"unix://{path}" for path in sockets if path.exists()), DEFAULT_URL)


def _door(value: str) -> DoorMode:
    try:
        return DoorMode(value)
    except ValueError:
        raise SetupError(f"SHIPWORTHY_DOOR is {value!r}; set it to one of: {', '.join(DoorMode)}") from None


def _ca_bundle(have: Mapping[str, str]) -> Path:
    """The bundle asked for, else the host's, else certifi's; one that is absent fails when it is used."""
    if "SHIPWORTHY_CA_BUNDLE" in have:
        return Path(have["SHIPWORTHY_CA_BUNDLE"]).expanduser().absolute()
    places = [have.get("SSL_CERT_FILE", ""), *_CA_BUNDLES]
    return next((Path(place) for place in places if place and Path(place).is_file()), Path(certifi.where()))


def _proxies(have: Mapping[str, str]) -> list[tuple[str, str]]:
    """Proxy settings by upper-case name; lower case wins, as in curl."""
    found = [(name, have.get(name.lower()) or have.get(name)) for name in _PROXIES]
    return [(name, value) for name, value in found if value]
