"""Texts on disk, drawn from a model or given by people: Parquet shards, and a manifest that vouches for them.

Knows token ids and files; knows nothing of models beyond that they draw texts.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kdlite.checks import check_integer, check_kind, check_path, check_seed, show
from kdlite.distribution import stream_seed
from kdlite.store import sha256
from kdlite.texts import shards
from kdlite.texts.given import read_table, read_texts, read_tokens
from kdlite.texts.language import Language, Sampler

if TYPE_CHECKING:
    import accelerate


@dataclass(frozen=True)
class Corpus:
    """Texts of one distribution, on disk. ``len(corpus)`` is their number. They were drawn from a model, or given: then
    nobody knows their probability, and there is no seed, beta or log-probability.

    Attributes:
        folder: holds the shards ``00000.parquet``, … with columns ``tokens`` (fixed-size lists of uint16, or
            uint32 where the vocabulary exceeds 65,536) and ``log_prob`` (float64, nats, under the distribution
            that was drawn from), and ``manifest.json``.
    """

    folder: Path
    sampler: str  #: who drew or wrote them
    beta: float | None  #: inverse temperature they were drawn at; None for a sampler that has no temperature
    seed: int | None  #: of the draws; the texts are those of ``sample(n, seed)``
    language: Language
    sizes: tuple[int, ...]  #: texts in each shard
    tokens: int  #: in all, ends counted and padding not
    symbols: int  #: how many different ids occur
    digest: str  #: SHA-256 of the manifest, which holds that of each shard; the corpus's fingerprint
    first: int = 0  #: its first shard, where it is a part of what is in the folder
    #: how many given texts were longer than the language's length, end counted, and were cut there
    cut: int = 0

    @classmethod
    def draw(
        cls,
        model: Sampler,
        folder: str | Path,
        *,
        n: int,
        seed: int,
        sampler: str,
        shard: int = shards.SHARD,
        batch: int = 128,
        state: "accelerate.PartialState | None" = None,
        only: int | None = None,
    ) -> "Corpus | None":
        """Draw n texts from a model into a folder, shard by shard; shards that are there already are kept.

        Args:
            model: a LanguageModel or MarkovMixture.
            folder: is made, or continued where a draw stopped.
            sampler: a name for the model, kept in the manifest.
            shard, batch: texts in a shard, and texts drawn at a time.
            state: processes that share the shards; each makes this call. None: this one draws them all.
            only: the number of a shard to draw alone. That is no corpus yet, and None is returned; a call without it
                draws what is left.

        Raises:
            ValueError: for numbers out of range, or if the folder holds shards of another draw, or damaged ones.
            OSError: if the disk is full; what is half-written is removed.
        """
        folder = check_path("folder", folder)
        check_kind("sampler", sampler, str, "name who draws")
        if not callable(getattr(model, "draws", None)):
            raise ValueError(
                f"model must draw texts, got {show(model)}; pass a LanguageModel or MarkovMixture"
            )
        check_integer("n", n, 1, "a corpus has at least one text")
        check_integer("shard", shard, 1, "a shard has at least one text")
        if only is not None:
            last = (n - 1) // shard
            check_integer("only", only, 0, f"shards run from 0 to {last}", most=last)
        origin = {
            "sampler": sampler,
            "seed": check_seed(seed),
            "batch": check_integer("batch", batch, 1, "draw at least one text at a time"),
            "language": asdict(model.language),
            "beta": getattr(model, "beta", None),
            "model": model.digest(),
        }
        truncation = getattr(model, "truncation", None)
        if truncation and any(truncation):
            origin["truncation"] = truncation._asdict()
        if (folder / shards.MANIFEST).is_file():
            cls.open(folder)  # a shard damaged since must not be vouched for anew
        shards.write_drawn(folder, model, origin, n, shard, state, only)
        return cls.open(folder) if only is None else None

    @classmethod
    def from_texts(
        cls, texts: Iterable[Any], model: Any, folder: str | Path, *, sampler: str = "given"
    ) -> "Corpus":
        """Strings as a corpus, read once, some at a time.

        A string is what follows the prompt, by itself and without special tokens: where the prompt ends with a word, it
        begins with a space. It ends with the language's end token. A text that is longer than the language's length,
        its end counted, is cut there, as a model's own are; ``cut`` counts these, and a warning says so.

        Args:
            texts: strings; where the language has several prompts, pairs of a prompt, or its number, and a string. How
                often a prompt comes is then up to the texts, whatever its weight.
            model: has the ``language`` and the ``tokenizer`` that reads them, as a LanguageModel.
            folder: is made; if it holds these very texts, it stays as it is.
            sampler: a name for who wrote them, kept in the manifest.

        Raises:
            ValueError: for what is no string or names no prompt; for tokens that the language does not have, an end token
                within a text, a short text where there is no end token; or if the folder holds something else.
            OSError: if the disk is full; what is half-written is removed.
        """
        language, tokenizer = getattr(model, "language", None), getattr(model, "tokenizer", None)
        if not isinstance(language, Language) or not callable(tokenizer):
            raise ValueError(f"model must have a language and a tokenizer, got {show(model)}; load one")
        shards.write_given(folder, language, sampler, read_texts(texts, language, tokenizer))
        return cls.open(folder)

    @classmethod
    def from_dataset(
        cls,
        data: Any,
        model: Any,
        folder: str | Path,
        *,
        text: str = "text",
        prompt: str | None = None,
        sampler: str = "given",
    ) -> "Corpus":
        """A column of a table as a corpus, read once, some rows at a time; errors and the rest as in ``from_texts``.

        Args:
            data: a split of a Hugging Face dataset, streamed or not, or other rows that are mappings; or a Parquet file, or
                a folder of them, which are taken in the order of their names.
            text: the column of the texts.
            prompt: the column that says which of several prompts a text follows.
        """
        return cls.from_texts(read_table(data, text, prompt), model, folder, sampler=sampler)

    @classmethod
    def from_tokens(
        cls, texts: Iterable[Any], language: Language, folder: str | Path, *, sampler: str = "given"
    ) -> "Corpus":
        """Token ids as a corpus, read once, some at a time; errors and the rest as in ``from_texts``.

        Args:
            texts: rows of ids without the prompt, of their own lengths or padded: an array, which may lie on disk, will do.
                Where the language has several prompts, each begins with the number of its own.
            language: what the ids mean.
        """
        check_kind("language", language, Language, "say what the ids mean")
        shards.write_given(folder, language, sampler, read_tokens(texts, language))
        return cls.open(folder)

    @classmethod
    def open(cls, folder: str | Path) -> "Corpus":
        """The corpus in a folder, each shard checked against the manifest, or a ValueError that names what is missing or
        damaged.
        """
        folder = check_path("folder", folder)
        manifest, path = shards.read_manifest(folder), folder / shards.MANIFEST
        try:
            more = {name: manifest[name] for name in ("sampler", "beta", "seed", "tokens", "symbols")}
            more |= {"language": Language(**manifest["language"]), "cut": manifest.get("cut", 0)}
            sizes = tuple(shard["texts"] for shard in manifest["shards"])
            return cls(folder, sizes=sizes, digest=sha256(path), **more)
        except (KeyError, TypeError, ValueError) as error:
            raise shards.not_a_manifest(path, error) from None

    def __len__(self) -> int:
        return sum(self.sizes)

    def shard(self, i: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Tokens ``(n, width)``, int64, and log-probabilities ``(n,)``, float64 nats or None, of the i-th shard."""
        last = len(self.sizes) - 1
        check_integer("i", i, 0, f"shards run from 0 to {last}", most=last)
        return shards.read_shard(shards.shard_path(self.folder, self.first + i))

    def part(self, start: int, stop: int) -> "Corpus":
        """Texts ``start`` to ``stop`` alone, whole shards, or a ValueError for numbers that bound none."""
        bounds = np.cumsum([0, *self.sizes]).tolist()
        if start not in bounds or stop not in bounds or start >= stop:
            raise ValueError(f"shards are bounded by {bounds}, got {start} and {stop}; take whole ones")
        first, last = bounds.index(start), bounds.index(stop)
        part = replace(self, first=self.first + first, sizes=self.sizes[first:last])
        texts = part.texts()
        inside = np.arange(self.language.length) < self.size(texts)[:, None]
        return replace(
            part,
            tokens=int(inside.sum()),
            symbols=len(np.unique(self.language.split(texts)[1][inside])),
            digest=hashlib.sha256(f"{self.digest} {start} {stop}".encode()).hexdigest(),
        )

    def texts(self) -> np.ndarray:
        """All tokens, shape ``(len(corpus), width)``, int64: for corpora that fit in memory."""
        return np.concatenate([self.shard(i)[0] for i in range(len(self.sizes))])

    def log_probs(self) -> np.ndarray:
        """Log-probability of every text under the distribution it was drawn from, shape ``(len(corpus),)``, in nats, or a
        ValueError if nobody drew them.
        """
        if self.seed is None:
            raise ValueError(
                f"the texts in {self.folder} were given, not drawn; score them with a model's log_prob"
            )
        return np.concatenate([self.shard(i)[1] for i in range(len(self.sizes))])

    def sample(self, n: int, seed: int) -> np.ndarray:
        """n texts, shape ``(n, width)``: with this and ``size`` a corpus can stand for its sampler in ``precision`` and
        ``recall``. Drawn texts are independent already, so these are the first n, and the seed plays no part. Given
        texts may lie in an order that means something: the seed picks n different ones. No shard without one of the n
        is read.

        Raises:
            ValueError: if the corpus has fewer.
        """
        n = check_integer("n", n, 1, f"the corpus has {len(self)} texts", most=len(self))
        chosen = np.arange(n)
        if self.seed is None:
            chosen = np.sort(np.random.default_rng(check_seed(seed)).choice(len(self), n, replace=False))
        bounds = np.cumsum([0, *self.sizes]).tolist()
        places = [chosen[(chosen >= a) & (chosen < b)] - a for a, b in pairwise(bounds)]
        return np.concatenate([self.shard(i)[0][own] for i, own in enumerate(places) if len(own)])

    def size(self, tokens: np.ndarray) -> np.ndarray:
        """Tokens of each text, shape ``(n,)``: see ``Language.size``."""
        return self.language.size(tokens)

    def steps(self, size: int, seed: int, epoch: int, start: int = 0) -> Iterator[np.ndarray]:
        """One pass over the corpus, ``size`` texts at a time, shape ``(size, width)``; the last may be smaller.

        It shuffles shards, and texts within a shard, and never holds more than two shards: enough for independent
        draws, and for given texts that are not sorted. The order is a function of seed and epoch.

        ``start`` steps are skipped.
        """
        for name, value, least in (("size", size, 1), ("epoch", epoch, 0), ("start", start, 0)):
            check_integer(name, value, least, "a step has at least one text; the first pass and step are 0")
        rng = np.random.default_rng(stream_seed(seed, f"order of epoch {epoch}"))
        order = rng.permutation(len(self.sizes))
        within = [rng.permutation(self.sizes[i]) for i in order]
        return shards.regroup(self._read(order, within, start * size), size)

    def _read(self, order: np.ndarray, within: list[np.ndarray], skip: int) -> Iterator[np.ndarray]:
        """The texts of shards in this order, and in this order within each, without the first ones."""
        for i, permuted in zip(order, within, strict=True):
            if skip < len(permuted):
                yield self.shard(i)[0][permuted[skip:]]
            skip = max(0, skip - len(permuted))
