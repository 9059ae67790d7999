"""A page of its own holds what it shows, whatever the text; a browser opens it in tests/browser/test_saved_pages.py."""

import json

import anywidget
import pytest
import traitlets
from bs4 import BeautifulSoup

from kdlite import page

HOSTILE = "</script><script>alert(1)</script><!-- & \u2028"


class Words(anywidget.AnyWidget):
    _esm = "export default { render() {} };"
    words = traitlets.Unicode().tag(sync=True)
    content = traitlets.Bytes(b"\x00\xff").tag(sync=True)


def read(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_the_loader_can_stand_inside_a_script():
    assert "</script" not in page.LOADER.read_text().lower()


def test_any_text_stays_text(tmp_path):
    shown = Words(words=HOSTILE)
    page.save(tmp_path / "page.html", page.widget(shown), title=HOSTILE)
    found = read(tmp_path / "page.html")
    assert found.title.string == HOSTILE and found.h1.string == HOSTILE
    state, view, loader = found.find_all("script")
    model = json.loads(view.string)["model_id"]
    assert json.loads(state.string)["state"][model]["state"]["words"] == HOSTILE
    assert loader.string.strip() == page.LOADER.read_text().strip()


def test_a_page_refers_to_nothing(tmp_path):
    page.save(tmp_path / "page.html", page.widget(Words()), title="Words")
    assert read(tmp_path / "page.html").find_all(["link", "img", "iframe"]) == []
    assert read(tmp_path / "page.html").find_all(src=True) == []


def test_a_page_replaces_the_one_before(tmp_path):
    for title in ("One", "Two"):
        page.save(str(tmp_path / "page.html"), "<p>x</p>", title=title)
    assert read(tmp_path / "page.html").h1.string == "Two"


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    page.save(tmp_path / "new" / "page.html", "", title="One")
    for path, words in (
        ("new", "is a folder; choose the name of a file"),
        ("new/page.html/page.html", "in, a file"),
    ):
        with pytest.raises(OSError, match=f"{tmp_path}/new.*{words}"):
            page.save(tmp_path / path, "", title="Two")
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "page.html"]
    assert read(tmp_path / "new" / "page.html").h1.string == "One"
