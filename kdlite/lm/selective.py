"""Knobs of a whole text: the likeliest of several, and the power p(text)^beta; and every knob by its name.

Knows models that draw and score texts; leaves the formulas to ``kdlite.selection``. The i-th text of a seed is chosen
among the same candidates whatever the batch.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from kdlite.checks import check_beta, check_integer, check_number
from kdlite.distribution import stream_seed
from kdlite.lm.model import BATCH, LanguageModel
from kdlite.selection import effective_sample_size, log_favour, resample
from kdlite.texts.language import Language, Sampler, check_draws
from kdlite.texts.markov import MarkovMixture

KNOBS = ("tau", "top_k", "top_p", "min_p", "best_of", "power")
_EQUAL = 1e-3  # nats by which rounding may part equally likely texts
_REFERENCE = 1 << 13  # texts behind a rank, or a normaliser


class _Chosen:
    """Texts of a model that were chosen among several: what the two knobs have in common."""

    @property
    def language(self) -> Language:
        """That of the base."""
        return self.base.language

    def size(self, tokens: np.ndarray) -> np.ndarray:
        """Tokens of each text, shape ``(n,)``."""
        return self.language.size(tokens)

    def digest(self) -> str:
        """SHA-256 of base and settings."""
        base, *settings = (getattr(self, field.name) for field in fields(self))
        own = getattr(base, "beta", None), getattr(base, "truncation", None)
        return hashlib.sha256(repr((base.digest(), own, type(self).__name__, settings)).encode()).hexdigest()

    def sample(self, n: int, seed: int, *, batch: int = BATCH) -> np.ndarray:
        """n texts, shape ``(n, length)``."""
        return np.concatenate([tokens for tokens, _ in self.draws(n, seed, batch=batch)])


@dataclass(frozen=True)
class BestOf(_Chosen):
    """The likeliest of ``tries`` texts of a model, by the model's own log-probability.

    Attributes:
        base: whose texts.
        tries: n >= 1.
        seed: of the texts that ranks are counted among, see ``log_prob``.
    """

    base: LanguageModel | MarkovMixture
    tries: int
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer("tries", self.tries, 1, "the best of one text is that text")
        _check_one_prompt(self.base)

    def draws(
        self, n: int, seed: int, *, start: int = 0, batch: int = BATCH
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Texts ``start`` to ``start + n`` of a seed, batch by batch, each with its log-probability in nats."""
        check_draws(n, seed, start, batch)
        for tokens, log_prob in _candidates(self.base, self.tries, n, seed, start, batch):
            rows, best = np.arange(len(tokens)), log_prob.argmax(axis=1)
            yield tokens[rows, best], self._favoured(log_prob[rows, best])

    def log_prob(self, tokens: np.ndarray) -> np.ndarray:
        """Log-probability of each text, shape ``(n,)``, in nats: that of the base, and how much a text of its rank
        gains (``kdlite.selection.best_of``). The rank is counted among 8,192 texts of the base, so it is rough for a text
        that is less likely than nearly all of these.
        """
        return self._favoured(self.base.log_prob(tokens))

    def _favoured(self, log_prob: np.ndarray) -> np.ndarray:
        n = len(self._ranks) + 1  # the text itself is one of them
        below = np.searchsorted(self._ranks, log_prob - _EQUAL)
        upto = np.searchsorted(self._ranks, log_prob + _EQUAL)
        return log_prob + log_favour((upto + 1) / n, below / n, self.tries)

    @cached_property
    def _ranks(self) -> np.ndarray:
        """Log-probabilities of the base's texts, from low to high."""
        found = self.base.draws(_REFERENCE, stream_seed(self.seed, "ranks"), batch=_REFERENCE // 8)
        return np.sort(np.concatenate([log_prob for _, log_prob in found]))


@dataclass(frozen=True)
class Power(_Chosen):
    """Whole texts by p(text)^beta / Z, by importance resampling among texts of ``base.sharpen(beta)``.

    A text's weight is p(text)^beta over its probability at the temperature 1/beta of every token: the product of what
    each token's power had to be divided by. The draws are exact only as ``candidates`` grows; ``efficiency`` says how
    many are worth how much.

    Attributes:
        base: p.
        beta: >= 0; 1 is the base itself.
        candidates: among which one text is chosen.
        seed: of the texts that Z is estimated on.
    """

    base: LanguageModel | MarkovMixture
    beta: float
    candidates: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        check_beta(self.beta)
        check_integer("candidates", self.candidates, 1, "choose among at least one")
        _check_one_prompt(self.base)

    @property
    def efficiency(self) -> float:
        """Effective sample size of the weights over their number, between 0 and 1."""
        return effective_sample_size(self._weights) / len(self._weights)

    def draws(
        self, n: int, seed: int, *, start: int = 0, batch: int = BATCH
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Texts ``start`` to ``start + n`` of a seed, batch by batch, each with its log-probability in nats."""
        check_draws(n, seed, start, batch)
        rng = np.random.default_rng(stream_seed(seed, "choices"))
        rng.bit_generator.advance(start)
        for tokens, log_prob in _candidates(self._proposal, self.candidates, n, seed, start, batch):
            own = self.base.log_prob(tokens.reshape(-1, tokens.shape[2])).reshape(log_prob.shape)
            chosen = resample(self.beta * own - log_prob, rng.random(len(tokens)))
            rows = np.arange(len(tokens))
            yield tokens[rows, chosen], self.beta * own[rows, chosen] - self._log_z

    def log_prob(self, tokens: np.ndarray) -> np.ndarray:
        """Log-probability of each text under p^beta / Z, shape ``(n,)``, in nats, Z estimated on 8,192 texts."""
        return self.beta * self.base.log_prob(tokens) - self._log_z

    @cached_property
    def _proposal(self) -> LanguageModel | MarkovMixture:
        return self.base.sharpen(self.beta)

    @cached_property
    def _weights(self) -> np.ndarray:
        found = self._proposal.draws(_REFERENCE, stream_seed(self.seed, "normaliser"), batch=_REFERENCE // 8)
        return np.concatenate([self.beta * self.base.log_prob(x) - log_prob for x, log_prob in found])

    @property
    def _log_z(self) -> float:
        return float(np.logaddexp.reduce(self._weights) - np.log(len(self._weights)))


def with_knob(model: LanguageModel, knob: str, setting: float) -> LanguageModel | BestOf | Power:
    """A model with one of its ``KNOBS`` at a setting.

    Raises:
        ValueError: for another knob, or a setting that it does not have.
    """
    match knob:
        case "tau":
            return model.sharpen(1 / check_number(knob, setting, "> 0", lambda v: v > 0, "1 changes nothing"))
        case "top_k" | "top_p" | "min_p":
            return model.truncate(**{knob: setting})
        case "best_of":
            return BestOf(model, setting)
        case "power":
            return Power(model, setting)
    raise ValueError(f"there is no knob {knob!r}; choose {', '.join(KNOBS)}")


def tries(knob: str | None, setting: float) -> int:
    """How many texts are drawn for one."""
    return setting if knob == "best_of" else Power.candidates if knob == "power" else 1


def _check_one_prompt(base: Sampler) -> None:
    """Nothing, or a ValueError: texts are chosen by their rank or weight, which those of another prompt do not share."""
    if base.language.several:
        raise ValueError(
            f"whole texts are chosen among those of one prompt, the base has {base.language.prompt}; take one"
        )


def _candidates(
    base: Sampler, size: int, n: int, seed: int, start: int, batch: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """``size`` texts for each of the texts ``start`` to ``start + n``: tokens ``(b, size, length)`` and log-probability
    ``(b, size)``.
    """
    rows = max(1, batch // size)
    for tokens, log_prob in base.draws(n * size, seed, start=start * size, batch=rows * size):
        yield tokens.reshape(-1, size, tokens.shape[1]), log_prob.reshape(-1, size)
