"""How large a run's models are, and what its stages leave on the disk.

Knows profiles and stages; knows nothing of what a stage computes.
"""

import errno
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import torch

from kdlite.lm.architecture import SHAPES, Shape, find_shape
from kdlite.runs import tracing
from kdlite.runs.design import Learner
from kdlite.runs.jobs import DONE, Draw, Embed, Fit, Keep, Measure, Score, Stage
from kdlite.runs.profile import Pretrained, Profile, Scratch, Toy
from kdlite.runs.stages import stages
from kdlite.texts.language import Language
from kdlite.texts.markov import MarkovMixture

_VOCABULARY = 49_152  # of every SmolLM2
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


class Footprint:
    """The shapes of a profile's models, and the disk that its stages take. Nothing is loaded.

    Attributes:
        profile: of the run.
        language: of its texts; a prompt counts a token a word.
        truth: shape of the truth, None for a toy.
        teacher, student: shapes.

    Raises:
        ValueError: for a pretrained truth whose shape is not known.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.language, self.truth = _truth(profile.truth)
        self.teacher, self.student = map(self.shape, (profile.teacher, profile.student))

    def shape(self, learner: Learner) -> Shape:
        """Shape of a learner."""
        if learner.layers is not None:
            return replace(self.truth, layers=learner.layers)
        return find_shape(learner.shape)

    def weights(self, shape: Shape | None, dtype: torch.dtype) -> int:
        """Bytes of a model's weights; 0 for a toy."""
        return tracing.parameters(shape, self.language) * dtype.itemsize if shape else 0

    def disk(self, stage: Stage) -> int:
        """Most bytes that stay in the stage's folder: compression gains on that."""
        text = self.language.length * (2 if self.language.vocabulary <= 1 << 16 else 4) + 8
        match stage.job:
            case Draw(n=n):
                return n * text
            case Embed():
                return self.profile.texts.points * self.truth.hidden * 4
            case Keep(n):
                return n * 8
            case Fit(learner):
                return self.weights(self.shape(learner), torch.float32)
            case Score() | Measure():
                return self.profile.texts.score * text

    def scratch(self, stage: Stage) -> int:
        """Most bytes besides, while it is at work: two checkpoints of a training, weights and two moments each."""
        return 2 * 3 * self.disk(stage) if isinstance(stage.job, Fit) else 0

    def total(self) -> int:
        """Most bytes on the disk at any moment of a whole run."""
        todo = list(stages(self.profile))
        return sum(map(self.disk, todo)) + max(map(self.scratch, todo))

    def shortage(self, out: Path) -> str | None:
        """A sentence on what the disk lacks for the stages that are not done in a folder, or None if it lacks nothing."""
        left = [stage for stage in stages(self.profile) if not (out / stage.name / DONE).exists()]
        need = sum(max(0, self.disk(stage) - _size(out / stage.name)) for stage in left)
        need += max(map(self.scratch, left), default=0)
        free = shutil.disk_usage(next(f for f in (out, *out.absolute().parents) if f.exists())).free
        if free >= need:
            return None
        return (
            f"up to {spell(need)} are still to be written to {out.absolute()}, where {spell(free)} of disk are free; "
            "make room, or choose another folder"
        )

    def check_disk(self, out: Path) -> None:
        """Nothing, or an OSError if the disk has no room for what of a run is left to make."""
        if shortage := self.shortage(out):
            raise OSError(errno.ENOSPC, shortage)


def spell(size: float) -> str:
    """Bytes for people."""
    power = 0
    while size >= 999.5 and power < len(_UNITS) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.3g} {_UNITS[power]}"


def _truth(truth: Toy | Pretrained | Scratch) -> tuple[Language, Shape | None]:
    if isinstance(truth, Toy):
        return MarkovMixture.random(**asdict(truth)).language, None
    if isinstance(truth, Scratch):
        return truth.language, find_shape(truth.shape)
    name = Path(truth.name).name.removesuffix("-Instruct")
    if name not in SHAPES:
        raise ValueError(f"the shape of {truth.name!r} is not known; known are {', '.join(SHAPES)}")
    prompt = (0,) * max(1, len(truth.prompt.split()))
    return Language(_VOCABULARY, truth.length, prompt, eos=0), SHAPES[name]


def _size(folder: Path) -> int:
    """Bytes in a folder; 0 if it is not there."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
