"""Prices from an interval."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from scipy.stats import chisquare

from skbandit.base import make_log
from skbandit.pricing import DemandCurveThompsonSampling, PriceIntervalBandit
from skbandit.selectors import EpsilonGreedySelector, TopKSelector

LOW, HIGH = 2.0, 40.0


def small(**params):
    """A bandit with few draws and wide cells."""
    return PriceIntervalBandit(
        quantities=(LOW, HIGH), n_cells=32, n_draws=100, random_state=0, **params
    )


def chance(price, X=None):
    shift = 0.0 if X is None else X[:, 0]
    return expit((15.0 - price) / 4.0 + shift)


def played(bandit, n_rounds, n_features=1, seed=0, size=50):
    """The bandit after it has played so many rounds."""
    rng = np.random.default_rng(seed)
    for _ in range(n_rounds // size):
        X = rng.standard_normal((size, n_features))
        arm, price, density = bandit.predict(X, return_quantity=True, return_propensity=True)
        buys = rng.random(size) < chance(price[:, 0], X)
        bandit.partial_fit(X, make_log(arm, price[:, 0] * buys, density, quantity=price))
    return bandit


@pytest.fixture(scope="module")
def learnt():
    return played(small(), 300)


def best_price(x):
    grid = np.linspace(LOW, HIGH, 4001)
    return grid[np.argmax(grid * chance(grid, np.array([[x]])))]


def test_it_finds_the_best_price_of_each_customer():
    bandit = played(small(), 1500)
    for x in (-1.0, 0.0, 1.0):
        _, price = bandit.predict([[x]], explore=False, return_quantity=True)
        best = best_price(x)
        earned = price[0, 0] * chance(price[0], np.array([[x]]))
        assert earned >= 0.9 * best * chance(best, np.array([[x]]))


def test_the_density_is_that_of_the_decisions(learnt):
    bandit = played(small(), 100)
    bandit.set_params(random_state=np.random.RandomState(1))
    n_draws = 5_000
    X = np.tile([[0.4]], (n_draws, 1))
    _, price, density = bandit.predict(X, return_quantity=True, return_propensity=True)
    assert (price >= LOW).all()
    assert (price <= HIGH).all()
    arm = np.full(n_draws, "quantity")
    assert_allclose(bandit.quantity_density(X, arm, price), density)
    grid = np.linspace(LOW, HIGH, 32 * 60 + 1)
    middle = 0.5 * (grid[1:] + grid[:-1])
    known = bandit.quantity_density(X[: len(middle)], arm[: len(middle)], middle)
    assert_allclose(known.sum() * (middle[1] - middle[0]), 1.0, atol=1e-9)
    edges = np.linspace(LOW, HIGH, 33)
    counts = np.histogram(price[:, 0], edges)[0]
    share = known.reshape(32, -1).sum(axis=1) * (middle[1] - middle[0])
    often = n_draws * share > 5.0
    expected = share[often] / share[often].sum() * counts[often].sum()
    assert chisquare(counts[often], expected).pvalue > 1e-5


def test_expectations_at_a_price(learnt):
    X = np.array([[0.3], [-0.5], [1.0]])
    arm, price = np.full(3, "quantity"), np.array([5.0, 11.0, 30.0])
    mean, std = learnt.expected_reward_at(X, arm, price, return_std=True)
    curve, width = learnt.demand_curve(X, price, return_std=True)
    # One by one nothing is compared, so nothing is projected.
    assert_allclose(mean, price * curve[np.arange(3), np.arange(3)], rtol=0.02)
    assert_allclose(std, price * width[np.arange(3), np.arange(3)], rtol=1e-9)
    best, _ = learnt.expected_reward(X, return_std=True)
    assert (best[:, 0] >= mean - 1e-9).all()
    _, chosen = learnt.predict(X, explore=False, return_quantity=True)
    assert_allclose(best[:, 0], learnt.expected_reward_at(X, arm, chosen), rtol=0.02)
    assert_allclose(learnt.expected_demand(X)[:, 0] * chosen[:, 0], best[:, 0], rtol=0.02)


def test_fixed_prices_stand_beside_intervals():
    bandit = PriceIntervalBandit(
        arms=["list", "offer"], quantities={"offer": (4.0, 12.0)}, prices={"list": 20.0}
    ).set_params(random_state=0)
    assert_array_equal(bandit.fit(*_rounds()).prices_, [20.0, np.nan])
    assert_array_equal(bandit.price_range_, [4.0, 20.0])
    X = np.zeros((200, 1))
    arm, price, density = bandit.predict(X, return_quantity=True, return_propensity=True)
    assert_array_equal(np.isnan(price[:, 0]), arm == "list")
    policy = bandit.predict_proba(X[:1])[0]
    assert_allclose(density[arm == "list"], policy[0])
    mask = np.tile([True, False], (200, 1))
    assert set(bandit.predict(X, available=mask)) == {"list"}
    more = bandit.add_arms(["premium"], quantities={"premium": (25.0, 60.0)})
    assert (np.diff(more.demand_curve(X[:1], np.linspace(4.0, 60.0, 20))) <= 1e-12).all()
    assert more.remove_arms(["offer"]).arms_.tolist() == ["list", "premium"]


def _rounds(n_samples=200):
    rng = np.random.default_rng(2)
    arm = rng.choice(["list", "offer"], n_samples)
    price = np.where(arm == "list", 20.0, rng.uniform(4.0, 12.0, n_samples))
    quantity = np.where(arm == "list", np.nan, price)
    buys = rng.random(n_samples) < chance(price)
    return np.zeros((n_samples, 1)), make_log(arm, price * buys, quantity=quantity)


def test_without_intervals_it_is_the_bandit_of_a_list():
    rng = np.random.default_rng(0)
    X, arm = rng.standard_normal((80, 2)), rng.choice([5.0, 10.0, 20.0], 80)
    reward = arm * (rng.random(80) < chance(arm))
    params = {"arms": [5.0, 10.0, 20.0], "random_state": 0}
    plain = DemandCurveThompsonSampling(**params).fit(X, arm, reward)
    other = PriceIntervalBandit(**params).fit(X, arm, reward)
    assert_allclose(other.predict_proba(X), plain.predict_proba(X))
    assert_allclose(other.expected_reward(X), plain.expected_reward(X), rtol=0.05)


def test_selectors_explore_the_interval():
    bandit = played(
        small(selector=EpsilonGreedySelector(0.2)),
        200,
    )
    grid = np.linspace(LOW + 2.0, HIGH - 2.0, 50)
    density = bandit.quantity_density(np.zeros((50, 1)), ["quantity"] * 50, grid)
    assert (density >= 0.2 / (HIGH - LOW) - 1e-9).all()
    with pytest.raises(ValueError, match="plays sets of arms"):
        bandit.set_params(selector=TopKSelector(1)).predict([[0.0]])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"quantities": (-1.0, 5.0)}, "quantities must be prices, from 0 on, got -1"),
        ({"quantities": [(1.0, 5.0), (1.0, 2.0)]}, "one interval an arm"),
        ({"quantities": (5.0, 1.0)}, "quantities"),
        ({"arms": ["a", "b"], "quantities": {"a": (1.0, 5.0)}}, "prices=None"),
    ],
)
def test_impossible_intervals(params, message):
    with pytest.raises(ValueError, match=message):
        PriceIntervalBandit(**params).predict([[0.0]])


def test_impossible_rounds(learnt):
    X = np.zeros((2, 1))
    for log, message in (
        (make_log(["quantity"] * 2, [5.0, 0.0]), "quantities"),
        (make_log(["quantity"] * 2, [5.0, 0.0], quantity=[5.0, 50.0]), "quantity must lie in"),
        (make_log(["quantity"] * 2, [5.0, 0.0], quantity=[5.0, np.nan]), "quantity is NaN"),
        (make_log(["quantity"] * 2, [7.0, 0.0], quantity=[5.0, 6.0]), "is 1.4 units"),
    ):
        with pytest.raises(ValueError, match=message):
            learnt.partial_fit(X, log)
    with pytest.raises(ValueError, match=r"without rewards|quantities"):
        learnt.partial_fit(X, ["quantity"] * 2)


def test_more_features(learnt):
    X = np.array([[0.3], [-0.5]])
    padded = np.pad(X, [(0, 0), (0, 1)])
    bigger = learnt.expand_features(1)
    for small, large in zip(
        learnt.predict(X, return_quantity=True, return_propensity=True)[1:],
        bigger.predict(padded, return_quantity=True, return_propensity=True)[1:],
        strict=True,
    ):
        assert small.shape == large.shape
    assert_allclose(bigger.expected_reward(padded), learnt.expected_reward(X), rtol=1e-9)
