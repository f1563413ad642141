"""Regret within the bounds that are proven for the mean, on fixed seeds."""

import numpy as np
import pytest

from skbandit.contextfree import (
    KLUCB,
    UCB1,
    BetaThompsonSampling,
    GaussianThompsonSampling,
    UniformBandit,
)

MEANS, N_ROUNDS = np.array([0.8, 0.5, 0.3]), 800
GAPS = MEANS.max() - MEANS


def regret(bandit, seed):
    rng = np.random.default_rng(seed)
    bandit.set_params(arms=[0, 1, 2], random_state=np.random.RandomState(seed))
    nothing, counts = np.empty((1, 0)), np.zeros(3)
    for chance in rng.random((N_ROUNDS, 3)):
        arm = bandit.predict(nothing)
        bandit.partial_fit(nothing, arm, (chance < MEANS)[arm].astype(float))
        counts[arm] += 1
    return counts @ GAPS


def ucb1_bound():
    """Theorem 1 of Auer et al. (2002)."""
    apart = GAPS[GAPS > 0]
    return (8 * np.log(N_ROUNDS) / apart + (1 + np.pi**2 / 3) * apart).sum()


@pytest.mark.parametrize("kind", [UCB1, KLUCB, BetaThompsonSampling, GaussianThompsonSampling])
def test_regret_is_within_the_bound_of_ucb1(kind):
    """Three streams: their mean would have to lie several spreads above its expectation."""
    lost = np.mean([regret(kind(), seed) for seed in range(3)])
    assert lost < ucb1_bound()
    # And far from that of play at random, (0.3 + 0.5) / 3 a round.
    assert lost < 0.5 * N_ROUNDS * GAPS.mean()


def test_uniform_play_loses_the_mean_gap():
    """Within five standard errors of 800 rounds: a chance of 6e-7."""
    error = 5 * np.sqrt(N_ROUNDS) * GAPS.std()
    assert abs(regret(UniformBandit(), 0) - N_ROUNDS * GAPS.mean()) < error
