"""One row of a run's results: a model's own texts under the truth, and the truth's texts under the model.

Knows a model, its texts and the truth's corpora; knows nothing of stages, or of how a model was trained.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from kdlite.distribution import Distribution, Estimate, precision, ratio_estimate, recall
from kdlite.files import replacing
from kdlite.lm.model import LanguageModel
from kdlite.runs.jobs import Score
from kdlite.runs.profile import Texts
from kdlite.store import write_json
from kdlite.texts.corpus import Corpus
from kdlite.texts.geometry import Plane, coverage
from kdlite.texts.markov import MarkovMixture

HEDGE = 0.1  # share of texts that a hedge writes without the knob
_SHOWN = 24  # texts of each model kept with the results, for people to read
_DOTS = 128  # of these kept with the results


def embed(folder: Path, truth: LanguageModel, out: Path, n: int) -> None:
    """Write n of the truth's texts as points, and how well as many others of its own cover them."""
    corpora = (Corpus.open(out / name) for name in ("truth-score", "truth-train"))
    own, other = (truth.read(corpus.sample(n, seed=0)).state for corpus in corpora)
    plane = Plane.of(own)
    with replacing(folder / "points.safetensors") as temporary:
        save_file({"points": own, "centre": plane.centre, "axes": plane.axes}, temporary)
    covered = coverage(other, own)._asdict()
    found = {"share": plane.share.tolist(), "points": _dots(plane, own), "coverage": covered}
    write_json(folder / "plane.json", found)


def score(
    row: Score,
    model: Distribution,
    own: Corpus,
    truth: LanguageModel | MarkovMixture,
    out: Path,
    sizes: Texts,
) -> dict:
    """Precision on the model's own texts, recall on the truth's, and what pages show of them."""
    texts, n = own.texts(), sizes.score
    others, validation = (Corpus.open(out / f"truth-{name}") for name in ("score", "validation"))
    found = {"seed": row.seed, "curve": row.curve, "tau": row.tau, "beta": row.beta}
    if row.knob:
        found |= {"knob": row.knob, "setting": row.setting}
    if isinstance(truth, MarkovMixture):
        judge, chains = truth, truth.responsibilities(texts)
        found["shares"] = chains.mean(axis=0).tolist()
        found["chains"] = chains[:_SHOWN].argmax(axis=1).tolist()
    else:
        judge = truth.read(texts)
        points = load_file(out / "truth-points" / "points.safetensors")
        plane = Plane(points["centre"], points["axes"], np.empty(2))
        found["token_log_prob"] = judge.token_log_prob[:_SHOWN].round(2).tolist()
        found["points"] = _dots(plane, judge.state)
        found["coverage"] = coverage(judge.state[: sizes.points], points["points"])._asdict()
    unseen = recall(model, truth=validation, n=len(validation))
    perplexity = float(np.exp(-unseen.value))
    return found | {
        "precision": precision(own, truth=judge, n=n)._asdict(),
        "recall": _finite(recall(model, truth=others, n=n)),
        "entropy": ratio_estimate(-own.log_probs(), own.size(texts))._asdict(),
        "perplexity": _finite(Estimate(perplexity, perplexity * unseen.stderr, unseen.n)),
        "texts": texts[:_SHOWN].tolist(),
    }


def hedge(turned: Distribution, plain: LanguageModel, texts: np.ndarray) -> dict:
    """How a student with a knob expects the truth's texts: the share of them that it cannot write, and the recall of a
    hedge, which writes one text in ten without the knob.
    """
    log_prob, n = turned.log_prob(texts), len(texts)
    unsaid = float(np.mean(np.isneginf(log_prob)))
    hedged = np.logaddexp(np.log1p(-HEDGE) + log_prob, np.log(HEDGE) + plain.log_prob(texts))
    return {
        "unsaid": Estimate(unsaid, float(np.sqrt(unsaid * (1 - unsaid) / n)), n)._asdict(),
        "hedged": ratio_estimate(hedged, turned.size(texts))._asdict(),
    }


def _finite(estimate: Estimate) -> dict | None:
    """Plain values; None for a score without end, which JSON cannot hold."""
    return estimate._asdict() if np.isfinite(estimate.value) else None


def _dots(plane: Plane, points: np.ndarray) -> list[list[float]]:
    return plane.project(points[:_DOTS]).round(2).tolist()
