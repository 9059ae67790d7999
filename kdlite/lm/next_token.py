"""The distribution of one token: its temperature, what is left out of it, and the token that a uniform falls on.

Knows logits; knows nothing of models or of the tokens before.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from kdlite.selection import check_truncation


class Truncation(NamedTuple):
    """What to leave out of each token's distribution before drawing from the rest, renormalised.

    Applied in this order, each to what the one before has left, as Hugging Face ``generate`` does.
    """

    top_k: int | None = None  # keep the k likeliest tokens, and ties with the last of them
    top_p: float | None = None  # keep the likeliest tokens up to this probability (nucleus sampling)
    min_p: float | None = None  # keep tokens at least this fraction as likely as the likeliest

    def check(self) -> "Truncation":
        """Itself, or a ValueError for values out of range."""
        check_truncation(*self, each="token")
        return self

    def apply(self, logits: Tensor) -> Tensor:
        """Logits ``(B, V)`` with -inf where a token is left out."""
        if self.top_k is not None and self.top_k < logits.shape[1]:
            least = logits.topk(self.top_k, dim=1).values[:, -1:]
            logits = logits.masked_fill(logits < least, -math.inf)
        if self.top_p is not None and self.top_p < 1:
            ordered, index = logits.sort(dim=1, descending=True)
            p = ordered.softmax(dim=1)
            before = p.cumsum(dim=1) - p
            left_out = torch.empty_like(before, dtype=torch.bool).scatter_(1, index, before >= self.top_p)
            logits = logits.masked_fill(left_out, -math.inf)
        if self.min_p is not None:
            least = logits.amax(dim=1, keepdim=True) + math.log(self.min_p)
            logits = logits.masked_fill(logits < least, -math.inf)
        return logits


WHOLE = Truncation()  # leaves nothing out


def temper(logits: Tensor, beta: float, begin: int | None) -> Tensor:
    """float32 logits ``(..., V)`` of the language at temperature 1/beta: the largest is 0, the begin token's -inf.

    Works in place on float32 logits: at a vocabulary of 49,152 a copy costs more than the arithmetic.
    """
    logits = logits.float()
    if begin is not None:
        logits[..., begin] = -math.inf
    if beta == 0:
        return torch.where(logits == -math.inf, logits, 0.0)
    limits = torch.finfo(torch.float32)
    beta = min(max(beta, limits.tiny), limits.max)  # infinity times 0 is not a number, either way round
    logits.sub_(logits.detach().amax(dim=-1, keepdim=True))
    return logits if beta == 1 else logits.mul_(beta)


def choose(logits: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """The token that each uniform in [0, 1), shape ``(B,)``, float64, falls on, by the inverse of the cumulative softmax
    of logits ``(B, V)``, float32, the largest of each row about 0, and its log-probability. Overwrites the logits.

    Sums in two levels, blocks of tokens and then tokens of one block, in float64 above the blocks: one pass
    over the logits, and no error that grows with the vocabulary. What has -inf is never chosen.
    """
    vocabulary = logits.shape[1]
    width = 1 << (vocabulary.bit_length() + 1) // 2  # a power of two: published vocabularies need no padding
    weight = logits.exp_().T
    if vocabulary % width:
        weight = nn.functional.pad(weight, (0, 0, 0, -vocabulary % width))
    weight = weight.unflatten(0, (-1, width))  # (blocks, width, B)
    sums = weight.sum(dim=1)
    upto = sums.double().cumsum(dim=0)
    total = upto[-1]
    target = u * total
    block = _first_beyond(upto, target)
    column = torch.arange(len(u), device=u.device)
    inside = weight[block, :, column].T.double().cumsum(dim=0)  # (width, B)
    before = upto[block, column] - sums[block, column]
    # Below 0 by rounding, token 0 would always do.
    place = _first_beyond(inside, (target - before).clamp_(min=0))
    return block * width + place, weight[block, place, column].double().log() - total.log()


def _first_beyond(upto: Tensor, target: Tensor) -> Tensor:
    """Where each column of cumulative sums first passes its target; the last step of any height where rounding
    has put the target a hair above the whole sum.
    """
    return torch.minimum((upto <= target).sum(dim=0), (upto < upto[-1]).sum(dim=0))
