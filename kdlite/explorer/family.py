"""The fits behind the sliders, computed once and stored in the package.

Knows which settings the sliders have; knows nothing of widgets. To compute them again (a few minutes):

    python -m kdlite.explorer.family
"""

import argparse
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from itertools import product
from pathlib import Path

import numpy as np

from kdlite.explorer.storage import Family, to_rows
from kdlite.mixtures.examples import CENTRES, VARIANCE, ring
from kdlite.mixtures.mixture import GaussianMixture
from kdlite.mixtures.sweep import Sizes, Sweep, sweep
from kdlite.parallel import each

BETAS = (  # denser where the fits move; the page interpolates between two of them
    *(0.0, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0),
    *(6.0, 7.0, 8.0, 10.0, 12.0, 14.0, 17.0, 20.0, 25.0, 30.0, 37.0, 45.0, 55.0, 70.0, 100.0),
)
TEACHER_COMPONENTS = (2, 4, 6, 8)
STUDENT_COMPONENTS = (1, 2, 3, 4)
RATES = {"equal": 0.0, "mild": 0.25, "strong": 0.6}  # weights of the truth proportional to exp(-rate * rank)
PAPER = {"profile": "equal", "teacher_components": 4, "student_components": 1, "beta": 100.0}
RUNS = 300  # of the paper's recipe
COMMAND = "python -m kdlite.explorer.family"
_FILE = "family.bin"


def stored_bytes() -> bytes:
    """The file of the family that comes with the package."""
    return (resources.files("kdlite.explorer") / _FILE).read_bytes()


def compute(
    truths: Mapping[str, GaussianMixture],
    *,
    betas: Sequence[float] = BETAS,
    teacher_components: Sequence[int],
    student_components: Sequence[int],
    show: Callable[[list], Iterable] = iter,
) -> Family:
    """The family of these truths, by name of their profile: one exact sweep for each pair of capacities.

    ``show`` may report progress over the settings, as a progress bar does.

    Raises:
        ValueError: for a truth that does not lie in the plane.
    """
    for name, truth in truths.items():
        if truth.dim != 2:
            raise ValueError(
                f"the explorer draws the plane, and the truth {name!r} has dimension {truth.dim}; use a plane one"
            )
    family = empty(truths, betas, teacher_components, student_components)
    settings = product(truths, teacher_components, student_components)
    for profile, n_teacher, n_student in show(list(settings)):
        found = sweep(
            truths[profile], betas=betas, teacher_components=n_teacher, student_components=n_student
        )
        fill(family, (profile, n_teacher, n_student), truths[profile], found)
    return family


def empty(
    truths: Mapping[str, GaussianMixture],
    betas: Sequence[float],
    teacher_components: Sequence[int],
    student_components: Sequence[int],
) -> Family:
    """A family with room for these settings and nothing in it."""
    header = {
        "profiles": list(truths),
        "teacher_components": [int(k) for k in teacher_components],
        "student_components": [int(k) for k in student_components],
        "betas": [float(beta) for beta in betas],
    }
    p, a, s, b = map(len, header.values())
    n_modes = max(truth.n_components for truth in truths.values())
    n_teacher, n_student = max(teacher_components), max(student_components)
    shapes = {
        "truth": (p, n_modes, 6),
        "limits": (p, 2),
        "teacher": (p, a, n_teacher, 6),
        "sharpened": (p, a, b, n_teacher),
        "entropy": (p, a, b),
        "teacher_score": (p, a, b, 2),
        "direct": (p, s, n_student, 6),
        "direct_score": (p, s, 2),
        "direct_entropy": (p, s),
        "cooled": (p, s, b, n_student),
        "cooled_score": (p, s, b, 2),
        "student": (p, a, s, b, n_student, 6),
        "distilled_score": (p, a, s, b, 2),
        "distilled_entropy": (p, a, s, b),
    }
    return Family(header, {name: np.zeros(shape) for name, shape in shapes.items()})


