"""Values of policies that play sets of arms, against a world with a known truth."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV

from skbandit._sampling import draw_arms
from skbandit.environments import LinearEnvironment, log_policy
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.metrics import (
    cross_fit_rewards,
    dr_value,
    get_policy_scorer,
    independent_ips_value,
    make_policy_scorer,
    policy_value,
    set_dr_value,
)
from skbandit.model_selection import compare_policies, estimate_propensity
from skbandit.selectors import TopKSelector

N_CONTEXTS, N_ARMS, K = 8, 5, 2


class SetWorld:
    """Few contexts, so that values are finite sums; rewards of one set share a shock."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.logging = 0.4 + 0.3 * (rng.dirichlet(np.ones(N_ARMS), size=N_CONTEXTS) - 1 / N_ARMS)
        self.mean = rng.uniform(size=(N_CONTEXTS, N_ARMS))
        best = np.argsort(-self.mean, axis=1)[:, :K]
        greedy = np.zeros((N_CONTEXTS, N_ARMS))
        np.put_along_axis(greedy, best, 1.0, axis=1)
        self.policy = 0.7 * greedy + 0.3 * K / N_ARMS
        self.value = (self.policy * self.mean).sum(axis=1).mean()
        self.model = self.mean + 0.3 * rng.standard_normal(self.mean.shape)

    def log(self, n_rounds, seed):
        rng = np.random.default_rng(seed)
        context = rng.integers(N_CONTEXTS, size=n_rounds)
        arm = draw_arms(self.logging[context], rng.uniform(size=n_rounds), K)
        at = context[:, None], arm
        shock = 0.5 * rng.standard_normal((n_rounds, 1))
        return {
            "reward": self.mean[at] + shock + 0.3 * rng.standard_normal(arm.shape),
            "arm": arm,
            "propensity": self.logging[at],
            "policy_probability": self.policy[context],
            "expected_reward": self.model[context],
        }


@pytest.fixture(scope="module")
def world():
    return SetWorld(0)


def test_values_and_intervals_hold_the_truth(world):
    names = ["dr", "ips", "snips"]
    scores = {name: [] for name in names}
    for seed in range(400):
        for name, value in policy_value(names, **world.log(300, seed)).items():
            scores[name].append((value.value - world.value) / value.standard_error)
    for name in names:
        score = np.array(scores[name])
        # Means within four standard errors; coverage of 95 % likewise, by a binomial of 400.
        assert abs(score.mean()) < 4 / np.sqrt(400), name
        assert np.mean(np.abs(score) < 1.96) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 400), name
        assert np.mean(np.abs(score) < 1.96) < 0.95 + 4 * np.sqrt(0.95 * 0.05 / 400), name


def test_formulas(world):
    log = world.log(200, 0)
    weight = np.take_along_axis(log["policy_probability"], log["arm"], 1) / log["propensity"]
    q, pi, arm = log["expected_reward"], log["policy_probability"], log["arm"]
    terms = [
        sum(pi[i, a] * q[i, a] for a in range(N_ARMS))
        + sum(weight[i, j] * (log["reward"][i, j] - q[i, arm[i, j]]) for j in range(K))
        for i in range(200)
    ]
    value = set_dr_value(**log)
    np.testing.assert_allclose(value.value, np.mean(terms))
    np.testing.assert_allclose(value.standard_error, np.std(terms) / np.sqrt(200), rtol=0.01)
    model_free = {**log, "expected_reward": np.zeros((200, N_ARMS))}
    slots = independent_ips_value(
        reward=log["reward"],
        propensity=log["propensity"],
        policy_probability=np.take_along_axis(pi, arm, 1),
    )
    np.testing.assert_allclose(set_dr_value(**model_free).value, slots.value)
    np.testing.assert_allclose(policy_value("ips", **log).value, slots.value)
    snips = K * (weight * log["reward"]).sum() / weight.sum()
    np.testing.assert_allclose(policy_value("snips", **log).value, snips)
    dm = policy_value("dm", **log).value
    np.testing.assert_allclose(dm, (pi * q).sum(axis=1).mean())


def test_sets_of_one_arm_are_plain_rounds(world):
    rng = np.random.default_rng(1)
    policy = rng.dirichlet(np.ones(N_ARMS), size=100)
    log = {
        "policy_probability": policy,
        "expected_reward": rng.uniform(size=(100, N_ARMS)),
    }
    arm, reward = rng.integers(N_ARMS, size=100), rng.uniform(size=100)
    plain = dr_value(arm=arm, reward=reward, propensity=np.full(100, 0.2), **log)
    one = set_dr_value(
        arm=arm[:, None], reward=reward[:, None], propensity=np.full((100, 1), 0.2), **log
    )
    np.testing.assert_allclose(one.value, plain.value)
    np.testing.assert_allclose(one.standard_error, plain.standard_error)


