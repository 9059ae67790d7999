import numpy as np
import pytest
from mixtures import paper_truth, random_mixture

import kdlite as kd
from kdlite.mixtures.em import _population_problem
from kdlite.mixtures.starts import merge_components


def needle(width: float) -> kd.GaussianMixture:
    """A line's wide component around two of width 1: the wider, the finer the nodes have to be."""
    variances = np.array([width**2, 1.0, 2.0])
    return kd.GaussianMixture([0.6, 0.3, 0.1], [[0.0], [0.0], [1.0]], variances[:, None, None])


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_one_component_of_a_population_is_its_moments(covariance):
    mixture = random_mixture(np.random.default_rng(0), 3, 5, (0.5, 1), 1.0)
    fit = kd.fit_mixture(mixture, 1, covariance=covariance)
    x = mixture.sample(200_000, 0)
    np.testing.assert_allclose(fit.means[0], x.mean(0), atol=0.02)
    expected = np.cov(x.T) if covariance == "full" else np.diag(x.var(0))
    np.testing.assert_allclose(fit.covariances[0], expected, atol=0.03)


@pytest.mark.parametrize("n_components", [2, 4, 6])
def test_population_fit_is_the_limit_of_many_samples(n_components):
    truth = paper_truth(0.25)
    population = kd.fit_mixture(truth, n_components)
    sampled = kd.fit_mixture(truth.sample(20_000, 0), n_components, init=population)
    assert kd.recall(population, truth=truth).value >= kd.recall(sampled, truth=truth).value - 1e-4
    assert kd.recall(population, truth=truth).value == pytest.approx(
        kd.recall(sampled, truth=truth).value, abs=5e-3
    )


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
    assert kd.recall(fit, truth=paper_truth()).value == pytest.approx(score, abs=1e-3)


def test_cross_entropy_never_falls_below_the_teachers_entropy():
    for seed in range(6):
        teacher = random_mixture(np.random.default_rng(seed), 4, 2, (0.1, 1.0), 1.5)
        own = kd.recall(teacher, truth=teacher).value
        for n_components in (2, 3):
            assert kd.recall(kd.fit_mixture(teacher, n_components), truth=teacher).value <= own + 1e-3


def test_spare_components_gain_no_likelihood_that_does_not_exist():
    """Four components on what is nearly one wide, flat Gaussian: on coarse nodes they gained nats."""
    teacher = kd.fit_mixture(paper_truth(0.25), 4).sharpen(50)
    problem = _population_problem([teacher], "full", 0.7, 0.0)
    fit = kd.fit_mixture(teacher, 3)
    own = kd.recall(teacher, truth=teacher).value
    assert kd.recall(fit, truth=teacher).value == pytest.approx(own, abs=1e-3)
    assert problem.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("n_components", [2, 3])
def test_population_fit_is_stable_when_the_nodes_are_doubled(n_components, monkeypatch):
    truth = paper_truth(0.25)
    coarse = kd.fit_mixture(truth, n_components)
    monkeypatch.setattr("kdlite.mixtures.em._NODE_STEP", 0.35)
    fine = kd.fit_mixture(truth, n_components)
    assert kd.recall(coarse, truth=truth).value == pytest.approx(kd.recall(fine, truth=truth).value, abs=1e-4)


def test_enough_components_return_the_mixture_itself():
    truth = paper_truth(0.25)
    assert kd.fit_mixture(truth, 8) is truth
    assert kd.fit_mixture(truth, 11) is truth
    assert kd.fit_mixture(truth, 8, covariance="diag") is truth
    one_left = truth.sharpen(1e6)
    assert kd.fit_mixture(one_left, 1) is one_left
    tilted = kd.GaussianMixture([1.0], [[0.0, 0.0]], [[[1.0, 0.5], [0.5, 1.0]]])
    assert kd.fit_mixture(tilted, 1) is tilted
    np.testing.assert_array_equal(kd.fit_mixture(tilted, 1, covariance="diag").covariances[0], np.eye(2))


