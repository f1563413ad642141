"""The wheel bandit against its definition, row by row."""

import math

import numpy as np
import pytest
from scipy import stats

from skbandit.datasets import make_wheel_bandit


def wheel_by_hand(x1, x2, delta, safe, low, high):
    expected = [safe, low, low, low, low]
    if math.hypot(x1, x2) > delta:
        if x1 > 0:
            expected[1 if x2 > 0 else 2] = high
        else:
            expected[3 if x2 > 0 else 4] = high
    return expected


@pytest.mark.parametrize("delta", [0.0, 0.5, 0.95, 1.0])
def test_expected_reward(delta):
    X, _, expected = make_wheel_bandit(
        2000, delta=delta, mean_safe=2.0, mean_low=-1.0, mean_high=7.0, random_state=0
    )
    by_hand = [wheel_by_hand(*row, delta, 2.0, -1.0, 7.0) for row in X.tolist()]
    np.testing.assert_array_equal(expected, by_hand)


def test_defaults_are_those_of_the_paper():
    _, reward, expected = make_wheel_bandit(20_000, random_state=0)
    assert np.unique(expected).tolist() == [1.0, 1.2, 50.0]
    assert (expected[:, 0] == 1.2).all()
    assert stats.kstest(((reward - expected) / 0.01).ravel(), "norm").pvalue > 1e-3


def test_contexts_are_uniform_in_the_disc():
    X, *_ = make_wheel_bandit(20_000, random_state=1)
    radius, angle = np.hypot(*X.T), np.arctan2(X[:, 1], X[:, 0])
    assert radius.max() <= 1
    assert stats.kstest(radius**2, "uniform").pvalue > 1e-3
    assert stats.kstest(angle, "uniform", args=(-np.pi, 2 * np.pi)).pvalue > 1e-3
    assert abs(stats.spearmanr(radius, angle).statistic) < 5 / np.sqrt(20_000)


def test_share_of_large_rewards():
    n_samples, delta = 50_000, 0.9
    _, _, expected = make_wheel_bandit(n_samples, delta=delta, random_state=0)
    share = (expected == 50).any(axis=1).mean()
    truth = 1 - delta**2
    assert abs(share - truth) < 5 * np.sqrt(truth * (1 - truth) / n_samples)
    # The quadrants are alike.
    assert stats.chisquare((expected[:, 1:] == 50).sum(axis=0)).pvalue > 1e-3


def test_more_rounds_extend_fewer():
    for short, long in zip(
        make_wheel_bandit(20, random_state=5), make_wheel_bandit(50, random_state=5), strict=True
    ):
        np.testing.assert_array_equal(short, long[:20])


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"n_samples": 0}, ValueError),
        ({"delta": 1.5}, ValueError),
        ({"delta": -0.1}, ValueError),
        ({"noise": -1.0}, ValueError),
        ({"mean_high": "much"}, TypeError),
    ],
)
def test_bad_parameters(wrong, error):
    with pytest.raises(error, match=next(iter(wrong))):
        make_wheel_bandit(**wrong)
