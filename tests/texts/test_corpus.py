import errno
import hashlib
import json
import os
import shutil
from dataclasses import asdict, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import Numbers, draw, ending, truth

import kdlite as kd
from kdlite.distribution import ratio_estimate
from kdlite.lm import Corpus, Shape, new


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
    assert corpus.tokens == model.size(texts).sum()
    for i, part in enumerate((slice(25), slice(25, 50), slice(50, 60))):
        np.testing.assert_array_equal(corpus.shard(i)[0], texts[part])
        np.testing.assert_array_equal(corpus.shard(i)[1], corpus.log_probs()[part])


def test_texts_that_end_are_counted_up_to_their_end(tmp_path):
    corpus = draw(ending(), tmp_path)
    sizes = corpus.size(corpus.texts())
    assert sizes.min() < 12 and sizes.max() > 1
    expected = [text.index(2) + 1 if 2 in text else 12 for text in corpus.texts().tolist()]
    assert sizes.tolist() == expected and corpus.tokens == sum(expected)


def test_symbols_of_the_padding_are_not_counted(tmp_path):
    class Once:
        language = ending().language

        def digest(self):
            return "once"

        def draws(self, n, seed, *, start, batch):
            yield np.array([[4] * 11 + [3], [4] * 12]), np.zeros(2)

    assert draw(Once(), tmp_path, n=2).symbols == 2
    Once.draws = lambda *args, **kwargs: iter([(np.array([[4] * 11 + [2], [2] * 12]), np.zeros(2))])
    assert draw(Once(), tmp_path / "end", n=2).symbols == 2


def test_the_manifest_says_who_drew_what(made):
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
    assert sorted(contents(made.folder)) == [
        "00000.parquet",
        "00001.parquet",
        "00002.parquet",
        "manifest.json",
    ]


def test_the_knob_is_in_the_manifest(tmp_path):
    assert draw(ending().sharpen(1.25), tmp_path, n=3).beta == 1.25


@pytest.mark.parametrize(
    ("vocabulary", "symbol"), [(1 << 16, pa.uint16()), ((1 << 16) + 1, pa.uint32()), (70_000, pa.uint32())]
)
def test_tokens_take_as_many_bytes_as_they_need(vocabulary, symbol, tmp_path):
    corpus = draw(Numbers(vocabulary), tmp_path, n=vocabulary, shard=40_000)
    assert pq.read_schema(tmp_path / "00000.parquet").field("tokens").type == pa.list_(symbol, 3)
    texts = corpus.texts()
    assert texts.max() == vocabulary - 1 and corpus.symbols == vocabulary
    np.testing.assert_array_equal(texts[:, 0], np.arange(vocabulary))
    np.testing.assert_array_equal(texts[-1], [vocabulary - 1, 0, 1])


def test_other_programs_can_read_the_shards(made):
    table = pq.read_table(made.folder / "00001.parquet")
    assert table.column_names == ["tokens", "log_prob"]
    assert table["tokens"].to_pylist() == made.shard(1)[0].tolist()
    assert table["log_prob"].to_pylist() == made.shard(1)[1].tolist()


@pytest.mark.parametrize("model", [truth(), ending()], ids=["markov", "ends"])
@pytest.mark.parametrize("lost", [["00002.parquet"], ["00001.parquet", "00002.parquet"], ["00000.parquet"]])
def test_a_stopped_draw_continues_to_the_same_bytes(model, lost, tmp_path):
    draw(model, tmp_path)
    whole, kept = contents(tmp_path), set(os.listdir(tmp_path)) - {*lost, "manifest.json"}
    undo(tmp_path, *lost)
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in kept}
    draw(model, tmp_path)
    assert contents(tmp_path) == whole
    assert times == {name: (tmp_path / name).stat().st_mtime_ns for name in kept}


def test_a_corpus_grows_by_whole_shards(tmp_path):
    first = draw(truth(), tmp_path / "a", n=50)
    longer = draw(truth(), tmp_path / "a", n=60)
    assert contents(tmp_path / "a") == contents(draw(truth(), tmp_path / "b").folder)
    assert longer.digest != first.digest


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        (ending(), {"seed": 4}, "seed = 3, now 4"),
        (ending(), {"sampler": "teacher"}, "sampler = truth, now teacher"),
        (ending(), {"batch": 9}, "batch = 8, now 9"),
        (ending(), {"n": 61}, "texts = 10, now 11"),
        (ending(), {"shard": 30}, "texts = 25, now 30"),
        (ending().sharpen(2), {}, r"beta = 1.0, now 2.0"),
        (
            new(Shape(16, 1, 2, 1, 32), ending().language, seed=9),
            {},
            r"drawn with model = \w+, now \w+ is asked for",
        ),
        (ending(13), {}, "language = .*'length': 12.*, now .*'length': 13"),
        (truth(), {}, "language = .*'vocabulary': 5.*, now .*'vocabulary': 6"),
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


