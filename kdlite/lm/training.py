"""Maximum likelihood on a corpus: the loop, which resumes from its checkpoints bit for bit.

Knows models, texts, losses and optimisers; knows nothing of teachers and students. To distil is to fit to a teacher's
texts (sequence-level distillation, Kim & Rush 2016), or to train by another loss than that of ``fit``.
"""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm
from transformers import PreTrainedModel, get_wsd_schedule

from kdlite.checks import check_kind, check_path
from kdlite.files import explaining
from kdlite.lm import checkpoint
from kdlite.lm.curve import Callback, Curve, Progress, points
from kdlite.lm.model import LanguageModel
from kdlite.lm.next_token import WHOLE
from kdlite.lm.packing import Rows, pack, passes
from kdlite.lm.processes import accelerator, together
from kdlite.lm.recipe import Recipe
from kdlite.lm.scoring import TokenLoss
from kdlite.lm.trainable import check_apart, recompute
from kdlite.store import claim, locked, write_json
from kdlite.texts.corpus import Corpus

CHECKPOINT = "checkpoint.safetensors"


class Texts(Protocol):
    """What steps are made of: a corpus, say."""

    tokens: int  # of one epoch

    def __len__(self) -> int: ...

    def steps(self, size: int, seed: int, epoch: int, start: int = 0) -> Iterator[np.ndarray]:
        """Texts ``(size, length)`` of each step of an epoch, from step ``start`` on."""
        ...


def fit(
    model: LanguageModel,
    corpus: Corpus,
    recipe: Recipe,
    out: str | Path,
    *,
    validation: Corpus | None = None,
    choose: bool = True,
    callback: Callback | None = None,
    tensorboard: bool = False,
) -> LanguageModel:
    """A new model: a copy of ``model`` trained on ``corpus`` by maximum likelihood.

    Killed at any moment and called again, it goes on from its last checkpoint and ends, on a CPU, with the very
    bits it would have ended with. Called again after its end, it opens what it made.

    Args:
        model: where to start from; is left as it is. Training takes place on its device.
        corpus: texts of the same language.
        recipe: how to train.
        out: folder for checkpoints, the loss curve ``curve.jsonl``, a line a step as it comes, and at the end
            ``curve.json`` and the trained ``model``.
        validation: texts to look at along the way, and to choose the best checkpoint by.
        choose: False, or no validation texts: the last one is taken.
        callback: is called after each step with a ``curve.Point``: step, loss, validation, jump.
        tensorboard: whether to write ``out / "tensorboard"`` too.

    Raises:
        ValueError: if corpus and model differ in language, the corpus has nothing to learn from, or ``out`` holds
            another training.
        ImportError: if TensorBoard is asked for and not installed.
        FloatingPointError: if the loss is no longer finite.
        BlockingIOError: if another process trains in ``out``.
        OSError: if ``out`` cannot be written to, or the disk is full; the last checkpoint is kept.
    """
    check_kind("model", model, LanguageModel, "pass one that new or load made")
    check_kind("corpus", corpus, Corpus, "draw one with Corpus.draw")
    check_kind("recipe", recipe, Recipe, "pass Recipe() for the paper's")
    if validation is not None:
        check_kind("validation", validation, Corpus, "None takes the last checkpoint")
    out = check_path("out", out)
    for texts in filter(None, (corpus, validation)):
        model.language.check_same(texts.language, ("the model", f"the corpus in {texts.folder}"))
    if corpus.symbols < 2:
        raise ValueError(
            f"nothing to learn from in {corpus.folder}: its {len(corpus)} texts hold {corpus.symbols} different "
            "token; draw a corpus from a model that says something"
        )
    run = {"model": model.digest(), "corpus": corpus.digest}
    begin = model.language.begin
    watched = {"callback": callback, "tensorboard": tensorboard}
    return train(
        model,
        lambda module: (TokenLoss(module, begin), corpus),
        recipe,
        out,
        run,
        validation,
        choose,
        **watched,
    )


