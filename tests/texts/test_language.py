from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from kdlite.lm import Language

L = Language(5, 3, (0, 1), eos=4)


def test_a_text_counts_up_to_and_including_its_first_end_token():
    tokens = np.array([[4, 4, 4], [1, 4, 4], [1, 2, 4], [1, 2, 3], [4, 1, 4]])
    assert L.size(tokens).tolist() == [1, 2, 3, 3, 1]


def test_without_an_end_token_every_text_has_full_length():
    assert Language(5, 3, (0,)).size(np.array([[4, 4, 4], [0, 0, 0]])).tolist() == [3, 3]


def test_a_begin_token_may_stand_past_the_vocabulary_or_inside():
    assert (Language(5, 3, (0,)).embeddings, Language(5, 3, (0,), begin=0).embeddings) == (5, 5)
    assert Language(5, 3, (5,), begin=5).embeddings == 6


def test_ids_become_plain_integers_and_the_prompt_a_tuple():
    language = Language(np.int64(5), np.int32(3), np.array([0, 1]), eos=4)
    assert language == L and hash(language) == hash(L)
    assert type(language.vocabulary) is int and type(language.prompt[0]) is int


def test_a_language_is_frozen():
    with pytest.raises(FrozenInstanceError):
        L.length = 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vocabulary": 0}, "vocabulary must be an integer >= 1, got 0"),
        ({"vocabulary": 2.0}, "vocabulary must be an integer >= 1, got 2.0"),
        ({"length": 0}, "length must be an integer >= 1, got 0"),
        ({"length": True}, "length must be an integer >= 1, got True"),
        ({"prompt": ()}, "prompt is empty"),
        ({"prompt": (-1,)}, "prompt token must be an integer >= 0, got -1"),
        ({"prompt": (0, 5)}, "prompt token 5 is outside the vocabulary of 5; use ids below 5"),
        ({"prompt": (6,), "begin": 5}, "prompt token 6 .*; use ids below 6"),
        ({"eos": 5}, "end token 5 is outside the vocabulary of 5; use ids below 5"),
        ({"eos": -1}, "end token must be an integer >= 0, got -1"),
        ({"begin": 6}, "begin token 6 is outside the vocabulary of 5; use ids below 6"),
        ({"begin": 4}, "token 4 ends texts.*leave begin as None"),
        ({"vocabulary": 1, "prompt": (0,), "eos": None, "begin": 0}, "no text is left"),
    ],
)
def test_impossible_languages_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Language(**{"vocabulary": 5, "length": 3, "prompt": (0,), "eos": 4} | settings)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([0, 1, 2], r"shape \(n, 3\), got \(3,\); pad shorter texts with the end token 4"),
        ([[0, 1]], r"shape \(n, 3\), got \(1, 2\)"),
        ([[[0, 1, 2]]], r"got \(1, 1, 3\)"),
        (np.empty((0, 3), dtype=int), "empty"),
        ([[0.0, 1.0, 2.0]], "tokens must be integers, got float64"),
        ([[True, False, True]], "tokens must be integers, got bool"),
        ([[0, 1, 5]], "token 5 is outside the vocabulary of 5; ids run from 0 to 4"),
        ([[0, -1, 5]], "token -1 is outside the vocabulary"),
    ],
)
def test_texts_of_another_kind_are_refused(tokens, message):
    for method in (L.check, L.size):
        with pytest.raises(ValueError, match=message):
            method(tokens)


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.int64])
def test_any_integers_are_tokens(kind):
    found = L.check(np.array([[0, 1, 4]], dtype=kind))
    assert found.dtype == np.int64 and found.tolist() == [[0, 1, 4]]


def test_texts_without_an_end_token_are_not_told_to_pad():
    with pytest.raises(ValueError, match=r"got \(1, 2\); pass whole texts$"):
        Language(5, 3, (0,)).check([[0, 1]])


@pytest.mark.parametrize("begin", [2, 5])
def test_the_begin_token_is_in_no_text(begin):
    language = Language(5, 3, (begin,), begin=begin)
    with pytest.raises(ValueError, match=f"token {begin} is (the begin token|outside)"):
        language.check([[0, begin, 1]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocabulary": 6}, "vocabulary size of mine is 5, that of yours is 6; both must"),
        ({"length": 4}, "length of mine is 3, that of yours is 4; give both"),
        ({"prompt": (1,)}, r"prompt of mine is \(0, 1\), that of yours is \(1,\); give both"),
        ({"eos": None}, "end token of mine is 4, that of yours is None; both must end"),
        ({"begin": 3}, "begin token of mine is None, that of yours is 3; both must leave out"),
        ({"tokenizer": "b"}, "tokenizer of mine is a, that of yours is b; use models that share"),
    ],
)
def test_a_mismatch_names_both_values_and_the_remedy(changes, message):
    settings = {"vocabulary": 5, "length": 3, "prompt": (0, 1), "eos": 4, "tokenizer": "a"}
    mine, yours = Language(**settings), Language(**settings | changes)
    with pytest.raises(ValueError, match=message):
        mine.check_same(yours, ("mine", "yours"))


def test_an_unknown_tokenizer_is_no_mismatch():
    known = Language(5, 3, (0, 1), eos=4, tokenizer="a")
    known.check_same(L, ("a", "b"))
    L.check_same(known, ("a", "b"))
    L.check_same(Language(5, 3, (0, 1), eos=4), ("a", "b"))
