"""What a study leaves for pages to show and run: some texts with their surprise, and the weights of its small students.

Knows the folders of finished stages and what is in them; knows nothing of pages.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from kdlite.files import replacing
from kdlite.lm.architecture import find_shape
from kdlite.lm.model import LanguageModel
from kdlite.runs.findings import NAMED
from kdlite.runs.jobs import Measure, Stage
from kdlite.runs.profile import Profile
from kdlite.texts.corpus import Corpus

TEXTS, WEIGHTS = "texts.json", "weights"
_SHOWN = 16  # texts of each row


def texts(out: Path, profile: Profile, todo: list[Stage], truth: LanguageModel) -> None:
    """Write the first texts of each row of one seed, and of those without a seed, with each token's nats under the truth."""
    rows, seen, n = [], set(), min(_SHOWN, profile.texts.score)
    for stage in todo:
        job = stage.job
        if not isinstance(job, Measure) or job.seed not in (None, profile.seeds[0]):
            continue
        tokens = Corpus.open(out / stage.name / "samples").sample(n, seed=0)
        nats = load_file(out / stage.name / "texts.safetensors")["token_log_prob"][:n]
        seen.update(tokens.ravel().tolist())
        shown = {"tokens": tokens.tolist(), "token_log_prob": nats.astype(float).round(2).tolist()}
        rows.append({name: getattr(job, name) for name in NAMED} | shown)
    found = {"end": truth.language.eos, "pieces": _pieces(truth, sorted(seen)), "rows": rows}
    with replacing(out / TEXTS) as temporary:
        temporary.write_text(json.dumps(found, separators=(",", ":")), encoding="utf-8")


def weights(out: Path, profile: Profile, todo: list[Stage], truth: LanguageModel) -> None:
    """Write students of one seed in half precision: the two smallest capacities, direct, and distilled at the first, the
    middle and the last of the teacher's temperatures; and what it takes to run them without a tokenizer.
    """
    study, taus = profile.study, sorted(profile.taus)
    students = {study.student: profile.student, **study.capacities}
    bytes_of = {
        name: (out / f"direct-{name}-s{profile.seeds[0]}" / "model.safetensors").stat().st_size
        for name in students
    }
    small = sorted(students, key=bytes_of.__getitem__)[:2]
    picked = dict.fromkeys([taus[-1], taus[len(taus) // 2], taus[0]])
    folder, shapes = out / WEIGHTS, {}
    folder.mkdir(exist_ok=True)
    for name in small:
        at = [f"distilled-{name}-{tau:g}-t{study.teachers[0]}" for tau in picked]
        for stage in [f"{model}-s{profile.seeds[0]}" for model in (f"direct-{name}", *at)]:
            half = {k: v.astype(np.float16) for k, v in load_file(out / stage / "model.safetensors").items()}
            shapes[stage] = asdict(find_shape(students[name].shape))
            with replacing(folder / f"{stage}.safetensors") as temporary:
                save_file(half, temporary)
    language = truth.language
    found = {
        "prompt": list(language.prompt),
        "length": language.length,
        "end": language.eos,
        "ids": None if language.ids is None else list(language.ids),
        "pieces": _pieces(truth, range(language.vocabulary)),
        "shapes": shapes,
    }
    with replacing(folder / "language.json") as temporary:
        temporary.write_text(json.dumps(found, separators=(",", ":")), encoding="utf-8")


def _pieces(truth: LanguageModel, tokens: Iterable[int]) -> dict[int, str] | None:
    """What tokens spell, where there is a tokenizer."""
    if truth.tokenizer is None:
        return None
    return {i: truth.tokenizer.decode([int(truth.language.spelled(i))]) for i in tokens}
