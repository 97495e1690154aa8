"""The packages that were kept when a run was made, at hand in the containers in which images are built."""

from __future__ import annotations

from collections.abc import Sequence

from runner.core.protocols import PackageFile, Workpiece
from runner.core.tree import SourceFile, tar_of
from runner.probes.kit.lab.packages import offline_files

# Where the stand-ins of sandboxes/mirror.yaml look for them.
PLACE = "/var/cache/packages"
_UNPACK = 'mkdir -p "$0" && tar -x -o -f - -C "$0" && chmod -R a+rwX "$0"'


async def lay_packages(piece: Workpiece, packages: Sequence[PackageFile]) -> None:
    """Lay them where package managers are told to look; they may be none."""
    files = {path: SourceFile(path, 0o100644, data) for path, data in offline_files(packages).items()}
    await piece.exec(["sh", "-c", _UNPACK, PLACE], stdin=tar_of(files), timeout_s=120)
