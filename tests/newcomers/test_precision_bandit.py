"""The newcomer's Thompson bandit keeps the contract, transfer and merging included."""

import ast
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.utils.estimator_checks import check_estimator

from skbandit.explorations import UpperConfidenceBoundMixin
from skbandit.selectors import EpsilonGreedySelector, SoftmaxSelector, TopKSelector
from skbandit.transfer import merge, transfer
from skbandit.utils.estimator_checks import parametrize_with_bandit_checks
from tests.newcomers.precision_bandit import PrecisionThompsonSampling


class PrecisionUCB(UpperConfidenceBoundMixin, PrecisionThompsonSampling):
    """The same model with another exploration in front."""


BANDITS = [
    PrecisionThompsonSampling(),
    PrecisionThompsonSampling(selector=SoftmaxSelector()),
    PrecisionThompsonSampling(selector=EpsilonGreedySelector()),
    PrecisionThompsonSampling(selector=TopKSelector(k=2)),
    PrecisionUCB(),
]


def lines_of_code(path, functions=True):
    """Lines without docstrings and comments; with or without functions, which are mathematics."""
    text = Path(__file__).with_name(path).read_text()
    left_out = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            left_out.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and not functions:
            left_out.update(range(node.lineno, node.end_lineno + 1))
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#")
        for number, line in enumerate(text.splitlines(), 1)
        if number not in left_out
    )


def test_it_is_short_and_uses_public_names():
    assert lines_of_code("precision_bandit.py", functions=False) <= 60
    text = Path(__file__).with_name("precision_bandit.py").read_text()
    imported = [line for line in text.splitlines() if line.startswith("from skbandit")]
    assert imported
    assert not any("._" in line or "import _" in line for line in imported)


@parametrize_with_bandit_checks(BANDITS)
def test_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("bandit", BANDITS, ids=lambda bandit: " ".join(repr(bandit).split()))
def test_scikit_learn(bandit):
    results = check_estimator(bandit, on_skip=None, on_fail=None)
    assert not [r["check_name"] for r in results if r["status"] == "failed"]


def rounds(n_samples=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 3)) + [0.0, 2.0, -1.0]
    X[:, 2] += 0.9 * X[:, 1]
    arm = rng.integers(0, 2, n_samples)
    return X, arm, X @ [1.0, -0.5, 0.3] + arm + rng.normal(size=n_samples)


def posterior(X, arm, reward, which):
    """Mean and covariance by the textbook, on all rows at once."""
    rows = arm == which
    Z = np.column_stack([np.ones(rows.sum()), X[rows]])
    covariance = np.linalg.inv(np.eye(Z.shape[1]) + Z.T @ Z)
    return covariance @ Z.T @ reward[rows], covariance


def test_shards_joined_are_the_textbook_posterior():
    """Four means and precisions that are added up would be four times as large."""
    X, arm, reward = rounds()
    shards = [
        PrecisionThompsonSampling(arms=[0, 1]).fit(X[i::4], arm[i::4], reward[i::4])
        for i in range(4)
    ]
    joined = merge(shards)
    for which in (0, 1):
        mean, covariance = posterior(X, arm, reward, which)
        assert_allclose(joined.state_.mean[which], mean, rtol=1e-9)
        assert_allclose(joined.state_.precision[which], np.linalg.inv(covariance), rtol=1e-9)


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_feature_that_is_dropped_is_integrated_out(gone):
    """The belief about the others is their block of mean and covariance."""
    X, arm, reward = rounds()
    smaller = PrecisionThompsonSampling(arms=[0, 1]).fit(X, arm, reward).drop_features([gone])
    test = np.random.default_rng(1).normal(size=(7, 2))
    Z = np.column_stack([np.ones(7), test])
    kept = [0] + [1 + place for place in range(3) if place != gone]
    mean, std = smaller.expected_reward(test, return_std=True)
    for which in (0, 1):
        full_mean, covariance = posterior(X, arm, reward, which)
        assert_allclose(mean[:, which], Z @ full_mean[kept], rtol=1e-9)
        block = covariance[np.ix_(kept, kept)]
        assert_allclose(std[:, which], np.sqrt(np.einsum("ij,jk,ik->i", Z, block, Z)), rtol=1e-9)


def test_another_prior_is_refused_and_another_exploration_is_not():
    X, arm, reward = rounds()
    bandit = PrecisionThompsonSampling().fit(X, arm, reward)
    with pytest.raises(ValueError, match=r"prior_precision is 1\.0 in source and 2\.0"):
        transfer(bandit, PrecisionThompsonSampling(prior_precision=2.0))
    moved = transfer(bandit, PrecisionUCB(alpha=0.3))
    assert_allclose(moved.expected_reward(X), bandit.expected_reward(X))
