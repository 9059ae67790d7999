"""What holds for every mixture, every cloud of points and every beta, on examples that hypothesis seeks out."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mixtures import dense_integral
from strategies import betas, clouds, families, maps, mixtures, moved, seeds, weights, wild_mixtures

import kdlite as kd
from kdlite.mixtures.em import _points_problem, _starts
from kdlite.mixtures.em_batch import em_step

pytestmark = pytest.mark.filterwarnings("error")
EXACT = 1e-3  # nats, the tolerance of an integral


def tolerance(*values: float) -> float:
    """What a sum of exact integrals of these sizes may be off by."""
    return sum(max(EXACT, 1e-5 * abs(value)) for value in values)


@given(wild_mixtures(), betas, seeds)
@settings(max_examples=300)
def test_any_mixture_samples_and_scores_finitely_at_any_beta(mixture, beta, seed):
    for distribution in (mixture, mixture.sharpen(beta)):
        x = distribution.sample(20, seed)
        assert x.shape == (20, mixture.dim) and np.isfinite(x).all()
        assert np.isfinite(distribution.log_prob(x)).all()
        np.testing.assert_allclose(distribution.responsibilities(x).sum(axis=1), 1, rtol=1e-9)
        for score in (kd.precision, kd.recall):
            estimate = score(distribution, truth=distribution, n=20, seed=seed)
            assert np.isfinite(estimate.value) and estimate.stderr >= 0


@given(mixtures())
@settings(max_examples=60)
def test_the_score_of_a_mixture_with_itself_is_minus_its_entropy(mixture):
    own = kd.precision(mixture, truth=mixture)
    assert own == kd.recall(mixture, truth=mixture)
    expected = dense_integral(mixture, mixture, 0.1 if mixture.dim == 2 else 1e-3)
    assert own.value == pytest.approx(expected, abs=2 * EXACT)


@given(mixtures())
@settings(max_examples=60)
def test_entropy_lies_between_that_of_the_components_and_that_with_their_weights(mixture):
    """H(x | k) <= H(x) <= H(x, k), and H(x | k) is closed form."""
    _, log_det = np.linalg.slogdet(2 * np.pi * np.e * mixture.covariances)
    within = 0.5 * mixture.weights @ log_det
    entropy = -kd.precision(mixture, truth=mixture).value
    assert within - 2 * EXACT <= entropy <= within + mixture.weight_entropy + 2 * EXACT


@given(families(2))
@settings(max_examples=60)
def test_nobody_covers_the_truth_better_than_the_truth(pair):
    student, truth = pair
    own, other = kd.recall(truth, truth=truth).value, kd.recall(student, truth=truth).value
    assert other <= own + tolerance(own, other)


@given(st.data())
@settings(max_examples=60)
def test_a_density_moves_with_its_space(data):
    mixture = data.draw(mixtures())
    matrix, shift = data.draw(maps(mixture.dim))
    x = mixture.sample(20, 0)
    change = np.log(np.diag(matrix)).sum()
    np.testing.assert_allclose(
        moved(mixture, matrix, shift).log_prob(x @ matrix.T + shift),
        mixture.log_prob(x) - change,
        rtol=1e-6,
        atol=1e-6,
    )


@pytest.mark.parametrize("n", [None, 50])
@given(data=st.data())
@settings(max_examples=40)
def test_differences_of_scores_are_the_same_in_any_coordinates(n, data):
    a, b, truth = data.draw(families(3))
    matrix, shift = data.draw(maps(truth.dim))
    here = (a, b, truth)
    there = [moved(mixture, matrix, shift) for mixture in here]
    for score in (kd.precision, kd.recall):
        one, two = (
            score(p[0], truth=p[2], n=n).value - score(p[1], truth=p[2], n=n).value for p in (here, there)
        )
        sizes = [score(p[i], truth=p[2], n=n).value for p in (here, there) for i in (0, 1)]
        assert one == pytest.approx(two, abs=tolerance(*sizes) if n is None else 1e-6 * np.abs(sizes).max())


@given(mixtures(), betas, betas)
@settings(max_examples=300)
def test_sharpening_never_raises_the_entropy(mixture, one, two):
    softer, sharper = (mixture.sharpen(beta) for beta in sorted((one, two)))
    assert sharper.weight_entropy <= softer.weight_entropy + 1e-12
    assert 1 - 1e-12 <= sharper.effective_components <= mixture.n_components + 1e-9
    np.testing.assert_array_equal(sharper.weights[mixture.weights == 0], 0)
    assert sharper.weights[mixture.weights.argmax()] == sharper.weights.max()


@given(mixtures(), st.floats(0.1, 1), st.floats(0.1, 4))  # the first lets no weight vanish
@settings(max_examples=100)
def test_sharpening_twice_is_sharpening_by_the_product(mixture, one, two):
    twice, once = mixture.sharpen(one).sharpen(two), mixture.sharpen(one * two)
    np.testing.assert_allclose(twice.weights, once.weights, rtol=1e-9, atol=1e-200)


@given(st.data())
@settings(max_examples=200)
def test_the_likelihood_of_em_never_falls(data):
    x, counts = data.draw(clouds())
    n_components = data.draw(st.integers(1, min(4, np.count_nonzero(counts))))
    covariance = data.draw(st.sampled_from(["full", "diag"]))
    try:
        problem = _points_problem(x[None], counts[None], n_components, covariance)
    except ValueError:  # they coincide, but for the last digits
        assume(False)
    init = None
    if data.draw(st.booleans()):
        width = 10 ** data.draw(st.floats(-6, 3))  # from below the floor to far above the points
        factors = width * (np.eye(x.shape[1]) + np.tril(np.ones((x.shape[1],) * 2), -1))
        means = x[data.draw(st.permutations(range(len(x))))[:n_components]]
        covariances = np.tile(factors @ factors.T, (n_components, 1, 1))
        init = [kd.GaussianMixture(data.draw(weights(n_components)), means, covariances)]
    components, before = _starts(problem, n_components, 1, [0], init), -np.inf
    for _ in range(30):
        step = em_step(problem, components)
        assert np.isfinite(step.log_likelihood).all()
        assert step.log_likelihood >= before - 1e-9 * max(1, abs(before))
        components, before = step.components, step.log_likelihood
