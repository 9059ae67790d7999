"""How benchmarks are told, and kept until the page is written. What they measure is nothing for a test."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as run
from benchmarks.measure import Row, hand_over, in_turn, ratios, spread
from benchmarks.report import Result, Setting, page

HERE = Setting("commit a", "a machine", "kdlite 0")
FASTER = Row("sweep", "1 s", "peer: 3 s", [2.5, 3.5, 3.0], "a | b")
SLOWER = Row("odd", "2 s", "peer: 1 s", [0.5], why="of its parity")


def test_every_job_takes_part_in_every_turn():
    calls = []
    times = in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)
    assert calls == ["a", "b"] * 3
    assert {name: len(found) for name, found in times.items()} == {"a": 3, "b": 3}


def test_a_ratio_above_one_says_that_we_need_less():
    assert ratios([6.0, 1.0], [2.0, 4.0]) == [3.0, 0.25]


def test_spread_is_median_and_range():
    assert spread([3.0, 1.0, 20.0], "s") == "3 s (1 to 20)"
    assert spread([0.12345]) == "0.123"
    assert spread([1234.5], "ms") == "1,234 ms"


def test_only_who_is_slower_says_why():
    assert (FASTER.slower, SLOWER.slower) == ("", "of its parity")
    assert SLOWER._replace(why="").slower == "no reason is known"
    assert Row("explorer", "1 ms", "at most 16 ms asked", why="never told").slower == ""


def test_the_page_names_setting_rows_and_who_is_slower():
    results = [
        Result("sweep", [FASTER], "2026-01-01 00:00", 0.25, 2.0),
        Result("odd", [SLOWER], "later", 1.0, 0.5),
    ]
    text = page(HERE, results)
    assert all(f"| {value} |" in text for value in HERE)
    assert "| date | 2026-01-01 00:00 to " in text and "| load before the start | 0.25 |" in text
    assert "| sweep | 1 s | peer: 3 s | 3 (2.5 to 3.5) | 3 | a \\| b |" in text
    assert "- **odd**, peer: 1 s: of its parity." in text and "**sweep**" not in text
    assert "Nowhere in this table." in page(HERE, results[:1])


def test_rows_are_handed_over_whole(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks.sweep", str(tmp_path / "rows.json")])
    hand_over([FASTER, SLOWER])
    assert [Row(**row) for row in json.loads((tmp_path / "rows.json").read_text())] == [FASTER, SLOWER]
    assert "SLOWER: of its parity" in capsys.readouterr().out


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """The benchmarks that ran, in order, in place of those of the project; "killed" kills the run."""
    ran = []

    def measure(name):
        ran.append(name)
        if name == "killed":
            raise KeyboardInterrupt
        return [FASTER._replace(what=name)]

    monkeypatch.setattr(run, "measured", measure)
    monkeypatch.setattr(run, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(run, "OUT", tmp_path / "RESULTS.md")
    monkeypatch.setattr(Setting, "now", lambda: HERE)
    return ran


def test_a_killed_run_loses_only_what_was_under_way(measured, monkeypatch, tmp_path):
    monkeypatch.setattr(run, "NAMES", ("first", "killed", "last"))
    with pytest.raises(KeyboardInterrupt):
        run.main()
    assert not run.OUT.exists()
    monkeypatch.setattr(run, "NAMES", ("first", "second", "last"))
    run.main()
    assert measured == ["first", "killed", "second", "last"]
    assert all(f"| {name} | 1 s |" in run.OUT.read_text() for name in run.NAMES)
    assert [path.name for path in tmp_path.iterdir()] == ["RESULTS.md"], "the next run starts afresh"


@pytest.mark.parametrize("field", Setting._fields)
def test_what_was_found_in_another_setting_is_measured_again(measured, field):
    first = run.found("sweep", HERE, run.KEPT)
    assert run.found("sweep", HERE, run.KEPT) == first and measured == ["sweep"]
    run.found("sweep", HERE._replace(**{field: "another"}), run.KEPT)
    assert measured == ["sweep", "sweep"]


def test_what_changed_files_found_is_measured_again(measured):
    changed = HERE._replace(commit="commit a-dirty")
    run.found("sweep", changed, run.KEPT)
    run.found("sweep", changed, run.KEPT)
    assert measured == ["sweep", "sweep"]


def test_every_benchmark_is_run():
    scripts = Path(run.__file__).parent.glob("*.py")
    assert {path.stem for path in scripts if "\ndef rows()" in path.read_text()} == set(run.NAMES)
