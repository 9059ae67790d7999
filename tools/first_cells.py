"""Writes the first cell of every chapter, which installs kdlite where it is missing.

Knows where kdlite comes from (_config.yml), what its language models need (pyproject.toml) and the text of the
chapters; knows nothing of notebooks, to which `make sync` carries the cell.
"""

import json
import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
FUNCTION = ROOT / "book" / "set_up.py"
_HEADER = """\
```{code-cell} ipython3
---
cellView: form
jupyter:
  source_hidden: true
tags: [remove-cell]
---
"""
_FRONT_MATTER = re.compile(r"\A---\n.*?^---\n\n", re.DOTALL | re.MULTILINE)
_CELL = re.compile(re.escape(_HEADER) + r"# @title Install .*?^```\n\n", re.DOTALL | re.MULTILINE)
_LANGUAGE = re.compile(r"^(from kdlite import .*\blm\b|(from|import) kdlite\.(lm|runs)\b)", re.MULTILINE)


def source(config: dict) -> str:
    """What pip installs, from the configuration of the book: the branch that its launch buttons open, or ""."""
    repository = config["repository"]
    return f"git+{repository['url']}@{repository['branch']}" if repository["url"] else ""


def needs(text: str) -> list[str]:
    """The packages a chapter needs besides the core: those of the extra book, and of lm if it imports language models."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    lines = [*extras["book"], *(extras["lm"] if _LANGUAGE.search(text) else [])]
    return sorted({re.match(r"[\w.-]+", line)[0] for line in lines})


def code(text: str, config: dict) -> str:
    """The source of the first cell of a chapter with this text."""
    arguments = [source(config), *needs(text)]
    call = f"set_up({', '.join(map(json.dumps, arguments))})"
    if len(call) > 80:
        call = "set_up(\n" + "".join(f"    {json.dumps(value)},\n" for value in arguments) + ")"
    return f"{FUNCTION.read_text(encoding='utf-8')}\n\n{call}\ndel set_up"


def with_first_cell(text: str, config: dict) -> str:
    """The text of a chapter with its first cell as it has to be; any other text is left as it is.

    Raises:
        ValueError: if the text does not begin with the header that jupytext writes.
    """
    front = _FRONT_MATTER.match(text)
    if not front:
        raise ValueError("the text has no header; let jupytext write it: jupytext --sync")
    rest = _CELL.sub("", text[front.end() :], count=1)
    return f"{front[0]}{_HEADER}{code(rest, config)}\n```\n\n{rest}"


def main() -> None:
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    for path in sorted((ROOT / "book" / "text").rglob("*.md")):
        old = path.read_text(encoding="utf-8")
        new = with_first_cell(old, config)
        if new != old:
            path.write_text(new, encoding="utf-8")
            print(f"first cell of {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
