import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from languages import KINDS, chains, full_log_prob, of_kind, weights
from transformers import LlamaForCausalLM

from kdlite.lm import SHAPES, Language, Shape, load, new, prune

TINY = Shape(hidden=16, layers=4, heads=4, key_heads=2, mlp=24)
PLAIN = Language(11, 20, (10, 3), eos=2, begin=10)


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


@pytest.mark.parametrize("kind", KINDS)
def test_other_architectures_are_pruned_too(kind, tmp_path):
    """And what is left draws, scores and is opened again as one model."""
    model = of_kind(kind, PLAIN)
    pruned = prune(model, [1])
    pruned.save(tmp_path)
    tokens = pruned.sample(5, 0)
    np.testing.assert_allclose(pruned.log_prob(tokens), full_log_prob(pruned, tokens), atol=1e-3)
    np.testing.assert_array_equal(load(tmp_path).sample(5, 0), tokens)
    assert model.model.config.num_hidden_layers == 2


def test_layers_that_are_not_one_stack_are_not_pruned():
    model = of_kind("gpt2", PLAIN)
    model.model.extra = torch.nn.ModuleList(torch.nn.Identity() for _ in range(2))
    with pytest.raises(ValueError, match="cannot prune a GPT2LMHeadModel: it has 2 lists of 2 modules"):
        prune(model, 1)
