"""JSON and hashes of files, and folders with one writer.

Knows paths, JSON, SHA-256 and locks; knows nothing of what the files mean.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kdlite.checks import check_kind
from kdlite.files import CLOSED, explaining, make, replacing

_LOCK = ".lock"
# What every recipe did before there was a choice.
_ONCE = {"dtype": "auto", "gradient_checkpointing": False, "weight_decay": 0.0}
_GLANCE = 1.0  # seconds: whoever asks ``is_locked`` holds the lock for a moment


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A folder for this process alone; the system lifts the lock when the process dies.

    Raises:
        BlockingIOError: if another process has it.
        OSError: if the folder cannot be written to, naming it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / _LOCK)
    try:
        with explaining(folder, _LOCK, CLOSED):
            make(folder)
            lock.acquire(timeout=_GLANCE)
    except Timeout:
        raise BlockingIOError(
            f"another run is at work in {folder}; wait for it, or choose another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_locked(folder: Path) -> bool:
    """Whether a process has the folder for itself.

    Raises:
        OSError: if this user may not ask.
    """
    if not (folder / _LOCK).exists():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / _LOCK, timeout=0):
            return False
    except Timeout:
        return True


def write_json(path: Path, value: Any) -> None:
    """Write JSON that people can read, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        ValueError: if it is not JSON, naming the file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file; pass the name of one that a run wrote")
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a JSON file: {error}; it was damaged, or is another file") from None


def in_todays_names(value: Any) -> Any:
    """JSON of a run with the settings that runs have now: AdamW's pair was once called ``betas``, and a recipe that does
    not say so was carried out as recipes once were.
    """
    if not isinstance(value, dict):
        return value
    recipe = "learning_rate" in value
    old, once = ({"betas": "adam_betas"}, _ONCE) if recipe else ({}, {})
    return once | {old.get(key, key): in_todays_names(inner) for key, inner in value.items()}


def claim(path: Path, asked: dict) -> None:
    """Write down what a folder's run is, as JSON, or check that it is the same.

    Raises:
        ValueError: if it is another, naming each difference: "texts.train is 64, now it is 32".
    """
    asked = json.loads(json.dumps(asked))
    if not path.exists():
        write_json(path, asked)
        return
    found = in_todays_names(read_json(path))
    check_kind(str(path), found, dict, "it was damaged: choose another folder, or delete this one")
    if found := ", and ".join(_differences(found, asked)):
        raise ValueError(
            f"{path.parent} holds a run whose {found}; choose another folder, or delete this one"
        )


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _differences(found: Any, asked: Any, name: str = "") -> Iterator[str]:
    """Where two JSON values differ, and how."""
    if isinstance(found, dict) and isinstance(asked, dict):
        for key in found | asked:
            yield from _differences(found.get(key), asked.get(key), f"{name}.{key}".lstrip("."))
    elif found != asked:
        yield f"{name} is {found}, now it is {asked}"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number in JSON")
