"""Errors of comparisons, against what is known of them."""

import numpy as np
import pytest

from kdlite.frontier import Curve
from kdlite.runs.comparison import Replicates, estimate, leads


def test_the_error_over_texts_is_that_of_a_mean():
    rng = np.random.default_rng(0)
    nats, size = rng.normal(-3, 0.5, 400), np.ones(400)
    found = Replicates(400, replicates=4000).curve((nats, size), (nats, size))
    for values in found:
        e = estimate(values, 400)
        assert e.value == pytest.approx(nats.mean())
        assert e.stderr == pytest.approx(nats.std(ddof=1) / 20, rel=0.06)


def test_what_two_models_share_on_the_truths_texts_goes_from_their_difference():
    """Recall is paired: a text that is hard for both is no error of what parts them."""
    rng = np.random.default_rng(0)
    hard, size, own = rng.normal(-3, 1, 400), np.ones(400), (np.zeros(400), np.ones(400))
    draws = Replicates(400)
    one, other = (draws.curve(own, (hard + shift, size)).recall for shift in (0.0, 0.1))
    assert estimate(other - one, 400).value == pytest.approx(0.1)
    assert estimate(other - one, 400).stderr < 1e-12


def test_seeds_and_teachers_add_their_own_error():
    """Where all texts are alike, what is left is the spread over seeds: (S - 1) / S of its variance over S."""
    values = np.repeat(np.array([[0.0, 1.0, 2.0, 5.0]])[..., None], 4001, axis=2)
    (mean,) = Replicates(10, replicates=4000).mean(values)
    found = estimate(mean, 4)
    assert found.value == 2.0
    assert found.stderr == pytest.approx(np.array([0, 1, 2, 5]).std() / 2, rel=0.05)


def test_numbers_of_one_comparison_share_their_draws():
    values = np.random.default_rng(0).normal(1, 0.3, (2, 3, 501))
    one, double = Replicates(10, replicates=500).mean(values, 2 * values)
    assert double == pytest.approx(2 * one)


def test_a_lead_is_a_gap_at_the_same_recall():
    base = Curve(np.array([[-4.0, -3.0, -2.0]]), np.array([[-3.0, -3.5, -4.5]]))
    points = Curve(np.array([[-3.0, -2.0]]), np.array([[-3.25, -5.0]]))
    found = leads(points, base)
    assert found[0, 0] == pytest.approx(0.5)
    assert np.isnan(found[0, 1])  # the base has no such recall


def test_a_lead_that_is_mostly_missing_is_none():
    values = np.ones(101)
    assert estimate(values, 1).value == 1
    values[1:10] = np.nan
    assert estimate(values, 1) is None
