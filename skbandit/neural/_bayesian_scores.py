"""Uncertain scores of the variational bandit, and arms that are alike."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from .._optimality import IndependentScores, SampledScores


@dataclass(frozen=True, eq=False)
class LinkedScores:
    """Uncertain scores behind an increasing link: ranks from the scores, values from the link."""

    latent: IndependentScores | SampledScores

    def best(self, available=None):
        """Chance that each arm is best."""
        return self.latent.best(available)

    def top(self, k, available=None):
        """Chance that each arm is among the k best."""
        return self.latent.top(k, available)

    def draws(self, n_draws, seed):
        """Joint draws of the expected rewards."""
        return expit(self.latent.draws(n_draws, seed))


def share_alike(probability, arms, available=None):
    """Give arms that are alike the mean of their probabilities, in place.

    Parameters
    ----------
    probability : ndarray of shape (n_samples, n_arms)
    arms : list of int
    available : ndarray of bool of shape (n_samples, n_arms), default=None
        Arms that may be played; the others keep what they have.
    """
    mask = np.zeros(probability.shape, dtype=bool)
    mask[:, arms] = True
    if available is not None:
        mask &= available
    total = np.where(mask, probability, 0.0).sum(axis=1, keepdims=True)
    count = np.maximum(mask.sum(axis=1, keepdims=True), 1)
    np.copyto(probability, total / count, where=mask)
