"""Guaranteed bounds of differences against capitals counted round by round, and their promises."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.environments import ClassificationEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.metrics import _weighted_intervals as grids
from skbandit.metrics import ips_value, ls_interval, ls_value, mean_value, mixture_interval
from skbandit.model_selection import compare_policies
from skbandit.selectors import EpsilonGreedySelector

pytestmark = [
    pytest.mark.filterwarnings("ignore:only .* rounds are effective"),
    pytest.mark.filterwarnings("ignore:the importance weights have mean"),
]

LOGGING = np.array([0.88, 0.08, 0.04])
POLICIES = {"new": np.array([0.2, 0.3, 0.5]), "other": np.array([0.6, 0.4, 0.0])}
PAYS = np.array([0.1, 0.05, 0.3])
MAX_WEIGHT = 12.5


def draw(n_rounds, seed):
    """Values of two policies and the logging one, and the rewards."""
    rng = np.random.default_rng(seed)
    arm = rng.choice(3, size=n_rounds, p=LOGGING)
    reward = rng.binomial(1, PAYS[arm]).astype(float)
    return values_of(arm, reward), reward, arm


def values_of(arm, reward):
    values = {
        name: ips_value(reward=reward, propensity=LOGGING[arm], policy_probability=policy[arm])
        for name, policy in POLICIES.items()
    }
    return {**values, "logger": mean_value(reward=reward)}


TRUE = {"logger": LOGGING @ PAYS, **{name: policy @ PAYS for name, policy in POLICIES.items()}}


def average_capital(first, second, reward, candidate, max_weights, anytime, alpha):
    """The mixture's capital against a difference, bets and losses as the module states them."""
    stakes, unit, centre, spread = grids._STAKES, 1.0, 0.07, 1.0
    if not anytime:
        stakes, centre, spread = grids._STAKES_ONCE, 1.2, 0.7
        unit = math.sqrt(math.log(1 / alpha) / len(reward))
    games = [(first * reward + second * (1 - reward) - 1, 0.95)]
    for level in () if max_weights is None else (0.0, 0.25, 0.5, 0.75, 1.0):
        corners = [
            (v - w) * (u - level)
            for v in max_weights[0]
            for w in max_weights[1]
            for u in (0.0, 1.0)
        ]
        games.append(((first - second) * (reward - level), 0.95 / max(1.0, -min(corners))))
    shares = 1 / (1 + (np.log(stakes / centre) / spread) ** 2)
    total = 0.0
    for terms, largest in games:
        for stake, share in zip(stakes * unit, shares / shares.sum(), strict=True):
            bet = min(stake, largest)
            capital = 0.0
            for term in terms.tolist():
                # At a difference of `candidate` this is a fair game.
                capital += math.log1p(bet / (1 + bet * candidate) * (term - candidate))
            total += share * math.exp(capital)
    return total / len(games)


@pytest.mark.parametrize("anytime", [True, False])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("other", ["logger", "other"])
def test_ends_are_where_the_capital_reaches_its_level(other, known, anytime):
    values, reward, arm = draw(150, 0)
    difference = values["new"] - values[other]
    options = {"anytime": anytime, "max_weight": MAX_WEIGHT if known else None}
    low, high = mixture_interval(difference, reward_range=(0, 1), **options)
    assert -1 < low < difference.value < high < 1
    first = POLICIES["new"][arm] / LOGGING[arm]
    second = np.ones(150) if other == "logger" else POLICIES[other][arm] / LOGGING[arm]
    limits = (0.0, MAX_WEIGHT), ((1.0, 1.0) if other == "logger" else (0.0, MAX_WEIGHT))
    given = {"anytime": anytime, "alpha": 0.025}
    for bound, pair, ends in (
        (low, (first, second), limits),
        (-high, (second, first), limits[::-1]),
    ):
        ends = ends if known else None
        assert average_capital(*pair, reward, bound + 1e-6, ends, **given) < 40
        assert average_capital(*pair, reward, bound - 1e-6, ends, **given) > 40


def test_ls_in_closed_form():
    values, reward, arm = draw(400, 1)
    low, high = ls_interval(
        values["new"] - values["other"], confidence_level=0.9, reward_range=(0, 2), lambda_=0.1
    )
    first, second = (POLICIES[name][arm] / LOGGING[arm] for name in ("new", "other"))
    ends = []
    for v, w in ((first, second), (second, first)):
        mixed = v * reward / 2 + w * (1 - reward / 2)
        smoothed = np.log(1 + 0.2 * mixed).mean() - math.log(20) / 400
        ends.append(2 * ((math.exp(smoothed) - 1) / 0.2 - 1))
    assert_allclose((low, high), (ends[0], -ends[1]))


