"""A newcomer's bandit: Thompson sampling on posteriors that are kept as mean and precision."""

import copy
from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.utils._param_validation import Interval

from skbandit.base import BaseBandit, StateField
from skbandit.beliefs import IndependentBelief
from skbandit.explorations import ThompsonSamplingMixin


# ----------------------------------------------------------------- mathematics: arrays in and out
def with_constant(X):
    """Put a column of ones before the features."""
    return np.column_stack([np.ones(len(X)), X])


def update(mean, precision, Z, reward, weight):
    """Bayes' rule for a Gaussian prior and rewards of noise 1, one arm."""
    new = precision + Z.T @ (weight[:, None] * Z)
    return np.linalg.solve(new, precision @ mean + Z.T @ (weight * reward)), new


def joined(means, precisions, prior):
    """Product of the posteriors of shards over the prior that each of them holds, mean 0."""
    precision = sum(precisions) - (len(precisions) - 1) * prior
    moment = sum(p @ m[:, :, None] for p, m in zip(precisions, means, strict=True))
    return np.linalg.solve(precision, moment)[:, :, 0], precision


def marginal(precision, gone):
    """Precision of the other terms once some are integrated out; theirs is left as it was."""
    kept = np.setdiff1d(np.arange(precision.shape[-1]), gone)
    inner = precision[:, gone[:, None], gone]
    across = precision[:, kept[:, None], gone]
    new = precision.copy()
    new[:, kept[:, None], kept] -= across @ np.linalg.solve(inner, across.transpose(0, 2, 1))
    return new


def spread(covariance, Z):
    """Standard deviation of each row's mean under each arm's posterior."""
    return np.sqrt(np.einsum("ij,ajk,ik->ia", Z, covariance, Z))


# ------------------------------------------------------------------------------------ the bandit
class Posterior(NamedTuple):
    """Gaussian posterior of each arm's coefficients, the constant term first."""

    mean: np.ndarray
    precision: np.ndarray


class PrecisionThompsonSampling(ThompsonSamplingMixin, BaseBandit):
    """Linear Thompson sampling with noise of standard deviation 1."""

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "prior_precision": [Interval(Real, 0, None, closed="neither")],
    }
    _shape_parameters = ("prior_precision",)
    # Leaving out entries of a precision forgets a feature once _carry_state has marginalised it.
    _state_fields = {
        "mean": StateField("arm", "1+feature", drop="slice"),
        "precision": StateField("arm", "1+feature", "1+feature", drop="slice"),
    }

    def __init__(
        self, *, arms=None, alpha=1.0, prior_precision=1.0, selector=None, random_state=None
    ):
        self.arms = arms
        self.alpha = alpha
        self.prior_precision = prior_precision
        self.selector = selector
        self.random_state = random_state

    def _initial_state(self, n_arms, n_features):
        n_terms = n_features + 1
        precision = np.tile(self.prior_precision * np.eye(n_terms), (n_arms, 1, 1))
        return Posterior(np.zeros((n_arms, n_terms)), precision)

    def _learn(self, rounds):
        rounds = rounds.spelt_out(len(self.classes_))
        mean, precision = self.state_.mean.copy(), self.state_.precision.copy()
        Z = with_constant(rounds.contexts)
        for arm in np.unique(rounds.arm):
            rows = rounds.arm == arm
            mean[arm], precision[arm] = update(
                mean[arm], precision[arm], Z[rows], rounds.reward[rows], rounds.weights[rows]
            )
        return Posterior(mean, precision)

    def _belief(self, contexts):
        if "covariance" not in self._cache:
            self._cache["covariance"] = np.linalg.inv(self.state_.precision)
        Z = with_constant(contexts)
        return IndependentBelief(Z @ self.state_.mean.T, spread(self._cache["covariance"], Z))

    def _carry_state(self, source, resize):
        gone = resize.dropped_features(source.n_features_in_) + 1
        if len(gone):
            source = copy.copy(source)
            precision = marginal(source.state_.precision, gone)
            source.state_ = source.state_._replace(precision=precision)
        return super()._carry_state(source, resize)

    def _merge_states(self, states):
        prior = self._initial_state(len(self.classes_), self.n_features_in_)
        means, precisions = zip(*states, strict=True)
        return Posterior(*joined(means, precisions, prior.precision))
