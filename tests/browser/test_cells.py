"""Cells of a built page, edited and run where they stand: what comes, what Stop and Reset do, and widgets that cells make."""

import re
import shutil

import nbformat
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from building import build
from explorer_pages import drawn
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kdlite.explorer import runtime

CHAPTER = "part1/02-entropy-knob"  # pictures, texts and an explorer, in the least time
TRIAL = "part1/trial"
CELLS = [
    new_markdown_cell("# Trial"),
    new_code_cell("set_up('', 'torch')", metadata={"cellView": "form", "tags": ["remove-cell"]}),
    new_code_cell("hidden = 20", metadata={"tags": ["remove-cell"]}),
    new_code_cell("from IPython.display import HTML\nHTML('')", metadata={"tags": ["remove-input"]}),
    new_code_cell(
        "print(hidden + 1)", outputs=[new_output("stream", name="stdout", text="recorded </script>\n")]
    ),
    new_code_cell("import kdlite as kd\nexplorer = kd.Explorer(beta=4)\nexplorer"),
    new_code_cell("explorer.beta, len(explorer.modes)"),
]


def live_book(folder, executed, chapters):
    """Build these pages of the executed book, with Python in them. Gives what is missing for that, or ""."""
    try:
        runtime.fetch(runtime.CELLS)
    except ConnectionError as error:
        return str(error)
    shutil.copytree(executed[0], folder, dirs_exist_ok=True)
    nbformat.write(new_notebook(cells=CELLS, metadata=KERNEL), folder / "book" / f"{TRIAL}.ipynb")
    toc = {"format": "jb-book", "root": "intro", "chapters": [{"file": name} for name in (*chapters, TRIAL)]}
    (folder / "book" / "_toc.yml").write_text(yaml.safe_dump(toc))
    build(folder, strict=False, live=True)  # not strict: links lead to pages that are not there
    return ""


