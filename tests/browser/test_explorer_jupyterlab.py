"""The explorer with a live kernel: a notebook in JupyterLab, from opening it to reading the trait back."""

import re
import shutil

import numpy as np
import pytest
from building import ROOT
from chapters import BOOK
from lab import jupyterlab, run_all, write_notebook
from playwright.sync_api import expect

from kdlite.mixtures import examples

CELLS = ("from kdlite.explorer import Explorer\nexplorer = Explorer(beta=4)\nexplorer", "print('beta is', explorer.beta)",
         "print('first mode is', *explorer.truth.means[0].round(2))")  # fmt: skip
TEXTS = (f"import sys\nsys.path.append('{ROOT / 'tests'}')\nfrom kdlite import lm\nfrom toy_results import language_results\n"
         "explorer = lm.TemperatureExplorer(language_results())\nexplorer", "print('tau is', explorer.tau)")  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    for name in ("slider", "modes"):
        write_notebook(folder / f"{name}.ipynb", *CELLS)
    write_notebook(folder / "texts.ipynb", *TEXTS)
    shutil.copy(BOOK / "intro.ipynb", folder)
    with jupyterlab(folder) as running:
        yield running


@pytest.fixture
def lab(browser, address):
    with browser.new_context(viewport={"width": 1400, "height": 1100}) as context:
        page = context.new_page()

        def open_and_run(name, ready=".kd-handles button"):
            run_all(page, address, f"{name}.ipynb")
            page.locator(ready).first.wait_for(timeout=60_000)  # the kernel has answered
            return page

        yield open_and_run


def run_again(page, cell):
    """Run a code cell once more and give what it prints."""
    cell = page.locator(".jp-CodeCell").nth(cell)
    before = cell.locator(".jp-InputPrompt").inner_text()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "([cell, before]) => /\\d/.test(cell.querySelector('.jp-InputPrompt').innerText) && "
        "cell.querySelector('.jp-InputPrompt').innerText !== before",
        arg=[cell.element_handle(), before],
    )
    return cell.locator(".jp-OutputArea-output").last.inner_text()


def test_slider_moves_by_mouse_and_keys_and_python_reads_it(lab):
    page = lab("slider")
    slider, output = page.get_by_label("β", exact=True), page.locator(".kd-beta output")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 5, box["y"] + box["height"] / 2, steps=10)
    page.mouse.up()
    expect(output).to_have_text("100")  # at the next frame
    for key in ("ArrowLeft", "ArrowDown", "ArrowUp", "ArrowLeft"):
        slider.press(key)
    expect(output).to_have_text("55")
    assert page.evaluate("() => document.activeElement.type") == "range", "the notebook took a key"
    assert "beta is 55.0" in run_again(page, 1)
    page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("explorer.beta = 2; print('beta is', explorer.beta)")
    assert "beta is 2.0" in run_again(page, 1)
    expect(output).to_have_text("2")


def test_a_chapter_is_opened_run_dragged_and_read_back(lab):
    page = lab("intro")
    page.get_by_text("| Idle").wait_for()  # the notebook has scrolled to the cell it ran last
    page.locator(".jp-CodeCell").first.scroll_into_view_if_needed()
    slider = page.get_by_label("β", exact=True)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 5, box["y"] + box["height"] / 2, steps=10)
    page.mouse.up()
    expect(page.locator(".kd-beta output")).to_have_text("100")
    page.locator(".jp-CodeCell").nth(2).locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("print('beta is', Out[2].beta)")  # Out[1] would be the cell that installs
    assert "beta is 100.0" in run_again(page, 2)


def test_modes_are_dragged_and_python_refits(lab):
    page = lab("modes")
    page.locator(".kd-more summary").click()
    handle, notes = page.locator(".kd-handles button").first, page.locator(".kd-figure > .kd-notes")
    precision = page.locator("[data-curve=distilled] .kd-precision")
    before = precision.inner_text()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 20, steps=6)
    page.wait_for_function(
        "([cell, before]) => cell.innerText !== before", arg=[precision.element_handle(), before]
    )
    page.mouse.move(x + 60, y + 40, steps=6)
    page.mouse.up()
    settled = "(notes) => !notes.innerText.includes('Fitting')"
    page.wait_for_function(settled, arg=notes.element_handle())
    place = [float(v.replace("−", "-")) for v in re.findall(r"[−\d.]+\d", handle.get_attribute("aria-label"))]
    assert not np.allclose(place, examples.CENTRES[0], atol=0.1)
    printed = run_again(page, 2)
    assert [float(v) for v in printed.split()[-2:]] == pytest.approx(place, abs=0.011)

    handle.focus()
    handle.press("ArrowDown")
    page.wait_for_function(settled, arg=notes.element_handle())
    assert "Mode 1 of p*" in handle.get_attribute("aria-label")

    page.get_by_role("button", name="New samples").click()
    page.get_by_text(re.compile("[0-9]+ new runs of the paper’s sampled recipe")).wait_for()

    page.get_by_role("button", name="Put the modes back").click()
    expect(precision).to_have_text(before)
    page.get_by_text("| Idle").wait_for()  # Lab holds changes back while the kernel draws runs
    assert "first mode is -1.0 1.0" in run_again(page, 2)


def test_tokens_are_read_by_keys_and_python_reads_tau(lab):
    page = lab("texts", ready=".kd-texts [role=slider]")
    page.get_by_text("| Idle").wait_for()
    page.get_by_role("slider", name="τ").press("ArrowLeft")
    page.locator(".kd-tau output").get_by_text("0.8").wait_for()
    token = page.get_by_role("slider", name="token")
    token.focus()
    for key in ("ArrowDown", "ArrowRight", "End", "ArrowUp"):
        before = token.get_attribute("aria-valuenow")
        page.keyboard.press(key)
        focused = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
        assert focused == "token", "the notebook took a key"
        assert token.get_attribute("aria-valuenow") != before
    assert "tau is 0.8" in run_again(page, 1)
