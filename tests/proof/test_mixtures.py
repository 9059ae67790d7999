"""What takes minutes: wide random comparisons of the core with slow or independent answers."""

import numpy as np
import pytest
from mixtures import dense_integral, random_mixture
from sklearn.mixture import GaussianMixture as ScikitMixture

import kdlite as kd


@pytest.mark.parametrize("seed", range(60))
def test_exact_agrees_with_a_dense_grid(seed):
    rng = np.random.default_rng(seed)
    ratio = rng.choice([2, 5, 10, 20])
    widths = [(1 / ratio, 1.1 / ratio), (1 / ratio, 1.0), (0.9, 1.0)]
    sampled = random_mixture(rng, rng.integers(1, 9), 2, widths[rng.integers(3)], rng.choice([0.5, 2, 6]))
    scored = random_mixture(rng, rng.integers(2, 9), 2, widths[rng.integers(3)], rng.choice([0.5, 2, 6]))
    expected = dense_integral(sampled, scored, 0.015)
    assert kd.precision(sampled, truth=scored).value == pytest.approx(
        expected, abs=max(1e-3, 1e-5 * abs(expected))
    )


@pytest.mark.parametrize("seed", range(500))
def test_exact_agrees_with_monte_carlo(seed):
    rng = np.random.default_rng([1, seed])
    dim = 1 + seed % 2
    sampled = random_mixture(rng, rng.integers(1, 9), dim, (0.1, 1.0), 2.0)
    scored = random_mixture(rng, rng.integers(1, 9), dim, (0.1, 1.0), 2.0)
    for score in (kd.precision, kd.recall):
        exact, drawn = score(sampled, truth=scored), score(sampled, truth=scored, n=50_000, seed=seed)
        assert abs(exact.value - drawn.value) < 5 * drawn.stderr


def test_restarts_win_against_scikit_learn_at_least_as_often_as_they_lose():
    ahead = []
    for seed in range(50):
        rng = np.random.default_rng([2, seed])
        x = random_mixture(rng, 6, 2, (0.15, 0.6), 1.5).sample(400, seed)
        theirs = ScikitMixture(5, n_init=8, tol=1e-8, max_iter=5000, random_state=seed).fit(x).score(x)
        ahead.append(kd.fit_mixture(x, 5, seed=seed).log_prob(x).mean() - theirs)
    assert np.sum(np.array(ahead) > 1e-3) >= np.sum(np.array(ahead) < -1e-3)
