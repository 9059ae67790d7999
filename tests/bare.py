"""A fresh environment without kdlite, and notebooks run there, each alone in an empty folder.

The packages come from the index that pip knows, the wheel of kdlite from this source tree.
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from building import ROOT, run

# Else the tested package would be found from outside.
_HIDDEN = ("PYTHONPATH", "VIRTUAL_ENV", "KDLITE_SOURCE")


def wheel(folder):
    """Build the wheel of kdlite into a folder and return its path."""
    done = run([sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, ROOT], folder)
    assert done.returncode == 0, done.stderr
    (path,) = Path(folder).glob("kdlite-*.whl")
    return path


def environment(folder, *packages):
    """Make a virtual environment with these packages and return its python."""
    venv.create(folder, with_pip=True)
    python = Path(folder) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = alone([python, "-m", "pip", "install", "--quiet", *packages], folder)
    assert done.returncode == 0, done.stderr
    return python


def packages(python):
    """Names and versions of what an environment has."""
    code = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    return json.loads(alone([python, "-c", code], python.parent).stdout)


def execute(python, name, folder, **variables):
    """Run one notebook of the book alone in a new folder. Returns its error, or "" for none."""
    folder.mkdir()
    shutil.copy(ROOT / "book" / f"{name}.ipynb", folder)
    command = [python, "-m", "jupyter", "execute", "--timeout=600", f"{Path(name).name}.ipynb"]
    done = alone(command, folder, **variables)
    return done.stderr if done.returncode else ""


def alone(command, folder, **variables):
    """Run a command in an environment that hears nothing of this one."""
    kept = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    env = {**kept, "PYTHONNOUSERSITE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
