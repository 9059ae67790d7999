"""What can be drawn, and the one line that says so where something cannot.

Knows values and names; draws nothing.
"""

from collections.abc import Container, Iterable, Mapping, Sequence

import numpy as np
from matplotlib.colors import is_color_like
from numpy.typing import ArrayLike

from kdlite.checks import check_each, check_kind, check_real, check_shape, show
from kdlite.mixtures.mixture import GaussianMixture, check_points


def check_table(name: str, table: Mapping, most: int | None = None) -> Mapping:
    """``table``, or a ValueError unless it is a mapping with something to draw, and of at most so many entries."""
    check_kind(name, table, Mapping, "give what is drawn its label")
    if not 1 <= len(table) <= (most or len(table)):
        limit = f"1 to {most} entries" if most else "an entry at least"
        raise ValueError(f"{name} must have {limit}, got {len(table)}; choose what to draw")
    return table


def check_values(name: str, values: ArrayLike, *shape: int | str) -> np.ndarray:
    """``values`` as an array of real numbers of this shape, see ``check_shape``; a number that is not finite is a gap."""
    array = check_real(name, values)
    check_shape(name, array, *shape, remedy="give each place one number")
    return array


def check_name(name: str, value: object, known: Iterable[str]) -> None:
    """Nothing, or a ValueError for a name that means nothing here."""
    if value not in (known := list(known)):
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {show(value)}; choose one of them")


def check_colour(name: str, value: object, named: Container[str]) -> None:
    """Nothing, or a ValueError for what is neither the name of a distribution nor a colour."""
    if not (isinstance(value, str) and (value in named or is_color_like(value))):
        raise ValueError(
            f"the colour of {name} must be one, or a distribution's name, got {show(value)}; truth, teacher, student "
            "and direct have theirs"
        )


def check_parts(name: str, parts: Sequence, least: int, most: int) -> list:
    """``parts`` as a list, or a ValueError unless there are ``least`` to ``most``."""
    remedy = "pass values, colour name" + (", line style" if most > 2 else "")
    found = check_each(name, parts, remedy)
    if not least <= len(found) <= most:
        raise ValueError(f"{name} must have {least} to {most} parts, got {len(found)}; {remedy}")
    return found


def check_planar(name: str, what: GaussianMixture | np.ndarray) -> None:
    """Nothing, or a ValueError unless this is a mixture in the plane, or points of it."""
    check_kind(name, what, (GaussianMixture, np.ndarray), "pass a mixture, or points (n, 2)")
    if isinstance(what, np.ndarray):
        check_points(what, 2)
    elif what.dim != 2:
        raise ValueError(f"{name} must lie in the plane, got dimension {what.dim}; use a mixture in 2")
