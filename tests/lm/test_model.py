import copy
import json
import math
from dataclasses import FrozenInstanceError, asdict, replace

import numpy as np
import pytest
import torch
from languages import LANGUAGES, chains, every_text, full_log_prob, gpt2, llama, weights
from transformers import LlamaForCausalLM

import kdlite as kd
from kdlite.lm import Language, LanguageModel
from kdlite.lm.next_token import temper

MAKERS = {"llama": llama, "gpt2": gpt2}
PLAIN = Language(11, 20, (10, 3), eos=2, begin=10)
DROPOUT = {llama: {"attention_dropout": 0.1}, gpt2: {"resid_pdrop": 0.1}}


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
        assert kd.precision(student, truth=truth, n=500).value == -np.inf
        truth = replace(
            truth, transitions=0.9 * truth.transitions + 0.1 / 3, initial=0.9 * truth.initial + 0.1 / 3
        )
        p = truth.log_prob(texts)
    for measure, sampled, scored in ((kd.precision, q, p), (kd.recall, p, q)):
        found = [measure(student, truth=truth, n=128, seed=seed) for seed in range(60)]
        values, errors = (np.array([getattr(f, name) for f in found]) for name in ("value", "stderr"))
        exact = np.exp(sampled) @ scored / (np.exp(sampled) @ student.size(texts))
        assert abs(values.mean() - exact) < 4 * values.std() / math.sqrt(len(values))
        assert errors.mean() == pytest.approx(values.std(), rel=0.3)


def test_precision_of_texts_that_end():
    language = LANGUAGES["end, longer prompt"]
    student, truth, texts = llama(language), gpt2(language), every_text(language)
    p, q, sizes = truth.log_prob(texts), student.log_prob(texts), student.size(texts)
    for measure, sampled, scored in ((kd.precision, q, p), (kd.recall, p, q)):
        found = measure(student, truth=truth, n=1500)
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
            measure(llama(PLAIN), truth=llama(other), n=5)


def test_texts_and_points_are_not_compared():
    points = kd.GaussianMixture([1.0], [[0.0]], [[[1.0]]])
    with pytest.raises(ValueError, match="a LanguageModel and a GaussianMixture have no samples in common"):
        kd.precision(llama(PLAIN), truth=points, n=5)
    with pytest.raises(ValueError, match="vocabulary size of the student is 11, that of the truth is 3"):
        kd.recall(llama(PLAIN), truth=chains(), n=5)


def test_models_are_not_integrated():
    with pytest.raises(ValueError, match="no exact integral over a LanguageModel; pass n"):
        kd.precision(llama(PLAIN), truth=llama(PLAIN))


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
    model = llama(PLAIN, seed=3).sharpen(2)
    model.save(tmp_path)
    assert (tmp_path / "model.safetensors").exists()
    written = json.loads((tmp_path / "language.json").read_text(encoding="utf-8"))
    assert written.pop("beta") == 2
    assert Language(**written | {"prompt": tuple(written["prompt"])}) == PLAIN
    assert written == asdict(PLAIN) | {"prompt": [10, 3]}
    opened = LanguageModel(LlamaForCausalLM.from_pretrained(tmp_path), PLAIN, beta=2.0)
    tokens = model.sample(5, 0)
    np.testing.assert_array_equal(opened.log_prob(tokens), model.log_prob(tokens))
    other = llama(PLAIN, seed=4)
    torch.testing.assert_close(
        weights(other.with_weights(tmp_path / "model.safetensors")), weights(model), rtol=0, atol=0
    )
    with pytest.raises(ValueError, match=r"does not hold the weights of LanguageModel\("):
        llama(PLAIN, hidden_size=24).with_weights(tmp_path / "model.safetensors")


@pytest.mark.parametrize("maker", [llama, gpt2])
def test_a_module_in_training_stays_in_training(maker):
    """Whoever scores in the middle of a training loop goes on as if nothing had been asked."""
    plain = maker(PLAIN)
    module = copy.deepcopy(plain.model).train().requires_grad_(True)
    part = next(module.children())
    part.eval()
    before = [p.training for p in module.modules()]
    model = LanguageModel(module, PLAIN)
    tokens = model.sample(5, 0)
    np.testing.assert_array_equal(tokens, plain.sample(5, 0))
    np.testing.assert_array_equal(model.log_prob(tokens), plain.log_prob(tokens))
    model.digest()
    assert [p.training for p in module.modules()] == before
    assert all(p.requires_grad for p in module.parameters())
    module(torch.from_numpy(tokens)).logits.sum().backward()


@pytest.mark.parametrize("maker", [llama, gpt2])
def test_whoever_looks_into_a_training_changes_no_bit_of_it(maker):
    """Dropout, moments and the global generator go on as if nobody had drawn or scored between two steps."""
    trained = []
    for looks in (False, True):
        module = copy.deepcopy(maker(PLAIN, **DROPOUT[maker]).model).train().requires_grad_(True)
        model, optimizer = LanguageModel(module, PLAIN), torch.optim.AdamW(module.parameters(), 1e-2)
        ids = torch.from_numpy(np.random.default_rng(0).integers(0, 10, (4, 8)))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            for _ in range(3):
                loss = module(ids, labels=ids).loss
                if looks:
                    model.log_prob(model.sharpen(2).sample(3, 0))
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
        trained.append(weights(model))
    assert torch.equal(*trained)


def test_a_device_without_float64_is_refused():
    with pytest.raises(ValueError, match=r"device 'mps' has no float64, in which .* scored; use 'cpu'"):
        llama(PLAIN).to("mps")

    class Apple(LlamaForCausalLM):
        device = torch.device("mps:0")

    with pytest.raises(ValueError, match="device 'mps:0' has no float64"):
        LanguageModel(Apple(llama(PLAIN).model.config), PLAIN)


def test_a_folder_holds_one_model(tmp_path):
    """Weights in one file beside the index of several, or another's tokenizer, would be read as one model."""
    llama(PLAIN).save(tmp_path)
    llama(PLAIN, seed=2).save(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{}")
    before = (tmp_path / "model.safetensors").read_bytes()
    with pytest.raises(
        ValueError, match=r"another model, whose model.safetensors.index.json, tokenizer.json w"
    ):
        llama(PLAIN, seed=3).save(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_what_is_drawn_is_what_is_scored():
    """Whoever truncates asks for a model that scores so, too."""
    with pytest.raises(TypeError):
        llama(PLAIN).sample(1, 0, top_k=2)


@pytest.mark.parametrize("beta", [1e-50, 1e50])
def test_a_begin_token_is_never_said_at_any_temperature(beta):
    logits = temper(torch.tensor([[1.0, 2.0, 0.0]]), beta, begin=2)
    assert logits[0, 2] == -torch.inf and not logits.isnan().any()
