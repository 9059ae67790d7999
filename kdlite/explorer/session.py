"""What the explorer asks while a reader changes the truth, and the answers: plain messages, however they travel.

Knows questions, their limits and what is asked next of the same truth; knows nothing of widgets, kernels or workers.

A question is a dict of plain values: "id"; "kind", one of ``ANSWERS``; "truth", a list of modes, each weight, mean x,
mean y, covariance xx, xy, yy; "profile", its name; "teacher_components"; "student_components"; and for a fit "betas",
for runs one "beta". The answer is a dict with the same "id" and "kind" and the "name" of what the bytes beside it are: a
Family of this one setting, or of "runs" of the paper's sampled recipe at it. What cannot be answered is of the kind
"refused", with a "reason" and no bytes.
"""

import numpy as np

from kdlite.checks import check_array, check_beta, check_each, check_integer, check_kind, one_line, show
from kdlite.explorer.family import sampled_runs
from kdlite.explorer.live import Fits
from kdlite.explorer.storage import Family, to_mixture
from kdlite.mixtures.mixture import GaussianMixture

# Kinds of questions, and under which name the page keeps the answer.
ANSWERS = {"fit": "answer", "runs": "cloud"}
_MODES, _COMPONENTS, _BETAS = 24, 12, 100  # at most, so that an answer is a matter of seconds
_FARTHEST = 100.0
_WIDTHS = 0.01, 100.0  # standard deviations of a mode, along its axes
_LIGHTEST = 1e-6  # of all weights
_BATCH = 20  # runs an answer
_MOST_RUNS = 1000


class Session:
    """Answers the questions of one explorer. Fits start from those of the last question, runs add up."""

    def __init__(self) -> None:
        self._fits = Fits()
        self._runs: dict[str, np.ndarray] = {}
        self._seeds_drawn = 0

    def reply(self, question: object) -> tuple[dict, bytes]:
        """The answer to a question, see the module. Never raises for what is asked."""
        asked = question if isinstance(question, dict) else {}
        try:
            found = self._answer(asked).to_bytes()
        except ValueError as error:
            return {"id": str(asked.get("id")), "kind": "refused", "reason": one_line(error)}, b""
        kind = asked["kind"]
        return {"id": str(asked["id"]), "kind": kind, "name": ANSWERS[kind]}, found

    def _answer(self, question: dict) -> Family:
        kind, truth = question.get("kind"), truth_of(question.get("truth"))
        if kind not in list(ANSWERS):
            raise ValueError(
                f"a question must be of a kind among {list(ANSWERS)}, got {show(kind)}; ask one of these"
            )
        check_kind("id", question.get("id"), str, "the answer bears it")
        setting = {"profile": question.get("profile")}
        check_kind("profile", setting["profile"], str, "it is the name of the truth")
        for name in ("teacher_components", "student_components"):
            setting[name] = check_integer(
                name, question.get(name), 1, "a mixture has a few components", most=_COMPONENTS
            )
        header = {"question": question["id"], "modes": question["truth"]}
        if kind == "fit":
            betas = [
                check_beta(b) for b in check_each("betas", question.get("betas"), "[1.0] is the shortest")
            ]
            check_integer("the number of betas", len(betas), 1, "ask for fewer at a time", most=_BETAS)
            found = self._fits.fit(truth, setting, betas)
            return Family(found.header | header, found.arrays)
        at = {**setting, "beta": check_beta(question.get("beta")), "modes": question["truth"]}
        return Family(header | {"runs": at}, {"runs": self._more_runs(truth, at)})

    def _more_runs(self, truth: GaussianMixture, at: dict) -> np.ndarray:
        """The runs at this setting so far, ``(R, 4)``, with some more of seeds that were not drawn before."""
        so_far = self._runs.get(str(at), np.empty((0, 4)))
        if len(so_far) < _MOST_RUNS:
            seeds = range(self._seeds_drawn, self._seeds_drawn + _BATCH)
            setting = {name: at[name] for name in ("teacher_components", "student_components", "beta")}
            so_far = np.concatenate([so_far, sampled_runs(truth, **setting, seeds=seeds)])
            self._seeds_drawn += _BATCH
        self._runs = {str(at): so_far}
        return so_far


def truth_of(modes: object) -> GaussianMixture:
    """The mixture that a list of modes describes, each weight, mean x, mean y, covariance xx, xy, yy; weights are
    divided by their sum.

    Raises:
        ValueError: for too many modes, or one that is not in the plane, too light, too narrow or too wide.
    """
    rows = check_each("truth", modes, "send a list of modes, each of six numbers")
    check_integer("the number of modes", len(rows), 1, "show a few", most=_MODES)
    rows = check_array("truth", rows, 1e6)
    if rows.shape != (len(rows), 6):
        raise ValueError(f"a mode is six numbers, got shape {rows.shape}; send weight, x, y, xx, xy, yy")
    if np.abs(rows[:, 1:3]).max() > _FARTHEST:
        raise ValueError(
            f"modes must lie within {_FARTHEST:g} of the middle, got {show(rows[:, 1:3].tolist())}; move them closer"
        )
    total = rows[:, 0].sum()
    if not rows[:, 0].min() >= _LIGHTEST * total > 0:
        raise ValueError(
            f"weights must be > 0, each at least {_LIGHTEST:g} of all, got {show(rows[:, 0].tolist())}; leave a mode out"
        )
    # In float64, and its eigenvalues by hand: a covariance that is none has one below 0.
    middle, spread = (rows[:, 3] + rows[:, 5]) / 2, np.hypot((rows[:, 3] - rows[:, 5]) / 2, rows[:, 4])
    narrow, wide = (middle - spread).min(), (middle + spread).max()
    if not (narrow >= _WIDTHS[0] ** 2 and wide <= _WIDTHS[1] ** 2):
        raise ValueError(
            f"widths of modes must be {_WIDTHS[0]:g} to {_WIDTHS[1]:g}, got variances {narrow:g} to {wide:g}; "
            "make them wider or narrower"
        )
    return to_mixture(np.column_stack([rows[:, 0] / total, rows[:, 1:]]))
