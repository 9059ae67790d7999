"""What a study has found: a row a score, loss curves, and its comparisons, fixed before the run.

Knows what the stages of a study leave in their folders; knows nothing of how they were carried out.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from kdlite.distribution import Estimate, ratio_estimate
from kdlite.frontier import Curve
from kdlite.lm.model import LanguageModel
from kdlite.runs.comparison import Replicates, estimate, leads
from kdlite.runs.design import Study
from kdlite.runs.jobs import Fit, Measure, Stage
from kdlite.runs.profile import Profile
from kdlite.runs.score import numbers
from kdlite.store import read_json
from kdlite.texts import stories

MARGIN = 0.02  # nats per token: two students that are closer are called equal
_SHOWN = 64  # values of a loss curve that are kept
NAMED = ("curve", "capacity", "arm", "teacher_seed", "seed", "tau", "decoding", "texts")


def row(
    job: Measure, kept: dict[str, np.ndarray], texts: np.ndarray, truth: LanguageModel, study: Study
) -> dict:
    """One row, from texts ``(n, length)`` of a model and the nats and tokens that were kept of each.

    Everything is in nats per token of the model's own texts but recall, which is on the truth's; ``repeats`` and
    ``stories`` are shares, and ``words`` are different words among ``study.words`` tokens, None where there are fewer.
    """
    found = numbers(kept) | {
        "judge": ratio_estimate(kept["judge"], kept["size"]),
        "repeats": stories.repeated_bigrams(texts, truth.size(texts)),
    }
    if truth.tokenizer is not None:
        spelled = [truth.language.spelled(text[:n]) for text, n in zip(texts, truth.size(texts), strict=True)]
        pieces = truth.tokenizer.batch_decode([[i] for ids in spelled for i in ids])
        few = len(pieces) < study.words  # texts may end early
        found["words"] = Estimate(np.nan, np.inf, 0) if few else stories.distinct_words(pieces, study.words)
        found["stories"] = stories.stories(truth.tokenizer.batch_decode(spelled, skip_special_tokens=True))
    return {name: getattr(job, name) for name in NAMED} | {name: rounded(e) for name, e in found.items()}


def rounded(e: Estimate) -> dict | None:
    """Plain values with as many digits as their error bears; None for a value without end."""
    if not np.isfinite(e.value):
        return None
    stderr = float(f"{e.stderr:.2g}") if np.isfinite(e.stderr) else None
    return {"value": round(e.value, 4), "stderr": stderr, "n": e.n}


def losses(out: Path, todo: list[Stage]) -> dict:
    """Loss curves of every training, thinned: ``loss`` is the mean of a stretch of steps up to ``step``; ``validation``
    as it was looked at; nats per token.
    """
    found = {}
    for stage in todo:
        if isinstance(stage.job, Fit):
            curve = read_json(out / stage.name / "curve.json")
            stretches = np.array_split(np.array(curve["loss"]), min(_SHOWN, len(curve["loss"])))
            found[stage.name] = {
                "step": np.cumsum([len(part) for part in stretches]).tolist(),
                "loss": [round(float(part.mean()), 3) for part in stretches],
                "validation": [[step, round(value, 4)] for step, value in curve["validation"]],
            }
    return found


class Comparisons:
    """The comparisons of a study, each a plain row: what is compared, at which setting, and the difference.

    Errors are bootstrapped over seeds, teachers and texts together. ``called`` is "ahead", "behind", or "equal": closer
    than ``MARGIN``, or than twice the error.
    """

    def __init__(self, out: Path, profile: Profile, todo: list[Stage]) -> None:
        self.profile, self.study, self._out = profile, profile.study, out
        self._jobs = [stage.job for stage in todo if isinstance(stage.job, Measure)]
        self._draws = Replicates(profile.texts.score)
        self._known: dict[str, Curve] = {}

    def table(self) -> list[dict]:
        """All of them; the first of each capacity is the primary one."""
        s, found = self.study, []
        names = [s.student, *s.capacities]
        for name in names:
            found += self._ahead_of_cooled(
                {"curve": "distilled", "capacity": name, "arm": "full"}, self.profile.taus
            )
        for name in names:
            for curve in ("distilled", "cooled"):
                found += self._trade({"curve": curve, "capacity": name, "arm": "full"})
        own = {"capacity": s.student, "arm": "full"}
        for texts in ("teacher", "truth") if s.matched else ():
            where = {"curve": "distributions", "texts": texts, **own}
            found += self._ahead_of_direct(where, s.matched) + self._ahead_of_cooled(where, s.matched)
        for tau, decoding in s.both:
            found += self._ahead_of_cooled({"curve": "both", "decoding": decoding, **own}, (tau,))
        if s.scarce:
            where = {"curve": "distilled", "capacity": s.student, "arm": "scarce"}
            found += self._ahead_of_cooled(where, s.scarce.taus) + self._ahead_of_direct(where, s.scarce.taus)
        return found

    def _ahead_of_cooled(self, where: dict, taus: tuple[float, ...]) -> list[dict]:
        """Precision at equal recall against the same seed's direct student, cooled; at each tau, and their mean below 1."""
        points = self._curve(where, taus)  # (T, S, B, P)
        base = self._curve({**_direct(where), "curve": "cooled"}, self.study.cooled)
        teachers, seeds = (range(n) for n in points.precision.shape[:2])
        found = np.array([[leads(_at(points, t, s), _at(base, 0, s)) for s in seeds] for t in teachers])
        rows = [
            self._row(where | {"tau": tau}, "precision at equal recall", "cooled", found[..., i])
            for i, tau in enumerate(taus)
        ]
        below = [i for i, tau in enumerate(taus) if tau < 1]
        if len(below) > 1:
            mean = found[..., below].mean(axis=-1)
            rows.insert(0, self._row(where | {"tau": None}, "precision at equal recall", "cooled", mean))
        return rows

    def _ahead_of_direct(self, where: dict, taus: tuple[float, ...]) -> list[dict]:
        """Precision and recall against the same seed's direct student."""
        points = self._curve(where, taus)
        base = self._curve({**_direct(where), "curve": "direct"}, (1.0,))
        return [
            self._row(where | {"tau": tau}, name, "direct", (a - b)[..., i])
            for name, a, b in zip(Curve._fields, points, base, strict=True)
            for i, tau in enumerate(taus)
        ]

    def _trade(self, where: dict) -> list[dict]:
        """What the coldest setting gains in precision and loses in recall, and the price: recall lost for a nat gained."""
        coldest = min(self.profile.taus)
        curve = self._curve(where, (1.0, coldest))
        gain, loss = (
            curve.precision[..., 1] - curve.precision[..., 0],
            curve.recall[..., 0] - curve.recall[..., 1],
        )
        gained, lost = self._draws.mean(gain, loss)
        numbers = {
            "precision gained": gained,
            "recall lost": lost,
            "recall lost for each nat gained": lost / gained,
        }
        n = loss.shape[0] * loss.shape[1]
        return [
            where | {"tau": coldest, "number": name, "against": "tau 1", "found": _plain(estimate(values, n))}
            for name, values in numbers.items()
        ]

    def _curve(self, where: dict, taus: tuple[float, ...]) -> Curve:
        """Replicates of the rows at these temperatures, ``(T, S, B, P)``; of the direct student at decoding 1."""
        found = []
        for tau in taus:
            at = dict(where)
            if at["curve"] == "cooled" and tau == 1:
                at["curve"] = "direct"
            jobs = [j for j in self._jobs if j.tau == tau and all(getattr(j, k) == v for k, v in at.items())]
            teachers, seeds = ({getattr(j, name): None for j in jobs} for name in ("teacher_seed", "seed"))
            by = {(j.teacher_seed, j.seed): self._numbers(j) for j in jobs}
            found.append([[by[t, s] for s in seeds] for t in teachers])
        return Curve(*np.moveaxis(np.array(found), (3, 0), (0, 4)))

    def _numbers(self, job: Measure) -> Curve:
        if job.name not in self._known:
            kept = load_file(self._out / job.name / "texts.safetensors")
            own, truth = (kept["truth"], kept["size"]), (kept["recall"], kept["recall_size"])
            self._known[job.name] = self._draws.curve(own, truth)
        return self._known[job.name]

    def _row(self, where: dict, number: str, against: str, values: np.ndarray) -> dict:
        found = estimate(self._draws.mean(values)[0], values.shape[0] * values.shape[1])
        called = None
        if found is not None:
            equal = abs(found.value) < max(MARGIN, 2 * found.stderr)
            called = "equal" if equal else "ahead" if found.value > 0 else "behind"
        return where | {"number": number, "against": against, "found": _plain(found), "called": called}


def _at(curve: Curve, teacher: int, seed: int) -> Curve:
    return Curve(curve.precision[teacher, seed], curve.recall[teacher, seed])


def _direct(where: dict) -> dict:
    """Whom a student is compared with: the direct one of its capacity and arm."""
    return {name: where[name] for name in ("capacity", "arm")}


def _plain(e: Estimate | None) -> dict | None:
    return None if e is None else rounded(e)
