"""Texts that somebody wrote: strings, token ids and tables become corpora, and prompts that people type become ids."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import RECIPE, SHAPE
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import kdlite as kd
from kdlite import lm
from kdlite.lm import Corpus, Language, Prompts
from kdlite.texts import shards
from kdlite.texts.given import encode

WORDS = ["<end>", "<user>", "<bot>", "the", "cat", "sat", "on", "mat", "a", "dog"]
TEMPLATE = (
    "{% for m in messages %}{{ '<user> ' if m.role == 'user' else '<bot> ' }}{{ m.content }} "
    "{% if m.role == 'user' or not loop.last %}<end> {% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<bot>{% endif %}"
)


def words():
    """A tokenizer of ten words."""
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<end>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>", chat_template=TEMPLATE)


def speaker(prompt=(3,), length=4, **changes):
    return SimpleNamespace(
        language=Language(**{"vocabulary": 10, "length": length, "prompt": prompt, "eos": 0} | changes),
        tokenizer=words(),
    )


THREE = ["cat sat", "dog", "cat sat on a"]
TOKENS = [[4, 5, 0, 0], [9, 0, 0, 0], [4, 5, 6, 8]]
PAIRS = Prompts([[3], [3, 9]])


def give(texts, folder, model=None):
    with pytest.warns(UserWarning, match="1 of the 3 texts .* are longer than 4 tokens, and are cut there"):
        return Corpus.from_texts(texts, model or speaker(), folder)


def test_strings_end_are_padded_and_cut(tmp_path):
    corpus = give((text for text in THREE), tmp_path / "a")
    assert corpus.texts().tolist() == TOKENS
    assert (corpus.cut, corpus.tokens, corpus.symbols, len(corpus)) == (1, 9, 6, 3)
    assert (corpus.seed, corpus.beta, corpus.sampler) == (None, None, "given")
    assert Corpus.open(corpus.folder) == corpus
    assert pq.read_table(tmp_path / "a" / "00000.parquet").column_names == ["tokens"]
    with pytest.raises(ValueError, match="were given, not drawn; score them with"):
        corpus.log_probs()
    assert give(THREE, tmp_path / "a").digest == corpus.digest  # the same texts again
    before = {path: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    with pytest.raises(ValueError, match="holds other texts; choose another folder"):
        Corpus.from_texts(["cat"], speaker(), tmp_path / "a")
    assert {path: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before


@pytest.mark.parametrize(
    "texts",
    [TOKENS, np.array(TOKENS), [[4, 5], [9, 0], np.array([4, 5, 6, 8, 3, 7])], (row for row in TOKENS)],
    ids=["padded", "array", "ragged", "stream"],
)
def test_token_ids_make_the_corpus_of_their_strings(texts, tmp_path):
    with pytest.warns(UserWarning, match="cut"):
        corpus = Corpus.from_tokens(texts, speaker().language, tmp_path / "b")
    assert corpus.texts().tolist() == TOKENS and corpus.cut == 1
    assert corpus.digest == give(THREE, tmp_path / "a").digest


def test_tables_are_read_row_by_row(tmp_path):
    digest = give(THREE, tmp_path / "texts").digest
    rows = [{"story": text, "id": i} for i, text in enumerate(THREE)]
    (tmp_path / "table" / "part").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows[:2]), tmp_path / "table" / "a.parquet")
    pq.write_table(pa.Table.from_pylist(rows[2:]), tmp_path / "table" / "part" / "b.parquet")
    for i, data in enumerate((rows, iter(rows), tmp_path / "table", str(tmp_path / "table"))):
        with pytest.warns(UserWarning, match="cut"):
            found = Corpus.from_dataset(data, speaker(), tmp_path / str(i), text="story")
        assert found.digest == digest
    for data, said in (
        (rows, r"row 0 must have the columns \['text'\], it has \['id', 'story'\]"),
        (
            {"train": rows},
            "data must be rows, or a folder of them, got {'train': .*; pass a list, a stream, or one split",
        ),
        (tmp_path / "table", r"row 0 must have the columns \['text'\]"),
        (tmp_path / "texts" / "manifest.json", "cannot be read"),
        (tmp_path / "none", "holds no Parquet file"),
    ):
        with pytest.raises(ValueError, match=said):
            Corpus.from_dataset(data, speaker(), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_each_text_names_its_prompt(tmp_path):
    model = speaker(PAIRS)
    expected = [[1, 4, 5, 0, 0], [0, 9, 0, 0, 0], [1, 4, 5, 6, 8]]
    named = give([("the dog", "cat sat"), ("the", "dog"), (1, "cat sat on a")], tmp_path / "a", model)
    assert named.texts().tolist() == expected and named.symbols == 6
    rows = [{"q": q, "text": t} for q, t in (([3, 9], THREE[0]), ("the", THREE[1]), (1, THREE[2]))]
    with pytest.warns(UserWarning, match="cut"):
        assert Corpus.from_dataset(rows, model, tmp_path / "b", prompt="q").digest == named.digest
    with pytest.warns(UserWarning, match="cut"):
        assert Corpus.from_tokens(expected, model.language, tmp_path / "c").digest == named.digest


@pytest.mark.parametrize(
    ("texts", "changes", "said"),
    [
        ("the cat", {}, "texts must be strings, got 'the cat'; pass a list"),
        ([], {}, "there is no text"),
        (["cat", None], {}, "text 1 must be a string, got None"),
        (["cat", "dog <end> cat"], {}, "text 1 goes on after its end token 0 in place 1"),
        (["cat sat"], {"eos": None}, "text 0 has 2 tokens of 4, and the language has no end token"),
        (["cat"], {"prompt": PAIRS}, "text 0 must be a pair of its prompt and a string, got 'cat'"),
        ([("cat", "cat")], {"prompt": PAIRS}, "'cat' is none of the language's 2 prompts"),
        ([(2, "cat")], {"prompt": PAIRS}, "among texts 0 to 0, prompt 2 is outside the list of 2"),
        (["dog"], {"vocabulary": 9}, "among texts 0 to 0, token 9 is outside the vocabulary of 9"),
        (
            ["dog"],
            {"vocabulary": 3, "prompt": (1,), "ids": (0, 3, 4)},
            "token 9 of the tokenizer is not among the 3",
        ),
    ],
)
def test_what_is_no_text_of_the_language_leaves_no_folder(texts, changes, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        Corpus.from_texts(texts, speaker(**changes), tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


def test_what_goes_wrong_late_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD", 2)
    monkeypatch.setattr("kdlite.texts.given._SOME", 2)
    with pytest.raises(ValueError, match="text 5 must be a string, got 7"):
        Corpus.from_texts(["cat"] * 5 + [7], speaker(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_ids_of_a_narrowed_language_are_its_own(tmp_path):
    language = Language(4, 3, (1,), eos=0, ids=(0, 3, 9, 4))
    model = SimpleNamespace(language=language, tokenizer=words())
    assert Corpus.from_texts(["dog cat"], model, tmp_path).texts().tolist() == [[2, 3, 0]]
    assert encode(["the", "dog dog"], words(), language) == Prompts([[1], [2, 2]])


def test_a_stream_is_never_held(tmp_path, monkeypatch):
    """Texts are asked for when those before them have gone to disk, but for a shard and what is read at a time."""
    monkeypatch.setattr(shards, "SHARD", 20)
    monkeypatch.setattr("kdlite.texts.given._SOME", 8)
    asked, held = [], []
    write = shards._write
    monkeypatch.setattr(shards, "_write", lambda *a: (held.append(len(asked) - 20 * len(held)), write(*a)))
    texts = (asked.append(i) or [i % 9 + 1] for i in range(107))
    corpus = Corpus.from_tokens(texts, speaker().language, tmp_path)
    assert corpus.sizes == (20,) * 5 + (7,) and corpus.texts()[:, 0].tolist() == [
        i % 9 + 1 for i in range(107)
    ]
    assert max(held) <= 28


def test_given_texts_stand_for_their_writers(tmp_path, monkeypatch):
    """Their order may mean something: all of the first shard are cats."""
    monkeypatch.setattr(shards, "SHARD", 50)
    language = Language(10, 4, (3,), eos=0)
    corpus = Corpus.from_tokens([[4]] * 50 + [[9]] * 50, language, tmp_path / "corpus")
    texts = corpus.sample(40, 1)
    assert 10 < np.count_nonzero(texts[:, 0] == 4) < 30
    np.testing.assert_array_equal(texts, corpus.sample(40, 1))
    assert not np.array_equal(texts, corpus.sample(40, 2))
    np.testing.assert_array_equal(corpus.sample(100, 0), corpus.texts())
    model = lm.new(SHAPE, language, seed=0)
    before = kd.recall(model, truth=corpus, n=100)
    assert before.value == pytest.approx(model.log_prob(corpus.texts()).sum() / 200)
    made = lm.fit(model, corpus, RECIPE, tmp_path / "run", validation=corpus)
    assert kd.recall(made, truth=corpus, n=100).value > before.value + 0.5


def test_prompts_that_people_type_become_ids():
    tokenizer, hello = words(), [{"role": "user", "content": "the cat"}]
    goes_on = [*hello, {"role": "assistant", "content": "a dog"}]
    assert encode("the cat", tokenizer) == (3, 4) == encode([3, 4]) == encode(np.array([3, 4]))
    assert (
        encode(hello, tokenizer)
        == (1, 3, 4, 0, 2)
        == tuple(tokenizer.apply_chat_template(hello, add_generation_prompt=True, return_dict=False))
    )
    assert encode(goes_on, tokenizer) == (1, 3, 4, 0, 2, 8, 9)
    mixed = Prompts([(3,), (1, 3, 4, 0, 2), (5, 6)], [1, 2, 3])
    assert encode(["the", hello, [5, 6]], tokenizer, weights=[1, 2, 3]) == mixed == encode(mixed)
    assert encode(np.array([[3, 4], [5, 6]])) == Prompts([(3, 4), (5, 6)])
    bare = words()
    bare.chat_template = None
    for prompt, reader, said in (
        ("the", None, "there is no tokenizer to read the prompt 'the'"),
        (hello, bare, "no chat template"),
        ([], tokenizer, "the prompt is empty"),
        (["the", ""], tokenizer, "the prompt is empty"),
    ):
        with pytest.raises(ValueError, match=said):
            encode(prompt, reader)
    with pytest.raises(ValueError, match=r"weights are for several prompts, got \[1\] for one"):
        encode("the", tokenizer, weights=[1])


def test_a_model_is_given_other_prompts():
    model = lm.LanguageModel(
        lm.new(SHAPE, Language(10, 4, (3,), eos=0), seed=0).model, Language(10, 4, (3,), eos=0), words()
    )
    asked = model.with_prompt(["the cat", [{"role": "user", "content": "sat"}]], weights=[1, 2])
    assert asked.prompt == Prompts([(3, 4), (1, 5, 0, 2)], [1, 2]) and model.prompt == (3,)
    assert np.bincount(asked.sample(30, 0)[:, 0]).tolist() == [10, 20]
    assert asked.with_prompt("dog").prompt == (9,)
