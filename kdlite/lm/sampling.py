"""Drawing texts from a causal language model, many at a time.

Knows uniforms and who turns them into tokens; knows nothing of corpora or training. The i-th text of a seed is made from
the i-th row of that seed's uniforms, so neither the batch size nor the machine's number of processes changes
the noise behind a text.
"""

import copy
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from transformers import GenerationConfig, LogitsProcessor, PreTrainedModel

from kdlite.lm.decoder import Decoder
from kdlite.lm.modules import evaluating
from kdlite.lm.next_token import Truncation, choose, temper
from kdlite.texts.language import Language, check_draws


class _Chooser(LogitsProcessor):
    """Makes greedy Hugging Face decoding draw with our uniforms: all but the chosen token get -inf."""

    def __init__(
        self, language: Language, beta: float, truncation: Truncation, start: int, u: Tensor
    ) -> None:
        self.language, self.beta, self.truncation, self.start, self.u = language, beta, truncation, start, u
        self.log_prob = torch.zeros(len(u), dtype=torch.float64, device=u.device)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        place = input_ids.shape[1] - self.start
        logits = temper(scores, self.beta, self.language.begin)
        token, log_prob = choose(self.truncation.apply(logits), self.u[:, place])
        if self.language.eos is not None:
            ended = (input_ids[:, self.start :] == self.language.eos).any(dim=1)
            log_prob = torch.where(ended, 0.0, log_prob)
        self.log_prob += log_prob
        return torch.full_like(scores, -math.inf).scatter_(1, token[:, None], 0.0)


class Generator:
    """The same draws through Hugging Face ``generate``, for architectures that Decoder does not know."""

    def __init__(
        self, model: PreTrainedModel, language: Language, beta: float, truncation: Truncation
    ) -> None:
        self.model = copy.copy(model)  # its generation config may penalise or suppress tokens, or name an end
        self.model.generation_config = GenerationConfig()
        self.language, self.beta, self.truncation = language, beta, truncation

    def refresh(self) -> None:
        """Nothing: the model itself draws."""

    def draw(self, u: np.ndarray, number: np.ndarray, bar: tqdm) -> tuple[np.ndarray, np.ndarray]:
        """As ``Decoder.draw``. Prompts of one length go together: no architecture has to know of padding."""
        tokens, log_prob = np.empty(u.shape, dtype=np.int64), np.empty(len(u))
        sizes = np.array([len(prompt) for prompt in self.language.prompts])[number]
        for size in np.unique(sizes):
            same = np.flatnonzero(sizes == size)
            with evaluating(self.model):
                tokens[same], log_prob[same] = self._draw(
                    u[same], [self.language.prompts[k] for k in number[same]]
                )
            bar.update(u[same].size)
        return tokens, log_prob

    def _draw(self, u: np.ndarray, prompts: list[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
        device, language, start = self.model.device, self.language, len(prompts[0])
        chooser = _Chooser(language, self.beta, self.truncation, start, torch.from_numpy(u).to(device))
        prompts = torch.tensor(prompts, device=device)
        texts = self.model.generate(
            prompts,
            attention_mask=torch.ones_like(prompts),
            do_sample=False,
            max_new_tokens=language.length,
            eos_token_id=language.eos,
            pad_token_id=language.eos or 0,
            logits_processor=[chooser],
        )[:, start:]
        tokens = np.full(u.shape, language.eos or 0, dtype=np.int64)
        tokens[:, : texts.shape[1]] = texts.cpu().numpy()
        return tokens, chooser.log_prob.cpu().numpy()


def drawer(
    model: PreTrainedModel, language: Language, beta: float, truncation: Truncation, rows: int
) -> Decoder | Generator:
    """What draws ``rows`` texts at a time from a model: the fast way, where its architecture is known."""
    if Decoder.knows(model):
        return Decoder(model, language, beta, truncation, rows)
    return Generator(model, language, beta, truncation)


def draws(
    model: PreTrainedModel,
    language: Language,
    beta: float,
    truncation: Truncation,
    *,
    n: int,
    seed: int,
    batch: int,
    start: int = 0,
    source: Decoder | Generator | None = None,
    before: int = 0,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Texts ``start`` to ``start + n`` of a seed, batch by batch: tokens ``(B, width)`` and their log-probability
    ``(B,)`` in nats under the distribution that was drawn from.

    Args:
        before: texts that were drawn with other seeds before the first one of this, which take their turns of prompts.
        source: a ``drawer`` of this model that was made before, with at least as many rows; None makes one.

    Raises:
        ValueError: if n, batch or seed is out of range, or beta is 0.
    """
    check_draws(n, seed, start, batch)
    batch = min(n, batch)
    if beta == 0:
        raise ValueError(
            f"cannot sample at beta = 0: that is the uniform language, in which each of the {language.vocabulary} "
            "tokens is equally likely at every place and texts mean nothing; use beta > 0 (1 is the model itself)"
        )
    rng = np.random.default_rng(seed)
    rng.bit_generator.advance(start * language.length)
    truncation.check()
    source = source or drawer(model, language, beta, truncation, batch)
    with tqdm(total=n * language.length, unit=" tokens", unit_scale=True, delay=2, leave=False) as bar:
        for i in range(0, n, batch):
            u = rng.random((min(batch, n - i), language.length))
            number = language.turns(before + start + i, len(u))
            texts, log_prob = source.draw(u, number, bar)
            yield language.join(number, texts), log_prob
