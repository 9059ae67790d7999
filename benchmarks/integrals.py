"""Exact precision and recall beside Monte Carlo that is as accurate.

An exact integral promises 1e-3 nats, or 1e-5 of the value where that is more. Monte Carlo draws and scores points by
kdlite's own code, which is numpy. It counts as equally accurate when its standard error is that promise, though one
time in three it then errs by more. The points this takes follow from the error of a first sample, as n ~ 1 / error².
Where they are more than MOST, that many are timed, and the time is extrapolated: drawing and scoring are linear in n.

Checks that both agree within 5 standard errors.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

import kdlite as kd
from benchmarks.measure import Row, hand_over, in_turn, ratios, spread
from kdlite.mixtures.examples import ring

MOST, REPEATS = 2_000_000, 5
Score = Callable[..., kd.Estimate]


def pairs() -> dict[str, tuple[Score, kd.GaussianMixture, kd.GaussianMixture]]:
    """What is computed, of which student, against which truth."""
    truth, many = ring(0.25), scattered(50)
    narrow = kd.GaussianMixture(truth.weights, truth.means, truth.covariances / 9)
    line = kd.GaussianMixture([0.5, 0.3, 0.2], [[-2.0], [0.0], [3.0]], [[[0.25]], [[0.04]], [[1.0]]])
    teacher, student = kd.fit_mixture(truth, 4), kd.fit_mixture(truth, 1)
    return {
        "precision of one Gaussian, 8 modes": (kd.precision, student, truth),
        "the same, modes a third as wide": (kd.precision, student, narrow),
        "recall of 4 components, 8 modes": (kd.recall, teacher, truth),
        "recall of one Gaussian, in closed form": (kd.recall, student, truth),
        "precision of 2 components, 3 modes on a line": (kd.precision, kd.fit_mixture(line, 2), line),
        "precision of 4 components, 50 modes": (kd.precision, teacher, many),
        "recall of 50 components, 50 modes": (kd.recall, scattered(50, seed=1), many),
    }


def scattered(n: int, seed: int = 0) -> kd.GaussianMixture:
    """A mixture of n round components, of widths 0.05 to 0.3, over the plane that the 8 modes cover."""
    rng = np.random.default_rng(seed)
    variances = np.exp(rng.uniform(*np.log((0.05, 0.3)), n)) ** 2
    return kd.GaussianMixture(
        rng.dirichlet(np.ones(n)), rng.uniform(-1.5, 1.5, (n, 2)), variances[:, None, None] * np.eye(2)
    )


def row(what: str, score: Score, student: kd.GaussianMixture, truth: kd.GaussianMixture) -> Row:
    """Both ways, in turn."""
    exact, drawn = score(student, truth), score(student, truth, n=MOST)
    promise = max(1e-3, 1e-5 * abs(exact.value))
    if abs(exact.value - drawn.value) > 5 * drawn.stderr + promise:
        raise AssertionError(f"{what}: {exact} by the integral, {drawn} by Monte Carlo")
    wanted = kd.samples_needed(drawn, promise)
    n = min(wanted, MOST)
    jobs = {
        "exact": partial(score, student, truth),
        "drawn": partial(score, student, truth, n=n, seed=1),
    }
    times = in_turn(jobs, REPEATS)
    ours, theirs = times["exact"], [seconds * wanted / n for seconds in times["drawn"]]
    return Row(
        what,
        spread([1e3 * seconds for seconds in ours], "ms"),
        f"Monte Carlo: {spread([1e3 * seconds for seconds in theirs], 'ms')}",
        ratios(theirs, ours),
        f"n = {wanted:,}" + (f", extrapolated from {n:,}" if n < wanted else ""),
        "the integrand has a crease wherever two narrow components meet, and cells are halved along each",
    )


def rows() -> list[Row]:
    """Every pair."""
    return [row(what, *pair) for what, pair in pairs().items()]


if __name__ == "__main__":
    hand_over(rows())
