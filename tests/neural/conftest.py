"""Neural bandits that are quick to train, and rounds to train them on."""

import numpy as np
import pytest


def make_bandits(**parameters):
    """One of each family and precision, name to bandit."""
    from skbandit.neural import (
        EnsembleBandit,
        NeuralLinearBandit,
        NeuralThompsonSampling,
        NeuralUCB,
        make_net,
    )

    options = {"net": make_net("tiny_mlp", module__hidden_units=(16,), lr=0.02), "random_state": 0}
    options |= {"initial_train_steps": 30, "train_steps": 15, "min_samples_to_train": 50}
    options |= {"train_every": 50, **parameters}
    return {
        "linear": NeuralLinearBandit(**options),
        "linear, ucb": NeuralLinearBandit(exploration="ucb", **options),
        "ucb": NeuralUCB(**options),
        "ucb, last layer": NeuralUCB(precision="last_layer", **options),
        "thompson, full": NeuralThompsonSampling(precision="full", **options),
        "ensemble": EnsembleBandit(n_members=3, **options),
    }


@pytest.fixture(
    params=["linear", "linear, ucb", "ucb", "ucb, last layer", "thompson, full", "ensemble"]
)
def bandit(request):
    """One neural bandit after another, unfitted."""
    pytest.importorskip("torch")
    pytest.importorskip("skorch")
    return make_bandits()[request.param]


@pytest.fixture
def played():
    """Contexts, arms played and rewards."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(150, 3))
    arm = np.asarray(["a", "b"])[rng.randint(2, size=150)]
    reward = np.where(arm == "a", X[:, 0], np.sin(2 * X[:, 1])) + 0.1 * rng.normal(size=150)
    return X, arm, reward
