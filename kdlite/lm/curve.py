"""The curve of a training: a line a step on disk as it comes, steps at which the loss jumps, and who else is told.

Knows numbers and lines; knows nothing of models or of how they are trained.
"""

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kdlite.files import explaining, replacing

FILE = "curve.jsonl"
_SMOOTHED, _RECENT, _HIGH = 16, 512, 0.5  # steps, steps, and nats per token


class Progress(NamedTuple):
    """Where training is; a checkpoint holds it whole."""

    step: int  # updates made
    losses: list[float]  # nats per token of each step
    validation: list[tuple[int, float]]  # (step, nats per token)


class Point(NamedTuple):
    """One step of a training, as a line of ``curve.jsonl`` and a callback have it."""

    step: int  # updates made, this one included
    loss: float  # nats per token of this step's texts, before its update
    validation: float | None = None  # nats per token after it, where it was looked at
    jump: float | None = None  # nats per token by which the loss has jumped; see ``jump``


Callback = Callable[[Point], Any]


def jump(losses: Sequence[float]) -> float | None:
    """How far the last loss has jumped, or None if it has not: the mean of the last 16 steps passes, at this step, a
    height of 0.5 nats per token above the least such mean of the last 512 steps.
    """
    recent = np.array(losses[-_RECENT:])
    if len(recent) <= _SMOOTHED:
        return None
    means = np.lib.stride_tricks.sliding_window_view(recent, _SMOOTHED).mean(axis=1)
    before, now = (means - np.minimum.accumulate(means))[-2:]
    return float(now) if before <= _HIGH < now else None


def points(progress: Progress) -> Iterator[Point]:
    """Every step so far."""
    looked = dict(progress.validation)
    for step, loss in enumerate(progress.losses, 1):
        yield Point(step, loss, looked.get(step), jump(progress.losses[max(0, step - _RECENT) : step]))


class Curve:
    """``curve.jsonl`` of a training, and who is told of each step.

    Whoever was killed may have written lines of steps that will be made again: the file begins with what the checkpoint
    knows, and so no line is lost or doubled.

    Raises:
        ImportError: if TensorBoard is asked for and not installed.
    """

    def __init__(self, out: Path, progress: Progress, callback: Callback | None, tensorboard: bool) -> None:
        self.path, self.callbacks = out / FILE, [callback] if callback else []
        if tensorboard:
            self.callbacks.append(_board(out, progress.step))
        with replacing(self.path) as temporary:
            temporary.write_text("".join(map(_line, points(progress))), encoding="utf-8")

    def add(self, progress: Progress) -> None:
        """Write the last step down and tell everybody; a warning if its loss has jumped."""
        step, losses, validation = progress
        looked = validation[-1][1] if validation and validation[-1][0] == step else None
        point = Point(step, losses[-1], looked, jump(losses))
        with explaining(self.path.parent, FILE), self.path.open("a", encoding="utf-8") as file:
            file.write(_line(point))
        if point.jump:
            warnings.warn(
                f"the loss has jumped by {point.jump:.2f} nats per token at step {step}; {self.path} keeps it, and a "
                "lower learning rate, or a longer warmup, may avoid it",
                stacklevel=2,
            )
        for callback in self.callbacks:
            callback(point)


def _board(out: Path, step: int) -> Callback:
    """Writes TensorBoard's files from a step on, and hides what they have of later ones, which are made again."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ImportError("TensorBoard is not installed; pip install tensorboard, or do without") from None
    writer = SummaryWriter(str(out / "tensorboard"), purge_step=step + 1)

    def write(point: Point) -> None:
        for name in ("loss", "validation"):
            if (value := getattr(point, name)) is not None:
                writer.add_scalar(name, value, point.step)

    return write


def _line(point: Point) -> str:
    return json.dumps({name: value for name, value in point._asdict().items() if value is not None}) + "\n"
