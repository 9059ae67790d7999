"""The package as people get it: built, installed where there is nothing, and used from another folder."""

import sys
import venv
from email import message_from_string
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from bare import alone, wheel

import kdlite

pytestmark = pytest.mark.slow
TWO_LINES = """
import numpy as np, kdlite as kd
truth = kd.GaussianMixture([0.7, 0.3], [[0.0, 0.0], [4.0, 0.0]], [np.eye(2)] * 2)
teacher = kd.fit_mixture(truth, 2)
student = kd.fit_mixture(teacher.sharpen(4), 1)
assert kd.precision(student, truth=truth).value > kd.precision(kd.fit_mixture(truth, 1), truth=truth).value
print(kd.__file__, len(kd.sweep(truth, betas=[1, 4], teacher_components=2, student_components=1).betas))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(built, tmp_path_factory):
    """Of an environment with the wheel and, instead of a download, this environment's NumPy."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder)
    (site,) = folder.glob("lib/python*/site-packages")
    for part in (np.__path__[0], f"{np.__path__[0]}.libs"):
        if Path(part).exists():
            (site / Path(part).name).symlink_to(part)
    python = folder / "bin" / "python"
    done = alone([sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", built], folder)
    assert done.returncode == 0, done.stderr
    return python


def test_it_asks_for_numpy_and_nothing_else(built):
    (name,) = (name for name in ZipFile(built).namelist() if name.endswith(".dist-info/METADATA"))
    asked = message_from_string(ZipFile(built).read(name).decode())
    assert [r for r in asked.get_all("Requires-Dist") if "extra ==" not in r] == ["numpy>=2.0"]
    assert asked["Version"] == kdlite.__version__


def test_it_holds_what_is_no_python(built):
    names = set(ZipFile(built).namelist())
    assert {"kdlite/py.typed", "kdlite/runs/profiles/smoke.toml", "kdlite/results/toy-language.json"} <= names
    assert not [name for name in names if name.startswith(("tests", "book", "tools"))]


def test_a_distillation_is_two_lines_there(python, tmp_path):
    (home,) = python.parents[1].glob("lib/python*/site-packages/kdlite")
    assert said([python, "-c", TWO_LINES], tmp_path).split() == [str(home / "__init__.py"), "2"]


def test_its_command_says_what_to_type_first_and_what_a_run_lacks(python, tmp_path):
    command = python.with_name("kdlite")
    assert "kdlite run smoke --out DIR" in said([command, "--help"], tmp_path)
    done = alone([command, "run", "smoke", "--out", "out"], tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("error: No module named")
    assert "pip install 'kdlite[lm]'" in done.stderr and done.stderr.count("\n") == 1


def said(*command):
    done = alone(*command)
    assert done.returncode == 0, done.stderr
    return done.stdout
