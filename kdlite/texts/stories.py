"""What can be counted in texts without asking a model: repeats, different words, and whether a text is a story.

Knows token ids and words; knows nothing of distributions.
"""

import re
from itertools import pairwise

import numpy as np

from kdlite.distribution import Estimate, ratio_estimate

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*(?:\s|$)")
_LOOP = 3  # words in a row that a story does not say twice
_HEROINE = {"lily", "she", "her", "girl"}


def repeated_bigrams(tokens: np.ndarray, sizes: np.ndarray) -> Estimate:
    """Share of the pairs of neighbouring tokens that the same text has said before, of texts ``(n, length)`` with
    ``sizes`` ``(n,)`` tokens; the error is that of a ratio over texts.
    """
    repeats, pairs = np.zeros(len(tokens)), np.maximum(sizes - 1, 0)
    for i, (text, size) in enumerate(zip(tokens.tolist(), sizes.tolist(), strict=True)):
        found = list(pairwise(text[:size]))
        repeats[i] = len(found) - len(set(found))
    return ratio_estimate(repeats, pairs)


def distinct_words(pieces: list[str], n: int) -> Estimate:
    """Different words among n tokens that follow one another: the mean over whole blocks of n, with its error, which is
    infinite for one block. ``pieces`` are what each token of some texts spells, one text after another, at least n.
    """
    blocks = ["".join(pieces[i : i + n]) for i in range(0, len(pieces) - n + 1, n)]
    if not blocks:
        raise ValueError(f"words are counted among {n} tokens, there are {len(pieces)}; lower n")
    counts = np.array([len(set(_WORD.findall(block.lower()))) for block in blocks], dtype=float)
    stderr = counts.std(ddof=1) / np.sqrt(len(counts)) if len(counts) > 1 else np.inf
    return Estimate(float(counts.mean()), float(stderr), len(counts))


def is_story(text: str) -> bool:
    """Whether a text goes on telling of a girl: it does not say three words in a row twice, names her ("Lily", "she",
    "her", "girl"), and ends a sentence.
    """
    words = _WORD.findall(text.lower())
    runs = [tuple(words[i : i + _LOOP]) for i in range(len(words) - _LOOP + 1)]
    loops = len(set(runs)) < len(runs)
    return not loops and not _HEROINE.isdisjoint(words) and _SENTENCE_END.search(text) is not None


def stories(texts: list[str]) -> Estimate:
    """Share of the texts that are one, see ``is_story``, with the error of a share."""
    share, n = float(np.mean([is_story(text) for text in texts])), len(texts)
    return Estimate(share, float(np.sqrt(share * (1 - share) / max(n - 1, 1))), n)
