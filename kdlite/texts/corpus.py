"""Sampled texts on disk: Parquet shards of tokens and log-probabilities, and a manifest that vouches for them.

Knows token ids and files; knows nothing of models beyond that they draw texts.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kdlite.checks import check_integer, check_kind, check_path, check_seed, show
from kdlite.distribution import stream_seed
from kdlite.files import replacing
from kdlite.store import read_json, sha256, write_json
from kdlite.texts.language import Language

if TYPE_CHECKING:
    import accelerate

_MANIFEST = "manifest.json"
_SHARD = 1 << 16  # texts in a shard


class Sampler(Protocol):
    """What a corpus is drawn from: a language model, or a Markov mixture."""

    language: Language

    def digest(self) -> str:
        """A fingerprint of everything that decides its texts."""
        ...

    def draws(self, n: int, seed: int, *, start: int, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Texts ``(b, length)`` and their log-probabilities ``(b,)`` in nats, batch by batch; from ``start`` on."""
        ...


@dataclass(frozen=True)
class Corpus:
    """Texts drawn from one distribution, on disk. ``len(corpus)`` is their number.

    Attributes:
        folder: holds the shards ``00000.parquet``, … with columns ``tokens`` (fixed-size lists of uint16, or
            uint32 where the vocabulary exceeds 65,536) and ``log_prob`` (float64, nats, under the distribution
            that was drawn from), and ``manifest.json``.
        sampler: who drew them.
        beta: inverse temperature they were drawn at; None for a sampler that has no temperature.
        seed: of the draws; the texts are those of ``sample(n, seed)``.
        language: what the ids mean.
        sizes: texts in each shard.
        tokens: tokens in all, ends counted and padding not.
        symbols: how many different ids occur.
        digest: SHA-256 of the manifest, which holds the SHA-256 of each shard: the corpus's fingerprint.
        first: its first shard, where it is a part of what is in the folder.
    """

    folder: Path
    sampler: str
    beta: float | None
    seed: int
    language: Language
    sizes: tuple[int, ...]
    tokens: int
    symbols: int
    digest: str
    first: int = 0  # shard

    @classmethod
    def draw(
        cls,
        model: Sampler,
        folder: str | Path,
        *,
        n: int,
        seed: int,
        sampler: str,
        shard: int = _SHARD,
        batch: int = 128,
        state: "accelerate.PartialState | None" = None,
    ) -> "Corpus":
        """Draw n texts from a model into a folder, shard by shard; shards that are there already are kept.

        Args:
            model: a LanguageModel or MarkovMixture.
            folder: is made, or continued where a draw stopped.
            n: number of texts.
            seed: of the draws.
            sampler: a name for the model, kept in the manifest.
            shard: texts in a shard.
            batch: texts drawn at a time.
            state: processes that share the shards; each makes this call. None: this one draws them all.

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
        if (folder / _MANIFEST).is_file():
            cls.open(folder)  # a shard damaged since must not be vouched for anew
        starts = range(0, n, shard)
        mine = starts if state is None else starts[state.process_index :: state.num_processes]
        for start in mine:
            path = _shard_path(folder, start // shard)
            if not path.exists():
                with replacing(path) as temporary:
                    _write(temporary, model, origin, min(shard, n - start), start)
        if state is not None:
            state.wait_for_everyone()
        if state is None or state.is_main_process:
            _vouch(folder, origin, model.language, n, shard)
        if state is not None:
            state.wait_for_everyone()
        return cls.open(folder)

    @classmethod
    def open(cls, folder: str | Path) -> "Corpus":
        """The corpus in a folder, each shard checked against the manifest.

        Raises:
            ValueError: if the folder holds no corpus, or a shard is missing or damaged, naming it.
        """
        folder = check_path("folder", folder)
        path = folder / _MANIFEST
        if not path.is_file():
            raise ValueError(f"{folder} is not a corpus: it has no {_MANIFEST}; draw one with Corpus.draw")
        manifest = read_json(path)
        try:
            language = manifest["language"]
            corpus = cls(
                folder,
                sampler=manifest["sampler"],
                beta=manifest["beta"],
                seed=manifest["seed"],
                language=Language(**language | {"prompt": tuple(language["prompt"])}),
                sizes=tuple(shard["texts"] for shard in manifest["shards"]),
                tokens=manifest["tokens"],
                symbols=manifest["symbols"],
                digest=sha256(path),
            )
            expected = {shard["file"]: shard["sha256"] for shard in manifest["shards"]}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} is not the manifest of a corpus: {error!r}; delete it and draw again"
            ) from None
        for name, digest in expected.items():
            if not (folder / name).is_file():
                raise ValueError(
                    f"shard {folder / name} is missing; restore it, or delete the manifest and draw again"
                )
            if sha256(folder / name) != digest:
                raise ValueError(
                    f"shard {folder / name} is damaged: its SHA-256 is not the manifest's; restore it, or "
                    "delete it and the manifest and draw again"
                )
        return corpus

    def __len__(self) -> int:
        return sum(self.sizes)

    def shard(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Tokens ``(n, length)``, int64, and log-probabilities ``(n,)``, float64 nats, of the i-th shard.

        Raises:
            ValueError: if there is none, or it is damaged.
        """
        last = len(self.sizes) - 1
        check_integer("i", i, 0, f"shards run from 0 to {last}", most=last)
        return _read(_shard_path(self.folder, self.first + i))

    def part(self, start: int, stop: int) -> "Corpus":
        """Texts ``start`` to ``stop`` alone, whole shards.

        Raises:
            ValueError: for numbers that are no bounds of shards, or leave no text.
        """
        bounds = np.cumsum([0, *self.sizes]).tolist()
        if start not in bounds or stop not in bounds or start >= stop:
            raise ValueError(f"shards are bounded by {bounds}, got {start} and {stop}; take whole ones")
        shards = range(bounds.index(start), bounds.index(stop))
        part = replace(self, first=self.first + shards[0], sizes=self.sizes[shards[0] : shards[-1] + 1])
        texts = part.texts()
        inside = np.arange(self.language.length) < self.size(texts)[:, None]
        return replace(
            part,
            tokens=int(inside.sum()),
            symbols=len(np.unique(texts[inside])),
            digest=hashlib.sha256(f"{self.digest} {start} {stop}".encode()).hexdigest(),
        )

    def texts(self) -> np.ndarray:
        """All tokens, shape ``(len(corpus), length)``, int64: for corpora that fit in memory."""
        return np.concatenate([self.shard(i)[0] for i in range(len(self.sizes))])

    def log_probs(self) -> np.ndarray:
        """Log-probability of every text under the distribution it was drawn from, shape ``(len(corpus),)``, in nats."""
        return np.concatenate([self.shard(i)[1] for i in range(len(self.sizes))])

    def sample(self, n: int, seed: int) -> np.ndarray:
        """The first n texts, shape ``(n, length)``. They are independent draws already, so the seed plays no part;
        with this and ``size`` a corpus can stand for its sampler in ``precision`` and ``recall``. No shard beyond
        the n-th text is read.

        Raises:
            ValueError: if the corpus has fewer.
        """
        n = check_integer("n", n, 1, f"the corpus has {len(self)} texts", most=len(self))
        found, i = [], 0
        while n > 0:
            found.append(self.shard(i)[0][:n])
            n, i = n - len(found[-1]), i + 1
        return np.concatenate(found)

    def size(self, tokens: np.ndarray) -> np.ndarray:
        """Tokens of each text, shape ``(n,)``: see ``Language.size``."""
        return self.language.size(tokens)

    def steps(self, size: int, seed: int, epoch: int, start: int = 0) -> Iterator[np.ndarray]:
        """One pass over the corpus, ``size`` texts at a time, shape ``(size, length)``; the last may be smaller.

        The texts are independent draws, so it shuffles shards, and texts within a shard, and never holds more
        than two shards. The order is a function of seed and epoch.

        Args:
            size: texts a step.
            seed: of the order.
            epoch: which pass.
            start: steps to skip.

        Raises:
            ValueError: for numbers out of range.
        """
        for name, value, least in (("size", size, 1), ("epoch", epoch, 0), ("start", start, 0)):
            check_integer(name, value, least, "a step has at least one text; the first pass and step are 0")
        rng = np.random.default_rng(stream_seed(seed, f"order of epoch {epoch}"))
        order = rng.permutation(len(self.sizes))
        within = [rng.permutation(self.sizes[i]) for i in order]
        held = np.empty((0, self.language.length), dtype=np.int64)
        skip = start * size
        for i, permuted in zip(order, within, strict=True):
            if skip >= len(permuted):
                skip -= len(permuted)
                continue
            held = np.concatenate([held, self.shard(i)[0][permuted[skip:]]])
            skip = 0
            whole = len(held) - len(held) % size
            yield from np.split(held[:whole], range(size, whole, size)) if whole else []
            held = held[whole:]
        if len(held):
            yield held


