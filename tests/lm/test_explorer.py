"""The Python side of the tau slider: what it takes from the results of a run, and what it refuses."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import traitlets
from toy_results import SHOWN, TAUS, TRUTH, toy_results

from kdlite.lm import MarkovMixture, TemperatureExplorer
from kdlite.lm.explorer import CURVES, summary


def test_state_is_the_results_along_tau():
    results = toy_results()
    run = summary(results)
    assert run["taus"] == sorted(TAUS)
    for curve in CURVES:
        shown = run["curves"][curve]
        for tau, (precision, recall), row in zip(run["taus"], shown["points"], shown["rows"], strict=True):
            found = results.select(curve, tau=tau)
            assert precision == pytest.approx(np.median([r["precision"]["value"] for r in found]), abs=1e-4)
            assert recall == pytest.approx(np.median([r["recall"]["value"] for r in found]), abs=1e-4)
            assert row["shares"] == pytest.approx(found[0]["shares"], abs=1e-4)
            letters = ["".join("abcde"[token] for token in text) for text in found[0]["texts"]]
            assert row["texts"] == [
                {"tokens": text, "mark": chain}
                for text, chain in zip(letters, found[0]["chains"], strict=True)
            ]
    assert run["direct"] == run["curves"]["cooled"]["points"][-1]
    assert run["truth"]["score"] == -1.2
    assert run["truth"]["shares"] == pytest.approx(MarkovMixture.random(**TRUTH).weights, abs=1e-4)


def test_state_is_small():
    explorer = TemperatureExplorer(toy_results(), texts=2)
    assert len(explorer.run["curves"]["teacher"]["rows"][0]["texts"]) == 2 < SHOWN
    results = toy_results()
    for row in results.rows:  # the size of the book's run
        row.update(texts=[[0] * 32] * 24, chains=[0] * 24, shares=[0.12345678] * 8)
    assert len(json.dumps(summary(results)["curves"])) / len(TAUS) * 8 < 50_000


def test_settings_are_values():
    explorer = TemperatureExplorer(toy_results(), tau=0.77, curve="teacher")
    assert (explorer.tau, explorer.curve) == (0.8, "teacher")
    explorer.tau = 0.1
    assert explorer.tau == 0.5  # the nearest stop
    with pytest.raises(traitlets.TraitError):
        explorer.curve = "selected"


@pytest.mark.parametrize("tau", [0, -1, float("nan"), float("inf")])
def test_impossible_tau_is_refused(tau):
    with pytest.raises(ValueError, match="tau must be a finite number > 0, got"):
        TemperatureExplorer(toy_results(), tau=tau)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda r: r.profile.update(truth={"name": "SmolLM2"}), "truth has no chains to colour texts by"),
        (lambda r: r.profile["truth"].update(symbols=60), "60 symbols, of which 52 have a letter"),
        (lambda r: r.rows[0].pop("chains"), "teacher, tau 1 has no chains; make the run again"),
        (lambda r: r.rows[0].update(texts=[]), "teacher, tau 1 has no texts"),
        (lambda r: r.rows.pop(), "no distilled of seed 1 at tau 0.5; finish the run"),
    ],
)
def test_results_that_lack_something_are_refused(spoil, message):
    results = toy_results()
    spoil(results)
    with pytest.raises(ValueError, match=message):
        TemperatureExplorer(results)


def test_no_texts_are_refused():
    with pytest.raises(ValueError, match="texts must be an integer >= 1, got 0"):
        TemperatureExplorer(toy_results(), texts=0)


def test_script_needs_no_other_host_and_no_eval():
    script = TemperatureExplorer._esm.replace("http://www.w3.org/2000/svg", "")  # a name, never asked for
    unwanted = r"https?://|\beval\b|new Function|\son[a-z]+=|innerHTML|^import "
    assert not re.search(unwanted, script, re.MULTILINE)


def test_importing_the_package_leaves_anywidget_alone():
    code = "import sys, kdlite.lm; print('anywidget' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
