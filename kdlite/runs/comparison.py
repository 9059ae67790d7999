"""Differences between students, with the errors of teachers, seeds and texts together.

Knows nats and tokens of texts; knows nothing of models or files.
"""

import numpy as np

from kdlite.distribution import Estimate
from kdlite.frontier import Curve


class Replicates:
    """Numbers of students as they are, and B times as they would be with other texts, seeds and teachers: drawn with
    replacement from those there are (the bootstrap).

    Recall is measured on the same texts of the truth for all models, so all get the same weights there, and what is
    common to two models goes from their difference. The first of all arrays below is the number as it is.

    Args:
        n: texts of the truth behind a recall.
        replicates: B.
        seed: of the draws.
    """

    def __init__(self, n: int, replicates: int = 1000, seed: int = 0) -> None:
        self.replicates, self._rng = replicates, np.random.default_rng(seed)
        self._truth = self._weights(n)

    def curve(self, own: tuple[np.ndarray, np.ndarray], truth: tuple[np.ndarray, np.ndarray]) -> Curve:
        """Precision and recall of one model, shape ``(B + 1,)``, in nats per token.

        Args:
            own: nats under the truth, and tokens, of each of its own texts.
            truth: nats under the model, and tokens, of each text of the truth.
        """
        drawn = self._weights(len(own[0]))
        return Curve(*((w @ nats) / (w @ size) for w, (nats, size) in ((drawn, own), (self._truth, truth))))

    def mean(self, *values: np.ndarray) -> list[np.ndarray]:
        """Means ``(B + 1,)`` over T teachers and S seeds of values ``(T, S, B + 1)``, for each replicate of those that it
        draws, the same for all values. Where a value is nan the mean is of the others.
        """
        teachers, seeds = (self._weights(n) for n in values[0].shape[:2])
        known = [~np.isnan(v) for v in values]
        with np.errstate(invalid="ignore"):
            return [
                np.einsum("bt,bs,tsb->b", teachers, seeds, np.where(k, v, 0.0))
                / np.einsum("bt,bs,tsb->b", teachers, seeds, k.astype(float))
                for v, k in zip(values, known, strict=True)
            ]

    def _weights(self, n: int) -> np.ndarray:
        """How often each of n is drawn, ``(B + 1, n)``; at first once each."""
        drawn = self._rng.multinomial(n, np.full(n, 1 / n), size=self.replicates)
        return np.vstack([np.ones(n), drawn])


def leads(points: Curve, base: Curve) -> np.ndarray:
    """Nats by which points ``(B, P)`` are above a curve ``(B, Q)`` of the same replicates at the same recall; nan where
    it has no such recall.
    """
    found = [
        Curve(base.precision[b], base.recall[b]).at_recall(points.recall[b])
        for b in range(len(points.recall))
    ]
    return points.precision - np.array(found)


def estimate(replicates: np.ndarray, n: int) -> Estimate | None:
    """The first value with the spread of the others as its error; None where it is nan, or one in twenty of these is."""
    others = replicates[1:][~np.isnan(replicates[1:])]
    if np.isnan(replicates[0]) or len(others) < 0.95 * (len(replicates) - 1):
        return None
    return Estimate(float(replicates[0]), float(others.std(ddof=1)), n)
