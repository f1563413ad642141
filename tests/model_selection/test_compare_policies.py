"""Comparison of policies, against the values and differences that it stands for."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skbandit.environments import LinearEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.metrics import (
    PolicyValueDisplay,
    chance_better,
    get_policy_scorer,
    ips_value,
    mean_value,
)
from skbandit.model_selection import compare_policies
from skbandit.selectors import EpsilonGreedySelector

METHODS = ["auto", "normal", "student", "bootstrap", "bca", "bernstein", "betting", "cressie_read"]


@pytest.fixture(scope="module")
def case():
    environment = LinearEnvironment(n_features=3, n_arms=3, random_state=5)
    logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    X, log = log_policy(logger, environment, 2000, random_state=0)
    selector = EpsilonGreedySelector(epsilon=0.1)
    policies = {
        "good": LinearUCB(alpha=0.0, selector=selector).fit(X[:1000], log[:1000]),
        "same": logger,
        "classifier": DummyClassifier(strategy="prior").fit(X[:1000], log["arm"][:1000]),
    }
    return environment, policies, X[1000:], log[1000:]


def test_values_are_those_of_the_scorer(case):
    _, policies, X, log = case
    for estimator in ("dr", "snips", "dm"):
        results = compare_policies(policies, X, log, estimator=estimator)
        assert results.index.tolist() == ["logging policy", *policies]
        assert results.index.name == "policy"
        for name, policy in policies.items():
            value = get_policy_scorer(estimator).evaluate(policy, X, log)
            assert results.loc[name, "value"] == value.value
            low, high = value.interval("normal")
            assert tuple(results.loc[name, ["low", "high"]]) == (low, high)
            assert results.loc[name, "effective_sample_size"] == value.effective_sample_size
    logged = results.loc["logging policy"]
    assert logged["value"] == log["reward"].mean()
    assert (logged["difference"], logged["chance_better"]) == (0.0, 0.5)


def test_difference_takes_rounds_in_pairs(case):
    _, policies, X, log = case
    results = compare_policies(policies, X, log, estimator="ips")
    probability = policies["good"].predict_proba(X)[np.arange(1000), log["arm"]]
    gap = probability / log["propensity"] * log["reward"] - log["reward"]
    row = results.loc["good"]
    assert row["difference"] == pytest.approx(gap.mean())
    error = gap.std(ddof=1) / np.sqrt(1000)
    half = special.ndtri(0.975) * error
    assert row["difference_low"] == pytest.approx(gap.mean() - half)
    assert row["difference_high"] == pytest.approx(gap.mean() + half)
    assert row["chance_better"] == pytest.approx(stats.norm.cdf(gap.mean() / error))
    assert row["chance_better"] > 0.999


def test_the_logging_policy_differs_by_nothing(case):
    _, policies, X, log = case
    row = compare_policies({"same": policies["same"]}, X, log, estimator="snips").loc["same"]
    assert row["difference"] == pytest.approx(0, abs=1e-12)
    assert row["difference_high"] - row["difference_low"] < 1e-9
    assert row["low"] < row["value"] < row["high"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("offset", [0.0, 0.1, 1e6])
def test_a_policy_that_is_the_logging_policy_is_no_better(case, method, offset):
    _, policies, X, log = case
    log = log.copy()
    log["reward"] += offset
    results = compare_policies(policies["same"], X, log, estimator="snips", interval=method)
    assert results["chance_better"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("weighted", [False, True])
def test_every_interval(case, method, weighted):
    _, policies, X, log = case
    weight = np.random.RandomState(0).uniform(size=1000) if weighted else None
    results = compare_policies(policies, X, log, interval=method, sample_weight=weight)
    assert np.isfinite(results).all(axis=None)
    good = results.loc["good"]
    assert good["low"] < good["value"] < good["high"]
    assert good["difference_low"] < good["difference"] < good["difference_high"]
    # Without bounds on the terms, Bernstein's inequality is too cautious for so few rounds.
    assert good["difference_low"] > 0 or method == "bernstein"
    assert good["chance_better"] > 0.99
    assert results.attrs == {"estimator": "dr", "interval": method, "confidence_level": 0.95}


def test_true_bounds_reach_the_differences(case):
    _, policies, X, log = case
    policies = {"good": policies["good"]}
    options = {"reward_range": (-9.0, 9.0), "max_weight": 3.0}
    row = compare_policies(
        policies, X, log, estimator="ips", interval="bernstein", interval_params=options
    ).loc["good"]
    probability = policies["good"].predict_proba(X)
    value = ips_value(
        reward=log["reward"],
        propensity=log["propensity"],
        policy_probability=probability,
        arm=log["arm"],
    )
    difference = value - mean_value(reward=log["reward"])
    # IPS terms lie within 27 of 0, rewards within 9, so differences within 36.
    low, high = difference.interval("bernstein", bounds=(-36.0, 36.0))
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high))


def test_student_knows_how_few_rounds_count(case):
    _, policies, X, log = case
    few = compare_policies(policies, X[:150], log[:150], interval="student", estimator="snips")
    normal = compare_policies(policies, X[:150], log[:150], estimator="snips")
    for low, high in (("low", "high"), ("difference_low", "difference_high")):
        width = few.loc["good", high] - few.loc["good", low]
        narrow = normal.loc["good", high] - normal.loc["good", low]
        degrees = few.loc["good", "effective_sample_size"] - 1
        assert width / narrow == pytest.approx(
            special.stdtrit(degrees, 0.975) / special.ndtri(0.975)
        )


@pytest.mark.parametrize("method", METHODS)
def test_chance_better_is_the_same_whatever_the_interval(case, method):
    _, policies, X, log = case
    rows = {"X": X[:120], "log": log[:120], "estimator": "snips"}
    chance = compare_policies(policies, **rows, interval=method)["chance_better"]
    for name, policy in policies.items():
        value = get_policy_scorer("snips").evaluate(policy, X[:120], log[:120])
        difference = value - mean_value(reward=log["reward"][:120])
        assert chance[name] == chance_better(difference, log["reward"][:120])
    flat = compare_policies(policies, **rows, interval=method, prior_scale=np.inf)
    assert flat.loc["good", "chance_better"] > chance["good"]


def test_intervals_of_differences_cover():
    # 300 logs: 95 % intervals cover between 91 % and 99 % (three standard errors).
    environment = LinearEnvironment(n_features=3, n_arms=3, random_state=5)
    logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    policy = LinearUCB(selector=EpsilonGreedySelector(epsilon=0.3))
    policy.fit(*log_policy(logger, environment, 300, random_state=0))
    contexts, _, expected = environment.sample(200_000, random_state=1)
    truth = (policy.predict_proba(contexts) * expected).sum(axis=1).mean() - expected.mean()
    covered = 0
    for seed in range(300):
        X, log = log_policy(logger, environment, 400, random_state=seed + 2)
        row = compare_policies({"new": policy}, X, log, estimator="snips").loc["new"]
        covered += row["difference_low"] <= truth <= row["difference_high"]
    assert 0.91 < covered / 300 < 0.99


def test_parallel_keywords_and_names(case):
    _, policies, X, log = case
    results = compare_policies(policies, X, log)
    assert compare_policies(policies, X, log, n_jobs=2).equals(results)
    keywords = {"reward": log["reward"], "propensity": log["propensity"]}
    assert compare_policies(policies, X, log["arm"], **keywords).equals(results)
    listed = compare_policies([policies["good"], policies["classifier"]], X, log)
    assert listed.index.tolist() == ["logging policy", "LinearUCB", "DummyClassifier"]
    assert compare_policies(policies["good"], X, log).index.tolist()[1:] == ["LinearUCB"]


def test_display(case):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    _, policies, X, log = case
    results = compare_policies(policies, X, log, confidence_level=0.8)
    display = PolicyValueDisplay.from_results(results, column="difference")
    np.testing.assert_allclose(display.value, results["difference"][1:])
    assert "80 % intervals" in display.ax_.get_xlabel()
    plt.close("all")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policies": {}}, r"policies must hold at least one policy"),
        ({"policies": {"logging policy": LinearUCB()}}, r"none of the name 'logging policy'"),
        ({"estimator": ["dr", "ips"]}, r"estimator must be one name"),
        ({"estimator": "mse"}, r"estimator must be among"),
        ({"interval": "exact"}, r"interval must be None or one of"),
        ({"confidence_level": 95}, r"confidence_level must lie strictly between 0 and 1"),
        ({"confidence_level": 0.0}, r"confidence_level must lie strictly between 0 and 1"),
        ({"prior_scale": 0}, r"prior_scale must be a positive number"),
        ({"unknown_arms": "skip"}, r"unknown_arms must be one of"),
    ],
)
def test_bad_arguments(case, change, message):
    _, policies, X, log = case
    with pytest.raises(ValueError, match=message):
        compare_policies(**{"policies": policies, "X": X, "log": log, **change})


def test_two_of_a_class_and_unknown_arms(case):
    _, policies, X, log = case
    with pytest.raises(ValueError, match=r"several of one class.*name them, in a dict"):
        compare_policies([policies["good"], policies["same"]], X, log)
    less = LogisticRegression().fit(X, log["arm"] % 2)
    with pytest.raises(ValueError, match=r"does not know: 2"):
        compare_policies({"less": less}, X, log)
    assert np.isfinite(compare_policies({"less": less}, X, log, unknown_arms="zero")).all(
        axis=None
    )
    with pytest.raises(ValueError, match=r"no rewards"):
        compare_policies(policies, X, log["arm"])


@pytest.mark.filterwarnings("ignore:the importance weights have mean")
def test_masks(draw_masked):
    start, rounds = draw_masked(1000, 0), draw_masked(2000, 1)
    bandit = LinearUCB(alpha=0.0).fit(start.X, start.log)
    policies = {
        "bandit": bandit,
        "pipeline": make_pipeline(FunctionTransformer(), bandit),
        "classifier": LogisticRegression().fit(start.X, start.expected.argmax(axis=1)),
    }
    results = compare_policies(policies, rounds.X, rounds.log, available=rounds.available)
    for name, policy in policies.items():
        value = get_policy_scorer("dr")(policy, rounds.X, rounds.log, available=rounds.available)
        assert results.loc[name, "value"] == value
    assert results.loc["bandit"].equals(results.loc["pipeline"])
    truth = (bandit.predict_proba(rounds.X, rounds.available) * rounds.expected).sum(axis=1)
    row = results.loc["bandit"]
    # Intervals of 99.99 %.
    wide = compare_policies(
        bandit, rounds.X, rounds.log, available=rounds.available, confidence_level=0.9999
    ).loc["LinearUCB"]
    assert wide["low"] < truth.mean() < wide["high"]
    # Asked without masks, the policy seems far better than it is.
    alone = compare_policies(bandit, rounds.X, rounds.log).loc["LinearUCB"]
    assert alone["low"] > row["high"] + 0.1


def test_masks_of_policies_whose_arms_are_in_another_order(draw_masked):
    rounds = draw_masked(500, 0)
    policies = {
        "up": LinearUCB(arms=[0, 1, 2, 3], alpha=0.0).fit(rounds.X, rounds.log),
        "down": LinearUCB(arms=[3, 2, 1, 0], alpha=0.0).fit(rounds.X, rounds.log),
    }
    with pytest.raises(
        ValueError, match=r"would be 0, 1, 2, 3 for the policy 'up' but 3, 2, 1, 0"
    ):
        # So few arms are missing that the logged ones do not give it away.
        mask = np.ones((500, 4), dtype=bool)
        compare_policies(policies, rounds.X, rounds.log, available=mask)
    frame = pd.DataFrame(rounds.available)[[1, 0, 3, 2]]
    results = compare_policies(policies, rounds.X, rounds.log, available=frame)
    np.testing.assert_allclose(results.loc["up"], results.loc["down"])


def test_groups(case):
    _, policies, X, log = case
    groups = np.arange(1000) // 5
    value = get_policy_scorer("dr").evaluate(policies["good"], X, log, groups=groups)
    difference = value - mean_value(reward=log["reward"], groups=groups)
    for method in ("normal", "student", "cressie_read"):
        row = compare_policies(policies, X, log, interval=method, groups=groups).loc["good"]
        assert tuple(row[["low", "high"]]) == value.interval(method)
        low, high = difference.interval(method)
        assert tuple(row[["difference_low", "difference_high"]]) == (low, high)
    with pytest.raises(ValueError, match="'betting' intervals take rounds as independent"):
        compare_policies(policies, X, log, interval="betting", groups=groups)


def test_student_chance_counts_groups(case):
    _, policies, X, log = case
    groups = np.arange(1000) % 6
    row = compare_policies(
        policies, X, log, estimator="snips", groups=groups, prior_scale=np.inf
    ).loc["classifier"]
    value = get_policy_scorer("snips").evaluate(policies["classifier"], X, log, groups=groups)
    difference = value - mean_value(reward=log["reward"], groups=groups)
    assert 4 < difference.degrees_of_freedom < 5
    score = difference.value / difference.standard_error
    chance = stats.t.cdf(score, difference.degrees_of_freedom)
    assert row["chance_better"] == pytest.approx(chance)
