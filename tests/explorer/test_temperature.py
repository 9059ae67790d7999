"""The Python side of the tau slider: what it takes from the results of a run, and what it refuses."""

import json
import re

import numpy as np
import pytest
import traitlets
from scipy.stats import entropy
from toy_results import DOTS, PIECES, TAUS, TRUTH, language_results, toy_results

from kdlite.explorer.temperature import CURVES, summary
from kdlite.lm import MarkovMixture, Results, TemperatureExplorer


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
            shares = np.array([each["shares"] for each in found])
            assert row["shares"] == pytest.approx(shares.mean(axis=0), abs=1e-4)
            assert row["effective"] == pytest.approx(np.exp(entropy(shares.T)).mean(), abs=0.006)
            assert sum(row["strips"]) == 128
            assert np.all(np.abs(np.array(row["strips"]) - 128 * shares.mean(axis=0)) < 1)
            for chain, texts in enumerate(row["texts"]):
                written = [
                    "".join("abcde"[token] for token in text)
                    for each in found
                    for text, of in zip(each["texts"], each["chains"], strict=True)
                    if of == chain
                ]
                assert texts == written[: row["strips"][chain]]
    assert run["direct"] == run["curves"]["cooled"]["points"][-1]
    assert run["truth"]["score"] == -1.2
    weights = MarkovMixture.random(**TRUTH).weights
    assert run["truth"]["shares"] == pytest.approx(weights, abs=1e-4)
    assert run["truth"]["effective"] == pytest.approx(np.exp(entropy(weights)), abs=0.006)


def test_state_is_small():
    results = toy_results()
    for row in results.rows:  # the size of the book's run
        row.update(texts=[[0] * 32] * 24, chains=[0] * 24, shares=[0.12345678] * 8)
    assert len(json.dumps(summary(results)["curves"])) / len(TAUS) * 8 < 100_000


def test_state_of_a_language_run_is_its_texts_and_dots():
    results = language_results()
    run = summary(results)
    assert run["colouring"] == "surprisal" and run["prompt"] == "The"
    assert run["truth"]["points"] == results.plane["points"]
    assert run["truth"]["coverage"] == [0.9, 0.01]
    shown_as = PIECES | {5: "↵"}
    for curve in CURVES:
        for tau, row in zip(run["taus"], run["curves"][curve]["rows"], strict=True):
            found = results.select(curve, tau=tau)[0]
            assert row["points"] == found["points"] and len(row["points"]) == DOTS
            assert row["coverage"] == [round(0.8 * tau, 4), 0.01]
            first, *others = row["texts"]
            assert first["tokens"][-1] == "⟨end⟩"
            assert first["size"] == found["texts"][0].index(2) + 1
            for text, scores in zip(row["texts"], found["token_log_prob"], strict=True):
                n = text["size"]
                assert text["mark"] == scores[:n]
                assert text["mean"] == pytest.approx(np.mean(scores[:n]), abs=0.006)
            for text, tokens in zip(others, found["texts"][1:], strict=True):
                assert text["tokens"] == [shown_as[token] for token in tokens]


def test_without_a_tokenizer_tokens_are_ids():
    results = language_results(pieces=None)
    run = summary(results)
    assert run["prompt"] == ""
    text = run["curves"]["teacher"]["rows"][0]["texts"][1]
    assert text["tokens"] == [f" {token}" for token in results.select("teacher", tau=0.5)[0]["texts"][1]]


def test_a_run_just_finished_is_shown(smoke):
    results = Results.load(smoke / "results.json")
    assert results.pieces is None and results.source is None
    run = TemperatureExplorer(results).run
    assert len(run["truth"]["points"]) == len(run["curves"]["distilled"]["rows"][0]["points"])
    for row, tau in zip(run["curves"]["distilled"]["rows"], run["taus"], strict=True):
        found = results.select("distilled", tau=tau)[0]
        for text, tokens in zip(row["texts"], found["texts"], strict=False):
            ended = [*(f" {token}" for token in tokens), " 0"]
            size = ended.index(" 0")  # the profile's end token
            assert text["tokens"][:size] == ended[:size]
            assert text["tokens"][size:] == ["⟨end⟩"] * (size < len(tokens))


def test_pieces_and_plane_are_read_from_the_file(tmp_path):
    results = language_results()
    entropy = {"value": 1.2, "stderr": 0.01, "n": 100}
    names = ("profile", "rows", "provenance", "source", "end", "plane", "pieces")
    table = {"truth_entropy": entropy, **{name: getattr(results, name) for name in names}}
    (tmp_path / "results.json").write_text(json.dumps(table))
    assert Results.load(tmp_path / "results.json") == results


def test_long_texts_are_cut():
    results = language_results()
    for row in results.rows:
        row.update(texts=[[3] * 512] * 2, token_log_prob=[[-1.0] * 256 + [-2.0] * 256] * 2)
    text = summary(results)["curves"]["teacher"]["rows"][0]["texts"][0]
    assert (len(text["tokens"]), len(text["mark"]), text["size"], text["mean"]) == (96, 96, 512, -1.5)


def test_state_of_a_language_run_is_small():
    results = language_results()
    for row in results.rows:  # the size of the largest run
        row.update(
            texts=[[4] * 512] * 24, token_log_prob=[[-10.25] * 512] * 24, points=[[-10.25, 10.25]] * 128
        )
    assert len(json.dumps(summary(results)["curves"])) / len(TAUS) * 8 < 400_000


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


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda r: r.rows[0].pop("token_log_prob"),
            "teacher, tau 1 has no token_log_prob; make the run again",
        ),
        (lambda r: r.rows[0].update(points=[]), "teacher, tau 1 has no points"),
        (lambda r: r.plane.clear(), "no plane of the truth's texts; make the run again"),
    ],
)
def test_results_of_a_language_run_that_lack_something_are_refused(spoil, message):
    results = language_results()
    spoil(results)
    with pytest.raises(ValueError, match=message):
        TemperatureExplorer(results)


def test_script_needs_no_other_host_and_no_eval():
    script = TemperatureExplorer._esm.replace("http://www.w3.org/2000/svg", "")  # a name, never asked for
    unwanted = r"https?://|\beval\b|new Function|\son[a-z]+=|innerHTML|^import "
    assert not re.search(unwanted, script, re.MULTILINE)
