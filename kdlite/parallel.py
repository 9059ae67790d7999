"""One function of many things, side by side where the system has threads.

Knows threads; knows nothing of what is computed.
"""

import os
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

T, R = TypeVar("T"), TypeVar("R")


def each(function: Callable[[T], R], things: Iterable[T]) -> list[R]:
    """``function`` of each thing, in order. It pays where numpy lets go of the interpreter's lock."""
    things = list(things)
    if len(things) < 2 or sys.platform == "emscripten":  # a browser lets Python start no thread
        return list(map(function, things))
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, things))
