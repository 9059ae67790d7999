"""Bad calls as data, and what every refusal must be: one line by the package itself, and nothing left behind.

The first word of a case is the public name that is called, so that a table can be seen to leave none out.
"""

import inspect
import math
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import ClassVar, NamedTuple

import numpy as np
import pytest
from traitlets import TraitError

import kdlite
from kdlite.checks import show

PACKAGE = str(Path(kdlite.__file__).parent)
# The last by a widget, whose settings its library checks.
REFUSALS = (ValueError, TypeError, OSError, TraitError)
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


def truncations(name: str, call: Callable) -> Iterator[Case]:
    """The three numbers that say what is kept."""
    yield from integer(f"{name} top_k", lambda v: call(top_k=v), but=("None",))
    for key in ("top_p", "min_p"):
        yield from number(
            f"{name} {key}",
            partial(lambda k, v: call(**{k: v}), key),
            "in (0, 1]",
            but=("None",),
            zero=0,
            large=1.5,
        )


def array(name: str, call: Callable, *, but: tuple[str, ...] = ()) -> Iterator[Case]:
    """An array of points with every bad value."""
    for label, (value, words) in ARRAYS.items():
        if label not in but:
            yield Case(f"{name} = {label}", lambda _, v=value: call(v), (words, "; "))


def paths(name: str, call: Callable, but: tuple[str, ...] = ()) -> Iterator[Case]:
    """The name of a file or folder with what can name neither."""
    bad = {"number": 3, "None": None, "bytes": b"a.html", "list": ["a"], "null byte": "a\0b"}
    yield from each(name, call, bad, "must be the name of a file or folder", "; pass", but=but)


def pages(name: str, call: Callable) -> Iterator[Case]:
    """A page to write, ``call(path, title=title)``, with what none can be called."""
    for title in (None, 3, b"a", ["a"]):
        yield refuses(
            f"{name} title = {title!r}",
            lambda folder, t=title: call(folder / "a.html", title=t),
            "title must be a str, got",
            "; ",
        )
    yield from paths(f"{name} path", call)
    long, here = "x" * 300, Path(__file__)
    yield refuses(f"{name} to a folder", lambda folder: call(folder), "is a folder; choose")
    yield refuses(
        f"{name} to a long name", lambda folder: call(folder / long), "File name too long", "; choose"
    )
    yield refuses(f"{name} below a file", lambda: call(here / "a.html"), "is, or is in, a file; choose")
    if sys.platform == "linux":  # where nobody may write, not even root
        yield refuses(f"{name} to a closed place", lambda: call("/proc/a.html"), "in /proc", "; choose")


def public(module: ModuleType, prefix: str = "", names: Iterable[str] | None = None) -> Iterator[str]:
    """The functions and classes that a module offers, or those named, and methods of the classes that take an argument."""
    if names is None:
        own = [
            n for n, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == module.__name__
        ]
        names = getattr(module, "__all__", [name for name in own if not name.startswith("_")])
    for name in names:
        thing = getattr(module, name)
        if callable(thing):
            yield f"{prefix}{name}"
        if inspect.isclass(thing):
            own = [part for c in thing.__mro__ if c.__module__.startswith("kdlite") for part in vars(c)]
            for part in dict.fromkeys(own):
                method = inspect.getattr_static(thing, part)
                function = getattr(method, "__func__", method)
                if not part.startswith("_") and inspect.isfunction(function):
                    free = not isinstance(method, staticmethod)
                    if len(inspect.signature(function).parameters) > free:
                        yield f"{prefix}{name}.{part}"


class BadCalls:
    """The tests of a table of bad calls, for a class that holds the table."""

    cases: tuple[Case, ...]
    names: tuple[str, ...]  # that are public
    harmless: ClassVar[dict[str, str]] = {}  # names that the table leaves out, with the reason

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "case" in metafunc.fixturenames:
            metafunc.parametrize("case", self.cases, ids=[case.name for case in self.cases])

    def test_a_bad_call_is_refused_in_one_line(self, case, tmp_path, record_property):
        check(case, tmp_path, record_property)

    def test_every_public_name_has_a_bad_call(self):
        called = {case.name.split()[0] for case in self.cases}
        assert set(self.names) - called - set(self.harmless) == set()
        assert called & set(self.harmless) == set() and set(self.harmless) <= set(self.names)

    def test_no_two_bad_calls_are_alike(self):
        names = [case.name for case in self.cases]
        assert [name for name in names if names.count(name) > 1] == []


def check(case: Case, folder: Path, record: Callable[[str, object], None]) -> None:
    """The call is refused as it should be."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(REFUSALS) as caught:
            case.call(folder)
    message = str(caught.value)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    stack = traceback.walk_tb(caught.value.__traceback__)
    passed = {part for frame, _ in stack for part in frame.f_code.co_qualname.split(".")}
    assert case.name.split()[0].rpartition(".")[2] in passed, (
        "the case calls something else than its name says"
    )
    own = isinstance(caught.value, TraitError) or last.filename.startswith(PACKAGE)
    assert own, f"refused by {last.filename}, not by the package: {message}"
    check_line(message, case.says)
    assert list(folder.rglob("*")) == [], "something was written"
    record("refused", [case.name, message])


def check_line(message: str, says: tuple[str, ...]) -> None:
    """One line, not too long, with all that it must say."""
    assert "\n" not in message and 0 < len(message) <= LONGEST, message
    assert [part for part in says if part not in message] == [], message
