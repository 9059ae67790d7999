"""Language models on the same two verbs as mixtures: sample and score, sharpen, fit, prune.

A name is imported when somebody asks for it: some lie above this floor, and what needs no torch does not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kdlite.explorer.surprisal import Surprisal
    from kdlite.explorer.temperature import TemperatureExplorer
    from kdlite.lm.architecture import SHAPES, Shape, new, prune
    from kdlite.lm.distilling import distil
    from kdlite.lm.model import LanguageModel
    from kdlite.lm.recipe import Recipe
    from kdlite.lm.training import fit
    from kdlite.lm.weights import load
    from kdlite.runs.pipeline import run
    from kdlite.runs.plan import Plan, plan
    from kdlite.runs.profile import Profile
    from kdlite.texts.corpus import Corpus
    from kdlite.texts.language import Language
    from kdlite.texts.markov import MarkovMixture
    from kdlite.texts.prompts import Prompts
    from kdlite.texts.results import Results

__all__ = [
    "SHAPES",
    "Corpus",
    "Language",
    "LanguageModel",
    "MarkovMixture",
    "Plan",
    "Profile",
    "Prompts",
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

_HOMES = {
    "SHAPES": "kdlite.lm.architecture",
    "Corpus": "kdlite.texts.corpus",
    "Language": "kdlite.texts.language",
    "LanguageModel": "kdlite.lm.model",
    "MarkovMixture": "kdlite.texts.markov",
    "Plan": "kdlite.runs.plan",
    "Profile": "kdlite.runs.profile",
    "Prompts": "kdlite.texts.prompts",
    "Recipe": "kdlite.lm.recipe",
    "Results": "kdlite.texts.results",
    "Shape": "kdlite.lm.architecture",
    "Surprisal": "kdlite.explorer.surprisal",
    "TemperatureExplorer": "kdlite.explorer.temperature",
    "distil": "kdlite.lm.distilling",
    "fit": "kdlite.lm.training",
    "load": "kdlite.lm.weights",
    "new": "kdlite.lm.architecture",
    "plan": "kdlite.runs.plan",
    "prune": "kdlite.lm.architecture",
    "run": "kdlite.runs.pipeline",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        try:
            return getattr(import_module(_HOMES[name]), name)
        except ModuleNotFoundError as error:
            error.add_note("pip install 'kdlite[lm]' brings what language models need")
            raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
