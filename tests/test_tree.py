"""README and CONTRIBUTING show every file of the package with what it says of itself."""

import pytest
import tree


@pytest.mark.parametrize("page", tree.PAGES, ids=lambda page: page.name)
def test_the_tree_is_the_one_there_is(page):
    text = page.read_text(encoding="utf-8")
    assert tree.BEGIN in text and tree.with_tree(text) == text, "run: make sync"
