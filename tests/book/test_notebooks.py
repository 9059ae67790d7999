"""Each chapter is a notebook without outputs that agrees with its text and runs from a clean kernel."""

import jupytext
import nbformat
import pytest
from chapters import BOOK, NOTEBOOKS, TEXTS, pages

every_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


def read(name):
    return nbformat.read(BOOK / f"{name}.ipynb", as_version=4)


def test_each_notebook_has_a_text_and_each_text_a_notebook():
    assert NOTEBOOKS == TEXTS


def test_each_notebook_is_in_the_table_of_contents():
    assert set(NOTEBOOKS) <= set(pages())


@every_notebook
def test_text_and_notebook_agree(name):
    def content(notebook):
        return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]

    text = jupytext.read(BOOK / "text" / f"{name}.md")
    assert content(read(name)) == content(text), "edit one of them, then run: make sync"


@every_notebook
def test_notebook_is_committed_without_outputs(name):
    notebook = read(name)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert "widgets" not in notebook.metadata


@every_notebook
def test_notebook_runs(name, executed):
    _, errors = executed
    assert errors[f"book/{name}.ipynb"] == ""
