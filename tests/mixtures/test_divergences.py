import numpy as np
import pytest
from mixtures import dense_integral, paper_truth, random_mixture

import kdlite as kd
from kdlite.mixtures.descent import Objective, pack, smallest_variance
from kdlite.mixtures.divergences import _integrand

OBJECTIVES = [(kd.forward_kl, {}), (kd.reverse_kl, {}), (kd.jensen_shannon, {"jsd_weight": 0.3})]
TWO_MODES = kd.GaussianMixture([0.6, 0.4], [[-3.0], [3.0]], [[[0.5]], [[0.3]]])


def gaussian(mean, covariance):
    return kd.GaussianMixture([1.0], [mean], [covariance])


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_kl_of_two_gaussians_is_the_formula(dim):
    p, q = (random_mixture(np.random.default_rng(s), 1, dim, (0.3, 2), 1.0) for s in (0, 1))
    precision, gap = np.linalg.inv(q.covariances[0]), p.means[0] - q.means[0]
    log_dets = np.linalg.slogdet(q.covariances[0])[1] - np.linalg.slogdet(p.covariances[0])[1]
    expected = 0.5 * (np.trace(precision @ p.covariances[0]) + gap @ precision @ gap - dim + log_dets)
    assert kd.forward_kl(teacher=p, student=q) == pytest.approx(expected, rel=1e-9)
    assert kd.reverse_kl(teacher=q, student=p) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("dim", [1, 2])
def test_each_agrees_with_monte_carlo(dim):
    teacher, student = (random_mixture(np.random.default_rng(s), 3, dim, (0.3, 1), 1.0) for s in (0, 1))
    n, w = 40_000, 0.3
    x, y = teacher.sample(n, 0), student.sample(n, 1)

    def log_middle(points):
        return np.logaddexp(np.log(w) + teacher.log_prob(points), np.log(1 - w) + student.log_prob(points))

    draws = {
        kd.forward_kl: teacher.log_prob(x) - student.log_prob(x),
        kd.reverse_kl: student.log_prob(y) - teacher.log_prob(y),
        kd.jensen_shannon: w * (teacher.log_prob(x) - log_middle(x))
        + (1 - w) * (student.log_prob(y) - log_middle(y)),
    }
    for divergence, arguments in OBJECTIVES:
        mean, stderr = draws[divergence].mean(), draws[divergence].std() / np.sqrt(n)
        assert abs(divergence(teacher, student, **arguments) - mean) < 5 * stderr + 1e-3


@pytest.mark.parametrize(("divergence", "arguments"), OBJECTIVES)
def test_nothing_is_further_from_itself_than_the_cubature_errs(divergence, arguments):
    assert divergence(paper_truth(0.25), paper_truth(0.25), **arguments) == pytest.approx(0, abs=1e-3)


def test_jensen_shannon_has_two_sides_a_bound_and_the_kls_as_limits():
    teacher, student = TWO_MODES, gaussian([-2.0], [[2.0]])
    there = kd.jensen_shannon(teacher, student, 0.3)
    assert there == pytest.approx(kd.jensen_shannon(student, teacher, 0.7), abs=1e-3)
    apart = kd.jensen_shannon(gaussian([0.0], [[1.0]]), gaussian([50.0], [[1.0]]), 0.3)
    assert there < apart == pytest.approx(-0.3 * np.log(0.3) - 0.7 * np.log(0.7), abs=1e-3)
    p, q = gaussian([0.0], [[1.0]]), gaussian([0.5], [[1.5]])
    # the integrals are good to 1e-3 nats before they are divided by the weight, so it cannot be tiny
    assert kd.jensen_shannon(p, q, 0.02) / 0.02 == pytest.approx(kd.forward_kl(p, q), rel=0.1)
    assert kd.jensen_shannon(p, q, 0.98) / 0.02 == pytest.approx(kd.reverse_kl(p, q), rel=0.1)


@pytest.mark.parametrize(("divergence", "arguments"), OBJECTIVES)
@pytest.mark.parametrize("dim", [1, 2])
def test_the_gradient_is_that_of_finite_differences(divergence, arguments, dim):
    teacher, student = (random_mixture(np.random.default_rng(s), 3 - s, dim, (0.3, 1), 1.0) for s in (0, 1))
    floor = 0.1 * smallest_variance(teacher)
    integrand, _ = _integrand(divergence, arguments.get("jsd_weight"))
    problem = Objective.on_lattice(teacher, 2, integrand, floor, 0.5)
    at = pack(student, floor)
    _, gradient = problem.value_and_gradient(at)
    steps = 1e-5 * np.eye(len(at))
    ups, downs = ([problem.value_and_gradient(at + s * e)[0] for e in steps] for s in (1, -1))
    np.testing.assert_allclose(gradient, (np.array(ups) - downs) / 2e-5, atol=1e-6)


