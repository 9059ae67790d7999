"""Texts of different lengths laid out in rows of one length, so that hardly a position is computed for nothing.

Knows token arrays; knows nothing of models or files.
"""

import math
from typing import NamedTuple

import numpy as np

from kdlite.lm.scoring import IGNORED
from kdlite.texts.language import Language


class Rows(NamedTuple):
    """R rows of T positions, each holding one or more texts behind one another."""

    ids: np.ndarray  # (R, T) input tokens: a prompt and a text without its last token; 0 in the padding
    targets: np.ndarray  # (R, T) the token that follows, or IGNORED in the prompt and the padding
    positions: np.ndarray  # (R, T) place of a token in its own text
    texts: np.ndarray  # (R, T) which text of the row a position belongs to, from 1; 0 in the padding

    def mask(self) -> np.ndarray:
        """Which positions look at which, shape ``(R, 1, T, T)``: a text at itself, backwards."""
        place = np.arange(self.ids.shape[1])
        same = self.texts[:, :, None] == self.texts[:, None, :]  # padding looks at padding, never at nothing
        return (same & (place[:, None] >= place))[:, None]


def spread(tokens: np.ndarray, language: Language) -> tuple[np.ndarray, np.ndarray]:
    """Lay out texts one a row, padded on the right: inputs and targets ``(n, T)``, as those of ``Rows``. A causal model
    never looks ahead, so what stands in the padding changes nothing, and prompts of any lengths may go together.
    """
    sizes, (number, texts) = language.size(tokens), language.split(tokens)
    width = int((needs(tokens, language)).max())
    ids, targets = np.zeros((len(texts), width), dtype=np.int64), np.full((len(texts), width), IGNORED)
    for i, (text, size) in enumerate(zip(texts, sizes, strict=True)):
        prompt = language.prompts[number[i]]
        ids[i, : len(prompt) + size - 1] = [*prompt, *text[: size - 1]]
        targets[i, len(prompt) - 1 : len(prompt) + size - 1] = text[:size]
    return ids, targets


def needs(tokens: np.ndarray, language: Language) -> np.ndarray:
    """Positions of each text with its prompt, shape ``(n,)``: its last token is only predicted."""
    prompts = np.array([len(prompt) for prompt in language.prompts])
    return prompts[language.split(tokens)[0]] + language.size(tokens) - 1


def pack(tokens: np.ndarray, language: Language) -> Rows:
    """Lay out texts, each with its prompt before it, the longest first into the first row with room (first-fit
    decreasing).
    """
    own, wanted = spread(tokens, language)
    places = needs(tokens, language)
    width = int(places.max())
    room, bins = [], []
    for i in np.argsort(-places, kind="stable"):
        row = next((r for r, free in enumerate(room) if free >= places[i]), len(room))
        if row == len(room):
            room.append(width)
            bins.append([])
        room[row] -= int(places[i])
        bins[row].append(int(i))
    ids, targets, positions, texts = (np.full((len(bins), width), v) for v in (0, IGNORED, 0, 0))
    for r, members in enumerate(bins):
        at = 0
        for k, i in enumerate(members, start=1):
            size = int(places[i])
            place = slice(at, at + size)
            ids[r, place], targets[r, place] = own[i, :size], wanted[i, :size]
            positions[r, place] = np.arange(size)
            texts[r, place] = k
            at = place.stop
    return Rows(ids, targets, positions, texts)


def passes(rows: Rows, size: int, index: int, workers: int) -> list[Rows]:
    """The share of one of several processes, ``size`` rows at a time; every process gets as many passes, and one that has
    run out of rows a row without targets.
    """
    n = len(rows.ids)
    mine = np.arange(index, n, workers)
    count = math.ceil(math.ceil(n / workers) / size)
    found = [Rows(*(a[mine[i * size : (i + 1) * size]] for a in rows)) for i in range(count)]
    idle = Rows(*(a[:1] for a in rows))._replace(targets=np.full_like(rows.targets[:1], IGNORED))
    return [share if len(share.ids) else idle for share in found]
