import math

import numpy as np
import pytest
from sklearn.decomposition import PCA

from kdlite.texts.geometry import Plane, coverage


def cloud(n, size=6, seed=0, centre=0.0):
    """Points that spread differently along each axis."""
    rng = np.random.default_rng(seed)
    return (centre + rng.normal(size=(n, size)) * np.arange(size, 0, -1)).astype(np.float32)


def slow_coverage(points, truth, k):
    """By the definition, a distance at a time."""
    covered = 0
    for i, x in enumerate(truth):
        radius = sorted(math.dist(x, y) for j, y in enumerate(truth) if j != i)[k - 1]
        covered += min(math.dist(x, y) for y in points) <= radius
    return covered / len(truth)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("m", [1, 20, 90])
def test_coverage_is_what_its_definition_says(k, m):
    truth, points = cloud(60), cloud(m, seed=1, centre=1.0)
    found = coverage(points, truth, k)
    assert found.value == slow_coverage(points, truth, k)
    assert found.n == 60
    assert found.stderr == pytest.approx(math.sqrt(found.value * (1 - found.value) / 60))


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_a_second_cloud_of_the_same_distribution_covers_all_but_a_known_share(k):
    """None of n further points is nearer than the k-th of n - 1: the k nearest of all are of the first cloud."""
    n = 1500
    found = coverage(cloud(n, seed=1), cloud(n, seed=2), k)
    expected = 1 - np.prod([(n - 1 - j) / (2 * n - 1 - j) for j in range(k)])
    assert expected == pytest.approx(1 - 2**-k, abs=1e-3)
    assert abs(found.value - expected) < 4 * found.stderr


def test_coverage_of_one_of_two_modes_is_its_share():
    near, far = cloud(300, seed=1), cloud(100, seed=2, centre=1000.0)
    found = coverage(cloud(400, seed=3), np.concatenate([near, far]))
    assert found.value == pytest.approx(0.75, abs=0.03)
    assert coverage(far, near).value == 0


def test_texts_that_occur_again_and_again_cover_themselves():
    """More than k equal points have no distance to their k-th neighbour: nothing is nearer than that."""
    truth = np.repeat(cloud(30), 7, axis=0)
    rounded = truth + np.random.default_rng(0).normal(size=truth.shape).astype(np.float32) * 1e-6
    for points in (truth, truth[::-1], rounded, truth[::7]):
        assert coverage(points, truth).value == coverage(points, rounded).value == 1
    assert coverage(cloud(30, seed=5), truth).value == 0


def test_coverage_does_not_depend_on_where_the_clouds_are():
    """Squared distances are differences of large numbers there."""
    truth, points = cloud(200).astype(np.float64), cloud(200, seed=1).astype(np.float64)
    assert coverage(points + 1000, truth + 1000) == coverage(points, truth)


def test_too_few_points():
    with pytest.raises(ValueError, match="k must be below the number of the truth's points, got 5 and 5"):
        coverage(cloud(9), cloud(5), 5)
    with pytest.raises(ValueError, match="at least 3 points, got 2"):
        Plane.of(cloud(2))


@pytest.mark.parametrize(("n", "size"), [(200, 6), (5, 40), (3, 2)])
def test_a_plane_is_that_of_principal_components(n, size):
    points = cloud(n, size) + 7
    plane, expected = Plane.of(points), PCA(2, svd_solver="full").fit(points.astype(np.float64))
    signs = np.sign(np.sum(plane.axes * expected.components_, axis=1))
    np.testing.assert_allclose(plane.centre, expected.mean_, rtol=1e-6)
    np.testing.assert_allclose(plane.axes, signs[:, None] * expected.components_, atol=1e-6)
    np.testing.assert_allclose(plane.share, expected.explained_variance_ratio_, rtol=1e-6)
    np.testing.assert_allclose(plane.project(points), signs * expected.transform(points), atol=1e-5)
    np.testing.assert_allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-12)
    assert (plane.axes.sum(axis=1) >= 0).all()


def test_an_axis_that_points_nowhere_more_than_elsewhere_is_an_axis():
    points = np.array([[1.0, -1, 0, 0], [-1, 1, 0, 0], [0, 0, 0.5, -0.5], [0, 0, -0.5, 0.5]])
    np.testing.assert_allclose(
        np.abs(Plane.of(points).axes), [[0.5**0.5] * 2 + [0] * 2, [0] * 2 + [0.5**0.5] * 2]
    )
