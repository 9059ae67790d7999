"""How to train: the numbers of a training, checked.

Knows their ranges; knows nothing of models or texts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from kdlite.checks import check_each, check_integer, check_kind, check_number, check_seed, show


@dataclass(frozen=True)
class Recipe:
    """How to train. The defaults are the paper's (Cha & Cho 2025, section 5).

    Raises:
        ValueError: for values out of range.
    """

    learning_rate: float = 5e-4  #: of AdamW, after warmup
    adam_betas: tuple[float, float] = (0.9, 0.95)  #: of AdamW, how slowly its two averages forget
    #: of AdamW; each step takes this share, times the rate, off every parameter that learns
    weight_decay: float = 0.0
    warmup: float = 0.01  #: fraction of the steps over which the rate rises from 0
    decay: float = 0.2  #: fraction of the steps over which it falls to 0, linearly, at the end
    clip: float = 1.0  #: largest norm of the gradient
    epochs: int = 1  #: passes over the corpus
    texts_per_step: int = 256  #: texts behind one update
    #: rows of the longest text's length computed at once, on each device; bounds the memory
    rows_per_pass: int = 8
    #: of the products, "float32" or "bfloat16"; weights, moments and sums stay in float32. "auto" is bfloat16 on GPUs
    #: that multiply it, float32 elsewhere: on a processor it pays for larger models only.
    dtype: str = "auto"
    #: whether each layer computes its activations twice rather than keep them; about a third more time, and memory for
    #: longer rows or larger models
    gradient_checkpointing: bool = False
    train_embeddings: bool = True  #: whether the token embeddings, which are also the head, learn
    steps_per_checkpoint: int = 500  #: steps between two checkpoints, and two looks at the validation loss
    seed: int = 0  #: of the order of the texts

    def __post_init__(self) -> None:
        pair = tuple(check_each("adam_betas", self.adam_betas, "AdamW has two"))
        object.__setattr__(self, "adam_betas", pair)
        for name in ("epochs", "texts_per_step", "rows_per_pass", "steps_per_checkpoint"):
            check_integer(name, getattr(self, name), 1, "training needs at least one")
        check_seed(self.seed)
        for value in pair if len(pair) == 2 else [pair]:
            check_number("adam_betas", value, "two in [0, 1)", lambda v: 0 <= v < 1, "0.9, 0.95 are usual")
        for names, limit, within in (
            (("learning_rate", "clip"), "> 0", lambda v: v > 0),
            (("weight_decay",), ">= 0", lambda v: v >= 0),
            (("warmup", "decay"), "a fraction of the steps, in [0, 1]", lambda v: 0 <= v <= 1),
        ):
            for name in names:
                check_number(name, getattr(self, name), limit, within, f"{getattr(Recipe, name)} is usual")
        if self.dtype not in ("auto", "float32", "bfloat16"):
            raise ValueError(
                f"dtype must be 'auto', 'float32' or 'bfloat16', got {show(self.dtype)}; 'auto' is usual"
            )
        for name in ("gradient_checkpointing", "train_embeddings"):
            check_kind(name, getattr(self, name), bool, "true or false")
        if self.warmup + self.decay > 1:
            raise ValueError(
                f"warmup and decay must share the steps, got {self.warmup} + {self.decay}; lower one"
            )

    def steps_per_epoch(self, n: int) -> int:
        """Updates in one pass over n texts."""
        return math.ceil(check_integer("n", n, 1, "a corpus has at least one text") / self.texts_per_step)

    def steps(self, n: int) -> int:
        """Updates in all, on n texts."""
        return self.epochs * self.steps_per_epoch(n)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Recipe":
        """A recipe from a mapping, such as a table of a TOML file, or a ValueError for a key that no recipe has."""
        check_kind("recipe", values, Mapping, "pass a table of settings")
        known = [field.name for field in fields(cls)]
        if unknown := [name for name in values if name not in known]:
            raise ValueError(f"a recipe has no {unknown[0]!r}; it has {', '.join(known)}")
        return cls(**values)
