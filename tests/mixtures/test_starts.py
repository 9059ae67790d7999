import numpy as np
import pytest
from mixtures import paper_truth

import kdlite as kd
from kdlite.mixtures.starts import kmeans_centres, merge_components


def test_every_point_has_one_owner_and_weightless_points_draw_no_centre():
    x = np.concatenate([np.zeros((10, 2)), 5 + np.zeros((10, 2)), [[99.0, 99.0]]])[None]
    weights = np.concatenate([np.ones(20), [0.0]])[None]
    for owner in kmeans_centres(x, weights, 2, 5, [0]):
        assert owner.shape == (1, 2, 21)
        np.testing.assert_array_equal(owner.sum(axis=1), 1)
        assert owner[0, 0, :10].all() != owner[0, 0, 10:20].all()


def test_merging_keeps_the_moments():
    truth = paper_truth(0.25)
    merged = merge_components(truth, 3)
    np.testing.assert_allclose(merged.weights @ merged.means, truth.weights @ truth.means)
    one, direct = merge_components(merged, 1), merge_components(truth, 1)
    np.testing.assert_allclose(one.covariances, direct.covariances, atol=1e-12)


def test_the_cheapest_pair_is_merged_even_when_its_weight_is_tiny():
    means = [[0.0, 0.0], [5.0, 0.0], [5.2, 0.0]]
    mixture = kd.GaussianMixture([1.0, 1e-60, 1e-60], means, np.tile(np.eye(2), (3, 1, 1)))
    merged = merge_components(mixture, 2)
    np.testing.assert_allclose(merged.means[np.argmin(merged.weights)], [5.1, 0.0])
    assert merged.weights.min() == pytest.approx(2e-60)
