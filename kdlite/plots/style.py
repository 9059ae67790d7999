"""The style of the book's figures: its colours, its lines, and an empty figure.

Knows matplotlib; knows nothing of what is drawn.
"""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

# One colour for each of the four distributions, from the Okabe-Ito set: told apart by the colour-blind,
# and each paired with a line style of its own.
COLOURS = {"truth": "#4d4d4d", "teacher": "#0072B2", "student": "#D55E00", "direct": "#009E73"}
LINES = {"truth": ":", "teacher": "-.", "student": "-", "direct": "--"}
CURVES = {  # of a frontier: whose colour and line they have, and what they are called
    "distilled": ("student", "distilled student"),
    "cooled": ("direct", "direct student, cooled"),
    "teacher": ("teacher", "sharpened teacher"),
}
SHADES = ("#56B4E9", "#E69F00", "#CC79A7", "#000000")  # of quantities and settings: none of the four above
HEAT = LinearSegmentedColormap.from_list("truth", ["#ffffff", COLOURS["truth"]])
_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 160,
    "figure.facecolor": "white",
    "font.size": 10,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "savefig.facecolor": "white",
}


def figure(
    columns: int = 1, rows: int = 1, width: float = 4.2, height: float = 3.8
) -> tuple[Figure, np.ndarray]:
    """An empty figure in the style of the book and its axes, shape ``(rows, columns)``."""
    with mpl.rc_context(_STYLE):
        fig, axes = plt.subplots(
            rows, columns, figsize=(width * columns, height * rows), layout="constrained", squeeze=False
        )
    plt.close(fig)  # the caller shows it; pyplot would show it once more
    return fig, axes
