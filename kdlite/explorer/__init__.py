"""The slider widget of the book, with a kernel or without one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdlite.explorer.widget import Explorer

__all__ = ["Explorer"]


def __getattr__(name: str) -> object:
    # anywidget and matplotlib are slow to import, and rebuilding the family needs neither.
    if name == "Explorer":
        from kdlite.explorer.widget import Explorer

        return Explorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
