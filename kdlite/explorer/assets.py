"""The scripts and styles of the widgets, as text.

Knows where they lie; knows nothing of what they do.
"""

from importlib import resources


def read(*names: str) -> str:
    """These files of the package, one after the other."""
    folder = resources.files("kdlite.explorer")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)
