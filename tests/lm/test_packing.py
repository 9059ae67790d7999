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


def like_smollm2(n, seed=0):
    """Texts that end at each place with the hazard at which 78 % of 512 places come before the end."""
    hazard = 1 / 1_000
    assert (1 - (1 - hazard) ** 512) / hazard / 512 == pytest.approx(0.78, abs=0.01)
    sizes = np.minimum(np.random.default_rng(seed).geometric(hazard, n), 512)
    tokens = np.where(np.arange(512) < sizes[:, None] - 1, 5, 0)
    tokens[sizes == 512, -1] = 5
    return tokens


def unpack(rows):
    """Input, target and position lists of each text in the rows."""
    for r in range(len(rows.ids)):
        for k in range(1, rows.texts[r].max() + 1):
            at = rows.texts[r] == k
            yield [a[r][at].tolist() for a in (rows.ids, rows.targets, rows.positions)]


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
@pytest.mark.parametrize("n", [1, 2, 33])
def test_each_text_is_laid_out_once_after_its_prompt(language, n):
    tokens, prompt = texts(language, n), list(language.prompt)
    expected = []
    for text in tokens.tolist():
        text = text[: text.index(language.eos) + 1] if language.eos in text else text
        ids = prompt + text[:-1]
        expected.append([ids, [IGNORED] * (len(prompt) - 1) + text, list(range(len(ids)))])
    rows = pack(tokens, language)
    assert sorted(unpack(rows)) == sorted(expected)
    used = sum(len(ids) for ids, _, _ in expected)
    assert np.count_nonzero(rows.texts) == used
    padding = rows.texts == 0
    assert (rows.ids[padding] == 0).all() and (rows.targets[padding] == IGNORED).all()
    assert rows.ids.shape[1] == max(len(ids) for ids, _, _ in expected)


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_a_place_looks_back_at_its_own_text_alone(language):
    rows = pack(texts(language, 20), language)
    mask = rows.mask()
    n, width = rows.ids.shape
    assert mask.shape == (n, 1, width, width) and mask.dtype == bool
    for r in range(n):
        for i in range(width):
            for j in range(width):
                assert mask[r, 0, i, j] == (j <= i and rows.texts[r, i] == rows.texts[r, j])
    assert mask.any(axis=-1).all()  # attention over nothing is not a number


def test_the_end_is_taught_once_and_prompt_and_padding_never():
    language = Language(9, 6, (7, 8), eos=2)
    tokens = np.array([[2] * 6, [3, 4, 2, 2, 2, 2], [3, 4, 5, 6, 3, 4], [3, 4, 5, 6, 3, 2]])
    rows = pack(tokens, language)
    taught = rows.targets[rows.targets != IGNORED]
    assert len(taught) == language.size(tokens).sum() == 1 + 3 + 6 + 6
    assert np.count_nonzero(taught == 2) == 3
    assert not np.isin(taught, language.prompt).any()
    assert not (rows.ids == 2).any()  # nothing follows an end


def test_hardly_a_position_is_wasted_on_lengths_like_smollm2s():
    language = Language(10, 512, (3,), eos=0)
    for seed in range(5):
        tokens = like_smollm2(256, seed)
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
            rows = pack(batch, language)
            arrays = (rows.ids, rows.targets, rows.positions, rows.mask())
            value = loss(*map(torch.from_numpy, arrays))
            value.backward()
            total += value.item()
        return total, torch.cat([p.grad.flatten() for p in model.model.parameters()])

    packed, packed_gradient = gradient(tokens)
    alone, gradient_alone = gradient(*tokens[:, None])
    assert len(pack(tokens, language).ids) < 17 or language.eos is None
    assert packed == pytest.approx(-full_log_prob(model, tokens).sum(), rel=1e-5)
    assert packed == pytest.approx(alone, rel=1e-5)
    torch.testing.assert_close(packed_gradient, gradient_alone, rtol=1e-4, atol=1e-4)


def test_rows_hold_each_text_after_its_own_prompt():
    language = Language(11, 20, Prompts([(3,), (10, 3, 7, 4, 5), (10, 8)]), eos=2, begin=10)
    model = llama(language)
    tokens = model.sample(31, 0)
    expected = []
    for k, prompt in enumerate(language.prompts):
        expected += unpack(pack(tokens[tokens[:, 0] == k, 1:], replace(language, prompt=prompt)))
    rows = pack(tokens, language)
    assert sorted(unpack(rows)) == sorted(expected)
    arrays = map(torch.from_numpy, (rows.ids, rows.targets, rows.positions, rows.mask()))
    with torch.no_grad():
        loss = TokenLoss(model.model, language.begin)(*arrays)
    assert loss.item() == pytest.approx(-model.log_prob(tokens).sum(), rel=1e-5)
