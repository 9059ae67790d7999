"""What a language is: its alphabet, where its texts begin and end, how long they may get.

Knows token ids; knows nothing of models. Distributions can be compared only within one language.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from kdlite.checks import check_integer, check_kind, check_seed, show
from kdlite.texts.prompts import Prompts, check_prompt

_NAMES = {
    "vocabulary": "vocabulary size",
    "eos": "end token",
    "begin": "begin token",
    "ids": "list of kept ids",
}


@dataclass(frozen=True)
class Language:
    """What two distributions over texts must share before one can score the other.

    A text is an array of ``length`` token ids. Where there is an end token, the text ends with its first
    one, which belongs to it, and is padded with it. The prompt is never part of the text. Where there are several
    prompts, the number of its own stands before the text, in a first column: see ``prompts`` and ``split``.

    Raises:
        ValueError: for an empty vocabulary, length or prompt, or ids outside the vocabulary.
    """

    vocabulary: int  #: number of token ids; a text holds ids from 0 to vocabulary - 1
    length: int  #: longest text, in tokens
    #: token ids that every text continues, at least one; or several ``Prompts``
    prompt: tuple[int, ...] | Prompts
    eos: int | None = None  #: id of the end token, or None where every text has full length
    #: id of a begin token that is not part of the language, or None; it may stand in the prompt and never in a text. It
    #: may be ``vocabulary`` itself, one past the ids of the texts.
    begin: int | None = None
    tokenizer: str | None = None  #: fingerprint of the tokenizer that gives the ids their meaning, or None
    #: what the ids 0, 1, … are called by the tokenizer, where only some of its ids were kept; the same by default
    ids: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "vocabulary", check_integer("vocabulary", self.vocabulary, 1, "a text needs symbols"))
        set_(self, "length", check_integer("length", self.length, 1, "a text has at least one token"))
        prompt = Prompts(**self.prompt) if isinstance(self.prompt, Mapping) else self.prompt  # as JSON has it
        if not isinstance(prompt, Prompts):
            prompt = check_prompt(prompt)
        set_(self, "prompt", prompt.ids[0] if isinstance(prompt, Prompts) and len(prompt) == 1 else prompt)
        for name, token, limit in (
            ("end token", self.eos, self.vocabulary),
            ("begin token", self.begin, self.vocabulary + 1),
            ("prompt token", max(map(max, self.prompts)), self.embeddings),
        ):
            if token is not None:
                remedy = f"use an id of the vocabulary of {self.vocabulary}"
                check_integer(name, token, 0, remedy, most=limit - 1)
        if self.tokenizer is not None:
            check_kind("tokenizer", self.tokenizer, str, "pass a tokenizer's fingerprint, or None")
        if self.ids is not None:
            ids = tuple(check_integer("a kept id", t, 0, "pass token ids") for t in self.ids)
            set_(self, "ids", ids)
            if not len(set(ids)) == len(ids) == self.vocabulary:
                raise ValueError(
                    f"ids must name each of the {self.vocabulary} tokens once; let narrow make them"
                )
        if self.vocabulary == 1 and self.begin == 0:
            raise ValueError("the only token is the begin token, so no text is left; use a larger vocabulary")
        if self.begin is not None and self.begin == self.eos:
            raise ValueError(f"token {self.eos} ends texts, and is part of the language; leave begin as None")

    @property
    def embeddings(self) -> int:
        """How many ids a model of this language must know, the vocabulary and a begin token beyond it."""
        return self.vocabulary + (self.begin == self.vocabulary)

    @property
    def several(self) -> bool:
        """Whether there is more than one prompt, and a text's own is named in a first column."""
        return isinstance(self.prompt, Prompts)

    @property
    def prompts(self) -> tuple[tuple[int, ...], ...]:
        """Token ids of each prompt, one or more."""
        return self.prompt.ids if self.several else (self.prompt,)

    @property
    def longest(self) -> int:
        """Tokens of the longest prompt."""
        return max(map(len, self.prompts))

    @property
    def width(self) -> int:
        """How many columns an array of texts has, which is ``length``, and one more where there are several prompts."""
        return self.length + self.several

    def turns(self, start: int, n: int) -> np.ndarray:
        """The numbers of the prompts that texts ``start`` to ``start + n`` of a draw continue, shape ``(n,)``."""
        return self.prompt.of(start, n) if self.several else np.zeros(n, dtype=np.int64)

    def split(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The number of each text's prompt, shape ``(n,)``, and the texts alone, shape ``(n, length)``."""
        if self.several:
            return tokens[:, 0], tokens[:, 1:]
        return np.zeros(len(tokens), dtype=np.int64), tokens

    def join(self, number: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """What ``split`` takes apart, shape ``(n, width)``."""
        return np.column_stack([number, texts]) if self.several else texts

    def spelled(self, tokens: np.ndarray | tuple[int, ...]) -> np.ndarray:
        """The tokenizer's ids of tokens of this language, of the same shape."""
        tokens = np.asarray(tokens)
        return tokens if self.ids is None else np.array(self.ids)[tokens]

    def unspelled(self, ids: Sequence[int]) -> list[int]:
        """The tokens of this language that the tokenizer calls by these ids, or a ValueError for one not kept."""
        if self.ids is None:
            return list(ids)
        if missing := [t for t in ids if t not in self._place]:
            raise ValueError(
                f"token {missing[0]} of the tokenizer is not among the {self.vocabulary} that were kept"
            )
        return [self._place[t] for t in ids]

    @cached_property
    def _place(self) -> dict[int, int]:
        return {t: i for i, t in enumerate(self.ids)}

    def size(self, tokens: np.ndarray) -> np.ndarray:
        """Tokens up to and including the first end token, or ``length`` if there is none, shape ``(n,)``."""
        _, texts = self.split(self.check(tokens))
        if self.eos is None:
            return np.full(len(texts), self.length)
        ended = texts == self.eos
        return np.where(ended.any(axis=1), ended.argmax(axis=1) + 1, self.length)

    def check(self, tokens: np.ndarray) -> np.ndarray:
        """``tokens`` as int64 of shape ``(n, width)``.

        Raises:
            ValueError: for another shape, no texts, ids outside the vocabulary, or a prompt that there is not.
        """
        try:
            found = np.asarray(tokens)
        except ValueError:  # rows of different lengths
            found = np.empty(())
        if found.ndim != 2 or found.shape[1] != self.width or not len(found):
            before = ", each text after its prompt's number" if self.several else ""
            remedy = (
                "pass whole texts" if self.eos is None else f"pad short texts with the end token {self.eos}"
            )
            got = found.shape if found.ndim else show(tokens)
            raise ValueError(f"tokens must have shape (n, {self.width}){before}, got {got}; {remedy}")
        tokens = found
        if not np.issubdtype(tokens.dtype, np.integer):
            raise ValueError(f"tokens must be integers, got {tokens.dtype}; pass token ids")
        number, texts = self.split(tokens)
        for what, ids, limit in (("prompt", number, len(self.prompts)), ("token", texts, self.vocabulary)):
            if ids.min() < 0 or ids.max() >= limit:
                worst = ids.min() if ids.min() < 0 else ids.max()
                raise ValueError(
                    f"{what} {worst} is outside the {limit} there are; ids run from 0 to {limit - 1}"
                )
        if self.begin is not None and np.any(texts == self.begin):
            raise ValueError(
                f"token {self.begin} is the begin token, which is not part of the language; pass the texts alone"
            )
        return tokens.astype(np.int64, copy=False)

    def check_same(self, other: "Language", names: tuple[str, str]) -> None:
        """Nothing, or a ValueError that names both values of the first thing that differs."""
        check_kind("other", other, Language, "compare languages")
        for field in fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            unknown = field.name == "tokenizer" and None in (mine, theirs)
            if mine != theirs and not unknown:
                what = _NAMES.get(field.name, field.name)
                raise ValueError(
                    f"the {what} of {names[0]} is {mine}, that of {names[1]} is {theirs}; give both the same"
                )


class Reading(NamedTuple):
    """What a model makes of n texts. It can stand for the model in ``precision``, for these texts."""

    language: Language
    tokens: np.ndarray  #: (n, length), or (n, 1 + length) where there are several prompts
    #: (n, length), float32: nats of each token given those before it; 0 in the padding
    token_log_prob: np.ndarray
    #: (n, H), float32: mean of the last hidden states that a text's tokens are predicted from
    state: np.ndarray

    def log_prob(self, tokens: np.ndarray) -> np.ndarray:
        """Log-probability of each text, shape ``(n,)``, float64, in nats, or a ValueError for others than were read."""
        if not np.array_equal(tokens, self.tokens):
            raise ValueError("these are not the texts that were read; read them first")
        return self.token_log_prob.sum(axis=1, dtype=np.float64)


class Sampler(Protocol):
    """What a corpus is drawn from: a language model, or a Markov mixture."""

    language: Language

    def digest(self) -> str:
        """A fingerprint of everything that decides its texts."""
        ...

    def draws(self, n: int, seed: int, *, start: int, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Texts ``(b, width)`` and their log-probabilities ``(b,)`` in nats, batch by batch; from ``start`` on."""
        ...


def check_draws(n: int, seed: int, start: int, batch: int) -> None:
    """Nothing, or a ValueError for numbers that name no texts of a seed."""
    check_integer("n", n, 1, "draw at least one text")
    check_seed(seed)
    check_integer("start", start, 0, "0 is a seed's first text")
    check_integer("batch", batch, 1, "draw at least one text at a time")
