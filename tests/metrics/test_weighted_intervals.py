"""Bounds for weights of any size against capitals counted round by round, and their promises."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.metrics import _weighted_intervals as grids
from skbandit.metrics import (
    get_estimator_names,
    ips_value,
    ls_interval,
    mean_value,
    mixture_interval,
    policy_value,
    select_pessimistic,
)

# The logs here are to have few effective rounds.
pytestmark = [
    pytest.mark.filterwarnings("ignore:only .* rounds are effective"),
    pytest.mark.filterwarnings("ignore:replay is for the log of a uniform policy"),
    pytest.mark.filterwarnings("ignore:the error of this value rests on"),
    pytest.mark.filterwarnings("ignore:the importance weights have mean"),
]

METHODS = ["ls", "mixture"]
SUPPORTED = ["clipped_ips", "ips", "ix", "ls", "subgaussian_ips"]
LEAST = 0.02


def skewed_log(n_rounds, seed):
    """Arm 1 is rare in the log, half of what the policy plays, and pays half as much as arm 0."""
    rng = np.random.default_rng(seed)
    arm = (rng.uniform(size=n_rounds) < LEAST).astype(int)
    return {
        "reward": rng.binomial(1, np.where(arm == 1, 0.3, 0.6)).astype(float),
        "propensity": np.where(arm == 1, LEAST, 1 - LEAST),
        "policy_probability": np.full(n_rounds, 0.5),
    }


SKEWED_VALUE = 0.45


def capital(weight, reward, candidate, stake, level=0.0):
    """One bettor's capital, from bets on the mean of w (r - level) + level above a candidate."""
    log_capital = 0.0
    bet = stake / (1 + stake * candidate)
    for w, r in zip(weight.tolist(), reward.tolist(), strict=True):
        log_capital += math.log(1 + bet * (w * (r - level) + level - candidate))
    return math.exp(log_capital)


def average_capital(weight, reward, candidate, max_weight, anytime, alpha):
    """The mixture's capital, its grid as the module states it."""
    if anytime:
        stakes, unit, centre, spread = grids._STAKES, 1.0, 0.07, 1.0
    else:
        stakes, centre, spread = grids._STAKES_ONCE, 1.2, 0.7
        unit = math.sqrt(math.log(1 / alpha) / len(weight))
    total, n_levels = 0.0, 0
    for level in (0.0,) if max_weight is None else (0.0, 0.25, 0.5, 0.75, 1.0):
        shares = [1 / (1 + (math.log(s / centre) / spread) ** 2) for s in stakes.tolist()]
        n_levels += 1
        for stake, share in zip(stakes.tolist(), shares, strict=True):
            allowed = stake * unit
            if level:
                allowed = min(allowed, 0.95 / (level * (max_weight - 1)))
            won = capital(weight, reward, candidate, allowed, level)
            total += share / sum(shares) * won
    return total / n_levels


@pytest.mark.parametrize("anytime", [True, False])
@pytest.mark.parametrize("max_weight", [None, 12.0])
def test_mixture_ends_are_where_the_capital_reaches_its_level(max_weight, anytime, log):
    log = {key: array[:120] for key, array in log.items()}
    value = policy_value("ips", **log)
    low, high = mixture_interval(
        value, reward_range=(0, 1), max_weight=max_weight, anytime=anytime
    )
    assert 0 < low < value.value < high < 1
    weight, reward = value.weight, log["reward"]
    options = {"max_weight": max_weight, "anytime": anytime, "alpha": 0.025}
    for bound, rewards in ((low, reward), (1 - high, 1 - reward)):
        assert average_capital(weight, rewards, bound + 1e-6, **options) < 40
        assert average_capital(weight, rewards, bound - 1e-6, **options) > 40


@pytest.mark.parametrize("lambda_", [None, 0.2])
def test_ls_in_closed_form(lambda_, log):
    # Rewards from 2 to 5 within a range from 1 to 6: scaled by 5.
    reward = np.random.default_rng(0).uniform(2, 5, size=500)
    value = policy_value("ips", **{**log, "reward": reward})
    low, high = ls_interval(value, confidence_level=0.9, reward_range=(1, 6), lambda_=lambda_)
    strength = 1 / math.sqrt(500) if lambda_ is None else 5 * lambda_
    ends = []
    for unit in ((reward - 1) / 5, (6 - reward) / 5):
        smoothed = sum(math.log(1 + strength * x) for x in (value.weight * unit).tolist())
        ends.append((math.exp((smoothed - math.log(20)) / 500) - 1) / strength)
    assert 0 < ends[0] < 1
    assert_allclose([low, high], [1 + 5 * ends[0], 6 - 5 * ends[1]], rtol=1e-12)
    # Alone, one bettor rules out what the bound rules out.
    stake = strength
    assert_allclose(capital(value.weight, (reward - 1) / 5, ends[0], stake), 20, rtol=1e-9)


