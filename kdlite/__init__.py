"""Why does knowledge distillation work in generative models? Precision, recall and one entropy knob."""

from kdlite.advice import TauChoice, choose_tau, samples_needed
from kdlite.distribution import Distribution, Estimate, precision, recall
from kdlite.frontier import Curve, Frontier
from kdlite.mixtures import examples as examples
from kdlite.mixtures.divergences import forward_kl, jensen_shannon, minimise, reverse_kl
from kdlite.mixtures.em import fit_mixture, fit_mixtures
from kdlite.mixtures.mixture import GaussianMixture
from kdlite.mixtures.sweep import Sizes, Sweep, sweep

__version__ = "0.2.0"
__all__ = [
    "Curve",
    "Distribution",
    "Estimate",
    "Explorer",
    "Frontier",
    "GaussianMixture",
    "Sizes",
    "Sweep",
    "TauChoice",
    "choose_tau",
    "fit_mixture",
    "fit_mixtures",
    "forward_kl",
    "jensen_shannon",
    "minimise",
    "precision",
    "recall",
    "reverse_kl",
    "samples_needed",
    "sweep",
]


def __getattr__(name: str) -> type:
    if name == "Explorer":  # anywidget takes longer to import than the rest of the package together
        from kdlite.explorer import Explorer

        return Explorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
