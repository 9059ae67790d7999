"""A whole run, from the truth's texts to a table of scores, each of its stages done once.

Knows folders, processes and what a finished stage leaves behind; knows nothing of how a model is trained or sampled.
"""

import errno
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from safetensors.numpy import save_file
from tqdm import tqdm

from kdlite.checks import check_kind, check_path
from kdlite.distribution import stream_seed
from kdlite.files import remove_unfinished, replacing
from kdlite.lm.architecture import new, prune
from kdlite.lm.distilling import distil
from kdlite.lm.model import LanguageModel
from kdlite.lm.selective import with_knob
from kdlite.lm.trainable import check_apart
from kdlite.lm.training import fit
from kdlite.lm.vocabulary import likeliest, narrow, use
from kdlite.lm.weights import load
from kdlite.provenance import commit
from kdlite.runs import findings, rows
from kdlite.runs.costs import Costs
from kdlite.runs.design import Learner
from kdlite.runs.jobs import DONE, Draw, Embed, Fit, Keep, Measure, Part, Score, Stage
from kdlite.runs.profile import Pretrained, Profile, Scratch, Toy
from kdlite.runs.record import RESULTS, made_now, record
from kdlite.runs.score import measure
from kdlite.runs.stages import stages
from kdlite.store import claim, locked, read_json, sha256, write_json
from kdlite.texts.corpus import Corpus
from kdlite.texts.markov import MarkovMixture

PROFILE = "profile.json"
_CHOSEN_ON, _USED_ON = 2000, 500  # texts of the truth by which its token ids are chosen, and then judged
_PATIENCE = timedelta(days=2)  # a process may wait for the slowest as long as a stage takes


def run(profile: Profile, out: str | Path, work_through: Callable[..., Iterator] | None = None) -> Path:
    """Carry out a profile in a folder, or what of it is left, and return the path of ``results.json``.

    Killed at any moment and called again, it ends with the very results it would have ended with. Under ``accelerate
    launch`` its processes share the work.

    Args:
        work_through: carries out a list of stages and yields each that it has come to, as
            ``kdlite.runs.cluster.on_ray`` has it done; None: one after the other, by this process.

    Raises:
        ValueError: if the folder holds a run of another profile, or an output has changed since it was made.
        BlockingIOError: if another run is at work in the folder.
        OSError: if the disk has no room for what is left, or is full; what was finished is kept.
    """
    check_kind("profile", profile, Profile, "pass Profile.load(name)")
    out = check_path("out", out)
    costs = Costs(profile)  # has errors of its own
    commit()  # of the code that is in memory: on disk it may change before the first stage is done
    state = PartialState(cpu=not torch.cuda.is_available(), timeout=_PATIENCE)
    with locked(out) if state.is_main_process else nullcontext():
        if state.is_main_process:
            claim(out / PROFILE, profile.to_dict())
            remove_unfinished(out)
            if shortage := costs.shortage(out):
                raise OSError(errno.ENOSPC, shortage)
        state.wait_for_everyone()
        work, todo = Run(profile, out, state), list(stages(profile))
        work.check_starts()
        options = {"total": len(todo), "unit": " stages", "delay": 2, "leave": False}
        with tqdm(
            (work_through or _in_turn)(work, todo), **options, disable=not state.is_main_process
        ) as bar:
            for stage in bar:
                bar.set_description(stage.name, refresh=False)
        state.wait_for_everyone()
        if state.is_main_process:
            record(profile, out, work.truth)
        state.wait_for_everyone()
    return out / RESULTS


