"""Folders that nobody may write to, and two that want one folder: one line says what to do."""

import shutil
import subprocess

import pytest
from corpora import RECIPE, SHAPE, draw, truth
from runs import words

from kdlite.lm import Corpus, fit, new
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
