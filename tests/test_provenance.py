import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kdlite.provenance import commit, processor, versions


@pytest.fixture
def repository(tmp_path):
    """A repository of one commit, and git in it."""

    def git(*words):
        line = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        return subprocess.run(line, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    (tmp_path / "provenance.py").write_text("1")
    git("add", ".")
    git("commit", "-qm", "first")
    git("tag", "-a", "v1", "-m", "a name is no commit")
    return tmp_path, git


@pytest.fixture
def asked(monkeypatch):
    """The commit that this code would report if it lay in a folder."""

    def ask(folder):
        monkeypatch.setattr("kdlite.provenance.__file__", str(folder / "provenance.py"))
        return commit.__wrapped__()

    return ask


def test_the_commit_is_whole_and_says_whether_a_file_has_changed(repository, asked):
    folder, git = repository
    head = git("rev-parse", "HEAD")
    (folder / "results").write_text("not of the code")
    assert asked(folder) == head
    (folder / "provenance.py").write_text("2")
    assert asked(folder) == f"{head}-dirty"


def test_outside_a_repository_the_commit_is_unknown(tmp_path, asked, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert asked(tmp_path) == "unknown"


def test_without_git_the_commit_is_unknown(tmp_path, asked, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asked(tmp_path) == "unknown"


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("processor\t: 0\nmodel name\t: A 1 @ 2 GHz\nprocessor\t: 1\n", "A 1 @ 2 GHz"),
        ("BogoMIPS\t: 9\n", "arm64"),
    ],
)
def test_the_processor_is_named_by_its_model_or_its_architecture(cpuinfo, expected, monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: cpuinfo)
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert processor() == expected


def test_the_commit_is_not_that_of_a_repository_the_code_only_lies_in(repository, asked):
    """An environment inside somebody's project is no part of it."""
    folder, _ = repository
    (folder / "env").mkdir()
    (folder / "env" / "provenance.py").write_text("1")
    assert asked(folder / "env") == "unknown"


def test_versions_are_those_at_work_and_an_uninstalled_checkout_has_some_all_the_same():
    """They are asked for when all the work is done."""
    python = ".".join(map(str, sys.version_info[:3]))
    found = versions("numpy", "no-such-package-is-installed")
    assert found == {
        "python": python,
        "numpy": np.__version__,
        "no-such-package-is-installed": "not installed",
    }
