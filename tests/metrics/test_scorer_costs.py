"""Costs and several objectives in scorers, comparisons, validations and logs."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.base import make_log
from skbandit.environments import LinearEnvironment, log_policy
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.metrics import (
    PolicyMonitor,
    cross_fit_rewards,
    ips_value,
    make_policy_scorer,
    mean_value,
    policy_value,
)
from skbandit.model_selection import (
    compare_policies,
    estimate_propensity,
    progressive_validation,
    replay_validate,
)
from skbandit.selectors import EpsilonGreedySelector, TopKSelector
from skbandit.strategies import CheapestNearBestSelector, PricedSelector

ARMS = ["c", "a", "b"]
IN_ORDER = np.array([2.0, 0.5, 1.0])
COST = dict(zip(ARMS, IN_ORDER, strict=True))


def rounds(n_rounds=400, seed=0):
    rng = np.random.RandomState(seed)
    X, arm = rng.randn(n_rounds, 2), rng.randint(3, size=n_rounds)
    clicks = (rng.rand(n_rounds) < 0.3 + 0.2 * (arm == 0)).astype(float)
    minutes = rng.gamma(2.0, 1.0 + arm)
    paid = IN_ORDER[arm] * rng.gamma(4.0, 0.25, size=n_rounds)
    return X, np.array(ARMS)[arm], clicks, minutes, paid, np.full(n_rounds, 1 / 3)


X, ARM, CLICKS, MINUTES, PAID, CHANCE = rounds()
ONE = make_log(ARM, CLICKS, CHANCE, cost=PAID)
TWO = make_log(ARM, np.column_stack([CLICKS, MINUTES]), CHANCE, cost=PAID)
BANDIT = LinearUCB(arms=ARMS, selector=EpsilonGreedySelector(0.3)).fit(X, ONE)


@pytest.mark.parametrize("estimator", ["ips", "snips", "dr"])
@pytest.mark.parametrize(
    ("options", "reward"),
    [
        ({"objective": 0}, CLICKS),
        ({"objective": 1}, MINUTES),
        ({"objective": -1}, MINUTES),
        ({"objective": [2.0, 0.5]}, 2.0 * CLICKS + 0.5 * MINUTES),
        ({"objective": 1, "price": 0.3}, MINUTES - 0.3 * PAID),
        ({"objective": (0.0, 1.0), "price": 2}, MINUTES - 2 * PAID),
        ({"objective": "cost"}, -PAID),
    ],
)
def test_scores_are_those_of_a_log_of_that_reward(estimator, options, reward):
    scorer = make_policy_scorer(estimator, reward_model=Ridge(), **options)
    plain = make_policy_scorer(estimator, reward_model=Ridge())
    expected = plain(BANDIT, X, make_log(ARM, reward, CHANCE))
    assert_allclose(scorer(BANDIT, X, TWO), expected)
    keywords = {"reward": TWO["reward"], "propensity": CHANCE}
    if "price" not in options and options["objective"] != "cost":
        assert_allclose(scorer(BANDIT, X, ARM, **keywords), expected)


def test_a_price_on_a_log_of_one_reward():
    scorer = make_policy_scorer("ips", price=0.5)
    weight = BANDIT.predict_proba(X)[np.arange(400), [ARMS.index(arm) for arm in ARM]] / CHANCE
    assert_allclose(scorer(BANDIT, X, ONE), np.mean(weight * (CLICKS - 0.5 * PAID)))
    scorer = make_policy_scorer("ips", objective="cost")
    assert_allclose(scorer(BANDIT, X, ONE), -np.mean(weight * PAID))
    frame = pd.DataFrame({"arm": ARM, "reward": CLICKS, "propensity": CHANCE, "cost": PAID})
    assert_allclose(scorer(BANDIT, X, frame), scorer(BANDIT, X, ONE))
    for objective in (0, [1.0]):
        chosen = make_policy_scorer("ips", objective=objective)
        assert_allclose(chosen(BANDIT, X, ONE), make_policy_scorer("ips")(BANDIT, X, ONE))
    assert repr(make_policy_scorer("dr", objective=[1, 2], price=0.5)) == (
        "make_policy_scorer('dr', objective=[1, 2], price=0.5)"
    )


def test_sets_of_arms_have_a_cost_for_each():
    rng = np.random.RandomState(1)
    bandit = LinearThompsonSampling(arms=ARMS, selector=TopKSelector(2), random_state=0)
    arms, chance = bandit.predict(X, return_propensity=True)
    reward, paid = rng.rand(400, 2), rng.rand(400, 2)
    log = make_log(arms, reward, chance, cost=paid)
    scorer = make_policy_scorer("snips", price=0.7)
    expected = make_policy_scorer("snips")(bandit, X, make_log(arms, reward - 0.7 * paid, chance))
    assert_allclose(scorer(bandit, X, log), expected)


@pytest.mark.parametrize("way", ["scorer", "compare", "search"])
def test_policies_decide_by_the_costs_of_the_rounds(way):
    cost = np.random.RandomState(2).rand(400, 3)
    bandit = LinearUCB(arms=ARMS, alpha=0.0, selector=PricedSelector(price=0.5)).fit(X, ONE)
    policy = bandit.predict_proba(X, cost=cost)
    column = np.array([ARMS.index(arm) for arm in ARM])
    expected = policy_value(
        "snips", policy_probability=policy, arm=column, reward=CLICKS, propensity=CHANCE
    ).value
    frame = pd.DataFrame({**dict(zip(ARMS, cost.T, strict=True)), "other": 0.0})
    scorer = make_policy_scorer("snips")
    pipeline = make_pipeline(StandardScaler(), bandit)
    pipeline[0].fit(X)
    scaled = np.mean([scorer(bandit, pipeline[0].transform(X), ONE, cost=cost)])
    if way == "scorer":
        assert_allclose(scorer(bandit, X, ONE, cost=cost), expected)
        assert_allclose(scorer(bandit, X, ONE, cost=frame), expected)
        assert_allclose(scorer(pipeline, X, ONE, cost=cost), scaled)
        # One that weighs none decides without.
        assert_allclose(scorer(BANDIT, X, ONE, cost=cost), scorer(BANDIT, X, ONE))
    elif way == "compare":
        both = {"priced": bandit, "plain": BANDIT, "scaled": pipeline}
        table = compare_policies(both, X, ONE, estimator="snips", cost=cost)["value"]
        assert_allclose(table["priced"], expected)
        assert_allclose(table["plain"], scorer(BANDIT, X, ONE))
        assert_allclose(table["scaled"], scaled)
        other = LinearUCB(arms=sorted(ARMS)).fit(X, ONE)
        with pytest.raises(ValueError, match="cost is an array, whose columns"):
            compare_policies({"one": bandit, "two": other}, X, ONE, cost=cost)
        table = compare_policies({"one": bandit, "two": other}, X, ONE, cost=frame)
        assert len(table) == 3
    else:
        with sklearn.config_context(enable_metadata_routing=True):
            scorer.set_score_request(cost=True)
            candidate = LinearUCB(arms=ARMS, alpha=0.0, selector=PricedSelector())
            grid = {"selector__price": [0.0, 0.5]}
            search = GridSearchCV(candidate, grid, scoring=scorer, cv=2, refit=False)
            search.fit(X, ONE, cost=cost)
            scores = cross_val_score(
                candidate.set_params(selector__price=0.5),
                X,
                ONE,
                scoring=scorer,
                cv=2,
                params={"cost": cost},
            )
        assert_allclose(search.cv_results_["mean_test_score"][1], scores.mean())
        half = LinearUCB(arms=ARMS, alpha=0.0, selector=PricedSelector(price=0.5))
        half.fit(X[200:], ONE[200:])
        assert_allclose(scores[0], scorer(half, X[:200], ONE[:200], cost=cost[:200]))


class Cheap(BaseEstimator):
    """A policy of one's own that reads costs."""

    classes_ = np.array(ARMS)

    def predict_proba(self, X, cost=None):
        weight = np.exp(-np.ones((len(X), 3)) if cost is None else -np.asarray(cost))
        return weight / weight.sum(axis=1, keepdims=True)


