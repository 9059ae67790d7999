"""A disk that refuses: every write of a job, once each, whichever library makes it.

The writes are seen, and refused, at the calls of the C library, by a small library that is loaded before it.
"""

import ctypes
import errno
import os
import re
import shutil
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest
from runs import words

ANSWER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p)
SOURCE = Path(__file__).with_name("writes.c")
# What is drawn in names.
DRAWN = re.compile(r"\.[0-9a-f]{8}(?=\.unfinished)|(?<=\.tmp)\w{6}|(?<=\.new-)\w{8}")


class Refusal(NamedTuple):
    """A write that was refused."""

    call: str  # open, write, truncate, fsync, rename or mkdir
    path: str  # in the job's folder, without what is drawn in it
    nth: int  # such call of the attempt
    message: str | None  # what the job said; None if it went on


@contextmanager
def watched(folder: Path) -> Iterator[ProcessPoolExecutor]:
    """A process whose writes can be refused."""
    compiler, library = shutil.which("cc"), folder / "writes.so"
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("no C compiler, or no Linux: no write was refused")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        with mock.patch.dict(os.environ, LD_PRELOAD=str(library)):
            pool.submit(os.getpid).result()  # it starts with its first task
        yield pool


class _Disk:
    """Refuses every write in a folder, from the first on that is none of ``done``."""

    def __init__(self, folder: Path, number: int, share: int, done: set[tuple[str, str, int]]) -> None:
        self.root, self.number, self.share, self.done = f"{folder}/", number, share, done
        self.first: tuple[str, str, int] | None = None
        self.counts: Counter[tuple[str, str]] = Counter()

    def answer(self, call: bytes, name: bytes) -> int:
        path = os.fsdecode(name)
        if not f"{path}/".startswith(self.root) or (call == b"mkdir" and os.path.isdir(path)):
            return 0
        if self.first is None:
            what = call.decode(), DRAWN.sub("", f"{path}/".removeprefix(self.root).rstrip("/"))
            self.counts[what] += 1
            write = (*what, self.counts[what])
            if write not in self.done and zlib.crc32(repr(write).encode()) % self.share == 0:
                self.first = write
        return self.number if self.first else 0


def refuse_each(
    job: Callable[[Path], object],
    folder: Path,
    check: Callable[[Path], None],
    number: int = errno.ENOSPC,
    share: int = 1,
) -> list[Refusal]:
    """Do a job in a folder over and over, on a disk that refuses from some write on: first, one that has not been the
    first to be refused before. When there is no such write left, the job has done its work.

    Args:
        job: does what is left to do in a folder.
        check: looks at the folder after each refusal.
        number: of the system's error.
        share: only about one write in so many is the first to be refused.
    """
    library, found = ctypes.CDLL(None), []
    while True:
        disk = _Disk(folder, number, share, {refusal[:3] for refusal in found})
        answer, said = ANSWER(disk.answer), None
        library.watch(answer)
        try:
            job(folder)
        except Exception as error:
            said = str(error)
        finally:
            library.watch(ANSWER())
        if disk.first is None:
            assert said is None, said
            return found
        found.append(Refusal(*disk.first, said))
        check(folder)


def command(out: Path) -> None:
    """The run by its command line; the last line of what it says, after any progress, is raised if it is refused."""
    from kdlite.cli import main

    said, argv = StringIO(), ["kdlite", *words(out)]
    with mock.patch.object(sys, "argv", argv), redirect_stderr(said), redirect_stdout(StringIO()):
        status = main()
    if status:
        assert status == 2 and "Traceback" not in said.getvalue()
        raise ValueError(said.getvalue().strip().splitlines()[-1])
