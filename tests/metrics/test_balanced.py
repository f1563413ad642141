"""Importance weights that a classifier estimates."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from skbandit.metrics import balanced_ips_value, balanced_weight, snips_value


@pytest.fixture(scope="module")
def rounds(world):
    rng = np.random.default_rng(0)
    context = rng.integers(20, size=20_000)
    arm = (rng.uniform(size=(20_000, 1)) > world.logging.cumsum(axis=1)[context]).sum(axis=1)
    reward = rng.binomial(1, world.expected[context, arm]).astype(float)
    return np.eye(20)[context], context, arm, reward


def saturated():
    """A classifier with a parameter for every context and arm."""
    interactions = PolynomialFeatures(2, interaction_only=True)
    return make_pipeline(interactions, LogisticRegression(C=1e3, max_iter=300))


def test_weights_and_value_reach_the_truth(world, rounds):
    X, context, arm, reward = rounds
    weight = balanced_weight(
        X,
        arm=arm,
        policy_probability=world.policy[context],
        estimator=saturated(),
        cv=2,
        random_state=0,
    )
    true = (world.policy / world.logging)[context, arm]
    assert np.corrcoef(weight, true)[0, 1] > 0.9
    value = balanced_ips_value(reward=reward, weight=weight)
    # Estimated weights add their own error to the standard error.
    assert abs(value.value - world.value) < 0.03


def test_default_classifier_needs_no_tuning(world, rounds):
    X, context, arm, reward = rounds
    rows = slice(0, 5000)
    weight = balanced_weight(
        X[rows],
        arm=arm[rows],
        policy_probability=world.policy[context[rows]],
        cv=2,
        random_state=0,
    )
    value = balanced_ips_value(reward=reward[rows], weight=weight)
    assert abs(value.value - world.value) < 0.05
    assert abs(reward[rows].mean() - world.value) > 0.1


def test_sparse_contexts_and_jobs(world, rounds):
    X, context, arm, _ = rounds
    rows = slice(0, 500)
    arguments = {
        "arm": arm[rows],
        "policy_probability": world.policy[context[rows]],
        "estimator": LogisticRegression(),
        "cv": 2,
        "random_state": 0,
    }
    dense = balanced_weight(X[rows], **arguments)
    assert_allclose(balanced_weight(sparse.csr_array(X[rows]), **arguments), dense, rtol=1e-3)
    assert_allclose(balanced_weight(X[rows], **arguments, n_jobs=2), dense)


def test_given_weights_make_snips(log):
    arrays = {key: log[key] for key in ("reward", "arm", "propensity", "policy_probability")}
    expected = snips_value(**arrays)
    value = balanced_ips_value(reward=log["reward"], weight=expected.weight)
    assert value.value == expected.value
    assert value.standard_error == expected.standard_error
    clipped = balanced_ips_value(reward=log["reward"], weight=expected.weight, clip=1.0)
    weight = np.minimum(expected.weight, 1)
    assert_allclose(clipped.value, (weight * log["reward"]).sum() / weight.sum())


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"weight": [-1.0, 1.0]}, "weight must be non-negative"),
        ({"weight": [np.inf, 1.0]}, "weight has NaN or infinity"),
        ({"weight": [1.0]}, "weight has 1 entries"),
        ({"weight": [0.0, 0.0]}, "balanced_ips is undefined"),
        ({"weight": [1.0, 1.0], "clip": 0}, "clip must be positive"),
    ],
)
def test_bad_weights(arguments, match):
    with pytest.raises(ValueError, match=match):
        balanced_ips_value(reward=[0.0, 1.0], **arguments)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"estimator": Ridge()}, "estimator must be a classifier"),
        ({"cv": 20}, "log has 10 rounds, fewer than the 20 folds"),
        ({"X": np.zeros((9, 2))}, "X has 9 rows"),
        ({"policy_probability": np.full(10, 0.5)}, r"shape \(n_samples, n_arms\)"),
        ({"arm": np.full(10, 2)}, "arm holds 2"),
    ],
)
def test_bad_input(change, match):
    arguments = {
        "X": np.zeros((10, 2)),
        "arm": np.zeros(10, int),
        "policy_probability": np.full((10, 2), 0.5),
        **change,
    }
    with pytest.raises(ValueError, match=match):
        balanced_weight(**arguments)
