"""A chapter as a notebook on the book's own pages: it runs, asks no other host, and a reader's own copy is kept."""

import json
import re

import lite
import pytest
from chapters import BOOK
from jupyterlite import HOME, NOTEBOOK, address, ask, open_notebook, run_all

CHAPTER = "02-entropy-knob"  # the first with an explorer
FIRST_MODE = "print(*next(o for o in Out.values() if isinstance(o, kd.Explorer)).truth.means[0])"
SHOW = f"""() => {{
  const {{ content }} = {NOTEBOOK};
  const cells = [...content.model.cells];
  content.scrollToItem(cells.findIndex((cell) => cell.sharedModel.getSource().includes("kd.Explorer(")), "center");
}}"""
SOURCE = f"() => {NOTEBOOK}.content.model.cells.get(1).sharedModel.getSource()"
# What a reader has in the browser who once saved the chapter under the name it had then.
SAVE = f"""async (name) => {{
  const content = {NOTEBOOK}.content.model.toJSON();
  content.cells[1].source = "mine = 1";
  await jupyterapp.serviceManager.contents.save(name, {{ type: "notebook", format: "json", content }});
}}"""


@pytest.fixture(scope="session")
def home(jupyterlite, serve):
    return serve(jupyterlite)


def test_a_chapter_runs_and_its_explorer_is_dragged(home, watched):
    page = watched.page
    open_notebook(page, address(home, CHAPTER))
    assert run_all(page) == []
    page.evaluate(SHOW)
    handle = page.locator(".kd-handles button").first
    handle.wait_for()
    before = [float(x) for x in ask(page, FIRST_MODE).split()]
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=5)
    page.mouse.up()
    fitted = "() => !document.querySelector('.kd-notes[role=status]').innerText.includes('Fitting')"
    page.wait_for_function(fitted)
    after = [float(x) for x in ask(page, FIRST_MODE).split()]
    assert after[0] > before[0] + 0.1 and after[1] == pytest.approx(before[1], abs=0.02)
    assert watched.faults == []


def test_links_lead_out_and_a_copy_of_an_earlier_chapter_stays(home, watched):
    page, now = watched.page, address(home, CHAPTER)
    earlier = f"{CHAPTER}-00000000.ipynb"
    open_notebook(page, now)
    page.evaluate(SAVE, earlier)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="chapter 1", exact=True).first.click()
    assert opened.value.url == f"{home}/{HOME}/part1/01-three-distributions.html?%"

    open_notebook(page, now)
    assert page.evaluate(SOURCE) != "mine = 1"
    page.goto(f"{home}/{HOME}/lite/tree/index.html")
    page.locator(".jp-DirListing-item", has_text=now.partition("=")[2]).wait_for()
    with page.context.expect_page() as opened:
        page.locator(".jp-DirListing-item", has_text=earlier).dblclick()
    open_notebook(opened.value, opened.value.url)
    assert opened.value.evaluate(SOURCE) == "mine = 1"


@pytest.mark.parametrize(("name", "text"), list(lite.notebooks()))
def test_each_link_is_that_of_a_page_of_the_book(name, text):
    said = "".join(c["source"] for c in json.loads(text)["cells"] if c["cell_type"] == "markdown")
    links = [link for link in re.findall(r"\]\(([^)#][^)]*)\)", said) if not link.startswith("https:")]
    pages = [re.fullmatch(r"\.\./\.\./([\w./-]+)\.html\?%(#[\w.-]+)?", link)[1] for link in links]
    assert len(pages) > 3
    assert [p for p in pages if not any((BOOK / f"{p}{end}").exists() for end in (".md", ".ipynb"))] == []
