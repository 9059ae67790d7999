import copy

import numpy as np
import pytest
import torch
from languages import Widest, full_log_prob, gpt2, llama
from torch.nn import functional as F

from kdlite.lm import Language, scoring
from kdlite.lm.packing import pack
from kdlite.lm.scoring import IGNORED, TokenLoss, score_tokens

MAKERS = {"llama": llama, "gpt2": gpt2}
LANGUAGE = Language(101, 8, (100,), begin=100)
CHUNK = 101 * 10  # ten positions of the vocabulary


def rows(seed=0, shape=(4, 12)):
    """Random inputs and targets, some of them ignored, one row altogether."""
    rng = np.random.default_rng(seed)
    ids, targets = (torch.from_numpy(rng.integers(0, 100, shape)) for _ in range(2))
    targets[torch.from_numpy(rng.random(shape) < 0.3)] = IGNORED
    targets[2] = IGNORED
    return ids, targets


def plain(module, ids, begin):
    """Logits of the whole batch at once, without the begin token."""
    logits = module(ids).logits
    if begin is not None:
        logits = logits.index_fill(-1, torch.tensor([begin]), -torch.inf)
    return logits


def causal(ids):
    """Positions and mask of rows that hold one text each."""
    b, t = ids.shape
    return torch.arange(t).expand(b, t), torch.ones(t, t, dtype=torch.bool).tril().expand(b, 1, t, t)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("begin", [None, 100])
@pytest.mark.parametrize("beta", [0, 0.5, 1, 3])
def test_token_log_probs_equal_the_full_forward_pass(maker, begin, beta, monkeypatch):
    module = MAKERS[maker](LANGUAGE).model
    ids, targets = rows()
    with torch.no_grad():
        logits = plain(module, ids, begin)
        logits = torch.where(logits.isinf(), logits, 0.0) if beta == 0 else beta * logits
        expected = logits.log_softmax(-1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    expected[targets == IGNORED] = 0
    found = score_tokens(module, ids, targets, beta=beta, begin=begin).log_prob
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    for chunk in (1, CHUNK):
        monkeypatch.setattr(scoring, "_CHUNK", chunk)
        np.testing.assert_allclose(
            score_tokens(module, ids, targets, beta=beta, begin=begin).log_prob, found, atol=1e-5
        )


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("begin", [None, 100])
@pytest.mark.parametrize("embeddings", ["tied", "frozen", "untied"])
@pytest.mark.parametrize("chunk", [CHUNK, 1 << 24])
def test_loss_and_gradients_equal_those_of_autograd(maker, begin, embeddings, chunk, monkeypatch):
    monkeypatch.setattr(scoring, "_CHUNK", chunk)
    module = MAKERS[maker](LANGUAGE, tie_word_embeddings=embeddings != "untied").model
    module.requires_grad_(True)
    module.get_input_embeddings().weight.requires_grad_(embeddings != "frozen")
    reference = copy.deepcopy(module)
    ids, targets = rows()
    expected = F.cross_entropy(
        plain(reference, ids, begin).flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    (0.5 * expected).backward()
    found = TokenLoss(module, begin)(ids, targets, *causal(ids))
    (0.5 * found).backward()
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
    for (name, mine), theirs in zip(module.named_parameters(), reference.parameters(), strict=True):
        assert (mine.grad is None) == (theirs.grad is None) == (not mine.requires_grad), name
        if mine.grad is not None:
            assert (mine.grad - theirs.grad).norm() <= 1e-5 * theirs.grad.norm() + 1e-7, name


@pytest.mark.parametrize("maker", MAKERS)
def test_nothing_to_learn_costs_nothing(maker):
    module = MAKERS[maker](LANGUAGE).model.requires_grad_(True)
    ids, targets = rows()
    frozen = TokenLoss(MAKERS[maker](LANGUAGE).model, 100)(ids, targets, *causal(ids))
    assert not frozen.requires_grad and frozen > 0
    loss = TokenLoss(module, None)(ids, torch.full_like(targets, IGNORED), *causal(ids))
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is None or not p.grad.any() for p in module.parameters())


def test_the_logits_of_a_batch_are_never_held_at_once(monkeypatch):
    monkeypatch.setattr(scoring, "_CHUNK", CHUNK)
    module = llama(LANGUAGE, hidden_size=8).model
    ids, targets = rows(shape=(8, 30))  # 101 * 240 logits; the head itself has 101 * 8 elements
    with Widest(101) as seen:
        module(ids)
    assert seen.elements == 101 * 240
    heads = []
    handle = module.lm_head.register_forward_hook(lambda _, __, logits: heads.append(logits.numel()))
    with Widest(101) as seen:
        score_tokens(module, ids, targets)
    handle.remove()
    assert seen.elements == max(heads) == CHUNK
    module.requires_grad_(True)
    with Widest(101) as seen:
        TokenLoss(module, None)(ids, targets, *causal(ids)).backward()
    assert seen.elements == CHUNK


def test_mixed_precision_is_close():
    module = llama(LANGUAGE).model.requires_grad_(True)
    ids, targets = rows()
    loss = TokenLoss(module, 100)(ids, targets, *causal(ids))
    expected = torch.autograd.grad(loss, module.get_input_embeddings().weight)[0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = TokenLoss(module, 100)(ids, targets, *causal(ids))
    found.backward()
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, loss, rtol=0.02, atol=0)
    grad = module.get_input_embeddings().weight.grad
    assert grad.dtype == torch.float32 and (grad - expected).norm() < 0.05 * expected.norm()


@pytest.mark.parametrize("vocabulary", [32, 2048, 49_152])
def test_on_a_processor_logits_stay_in_the_cache_and_the_head_is_read_for_enough_places(vocabulary):
    # One chunk of 8,192 places at 2,048 ids made training small students a third slower.
    places = scoring._places(vocabulary, torch.device("cpu"))
    assert places >= 256 and (places == 256 or places * vocabulary <= 1 << 20)
    assert scoring._places(vocabulary, torch.device("meta")) == (1 << 27) // vocabulary


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_texts_packed_in_a_row_do_not_see_each_other(maker, attention):
    """Eager attention adds the mask to the scores: one of booleans then hid nothing, and no error said so."""
    model = MAKERS[maker](Language(11, 20, (3,), eos=2), attn_implementation=attention)
    tokens = model.sample(20, 0)
    rows = pack(tokens, model.language)
    assert rows.texts.max() > 1
    found = TokenLoss(model.model, None)(*rows.tensors())
    np.testing.assert_allclose(found, -full_log_prob(model, tokens).sum(), rtol=1e-5)
