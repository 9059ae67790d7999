"""Language models on the same two verbs as mixtures: sample and score, sharpen, fit, prune."""

from kdlite.lm.corpus import Corpus
from kdlite.lm.language import Language
from kdlite.lm.markov import MarkovMixture
from kdlite.lm.model import SHAPES, LanguageModel, Shape, new, prune
from kdlite.lm.training import Recipe, fit

__all__ = [
    "SHAPES",
    "Corpus",
    "Language",
    "LanguageModel",
    "MarkovMixture",
    "Recipe",
    "Shape",
    "fit",
    "new",
    "prune",
]