def test_policies_that_are_no_bandits():
    cost = np.random.RandomState(2).rand(400, 3)
    column = np.array([ARMS.index(arm) for arm in ARM])
    expected = ips_value(
        reward=CLICKS,
        arm=column,
        propensity=CHANCE,
        policy_probability=Cheap().predict_proba(X, cost),
    ).value
    assert_allclose(make_policy_scorer("ips")(Cheap(), X, ONE, cost=cost), expected)


def test_a_comparison_by_objective_and_price():
    policies = {"bandit": BANDIT}
    table = compare_policies(policies, X, TWO, objective=1, price=0.2, estimator="snips")
    reward = MINUTES - 0.2 * PAID
    plain = compare_policies(policies, X, make_log(ARM, reward, CHANCE), estimator="snips")
    pd.testing.assert_frame_equal(table, plain)
    costs = compare_policies(policies, X, TWO, objective="cost", estimator="snips")
    assert_allclose(costs["value"]["logging policy"], -PAID.mean())


def test_logs_hold_what_was_paid():
    environment = LinearEnvironment(n_features=3)
    selector = CheapestNearBestSelector(subsidy_factor=0.5, reference="worst")
    bandit = LinearThompsonSampling(arms=environment.arms, selector=selector, random_state=0)
    cost = np.random.RandomState(0).rand(50, 5)
    contexts, log = log_policy(bandit, environment, 50, random_state=0, cost=cost)
    expected, chance = bandit.predict(contexts, cost=cost, return_propensity=True)
    assert (log["arm"] == expected).all()
    assert_allclose(log["propensity"], chance)
    place = [list(environment.arms).index(arm) for arm in log["arm"]]
    assert_allclose(log["cost"], cost[np.arange(50), place])
    labels = list(environment.arms)
    frame = pd.DataFrame(cost, columns=labels)[labels[::-1]]
    for other in (frame, lambda _: cost):
        again = log_policy(bandit, environment, 50, random_state=0, cost=other, batch_size=7)[1]
        assert_allclose(again["cost"].sum(), cost[np.arange(50), [
            labels.index(arm) for arm in again["arm"]
        ]].sum())  # fmt: skip
    plain = LinearUCB(arms=environment.arms)
    assert "cost" in log_policy(plain, environment, 50, random_state=0, cost=cost)[1].dtype.names
    for bad, message in (
        (cost[:3], "a row for each of the 50 rounds"),
        (cost[:, 0], "what each arm costs in each round"),
        (cost[:, :2], "cost must have shape"),
    ):
        with pytest.raises(ValueError, match=message):
            log_policy(plain, environment, 50, random_state=0, cost=bad)


