"""Knobs of whole texts, against every text of a tiny language."""

import numpy as np
import pytest
import torch
from languages import LANGUAGES, chains, every_text, full_log_prob, llama, p_value
from transformers import TopPLogitsWarper

import kdlite as kd
from kdlite import selection
from kdlite.lm import Corpus, Recipe, distil
from kdlite.lm.next_token import Truncation
from kdlite.lm.selective import KNOBS, BestOf, Power, tries, with_knob

LANGUAGE = LANGUAGES["end, longer prompt"]
MODEL = llama(LANGUAGE)
TEXTS = every_text(LANGUAGE)
LOG_P = full_log_prob(MODEL, TEXTS)


@pytest.mark.parametrize("setting", [{"top_k": 2}, {"top_p": 0.8}, {"min_p": 0.3}])
def test_a_truncated_model_draws_and_scores_the_same_distribution(setting):
    model = MODEL.sharpen(0.7).truncate(**setting)
    log_prob = model.log_prob(TEXTS)
    assert np.isneginf(log_prob).any()
    assert np.exp(log_prob).sum() == pytest.approx(1, abs=1e-5)
    assert p_value(model.sample(20_000, 0, batch=10_000), TEXTS, log_prob) > 1e-3
    if "top_p" in setting:
        warp = TopPLogitsWarper(0.8)
        np.testing.assert_allclose(log_prob, full_log_prob(MODEL.sharpen(0.7), TEXTS, warp), atol=1e-4)


def test_truncation_replaces_an_earlier_one_and_stays_when_sharpened():
    assert MODEL.truncate(top_k=2).truncate(top_p=0.5).truncation == Truncation(top_p=0.5)
    assert MODEL.truncate(top_k=2).sharpen(2).truncation == Truncation(top_k=2)
    with pytest.raises(ValueError, match="top_k must be an integer >= 1, got 0"):
        MODEL.truncate(top_k=0)


def test_a_truncated_model_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match="save the model before you truncate it"):
        MODEL.truncate(top_k=2).save(tmp_path)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_the_likeliest_of_several_texts_is_as_frequent_as_enumeration_says(n):
    expected = selection.best_of(LOG_P, n)
    best = BestOf(MODEL, n)
    assert p_value(best.sample(5_000, 0, batch=10_000), TEXTS, expected) > 1e-3
    common = expected > np.log(0.01)  # rarer texts have a rough rank
    np.testing.assert_allclose(best.log_prob(TEXTS)[common], expected[common], atol=0.15)


@pytest.mark.parametrize("beta", [0.6, 2.0])
def test_the_power_of_a_text_is_as_frequent_as_enumeration_says(beta):
    expected = selection.power(LOG_P, beta)
    power = Power(MODEL, beta, candidates=64)
    assert p_value(power.sample(400, 0, batch=32_000), TEXTS, expected) > 1e-3
    np.testing.assert_allclose(power.log_prob(TEXTS), expected, atol=0.03)
    assert 0 < power.efficiency <= 1 + 1e-9


def test_temperature_alone_is_not_the_power():
    """With one candidate nothing is chosen, and the draws are those of the tempered model."""
    drawn = Power(MODEL, 2.0, candidates=1).sample(10_000, 0, batch=10_000)
    assert p_value(drawn, TEXTS, MODEL.sharpen(2.0).log_prob(TEXTS)) > 1e-3
    assert p_value(drawn, TEXTS, selection.power(LOG_P, 2.0)) < 1e-6


def test_the_power_of_a_mixture_of_chains():
    truth = chains()
    texts = every_text(truth.language)
    with np.errstate(divide="ignore"):
        expected = selection.power(truth.log_prob(texts), 2.0)
    drawn = Power(truth, 2.0, candidates=64).sample(4_000, 0, batch=32_000)
    assert p_value(drawn, texts, expected) > 1e-3


@pytest.mark.parametrize("knob", [BestOf(MODEL, 3), Power(MODEL, 1.5, candidates=4)], ids=["best", "power"])
def test_a_text_depends_on_seed_and_place_alone(knob):
    whole = knob.sample(20, 5, batch=64)
    np.testing.assert_array_equal(knob.sample(20, 5, batch=7), whole)
    (part, log_prob), *more = knob.draws(6, 5, start=4, batch=64)
    assert not more
    np.testing.assert_array_equal(part, whole[4:10])
    np.testing.assert_allclose(log_prob, knob.log_prob(part), atol=1e-3)
    assert len({knob.digest(), BestOf(MODEL, 4).digest(), BestOf(MODEL.sharpen(2), 3).digest()}) == 3


def test_both_scores_take_them():
    truth = llama(LANGUAGE, seed=2)
    best = BestOf(MODEL, 4)
    q = np.exp(selection.best_of(LOG_P, 4))
    sizes = LANGUAGE.size(TEXTS)
    expected = q @ truth.log_prob(TEXTS) / (q @ sizes)
    found = kd.precision(best, truth=truth, n=1000)
    assert abs(found.value - expected) < 5 * found.stderr


def test_a_corpus_says_what_was_left_out(tmp_path):
    draw = {"n": 8, "seed": 0, "sampler": "t"}
    Corpus.draw(MODEL.truncate(top_k=2), tmp_path, **draw)
    with pytest.raises(ValueError, match="drawn with truncation"):
        Corpus.draw(MODEL.truncate(top_k=1), tmp_path, **draw)


def test_a_truncated_teacher_teaches_by_forward_kl_alone(tmp_path):
    teacher, start = MODEL.truncate(top_k=2), llama(LANGUAGE, seed=3)
    corpus = Corpus.draw(teacher, tmp_path / "texts", n=256, seed=0, sampler="t")
    recipe = Recipe(learning_rate=3e-2, epochs=8, texts_per_step=32, rows_per_pass=32)
    student = distil(start, teacher, corpus, recipe, tmp_path / "student")
    said = np.isneginf(teacher.log_prob(TEXTS))
    assert np.exp(student.log_prob(TEXTS)[said]).sum() < 0.3 * np.exp(start.log_prob(TEXTS)[said]).sum()
    with pytest.raises(ValueError, match="reverse_kl takes a whole teacher"):
        distil(start, teacher, corpus, recipe, tmp_path / "other", objective="reverse_kl")


def test_every_knob_is_turned_by_its_name():
    settings = {"tau": 0.5, "top_k": 2, "top_p": 0.5, "min_p": 0.1, "best_of": 3, "power": 2.0}
    turned = {name: with_knob(MODEL, name, settings[name]) for name in KNOBS}
    assert turned["tau"].beta == 2
    assert turned["top_k"].truncation == Truncation(top_k=2)
    assert turned["top_p"].truncation == Truncation(top_p=0.5)
    assert turned["min_p"].truncation == Truncation(min_p=0.1)
    assert turned["best_of"] == BestOf(MODEL, 3)
    assert turned["power"] == Power(MODEL, 2.0)
    assert [tries(name, settings[name]) for name in KNOBS] == [1, 1, 1, 1, 3, Power.candidates]
    with pytest.raises(ValueError, match="no knob 'heat'"):
        with_knob(MODEL, "heat", 1.0)


def test_logits_are_left_alone():
    logits = torch.randn(2, 3)
    before = logits.clone()
    Truncation(top_k=1).apply(logits)
    assert torch.equal(logits, before)
