"""Reward and cost of the settings of a selector, from a log."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.base import make_log
from skbandit.contextfree import BetaThompsonSampling
from skbandit.linear import LinearUCB
from skbandit.metrics import make_policy_scorer, policy_value
from skbandit.model_selection import RewardCostDisplay, reward_cost_curve
from skbandit.selectors import EpsilonGreedySelector, PropensityFloorSelector, TopKSelector
from skbandit.strategies import CheapestNearBestSelector, PricedSelector

matplotlib.use("Agg")

ARMS = ["large", "middle", "small"]
COST = {"small": 1.0, "middle": 1.5, "large": 2.5}
IN_ORDER = np.array([2.5, 1.5, 1.0])
FACTORS = [0.0, 0.2, 0.5, 1.0]


class World:
    """Twelve contexts, arms whose rates and costs depend on them, a log that plays all arms."""

    def __init__(self):
        rng = np.random.RandomState(0)
        self.X = rng.randn(12, 2)
        self.rate = 1 / (1 + np.exp(-(0.3 * self.X @ rng.randn(2, 3) + [0.4, 0.2, -0.3])))
        self.cost = IN_ORDER * np.exp(0.2 * rng.randn(12, 3))
        self.logging = 0.25 + 0.25 * rng.dirichlet(np.ones(3), size=12)
        self.bandit = LinearUCB(arms=ARMS).fit(*self.log(300, rng)[:2])

    def log(self, n_rounds, rng, with_cost=True):
        rows = rng.randint(12, size=n_rounds)
        arm = (rng.rand(n_rounds, 1) > self.logging.cumsum(axis=1)[rows]).sum(axis=1)
        reward = (rng.rand(n_rounds) < self.rate[rows, arm]).astype(float)
        paid = self.cost[rows, arm] * rng.gamma(9.0, 1 / 9.0, size=n_rounds)
        log = make_log(
            np.array(ARMS)[arm], reward, self.logging[rows, arm], cost=paid if with_cost else None
        )
        return self.X[rows], log, rows


WORLD = World()


def policies(selector=CheapestNearBestSelector, values=FACTORS, X=None):
    bandit = LinearUCB(arms=ARMS)
    bandit.__dict__.update(WORLD.bandit.__dict__)
    return [
        bandit.set_params(selector=selector(COST, one)).predict_proba(WORLD.X if X is None else X)
        for one in values
    ]


def a_curve(n_rounds=900, seed=1, with_cost=True, **keywords):
    X, log, _ = WORLD.log(n_rounds, np.random.RandomState(seed), with_cost)
    given = {"selector": CheapestNearBestSelector(COST), "values": FACTORS, **keywords}
    return reward_cost_curve(WORLD.bandit, X, log, **given), X, log


@pytest.mark.parametrize("estimator", ["snips", "ips", "dr"])
def test_values_are_those_of_each_setting(estimator):
    curve, X, log = a_curve(estimator=estimator)
    table = curve.table
    assert table.index.tolist() == FACTORS
    assert table.index.name == "subsidy_factor"
    for number, factor in enumerate(FACTORS):
        bandit = curve.tuned(factor)
        scorer = make_policy_scorer(estimator)
        assert_allclose(table["reward"][factor], scorer(bandit, X, log))
        scorer = make_policy_scorer(estimator, objective="cost")
        assert_allclose(table["cost"][factor], -scorer(bandit, X, log))
        value = scorer.evaluate(bandit, X, log)
        low, high = value.interval("normal")
        assert_allclose(table[["cost_low", "cost_high"]].loc[factor], [-high, -low])
        assert_allclose(curve.shares.loc[factor], policies(X=X)[number].mean(axis=0))
    assert_allclose(curve.logging_reward.value, log["reward"].mean())
    assert_allclose(curve.logging_cost.value, log["cost"].mean())
    assert_allclose(table["reward_share"], table["reward"] / table["reward"].max())


def test_known_costs_need_no_log_of_them():
    """The mean over contexts of what the policy is sure to pay."""
    curve, X, _ = a_curve(with_cost=False)
    for number, factor in enumerate(FACTORS):
        paid = policies(X=X)[number] @ IN_ORDER
        assert_allclose(curve.table["cost"][factor], paid.mean())
        error = paid.std(ddof=1) / np.sqrt(len(paid))
        low, high = curve.table[["cost_low", "cost_high"]].loc[factor]
        assert_allclose((high - low) / 2, 1.959964 * error, rtol=1e-5, atol=1e-12)
    # The cheapest arm alone costs the same in all rounds.
    assert_allclose(curve.table[["cost_low", "cost", "cost_high"]].loc[1.0], 1.0)
    assert curve.table["cost"].is_monotonic_decreasing


def test_costs_of_the_rounds():
    """They decide, and where the log has none they are what is paid."""
    rng = np.random.RandomState(3)
    X, log, _ = WORLD.log(500, rng, with_cost=False)
    cost = rng.rand(500, 3)
    mask = rng.rand(500, 3) < 0.8
    mask[np.arange(500), [ARMS.index(arm) for arm in log["arm"]]] = True
    frame = pd.DataFrame(cost, columns=ARMS)[["small", "large", "middle"]]
    for given in (cost, frame):
        curve = reward_cost_curve(
            WORLD.bandit,
            X,
            log,
            selector=CheapestNearBestSelector(),
            values=[0.3],
            cost=given,
            available=mask,
            estimator="snips",
        )
        policy = curve.tuned(0.3).predict_proba(X, available=mask, cost=cost)
        assert (policy[~mask] == 0.0).all()
        assert_allclose(curve.table["cost"], (policy * cost).sum(axis=1).mean())
    factor = rng.rand(500)
    curve, X, log = a_curve(500, with_cost=False, cost=factor, values=[0.3])
    policy = curve.tuned(0.3).predict_proba(X, cost=factor)
    assert_allclose(curve.table["cost"], ((policy @ IN_ORDER) * factor).mean())


def test_any_parameter_of_any_selector():
    floor = PropensityFloorSelector(PricedSelector(COST), share=0.2, decay=0.0)
    curve, X, _ = a_curve(selector=floor, parameter="price", values=[0.0, 0.3, 5.0])
    assert curve.parameter == "selector__price"
    own, _, _ = a_curve(parameter="selector__subsidy_factor", values=[0.2])
    assert own.parameter == "subsidy_factor"
    assert curve.table["cost"].is_monotonic_decreasing
    share = 0.8 * policies(PricedSelector, [0.3], X)[0].mean(axis=0) + 0.2 / 3
    assert_allclose(curve.shares.loc[0.3], share)
    # The bandit's own selector, which is left as it is.
    bandit = LinearUCB(selector=EpsilonGreedySelector(0.1))
    X, log, _ = WORLD.log(400, np.random.RandomState(5))
    bandit.fit(X, log)
    curve = reward_cost_curve(bandit, X, log, parameter="epsilon", values=(0.0, 1.0))
    assert bandit.selector.epsilon == 0.1
    assert_allclose(curve.shares.loc[1.0], 1 / 3)
    default = reward_cost_curve(WORLD.bandit, X, log, selector=CheapestNearBestSelector(COST))
    assert_allclose(default.values, np.arange(21) / 20)


def test_pipelines_searches_and_bandits_without_contexts():
    X, log, _ = WORLD.log(600, np.random.RandomState(6))
    plain = LinearUCB().fit(StandardScaler().fit_transform(X), log)
    pipeline = make_pipeline(StandardScaler(), LinearUCB()).fit(X, log)
    scorer = make_policy_scorer("snips")
    search = GridSearchCV(pipeline, {"linearucb__alpha": ["auto"]}, scoring=scorer).fit(X, log)
    given = {"selector": CheapestNearBestSelector(COST), "values": FACTORS, "estimator": "snips"}
    expected = reward_cost_curve(plain, StandardScaler().fit_transform(X), log, **given).table
    for policy in (pipeline, search):
        curve = reward_cost_curve(policy, X, log, **given)
        pd.testing.assert_frame_equal(curve.table, expected)
        tuned = curve.tuned(0.5)
        assert type(tuned) is type(policy)
        assert policy is not tuned
        share = tuned.predict_proba(X).mean(axis=0)
        assert_allclose(share, curve.shares.loc[0.5])
    assert pipeline[-1].selector is None
    bandit = BetaThompsonSampling(random_state=0).fit(X, log)
    curve = reward_cost_curve(bandit, X, log, n_jobs=2, **given)
    pd.testing.assert_frame_equal(curve.table, reward_cost_curve(bandit, X, log, **given).table)


def test_several_objectives_models_weights_and_groups():
    X, log, _ = WORLD.log(600, np.random.RandomState(7))
    both = make_log(
        log["arm"],
        np.column_stack([log["reward"], 1.0 - log["reward"]]),
        log["propensity"],
        cost=log["cost"],
    )
    given = {"selector": CheapestNearBestSelector(COST), "values": [0.2]}
    given["reward_model"], given["cost_model"] = LogisticRegression(), Ridge()
    given["sample_weight"] = np.random.RandomState(0).rand(600)
    given["groups"] = np.arange(600) // 3
    first = reward_cost_curve(WORLD.bandit, X, both, objective=0, **given)
    expected = reward_cost_curve(WORLD.bandit, X, log, **given)
    pd.testing.assert_frame_equal(first.table, expected.table)
    assert first.reward[0].n_groups == 200
    with pytest.raises(ValueError, match="reward has 2 columns"):
        reward_cost_curve(WORLD.bandit, X, both, **given)


def test_sets_of_arms():
    rng = np.random.RandomState(8)
    selector = PricedSelector(COST, selector=TopKSelector(2))
    bandit = LinearUCB(arms=ARMS, selector=TopKSelector(2))
    X = rng.randn(300, 2)
    arms, propensity = bandit.predict(X, return_propensity=True)
    log = make_log(arms, rng.rand(300, 2), propensity)
    bandit.fit(X, log)
    curve = reward_cost_curve(
        bandit, X, log, selector=selector, parameter="price", values=[0.0, 9.0], estimator="snips"
    )
    assert_allclose(curve.table["cost"][9.0], 2.5)
    paid = np.array([[COST[arm] for arm in row] for row in arms]).sum(axis=1)
    assert_allclose(curve.logging_cost.value, paid.mean())


def test_joint_intervals_hold_those_of_one():
    curve, _, _ = a_curve()
    joint = curve.joint_intervals()
    for name in ("reward", "cost"):
        assert (joint[f"{name}_low"] <= curve.table[f"{name}_low"] + 1e-12).all()
        assert (joint[f"{name}_high"] >= curve.table[f"{name}_high"] - 1e-12).all()
    wider = curve.joint_intervals(0.999)
    assert (wider["reward_low"] < joint["reward_low"]).all()
    one, _, _ = a_curve(values=[0.2], with_cost=False)
    low, high = one.joint_intervals()[["reward_low", "reward_high"]].to_numpy()[0]
    # Of two values the reach is between that of one and Bonferroni's.
    ratio = (high - low) / (one.table["reward_high"] - one.table["reward_low"]).iloc[0]
    assert 1.0 < ratio < 2.2414 / 1.96 + 0.01


def test_a_choice_by_the_estimates():
    curve, _, _ = a_curve(4000)
    table = curve.table
    reward, cost = table["reward"], table["cost"]
    for share in (0.5, 0.8, 0.95, 1.0):
        enough = reward >= share * reward.max()
        assert curve.choose(min_share=share, cautious=False) == cost[enough].idxmin()
    for least in (reward.min(), reward.mean()):
        found = curve.choose(min_reward=least, cautious=False)
        assert found == cost[reward >= least].idxmin()
    for most in (cost.max(), cost.mean()):
        found = curve.choose(max_cost=most, cautious=False)
        assert found == reward[cost <= most].idxmax()
    least, most = reward.min(), cost.max()
    assert curve.choose(min_reward=least, max_cost=most, cautious=False) == cost.idxmin()
    # Measured from a reward below, less is given away.
    careful = curve.choose(min_share=0.8, reference=reward.min(), cautious=False)
    enough = reward - reward.min() >= 0.8 * (reward.max() - reward.min())
    assert careful == cost[enough].idxmin()


def test_a_careful_choice_by_bounds():
    """Each pair of settings has a difference, whose bound stands one quantile for all pairs."""
    curve, _, _ = a_curve(4000)
    rng = np.random.RandomState(0)
    count = len(FACTORS)
    influence = np.column_stack([value.influence for value in curve.reward])
    pairs = [(i, j) for i in range(count) for j in range(count)]
    contrast = np.column_stack([influence[:, i] - 0.8 * influence[:, j] for i, j in pairs])
    n = len(influence)
    error = contrast.std(axis=0, ddof=1) / np.sqrt(n)
    # The multiplier bootstrap, without a normal approximation of the sum.
    largest = [(rng.randn(n) @ contrast / n / error).max() for _ in range(4000)]
    quantile = np.quantile(largest, 0.95)
    reward = curve.table["reward"].to_numpy()
    bound = np.array([reward[i] - 0.8 * reward[j] for i, j in pairs]) - quantile * error
    kept = bound.reshape(count, count).min(axis=1)
    found = curve._bounds(*curve._margins(0.8, None, None, 0.0)[0][1], 0.95, True)
    assert_allclose(found, kept, atol=0.06 * error.max())
    assert (kept >= 0).any()
    assert not (kept >= 0).all()
    expected = curve.table["cost"][kept >= 0].idxmin()
    assert curve.choose(min_share=0.8) == expected


def test_what_no_setting_is_sure_to_hold():
    curve, _, _ = a_curve(300)
    with pytest.raises(ValueError, match=r"95 % confidence: by min_reward the nearest, .* misses"):
        curve.choose(min_reward=0.99)
    with pytest.raises(ValueError, match=r"asked for: by max_cost the nearest, 1\.0"):
        curve.choose(max_cost=0.01, cautious=False)
    with pytest.raises(ValueError, match="choose needs"):
        curve.choose()
    with pytest.raises(ValueError, match="min_share must lie"):
        curve.choose(min_share=1.2)
    with pytest.raises(ValueError, match="confidence_level"):
        curve.choose(min_share=0.9, confidence_level=1.0)


def test_efficient_settings_by_brute_force():
    curve, _, _ = a_curve(parameter="subsidy_factor", values=np.linspace(0, 1, 15))
    table = curve.table
    points = table[["reward", "cost"]].to_numpy()
    for row, (reward, cost) in enumerate(points):
        beaten = any((r >= reward and c < cost) or (r > reward and c <= cost) for r, c in points)
        assert table["efficient"].iloc[row] == (not beaten)


def test_the_knee():
    """Reward and cost from 0 to 1; where nothing is uncertain it is where they are furthest."""
    curve, _, _ = a_curve(20_000, values=np.linspace(0, 1, 11))
    reward, cost = curve.table["reward"].to_numpy(), curve.table["cost"].to_numpy()
    apart = (reward - reward.min()) / np.ptp(reward) - (cost - cost.min()) / np.ptp(cost)
    knee = curve.knee()
    assert knee.low <= knee.value <= knee.high
    assert abs(curve.values.index(knee.value) - np.argmax(apart)) <= 1
    wider = curve.knee(0.999)
    assert wider.low <= knee.low
    assert wider.high >= knee.high


def test_intervals_cover():
    """Of 200 logs at least 178 for each interval, and for all four of a curve together.

    Where 95 % cover that is 4 standard deviations below, with a chance of 2e-4; where intervals
    are a third too narrow 81 % cover, and 178 of 200 do with a chance of 2e-3.
    """
    floor = PropensityFloorSelector(CheapestNearBestSelector(COST), share=0.5, decay=0.0)
    policy = [0.5 * one + 0.5 / 3 for one in policies(values=[0.1, 0.3])]
    truth = {
        name: [np.mean((one * table).sum(axis=1)) for one in policy]
        for name, table in (("reward", WORLD.rate), ("cost", WORLD.cost))
    }
    held = {name: np.zeros(2) for name in truth}
    together = 0
    for seed in range(200):
        curve, _, _ = a_curve(
            800, 100 + seed, selector=floor, values=[0.1, 0.3], estimator="snips"
        )
        joint, all_held = curve.joint_intervals(), True
        for name, true in truth.items():
            low, high = curve.table[f"{name}_low"], curve.table[f"{name}_high"]
            held[name] += ((low <= true) & (true <= high)).to_numpy()
            low, high = joint[f"{name}_low"], joint[f"{name}_high"]
            all_held &= bool(((low <= true) & (true <= high)).all())
        together += all_held
    for counts in held.values():
        assert (counts >= 178).all()
    assert together >= 178
    assert sum(counts.sum() for counts in held.values()) < 4 * 200


def test_the_plot():
    plt = pytest.importorskip("matplotlib.pyplot")
    curve, _, _ = a_curve(values=np.linspace(0, 1, 11))
    display = curve.plot(n_texts=3)
    assert isinstance(display, RewardCostDisplay)
    line = display.frontier_.get_xydata()
    efficient = curve.table[curve.table["efficient"]].sort_values("cost")
    assert_allclose(line, efficient[["cost", "reward"]])
    assert len(display.texts_) == 3
    assert_allclose(
        display.logging_.get_offsets()[0],
        [curve.logging_cost.value, curve.logging_reward.value],
    )
    assert "95 % intervals" in display.ax_.get_ylabel()
    _, ax = plt.subplots()
    joint = curve.plot(ax, joint=True)
    assert joint.ax_ is ax
    bars = [one.errorbar_.lines[2][1].get_segments() for one in (display, joint)]
    lengths = [np.ptp(np.array(bar)[:, :, 1], axis=1) for bar in bars]
    assert (lengths[1] > lengths[0]).all()
    plt.close("all")


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"parameter": "temperature"}, "'temperature' is none of"),
        ({"parameter": "reference"}, "values must say which"),
        ({"values": []}, "values is empty"),
        ({"values": [2.0]}, "subsidy_factor"),
        ({"selector": CheapestNearBestSelector(), "with_cost": False}, "does not know what"),
        ({"estimator": ["dr", "ips"]}, "estimator must be one name"),
        ({"estimator": "best"}, "estimator must be among"),
        ({"objective": "cost"}, "objective must say what the reward is"),
        ({"objective": 1}, "none of the 1 objective"),
        ({"cost": np.ones((3, 3))}, "cost must have a row for each of the 900 rounds"),
        ({"selector": EpsilonGreedySelector(), "parameter": "epsilon", "with_cost": False},
         "nothing says what the arms cost"),
    ],
)  # fmt: skip
def test_bad_input(keywords, message):
    if keywords.get("parameter") == "reference":
        keywords = {**keywords, "values": None}
    with pytest.raises(ValueError, match=message):
        a_curve(**keywords)


def test_what_is_no_bandit_with_a_selector():
    X, log, _ = WORLD.log(100, np.random.RandomState(0))
    with pytest.raises(TypeError, match="a bandit with a selector"):
        reward_cost_curve(LogisticRegression().fit(X, log["arm"]), X, log)
    with pytest.raises(ValueError, match="has no selector to vary"):
        reward_cost_curve(WORLD.bandit, X, log)


def test_policy_values_by_hand():
    """The value of a setting is that of its probabilities."""
    curve, X, log = a_curve(estimator="ips")
    column = np.array([ARMS.index(arm) for arm in log["arm"]])
    policy = policies(X=X)[1]
    weight = policy[np.arange(len(X)), column] / log["propensity"]
    assert_allclose(curve.table["reward"][0.2], np.mean(weight * log["reward"]))
    assert_allclose(curve.table["cost"][0.2], np.mean(weight * log["cost"]))
    value = policy_value(
        "ips",
        policy_probability=policy,
        arm=column,
        reward=log["reward"],
        propensity=log["propensity"],
    )
    assert_allclose((curve.reward[1] - value).standard_error, 0.0, atol=1e-12)
