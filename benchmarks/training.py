"""Our loop beside the authors' recipe, the Trainer of transformers on padded rows: tokens that teach, per second.

Both train SmolLM2-135M's shape from scratch on the same texts, in the same dtype, with the same AdamW; each in a
process of its own, step by step in turn. The texts are random tokens. Their lengths follow SmolLM2's samples: a
constant hazard of ending at which 78 % of 512 positions come before the end, and 6 texts of 10 have no end among them.
The Trainer sees each text padded to 512; it is taught the end token too, which the authors' collator would mask. On a
CPU a step holds 16 texts, so that the run takes minutes; packing wastes more on them than on a step of 256.

The ceiling is that of the machine's matrix products, at 6 operations a parameter and useful token. Checks that both
have the same losses.
"""

import copy
import multiprocessing
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments, default_data_collator

from benchmarks.device import DEVICE, GPU, NAME, peak, wait
from benchmarks.measure import Row, hand_over, ratios, seconds, spread
from kdlite.lm import Corpus, Language, LanguageModel, Recipe, new
from kdlite.lm.packing import pack
from kdlite.lm.scoring import IGNORED, TokenLoss
from kdlite.lm.training import _Training

DTYPE = torch.bfloat16 if GPU else torch.float32  # what products are computed in
TEXTS, ROWS, STEPS = (256, 32, 3) if GPU else (16, 4, 3)  # texts a step, rows a pass, steps
LANGUAGE = Language(49_152, 511, prompt=(504,), eos=0)  # with the prompt, 512 tokens
HAZARD = 1 / 1_000
RECIPE = Recipe(warmup=0, decay=0, epochs=STEPS, texts_per_step=TEXTS, rows_per_pass=ROWS)


class Lengths:
    """Draws random tokens that end with a constant hazard."""

    language = LANGUAGE

    def digest(self) -> str:
        """The draws depend on nothing but the seed."""
        return "random tokens"

    def draws(self, n: int, seed: int, *, start: int, batch: int):
        """All n texts at once."""
        rng = np.random.default_rng(seed)
        sizes, places = rng.geometric(HAZARD, n)[:, None], np.arange(LANGUAGE.length)
        tokens = rng.integers(1, LANGUAGE.vocabulary, (n, LANGUAGE.length))
        yield np.where(places < sizes - 1, tokens, LANGUAGE.eos), np.zeros(n)


def model() -> LanguageModel:
    """SmolLM2-135M's shape, from scratch; it has computed something."""
    found = new("SmolLM2-135M", LANGUAGE).to(DEVICE)
    found.log_prob(next(Lengths().draws(1, 1, start=0, batch=1))[0])
    return found


