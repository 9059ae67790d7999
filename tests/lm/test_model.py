import json
import math
from dataclasses import FrozenInstanceError, asdict, replace

import numpy as np
import pytest
import torch
from languages import LANGUAGES, chains, every_text, full_log_prob, gpt2, llama
from transformers import LlamaForCausalLM

import kdlite as kd
from kdlite.lm import SHAPES, Language, LanguageModel, Shape, new, prune

MAKERS = {"llama": llama, "gpt2": gpt2}
TINY = Shape(hidden=16, layers=4, heads=4, key_heads=2, mlp=24)
PLAIN = Language(11, 20, (10, 3), eos=2, begin=10)


def weights(model):
    """All parameters in one vector."""
    return torch.cat([p.flatten() for p in model.model.parameters()])


# The two verbs


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("name", LANGUAGES)
def test_beta_zero_makes_every_allowed_token_equally_likely(name, maker):
    language = LANGUAGES[name]
    texts, allowed = every_text(language), 3  # every language here has three symbols to say something with
    found = MAKERS[maker](language).sharpen(0).log_prob(texts)
    np.testing.assert_allclose(found, -language.size(texts) * math.log(allowed), rtol=1e-6)


@pytest.mark.parametrize("maker", MAKERS)
def test_what_follows_the_end_token_is_ignored(maker):
    model = MAKERS[maker](PLAIN)
    tokens = model.sample(40, 0)
    sizes = model.size(tokens)
    noisy = np.where(
        np.arange(20) < sizes[:, None], tokens, np.random.default_rng(0).integers(0, 10, (40, 20))
    )
    assert (noisy != tokens).any()
    np.testing.assert_array_equal(model.size(noisy), sizes)
    np.testing.assert_allclose(model.log_prob(noisy), model.log_prob(tokens), atol=1e-5)
    by_token = model.read(tokens).token_log_prob
    assert by_token.dtype == np.float32 and model.log_prob(tokens).dtype == np.float64
    assert (by_token[np.arange(20) >= sizes[:, None]] == 0).all()


@pytest.mark.parametrize("maker", MAKERS)
def test_the_prompt_conditions_and_is_not_counted(maker):
    long = MAKERS[maker](replace(PLAIN, prompt=(10, 3, 4), length=5))
    short = replace(long, language=replace(PLAIN, prompt=(10, 3), length=6))
    texts = np.random.default_rng(0).integers(3, 10, (7, 5))
    whole = np.column_stack([np.full(7, 4), texts])
    first, second = long.read(texts).token_log_prob, short.read(whole).token_log_prob[:, 1:]
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_a_model_whose_end_token_is_its_prompt():
    """Base models begin texts with the token that ends them."""
    model = llama(Language(5, 30, (0,), eos=0))
    tokens = model.sample(200, 0)
    sizes = model.size(tokens)
    assert (sizes < 30).any() and sizes.max() > 1
    assert ((tokens == 0) == (np.arange(30) >= sizes[:, None] - (tokens[:, -1:] == 0))).all()
    np.testing.assert_allclose(model.log_prob(tokens), full_log_prob(model, tokens), rtol=1e-4, atol=1e-4)


def test_texts_are_scored_by_themselves_whatever_their_order(monkeypatch):
    model = llama(PLAIN)
    tokens = model.sample(30, 0)
    whole = model.log_prob(tokens)
    monkeypatch.setattr("kdlite.lm.model.POSITIONS", 50)
    np.testing.assert_allclose(model.log_prob(tokens[::-1])[::-1], whole, atol=1e-4)
    np.testing.assert_allclose(full_log_prob(model, tokens), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([0] * 20, r"shape \(n, 20\)"),
        ([[0] * 19], r"got \(1, 19\); pad shorter texts with the end token 2"),
        (np.empty((0, 20), dtype=int), "empty"),
        ([[0.0] * 20], "integers, got float64"),
        ([[11] * 20], "token 11 is outside"),
        ([[10] * 20], "token 10 is the begin token"),
    ],
)
def test_bad_tokens_are_refused(tokens, message):
    for method in (llama(PLAIN).log_prob, llama(PLAIN).size):
        with pytest.raises(ValueError, match=message):
            method(tokens)


# The knob


