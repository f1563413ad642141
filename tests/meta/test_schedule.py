"""When models are fitted anew."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge, SGDRegressor

from skbandit.buffers import AllData, SlidingWindow
from skbandit.meta import GreedyBandit


def _online(bandit, n_rounds, arm=lambda number: number % 2):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((n_rounds, 2))
    for number in range(n_rounds):
        row = X[number : number + 1]
        bandit.partial_fit(row, np.array([arm(number)]), row[:, 0])
    return bandit


@pytest.mark.parametrize("growth", [1.05, 1.5])
def test_refits_are_logarithmic(growth):
    n_rounds = 2000
    bandit = _online(GreedyBandit(arms=[0, 1], refit_growth=growth), n_rounds)
    n_own = n_rounds / 2
    # One a round until a round is less than the growth, then one for each factor.
    often = 1.0 / (growth - 1.0)
    most = often + np.log(n_own / often) / np.log(growth) + 2
    assert (bandit.n_refits_ <= most).all()
    assert (bandit.n_refits_ >= np.log(n_own / often) / np.log(growth) / 2).all()


def test_when_a_model_is_fitted():
    bandit = GreedyBandit(arms=[0], refit_growth=1.5, min_rewards=4)
    X = np.arange(1.0, 13.0)[:, None]
    counts = []
    for row in X:
        bandit.partial_fit(row[None], np.array([0]), row)
        counts.append(int(bandit.n_refits_[0]))
    # At 4 rewards; then once there are half as many more: 6, 9, 14.
    assert counts == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    known = Ridge(tol=1e-10).fit(X[:9], X[:9, 0]).predict(X)
    np.testing.assert_allclose(bandit.expected_reward(X)[:, 0], known)


def test_a_growth_of_one_fits_in_every_call():
    bandit = _online(GreedyBandit(arms=[0, 1], refit_growth=1.0), 20)
    assert bandit.n_refits_.tolist() == [9, 9]


def test_pieces_end_near_the_whole():
    """What was learnt by pieces is what the last fit saw: at most 5 % of the rounds are behind."""
    bandit = _online(GreedyBandit(arms=[0, 1]), 400)
    for model, weight in zip(bandit.state_.models, bandit.weight_, strict=True):
        assert model.schedule.new_weight <= 0.05 * weight


def test_an_arm_that_is_not_played_is_not_fitted():
    bandit = _online(GreedyBandit(arms=[0, 1]), 10)
    before = bandit.n_refits_
    rng = np.random.RandomState(1)
    for _ in range(30):
        row = rng.standard_normal((1, 2))
        bandit.partial_fit(row, np.array([0]), row[:, 0])
    assert bandit.n_refits_[0] > before[0]
    assert bandit.n_refits_[1] == before[1]


def test_a_window_forgets():
    """After it has passed an arm's rewards, the arm is cold again."""
    bandit = GreedyBandit(arms=[0, 1], buffer=SlidingWindow(10), random_state=0)
    _online(bandit, 30, arm=lambda number: int(number < 15))
    assert bandit.weight_.tolist() == [10.0, 0.0]
    assert bandit.estimators_[1] is None
    X = np.zeros((1, 2))
    assert bandit.expected_reward(X)[0, 1] == pytest.approx(
        np.mean(bandit.state_.buffer.columns["reward"])
    )


def test_learning_on_keeps_the_last_rounds_for_transfer():
    bandit = _online(GreedyBandit(estimator=SGDRegressor(), arms=[0, 1], random_state=0), 20)
    assert isinstance(bandit.state_.buffer, SlidingWindow)
    assert bandit.n_refits_.tolist() == [10, 10]
    refitted = GreedyBandit(estimator=SGDRegressor(), arms=[0, 1], update="refit", random_state=0)
    assert isinstance(_online(refitted, 4).state_.buffer, AllData)


def test_rounds_of_no_weight_are_none():
    X = np.random.RandomState(0).standard_normal((20, 2))
    weight = (np.arange(20) % 2).astype(float)
    bandit = GreedyBandit(arms=[0]).fit(X, [0] * 20, reward=X[:, 0], sample_weight=weight)
    alone = GreedyBandit(arms=[0]).fit(X[1::2], [0] * 10, reward=X[1::2, 0])
    np.testing.assert_allclose(bandit.expected_reward(X), alone.expected_reward(X))
    assert len(bandit.state_.buffer) == 10
