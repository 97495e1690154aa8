"""`shipworthy manifest`: facts about the libraries that graded applications use."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from runner.cli import interruptible
from runner.cli.progress import shown
from runner.cli.settings import settings_from
from runner.pipeline.manifest import ManifestRequest, build_manifest, manifest_files
from runner.pipeline.settings import Settings
from runner.pipeline.workbench import open_workbench, set_up

_BUILDING = """Load a library in its sandbox image and write down what it has: modules, classes, methods with
their parameters, constants, errors. The file is sandboxes/IMAGE/manifests/LIBRARY-VERSION.json, one line
a method, so that two versions read well as a diff. It holds facts alone: do not edit it. Commit it, and
applications of that version are judged by it from then on."""
_EXAMPLES = """examples:
  shipworthy manifest build --image rails --library ruby_llm
        the version that the image has
  shipworthy manifest build --image rails --library ruby_llm --from ruby_llm-1.12.1
        another version: unpack its gem first, its dependencies are the image's
  shipworthy manifest build --image base --library sqlite3 --language python
        a Python package or module"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`build` and `list`."""
    parser.description = (
        "API manifests: what a library really offers, taken by reflection in the sandbox image that has it. "
        "Probes judge by them whether a call in a produced application is real or invented: by the manifest "
        "of the version in its lock file, else by the nearest one, and findings say by which."
    )
    actions = parser.add_subparsers(dest="action", metavar="build|list", required=True)
    build = actions.add_parser(
        "build",
        help="write the manifest of a library's version",
        description=_BUILDING,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build.add_argument("--image", required=True, help="a folder of sandboxes/ whose image has the library")
    build.add_argument("--library", required=True, help="the name it is required or imported by")
    build.add_argument("--language", choices=("ruby", "python"), default="ruby", help="default: %(default)s")
    build.add_argument(
        "--root",
        help="the constant to begin with (default: the name in camel case, in any capitals)",
    )
    build.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="DIR",
        help="a version that the image lacks: its unpacked code",
    )
    build.add_argument(
        "--as",
        dest="version",
        metavar="VERSION",
        help="what to call code that does not say it, as before a release",
    )
    listing = actions.add_parser("list", help="show each manifest, with what it holds")
    for action in (build, listing):
        action.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Build or list."""
    settings = settings_from(os.environ)
    if args.action == "list":
        return _list(settings, args.json)
    request = ManifestRequest(args.image, args.library, args.language, args.root, args.source, args.version)
    with shown(Console(stderr=True)) as progress:
        images = set_up(settings, {args.image}, progress)
    path = interruptible.run(_build(settings, images, request))
    print(json.dumps({"manifest": str(path)}) if args.json else path)
    return 0


async def _build(settings: Settings, images: dict[str, str], request: ManifestRequest) -> Path:
    async with open_workbench(settings, images) as bench:
        return await build_manifest(bench, request)


def _list(settings: Settings, as_json: bool) -> int:
    rows = []
    for path in manifest_files(settings):
        document = json.loads(path.read_text("utf-8"))
        modules = document["modules"].values()
        methods = sum(len(facts["singleton"]) + len(facts["instance"]) for facts in modules)
        about = {key: document[key] for key in ("library", "version", "language")}
        rows.append({"image": path.parts[-3], **about, "modules": len(modules), "methods": methods})
    if as_json:
        print(json.dumps(rows, indent=2))
        return 0
    table = Table("image", "library", "version", "modules", "methods", box=None)
    for row in rows:
        table.add_row(*(str(row[key]) for key in ("image", "library", "version", "modules", "methods")))
    Console().print(table if rows else "There are no manifests.")
    return 0
