"""Generated environments: a fixed problem, fresh rounds."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone

from skbandit.environments import BaseEnvironment, LinearEnvironment, WheelEnvironment


def fitted_coef(rounds):
    """Coefficients that explain the expected rewards; None unless they do so exactly."""
    X, expected = rounds.contexts, rounds.expected
    X = X.reshape(-1, X.shape[-1])
    expected = expected.reshape(len(X), -1)
    design = np.column_stack([X, np.ones(len(X))])
    coef, *_ = np.linalg.lstsq(design, expected, rcond=None)
    np.testing.assert_allclose(design @ coef, expected, atol=1e-9)
    return coef


@pytest.mark.parametrize("arm_features", [False, True])
def test_problem_is_fixed_and_rounds_are_fresh(arm_features):
    environment = LinearEnvironment(
        n_features=4, n_arms=3, arm_features=arm_features, random_state=0
    )
    first, second = environment.sample(50, random_state=0), environment.sample(50, random_state=1)
    assert first.contexts.shape == ((50, 3, 4) if arm_features else (50, 4))
    assert first.reward.shape == first.expected.shape == (50, 3)
    assert not np.array_equal(first.contexts, second.contexts)
    np.testing.assert_allclose(fitted_coef(first), fitted_coef(second), atol=1e-9)
    other = clone(environment).set_params(random_state=1).sample(50, random_state=0)
    assert np.abs(fitted_coef(other) - fitted_coef(first)).max() > 0.1


def test_problem_of_its_own_in_each_sample():
    environment = LinearEnvironment(n_features=4, n_arms=3, random_state=None)
    coefs = [fitted_coef(environment.sample(50, random_state=seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(coefs[0], coefs[1])
    assert np.abs(coefs[0] - coefs[2]).max() > 0.1


@pytest.mark.parametrize(
    "environment",
    [
        LinearEnvironment(effective_rank=3, intercept_std=1.0),
        LinearEnvironment(arm_features=True),
        LinearEnvironment(random_state=None),
        WheelEnvironment(),
    ],
)
def test_sample(environment):
    rounds = environment.sample(30, random_state=0)
    n_arms = len(environment.arms)
    assert environment.arms.tolist() == list(range(n_arms))
    assert rounds.contexts.shape[-1] == environment.n_features
    assert rounds.reward.shape == rounds.expected.shape == (30, n_arms)
    for one, two in zip(rounds, environment.sample(30, random_state=0), strict=True):
        np.testing.assert_array_equal(one, two)
    for few, many in zip(rounds, environment.sample(70, random_state=0), strict=True):
        np.testing.assert_allclose(few, many[:30], rtol=1e-12)
    state = np.random.RandomState(0)
    np.testing.assert_array_equal(environment.sample(30, state).reward, rounds.reward)
    assert not np.array_equal(environment.sample(30, state).reward, rounds.reward)
    assert not np.array_equal(environment.sample(30).reward, environment.sample(30).reward)


def test_parameters_reach_the_generators():
    rounds = WheelEnvironment(delta=0.9, mean_safe=3.0, noise=0.0).sample(500, random_state=0)
    np.testing.assert_array_equal(rounds.reward, rounds.expected)
    assert (rounds.expected[:, 0] == 3.0).all()
    outside = np.hypot(*rounds.contexts.T) > 0.9
    np.testing.assert_array_equal(rounds.expected.max(axis=1) == 50.0, outside)
    rounds = LinearEnvironment(noise=0.0, n_informative=1, n_arms=2).sample(50, random_state=0)
    np.testing.assert_array_equal(rounds.reward, rounds.expected)
    assert (np.abs(fitted_coef(rounds)) > 1e-9).any(axis=1).sum() == 1


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (LinearEnvironment(random_state=np.random.RandomState(0)), "random_state must be an int"),
        (LinearEnvironment(n_arms=0), "n_arms"),
        (LinearEnvironment(noise=-1.0), "noise"),
        (LinearEnvironment(n_features=3, effective_rank=4), "effective_rank"),
        (WheelEnvironment(delta=2.0), "delta"),
    ],
)
def test_bad_parameters(environment, message):
    with pytest.raises(ValueError, match=message):
        environment.sample(10)


def test_base_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="BaseEnvironment must define _sample"):
        BaseEnvironment().sample(1)
    with pytest.raises(NotImplementedError, match="property arms"):
        BaseEnvironment().arms


def test_no_bandit_is_imported():
    code = (
        "import sys, skbandit.datasets, skbandit.environments; "
        "families = {'linear', 'glm', 'contextfree', 'meta', 'neural', 'benchmark'}; "
        "loaded = {name.split('.')[1] for name in sys.modules if name.startswith('skbandit.')}; "
        "print(sorted(families & loaded))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
