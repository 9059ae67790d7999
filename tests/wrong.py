"""One wrong value for each parameter of a call, and what its refusal must be."""

import inspect
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from traitlets import TraitError

import kdlite

PACKAGE = str(Path(kdlite.__file__).parent)


class Wrong:
    """Right nowhere."""

    def __repr__(self) -> str:
        return "a wrong value"


def public(*modules: ModuleType) -> set[str]:
    """Names that modules offer and that can be called."""
    return {name for module in modules for name in module.__all__ if callable(getattr(module, name))}


def cases(good: dict[Callable, dict], free: set[str]) -> list:
    """Each parameter of each call, those of which anything can be shown left out."""
    return [
        pytest.param(call, arguments, name, id=f"{call.__qualname__}-{name}")
        for call, arguments in good.items()
        for name in inspect.signature(call).parameters
        if not free & {name, f"{call.__qualname__}-{name}"}
    ]


def check(call: Callable, arguments: dict, name: str) -> None:
    """The call with one wrong argument is refused, in one line, by the package, naming the value."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((ValueError, TypeError, TraitError)) as caught:
            _carry_out(call, arguments | {name: Wrong()})
    message = str(caught.value)
    last = traceback.extract_tb(caught.value.__traceback__)[-1].filename
    assert isinstance(caught.value, TraitError) or last.startswith(PACKAGE), f"refused by {last}: {message}"
    said = (
        "a wrong value" in message or "got ()" in message
    )  # the value, or where a table is wanted its shape
    assert said and "\n" not in message and len(message) <= 500, message


def _carry_out(call: Callable, arguments: dict) -> None:
    found = call(**arguments)
    if inspect.isgenerator(found):
        next(found)
