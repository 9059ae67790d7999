"""Widgets in a static page: anywidgets live on without a kernel, and what cannot live on says so."""

import shutil

import nbformat
import pytest
from building import ROOT, build, execute

from kdlite.explorer import runtime

COUNTER = '''
import anywidget
import traitlets


class Counter(anywidget.AnyWidget):
    _esm = """
    export default {
      render({ model, el }) {
        const button = document.createElement("button");
        const limit = model.get("limits").getUint8(0);
        const draw = () => (button.textContent = `${model.get("count")} of ${limit}`);
        button.addEventListener("click", () => {
          model.set("count", model.get("count") + 1);
          model.save_changes();
        });
        model.on("change:count", draw);
        draw();
        el.append(button);
      },
    };
    """
    _css = "button { color: rgb(1, 2, 3); }"
    count = traitlets.Int(0).tag(sync=True)
    limits = traitlets.Bytes(bytes([200])).tag(sync=True)


class Broken(anywidget.AnyWidget):
    _esm = "export default { render() { throw new Error('no canvas'); } };"


counter = Counter(count=1)
counter
'''
CELLS = [
    COUNTER,
    "counter",  # a second view of the same model
    "Counter(count=7)",
    "Broken()",
    "import ipywidgets\nipywidgets.IntSlider(description='beta')",
]


@pytest.fixture(scope="session")
def widget_site(once):
    """The pages of a book of one chapter that holds the widgets above."""

    def make(folder):
        skip = shutil.ignore_patterns("*.ipynb", "*.md")
        shutil.copytree(ROOT / "book", folder / "book", ignore=skip)
        shutil.copy(ROOT / "_config.yml", folder)
        (folder / "book" / "_toc.yml").write_text("format: jb-book\nroot: intro\n")
        cells = [nbformat.v4.new_markdown_cell("# Widgets"), *map(nbformat.v4.new_code_cell, CELLS)]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, folder / "book" / "intro.ipynb")
        assert execute(folder) == {"book/intro.ipynb": ""}
        try:
            runtime.fetch()
        except ConnectionError:
            build(folder)
        else:
            build(folder, live=True)

    return once("widgets", make)[0] / "_build" / "html"


@pytest.fixture(params=["http", "file"])
def widgets(request, widget_site, serve, watched):
    """The page of widgets once all of them have been drawn, or have said why not."""
    home = serve(widget_site) if request.param == "http" else widget_site.as_uri()
    watched.open(f"{home}/intro.html")
    watched.page.locator(".anywidget-static button, .anywidget-static .widget-note").nth(
        len(CELLS) - 1
    ).wait_for()
    return watched


def test_widget_answers_without_a_kernel_and_its_views_stay_linked(widgets):
    buttons = widgets.page.locator(".anywidget-static button")
    assert buttons.all_inner_texts() == ["1 of 200", "1 of 200", "7 of 200"]
    buttons.nth(1).click()
    assert buttons.all_inner_texts() == ["2 of 200", "2 of 200", "7 of 200"]
    assert buttons.first.evaluate("(button) => getComputedStyle(button).color") == "rgb(1, 2, 3)"


def test_book_carries_python_and_loads_none_of_it(widgets, widget_site):
    script = widgets.page.locator("script[data-runtime]")
    if not (widget_site / "_static" / "runtime.js").exists():
        pytest.skip("no Pyodide on this machine")
    assert (widget_site / "_static" / script.get_attribute("data-runtime")).is_file()
    assert script.get_attribute("src").startswith("_static/anywidget-static.js")
    assert widgets.page.evaluate("window.KDLITE_RUNTIME") is None


def test_widget_that_fails_shows_its_error(widgets):
    assert widgets.page.get_by_text("This interactive figure could not be shown: no canvas").is_visible()


def test_widget_of_another_kind_says_that_it_needs_a_kernel(widgets):
    assert widgets.page.get_by_text("This control needs a live kernel.").is_visible()


def test_widgets_ask_no_other_host(widgets):
    assert [fault for fault in widgets.faults if "no canvas" not in fault] == []


def test_widget_whose_state_is_damaged_says_so(widget_site, watched, tmp_path):
    shutil.copytree(widget_site, tmp_path / "site")
    page = tmp_path / "site" / "intro.html"
    page.write_text(
        page.read_text().replace('vnd.jupyter.widget-state+json">', 'vnd.jupyter.widget-state+json">{')
    )
    watched.open(page.as_uri())
    notes = watched.page.get_by_text("could not be shown: its state is missing from the page")
    assert notes.count() == len(CELLS)
