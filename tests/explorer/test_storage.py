"""The family's file format: what is written is what is read, and damage is noticed."""

import numpy as np
import pytest

import kdlite as kd
from kdlite.explorer.storage import Family, to_mixture, to_rows

MIXTURE = kd.GaussianMixture(
    [0.25, 0.0, 0.75], [[0, 1], [5, 5], [2, 3]], [np.eye(2), np.eye(2), [[2, 0.5], [0.5, 1]]]
)


def test_family_survives_its_bytes():
    arrays = {"truth": np.arange(12.0).reshape(1, 2, 6), "limits": np.array([[-1.5, 0.25]])}
    family = Family({"profiles": ["mild"], "note": "p*"}, arrays)
    again = Family.from_bytes(family.to_bytes())
    assert again.header == family.header
    for name, array in arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)


def test_mixture_survives_its_rows_without_components_that_are_off():
    again = to_mixture(to_rows(MIXTURE, 4))
    assert again.n_components == 2
    x = np.random.default_rng(0).normal(size=(50, 2))
    np.testing.assert_allclose(again.log_prob(x), MIXTURE.log_prob(x), rtol=1e-12)


@pytest.mark.parametrize(
    "spoil", [lambda b: b[:-1], lambda b: b"", lambda b: b"x" + b[1:], lambda b: b[:-1] + b"x"]
)
def test_damaged_family_says_how_to_rebuild_it(spoil):
    content = Family({"profiles": ["mild"]}, {"limits": np.zeros((1, 2))}).to_bytes()
    with pytest.raises(ValueError, match=r"damaged.*python -m kdlite.explorer.family"):
        Family.from_bytes(spoil(content))


def test_unknown_setting_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'flat' is not among the profiles.*mild"):
        Family({"profiles": ["mild"]}, {}).at("profiles", "flat")
