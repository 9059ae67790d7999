"""The slider widgets of the book, with a kernel or without one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdlite.explorer.threads import Threads
    from kdlite.explorer.widget import Explorer

__all__ = ["Explorer", "Threads"]


def __getattr__(name: str) -> object:
    # anywidget and matplotlib are slow to import, and rebuilding the family needs neither.
    if name == "Explorer":
        from kdlite.explorer.widget import Explorer

        return Explorer
    if name == "Threads":
        from kdlite.explorer.threads import Threads

        return Threads
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
