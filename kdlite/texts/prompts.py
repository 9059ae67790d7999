"""Several prompts that the texts of one language continue, equally often or not.

Knows token ids; knows nothing of words, tokenizers or models.

Which prompt does the i-th text of a draw continue? The one that the i-th seat goes to where seats are shared out among
parties (Sainte-Laguë): a function of i alone. However many texts are drawn, in whatever batches, by however many
processes, each prompt has its share of the first n to within a text or so. And a text takes its prompt along: it is a row
whose first entry is the prompt's number. Rows may be shuffled, cut, picked and stored, and whoever scores one knows what
it continues, without an argument more.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from kdlite.checks import check_each, check_integer, check_number


@dataclass(frozen=True, repr=False)
class Prompts:
    """Two or more prompts, each with its share of the texts.

    Raises:
        ValueError: for a prompt that is empty or comes twice, or weights that are not one positive number for each.
    """

    ids: tuple[tuple[int, ...], ...]  #: token ids of each prompt, at least one; no two prompts are the same
    #: how often each is continued, all > 0; equally often by default. They are kept as shares of the largest.
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        ids = tuple(map(check_prompt, check_each("prompts", self.ids, "pass token ids of each")))
        if len(set(ids)) < len(ids) or not ids:
            twice = next((i for i, prompt in enumerate(ids) if prompt in ids[:i]), None)
            said = "there is none" if twice is None else f"{ids.index(ids[twice])} and {twice} are the same"
            raise ValueError(f"prompts must be different, but {said}; give each once, and a weight")
        weights = (
            (1.0,) * len(ids) if self.weights is None else check_each("weights", self.weights, "or None")
        )
        if len(weights) != len(ids):
            raise ValueError(f"{len(ids)} prompts have {len(weights)} weights; give one for each, or None")
        weights = [
            check_number("a prompt's weight", w, "> 0", lambda w: w > 0, "leave it out") for w in weights
        ]
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "weights", tuple(w / max(weights) for w in weights))

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        mark = hashlib.sha256(repr((self.ids, self.weights)).encode()).hexdigest()[:8]
        return f"Prompts({len(self)} of them, SHA-256 {mark}…)"

    def of(self, start: int, n: int) -> np.ndarray:
        """The prompts' numbers of the texts ``start`` to ``start + n`` of a draw, shape ``(n,)``, int64.

        The j-th text of a prompt with share w is due when (j + 1/2) / w texts have been drawn.
        """
        share = np.array(self.weights) / sum(self.weights)
        # So many texts are never due too early or too late by more than one for each two prompts.
        first = np.ceil(share * (start - len(self)) - 0.5).clip(0).astype(np.int64)
        counts = np.ceil(share * (start + n + len(self)) + 0.5).astype(np.int64) - first
        number = np.repeat(np.arange(len(self)), counts)
        j = np.arange(len(number)) + np.repeat(first - counts.cumsum() + counts, counts)
        due = np.lexsort((number, (j + 0.5) / share[number]))
        return number[due][start - first.sum() :][:n]


def check_prompt(prompt: Iterable[int]) -> tuple[int, ...]:
    """One prompt's token ids as a tuple of at least one, or a ValueError."""
    ids = check_each("prompt", prompt, "pass token ids")
    if not ids:
        raise ValueError("the prompt is empty; a model needs at least one token to continue")
    return tuple(check_integer("a prompt token", t, 0, "pass token ids") for t in ids)
