import errno
import hashlib
import json
import os
import shutil
from dataclasses import asdict

import numpy as np
import pyarrow.parquet as pq
import pytest
from corpora import SHAPE, Numbers, draw, ending, truth

import kdlite as kd
from kdlite.distribution import ratio_estimate
from kdlite.lm import Corpus, new


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A corpus of a Markov mixture, for tests that only read it."""
    return draw(truth(), tmp_path_factory.mktemp("made"))


@pytest.fixture
def mine(made, tmp_path):
    """A copy of its folder, to damage."""
    return shutil.copytree(made.folder, tmp_path / "corpus")


def undo(folder, *shards):
    """As if the draw had been stopped before these shards."""
    for name in (*shards, "manifest.json"):
        (folder / name).unlink()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    "model", [truth(), ending(), ending().sharpen(2)], ids=["markov", "ends", "sharpened"]
)
def test_a_corpus_is_the_sample_of_its_seed_and_knows_its_probability(model, tmp_path):
    drawn = draw(model, tmp_path / "corpus")
    corpus = Corpus.open(drawn.folder)
    assert corpus == drawn
    assert len(corpus) == 60 and corpus.sizes == (25, 25, 10)
    assert corpus.language == model.language
    texts = corpus.texts()
    assert texts.dtype == np.int64
    np.testing.assert_array_equal(texts, model.sample(60, 3))
    np.testing.assert_allclose(corpus.log_probs(), model.log_prob(texts), rtol=1e-5)
    assert corpus.log_probs().dtype == np.float64
    ends = [[*text, model.language.eos].index(model.language.eos) + 1 for text in texts.tolist()]
    assert corpus.tokens == np.minimum(ends, model.language.length).sum()
    np.testing.assert_array_equal(corpus.shard(1)[0], texts[25:50])
    np.testing.assert_array_equal(corpus.shard(1)[1], corpus.log_probs()[25:50])


def test_the_manifest_says_who_drew_what(made, tmp_path):
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert manifest == {
        "sampler": "truth",
        "beta": None,
        "seed": 3,
        "batch": 8,
        "model": truth().digest(),
        "language": asdict(truth().language) | {"prompt": [6]},
        "tokens": 600,
        "symbols": len(np.unique(made.texts())),
        "shards": [
            {
                "file": f"{i:05d}.parquet",
                "texts": n,
                "sha256": hashlib.sha256((made.folder / f"{i:05d}.parquet").read_bytes()).hexdigest(),
            }
            for i, n in enumerate((25, 25, 10))
        ],
    }
    assert made.digest == hashlib.sha256((made.folder / "manifest.json").read_bytes()).hexdigest()
    assert sorted(contents(made.folder)) == [*(f"0000{i}.parquet" for i in range(3)), "manifest.json"]
    table = pq.read_table(made.folder / "00001.parquet")  # as other programs do
    assert table.column_names == ["tokens", "log_prob"]
    assert table["tokens"].to_pylist() == made.shard(1)[0].tolist()
    assert draw(ending().sharpen(1.25), tmp_path, n=3).beta == 1.25


@pytest.mark.parametrize("model", [truth(), ending()], ids=["markov", "ends"])
def test_a_stopped_draw_continues_to_the_same_bytes(model, tmp_path):
    draw(model, tmp_path)
    whole, kept = contents(tmp_path), tmp_path / "00001.parquet"
    undo(tmp_path, "00000.parquet", "00002.parquet")
    time = kept.stat().st_mtime_ns
    draw(model, tmp_path)
    assert contents(tmp_path) == whole and kept.stat().st_mtime_ns == time
    draw(model, tmp_path / "longer", n=50)
    draw(model, tmp_path / "longer", n=60)
    assert contents(tmp_path / "longer") == whole


def test_shards_drawn_each_alone_in_any_order_are_those_of_one_draw(made, tmp_path):
    for i in (2, 0, 1, 1):
        assert draw(truth(), tmp_path, only=i) is None
        assert not (tmp_path / "manifest.json").exists()
    assert draw(truth(), tmp_path).digest == made.digest
    assert contents(tmp_path) == contents(made.folder)


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        (ending(), {"seed": 4}, "seed = 3, now 4"),
        (ending(), {"sampler": "teacher"}, "sampler = truth, now teacher"),
        (ending(), {"shard": 30}, "texts = 25, now 30"),
        (ending().sharpen(2), {}, r"beta = 1.0, now 2.0"),
        (new(SHAPE, ending().language, seed=9), {}, r"drawn with model = \w+, now \w+ is asked for"),
        (ending(13), {}, "language = .*'length': 12.*, now .*'length': 13"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_shards_of_another_draw_are_refused(model, changes, message, finished, tmp_path):
    draw(ending(), tmp_path)
    if not finished:
        (tmp_path / "manifest.json").unlink()
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=message) as caught:
        draw(model, tmp_path, **changes)
    assert ".parquet" in str(caught.value) and "choose another folder" in str(caught.value)
    assert contents(tmp_path) == before


def test_a_folder_that_is_not_a_corpus(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ValueError, match=f"{folder} is not a corpus.*Corpus.draw"):
            Corpus.open(folder)


def test_a_missing_shard_is_named(mine):
    (mine / "00001.parquet").unlink()
    with pytest.raises(ValueError, match=f"{mine / '00001.parquet'} is missing; restore it"):
        Corpus.open(mine)
    (mine / "manifest.json").unlink()  # as the message says
    assert len(draw(truth(), mine)) == 60


@pytest.mark.parametrize("place", [0, 60, 200, -300, -1])
def test_a_flipped_byte_is_found(mine, place):
    path = mine / "00001.parquet"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    for act in (lambda: Corpus.open(mine), lambda: draw(truth(), mine)):  # a new draw does not vouch for it
        with pytest.raises(ValueError, match=f"{path} is damaged: its SHA-256"):
            act()
    undo(mine, "00001.parquet")
    assert len(draw(truth(), mine)) == 60


def test_damage_in_a_draw_that_was_stopped_is_found(mine):
    """Nothing but the pages' own checksums can tell."""
    path = mine / "00000.parquet"
    content = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(1)
    start = column.dictionary_page_offset or column.data_page_offset
    content[start + column.total_compressed_size - 4] ^= 1
    path.write_bytes(content)
    (mine / "manifest.json").unlink()
    with pytest.raises(ValueError, match=f"{path} is damaged.*delete it and start again"):
        draw(truth(), mine)


