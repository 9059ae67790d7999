"""Words that somebody has written become prompts, and texts of a language.

Knows what a tokenizer offers, and tables of texts; knows nothing of models or of how a corpus is stored. A tokenizer is one
of ``transformers``, or behaves like it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kdlite.checks import check_path, one_line, show
from kdlite.texts.language import Language
from kdlite.texts.prompts import Prompts, check_prompt

_SOME = 1 << 10  # texts held at a time


class Given(NamedTuple):
    """Some texts of a language, as they are stored."""

    tokens: np.ndarray  # (n, width)
    cut: int  # how many of them are longer than the language's length, their end counted


def encode(
    prompt: Any,
    tokenizer: Any = None,
    language: Language | None = None,
    weights: Sequence[float] | None = None,
) -> tuple[int, ...] | Prompts:
    """Token ids of one prompt, or several ``Prompts``.

    Args:
        prompt: a string, read without special tokens; token ids; a chat, which is a list of messages like
            ``{"role": "user", "content": "Hello"}`` and is written out by the tokenizer's own template, up to where the
            assistant speaks; or a list of any of these, for several prompts.
        tokenizer: reads strings and chats.
        language: one whose ids are not the tokenizer's own, because only some of these were kept.
        weights: how often each of several prompts is continued; None: equally often.

    Raises:
        ValueError: for what is none of these, or where there is no tokenizer to read words.
    """
    if isinstance(prompt, Prompts):
        return prompt if weights is None else Prompts(prompt.ids, weights)
    several = isinstance(_first(prompt), str | Iterable) and not isinstance(_first(prompt), Mapping)
    if weights is not None and not several:
        raise ValueError(
            f"weights are for several prompts, got {show(weights)} for one; pass a list of prompts"
        )
    ids = [_encode(one, tokenizer, language) for one in (prompt if several else [prompt])]
    return Prompts(ids, weights) if several else ids[0]


def fingerprint(tokenizer: Any) -> str:
    """SHA-256 of a tokenizer's table of ids: equal where the same id stands for the same piece of text."""
    table = json.dumps(sorted(tokenizer.get_vocab().items(), key=lambda item: (item[1], item[0])))
    return hashlib.sha256(table.encode()).hexdigest()


def _first(prompt: Any) -> Any:
    """The first of several things; None of a string, or of what is not several."""
    return None if isinstance(prompt, str) or not isinstance(prompt, Iterable) else next(iter(prompt), None)


def _encode(prompt: Any, tokenizer: Any, language: Language | None) -> tuple[int, ...]:
    chat = isinstance(_first(prompt), Mapping)
    if not (chat or isinstance(prompt, str)):
        return check_prompt(prompt)
    if tokenizer is None:
        raise ValueError(f"there is no tokenizer to read the prompt {show(prompt)}; pass token ids")
    if not chat:
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    elif not getattr(tokenizer, "chat_template", None):
        raise ValueError(f"the tokenizer has no chat template for {show(prompt)}; pass a string")
    else:
        goes_on = prompt[-1].get("role") == "assistant"  # a last word of the assistant's is continued
        how = {"continue_final_message": True} if goes_on else {"add_generation_prompt": True}
        ids = tokenizer.apply_chat_template(list(prompt), return_dict=False, **how)
    return check_prompt(ids if language is None else language.unspelled(ids))


def check_speaker(model: Any) -> tuple[Language, Any]:
    """The language and the tokenizer of a model, or a ValueError where one is missing."""
    language, tokenizer = getattr(model, "language", None), getattr(model, "tokenizer", None)
    if not isinstance(language, Language) or not callable(tokenizer):
        raise ValueError(
            f"model must have a language and a tokenizer, got {show(model)}; load one that has both"
        )
    return language, tokenizer


def read_texts(texts: Iterable[Any], language: Language, tokenizer: Any) -> Iterator[Given]:
    """Strings, or where there are several prompts pairs of a prompt (or its number) and a string, as texts of the
    language, some at a time.

    Raises:
        ValueError: for what is no string, has no prompt, or is no text of the language.
    """
    _check_several("texts must be strings", texts)
    numbers = {prompt: k for k, prompt in enumerate(language.prompts)}

    def number(prompt: Any) -> int:
        if isinstance(prompt, int | np.integer):
            return int(prompt)
        ids = encode(prompt, tokenizer, language)
        if ids not in numbers:
            raise ValueError(
                f"{show(prompt)} is none of the language's {len(numbers)} prompts; add it to them"
            )
        return numbers[ids]

    for start, some in _some(texts):
        pairs = some if language.several else [(0, text) for text in some]
        for i, pair in enumerate(pairs, start):
            if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], str)):
                wanted = "a pair of its prompt and a string" if language.several else "a string"
                raise ValueError(
                    f"text {i} must be {wanted}, got {show(some[i - start])}; mend it or leave it out"
                )
        ids = tokenizer([text for _, text in pairs], add_special_tokens=False)["input_ids"]
        yield _rows(
            [(number(prompt), language.unspelled(t)) for (prompt, _), t in zip(pairs, ids, strict=True)],
            language,
            start,
        )


