from dataclasses import replace

import numpy as np
import pytest
import torch
from languages import LANGUAGES, full_log_prob, gpt2, llama

from kdlite.lm import Language, Prompts
from kdlite.lm.packing import pack
from kdlite.lm.scoring import IGNORED, TokenLoss


def texts(language, n, seed=0):
    """Random texts of the language, padded after the first end token."""
    rng = np.random.default_rng(seed)
    allowed = [t for t in range(language.vocabulary) if t != language.begin]
    tokens = rng.choice(allowed, (n, language.length))
    if language.eos is not None:
        for text in tokens:
            ends = np.flatnonzero(text == language.eos)
            text[ends[0] if len(ends) else language.length :] = language.eos
    return tokens


def test_hardly_a_position_is_wasted_on_lengths_like_smollm2s():
    """Of 512 places 78 % come before the end."""
    language = Language(10, 512, (3,), eos=0)
    for seed in range(5):
        sizes = np.minimum(np.random.default_rng(seed).geometric(1 / 1_000, 256), 512)
        tokens = np.where((np.arange(512) < sizes[:, None] - 1) | (sizes[:, None] == 512), 5, 0)
        rows = pack(tokens, language)
        useful = np.count_nonzero(rows.targets != IGNORED)
        assert useful == language.size(tokens).sum()
        assert 1 - useful / rows.targets.size < 0.02
        assert useful / tokens.size == pytest.approx(0.78, abs=0.08)  # what padding would waste


@pytest.mark.parametrize("kind", [llama, gpt2])
@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_packing_changes_neither_loss_nor_gradient(kind, language):
    model, tokens = kind(language), texts(language, 17)
    model.model.requires_grad_(True)
    loss = TokenLoss(model.model, language.begin)

    def gradient(*batches):
        model.model.zero_grad()
        total = 0.0
        for batch in batches:
            value = loss(*pack(batch, language).tensors())
            value.backward()
            total += value.item()
        return total, torch.cat([p.grad.flatten() for p in model.model.parameters()])

    packed, packed_gradient = gradient(tokens)
    alone, gradient_alone = gradient(*tokens[:, None])
    rows = pack(tokens, language)
    assert len(rows.ids) < 17 or language.eos is None
    assert (rows.ids[rows.texts == 0] == 0).all() and rows.mask().any(
        axis=-1
    ).all()  # nothing looks at nothing
    assert packed == pytest.approx(-full_log_prob(model, tokens).sum(), rel=1e-5)
    assert packed == pytest.approx(alone, rel=1e-5)
    torch.testing.assert_close(packed_gradient, gradient_alone, rtol=1e-4, atol=1e-4)


def test_rows_hold_each_text_after_its_own_prompt():
    language = Language(11, 20, Prompts([(3,), (10, 3, 7, 4, 5), (10, 8)]), eos=2, begin=10)
    model = llama(language)
    tokens, expected = model.sample(31, 0), 0.0
    for k, prompt in enumerate(language.prompts):
        alone = replace(model, language=replace(language, prompt=prompt))
        expected -= full_log_prob(alone, tokens[tokens[:, 0] == k, 1:]).sum()
    with torch.no_grad():
        loss = TokenLoss(model.model, language.begin)(*pack(tokens, language).tensors())
    assert loss.item() == pytest.approx(expected, rel=1e-5)
