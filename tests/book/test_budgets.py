"""What a page asks of its reader: lines of code in sight, minutes, words. Each page says its minutes, and whether it is core."""

import re

import jupytext
import prose
import pytest
from chapters import BOOK, TEXTS, numbered

CORE = ("intro", *(numbered()[i - 1] for i in (1, 2, 3, 4, 6, 9)), "verdict")
HIDDEN = {"hide-cell", "hide-input", "remove-cell", "remove-input"}
LINES = 60  # of code that is seen without a click
WORDS = 26_040  # of all pages below, exercises and solutions included
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
SAYS = re.compile(r"^> \*\*(Core path|Elective), (\d+) minutes\.\*\*", re.MULTILINE)


def cells(name):
    return jupytext.read(BOOK / "text" / f"{name}.md").cells


def markdown(name):
    if name not in TEXTS:
        return (BOOK / f"{name}.md").read_text()
    return "\n\n".join(cell.source for cell in cells(name) if cell.cell_type == "markdown")


def minutes(name):
    """Reading at 200 words a minute; a minute for each guess and each widget, half a one for each picture."""
    text = FOLDED.sub("", markdown(name).split("\n## Exercises\n")[0])
    code = [cell for cell in cells(name) if cell.cell_type == "code"] if name in TEXTS else []
    pictures = sum("alt" in cell.metadata.get("mystnb", {}).get("image", {}) for cell in code)
    widgets = sum(
        bool(re.search(r"^(?:kd|lm)\.(\w*Explorer|Surprisal)\(|\bThreads\(", cell.source, re.M))
        for cell in code
    )
    tasks = text.count("> **Predict.**") + widgets + pictures / 2
    return len(prose.plain(text).split()) / 200 + tasks


@pytest.mark.parametrize("name", TEXTS)
def test_no_assert_is_seen_and_code_stays_in_the_margin(name):
    seen = [
        c.source
        for c in cells(name)
        if c.cell_type == "code" and not HIDDEN & set(c.metadata.get("tags", []))
    ]
    lines = [line for source in seen for line in source.splitlines() if line.strip()]
    assert [line for line in lines if line.lstrip().startswith("assert ")] == []
    assert len(lines) <= LINES


@pytest.mark.parametrize("name", TEXTS)
def test_each_picture_has_a_caption_of_one_sentence(name):
    for cell in cells(name):
        figure = cell.metadata.get("mystnb", {})
        if "image" in figure:
            caption = figure["figure"]["caption"]
            assert caption[-1] in ".?" and len(caption.split()) < 20


@pytest.mark.parametrize("name", [*numbered(), "verdict"])
def test_a_page_says_whether_it_is_core_and_how_long_it_takes(name):
    (path, said), *more = SAYS.findall(markdown(name))
    assert not more
    assert (path == "Core path") == (name in CORE)
    assert abs(int(said) - minutes(name)) < 1, f"it takes {minutes(name):.0f} minutes; write that"


def test_the_core_path_takes_two_hours_at_most():
    assert sum(minutes(name) for name in CORE) <= 120


def test_the_chapters_stay_short():
    assert sum(len(prose.plain(markdown(name)).split()) for name in (*TEXTS, "newcomers", "verdict")) <= WORDS