def train(
    model: LanguageModel,
    lesson: Callable[[PreTrainedModel], tuple[nn.Module, Texts]],
    recipe: Recipe,
    out: Path,
    run: dict,
    validation: Corpus | None,
    choose: bool,
    callback: Callback | None,
    tensorboard: bool,
) -> LanguageModel:
    """What ``fit`` is for any loss and any texts.

    Args:
        lesson: loss and texts for the module that will learn. The loss has that module as its ``model``, and is
            called like ``TokenLoss``; each step's texts are asked for when the step before it has been made.
        run: what is trained, for ``run.json``: with the recipe it decides every bit of the result.
    """
    if callback is not None:
        check_kind("callback", callback, Callable, "pass a function of one Point")
    check_kind("tensorboard", tensorboard, bool, "true or false")
    with together(model.model.device) as state, locked(out) if state.is_main_process else nullcontext():
        chosen = {"validation": validation and validation.digest, "choose": choose}
        claim(out / "run.json", run | chosen | asdict(recipe))
        start = replace(model, beta=1.0, truncation=WHOLE)
        if not (out / "model.safetensors").exists():
            loss, texts = lesson(copy.deepcopy(start.model))
            _Training(loss, start, texts, recipe, out, validation, choose).run(callback, tensorboard)
        (out / CHECKPOINT).unlink(missing_ok=True)
    return start.with_weights(out / "model.safetensors")


