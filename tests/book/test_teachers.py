"""Each section that the teachers' page names is in the chapter it names."""

import re

from chapters import BOOK


def headings(chapter):
    text = (BOOK / "text" / f"{chapter}.md").read_text()
    return [line.lstrip("# ") for line in text.splitlines() if re.match(r"##+ ", line)]


def test_each_section_is_there():
    rows = [line for line in (BOOK / "teachers.md").read_text().splitlines() if line.startswith("|")]
    named = [(re.findall(r"\((part[^)]*)\.ipynb\)", row), re.findall(r'"([^"]+)"', row)) for row in rows]
    missing = [
        (section, chapters)
        for chapters, sections in named
        for section in sections
        if section not in [heading for chapter in chapters for heading in headings(chapter)]
    ]
    assert missing == []
    assert sum(len(sections) for _, sections in named) > 20
