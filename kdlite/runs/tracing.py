"""What a pass costs, from carrying out the very pass on tensors that have a shape and no content (torch's meta device).

Knows the passes of sampling, training and scoring; knows nothing of profiles, nor of how fast a device is. A full-size
model fits together, shape for shape, if its passes go through here.
"""

import weakref
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.fx.experimental import _config as meta
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, flop_registry
from transformers import AttentionInterface, PreTrainedModel

from kdlite.lm.architecture import Shape, new
from kdlite.lm.next_token import Truncation
from kdlite.lm.sampling import Decoder
from kdlite.lm.scoring import TokenLoss, score_tokens
from kdlite.texts.language import Language

# The attention of every run, under a name that transformers makes no mask for: to make one it looks at values.
AttentionInterface.register("unmasked", AttentionInterface()["sdpa"])
_MOMENTS = 2  # of each parameter that AdamW keeps


class Cost(NamedTuple):
    """What one pass takes."""

    operations: float  # multiplications and additions in matrix products, as torch's flop counter counts them
    bytes: float  # that the products read and write: weights, cache, activations
    memory: float  # bytes held at the busiest moment, weights among them


@cache
def parameters(shape: Shape, language: Language) -> int:
    """Parameters of a model."""
    return sum(p.numel() for p in _model(shape, language, torch.float32).parameters())


@cache
def drawing(shape: Shape, language: Language, rows: int, dtype: torch.dtype) -> Cost:
    """Drawing ``rows`` texts at once, each to its full length. All of the prompt but its last token is left out."""
    model = _model(shape, language, dtype)
    decoder = Decoder(model, language, 1.0, Truncation(), rows)
    steps, spans = zip(*((len(steps), span) for steps, span in decoder.looks()), strict=True)
    held = [*model.parameters(), *decoder.buffers()]
    first, last = (_trace(lambda span=span: decoder.step(rows, span), held) for span in (spans[0], spans[-1]))
    # Attention alone depends on the span, and in proportion to it: between the two the cost is on a line.
    late = sum(n * (span - spans[0]) for n, span in zip(steps, spans, strict=True)) / max(
        1, spans[-1] - spans[0]
    )
    early = sum(steps) - late
    return Cost(*(early * a + late * b for a, b in zip(first, last, strict=True)))._replace(
        memory=last.memory
    )


@cache
def fitting(shape: Shape, language: Language, rows: int, train_embeddings: bool) -> Cost:
    """Loss and gradient of ``rows`` texts of full length. The memory holds AdamW's moments and the gradient of the passes
    before.
    """
    model = _model(shape, language, torch.float32).requires_grad_(True)
    model.get_input_embeddings().weight.requires_grad_(train_embeddings)
    trained = [p for p in model.parameters() if p.requires_grad]
    for p in trained:
        p.grad = torch.zeros_like(p)
    loss, inputs = TokenLoss(model, language.begin), _rows(language, rows)
    cost = _trace(
        lambda: loss(*inputs).backward(), [*model.parameters(), *(p.grad for p in trained), *inputs]
    )
    return cost._replace(memory=cost.memory + _MOMENTS * sum(p.nbytes for p in trained))


@cache
def validating(shape: Shape, language: Language, rows: int) -> Cost:
    """Loss of ``rows`` texts of full length, while a model learns. Its memory is less than that of ``fitting``."""
    model, inputs = _model(shape, language, torch.float32), _rows(language, rows)
    loss = TokenLoss(model.requires_grad_(True), language.begin)
    return _trace(torch.no_grad()(lambda: loss(*inputs)), [*model.parameters(), *inputs])


@cache
def reading(shape: Shape, language: Language, rows: int, dtype: torch.dtype) -> Cost:
    """Scoring ``rows`` texts of full length."""
    model, (ids, targets, *_) = _model(shape, language, dtype), _rows(language, rows)
    return _trace(
        lambda: score_tokens(model, ids, targets, begin=language.begin), [*model.parameters(), ids, targets]
    )


def _model(shape: Shape, language: Language, dtype: torch.dtype) -> PreTrainedModel:
    with torch.device("meta"):
        model = new(shape, language).model.to(dtype)
    model.set_attn_implementation("unmasked")
    return model


def _rows(language: Language, rows: int) -> list[Tensor]:
    """Arguments of the loss."""
    width = len(language.prompt) + language.length - 1
    ids = torch.zeros(rows, width, dtype=torch.long, device="meta")
    return [ids, ids.clone(), ids.clone(), torch.ones(rows, 1, width, width, dtype=torch.bool, device="meta")]


def _trace(work: Callable[[], Any], held: Iterable[Tensor]) -> Cost:
    """The cost of carrying out ``work``, whose weights and inputs are ``held`` all the while."""
    ledger = _Ledger(held)
    whole = meta.patch(meta_nonzero_assume_all_nonzero=True)  # every position has a target
    with whole, FlopCounterMode(display=False) as counter, ledger:
        work()
    return Cost(counter.get_total_flops(), ledger.bytes, ledger.most)


class _Ledger(TorchDispatchMode):
    """Writes down what torch's flop counter does not: bytes that products move, and the memory that is held."""

    def __init__(self, held: Iterable[Tensor]) -> None:
        super().__init__()
        self.bytes = self.most = self._now = 0
        self._storages: dict[int, weakref.ref] = {}
        for tensor in held:
            self._hold(tensor)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        tensors = [value for value in tree_leaves((args, kwargs, out)) if isinstance(value, Tensor)]
        if func.overloadpacket in flop_registry:
            self.bytes += sum(tensor.nbytes for tensor in tensors)
        for tensor in tensors:
            self._hold(tensor)
        return out

    def _hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._storages:
            self._storages[key] = weakref.ref(storage, lambda _: self._drop(key, size))
            self._now += size
            self.most = max(self.most, self._now)

    def _drop(self, key: int, size: int) -> None:
        del self._storages[key]
        self._now -= size