KERNEL = {
    "kernelspec": {"name": "python3", "display_name": "Python 3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


@pytest.fixture(scope="session")
def book(once, executed):
    folder, missing = once("cells", lambda folder: live_book(folder, executed, [CHAPTER]))
    if missing:
        pytest.skip(missing)
    return folder / "_build" / "html"


class Page:
    """A page and its cells."""

    def __init__(self, watched, address):
        self.page = watched.page
        watched.open(address)
        self.page.locator(".cell-bar").first.wait_for()
        self.page.evaluate("document.querySelectorAll('.cell details').forEach((d) => { d.open = true; })")
        self.cells = self.page.locator(".cell:has(.cell-bar)")

    def button(self, at, name):
        return self.cells.nth(at).get_by_role("button", name=name, exact=True)

    def status(self, at):
        return self.cells.nth(at).locator(".cell-bar [role=status]")

    def output(self, at):
        return self.cells.nth(at).locator(".cell_output")

    def write(self, at, text):
        if self.button(at, "Edit").is_visible():
            self.button(at, "Edit").click()
        self.cells.nth(at).get_by_role("textbox").fill(text)

    def run(self, at, minutes=3):
        self.button(at, "Run").click()
        self.wait(at, minutes)

    def wait(self, at, minutes=3):
        self.button(at, "Stop").wait_for(state="hidden", timeout=minutes * 60_000)

    def texts(self):
        """What each cell shows as text."""
        return self.page.evaluate(
            "[...document.querySelectorAll('.cell:has(.cell-bar)')].map((cell) =>"
            " [...cell.querySelectorAll('.cell_output pre')].map((pre) => pre.textContent).join(''))"
        )


def numbers(text):
    return [float(value) for value in re.findall(r"-?\d+\.?\d*", text.replace(",", ""))]


def what_was_recorded_comes_again(watched, address):
    """Run the last cell of a chapter, and so all of them."""
    page = Page(watched, address)
    texts = page.texts()
    shown = ".cell_output :is(img, .kd-explorer)"
    page.page.wait_for_function("!document.querySelector('.anywidget-static:empty')")
    pictures = page.page.locator(shown).count()
    assert "MB, once" in page.status(0).inner_text()
    last = page.cells.count() - 1
    page.run(last, minutes=10)
    assert page.page.locator(".cell-error").all_inner_texts() == [] and page.status(last).inner_text() == ""
    assert page.page.locator(shown).count() == pictures
    assert page.page.locator(".cell_output img:not([src^='data:image/png'])").count() == 0
    for recorded, found in zip(texts, page.texts(), strict=True):
        assert re.sub(r"[\d.-]+", "", found).split() == re.sub(r"[\d.-]+", "", recorded).split()
        assert numbers(found) == pytest.approx(numbers(recorded), rel=0.01, abs=0.02)
    assert watched.faults == []


def test_a_chapter_runs_from_its_first_cell_to_its_last(book, watched, serve):
    what_was_recorded_comes_again(watched, f"{serve(book)}/{CHAPTER}.html")


def test_cells_are_edited_run_stopped_and_put_back(book, watched):
    page = Page(watched, f"{book.as_uri()}/{TRIAL}.html")
    assert page.texts()[0] == "recorded </script>\n" and watched.page.locator(".cell-bar").count() == 3
    page.button(0, "Edit").focus()
    watched.page.keyboard.press("Enter")
    watched.page.keyboard.press("Control+End")
    watched.page.keyboard.type("\nif hidden:\n1 / 0")
    watched.page.keyboard.press("Control+Enter")
    page.wait(0)
    assert 'File "<cell 3>", line 3' in page.texts()[0] and "\n    1 / 0\n" in page.texts()[0]
    page.write(0, "print(hidden + 1)\ndef f():\n    return 1 / 0\nf()")
    page.run(0)
    assert page.texts()[0].splitlines()[:2] == ["21", "Traceback (most recent call last):"]
    assert page.texts()[0].splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert (
        Axe().run(watched.page, context=".bd-article", options={"preload": False}).response["violations"]
        == []
    )
    page.run(2)  # what is above it fails first
    assert "above" in page.status(2).inner_text() and page.texts()[2] == ""

    page.button(0, "Reset").click()
    assert page.texts()[0] == "recorded </script>\n" and not page.button(0, "Reset").is_visible()
    page.run(2)
    assert page.texts() == ["21\n", "", "(4.0, 0)\n"]
    explorer = watched.page.locator(".kd-explorer")
    slider = explorer.get_by_label("β", exact=True)
    slider.press("End")
    explorer.locator(".kd-handles button").first.press("ArrowUp")
    watched.page.wait_for_function(
        "!document.querySelector('.kd-notes[role=status]').innerText.includes('Fitting')"
    )
    page.run(2)
    assert page.texts()[2] == "(100.0, 8)\n", "the widget and its cell stay together"
    page.write(2, "explorer.beta = 1\nwhile True: pass")
    page.button(2, "Run").click()
    watched.page.locator(".kd-notes[role=status]", has_text="A cell of this page is running.").wait_for()
    explorer.locator(".kd-beta [aria-valuetext='1']").wait_for()
    drawn(watched.page)
    words = explorer.locator(".kd-words").inner_text()
    slider.press("End")  # fits that are there answer
    drawn(watched.page)
    assert explorer.locator(".kd-words").inner_text() != words
    page.button(2, "Stop").press("Enter")  # where the focus went with Run
    assert page.button(2, "Run").evaluate("(button) => button === document.activeElement")
    assert "variables are lost" in page.status(2).inner_text()
    explorer.locator(".kd-handles button").first.press("ArrowUp")  # it goes on without its cell
    watched.page.wait_for_function(
        "document.querySelector('.kd-notes[role=status]').innerText.includes('Fitting')"
    )
    watched.page.wait_for_function(
        "!document.querySelector('.kd-notes[role=status]').innerText.includes('Fitting')"
    )
    page.write(2, "sorted(name for name in globals() if name in ('hidden', 'explorer'))")
    page.run(2)
    assert page.texts()[2] == "['explorer', 'hidden']\n"
    assert watched.faults == []
