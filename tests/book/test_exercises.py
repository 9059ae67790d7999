"""Each chapter has three to five exercises with hints and executed solutions, both folded, numbered alike on page and in notebook."""

import re

import exercises
import jupytext
import pytest
from bs4 import BeautifulSoup
from chapters import BOOK, numbered
from docutils import nodes

every_chapter = pytest.mark.parametrize(("number", "name"), list(enumerate(numbered(), 1)))
FORM = "write an exercise as: > **Exercise 2 (standard, derive).** ..., or with another level: warm-up, deep"
TITLE = re.compile(r"^> \*\*Exercise (\d+) \((?:warm-up|standard|deep), [a-z ]+\)\.\*\*", re.MULTILINE)


def exercises_of(name):
    """For each exercise of a chapter: its number, the Markdown after its title, and the code cells."""
    found = []
    for cell in jupytext.read(BOOK / "text" / f"{name}.md").cells:
        if cell.cell_type == "code":
            if found:
                found[-1][2].append(cell)
            continue
        assert len(TITLE.findall(cell.source)) == len(re.findall(r"^> \*\*Exercise", cell.source, re.M)), FORM
        before, *pieces = TITLE.split(cell.source)
        if found:
            found[-1][1].append(before)
        found += [(int(k), [text], []) for k, text in zip(pieces[::2], pieces[1::2], strict=True)]
    return [(k, "\n".join(words), code) for k, words, code in found]


@every_chapter
def test_three_to_five_exercises_in_order(number, name):
    numbers = [k for k, _, _ in exercises_of(name)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert 3 <= len(numbers) <= 5


@every_chapter
def test_each_exercise_has_a_folded_hint_and_a_folded_solution_that_asserts_its_answer(number, name):
    for k, words, code in exercises_of(name):
        assert re.findall("<details><summary>(.*?)</summary>", words) == ["Hint", "Solution"], k
        assert words.count("<details>") == words.count("</details>"), k
        assert code, k
        assert all({"hide-cell", "remove-cell"} & set(cell.metadata.tags) for cell in code), k
        assert any(re.search(r"^\s*(assert |raise AssertionError)", cell.source, re.M) for cell in code), k


@every_chapter
def test_file_is_named_after_its_number(number, name):
    assert exercises.chapter_of(name) == number


@every_chapter
def test_page_shows_chapter_and_number(number, name, site):
    page = BeautifulSoup((site / f"{name}.html").read_text(), "html.parser")
    shown = page.select("div.exercise")
    written = [k for k, _, _ in exercises_of(name)]
    assert [each["id"] for each in shown] == [f"exercise-{number}-{k}" for k in written]
    titles = [each.select_one(".admonition-title .caption-number").text.strip() for each in shown]
    assert titles == [f"Exercise {number}.{k}" for k in written]
    ids = [tag["id"] for tag in page.select("[id^=exercise]")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("page", "mention", "href"),
    [
        ("part3/12-other-objectives", "exercise 4 of chapter 4", "../part1/04-trade-off.html#exercise-4-4"),
        ("part2/07-language-is-a-mixture", "Exercise 2", "#exercise-7-2"),
    ],
)
def test_each_mention_of_an_exercise_is_a_link(page, mention, href, site):
    found = BeautifulSoup((site / f"{page}.html").read_text(), "html.parser")
    links = {link.text: link["href"] for link in found.select('article a[href*="#exercise-"]')}
    assert links[mention] == href


def test_mention_may_go_over_the_end_of_a_line():
    parent = nodes.paragraph("", "", nodes.Text("an exercise"), nodes.Text("\n"), nodes.Text("4 of"))
    parent += [nodes.emphasis("", "them"), nodes.Text(".")]
    assert [child.astext() for child in exercises.joined(parent)] == ["an exercise\n4 of", "them", "."]


def test_quotation_becomes_a_directive():
    markdown = "Before.\n\n> **Exercise 2 (derive).** Show\n>\n> - that.\n\n> Someone else.\n"
    assert exercises.to_directives(markdown, 7) == (
        "Before.\n\n:::{exercise} derive\n:label: exercise-7-2\n\nShow\n\n- that.\n:::\n\n> Someone else.\n"
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("(exercise 2)", ("2", None, None)),
        ("Exercise 3 tries", ("3", None, None)),
        ("exercise 4 of\nchapter 11.", ("4", " of\nchapter 11", "11")),
        ("exercise 4 of ", ("4", " of ", None)),
        ("exercises", None),
        ("an exercise of 2 parts", None),
        ("preexercise 2", None),
    ],
)
def test_mention_is_found(words, found):
    mention = exercises.MENTION.search(words)
    assert (mention and mention.group("number", "of", "chapter")) == found
