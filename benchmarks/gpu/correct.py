"""Whether a GPU computes what a processor does: the decoder, a training, and a training that was killed.

Knows what must agree; knows nothing of speed.
"""

import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from benchmarks.gpu.shapes import model, real
from kdlite.lm import Corpus, LanguageModel, Recipe, fit
from kdlite.lm import decoder as decoding
from kdlite.lm.next_token import choose, temper
from kdlite.store import read_json

RECIPE = Recipe(
    epochs=2, texts_per_step=16, rows_per_pass=16, steps_per_checkpoint=4, warmup=0, dtype="float32"
)


def decoder(asked: Namespace) -> dict:
    """Texts of the decoder beside a plain loop over transformers, and beside itself without compiled graphs."""
    length, n = (64, 64) if asked.scale == "full" else (12, 8)
    found = {}
    for dtype in (torch.float32, torch.bfloat16):
        truth = real(asked, dtype, length)
        tokens, log_prob = (np.concatenate(parts) for parts in zip(*truth.draws(n, 0), strict=True))
        plain = plain_texts(truth, n, 0)
        eager = without_graphs(truth, n)
        name = str(dtype).removeprefix("torch.")
        found[name] = {
            "texts": n,
            "texts like those of plain transformers": int((tokens == plain).all(axis=1).sum()),
            "texts like those without graphs": int((tokens == eager).all(axis=1).sum()),
            "largest difference of log-probability, nats a text": float(
                np.abs(log_prob - truth.log_prob(tokens)).max()
            ),
        }
        limit = (
            0.02 if dtype == torch.float32 else 4.0
        )  # rounding of a whole text; a wrong cache costs tens of nats
        worst = found[name]["largest difference of log-probability, nats a text"]
        assert worst < limit, f"{name}: log-probabilities differ by {worst} nats"
        if dtype == torch.float32:
            assert found[name]["texts like those of plain transformers"] >= 0.9 * n, found
    return found


@torch.no_grad()
def plain_texts(truth: LanguageModel, n: int, seed: int) -> np.ndarray:
    """The same draws, the whole text through plain transformers for each token."""
    device, prompt = truth.model.device, torch.tensor(truth.prompt)
    u = torch.from_numpy(np.random.default_rng(seed).random((n, truth.length))).to(device)
    ids = prompt.to(device).expand(n, -1)
    for place in range(truth.length):
        logits = truth.model(ids, use_cache=False).logits[:, -1]
        token, _ = choose(temper(logits, 1.0, None), u[:, place])
        ids = torch.cat([ids, token[:, None]], dim=1)
    texts = ids[:, len(prompt) :].cpu().numpy()
    if truth.language.eos is None:
        return texts
    ended = np.cumsum(texts == truth.language.eos, axis=1) - (texts == truth.language.eos) > 0
    return np.where(ended, truth.language.eos, texts)


def without_graphs(truth: LanguageModel, n: int) -> np.ndarray:
    """The decoder's texts, each step as it is written."""
    kept, decoding._replayed = decoding._replayed, lambda step: step
    try:
        return truth.sample(n, seed=0)
    finally:
        decoding._replayed = kept


def training(asked: Namespace) -> dict:
    """A training on a processor, then on the GPU in the same process, then on the processor again."""
    losses = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for turn, device in enumerate(("cpu", asked.device, "cpu")):
            start = model(
                Namespace(**vars(asked) | {"device": device, "scale": "tiny"}), "135M", torch.float32
            )
            corpus = Corpus.draw(start.sharpen(4.0), folder / f"texts-{turn}", n=64, seed=0, sampler="itself")
            if turn:  # the very same texts: rounding may have drawn others
                corpus = Corpus.open(folder / "texts-0")
            fit(start, corpus, RECIPE, folder / f"{turn}")
            losses[turn] = np.array(read_json(folder / f"{turn}" / "curve.json")["loss"])
    found = {
        "steps": len(losses[0]),
        "largest difference of loss, nats a token": float(np.abs(losses[1] - losses[0]).max()),
        "the processor's bits are the same after it": bool(np.array_equal(losses[0], losses[2])),
    }
    assert found["largest difference of loss, nats a token"] < 1e-3, found
    assert found["the processor's bits are the same after it"], found
    return found


def resume(asked: Namespace) -> dict:
    """A training that is killed and called again, beside one that is not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = train_once(asked.device, folder, "whole")
        words = "import sys; from pathlib import Path; from benchmarks.gpu.correct import train_once; "
        words += "train_once(sys.argv[1], Path(sys.argv[2]), 'killed')"
        process = subprocess.Popen([sys.executable, "-c", words, asked.device, name])
        while not (folder / "killed" / "checkpoint.safetensors").exists() and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        process.wait()
        early = not (folder / "killed" / "model.safetensors").exists()
        again = train_once(asked.device, folder, "killed")
    worst = max(float((whole[k] - again[k]).abs().max()) for k in whole)
    assert worst < 1e-4, f"weights differ by {worst}"
    return {"killed before its end": early, "largest difference of a weight": worst}


def train_once(device: str, folder: Path, name: str) -> dict[str, torch.Tensor]:
    """The weights of a small training."""
    start = model(Namespace(device=device, scale="tiny"), "135M", torch.float32)
    corpus = Corpus.draw(start, folder / "texts", n=128, seed=0, sampler="itself")
    fit(start, corpus, Recipe(**vars(RECIPE) | {"epochs": 8}), folder / name)
    return load_file(folder / name / "model.safetensors")
