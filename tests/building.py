"""Run and build a copy of the book, for the tests that look at notebooks and pages."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import yaml

ROOT = Path(__file__).parents[1]
TOOLS = Path(sys.executable).parent


def run(command, folder, **environment):
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | environment
    )


def execute(folder):
    """Let nbmake run the notebooks of a folder's book/ in place. Returns each one's error, or "" for none."""
    from kdlite.lm import pypi  # imports torch

    with suppress(ConnectionError):  # then the chapters that need it fail, and no other
        pypi.fetch()  # once, and before a cell's time is counted
    nbmake = [TOOLS / "pytest", "--nbmake", "--overwrite", "--nbmake-timeout=60", "-n", "2", "book"]
    done = run([*nbmake, "--junitxml=report.xml", "-o", "junit_family=xunit1"], folder)
    report = folder / "report.xml"
    assert report.exists(), f"nbmake did not run:\n{done.stdout}{done.stderr}"
    cases = ElementTree.parse(report).iter("testcase")
    return {case.get("file"): "\n".join(child.text or "" for child in case) for case in cases}


def build(folder, strict=True, live=False, **changes):
    """Build a folder's book/ as it is, without executing it, and return the folder of the pages.

    The changes are made to the configuration first. Strict: warnings are errors. Live: with Python in
    its pages.
    """
    config = yaml.safe_load((folder / "_config.yml").read_text())
    config["execute"]["execute_notebooks"] = "off"
    for key, value in changes.items():
        config[key].update(value)
    (folder / "build.yml").write_text(yaml.safe_dump(config, sort_keys=False))
    command = [TOOLS / "jupyter-book", "build", "book", "--config", "build.yml", "--path-output", "."]
    done = run([*command, *(["-W", "-n", "--keep-going"] if strict else [])], folder, LIVE=str(int(live)))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "_build" / "html"
