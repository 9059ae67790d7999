import numpy as np
import pytest
from mixtures import MODES, paper_truth, random_mixture
from sklearn.mixture import GaussianMixture as ScikitMixture

import kdlite as kd
from kdlite.mixtures.em import _points_problem, _starts


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_from_one_start_it_ends_where_scikit_learn_ends(covariance):
    for seed in range(25):
        rng = np.random.default_rng(seed)
        truth = random_mixture(rng, 3, 2, (0.2, 1), 2.0)
        truth = kd.GaussianMixture(np.ones(3) / 3, truth.means, truth.covariances)  # no component starves
        x, start = truth.sample(300, seed), truth.means
        theirs = ScikitMixture(
            3,
            covariance_type=covariance,
            weights_init=np.ones(3) / 3,
            means_init=start,
            precisions_init=np.tile(np.eye(2), (3, 1, 1)) if covariance == "full" else np.ones((3, 2)),
            reg_covar=0,
            tol=1e-12,
            max_iter=20_000,
        ).fit(x)
        ours = kd.fit_mixture(
            x,
            3,
            covariance=covariance,
            init=kd.GaussianMixture(np.ones(3) / 3, start, np.tile(np.eye(2), (3, 1, 1))),
        )
        assert ours.log_prob(x).mean() == pytest.approx(theirs.score(x), abs=1e-4)


def test_eight_starts_are_made_unless_told_otherwise():
    x = np.random.default_rng(32).normal(size=(60, 2))  # the ninth would have won
    eight, nine = (kd.fit_mixture(x, 5, n_init=n, seed=0) for n in (8, 9))
    assert nine.log_prob(x).mean() > eight.log_prob(x).mean() + 0.1
    for fit in (kd.fit_mixture(x, 5), *kd.fit_mixtures(x[None], 5, seeds=[0])):
        np.testing.assert_array_equal(fit.means, eight.means)


def test_one_component_is_the_moments():
    x = np.random.default_rng(0).normal(size=(50, 3))
    fit = kd.fit_mixture(x, 1)
    np.testing.assert_allclose(fit.means, [x.mean(0)], atol=1e-12)
    np.testing.assert_allclose(fit.covariances, [np.cov(x.T, bias=True)], atol=1e-12)
    diagonal = kd.fit_mixture(x, 1, covariance="diag")
    np.testing.assert_allclose(diagonal.covariances, [np.diag(x.var(0))], atol=1e-12)


def test_weights_count_points():
    x = np.random.default_rng(0).normal(size=(60, 2))
    weights = np.repeat([1, 2, 0], 20)
    start = kd.GaussianMixture([0.5, 0.5], [[-1.0, 0.0], [1.0, 0.0]], np.tile(np.eye(2), (2, 1, 1)))
    weighted = kd.fit_mixture(x, 2, weights=weights, init=start)
    repeated = kd.fit_mixture(np.repeat(x, weights, axis=0), 2, init=start)
    np.testing.assert_allclose(weighted.means, repeated.means, atol=1e-6)
    np.testing.assert_allclose(weighted.covariances, repeated.covariances, atol=1e-6)


def test_a_fit_does_not_depend_on_its_company():
    x = np.stack([paper_truth().sample(100, seed) for seed in range(4)])
    together = kd.fit_mixtures(x, 3, seeds=[10, 11, 12, 13])
    for i, fit in enumerate(together):
        alone = kd.fit_mixture(x[i], 3, seed=10 + i)
        np.testing.assert_allclose(np.sort(alone.weights), np.sort(fit.weights), atol=1e-6)


def test_problems_of_a_batch_are_checked_each_by_itself():
    """The few points that carry weight in one, and the digits that another's distance from the origin leaves."""
    x = np.random.default_rng(0).normal(size=(2, 8, 2))
    few = np.array([[1.0] * 8, [1.0] * 2 + [0.0] * 6])
    with pytest.raises(ValueError, match="carry weight, 2, got 3"):
        kd.fit_mixtures(x, 3, weights=few, seeds=[0, 0])
    near, far = kd.fit_mixtures(x * [[[1e-7]], [[1]]] + [[[0]], [[1e6]]], 1, seeds=[0, 0])
    np.testing.assert_allclose(near.covariances[0], 1e-14 * np.cov(x[0].T, bias=True), rtol=1e-9)
    np.testing.assert_allclose(far.covariances[0], np.cov(x[1].T, bias=True), rtol=1e-6)


