"""What input has to be, and the one line that says so where it is not: the value, the limit and the remedy.

Knows values; knows nothing of what they are for.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

_SHOWN = 80  # characters of a value in an error


def check_seed(seed: int) -> int:
    """``seed`` as an int from 0 to 2**64 - 1, or a ValueError."""
    return check_integer("seed", seed, 0, "every draw has an explicit seed, and 0 is one", most=2**64 - 1)


def check_integer(name: str, value: int, least: int, remedy: str, most: int = 2**31 - 1) -> int:
    """``value`` as an int from ``least`` to ``most``, or a ValueError that names it and says what to do."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        limit = f"<= {most}" if whole and value > most else f">= {least}"
        raise ValueError(f"{name} must be an integer {limit}, got {show(value)}; {remedy}")
    return int(value)


def check_number(name: str, value: float, limit: str, within: Callable[[float], bool], remedy: str) -> float:
    """``value`` as a finite float that is ``within`` the limit, or a ValueError that names it and says what to do."""
    number = math.nan
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        with suppress(OverflowError):
            number = float(value)
    if not (math.isfinite(number) and within(number)):
        raise ValueError(f"{name} must be {limit}, got {show(value)}; {remedy}")
    return number


def check_beta(beta: float) -> float:
    """``beta`` as a float, or a ValueError if it is negative, infinite or not a number."""
    return check_number(
        "beta", beta, "a finite number >= 0", lambda b: b >= 0, "1 leaves the distribution unchanged"
    )


def check_real(name: str, values: ArrayLike) -> np.ndarray:
    """``values`` as float64, NaN and infinities among them, or a ValueError unless they are real numbers."""
    try:
        array = np.asarray(values)
        array = array.astype(np.float64, copy=False) if array.dtype.kind in "biufO" else None
    except (TypeError, ValueError, OverflowError):  # text, ragged lists, objects, integers beyond all floats
        array = None
    if array is None:
        raise ValueError(
            f"{name} must be an array of real numbers, got {show(values)}; give every row the same length"
        )
    return array


def check_array(name: str, values: ArrayLike, largest: float) -> np.ndarray:
    """``values`` as float64, or a ValueError unless they are real, finite and of at most this size: beyond it squares
    overflow.
    """
    array = check_real(name, values)
    if array.size and not np.abs(array).max() <= largest:
        wrong = ~(np.abs(array) <= largest)
        at, worst = np.argwhere(wrong)[0].tolist(), array[wrong][0]
        limit = f"at most {largest:g} in size" if math.isfinite(worst) else "finite"
        where = f" in row {at[0]}" if at else ""
        raise ValueError(
            f"{name} must be {limit}, got {worst}{where}; leave such values out, or change their unit"
        )
    return array


def check_shape(name: str, array: np.ndarray, *shape: int | str, remedy: str) -> None:
    """Nothing, or a ValueError for another shape; a letter stands for any number of at least 1."""
    if array.ndim != len(shape) or not all(
        found == wanted if isinstance(wanted, int) else found
        for found, wanted in zip(array.shape, shape, strict=True)
    ):
        wanted = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}; {remedy}")


def check_path(name: str, path: str | Path) -> Path:
    """``path`` as a Path, or a ValueError for what can name no file."""
    if not isinstance(path, str | Path) or "\0" in str(path):
        raise ValueError(
            f"{name} must be the name of a file or folder, got {show(path)}; pass text or a Path"
        )
    return Path(path)


def check_kind(name: str, value: object, kind: type | tuple[type, ...], remedy: str) -> None:
    """Nothing, or a ValueError if ``value`` is of another kind."""
    if not isinstance(value, kind):
        kinds = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        article = "an" if kinds[0] in "AEIOU" else "a"
        raise ValueError(f"{name} must be {article} {kinds}, got {show(value)}; {remedy}")


def check_each(name: str, values: Iterable, remedy: str) -> list:
    """``values`` as a list, or a ValueError if they are text, or not several."""
    single = isinstance(values, str | bytes | Mapping) or getattr(values, "ndim", 1) == 0
    if single or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be a sequence, got {show(values)}; {remedy}")
    return list(values)


def show(value: object) -> str:
    """A value in an error's one line: what ``repr`` says, cut where it is long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # an integer of more digits than Python writes
        text = f"an integer of {value.bit_length()} bits"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def freeze(thing: object, **arrays: np.ndarray) -> None:
    """Give a frozen dataclass arrays that nobody can write to."""
    for name, array in arrays.items():
        array.setflags(write=False)
        object.__setattr__(thing, name, array)


def one_line(error: Exception) -> str:
    """What an error says, without its advice on the lines after the first."""
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
