"""Fewer token ids: which of them a model uses most, and a model that knows no others.

Knows embeddings and heads; knows nothing of what the ids spell.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from kdlite.checks import check_each, check_integer, check_kind, show
from kdlite.lm.model import LanguageModel
from kdlite.lm.modules import evaluating, frozen
from kdlite.lm.packing import spread
from kdlite.lm.scoring import IGNORED

_CHUNK = 1 << 26  # probabilities held at a time


class Use(NamedTuple):
    """What a model does with a set of token ids, on n of its own texts.

    Attributes:
        token: mean probability of the set at a place, texts up to their ends.
        text: share of the texts that hold no other id.
        n: texts.
    """

    token: float
    text: float
    n: int


def narrow(model: LanguageModel, tokens: Sequence[int]) -> LanguageModel:
    """A copy of a model that knows only these token ids, which become 0, 1, … in the order given.

    Each token's distribution is that of the model, restricted to the ids and renormalised: a language model of its own,
    whose texts are not those of the first one that happen to hold no other id, because it renormalises token by token.
    Its language remembers the ids, so that its tokenizer goes on spelling them, and ``save`` and ``load`` keep them.

    Args:
        model: is left as it is.
        tokens: ids of the model, each once; those of its prompt and its end token among them.

    Raises:
        ValueError: for ids that are none, doubled, or lack one of prompt and end; for a model whose head is not tied to
            its embedding, or whose language has a begin token.
    """
    check_kind("model", model, LanguageModel, "pass one that new or load made")
    language = model.language
    ids = [
        check_integer("a kept token", t, 0, "pass ids of the model", most=language.vocabulary - 1)
        for t in check_each("tokens", tokens, "pass token ids")
    ]
    if len(set(ids)) < len(ids) or not ids:
        raise ValueError(
            f"tokens must be different ids, at least one, got {show(ids)}; take each of them once"
        )
    if language.begin is not None:
        raise ValueError(f"the language has the begin token {language.begin}; narrow one that has none")
    place = {t: i for i, t in enumerate(ids)}
    needed = {
        "prompt": chain(*language.prompts),
        "end token": () if language.eos is None else (language.eos,),
    }
    for name, wanted in needed.items():
        if missing := [t for t in wanted if t not in place]:
            raise ValueError(f"token {missing[0]} of the {name} is not among those kept; add it to tokens")
    old = model.model
    embedding, head = old.get_input_embeddings(), old.get_output_embeddings()
    if head is None or head.weight is not embedding.weight or getattr(head, "bias", None) is not None:
        raise ValueError(
            f"the head of this {type(old).__name__} is not tied to its embedding; narrow a model that ties them"
        )
    cut = frozen(copy.deepcopy(old))
    weight = torch.nn.Parameter(embedding.weight.detach()[ids].clone(), requires_grad=False)
    for layer in (cut.get_input_embeddings(), cut.get_output_embeddings()):
        layer.weight = weight
    cut.get_input_embeddings().num_embeddings = cut.get_output_embeddings().out_features = len(ids)
    cut.get_input_embeddings().padding_idx = None
    eos = None if language.eos is None else place[language.eos]
    ends = {"bos_token_id": None, "eos_token_id": eos, "pad_token_id": None}
    cut.config.update({"vocab_size": len(ids), **ends})
    cut.generation_config.update(**ends)
    spelled = ids if language.ids is None else [language.ids[t] for t in ids]
    prompts = [tuple(place[t] for t in prompt) for prompt in language.prompts]
    small = replace(
        language,
        vocabulary=len(ids),
        prompt=replace(language.prompt, ids=prompts) if language.several else prompts[0],
        eos=eos,
        ids=tuple(spelled),
    )
    return replace(model, model=cut, language=small)


def likeliest(model: LanguageModel, texts: np.ndarray, n: int) -> tuple[int, ...]:
    """The n token ids that a model uses most, in rising order: the largest mean next-token probabilities over the places
    of its texts ``(N, length)``, with the ids of its prompt and its end token in any case.

    Raises:
        ValueError: if n is out of range, or less than prompt and end need.
    """
    language = model.language
    always = sorted({*chain(*language.prompts), *(() if language.eos is None else (language.eos,))})
    check_integer(
        "n", n, len(always), "prompt and end token are always kept, no more than there are",
        most=language.vocabulary,
    )  # fmt: skip
    mean = torch.zeros(language.vocabulary, dtype=torch.float64)
    for p in _probabilities(model, texts):
        mean += p.sum(dim=0, dtype=torch.float64).cpu()
    mean[always] = torch.inf
    return tuple(sorted(mean.argsort(descending=True, stable=True)[:n].tolist()))


def use(model: LanguageModel, texts: np.ndarray, tokens: Sequence[int]) -> Use:
    """How much of what a model says is said with these token ids, on its own texts ``(N, length)``."""
    kept = torch.tensor(tokens)
    mass = [p[:, kept].sum(dim=1, dtype=torch.float64).cpu() for p in _probabilities(model, texts)]
    inside = np.isin(model.language.split(texts)[1], tokens)
    inside |= np.arange(model.length) >= model.size(texts)[:, None]  # what follows the end is no part of it
    return Use(float(torch.cat(mass).mean()), float(inside.all(axis=1).mean()), len(texts))


def _probabilities(model: LanguageModel, texts: np.ndarray) -> Iterator[Tensor]:
    """Next-token probabilities ``(places, V)`` at the places of texts up to their ends, some texts at a time."""
    language = model.language
    rows = max(1, _CHUNK // (language.vocabulary * (language.longest + language.length)))
    for i in range(0, len(texts), rows):
        ids, targets = spread(texts[i : i + rows], language)
        with evaluating(model.model):
            logits = model.model(torch.from_numpy(ids).to(model.model.device), use_cache=False).logits
        yield (logits[torch.from_numpy(targets != IGNORED)].float() * model.beta).softmax(dim=-1)
