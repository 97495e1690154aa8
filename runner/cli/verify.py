"""`shipworthy verify`: is the archive what was sealed?"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from runner.cli.output import archive_to_read
from runner.cli.settings import settings_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which archive, and how it is printed."""
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """0 if nothing changed, 1 if something did."""
    archive = archive_to_read(settings_from(os.environ, args.archive), args.archive)
    results = {name: list(complaints) for name, complaints in archive.verify()}
    bad = {name: complaints for name, complaints in results.items() if complaints}
    if args.json:
        print(json.dumps({"checked": len(results), "changed": bad}, indent=2))
    else:
        for name, complaints in bad.items():
            for complaint in complaints:
                print(f"{name}: {complaint}")
        print(f"{len(results)} records checked, {len(bad)} not as they were sealed")
    return 1 if bad else 0
