"""Small corpora, a recipe for them, and a training that is killed where one likes."""

import multiprocessing
import os
import pkgutil
import signal
from pathlib import Path

import numpy as np
import torch

from kdlite.lm import Corpus, Language, LanguageModel, MarkovMixture, Recipe, Shape, fit, new
from kdlite.lm.training import _Training

SHAPE = Shape(16, 1, 2, 1, 32)
RECIPE = Recipe(
    learning_rate=1e-2,
    warmup=0.1,
    decay=0.4,
    epochs=2,
    texts_per_step=8,
    rows_per_pass=3,
    steps_per_checkpoint=3,
)


def truth(length: int = 10) -> MarkovMixture:
    """Two easy chains over 6 symbols."""
    return MarkovMixture.random(2, 6, length, decay=0.5, concentration=0.1, seed=0)


def ending(length: int = 12, prompt: tuple[int, ...] = (0, 3, 1)) -> LanguageModel:
    """A small model whose texts end at about one place in five."""
    return new(SHAPE, Language(5, length, prompt, eos=2), seed=0)


def draw(model, folder: Path, n: int = 60, **changes) -> Corpus:
    """A corpus in three shards, the last of which is not full."""
    options = {"n": n, "seed": 3, "sampler": "truth", "shard": 25, "batch": 8}
    return Corpus.draw(model, folder, **options | changes)


class Constant:
    """Draws one text over and over."""

    def __init__(self, language: Language, text: list[int]) -> None:
        self.language, self.text = language, text

    def digest(self):
        return str(self.text)

    def draws(self, n, seed, *, start=0, batch=1):
        yield np.tile(self.text, (n, 1)), np.zeros(n)


class Numbers:
    """Draws text i as i, i + 1, … modulo the vocabulary."""

    def __init__(self, vocabulary: int) -> None:
        self.language = Language(vocabulary, 3, (0,))

    def digest(self):
        return str(self.language.vocabulary)

    def draws(self, n, seed, *, start=0, batch=1 << 20):
        tokens = (np.arange(start, start + n)[:, None] + np.arange(3)) % self.language.vocabulary
        yield tokens, tokens.sum(axis=1) / 7


def train(folder: Path, out: str) -> LanguageModel:
    """The training that is killed: 16 steps, validated and checkpointed at 3, 6, 9, 12, 15 and 16."""
    torch.set_num_threads(1)
    corpus, validation = Corpus.open(folder / "corpus"), Corpus.open(folder / "validation")
    return fit(new(SHAPE, corpus.language, seed=1), corpus, RECIPE, folder / out, validation=validation)


def validating(monkeypatch, losses: list[float]) -> list[dict]:
    """Have validation find these losses; gives the weights it found them for."""
    seen, remaining = [], iter(losses)

    def validate(training: _Training) -> float:
        seen.append({name: p.detach().clone() for name, p in training.module.named_parameters()})
        return next(remaining)

    monkeypatch.setattr(_Training, "_validate", validate)
    return seen


def _do_and_die(do, args: tuple, name: str, when: str, times: int) -> None:
    """Kills this process before, or after, the given call of what is called ``name``."""
    owner, _, attribute = name.rpartition(".")
    owner = pkgutil.resolve_name(owner)
    original, calls = getattr(owner, attribute), []

    def deadly(*args, **kwargs):
        calls.append(name)
        if len(calls) == times and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if len(calls) == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, attribute, deadly)
    do(*args)


def killed(do, args: tuple, name: str, when: str, times: int) -> None:
    """What a process of its own has done of ``do(*args)`` when it is killed so."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kdlite.lm.training"])
    process = context.Process(target=_do_and_die, args=(do, args, name, when, times))
    process.start()
    process.join(300)
    assert process.exitcode == -signal.SIGKILL
