"""A chapter of Part I alone in an empty folder, in an environment that never heard of kdlite.

All chapters do the same in tests/proof/test_bare_folder.py.
"""

import pytest
from bare import environment, execute, packages, wheel

CHAPTER = "part1/01-three-distributions"
NUMPY = "2.3.5"  # not the newest, so that an upgrade would show


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """The python of the environment, and the wheel."""
    folder = tmp_path_factory.mktemp("host")
    return environment(folder / "venv", "jupyter", "ipywidgets", f"numpy=={NUMPY}"), wheel(folder)


def test_without_a_source_the_chapter_says_what_to_do_and_with_one_it_runs(host, tmp_path):
    python, path = host
    before = packages(python)
    assert "kdlite" not in before

    error = execute(python, CHAPTER, tmp_path / "none", KDLITE_SOURCE=str(tmp_path / "nothing.whl"))
    assert "kdlite could not be installed: ERROR" in error and packages(python) == before

    assert execute(python, CHAPTER, tmp_path / "alone", KDLITE_SOURCE=str(path)) == ""
    after = packages(python)
    assert "kdlite" in after and "torch" not in after
    assert {name: after.get(name) for name in before} == before

    # Where it is there, nothing is installed, so no source is needed.
    assert execute(python, CHAPTER, tmp_path / "again", KDLITE_SOURCE=str(tmp_path / "nothing.whl")) == ""
