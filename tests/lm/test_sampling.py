import random
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from languages import KINDS, LANGUAGES, every_text, full_log_prob, gpt2, llama, of_kind, p_value

from kdlite.lm import Language, LanguageModel
from kdlite.lm.decoder import Decoder
from kdlite.lm.next_token import Truncation
from kdlite.lm.sampling import Generator, draws

QUIET = SimpleNamespace(update=lambda n: None)  # a progress bar that shows nothing
MAKERS = {"llama": llama, "gpt2": gpt2}
BASE = Language(11, 100, (10, 3, 7), eos=2, begin=10)


def alone(source, u):
    """What a drawer draws after the only prompt."""
    return source.draw(u, np.zeros(len(u), int), QUIET)


def drawn(model, n=64, seed=0, batch=64, start=0, truncation=Truncation()):  # noqa: B008 - it is immutable
    parts = draws(
        model.model, model.language, model.beta, truncation, n=n, seed=seed, batch=batch, start=start
    )
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


@pytest.mark.parametrize(
    ("maker", "name", "beta"),
    [*((maker, name, 1.7) for maker in MAKERS for name in LANGUAGES), ("llama", "end, longer prompt", 1.0)],
)
def test_texts_are_as_frequent_as_enumeration_says(maker, name, beta):
    language = LANGUAGES[name]
    model, texts = MAKERS[maker](language).sharpen(beta), every_text(language)
    expected = full_log_prob(model, texts)
    assert np.exp(expected).sum() == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(model.log_prob(texts), expected, atol=1e-4)
    assert np.exp(model.log_prob(texts)).sum() == pytest.approx(1, abs=1e-6)
    tokens = model.sample(50_000, 0, batch=10_000)
    assert p_value(tokens, texts, expected) > 1e-3
    assert language.begin not in tokens


@pytest.mark.parametrize(
    "changes",
    [
        {"num_key_value_heads": 4, "head_dim": 4},
        {"num_key_value_heads": 1, "tie_word_embeddings": False, "hidden_act": "gelu", "rms_norm_eps": 0.1},
        {"rope_parameters": {"rope_type": "linear", "factor": 3.0, "rope_theta": 500.0}},
        {"rope_parameters": {"rope_type": "yarn", "factor": 4.0, "rope_theta": 100.0}},
    ],
)
def test_a_step_gives_the_logits_of_the_full_forward_pass(changes):
    model = llama(BASE, **changes)
    assert Decoder.knows(model.model)
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, 10, (5, 60)))
    decoder = Decoder(model.model, BASE, 1.0, Truncation(), 5)
    decoder.text[:60] = ids.T
    with torch.no_grad():
        expected = model.model(ids).logits
        for place in range(60):
            decoder.place.fill_(place)
            np.testing.assert_allclose(decoder.logits(5, 60), expected[:, place], atol=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_each_architecture_draws_as_plain_transformers_would(name):
    """Token by token, a full forward pass each, and the first token whose cumulated probability passes the uniform."""
    language = replace(BASE, length=20)
    model = of_kind(name, language).sharpen(1.3)
    assert model.decoder == ("Decoder" if KINDS[name][2] else "Generator")
    tokens, log_prob = drawn(model, 12)
    np.testing.assert_allclose(log_prob, full_log_prob(model, tokens), atol=1e-4)
    np.testing.assert_allclose(model.log_prob(tokens), log_prob, atol=1e-4)
    u = np.random.default_rng(0).random(tokens.shape)
    for text, uniforms in zip(tokens, u, strict=True):
        for place in range(model.size(text[None])[0]):
            ids = torch.tensor([[*language.prompt, *text[:place]]])
            logits = model.model(ids).logits[0, -1].double()
            logits[language.begin] = -torch.inf
            below = (logits * model.beta).softmax(dim=-1).cumsum(dim=-1)
            expected = int((below <= uniforms[place]).sum())
            assert text[place] == expected or abs(below[text[place]] - uniforms[place]) < 1e-5


def test_a_decoder_follows_a_model_that_learns():
    model = of_kind("qwen3", BASE)
    decoder = Decoder(model.model, BASE, 1.0, Truncation(), 4)
    for parameter in model.model.parameters():
        parameter.mul_(0.8)
    decoder.refresh()
    u = np.random.default_rng(0).random((4, BASE.length))
    found, expected = alone(decoder, u), alone(Decoder(model.model, BASE, 1.0, Truncation(), 4), u)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


def test_a_seed_gives_the_same_texts_whatever_the_batch():
    model = llama(BASE)
    tokens = model.sample(20, 3)
    np.testing.assert_array_equal(tokens, model.sample(20, 3))
    assert not np.array_equal(tokens, model.sample(20, 4))
    for batch in (1, 7, 19, 1000):
        np.testing.assert_array_equal(tokens, model.sample(20, 3, batch=batch))


@pytest.mark.parametrize("maker", MAKERS)
def test_start_goes_on_where_a_seed_was_left(maker):
    model = MAKERS[maker](BASE)
    whole = drawn(model, 40, seed=5, batch=16)
    rest = drawn(model, 17, seed=5, batch=16, start=23)
    np.testing.assert_array_equal(whole[0][23:], rest[0])
    np.testing.assert_allclose(whole[1][23:], rest[1], atol=1e-4)


@pytest.mark.parametrize("n", [64, 41])
def test_a_batch_that_shrinks_as_texts_end_gives_the_same_texts_as_hugging_face(n):
    model = llama(BASE)
    truncation = Truncation(top_k=9)
    u = np.random.default_rng(0).random((n, BASE.length))
    decoder = Decoder(model.model, BASE, 1.0, truncation, 64)
    used = []
    decoder._step = lambda rows, span: (used.append(rows), decoder.step(rows, span))
    for _ in range(2):  # twice: nothing of the first batch is left in the second
        tokens, log_prob = alone(decoder, u)
        theirs, their_log_prob = alone(Generator(model.model, BASE, 1.0, truncation), u)
        np.testing.assert_array_equal(tokens, theirs)
        np.testing.assert_allclose(log_prob, their_log_prob, rtol=1e-5, atol=1e-4)
    sizes = BASE.size(tokens)
    assert sizes.min() < 32 and sizes.max() > 64
    assert len(set(used)) > 2 and min(used) < n / 2


def test_a_batch_in_which_all_have_ended_stops():
    model = llama(BASE)
    decoder = Decoder(model.model, BASE, 1.0, Truncation(), 16)  # shrinks by twos
    ends, steps = torch.full((16, 11), -50.0), []
    ends[:3, BASE.eos] = 0.0  # the fourth row is there and holds no text
    decoder.logits = lambda rows, span: (steps.append(span), ends[:rows].clone())[1]
    tokens, log_prob = alone(decoder, np.random.default_rng(0).random((3, 100)))
    assert (tokens == BASE.eos).all() and np.abs(log_prob).max() < 1e-12
    assert len(steps) < 40


@pytest.mark.slow
def test_a_step_compiles_whole():
    u = np.random.default_rng(0).random((8, 70))
    language = Language(11, 70, (10, 3), eos=2, begin=10)
    model, truncation = llama(language), Truncation(top_k=9, top_p=0.95, min_p=0.01)
    decoder = Decoder(model.model, language, 0.6, truncation, 8)
    expected = alone(decoder, u)
    torch.compiler.reset()
    decoder._step = torch.compile(decoder.step, fullgraph=True, backend="aot_eager")
    found = alone(decoder, u)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], atol=1e-4)


