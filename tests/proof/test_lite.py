"""Each chapter of Part I runs as a notebook in the browser, from its first cell to its last, and asks no other host."""

import pytest
from browser.conftest import serve, watched  # noqa: F401
from chapters import NOTEBOOKS
from jupyterlite import address, open_notebook, run_all


@pytest.mark.parametrize("chapter", [name for name in NOTEBOOKS if name.startswith("part1/")])
def test_a_chapter_runs_in_the_browser(chapter, jupyterlite, serve, watched):  # noqa: F811
    open_notebook(watched.page, address(serve(jupyterlite), chapter.partition("/")[2]))
    assert run_all(watched.page) == []
    assert watched.faults == []
