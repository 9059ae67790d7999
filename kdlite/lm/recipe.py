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

    Attributes:
        learning_rate: of AdamW, after warmup.
        adam_betas: of AdamW, how slowly its two averages forget.
        weight_decay: of AdamW: each step takes this share, times the rate, off every parameter that learns.
        warmup: fraction of the steps over which the rate rises from 0.
        decay: fraction of the steps over which it falls to 0, linearly, at the end.
        clip: largest norm of the gradient.
        epochs: passes over the corpus.
        texts_per_step: texts behind one update.
        rows_per_pass: rows of the longest text's length computed at once, on each device: bounds the memory.
        dtype: of the products, "float32" or "bfloat16"; weights, moments and sums stay in float32. "auto" is bfloat16
            on GPUs that multiply it, float32 elsewhere: on a processor it pays for larger models only.
        gradient_checkpointing: whether each layer computes its activations twice rather than keep them: about a third
            more time, and memory for longer rows or larger models.
        train_embeddings: whether the token embeddings, which are also the head, learn.
        steps_per_checkpoint: steps between two checkpoints, and two looks at the validation loss.
        seed: of the order of the texts.

    Raises:
        ValueError: for values out of range.
    """

    learning_rate: float = 5e-4
    adam_betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.0
    warmup: float = 0.01
    decay: float = 0.2
    clip: float = 1.0
    epochs: int = 1
    texts_per_step: int = 256
    rows_per_pass: int = 8
    dtype: str = "auto"
    gradient_checkpointing: bool = False
    train_embeddings: bool = True
    steps_per_checkpoint: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        pair = tuple(check_each("adam_betas", self.adam_betas, "AdamW has two"))
        object.__setattr__(self, "adam_betas", pair)
        for name in ("epochs", "texts_per_step", "rows_per_pass", "steps_per_checkpoint"):
            check_integer(name, getattr(self, name), 1, "training needs at least one")
        check_seed(self.seed)
        for name in ("learning_rate", "clip"):
            check_number(
                name, getattr(self, name), "> 0", lambda v: v > 0, f"{getattr(Recipe, name)} is usual"
            )
        if len(pair) != 2:
            raise ValueError(
                f"adam_betas must be two numbers in [0, 1), got {show(list(pair))}; 0.9, 0.95 are usual"
            )
        for value in pair:
            check_number(
                "adam_betas", value, "two numbers in [0, 1)", lambda v: 0 <= v < 1, "0.9, 0.95 are usual"
            )
        if self.dtype not in ("auto", "float32", "bfloat16"):
            raise ValueError(
                f"dtype must be 'auto', 'float32' or 'bfloat16', got {show(self.dtype)}; 'auto' is usual"
            )
        check_number("weight_decay", self.weight_decay, ">= 0", lambda v: v >= 0, "0 takes nothing off")
        for name in ("gradient_checkpointing", "train_embeddings"):
            check_kind(name, getattr(self, name), bool, "true or false")
        for name in ("warmup", "decay"):
            value, limit = getattr(self, name), "a fraction of the steps, in [0, 1]"
            check_number(name, value, limit, lambda v: 0 <= v <= 1, f"{getattr(Recipe, name)} is usual")
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
        """A recipe from a mapping, such as a table of a TOML file.

        Raises:
            ValueError: for a key that no recipe has.
        """
        check_kind("recipe", values, Mapping, "pass a table of settings")
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise ValueError(f"a recipe has no {name!r}; it has {', '.join(known)}")
        return cls(**values)
