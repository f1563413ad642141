"""Chances of independent arms with equally likely values, against enumeration."""

from itertools import product

import numpy as np
import pytest

from skbandit._discrete import discrete_top_probability
from skbandit._optimality import argmax_policy, top_policy
from skbandit.beliefs import ReplicateBelief


def _enumerated(values, k, available):
    """Average the policy of sure scores over all combinations of the arms' values."""
    n_values, n_rows, n_arms = values.shape
    total, combinations = np.zeros((n_rows, n_arms)), 0
    for chosen in product(range(n_values), repeat=n_arms):
        scores = values[list(chosen), :, np.arange(n_arms)].T
        total += top_policy(scores, k, available) if k > 1 else argmax_policy(scores, available)
        combinations += 1
    return total / combinations


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("levels", [None, 2, 3])
@pytest.mark.parametrize("masked", [False, True])
def test_chances_are_those_of_all_combinations(k, levels, masked):
    rng = np.random.RandomState(k)
    values = rng.standard_normal((4, 6, 4))
    if levels:
        # Many ties.
        values = rng.randint(levels, size=values.shape).astype(float)
    available = None
    if masked:
        available = rng.random_sample((6, 4)) < 0.7
        available[:, :k] = True
    found = discrete_top_probability(values, k, available)
    np.testing.assert_allclose(found, _enumerated(values, k, available), atol=1e-12)
    if masked:
        assert (found[~available] == 0.0).all()


def test_one_value_is_a_sure_score():
    scores = np.array([[[1.0, 3.0, 3.0], [0.0, 0.0, 0.0]]])
    np.testing.assert_allclose(discrete_top_probability(scores), argmax_policy(scores[0]))


def test_values_that_differ_by_rounding_tie():
    values = np.full((3, 1, 2), 0.3)
    values[:, 0, 1] += 1e-14
    np.testing.assert_allclose(discrete_top_probability(values), [[0.5, 0.5]])


def test_an_arm_that_is_far_away_and_not_available_changes_nothing():
    rng = np.random.RandomState(0)
    values = rng.standard_normal((5, 3, 3))
    mask = np.ones((3, 3), dtype=bool)
    mask[:, 2] = False
    expected = discrete_top_probability(values[:, :, :2])
    values[:, :, 2] = 1e12
    found = discrete_top_probability(values, 1, mask)
    np.testing.assert_allclose(found[:, :2], expected, atol=1e-12)


def test_blocks_of_rows_change_nothing(monkeypatch):
    values = np.random.RandomState(0).randint(3, size=(5, 40, 4)).astype(float)
    whole = discrete_top_probability(values)
    monkeypatch.setattr("skbandit._discrete._BLOCK_ENTRIES", 1)
    np.testing.assert_array_equal(discrete_top_probability(values), whole)


def test_bad_values():
    values = np.zeros((2, 1, 2))
    with pytest.raises(ValueError, match="k=3"):
        discrete_top_probability(values, 3)
    with pytest.raises(ValueError, match="k=1"):
        discrete_top_probability(values, 1, np.zeros((1, 2), dtype=bool))
    values[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="not a finite"):
        discrete_top_probability(values)


def test_a_belief_of_replicates():
    values = np.random.RandomState(0).standard_normal((7, 3, 4))
    belief = ReplicateBelief(values)
    np.testing.assert_allclose(belief.mean, values.mean(axis=0))
    np.testing.assert_allclose(belief.std, values.std(axis=0))
    np.testing.assert_allclose(belief.quantile(0.5), np.median(values, axis=0))
    wide = belief.widened(2.0)
    np.testing.assert_allclose(wide.mean, belief.mean)
    np.testing.assert_allclose(wide.std, 2.0 * belief.std)
    np.testing.assert_allclose(belief.widened(0.0).best(), argmax_policy(belief.mean))
    # 40,000 draws: five standard errors of a share are 0.0125.
    draws = belief.draws(40_000, 1)
    share = np.stack([argmax_policy(draws[:, row]).mean(axis=0) for row in range(3)])
    np.testing.assert_allclose(share, belief.best(), atol=0.0125)
    np.testing.assert_array_equal(draws[:10], belief.draws(10, 1))