class Turns:
    """The worker's end of a pipe: a step begins when the other side says so."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.start = pipe, 0.0

    def begin(self) -> None:
        """Wait for the turn."""
        self.pipe.recv()
        self.start = time.perf_counter()

    def end(self) -> None:
        """Send the seconds."""
        wait()
        self.pipe.send(time.perf_counter() - self.start)

    def finish(self, losses: list[float]) -> None:
        """Send the losses and the peak memory in bytes."""
        self.pipe.send((losses, peak()))


def ours(pipe: Connection, folder: Path) -> None:
    """Our loop."""
    turns, corpus, start, losses = Turns(pipe), Corpus.open(folder), model(), []
    loss = TokenLoss(copy.deepcopy(start.model), LANGUAGE.begin)
    training = _Training(loss, start, corpus, RECIPE, folder / "out", None, False)
    for step, tokens in enumerate(training._texts(0)):
        turns.begin()
        losses.append(training._step(step, tokens))
        turns.end()
    turns.finish(losses)


def trainer(pipe: Connection, folder: Path) -> None:
    """The Trainer; every epoch is one step."""
    turns, corpus = Turns(pipe), Corpus.open(folder)
    tokens = corpus.texts()
    ids = np.concatenate([np.full((len(tokens), 1), LANGUAGE.prompt[0]), tokens], axis=1)
    real = np.arange(512) <= corpus.size(tokens)[:, None]
    labels = np.where(real & (np.arange(512) > 0), ids, -100)
    rows = [
        {"input_ids": ids[i], "labels": labels[i], "attention_mask": real[i].astype(int)}
        for i in range(len(ids))
    ]

    class Take(TrainerCallback):
        def on_step_begin(self, *args, **kwargs) -> None:
            turns.begin()

        def on_step_end(self, *args, **kwargs) -> None:
            turns.end()

    arguments = TrainingArguments(
        output_dir=str(folder / "trainer"),
        per_device_train_batch_size=ROWS,
        gradient_accumulation_steps=TEXTS // ROWS,
        num_train_epochs=STEPS,
        learning_rate=RECIPE.learning_rate,
        adam_beta1=RECIPE.adam_betas[0],
        adam_beta2=RECIPE.adam_betas[1],
        weight_decay=0.0,
        max_grad_norm=RECIPE.clip,
        lr_scheduler_type="constant",
        bf16=GPU,
        use_cpu=not GPU,
        save_strategy="no",
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
    )
    module = model().model.requires_grad_(True)
    loop = Trainer(module, arguments, default_data_collator, train_dataset=rows, callbacks=[Take()])
    loop.remove_callback(PrinterCallback)
    loop.train()
    turns.finish([log["loss"] for log in loop.state.log_history if "loss" in log])


def ceiling() -> float:
    """Operations a second of the fastest of these matrix products: 2048 cubed, and those of the model."""
    best = 0.0
    for n, k, m in [
        (2048,) * 3,
        *((ROWS * 512, k, m) for k, m in ((576, 576), (576, 1536), (1536, 576))),
        (341, 576, 49152),
    ]:
        x, w = (torch.randn(size, device=DEVICE, dtype=DTYPE) for size in ((n, k), (k, m)))
        best = max(best, *(2 * n * k * m / seconds(lambda x=x, w=w: (x @ w, wait())) for _ in range(8)))
    return best


def rows() -> list[Row]:
    """Train with both, in turn."""
    top, sides, times = ceiling(), (ours, trainer), {ours: [], trainer: []}
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        corpus = Corpus.draw(Lengths(), name, n=TEXTS, seed=0, sampler="random tokens")
        packed = pack(corpus.texts(), LANGUAGE)
        pipes = {}
        for side in sides:
            pipes[side], far = context.Pipe()
            context.Process(target=side, args=(far, Path(name)), daemon=True).start()
        for _ in range(STEPS):
            for side in sides:
                pipes[side].send("go")
                times[side].append(pipes[side].recv())
        results = {side: pipes[side].recv() for side in sides}
    np.testing.assert_allclose(results[ours][0], results[trainer][0], rtol=2e-2 if GPU else 1e-3)
    parameters = sum(p.numel() for p in model().model.parameters())
    rates = {side: [corpus.tokens / t for t in times[side]] for side in sides}
    shares = {side: f"{6 * parameters * statistics.median(rates[side]) / top:.0%}" for side in sides}
    peaks = {side: [results[side][1] / 2**30] for side in sides}
    filled = f"{corpus.tokens / TEXTS / 512:.0%} of the padded places teach, {np.mean(packed.targets != IGNORED):.0%} of the packed"
    what = f"training, {TEXTS} texts a step, {str(DTYPE).removeprefix('torch.')} on {NAME}"
    return [
        Row(
            f"{what}: speed",
            spread(rates[ours], "tokens/s"),
            f"Trainer: {spread(rates[trainer], 'tokens/s')}",
            ratios(times[trainer], times[ours]),
            f"{filled}; {shares[ours]} and {shares[trainer]} of the ceiling of {top / 1e9:,.0f} GFLOP/s",
            "where texts have no end packing saves nothing, and both compute the same products",
        ),
        Row(
            f"{what}: peak memory",
            spread(peaks[ours], "GiB"),
            f"Trainer: {spread(peaks[trainer], 'GiB')}",
            ratios(peaks[trainer], peaks[ours]),
            "of the whole process",
            "fit leaves the model that it is given as it is, so the process holds the weights once more",
        ),
    ]


if __name__ == "__main__":
    hand_over(rows())
