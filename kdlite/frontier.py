"""The curves of a frontier: precision against recall along a knob.

Knows arrays of scores; knows nothing of what was scored, or how.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kdlite.checks import check_array

_LARGEST = 1e100  # recall, in nats


class Curve(NamedTuple):
    """One curve of a frontier, a point for each setting of its knob.

    Attributes:
        precision: in nats, shape ``(..., B)``; ``(S, B)`` in a Frontier.
        recall: the same.
    """

    precision: np.ndarray
    recall: np.ndarray

    def at_recall(self, recalls: Sequence[float] | np.ndarray | float) -> np.ndarray:
        """Precision where the recall has these values, for comparing two curves fairly.

        Along straight lines from each point to the next. A curve that passes a recall more than once has the
        highest of its precisions there, and one that does not reach it has none: nan.

        Args:
            recalls: in nats, shape ``(N,)``; or one number.

        Returns:
            Nats, shape ``(..., N)``; or ``(...)`` for one number.

        Raises:
            ValueError: unless the recalls are finite real numbers.
        """
        recalls = check_array("recalls", recalls, _LARGEST)
        at, x, y = recalls.ravel(), self.recall[..., None], self.precision[..., None]
        left, right = slice(None, -1), slice(1, None)
        with np.errstate(divide="ignore", invalid="ignore"):  # a line straight up, or to minus infinity
            share = (at - x[..., left, :]) / (x[..., right, :] - x[..., left, :])
            line = y[..., left, :] + share * (y[..., right, :] - y[..., left, :])
        met = np.concatenate([x == at, (share > 0) & (share < 1)], axis=-2)  # points, then lines between them
        there = np.concatenate([np.broadcast_to(y, (*x.shape[:-1], len(at))), line], axis=-2)
        highest = np.where(met, there, -np.inf).max(axis=-2)
        return np.where(met.any(axis=-2), highest, np.nan).reshape(x.shape[:-2] + recalls.shape)


@dataclass(frozen=True)
class Frontier:
    """The four curves of a frontier over S seeds and B betas, in nats per point, or per token of a text.

    Attributes:
        seeds: shape ``(S,)``.
        betas: shape ``(B,)``.
        distilled: students fitted to the teacher sharpened at beta.
        direct: the student fitted to the truth; the same at each beta.
        cooled: the direct student sharpened at beta after it was fitted: cooling at decoding.
        teacher: the sharpened teacher itself.
        teacher_entropy: of the sharpened teacher, shape ``(S, B)``: of a mixture's weights in nats, of a language
            model in nats per token.
    """

    seeds: np.ndarray
    betas: np.ndarray
    distilled: Curve
    direct: Curve
    cooled: Curve
    teacher: Curve
    teacher_entropy: np.ndarray
