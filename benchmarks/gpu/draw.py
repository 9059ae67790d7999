"""How fast texts are drawn: against the bandwidth that weights and caches need, and against generate.

Knows batches and seconds; knows nothing of whether the texts are right.
"""

import tempfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.device import peak, reset_peak, wait
from benchmarks.gpu.shapes import model
from benchmarks.measure import seconds
from kdlite.lm import LanguageModel, Recipe, distil
from kdlite.lm import decoder as decoding
from kdlite.lm import sampling as drawing
from kdlite.lm.next_token import WHOLE
from kdlite.lm.weights import best_dtype

BATCHES = {"full": (64, 512, 1024, 4096), "tiny": (8, 16)}
GENERATED = 64  # tokens of a text by generate, whose rate is that of its first, cheapest ones
COPY = {"full": 1 << 31, "tiny": 1 << 24}  # bytes


def speed(asked: Namespace, name: str) -> dict:
    """Tokens a second at batches that grow until the memory is full, graphs being made counted in."""
    drawn = model(asked, name, best_dtype(asked.device))
    rate, rows = bandwidth(asked), []
    draw(model(asked, name, best_dtype(asked.device), 4), BATCHES[asked.scale][0])  # loads kernels
    for batch in BATCHES[asked.scale]:
        reset_peak()
        try:
            took = seconds(lambda b=batch: draw(drawn, b))
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            rows.append({"batch": batch, "out of memory": True})
            break
        limit = batch * drawn.length * rate / read_bytes(drawn, batch)
        tokens = batch * drawn.length / took
        rows.append(
            {
                "batch": batch,
                "tokens/s": tokens,
                "share of the bandwidth limit": tokens / limit,
                "peak bytes": peak(),
            }
        )
        print(name, rows[-1], flush=True)
    batch = BATCHES[asked.scale][1]
    length = min(drawn.length, GENERATED)
    theirs = batch * length / seconds(lambda: generate(drawn, batch, length))
    ours = next(row.get("tokens/s", 0) for row in rows if row["batch"] == batch)
    beside = {"batch": batch, "tokens a text": length, "tokens/s": theirs, "ours over theirs": ours / theirs}
    return {"bandwidth, bytes/s": rate, "batches": rows, "generate": beside}


def draw(drawn: LanguageModel, batch: int) -> None:
    """One batch."""
    drawn.sample(batch, seed=0, batch=batch)
    wait()


def generate(drawn: LanguageModel, batch: int, length: int) -> None:
    """As many tokens by Hugging Face, with nothing that sorts."""
    prompts = torch.tensor(drawn.prompt, device=drawn.model.device).expand(batch, -1)
    options = {"do_sample": True, "top_k": 0, "max_new_tokens": length, "pad_token_id": 0}
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
    """Steps of a student that learns on its own texts: one decoder is made, however many steps there are."""
    student, teacher = (model(asked, "135M", torch.float32, length=16) for _ in range(2))
    recipe = Recipe(epochs=6, texts_per_step=16, rows_per_pass=16, warmup=0)
    made, kept = [], drawing.Decoder
    drawing.Decoder = type(
        "Counted", (kept,), {"__init__": lambda self, *a: made.append(a) or kept.__init__(self, *a)}
    )
    try:
        with tempfile.TemporaryDirectory() as name:
            took = seconds(
                lambda: distil(student, teacher, 16, recipe, Path(name) / "out", objective="reverse_kl")
            )
    finally:
        drawing.Decoder = kept
    assert len(made) == 1, f"{len(made)} decoders were made in {recipe.epochs} steps"
    return {"steps": recipe.epochs, "seconds": took, "decoders made": len(made)}


def compiled(asked: Namespace, name: str) -> dict:
    """The same step with its kernels fused by torch's compiler, which takes its time first: does it pay?"""
    drawn, batch = model(asked, name, best_dtype(asked.device)), BATCHES[asked.scale][-2]
    kept, options = (
        decoding._replayed,
        {"mode": "reduce-overhead"} if asked.device == "cuda" else {"backend": "eager"},
    )
    decoding._replayed = lambda step: torch.compile(step, fullgraph=True, **options)
    try:
        source = decoding.Decoder(drawn.model, drawn.language, 1.0, WHOLE, batch)
        if asked.device == "cpu":
            source._step = decoding._replayed(source.step)
        u, whose = np.random.default_rng(0).random((batch, drawn.length)), np.zeros(batch, dtype=int)
        first, then = (seconds(lambda: (source.draw(u, whose, tqdm(disable=True)), wait())) for _ in range(2))
    finally:
        decoding._replayed = kept
    rate = batch * drawn.length / then
    return {"batch": batch, "tokens/s": rate, "seconds of the first draw beyond the next": first - then}
