"""Texts as points in the truth's hidden space: a plane to look at them in, and how much of a cloud another covers.

Knows arrays of points; knows nothing of texts or models.
"""

from typing import NamedTuple

import numpy as np

from kdlite.checks import check_array, check_integer, check_shape
from kdlite.distribution import Estimate

_FARTHEST = 1e50  # coordinate
NEIGHBOUR = 5  # whose distance is the radius of coverage
_SAME = 1e-10  # squared distance, as a part of the points' own squares, below which float32 cannot tell


class Plane(NamedTuple):
    """The plane in which points of H dimensions spread most (principal component analysis)."""

    centre: np.ndarray  # (H,)
    axes: np.ndarray  # (2, H), orthonormal; the larger part of each points to positive numbers
    share: np.ndarray  # (2,), of the variance along each axis

    @classmethod
    def of(cls, points: np.ndarray) -> "Plane":
        """The principal plane of points ``(n, H)``.

        Raises:
            ValueError: for fewer than three points, which always lie in a plane.
        """
        points = _check_points("points", points)
        if len(points) < 3:
            raise ValueError(f"a plane needs at least 3 points, got {len(points)}; draw more texts")
        centre = points.mean(axis=0, dtype=np.float64)
        _, spread, axes = np.linalg.svd(points - centre, full_matrices=False)
        axes = axes[:2] * np.where(axes[:2].sum(axis=1, keepdims=True) < 0, -1, 1)
        return cls(centre, axes, spread[:2] ** 2 / np.sum(spread**2))

    def project(self, points: np.ndarray) -> np.ndarray:
        """Coordinates of points ``(n, H)`` in the plane, shape ``(n, 2)``."""
        return (points - self.centre) @ self.axes.T


def coverage(points: np.ndarray, truth: np.ndarray, k: int = NEIGHBOUR) -> Estimate:
    """Share of the truth's points that have one of ``points`` no farther than their own k-th neighbour among the
    truth's (Naeem et al. 2020, "coverage").

    A second cloud of the truth's own, of the same size, covers about 1 - 2^-k of it.

    Args:
        points: shape ``(m, H)``.
        truth: shape ``(n, H)``; the share has the binomial standard error over these.
        k: neighbour that sets the radius.

    Raises:
        ValueError: for fewer than k + 1 points of the truth.
    """
    points, truth = _check_points("points", points), _check_points("truth", truth)
    check_shape("points", points, len(points), truth.shape[1], remedy="read both with one model")
    n = len(truth)
    check_integer("k", k, 1, f"the truth has {n} points, and the radius reaches to a neighbour", most=n - 1)
    own = _squared_distances(truth, truth)
    np.fill_diagonal(own, np.inf)
    radius = np.partition(own, k - 1, axis=1)[:, k - 1]
    share = float(np.mean(_squared_distances(truth, points).min(axis=1) <= radius))
    return Estimate(share, float(np.sqrt(share * (1 - share) / n)), n)


def _check_points(name: str, points: np.ndarray) -> np.ndarray:
    points = check_array(name, points, _FARTHEST)
    check_shape(name, points, "n", "H", remedy="pass a row for each text")
    return points


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Between every point of a ``(n, H)`` and every one of b ``(m, H)``, shape ``(n, m)``. Points that differ by
    rounding are the same: a text that is read twice.
    """
    squares = np.sum(a**2, axis=1)[:, None] + np.sum(b**2, axis=1)
    found = squares - 2 * a @ b.T
    return np.where(found > _SAME * squares, found, 0.0)