class Run:
    """One profile in one folder, and how its jobs are done."""

    def __init__(self, profile: Profile, out: Path, state: PartialState) -> None:
        self.profile, self.out, self.state = profile, out, state
        self._truth: LanguageModel | MarkovMixture | None = None
        self._fits = {stage.name: stage.job for stage in stages(profile) if isinstance(stage.job, Fit)}

    def check_starts(self) -> None:
        """Nothing, or a ValueError for a learner that cannot begin where it is to; before the first text is drawn."""
        for learner in {job.learner for job in self._fits.values()}:
            if learner.shape is None and not getattr(self.profile.truth, "tokens", None):
                check_apart(self._untrained(learner, 0))

    def carry_out(self, stage: Stage, turn: int = 0, spent: float = 0.0) -> None:
        """Make a stage's outputs, or check those that are there.

        Processes draw and train together, and take turns at the scores. Others may have spent some seconds on it before.
        """
        alone = isinstance(stage.job, Score | Measure)
        if alone and turn % self.state.num_processes != self.state.process_index:
            return
        together = (lambda: None) if alone else self.state.wait_for_everyone
        keeps = alone or self.state.is_main_process
        folder = self.out / stage.name
        for left in (folder, folder / "samples") if keeps else ():
            remove_unfinished(left)
        done = (folder / DONE).exists()
        together()  # all have looked before one writes
        if done:
            if keeps:
                self._check(stage)
            return
        start = time.monotonic()
        self._do(stage)
        together()
        if keeps:
            self._finish(stage, spent + time.monotonic() - start)
        together()

    def draw(self, stage: Stage, **options) -> None:
        """Draw the corpus of a stage; options as of ``Corpus.draw``."""
        sampler, n, tau, beta, knob, setting = stage.job
        model = self.truth.sharpen(beta) if sampler == "truth" else self._trained(sampler, 1 / tau)
        if knob:
            model = with_knob(model, knob, setting)
        self._corpus(model, self.out / stage.name, n, stage.name, **options)

    def _check(self, stage: Stage) -> None:
        """Nothing, or a ValueError if a finished stage is not what it was."""
        folder = self.out / stage.name
        done = read_json(folder / DONE)
        if not (isinstance(done, dict) and isinstance(done.get("writes"), dict) and "reads" in done):
            raise ValueError(f"{folder / DONE} does not say what was made; delete {folder} to make it again")
        for name, digest in done["writes"].items():
            if not (folder / name).is_file() or sha256(folder / name) != digest:
                raise ValueError(
                    f"{folder / name} is missing or has changed since it was made; restore it, or delete "
                    f"{folder} to make it again"
                )
        if done["reads"] != self._reads(stage):
            raise ValueError(f"what {folder} was made from has changed; delete {folder} to make it again")

    def _finish(self, stage: Stage, seconds: float) -> None:
        """Declare a stage done."""
        folder = self.out / stage.name
        # Hidden ones are nobody's output.
        files = sorted(path for path in folder.rglob("[!.]*") if path.is_file())
        writes = {str(path.relative_to(folder)): sha256(path) for path in files}
        done = {"reads": self._reads(stage), "writes": writes, "seconds": round(seconds, 1)}
        write_json(folder / DONE, done | made_now())

    def _reads(self, stage: Stage) -> dict[str, str]:
        """A fingerprint of the outputs of each stage that this one reads."""
        found = {}
        for name in stage.reads:
            writes = read_json(self.out / name / DONE)["writes"]
            found[name] = hashlib.sha256(json.dumps(writes, sort_keys=True).encode()).hexdigest()
        return found

    def _do(self, stage: Stage) -> None:
        folder = self.out / stage.name
        match stage.job:
            case Draw():
                self.draw(stage, state=self.state)
            case Keep(n):
                self._keep(folder, n)
            case Embed():
                if self.state.is_main_process:
                    rows.embed(folder, self.truth, self.out, self.profile.texts.points)
            case Fit(learner, corpus, n, seed, lesson, teacher, validation, choose):
                start, recipe = self._untrained(learner, seed), replace(learner.recipe, seed=seed)
                texts = n if corpus is None else self._open(corpus)
                options = {"validation": self._open(validation), "choose": choose}
                if lesson is None:
                    fit(start, texts, recipe, folder, **options)
                else:
                    options |= {"objective": "jensen_shannon", "jsd_weight": lesson.jsd_weight}
                    distil(start, self._trained(teacher, 1 / lesson.tau), texts, recipe, folder, **options)
            case Score():
                self._score(stage.job, folder)
            case Measure():
                self._measure(stage.job, folder)

    @property
    def truth(self) -> LanguageModel | MarkovMixture:
        """The truth, made or loaded when it is first needed."""
        if self._truth is None:
            self._truth = _make_truth(self.profile.truth)
            if getattr(self.profile.truth, "tokens", None):
                self._truth = narrow(self._truth, read_json(self.out / "truth-tokens" / "tokens.json")["ids"])
        return self._truth

    def _open(self, corpus: str | Part) -> Corpus:
        if isinstance(corpus, Part):
            return Corpus.open(self.out / corpus.corpus).part(corpus.start, corpus.stop)
        return Corpus.open(self.out / corpus)

    def _keep(self, folder: Path, n: int) -> None:
        """Find the truth's likeliest token ids on some of its texts, and on others how much of it they are."""
        whole = _make_truth(self.profile.truth)
        texts = self._corpus(whole, folder, _CHOSEN_ON + _USED_ON, folder.name, state=self.state).texts()
        if self.state.is_main_process:
            ids = likeliest(whole, texts[:_CHOSEN_ON], n)
            found = use(whole, texts[_CHOSEN_ON:], ids)
            write_json(folder / "tokens.json", {"ids": ids, "use": found._asdict()})

    def _trained(self, name: str, beta: float) -> LanguageModel:
        model = self._untrained(self._fits[name].learner, 0).with_weights(
            self.out / name / "model.safetensors"
        )
        if isinstance(self.truth, LanguageModel):
            model = model.to(dtype=self.truth.model.dtype)
        return model.sharpen(beta)

    def _untrained(self, learner: Learner, seed: int) -> LanguageModel:
        if learner.layers is not None:
            return prune(self.truth, learner.layers)
        if learner.start is not None:
            language, options = self.truth.language, {"device": self.state.device, "dtype": torch.float32}
            model = _read(learner.start, prompt=language.prompt, length=language.length, **options)
            model = replace(model, beta=1.0, language=replace(model.language, eos=language.eos))
            language.check_same(model.language, ("the truth", learner.start))
            return model
        tokenizer = getattr(self.truth, "tokenizer", None)
        return new(learner.shape, self.truth.language, seed=seed, tokenizer=tokenizer).to(self.state.device)

    def _corpus(
        self, model: LanguageModel | MarkovMixture, folder: Path, n: int, name: str, **options
    ) -> Corpus:
        options |= {"shard": self.profile.texts.shard, "batch": self.profile.batch}
        return Corpus.draw(
            model, folder, n=n, seed=stream_seed(self.profile.seed, name), sampler=name, **options
        )

    def _score(self, row: Score, folder: Path) -> None:
        """Draw from one model and score it."""
        model, n = self._trained(row.model, row.cooling), self.profile.texts.score
        if row.curve in ("turned", "decoded"):
            model = with_knob(model, row.knob, row.setting)
        own = self._corpus(model, folder / "samples", n, folder.name)
        found = rows.score(row, model, own, self.truth, self.out, self.profile.texts)
        if self.profile.beyond and row.curve in ("cooled", "decoded"):
            others = Corpus.open(self.out / "truth-score").sample(n, seed=0)
            found |= rows.hedge(model, self._trained(row.model, 1.0), others)
        write_json(folder / "score.json", found)

    def _measure(self, row: Measure, folder: Path) -> None:
        """Draw from a model, and keep of each of its texts, and of the truth's, what the study's errors need."""
        n = self.profile.texts.score
        beta = 1 / row.decoding
        model = self.truth.sharpen(beta) if row.model == "truth" else self._trained(row.model, beta)
        own = self._corpus(model, folder / "samples", n, folder.name)
        others = Corpus.open(self.out / "truth-score").sample(n, seed=0)
        kept, read = measure(model, (own.texts(), own.log_probs()), truth=self.truth, others=others)
        kept["judge"] = self._trained(row.judge, 1.0).log_prob(read.tokens)
        with replacing(folder / "texts.safetensors") as temporary:
            save_file(kept | {"token_log_prob": read.token_log_prob.astype(np.float16)}, temporary)
        write_json(
            folder / "score.json", findings.row(row, kept, read.tokens, self.truth, self.profile.study)
        )


def _in_turn(work: Run, todo: list[Stage]) -> Iterator[Stage]:
    """Carry out stages one after the other, and say which before it begins."""
    for i, stage in enumerate(todo):
        yield stage
        work.carry_out(stage, turn=i)


def _make_truth(truth: Toy | Pretrained | Scratch) -> LanguageModel | MarkovMixture:
    if isinstance(truth, Toy):
        return MarkovMixture.random(**asdict(truth))
    if isinstance(truth, Pretrained):
        return _read(truth.name, truth.source, prompt=truth.prompt, length=truth.length)
    return new(truth.shape, truth.language, seed=truth.seed).sharpen(truth.beta).to(PartialState().device)


def _read(*names: str, **options: Any) -> LanguageModel:
    try:
        return load(*names, **options)
    except RuntimeError as error:  # files that cannot be read
        raise ValueError(str(error)) from error
