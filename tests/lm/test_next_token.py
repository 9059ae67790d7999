import numpy as np
import pytest
import torch
from languages import llama
from transformers import MinPLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from kdlite.lm import Language
from kdlite.lm.next_token import Truncation, choose, temper


@pytest.mark.parametrize(
    "truncation",
    [
        *(Truncation(top_k=k) for k in (1, 7, 1000)),
        *(Truncation(top_p=p) for p in (1e-9, 0.7, 1)),
        *(Truncation(min_p=p) for p in (0.1, 1)),
        Truncation(top_k=20, top_p=0.8, min_p=0.05),
    ],
)
def test_truncation_agrees_with_the_processors_of_transformers(truncation):
    logits = 3 * torch.randn(500, 50, generator=torch.Generator().manual_seed(0))
    logits[:, 4] = -torch.inf
    logits[:250, 10:15] = logits[:250, 9:10]  # ties
    expected = logits
    for warper, value in zip((TopKLogitsWarper, TopPLogitsWarper, MinPLogitsWarper), truncation, strict=True):
        if value is not None:
            expected = warper(value)(None, expected)
    if truncation.top_p is not None:  # among ties on the edge either may go: theirs and ours sort differently
        logits, expected = logits[250:], expected[250:]
    np.testing.assert_array_equal(truncation.apply(logits.clone()), expected)


def test_truncations_combine_in_the_order_of_generate():
    model = llama(Language(60, 1, (0,)), initializer_range=0.5)
    settings = {"top_k": 25, "top_p": 0.8, "min_p": 0.05}
    prompts = torch.arange(60)[:, None]
    with torch.random.fork_rng():
        how = {"do_sample": True, "max_new_tokens": 1, "pad_token_id": 0, "temperature": 1 / 0.7}
        how |= {"output_scores": True, "output_logits": True, "return_dict_in_generate": True}
        out = model.model.generate(prompts, attention_mask=torch.ones_like(prompts), **how, **settings)
    ours = Truncation(**settings).apply(temper(out.logits[0].clone(), 0.7, None))
    np.testing.assert_array_equal(ours.isinf(), out.scores[0].isinf())


@pytest.mark.parametrize("vocabulary", [1, 2, 3, 5, 257, 49152])
def test_choose_agrees_with_searchsorted(vocabulary):
    rng = np.random.default_rng(vocabulary)
    rows = 64
    logits = 4 * rng.standard_normal((rows, vocabulary)).astype(np.float32)
    logits[rng.random(logits.shape) < np.linspace(0, 0.999, rows)[:, None]] = -np.inf
    logits[np.arange(rows), rng.integers(0, vocabulary, rows)] = 3.0
    logits -= logits.max(axis=1, keepdims=True)
    weight = np.exp(logits.astype(np.float64))
    upto = weight.cumsum(axis=1)
    for u in (np.zeros(rows), np.full(rows, 1 - 2.0**-53), *rng.random((20, rows))):
        token, log_prob = choose(torch.from_numpy(logits.copy()), torch.from_numpy(u))
        token, column = token.numpy(), np.arange(rows)
        assert np.isfinite(logits[column, token]).all()
        np.testing.assert_allclose(log_prob, np.log(weight[column, token] / upto[:, -1]), atol=1e-5)
        for i, target in enumerate(u * upto[:, -1]):
            near = 1e-6 * upto[i, -1]  # rounding may move an edge so far
            least, most = np.searchsorted(upto[i], [target - near, target + near], side="right")
            assert least <= token[i] <= min(most, vocabulary - 1)


def test_rounding_at_the_edge_of_a_block_chooses_no_impossible_token():
    """The sum before a block, got back by subtraction, can exceed the target that picked the block; the first
    token of the block was then chosen whatever its probability.
    """
    logits = torch.full((1, 64), -torch.inf)
    logits[0, [0, 33]] = 0.0  # blocks of 16: their sums round up from 2 + 3 * 2**-52
    logits[0, 16] = np.log(3 * 2.0**-52)
    for k in range(8):
        token, log_prob = choose(logits.clone(), torch.tensor([0.5 + k * 2.0**-53], dtype=torch.float64))
        assert token.item() in (0, 16, 33)
        assert log_prob.isfinite().all()
