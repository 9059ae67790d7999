"""Fits while a reader drags the truth: fast, and close to where the last ones ended.

Knows which start is worth trying; knows nothing of widgets.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from kdlite.explorer.family import empty, fill
from kdlite.explorer.storage import Family
from kdlite.mixtures.em import fit_mixture, fit_mixtures
from kdlite.mixtures.mixture import GaussianMixture
from kdlite.mixtures.sweep import Mixtures, Sweep, scored
from kdlite.parallel import each

_BETTER = 1e-4  # nats by which another beta's student, or the last fit, must do better than a fresh one


class Fits:
    """The fits of one explorer; each starts from the one before it."""

    def __init__(self) -> None:
        self._last: dict[tuple, GaussianMixture] = {}

    def fit(self, truth: GaussianMixture, setting: Mapping[str, object], betas: Sequence[float]) -> Family:
        """A family of this one setting: for one beta from the last fits, for several from fresh starts too."""
        profile, n_teacher, n_student = setting.values()
        fresh = len(betas) > 1
        key = (profile, n_teacher, n_student)
        teacher = self._best(("teacher", *key), truth, n_teacher, fresh)
        direct = self._best(("direct", *key), truth, n_student, fresh)
        sharpened = [teacher.sharpen(beta) for beta in betas]
        if fresh:
            students = _curve(sharpened, n_student)
            self._last |= {("student", *key, beta): s for beta, s in zip(betas, students, strict=True)}
        else:
            students = [self._best(("student", *key, betas[0]), sharpened[0], n_student, False)]

        def score(direct: GaussianMixture) -> Sweep:
            fits = Mixtures([teacher], [direct], [sharpened], [students])
            return scored(truth, np.array([0]), np.array(betas), fits)

        found = score(direct)
        recalls = found.distilled.recall[0]
        if fresh and recalls.max() > found.direct.recall[0, 0] + _BETTER:
            # No student can be likelier under the truth than the best direct one: EM had missed it.
            start = students[recalls.argmax()]
            if start.n_components == n_student:
                direct = self._last["direct", *key] = fit_mixture(truth, n_student, init=start)
                found = score(direct)
        family = empty({profile: truth}, betas, [n_teacher], [n_student])
        fill(family, key, truth, found)
        return family

    def _best(self, key: tuple, target: GaussianMixture, n_components: int, fresh: bool) -> GaussianMixture:
        last = self._last.get(key)
        if last is not None and last.n_components != n_components:
            last = None
        if last is not None:
            last = fit_mixture(target, n_components, init=last)
        if last is None or fresh:
            # What is fitted afresh does not depend on the way here, so that one truth has one answer.
            new = fit_mixture(target, n_components, n_init=4)
            if last is None or target.expect_log_prob(new) > target.expect_log_prob(last) - _BETTER:
                last = new
        self._last[key] = last
        return last


def _curve(teachers: list[GaussianMixture], n_components: int) -> list[GaussianMixture]:
    """A student for each beta, from few starts; where another beta's student would do better, the fit starts
    there.
    """
    students = fit_mixtures(teachers, n_components, n_init=1, seeds=[0] * len(teachers))
    if n_components == 1:
        return students
    scores = _expectations(teachers, students)
    best = scores.argmax(axis=1)
    better = np.flatnonzero(scores.max(axis=1) > scores.diagonal() + _BETTER)
    better = [i for i in better if students[best[i]].n_components == n_components]
    if better:
        starts = [students[best[i]] for i in better]
        lessons = [teachers[i] for i in better]
        found = fit_mixtures(lessons, n_components, seeds=[0] * len(better), init=starts)
        for i, student in zip(better, found, strict=True):
            students[i] = student
    return students


def _expectations(sharpened: list[GaussianMixture], scored: list[GaussianMixture]) -> np.ndarray:
    """E of each scored log-density under each mixture, ``(sharpened, scored)``; the sharpened ones differ in
    their weights alone, so that each component is integrated once.
    """
    weights = np.stack([mixture.weights for mixture in sharpened])
    top = weights.max(axis=0)
    columns = each(lambda mixture: sharpened[0].expect_by_component(mixture, top), scored)
    return weights @ np.column_stack(columns)
