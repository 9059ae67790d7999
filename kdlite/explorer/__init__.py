"""The slider widget of the book, with a kernel or without one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdlite.explorer.widget import Explorer

__all__ = ["Explorer"]


def __getattr__(name: str) -> object:
    if (
        name == "Explorer"
    ):  # anywidget and matplotlib are slow to import, and rebuilding the family needs neither
        from kdlite.explorer.widget import Explorer

        return Explorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
