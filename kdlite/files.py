"""Files that are whole or not there: written in a temporary folder beside their place, flushed, renamed.

Knows paths, and what a disk says when it refuses; knows nothing of what the files mean.
"""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_UNFINISHED = ".unfinished"


def _numbers(names: str) -> set[int]:
    return {getattr(errno, name) for name in names.split() if hasattr(errno, name)}  # no system has them all


_FULL = _numbers("ENOSPC EDQUOT EFBIG")
CLOSED = _numbers("EROFS EACCES EPERM")
_NO_FOLDER = _numbers("EEXIST ENOTDIR")
_NO_FILE = _numbers("ENOENT ENAMETOOLONG")  # where the folder is there
DISK_ERRORS = _FULL | CLOSED | _NO_FOLDER


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path of the same name to write a file to; it becomes ``path`` if the block succeeds, and is removed
    with all that was written beside it if it fails. The file gets the permissions that the user's umask gives to new
    ones.

    Raises:
        OSError: if the disk is full or closed, or ``path`` is a folder, naming the file and its folder.
    """
    with explaining(path.parent, path.name, _NO_FILE):
        taken = path.is_dir()
    if taken:
        raise IsADirectoryError(f"{path} is a folder; choose the name of a file")
    with placing(path.parent, path.name) as temporary:
        yield temporary / path.name
        if not (temporary / path.name).exists():
            raise FileNotFoundError(f"nothing was written to {path}")


@contextmanager
def placing(folder: Path, what: str) -> Iterator[Path]:
    """A temporary folder in ``folder``, whose files and folders are moved there if the block succeeds.

    Args:
        folder: is made if it is not there.
        what: is written, for errors.

    Raises:
        OSError: if the disk is full or closed, naming the folder.
    """
    temporary = folder / f".{what}.{secrets.token_hex(4)}{_UNFINISHED}"
    with explaining(folder, what):
        make(folder)
        try:
            with explaining(folder, what, CLOSED | _NO_FILE):
                temporary.mkdir()
            yield temporary
            mode = temporary.stat().st_mode & 0o666
            for made in sorted(temporary.iterdir()):
                _flush(made, mode)
                os.replace(made, folder / made.name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)  # what went wrong before matters more


def remove_unfinished(folder: Path) -> None:
    """Remove what writers of this folder that were killed have left in it. Folders in it are others', who may be
    writing.
    """
    for left in list(folder.glob(f".*{_UNFINISHED}")):
        if left.is_dir():
            shutil.rmtree(left)


def make(folder: Path) -> None:
    """A folder, if it is not there.

    Raises:
        OSError: if it cannot be made, naming it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in _NO_FOLDER:
            raise NotADirectoryError(f"{folder} is, or is in, a file; choose a folder") from None
        if error.errno in _FULL:
            raise
        raise OSError(
            error.errno, f"{folder} cannot be made ({os.strerror(error.errno)}); choose another folder"
        ) from error


@contextmanager
def explaining(folder: Path, what: str, also: set[int] = frozenset()) -> Iterator[None]:
    """An error of a full disk, or with one of the numbers ``also``, names what was written where, and the remedy."""
    try:
        yield
    except Exception as error:
        number = refusal(error)
        if number in _FULL:
            remedy = "free some space and start again: what was finished before is kept"
        elif number == errno.ENAMETOOLONG and number in also:
            remedy = "choose a shorter name"
        elif number == errno.EROFS or number in also:
            remedy = "choose a folder that you may write to"
        else:
            raise
        said = "no space left" if number == errno.ENOSPC else os.strerror(number)
        raise OSError(number, f"{said} while writing {what} in {folder}; {remedy}") from error


def refusal(error: Exception) -> int | None:
    """The number of a system's error."""
    said = re.search(r"\(os error (\d+)\)", str(error))  # by safetensors, whose errors have no number
    return int(said[1]) if said else getattr(error, "errno", None)


def _flush(path: Path, mode: int) -> None:
    """Have the disk hold the bytes before the name is given, so that a crash leaves no empty file behind it."""
    for file in path.rglob("*") if path.is_dir() else [path]:
        if file.is_file():
            file.chmod(mode)  # safetensors keeps its files to their owner
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
