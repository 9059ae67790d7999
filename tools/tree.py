"""Write the tree of the package into README.md and CONTRIBUTING.md: a line a file, from the first line of its docstring.

Knows docstrings and two markers; knows nothing of what a module does. Run by: make sync
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "README.md", ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- tree: written by tools/tree.py -->\n", "<!-- end of tree -->\n"
# From what a reader types down to what everything rests on.
FLOORS = ("cli", "__main__", "plots", "explorer", "runs", "lm", "texts", "mixtures", "")
_WIDTH = 22


def tree() -> str:
    """The package as an indented list, its upper floors first."""
    home = ROOT / "kdlite"
    lines = [_line("kdlite/", home / "__init__.py")]
    for name in FLOORS[:-1]:
        if (home / name).is_dir():
            lines.append(_line(f"  {name}/", home / name / "__init__.py"))
            lines += [_line(f"    {path.name}", path) for path in _modules(home / name)]
        else:
            lines.append(_line(f"  {name}.py", home / f"{name}.py"))
    lines += [_line(f"  {path.name}", path) for path in _modules(home) if path.stem not in FLOORS]
    return "```\n" + "\n".join(lines) + "\n```\n"


def with_tree(text: str) -> str:
    """A page with the tree as it is now between the markers."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}{tree()}{END}{rest.partition(END)[2]}"


def _modules(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.py")) if path.name not in ("__init__.py",)]


def _line(name: str, path: Path) -> str:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).partition("\n\n")[0]
    said = " ".join(said.split()).partition(". ")[0].rstrip(".")
    return f"{name:{_WIDTH}} {said}"


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_tree(page.read_text(encoding="utf-8")), encoding="utf-8")