def test_generate_keeps_no_settings_of_the_model():
    """A model's own generation config penalised and suppressed tokens, so texts were not those of log_prob."""
    model = gpt2(Language(5, 8, (4,)))
    config = model.model.generation_config
    expected = drawn(model, 200)
    config.repetition_penalty, config.suppress_tokens = 50.0, [2]
    config.eos_token_id, config.pad_token_id = 1, 3
    found = drawn(model, 200)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], model.log_prob(found[0]), atol=1e-4)
    assert model.model.generation_config is config and config.repetition_penalty == 50.0


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("beta", [1e6, 1e39])
def test_a_huge_beta_decodes_greedily(maker, beta):
    model = MAKERS[maker](BASE)
    ids = torch.tensor([BASE.prompt])
    with torch.no_grad():
        while ids.shape[1] < len(BASE.prompt) + BASE.length:
            logits = model.model(ids).logits[0, -1]
            logits[BASE.begin] = -torch.inf
            ended = (ids[0, len(BASE.prompt) :] == BASE.eos).any()
            token = BASE.eos if ended else int(logits.argmax())
            ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
    greedy = model.sharpen(beta)
    tokens = greedy.sample(5, 0)
    np.testing.assert_array_equal(tokens, ids[:, len(BASE.prompt) :].expand(5, -1))
    np.testing.assert_allclose(greedy.log_prob(tokens), 0, atol=1e-3)


@pytest.mark.parametrize("maker", MAKERS)
def test_no_global_random_state_is_touched(maker):
    model = MAKERS[maker](BASE)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    tokens = model.truncate(top_k=5).sample(5, 0)
    model.sharpen(2).log_prob(tokens)
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    assert random.getstate() == before[2]


def test_half_precision_draws_and_scores():
    model = llama(Language(11, 20, (10, 3), eos=2, begin=10)).to(dtype=torch.bfloat16)
    tokens, log_prob = drawn(model)
    np.testing.assert_allclose(log_prob, model.log_prob(tokens), atol=1, rtol=0.05)


@pytest.mark.parametrize("maker", MAKERS)
def test_the_uniform_language_is_scored_but_not_sampled(maker):
    uniform = MAKERS[maker](BASE).sharpen(0)
    with pytest.raises(ValueError, match=r"uniform language, in which each of the 11 .* use beta > 0"):
        uniform.sample(1, 0)


def test_a_text_may_fill_every_position():
    language = Language(11, 254, (3, 4, 5))
    model = llama(language)
    assert isinstance(model, LanguageModel) and model.model.config.max_position_embeddings == 256
    tokens, log_prob = drawn(model, 2)
    np.testing.assert_allclose(log_prob, full_log_prob(model, tokens), rtol=1e-5)
