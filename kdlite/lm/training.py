"""Maximum likelihood on a corpus: the loop, and checkpoints it resumes from bit for bit.

Knows models, texts, losses and optimisers; knows nothing of teachers and students. To distil is to fit to a teacher's
texts (sequence-level distillation, Kim & Rush 2016), or to train by another loss than that of ``fit``.
"""

import copy
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm
from transformers import PreTrainedModel, get_wsd_schedule

from kdlite.checks import check_kind, check_path
from kdlite.files import explaining, replacing
from kdlite.lm.model import LanguageModel
from kdlite.lm.next_token import WHOLE
from kdlite.lm.packing import Rows, pack
from kdlite.lm.recipe import Recipe
from kdlite.lm.scoring import IGNORED, TokenLoss
from kdlite.store import claim, locked, write_json
from kdlite.texts.corpus import Corpus


class Texts(Protocol):
    """What steps are made of: a corpus, say."""

    tokens: int  # of one epoch

    def __len__(self) -> int: ...

    def steps(self, size: int, seed: int, epoch: int, start: int = 0) -> Iterator[np.ndarray]:
        """Texts ``(size, length)`` of each step of an epoch, from step ``start`` on."""
        ...


class Progress(NamedTuple):
    """Where training is; a checkpoint holds it whole."""

    step: int  # updates made
    losses: list[float]  # nats per token of each step
    validation: list[tuple[int, float]]  # (step, nats per token)


