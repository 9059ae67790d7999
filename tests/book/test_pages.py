"""What can be read from the built files without a browser."""

import re
import shutil

import pytest
from bs4 import BeautifulSoup
from building import build
from chapters import pages


@pytest.fixture(params=[*pages(), "search", "genindex"])
def page(request, site):
    return BeautifulSoup((site / f"{request.param}.html").read_text(), "html.parser")


def test_each_image_has_a_text_alternative(page):
    assert [str(image) for image in page.find_all("img") if not image.get("alt", "").strip()] == []


def test_nothing_is_loaded_from_another_host(page):
    loads = [tag.get("src") or tag.get("href") for tag in page.find_all(["script", "img", "iframe", "link"])]
    assert [address for address in loads if address and re.match(r"(https?:)?//", address)] == []


@pytest.fixture
def front_page(executed, tmp_path):
    """Builds the first page alone, with a given address of the repository."""

    def build_front_page(url):
        folder, _ = executed
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        (tmp_path / "book" / "_toc.yml").write_text("format: jb-book\nroot: intro\n")
        return (build(tmp_path, strict=False, repository={"url": url}) / "intro.html").read_text()

    return build_front_page


def test_without_an_address_there_is_no_button_that_needs_one(front_page):
    html = front_page("")
    assert "colab.research.google.com" not in html
    assert "repository-button" not in html


def test_with_an_address_the_buttons_lead_there(front_page):
    html = front_page("https://github.com/someone/somewhere")
    assert "https://colab.research.google.com/github/someone/somewhere/blob/main/book/intro.ipynb" in html
    assert 'href="https://github.com/someone/somewhere"' in html
