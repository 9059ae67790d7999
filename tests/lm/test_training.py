import json
import math
import multiprocessing
import os
import random
import signal
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from corpora import (
    RECIPE,
    SHAPE,
    Constant,
    draw,
    ending,
    recorded,
    train,
    train_and_die,
    truth,
    validating,
)
from languages import full_log_prob, gpt2
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, LlamaForCausalLM, MambaConfig, MistralConfig, RwkvConfig
from transformers.models.gpt2.modeling_gpt2 import GPT2Block
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from kdlite.lm import Corpus, Language, LanguageModel, MarkovMixture, Shape, checkpoint, fit, new
from kdlite.lm.curve import Point, Progress, jump, points
from kdlite.lm.training import _Training

STEPS = 16  # of RECIPE on the corpus


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds a corpus of 60 texts that end, 20 to validate on, and the training ``whole``."""
    folder = tmp_path_factory.mktemp("training")
    draw(ending(), folder / "corpus")
    draw(ending(), folder / "validation", n=20, seed=4)
    train(folder, "whole")
    return folder


@pytest.fixture(scope="module")
def corpus(folder):
    return Corpus.open(folder / "corpus")


@pytest.fixture(scope="module")
def validation(folder):
    return Corpus.open(folder / "validation")


def weights(model):
    return {name: p.detach().clone() for name, p in model.model.named_parameters()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def curve(out):
    return json.loads((out / "curve.json").read_text())


def rate(step, recipe=RECIPE, steps=STEPS):
    """Warmup, stable, decay."""
    warmup, decay = int(recipe.warmup * steps), int(recipe.decay * steps)
    if step < warmup:
        return step / warmup
    return min(1.0, (steps - step) / decay if decay else 1.0)


def test_a_small_model_learns_an_easy_language(tmp_path):
    language = MarkovMixture.random(1, 6, 16, decay=0, concentration=0.1, seed=1)
    corpus = draw(language, tmp_path / "corpus", n=1000, shard=400)
    recipe = replace(RECIPE, learning_rate=2e-2, texts_per_step=20, rows_per_pass=20, epochs=3)
    model = new(SHAPE, language.language)
    trained = fit(model, corpus, recipe, tmp_path / "out")
    losses = curve(tmp_path / "out")["loss"]
    entropy = language.entropy_rate(20_000).value
    assert len(losses) == 150 and losses[0] > entropy + 0.5
    assert np.mean(losses[-10:]) == pytest.approx(entropy, abs=0.05)
    fresh = language.sample(500, 99)
    assert -trained.log_prob(fresh).mean() / 16 == pytest.approx(entropy, abs=0.05)
    assert -model.log_prob(fresh).mean() / 16 > entropy + 0.5


def test_the_model_that_is_passed_stays_as_it_is(corpus, tmp_path):
    model = replace(new(SHAPE, corpus.language, seed=1), beta=2.0)
    before = weights(model)
    trained = fit(model, corpus, RECIPE, tmp_path)
    assert same(weights(model), before) and model.beta == 2.0
    assert not any(p.requires_grad or p.grad is not None for p in model.model.parameters())
    assert trained.beta == 1.0  # texts are learned as they are
    assert trained.language == corpus.language and trained.model is not model.model
    assert not same(weights(trained), before)
    assert not any(p.requires_grad for p in trained.model.parameters())
    assert np.isfinite(trained.log_prob(corpus.texts())).all()


def reference(model, corpus, recipe, steps):
    """The same training in float64, a text at a time, through the loss of transformers; AdamW written out.
    Loss and weights of each step.
    """
    module, prompt = model.model.double().requires_grad_(True), list(corpus.language.prompt)
    parameters = list(module.parameters())
    first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    b1, b2 = recipe.adam_betas
    texts = [t for e in range(recipe.epochs) for t in corpus.steps(recipe.texts_per_step, recipe.seed, e)]
    for k, tokens in enumerate(texts):
        sizes = corpus.size(tokens)
        module.zero_grad()
        total = 0.0
        for text, size in zip(tokens.tolist(), sizes.tolist(), strict=True):
            ids = prompt + text[:size]
            labels = [-100] * len(prompt) + text[:size]
            loss = module(torch.tensor([ids]), labels=torch.tensor([labels])).loss * size / sizes.sum()
            loss.backward()
            total += loss.item()
        norm = torch.cat([p.grad.flatten() for p in parameters]).norm()
        with torch.no_grad():
            for p, m, v in zip(parameters, first, second, strict=True):
                g = p.grad * min(1.0, recipe.clip / norm)
                m.mul_(b1).add_((1 - b1) * g)
                v.mul_(b2).add_((1 - b2) * g * g)
                m_hat, v_hat = m / (1 - b1 ** (k + 1)), v / (1 - b2 ** (k + 1))
                p *= 1 - recipe.learning_rate * rate(k, recipe, steps) * recipe.weight_decay
                p -= recipe.learning_rate * rate(k, recipe, steps) * m_hat / (v_hat.sqrt() + 1e-8)
        yield total, {name: p.detach().float() for name, p in module.named_parameters()}


@pytest.mark.parametrize(("clip", "decay"), [(0.05, 0.0), (1e9, 10.0)])
def test_training_is_adamw_on_the_plain_loss(corpus, tmp_path, clip, decay):
    recipe = replace(RECIPE, learning_rate=1e-3, clip=clip, weight_decay=decay)
    trained = fit(new(SHAPE, corpus.language, seed=1), corpus, recipe, tmp_path)
    steps = list(reference(new(SHAPE, corpus.language, seed=1), corpus, recipe, STEPS))
    np.testing.assert_allclose(curve(tmp_path)["loss"], [loss for loss, _ in steps], rtol=1e-5)
    for name, expected in steps[-1][1].items():
        torch.testing.assert_close(weights(trained)[name], expected, rtol=0, atol=2e-5)


def test_rows_per_pass_matters_only_through_rounding(corpus, folder, tmp_path):
    for rows in (1, 2, 100):
        recipe = replace(RECIPE, rows_per_pass=rows, learning_rate=1e-3)
        fit(new(SHAPE, corpus.language, seed=1), corpus, recipe, tmp_path / str(rows))
    one, two, many = (curve(tmp_path / rows)["loss"] for rows in ("1", "2", "100"))
    np.testing.assert_allclose(one, many, rtol=1e-5)
    np.testing.assert_allclose(two, many, rtol=1e-5)


@pytest.mark.parametrize(("warmup", "decay"), [(0.25, 0.5), (0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.01, 0.2)])
def test_learning_rates_warm_up_stay_and_decay(corpus, tmp_path, monkeypatch, warmup, decay):
    recipe, steps = replace(RECIPE, warmup=warmup, decay=decay), recorded(monkeypatch)
    fit(new(SHAPE, corpus.language, seed=1), corpus, recipe, tmp_path)
    expected = [recipe.learning_rate * rate(k, recipe) for k in range(STEPS)]
    np.testing.assert_allclose([found for found, _, _ in steps], expected, rtol=1e-12)


def test_the_best_checkpoint_is_chosen(corpus, validation, tmp_path, monkeypatch):
    seen = validating(monkeypatch, [3.0, 1.0, 2.0, 1.0, 1.5, 2.5])
    trained = fit(new(SHAPE, corpus.language, seed=1), corpus, RECIPE, tmp_path, validation=validation)
    assert same(weights(trained), seen[1])  # the first of equals
    assert not same(seen[1], seen[5])
    assert curve(tmp_path)["validation"] == [[3, 3.0], [6, 1.0], [9, 2.0], [12, 1.0], [15, 1.5], [16, 2.5]]


def test_validation_is_in_nats_per_token_of_all_its_texts(folder, validation):
    trained = train(folder, "whole")
    losses = [loss for _, loss in curve(folder / "whole")["validation"]]
    assert min(losses) == pytest.approx(
        -trained.log_prob(validation.texts()).sum() / validation.tokens, rel=1e-5
    )


def test_without_validation_the_last_weights_are_taken(corpus, folder, tmp_path):
    model = new(SHAPE, corpus.language, seed=1)
    fit(model, corpus, RECIPE, tmp_path)
    assert curve(tmp_path)["validation"] == []
    assert curve(tmp_path)["loss"] == curve(folder / "whole")["loss"]  # looking changes nothing


def test_a_finished_training_is_opened_not_repeated(folder, monkeypatch):
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "whole").iterdir()}
    monkeypatch.setattr(_Training, "__init__", lambda *args: pytest.fail("trained again"))
    trained = train(folder, "whole")
    assert same(weights(trained), load_file(folder / "whole" / "model.safetensors"))
    assert before == {path.name: path.stat().st_mtime_ns for path in (folder / "whole").iterdir()}


DEATHS = {
    "before the first step": ("torch.optim.AdamW.step", "before", 1),
    "before the first checkpoint": ("torch.optim.AdamW.step", "after", 2),
    "inside an epoch": ("torch.optim.AdamW.step", "after", 5),
    "at an epoch's end": ("torch.optim.AdamW.step", "after", 8),
    "as the second epoch begins": ("torch.optim.AdamW.step", "before", 9),
    "after the last step": ("torch.optim.AdamW.step", "after", STEPS),
    "between the best weights and their checkpoint": ("kdlite.lm.checkpoint.write_weights", "after", 2),
    "with a checkpoint not yet named": ("kdlite.lm.checkpoint.save_file", "after", 4),
    "between a checkpoint and its line": ("kdlite.lm.curve.Curve.add", "before", 6),
    "between a line and its checkpoint": ("kdlite.lm.curve.Curve.add", "after", 5),
    "as the curve is written": ("kdlite.lm.training.write_json", "before", 1),
    "before the weights are named": ("pathlib.Path.replace", "before", 1),
    "between the weights and the checkpoint's end": ("pathlib.Path.replace", "after", 1),
}


@pytest.mark.parametrize("death", DEATHS)
def test_a_killed_training_ends_with_the_bits_of_one_that_was_not(folder, death):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kdlite.lm.training"])
    process = context.Process(target=train_and_die, args=(folder, death, *DEATHS[death]))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    out = folder / death
    files = [path for path in out.iterdir() if not path.name.startswith(".")]
    assert all(path.suffix in (".json", ".jsonl", ".safetensors") for path in files)  # no pickles
    train(folder, death)
    for name in ("model.safetensors", "curve.json", "curve.jsonl", "run.json"):
        assert (out / name).read_bytes() == (folder / "whole" / name).read_bytes(), name
    assert sorted(p for p in os.listdir(out) if p[0] != ".") == [
        "curve.json",
        "curve.jsonl",
        "model.safetensors",
        "run.json",
    ]


def stopped(folder, out, monkeypatch, after=5):
    """A training whose ``after``-th update raised; it has a checkpoint of the third step."""
    calls, original = [], torch.optim.AdamW.step

    def step(*args):
        calls.append(1)
        if len(calls) == after:
            raise InterruptedError
        return original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step)
        with pytest.raises(InterruptedError):
            train(folder, out)
    return folder / out


@pytest.mark.parametrize("size", [0, 4, 100, -1, -5000])
def test_a_truncated_checkpoint_is_named(folder, monkeypatch, size):
    path = stopped(folder, f"truncated {size}", monkeypatch) / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=f"{path} is not a whole checkpoint.*delete it"):
        train(folder, f"truncated {size}")
    path.unlink()
    trained = train(folder, f"truncated {size}")
    assert same(weights(trained), load_file(folder / "whole" / "model.safetensors"))


def test_a_full_disk_leaves_the_last_checkpoint(folder, monkeypatch):
    calls, original = [], checkpoint.save_file

    def full(*args):
        calls.append(1)
        if len(calls) == 4:  # the second checkpoint
            raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
        return original(*args)

    out = folder / "full"
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", full)
        with pytest.raises(OSError, match=f"no space left while writing checkpoint.safetensors in {out}"):
            train(folder, "full")
    assert sorted(path.name for path in out.glob("[!.]*")) == [
        "best.safetensors",
        "checkpoint.safetensors",
        "curve.jsonl",
        "run.json",
    ]
    assert same(weights(train(folder, "full")), load_file(folder / "whole" / "model.safetensors"))


@pytest.mark.parametrize("finished", [True, False])
def test_another_training_in_the_same_folder_is_refused(
    folder, corpus, validation, tmp_path, monkeypatch, finished
):
    out = folder / "whole" if finished else stopped(folder, "claimed", monkeypatch)
    model = new(SHAPE, corpus.language, seed=1)
    other = draw(ending(), tmp_path / "other", seed=5)
    shuffled, decayed = replace(RECIPE, seed=1), replace(RECIPE, weight_decay=0.1)
    for message, args, texts in (
        (
            "whose learning_rate is 0.01, now it is 0.02",
            (model, corpus, replace(RECIPE, learning_rate=0.02)),
            validation,
        ),
        (
            r"whose adam_betas is \[0.9, 0.95\], now it is \[0.9, 0.99\]",
            (model, corpus, replace(RECIPE, adam_betas=(0.9, 0.99))),
            validation,
        ),
        ("whose seed is 0, now it is 1", (model, corpus, shuffled), validation),
        ("whose weight_decay is 0.0, now it is 0.1", (model, corpus, decayed), validation),
        (f"whose corpus is {corpus.digest}, now it is {other.digest}", (model, other, RECIPE), validation),
        (
            f"whose validation is {validation.digest}, now it is {other.digest}",
            (model, corpus, RECIPE),
            other,
        ),
        (f"whose validation is {validation.digest}, now it is None", (model, corpus, RECIPE), None),
        (
            "whose model is [0-9a-f]{64}, now it is [0-9a-f]{64}",
            (new(SHAPE, corpus.language, seed=2), corpus, RECIPE),
            validation,
        ),
    ):
        before = {path.name: path.read_bytes() for path in out.iterdir()}
        with pytest.raises(ValueError, match=message) as caught:
            fit(*args, out, validation=texts)
        assert str(out) in str(caught.value) and "choose another folder" in str(caught.value)
        assert before == {path.name: path.read_bytes() for path in out.iterdir()}


def test_nothing_to_learn_is_an_error_before_anything_is_written(tmp_path):
    language, out = ending().language, tmp_path / "out"
    for name, text in (("silent", [2] * 12), ("one symbol", [4] * 12)):
        corpus = draw(Constant(language, text), tmp_path / name)
        with pytest.raises(ValueError, match=f"nothing to learn from in {corpus.folder}.*60 texts hold 1 "):
            fit(ending(), corpus, RECIPE, out)
        assert not out.exists()


@pytest.mark.parametrize(
    ("language", "message"),
    [
        (Language(7, 12, (0, 3, 1), eos=2), "vocabulary size of the model is 7, that of .* is 5; both must"),
        (
            Language(5, 12, (0, 3, 4), eos=2),
            r"prompt of the model is \(0, 3, 4\), that of .* is \(0, 3, 1\); give",
        ),
        (Language(5, 13, (0, 3, 1), eos=2), "length of the model is 13, that of .* is 12; give"),
        (Language(5, 12, (0, 3, 1), eos=4), "end token of the model is 4, that of .* is 2; both"),
    ],
)
def test_another_language_is_refused_with_both_values_and_the_remedy(corpus, tmp_path, language, message):
    with pytest.raises(ValueError, match=message) as caught:
        fit(new(SHAPE, language), corpus, RECIPE, tmp_path / "out")
    assert str(corpus.folder) in str(caught.value)
    other = draw(new(SHAPE, language), tmp_path / "other")
    with pytest.raises(ValueError, match=message):  # and the corpus to validate on
        fit(new(SHAPE, language), other, RECIPE, tmp_path / "out", validation=corpus)
    assert not (tmp_path / "out").exists()


def test_a_loss_that_is_not_finite_stops_the_training(corpus, validation, tmp_path, monkeypatch):
    model = new(SHAPE, corpus.language, seed=1)
    with torch.no_grad():
        model.model.model.norm.weight[0] = math.nan
    with pytest.raises(
        FloatingPointError, match=r"the loss is nan at step 0 of 16; lower the learning rate of 0.01"
    ):
        fit(model, corpus, RECIPE, tmp_path / "loss")
    validating(monkeypatch, [1.0, math.nan])
    with pytest.raises(FloatingPointError, match="the validation loss is nan at step 6 of 16"):
        fit(
            new(SHAPE, corpus.language, seed=1),
            corpus,
            RECIPE,
            tmp_path / "validation",
            validation=validation,
        )
    for name in ("loss", "validation"):
        assert not (tmp_path / name / "model.safetensors").exists()


def test_no_global_generator_is_moved(corpus, validation, tmp_path):
    def states():
        return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002

    before = states()
    fit(new(SHAPE, corpus.language, seed=1), corpus, RECIPE, tmp_path, validation=validation)
    assert states() == before


def test_an_architecture_with_dropout_is_trained_without_it(corpus, tmp_path):
    """Dropout would draw from the global generator, and a resumed training would end with other bits."""
    model, before = gpt2(corpus.language), torch.get_rng_state()
    assert model.model.config.resid_pdrop > 0
    for seed, name in enumerate("ab"):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            fit(model, corpus, RECIPE, tmp_path / name)
    assert torch.equal(torch.get_rng_state(), before)
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (
        tmp_path / "b" / "model.safetensors"
    ).read_bytes()
    assert curve(tmp_path / "a")["loss"][-1] < curve(tmp_path / "a")["loss"][0]


def test_embeddings_can_be_left_as_they_are(corpus, folder, tmp_path):
    model = new(SHAPE, corpus.language, seed=1)
    before = weights(model)
    trained = weights(fit(model, corpus, replace(RECIPE, train_embeddings=False), tmp_path))
    embeddings = "model.embed_tokens.weight"
    assert torch.equal(trained[embeddings], before[embeddings])
    assert not any(torch.equal(trained[name], before[name]) for name in before if name != embeddings)
    assert not torch.equal(load_file(folder / "whole" / "model.safetensors")[embeddings], before[embeddings])


def test_a_begin_token_is_never_learned(tmp_path):
    language = truth()
    corpus = draw(language, tmp_path / "corpus")
    trained = fit(new(Shape(16, 1, 2, 1, 32), language.language), corpus, RECIPE, tmp_path / "out")
    assert trained.sample(200, 0).max() < 6
    loss = curve(tmp_path / "out")["loss"][0]
    first = next(corpus.steps(8, 0, 0))
    assert loss == pytest.approx(
        -new(Shape(16, 1, 2, 1, 32), language.language).log_prob(first).sum() / 80, rel=1e-5
    )


def test_a_training_leaves_accelerate_as_it_was(corpus, tmp_path):
    """It keeps the first device and precision of a process, and refuses, or passes over, any other."""
    PartialState._reset_state()
    Accelerator(cpu=True)
    kinds = PartialState, AcceleratorState
    for kind in kinds:
        kind._shared_state |= {"device": torch.device("meta"), "_mixed_precision": "bf16"}
    before = [dict(kind._shared_state) for kind in kinds]
    try:
        trained = fit(new(SHAPE, corpus.language, seed=1), corpus, RECIPE, tmp_path)
        assert trained.model.device.type == "cpu"
        assert [dict(kind._shared_state) for kind in kinds] == before
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


def test_a_folder_that_is_older_than_a_setting_goes_on(folder, monkeypatch):
    """Recipes did not say how they were carried out where there was no choice yet, and no line was written a step."""
    out = stopped(folder, "older", monkeypatch)
    told = json.loads((out / "run.json").read_text())
    once = {"weight_decay": 0.0, "gradient_checkpointing": False, "dtype": "auto"}
    assert once.items() <= told.items()
    (out / "run.json").write_text(json.dumps({k: v for k, v in told.items() if k not in once}))
    (out / "curve.jsonl").unlink()
    assert same(weights(train(folder, "older")), load_file(folder / "whole" / "model.safetensors"))
    assert (out / "curve.jsonl").read_bytes() == (folder / "whole" / "curve.jsonl").read_bytes()


def test_each_step_is_told_as_it_comes(corpus, validation, folder, tmp_path):
    told = []

    def callback(point):
        lines = (tmp_path / "curve.jsonl").read_text().splitlines()
        assert len(lines) == point.step and Point(**json.loads(lines[-1])) == point
        told.append(point)

    model = new(SHAPE, corpus.language, seed=1)
    fit(model, corpus, RECIPE, tmp_path, validation=validation, callback=callback)
    made = curve(tmp_path)
    assert [point.loss for point in told] == made["loss"]
    assert [[p.step, p.validation] for p in told if p.validation is not None] == made["validation"]
    assert (tmp_path / "curve.jsonl").read_bytes() == (folder / "whole" / "curve.jsonl").read_bytes()


def test_a_jump_is_said_once_and_kept(corpus, tmp_path, monkeypatch):
    """The mean of 16 steps, 0.5 nats above the least of the last 512; noise of single steps is none."""
    noise = np.random.default_rng(0).normal(0, 0.3, 2000)
    falling = 3 + np.exp(-np.arange(2000) / 200) + noise
    rising = falling + 1.0 * (np.arange(2000) >= 700)
    assert not any(p.jump for p in points(Progress(2000, falling.tolist(), [])))
    found = [p for p in points(Progress(2000, rising.tolist(), [])) if p.jump]
    assert [700 < p.step <= 716 and 0.5 < p.jump < 1 for p in found] == [True]
    assert jump([1.0] * 16 + [9.5]) == pytest.approx(8.5 / 16) and jump([9.5]) is None
    losses = iter([2.0] * 16 + [30.0] + [2.0] * 15)
    monkeypatch.setattr(_Training, "_step", lambda *_: next(losses))
    with pytest.warns(
        UserWarning, match=r"the loss has jumped by 1.75 nats per token at step 17; .*curve.jsonl"
    ):
        fit(new(SHAPE, corpus.language), corpus, replace(RECIPE, epochs=4), tmp_path)
    assert curve(tmp_path)["jumps"] == [[17, 1.75]]
    lines = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert [line for line in lines if "jump" in line] == [{"step": 17, "loss": 30.0, "jump": 1.75}]


def test_tensorboard_hears_of_it_or_is_missed_before_the_first_step(corpus, tmp_path, monkeypatch):
    heard = []

    class Writer:
        def __init__(self, folder, purge_step):
            heard.append((folder, purge_step))

        def add_scalar(self, *what):
            heard.append(what)

    model, board = new(SHAPE, corpus.language), "torch.utils.tensorboard"
    monkeypatch.setitem(sys.modules, board, None)
    with pytest.raises(ImportError, match="TensorBoard is not installed; pip install tensorboard"):
        fit(model, corpus, RECIPE, tmp_path, tensorboard=True)
    monkeypatch.setitem(sys.modules, board, SimpleNamespace(SummaryWriter=Writer))
    fit(model, corpus, RECIPE, tmp_path, tensorboard=True)
    losses = [("loss", loss, step) for step, loss in enumerate(curve(tmp_path)["loss"], 1)]
    assert heard == [(str(tmp_path / "tensorboard"), 1), *losses]


@pytest.mark.parametrize("maker", [lambda language: new(SHAPE, language, seed=1), gpt2])
def test_activations_made_twice_are_the_same(corpus, tmp_path, maker):
    """And they are made twice: each layer runs once more for its gradient."""
    calls, kind = [], type(maker(corpus.language).model)
    layer = LlamaDecoderLayer if kind is LlamaForCausalLM else GPT2Block
    original = layer.forward

    def counted(*args, **options):
        calls[-1] += 1
        return original(*args, **options)

    for name in ("plain", "again"):
        calls.append(0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(layer, "forward", counted)
            recipe = replace(RECIPE, gradient_checkpointing=name == "again", epochs=1)
            fit(maker(corpus.language), corpus, recipe, tmp_path / name)
    assert calls[1] > 1.5 * calls[0] > 0
    first, second = (tmp_path / name / "model.safetensors" for name in ("plain", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_bfloat16_resumes_bit_for_bit(corpus, folder, tmp_path, monkeypatch):
    recipe = replace(RECIPE, dtype="bfloat16")
    model = new(SHAPE, corpus.language, seed=1)
    fit(model, corpus, recipe, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(_Training, "_check", lambda self, name, value, step: dying(step))
        with pytest.raises(InterruptedError):
            fit(model, corpus, recipe, tmp_path / "killed")
    fit(model, corpus, recipe, tmp_path / "killed")
    whole, killed = (tmp_path / name / "model.safetensors" for name in ("whole", "killed"))
    assert whole.read_bytes() == killed.read_bytes() != (folder / "whole" / "model.safetensors").read_bytes()
    np.testing.assert_allclose(curve(tmp_path / "whole")["loss"], curve(folder / "whole")["loss"], rtol=0.05)


def dying(step):
    if step == 7:
        raise InterruptedError


@pytest.mark.parametrize(
    ("kind", "settings", "says"),
    [
        (
            MistralConfig,
            {"sliding_window": 4, "num_key_value_heads": 2},
            "texts that share a row would not be read as they are alone",
        ),
        (RwkvConfig, {"attention_hidden_size": 16}, "or it has no attention to mask"),
        (MambaConfig, {}, "it takes no mask of ours"),
    ],
)
def test_an_architecture_that_would_learn_something_else_is_refused(corpus, tmp_path, kind, settings, says):
    """It draws and scores, a text a row; packed rows would train it on other texts than these."""
    sizes = {"vocab_size": 5, "hidden_size": 16, "num_hidden_layers": 2, "initializer_range": 0.3}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = AutoModelForCausalLM.from_config(kind(**sizes, **settings, num_attention_heads=4))
    model = LanguageModel(module, corpus.language)
    tokens = model.sample(4, 0)
    np.testing.assert_allclose(model.log_prob(tokens), full_log_prob(model, tokens), atol=1e-4)
    with pytest.raises(ValueError, match=f"cannot be trained here.*{says}"):
        fit(model, corpus, RECIPE, tmp_path)
