"""Reading a curve of a frontier at a recall, against interpolation by numpy and against lines drawn by hand."""

import numpy as np
import pytest

import kdlite as kd


def test_of_a_monotone_curve_it_is_interpolation():
    rng = np.random.default_rng(0)
    recall, precision = np.sort(rng.normal(size=(3, 8))), rng.normal(size=(3, 8))
    at = np.append(np.linspace(recall.min() - 1, recall.max() + 1, 50), recall[1])
    expected = [
        np.interp(at, r, p, left=np.nan, right=np.nan) for r, p in zip(recall, precision, strict=True)
    ]
    for order in (slice(None), slice(None, None, -1)):
        found = kd.Curve(precision[:, order], recall[:, order]).at_recall(at)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_recall_that_is_passed_twice_counts_with_the_higher_precision():
    curve = kd.Curve(np.array([0.0, 4.0, 1.0]), np.array([-1.0, -3.0, -2.0]))
    np.testing.assert_allclose(curve.at_recall([-1.5, -2, -2.5, -3]), [1, 2, 3, 4])


@pytest.mark.parametrize("recall", [[-1.0, -1.0], [-1.0, -np.inf]])
def test_a_line_straight_up_or_without_end_counts_by_its_points(recall):
    found = kd.Curve(np.array([0.0, 2.0]), np.array(recall)).at_recall([-1, -2])
    np.testing.assert_array_equal(found, [2.0 if recall[1] == -1 else 0.0, np.nan])


def test_one_number_gives_one_precision_for_each_seed():
    curve = kd.Curve(np.array([[0.0, 2.0], [1.0, 1.0]]), np.array([[-1.0, -2.0], [-2.0, -3.0]]))
    np.testing.assert_array_equal(curve.at_recall(-1.5), [1.0, np.nan])
    assert curve.at_recall([]).shape == (2, 0)
