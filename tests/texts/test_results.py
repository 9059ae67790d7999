"""Recorded runs are found in the source tree, and in the package where it was installed from a wheel."""

import json
from pathlib import Path

import pytest

from kdlite.lm import Profile, Results
from kdlite.texts import results

RESULTS = Path(__file__).parents[2] / "book" / "results"


def test_every_record_of_the_book_is_found():
    files = sorted(RESULTS.glob("*.json"))
    assert [path.resolve() for path in results.records().values()] == [path.resolve() for path in files]
    table = json.loads((RESULTS / "toy-language.json").read_text())
    assert Results.recorded("toy-language").rows == table["rows"]


@pytest.mark.parametrize("name", results.records())
def test_a_record_is_of_the_profile_that_makes_it_again(name):
    profile = Results.recorded(name).profile
    assert Profile.of(profile["name"], profile) == Profile.load(profile["name"])


def test_those_inside_the_package_come_first(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "mine.json").write_text("{}")
    monkeypatch.setattr(results, "_FOLDERS", (tmp_path / "missing", tmp_path / "results", RESULTS))
    assert results.records() == {"mine": tmp_path / "results" / "mine.json"}


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(ValueError, match=r"no run is recorded as 'tony'; there are: .*toy-language"):
        Results.recorded("tony")