def test_validations_decide_by_costs():
    cost = np.zeros((400, 3))
    cost[:, 1:] = 1.0
    bandit = LinearUCB(arms=ARMS, alpha=0.0, selector=PricedSelector(price=1e6))
    result = progressive_validation(bandit, X, ONE, cost=cost, batch_size=50)
    assert_allclose(result.rounds["probability"], ARM == "c")
    mask = np.ones((400, 3), dtype=bool)
    masked = progressive_validation(bandit, X, ONE, cost=cost, available=mask, batch_size=50)
    assert_allclose(masked.rounds["probability"], result.rounds["probability"])
    kept = replay_validate(bandit, X, ONE, cost=cost, batch_size=10, random_state=0).rounds
    assert (kept["arm"] == "c").all()
    assert len(kept) == np.sum(ARM == "c")
    for validate in (progressive_validation, replay_validate):
        with pytest.raises(ValueError, match="cost must have a row for each of the 400 rounds"):
            validate(bandit, X, ONE, cost=cost[:3])


def test_estimated_propensities_keep_the_rest_of_a_log():
    new = estimate_propensity(TWO, X)
    assert_allclose(new["reward"], TWO["reward"])
    assert_allclose(new["cost"], PAID)


def test_several_objectives_are_no_one_reward():
    message = "reward has 2 columns, one for each objective"
    for ask in (
        lambda: make_policy_scorer("dr")(BANDIT, X, TWO),
        lambda: make_policy_scorer("dr", price=0.1)(BANDIT, X, TWO),
        lambda: compare_policies({"bandit": BANDIT}, X, TWO),
        lambda: progressive_validation(LinearUCB(arms=ARMS), X, TWO),
        lambda: replay_validate(LinearUCB(arms=ARMS), X, TWO),
        lambda: PolicyMonitor({"bandit": BANDIT, "log": None}, reward_range=(0, 1)).update_log(
            X, TWO
        ),
        lambda: BANDIT.score(X, TWO),
        lambda: LinearUCB(arms=ARMS).fit(X, TWO),
    ):
        with pytest.raises(ValueError, match=message):
            ask()
    column = np.array([ARMS.index(arm) for arm in ARM])
    for ask in (
        lambda: policy_value(
            "ips",
            policy_probability=BANDIT.predict_proba(X),
            arm=column,
            reward=TWO["reward"],
            propensity=CHANCE,
        ),
        lambda: mean_value(reward=TWO["reward"]),
        lambda: cross_fit_rewards(Ridge(), X, column, TWO["reward"]),
    ):
        with pytest.raises(ValueError, match="Of several objectives choose one"):
            ask()