def test_points_coincide_when_no_digits_are_left_between_them():
    x = np.random.default_rng(0).normal(size=(40, 2))
    fit = kd.fit_mixture(1e6 + 1e-4 * x, 1)
    np.testing.assert_allclose(fit.covariances[0], 1e-8 * np.cov(x.T, bias=True), rtol=1e-4)
    with pytest.raises(
        ValueError, match=r"^all points that carry weight coincide; a Gaussian needs points that differ$"
    ):
        kd.fit_mixture(1e6 + 1e-7 * x, 1)


def test_as_many_components_as_points_stand_on_them_as_narrow_as_they_may():
    fit = kd.fit_mixture(MODES, 8)
    order = np.lexsort(fit.means.T[::-1])
    np.testing.assert_allclose(fit.means[order], MODES[np.lexsort(MODES.T[::-1])], atol=1e-12)
    np.testing.assert_allclose(fit.weights, 1 / 8)
    floor = 1e-6 * MODES.var() * np.eye(2)
    np.testing.assert_allclose(fit.covariances, np.tile(floor, (8, 1, 1)), rtol=1e-9, atol=1e-30)


def test_points_far_from_the_origin_lose_no_digits():
    x = paper_truth().sample(300, 0)
    near, far = kd.fit_mixture(x, 3, seed=1), kd.fit_mixture(x + 1e6, 3, seed=1)
    np.testing.assert_allclose(far.covariances, near.covariances, atol=1e-6)


def test_fewer_distinct_points_than_components_are_regularised():
    fit = kd.fit_mixture(np.repeat([[0.0, 0.0], [1.0, 1.0]], 5, axis=0), 3)
    assert np.isfinite(fit.means).all() and np.linalg.eigvalsh(fit.covariances).min() > 0


def test_collinear_points_are_regularised():
    x = np.linspace(0, 1, 40)[:, None] * np.array([[1.0, 2.0]])
    for covariance in ("full", "diag"):
        fit = kd.fit_mixture(x, 2, covariance=covariance)
        assert np.isfinite(fit.log_prob(x)).all() and np.linalg.eigvalsh(fit.covariances).min() > 0


def test_a_component_that_dies_stays_finite():
    start = kd.GaussianMixture([0.5, 0.5], [[0.0, 0.0], [1e4, 0.0]], np.tile(1e-2 * np.eye(2), (2, 1, 1)))
    fit = kd.fit_mixture(np.random.default_rng(0).normal(size=(50, 2)), 2, init=start)
    assert np.isfinite(fit.means).all() and fit.weights.min() < 1e-12


@pytest.mark.parametrize("population", [False, True])
def test_a_tilted_start_does_not_end_a_fit_along_the_axes_at_its_first_step(population):
    """The first step from a tilted start loses likelihood, and the fit took that for the end."""
    tilted = np.array([[1, 0.95], [0.95, 1]])
    truth = kd.GaussianMixture([0.5, 0.3, 0.2], [[0, 0], [1, -1], [2, -2]], np.tile(tilted, (3, 1, 1)))
    x = truth if population else truth.sample(400, 0)
    start = kd.fit_mixture(x, 2)
    fit = kd.fit_mixture(x, 2, covariance="diag", init=start)
    again = kd.fit_mixture(x, 2, covariance="diag", init=fit)
    np.testing.assert_allclose(fit.covariances, fit.covariances * np.eye(2), atol=1e-12)
    judge = truth.sample(400, 0)
    assert fit.log_prob(judge).mean() == pytest.approx(again.log_prob(judge).mean(), abs=1e-4)


def test_a_start_narrower_than_the_floor_is_widened_to_it():
    x = np.random.default_rng(0).normal(size=(60, 2))
    start = kd.GaussianMixture([0.5, 0.5], x[:2], np.tile(1e-12 * np.eye(2), (2, 1, 1)))
    problem = _points_problem(x[None], None, 2, "full")
    (first,) = _starts(problem, 2, 1, [0], [start]).covariances
    np.testing.assert_allclose(first, np.tile(problem.floor * np.eye(2), (2, 1, 1)))


def test_seeds_may_be_a_generator():
    x = np.random.default_rng(0).normal(size=(2, 30, 1))
    found, expected = (kd.fit_mixtures(x, 2, seeds=seeds) for seeds in ((s for s in (0, 1)), [0, 1]))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.means, b.means)
