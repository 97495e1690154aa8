"""Grading a folder inside another harness: in the container that this program is in, and nowhere else.

The folder is committed, probed and scored as an imported one is, in an archive that is gone afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.archive.archive import Archive
from runner.core.errors import UserError
from runner.core.records import Rubric, Score, Task
from runner.core.tree import SourceTree
from runner.pipeline.events import Listener
from runner.pipeline.grading.evidence import Laboratory
from runner.pipeline.grading.grader import Grader
from runner.pipeline.importing import Origin, import_folder, readable
from runner.pipeline.settings import Settings
from runner.sandbox.here import LocalBackend
from runner.storage.local import LocalStore

HERE = "here:here"
MODEL, AGENT = "unknown", "harbor"


@dataclass(frozen=True)
class Verdict:
    """What is written for Harbor; it reads `reward.json`."""

    score: Score

    @property
    def rewards(self) -> dict[str, float]:
        """Numbers by name: `reward` is what is sure, `reward_high` what it could be; the dimensions too."""
        score = self.score
        total = sum(dimension.points for dimension in score.dimensions)
        ends = {"reward": score.low / total, "reward_high": score.high / total}
        parts = {dimension.id: dimension.low / dimension.points for dimension in score.dimensions}
        return {name: round(value, 4) for name, value in {**parts, **ends}.items()}

    def write(self, out: Path) -> None:
        """`score.json`, and `reward.json` last."""
        (out / "score.json").write_bytes(self.score.canonical() + b"\n")
        (out / "reward.json").write_text(json.dumps(self.rewards) + "\n")


async def grade_here(
    task: Task, rubric: Rubric, folder: Path, settings: Settings, env: Mapping[str, str], listen: Listener
) -> Verdict:
    """Grade a folder. Raises SetupError anywhere but in a container that was made to grade in."""
    backend = LocalBackend(env)
    tree = _tree(folder)
    archive = Archive(settings.archive, LocalStore(settings.archive))
    origin = Origin(task, MODEL, AGENT)
    run, _ = await import_folder(archive, origin, folder, tree, (backend, HERE))
    images = dict.fromkeys(task.sandboxes, HERE)
    lab = Laboratory(backend, images, HERE, settings.archive / "artifacts")
    graded = await Grader(archive, rubric, settings, archive.add_score).grade(run, lab, listen)
    if graded.score is None:
        raise UserError(f"{folder}: {graded.why_not}")
    return Verdict(graded.score)


def _tree(folder: Path) -> SourceTree:
    """Its files; of an empty folder none, which is a tree too."""
    if folder.is_dir() and not any(folder.iterdir()):
        return SourceTree("folder", {})
    return readable(folder)
