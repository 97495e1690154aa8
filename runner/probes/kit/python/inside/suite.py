"""Starts `python3 -m unittest ...` in this process's place, with `lines` watching it and all it starts."""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Install the watch, then become the test runner."""
    watch = (HERE / "lines.py").read_bytes()
    (HERE / "lines").mkdir(exist_ok=True)
    for folder, name in (
        (Path(site.getusersitepackages()), "usercustomize"),
        (HERE / "path", "sitecustomize"),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.py").write_bytes(watch)
    os.environ["PYTHONPATH"] = str(HERE / "path")
    os.execvp("python3", ["python3", "-m", "unittest", *sys.argv[1:]])


if __name__ == "__main__":
    main()