def test_a_parquet_file_of_someone_else_is_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "00000.parquet")
    with pytest.raises(ValueError, match=r"00000.parquet was drawn with sampler = None, now truth"):
        draw(truth(), tmp_path)


@pytest.mark.parametrize("name", ["n", "shard", "batch"])
def test_numbers_out_of_range(name, tmp_path):
    for value in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match=f"{name} must be an integer >= 1, got {value}"):
            draw(truth(), tmp_path, **{name: value})
    with pytest.raises(ValueError, match="seed must be an integer >= 0, got -1"):
        draw(truth(), tmp_path, seed=-1)
    assert not os.listdir(tmp_path)


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


@pytest.mark.parametrize("size", [0, 3, 100, -5])
@pytest.mark.parametrize("vouched", [True, False])
def test_a_truncated_shard_is_named(mine, made, size, vouched):
    path = mine / "00002.parquet"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=f"{path} is damaged"):
        made.open(mine)
    with pytest.raises(ValueError, match=f"{path} is damaged"):
        replace(made, folder=mine).texts()
    if not vouched:
        (mine / "manifest.json").unlink()
    with pytest.raises(ValueError, match=f"{path} is damaged"):
        draw(truth(), mine)


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


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        '{"language": {"vocabulary": 6}}',
        '{"language": 3}',
    ],
)
def test_a_manifest_that_is_none(mine, content):
    (mine / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match=f"{mine / 'manifest.json'} is not"):
        Corpus.open(mine)


def test_a_manifest_with_a_key_missing_or_wrong(mine):
    path = mine / "manifest.json"
    manifest = json.loads(path.read_text())
    for name in manifest:
        if name in ("batch", "model"):
            continue  # kept for the next draw
        path.write_text(json.dumps({k: v for k, v in manifest.items() if k != name}))
        with pytest.raises(ValueError, match=f"{path} is not the manifest of a corpus.*{name}"):
            Corpus.open(mine)
    for name, value in (("shards", [{}]), ("shards", 3), ("language", manifest["language"] | {"length": 0})):
        path.write_text(json.dumps(manifest | {name: value}))
        with pytest.raises(ValueError, match=f"{path} is not the manifest of a corpus"):
            Corpus.open(mine)


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


def test_a_sampler_that_fails_leaves_nothing_half_written(tmp_path):
    class Failing(Numbers):
        def draws(self, n, seed, *, start=0, batch=1):
            yield from super().draws(5, seed, start=start)
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        draw(Failing(50), tmp_path)
    assert not os.listdir(tmp_path)


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
    orders = {
        (seed, epoch): tuple(np.concatenate(list(corpus.steps(8, seed, epoch)))[:, 0])
        for seed in range(2)
        for epoch in range(3)
    }
    assert len(set(orders.values())) == 6
    assert all(list(order) != sorted(order) for order in orders.values())
    assert orders[1, 2] == tuple(np.concatenate(list(Corpus.open(tmp_path).steps(8, 1, 2)))[:, 0])
    first = {order[0] // 25 for order in orders.values()}
    assert len(first) > 1  # the shards are shuffled too
    with pytest.raises(ValueError, match="seed must be an integer >= 0, got -1"):
        next(corpus.steps(8, -1, 0))


def test_an_epoch_never_holds_more_than_it_must(tmp_path, monkeypatch):
    corpus = draw(Numbers(1000), tmp_path, n=100, shard=10)
    read, shard = [], Corpus.shard
    monkeypatch.setattr(Corpus, "shard", lambda self, i: (read.append(i), shard(self, i))[1])
    for k, _ in enumerate(corpus.steps(5, 0, 0), start=1):
        assert len(read) == -(-k // 2)
    read.clear()
    next(corpus.steps(5, 0, 0, 19))
    assert len(read) == 1


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


def test_a_sample_reads_no_shard_beyond_it(tmp_path, monkeypatch):
    """The texts of a large run do not fit in memory."""
    corpus = draw(ending(), tmp_path)
    texts, read, original = corpus.texts(), [], Corpus.shard
    monkeypatch.setattr(Corpus, "shard", lambda self, i: read.append(i) or original(self, i))
    for n, shards in ((1, [0]), (25, [0]), (26, [0, 1]), (60, [0, 1, 2])):
        read.clear()
        np.testing.assert_array_equal(corpus.sample(n, 0), texts[:n])
        assert read == shards