def test_sharpen_composes_and_leaves_the_model():
    model = llama(PLAIN)
    tokens = model.sample(10, 0)
    before = model.log_prob(tokens)
    assert model.sharpen(2).sharpen(3).beta == model.sharpen(6).beta == 6
    np.testing.assert_array_equal(
        model.sharpen(2).sharpen(3).log_prob(tokens), model.sharpen(6).log_prob(tokens)
    )
    np.testing.assert_array_equal(model.log_prob(tokens), before)
    assert model.sharpen(2).model is model.model


def test_sharpen_is_not_the_power_of_the_whole_text():
    model = llama(LANGUAGES["end, longer prompt"])
    texts = every_text(model.language)
    powers = 2 * model.log_prob(texts)
    powers -= np.logaddexp.reduce(powers)
    sharpened = model.sharpen(2).log_prob(texts)
    assert np.abs(np.exp(powers) - np.exp(sharpened)).sum() > 0.02


@pytest.mark.parametrize("beta", [-1, math.inf, math.nan, "2"])
def test_bad_betas_are_refused(beta):
    with pytest.raises(ValueError, match="beta must be a finite number >= 0"):
        llama(PLAIN).sharpen(beta)
    with pytest.raises(ValueError, match="beta must be a finite number >= 0"):
        replace(llama(PLAIN), beta=beta)


# Precision and recall


@pytest.mark.parametrize("truth", ["model", "markov"])
def test_precision_and_recall_agree_with_enumeration(truth):
    student = llama(chains().language)
    truth = chains() if truth == "markov" else llama(chains().language, seed=3)
    texts = every_text(student.language)
    p, q = truth.log_prob(texts), student.log_prob(texts)
    if np.isinf(p).any():
        assert kd.precision(student, truth, n=500).value == -np.inf
        truth = replace(
            truth, transitions=0.9 * truth.transitions + 0.1 / 3, initial=0.9 * truth.initial + 0.1 / 3
        )
        p = truth.log_prob(texts)
    for measure, sampled, scored in ((kd.precision, q, p), (kd.recall, p, q)):
        found = [measure(student, truth, n=128, seed=seed) for seed in range(60)]
        values, errors = (np.array([getattr(f, name) for f in found]) for name in ("value", "stderr"))
        exact = np.exp(sampled) @ scored / (np.exp(sampled) @ student.size(texts))
        assert abs(values.mean() - exact) < 4 * values.std() / math.sqrt(len(values))
        assert errors.mean() == pytest.approx(values.std(), rel=0.3)


def test_precision_of_texts_that_end():
    language = LANGUAGES["end, longer prompt"]
    student, truth, texts = llama(language), gpt2(language), every_text(language)
    p, q, sizes = truth.log_prob(texts), student.log_prob(texts), student.size(texts)
    for measure, sampled, scored in ((kd.precision, q, p), (kd.recall, p, q)):
        found = measure(student, truth, n=1500)
        exact = np.exp(sampled) @ scored / (np.exp(sampled) @ sizes)
        assert abs(found.value - exact) < 4 * found.stderr < 0.2


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            Language(12, 20, (10, 3), eos=2, begin=10),
            "vocabulary size of the student is 11, that of the truth is 12",
        ),
        (
            replace(PLAIN, length=21),
            "length of the student is 20, that of the truth is 21; give both the same",
        ),
        (
            replace(PLAIN, prompt=(3,)),
            r"prompt of the student is \(10, 3\), that of the truth is \(3,\); give",
        ),
        (replace(PLAIN, eos=None), "end token of the student is 2, that of the truth is None; both must"),
        (
            replace(PLAIN, begin=None),
            "begin token of the student is 10, that of the truth is None; both must",
        ),
    ],
)
def test_models_of_different_languages_are_not_compared(other, message):
    for measure in (kd.precision, kd.recall):
        with pytest.raises(ValueError, match=message):
            measure(llama(PLAIN), llama(other), n=5)


def test_texts_and_points_are_not_compared():
    points = kd.GaussianMixture([1.0], [[0.0]], [[[1.0]]])
    with pytest.raises(ValueError, match="a LanguageModel and a GaussianMixture have no samples in common"):
        kd.precision(llama(PLAIN), points, n=5)
    with pytest.raises(ValueError, match="vocabulary size of the student is 11, that of the truth is 3"):
        kd.recall(llama(PLAIN), chains(), n=5)


def test_models_are_not_integrated():
    with pytest.raises(ValueError, match="no exact integral over a LanguageModel; pass n"):
        kd.precision(llama(PLAIN), llama(PLAIN))


