import math

import numpy as np
import pytest
from mixtures import MODES, dense_integral, paper_truth, random_mixture

import kdlite as kd
from kdlite.distribution import ratio_estimate, stream_seed


def test_precision_samples_the_student_and_recall_the_truth():
    truth, student = paper_truth(0.25), kd.fit_mixture(paper_truth(0.25), 1)
    assert kd.precision(student, truth=truth).value == pytest.approx(
        dense_integral(student, truth, 0.02), abs=1e-3
    )
    assert kd.recall(student, truth=truth).value == pytest.approx(
        dense_integral(truth, student, 0.05), abs=1e-3
    )


def test_the_truths_own_score_is_the_pencil_value():
    value = kd.precision(paper_truth(), truth=paper_truth()).value
    assert value == pytest.approx(math.log(1 / 8) - math.log(2 * math.pi * 0.025) - 1, abs=0.01)


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("ratio", [1, 10, 20])
@pytest.mark.parametrize("wide", ["sampled", "scored", "both"])
def test_exact_agrees_with_a_dense_grid(dim, ratio, wide):
    rng = np.random.default_rng([dim, ratio])
    narrow, broad = (1 / ratio, 1.2 / ratio), (0.8, 1.0)
    sampled = random_mixture(rng, 3, dim, narrow if wide == "scored" else broad, 2.0)
    scored = random_mixture(
        rng, 4, dim, broad if wide == "scored" else narrow if wide == "sampled" else (0.5, 1), 2.0
    )
    value = kd.precision(sampled, truth=scored).value
    expected = dense_integral(sampled, scored, 0.015 if dim == 2 else 1e-4)
    assert value == pytest.approx(expected, abs=max(1e-3, 1e-5 * abs(expected)))


def test_exact_sees_a_needle_inside_a_broad_component():
    broad = kd.GaussianMixture([1.0], [[0.0, 0.0]], [np.eye(2)])
    needle = kd.GaussianMixture([0.5, 0.5], [[0.0, 0.0], [0.31, 0.17]], [np.eye(2), 0.0025 * np.eye(2)])
    assert kd.precision(broad, truth=needle).value == pytest.approx(
        dense_integral(broad, needle, 0.01), abs=1e-3
    )


def test_a_student_far_from_every_mode_scores_right_and_not_minus_infinity():
    far = kd.GaussianMixture([1.0], [[500.0, 0.0]], [0.025 * np.eye(2)])
    estimate = kd.precision(far, truth=paper_truth())
    assert paper_truth().log_prob(np.array([[500.0, 0.0]]))[0] == pytest.approx(estimate.value, rel=1e-4)
    assert estimate.value == pytest.approx(dense_integral(far, paper_truth(), 0.05), rel=1e-5)


def test_one_scored_gaussian_is_closed_form_in_any_dimension():
    rng = np.random.default_rng(0)
    sampled, scored = random_mixture(rng, 3, 5, (0.5, 1), 1.0), random_mixture(rng, 1, 5, (0.5, 1), 1.0)
    exact, drawn = kd.precision(sampled, truth=scored), kd.precision(sampled, truth=scored, n=100_000)
    assert exact.stderr == 0 and exact.n == 0
    assert abs(exact.value - drawn.value) < 5 * drawn.stderr


def test_monte_carlo_covers_the_exact_value_as_often_as_it_says():
    truth = paper_truth(0.25)
    student = kd.fit_mixture(truth, 2)
    exact = kd.recall(student, truth=truth).value
    runs = [kd.recall(student, truth=truth, n=400, seed=seed) for seed in range(200)]
    covered = sum(abs(run.value - exact) < 2 * run.stderr for run in runs)
    assert 180 <= covered <= 199
    assert all(run.n == 400 for run in runs)


@pytest.mark.parametrize(("score", "name"), [(kd.precision, "precision"), (kd.recall, "recall")])
def test_samples_are_drawn_on_the_stream_of_their_score(score, name):
    truth, student = paper_truth(0.25), kd.fit_mixture(paper_truth(0.25), 2)
    sampled, scored = (student, truth) if name == "precision" else (truth, student)
    expected = ratio_estimate(scored.log_prob(sampled.sample(50, stream_seed(0, name))), np.ones(50))
    assert score(student, truth=truth, n=50) == score(student, truth=truth, n=50, seed=0) == expected


def test_ratio_estimate_against_the_bootstrap():
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 20, 500).astype(float)
    log_probs = -2.0 * sizes + rng.normal(size=500) * np.sqrt(sizes)
    estimate = ratio_estimate(log_probs, sizes)
    picks = rng.integers(0, 500, (4000, 500))
    ratios = log_probs[picks].sum(1) / sizes[picks].sum(1)
    assert estimate.value == pytest.approx(log_probs.sum() / sizes.sum())
    assert estimate.stderr == pytest.approx(ratios.std(), rel=0.08)


