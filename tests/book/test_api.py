"""The API reference has every public name of the package, and something to say of each."""

import pytest
from bs4 import BeautifulSoup

import kdlite
from kdlite import lm

NAMES = [
    *(f"kdlite.{name}" for name in kdlite.__all__),
    *(f"kdlite.lm.{name}" for name in lm.__all__),
]


@pytest.fixture(scope="module")
def reference(site):
    return BeautifulSoup((site / "api.html").read_text(), "html.parser")


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_described(reference, name):
    term = reference.find("dt", id=name)
    assert term is not None, f"{name} is not in book/api.md"
    assert len(term.find_next_sibling("dd").get_text(strip=True)) > 10


def test_no_entry_is_empty(reference):
    empty = [term["id"] for term in reference.find_all("dt", id=True) if not described(term)]
    assert empty == []


def described(term):
    text = term.find_next_sibling("dd").get_text(" ", strip=True)
    return len(text) > 10 and "Alias for field" not in text
