"""The checks themselves: each bad value once, named with its limit and remedy."""

import math
import re

import numpy as np
import pytest

from kdlite import checks

SEVERAL = [np.array([1.0, 2.0]), np.array([]), [1]]
NO_NUMBER = [math.nan, math.inf, -math.inf, 10**400, "3", None, True, 1j, *SEVERAL]
RAGGED = [[0.0, 0.0], [1.0]]


def refused(words, call, *arguments):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        call(*arguments)
    message = str(caught.value)
    assert message.endswith("; do this") and "\n" not in message
    return message


@pytest.mark.parametrize("value", [*NO_NUMBER, 2.5, -1, 2**31], ids=repr)
def test_no_integer(value):
    if not isinstance(value, int) or value != 10**400:  # that one is too large first
        assert checks.show(value) in refused(
            "n must be an integer", checks.check_integer, "n", value, 1, "do this"
        )
    assert checks.check_integer("n", np.int8(1), 1, "do this") == 1


@pytest.mark.parametrize("value", [*NO_NUMBER, -1], ids=repr)
def test_no_number(value):
    arguments = ("x", value, ">= 0", lambda x: x >= 0, "do this")
    assert checks.show(value) in refused("x must be >= 0, got", checks.check_number, *arguments)


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5, None])
def test_no_seed(seed):
    with pytest.raises(ValueError, match="seed must be an integer"):
        checks.check_seed(seed)
    assert checks.check_seed(2**64 - 1) == 2**64 - 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        *[(v, "real numbers") for v in ("abc", RAGGED, np.array([1j]), [["a"]], [[object()]], [[10**400]])],
        (np.array([[0, 0], [np.inf, 0]]), "finite, got inf in row 1"),
        (np.full((2, 2), np.nan), "finite, got nan in row 0"),
        (np.full((2, 2), 1e60), "at most 1e+50 in size, got 1e+60 in row 0"),
    ],
)
def test_no_array(values, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        checks.check_array("x", values, 1e50)


@pytest.mark.parametrize("shape", [(), (3,), (2, 2, 2), (3, 0), (3, 4)])
def test_another_shape(shape):
    message = refused(
        "x must have shape (n, 3)", lambda: checks.check_shape("x", np.zeros(shape), "n", 3, remedy="do this")
    )
    assert str(shape) in message


@pytest.mark.parametrize("path", [3, None, b"a.html", ["a"], "a\0b"])
def test_no_path(path):
    with pytest.raises(ValueError, match=r"must be the name of a file or folder, got .*; pass"):
        checks.check_path("out", path)


@pytest.mark.parametrize("values", ["text", b"a", {"a": 1}, 3, None, np.array(1.0)], ids=repr)
def test_not_several(values):
    refused("xs must be a sequence", checks.check_each, "xs", values, "do this")


def test_another_kind():
    refused("n must be an OSError, got", checks.check_kind, "n", "3", OSError, "do this")
    refused(
        "n must be a str or Path, got 3", checks.check_kind, "n", 3, (str, type("Path", (), {})), "do this"
    )


def test_a_long_value_is_cut_and_stays_on_its_line():
    assert checks.show("a\n" * 100).endswith("…") and len(checks.show(list(range(1000)))) == 80
    assert checks.show("a\nb") == repr("a\nb") and checks.show(10**5000).startswith("an integer of 1661")
