"""From chances of being best to chances of being played."""

import numpy as np
from numpy.testing import assert_allclose

from skbandit._top_two import TopTwoBelief, challengers, top_two_policy
from skbandit.beliefs import IndependentBelief


def test_formula():
    best = np.array([[0.7, 0.2, 0.1], [1 / 3, 1 / 3, 1 / 3]])
    policy = top_two_policy(best, 0.6, None)
    for row in range(2):
        for j in range(3):
            others = [i for i in range(3) if i != j]
            total = sum(best[row, i] / (1 - best[row, i]) for i in others)
            assert_allclose(policy[row, j], best[row, j] * (0.6 + 0.4 * total))
    assert_allclose(policy.sum(axis=1), 1.0)


def test_challengers():
    assert_allclose(challengers(np.array([9.0, 1.0, 1.0]), 0), [0.0, 0.5, 0.5])
    costs = np.array([0.0, 3.0, np.inf, 5.0])
    weights = np.exp([-3.0, -5.0])
    expected = [0.0, *(weights / weights.sum())]
    assert_allclose(challengers(costs, 0), [expected[0], expected[1], 0.0, expected[2]])
    assert_allclose(challengers(np.array([0.0, np.inf]), 0), [1.0, 0.0])


def test_the_challenger_is_asked_where_chances_are_too_small():
    policy = top_two_policy(
        np.array([[1.0, 0.0, 0.0]]), 0.7, lambda row, leader: np.array([0.0, 0.2, 0.8])
    )
    assert_allclose(policy, [[0.7, 0.06, 0.24]])


def test_masked_arms_are_never_played():
    belief = IndependentBelief(np.array([[0.0, 1.0, 0.5]]), np.array([[1.0, 1.0, 1e-9]]))
    two = TopTwoBelief(belief, 0.5, lambda leader: np.zeros(3))
    mask = np.array([[True, False, True]])
    # Of two arms, either is the challenger of the other.
    assert_allclose(two.best(mask), [[0.5, 0.0, 0.5]], atol=1e-12)


def test_draws_change_places_in_a_share_of_them():
    belief = IndependentBelief(np.array([[0.0, 9.0, 5.0]]), np.full((1, 3), 1e-9))
    draws = TopTwoBelief(belief, 0.75, None).draws(400, 0)[:, 0]
    assert_allclose(np.bincount(draws.argmax(axis=1), minlength=3) / 400, [0.0, 0.75, 0.25])
    alone = IndependentBelief(np.array([[2.0]]), np.array([[1.0]]))
    assert TopTwoBelief(alone, 0.5, None).draws(5, 0).shape == (5, 1, 1)
