"""Where the runs recorded for the book lie: beside the chapters in the source tree, inside the package in a wheel.

Knows names and files; knows nothing of what a file says, nor of torch.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_FOLDERS = (_PACKAGE / "results", _PACKAGE.parent / "book" / "results")  # of a wheel; of the source tree


def paths() -> dict[str, Path]:
    """The file of each recorded run by its name, in order of names."""
    folder = next(filter(Path.is_dir, _FOLDERS))
    return {path.stem: path for path in sorted(folder.glob("*.json"))}
