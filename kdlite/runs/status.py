"""How far a run has come, by what it has left in its folder so far.

Knows the files of finished and half-finished stages; knows nothing of how a stage is carried out.
"""

import json
import textwrap
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open

from kdlite.checks import check_path
from kdlite.files import CLOSED
from kdlite.runs.jobs import DONE, Draw, Fit, Measure, Score, Stage
from kdlite.runs.pipeline import PROFILE
from kdlite.runs.profile import Profile
from kdlite.runs.record import RESULTS
from kdlite.runs.stages import stages
from kdlite.store import in_todays_names, is_locked, read_json


class Begun(NamedTuple):
    """How much of a stage is on disk."""

    stage: str
    done: int
    of: int
    unit: str  # texts, steps, or planes

    def __str__(self) -> str:
        return f"{self.stage} ({self.done} of {self.of} {self.unit})"


class Status(NamedTuple):
    """Where a run is. ``print`` shows it to people."""

    profile: str  # its name
    at_work: bool | None  # whether a process is at it; None if this user may not ask
    done: tuple[str, ...]  # stages
    begun: tuple[Begun, ...]  # stages that are running, or were when the run was stopped
    left: tuple[str, ...]  # stages
    finished: bool  # the table of results is there, too

    def __str__(self) -> str:
        n = len(self.done) + len(self.begun) + len(self.left)
        where = "finished" if self.finished else _WHERE[self.at_work]
        shown = {
            "done": ", ".join(self.done),
            "running" if self.at_work else "begun": ", ".join(map(str, self.begun)),
            "left": ", ".join(self.left),
        }
        lines = [f"{self.profile}: {where}, {len(self.done)} of {n} stages done"]
        for name, text in shown.items():
            if text:
                indents = {"initial_indent": f"{name:8}", "subsequent_indent": " " * 8}
                lines.append(textwrap.fill(text, 78, **indents, break_on_hyphens=False))
        return "\n".join(lines)


_WHERE = {
    True: "at work",
    False: "stopped",
    None: "at work or stopped (whoever may write to the folder can tell)",
}


def status(folder: str | Path) -> Status:
    """The status of the run in a folder.

    Raises:
        ValueError: if the folder holds no run.
    """
    folder = check_path("folder", folder)
    path = folder / PROFILE
    if not path.is_file():
        raise ValueError(f"{folder} is not the folder of a run: it has no {PROFILE}; pass what --out was")
    try:
        profile = Profile.of(folder.name, in_todays_names(read_json(path)))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is not the profile of a run: {error}") from None
    try:
        at_work = is_locked(folder)
    except OSError as error:  # a folder of somebody else, or a disk that is closed to all
        if error.errno not in CLOSED:
            raise
        at_work = None
    todo = list(stages(profile))
    open_ = [stage for stage in todo if not (folder / stage.name / DONE).exists()]
    begun = [stage for stage in open_ if (folder / stage.name).exists()]
    if at_work and not begun:
        begun = open_[:1]
    return Status(
        profile.name,
        at_work,
        tuple(stage.name for stage in todo if stage not in open_),
        tuple(_progress(stage, profile, folder) for stage in begun),
        tuple(stage.name for stage in open_ if stage not in begun),
        not open_ and (folder / RESULTS).exists(),
    )


def _progress(stage: Stage, profile: Profile, folder: Path) -> Begun:
    name, texts = stage.name, profile.texts
    match stage.job:
        case Draw(_, n):
            return Begun(name, _drawn(folder / name, n, texts.shard), n, "texts")
        case Score() | Measure():
            return Begun(
                name, _drawn(folder / name / "samples", texts.score, texts.shard), texts.score, "texts"
            )
        case Fit(learner, _, n):
            steps = learner.recipe.steps(n)
            trained = (folder / name / "model.safetensors").exists()
            return Begun(
                name, steps if trained else _step(folder / name / "checkpoint.safetensors"), steps, "steps"
            )
    return Begun(name, int((folder / name / "plane.json").exists()), 1, "planes")


def _drawn(corpus: Path, n: int, shard: int) -> int:
    """Texts in the shards of a corpus of n."""
    return min(n, shard * len(list(corpus.glob("*.parquet"))))


def _step(checkpoint: Path) -> int:
    """Steps behind a checkpoint; 0 if it is not there, or not whole."""
    try:
        with safe_open(checkpoint, "np") as file:
            return json.loads((file.metadata() or {})["progress"])[0]
    except (OSError, SafetensorError, KeyError, IndexError, TypeError, ValueError):
        return 0