# The object


def test_a_model_is_frozen_and_its_gradients_are_off():
    model = llama(PLAIN)
    with pytest.raises(FrozenInstanceError):
        model.beta = 2
    assert not model.model.training and not any(p.requires_grad for p in model.model.parameters())
    assert (model.prompt, model.length) == ((10, 3), 20)
    assert repr(model.sharpen(2)) == "LanguageModel(0.00394M parameters, length=20, beta=2)"


def test_the_language_must_be_the_models():
    module = llama(Language(11, 20, (0,))).model
    LanguageModel(module, Language(10, 20, (10,), begin=10))
    for wrong in (Language(12, 20, (0,)), Language(11, 20, (11,), begin=11), Language(9, 20, (9,), begin=9)):
        with pytest.raises(ValueError, match=rf"has {wrong.vocabulary} token ids, the model 11"):
            LanguageModel(module, wrong)


@pytest.mark.parametrize("language", [Language(10, 20, (0,)), Language(10, 20, (0,), begin=0)])
def test_a_token_that_only_the_model_has_must_be_the_begin_token(language):
    """Otherwise the model would draw it, though no text of the language holds it."""
    with pytest.raises(ValueError, match=r"has 10 token ids, the model 11; .*begin = vocabulary"):
        LanguageModel(llama(Language(11, 20, (0,))).model, language)


def test_the_positions_must_suffice():
    llama(Language(11, 255, (0, 1)))
    with pytest.raises(
        ValueError, match="a prompt of 2 and a length of 256 need 257 positions, the model has 256"
    ):
        llama(Language(11, 256, (0, 1)))


def test_another_precision_is_a_copy():
    model = llama(PLAIN)
    wide = model.to(dtype=torch.float64)
    assert {p.dtype for p in wide.model.parameters()} == {torch.float64}
    assert {p.dtype for p in model.model.parameters()} == {torch.float32}
    assert not torch.equal(weights(model.to("cpu")), weights(model) + 1)
    assert model.to("cpu").model is not model.model


def test_save_writes_weights_and_language(tmp_path):
    model = new(TINY, PLAIN, seed=3).sharpen(2)
    model.save(tmp_path)
    assert (tmp_path / "model.safetensors").exists()
    written = json.loads((tmp_path / "language.json").read_text(encoding="utf-8"))
    assert written.pop("beta") == 2
    assert Language(**written | {"prompt": tuple(written["prompt"])}) == PLAIN
    assert written == asdict(PLAIN) | {"prompt": [10, 3]}
    opened = LanguageModel(LlamaForCausalLM.from_pretrained(tmp_path), PLAIN, beta=2.0)
    tokens = model.sample(5, 0)
    np.testing.assert_array_equal(opened.log_prob(tokens), model.log_prob(tokens))
    other = new(TINY, PLAIN, seed=4)
    torch.testing.assert_close(
        weights(other.with_weights(tmp_path / "model.safetensors")), weights(model), rtol=0, atol=0
    )
    with pytest.raises(ValueError, match=r"does not hold the weights of LanguageModel\("):
        llama(PLAIN).with_weights(tmp_path / "model.safetensors")


# New and pruned models


def test_a_seed_makes_the_same_weights_and_no_global_state():
    before = torch.get_rng_state()
    first = new(TINY, PLAIN, seed=0)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(12)
    assert torch.equal(weights(first), weights(new(TINY, PLAIN, seed=0)))
    assert not torch.equal(weights(first), weights(new(TINY, PLAIN, seed=1)))
    new(TINY, PLAIN, seed=2**64 - 1)  # seeds of streams are as large


def test_new_leaves_the_generators_of_gpus_alone(monkeypatch):
    """torch.manual_seed seeds every GPU as well."""
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("seeded the GPUs"))
    new(TINY, PLAIN)


def test_new_parameters_have_their_scale():
    model = new(Shape(hidden=64, layers=2, heads=4, key_heads=2, mlp=96), Language(200, 8, (0,))).model
    for name, parameter in model.named_parameters():
        if "norm" in name:
            assert (parameter == 1).all(), name
        else:
            n = parameter.numel()
            assert parameter.std().item() == pytest.approx(1 / 8, rel=5 / math.sqrt(2 * n)), name
            assert abs(parameter.mean().item()) < 5 / 8 / math.sqrt(n), name
    assert model.lm_head.weight is model.model.embed_tokens.weight