@pytest.mark.parametrize("dim", [1, 2])
def test_forward_kl_with_one_component_is_moment_matching(dim):
    teacher = random_mixture(np.random.default_rng(2), 3, dim, (0.3, 1), 1.0)
    student, moments = kd.minimise(kd.forward_kl, teacher, 1), kd.fit_mixture(teacher, 1)
    np.testing.assert_allclose(student.means, moments.means, atol=1e-4)
    np.testing.assert_allclose(student.covariances, moments.covariances, atol=1e-4)


@pytest.mark.parametrize("n_components", [2, 3])
def test_forward_kl_ends_where_the_population_fit_ends(n_components):
    teacher = kd.fit_mixture(paper_truth(0.25), 4)
    student, fit = kd.minimise(kd.forward_kl, teacher, n_components), kd.fit_mixture(teacher, n_components)
    assert kd.forward_kl(teacher, student) == pytest.approx(kd.forward_kl(teacher, fit), abs=1e-3)
    np.testing.assert_allclose(np.sort(student.weights), np.sort(fit.weights), atol=2e-3)


def test_reverse_kl_sits_on_the_heaviest_of_two_separate_modes():
    student = kd.minimise(kd.reverse_kl, TWO_MODES, 1)
    np.testing.assert_allclose(student.means, [[-3.0]], atol=1e-2)
    np.testing.assert_allclose(student.covariances, [[[0.5]]], atol=1e-2)
    assert kd.reverse_kl(TWO_MODES, student) == pytest.approx(-np.log(0.6), abs=2e-3)


@pytest.mark.parametrize(("divergence", "arguments"), OBJECTIVES)
def test_one_component_recovers_one_gaussian(divergence, arguments):
    """The Gaussian comes as two equal halves, so that the student has to find it."""
    mean, covariance = np.array([100.0, -7.0]), np.array([[2e-4, 1e-4], [1e-4, 3e-4]])
    teacher = kd.GaussianMixture([0.5, 0.5], [mean, mean], [covariance, covariance])
    student = kd.minimise(divergence, teacher, 1, **arguments)
    np.testing.assert_allclose(student.means[0], mean, atol=1e-6)
    np.testing.assert_allclose(student.covariances[0], covariance, atol=1e-8)


@pytest.mark.parametrize(("divergence", "arguments"), OBJECTIVES)
def test_no_gaussian_of_a_fine_table_is_closer(divergence, arguments):
    teacher = kd.GaussianMixture([0.5, 0.3, 0.2], [[-1.0], [0.5], [1.8]], [[[0.2]], [[0.4]], [[0.1]]])
    w = arguments.get("jsd_weight")

    def by_hand(student):
        if divergence is kd.forward_kl:
            return dense_integral(teacher, teacher, 0.02) - dense_integral(teacher, student, 0.02)
        if divergence is kd.reverse_kl:
            return dense_integral(student, student, 0.02) - dense_integral(student, teacher, 0.02)
        middle = kd.GaussianMixture(
            [*(w * teacher.weights), 1 - w],
            [*teacher.means, student.means[0]],
            [*teacher.covariances, student.covariances[0]],
        )
        sides = ((w, teacher), (1 - w, student))
        return sum(a * (dense_integral(p, p, 0.02) - dense_integral(p, middle, 0.02)) for a, p in sides)

    table = [
        by_hand(gaussian([m], [[s**2]])) for m in np.linspace(-1.5, 2, 15) for s in np.geomspace(0.3, 2, 9)
    ]
    assert by_hand(kd.minimise(divergence, teacher, 1, **arguments)) <= min(table) + 1e-6


@pytest.mark.parametrize(("divergence", "arguments"), OBJECTIVES)
def test_more_starts_never_end_further_away(divergence, arguments):
    teacher = random_mixture(np.random.default_rng(5), 5, 1, (0.2, 0.6), 1.5)
    ends = [
        divergence(teacher, kd.minimise(divergence, teacher, 2, n_init=n, **arguments), **arguments)
        for n in (1, 2, 8)
    ]
    assert ends[0] >= ends[1] - 1e-3 >= ends[2] - 2e-3


def test_enough_components_return_the_teacher_itself():
    assert kd.minimise(kd.reverse_kl, TWO_MODES, 2) is TWO_MODES
