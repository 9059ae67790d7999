"""Architectures: those of the paper by name, new models of one from scratch, and shallower copies.

Knows layers and sizes; knows nothing of texts.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)

from kdlite.checks import check_integer, check_kind, check_number, check_seed, show
from kdlite.lm.model import LanguageModel
from kdlite.lm.modules import frozen
from kdlite.texts.language import Language


@dataclass(frozen=True)
class Shape:
    """The architecture of a Llama-shaped model with tied embeddings."""

    hidden: int
    layers: int
    heads: int
    key_heads: int
    mlp: int
    rope_base: float = 10_000.0
    positions: int = 2048

    def __post_init__(self) -> None:
        for name in ("hidden", "layers", "heads", "key_heads", "mlp", "positions"):
            check_integer(name, getattr(self, name), 1, "a model has at least one of each")
        check_number("rope_base", self.rope_base, "a finite number > 0", lambda v: v > 0, "10000 is usual")
        if self.hidden % self.heads or self.heads % self.key_heads:
            raise ValueError(
                f"heads must divide hidden, and key_heads heads, got {self.hidden}, {self.heads} and "
                f"{self.key_heads}; change one"
            )
        if self.hidden // self.heads % 2:
            raise ValueError(
                f"rotary positions turn pairs, so hidden / heads must be even, got {self.hidden} / {self.heads}; change one"
            )


# From the models' published configurations.
SHAPES = {
    "SmolLM2-1.7B": Shape(2048, 24, 32, 32, 8192, rope_base=130_000, positions=8192),
    "SmolLM2-360M": Shape(960, 32, 15, 5, 2560, rope_base=100_000, positions=8192),
    "SmolLM2-135M": Shape(576, 30, 9, 3, 1536, rope_base=100_000, positions=8192),
}


def shape_of(config: PreTrainedConfig) -> Shape:
    """The shape of a Llama with the sizes of a model, whatever its architecture: near enough for what it costs."""
    heads = getattr(config, "num_attention_heads", None) or 1
    key_heads = getattr(config, "num_key_value_heads", None) or heads
    mlp = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    return Shape(config.hidden_size, config.num_hidden_layers, heads, key_heads, mlp)


def find_shape(shape: str | Shape) -> Shape:
    """A shape, by its name if it has one.

    Raises:
        ValueError: for an unknown name, or what is no shape.
    """
    if not isinstance(shape, str | Shape) or (isinstance(shape, str) and shape not in SHAPES):
        raise ValueError(f"unknown shape {show(shape)}; known are {', '.join(SHAPES)}, or pass a Shape")
    return SHAPES[shape] if isinstance(shape, str) else shape


def new(
    shape: str | Shape,
    language: Language,
    *,
    seed: int = 0,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> LanguageModel:
    """A model from scratch: every parameter, the norms included, is newly made from the seed.

    Matrices are normal with standard deviation ``hidden ** -0.5``, SmolLM2-135M's own; norms are ones.

    Raises:
        ValueError: for an unknown shape, or a language that the shape cannot hold.
    """
    shape = find_shape(shape)
    check_kind("language", language, Language, "say what the model's ids mean")
    config = LlamaConfig(
        vocab_size=language.embeddings,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        intermediate_size=shape.mlp,
        max_position_embeddings=shape.positions,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_base},
        initializer_range=shape.hidden**-0.5,
        tie_word_embeddings=True,
        bos_token_id=language.begin,
        eos_token_id=language.eos,
        pad_token_id=None,
        dtype=torch.float32,
    )
    with torch.random.fork_rng(devices=[]):  # the global generator stays where it is
        torch.default_generator.manual_seed(check_seed(seed))  # torch.manual_seed would seed GPUs too
        model = LlamaForCausalLM(config)
    return LanguageModel(frozen(model), language, tokenizer)


def prune(model: LanguageModel, layers: int | Sequence[int]) -> LanguageModel:
    """A copy of a model with fewer layers.

    Args:
        model: is left as it is.
        layers: which layers stay, by index; or how many: then as many of the first as of the last. Of SmolLM2-135M-
            Instruct's 30 layers 24 chosen so leave -4.5 nats per token on its own texts, evenly spread ones -6.0
            (whole: -3.7); 12 after a pass over 256 texts -5.7, evenly spread ones -6.2.

    Raises:
        ValueError: if its layers are not one stack, or it has no such layers.
    """
    check_kind("model", model, LanguageModel, "pass one that new or load made")
    pruned = frozen(copy.deepcopy(model.model))
    depth = pruned.config.num_hidden_layers
    stacks = [m for m in pruned.modules() if isinstance(m, nn.ModuleList) and len(m) == depth]
    if len(stacks) != 1:
        raise ValueError(
            f"cannot prune a {type(pruned).__name__}: it has {len(stacks)} lists of {depth} modules; pass a model "
            "whose layers are one"
        )
    whole = isinstance(layers, int | np.integer) and not isinstance(layers, bool)
    kept = (
        _kept(depth, min(int(layers), depth + 1)) if whole else list(layers) if _are_indices(layers) else []
    )
    if not kept or sorted(set(kept)) != kept or kept[0] < 0 or kept[-1] >= depth:
        raise ValueError(
            f"layers must be between 1 and {depth}, or rising indices below {depth}, got {show(layers)}; keep fewer"
        )
    for i in sorted(set(range(depth)) - set(kept), reverse=True):
        del stacks[0][i]
    for i, layer in enumerate(stacks[0]):
        for part in layer.modules():
            if hasattr(part, "layer_idx"):  # its place in the cache
                part.layer_idx = i
    if types := getattr(pruned.config, "layer_types", None):
        pruned.config.layer_types = [types[i] for i in kept]
    pruned.config.num_hidden_layers = len(kept)
    return replace(model, model=pruned)


def _are_indices(layers: object) -> bool:
    several = isinstance(layers, Sequence | np.ndarray) and not isinstance(layers, str)
    return several and all(isinstance(i, int | np.integer) and not isinstance(i, bool) for i in layers)


def _kept(depth: int, n: int) -> list[int]:
    """The first and the last n / 2 layers."""
    first = n - n // 2
    return [*range(first), *range(depth - n // 2, depth)]
