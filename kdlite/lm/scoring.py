"""Log-likelihood of given tokens under a causal language model, a chunk of positions at a time.

Knows inputs, targets and logits; knows nothing of texts on disk or of optimisers. The logits of a whole batch,
(B, T, V) in float32, are never held at once: at a vocabulary of 49,152 they would outweigh the model.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from kdlite.lm.decoder import Decoder
from kdlite.lm.modules import evaluating
from kdlite.lm.next_token import WHOLE, Truncation, temper

# Logits held at a time: on a GPU enough to keep it busy; on a processor what is gone over several times stays in its cache.
_CHUNK, _CACHED = 1 << 27, 1 << 20
IGNORED = -1  # target of a position that is not scored


class Scored(NamedTuple):
    """What one pass of a model over B texts gives."""

    log_prob: Tensor  # (B, T), float32: nats of each target at temperature 1/beta; 0 where ignored
    state: Tensor  # (B, H), float32: mean of the last hidden states, from which the targets are predicted


def score_tokens(
    model: PreTrainedModel,
    ids: Tensor,
    targets: Tensor,
    *,
    beta: float = 1.0,
    begin: int | None = None,
    truncation: Truncation = WHOLE,
) -> Scored:
    """Score each target, and say where each text lies in the model's own space.

    Args:
        ids: input tokens, shape ``(B, T)``; padding, if any, on the right.
        targets: the token to score at each position, shape ``(B, T)``, or ``IGNORED``.
        beta: inverse temperature.
        begin, truncation: what is left out, place by place.
    """
    keep = targets != IGNORED
    log_prob = torch.zeros(targets.shape, device=ids.device)

    def nats(logits: Tensor, wanted: Tensor) -> Tensor:
        logits = truncation.apply(temper(logits, beta, begin))
        return logits.log_softmax(dim=-1).gather(1, wanted[:, None])[:, 0]

    with evaluating(model):
        if Decoder.knows(model):
            hidden = model.model(ids, use_cache=False).last_hidden_state
            size = _places(model.config.vocab_size, ids.device)
            parts = zip(hidden[keep].split(size), targets[keep].split(size), strict=True)
            log_prob[keep] = torch.cat([nats(model.lm_head(h), wanted) for h, wanted in parts])
            return Scored(log_prob, _mean(hidden, keep))
        states = []  # the head may do more than one product: the model's own logits, a row at a time
        for i, (row, kept) in enumerate(zip(ids, keep, strict=True)):
            out = model(row[None], use_cache=False, output_hidden_states=True)
            log_prob[i, kept] = nats(out.logits[0, kept], targets[i, kept])
            states.append(_mean(out.hidden_states[-1], kept[None]))
        return Scored(log_prob, torch.cat(states))


def _places(vocabulary: int, device: torch.device) -> int:
    """Places whose logits are held at a time; enough for a product with the head to be worth reading the head."""
    most = max(1, _CHUNK // vocabulary)
    return most if device.type != "cpu" else min(most, max(256, _CACHED // vocabulary))


def _mean(hidden: Tensor, keep: Tensor) -> Tensor:
    """Mean of the kept positions of hidden states ``(B, T, H)``."""
    weight = keep.float() / keep.sum(dim=1, keepdim=True).clamp(min=1)
    return (weight[:, None] @ hidden.float())[:, 0]


class TokenLoss(nn.Module):
    """What training minimises: minus the log-likelihood in nats, summed over the targets.

    A module, so that data parallelism can wrap it.
    """

    def __init__(self, model: PreTrainedModel, begin: int | None) -> None:
        super().__init__()
        self.model, self.begin = model, begin

    def forward(self, ids: Tensor, targets: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """A scalar of ids, targets (or ``IGNORED``) and positions, each ``(B, T)``, and a mask ``(B, 1, T, T)``, as
        ``packing.Rows`` has them: a row may hold several texts.
        """
        keep = targets != IGNORED
        wanted = targets[keep]
        return HeadLoss.apply(
            *outputs(self.model, ids, positions, mask, keep),
            self.begin,
            lambda logits, part: _cross_entropy(logits, wanted[part]),
        )


def outputs(
    model: PreTrainedModel, ids: Tensor, positions: Tensor, mask: Tensor, keep: Tensor
) -> tuple[Tensor, Tensor | None]:
    """What the logits of N kept places are made from: hidden states ``(N, H)`` and the head's weight ``(V, H)``, or,
    where the architecture is not known, the logits ``(N, V)`` themselves and None. Inputs as those of ``TokenLoss``.
    """
    if model.config._attn_implementation == "eager":  # adds the mask to the scores
        mask = torch.zeros(mask.shape, device=mask.device).masked_fill_(~mask, -math.inf)
    inputs = {"attention_mask": mask, "position_ids": positions, "use_cache": False}
    if not Decoder.knows(model):
        return model(ids, **inputs).logits[keep], None
    head = model.lm_head.weight
    if not torch.is_grad_enabled():
        head = head.detach()  # else its gradient is made along with the loss
    return model.model(ids, **inputs).last_hidden_state[keep], head


def project(hidden: Tensor, weight: Tensor | None, beta: float, begin: int | None) -> Tensor:
    """Logits ``(n, V)`` at temperature 1/beta, in float32, of some of the ``outputs``."""
    return temper(hidden.clone() if weight is None else F.linear(hidden, weight), beta, begin)


def _cross_entropy(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Nats of each target, and their gradient by the logits ``(n, V)``, which it overwrites."""
    picked = logits.gather(1, targets[:, None])
    p = logits.exp_()
    total = p.sum(dim=1, keepdim=True)
    value = total.log() - picked
    return value, p.div_(total).scatter_add_(1, targets[:, None], torch.full_like(picked, -1.0))


class HeadLoss(torch.autograd.Function):
    """A sum over places of a function of their logits. The gradient is made along with the loss, chunk by chunk,
    while the logits are at hand: they are computed once, and never kept.
    """

    @staticmethod
    def forward(ctx, hidden: Tensor, weight: Tensor | None, begin: int | None, of: Callable) -> Tensor:
        """A scalar of ``outputs`` hidden (N, H) and weight (V, H): ``of`` gives value and gradient of logits (n, V),
        which are those of the given slice of the N places.
        """
        wants_hidden, wants_weight = ctx.needs_input_grad[:2]
        by_hidden = torch.empty_like(hidden) if wants_hidden else None
        by_weight = torch.zeros_like(weight) if wants_weight else None
        loss = hidden.new_zeros((), dtype=torch.float64)
        size = _places(hidden.shape[1] if weight is None else len(weight), hidden.device)
        for i in range(0, len(hidden), size):
            part = slice(i, i + size)
            h = hidden[part]
            value, gradient = of(project(h, weight, 1.0, begin), part)
            loss += value.sum()
            gradient = gradient.to(h.dtype)
            if wants_hidden:
                by_hidden[part] = gradient if weight is None else gradient @ weight
            if wants_weight:
                by_weight += gradient.T @ h
        ctx.save_for_backward(by_hidden, by_weight)
        return loss.float()

    @staticmethod
    def backward(ctx, upstream: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """The gradients that the forward pass has found, times what comes from above."""
        return *(None if slope is None else slope * upstream for slope in ctx.saved_tensors), None, None
