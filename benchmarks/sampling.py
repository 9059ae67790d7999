"""Tokens a second of our decoder, of `generate` as the paper's authors call it, and of plain `generate`.

SmolLM2-135M-Instruct, prompt "The", 128 texts of 64 tokens at a time, in the device's best dtype; the end token ends
nothing on either side. The authors pass top_k = the size of the vocabulary, which keeps all of it and sorts it at every
step; top_k = 0 leaves that out, so it is the fairer peer. All three take turns, 3 times; on a GPU once more before, to
compile.

Prints medians and ranges, and the share of the ceiling: what the fastest matrix product measured here would allow if
nothing else took time, at 2 operations a token for each parameter that enters a product.
"""

import statistics
import time
from collections.abc import Callable

import torch
from transformers.utils import logging

from kdlite.lm import Language, LanguageModel
from kdlite.lm.weights import best_dtype, load

BATCH, LENGTH, REPEATS = 128, 64, 3
GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if GPU else "cpu")
DTYPE = best_dtype(DEVICE)


def seconds(job: Callable[[], object]) -> float:
    """How long a job takes, with all that it has left to a GPU."""
    if GPU:
        torch.cuda.synchronize()
    start = time.perf_counter()
    job()
    if GPU:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def ours(model: LanguageModel) -> None:
    """One batch by kdlite."""
    model.sample(BATCH, seed=0, batch=BATCH)


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
    assert texts.shape == (BATCH, len(model.prompt) + model.length)


def ceiling(model: LanguageModel) -> tuple[float, str]:
    """Tokens a second that the best rate of a matrix product allows, and that rate in words."""
    module = model.model
    weights = [p for name, p in module.named_parameters() if p.ndim == 2]  # the embeddings once, as the head
    shapes = {(2048, 2048, 2048)} | {(*p.shape, BATCH) for p in weights}
    rates = {}
    for m, k, n in sorted(shapes):
        a, b = (torch.randn(size, device=DEVICE, dtype=DTYPE) for size in ((m, k), (k, n)))
        calls = max(1, int(2e10 / (2 * m * k * n)))
        best = min(seconds(lambda a=a, b=b, calls=calls: [a @ b for _ in range(calls)]) for _ in range(4))
        rates[m, k, n] = 2 * m * k * n * calls / best
    shape, rate = max(rates.items(), key=lambda item: item[1])
    words = f"{rate / 1e9:,.0f} GFLOP/s at {' x '.join(map(str, shape))}"
    return rate / (2 * sum(p.numel() for p in weights)), words


def main() -> None:
    """Time the three in turn, and the ceiling."""
    logging.set_verbosity_error()  # generate warns that it ignores settings of the model
    model = load(
        "SmolLM2-135M-Instruct", source="package", prompt="The", length=LENGTH, device=DEVICE, dtype=DTYPE
    )
    size = model.language.vocabulary
    language = Language(size, LENGTH, model.prompt, eos=None, tokenizer=model.language.tokenizer)
    model = LanguageModel(model.model, language)
    jobs = {
        "kdlite": lambda: ours(model),
        "generate, the authors' call": lambda: generate(model, size),
        "generate, plain": lambda: generate(model, 0),
    }
    name = torch.cuda.get_device_name() if GPU else f"{torch.get_num_threads()} threads"
    print(f"{DEVICE.type} ({name}), {str(DTYPE).removeprefix('torch.')}, {BATCH} texts of {LENGTH} tokens")
    for job in jobs.values() if GPU else ():
        job()
    rates = {name: [] for name in jobs}
    for _ in range(REPEATS):
        for name, job in jobs.items():
            rates[name].append(BATCH * LENGTH / seconds(job))
    most, words = ceiling(model)
    for name, found in rates.items():
        print(
            f"{name}: median {statistics.median(found):,.0f} tokens/s, {min(found):,.0f} to {max(found):,.0f}; "
            f"{statistics.median(found) / most:.0%} of the ceiling"
        )
    for name in list(jobs)[1:]:
        ratios = [a / b for a, b in zip(rates["kdlite"], rates[name], strict=True)]
        print(
            f"kdlite over {name}: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}"
        )
    print(f"ceiling: {most:,.0f} tokens/s, from {words}")


if __name__ == "__main__":
    main()
