"""requirements.txt is the whole environment in exact versions, for any platform; so is that of JupyterLite, apart."""

import json
import re
import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement

from kdlite.explorer import runtime

ROOT = Path(__file__).parents[1]
LITE = ROOT / "book" / "lite"
LINES = (ROOT / "requirements.txt").read_text().splitlines()[1:]
LITE_LINES = (LITE / "requirements.txt").read_text().splitlines()[1:]


def name(requirement):
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def test_each_line_is_one_exact_version():
    assert [line for line in LINES + LITE_LINES if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_nothing_belongs_to_one_platform_or_to_the_project_itself():
    assert [line for line in LINES if re.match(r"nvidia|cuda|triton|kdlite", line)] == []


def test_everything_the_package_asks_for_is_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    del extras["cluster"]  # a development extra, for its weight
    asked = chain(project["dependencies"], *extras.values())
    assert {name(requirement) for requirement in asked} <= {name(line) for line in LINES}


def test_what_runs_in_a_browser_is_inside_the_bounds_and_fits_its_front_end():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = (
        runtime.LOCK["packages"],
        json.loads((LITE / "wheels.json").read_text()),
    )
    there = {name: entry.get("version") for packages in lists for name, entry in packages.items()}
    asked = map(Requirement, project["dependencies"] + project["optional-dependencies"]["book"])
    outside = {a.name: there.get(a.name) for a in asked if not a.specifier.contains(there.get(a.name) or "0")}
    assert outside == {"scipy": None}, "and no chapter of Part I needs SciPy"
    fronts = dict(line.split("==") for line in LITE_LINES)
    assert {name: there[name] for name in ("anywidget", "ipywidgets")}.items() <= fronts.items()