@pytest.mark.parametrize("max_weight", [None, 0.5 / LEAST])
def test_bounds_cover_though_weights_are_skewed(max_weight):
    # 300 logs; the mixture is looked at after 64, 128, ... rounds, the others at the end.
    missed = {"mixture": 0, "ls": 0, "once": 0, "normal": 0}
    for seed in range(300):
        log = skewed_log(1024, seed)
        for n in (64, 128, 256, 512, 1024):
            value = ips_value(**{key: array[:n] for key, array in log.items()})
            low, high = value.interval("mixture", reward_range=(0, 1), max_weight=max_weight)
            if not low <= SKEWED_VALUE <= high:
                missed["mixture"] += 1
                break
        value = ips_value(**log)
        ends = {
            "ls": value.interval("ls", reward_range=(0, 1)),
            "once": value.interval(
                "mixture", reward_range=(0, 1), max_weight=max_weight, anytime=False
            ),
            "normal": value.interval("normal"),
        }
        for name, (low, high) in ends.items():
            missed[name] += not low <= SKEWED_VALUE <= high
    # At a level of 95 % at most 15 expected, and 27 with a chance of 0.2 %.
    assert max(missed[name] for name in ("mixture", "ls", "once")) <= 27
    # The normal interval has no guarantee, and this log breaks it.
    assert missed["normal"] > 15