@pytest.mark.parametrize(
    ("shape", "published"), [("SmolLM2-1.7B", 1.711e9), ("SmolLM2-360M", 361.8e6), ("SmolLM2-135M", 134.5e6)]
)
def test_shapes_have_the_published_sizes(shape, published):
    with torch.device("meta"):  # takes no memory
        model = new(shape, Language(49152, 512, (0,), eos=0)).model
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(published, rel=5e-4)
    settings = SHAPES[shape]
    assert model.config.rope_parameters["rope_theta"] == settings.rope_base
    assert model.config.max_position_embeddings == 8192


def test_new_models_know_the_begin_token():
    model = new(TINY, chains().language)
    assert model.model.config.vocab_size == 4
    assert model.sample(50, 0).max() < 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": 0}, "layers must be an integer >= 1, got 0"),
        ({"hidden": 2.5}, "hidden must be an integer >= 1, got 2.5"),
        ({"heads": 3}, "heads must divide hidden, and key_heads heads, got 16, 3 and 2"),
        ({"key_heads": 3}, "heads must divide hidden, and key_heads heads, got 16, 4 and 3"),
        ({"hidden": 12}, "hidden / heads must be even, got 12 / 4"),
    ],
)
def test_impossible_shapes_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **settings)


def test_unknown_shapes_and_bad_seeds_are_refused():
    with pytest.raises(ValueError, match=r"unknown shape 'SmolLM2-2B'; known are SmolLM2-1\.7B, "):
        new("SmolLM2-2B", PLAIN)
    with pytest.raises(ValueError, match="seed must be an integer >= 0, got -1"):
        new(TINY, PLAIN, seed=-1)
    with pytest.raises(ValueError, match="need 2049 positions, the model has 2048"):
        new(TINY, replace(PLAIN, length=2048))


@pytest.mark.parametrize(
    ("layers", "kept"),
    [(1, [0]), (2, [0, 3]), (3, [0, 1, 3]), (4, [0, 1, 2, 3]), ([1, 3], [1, 3]), ((2,), [2])],
)
def test_prune_keeps_layers(layers, kept):
    model = new(TINY, PLAIN)
    before = weights(model).clone()
    pruned = prune(model, layers)
    assert pruned.model.config.num_hidden_layers == len(kept) == len(pruned.model.model.layers)
    for mine, i in zip(pruned.model.model.layers, kept, strict=True):
        assert torch.equal(mine.mlp.up_proj.weight, model.model.model.layers[i].mlp.up_proj.weight)
    assert torch.equal(weights(model), before) and model.model.config.num_hidden_layers == 4
    assert len(model.model.model.layers) == 4
    assert [layer.self_attn.layer_idx for layer in model.model.model.layers] == [0, 1, 2, 3]
    tokens = pruned.sample(5, 0)
    np.testing.assert_allclose(pruned.log_prob(tokens), full_log_prob(pruned, tokens), atol=1e-3)
    if len(kept) == 4:
        np.testing.assert_array_equal(tokens, model.sample(5, 0))
        np.testing.assert_array_equal(pruned.log_prob(tokens), model.log_prob(tokens))


def test_a_pruned_model_generates_and_is_saved(tmp_path):
    pruned = prune(new(TINY, PLAIN), [0, 3])
    prompts = torch.tensor([[10, 3]])
    found = pruned.model.generate(prompts, do_sample=False, max_new_tokens=5, pad_token_id=0)
    greedy = prompts
    for _ in range(found.shape[1] - 2):
        greedy = torch.cat([greedy, pruned.model(greedy).logits[:, -1:].argmax(-1)], dim=1)
    assert torch.equal(found, greedy)
    pruned.save(tmp_path)
    opened = LlamaForCausalLM.from_pretrained(tmp_path)
    assert torch.equal(opened(greedy).logits, pruned.model(greedy).logits)


@pytest.mark.parametrize("layers", [0, -1, 5, [], [3, 1], [1, 1], [-1], [4], [0, 4]])
def test_layers_that_are_not_there_are_refused(layers):
    with pytest.raises(ValueError, match=r"layers must be between 1 and 4, or rising indices below 4, got"):
        prune(new(TINY, PLAIN), layers)


def test_only_llama_shapes_are_pruned():
    with pytest.raises(ValueError, match="cannot prune a GPT2LMHeadModel; pass a Llama-shaped model"):
        prune(gpt2(PLAIN), 1)
