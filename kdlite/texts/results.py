"""The results of a finished run, as the book reads them.

Knows the table that a run writes; knows nothing of how it came about.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kdlite.checks import check_each, check_kind, check_number, check_path, show
from kdlite.distribution import Estimate
from kdlite.frontier import Curve, Frontier
from kdlite.store import in_todays_names, read_json

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "results", _PACKAGE.parent / "book" / "results")  # of a wheel; of the source tree


def folder() -> Path:
    """Where what was recorded for the book lies."""
    return next(filter(Path.is_dir, _FOLDERS))


def records() -> dict[str, Path]:
    """The file of each run recorded for the book by its name, in order of names."""
    return {path.stem: path for path in sorted(folder().glob("*.json"))}


@dataclass(frozen=True)
class Results:
    """A table of scores, with what it takes to make it again."""

    profile: dict  #: the run's profile, as plain values
    truth: Estimate  #: the truth's own score, minus its entropy, in nats per token
    #: one a scored model, with ``curve`` ("teacher", "cooled", "distilled" or "selected"), ``seed``, ``tau``, ``beta``, the
    #: estimates ``precision``, ``recall`` and ``entropy`` (``value``, ``stderr``, ``n``) in nats per token, and some of
    #: its ``texts``; of a toy language with the ``chains`` behind them, else with each token's ``token_log_prob`` under
    #: the truth, and texts as ``points`` with their ``coverage`` of the truth's. A run that goes ``Beyond`` has more
    #: curves, with the ``knob`` and its ``setting``: "turned" (the teacher with a knob), "learned" (its student),
    #: "decoded" (the direct student with that knob when it writes), "matched" and "on_policy" (other objectives),
    #: "heir" (students of students); with a knob, the direct student's share of the truth's texts that it leaves
    #: ``unsaid``, and ``hedged``, its recall if it writes one text in ten without. Where anything is left unsaid there
    #: is no ``recall``: it is without end.
    rows: list[dict]
    #: commit (several where other code went on with a run), date, device, versions, seconds of each stage
    provenance: dict
    source: str | None = None  #: of a language model's weights, with its commit or SHA-256
    end: int | None = None  #: the language model's end token
    #: where the truth is a language model, ``points`` of its texts in its hidden space, the ``share`` of their variance
    #: that each of the two axes has, and the ``coverage`` of these texts by others of its own
    plane: dict | None = None
    #: what the tokens of the texts stand for, where the truth has a tokenizer
    pieces: dict[int, str] | None = None

    @classmethod
    def load(cls, path: str | Path) -> "Results":
        """The results in a file, or a ValueError that names it."""
        path = check_path("path", path)
        table = read_json(path)
        try:
            entropy = Estimate(**table["truth_entropy"])
            truth = entropy._replace(value=-entropy.value)
            needed = in_todays_names(table["profile"]), truth, table["rows"], table["provenance"]
            pieces = table.get("pieces") and {int(i): piece for i, piece in table["pieces"].items()}
            _check(*needed)
            return cls(*needed, table.get("source"), table.get("end"), table.get("plane"), pieces)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            said = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ValueError(
                f"{path} holds no results of a run: {said}; pass the results.json that a run wrote"
            ) from None

    @classmethod
    def recorded(cls, name: str) -> "Results":
        """The results of a run recorded for the book, such as "toy-language"; they come with the package.

        Raises:
            ValueError: if there is none of this name, naming those there are.
        """
        paths = records()
        if not isinstance(name, str) or name not in paths:
            raise ValueError(f"no run is recorded as {show(name)}; there are: {', '.join(paths)}")
        return cls.load(paths[name])

    def select(self, curve: str, **values: float | str) -> list[dict]:
        """The rows of one curve, with these values of seed, tau or beta, or of a knob and its setting; maybe none. A
        ValueError for a curve that the results do not have, or a name that its rows do not.
        """
        rows = [row for row in self.rows if row["curve"] == curve]
        if not rows:
            curves = ", ".join(dict.fromkeys(row["curve"] for row in self.rows))
            raise ValueError(f"the results have no curve {show(curve)}; there are: {curves}")
        for name, value in values.items():
            check_kind(name, value, (str, int, float, np.integer, np.floating), "pass one value")
            if name not in rows[0]:
                raise ValueError(f"the rows of {curve} have no {show(name)}; they have {', '.join(rows[0])}")
        return [row for row in rows if all(row[name] == value for name, value in values.items())]

    @property
    def frontier(self) -> Frontier:
        """The four curves along beta = 1/tau, one line a seed; the one teacher is the same for all."""
        seeds, taus = self.profile["seeds"], sorted(self.profile["taus"], reverse=True)

        def table(score: str, curve: str, seeded: bool = True, tau: float | None = None) -> np.ndarray:
            at = [[{"tau": tau or t} | ({"seed": s} if seeded else {}) for t in taus] for s in seeds]
            return np.array([[self.select(curve, **one)[0][score]["value"] for one in line] for line in at])

        def curve(*of: Any) -> Curve:
            return Curve(table("precision", *of), table("recall", *of))

        return Frontier(
            np.array(seeds),
            1 / np.array(taus),
            distilled=curve("distilled"),
            direct=curve("cooled", True, 1),
            cooled=curve("cooled"),
            teacher=curve("teacher", False),
            teacher_entropy=table("entropy", "teacher", False),
        )


def _check(profile: dict, truth: Estimate, rows: list[dict], provenance: dict) -> None:
    """Nothing, or an error if a table lacks what a reader of results relies on."""
    for name, value in zip(("profile", "provenance"), (profile, provenance), strict=True):
        check_kind(name, value, dict, "a run writes a table")
    numbers = [(name, v) for name in ("seeds", "taus") for v in check_each(name, profile[name], "of numbers")]
    numbers.append(("truth_entropy", truth.value))
    for row in check_each("rows", rows, "a run writes a list"):
        check_kind("a row", row, dict, "a run writes tables")
        check_kind("curve", row["curve"], str, "a run writes a name")
        numbers += [(name, row[name]) for name in ("seed", "tau", "beta")]
        unsayable = "knob" in row and row["recall"] is None
        scores = ("precision", "entropy") if unsayable else ("precision", "recall", "entropy")
        numbers += [(name, Estimate(**row[name]).value) for name in scores]
    for name, value in numbers:
        check_number(name, value, "a finite number", lambda _: True, "a run writes no other")
