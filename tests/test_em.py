import numpy as np
import pytest
from mixtures import MODES, paper_truth, random_mixture
from sklearn.mixture import GaussianMixture as ScikitMixture

import kdlite as kd
from kdlite.em import _points_problem, _population_problem, _starts
from kdlite.em_batch import em_step


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_the_likelihood_never_falls(covariance):
    x = np.stack(
        [random_mixture(np.random.default_rng(s), 4, 2, (0.1, 1), 2.0).sample(200, s) for s in range(5)]
    )
    problem = _points_problem(x, None, 3, covariance)
    components = _starts(problem, 3, 1, range(5), None)
    before = -np.inf
    for _ in range(200):
        step = em_step(problem, components)
        assert (step.log_likelihood - before > -1e-12).all()
        components, before = step.components, step.log_likelihood


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


def test_with_restarts_it_wins_at_least_as_often_as_it_loses():
    wins = losses = 0
    for seed in range(20):
        x = random_mixture(np.random.default_rng(seed), 5, 2, (0.2, 0.6), 1.5).sample(300, seed)
        ours = kd.fit_mixture(x, 4, seed=seed).log_prob(x).mean()
        theirs = ScikitMixture(4, n_init=8, random_state=seed).fit(x).score(x)
        wins, losses = wins + (ours > theirs + 1e-3), losses + (theirs > ours + 1e-3)
    assert wins >= losses


def test_one_component_is_the_moments():
    x = np.random.default_rng(0).normal(size=(50, 3))
    fit = kd.fit_mixture(x, 1)
    np.testing.assert_allclose(fit.means[0], x.mean(0), atol=1e-12)
    np.testing.assert_allclose(fit.covariances[0], np.cov(x.T, bias=True), atol=1e-12)
    diagonal = kd.fit_mixture(x, 1, covariance="diag")
    np.testing.assert_allclose(diagonal.covariances[0], np.diag(x.var(0)), atol=1e-12)


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_one_component_of_a_population_is_its_moments(covariance):
    mixture = random_mixture(np.random.default_rng(0), 3, 5, (0.5, 1), 1.0)
    fit = kd.fit_mixture(mixture, 1, covariance=covariance)
    x = mixture.sample(200_000, 0)
    np.testing.assert_allclose(fit.means[0], x.mean(0), atol=0.02)
    expected = np.cov(x.T) if covariance == "full" else np.diag(x.var(0))
    np.testing.assert_allclose(fit.covariances[0], expected, atol=0.03)


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


def test_points_far_from_the_origin_lose_no_digits():
    x = paper_truth().sample(300, 0)
    near, far = kd.fit_mixture(x, 3, seed=1), kd.fit_mixture(x + 1e6, 3, seed=1)
    np.testing.assert_allclose(far.covariances, near.covariances, atol=1e-6)


@pytest.mark.parametrize("n_components", [2, 4, 6])
def test_population_fit_is_the_limit_of_many_samples(n_components):
    truth = paper_truth(0.25)
    population = kd.fit_mixture(truth, n_components)
    sampled = kd.fit_mixture(truth.sample(20_000, 0), n_components, init=population)
    assert kd.recall(population, truth).value >= kd.recall(sampled, truth).value - 1e-4
    assert kd.recall(population, truth).value == pytest.approx(kd.recall(sampled, truth).value, abs=5e-3)


@pytest.mark.parametrize(
    ("weights", "score"), [([0.25] * 4, -1.6455), ([0.126, 0.273, 0.301, 0.301], -1.6404)]
)
def test_equal_truth_weights_have_two_near_equal_optima(weights, score):
    if weights[0] == 0.25:  # each component takes two neighbours
        means = [[-1.0, 0.5], [0.5, 1.0], [1.0, -0.5], [-0.5, -1.0]]
        wide, narrow = 0.275, 0.025
        shapes = [[narrow, wide], [wide, narrow], [narrow, wide], [wide, narrow]]
        start = kd.GaussianMixture(weights, means, [np.diag(s) for s in shapes])
        fit = kd.fit_mixture(paper_truth(), 4, init=start)
    else:
        fit = kd.fit_mixture(paper_truth(), 4)
    np.testing.assert_allclose(np.sort(fit.weights), np.sort(weights), atol=1e-3)
    assert kd.recall(fit, paper_truth()).value == pytest.approx(score, abs=1e-3)


