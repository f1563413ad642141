"""Scores of policies with quantities: the estimators' values, whatever stands for a policy."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.base import make_log
from skbandit.linear import LinearUCB
from skbandit.metrics import (
    cross_fit_quantity_rewards,
    density_dr_value,
    density_snips_value,
    kernel_dr_value,
    kernel_ips_value,
    kernel_snips_value,
    make_quantity_scorer,
)

N = 1500
RATE = 3.0


class DosePolicy(BaseEstimator):
    """A policy of the contract of bandits with quantities: beta densities about a line."""

    _estimator_type = "classifier"

    def __init__(self, shift=0.0, quantities=(0.0, 1.0)):
        self.shift = shift
        self.quantities = quantities

    def fit(self, X, y):
        self.classes_ = np.array(["dose", "none"])
        return self

    def _centre(self, X):
        return np.clip(0.5 + 0.1 * np.asarray(X)[:, 0] + self.shift, 0.05, 0.95)

    def predict(self, X, *, explore=True, available=None, return_quantity=False):
        best = self._centre(X)
        arm = np.full(len(best), "dose")
        quantity = best
        if explore:
            quantity = np.random.RandomState(0).beta(1 + RATE * best, 1 + RATE * (1 - best))
        if available is not None:
            arm = np.where(available[:, 0], "dose", "none")
            quantity = np.where(available[:, 0], quantity, np.nan)
        return (arm, quantity[:, None]) if return_quantity else arm

    def quantity_density(self, X, arm, quantity, available=None):
        best = self._centre(X)
        density = stats.beta.pdf(np.ravel(quantity), 1 + RATE * best, 1 + RATE * (1 - best))
        return np.where(np.asarray(arm) == "dose", density, 0.0)


@pytest.fixture(scope="module")
def rounds():
    rng = np.random.default_rng(0)
    X, dose = rng.normal(size=(N, 2)), rng.uniform(size=N)
    reward = 1 - 2 * (dose - 0.5 - 0.1 * X[:, 0]) ** 2 + 0.2 * rng.normal(size=N)
    return X, make_log(np.full(N, "dose"), reward, np.ones(N), quantity=dose)


def values_by_hand(name, X, log, policy):
    given = {"reward": log["reward"], "propensity": log["propensity"]}
    kernel = name.startswith("kernel")
    _, quantity = policy.predict(X, explore=not kernel, return_quantity=True)
    if name.endswith("dr"):
        expected = cross_fit_quantity_rewards(
            None, X, log["quantity"], log["reward"], policy_quantity=quantity
        )
        given |= {"expected_logged": expected.logged, "expected_policy": expected.policy}
    if kernel:
        given |= {"quantity": log["quantity"], "policy_quantity": quantity, "bounds": (0, 1)}
        function = {
            "kernel_dr": kernel_dr_value,
            "kernel_ips": kernel_ips_value,
            "kernel_snips": kernel_snips_value,
        }[name]
        return function(**given, bandwidth="slope")
    given["policy_density"] = policy.quantity_density(X, log["arm"], log["quantity"])
    return {"density_dr": density_dr_value, "density_snips": density_snips_value}[name](**given)


@pytest.mark.parametrize(
    "name", ["kernel_dr", "kernel_ips", "kernel_snips", "density_dr", "density_snips"]
)
def test_the_score_is_the_value(rounds, name):
    X, log = rounds
    policy = DosePolicy().fit(X, log)
    assert make_quantity_scorer(name)(policy, X, log) == pytest.approx(
        values_by_hand(name, X, log, policy).value
    )


@pytest.mark.filterwarnings("ignore::skbandit.metrics.PoorSupportWarning")
def test_a_bound_is_that_of_the_interval_with_the_bandwidth_for_intervals(rounds):
    X, log = rounds
    policy = DosePolicy().fit(X, log)
    scorer = make_quantity_scorer("kernel_snips", interval="student", confidence_level=0.9)
    value = scorer.evaluate(policy, X, log)
    _, quantity = policy.predict(X, explore=False, return_quantity=True)
    wanted = kernel_snips_value(
        reward=log["reward"],
        propensity=log["propensity"],
        quantity=log["quantity"],
        policy_quantity=quantity,
        bounds=(0, 1),
    )
    assert value.parameters == wanted.parameters
    low = wanted.interval("student", confidence_level=0.8).low
    assert scorer(policy, X, log) == pytest.approx(low)


def test_functions_regressors_and_pipelines_are_policies(rounds):
    X, log = rounds
    scorer = make_quantity_scorer(bounds=(0, 1))
    wanted = scorer(lambda X: 0.5 + 0.05 * X[:, 0], X, log)
    line = LinearRegression().fit(X, 0.5 + 0.05 * X[:, 0])
    assert scorer(line, X, log) == pytest.approx(wanted)
    pipeline = make_pipeline(StandardScaler(), LinearRegression()).fit(X, 0.5 + 0.05 * X[:, 0])
    assert scorer(pipeline, X, log) == pytest.approx(wanted)
    assert scorer(
        lambda X: (np.full(len(X), "dose"), 0.5 + 0.05 * X[:, 0]), X, log
    ) == pytest.approx(wanted)


def test_a_pipeline_around_a_policy_is_asked_with_transformed_contexts(rounds):
    X, log = rounds
    pipeline = make_pipeline(StandardScaler(), DosePolicy()).fit(X, log)
    bare = DosePolicy().fit(X, log)
    scorer = make_quantity_scorer("kernel_snips")
    scaled = pipeline[0].transform(X)
    assert scorer(pipeline, X, log) == pytest.approx(scorer(bare, scaled, log))


def test_searches_find_the_best_policy(rounds):
    X, log = rounds
    grid = {"shift": [-0.3, 0.0, 0.3]}
    search = GridSearchCV(DosePolicy(), grid, scoring=make_quantity_scorer(), cv=3)
    assert search.fit(X, log).best_params_ == {"shift": 0.0}
    scores = cross_val_score(DosePolicy(), X, log, scoring=make_quantity_scorer("density_snips"))
    assert np.isfinite(scores).all()


def test_a_mask_reaches_the_policy():
    rng = np.random.default_rng(1)
    arm = rng.choice(["dose", "none"], size=N)
    dose = np.where(arm == "dose", rng.uniform(size=N), np.nan)
    X = rng.normal(size=(N, 1))
    log = make_log(arm, (arm == "none") * 1.0, np.full(N, 0.5), quantity=dose)
    policy = DosePolicy(quantities={"dose": (0.0, 1.0)}).fit(X, log)
    scorer = make_quantity_scorer("kernel_snips")
    available = np.column_stack([np.arange(N) % 2 == 0, np.ones(N, bool)])
    assert scorer(policy, X, log) == pytest.approx(0.0)
    # Where doses are not available the policy plays "none", which pays 1: in half of the rounds.
    assert scorer(policy, X, log, available=available) == pytest.approx(0.5, abs=0.1)


def test_the_scorer_is_printed_and_pickled(rounds):
    X, log = rounds
    scorer = make_quantity_scorer("kernel_snips", bounds=(0, 1), bandwidth=0.2)
    text = "make_quantity_scorer('kernel_snips', bounds=(0, 1), bandwidth=0.2)"
    assert repr(scorer) == text
    copied = pickle.loads(pickle.dumps(scorer))
    policy = DosePolicy().fit(X, log)
    assert copied(policy, X, log) == scorer(policy, X, log)


def test_bad_input_is_named(rounds):
    X, log = rounds
    scorer, policy = make_quantity_scorer(), DosePolicy().fit(X, log)
    plain = make_log(log["arm"], log["reward"], log["propensity"])
    with pytest.raises(ValueError, match="log without quantities"):
        scorer(policy, X, plain)
    with pytest.raises(ValueError, match="log without propensities"):
        scorer(policy, X, log[["arm", "reward", "quantity"]])
    with pytest.raises(ValueError, match="2 objectives a round"):
        two = make_log(log["arm"], np.ones((N, 2)), log["propensity"], quantity=log["quantity"])
        scorer(policy, X, two)
    with pytest.raises(ValueError, match="must lie within bounds"):
        make_quantity_scorer(bounds=(0, 0.5))(policy, X, log)
    with pytest.raises(ValueError, match="several arms"):
        several = make_log(
            np.tile(["a", "b"], N // 2), log["reward"], log["propensity"], quantity=log["quantity"]
        )
        scorer(lambda X: X[:, 0], X, several)
    with pytest.raises(TypeError, match="chooses arms without quantities"):
        scorer(LinearUCB().fit(X, plain), X, log)
    with pytest.raises(TypeError, match="has no density"):
        make_quantity_scorer("density_dr")(lambda X: X[:, 0], X, log)
    with pytest.raises(TypeError, match="takes no mask"):
        scorer(lambda X: X[:, 0], X, log, available=np.ones((N, 1), bool))
    with pytest.raises(TypeError, match="policy must be a bandit"):
        scorer("half", X, log)
    with pytest.raises(ValueError, match="estimator must be one of kernel_dr"):
        make_quantity_scorer("dr")


def test_a_score_that_fails_in_a_search_is_said_once(rounds):
    X, log = rounds
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scores = cross_val_score(
            DosePolicy(), X, log[["arm", "reward", "quantity"]], scoring=make_quantity_scorer()
        )
    assert np.isnan(scores).all()
    assert any("log without propensities" in str(one.message) for one in caught)
