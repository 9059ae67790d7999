"""The truth that the chapters and the explorer share.

Knows mixtures; knows nothing of fits, sliders or pages.
"""

import numpy as np

from kdlite.mixtures.mixture import GaussianMixture

CENTRES = ((-1, 1), (0, 1), (1, 1), (-1, 0), (1, 0), (-1, -1), (0, -1), (1, -1))
VARIANCE = 0.025  # of each mode, in each direction


def ring(rate: float = 0.25) -> GaussianMixture:
    """Eight round modes around an empty middle, with weights proportional to exp(-rate * rank).

    ``rate=0``, equal weights, is the truth of Cha & Cho (2025), section 4.
    """
    weights = np.exp(-rate * np.arange(len(CENTRES)))
    return GaussianMixture(weights / weights.sum(), CENTRES, [VARIANCE * np.eye(2)] * len(CENTRES))
