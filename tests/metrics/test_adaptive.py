"""Values from logs of policies that were learning, and how such logs are recognised."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import TimeSeriesSplit

from skbandit.base import make_log
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.metrics import (
    LearningLogWarning,
    adaptive_dr_value,
    cross_fit_rewards,
    make_policy_scorer,
    policy_value,
)
from skbandit.selectors import EpsilonGreedySelector, PropensityFloorSelector


def learning_log(bandit, n_rounds, seed, means=(0.2, 0.0), batch=20):
    """Contexts that mean nothing, and what a bandit did that learns every so many rounds."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rounds, 1))
    reward = np.asarray(means) + rng.normal(size=(n_rounds, len(means)))
    arm, propensity = np.empty(n_rounds, dtype=int), np.empty(n_rounds)
    policy = np.empty(reward.shape)
    for start in range(0, n_rounds, batch):
        rows = np.arange(start, min(start + batch, n_rounds))
        policy[rows] = bandit.predict_proba(X[rows])
        arm[rows], propensity[rows] = bandit.predict(X[rows], return_propensity=True)
        bandit.partial_fit(X[rows], arm[rows], reward=reward[rows, arm[rows]])
    return X, arm, reward[np.arange(n_rounds), arm], propensity, policy


def thompson(n_arms=2, seed=0):
    return LinearThompsonSampling(
        arms=range(n_arms), selector=PropensityFloorSelector(), random_state=seed
    )


@pytest.fixture(scope="module")
def learnt():
    return learning_log(thompson(3), 600, 0, means=(0.5, 0.0, 0.2))


def keywords(log, n_arms=3, target=1, expected=None):
    _, arm, reward, propensity, _ = log
    policy = np.tile(np.eye(n_arms)[target], (len(arm), 1))
    return {
        "arm": arm,
        "reward": reward,
        "propensity": propensity,
        "policy_probability": policy,
        "expected_reward": np.zeros_like(policy) if expected is None else expected,
    }


@pytest.mark.parametrize(
    ("weighting", "power"), [("square_root", 0.5), ("minimum_variance", 1.0), ("uniform", 0.0)]
)
def test_weights_follow_from_the_logging_policy(weighting, power, learnt):
    policy = learnt[-1]
    share = np.ones(600)
    for row in range(1, 600):
        square = 1.0 / policy[max(0, row - 50) : row, 1]
        share[row] = max(1.0, square.mean()) ** -power
    given = keywords(learnt, expected=np.tile([0.4, 0.1, 0.2], (600, 1)))
    value = adaptive_dr_value(**given, arm_propensity=policy, weighting=weighting)
    played = given["arm"] == 1
    terms = 0.1 + np.where(played, (given["reward"] - 0.1) / given["propensity"], 0.0)
    assert_allclose(value.value, np.average(terms, weights=share))
    # The variance of Hadad et al. (2021), with n - 1 for n.
    error = np.sqrt((share**2 * (terms - value.value) ** 2).sum() * 600 / 599) / share.sum()
    assert_allclose(value.standard_error, error)
    if weighting == "uniform":
        assert_allclose(value.value, policy_value("dr", **given).value)
    assert value.parameters == {"weighting": weighting}


def test_two_arms_need_no_more_than_the_propensity():
    log = learning_log(thompson(), 400, 3)
    given = keywords(log, 2)
    value = adaptive_dr_value(**given)
    assert_allclose(value.value, adaptive_dr_value(**given, arm_propensity=log[-1]).value)


def test_sample_weights_count(learnt):
    given = keywords(learnt)
    zero = np.r_[np.ones(300), np.zeros(300)]
    half = {name: array[:300] for name, array in given.items()}
    assert_allclose(
        adaptive_dr_value(**given, sample_weight=zero).value, adaptive_dr_value(**half).value
    )


def test_bad_input(learnt):
    given = keywords(learnt)
    with pytest.raises(ValueError, match="weighting must be one of square_root"):
        adaptive_dr_value(**given, weighting="best")
    with pytest.raises(ValueError, match=r"arm_propensity must have shape \(600, 3\)"):
        adaptive_dr_value(**given, arm_propensity=learnt[-1][:10])
    with pytest.raises(ValueError, match=r"arm_propensity says .* in row 0 where propensity says"):
        adaptive_dr_value(**given, arm_propensity=learnt[-1][:, ::-1] * 0.9)


