"""Inverse gap weighting against the formula, written out."""

import numpy as np
import pytest

from skbandit._gaps import inverse_gap_policy
from skbandit.linear import LinearUCB
from skbandit.selectors import EpsilonGreedySelector, InverseGapSelector, SoftmaxSelector


def _by_the_paper(scores, gamma):
    """Foster and Rakhlin (2020), section 3, for one row without ties."""
    best = int(np.argmax(scores))
    probability = [
        0.0 if a == best else 1.0 / (len(scores) + gamma * (scores[best] - scores[a]))
        for a in range(len(scores))
    ]
    probability[best] = 1.0 - sum(probability)
    return probability


@pytest.mark.parametrize("gamma", [0.0, 1.0, 50.0])
def test_formula(gamma):
    scores = np.random.RandomState(0).standard_normal((20, 5))
    expected = [_by_the_paper(row, gamma) for row in scores]
    np.testing.assert_allclose(inverse_gap_policy(scores, gamma), expected, atol=1e-12)


def test_a_mask_is_as_if_the_arm_were_not_there():
    rng = np.random.RandomState(0)
    scores = rng.standard_normal((10, 4))
    scores[:, 1] = 1e9
    mask = np.ones((10, 4), dtype=bool)
    mask[:, 1] = False
    found = inverse_gap_policy(scores, 3.0, 1, mask)
    expected = inverse_gap_policy(np.delete(scores, 1, axis=1), 3.0)
    np.testing.assert_allclose(np.delete(found, 1, axis=1), expected)
    assert (found[:, 1] == 0.0).all()


def test_ties_share_evenly():
    found = inverse_gap_policy([[1.0, 1.0, 0.0]], 2.0)
    np.testing.assert_allclose(found, [[0.4, 0.4, 0.2]])
    np.testing.assert_allclose(inverse_gap_policy(np.zeros((1, 4)), 9.0), 0.25)


def test_sets_are_the_best_and_one_of_the_others():
    scores = np.random.RandomState(0).standard_normal((20, 6))
    found = inverse_gap_policy(scores, 5.0, 3)
    np.testing.assert_allclose(found.sum(axis=1), 3.0)
    for row, probability in zip(scores, found, strict=True):
        order = np.argsort(-row)
        np.testing.assert_allclose(probability[order[:2]], 1.0)
        np.testing.assert_allclose(probability[order[2:]], _by_the_paper(row[order[2:]], 5.0))
    # All alike: no arm is preferred.
    np.testing.assert_allclose(inverse_gap_policy(np.zeros((1, 5)), 9.0, 2), 0.4)
    np.testing.assert_allclose(inverse_gap_policy([[2.0, 1.0, 1.0, 1.0]], 9.0, 2)[0, 1:], 1 / 3)


def test_selector_grows_with_what_was_learnt():
    X = np.random.RandomState(0).standard_normal((50, 2))
    y = np.tile(["a", "b"], 25)
    selector = InverseGapSelector(gamma_scale=3.0, gamma_exponent=0.25)
    bandit = LinearUCB(selector=selector).fit(X, y, reward=X[:, 0])
    expected = inverse_gap_policy(bandit.decision_function(X), 3.0 * 50.0**0.25)
    np.testing.assert_allclose(bandit.predict_proba(X), expected)
    unfitted = LinearUCB(arms=["a", "b", "c"], selector=InverseGapSelector(k=2))
    np.testing.assert_allclose(unfitted.predict_proba(X[:2]), 2.0 / 3.0)
    assert unfitted.predict(X[:4]).shape == (4, 2)


def test_temperature_falls():
    selector = SoftmaxSelector(temperature=0.6, decay=0.5, standardize=False)
    assert [selector.at(t).temperature for t in (0, 4, 36)] == pytest.approx([0.6, 0.3, 0.1])
    scores = np.array([[0.0, 0.3]])
    expected = np.exp(scores / 0.3) / np.exp(scores / 0.3).sum()
    np.testing.assert_allclose(selector.at(4).select(scores), expected)
    same = SoftmaxSelector()
    assert same.at(1000.0) is same


def test_epsilon_falls():
    selector = EpsilonGreedySelector(epsilon=0.6, decay=0.5)
    assert [selector.at(t).epsilon for t in (0, 1, 4, 36)] == pytest.approx([0.6, 0.6, 0.3, 0.1])
    same = EpsilonGreedySelector(epsilon=0.6)
    assert same.at(1000.0) is same
    X = np.random.RandomState(0).standard_normal((100, 2))
    bandit = LinearUCB(selector=selector).fit(X, np.tile([0, 1], 50), reward=X[:, 0])
    np.testing.assert_allclose(bandit.predict_proba(X).min(axis=1), 0.06 / 2.0)
