"""Write LICENSES.md: the licence of every package that requirements.txt pins, as the installed package declares it.

Knows the metadata of packages; knows nothing of what kdlite does with them. Run by: make licences
"""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kdlite.explorer.runtime import RELEASE

ROOT = Path(__file__).parents[1]
OUT = ROOT / "LICENSES.md"
_HEAD = """# Licences of what this project uses

kdlite itself is under the [MIT licence](LICENSE) and carries none of these packages with it; what the built pages carry
is named at the end. The table holds every package of `requirements.txt`, with the licence that the package itself declares. "core" is what `import kdlite` needs,
"book" what a chapter needs besides, "lm" what `kdlite.lm` needs, each with all that it needs in turn; the others build
and test the pages. On a Linux machine with an NVIDIA GPU, torch also brings NVIDIA's own libraries, under NVIDIA's
licence.

Written by `make licences`.

| package | version | needed by | licence |
|---|---|---|---|
"""
_TAIL = """
## In the pages of the built book

A page whose explorer a reader takes hold of loads `runtime.js`, one whose cell a reader runs `cells-runtime.js` as well.
`make book` makes them from unchanged files of other projects (`kdlite/explorer/runtime.py` names them with their hashes).
A font is served beside the pages. The sources are at the projects' own addresses.

- Pyodide {release}, MPL-2.0: <https://github.com/pyodide/pyodide>
- CPython 3.12.7 within it, PSF-2.0: <https://github.com/python/cpython>
- NumPy 2.0.2 built for it, BSD-3-Clause: <https://github.com/numpy/numpy>
- matplotlib 3.8.4, its own licence, after PSF-2.0: <https://github.com/matplotlib/matplotlib>
- Contourpy 1.3.0, cycler 0.12.1 and kiwisolver 1.4.5, which it draws with, BSD-3-Clause: <https://github.com/matplotlib>,
  <https://github.com/contourpy/contourpy>, <https://github.com/nucleic/kiwi>
- Pillow 10.2.0, HPND: <https://github.com/python-pillow/Pillow>
- packaging 24.2, Apache-2.0 or BSD-2-Clause: <https://github.com/pypa/packaging>
- pyparsing 3.1.2, MIT: <https://github.com/pyparsing/pyparsing>
- python-dateutil 2.9.0, Apache-2.0 or BSD-3-Clause: <https://github.com/dateutil/dateutil>
- six 1.16.0, MIT: <https://github.com/benjaminp/six>
- traitlets 5.14.3, BSD-3-Clause: <https://github.com/ipython/traitlets>
- STIX Two Math as in ziamath, the characters that the book uses, OFL-1.1: <https://github.com/stipub/stixfonts>

The notebooks in `lite/` are shown by JupyterLite, BSD-3-Clause: <https://github.com/jupyterlite/jupyterlite>. They load the
same Pyodide, and unchanged packages for it that `kdlite/explorer/pyodide-lock.json` and `book/lite/wheels.json` name with their
hashes. Each carries its own licence.
"""


def main() -> None:
    """Write the table."""
    rows = [f"| {' | '.join(row)} |\n" for row in table()]
    OUT.write_text(_HEAD + "".join(rows) + _TAIL.format(release=RELEASE), encoding="utf-8")


def table() -> list[tuple[str, str, str, str]]:
    """Name, version, who needs it, and licence of every pinned package."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    core, book, lm = map(needed, (project["dependencies"], extras["book"], extras["lm"]))

    def by(name: str) -> str:
        name = canonicalize_name(name)
        return (
            "core" if name in core else "book" if name in book else "lm" if name in lm else "pages and tests"
        )

    return [(name, version, by(name), licence(name)) for name, version in pins]


def needed(requirements: list[str]) -> set[str]:
    """Names of these packages, and of all that they need on this machine, by the metadata of what is installed."""
    todo, found = [(Requirement(line), "") for line in requirements], set()
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        for wanted in ("", *requirement.extras):
            name = canonicalize_name(requirement.name)
            if (name, wanted) not in found:
                found.add((name, wanted))
                todo += [(Requirement(line), wanted) for line in _requires(name)]
    return {name for name, _ in found}


def licence(name: str) -> str:
    """The licence that an installed package declares: an SPDX expression, else its classifiers, else the first words."""
    package = metadata.metadata(name)
    classifiers = [
        c.split(" :: ")[-1] for c in package.get_all("Classifier") or [] if c.startswith("License ::")
    ]
    declared = package["License-Expression"] or " or ".join(classifiers) or package["License"] or _title(name)
    return declared.strip().splitlines()[0]


def _title(name: str) -> str:
    """The first line of the licence file of a package whose metadata names none."""
    files = (file for file in metadata.files(name) or [] if re.match("LICEN[CS]E", file.name))
    return next(files).read_text().strip() if files else "unknown"


def _requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # for another platform
        return []


if __name__ == "__main__":
    main()
