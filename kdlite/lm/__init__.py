"""Language models on the same two verbs as mixtures: sample and score, sharpen, fit, prune."""

from kdlite.lm.architecture import SHAPES, Shape, new, prune
from kdlite.lm.corpus import Corpus
from kdlite.lm.distilling import distil
from kdlite.lm.language import Language
from kdlite.lm.markov import MarkovMixture
from kdlite.lm.model import LanguageModel
from kdlite.lm.pipeline import run
from kdlite.lm.plan import Plan, plan
from kdlite.lm.profile import Profile
from kdlite.lm.recipe import Recipe
from kdlite.lm.results import Results
from kdlite.lm.surprisal import Surprisal
from kdlite.lm.training import fit
from kdlite.lm.weights import load

__all__ = [
    "SHAPES",
    "Corpus",
    "Language",
    "LanguageModel",
    "MarkovMixture",
    "Plan",
    "Profile",
    "Recipe",
    "Results",
    "Shape",
    "Surprisal",
    "TemperatureExplorer",
    "distil",
    "fit",
    "load",
    "new",
    "plan",
    "prune",
    "run",
]


def __getattr__(name: str) -> type:
    if name == "TemperatureExplorer":  # anywidget is slow to import
        from kdlite.lm.explorer import TemperatureExplorer

        return TemperatureExplorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