def test_intervals_differences_and_groups(world):
    log = world.log(300, 0)
    value = set_dr_value(**log)
    for method in ("student", "bootstrap", "bernstein", "betting"):
        low, high = value.interval(method)
        assert low < value.value < high
    other = {**log, "policy_probability": np.full((300, N_ARMS), K / N_ARMS)}
    gain = value - set_dr_value(**other)
    assert gain.interval().low > 0
    grouped = set_dr_value(**log, groups=np.arange(300) // 3)
    assert grouped.n_groups == 100
    assert grouped.value == value.value


@pytest.fixture(scope="module")
def rounds():
    environment = LinearEnvironment(n_features=3, n_arms=N_ARMS, noise=0.5)
    logger = LinearUCB(arms=environment.arms, selector=TopKSelector(k=K), random_state=0)
    # Without any rounds all arms tie, and sets are drawn evenly.
    X, log = log_policy(logger, environment, 1200, random_state=0)
    return X, log, environment


def test_scorers_and_comparison(rounds):
    X, log, environment = rounds
    policy = LinearUCB(arms=environment.arms, selector=TopKSelector(k=K), random_state=0)
    policy.fit(X[:600], log[:600])
    X, log = X[600:], log[600:]
    results = compare_policies({"top": policy}, X, log)
    row = results.loc["top"]
    np.testing.assert_allclose(results["value"].iloc[0], log["reward"].sum(axis=1).mean())
    assert row["difference_low"] > 0
    np.testing.assert_allclose(get_policy_scorer("dr")(policy, X, log), row["value"])
    np.testing.assert_allclose(policy.score(X, log), get_policy_scorer("snips")(policy, X, log))
    # The model makes the interval shorter than weights alone do.
    plain = compare_policies({"top": policy}, X, log, estimator="snips").loc["top"]
    assert row["high"] - row["low"] < plain["high"] - plain["low"]


def test_all_arms_of_a_set_are_in_one_fold(rounds):
    X, log, environment = rounds
    policy = LinearUCB(arms=environment.arms, selector=TopKSelector(k=K)).fit(X, log)
    scorer = make_policy_scorer("dm", reward_model=LinearRegression(), cv=3)
    found = scorer(policy, X, log)
    expected = np.empty((1200, N_ARMS))
    for test in np.split(np.arange(1200), 3):
        train = np.setdiff1d(np.arange(1200), test)
        for arm in range(N_ARMS):
            row, place = np.nonzero(log["arm"][train] == arm)
            model = LinearRegression().fit(X[train][row], log["reward"][train][row, place])
            expected[test, arm] = model.predict(X[test])
    np.testing.assert_allclose(found, (policy.predict_proba(X) * expected).sum(axis=1).mean())


def test_search(rounds):
    X, log, environment = rounds
    bandit = LinearThompsonSampling(arms=environment.arms, selector=TopKSelector(k=K))
    search = GridSearchCV(bandit, {"alpha": [0.0, 100.0]}, scoring=get_policy_scorer("dr"), cv=3)
    assert search.fit(X, log).best_params_ == {"alpha": 0.0}


def test_bad_input(world, rounds):
    log = world.log(50, 0)
    with pytest.raises(ValueError, match=r"'clipped_ips' is none of sets.*dm, dr, ips, snips"):
        policy_value("clipped_ips", **log)
    with pytest.raises(ValueError, match=r"expected_reward is None"):
        policy_value("dr", **{**log, "expected_reward": None})
    with pytest.raises(ValueError, match=r"reward must have shape \(50, 2\); got \(50, 1\)"):
        set_dr_value(**{**log, "reward": log["reward"][:, :1]})
    with pytest.raises(ValueError, match=r"distinct arms; it names one twice in 50 row"):
        set_dr_value(**{**log, "arm": np.zeros((50, 2), dtype=int)})
    with pytest.raises(ValueError, match=r"numbers other than 0 to 4.*50 row"):
        set_dr_value(**{**log, "arm": log["arm"] + 5})
    with pytest.raises(ValueError, match=r"integers of shape \(n_samples, k\).*float64"):
        set_dr_value(**{**log, "arm": log["arm"] + 0.5})
    with pytest.raises(ValueError, match=r"is 0 for every arm in 50 row"):
        set_dr_value(**{**log, "policy_probability": np.zeros((50, N_ARMS))})
    out = np.ones((50, N_ARMS), dtype=bool)
    out[:, 0] = False
    with pytest.raises(ValueError, match=r"above 0 for an arm that was not available"):
        set_dr_value(**log, available=out)
    none = {**log, "policy_probability": np.eye(N_ARMS)[np.full(50, 4)]}
    none["arm"] = np.tile([0, 1], (50, 1))
    with pytest.raises(ValueError, match=r"snips is undefined"):
        policy_value("snips", **none)
    X, sets, _ = rounds
    with pytest.raises(ValueError, match=r"sets of arms.*set_dr_value"):
        estimate_propensity(sets, X)


def test_predictions_for_the_functions(rounds):
    # What the guide shows: one row an arm, groups for rounds.
    X, log, _ = rounds
    expected = cross_fit_rewards(
        LinearRegression(),
        np.repeat(X, K, axis=0),
        log["arm"].ravel(),
        log["reward"].ravel(),
        groups=np.repeat(np.arange(len(X)), K),
    )[::K]
    assert expected.shape == (1200, N_ARMS)