def fit(
    model: LanguageModel,
    corpus: Corpus,
    recipe: Recipe,
    out: str | Path,
    *,
    validation: Corpus | None = None,
    choose: bool = True,
) -> LanguageModel:
    """A new model: a copy of ``model`` trained on ``corpus`` by maximum likelihood.

    Killed at any moment and called again, it goes on from its last checkpoint and ends, on a CPU, with the very
    bits it would have ended with. Called again after its end, it opens what it made.

    Args:
        model: where to start from; is left as it is.
        corpus: texts of the same language.
        recipe: how to train.
        out: folder for checkpoints, the loss curve ``curve.json`` and the trained ``model``.
        validation: texts to look at along the way, and to choose the best checkpoint by.
        choose: False, or no validation texts: the last one is taken.

    Raises:
        ValueError: if corpus and model differ in language, the corpus has nothing to learn from, or ``out`` holds
            another training.
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
    return train(
        model, lambda module: (TokenLoss(module, begin), corpus), recipe, out, run, validation, choose
    )


def train(
    model: LanguageModel,
    lesson: Callable[[PreTrainedModel], tuple[nn.Module, Texts]],
    recipe: Recipe,
    out: Path,
    run: dict,
    validation: Corpus | None,
    choose: bool,
) -> LanguageModel:
    """What ``fit`` is for any loss and any texts.

    Args:
        lesson: loss and texts for the module that will learn. The loss has that module as its ``model``, and is
            called like ``TokenLoss``; each step's texts are asked for when the step before it has been made.
        run: what is trained, for ``run.json``: with the recipe it decides every bit of the result.
    """
    with _processes(model.model.device) as state, locked(out) if state.is_main_process else nullcontext():
        chosen = {"validation": validation and validation.digest, "choose": choose}
        claim(out / "run.json", run | chosen | asdict(recipe))
        start = replace(model, beta=1.0, truncation=WHOLE)
        if not (out / "model.safetensors").exists():
            loss, texts = lesson(copy.deepcopy(start.model))
            _Training(loss, start, texts, recipe, out, validation, choose).run()
        (out / "checkpoint.safetensors").unlink(missing_ok=True)
    return start.with_weights(out / "model.safetensors")


@contextmanager
def _processes(device: torch.device) -> Iterator[PartialState]:
    """The processes that train together. Accelerate keeps the device and the precision that were first asked for: a
    process by itself begins anew, and leaves them as they were.
    """
    kept = [(kind._shared_state, dict(kind._shared_state)) for kind in (PartialState, AcceleratorState)]
    cpu = device.type == "cpu"
    if PartialState(cpu=cpu).num_processes > 1:
        yield PartialState()
        return
    try:
        for shared, _ in kept:
            shared.clear()
        yield PartialState(cpu=cpu)
    finally:
        for shared, before in kept:
            shared.clear()
            shared.update(before)


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
        device = start.model.device
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        half = fast if recipe.dtype == "auto" else recipe.dtype == "bfloat16"
        self.accelerator = Accelerator(mixed_precision="bf16" if half else "no", cpu=device.type == "cpu")
        self.language, self.texts, self.recipe, self.out = start.language, texts, recipe, out
        self.validation, self.choose = validation, choose
        self.module = module = loss.model
        module.float().eval().requires_grad_(True)  # no dropout: a step is a function of its texts
        module.get_input_embeddings().weight.requires_grad_(recipe.train_embeddings)
        self.loss = self.accelerator.prepare(loss)
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=recipe.learning_rate, betas=recipe.adam_betas, weight_decay=0.0, fused=True
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

    def run(self) -> None:
        """Train from the last checkpoint, or the start, to the end, and write the model."""
        progress = self._resume()
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
        passes = self._passes(pack(tokens, self.language))
        for i, rows in enumerate(passes):
            last = i == len(passes) - 1
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

    def _passes(self, rows: Rows) -> list[Rows]:
        """This process's share of the rows, a pass at a time; every process gets as many passes."""
        size, workers = self.recipe.rows_per_pass, self.accelerator.num_processes
        n = len(rows.ids)
        mine = np.arange(self.accelerator.process_index, n, workers)
        count = math.ceil(math.ceil(n / workers) / size)
        passes = [Rows(*(a[mine[i * size : (i + 1) * size]] for a in rows)) for i in range(count)]
        idle = Rows(*(a[:1] for a in rows))._replace(targets=np.full_like(rows.targets[:1], IGNORED))
        return [share if len(share.ids) else idle for share in passes]

    def _tensors(self, rows: Rows) -> list[Tensor]:
        """Arguments of the loss."""
        arrays = (rows.ids, rows.targets, rows.positions, rows.mask())
        return [torch.from_numpy(array).to(self.accelerator.device) for array in arrays]

    @torch.no_grad()
    def _validate(self) -> float:
        """Nats per token on the validation texts."""
        total, n = torch.zeros((), dtype=torch.float64, device=self.accelerator.device), 0
        for tokens in self.validation.steps(self.recipe.texts_per_step, 0, 0):
            for rows in self._passes(pack(tokens, self.language)):
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
                _write_weights(self.out / "best.safetensors", self.module)
        if self.accelerator.is_main_process:
            state = {f"model.{k}": v for k, v in self.module.named_parameters()}
            for i, (_, values) in enumerate(sorted(self.optimizer.state_dict()["state"].items())):
                state |= {f"optimizer.{i}.{k}": v for k, v in values.items()}
            with replacing(self.out / "checkpoint.safetensors") as temporary:
                save_file(
                    {k: v.contiguous() for k, v in state.items()},
                    temporary,
                    {"progress": json.dumps(progress)},
                )

    def _resume(self) -> Progress:
        """Read the last checkpoint, if there is one, into model and optimiser."""
        path = self.out / "checkpoint.safetensors"
        if not path.exists():
            return Progress(0, [], [])
        try:
            with safe_open(path, "pt", device="cpu") as file, torch.no_grad():
                progress = Progress(*json.loads((file.metadata() or {})["progress"]))
                state: dict[int, dict[str, Tensor]] = {}
                for name in file.keys():  # noqa: SIM118 - it is no mapping
                    if name.startswith("optimizer."):
                        _, i, key = name.split(".")
                        state.setdefault(int(i), {})[key] = file.get_tensor(name)
                for name, parameter in self.module.named_parameters():
                    parameter.copy_(file.get_tensor(f"model.{name}"))
        except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise ValueError(
                f"{path} is not a whole checkpoint: {error}; delete it to train from the start"
            ) from None
        self.optimizer.load_state_dict(
            {"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]}
        )
        return progress._replace(validation=[tuple(pair) for pair in progress.validation])

    def _finish(self, progress: Progress) -> None:
        """Write the curve and the chosen weights."""
        if self.accelerator.is_main_process:
            curve = {"loss": progress.losses, "validation": progress.validation, "unit": "nats per token"}
            write_json(self.out / "curve.json", curve)
            best = self.out / "best.safetensors"
            if best.exists():
                with explaining(self.out, "model.safetensors"):
                    best.replace(self.out / "model.safetensors")
            else:
                _write_weights(self.out / "model.safetensors", self.module)
        self.accelerator.wait_for_everyone()


def _write_weights(path: Path, module: nn.Module) -> None:
    with replacing(path) as temporary:
        save_file({name: p.detach().contiguous() for name, p in module.named_parameters()}, temporary)
