"""Disks that refuse, folders that nobody may write to, and two that want one folder: nothing half-written has a name, one
line says what to do, and whoever carries on ends with the same bits.
"""

import errno
import multiprocessing
import os
import shutil
import subprocess
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from corpora import RECIPE, SHAPE, draw, ending, truth
from runs import SMALL, check_whole, outcome, words
from writes import command as by_command
from writes import refuse_each, watched

from kdlite import page
from kdlite.lm import Corpus, fit, new, run
from kdlite.store import locked


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    with watched(tmp_path_factory.mktemp("library")) as process:
        yield process


def check_said(refusals, folder, least):
    """Each refusal is one line that names the folder and the remedy, and enough of them were seen."""
    assert len(refusals) >= least
    for call, path, _, said in refusals:
        assert said is not None, f"{call} {path} was refused, and nobody said so"
        assert "no space left while writing " in said and str(folder) in said and "\n" not in said, said
        assert "free some space and start again: what was finished before is kept" in said


def learn(corpus, folder):
    found = Corpus.open(corpus)
    return fit(new(SHAPE, found.language, seed=1), found, RECIPE, folder, validation=found)


def save_model(folder):
    ending().save(folder)


def save_page(folder):
    page.save(folder / "page.html", "<p>Many words.</p>" * 2000, title="Words")


def draw_corpus(folder):
    draw(truth(), folder)


JOBS = {"a corpus": draw_corpus, "a model": save_model, "a page": save_page, "a training": None}


@pytest.mark.parametrize("name", JOBS)
def test_a_disk_that_is_full_at_each_write(name, disk, tmp_path):
    job, whole, out = JOBS[name], tmp_path / "whole", tmp_path / "out"
    if job is None:
        draw(truth(), tmp_path / "corpus")
        job = partial(learn, tmp_path / "corpus")
    job(whole)
    found = disk.submit(refuse_each, job, out, partial(check_whole, whole)).result()
    check_said(found, out, 6)
    assert outcome(out) == outcome(whole)


def test_a_run_on_a_disk_that_is_full_at_one_write_in_thirty(disk, tmp_path):
    """make proof does this at each write."""
    run(SMALL, tmp_path / "whole")
    out = tmp_path / "out"
    check = partial(check_whole, tmp_path / "whole")
    found = disk.submit(refuse_each, partial(run, SMALL), out, check, share=30).result()
    check_said(found, out, 15)
    assert outcome(out) == outcome(tmp_path / "whole")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EDQUOT])
def test_a_disk_that_refuses_for_another_reason(number, disk, tmp_path):
    found = disk.submit(refuse_each, save_page, tmp_path, print, number).result()
    remedy = {
        errno.EROFS: "choose a folder that you may write to",
        errno.EDQUOT: "free some space and start again",
    }
    for *_, said in found:
        assert f"{os.strerror(number)} while writing page.html in {tmp_path}; {remedy[number]}" in said


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
    try:
        by_command(out)
    except ValueError as error:
        return str(error)


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
