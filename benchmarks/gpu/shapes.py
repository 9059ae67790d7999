"""The models of the GPU's steps: SmolLM2's shapes with random weights, or the real smallest one from a folder.

Knows shapes, devices and scales; knows nothing of what is measured.
"""

from argparse import Namespace

import torch

from kdlite.lm import SHAPES, Language, LanguageModel, Shape, load, new

TINY = Shape(64, 2, 4, 2, 128)
VOCABULARY = {"full": 49_152, "tiny": 512}
LENGTH = {"full": 511, "tiny": 24}


def language(asked: Namespace, length: int | None = None) -> Language:
    """Of random weights: no text ends early, so that work is known."""
    return Language(VOCABULARY[asked.scale], length or LENGTH[asked.scale], prompt=(504,))


def model(asked: Namespace, name: str, dtype: torch.dtype, length: int | None = None) -> LanguageModel:
    """A model of SmolLM2's shape, made where it will be, which takes a GPU no time; at scale tiny all are small."""
    if asked.scale == "tiny":  # the same on every device
        return new(TINY, language(asked, length), seed=0).to(asked.device, dtype)
    with torch.device(asked.device):
        return new(SHAPES[f"SmolLM2-{name}"], language(asked, length)).to(asked.device, dtype)


def real(asked: Namespace, dtype: torch.dtype, length: int) -> LanguageModel:
    """The weights of the folder where one is named; random ones spread what they say too evenly to be a hard case."""
    if asked.weights is None:
        return model(asked, "135M", dtype, length)
    return load(asked.weights, prompt=(504,), length=length, device=asked.device, dtype=dtype)
