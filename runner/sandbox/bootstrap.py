"""The Debian base image: pulled from a registry, or made from Debian packages where none answers."""

from __future__ import annotations

import tempfile
from pathlib import Path

from docker import APIClient
from docker.errors import APIError, DockerException

from runner.core.errors import SetupError
from runner.sandbox.host import NO_INSTALL, Host, Progress, install, tail

REPOSITORY, TAG = "debian", "forky-slim"
BASE = f"{REPOSITORY}:{TAG}"
SUITE = "forky"


def present(client: APIClient, tag: str) -> bool:
    """Whether the engine has an image of this tag."""
    return bool(client.images(name=tag, quiet=True))


def ensure_base(client: APIClient, host: Host, mirror: str, logs: Path, progress: Progress) -> None:
    """Make sure the engine has the Debian base image. Raises SetupError that says what to do."""
    if present(client, BASE):
        return
    progress(f"pulling {BASE}")
    try:
        for line in client.pull(REPOSITORY, tag=TAG, stream=True, decode=True):
            if "error" in line:
                raise SetupError(line["error"])
    except (DockerException, SetupError) as error:
        reason = error.explanation if isinstance(error, APIError) else error
    else:
        return
    if not (host.has_apt and host.is_root):
        raise SetupError(
            f"{BASE} could not be pulled ({reason}); allow the engine to reach a registry, or load the image "
            "there: docker load; on Debian or Ubuntu, as root, it is made from packages instead"
        )
    progress(f"no registry answers: making {BASE} from Debian packages")
    bootstrap(client, host, mirror, logs, progress)


def bootstrap(client: APIClient, host: Host, mirror: str, logs: Path, progress: Progress) -> None:
    """Make the Debian base image with mmdebstrap from the packages of `mirror`."""
    log = logs / "bootstrap.log"
    if host.find("mmdebstrap") is None:
        if not host.can_install:
            raise SetupError(f"mmdebstrap is missing: apt-get install mmdebstrap, or unset {NO_INSTALL}")
        install(host, ["mmdebstrap", "debian-archive-keyring"], log, progress)
    with tempfile.TemporaryDirectory(prefix="shipworthy-") as folder:
        archive = Path(folder) / "base.tar"
        progress(f"fetching the packages of Debian {SUITE} from {mirror} (about 15 s)")
        command = [
            "mmdebstrap",
            "--variant=minbase",
            "--include=ca-certificates",
            # a frozen mirror's Release file is past its date; its signature is still checked
            '--aptopt=Acquire::Check-Valid-Until "false"',
            SUITE,
            str(archive),
            mirror,
        ]
        if host.run(command, log, progress) != 0:
            raise SetupError(
                f"Debian packages could not be had from {mirror} (setting: SHIPWORTHY_MIRROR); "
                f"the end of {log}:\n{tail(log)}"
            )
        progress(f"importing {BASE}")
        client.import_image(src=str(archive), repository=REPOSITORY, tag=TAG, changes=['CMD ["bash"]'])
    if not present(client, BASE):
        raise SetupError(f"the engine did not accept {BASE}; is its disk full? See: shipworthy doctor")
