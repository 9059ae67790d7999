"""What a page says of how to run it: a button where its notebook is there, what it needs where no browser runs it."""

import re
from types import SimpleNamespace

import pytest
import run_here
from chapters import BOOK

BODY = "<h1>Title</h1><p>Text.</p>"


@pytest.fixture
def said(tmp_path, monkeypatch):
    """The body of a page, once the site of these notebooks lies beside the pages."""

    def add(page, *notebooks, live="1"):
        (files := tmp_path / "lite" / "files").mkdir(parents=True, exist_ok=True)
        for name in notebooks:
            (files / name).touch()
        monkeypatch.setenv("LIVE", live)
        context = {"body": BODY}
        run_here.add(SimpleNamespace(srcdir=BOOK, outdir=tmp_path), page, "", context, None)
        return context["body"]

    return add


def test_a_notebook_that_is_there_has_a_button_under_the_title(said):
    body = said("part1/06-why", "06-why-0a1b2c3d.ipynb", "05-audit-0a1b2c3d.ipynb")
    assert body.startswith("<h1>Title</h1>\n<p class") and body.endswith("<p>Text.</p>")
    assert re.findall('href="(.*?)"', body) == ["../lite/notebooks/index.html?path=06-why-0a1b2c3d.ipynb"]


def test_without_it_there_is_none(said):
    assert said("part1/06-why") == said("glossary") == BODY
    assert said("part1/06-why", "06-why-0a1b2c3d.ipynb", live="0") == BODY


@pytest.mark.parametrize("page", ["part2/09-distilling-smollm2", "part3/11-other-knobs"])
def test_a_page_of_language_models_names_torch(said, page):
    assert "PyTorch" in said(page) and "href" not in said(page)
