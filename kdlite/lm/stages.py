"""A whole run, from the truth's texts to a table of scores, as stages that are each done once.

Knows who learns from whom and who is scored under whom; knows nothing of how a model is trained or sampled.
"""

import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import torch
from tqdm import tqdm

from kdlite.distribution import precision, ratio_estimate, recall, stream_seed
from kdlite.lm.corpus import Corpus
from kdlite.lm.markov import MarkovMixture
from kdlite.lm.model import LanguageModel, new, prune
from kdlite.lm.profile import Learner, Pretrained, Profile
from kdlite.lm.store import read_json, replacing, sha256, write_json
from kdlite.lm.training import fit
from kdlite.lm.weights import load

_DONE = "stage.json"
_SHOWN = 24  # texts of each student kept with the results, for people to read


class Stage(NamedTuple):
    """One step of a run, and the folder its outputs go to."""

    name: str
    reads: tuple[str, ...]  # stages whose outputs it needs
    make: Callable[[], None]


def run(profile: Profile, out: str | Path) -> Path:
    """Carry out a profile in a folder, or what of it is left, and return the path of ``results.json``.

    Raises:
        ValueError: if the folder holds a run of another profile, or an output has changed since it was made.
    """
    out = Path(out)
    _claim(out / "profile.json", profile)
    work = Run(profile, out)
    with tqdm(list(work.stages()), unit=" stages", delay=2, leave=False) as bar:
        for stage in bar:
            bar.set_description(stage.name, refresh=False)
            _carry_out(stage, out)
    _write_table(out / "results.json", work.results())
    return out / "results.json"


class Row(NamedTuple):
    """One row of the results: a model at a temperature."""

    curve: str  # teacher, cooled (the direct student, at tau 1 as it is), distilled, or selected
    model: str  # the stage that trained it
    seed: int
    tau: float  # of the teacher whose texts it learned from, or at which it is cooled itself
    beta: float = 1.0  # of the toy truth's chain weights

    @property
    def name(self) -> str:
        """Unique among rows."""
        return f"{self.curve}-{self.beta if self.curve == 'selected' else self.tau:g}-s{self.seed}"


class Run:
    """The stages of one profile in one folder."""

    def __init__(self, profile: Profile, out: Path) -> None:
        self.profile, self.out = profile, out
        self._truth: LanguageModel | MarkovMixture | None = None

    def stages(self) -> Iterator[Stage]:
        """In an order in which each finds what it reads."""
        p, texts = self.profile, self.profile.texts
        for name, n in (("train", texts.train), ("validation", texts.validation), ("score", texts.score)):
            yield self._corpus(f"truth-{name}", (), lambda: self.truth, n)
        yield self._fit("teacher", p.teacher, "truth-train")
        for tau in p.taus:
            yield self._corpus(
                f"lesson-{tau:g}", ("teacher",), lambda tau=tau: self._teacher(tau), texts.lesson
            )
        for beta in p.betas:
            yield self._corpus(f"modes-{beta:g}", (), lambda b=beta: self.truth.sharpen(b), texts.lesson)
        for seed in p.seeds:
            yield self._fit(f"direct-s{seed}", p.student, "truth-train", seed)
            for tau in p.taus:
                yield self._fit(f"distilled-{tau:g}-s{seed}", p.student, f"lesson-{tau:g}", seed)
            for beta in p.betas:
                yield self._fit(f"selected-{beta:g}-s{seed}", p.student, f"modes-{beta:g}", seed)
        for row in self.rows():
            yield Stage(f"score-{row.name}", (row.model, "truth-score"), lambda row=row: self._score(row))

    def rows(self) -> Iterator[Row]:
        """What is scored, one row of the results each."""
        p = self.profile
        for tau in p.taus:
            yield Row("teacher", "teacher", 0, tau)
        for seed in p.seeds:
            for tau in p.taus:
                yield Row("cooled", f"direct-s{seed}", seed, tau)
                yield Row("distilled", f"distilled-{tau:g}-s{seed}", seed, tau)
            for beta in p.betas:
                yield Row("selected", f"selected-{beta:g}-s{seed}", seed, 1.0, beta)

    @property
    def truth(self) -> LanguageModel | MarkovMixture:
        """The truth, made or loaded when it is first needed."""
        if self._truth is None:
            t = self.profile.truth
            if isinstance(t, Pretrained):
                self._truth = load(t.name, t.source, prompt=t.prompt, length=t.length)
            else:
                self._truth = MarkovMixture.random(
                    t.chains, t.symbols, t.length, decay=t.decay, concentration=t.concentration, seed=t.seed
                )
        return self._truth

    def _teacher(self, tau: float) -> LanguageModel:
        return self._trained("teacher").sharpen(1 / tau)

    def _trained(self, name: str) -> LanguageModel:
        learner = self.profile.teacher if name == "teacher" else self.profile.student
        return self._untrained(learner, 0).with_weights(self.out / name / "model.safetensors")

    def _untrained(self, learner: Learner, seed: int) -> LanguageModel:
        if learner.layers is not None:
            return prune(self.truth, learner.layers)
        tokenizer = getattr(self.truth, "tokenizer", None)
        return new(learner.shape, self.truth.language, seed=seed, tokenizer=tokenizer)

    def _corpus(self, name: str, reads: tuple[str, ...], model: Callable, n: int) -> Stage:
        def make() -> None:
            seed, p = stream_seed(self.profile.seed, name), self.profile
            Corpus.draw(
                model(), self.out / name, n=n, seed=seed, sampler=name, shard=p.texts.shard, batch=p.batch
            )

        return Stage(name, reads, make)

    def _fit(self, name: str, learner: Learner, corpus: str, seed: int = 0) -> Stage:
        def make() -> None:
            fit(
                self._untrained(learner, seed),
                Corpus.open(self.out / corpus),
                replace(learner.recipe, seed=seed),
                self.out / name,
                validation=Corpus.open(self.out / "truth-validation"),
            )

        return Stage(name, (corpus, "truth-validation"), make)

    def _score(self, row: Row) -> None:
        """Draw from one model and score it: precision on its own texts, recall on the truth's."""
        folder, model = self.out / f"score-{row.name}", self._trained(row.model)
        if row.curve in ("teacher", "cooled"):
            model = model.sharpen(1 / row.tau)
        seed = stream_seed(self.profile.seed, folder.name)
        n = self.profile.texts.score
        own = Corpus.draw(
            model, folder / "samples", n=n, seed=seed, sampler=row.name, batch=self.profile.batch
        )
        texts = own.texts()
        entropy = ratio_estimate(-own.log_probs(), own.size(texts))
        found = {
            **row._asdict(),
            "precision": precision(own, self.truth, n)._asdict(),
            "recall": recall(model, Corpus.open(self.out / "truth-score"), n)._asdict(),
            "entropy": entropy._asdict(),
            "texts": texts[:_SHOWN].tolist(),
        }
        if isinstance(self.truth, MarkovMixture):
            chains = self.truth.responsibilities(texts)
            found |= {
                "shares": chains.mean(axis=0).tolist(),
                "chains": chains[:_SHOWN].argmax(axis=1).tolist(),
            }
        else:
            found["token_log_prob"] = self.truth.token_log_prob(texts[:_SHOWN]).round(3).tolist()
        write_json(folder / "score.json", found)

    def results(self) -> dict:
        """Every score of a finished run, with what it takes to make it again."""
        own = Corpus.open(self.out / "truth-score")
        stages = {stage.name: read_json(self.out / stage.name / _DONE) for stage in self.stages()}
        return {
            "profile": self.profile.to_dict(),
            "truth_entropy": ratio_estimate(-own.log_probs(), own.size(own.texts()))._asdict(),
            "rows": [read_json(self.out / f"score-{row.name}" / "score.json") for row in self.rows()],
            "provenance": {
                **_provenance(),
                "seconds": {name: stage["seconds"] for name, stage in stages.items()},
            },
        }


