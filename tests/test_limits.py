"""What is wrong only together with other arguments, or just beyond a limit: refused with value, limit and remedy."""

import re
from functools import partial

import numpy as np
import pytest
from mixtures import paper_truth

import kdlite as kd
from kdlite import selection as knobs

TRUTH = paper_truth(0.25)
ONE = kd.fit_mixture(TRUTH, 1)
CUBE = kd.GaussianMixture([0.5, 0.5], np.eye(2, 3), [np.eye(3)] * 2)
POINTS = TRUTH.sample(20, 0)
EYES = np.stack([np.eye(2)] * 2)
ESTIMATES = [kd.Estimate(-3.0 + i, 0.1, 100) for i in range(3)]
MAKE = partial(kd.GaussianMixture, means=np.zeros((2, 2)), covariances=EYES)
ALONE = partial(kd.GaussianMixture, [1.0], [[0, 0]])
FIT = partial(kd.fit_mixture, POINTS)
SWEEP = partial(kd.sweep, TRUTH, teacher_components=2, student_components=1)
CHOOSE = partial(kd.choose_tau, [0.5, 0.8, 1.0], ESTIMATES)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: MAKE([0.5, 0.6]), "must sum to 1 within 1e-6, got 1.1; divide"),
        (lambda: MAKE([1.5, -0.5]), "must be >= 0, got -0.5; 0 switches"),
        (lambda: MAKE([1.0]), "shapes (K,), (K, D) and (K, D, D) with K, D >= 1, got (1,)"),
        (lambda: MAKE([1e200, 0]), "at most 1e+100 in size, got 1e+200"),
        (lambda: ALONE([np.zeros((2, 2))]), "positive definite, but its smallest eigenvalue is 0; add"),
        (lambda: ALONE([[[1.0, 0.5], [0.0, 1.0]]]), "must be symmetric, got [[1.0, 0.5], [0.0, 1.0]]; use"),
        (lambda: TRUTH.log_prob(np.zeros((2, 3))), "points have dimension 3, the mixture has 2; use"),
        (lambda: TRUTH.sharpen(-1e-300), "beta must be a finite number >= 0, got -1e-300; 1"),
        (lambda: TRUTH.truncate(top_p=0), "top_p must be in (0, 1], got 0; "),
        (lambda: TRUTH.push([0.5], np.zeros((3, 2))), "(1, 2), got (3, 2); "),
        (lambda: TRUTH.choose([1.5]), "u must be"),
        (lambda: knobs.best_of([-1.0], 10**9), "<= 65536, got 1000000000; "),
        (lambda: knobs.power([-np.inf], 2), "log_p must"),
        (lambda: kd.precision(ONE, truth=TRUTH, n=0), "n must be an integer >= 1, got 0; "),
        (lambda: kd.recall(ONE, truth=TRUTH, n=2, seed=-1), "seed must be an integer >= 0, got -1; "),
        (
            lambda: kd.recall(ONE, truth=TRUTH, n=2, seed=2**64),
            "seed must be an integer <= 18446744073709551615, got",
        ),
        (lambda: kd.precision(CUBE, truth=CUBE), "3 dimensions (at most 2); pass n"),
        (lambda: kd.recall(CUBE, truth=TRUTH), "; compare"),
        (lambda: FIT(0), "n_components must be an integer >= 1, got 0; "),
        (lambda: FIT(21), "at most the number of points that carry weight, 20, got 21; use"),
        (lambda: FIT(2, n_init=0), "n_init must be an integer >= 1, got 0; "),
        (lambda: FIT(1, weights=[1.0]), "for each of the 20 points, got shape (1,), least 1; 0 leaves"),
        (lambda: FIT(1, weights=[-1.0] * 20), "got shape (20,), least -1; 0 leaves"),
        (lambda: FIT(1, weights=[np.nan] * 20), "must be finite, got nan in row 0; leave"),
        (lambda: FIT(1, weights=[0.0] * 20), "the number of points that carry weight, 0, got 1; use"),
        (lambda: FIT(1, weights=[1e200] * 20), "at most 1e+100 in size, got 1e+200"),
        (lambda: FIT(1, covariance="tied"), "covariance must be 'full' or 'diag', got 'tied'; "),
        (lambda: FIT(2, init=TRUTH), "init must"),
        (lambda: kd.fit_mixture(np.zeros((0, 2)), 1), "points in it, got (1, 0, 2); "),
        (lambda: kd.fit_mixture(np.full((3, 2), 1e60), 1), "at most 1e+50 in size, got 1e+60"),
        (lambda: kd.fit_mixture(np.ones((5, 2)), 1), "coincide; "),
        (lambda: kd.fit_mixture(TRUTH, 1, weights=[1]), "weights count points, and a mixture has none; "),
        (
            lambda: kd.fit_mixtures(POINTS, 1, seeds=[0]),
            "(P, N, D) with points in it, got (20, 2); use x[None]",
        ),
        (lambda: kd.fit_mixtures([1, 2], 1, seeds=[0]), "each of x must be a GaussianMixture, got 1; pass"),
        (lambda: kd.fit_mixtures([TRUTH, ONE], 1, seeds=[0]), "dimensions) [(1, 2), (8, 2)]; fit"),
        (lambda: kd.fit_mixtures([], 1, seeds=[0]), "got (components, dimensions) []; fit"),
        (lambda: kd.fit_mixtures(POINTS[None], 1, seeds=[0, 1]), "as many as problems, 1, got 2; pass"),
        (lambda: SWEEP(betas=[]), "at least one beta and one seed, got 0 and 1; add"),
        (lambda: SWEEP(betas=[1], seeds=[1, 1]), "seeds must differ, got [1, 1]; "),
        (lambda: SWEEP(betas=[1], sizes=kd.Sizes(1, 10, 10)), "carry weight, 1, got 2; use"),
        (lambda: kd.reverse_kl(CUBE, CUBE), "3 dimensions (at most 2); "),
        (lambda: kd.jensen_shannon(TRUTH, ONE, 1), "strictly between 0 and 1, got 1; "),
        (lambda: kd.minimise(kd.reverse_kl, TRUTH, 1, jsd_weight=0.5), "got 0.5; leave it out"),
        (lambda: kd.minimise(kd.precision, TRUTH, 1), "forward_kl, reverse_kl or jensen_shannon, got"),
        (lambda: kd.samples_needed(kd.Estimate(-3, 0.0, 0), 0.1), "exact, -3 from n = 0 samples; it needs"),
        (lambda: kd.samples_needed(ESTIMATES[0], 1e-300), "stderr"),
        (lambda: CHOOSE(5.0), "floor 5 is above what the pilot reaches, -1 at tau 1; lower"),
        (lambda: CHOOSE(-2.0, level=1), "between 0 and 1, got 1; "),
        (lambda: kd.choose_tau([1, 1, 2], ESTIMATES, -2.0), "taus must"),
        (lambda: kd.Explorer(CUBE), "dimension 3; use"),
    ],
)
def test_what_is_just_wrong_is_refused(call, says):
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        call()
    assert "\n" not in str(caught.value)
