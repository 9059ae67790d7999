"""The names of the book's chapters and pages, read from its files."""

from pathlib import Path

import yaml

BOOK = Path(__file__).parents[1] / "book"
NOTEBOOKS = sorted(path.relative_to(BOOK).with_suffix("").as_posix() for path in BOOK.rglob("*.ipynb"))
TEXTS = sorted(
    path.relative_to(BOOK / "text").with_suffix("").as_posix() for path in BOOK.glob("text/**/*.md")
)


def pages():
    """Every page of the table of contents, in its order."""
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text())
    return [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]


def numbered():
    """The pages that are chapters: those in the numbered parts, in order. The first is chapter 1."""
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text())
    return [chapter["file"] for part in toc["parts"] if part.get("numbered") for chapter in part["chapters"]]
