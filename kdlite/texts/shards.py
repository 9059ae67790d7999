"""Texts in Parquet files, each of which says where its texts come from, and the manifest that vouches for them.

Knows token ids and files; knows nothing of models or words.
"""

import json
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kdlite.checks import check_kind, check_path
from kdlite.files import placing, replacing
from kdlite.store import read_json, sha256, write_json
from kdlite.texts.given import Given
from kdlite.texts.language import Language, Sampler

if TYPE_CHECKING:
    import accelerate

MANIFEST = "manifest.json"
SHARD = 1 << 16  # texts in a shard


def shard_path(folder: Path, i: int) -> Path:
    """The file of the i-th shard."""
    return folder / f"{i:05d}.parquet"


def regroup(arrays: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The same rows in arrays of ``size`` rows; the last may be smaller."""
    held = None
    for array in arrays:
        held = array if held is None else np.concatenate([held, array])
        whole = len(held) - len(held) % size
        yield from np.split(held[:whole], range(size, whole, size)) if whole else []
        held = held[whole:]
    if held is not None and len(held):
        yield held


def read_shard(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Tokens ``(n, width)``, int64, and log-probabilities ``(n,)``, if any, of a Parquet file, or a ValueError."""
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, memory_map=True, page_checksum_verification=True)
    except (ValueError, OSError) as error:
        raise _damaged(path, error) from None
    tokens = table["tokens"].combine_chunks()
    flat = tokens.flatten().to_numpy(zero_copy_only=False)
    log_prob = table["log_prob"].to_numpy() if "log_prob" in table.column_names else None
    return flat.astype(np.int64).reshape(-1, tokens.type.list_size), log_prob


