"""How fast repositories are probed by reading: repositories per second, and growth with their size.

    .venv/bin/python -m benchmarks.probes [--json]

Baseline: reading the same files from disk and decoding them. Seconds are the processor's, so that other work
on the machine does not count: probing is one thread that waits for nothing. Quote the ratios; a growth of 10
from 1,000 to 10,000 files is linear.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from runner.core.protocols import Probe, Subject
from runner.core.tree import SourceFile, SourceTree
from runner.pipeline.grading.evidence import probes_for
from runner.spec.rubrics import load_rubric

ROOT = Path(__file__).parents[1]
MANIFESTS = ROOT / "sandboxes/rails/manifests"
DEMOS = ROOT / "tasks/rails_chat/demos"
SIZES = (100, 1_000, 10_000)
REPEATS = 5


def static_probes() -> list[Probe]:
    checks = load_rubric("rails_chat", ROOT / "rubrics").checks()
    return [probe for probe in probes_for(checks) if not probe.needs_lab]


def read(folder: Path) -> SourceTree:
    files = {
        name: SourceFile(name, 0o100644, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (name := path.relative_to(folder).as_posix())
    }
    return SourceTree(digest=folder.name, files=files)


def grown(folder: Path, count: int) -> SourceTree:
    """A demo's app with `count` files: its own classes over and over, each copy in a module of its own."""
    small = read(folder)
    files = dict(small.files)
    sources = [f for f in small.files.values() if re.match(r"(app|test)/.+/.+\.(rb|erb|js)$", f.path)]
    copy = 0
    while len(files) < count:
        copy += 1
        for file in sources[: count - len(files)]:
            top, _, rest = file.path.partition("/")
            kind, _, name = rest.partition("/")
            path = f"{top}/{kind}/area_{copy}/{name}"
            content = file.content
            if path.endswith(".rb"):
                content = f"module Area{copy}\n".encode() + content + b"\nend\n"
            files[path] = SourceFile(path, file.mode, content)
    return SourceTree(digest=f"grown-{count}", files=files)


def probed(tree: SourceTree) -> None:
    subject = Subject(tree=tree, run="benchmark", manifests=MANIFESTS)

    async def work() -> None:
        for probe in static_probes():
            await probe.run(subject)

    asyncio.run(work())


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    taken = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def plain_read(tree: SourceTree, folder: Path) -> float:
    """Seconds to read and decode the same files from disk."""
    for file in tree.files.values():
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    paths = [folder / name for name in tree.files]
    return seconds(lambda: [path.read_bytes().decode("utf-8", "replace") for path in paths])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    figures: dict[str, float] = {}
    demos = [read(DEMOS / letter / "files") for letter in "abcd"]
    whole = seconds(lambda: [probed(tree) for tree in demos])
    figures["repositories per second (the four demos)"] = len(demos) / whole
    times = {}
    for count in SIZES:
        tree = grown(DEMOS / "a/files", count)
        times[count] = seconds(lambda tree=tree: probed(tree), repeats=1 if count > 1_000 else 3)  # type: ignore[misc]
        with tempfile.TemporaryDirectory(prefix="probes-") as folder:
            baseline = plain_read(tree, Path(folder))
        figures[f"{count} files: seconds"] = times[count]
        figures[f"{count} files: times a plain read"] = times[count] / baseline
    figures["growth from 100 to 1,000 files (linear: 10)"] = times[1_000] / times[100]
    figures["growth from 1,000 to 10,000 files (linear: 10)"] = times[10_000] / times[1_000]
    if as_json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:<52} {value:10.2f}")


if __name__ == "__main__":
    main()
