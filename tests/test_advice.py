import itertools
import math

import numpy as np
import pytest
from mixtures import paper_truth, random_mixture

import kdlite as kd
from kdlite.advice import _rising

TAUS = np.array([0.4, 0.6, 0.8, 0.9, 1.0])
LINE = -4 + 2 * TAUS  # meets -2.5 at 0.75


def estimates(values, stderr):
    return [kd.Estimate(value, stderr, 100) for value in values]


def test_half_the_error_takes_four_times_the_samples():
    pilot = kd.Estimate(-2.0, 0.1, 100)
    assert kd.samples_needed(pilot, 0.05) == 400
    assert kd.samples_needed(pilot, 0.1) == 100
    assert kd.samples_needed(pilot, 0.0999) == 101
    assert kd.samples_needed(pilot, 10.0) == 2
    assert isinstance(kd.samples_needed(pilot, np.float64(0.05)), int)


def test_the_samples_asked_for_bring_the_error_asked_for():
    student, truth = random_mixture(np.random.default_rng(0), 2, 2, (0.5, 1), 1.0), paper_truth()
    n = kd.samples_needed(kd.recall(student, truth=truth, n=1000, seed=0), 0.01)
    values = [kd.recall(student, truth=truth, n=n, seed=seed).value for seed in range(1, 81)]
    assert np.std(values, ddof=1) == pytest.approx(0.01, rel=4 / math.sqrt(2 * 80))


def test_a_line_meets_the_floor_where_it_should():
    choice = kd.choose_tau(TAUS, estimates(LINE, 0.0), -2.5)
    assert choice[:3] == pytest.approx((0.75, 0.75, 0.75))
    np.testing.assert_allclose(choice.recalls, LINE)
    shuffled = [3, 0, 4, 1, 2]
    assert kd.choose_tau(TAUS[shuffled], estimates(LINE[shuffled], 0.0), -2.5)[:3] == choice[:3]
    assert kd.choose_tau(TAUS, estimates(LINE, 0.0), LINE[0]).tau == TAUS[0]
    assert kd.choose_tau(TAUS, estimates(LINE, 0.0), LINE[-1]).tau == TAUS[-1]


def test_of_a_flat_stretch_the_lowest_tau_is_chosen():
    assert kd.choose_tau(TAUS, estimates([-4, -3, -3, -3, -2], 0.0), -3).tau == pytest.approx(0.6)


def test_the_rising_curve_is_the_closest():
    """Against every way to cut the taus into blocks that share their mean."""
    rng = np.random.default_rng(0)
    for values in rng.normal(size=(20, 5)):
        fits = []
        for cuts in itertools.product([False, True], repeat=4):
            blocks = np.split(values, 1 + np.flatnonzero(cuts))
            fits.append(np.concatenate([np.full(len(b), b.mean()) for b in blocks]))
        rising = [fit for fit in fits if (np.diff(fit) >= 0).all()]
        closest = min(rising, key=lambda fit: np.sum((fit - values) ** 2))
        np.testing.assert_allclose(_rising(values), closest, atol=1e-12)


def test_a_higher_floor_takes_a_higher_tau():
    pilot = estimates([-3.2, -2.9, -2.3, -2.4, -2.0], 0.05)  # falls once, by noise
    choices = [kd.choose_tau(TAUS, pilot, floor) for floor in np.linspace(-3.1, -2.1, 11)]
    for end in ("tau", "low", "high"):
        assert (np.diff([getattr(choice, end) for choice in choices]) >= 0).all()
    assert all(choice.low <= choice.tau <= choice.high for choice in choices)


def test_more_noise_or_more_confidence_widens_the_interval():
    def width(stderr, level):
        choice = kd.choose_tau(TAUS, estimates(LINE, stderr), -2.5, level=level)
        return choice.high - choice.low

    assert width(0.02, 0.95) < width(0.04, 0.95) < width(0.04, 0.99)


@pytest.mark.parametrize("stderr", [0.02, 0.08])
def test_the_interval_of_estimates_covers_as_often_as_it_says(stderr):
    rng, n = np.random.default_rng(0), 400
    pilots = LINE + stderr * rng.normal(size=(n, 5))
    covered = 0
    for seed, pilot in enumerate(pilots):
        choice = kd.choose_tau(TAUS, estimates(pilot, stderr), -2.5, level=0.9, n_boot=400, seed=seed)
        covered += choice.low <= 0.75 <= choice.high
    assert covered / n == pytest.approx(0.9, abs=4 * math.sqrt(0.9 * 0.1 / n))


@pytest.mark.parametrize("n_seeds", [3, 5])
def test_the_interval_of_few_seeds_covers_as_often_as_it_says(n_seeds):
    """Seeds differ as wholes and point by point; normals in place of Student's t would cover too rarely."""
    rng, n, covered = np.random.default_rng(1), 400, 0
    for seed in range(n):
        table = LINE + 0.05 * rng.normal(size=(n_seeds, 1)) + 0.05 * rng.normal(size=(n_seeds, 5))
        choice = kd.choose_tau(TAUS, table, -2.5, level=0.9, n_boot=400, seed=seed)
        covered += choice.low <= 0.75 <= choice.high
    assert covered / n == pytest.approx(0.9, abs=4 * math.sqrt(0.9 * 0.1 / n))


def test_the_interval_says_when_it_leaves_the_pilot():
    pilot = estimates(LINE, 0.3)
    assert kd.choose_tau(TAUS, pilot, -3.1).low == 0.0
    assert kd.choose_tau(TAUS, pilot, -2.1).high == math.inf


def test_a_sweep_is_a_pilot_and_the_student_it_names_meets_the_floor():
    truth, components = paper_truth(0.25), {"teacher_components": 4, "student_components": 1}
    taus, floor = np.linspace(0.2, 1, 9), -2.8
    pilot = kd.sweep(truth, betas=1 / taus, **components)
    exact = [kd.Estimate(value, 0.0, 0) for value in pilot.distilled.recall[0]]
    tau = kd.choose_tau(taus, exact, floor).tau
    check = kd.sweep(truth, betas=[1 / tau], **components)
    assert check.distilled.recall[0, 0] == pytest.approx(floor, abs=0.1)  # straight lines between taus