@pytest.mark.parametrize("call", ["write_batch", "close", "fsync", "replace"])
def test_a_full_disk_leaves_what_was_finished(tmp_path, monkeypatch, call):
    folder, owner = tmp_path / "corpus", os if hasattr(os, call) and call != "close" else pq.ParquetWriter
    original, left = getattr(owner, call), [1]  # room for one shard

    def full(self, *args):
        left[0] -= call != "write_batch" or args[0].num_rows < 8  # a shard's last batch is a single text
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, full)
        with pytest.raises(OSError, match=f"no space left.*00001.parquet in {folder}") as caught:
            draw(truth(), folder)
    assert caught.value.errno == errno.ENOSPC
    assert os.listdir(folder) == ["00000.parquet"]
    with pytest.raises(ValueError, match=f"{folder} is not a corpus"):
        Corpus.open(folder)
    draw(truth(), folder)
    assert contents(folder) == contents(draw(truth(), tmp_path / "other").folder)


@pytest.mark.parametrize("size", [1, 7, 25, 26, 60, 100])
def test_an_epoch_reads_every_text_once(tmp_path, size):
    corpus = draw(Numbers(1000), tmp_path)
    steps = list(corpus.steps(size, 0, 0))
    assert [len(step) for step in steps] == [size] * (60 // size) + [60 % size] * (60 % size > 0)
    assert sorted(np.concatenate(steps)[:, 0]) == list(range(60))
    for start in range(len(steps) + 1):
        rest = list(corpus.steps(size, 0, 0, start))
        assert len(rest) == len(steps) - start
        for expected, found in zip(steps[start:], rest, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_the_order_is_a_function_of_seed_and_epoch(tmp_path):
    corpus = draw(Numbers(1000), tmp_path)

    def order(seed, epoch):
        return tuple(np.concatenate(list(corpus.steps(8, seed, epoch)))[:, 0])

    orders = {order(seed, epoch) for seed in range(2) for epoch in range(3)}
    assert len(orders) == 6 and order(1, 2) in orders
    assert len({found[0] // 25 for found in orders}) > 1  # the shards are shuffled too
    assert all(list(found) != sorted(found) for found in orders)


def test_a_corpus_stands_for_its_sampler_in_precision_and_recall(tmp_path):
    model, other = ending(), ending().sharpen(1.5)
    corpus = draw(model, tmp_path)
    texts = model.sample(40, 3)
    expected = ratio_estimate(other.log_prob(texts), model.size(texts))
    assert kd.precision(corpus, truth=other, n=40) == expected
    assert kd.recall(other, truth=corpus, n=40, seed=9) == expected
    assert expected.n == 40 and expected.value < 0
    for n in (61, 0):
        with pytest.raises(ValueError, match=f"n must be an integer .= .*, got {n}; the corpus has 60 texts"):
            corpus.sample(n, 0)
    with pytest.raises(ValueError, match="vocabulary size"):
        kd.precision(corpus, truth=truth(), n=4)


def test_no_shard_is_read_before_its_time(tmp_path, monkeypatch):
    """The texts of a large run do not fit in memory."""
    corpus = draw(ending(), tmp_path)
    texts, read, original = corpus.texts(), [], Corpus.shard
    monkeypatch.setattr(Corpus, "shard", lambda self, i: read.append(i) or original(self, i))
    for n, shards in ((1, [0]), (25, [0]), (26, [0, 1]), (60, [0, 1, 2])):
        read.clear()
        np.testing.assert_array_equal(corpus.sample(n, 0), texts[:n])
        assert read == shards
    for start in (0, 5):  # nor does a step of training
        read.clear()
        next(corpus.steps(5, 0, 0, start))
        assert len(read) == 1
