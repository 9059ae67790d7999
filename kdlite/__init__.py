"""Why does knowledge distillation work in generative models? Precision, recall and one entropy knob."""

from kdlite.distribution import Distribution, Estimate, precision, recall
from kdlite.em import fit_mixture, fit_mixtures
from kdlite.mixture import GaussianMixture
from kdlite.sweep import Curve, Sizes, Sweep, sweep

__version__ = "0.1.0"
__all__ = [
    "Curve",
    "Distribution",
    "Estimate",
    "GaussianMixture",
    "Sizes",
    "Sweep",
    "fit_mixture",
    "fit_mixtures",
    "precision",
    "recall",
    "sweep",
]