def fill(family: Family, setting: tuple[str, int, int], truth: GaussianMixture, found: Sweep) -> None:
    """Put an exact sweep into a family, at a profile and numbers of teacher and student components."""
    axes = ("profiles", "teacher_components", "student_components")
    p, a, s = map(family.at, axes, setting)
    arrays, teacher, direct = family.arrays, found.teachers[0], found.directs[0]
    arrays["truth"][p] = to_rows(truth, arrays["truth"].shape[1])
    arrays["limits"][p] = truth.expect_log_prob(truth), truth.log_prob(truth.means).max()
    arrays["teacher"][p, a] = to_rows(teacher, arrays["teacher"].shape[2])
    arrays["direct"][p, s] = to_rows(direct, arrays["direct"].shape[2])
    arrays["entropy"][p, a] = found.teacher_entropy[0]
    on = teacher.weights > 0
    for b, beta in enumerate(found.betas):
        arrays["sharpened"][p, a, b, : on.sum()] = found.sharpened[0][b].weights[on]
        arrays["cooled"][p, s, b, : direct.n_components] = direct.sharpen(beta).weights
        arrays["student"][p, a, s, b] = to_rows(found.students[0][b], arrays["student"].shape[4])
    arrays["teacher_score"][p, a] = np.column_stack([scores[0] for scores in found.teacher])
    arrays["cooled_score"][p, s] = np.column_stack([scores[0] for scores in found.cooled])
    arrays["distilled_score"][p, a, s] = np.column_stack([scores[0] for scores in found.distilled])
    arrays["distilled_entropy"][p, a, s] = each(_entropy, found.students[0])
    arrays["direct_score"][p, s] = [scores[0, 0] for scores in found.direct]
    arrays["direct_entropy"][p, s] = _entropy(direct)


def _entropy(mixture: GaussianMixture) -> float:
    return -mixture.expect_log_prob(mixture)


def sampled_runs(
    truth: GaussianMixture,
    *,
    teacher_components: int,
    student_components: int,
    beta: float,
    seeds: Sequence[int],
) -> np.ndarray:
    """The paper's sampled recipe once a seed, ``(R, 4)``: precision and recall of the distilled student, then
    of the direct one.
    """
    found = sweep(
        truth,
        betas=[beta],
        teacher_components=teacher_components,
        student_components=student_components,
        sizes=Sizes(),
        seeds=seeds,
        covariance="diag",
    )
    return np.column_stack([scores[:, 0] for scores in (*found.distilled, *found.direct)])


def _provenance() -> dict[str, object]:
    from kdlite.provenance import commit, versions  # asks git, in a process

    return {
        "command": COMMAND,
        "commit": commit(),
        "date": datetime.date.today().isoformat(),
        "versions": versions("kdlite", "numpy"),
        "rates": RATES,
        "centres": CENTRES,
        "variance": VARIANCE,
        "runs": {"number": RUNS, "covariance": "diag", "sizes": vars(Sizes())},
    }


def main() -> None:
    """Compute the family and write it into the package."""
    from tqdm import tqdm  # a browser has none

    from kdlite.files import replacing

    parser = argparse.ArgumentParser(prog=COMMAND, description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / _FILE)
    out = parser.parse_args().out
    truths = {name: ring(rate) for name, rate in RATES.items()}
    family = compute(
        truths, teacher_components=TEACHER_COMPONENTS, student_components=STUDENT_COMPONENTS, show=tqdm
    )
    setting = {name: value for name, value in PAPER.items() if name != "profile"}
    family.arrays["runs"] = sampled_runs(truths[PAPER["profile"]], **setting, seeds=range(RUNS))
    family.header.update(runs=PAPER, provenance=_provenance())
    content = family.to_bytes()
    with replacing(out) as temporary:
        temporary.write_bytes(content)
    print(f"{out}: {len(content) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
