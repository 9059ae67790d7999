"""Language models on the same two verbs as mixtures: sample and score, sharpen, fit, prune."""

from importlib import import_module
from typing import TYPE_CHECKING

from kdlite.lm.architecture import SHAPES, Shape, new, prune
from kdlite.lm.distilling import distil
from kdlite.lm.model import LanguageModel
from kdlite.lm.recipe import Recipe
from kdlite.lm.training import fit
from kdlite.lm.weights import load
from kdlite.texts.corpus import Corpus
from kdlite.texts.language import Language
from kdlite.texts.markov import MarkovMixture
from kdlite.texts.results import Results

if TYPE_CHECKING:
    from kdlite.explorer.surprisal import Surprisal
    from kdlite.explorer.temperature import TemperatureExplorer
    from kdlite.runs.pipeline import run
    from kdlite.runs.plan import Plan, plan
    from kdlite.runs.profile import Profile

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

# What lies above this floor, and is offered here all the same. It is imported when somebody asks for it.
_ABOVE = {
    "Plan": "kdlite.runs.plan",
    "Profile": "kdlite.runs.profile",
    "Surprisal": "kdlite.explorer.surprisal",
    "TemperatureExplorer": "kdlite.explorer.temperature",
    "plan": "kdlite.runs.plan",
    "run": "kdlite.runs.pipeline",
}


def __getattr__(name: str) -> object:
    if name in _ABOVE:
        return getattr(import_module(_ABOVE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
