"""Every chapter of Part I in its page, over http and from file://: its last cell, and so each, gives what was recorded."""

import pytest
from browser.conftest import serve, watched  # noqa: F401
from browser.test_cells import live_book, what_was_recorded_comes_again
from chapters import numbered

CHAPTERS = [name for name in numbered() if name.startswith("part1/")]


@pytest.fixture(scope="session")
def book(once, executed):
    folder, missing = once("part1", lambda folder: live_book(folder, executed, CHAPTERS))
    assert not missing, missing
    return folder / "_build" / "html"


@pytest.mark.parametrize("scheme", ["http", "file"])
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_runs_in_its_page(book, watched, serve, chapter, scheme):  # noqa: F811
    home = serve(book) if scheme == "http" else book.as_uri()
    what_was_recorded_comes_again(watched, f"{home}/{chapter}.html")
