"""The table that a whole run of the slow proofs leaves, on a folder of proofs that take no time."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent / "proof" / "conftest.py"
GOOD = """
import pytest

@pytest.mark.parametrize("path", ["a/b", "c", "d"])
def test_three(path):
    pass

def test_measured(record_property):
    record_property("measured", "at most 3 GB")
"""
BAD = """
import pytest

@pytest.mark.parametrize("n", range(4))
def test_four(n):
    if n == 2:
        pytest.skip("not here")
    assert n != 1

@pytest.fixture
def spoilt():
    yield
    raise OSError

def test_end(spoilt):
    pass

def test_beginning(missing):
    pass
"""


@pytest.fixture
def prove(tmp_path):
    """Run proofs in a folder that makes the table. Gives the exit status, and the table or None."""
    folder = tmp_path / "proof"
    folder.mkdir()
    shutil.copy(CONFTEST, folder)
    (folder / "test_good.py").write_text(GOOD)

    def run(*words, bad=False):
        if bad:
            (folder / "test_bad.py").write_text(BAD)
        line = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "no:cacheprovider", *words]
        alone = {
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }  # other plugins take longer than the proofs
        done = subprocess.run(line, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
        left = {path.name for path in folder.iterdir() if path.suffix == ".md"}
        assert left <= {"RESULTS.md"}, "no temporary file is left"
        return done.returncode, (folder / "RESULTS.md").read_text() if left else None

    return run


def rows(table):
    """The proofs of a table, without their seconds."""
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line[:2] == "| "
    ]
    return [
        [proof, cases, outcome, measured]
        for proof, cases, outcome, _, measured in (c for c in cells if len(c) == 5)
    ]


@pytest.mark.parametrize("words", [(), ("-n", "2", "--dist", "loadfile")])
def test_a_whole_run_is_told_with_what_failed(prove, words):
    status, table = prove("proof", *words, bad=True)
    assert status == 1
    assert rows(table)[1:] == [
        ["`test_bad.py::test_beginning`", "1", "1 failed", ""],
        ["`test_bad.py::test_end`", "1", "1 failed", ""],
        ["`test_bad.py::test_four`", "4", "1 failed, 2 passed, 1 skipped", ""],
        ["`test_good.py::test_measured`", "1", "1 passed", "at most 3 GB"],
        ["`test_good.py::test_three`", "3", "3 passed", ""],
    ]
    assert "| outcome | 3 failed, 6 passed, 1 skipped |" in table
    assert f"| processes | {2 if words else 1} |" in table
    for key, value in {
        "date": r"\d{4}-\d\d-\d\d",
        "commit": "unknown|[0-9a-f]{40}(-dirty)?",
        "machine": r".+, \d+ cores, \d+ GiB",
        "versions": r"python 3\.\S+, kdlite \S+, numpy \S+, scipy \S+, torch \S+, transformers \S+",
        "time": r"0 min \d+ s",
    }.items():
        assert re.search(rf"^\| {key} \| ({value}) \|$", table, re.MULTILINE), key


@pytest.mark.parametrize(
    "words",
    [
        ("proof/test_bad.py", "proof/test_good.py"),
        ("proof", "-n", "2", "-k", "three"),
        ("proof", "--ignore", "proof/test_bad.py"),
        ("proof", "-x"),
    ],
)
def test_a_run_of_a_part_leaves_no_table(prove, words):
    assert prove(*words, bad=True)[1] is None


def test_a_new_table_takes_the_place_of_the_old(prove):
    assert prove("proof")[0] == 0
    status, table = prove("proof", bad=True)
    assert status == 1 and "3 failed" in table