class _Training:
    """One run of the loop."""

    def __init__(
        self,
        loss: nn.Module,
        start: LanguageModel,
        texts: Texts,
        recipe: Recipe,
        out: Path,
        validation: Corpus | None,
        choose: bool,
    ) -> None:
        self.accelerator = accelerator(start.model.device, recipe.dtype)
        self.language, self.texts, self.recipe, self.out = start.language, texts, recipe, out
        self.validation, self.choose = validation, choose
        self.module = module = loss.model
        module.float().eval().requires_grad_(True)  # no dropout: a step is a function of its texts
        module.get_input_embeddings().weight.requires_grad_(recipe.train_embeddings)
        check_apart(replace(start, model=module))
        if recipe.gradient_checkpointing:
            recompute(module)
        self.loss = self.accelerator.prepare(loss)
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=recipe.learning_rate,
            betas=recipe.adam_betas,
            fused=True,
            weight_decay=recipe.weight_decay,
        )
        self.steps_per_epoch, self.steps = recipe.steps_per_epoch(len(texts)), recipe.steps(len(texts))
        schedule = get_wsd_schedule(
            self.optimizer,
            num_warmup_steps=int(recipe.warmup * self.steps),
            num_decay_steps=int(recipe.decay * self.steps),
            num_training_steps=self.steps,
            decay_type="linear",
        )
        self.rate = schedule.lr_lambdas[0]  # a function of the step alone: nothing of it needs a checkpoint

    def run(self, callback: Callback | None, tensorboard: bool) -> None:
        """Train from the last checkpoint, or the start, to the end, and write the model."""
        progress = checkpoint.read(self.out / CHECKPOINT, self.module, self.optimizer)
        if self.accelerator.is_main_process:
            curve = Curve(self.out, progress, callback, tensorboard)
        with tqdm(
            total=self.recipe.epochs * self.texts.tokens,
            unit=" tokens",
            unit_scale=True,
            delay=2,
            leave=False,
            disable=not self.accelerator.is_main_process,
        ) as bar:
            bar.update(self.texts.tokens * progress.step // self.steps_per_epoch)
            for tokens in self._texts(progress.step):
                loss = self._step(progress.step, tokens)
                progress.losses.append(loss)
                progress = progress._replace(step=progress.step + 1)
                bar.update(int(self.language.size(tokens).sum()))
                bar.set_postfix_str(f"{loss:.3f} nats per token", refresh=False)
                if progress.step % self.recipe.steps_per_checkpoint == 0 or progress.step == self.steps:
                    self._look(progress)
                if self.accelerator.is_main_process:
                    curve.add(progress)
        self._finish(progress)

    def _texts(self, step: int) -> Iterator[np.ndarray]:
        """The texts of each step from ``step`` on."""
        first, skip = divmod(step, self.steps_per_epoch)
        for epoch in range(first, self.recipe.epochs):
            yield from self.texts.steps(self.recipe.texts_per_step, self.recipe.seed, epoch, skip)
            skip = 0

    def _step(self, step: int, tokens: np.ndarray) -> float:
        """One update; its loss in nats per token."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * self.rate(step)
        self.optimizer.zero_grad()
        n, total, workers = int(self.language.size(tokens).sum()), 0.0, self.accelerator.num_processes
        mine = self._passes(tokens)
        for i, rows in enumerate(mine):
            last = i == len(mine) - 1
            with nullcontext() if last else self.accelerator.no_sync(self.loss):
                loss = self.loss(*self._tensors(rows))
                self.accelerator.backward(loss * (workers / n))  # workers: their gradients are averaged
            total += loss.detach()
        loss = float(self.accelerator.reduce(total, "sum")) / n
        norm = nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip)
        self._check("loss", loss, step)
        self._check("gradient's norm", float(norm), step)
        self.optimizer.step()
        return loss

    def _check(self, name: str, value: float, step: int) -> None:
        if not math.isfinite(value):
            raise FloatingPointError(
                f"the {name} is {value} at step {step} of {self.steps}; lower the learning rate of "
                f"{self.recipe.learning_rate}"
            )

    def _passes(self, tokens: np.ndarray) -> list[Rows]:
        """This process's share of the texts' rows, a pass at a time."""
        rows, state = pack(tokens, self.language), self.accelerator
        return passes(rows, self.recipe.rows_per_pass, state.process_index, state.num_processes)

    def _tensors(self, rows: Rows) -> list[Tensor]:
        """Arguments of the loss."""
        arrays = (rows.ids, rows.targets, rows.positions, rows.mask())
        return [torch.from_numpy(array).to(self.accelerator.device) for array in arrays]

    @torch.no_grad()
    def _validate(self) -> float:
        """Nats per token on the validation texts."""
        total, n = torch.zeros((), dtype=torch.float64, device=self.accelerator.device), 0
        for tokens in self.validation.steps(self.recipe.texts_per_step, 0, 0):
            for rows in self._passes(tokens):
                total += self.loss(*self._tensors(rows))
            n += int(self.language.size(tokens).sum())
        return float(self.accelerator.reduce(total, "sum")) / n

    def _look(self, progress: Progress) -> None:
        """Validate, keep the weights if they are the best so far, and write a checkpoint."""
        if self.validation is not None:
            loss = self._validate()
            self._check("validation loss", loss, progress.step)
            best = min((value for _, value in progress.validation), default=math.inf)
            progress.validation.append((progress.step, loss))
            if self.choose and loss < best and self.accelerator.is_main_process:
                checkpoint.write_weights(self.out / "best.safetensors", self.module)
        if self.accelerator.is_main_process:
            checkpoint.write(self.out / CHECKPOINT, self.module, self.optimizer, progress)

    def _finish(self, progress: Progress) -> None:
        """Write the curve and the chosen weights."""
        if self.accelerator.is_main_process:
            jumps = [(point.step, point.jump) for point in points(progress) if point.jump]
            curve = {"loss": progress.losses, "validation": progress.validation, "jumps": jumps}
            write_json(self.out / "curve.json", curve | {"unit": "nats per token"})
            best = self.out / "best.safetensors"
            if best.exists():
                with explaining(self.out, "model.safetensors"):
                    best.replace(self.out / "model.safetensors")
            else:
                checkpoint.write_weights(self.out / "model.safetensors", self.module)
        self.accelerator.wait_for_everyone()
