"""Bandits over lists of prices."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from scipy.stats import chisquare

from skbandit.base import make_log
from skbandit.contextfree import BetaThompsonSampling, GaussianThompsonSampling
from skbandit.glm import LogisticThompsonSampling, PoissonThompsonSampling
from skbandit.linear import LinearThompsonSampling
from skbandit.metrics import ips_value
from skbandit.pricing import (
    DemandCurveThompsonSampling,
    DemandCurveUCB,
    MonotonePricingThompsonSampling,
    MonotonePricingUCB,
)
from skbandit.selectors import EpsilonGreedySelector, PropensityFloorSelector, TopKSelector
from skbandit.transfer import merge
from skbandit.utils import get_bandit_tags
from skbandit.utils.estimator_checks import bandit_checks_generator
from skbandit.utils.estimator_checks._case import Case

PRICES = np.array([12.0, 3.0, 30.0, 7.0])
BANDITS = {
    "monotone": MonotonePricingThompsonSampling,
    "monotone, logistic": lambda **params: MonotonePricingThompsonSampling(
        bandit=LogisticThompsonSampling(), **params
    ),
    "monotone, UCB": MonotonePricingUCB,
    "curve": DemandCurveThompsonSampling,
    "line": lambda **params: DemandCurveThompsonSampling(departure=0.0, **params),
    "curve, UCB": DemandCurveUCB,
}
EVERY = pytest.mark.parametrize("make", BANDITS.values(), ids=BANDITS)


def rounds(n_samples=300, seed=0, cost=0.0, prices=PRICES):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, 2))
    arm = rng.choice(prices, n_samples)
    chance = expit(2.0 - arm / 8.0 + X[:, 0])
    return X, arm, (arm - cost) * (rng.random(n_samples) < chance)


def learnt(make, n_samples=300, cost=0.0, **params):
    bandit = make(arms=PRICES.tolist(), unit_cost=cost, random_state=0, **params)
    return bandit.fit(*rounds(n_samples, cost=cost))


# --------------------------------------------------------------------------- what is believed
@EVERY
def test_demand_does_not_rise_with_the_price(make):
    X = np.random.default_rng(1).standard_normal((50, 2))
    for n_samples in (3, 20, 300):
        bandit = learnt(make, n_samples)
        demand, std = bandit.expected_demand(X, return_std=True)
        assert (np.diff(demand[:, np.argsort(PRICES)], axis=1) <= 1e-12).all()
        assert ((demand >= 0.0) & (demand <= 1.0)).all()
        assert (std >= 0.0).all()
        # Bounds on the rank of the prices too.
        mean, width = bandit.expected_reward(X, return_std=True)
        assert_allclose(mean, demand * PRICES)
        assert_allclose(width, std * PRICES)
        curve = bandit.demand_curve(X, np.linspace(1.0, 40.0, 30))
        assert (np.diff(curve, axis=1) <= 1e-12).all()
        at_arms = bandit.demand_curve(X, PRICES)
        assert_allclose(at_arms, demand, atol=1e-9)


@EVERY
def test_profit_is_demand_times_the_margin(make):
    X = np.random.default_rng(1).standard_normal((20, 2))
    revenue, profit = learnt(make), learnt(make, cost=5.0)
    # The same customers: demand is the same, whatever the rewards are made of.
    assert_allclose(profit.expected_demand(X), revenue.expected_demand(X), rtol=1e-6)
    assert_allclose(profit.expected_reward(X), profit.expected_demand(X) * (PRICES - 5.0))
    # Selling below cost is never best.
    assert profit.predict_proba(X)[:, 1].max() == 0.0


def test_the_monotone_belief_is_that_of_rejection_sampling():
    """Independent Beta draws; those in which demand rises with the price are thrown away."""
    X, arm, reward = rounds(15)
    n_draws = 20_000
    bandit = MonotonePricingThompsonSampling(arms=PRICES.tolist(), n_draws=n_draws)
    bandit.fit(X, arm, reward)
    order, rng = np.argsort(PRICES), np.random.default_rng(3)
    draws = rng.beta(bandit.bandit_.a_, bandit.bandit_.b_, (400_000, 4))
    kept = draws[(np.diff(draws[:, order], axis=1) <= 0.0).all(axis=1)]
    assert len(kept) > 10_000
    mean, std = bandit.expected_demand(X[:1], return_std=True)
    assert_allclose(mean[0], kept.mean(axis=0), atol=5e-3)
    assert_allclose(std[0], kept.std(axis=0), atol=3e-3)
    best = np.bincount(np.argmax(kept * PRICES, axis=1), minlength=4) / len(kept)
    error = np.sqrt(0.25 / n_draws + 0.25 / len(kept))
    assert (np.abs(bandit.predict_proba(X[:1])[0] - best) < 5.0 * error).all()


def test_policy_of_a_line_is_that_of_rejection_sampling():
    """Draws of the weights whose slope is not negative are thrown away."""
    n_draws = 20_000
    bandit = learnt(DemandCurveThompsonSampling, 12, departure=0.0, n_draws=n_draws)
    x = np.array([[0.4, -1.0]])
    model, z = bandit.state_.model, bandit.state_.scale.of(PRICES)
    rng = np.random.default_rng(7)
    weights = rng.multivariate_normal(model.coef[0], model.covariance[0], 200_000)
    # The constant, the price, then each feature with its product with the price.
    slope = weights[:, 1] + weights[:, [3, 5]] @ x[0]
    kept = weights[slope < 0.0]
    # The constraint says something here.
    assert 1000 < len(kept) < 0.97 * len(weights)
    level = kept[:, 0] + kept[:, [2, 4]] @ x[0]
    demand = expit(level[:, None] + slope[slope < 0.0][:, None] * z)
    best = np.bincount(np.argmax(demand * PRICES, axis=1), minlength=4) / len(kept)
    policy = bandit.predict_proba(x)[0]
    error = np.sqrt(0.25 / n_draws + 0.25 / len(kept))
    assert (np.abs(policy - best) < 5.0 * error).all()
    assert_allclose(bandit.expected_demand(x)[0], demand.mean(axis=0), atol=5e-3)


@EVERY
def test_decisions_follow_the_policy(make):
    bandit = learnt(make, 30, n_draws=200).set_params(random_state=np.random.RandomState(0))
    x = np.tile([[0.3, 0.1]], (4000, 1))
    arms, propensity = bandit.predict(x, return_propensity=True)
    policy = bandit.predict_proba(x[:1])[0]
    counts = np.array([(arms == price).sum() for price in PRICES])
    assert_array_equal(counts[policy == 0.0], 0)
    played = policy > 0.002
    if played.sum() > 1:
        expected = policy[played] * counts[played].sum() / policy[played].sum()
        assert chisquare(counts[played], expected).pvalue > 1e-5
    assert_allclose(propensity, policy[np.argmax(arms[:, None] == PRICES, axis=1)])


# ------------------------------------------------------------------------ kinds of demand
def test_kinds_of_demand():
    rng = np.random.default_rng(0)
    X, arm = rng.standard_normal((600, 1)), rng.choice(PRICES, 600)
    rate = np.exp(1.5 - arm / 12.0)
    for units, bandits in (
        (
            rng.poisson(rate).astype(float),
            [
                MonotonePricingThompsonSampling(bandit=PoissonThompsonSampling()),
                DemandCurveThompsonSampling(demand="count"),
            ],
        ),
        (
            rate + 0.3 * rng.standard_normal(600),
            [
                MonotonePricingThompsonSampling(bandit=GaussianThompsonSampling()),
                MonotonePricingThompsonSampling(bandit=LinearThompsonSampling()),
                DemandCurveThompsonSampling(demand="amount"),
            ],
        ),
    ):
        for bandit in bandits:
            bandit = bandit.set_params(arms=PRICES.tolist()).fit(X, arm, arm * units)
            expected = np.exp(1.5 - PRICES / 12.0)
            assert_allclose(bandit.expected_demand(np.zeros((1, 1)))[0], expected, rtol=0.2)
            assert bandit.predict([[0.0]], explore=False)[0] == 12.0


@pytest.mark.parametrize("kind", [MonotonePricingThompsonSampling, DemandCurveThompsonSampling])
def test_a_price_of_zero_earns_nothing_and_teaches_nothing(kind):
    X, arm, reward = rounds(60)
    bandit = kind(arms=[*PRICES.tolist(), 0.0], random_state=0).fit(X, arm, reward)
    before = bandit.expected_demand(X)
    bandit.partial_fit(X[:5], np.zeros(5), np.zeros(5))
    assert_allclose(bandit.expected_demand(X), before, atol=1e-9)
    assert_array_equal(bandit.expected_reward(X)[:, 4], 0.0)
    assert bandit.weight_[4] == 0.0
    with pytest.raises(ValueError, match=r"reward must be .*earns nothing a unit"):
        bandit.partial_fit(X[:1], [0.0], [1.0])


@pytest.mark.parametrize("kind", [MonotonePricingThompsonSampling, DemandCurveUCB])
def test_names_and_prices(kind):
    X, arm, reward = rounds()
    names = {3.0: "tiny", 7.0: "small", 12.0: "medium", 30.0: "large"}
    labels = [names[price] for price in arm]
    by_name = {name: price for price, name in names.items()}
    order = [names[price] for price in PRICES]
    plain = kind(arms=PRICES.tolist()).fit(X, arm, reward)
    for prices in (by_name, by_name.get):
        named = kind(arms=order, prices=prices).fit(X, labels, reward)
        assert_array_equal(named.predict_proba(X[:9]), plain.predict_proba(X[:9]))
        assert_array_equal(named.prices_, PRICES)
        assert_array_equal(named.price_range_, [3.0, 30.0])


@EVERY
def test_rewards_and_prices_that_are_impossible(make):
    X, arm, reward = rounds(20)
    bandit = make(arms=PRICES.tolist(), random_state=0).fit(X, arm, reward)
    before = pickle.dumps(bandit.state_)
    for size in (1, 20):
        bad = reward[:size].copy()
        bad[-1] = 1.5 * arm[size - 1]
        with pytest.raises(ValueError, match=r"reward must be \(price - unit_cost\) times.*1.5"):
            bandit.partial_fit(X[:size], arm[:size], bad)
    assert pickle.dumps(bandit.state_) == before
    for arms, prices, message in (
        (["a", "b"], None, "prices=None"),
        (["a", "b"], {"a": 1.0}, "no price for"),
        ([-1.0, 2.0], None, "not negative"),
    ):
        with pytest.raises(ValueError, match=message):
            make(arms=arms, prices=prices).predict(X)
    with pytest.raises(ValueError, match="unit_cost"):
        make(arms=[1.0], unit_cost=-1.0).predict(X)


def test_bandits_that_cannot_be_inside():
    X, arm, reward = rounds(20)
    with pytest.raises(ValueError, match="weights that all candidates share"):
        MonotonePricingThompsonSampling(bandit=LogisticThompsonSampling(arm_model="shared")).fit(
            X, arm, reward
        )
    with pytest.raises(
        ValueError, match="give the selector to this MonotonePricingThompsonSampling"
    ):
        MonotonePricingThompsonSampling(bandit=BetaThompsonSampling(selector=TopKSelector(1))).fit(
            X, arm, reward
        )
    with pytest.raises(TypeError, match="must be an instance"):
        MonotonePricingThompsonSampling(bandit=BetaThompsonSampling).fit(X, arm, reward)


# ------------------------------------------------------------------ shared knowledge, transfer
@pytest.mark.parametrize("make", BANDITS.values(), ids=BANDITS)
def test_a_new_price_knows_what_its_neighbours_taught(make):
    X, arm, reward = rounds(2000)
    bandit = make(arms=PRICES.tolist(), random_state=0).fit(X, arm, reward)
    more = bandit.add_arms([9.0, 60.0])
    demand = more.expected_demand(np.zeros((1, 2)))[0]
    low, high = demand[0], demand[3]
    assert low - 1e-9 <= demand[4] <= high + 1e-9
    assert demand[5] <= demand[2] + 1e-9
    assert_array_equal(more.prices_, [*PRICES, 9.0, 60.0])
    assert_array_equal(more.weight_[4:], 0.0)
    with pytest.raises(ValueError, match="not negative"):
        bandit.add_arms([-4.0])
    again = more.partial_fit(X[:5], np.full(5, 9.0), np.zeros(5))
    assert again.weight_[4] == 5.0
    assert again.remove_arms([3.0]).classes_.tolist() == [12.0, 30.0, 7.0, 9.0, 60.0]


@EVERY
def test_shards_are_joined(make):
    X, arm, reward = rounds(400)
    halves = [
        make(arms=PRICES.tolist(), random_state=0).fit(X[part], arm[part], reward[part])
        for part in (slice(0, 200), slice(200, 400))
    ]
    whole = make(arms=PRICES.tolist(), random_state=0).fit(X, arm, reward)
    joined = merge(halves)
    assert_array_equal(joined.weight_, whole.weight_)
    assert_allclose(joined.expected_demand(X[:20]), whole.expected_demand(X[:20]), atol=0.03)


def test_shards_of_other_prices_are_refused():
    X, arm, reward = rounds(40)
    one = DemandCurveThompsonSampling(arms=PRICES.tolist()).fit(X, arm, reward)
    other = DemandCurveThompsonSampling(arms=[*PRICES.tolist(), 90.0]).fit(X, arm, reward)
    with pytest.raises(ValueError, match="must have started with the same prices"):
        merge([one, other])


@EVERY
def test_logs_of_a_pricing_bandit_can_be_evaluated(make):
    X, _, _ = rounds(2000)
    bandit = learnt(make, selector=PropensityFloorSelector(share=0.2, decay=0.0))
    arm, propensity = bandit.predict(X, return_propensity=True)
    assert propensity.min() >= 0.05 - 1e-9
    rng = np.random.default_rng(5)
    reward = arm * (rng.random(2000) < expit(2.0 - arm / 8.0 + X[:, 0]))
    other = learnt(make, selector=EpsilonGreedySelector(0.5))
    policy = other.predict_proba(X)
    column = np.argmax(arm[:, None] == PRICES, axis=1)
    value = ips_value(
        reward=reward,
        propensity=propensity,
        policy_probability=policy[np.arange(2000), column],
    )
    score = other.score(X, make_log(arm, reward, propensity))
    chance = expit(2.0 - PRICES / 8.0 + X[:, :1])
    truth = (policy * chance * PRICES).sum(axis=1).mean()
    assert abs(score - truth) < 5.0 * value.standard_error
    assert abs(value.value - truth) < 4.0 * value.standard_error


# --------------------------------------------------------------------- the contract of a bandit
def price_of(arm):
    """A price for any label of the battery."""
    return 1.0 + float(arm[-2:]) if str(arm)[-1:].isdigit() else 2.5


# What does not hold where prices differ, and why.
OTHERWISE = {
    "check_ties_are_drawn_evenly": "prices that differ do not tie",
    "check_ties_are_even_under_every_selector": "prices that differ do not tie",
    "check_kinds_of_labels": "labels of other kinds have other prices",
    "check_impossible_rewards": "which rewards are impossible depends on the price",
    "check_add_arm_from_another": "a copy has a price of its own",
    "check_add_arm_from_the_mean": "a new arm has a price of its own",
    "check_add_arm_from_weights": "a new arm has a price of its own",
    "check_weights_of_arms_add_up": "a new arm has a price of its own",
    "check_unfitted_plays_from_prior": "prices that differ do not tie",
    "check_removed_arm_is_forgotten": "it teaches an arm what another was paid",
    "check_added_arm_was_never_played": "prices are in units of those that there were first",
}


@pytest.fixture
def rewards_are_earned(monkeypatch):
    """Rewards of the battery are units; here they are what these earn."""
    units = Case.rewards

    def rewards(self, X, y):
        margin = np.vectorize(price_of, otypes=[float])(np.asarray(y))
        return units(self, X, y) * margin

    monkeypatch.setattr(Case, "rewards", rewards)


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(estimator, check, id=f"{type(estimator).__name__}-{check.__name__}")
        for bandit in (
            MonotonePricingThompsonSampling(prices=price_of, n_draws=50),
            DemandCurveThompsonSampling(prices=price_of, n_draws=50),
        )
        for estimator, check in bandit_checks_generator(bandit)
        if check.__name__ not in OTHERWISE
        and not (
            # One more price moves a little what is believed of its neighbours.
            check.__name__ == "check_add_arms" and "Monotone" in type(bandit).__name__
        )
    ],
)
def test_contract_where_prices_differ(rewards_are_earned, estimator, check):
    check(estimator)


def test_tags():
    assert get_bandit_tags(DemandCurveThompsonSampling()).arms == "shared"
    assert get_bandit_tags(DemandCurveThompsonSampling(demand="amount")).can_merge
    assert get_bandit_tags(MonotonePricingThompsonSampling()).reward == "unit_interval"
    assert (
        get_bandit_tags(MonotonePricingThompsonSampling(bandit=LinearThompsonSampling())).reward
        == "real"
    )