@pytest.mark.filterwarnings("ignore::skbandit.metrics.PoorSupportWarning")
@pytest.mark.parametrize("floor", [PropensityFloorSelector(), EpsilonGreedySelector(epsilon=0.1)])
@pytest.mark.parametrize("Bandit", [LinearThompsonSampling, LinearUCB])
def test_coverage(Bandit, floor):
    """95 % intervals of both arms' values on 150 logs of 400 rounds, .2 deviations apart.

    Each covers 94 % of many logs: fewer than 128 of 150 by chance in 1 test of 20,000.
    """
    covered = np.zeros(2)
    for seed in range(150):
        bandit = Bandit(arms=range(2), selector=floor, random_state=seed)
        log = learning_log(bandit, 400, seed)
        X, arm, reward = log[:3]
        expected = cross_fit_rewards(LinearRegression(), X, arm, reward, cv=TimeSeriesSplit())
        for target, truth in enumerate((0.2, 0.0)):
            given = keywords(log, 2, target, expected)
            low, high = adaptive_dr_value(**given).interval()
            covered[target] += low <= truth <= high
    assert (covered >= 128).all()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::skbandit.metrics.PoorSupportWarning")
@pytest.mark.parametrize("gap", [0.0, 0.1, 0.2, 0.5])
@pytest.mark.parametrize("n_rounds", [500, 2000])
def test_coverage_of_long_runs(n_rounds, gap):
    """1,000 logs of Thompson sampling with a floor: 92.6 to 97.4 % of the intervals of 95 %.

    Where 95 % are held, as many or as few are by chance in 1 test of 2,000.
    """
    covered = np.zeros(2)
    for seed in range(1000):
        log = learning_log(
            thompson(seed=seed), n_rounds, 10_000 + seed, (gap, 0.0), n_rounds // 25
        )
        X, arm, reward = log[:3]
        expected = cross_fit_rewards(LinearRegression(), X, arm, reward, cv=TimeSeriesSplit())
        for target, truth in enumerate((gap, 0.0)):
            low, high = adaptive_dr_value(**keywords(log, 2, target, expected)).interval()
            covered[target] += low <= truth <= high
    assert (np.abs(covered / 1000 - 0.95) < 0.024).all()


# --------------------------------------------------------------------------- recognised logs
@pytest.mark.filterwarnings("ignore:the error of this value rests on")
def test_the_log_of_a_learning_policy_is_recognised(learnt):
    for name in ("ips", "snips", "dr", "sndr", "cressie_read", "clipped_ips", "switch_dr"):
        value = policy_value(name, **keywords(learnt))
        with pytest.warns(LearningLogWarning, match="adaptive_dr_value"):
            value.interval()
        with pytest.warns(LearningLogWarning):
            (value - value).interval("student")
    value = policy_value("ips", **keywords(learnt))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value.interval("betting")
        policy_value("adaptive_dr", **keywords(learnt)).interval()
        policy_value("dm", **keywords(learnt)).interval("cressie_read")


def test_a_policy_that_stays_as_it_is_is_not(world):
    """Of 50 logs of a fixed policy none is taken for one that learns: by chance 1 in 20,000."""
    for seed in range(50):
        value = policy_value("ips", **world.log(2000, seed))
        assert not value._log_learns
    uniform = {"reward": np.ones(500), "propensity": np.full(500, 0.5)}
    assert not policy_value("ips", policy_probability=np.full(500, 0.5), **uniform)._log_learns


def test_drift_by_hand(learnt):
    propensity = learnt[3]
    chance = stats.ks_2samp(propensity[:200], propensity[-200:], method="asymp").pvalue
    assert chance < 1e-6


# ------------------------------------------------------------------------------------ scorers
def test_scorer_fits_its_model_on_earlier_rounds():
    X, arm, reward, propensity, _ = learning_log(thompson(), 400, 5)
    policy = LinearUCB(arms=range(2), alpha=0.0).fit(X[:50], arm[:50], reward=reward[:50])
    log = make_log(arm, reward, propensity)
    scorer = make_policy_scorer("adaptive_dr", reward_model=LinearRegression(), cv=4)
    expected = cross_fit_rewards(LinearRegression(), X, arm, reward, cv=TimeSeriesSplit(4))
    value = adaptive_dr_value(
        arm=arm,
        reward=reward,
        propensity=propensity,
        policy_probability=policy.predict_proba(X),
        expected_reward=expected,
    )
    assert_allclose(scorer(policy, X, log), value.value)
