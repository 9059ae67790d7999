"""Our decoder beside `generate`, as the paper's authors call it and plain.

SmolLM2-135M-Instruct, prompt "The", 128 texts of 64 tokens at a time, in the device's best dtype; the end token ends
nothing on either side. The authors pass top_k = the size of the vocabulary, which keeps all of it and sorts it at every
step; top_k = 0 leaves that out, so it is the fairer peer. On a GPU all take a turn more before, to compile.

The ceiling is what the fastest matrix product measured here would allow if nothing else took time, at 2 operations a
token for each parameter that enters a product.
"""

import statistics

import torch
from transformers.utils import logging

from benchmarks.device import DEVICE, DTYPE, GPU, NAME, wait
from benchmarks.measure import Row, hand_over, in_turn, ratios, seconds, spread
from kdlite.lm import Language, LanguageModel
from kdlite.lm.weights import load

BATCH, LENGTH, REPEATS = 128, 64, 3


def ours(model: LanguageModel) -> None:
    """One batch by kdlite."""
    model.sample(BATCH, seed=0, batch=BATCH)
    wait()


def generate(model: LanguageModel, top_k: int) -> None:
    """The same number of tokens by Hugging Face."""
    prompts = torch.tensor(model.prompt, device=DEVICE).expand(BATCH, -1)
    texts = model.model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        do_sample=True,
        temperature=1.0,
        top_p=1.0,
        top_k=top_k,
        max_new_tokens=model.length,
        eos_token_id=None,
        pad_token_id=0,
    )
    wait()
    assert texts.shape == (BATCH, len(model.prompt) + model.length)


def products(a: torch.Tensor, b: torch.Tensor, calls: int) -> None:
    """Matrix products."""
    for _ in range(calls):
        a @ b
    wait()


def ceiling(model: LanguageModel) -> tuple[float, str]:
    """Tokens a second that the best rate of a matrix product allows, and that rate in words."""
    module = model.model
    weights = [p for name, p in module.named_parameters() if p.ndim == 2]  # the embeddings once, as the head
    shapes = {(2048, 2048, 2048)} | {(*p.shape, BATCH) for p in weights}
    rates = {}
    for m, k, n in sorted(shapes):
        a, b = (torch.randn(size, device=DEVICE, dtype=DTYPE) for size in ((m, k), (k, n)))
        calls = max(1, int(2e10 / (2 * m * k * n)))
        best = min(seconds(lambda a=a, b=b, calls=calls: products(a, b, calls)) for _ in range(4))
        rates[m, k, n] = 2 * m * k * n * calls / best
    shape, rate = max(rates.items(), key=lambda item: item[1])
    words = f"{rate / 1e9:,.0f} GFLOP/s at {' x '.join(map(str, shape))}"
    return rate / (2 * sum(p.numel() for p in weights)), words


def rows() -> list[Row]:
    """The three in turn, and their shares of the ceiling."""
    logging.set_verbosity_error()  # generate warns that it ignores settings of the model
    model = load(
        "SmolLM2-135M-Instruct", source="package", prompt="The", length=LENGTH, device=DEVICE, dtype=DTYPE
    )
    size = model.language.vocabulary
    language = Language(size, LENGTH, model.prompt, eos=None, tokenizer=model.language.tokenizer)
    model = LanguageModel(model.model, language)
    jobs = {
        "ours": lambda: ours(model),
        "generate as the authors call it": lambda: generate(model, size),
        "generate, plain": lambda: generate(model, 0),
    }
    if GPU:
        in_turn(jobs, 1)
    times = in_turn(jobs, REPEATS)
    most, words = ceiling(model)
    rates = {name: [BATCH * LENGTH / t for t in found] for name, found in times.items()}
    shares = {name: f"{statistics.median(found) / most:.0%}" for name, found in rates.items()}
    return [
        Row(
            f"drawing {BATCH} texts of {LENGTH} tokens, {str(DTYPE).removeprefix('torch.')} on {NAME}",
            spread(rates["ours"], "tokens/s"),
            f"{name}: {spread(rates[name], 'tokens/s')}",
            ratios(times[name], times["ours"]),
            f"{shares['ours']} and {shares[name]} of the ceiling of {most:,.0f} tokens/s, from {words}",
        )
        for name in list(jobs)[1:]
    ]


if __name__ == "__main__":
    hand_over(rows())
