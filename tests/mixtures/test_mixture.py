import numpy as np
import pytest
from mixtures import MODES, paper_truth, random_mixture
from sklearn.mixture import GaussianMixture as ScikitMixture

import kdlite as kd
from kdlite.mixtures.gaussian import logsumexp


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_log_prob_agrees_with_scikit_learn(dim):
    mixture = random_mixture(np.random.default_rng(dim), 4, dim, (0.1, 2.0), 3.0)
    theirs = ScikitMixture(4)
    theirs.weights_, theirs.means_ = mixture.weights, mixture.means
    theirs.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(mixture.covariances))
    x = mixture.sample(5000, 0)
    np.testing.assert_allclose(mixture.log_prob(x), theirs.score_samples(x), atol=1e-8)
    np.testing.assert_allclose(mixture.responsibilities(x), theirs.predict_proba(x), atol=1e-8)


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_scikit_learns_mixtures_come_and_go(kind):
    x = paper_truth(0.25).sample(400, 0)
    theirs = ScikitMixture(3, covariance_type=kind, random_state=0).fit(x)
    ours = kd.GaussianMixture.from_sklearn(theirs)
    np.testing.assert_allclose(ours.log_prob(x), theirs.score_samples(x), atol=1e-8)
    again = ours.to_sklearn()
    np.testing.assert_allclose(again.score_samples(x), theirs.score_samples(x), atol=1e-8)
    np.testing.assert_array_equal(again.predict(x), theirs.predict(x))
    assert again.sample(5)[0].shape == (5, 2) and again.aic(x) >= theirs.aic(x) - 1e-6


@pytest.mark.parametrize("thing", [ScikitMixture(3), 3, None])
def test_what_is_no_fitted_mixture_is_refused(thing):
    with pytest.raises(ValueError, match=r"from_sklearn takes a fitted mixture, got .*; fit it first"):
        kd.GaussianMixture.from_sklearn(thing)


def test_samples_have_the_moments_of_the_mixture():
    mixture = random_mixture(np.random.default_rng(1), 3, 3, (0.3, 1.0), 2.0)
    x = mixture.sample(200_000, 7)
    mean = mixture.weights @ mixture.means
    centred = mixture.means - mean
    covariance = np.einsum(
        "k,kij->ij", mixture.weights, mixture.covariances + centred[:, :, None] * centred[:, None]
    )
    np.testing.assert_allclose(x.mean(0), mean, atol=5 * np.sqrt(np.diag(covariance).max() / 200_000))
    np.testing.assert_allclose(np.cov(x.T), covariance, rtol=0.05, atol=0.02)


def test_a_seed_gives_the_same_samples_and_zero_is_a_seed():
    truth = paper_truth()
    np.testing.assert_array_equal(truth.sample(50, 0), truth.sample(50, 0))
    assert not np.array_equal(truth.sample(50, 0), truth.sample(50, 1))
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the point is that it is left alone
    truth.sample(50, 0)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_noise_lands_in_the_chosen_component():
    truth = paper_truth(0.25)
    rng = np.random.default_rng(0)
    u, z = rng.random(1000), rng.standard_normal((1000, 2))
    k = truth.choose(u)
    np.testing.assert_allclose(truth.push(u, z), truth.place(z)[k, np.arange(1000)], atol=1e-12)
    np.testing.assert_allclose(np.bincount(k, minlength=8) / 1000, truth.weights, atol=0.05)
    assert truth.sharpen(1e6).choose(np.array([0.0, np.nextafter(1, 0)])).tolist() == [0, 0]


def test_far_points_have_the_right_log_density():
    mixture = kd.GaussianMixture([0.5, 0.5], [[0.0], [1.0]], [[[1.0]], [[1.0]]])
    expected = np.log(0.5) - 0.5 * (1e4 - 1) ** 2 - 0.5 * np.log(2 * np.pi)
    assert mixture.log_prob(np.array([[1e4]]))[0] == pytest.approx(expected, rel=1e-12)


def test_logsumexp_of_terms_far_apart():
    np.testing.assert_allclose(
        logsumexp(np.array([[-2000.0, 0.0], [-2000.0, -800.0]])), [-2000 + np.log(2), 0.0]
    )


@pytest.mark.parametrize("beta", [0, 0.3, 1, 4.5, 100])
def test_sharpen_is_a_power_of_the_weights(beta):
    truth = paper_truth(0.25)
    expected = truth.weights**beta / np.sum(truth.weights**beta)
    np.testing.assert_allclose(truth.sharpen(beta).weights, expected, atol=1e-12)
    np.testing.assert_array_equal(truth.sharpen(beta).means, MODES)


def test_sharpen_limits_and_ties():
    mixture = kd.GaussianMixture([0.4, 0.4, 0.2, 0.0], MODES[:4], np.tile(np.eye(2), (4, 1, 1)))
    np.testing.assert_array_equal(mixture.sharpen(1e6).weights, [0.5, 0.5, 0, 0])
    np.testing.assert_allclose(mixture.sharpen(0).weights, [1 / 3, 1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(mixture.sharpen(1).weights, mixture.weights, atol=1e-15)
    assert mixture.sharpen(1e6).weight_entropy == pytest.approx(np.log(2))
    assert mixture.sharpen(1e6).effective_components == pytest.approx(2)
    np.testing.assert_array_equal(mixture.weights, [0.4, 0.4, 0.2, 0.0])


def test_expectations_by_component_serve_every_beta():
    truth, teacher = paper_truth(0.25), kd.fit_mixture(paper_truth(0.25), 4)
    by_component = teacher.expect_by_component(truth, np.ones(4))
    for beta in (0.5, 3):
        sharpened = teacher.sharpen(beta)
        assert sharpened.weights @ by_component == pytest.approx(
            kd.precision(sharpened, truth=truth).value, abs=1e-3
        )


def test_a_mixture_is_frozen():
    truth = paper_truth()
    with pytest.raises(AttributeError):
        truth.weights = np.ones(8) / 8
    with pytest.raises(ValueError, match="read-only"):
        truth.means[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        truth.sharpen(2).weights[0] = 0


def test_weights_off_by_rounding_are_renormalised():
    mixture = kd.GaussianMixture([0.5, 0.5000001], np.zeros((2, 1)), np.ones((2, 1, 1)))
    assert mixture.weights.sum() == pytest.approx(1, abs=1e-15)
