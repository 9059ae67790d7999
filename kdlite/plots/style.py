"""The style of the book's figures: its colours, its lines, and an empty figure.

Knows matplotlib; knows nothing of what is drawn.
"""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from kdlite.checks import check_integer, check_number

# One colour for each of the four distributions, from the Okabe-Ito set: told apart by the colour-blind,
# and each paired with a line style of its own.
COLOURS = {"truth": "#4d4d4d", "teacher": "#0072B2", "student": "#D55E00", "direct": "#009E73"}
LINES = {"truth": ":", "teacher": "-.", "student": "-", "direct": "--"}
SHADES = ("#56B4E9", "#E69F00", "#CC79A7", "#000000")  # of quantities and settings: none of the four above
HEAT = LinearSegmentedColormap.from_list("truth", ["#ffffff", COLOURS["truth"]])
_MOST = 100  # panels in a row or a column
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
    """An empty figure in the style of the book and its axes, shape ``(rows, columns)``.

    Raises:
        ValueError: for what cannot be drawn, naming it.
    """
    for name, n in (("columns", columns), ("rows", rows)):
        check_integer(name, n, 1, "a figure has at least one panel", most=_MOST)
    for name, inches in (("width", width), ("height", height)):
        check_number(name, inches, "inches from 0.1 to 100", lambda v: 0.1 <= v <= 100, "4 suits a page")
    with mpl.rc_context(_STYLE):
        fig, axes = plt.subplots(
            rows, columns, figsize=(width * columns, height * rows), layout="constrained", squeeze=False
        )
    plt.close(fig)  # the caller shows it; pyplot would show it once more
    return fig, axes
