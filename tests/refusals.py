"""Bad calls as data, and what every refusal must be: one line by the package itself, and nothing left behind."""

import inspect
import math
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from traitlets import TraitError

import kdlite
from kdlite.checks import show

PACKAGE = str(Path(kdlite.__file__).parent)
REFUSALS = (
    ValueError,
    TypeError,
    OSError,
    TraitError,
)  # the last by a widget, whose settings its library checks
LONGEST = 500  # characters of a message

# What a number can be that it must not be.
NUMBERS = {
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "huge": 10**400,
    "text": "3",
    "None": None,
    "bool": True,
    "complex": 1j,
    "array": np.array([1.0, 2.0]),
    "empty": np.array([]),
    "list": [1],
}
INTEGERS = NUMBERS | {"fraction": 2.5, "negative": -1}
RAGGED = [[0.0, 0.0], [1.0]]
# What an array of points can be that it must not be, and the words of its refusal.
ARRAYS = {
    "text": ("abc", "real numbers"),
    "None": (None, "must"),
    "ragged": (RAGGED, "real numbers"),
    "complex": (np.array([[1j, 0], [0, 0]]), "real numbers"),
    "strings": ([["a", "b"]], "real numbers"),
    "object": ([[object(), 1]], "real numbers"),
    "nan": (np.full((3, 2), np.nan), "finite, got nan in row 0"),
    "inf": (np.array([[0, 0], [np.inf, 0]]), "finite, got inf in row 1"),
    "huge": (np.full((2, 2), 1e60), "at most 1e+50 in size, got 1e+60"),
    "beyond floats": ([[10**400, 0]], "real numbers"),
    "scalar": (1.0, "must"),
    "line": (np.zeros(3), "must"),
    "cube": (np.zeros((2, 2, 2)), "must"),
    "no columns": (np.zeros((3, 0)), "must"),
}


class Case(NamedTuple):
    """A call that is refused."""

    name: str
    call: Callable[[Path], object]  # in an empty folder
    says: tuple[str, ...]  # parts of the message


def refuses(name: str, call: Callable, *says: str) -> Case:
    """A case whose call takes a folder, or nothing."""
    takes = "folder" in inspect.signature(call).parameters
    return Case(name, call if takes else lambda _: call(), says)


def each(name: str, call: Callable, values: dict, *says: str, but: tuple[str, ...] = ()) -> Iterator[Case]:
    """One argument with every bad value: ``call(value)``, or ``call(value, folder)``."""
    two = "folder" in inspect.signature(call).parameters
    for label, value in values.items():
        if label not in but:
            yield Case(
                f"{name} = {label}",
                (lambda folder, v=value: call(v, folder)) if two else (lambda _, v=value: call(v)),
                (*says, show(value)),
            )


def integer(name: str, call: Callable, least: int = 1, *, but: tuple[str, ...] = ()) -> Iterator[Case]:
    """An integer argument with every bad value."""
    values = INTEGERS | ({"zero": 0} if least == 1 else {})
    yield from each(name, call, values, "must be an integer", "; ", but=but)


def number(
    name: str, call: Callable, limit: str, *, but: tuple[str, ...] = (), **more: object
) -> Iterator[Case]:
    """A real argument with every bad value."""
    yield from each(name, call, NUMBERS | more, "must be", limit, "; ", but=but)


def array(name: str, call: Callable, *, but: tuple[str, ...] = ()) -> Iterator[Case]:
    """An array of points with every bad value."""
    for label, (value, words) in ARRAYS.items():
        if label not in but:
            yield Case(f"{name} = {label}", lambda _, v=value: call(v), (words, "; "))


def check(case: Case, folder: Path, record: Callable[[str, object], None]) -> None:
    """The call is refused as it should be."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(REFUSALS) as caught:
            case.call(folder)
    message = str(caught.value)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    own = isinstance(caught.value, TraitError) or last.filename.startswith(PACKAGE)
    assert own, f"refused by {last.filename}, not by the package: {message}"
    check_line(message, case.says)
    assert list(folder.rglob("*")) == [], "something was written"
    record("refused", [case.name, message])


def check_line(message: str, says: tuple[str, ...]) -> None:
    """One line, not too long, with all that it must say."""
    assert "\n" not in message and 0 < len(message) <= LONGEST, message
    assert [part for part in says if part not in message] == [], message
