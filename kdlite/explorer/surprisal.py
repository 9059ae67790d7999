"""Texts with each token on a ground that says how surprising a model finds it.

Knows tokens, their log-probabilities and the scale of grounds, which the widget shares; knows nothing of models.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from kdlite import page
from kdlite.checks import check_kind, show
from kdlite.texts.language import Reading

if TYPE_CHECKING:
    import transformers

EDGES = (0.5, 1.0, 2.0, 4.0, 8.0)  # nats of surprisal, -log p, where one ground ends and the next begins
# One purple, ever less transparent, so that lightness alone tells the steps apart. The page's own letters, dark or
# light, keep a contrast of 4.5 on each.
GROUNDS = tuple(f"rgb(180 75 165 / {alpha})" for alpha in (0, 0.1, 0.21, 0.34, 0.49, 0.65))
END = "⟨end⟩"
# The tokens of a text are a group of radio buttons: a finger or the arrow keys choose one, and its number shows below.
_STYLE = """\
.kd-surprisal label input { position: absolute; opacity: 0; width: 1px; height: 1px; margin: 0; }
.kd-surprisal label small { display: none; position: absolute; left: 0; bottom: 0; white-space: nowrap; }
.kd-surprisal label input:checked ~ small { display: block; }
.kd-surprisal label input:checked + span { outline: 1px solid; }
.kd-surprisal label input:focus-visible + span { outline: 2px solid; }"""
_VISIBLE = {i: 0x2400 + i for i in range(32)} | {ord("\n"): "↵", ord("\t"): "⇥", 127: "␡"}
_VISIBLE |= dict.fromkeys((0x85, 0x2028, 0x2029), "↵")
# Left in a text, marks of writing direction would turn around the tokens behind them.
_VISIBLE |= dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "⇄")


def spell(text: Iterable[int], pieces: Mapping[int, str] | None, end: int | None) -> list[str]:
    """What stands for each token of a text: its piece, or without pieces its id.

    Line breaks and control characters become symbols, and the first end token, with which the text stops, ``END``.
    """
    shown = []
    for token in text:
        if token == end:
            return [*shown, END]
        if pieces and token not in pieces:
            raise ValueError(f"token {token!r} is not among the {len(pieces)} pieces; make the run again")
        shown.append((pieces[token].translate(_VISIBLE) or "∅") if pieces else f" {token}")
    return shown


@dataclass(frozen=True)
class Surprisal:
    """Texts as a model reads them: each token on a ground that grows with its surprisal, -log p of the token given
    those before it, in nats.

    Shows itself in a notebook, light or dark. Before each text stands the mean of log p over its tokens; a token that is
    pointed at, tapped, or reached by the arrow keys gives its own number.

    Attributes:
        reading: of the texts, from ``LanguageModel.read``.
        tokenizer: spells the tokens; without one they are ids.
    """

    reading: Reading
    tokenizer: "transformers.PreTrainedTokenizerBase | None" = None

    def __post_init__(self) -> None:
        check_kind("reading", self.reading, Reading, "pass what LanguageModel.read gave")
        if self.tokenizer is not None and not callable(getattr(self.tokenizer, "decode", None)):
            raise ValueError(
                f"tokenizer must decode token ids, got {show(self.tokenizer)}; None shows the ids"
            )

    def __str__(self) -> str:
        return "\n".join(f"{_number(mean, 1)} {''.join(tokens)}" for mean, _, tokens, _ in self._texts())

    def _repr_html_(self) -> str:
        steps = (*(f"≥ −{edge:g}" for edge in EDGES), "less")
        legend = " ".join(
            f'<span style="background: {ground}; padding: 2px 6px; white-space: nowrap">{step}</span>'
            for ground, step in zip(GROUNDS, steps, strict=True)
        )
        group = f"kd-{crc32(self.reading.token_log_prob.tobytes()):x}"
        texts = "".join(
            f'<div style="display: flex; gap: 0.8em; margin: 0.5em 0"><b>{_number(mean, 1)}</b><div style="position: relative; '
            f'padding-bottom: 1.7em; flex: 1; white-space: pre-wrap; overflow-wrap: anywhere"><i>{escape(prompt)}</i>'
            f"{''.join(_label(f'{group}-{i}', *token) for token in zip(tokens, scores, strict=True))}</div></div>"
            for i, (mean, prompt, tokens, scores) in enumerate(self._texts())
        )
        return (
            '<div class="kd-surprisal" data-lm-suppress-shortcuts="true" '  # JupyterLab leaves the arrow keys to it
            'style="font-variant-numeric: tabular-nums; line-height: 1.7; text-align: start">'
            f"<style>{_STYLE}</style><div>log p of a token (nats): {legend}</div>{texts}</div>"
        )

    def save_html(self, path: str | Path, *, title: str = "Surprise, token by token") -> None:
        """Write the texts as they are shown to an HTML file that needs no network.

        Args:
            path: of the file; one that is there is replaced.
            title: the heading of the page.

        Raises:
            ValueError: if the path names no file, or the title is not text.
            OSError: if the file cannot be written, naming it.
        """
        page.save(path, self._repr_html_(), title=title)

    def _texts(self) -> list[tuple[float, str, list[str], list[float]]]:
        """Of each text the mean log-probability, its prompt, the tokens spelled, and their log-probabilities."""
        language, rows, scores, _ = self.reading
        number, tokens = language.split(rows)
        decode = self.tokenizer and self.tokenizer.decode
        pieces = decode and {int(i): decode([int(language.spelled(i))]) for i in np.unique(tokens)}
        prompts = [decode(language.spelled(p).tolist()) if decode else "" for p in language.prompts]
        return [
            (
                float(own[:n].mean()),
                prompts[k],
                spell(text[:n].tolist(), pieces, language.eos),
                own[:n].tolist(),
            )
            for k, text, own, n in zip(number, tokens, scores, language.size(rows), strict=True)
        ]


def _label(group: str, token: str, log_prob: float) -> str:
    ground = GROUNDS[np.searchsorted(EDGES, -log_prob)]
    said = f"{_number(log_prob, 2)} nats, probability {exp(log_prob):.2g}"
    unseen = "" if token.strip() else f' aria-label="white space, {said}"'
    return (
        f'<label><input type="radio" name="{group}"{unseen}><span style="background: {ground}" title="{said}">{escape(token)}</span>'
        f"<small>{said}</small></label>"
    )


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
