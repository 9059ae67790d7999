"""Disks that refuse, folders that nobody may write to, and two that want one folder: nothing half-written has a name, one
line says what to do, and whoever carries on ends with the same bits.
"""

from functools import partial

import pytest
from corpora import RECIPE, SHAPE, draw, ending, truth
from runs import SMALL, check_whole, outcome
from writes import refuse_each, watched

from kdlite import page
from kdlite.lm import Corpus, fit, new, run


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    with watched(tmp_path_factory.mktemp("library")) as process:
        yield process


def check_said(refusals, folder, least):
    """Each refusal is one line that names the folder and the remedy, and enough of them were seen."""
    assert len(refusals) >= least
    for call, path, _, said in refusals:
        assert said is not None, f"{call} {path} was refused, and nobody said so"
        assert "no space left while writing " in said and str(folder) in said and "\n" not in said, said
        assert "free some space and start again: what was finished before is kept" in said


def learn(corpus, folder):
    found = Corpus.open(corpus)
    return fit(new(SHAPE, found.language, seed=1), found, RECIPE, folder, validation=found)


def save_model(folder):
    ending().save(folder)


def save_page(folder):
    page.save(folder / "page.html", "<p>Many words.</p>" * 2000, title="Words")


def draw_corpus(folder):
    draw(truth(), folder)


JOBS = {"a corpus": draw_corpus, "a model": save_model, "a page": save_page, "a training": None}


@pytest.mark.parametrize("name", JOBS)
def test_a_disk_that_is_full_at_each_write(name, disk, tmp_path):
    job, whole, out = JOBS[name], tmp_path / "whole", tmp_path / "out"
    if job is None:
        draw(truth(), tmp_path / "corpus")
        job = partial(learn, tmp_path / "corpus")
    job(whole)
    found = disk.submit(refuse_each, job, out, partial(check_whole, whole)).result()
    check_said(found, out, 6)
    assert outcome(out) == outcome(whole)


def test_a_run_on_a_disk_that_is_full_at_one_write_in_thirty(disk, tmp_path):
    """make proof does this at each write."""
    run(SMALL, tmp_path / "whole")
    out = tmp_path / "out"
    check = partial(check_whole, tmp_path / "whole")
    found = disk.submit(refuse_each, partial(run, SMALL), out, check, share=30).result()
    check_said(found, out, 15)
    assert outcome(out) == outcome(tmp_path / "whole")