def _shard_path(folder: Path, i: int) -> Path:
    return folder / f"{i:05d}.parquet"


def _vouch(folder: Path, origin: dict, language: Language, n: int, shard: int) -> None:
    """Look at every shard, and write the manifest."""
    shards, seen, tokens = [], np.zeros(language.vocabulary, dtype=bool), 0
    for i, start in enumerate(range(0, n, shard)):
        path, texts = _shard_path(folder, i), min(shard, n - start)
        _check_origin(path, origin | {"start": start, "texts": texts})
        drawn, _ = _read(path)
        sizes = language.size(drawn)
        seen[drawn[np.arange(language.length) < sizes[:, None]]] = True
        tokens += int(sizes.sum())
        shards.append({"file": path.name, "texts": texts, "sha256": sha256(path)})
    found = {"tokens": tokens, "symbols": int(seen.sum()), "shards": shards}
    write_json(folder / _MANIFEST, origin | found)


def _write(path: Path, model: Sampler, origin: dict, n: int, start: int) -> None:
    """Draw texts ``start`` to ``start + n`` into one Parquet file, which says where they come from."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    length = model.language.length
    symbol = pa.uint16() if model.language.vocabulary <= 1 << 16 else pa.uint32()
    fields = [("tokens", pa.list_(symbol, length)), ("log_prob", pa.float64())]
    note = json.dumps(origin | {"start": start, "texts": n})
    schema = pa.schema(fields, metadata={"kdlite": note})
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        for tokens, log_prob in model.draws(n, origin["seed"], start=start, batch=origin["batch"]):
            flat = pa.array(tokens.astype(symbol.to_pandas_dtype()).ravel())
            lists = pa.FixedSizeListArray.from_arrays(flat, length)
            writer.write_batch(pa.record_batch([lists, pa.array(log_prob)], schema=schema))


def _check_origin(path: Path, expected: dict) -> None:
    """Nothing, or a ValueError if a shard was drawn otherwise than is asked for now."""
    import pyarrow.parquet as pq

    try:
        found = json.loads((pq.read_schema(path).metadata or {}).get(b"kdlite", b"{}"))
    except (ValueError, OSError) as error:  # pyarrow's errors are among these
        raise ValueError(
            f"shard {path} is damaged: {' '.join(str(error).split())}; delete it and start again"
        ) from None
    expected = json.loads(json.dumps(expected))
    for name, value in expected.items():
        if found.get(name) != value:
            raise ValueError(
                f"shard {path} was drawn with {name} = {found.get(name)}, now {value} is asked for; "
                "choose another folder, or delete this one"
            )


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Tokens ``(n, length)``, int64, and log-probabilities ``(n,)`` of a Parquet file."""
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, memory_map=True, page_checksum_verification=True)
    except (ValueError, OSError) as error:
        raise ValueError(
            f"shard {path} is damaged: {' '.join(str(error).split())}; delete it and start again"
        ) from None
    tokens = table["tokens"].combine_chunks()
    length = tokens.type.list_size
    flat = tokens.flatten().to_numpy(zero_copy_only=False)
    return flat.astype(np.int64).reshape(-1, length), table["log_prob"].to_numpy()