@pytest.mark.parametrize("method", METHODS)
def test_intervals_scale_and_shift_with_the_reward(method, log):
    first = policy_value("ips", **log).interval(method, reward_range=(0, 1))
    moved = policy_value("ips", **{**log, "reward": 1000 * log["reward"] - 300})
    second = moved.interval(method, reward_range=(-300, 700))
    assert_allclose(second, 1000 * np.array(first) - 300, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_sign_of_the_reward_turns_the_interval(method, log):
    low, high = policy_value("ips", **log).interval(method, reward_range=(0, 1))
    turned = policy_value("ips", **{**log, "reward": -log["reward"]})
    assert_allclose(turned.interval(method, reward_range=(-1, 0)), (-high, -low), rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_order_of_the_rounds_means_nothing(method, log):
    rows = np.random.default_rng(0).permutation(500)
    first = policy_value("ips", **log).interval(method)
    second = policy_value("ips", **{key: array[rows] for key, array in log.items()})
    assert_allclose(second.interval(method), first, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SUPPORTED)
def test_interval_is_the_policys_whatever_the_estimate(name, method, log):
    expected = policy_value("ips", **log).interval(method)
    assert policy_value(name, **log).interval(method) == expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", sorted(set(get_estimator_names()) - set(SUPPORTED)))
def test_other_estimates_are_refused(name, method, log):
    value = policy_value(name, **log)
    match = rf'method "{method}" needs a mean of weighted rewards.*got \'{name}\'.*"betting"'
    with pytest.raises(ValueError, match=match):
        value.interval(method)
    with pytest.raises(ValueError, match=f"got '{name} - mean'"):
        (value - mean_value(reward=log["reward"])).interval(method)


@pytest.mark.parametrize("method", METHODS)
def test_unequal_sample_weight_is_refused(method, log):
    expected = policy_value("ips", **log).interval(method)
    equal = policy_value("ips", **log, sample_weight=np.full(500, 3.0))
    assert equal.interval(method) == expected
    unequal = policy_value("ips", **log, sample_weight=np.arange(1.0, 501.0))
    with pytest.raises(ValueError, match=f'sample_weight differs.*"{method}" takes each round'):
        unequal.interval(method)


def test_what_is_known_makes_the_mixture_shorter(world):
    value = policy_value("ips", **world.log(2000, 3))
    known = {"reward_range": (0, 1), "max_weight": 10.0}
    for anytime in (True, False):
        without = value.interval("mixture", reward_range=(0, 1), anytime=anytime)
        mixture = value.interval("mixture", **known, anytime=anytime)
        betting = value.interval("betting", **known, anytime=anytime)
        assert mixture.high - mixture.low < without.high - without.low
        assert mixture.high - mixture.low < betting.high - betting.low


def test_a_mixture_for_one_number_of_rounds_is_shorter(log):
    value = policy_value("ips", **log)
    always, once = (value.interval("mixture", anytime=anytime) for anytime in (True, False))
    assert once.high - once.low < always.high - always.low


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_higher_levels_give_wider_intervals(method, level, log):
    value = policy_value("ips", **log)
    low, high = value.interval(method, confidence_level=level)
    wider = value.interval(method, confidence_level=(1 + level) / 2)
    assert wider.low < low < high < wider.high


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("reward", [0.0, 0.3, 1.0])
def test_rewards_that_do_not_vary(method, reward):
    value = mean_value(reward=np.full(400, reward))
    assert value.interval(method) == (reward, reward)
    low, high = value.interval(method, reward_range=(0, 1))
    assert 0 <= low <= reward <= high <= 1
    assert high - low < 0.4


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("smallest", [1e-3, 1e-16, 1e-300])
def test_one_round_that_was_nearly_impossible(method, smallest, log):
    propensity = log["propensity"].copy()
    propensity[0] = smallest
    reward = log["reward"].copy()
    for one in (0.0, 1.0):
        reward[0] = one
        value = policy_value("ips", **{**log, "propensity": propensity, "reward": reward})
        low, high = value.interval(method, reward_range=(0, 1))
        assert 0 <= low <= high <= 1
        if method == "mixture":
            largest = value.control.max()
            low, high = mixture_interval(value, reward_range=(0, 1), max_weight=largest)
            assert 0 <= low <= high <= 1


@pytest.mark.parametrize("method", METHODS)
def test_a_single_round(method):
    value = mean_value(reward=[1.0])
    low, high = value.interval(method, reward_range=(0, 1))
    assert 0 <= low < high == 1


@pytest.mark.parametrize(
    ("method", "options", "match"),
    [
        ("ls", {"lambda_": 0}, "lambda_ must be a positive number; got 0"),
        ("ls", {"lambda_": np.inf}, "lambda_ must be a positive number; got inf"),
        ("ls", {"lambda_": "slope"}, "lambda_ must be a positive number; got 'slope'"),
        ("ls", {"reward_range": (0, 0.5)}, "reward_range=.*widen"),
        ("mixture", {"reward_range": (0.5, 1)}, "reward_range=.*widen"),
        ("mixture", {"max_weight": 0.1}, "max_weight=0.1 is below the largest weight"),
        ("ls", {"confidence_level": 1}, "confidence_level must lie strictly between"),
        ("mixture", {"confidence_level": 95}, "confidence_level must lie strictly between"),
    ],
)
def test_bad_options(method, options, match, log):
    with pytest.raises(ValueError, match=match):
        policy_value("ips", **log).interval(method, **options)


@pytest.mark.parametrize("method", ["bernstein", "betting"])
def test_ends_stay_within_the_rewards_that_are_possible(method):
    log = skewed_log(200, 0)
    options = {"max_weight": 0.5 / LEAST}
    for name in ("ips", "clipped_ips", "ls", "snips"):
        value = policy_value(name, **log)
        free = value.interval(method, **options)
        low, high = value.interval(method, reward_range=(0, 1), **options)
        assert 0 <= low <= high <= 1
        assert (low, high) == tuple(np.clip(free, 0.0, 1.0))
    # What the log happens to hold is no bound of the value, and clips nothing.
    assert ips_value(**log).interval("bernstein", **options).high > 1
    ends = (ips_value(**log) - mean_value(reward=log["reward"])).interval(
        method, reward_range=(0, 1), **options
    )
    assert -1 <= ends.low <= ends.high <= 1


@pytest.mark.parametrize("method", METHODS)
def test_pessimism_prefers_what_the_log_supports(method):
    log = skewed_log(1000, 1)
    rare = np.where(log["propensity"] == LEAST, 1.0, 0.0)
    logger = mean_value(reward=log["reward"])
    value = ips_value(**{**log, "policy_probability": rare})
    index, bounds = select_pessimistic([value, logger], method=method, reward_range=(0, 1))
    assert index == 1
    ends = value.interval(method, confidence_level=0.9, reward_range=(0, 1))
    assert bounds[0] == pytest.approx(ends.low)
