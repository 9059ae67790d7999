"""Every reference can be found: by its arXiv number or its DOI. What the chapters link to is among them."""

import re

import pytest
from building import ROOT
from pybtex.database import parse_file

TEXTS = sorted((ROOT / "book/text").rglob("*.md"))
REFERENCES = parse_file(ROOT / "book/references.bib").entries
NUMBERS = {
    "arxiv.org/abs/": {entry.fields.get("eprint") for entry in REFERENCES.values()},
    "doi.org/": {entry.fields.get("doi") for entry in REFERENCES.values()},
}


@pytest.mark.parametrize("key", REFERENCES)
def test_a_reference_has_a_number(key):
    fields = REFERENCES[key].fields
    arxiv, doi = fields.get("eprint", ""), fields.get("doi", "")
    assert arxiv or doi
    assert not arxiv or (re.fullmatch(r"\d{4}\.\d{4,5}", arxiv) and fields["archivePrefix"] == "arXiv")
    assert not doi or re.fullmatch(r"10\.\d{4,9}/\S+", doi)
    if arxiv:  # its first digits are the month of its first version, which no publication precedes
        assert 2000 + int(arxiv[:2]) <= int(fields["year"])


def test_no_number_is_given_twice():
    numbers = [entry.fields.get("eprint") or entry.fields["doi"] for entry in REFERENCES.values()]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_what_a_chapter_links_to_is_among_the_references(path):
    for home, numbers in NUMBERS.items():
        linked = set(re.findall(re.escape(home) + r"([^)\s]+)", path.read_text(encoding="utf-8")))
        assert linked <= numbers
