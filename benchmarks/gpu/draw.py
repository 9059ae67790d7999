"""How fast texts are drawn: against the bandwidth that weights and caches need, and against generate.

Knows batches and seconds; knows nothing of whether the texts are right.
"""

import statistics
import tempfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.device import peak, wait
from benchmarks.gpu.shapes import model
from benchmarks.measure import seconds
from kdlite.lm import LanguageModel, Recipe, distil
from kdlite.lm import decoder as decoding
from kdlite.lm.weights import best_dtype

BATCHES = {"full": (64, 256, 1024, 2048, 4096), "tiny": (8, 16)}
COPY = {"full": 1 << 31, "tiny": 1 << 24}  # bytes


def speed(asked: Namespace, name: str) -> dict:
    """Tokens a second at batches that double until the memory is full; the first draw of each, which compiles, apart."""
    drawn = model(asked, name, best_dtype(asked.device))
    rate, rows = bandwidth(asked), []
    for batch in BATCHES[asked.scale]:
        try:
            first = seconds(lambda b=batch: draw(drawn, b))
            then = seconds(lambda b=batch: draw(drawn, b))
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            rows.append({"batch": batch, "out of memory": True})
            break
        limit = batch * drawn.length * rate / read_bytes(drawn, batch)
        tokens = batch * drawn.length / then
        rows.append(
            {
                "batch": batch,
                "tokens/s": tokens,
                "share of the bandwidth limit": tokens / limit,
                "seconds of the first draw beyond the next": first - then,
                "peak bytes": peak(),
            }
        )
        print(name, rows[-1], flush=True)
    batch = BATCHES[asked.scale][1]
    theirs = batch * drawn.length / seconds(lambda: generate(drawn, batch))
    ours = statistics.median(row["tokens/s"] for row in rows if row["batch"] == batch)
    beside = {"batch": batch, "tokens/s": theirs, "ours over theirs": ours / theirs}
    return {"bandwidth, bytes/s": rate, "batches": rows, "generate": beside}


def draw(drawn: LanguageModel, batch: int) -> None:
    """One batch."""
    drawn.sample(batch, seed=0, batch=batch)
    wait()


def generate(drawn: LanguageModel, batch: int) -> None:
    """As many tokens by Hugging Face, with nothing that sorts."""
    prompts = torch.tensor(drawn.prompt, device=drawn.model.device).expand(batch, -1)
    options = {"do_sample": True, "top_k": 0, "max_new_tokens": drawn.length, "pad_token_id": 0}
    drawn.model.generate(prompts, attention_mask=torch.ones_like(prompts), eos_token_id=None, **options)
    wait()


def read_bytes(drawn: LanguageModel, batch: int) -> float:
    """Bytes that drawing a batch has to read: the weights once a token, and each text's keys and values so far."""
    module, config = drawn.model, drawn.model.config
    width = next(module.parameters()).element_size()
    cache = (
        2 * config.num_hidden_layers * config.num_key_value_heads * module.model.layers[0].self_attn.head_dim
    )
    weights = sum(p.numel() for p in module.parameters())
    return width * drawn.length * (weights + batch * cache * drawn.length / 2)


def bandwidth(asked: Namespace) -> float:
    """Bytes a second that a copy reads and writes."""
    source = torch.empty(COPY[asked.scale], dtype=torch.uint8, device=asked.device)
    target = torch.empty_like(source)
    job: Callable[[], object] = lambda: (target.copy_(source), wait())  # noqa: E731
    job()
    return 2 * len(source) / min(seconds(job) for _ in range(5))


def on_policy(asked: Namespace) -> dict:
    """Steps of a student that learns on its own texts: one decoder is compiled, however many steps there are."""
    student, teacher = (model(asked, "135M", torch.float32, length=16) for _ in range(2))
    recipe = Recipe(epochs=6, texts_per_step=16, rows_per_pass=16, warmup=0)
    compiled, kept = [], decoding._compile
    decoding._compile = lambda step: compiled.append(step) or kept(step)
    try:
        with tempfile.TemporaryDirectory() as name:
            took = seconds(
                lambda: distil(student, teacher, 16, recipe, Path(name) / "out", objective="reverse_kl")
            )
    finally:
        decoding._compile = kept
    assert len(compiled) <= 1, f"{len(compiled)} decoders were compiled in {recipe.epochs} steps"
    return {"steps": recipe.epochs, "seconds": took, "decoders compiled": len(compiled)}
