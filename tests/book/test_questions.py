"""The questions for a newcomer: ten, each with a page of the book to answer it from."""

import re

from building import ROOT
from chapters import pages


def test_ten_questions_each_cite_a_page():
    text = (ROOT / "tests/book/questions.md").read_text()
    questions = re.split(r"^\d+\. ", text, flags=re.MULTILINE)[1:]
    cited = [re.findall(r"\(`([\w/-]+)`\)", question) for question in questions]
    assert len(questions) == 10
    assert all(len(names) == 1 and names[0] in pages() for names in cited)
