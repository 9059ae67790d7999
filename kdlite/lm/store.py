"""Files that are whole or not there: written under a temporary name, hashed, renamed.

Knows paths, JSON and SHA-256; knows nothing of what the files mean.
"""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` to write a file or folder to; it becomes ``path`` if the block succeeds,
    and is removed if it fails.

    Raises:
        OSError: if the disk is full, naming the folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    os.unlink(name)
    temporary = Path(name)
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
    except Exception as error:
        said = f"(os error {errno.ENOSPC})" in str(error)  # by safetensors, whose errors have no number
        if not said and getattr(error, "errno", None) != errno.ENOSPC:
            raise
        raise OSError(
            errno.ENOSPC,
            f"no space left while writing {path.name} in {path.parent}; free some space and start again: "
            "what was finished before is kept",
        ) from error
    finally:
        shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what writers that were killed have left under temporary names. Nobody else may be writing."""
    for left in list(folder.rglob(".*.*")):
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON that people can read, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        ValueError: if it is not JSON, naming the file.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not a JSON file: {error}; it was damaged, or is another file") from None


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Have the disk hold the bytes before the name is given, so that a crash leaves no empty file behind it."""
    for file in path.rglob("*") if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
