"""requirements.txt is the whole environment in exact versions, for any platform."""

import re
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "requirements.txt").read_text().splitlines()[1:]


def name(requirement):
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def test_each_line_is_one_exact_version():
    assert [line for line in LINES if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_nothing_belongs_to_one_platform_or_to_the_project_itself():
    assert [line for line in LINES if re.match(r"nvidia|cuda|triton|kdlite", line)] == []


def test_everything_the_package_asks_for_is_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    del extras["cluster"]  # a development extra, for its weight
    asked = chain(project["dependencies"], *extras.values())
    assert {name(requirement) for requirement in asked} <= {name(line) for line in LINES}
