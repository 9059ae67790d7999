"""The first cell of each chapter: the same everywhere, silent where kdlite is, one sentence where it cannot help."""

import importlib.util
import runpy
import subprocess
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import first_cells
import nbformat
import pytest
import yaml
from chapters import BOOK, NOTEBOOKS

CONFIG = yaml.safe_load((BOOK.parent / "_config.yml").read_text())
BOOK_EXTRA = ["anywidget", "matplotlib", "scipy", "tqdm"]
EXTRA = sorted(
    {*BOOK_EXTRA, "accelerate", "filelock", "gguf", "pyarrow", "safetensors", "torch", "transformers"}
)
ADDRESS = "git+https://github.com/someone/somewhere@main"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_notebook_begins_with_the_cell(name):
    text = (BOOK / "text" / f"{name}.md").read_text()
    assert first_cells.with_first_cell(text, CONFIG) == text, "run: make sync"
    cell = nbformat.read(BOOK / f"{name}.ipynb", as_version=4).cells[0]
    assert cell.source == first_cells.code(text, CONFIG), "run: make sync"
    folded = {"tags": ["remove-cell"], "jupyter": {"source_hidden": True}, "cellView": "form"}
    assert dict(cell.metadata) == folded


def test_the_source_is_the_address_of_the_launch_buttons():
    where = {"url": "https://github.com/someone/somewhere", "branch": "main"}  # as in test_pages.py
    assert first_cells.source({"repository": where}) == ADDRESS
    assert first_cells.source({"repository": {**where, "url": ""}}) == ""
    text = (BOOK / "text" / "intro.md").read_text()
    assert f'\nset_up(\n    "{ADDRESS}",\n' in first_cells.with_first_cell(text, {"repository": where})


def test_a_chapter_of_language_models_needs_the_extra():
    for line in ("from kdlite import lm, plots", "from kdlite.lm import fit", "import kdlite.lm"):
        assert first_cells.needs(f"text\n\n{line}\n") == EXTRA
    for line in ("import kdlite as kd", "from kdlite import plots", "and from kdlite import lm"):
        assert first_cells.needs(f"{line}\n") == BOOK_EXTRA


def test_writing_the_cell_again_changes_nothing_but_the_cell():
    text = (BOOK / "text" / "intro.md").read_text()
    other = first_cells.with_first_cell(text, {"repository": {"url": "https://x.org/y", "branch": "b"}})
    assert "git+https://x.org/y@b" in other
    assert first_cells.with_first_cell(other, CONFIG) == text


@pytest.fixture
def set_up():
    return runpy.run_path(first_cells.FUNCTION)["set_up"]


@pytest.fixture
def pip(monkeypatch):
    """A pip that does what it is told to: `status` and `stderr`. Keeps its commands and constraints."""
    fake = SimpleNamespace(status=0, stderr="", commands=[], kept=[])

    def run(command, **_):
        fake.commands.append(command)
        fake.kept.append(Path(command[command.index("--constraint") + 1]).read_text())
        return SimpleNamespace(returncode=fake.status, stderr=fake.stderr)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.delenv("KDLITE_SOURCE", raising=False)
    return fake


@pytest.fixture
def without_kdlite(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "kdlite" else find(name))


def test_where_kdlite_is_nothing_happens(set_up, pip, capsys):
    set_up("", *EXTRA)
    assert pip.commands == [] and capsys.readouterr().out == ""


@pytest.mark.usefixtures("without_kdlite")
def test_where_it_is_missing_pip_installs_it_and_keeps_numpy_and_torch(set_up, pip):
    set_up(ADDRESS, *BOOK_EXTRA)
    set_up(ADDRESS, *EXTRA)
    assert [command[-1] for command in pip.commands] == [
        f"kdlite[book] @ {ADDRESS}",
        f"kdlite[book,lm] @ {ADDRESS}",
    ]
    host = "".join(f"{name}=={metadata.version(name)}\n" for name in ("numpy", "torch"))
    assert pip.kept == [host, host]


def test_a_folder_of_that_name_is_not_the_package_and_a_part_may_be_missing(set_up, pip, monkeypatch):
    set_up(ADDRESS, "numpy", "no-such-package")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: SimpleNamespace(origin=None))
    set_up(ADDRESS)
    assert [command[-1] for command in pip.commands] == [f"kdlite[book] @ {ADDRESS}"] * 2


@pytest.mark.usefixtures("without_kdlite")
def test_the_variable_takes_the_place_of_the_source(set_up, pip, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for value in ("a wheel.whl", "git+https://x.org/y"):
        monkeypatch.setenv("KDLITE_SOURCE", value)
        set_up(ADDRESS)
    found = [command[-1].removeprefix("kdlite[book] @ ") for command in pip.commands]
    assert found == [(tmp_path / "a wheel.whl").as_uri(), "git+https://x.org/y"]


@pytest.mark.usefixtures("without_kdlite")
def test_without_a_source_one_sentence_says_what_to_do(set_up, pip):
    with pytest.raises(ModuleNotFoundError, match=r"not installed: kdlite; set the variable KDLITE_SOURCE"):
        set_up("")
    assert pip.commands == []


def test_without_a_source_what_kdlite_lacks_is_named(set_up, pip):
    with pytest.raises(ModuleNotFoundError, match=r"not installed: no-such-package, nor-this; set"):
        set_up("", "numpy", "no-such-package", "nor-this")


@pytest.mark.usefixtures("without_kdlite")
@pytest.mark.parametrize(
    ("stderr", "why"),
    [
        ("WARNING: slow\nERROR: too old\nmore", "ERROR: too old"),
        ("No pip\n", "No pip"),
        ("", "pip said nothing"),
    ],
)
def test_when_pip_fails_one_sentence_says_why(set_up, pip, stderr, why):
    pip.status, pip.stderr = 1, stderr
    with pytest.raises(ModuleNotFoundError, match="could not be installed") as error:
        set_up(ADDRESS)
    message = f"kdlite could not be installed: {why}; check KDLITE_SOURCE and the network"
    assert str(error.value) == message