def _carry_out(stage: Stage, out: Path) -> None:
    """Make a stage's outputs, or check those that are there."""
    folder, reads = out / stage.name, {name: _digest(out / name) for name in stage.reads}
    if (folder / _DONE).exists():
        done = read_json(folder / _DONE)
        for name, digest in done["writes"].items():
            if not (folder / name).is_file() or sha256(folder / name) != digest:
                raise ValueError(
                    f"{folder / name} is missing or has changed since it was made; restore it, or delete "
                    f"{folder} to make it again"
                )
        if done["reads"] != reads:
            raise ValueError(f"what {folder} was made from has changed; delete {folder} to make it again")
        return
    start = time.monotonic()
    stage.make()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    writes = {str(path.relative_to(folder)): sha256(path) for path in files}
    write_json(
        folder / _DONE, {"reads": reads, "writes": writes, "seconds": round(time.monotonic() - start, 1)}
    )


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


def _digest(folder: Path) -> str:
    """Fingerprint of a finished stage's outputs."""
    writes = read_json(folder / _DONE)["writes"]
    return hashlib.sha256(json.dumps(writes, sort_keys=True).encode()).hexdigest()


def _claim(path: Path, profile: Profile) -> None:
    """Write the profile into its folder, or check that it is the one there."""
    asked = json.loads(json.dumps(profile.to_dict()))
    if not path.exists():
        write_json(path, asked)
        return
    found = read_json(path)
    for name, value in asked.items():
        if found.get(name) != value:
            raise ValueError(
                f"{path.parent} holds a run whose {name} is {found.get(name)}, now it is {value}; choose another "
                "folder, or delete this one"
            )


def _provenance() -> dict:
    """Where and with what a result was made."""
    here = Path(__file__).parent
    git = subprocess.run(
        ["git", "-C", str(here), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else _processor()
    return {
        "commit": git.stdout.strip() or "unknown",
        "date": datetime.now(UTC).date().isoformat(),
        "device": f"{device}, {os.cpu_count()} cores",
        "versions": {name: version(name) for name in ("kdlite", "numpy", "torch", "transformers")}
        | {"python": platform.python_version()},
    }


def _processor() -> str:
    return platform.processor() or platform.machine()
