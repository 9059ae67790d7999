"""A toy language whose probabilities are exact: a mixture of Markov chains, one chain a mode.

Knows chains and sequences of symbols; knows nothing of neural networks.
"""

import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kdlite.checks import check_array, check_integer, check_number, check_seed, freeze
from kdlite.distribution import Estimate, precision
from kdlite.selection import safe_log, sharpened
from kdlite.texts.language import Language, check_draws

_LARGEST = 1e100  # number in an array, before it is found to be no probability
_MOST = 1 << 28  # numbers in the transitions, 2 GB
_CHUNK = 1 << 14  # sequences scored at a time


@dataclass(frozen=True, eq=False)
class MarkovMixture:
    """A mixture of M Markov chains over V symbols, validated and frozen; every sequence has full length.

    Raises:
        ValueError: naming the parameter at fault, its value and the remedy.
    """

    weights: np.ndarray  #: probability of each chain, shape ``(M,)``
    initial: np.ndarray  #: each chain's distribution of the first symbol, shape ``(M, V)``
    transitions: np.ndarray  #: each chain's distribution of the next symbol by row, shape ``(M, V, V)``
    length: int  #: symbols in a sequence

    def __post_init__(self) -> None:
        names = ("weights", "initial", "transitions")
        weights, initial, transitions = (check_array(name, getattr(self, name), _LARGEST) for name in names)
        m, v = initial.shape if initial.ndim == 2 else (0, 0)
        if not m or not v or weights.shape != (m,) or transitions.shape != (m, v, v):
            raise ValueError(
                "weights, initial and transitions must have shapes (M,), (M, V) and (M, V, V), got "
                f"{weights.shape}, {initial.shape} and {transitions.shape}; give each chain one of each"
            )
        for name, array in zip(names, (weights, initial, transitions), strict=True):
            sums = np.ravel(array.sum(axis=-1))
            worst = array.min() if array.min() < 0 else sums[np.abs(sums - 1).argmax()]
            if array.min() < 0 or not np.allclose(sums, 1, atol=1e-6):
                raise ValueError(
                    f"{name} must be >= 0 and sum to 1 along the last axis, got {worst}; divide by the sum"
                )
        check_integer("length", self.length, 1, "a sequence has at least one symbol")
        freeze(
            self,
            weights=weights / weights.sum(),
            initial=initial / initial.sum(-1, keepdims=True),
            transitions=transitions / transitions.sum(-1, keepdims=True),
        )

    @classmethod
    def random(
        cls, chains: int, symbols: int, length: int, *, decay: float, concentration: float, seed: int
    ) -> "MarkovMixture":
        """Chains drawn at random, each a language of its own, chain m with weight proportional to exp(-decay m).

        Args:
            chains, symbols, length: sizes.
            decay: 0 weighs all chains alike.
            concentration: of the Dirichlet distribution that each row of transitions is drawn from; the smaller,
                the fewer symbols follow another. 2 % of uniform noise is mixed in, so nothing is impossible.
            seed: of the draw.
        """
        check_random(chains, symbols, length, decay=decay, concentration=concentration, seed=seed)
        rng = np.random.default_rng(seed)
        weights = np.exp(-decay * np.arange(chains))
        rows = rng.dirichlet(np.full(symbols, concentration), size=(chains, symbols))
        initial = rng.dirichlet(np.ones(symbols), size=chains)
        return cls(weights / weights.sum(), initial, 0.98 * rows + 0.02 / symbols, length)

    def __repr__(self) -> str:
        m, v = self.initial.shape
        return f"MarkovMixture(chains={m}, symbols={v}, length={self.length})"

    @property
    def n_components(self) -> int:
        """M, the number of chains."""
        return len(self.weights)

    @property
    def language(self) -> Language:
        """The language of the sequences. A model of it starts from a begin token that no sequence contains."""
        vocabulary = self.initial.shape[1]
        return Language(vocabulary, self.length, prompt=(vocabulary,), begin=vocabulary)

    def sharpen(self, beta: float) -> "MarkovMixture":
        """A new mixture with chain weights proportional to weights**beta, beta >= 0; the chains stay as they are."""
        other = copy.copy(self)
        freeze(other, weights=sharpened(self.weights, beta))
        return other

    def sample(self, n: int, seed: int) -> np.ndarray:
        """n sequences of symbols, shape ``(n, length)``, int64."""
        ((tokens, _),) = self.draws(n, seed, batch=n)
        return tokens

    def draws(
        self, n: int, seed: int, *, start: int = 0, batch: int = _CHUNK
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Sequences ``start`` to ``start + n`` of a seed, batch by batch, each with its log-probability in nats."""
        check_draws(n, seed, start, batch)
        rng = np.random.default_rng(seed)
        rng.bit_generator.advance(start * (self.length + 1))
        for i in range(0, n, batch):
            u = rng.random((min(batch, n - i), self.length + 1)).T
            chain = _inverse(np.cumsum(self.weights)[None], u[0])
            tokens = np.empty((*u.shape[1:], self.length), dtype=np.int64)
            tokens[:, 0] = _inverse(np.cumsum(self.initial, axis=1)[chain], u[1])
            steps = np.cumsum(self.transitions, axis=2)
            for t in range(1, self.length):
                tokens[:, t] = _inverse(steps[chain, tokens[:, t - 1]], u[t + 1])
            yield tokens, self.log_prob(tokens)

    def digest(self) -> str:
        """SHA-256 of the parameters."""
        total = hashlib.sha256(str(self.length).encode())
        for array in (self.weights, self.initial, self.transitions):
            total.update(np.ascontiguousarray(array).tobytes())
        return total.hexdigest()

    def log_prob(self, tokens: np.ndarray) -> np.ndarray:
        """Log-probability of each sequence, shape ``(n,)``, in nats, or a ValueError for tokens of no sequence."""
        return np.logaddexp.reduce(self._log_joint(tokens))

    def size(self, tokens: np.ndarray) -> np.ndarray:
        """Symbols in each sequence, shape ``(n,)``: always ``length``."""
        return self.language.size(tokens)

    def responsibilities(self, tokens: np.ndarray) -> np.ndarray:
        """Posterior probability of each chain for each sequence, shape ``(n, M)``: which mode it came from.

        Nan where no chain can produce the sequence.
        """
        log_joint = self._log_joint(tokens)
        with np.errstate(invalid="ignore"):
            return np.exp(log_joint - np.logaddexp.reduce(log_joint)).T

    def entropy_rate(self, n: int, seed: int = 0) -> Estimate:
        """Entropy in nats per symbol, from n samples, with its standard error."""
        own = precision(self, truth=self, n=n, seed=seed)
        return own._replace(value=-own.value)

    @cached_property
    def _log_steps(self) -> tuple[np.ndarray, np.ndarray]:
        return safe_log(self.initial), safe_log(self.transitions)

    def _log_joint(self, tokens: np.ndarray) -> np.ndarray:
        """Log of weight times probability under each chain, shape ``(M, n)``."""
        tokens = self.language.check(tokens)
        initial, transitions = self._log_steps
        out = np.empty((self.n_components, len(tokens)))
        for i in range(0, len(tokens), _CHUNK):
            x = tokens[i : i + _CHUNK]
            out[:, i : i + _CHUNK] = initial[:, x[:, 0]] + transitions[:, x[:, :-1], x[:, 1:]].sum(axis=2)
        return out + safe_log(self.weights)[:, None]


def check_random(
    chains: int, symbols: int, length: int, *, decay: float, concentration: float, seed: int
) -> None:
    """Nothing, or a ValueError for what ``MarkovMixture.random`` cannot make."""
    for name, value in (("chains", chains), ("symbols", symbols), ("length", length)):
        check_integer(name, value, 1, "a language needs at least one of each")
    if chains * symbols**2 > _MOST:
        raise ValueError(
            f"chains times symbols squared must be at most {_MOST}, got {chains} and {symbols}; use fewer symbols"
        )
    check_number("decay", decay, "a finite number >= 0", lambda v: v >= 0, "0 weighs all chains alike")
    check_number("concentration", concentration, "in [1e-3, 1e6]", lambda v: 1e-3 <= v <= 1e6, "1 is uniform")
    check_seed(seed)


def _inverse(cumulative: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The first symbol of each row whose cumulative probability passes u, shape ``(n,)``."""
    return (u[:, None] * cumulative[:, -1:] >= cumulative).sum(axis=1)
