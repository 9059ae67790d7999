"""Prose is spelled right, and in British English, as what is there. Words of the trade are in words.txt."""

import re
import subprocess
from collections import defaultdict
from importlib.resources import files

import prose
import pytest
from building import ROOT, TOOLS
from spellchecker import SpellChecker

LIST = ROOT / "tests" / "book" / "words.txt"
# American in one sense and British in another: a program of a computer, practice as a noun, stories that are told.
BOTH = {"math", "practice", "program", "stories", "story"}  # an element of HTML among them


@pytest.fixture(scope="module")
def written():
    """Each word in use, in small letters, with the files it is in."""
    found = defaultdict(set)
    for file, text in prose.sources():
        for word in prose.words(text):
            found[word.lower()].add(file)
    return found


def places(unknown, written):
    return {word: sorted(written[word])[:3] for word in sorted(unknown)}


def test_each_word_is_in_the_dictionary_or_in_our_list(written):
    checker = SpellChecker(language="en")
    checker.word_frequency.load_words(LIST.read_text().split())
    unknown = checker.unknown(word for word in written if len(word) > 1)
    assert places(unknown, written) == {}, f"mend it, or add the word to {LIST.relative_to(ROOT)}"


def test_our_list_is_sorted_and_has_no_word_of_the_dictionary():
    words = LIST.read_text().split()
    assert words == sorted(set(words))
    assert set(words) - SpellChecker(language="en").unknown(words) == set()


def test_spelling_is_british(written):
    table = files("codespell_lib").joinpath("data/dictionary_en-GB_to_en-US.txt").read_text()
    american = {word.strip() for line in table.splitlines() for word in line.split("->")[1].split(",")}
    assert {"color", "center", "normalize"} <= american
    assert places((american - BOTH) & written.keys(), written) == {}


def test_no_common_misspelling():
    pages = [*prose.MARKDOWN, "book/text", *prose.CODE]
    skip = "*.bin,*.json,*.pyc,*.css,*.js,words.txt"
    command = [TOOLS / "codespell", "--ignore-words", LIST, "--skip", skip, *pages]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_words_are_found_and_names_in_code_are_not():
    text = prose.plain(
        "The teacher's `colr` of $x$, kd.fit_mixture, [a link](to/nowehre.md) and n_init: isn't it?"
    )
    assert list(prose.words(text)) == ["The", "teacher", "of", "a", "link", "and", "isn't", "it"]
    assert re.findall(r"\w+", prose.plain("Before\n```sh\ncode\n```\nafter")) == ["Before", "after"]
