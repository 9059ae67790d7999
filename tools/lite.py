"""Make a JupyterLite of Part I beside the book's pages, which asks no other host: lite.py ENVIRONMENT FOLDER.

Knows JupyterLite's folders and Pyodide's list of packages; knows nothing of the book's pages but their addresses.

ENVIRONMENT holds what book/lite/requirements.txt names. Python for the browser comes as in ``kdlite.explorer.runtime``.
So do packages of Pyodide's release; book/lite/wheels.json lists, with hashes, what the kernel, the widgets and kdlite need
besides. SciPy, which no chapter of Part I needs, would be 20 MB more.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from kdlite.explorer import runtime
from kdlite.files import placing, remove_unfinished
from kdlite.store import read_json, sha256

ROOT = Path(__file__).parents[1]
HOME = ROOT / "book" / "lite"
CHAPTERS = ROOT / "book" / "part1"
KERNEL = "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static/pypi"
NOTE = """\
> **This notebook runs in your browser.** *Run → Run All Cells* starts it, and what you save stays in this browser. When
> the chapter changes, the button on [its page]({page}) opens the new one under another name, and yours stays in the list
> of files, *File → Open…*\
"""
_LINK = re.compile(r"\]\((?!https?:|#)(\.\./)?([\w./-]+)\.(?:ipynb|md)(#[\w.-]+)?\)")
_PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
_PURE = [
    "--only-binary=:all:",
    "--platform=any",
    "--python-version=3.12",
    "--implementation=py",
    "--abi=none",
]


def build(environment: Path, out: Path) -> None:
    """Make the site in a folder, in place of the one that is there.

    Raises:
        ConnectionError: if a package cannot be had.
        subprocess.CalledProcessError: if pip or JupyterLite fails.
    """
    remove_unfinished(out.parent)
    with TemporaryDirectory() as temporary, placing(out.parent, out.name) as new:
        lite = Path(temporary)
        write_python(lite / "static" / "pyodide", environment / KERNEL)
        for settings in ("jupyter-lite.json", "overrides.json"):
            shutil.copy(HOME / settings, lite)
        (lite / "files").mkdir()
        for name, text in notebooks():
            (lite / "files" / name).write_text(text, encoding="utf-8")
        command = [environment / "bin" / "jupyter", "lite", "build", "--lite-dir", lite]
        command += ["--contents", lite / "files", "--output-dir", new / out.name]
        command += ["--apps", "notebooks", "--apps", "tree"]
        command += ["--no-sourcemaps", "--no-unused-shared-packages", "--no-libarchive"]
        subprocess.run(command, cwd=lite, check=True, capture_output=True, text=True)
        shutil.rmtree(out, ignore_errors=True)


def notebooks() -> Iterator[tuple[str, str]]:
    """The chapters as the site has them: name and text.

    A name changes with its chapter, for JupyterLite shows a reader who has saved a file that one ever after. All lie
    side by side, so that one list shows them, and what readers have saved under earlier names.
    """
    for path in sorted(CHAPTERS.glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        # The site's kernel, or a dialog asks for one.
        notebook["metadata"]["kernelspec"] = {"display_name": "Python", "name": "python"}
        first, *others = notebook["cells"][1:]  # kdlite is there: no cell has to install it
        title, _, text = "".join(first["source"]).partition("\n\n")
        first["source"] = f"{title}\n\n{NOTE.format(page=path.name)}\n\n{text}"
        notebook["cells"] = [first, *others]
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = _LINK.sub(_to_page, "".join(cell["source"]))
        yield f"{path.stem}-{sha256(path)[:8]}.ipynb", json.dumps(notebook, ensure_ascii=False)


def _to_page(link: re.Match) -> str:
    """A link to a page of the book, from the site's own pages, which lie two folders below.

    JupyterLab takes a relative address for a file of its own, unless it is malformed: hence "?%".
    """
    up, page, place = link.groups("")
    return f"](../../{page if up else f'{CHAPTERS.name}/{page}'}.html?%{place})"


def write_python(target: Path, kernel: Path) -> None:
    """Write Pyodide into a new folder, the packages that are needed, and the list that holds each to its hash."""
    lock, ours = runtime.LOCK, read_json(HOME / "wheels.json")
    release = {each["file_name"]: each["sha256"] for each in lock["packages"].values()}
    given = runtime.fetch(release)
    target.mkdir(parents=True)
    for name in release | runtime.SHA256:
        shutil.copy(given / name, target)
    subprocess.run([*_PIP, "wheel", "--quiet", "--no-deps", "--wheel-dir", target, ROOT], check=True)
    asked = []
    for name, entry in ours.items():
        if name == "kdlite":
            (built,) = target.glob("kdlite-*.whl")
            entry["version"], entry["sha256"] = built.name.split("-")[1], sha256(built)
            # Another content has another name, or a browser that knows the old one refuses it.
            entry["file_name"] = built.name.replace("-py3-", f"-0{entry['sha256'][:8]}-py3-")
            built.rename(target / entry["file_name"])
        elif (kernel / entry["file_name"]).exists():
            shutil.copy(kernel / entry["file_name"], target)
        else:
            asked.append(f"{name}=={entry['version']}")
    subprocess.run([*_PIP, "download", "--quiet", "--no-deps", *_PURE, "--dest", target, *asked], check=True)
    for entry in ours.values():
        if (found := sha256(target / entry["file_name"])) != entry["sha256"]:
            raise ConnectionError(f"{entry['file_name']} has SHA-256 {found}, expected {entry['sha256']}")
    (target / "pyodide-lock.json").write_text(json.dumps(lock | {"packages": lock["packages"] | ours}))


if __name__ == "__main__":
    try:
        build(*(Path(name).absolute() for name in sys.argv[1:3]))
    except ConnectionError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.stderr or ''}{error}; make book LIVE=0 builds the book without it")