def test_cross_entropy_never_falls_below_the_teachers_entropy():
    for seed in range(6):
        teacher = random_mixture(np.random.default_rng(seed), 4, 2, (0.1, 1.0), 1.5)
        own = kd.recall(teacher, teacher).value
        for n_components in (2, 3):
            assert kd.recall(kd.fit_mixture(teacher, n_components), teacher).value <= own + 1e-3


def test_spare_components_gain_no_likelihood_that_does_not_exist():
    """Four components on what is nearly one wide, flat Gaussian: on coarse nodes they gained nats."""
    teacher = kd.fit_mixture(paper_truth(0.25), 4).sharpen(50)
    problem = _population_problem([teacher], "full", 0.7, 0.0)
    fit = kd.fit_mixture(teacher, 3)
    own = kd.recall(teacher, teacher).value
    assert kd.recall(fit, teacher).value == pytest.approx(own, abs=1e-3)
    assert problem.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("n_components", [2, 3])
def test_population_fit_is_stable_when_the_nodes_are_doubled(n_components, monkeypatch):
    truth = paper_truth(0.25)
    coarse = kd.fit_mixture(truth, n_components)
    monkeypatch.setattr("kdlite.em._NODE_STEP", 0.35)
    fine = kd.fit_mixture(truth, n_components)
    assert kd.recall(coarse, truth).value == pytest.approx(kd.recall(fine, truth).value, abs=1e-4)


def test_enough_components_return_the_mixture_itself():
    truth = paper_truth(0.25)
    assert kd.fit_mixture(truth, 8) is truth
    assert kd.fit_mixture(truth, 11) is truth
    one_left = truth.sharpen(1e6)
    assert kd.fit_mixture(one_left, 1) is one_left
    tilted = kd.GaussianMixture([1.0], [[0.0, 0.0]], [[[1.0, 0.5], [0.5, 1.0]]])
    np.testing.assert_array_equal(kd.fit_mixture(tilted, 1, covariance="diag").covariances[0], np.eye(2))


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


def test_more_than_three_dimensions_are_sampled_not_integrated():
    mixture = random_mixture(np.random.default_rng(0), 3, 4, (0.5, 1), 1.0)
    with pytest.raises(ValueError, match="at most 3 dimensions, got 4; fit to samples"):
        kd.fit_mixture(mixture, 2)
    assert kd.fit_mixture(mixture.sample(100, 0), 2).dim == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_components": 0}, "n_components must be an integer >= 1, got 0"),
        ({"n_components": 9}, "at most the number of points that carry weight, 8, got 9; use fewer"),
        ({"n_components": 3, "weights": [1, 1, 0, 0, 0, 0, 0, 0]}, "carry weight, 2, got 3"),
        ({"n_components": 2, "weights": [1, 2]}, "weights must be one finite number >= 0 for each of the 8"),
        ({"n_components": 2, "weights": [-1] * 8}, "weights must be one finite"),
        ({"n_components": 2, "weights": [np.nan] * 8}, "weights must be finite, got nan"),
        ({"n_components": 2, "covariance": "tied"}, "covariance must be 'full' or 'diag', got 'tied'"),
        ({"n_components": 2, "n_init": 0}, "n_init must be an integer >= 1"),
        ({"n_components": 2, "seed": -1}, "seed must be an integer >= 0, got -1"),
        (
            {"n_components": 2, "init": paper_truth()},
            "init must have 2 components in 2 dimensions, got 8 in 2",
        ),
        ({"n_components": 1, "x": np.ones((5, 2))}, "all points that carry weight coincide"),
        ({"n_components": 1, "x": [[0, np.nan], [1, 1]]}, "row 0"),
        ({"n_components": 1, "x": [0.0, 1.0]}, r"shape \(n, D\)"),
        ({"n_components": 1, "x": paper_truth(), "weights": np.ones(8)}, "weights count points"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kd.fit_mixture(**{"x": MODES, **arguments})
