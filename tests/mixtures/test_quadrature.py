import numpy as np
import pytest

from kdlite.mixtures.quadrature import expect_normal, normal_nodes


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_nodes_integrate_moments_of_a_standard_normal(dim, shift):
    nodes, weights = normal_nodes(dim, 0.7, shift)
    np.testing.assert_allclose(weights @ nodes, 0, atol=1e-8)
    np.testing.assert_allclose((weights * nodes.T) @ nodes, np.eye(dim), atol=1e-6)
    assert weights @ nodes[:, 0] ** 4 == pytest.approx(3, abs=1e-4)


@pytest.mark.parametrize("dim", [1, 2])
def test_a_crease_is_found(dim):
    values = expect_normal(lambda k, z: 40 * np.abs(z[..., 0] - 0.123), np.ones(1), dim)
    axis = np.linspace(-9, 9, 2_000_001)
    expected = np.trapezoid(40 * np.abs(axis - 0.123) * np.exp(-0.5 * axis**2), axis) / np.sqrt(2 * np.pi)
    assert values[0] == pytest.approx(expected, abs=1e-3)


def test_each_normal_has_its_own_value_and_weightless_ones_are_left_out():
    values = expect_normal(lambda k, z: (k[:, None] + 1) * z[..., 0] ** 2, np.array([0.5, 0.0, 0.5]), 2)
    np.testing.assert_allclose(values, [1, 0, 3], atol=1e-3)


def test_an_integrand_that_never_settles_is_an_error():
    noise = np.random.default_rng(0)
    with pytest.raises(RuntimeError, match="pass n to sample it"):
        expect_normal(lambda k, z: 1e3 * noise.random(z.shape[:2]), np.ones(1), 1)


def test_where_nothing_weighs_nothing_is_integrated():
    found = expect_normal(lambda k, z: z[..., 0], np.zeros(3), 1)
    np.testing.assert_array_equal(found, np.zeros(3))
