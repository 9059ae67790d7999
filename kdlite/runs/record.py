"""What a finished run is remembered by: a table of its scores, with where they come from, and a picture.

Knows what finished stages have left in their folders; knows nothing of how they were carried out.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import torch

from kdlite import plots
from kdlite.distribution import ratio_estimate
from kdlite.files import replacing
from kdlite.lm.model import LanguageModel
from kdlite.provenance import commit, processor, versions
from kdlite.runs import export, findings
from kdlite.runs.jobs import DONE, Measure, Score, Stage
from kdlite.runs.profile import Profile
from kdlite.runs.stages import stages
from kdlite.store import read_json
from kdlite.texts.corpus import Corpus
from kdlite.texts.markov import MarkovMixture
from kdlite.texts.results import Results

RESULTS = "results.json"


def made_now() -> dict[str, str]:
    """The code at work, the day, and what it runs on."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else processor()
    return {
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "device": f"{device}, {os.cpu_count()} cores",
    }


def made_with() -> dict:
    """The same, and with which packages."""
    return made_now() | {"versions": versions("kdlite", "numpy", "torch", "transformers")}


def record(profile: Profile, out: Path, truth: LanguageModel | MarkovMixture) -> None:
    """Write the table of the finished run in a folder; and its picture, or what a study leaves for pages."""
    todo = list(stages(profile))
    if profile.study:
        export.texts(out, profile, todo, truth)
        export.weights(out, profile, todo, truth)
    _write_table(out / RESULTS, _table(profile, out, todo, truth))
    if not profile.study:
        _draw_frontier(out)


def _table(profile: Profile, out: Path, todo: list[Stage], truth: LanguageModel | MarkovMixture) -> dict:
    """Every score, with what it takes to make it again; and of a study its loss curves and comparisons."""
    own = Corpus.open(out / "truth-score")
    scored = [stage.name for stage in todo if isinstance(stage.job, Score | Measure)]
    found = {
        "profile": profile.to_dict(),
        "truth_entropy": ratio_estimate(-own.log_probs(), own.size(own.texts()))._asdict(),
        "rows": [read_json(out / name / "score.json") for name in scored],
    }
    done = {stage.name: read_json(out / stage.name / DONE) for stage in todo}
    provenance = _provenance(done)
    if isinstance(truth, LanguageModel):
        found |= {"source": truth.source, "end": truth.language.eos}
    if profile.study:
        found["comparisons"] = findings.Comparisons(out, profile, todo).table()
        found["losses"] = findings.losses(out, todo)
        if truth.language.ids is not None:
            kept = read_json(out / "truth-tokens" / "tokens.json")
            found |= {"ids": kept["ids"], "use": kept["use"]}
        provenance["stages"] = {
            k: {name: d.get(name, "unknown") for name in ("commit", "device", "seconds")}
            for k, d in done.items()
        }
    elif isinstance(truth, LanguageModel):
        found["plane"] = read_json(out / "truth-points" / "plane.json")
        if truth.tokenizer is not None:
            ids = sorted({token for row in found["rows"] for text in row["texts"] for token in text})
            found["pieces"] = {i: truth.tokenizer.decode([i]) for i in ids}
    return found | {"provenance": provenance}


def _provenance(done: dict[str, dict]) -> dict:
    """Where and with what a table was made: every commit and device that made a stage, and those at work."""
    now = made_with()
    each = {
        name: dict.fromkeys(stage.get(name, "unknown") for stage in (*done.values(), now))
        for name in ("commit", "device")
    }
    return now | {
        **{name: ", ".join(values) for name, values in each.items()},
        "seconds": {name: stage["seconds"] for name, stage in done.items()},
    }


def _write_table(path: Path, results: dict) -> None:
    """JSON with one row a line, for people who compare two runs."""
    rows = ",\n".join(f"  {json.dumps(row)}" for row in results["rows"])
    others = [
        f" {json.dumps(name)}: {json.dumps(value)}" for name, value in results.items() if name != "rows"
    ]
    with replacing(path) as temporary:
        temporary.write_text(
            "{\n" + ",\n".join([*others, f' "rows": [\n{rows}\n ]']) + "\n}\n", encoding="utf-8"
        )


def _draw_frontier(out: Path) -> None:
    """The picture that belongs to the table."""
    results = Results.load(out / RESULTS)
    figure = plots.frontier(results.frontier, results.truth.value, unit="nats per token")
    with replacing(out / "frontier.png") as temporary:
        figure.savefig(temporary, format="png", dpi=150)
