"""Families of neural bandits, quick to train, and a module of a user to build others on."""

import torch
from torch import nn

from skbandit.neural import (
    EnsembleBandit,
    NeuralLinearBandit,
    NeuralThompsonSampling,
    NeuralUCB,
)

FAMILIES = [NeuralLinearBandit, NeuralUCB, NeuralThompsonSampling, EnsembleBandit]


def make(Bandit, **parameters):
    """Return a bandit of a family that trains a few steps."""
    options = {"random_state": 0, "initial_train_steps": 5, "train_steps": 5, **parameters}
    if Bandit is EnsembleBandit:
        options["n_members"] = 2
    return Bandit(**options)


class Own(nn.Module):
    """A module that says in `build` what it is made of."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.build(n_inputs, n_outputs)

    def build(self, n_inputs, n_outputs):
        """Make the layers."""
        self.hidden, self.output = nn.Linear(n_inputs, 8), nn.Linear(8, n_outputs)

    def forward(self, X):
        """Return the outputs."""
        return self.output(torch.tanh(self.hidden(X)))