def write_drawn(
    folder: Path,
    model: Sampler,
    origin: dict,
    n: int,
    shard: int,
    state: "accelerate.PartialState | None",
    only: int | None,
) -> None:
    """Draw n texts into shards, those that are there already left out, and write the manifest; see ``Corpus.draw``."""
    index, workers = (0, 1) if state is None else (state.process_index, state.num_processes)
    mine = slice(index, None, workers) if only is None else slice(only, only + 1)
    for start in range(0, n, shard)[mine]:
        path, texts = shard_path(folder, start // shard), min(shard, n - start)
        if not path.exists():
            with replacing(path) as temporary:
                drawn = model.draws(texts, origin["seed"], start=start, batch=origin["batch"])
                _write(temporary, model.language, origin | {"start": start, "texts": texts}, drawn)
    if only is not None:
        return
    if state is not None:
        state.wait_for_everyone()
    if index == 0:
        _vouch(folder, origin, model.language, n, shard)
    if state is not None:
        state.wait_for_everyone()


def write_given(folder: str | Path, language: Language, sampler: str, given: Iterator[Given]) -> None:
    """Write texts and their manifest beside their place, and move them there when all are written."""
    folder = check_path("folder", folder)
    check_kind("sampler", sampler, str, "name who wrote them")
    origin = {"sampler": sampler, "seed": None, "beta": None, "language": asdict(language)}
    first, n, cut = next(given, None), 0, 0  # what is wrong at once leaves no folder
    if first is None:
        raise ValueError("there is no text; pass at least one")

    def tokens() -> Iterator[np.ndarray]:
        nonlocal cut
        for some in chain([first], given):
            cut += some.cut
            yield some.tokens

    with placing(folder, "a corpus") as temporary:
        for i, texts in enumerate(regroup(tokens(), SHARD)):
            where = origin | {"start": n, "texts": len(texts)}
            _write(shard_path(temporary, i), language, where, [(texts, None)])
            n += len(texts)
        _vouch(temporary, origin, language, n, SHARD, cut=cut)
        there = folder / MANIFEST
        same = there.is_file() and sha256(there) == sha256(temporary / MANIFEST)
        if not same and any([there.is_file(), *folder.glob("*.parquet")]):
            raise ValueError(f"{folder} holds other texts; choose another folder, or delete this one")
    if cut:
        said = f"{cut} of the {n} texts in {folder} are longer than {language.length} tokens, and are cut"
        warnings.warn(f"{said} there", stacklevel=3)


def read_manifest(folder: Path) -> dict:
    """What vouches for the shards in a folder, each of which is checked; errors as of ``Corpus.open``."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ValueError(f"{folder} is not a corpus: it has no {MANIFEST}; draw one with Corpus.draw")
    manifest = read_json(path)
    try:
        expected = {shard["file"]: shard["sha256"] for shard in manifest["shards"]}
    except (KeyError, TypeError) as error:
        raise not_a_manifest(path, error) from None
    for shard in (folder / name for name in expected):
        there = shard.is_file()
        if not there or sha256(shard) != expected[shard.name]:
            wrong = "damaged: its SHA-256 is not the manifest's" if there else "missing"
            raise ValueError(
                f"shard {shard} is {wrong}; restore it, or delete it, and the manifest, and draw again"
            )
    return manifest


def not_a_manifest(path: Path, error: Exception) -> ValueError:
    """What a file that is no manifest is refused with."""
    return ValueError(f"{path} is not the manifest of a corpus: {error!r}; delete it and draw again")


def _write(
    path: Path, language: Language, origin: dict, batches: Iterable[tuple[np.ndarray, np.ndarray | None]]
) -> None:
    """Write texts ``(b, width)`` and, where they were drawn with a seed, their log-probabilities ``(b,)`` into one Parquet
    file, which keeps its origin.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    symbol = pa.uint16() if max(language.vocabulary, len(language.prompts)) <= 1 << 16 else pa.uint32()
    drawn = origin["seed"] is not None
    fields = [("tokens", pa.list_(symbol, language.width))]
    fields += [("log_prob", pa.float64())] if drawn else []
    schema = pa.schema(fields, metadata={"kdlite": json.dumps(origin)})
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        for tokens, log_prob in batches:
            flat = pa.array(tokens.astype(symbol.to_pandas_dtype()).ravel())
            columns = [pa.FixedSizeListArray.from_arrays(flat, language.width)]
            columns += [pa.array(log_prob)] if drawn else []
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _vouch(folder: Path, origin: dict, language: Language, n: int, shard: int, **more: int) -> None:
    """Look at every shard of n texts, and write the manifest, with more to say if there is."""
    shards, seen, tokens = [], np.zeros(language.vocabulary, dtype=bool), 0
    for i, start in enumerate(range(0, n, shard)):
        path, texts = shard_path(folder, i), min(shard, n - start)
        _check_origin(path, origin | {"start": start, "texts": texts})
        found, _ = read_shard(path)
        sizes = language.size(found)
        seen[language.split(found)[1][np.arange(language.length) < sizes[:, None]]] = True
        tokens += int(sizes.sum())
        shards.append({"file": path.name, "texts": texts, "sha256": sha256(path)})
    found = {"tokens": tokens, "symbols": int(seen.sum()), "shards": shards}
    write_json(folder / MANIFEST, origin | more | found)


def _check_origin(path: Path, expected: dict) -> None:
    """Nothing, or a ValueError if a shard was drawn otherwise than is asked for now."""
    import pyarrow.parquet as pq

    try:
        found = json.loads((pq.read_schema(path).metadata or {}).get(b"kdlite", b"{}"))
    except (ValueError, OSError) as error:  # pyarrow's errors are among these
        raise _damaged(path, error) from None
    expected = json.loads(json.dumps(expected))
    for name, value in expected.items():
        if found.get(name) != value:
            raise ValueError(
                f"shard {path} was drawn with {name} = {found.get(name)}, now {value} is asked for; "
                "choose another folder, or delete this one"
            )


def _damaged(path: Path, error: Exception) -> ValueError:
    said = " ".join(str(error).split())
    return ValueError(f"shard {path} is damaged: {said}; delete it and start again")