def test_quantities_are_refused():
    """Their propensities are densities: small ones would pass for probabilities."""
    log = make_log(ARM, CLICKS, CHANCE, quantity=np.ones(400))
    for ask in (
        lambda: make_policy_scorer("ips")(BANDIT, X, log),
        lambda: compare_policies({"bandit": BANDIT}, X, log),
        lambda: progressive_validation(LinearUCB(arms=ARMS), X, log),
        lambda: replay_validate(LinearUCB(arms=ARMS), X, log),
        lambda: PolicyMonitor({"bandit": BANDIT, "log": None}, reward_range=(0, 1)).update_log(
            X, log
        ),
        lambda: estimate_propensity(log, X),
    ):
        with pytest.raises(ValueError, match="y carries quantities"):
            ask()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "clicks"}, "objective must be None"),
        ({"price": -1.0}, "price must be a finite number"),
        ({"price": np.inf}, "price must be a finite number"),
        ({"price": "dear"}, "price must be a finite number"),
        ({"objective": "cost", "price": 1.0}, "Leave one out"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        make_policy_scorer("dr", **options)
    with pytest.raises(ValueError, match=message):
        compare_policies({"bandit": BANDIT}, X, ONE, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": 2}, "objective=2 is none of the 2 objective"),
        ({"objective": -3}, "objective=-3 is none of the 2 objective"),
        ({"objective": [1.0]}, "a finite weight for each of the 2 objective"),
        ({"objective": [1.0, np.nan]}, "a finite weight"),
        ({"objective": True}, "a finite weight"),
        ({"objective": ["a", "b"]}, "objective must be None, an integer"),
        ({"objective": 0, "price": 1.0}, "price= needs what the logged arms have cost"),
        ({"objective": "cost"}, "needs what the logged arms have cost"),
    ],
)
def test_options_that_do_not_fit_the_log(options, message):
    log = make_log(ARM, TWO["reward"], CHANCE)
    with pytest.raises(ValueError, match=message):
        make_policy_scorer("ips", **options)(BANDIT, X, log)
