from dataclasses import FrozenInstanceError
from itertools import pairwise

import numpy as np
import pytest
from languages import chains, every_text, p_value

import kdlite as kd
from kdlite.lm import MarkovMixture
from kdlite.texts.markov import _inverse


def joint(mixture, text):
    """Probability of chain and text, multiplied out."""
    out = np.array(mixture.weights)
    for m in range(len(out)):
        out[m] *= mixture.initial[m, text[0]]
        for a, b in pairwise(text):
            out[m] *= mixture.transitions[m, a, b]
    return out


def test_log_prob_and_responsibilities_agree_with_enumeration():
    mixture, texts = chains(), every_text(chains().language)
    by_chain = np.array([joint(mixture, text) for text in texts])
    expected = by_chain.sum(axis=1)
    np.testing.assert_allclose(np.exp(mixture.log_prob(texts)), expected, rtol=1e-12)
    assert len(texts) == 81 and np.exp(mixture.log_prob(texts)).sum() == pytest.approx(1, abs=1e-12)
    possible = expected > 0
    np.testing.assert_allclose(
        mixture.responsibilities(texts)[possible], (by_chain / expected[:, None].clip(1e-300))[possible]
    )


@pytest.mark.parametrize("beta", [1, 3])
def test_samples_have_their_probabilities(beta):
    mixture = chains().sharpen(beta)
    texts = every_text(mixture.language)
    assert p_value(mixture.sample(200_000, 0), texts, mixture.log_prob(texts)) > 1e-3


def test_impossible_sequences():
    only_first = MarkovMixture([1, 0], chains().initial, chains().transitions, 4)
    impossible = np.array([[2, 2, 2, 2], [0, 2, 1, 1]])
    assert (only_first.log_prob(impossible) == -np.inf).all()
    assert np.isnan(only_first.responsibilities(impossible)).all()
    assert np.isfinite(chains().log_prob([[2, 2, 2, 2]])).all()
    assert kd.recall(only_first, truth=chains(), n=1000).value == -np.inf


def test_sharpening_moves_the_weights_alone():
    mixture = MarkovMixture([0.7, 0.3, 0.0], np.eye(3), np.tile(np.eye(3), (3, 1, 1)), 4)
    mixture.log_prob([[0, 0, 0, 0]])  # what is known of the chains is shared, the weights are not
    cold = mixture.sharpen(1e300)
    assert cold.log_prob([[0, 0, 0, 0], [1, 1, 1, 1]]).tolist() == [0, -np.inf]
    assert mixture.weights.tolist() == [0.7, 0.3, 0.0]
    assert mixture.sharpen(0).weights.tolist() == [0.5, 0.5, 0]
    for frozen in (mixture.weights, mixture.initial, mixture.transitions, cold.weights):
        assert not frozen.flags.writeable
    with pytest.raises(FrozenInstanceError):
        mixture.length = 3


def test_sequences_of_one_symbol():
    mixture = chains(length=1)
    np.testing.assert_allclose(np.exp(mixture.log_prob([[0], [1], [2]])), mixture.weights @ mixture.initial)


def test_entropy_rate_agrees_with_enumeration():
    mixture, texts = chains(), every_text(chains().language)
    logs = mixture.log_prob(texts)
    logs = logs[np.isfinite(logs)]
    found = mixture.entropy_rate(20_000)
    assert 0 < found.stderr < 0.01
    assert abs(found.value + np.exp(logs) @ logs / 4) < 4 * found.stderr


def test_draws_are_the_samples_batch_by_batch():
    mixture = chains()
    whole = mixture.sample(20, 3)
    assert not np.array_equal(whole, mixture.sample(20, 4))
    parts = list(mixture.draws(n=12, seed=3, batch=5, start=8))
    assert [len(tokens) for tokens, _ in parts] == [5, 5, 2]
    tokens, log_prob = (np.concatenate(part) for part in zip(*parts, strict=True))
    np.testing.assert_array_equal(tokens, whole[8:])
    np.testing.assert_allclose(log_prob, mixture.log_prob(tokens))


def test_zero_probabilities_are_never_drawn():
    cumulative = np.cumsum([[0.0, 0.1, 0.9 - 1e-16, 0.0]], axis=1)
    assert _inverse(cumulative, np.array([0.0, 0.5, 1 - 2.0**-53])).tolist() == [1, 2, 2]


def test_random_chains_come_from_their_seed():
    settings = {"chains": 3, "symbols": 5, "length": 4, "decay": 0.5, "concentration": 0.1}
    mixture = MarkovMixture.random(**settings, seed=0)
    np.testing.assert_allclose(mixture.weights[1:] / mixture.weights[:-1], np.exp(-0.5))
    assert mixture.transitions.min() >= 0.02 / 5 * (1 - 1e-12)
    np.testing.assert_array_equal(mixture.initial, MarkovMixture.random(**settings, seed=0).initial)
    assert not np.array_equal(mixture.initial, MarkovMixture.random(**settings, seed=1).initial)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"weights": [1.0]}, r"shapes \(M,\), \(M, V\) and \(M, V, V\), got \(1,\), \(2, 3\)"),
        ({"weights": [0.7, 0.2]}, r"weights must be >= 0 and sum to 1 .* got 0\.8999.*; divide by the sum"),
        ({"weights": [1.7, -0.7]}, r"weights must be >= 0 .* got -0\.7"),
        ({"transitions": chains().transitions + 0.1}, r"transitions must .* got 1\.3"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    good = {name: getattr(chains(), name) for name in ("weights", "initial", "transitions", "length")}
    with pytest.raises(ValueError, match=message):
        MarkovMixture(**good | parameters)
