"""Language models on the same two verbs as mixtures: sample and score, sharpen, fit, prune."""

from kdlite.lm.language import Language
from kdlite.lm.markov import MarkovMixture
from kdlite.lm.model import SHAPES, LanguageModel, Shape, new, prune

__all__ = ["SHAPES", "Language", "LanguageModel", "MarkovMixture", "Shape", "new", "prune"]
