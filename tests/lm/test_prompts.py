"""Several prompts, against one at a time, and against plain transformers."""

from dataclasses import replace

import numpy as np
import pytest
from corpora import RECIPE, SHAPE, draw
from languages import full_log_prob, gpt2, llama

import kdlite as kd
from kdlite import lm
from kdlite.lm import Corpus, Language, Prompts
from kdlite.lm.distilling import OwnTexts
from kdlite.lm.selective import BestOf
from kdlite.lm.vocabulary import likeliest, narrow, use

MAKERS = {"llama": llama, "gpt2": gpt2}
PROMPTS = Prompts([(3,), (10, 3, 7, 4, 5, 1, 9), (10, 8, 6)], [2, 1, 1.5])
LANGUAGE = Language(11, 70, PROMPTS, eos=2, begin=10)


def alone(model, k):
    """The same model with one of its prompts."""
    return replace(model, language=replace(model.language, prompt=model.language.prompts[k]))


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("batch", [64, 7])
def test_texts_are_those_of_one_prompt_at_a_time(maker, batch):
    """Their noise is that of their place in the draw; rows shrink as texts end; some prompts are much longer."""
    model = MAKERS[maker](LANGUAGE).sharpen(1.3)
    tokens, log_prob = map(np.concatenate, zip(*model.draws(40, 5, start=3, batch=batch), strict=True))
    np.testing.assert_array_equal(tokens[:, 0], PROMPTS.of(3, 40))
    for k in range(3):
        mine = tokens[:, 0] == k
        texts, their = map(np.concatenate, zip(*alone(model, k).draws(40, 5, start=3), strict=True))
        np.testing.assert_array_equal(tokens[mine, 1:], texts[mine])
        np.testing.assert_allclose(log_prob[mine], their[mine], rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(log_prob[mine], full_log_prob(alone(model, k), texts[mine]), atol=1e-3)
    assert len(np.unique(model.size(tokens))) > 10
    np.testing.assert_array_equal(model.sample(20, 5), model.sample(40, 5)[:20])


@pytest.mark.parametrize("maker", MAKERS)
def test_texts_are_read_as_after_one_prompt_at_a_time(maker):
    model = MAKERS[maker](LANGUAGE).sharpen(0.7)
    tokens = np.random.default_rng(0).permutation(model.sample(60, 0))
    reading = model.read(tokens)
    assert reading.token_log_prob.shape == (60, 70)
    for k in range(3):
        mine = tokens[:, 0] == k
        own = alone(model, k).read(tokens[mine, 1:])
        np.testing.assert_allclose(reading.token_log_prob[mine], own.token_log_prob, atol=1e-4)
        np.testing.assert_allclose(reading.state[mine], own.state, atol=1e-4)
        expected = full_log_prob(alone(model, k), tokens[mine, 1:])
        np.testing.assert_allclose(model.log_prob(tokens)[mine], expected, rtol=1e-4, atol=1e-3)


def test_the_two_numbers_are_means_over_the_prompts():
    student, truth = llama(LANGUAGE), llama(LANGUAGE, seed=2)
    found = kd.precision(student, truth=truth, n=90, seed=1)
    tokens = student.sample(90, kd.distribution.stream_seed(1, "precision"))
    counts = np.bincount(tokens[:, 0])
    assert counts.tolist() == [40, 20, 30]  # strata, not lots
    sums = [truth.log_prob(tokens[tokens[:, 0] == k]).sum() for k in range(3)]
    assert found.value == pytest.approx(sum(sums) / student.size(tokens).sum(), rel=1e-6)
    other = alone(truth, 0)
    with pytest.raises(ValueError, match="give both the same prompt"):
        kd.recall(student, truth=other, n=2)


def test_a_corpus_keeps_the_prompts_through_shards_and_shuffles(tmp_path):
    model = llama(LANGUAGE)
    corpus = draw(model, tmp_path)
    assert Corpus.open(tmp_path) == corpus and corpus.language == LANGUAGE
    np.testing.assert_array_equal(corpus.texts(), model.sample(60, 3))
    np.testing.assert_allclose(model.log_prob(corpus.texts()), corpus.log_probs(), rtol=1e-4, atol=1e-3)
    step = next(corpus.steps(60, 0, 0))
    assert not np.array_equal(step, corpus.texts())
    assert sorted(step.tolist()) == sorted(corpus.texts().tolist())
    said = [text[:n] for text, n in zip(step[:, 1:], model.size(step), strict=True)]
    assert corpus.symbols == len(np.unique(np.concatenate(said)))
    assert kd.recall(model, truth=corpus, n=50) == kd.recall(model, truth=corpus, n=50, seed=4)


def test_a_student_learns_what_each_prompt_is_followed_by(tmp_path):
    """And not the mixture of all: the prompts are told apart to the end of the training."""
    language = Language(4, 3, Prompts([[2], [1, 0, 1], [1, 1]]), eos=3)
    texts = np.array([[k, k, 3, 3] for k in range(3)] * 40)
    corpus = Corpus.from_tokens(texts, language, tmp_path / "corpus")
    made = lm.fit(lm.new(SHAPE, language, seed=0), corpus, replace(RECIPE, epochs=6), tmp_path / "run")
    assert np.exp(made.log_prob(texts[:3])).min() > 0.9


def test_a_students_own_texts_come_to_every_prompt():
    """A step smaller than the number of prompts began with the first one each time."""
    own = OwnTexts(llama(LANGUAGE).model, LANGUAGE, 5)
    numbers = [step[:, 0] for epoch in range(4) for step in own.steps(2, 0, epoch)]
    np.testing.assert_array_equal(np.concatenate(numbers), PROMPTS.of(0, 20))


def test_saved_narrowed_and_counted(tmp_path):
    language = Language(20, 6, Prompts([[5, 3], [7], [3, 3, 11]], [1, 2, 3]), eos=0)
    model = lm.new(lm.Shape(16, 1, 2, 1, 32), language, seed=0)
    texts = model.sample(40, 0)
    kept = likeliest(model, texts, 9)
    assert {0, 3, 5, 7, 11} <= set(kept)
    apart = [use(alone(model, k), texts[texts[:, 0] == k, 1:], kept) for k in range(3)]
    sizes = [model.size(texts[texts[:, 0] == k]).sum() for k in range(3)]
    assert use(model, texts, kept).token == pytest.approx(np.average([u.token for u in apart], weights=sizes))
    small = narrow(model, kept)
    np.testing.assert_allclose(
        small.log_prob(small.sample(9, 0))[small.sample(9, 0)[:, 0] == 1],
        narrow(alone(model, 1), kept).log_prob(small.sample(9, 0)[small.sample(9, 0)[:, 0] == 1, 1:]),
        atol=1e-5,
    )
    small.save(tmp_path / "model")
    again = lm.load(tmp_path / "model")
    assert again.language == small.language
    np.testing.assert_array_equal(again.sample(9, 0), small.sample(9, 0))
    assert lm.load(tmp_path / "model", prompt=[[1], [2, 3]]).prompt == Prompts([[1], [2, 3]])


def test_whole_texts_are_chosen_among_those_of_one_prompt():
    with pytest.raises(ValueError, match="among those of one prompt, the base has Prompts"):
        BestOf(llama(LANGUAGE), 2)


def test_positions_are_counted_for_the_longest_prompt():
    with pytest.raises(ValueError, match="a prompt of 7 and a length of 251 need 257 positions"):
        llama(replace(LANGUAGE, length=251))
