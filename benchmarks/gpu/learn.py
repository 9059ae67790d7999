"""How fast models learn: tokens a second and their share of the peak, packed and padded, and the objectives' costs.

Knows passes and seconds; knows nothing of drawing.
"""

from argparse import Namespace

import numpy as np
import torch

from benchmarks import losses
from benchmarks.device import peak, reset_peak, wait
from benchmarks.gpu.shapes import model
from benchmarks.measure import seconds
from kdlite.lm.packing import pack
from kdlite.lm.scoring import IGNORED, TokenLoss
from kdlite.runs.devices import sheet

TEXTS = {"full": {"135M": 32, "360M": 16, "1.7B": 4}, "tiny": {"135M": 4, "360M": 4, "1.7B": 4}}
HAZARD = 1 / 1000  # of ending, at each token


def speed(asked: Namespace, name: str) -> dict:
    """One pass forwards and backwards with AdamW's update: packed rows, padded rows, and packed without fused attention."""
    learner = model(asked, name, torch.float32)
    module = learner.model.requires_grad_(True)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-4, fused=True)
    parameters = sum(p.numel() for p in module.parameters())
    texts = random_texts(learner.language.vocabulary, learner.length, TEXTS[asked.scale][name])
    language = learner.language.__class__(learner.language.vocabulary, learner.length, learner.prompt, eos=0)
    packed = pack(texts, language)
    whole = learner.language.__class__(language.vocabulary, language.length, language.prompt)
    sizes = language.size(texts)
    padded = pack(texts, whole)
    beyond = np.arange(language.length) >= sizes[:, None]
    padded = padded._replace(targets=_masked(padded.targets, padded.ids, beyond, sizes))
    found = {"parameters": parameters, "texts": len(texts), "tokens": int(sizes.sum())}
    half = asked.device == "cuda"
    for what, rows, attention in (
        ("packed", packed, "sdpa"),
        ("padded", padded, "sdpa"),
        ("packed, attention not fused", packed, "eager"),
    ):
        module.set_attn_implementation(attention)
        loss = TokenLoss(module, None)
        inputs = rows.tensors(asked.device)

        def step(loss=loss, inputs=inputs) -> None:
            optimizer.zero_grad()
            with torch.autocast(asked.device, torch.bfloat16, enabled=half):
                value = loss(*inputs)
            value.backward()
            optimizer.step()
            wait()

        reset_peak()
        try:
            step()
            took = min(seconds(step) for _ in range(3))
        except torch.OutOfMemoryError:
            found[what] = {"out of memory": True}
            torch.cuda.empty_cache()
            continue
        rate = found["tokens"] / took
        found[what] = {"tokens/s": rate, "peak bytes": peak()} | share(6 * parameters * rate, asked)
        print(name, what, found[what], flush=True)
    return found


def _masked(targets: np.ndarray, ids: np.ndarray, beyond: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Targets of padded rows, which hold the longest text first, without those beyond a text's end."""
    order = np.argsort(-np.full(len(sizes), ids.shape[1]), kind="stable")
    kept = targets.copy()
    kept[:, -beyond.shape[1] :][beyond[order]] = IGNORED
    return kept


def share(operations: float, asked: Namespace) -> dict:
    """The share of the maker's peak, where it is known."""
    device = sheet(torch.cuda.get_device_name()) if asked.device == "cuda" else None
    return {"share of the bfloat16 peak": operations / max(device.rates.values())} if device else {}


def random_texts(vocabulary: int, length: int, n: int) -> np.ndarray:
    """Random tokens that end with a constant hazard, padded with the end token 0."""
    rng = np.random.default_rng(0)
    ends = rng.geometric(HAZARD, n)[:, None]
    return np.where(np.arange(length) < ends - 1, rng.integers(1, vocabulary, (n, length)), 0)


def objectives(asked: Namespace) -> dict:
    """The token-level losses beside TRL's, where it is installed."""
    if asked.scale == "tiny":
        losses.SHAPE = (2, 16, 512)
    rows = [row._asdict() | {"ratio": row.ratio} for row in losses.rows()]
    return {row.pop("what"): {k: v for k, v in row.items() if v} for row in rows}
