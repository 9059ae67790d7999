"""Every notebook of the book alone in an empty folder, in an environment with only jupyter, torch, numpy and ipywidgets.

Each part begins without kdlite: its first notebook installs it, the others find it.
"""

import pytest
from bare import environment, execute, packages, wheel
from chapters import NOTEBOOKS

HOST = ("jupyter", "torch==2.13.0", "numpy==2.3.5", "ipywidgets")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """The python of the environment, and what it had at first."""
    python = environment(tmp_path_factory.mktemp("host") / "venv", *HOST)
    return python, packages(python)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_alone(name, host, path, tmp_path):
    python, before = host
    assert execute(python, name, tmp_path / "alone", KDLITE_SOURCE=str(path)) == ""
    after = packages(python)
    assert {package: after.get(package) for package in before} == before