def test_ratio_estimate_by_hand():
    """Ratio 3 / 4; residuals 1/4 and -1/4 over sizes 1 and 3, of mean 2: sqrt((1/16 + 1/16) / 1 / 2) / 2 = 1/8."""
    assert ratio_estimate(np.array([1.0, 2.0]), np.array([1.0, 3.0])) == (0.75, 0.125, 2)


def test_one_sample_has_no_known_error():
    assert ratio_estimate(np.array([-3.0]), np.array([2.0])) == (-1.5, math.inf, 1)


def test_an_estimate_is_written_with_its_error_unless_it_is_exact():
    assert str(kd.Estimate(-1.23456, 0.01, 9)) == "-1.2346 ± 0.0100"
    assert str(kd.Estimate(-1.23456, 0.0, 0)) == "-1.2346"


def test_streams_share_no_draws_with_each_other_or_with_the_seed_itself():
    names = ["precision", "recall", "teacher data", "student data"]
    seeds = [0] + [stream_seed(0, name) for name in names] + [stream_seed(1, name) for name in names]
    assert len(set(seeds)) == len(seeds)
    truth = paper_truth()
    draws = np.concatenate([truth.sample(100, seed) for seed in seeds])
    assert len(np.unique(draws, axis=0)) == len(draws)
    assert stream_seed(3, "recall") == stream_seed(3, "recall")


@pytest.mark.filterwarnings("error")
def test_a_component_that_is_off_is_integrated_without_a_warning():
    """It was given an infinite extent, and infinity times the zeros of its covariance is not a number."""
    truth = kd.GaussianMixture([0.5, 0.5, 0.0], MODES[:3], np.tile(0.1 * np.eye(2), (3, 1, 1)))
    two = kd.GaussianMixture([0.5, 0.5], MODES[:2], np.tile(0.1 * np.eye(2), (2, 1, 1)))
    assert kd.precision(two, truth=truth).value == pytest.approx(kd.precision(two, truth=two).value, abs=1e-9)


class Sampled:
    """Points that can be drawn, and nothing else."""

    def sample(self, n, seed):
        return np.zeros((n, 2))

    def size(self, x):
        return np.ones(len(x))


class Scored:
    """A density, and nothing else."""

    def log_prob(self, x):
        return np.full(len(x), -2.0)


class Integral:
    """A distribution that integrates, and draws nothing."""

    def expect_log_prob(self, scored):
        return -3.0


class Texts(Sampled, Scored):
    """Texts of a language that knows which others it is like."""

    def __init__(self, language):
        self.language = self
        self.name = language

    def check_same(self, other, names):
        if self.name != other.name:
            raise ValueError(f"{names[0]} is {self.name}, {names[1]} is {other.name}; draw anew")


def test_each_side_needs_its_own_verb_and_no_other():
    assert (
        kd.precision(Sampled(), truth=Scored(), n=3)
        == kd.recall(Scored(), truth=Sampled(), n=3)
        == (-2.0, 0.0, 3)
    )
    assert kd.precision(Integral(), truth=Scored()) == kd.recall(Scored(), truth=Integral()) == (-3.0, 0.0, 0)
    wrong = r"^{} must be a distribution, got <.*{} object at .*>; pass a mixture or a language model$"
    for score, side, name in (
        (kd.precision, Scored(), "student"),
        (kd.precision, Sampled(), "truth"),
        (kd.recall, Sampled(), "student"),
        (kd.recall, Scored(), "truth"),
    ):
        with pytest.raises(ValueError, match=wrong.format(name, type(side).__name__)):
            score(side, truth=side, n=3)


def test_texts_are_compared_with_texts_of_their_language():
    for score in (kd.precision, kd.recall):
        assert score(Texts("Welsh"), truth=Texts("Welsh"), n=3) == (-2.0, 0.0, 3)
        with pytest.raises(ValueError, match=r"^the student is Welsh, the truth is Breton; draw anew$"):
            score(Texts("Welsh"), truth=Texts("Breton"), n=3)
        for student, truth in ((Texts("Welsh"), paper_truth()), (paper_truth(), Texts("Welsh"))):
            one, other = type(student).__name__, type(truth).__name__
            refusal = f"^a {one} and a {other} have no samples in common; compare points with points, or texts with texts$"
            with pytest.raises(ValueError, match=refusal):
                score(student, truth=truth, n=3)


def test_a_distribution_that_cannot_integrate_asks_for_samples():
    refusal = "^no exact integral over a Texts; pass n, the number of samples to draw$"
    with pytest.raises(ValueError, match=refusal):
        kd.precision(Texts("Welsh"), truth=Texts("Welsh"))
    assert kd.precision(Texts("Welsh"), truth=Texts("Welsh"), n=3).n == 3
