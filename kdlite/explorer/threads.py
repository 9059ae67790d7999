"""The widget of chapter 6: what each pair of a teacher's and a student's component is charged, as threads between them.

Knows mixtures in the plane and the costs it is given; knows nothing of how they are computed, nor of how the browser
draws.
"""

from collections.abc import Sequence

import anywidget
import numpy as np
import traitlets

from kdlite.checks import check_beta
from kdlite.explorer.assets import read
from kdlite.mixtures.mixture import GaussianMixture


class Threads(anywidget.AnyWidget):
    """Threads from the components of a teacher to those of its students along beta, as wide as what a pair is charged:
    weight of the teacher's times weight of the student's times their cost.

    The student's components are A, B and so on, from left to right. Works without a kernel.

    Args:
        truth: a mixture in the plane, drawn behind.
        betas: the stops of the slider, B of them.
        teachers: the sharpened teacher at each, which differ in their weights alone.
        students: the student at each.
        costs: of each pair in nats, ``(B, K', K'')``, such as their cross-entropies.

    Raises:
        ValueError: if the costs are not of that shape, naming both.
    """

    _css = read("explorer.css", "threads.css")
    _esm = read("js/theme.js", "js/controls.js", "js/shapes.js", "js/threads.js")

    beta = traitlets.Float().tag(sync=True)
    stops = traitlets.Dict().tag(sync=True)  # what the page draws

    def __init__(
        self,
        truth: GaussianMixture,
        betas: Sequence[float],
        teachers: Sequence[GaussianMixture],
        students: Sequence[GaussianMixture],
        costs: np.ndarray,
    ) -> None:
        betas, costs = [check_beta(beta) for beta in betas], np.asarray(costs)
        wanted = (len(betas), teachers[0].n_components, students[0].n_components)
        if costs.shape != wanted:
            raise ValueError(f"costs must have shape {wanted}, got {costs.shape}; give one a beta and pair")
        orders = [np.argsort(student.means[:, 0]) for student in students]
        own = np.stack([student.weights[order] for student, order in zip(students, orders, strict=True)])
        costs = np.take_along_axis(costs, np.stack(orders)[:, None], axis=2)
        weights = np.stack([teacher.weights for teacher in teachers])[:, :, None] * own[:, None]
        stops = {
            "betas": betas,
            "truth": _rows(truth),
            "teachers": [_rows(teacher) for teacher in teachers],
            "students": [_rows(student, order) for student, order in zip(students, orders, strict=True)],
            "costs": _rounded(costs),
            "weights": _rounded(weights),
            "charges": _rounded(weights * costs),
        }
        super().__init__(beta=betas[0], stops=stops)


def _rows(mixture: GaussianMixture, order: Sequence[int] | slice = slice(None)) -> list[list[float]]:
    """Of each component its weight, mean (2), and the map (3) that makes the unit circle its ellipse: the lower triangle."""
    maps = np.linalg.cholesky(mixture.covariances)[:, [0, 1, 1], [0, 0, 1]]
    return _rounded(np.column_stack([mixture.weights, mixture.means, maps])[order])


def _rounded(values: np.ndarray) -> list:
    return np.round(values, 5).tolist()
