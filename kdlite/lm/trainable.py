"""What training asks of an architecture: to keep the texts of a row apart, and, where it is wanted, to keep less in memory.

Knows modules and rows; knows nothing of losses or optimisers.
"""

from functools import partial

import torch
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from kdlite.checks import one_line
from kdlite.lm.model import LanguageModel
from kdlite.lm.packing import pack
from kdlite.lm.sampling import Decoder
from kdlite.lm.scoring import TokenLoss


def check_apart(model: LanguageModel) -> None:
    """Nothing, or a ValueError for an architecture in which texts that share a row see one another, or see less than they
    do alone: it would learn something else without a word.
    """
    if Decoder.knows(model.model):
        return
    model, name, language = model.to(dtype=torch.float32), type(model.model).__name__, model.language
    tokens = model.sample(4, 0)
    if language.eos is not None:  # one as long as may be, and short ones, which share a row
        texts, other = tokens[:, -language.length :], {0, 1, 2} - {language.eos, language.begin}
        texts[0, texts[0] == language.eos] = min(other)
        texts[1:, 1:] = language.eos
    rows = pack(tokens, language)
    arrays = (rows.ids, rows.targets, rows.positions, rows.mask())
    tensors = (torch.from_numpy(array).to(model.model.device) for array in arrays)
    try:
        with torch.no_grad():
            packed = float(TokenLoss(model.model, language.begin)(*tensors))
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"a {name} cannot be trained here: it takes no mask of ours ({one_line(error)})"
        ) from error
    alone = -float(model.log_prob(tokens).sum())
    if abs(packed - alone) > 1e-3 * max(1.0, alone):
        raise ValueError(
            f"a {name} cannot be trained here: texts that share a row would not be read as they are alone "
            f"({packed:.4f} nats, not {alone:.4f}); its window may be shorter than a text, or it has no attention to mask"
        )


def recompute(module: PreTrainedModel) -> None:
    """Have each layer compute its activations again when its gradient is made, rather than keep them. Transformers' own
    switch works on modules in training mode alone, in which dropout is on.

    Raises:
        ValueError: for an architecture whose layers do not say so.
    """
    layers = [part for part in module.modules() if isinstance(part, GradientCheckpointingLayer)]
    if not layers:
        raise ValueError(
            f"gradient_checkpointing has no layers to work on in a {type(module).__name__}; leave it off"
        )
    for layer in layers:
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False)