def read_tokens(texts: Iterable[Any], language: Language) -> Iterator[Given]:
    """Texts of token ids, each of its own length or padded, as texts of the language, some at a time. Where there are
    several prompts, a text begins with the number of its own.

    Raises:
        ValueError: for what is no text of the language.
    """
    _check_several("texts must be rows of token ids", texts)
    for start, some in _some(texts):
        rows = [_ids(text, start + i, language.several) for i, text in enumerate(some)]
        yield _rows([(t[0], t[1:]) if language.several else (0, t) for t in rows], language, start)


def read_table(data: Any, text: str, prompt: str | None) -> Iterator[Any]:
    """What ``read_texts`` takes, from a column of a Hugging Face dataset, of a Parquet file, or of a folder of them.

    Raises:
        ValueError: for what is none of these, or lacks a column.
    """
    columns = [text] if prompt is None else [prompt, text]
    rows = _parquet(Path(data), columns) if isinstance(data, str | Path) else data
    _check_several("data must be rows, or a folder of them", rows)
    for i, row in enumerate(rows):
        if not isinstance(row, Mapping) or any(column not in row for column in columns):
            has = sorted(row) if isinstance(row, Mapping) else show(row)
            raise ValueError(f"row {i} must have the columns {columns}, it has {has}; name them")
        yield row[text] if prompt is None else (row[prompt], row[text])


def _check_several(wanted: str, things: Any) -> None:
    """Nothing, or a ValueError for what is one thing, or things by name."""
    if isinstance(things, str | bytes | Mapping) or not isinstance(things, Iterable):
        raise ValueError(f"{wanted}, got {show(things)}; pass a list, a stream, or one split of a dataset")


def _parquet(path: Path, columns: list[str]) -> Iterator[dict]:
    """The rows of a Parquet file, or of all in a folder in the order of their names, some at a time."""
    import pyarrow.parquet as pq

    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise ValueError(f"{path} holds no Parquet file; pass one, or a folder of them")
    for file in files:
        try:
            with pq.ParquetFile(file) as opened:
                there = opened.schema_arrow.names
                for batch in opened.iter_batches(_SOME, columns=[c for c in columns if c in there]):
                    yield from batch.to_pylist()
        except (ValueError, OSError) as error:  # pyarrow's errors are among these
            raise ValueError(f"{file} cannot be read: {one_line(error)}; copy it anew") from None


def _some(texts: Iterable[Any]) -> Iterator[tuple[int, list]]:
    """Texts some at a time, each time with the number of the first."""
    texts, start = iter(texts), 0
    while some := list(islice(texts, _SOME)):
        yield start, some
        start += len(some)


def _ids(text: Any, i: int, several: bool) -> list[int]:
    """One row of integers."""
    try:
        row = np.asarray(text)
    except ValueError:  # lists in lists
        row = np.empty((0, 0))
    if row.ndim != 1 or (row.size and row.dtype.kind not in "iu") or len(row) < several:
        begin = ", the prompt's number first" if several else ""
        raise ValueError(f"text {i} must be token ids{begin}, got {show(text)}; leave it out")
    return row.tolist()


def _rows(texts: list[tuple[int, Sequence[int]]], language: Language, start: int) -> Given:
    """Texts of a prompt's number and token ids, ended, cut and padded. The first of them is text ``start`` of all."""
    length, eos, cut = language.length, language.eos, 0
    tokens = np.full((len(texts), length), 0 if eos is None else eos)
    for i, (_, ids) in enumerate(texts):
        end = ids.index(eos) if eos in ids else len(ids)
        if any(t != eos for t in ids[end:]):
            raise ValueError(
                f"text {start + i} goes on after its end token {eos} in place {end}; cut it there, or leave that out"
            )
        if eos is None and end < length:
            raise ValueError(
                f"text {start + i} has {end} tokens of {length}, and the language has no end token; leave it out"
            )
        cut += end + (eos is not None) > length
        tokens[i, :end] = ids[: min(end, length)]
    number = np.array([k for k, _ in texts])
    try:
        return Given(language.check(language.join(number, tokens)), cut)
    except ValueError as error:
        raise ValueError(f"among texts {start} to {start + len(texts) - 1}, {error}") from None


def read_prompts(path: str | Path) -> list[Any]:
    """Prompts in a file, one a line: a string as it stands; or JSON, an object whose "messages" are a chat.

    Raises:
        ValueError: if the file has no line, or one of JSON is no chat, naming it.
    """
    path = check_path("prompts", path)
    found = []
    for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.startswith("{"):
            found += [line] if line.strip() else []
            continue
        try:
            chat = json.loads(line)["messages"]
            found.append([{name: str(message[name]) for name in ("role", "content")} for message in chat])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"line {i} of {path} is no chat ({one_line(error)}); write "
                '{"messages": [{"role": "user", "content": "Hello"}]}, or a string'
            ) from None
    if not found:
        raise ValueError(f"{path} holds no prompt; write one a line")
    return found
