"""Folders that nobody may write to, and two that want one folder: one line says what to do."""

import multiprocessing
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

import pytest
from corpora import RECIPE, SHAPE, draw, truth
from runs import outcome, words

from kdlite.lm import Corpus, fit, new
from kdlite.lm.__main__ import main
from kdlite.store import locked


def learn(corpus, folder):
    found = Corpus.open(corpus)
    return fit(new(SHAPE, found.language, seed=1), found, RECIPE, folder, validation=found)


@pytest.fixture
def closed(smoke, tmp_path):
    """A file system that nobody may write to, with a finished run."""
    folder = tmp_path / "closed"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "none", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk: none was closed")
    shutil.copytree(smoke, folder / "run")
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_closed_disk_is_refused_before_any_work(closed, command):
    for out in (closed / "new", closed / "run"):
        status, said, error = command(*words(out))
        assert (status, said, error.count("\n")) == (2, "", 1)
        assert f"Read-only file system while writing .lock in {out}; choose a folder that you may" in error
    assert sorted(path.name for path in closed.iterdir()) == ["run"]
    assert command("status", closed / "run")[0] == 0


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no folder that is closed to all")
def test_a_folder_that_nobody_can_make_is_refused(command):
    status, said, error = command(*words(Path("/proc/self/here")))
    assert (status, said, error.count("\n")) == (2, "", 1)
    assert "/proc/self/here cannot be made (No such file or directory); choose another folder" in error


def race(start, out):
    """The command line, when the other is ready too; what it says against going on."""
    start.wait(120)
    said = StringIO()
    with mock.patch.object(sys, "argv", ["kdlite.lm", *words(out)]), redirect_stderr(said):
        main()
    return next((line for line in said.getvalue().splitlines() if line.startswith("error: ")), None)


def test_of_two_runs_that_race_for_a_folder_one_says_who_was_first(smoke, tmp_path):
    out, context = tmp_path / "out", multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(2, context) as pool:
        start = manager.Barrier(2)
        said = [future.result() for future in [pool.submit(race, start, out) for _ in range(2)]]
    refusal = f"error: another run is at work in {out}; wait for it, or choose another folder"
    assert sorted(said, key=bool) == [None, refusal]
    assert outcome(out) == outcome(smoke)


def test_of_two_trainings_in_a_folder_one_is_refused(tmp_path):
    """They would exchange their best weights unseen."""
    draw(truth(), tmp_path / "corpus")
    out = tmp_path / "out"
    with (
        locked(out),
        pytest.raises(BlockingIOError, match=f"another run is at work in {out}; wait for it, or"),
    ):
        learn(tmp_path / "corpus", out)
    assert [path.name for path in out.iterdir()] == [".lock"]
