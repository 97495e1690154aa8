"""Becomes `python3 -m unittest ...`, with `lines` watching it and every Python that it starts.

The watch sits in a virtual environment of the same Python: whoever is started by sys.executable or by PATH
has it, whatever else the variables say.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENT = HERE / "environment"


def make_environment() -> Path:
    """A virtual environment that starts the watch; returns its Python."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = ENVIRONMENT / "lib" / version / "site-packages"
    programs = ENVIRONMENT / "bin"
    for folder in (packages, programs, HERE / "lines"):
        folder.mkdir(parents=True)
    for name in ("python", "python3", version):
        (programs / name).symlink_to(sys.executable)
    home = Path(sys.executable).parent
    (ENVIRONMENT / "pyvenv.cfg").write_text(f"home = {home}\ninclude-system-site-packages = true\n")
    (packages / "lab_lines.py").write_bytes((HERE / "lines.py").read_bytes())
    (packages / "lab_lines.pth").write_text("import lab_lines\n")
    return programs / "python3"


def main() -> None:
    """Make the environment, then become the test runner in it."""
    python = make_environment()
    os.environ["PATH"] = f"{python.parent}:{os.environ['PATH']}"
    os.execv(python, ["python3", "-m", "unittest", *sys.argv[1:]])


if __name__ == "__main__":
    main()