def test_a_batch_may_hold_mixtures_that_need_no_fit():
    truth = paper_truth(0.25)
    one_left = truth.sharpen(1e6)
    before, between, after = kd.fit_mixtures([one_left, truth, one_left], 3, seeds=[0, 1, 2])
    assert before is one_left and after is one_left
    np.testing.assert_allclose(between.means, kd.fit_mixture(truth, 3, seed=1).means, atol=1e-9)


def test_components_that_are_off_do_not_narrow_those_of_the_fit():
    covariances = np.array([0.5, 0.3, 1e-6])[:, None, None] * np.eye(2)
    mixture = kd.GaussianMixture([0.5, 0.5, 0.0], [[0, 0], [1, 0], [0, 1]], covariances)
    assert _population_problem([mixture], "full", 0.7, 0.0).floor == pytest.approx(0.1 * 0.3)


def test_an_independent_third_axis_changes_nothing():
    def lift(plane):
        means = np.pad(plane.means, ((0, 0), (0, 1)))
        covariances = np.pad(plane.covariances, ((0, 0), (0, 1), (0, 1))) + np.diag([0, 0, 1])
        return kd.GaussianMixture(plane.weights, means, covariances)

    truth = random_mixture(np.random.default_rng(1), 3, 2, (0.3, 1), 2.0)
    plane = kd.fit_mixture(truth, 2)
    space = kd.fit_mixture(lift(truth), 2, init=lift(plane))
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(space, name), getattr(lift(plane), name), atol=1e-6)


def test_merged_components_are_one_of_the_starts():
    truth = paper_truth(0.25)
    merged = kd.recall(kd.fit_mixture(truth, 4, init=merge_components(truth, 4)), truth=truth).value
    for seed in range(3):  # whose own starts end 0.02 to 0.03 nats lower
        assert kd.recall(kd.fit_mixture(truth, 4, n_init=1, seed=seed), truth=truth).value >= merged - 1e-6


def test_a_given_start_is_the_only_one():
    """Components that start alike stay alike, at the likelihood of one."""
    truth = paper_truth(0.25)
    one = kd.fit_mixture(truth, 1)
    alike = kd.GaussianMixture([0.5, 0.5], np.tile(one.means, (2, 1)), np.tile(one.covariances, (2, 1, 1)))
    fit = kd.fit_mixture(truth, 2, init=alike)
    assert kd.recall(fit, truth=truth).value == pytest.approx(kd.recall(one, truth=truth).value, abs=1e-6)


def test_each_mixture_of_a_batch_has_nodes_as_fine_as_it_needs():
    mixtures = [needle(2), needle(10), needle(4)]
    together = kd.fit_mixtures(mixtures, 2, seeds=[0, 1, 2])
    for seed, (mixture, fit) in enumerate(zip(mixtures, together, strict=True)):
        alone = kd.fit_mixture(mixture, 2, seed=seed)
        np.testing.assert_allclose(fit.weights, alone.weights, atol=1e-9)
        np.testing.assert_allclose(fit.covariances, alone.covariances, rtol=1e-9)


@pytest.mark.filterwarnings("error")
def test_nodes_that_stay_too_coarse_are_told_and_only_they():
    kd.fit_mixture(needle(2), 2)
    message = r"^the population fit still moves by \d\.\de-0\d nats on finer nodes; fit fewer components$"
    with pytest.warns(RuntimeWarning, match=message):
        kd.fit_mixture(needle(1000), 2)


def test_more_than_three_dimensions_are_sampled_not_integrated():
    mixture = random_mixture(np.random.default_rng(0), 3, 4, (0.5, 1), 1.0)
    with pytest.raises(
        ValueError,
        match=r"^a population fit takes at most 3 dimensions, got 4; fit to samples of the mixture$",
    ):
        kd.fit_mixture(mixture, 2)
    assert kd.fit_mixture(mixture.sample(100, 0), 2).dim == 4
