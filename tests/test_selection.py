"""Knobs on log-probabilities, against enumeration and against draws."""

import itertools

import numpy as np
import pytest

import kdlite as kd
from kdlite import selection

RNG = np.random.default_rng(0)


def brute_kept(weights, top_k=None, top_p=None, min_p=None):
    """One weight after another, from the heaviest; ties do not occur."""
    left = sorted((w, i) for i, w in enumerate(weights) if w > 0)[::-1]
    if top_k is not None:
        left = left[:top_k]
    if top_p is not None:
        total, seen, some = sum(w for w, _ in left), 0.0, []
        for w, i in left:
            if seen / total >= top_p:
                break
            some.append((w, i))
            seen += w
        left = some
    if min_p is not None:
        left = [(w, i) for w, i in left if w >= min_p * left[0][0]]
    return {i for _, i in left}


@pytest.mark.parametrize("seed", range(20))
def test_the_heaviest_are_those_of_a_loop(seed):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(9, 0.5)) * (rng.random(9) > 0.2)
    for k, p, m in itertools.product((None, 1, 3, 9), (None, 0.3, 0.9, 1.0), (None, 0.05, 0.5, 1.0)):
        kept = selection.heaviest(weights, top_k=k, top_p=p, min_p=m)
        assert set(np.flatnonzero(kept)) == brute_kept(weights, k, p, m)


def test_ties_with_the_last_are_kept():
    assert selection.heaviest([0.25, 0.25, 0.4, 0.1], top_k=2).tolist() == [True, True, True, False]


def test_a_truncated_mixture_keeps_components_and_their_ratios():
    mixture = kd.GaussianMixture([0.5, 0.2, 0.3], [[0.0], [1.0], [2.0]], np.ones((3, 1, 1)))
    np.testing.assert_allclose(mixture.truncate(top_k=2).weights, [0.625, 0, 0.375])
    np.testing.assert_allclose(mixture.truncate(min_p=0.5).weights, [0.625, 0, 0.375])
    np.testing.assert_allclose(mixture.truncate(top_p=0.5).weights, [1, 0, 0])
    assert np.array_equal(mixture.truncate(top_k=2).means, mixture.means)
    assert np.array_equal(mixture.truncate().weights, mixture.weights)


def brute_best_of(p, n):
    """Every sequence of n draws; equally likely winners share the win."""
    q = np.zeros(len(p))
    for drawn in itertools.product(range(len(p)), repeat=n):
        best = max(p[i] for i in drawn)
        winners = [i for i in drawn if p[i] == best]
        for i in winners:
            q[i] += np.prod(p[list(drawn)]) / len(winners)
    return q


@pytest.mark.parametrize("p", [[0.5, 0.3, 0.2], [0.4, 0.2, 0.2, 0.2], [0.25] * 4, [1.0]])
@pytest.mark.parametrize("tries", [1, 2, 3, 5])
def test_the_best_of_several_is_enumeration(p, tries):
    found = np.exp(selection.best_of(np.log(p), tries))
    np.testing.assert_allclose(found, brute_best_of(np.array(p), tries), atol=1e-12)


def test_the_best_of_many_stays_finite_where_it_never_happens():
    log_p = np.log(np.array([1 - 1e-12, 1e-12]))
    found = selection.best_of(log_p, 64)
    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(64 * log_p[1], abs=1e-6)


def test_the_power_is_a_normalised_power():
    p = np.array([0.5, 0.3, 0.2])
    np.testing.assert_allclose(np.exp(selection.power(np.log(p), 3)), p**3 / np.sum(p**3))
    np.testing.assert_allclose(np.exp(selection.power(np.log(p), 0)), 1 / 3)
    with pytest.raises(ValueError, match="beta must be a finite number >= 0"):
        selection.power(np.log(p), -1.0)


def test_on_a_fine_lattice_a_power_of_a_gaussian_is_a_narrower_gaussian():
    """And the best of n has the density n p F^(n - 1), where F = 1 - exp(-r²/2) is turned round: two dimensions."""
    axis = np.arange(-7, 7.01, 0.05)
    x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    square = np.sum(x**2, axis=1)
    log_p = -0.5 * square - np.log(2 * np.pi) + 2 * np.log(0.05)
    q = np.exp(selection.power(log_p, 4))
    assert q @ x[:, 0] ** 2 == pytest.approx(1 / 4, abs=1e-6)
    best = np.exp(selection.best_of(log_p, 8))
    assert best.sum() == pytest.approx(1, abs=1e-9)
    # The least of 8 values of r²/2, which is exponential, has the mean 1 / 8.
    assert best @ square / 2 == pytest.approx(1 / 8, rel=0.01)


def test_resampling_follows_the_weights():
    log_weights = np.log(np.tile([0.2, 0.5, 0.3], (60_000, 1))) + RNG.normal(size=(60_000, 1))
    chosen = selection.resample(log_weights, RNG.random(60_000))
    share = np.bincount(chosen) / 60_000
    np.testing.assert_allclose(share, [0.2, 0.5, 0.3], atol=5 * np.sqrt(0.25 / 60_000))
    assert (
        selection.resample(np.array([[-np.inf, 0.0, -np.inf]] * 3), np.array([0.0, 0.5, 1 - 1e-16])).tolist()
        == [1] * 3
    )


def test_effective_sample_size_counts_equal_weights_and_scale_plays_no_part():
    assert selection.effective_sample_size(np.full(7, -900.0)) == pytest.approx(7)
    assert selection.effective_sample_size(np.array([0.0, -np.inf, -np.inf])) == pytest.approx(1)
    assert selection.effective_sample_size(np.log([3.0, 1.0])) == pytest.approx(16 / 10)
