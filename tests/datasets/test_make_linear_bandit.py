"""Linear bandits: linear, scaled and spread as documented."""

import numpy as np
import pytest
from scipy import stats

from skbandit.datasets import make_linear_bandit


@pytest.mark.parametrize("arm_features", [False, True])
@pytest.mark.parametrize("effective_rank", [None, 2])
def test_expected_reward_is_linear(arm_features, effective_rank):
    X, reward, expected, coef, intercept = make_linear_bandit(
        200,
        n_features=6,
        n_arms=4,
        effective_rank=effective_rank,
        intercept_std=2.0,
        arm_features=arm_features,
        random_state=3,
        return_coef=True,
    )
    assert reward.shape == expected.shape == (200, 4)
    assert intercept.shape == (4,)
    for arm in range(4):
        context = X[:, arm] if arm_features else X
        weights = coef if arm_features else coef[arm]
        by_hand = [sum(x * w for x, w in zip(row, weights, strict=True)) for row in context]
        np.testing.assert_allclose(expected[:, arm], np.add(by_hand, intercept[arm]), atol=1e-12)


@pytest.mark.parametrize("arm_features", [False, True])
@pytest.mark.parametrize(
    ("n_features", "n_informative", "effective_rank"),
    [(1, None, None), (30, None, None), (30, 2, None), (30, None, 3), (30, 5, 3)],
)
def test_context_moves_the_reward_by_one(n_features, n_informative, effective_rank, arm_features):
    _X, _, expected, coef, _ = make_linear_bandit(
        20_000,
        n_features=n_features,
        n_arms=3,
        n_informative=n_informative,
        effective_rank=effective_rank,
        arm_features=arm_features,
        random_state=0,
        return_coef=True,
    )
    # The variance of a Gaussian sample has standard error sqrt(2 / n) = 0.01: five of them.
    np.testing.assert_allclose(expected.var(axis=0), 1.0, atol=0.05)
    np.testing.assert_allclose(expected.mean(axis=0), 0.0, atol=5 / np.sqrt(20_000))
    matters = np.atleast_2d(coef) != 0
    assert (matters.sum(axis=1) == (n_informative or n_features)).all()
    assert (matters == matters[0]).all()


def test_noise_is_gaussian_of_the_given_width():
    _, reward, expected = make_linear_bandit(4000, noise=3.0, random_state=1)
    residual = ((reward - expected) / 3.0).ravel()
    assert stats.kstest(residual, "norm").pvalue > 1e-3
    _, reward, expected = make_linear_bandit(10, noise=0.0, random_state=1)
    np.testing.assert_array_equal(reward, expected)


def test_intercepts_have_the_given_spread():
    *_, intercept = make_linear_bandit(
        1, n_features=1, n_arms=4000, intercept_std=2.0, random_state=0, return_coef=True
    )
    assert stats.kstest(intercept / 2.0, "norm").pvalue > 1e-3
    *_, intercept = make_linear_bandit(1, random_state=0, return_coef=True)
    assert not intercept.any()


@pytest.mark.parametrize("effective_rank", [1, 3, 12])
def test_effective_rank_sets_the_spectrum(effective_rank):
    n_features = 12
    X, *_ = make_linear_bandit(
        200_000, n_features=n_features, effective_rank=effective_rank, random_state=2
    )
    spectrum = np.linalg.eigvalsh(X.T @ X / len(X))[::-1]
    std = [np.exp(-((i / effective_rank) ** 2)) + 1e-3 for i in range(n_features)]
    wanted = np.square(std) / np.mean(np.square(std))
    # Relative standard error sqrt(2 / n) = 0.003 each.
    np.testing.assert_allclose(spectrum, wanted, rtol=0.03)


def test_features_are_independent_without_effective_rank():
    X, *_ = make_linear_bandit(100_000, n_features=4, random_state=0)
    np.testing.assert_allclose(X.T @ X / len(X), np.eye(4), atol=5 * np.sqrt(2 / 100_000))


@pytest.mark.parametrize("arm_features", [False, True])
def test_more_rounds_extend_fewer(arm_features):
    options = {
        "n_features": 3,
        "arm_features": arm_features,
        "effective_rank": 2,
        "random_state": 5,
    }
    for short, long in zip(
        make_linear_bandit(20, **options), make_linear_bandit(50, **options), strict=True
    ):
        np.testing.assert_allclose(short, long[:20], rtol=1e-12)


def test_random_state():
    first, again, other = (make_linear_bandit(random_state=seed) for seed in (0, 0, 1))
    for one, two, three in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, three)
    assert not np.array_equal(make_linear_bandit()[0], make_linear_bandit()[0])


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"n_samples": 0}, ValueError),
        ({"n_samples": 2.5}, TypeError),
        ({"n_features": 0}, ValueError),
        ({"n_arms": 0}, ValueError),
        ({"n_informative": 21}, ValueError),
        ({"effective_rank": 0}, ValueError),
        ({"noise": -0.1}, ValueError),
        ({"intercept_std": -1}, ValueError),
    ],
)
def test_bad_parameters(wrong, error):
    with pytest.raises(error, match=next(iter(wrong))):
        make_linear_bandit(**wrong)