@pytest.mark.parametrize("other", ["logger", "other"])
def test_bounds_cover_though_weights_are_skewed(other):
    # 300 logs; the mixture is looked at after 64, 128, ... rounds, the others at the end.
    missed = {"mixture": 0, "known": 0, "ls": 0, "once": 0}
    true = TRUE["new"] - TRUE[other]
    for seed in range(300):
        _, reward, arm = draw(1024, seed)
        looks = {"mixture": False, "known": False}
        for n in (64, 128, 256, 512, 1024):
            values = values_of(arm[:n], reward[:n])
            difference = values["new"] - values[other]
            for name, largest in (("mixture", None), ("known", MAX_WEIGHT)):
                low, high = mixture_interval(difference, reward_range=(0, 1), max_weight=largest)
                looks[name] |= not low <= true <= high
        for name, wrong in looks.items():
            missed[name] += wrong
        ends = {
            "ls": ls_interval(difference, reward_range=(0, 1)),
            "once": mixture_interval(
                difference, reward_range=(0, 1), max_weight=MAX_WEIGHT, anytime=False
            ),
        }
        for name, (low, high) in ends.items():
            missed[name] += not low <= true <= high
    # At a level of 95 % at most 15 expected, and 27 with a chance of 0.2 %.
    assert max(missed.values()) <= 27


@pytest.mark.parametrize(
    ("method", "options"), [("ls", {}), ("mixture", {}), ("mixture", {"max_weight": MAX_WEIGHT})]
)
def test_one_over_another_and_the_other_way_round(method, options):
    values, reward, arm = draw(500, 2)
    for other in ("logger", "other"):
        low, high = (values["new"] - values[other]).interval(method, **options)
        turned = (values[other] - values["new"]).interval(method, **options)
        assert_allclose(turned, (-high, -low))
        # Scale and offset of the rewards.
        scaled = values_of(arm, 3 * reward - 100)
        moved = (scaled["new"] - scaled[other]).interval(method, **options)
        assert_allclose(moved, (3 * low, 3 * high), atol=1e-9)
    same = values["new"] - values["new"]
    low, high = same.interval(method, **options)
    assert low <= 0 <= high


def test_the_largest_weight_makes_it_shorter():
    values, _, _ = draw(2000, 3)
    bound = {"reward_range": (0, 1), "max_weight": MAX_WEIGHT}
    for other in ("logger", "other"):
        difference = values["new"] - values[other]
        mixture = np.ptp(difference.interval("mixture", **bound))
        assert mixture < 0.6 * np.ptp(difference.interval("bernstein", **bound))
        assert mixture < 0.85 * np.ptp(mixture_interval(difference, reward_range=(0, 1)))
        assert mixture < 1.6 * np.ptp(difference.interval("student"))


def test_what_could_not_be_logged_is_taken_to_earn_the_least():
    # The policy plays an arm half of the time that the logger never plays, and which pays 1.
    rng = np.random.default_rng(4)
    reward = rng.binomial(1, 0.5, size=4000).astype(float)
    value = ips_value(
        reward=reward, propensity=np.ones(4000), policy_probability=np.full(4000, 0.5)
    )
    low, high = (value - mean_value(reward=reward)).interval("mixture", reward_range=(0, 1))
    assert -0.3 < low < -0.2
    # .25 of its own, and .5 where nothing is known.
    assert 0.25 < high < 0.3


def test_comparisons_take_them():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(1500, 2))
    environment = ClassificationEnvironment(X, (X[:, 0] > 0).astype(int))
    logger = LinearUCB(arms=[0, 1], selector=EpsilonGreedySelector(epsilon=1.0))
    X, log = log_policy(logger, environment, 1500, random_state=0)
    policy = LinearUCB(arms=[0, 1]).fit(X[:500], log[:500])
    options = {"reward_range": (0, 1), "max_weight": 2.0}
    results = compare_policies(
        {"new": policy},
        X[500:],
        log[500:],
        estimator="ips",
        interval="mixture",
        interval_params=options,
    )
    assert results.loc["new", "difference_low"] > 0.3
    row = results.loc["new"]
    value = ips_value(
        reward=log["reward"][500:],
        propensity=log["propensity"][500:],
        policy_probability=policy.predict_proba(X[500:]),
        arm=log["arm"][500:],
    )
    difference = value - mean_value(reward=log["reward"][500:])
    assert tuple(row[["difference_low", "difference_high"]]) == mixture_interval(
        difference, **options
    )
    with pytest.raises(ValueError, match=r"needs a mean of weighted rewards"):
        compare_policies({"new": policy}, X[500:], log[500:], interval="mixture")


def test_what_estimates_do_to_weights_means_nothing():
    values, reward, arm = draw(300, 6)
    shrunk = ls_value(
        reward=reward, propensity=LOGGING[arm], policy_probability=POLICIES["new"][arm]
    )
    first = (values["new"] - values["logger"]).interval("mixture")
    assert (shrunk - values["logger"]).interval("mixture") == first


def test_bad_options():
    values, reward, arm = draw(300, 7)
    with pytest.raises(ValueError, match=r"max_weight=2 is below the largest weight"):
        mixture_interval(values["new"] - values["logger"], max_weight=2.0)
    grouped = ips_value(
        reward=reward,
        propensity=LOGGING[arm],
        policy_probability=POLICIES["new"][arm],
        groups=arm,
    ) - mean_value(reward=reward, groups=arm)
    with pytest.raises(ValueError, match=r"know no groups"):
        mixture_interval(grouped)
