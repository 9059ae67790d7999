"""Links inside the book reach a page and a place on it; links out of it are well-formed. Nothing is fetched."""

import re
from functools import cache
from urllib.parse import unquote, urlsplit

import jupytext
import pytest
from bs4 import BeautifulSoup
from chapters import BOOK, TEXTS, numbered, pages

ROOT = BOOK.parent
MARKDOWN = ("README.md", "CONTRIBUTING.md", "book/glossary.md", "book/references.md")
TERMS = re.compile(r"^(\S.*)\n  \S", re.MULTILINE)


@cache
def parsed(file):
    return BeautifulSoup(file.read_text(), "html.parser")


@cache
def places(file):
    page = parsed(file)
    return {tag["id"] for tag in page.find_all(id=True)} | {tag["name"] for tag in page.select("a[name]")}


def words():
    """All Markdown that is read, by its file: the chapters' without their code."""
    for name in TEXTS:
        cells = jupytext.read(BOOK / "text" / f"{name}.md").cells
        yield f"book/text/{name}.md", "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    for name in MARKDOWN:
        yield name, (ROOT / name).read_text()


@pytest.mark.parametrize("name", [*pages(), "search", "genindex"])
def test_each_link_inside_the_book_reaches_its_place(name, site):
    file = site / f"{name}.html"
    lost = []
    for link in parsed(file).find_all("a", href=True):
        address = urlsplit(link["href"])
        if address.scheme or address.netloc:
            continue
        target = (file.parent / unquote(address.path)).resolve() if address.path else file
        if target.is_dir():
            target /= "index.html"
        if not target.is_file() or (
            address.fragment and target.suffix == ".html" and unquote(address.fragment) not in places(target)
        ):
            lost.append(link["href"])
    assert lost == []


@pytest.mark.parametrize("name", pages())
def test_each_place_on_a_page_has_a_name_of_its_own(name, site):
    ids = [tag["id"] for tag in parsed(site / f"{name}.html").select("article [id]")]
    assert sorted({each for each in ids if ids.count(each) > 1}) == []


def test_each_link_out_of_the_book_is_well_formed():
    for file, text in words():
        for address in re.findall(r"\b\w+://[^\s)>`\"']+", text):
            parts = urlsplit(address.rstrip(".,;"))
            assert parts.scheme == "https", (file, address)
            assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.netloc), (file, address)


def test_glossary_is_in_order_and_names_chapters_that_are_there():
    text = (BOOK / "glossary.md").read_text().split("```")[1]
    terms = TERMS.findall(text.replace("{glossary}\n", ""))
    assert len(terms) > 30
    assert terms == sorted(terms, key=str.casefold)
    named = {
        int(n)
        for group in re.findall(r"\((\d+(?:, \d+)*)\)\.?$", text, re.MULTILINE)
        for n in group.split(", ")
    }
    assert named <= set(range(1, len(numbered()) + 1))


def test_a_link_of_a_notebook_reaches_a_term(site):
    page = parsed(site / "part1" / "01-three-distributions.html")
    assert "term-nat" in places(site / "glossary.html")
    assert [link.text for link in page.select('a[href="../glossary.html#term-nat"]')] == ["nat"]
