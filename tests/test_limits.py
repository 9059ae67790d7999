"""What is wrong only together with other arguments, or just beyond a limit: refused in one line that ends with a remedy."""

import math
import re
from functools import partial

import numpy as np
import pytest
from mixtures import paper_truth

import kdlite as kd
from kdlite import selection as knobs

TRUTH = paper_truth(0.25)
ONE = kd.fit_mixture(TRUTH, 1)
LINE = kd.GaussianMixture([0.5, 0.5], [[0], [1]], np.ones((2, 1, 1)))
CUBE = kd.GaussianMixture([0.5, 0.5], np.eye(2, 3), [np.eye(3)] * 2)
NEEDLE = kd.GaussianMixture([0.5, 0.5], np.eye(2), [np.eye(2), 1e-8 * np.eye(2)])
POINTS = TRUTH.sample(20, 0)
ESTIMATES = [kd.Estimate(-3.0 + i, 0.1, 100) for i in range(3)]
UNKNOWN = kd.Estimate(-3, math.inf, 1)
MAKE = partial(kd.GaussianMixture, means=np.zeros((2, 2)), covariances=np.stack([np.eye(2)] * 2))
ALONE = partial(kd.GaussianMixture, [1.0], [[0, 0]])
FIT, FITS = partial(kd.fit_mixture, POINTS), partial(kd.fit_mixtures, n_components=1)
SWEEP = partial(kd.sweep, TRUTH, teacher_components=2, student_components=1)
CHOOSE = partial(kd.choose_tau, [0.5, 0.8, 1.0])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: MAKE([0.5, 0.6]), "must sum to 1 within 1e-6, got 1.1; divide"),
        (lambda: MAKE([1.5, -0.5]), "must be >= 0, got -0.5; 0 switches"),
        (lambda: MAKE([1.0]), "shapes (K,), (K, D) and (K, D, D) with K, D >= 1, got (1,)"),
        (lambda: kd.GaussianMixture([1.0], np.zeros(2), [np.eye(2)]), "must have shapes (K,)"),
        (lambda: kd.GaussianMixture([], np.zeros((0, 2)), np.zeros((0, 2, 2))), "must have shapes (K,)"),
        (lambda: MAKE([1e200, 0]), "at most 1e+100 in size, got 1e+200"),
        (lambda: kd.GaussianMixture([1.0], [[np.nan, 0]], [np.eye(2)]), "means must be finite, got nan"),
        (lambda: ALONE([np.eye(3)]), "must have shapes (K,)"),
        (lambda: ALONE([np.zeros((2, 2))]), "positive definite, but its smallest eigenvalue is 0; add"),
        (lambda: ALONE([[[1.0, 0.5], [0.0, 1.0]]]), "must be symmetric, got [[1.0, 0.5], [0.0, 1.0]]; use"),
        (lambda: TRUTH.log_prob(np.zeros((2, 3))), "points have dimension 3, the mixture has 2; use"),
        (lambda: TRUTH.log_prob(np.zeros(3)), "points must have shape (n, D), got (3,); use x[:, None]"),
        (lambda: TRUTH.sharpen(-1e-300), "beta must be a finite number >= 0, got -1e-300; 1"),
        (lambda: TRUTH.truncate(top_k=0), "top_k must be an integer >= 1, got 0; "),
        (lambda: TRUTH.truncate(top_p=0), "top_p must be in (0, 1], got 0; "),
        (lambda: TRUTH.truncate(min_p=1.5), "min_p must be in (0, 1], got 1.5; "),
        (lambda: TRUTH.push([0.5], np.zeros((3, 2))), "(1, 2), got (3, 2); "),
        (lambda: TRUTH.choose([1.5]), "u must be"),
        (lambda: knobs.best_of([-1.0], 10**9), "<= 65536, got 1000000000; "),
        (lambda: knobs.power([-np.inf], 2), "log_p must"),
        (lambda: kd.precision(ONE, truth=TRUTH, n=0), "n must be an integer >= 1, got 0; "),
        (lambda: kd.recall(ONE, truth=TRUTH, n=2, seed=-1), "seed must be an integer >= 0, got -1; "),
        (lambda: kd.recall(ONE, truth=TRUTH, n=2, seed=2**64), "an integer <= 18446744073709551615, got"),
        (lambda: kd.precision(CUBE, truth=CUBE), "3 dimensions (at most 2); pass n"),
        (
            lambda: kd.recall(CUBE, truth=TRUTH),
            "points of dimension 2 under a mixture of dimension 3; compare",
        ),
        (lambda: kd.recall(CUBE, truth=TRUTH, n=2), "points have dimension 2, the mixture has 3; "),
        (lambda: FIT(0), "n_components must be an integer >= 1, got 0; a mixture"),
        (lambda: FIT(21), "at most the number of points that carry weight, 20, got 21; use"),
        (lambda: FIT(2, n_init=0), "n_init must be an integer >= 1, got 0; make"),
        (lambda: FIT(2, seed=-1), "seed must be an integer >= 0, got -1; "),
        (lambda: FIT(1, weights=[1.0]), "for each of the 20 points, got shape (1,), least 1; 0 leaves"),
        (lambda: FIT(1, weights=[]), "for each of the 20 points, got shape (0,), least inf; 0 leaves"),
        (lambda: FIT(1, weights=[-1.0] * 20), "got shape (20,), least -1; 0 leaves"),
        (lambda: FIT(1, weights=[np.nan] * 20), "weights must be finite, got nan in row 0; leave"),
        (lambda: FIT(1, weights=[0.0] * 20), "the number of points that carry weight, 0, got 1; use"),
        (lambda: FIT(1, weights=[1e200] * 20), "at most 1e+100 in size, got 1e+200"),
        (lambda: FIT(1, covariance="tied"), "covariance must be 'full' or 'diag', got 'tied'; "),
        (lambda: FIT(2, init="k-means"), "init must be a GaussianMixture, got 'k-means'; it is where"),
        (lambda: FIT(2, init=TRUTH), "init must have 2 components in 2 dimensions, got 8 in 2; it is where"),
        (lambda: FIT(1, init=TRUTH), "init must have 1 components in 2 dimensions, got 8 in 2; it is where"),
        (lambda: kd.fit_mixture(TRUTH, 8, init="k-means"), "init must be a GaussianMixture, got"),
        (lambda: kd.fit_mixture(np.zeros((0, 2)), 1), "points must have shape (P, N, D), got (1, 0, 2); "),
        (lambda: kd.fit_mixture(np.full((3, 2), 1e60), 1), "at most 1e+50 in size, got 1e+60"),
        (lambda: kd.fit_mixture(np.ones((5, 2)), 1), "all points that carry weight coincide; a Gaussian"),
        (lambda: kd.fit_mixture(TRUTH, 1, weights=[1]), "weights count points, and a mixture has none; "),
        (lambda: FITS(POINTS, seeds=[0]), "(P, N, D), got (20, 2); use x[None]"),
        (lambda: FITS(np.full((1, 3, 2), np.nan), seeds=[0]), "points must be finite, got nan in row 0; "),
        (lambda: FITS("abc", seeds=[0]), "x must be a sequence, got 'abc'; pass points (P, N, D), or"),
        (
            lambda: FITS([1, 2], seeds=[0]),
            "each of x must be a GaussianMixture, got 1; pass points (P, N, D)",
        ),
        (
            lambda: FITS([TRUTH, ONE], seeds=[0]),
            "of one size, got (components, dimensions) [(1, 2), (8, 2)]; fit",
        ),
        (lambda: FITS([], seeds=[0]), "got (components, dimensions) []; fit"),
        (lambda: FITS(POINTS[None], seeds=0), "seeds must be a sequence, got 0; pass one for each problem"),
        (lambda: FITS(POINTS[None], seeds=[0, 1]), "seeds must be as many as problems, 1, got 2; pass"),
        (lambda: FITS(POINTS[None], seeds=[0], init=0), "init must be a sequence, got 0; pass one for each"),
        (lambda: FITS(POINTS[None], seeds=[0], init=[]), "init must be as many as problems, 1, got 0; pass"),
        (lambda: SWEEP(betas=[]), "at least one beta and one seed, got 0 and 1; add"),
        (lambda: SWEEP(betas=[1], seeds=[1, 1]), "seeds must differ, got [1, 1]; "),
        (lambda: SWEEP(betas=[1], sizes=kd.Sizes(1, 10, 10)), "carry weight, 1, got 2; use"),
        (lambda: kd.reverse_kl(CUBE, CUBE), "3 dimensions (at most 2); "),
        (lambda: kd.forward_kl(LINE, TRUTH), "the same dimension"),
        (lambda: kd.jensen_shannon(LINE, TRUTH), "the same dimension"),
        (lambda: kd.jensen_shannon(TRUTH, ONE, 1), "strictly between 0 and 1, got 1; "),
        (lambda: kd.minimise(kd.jensen_shannon, TRUTH, 1, jsd_weight=1), "strictly between 0 and 1, got 1; "),
        (lambda: kd.minimise(kd.reverse_kl, TRUTH, 1, jsd_weight=0.5), "got 0.5; leave it out"),
        (lambda: kd.minimise(kd.precision, TRUTH, 1), "forward_kl, reverse_kl or jensen_shannon, got"),
        (lambda: kd.minimise(kd.reverse_kl, CUBE, 1), "at most 2 dimensions, got 3; "),
        (lambda: kd.minimise(kd.reverse_kl, NEEDLE, 1), "component is too narrow for its width; widen it"),
        (lambda: kd.samples_needed(kd.Estimate(-3, 0.0, 0), 0.1), "exact, -3 from n = 0 samples; it needs"),
        (lambda: kd.samples_needed(UNKNOWN, 0.1), "must be finite, got inf from n = 1; draw at least 2"),
        (lambda: kd.samples_needed(ESTIMATES[0], 0.0), "stderr must be a positive number of nats, got 0.0; "),
        (lambda: kd.samples_needed(ESTIMATES[0], 1e-300), "stderr"),
        (lambda: CHOOSE(ESTIMATES, 5.0), "floor 5 is above what the pilot reaches, -1 at tau 1; lower"),
        (
            lambda: CHOOSE(ESTIMATES, -5.0),
            "floor -5 is below what the pilot reaches, -3 at tau 0.5; add lower",
        ),
        (lambda: CHOOSE(ESTIMATES, -2.0, level=1), "between 0 and 1, got 1; "),
        (lambda: CHOOSE(ESTIMATES, -2.0, n_boot=10), "n_boot must be an integer >= 100, got 10; "),
        (lambda: CHOOSE(ESTIMATES[1:], -2.0), "recalls must have shape (3,), got (2,); "),
        (lambda: CHOOSE([*ESTIMATES[1:], UNKNOWN], -2.0), "standard errors must be finite, got"),
        (lambda: CHOOSE([kd.Estimate(-math.inf, 0.1, 9)] * 3, -2.0), "recalls must be finite, got"),
        (lambda: CHOOSE(np.zeros((1, 3)), -2.0), "at least 2 seeds, got shape (1, 3); "),
        (
            lambda: kd.choose_tau([0.5], ESTIMATES[:1], -2.0),
            "taus must be at least two different numbers > 0, got",
        ),
        (
            lambda: kd.choose_tau([0, 1, 2], ESTIMATES, -2.0),
            "taus must be at least two different numbers > 0, got",
        ),
        (lambda: kd.choose_tau([1, 1, 2], ESTIMATES, -2.0), "taus must be at least two different"),
        (lambda: kd.Explorer(CUBE), "dimension 3; use"),
    ],
)
def test_what_is_just_wrong_is_refused(call, says):
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        call()
    assert re.fullmatch(r"[a-z].*; (?!XX)\S.*[a-z].*[^A-Z\s]", str(caught.value))
