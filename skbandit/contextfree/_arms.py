"""What is learnt about arms without contexts: sums of rewards, and the beliefs that follow.

Two kinds of arms, for rewards in [0, 1] and for any; objects without a state of their own.
"""

from typing import NamedTuple

import numpy as np

from .._gaussian import fade_weights
from .._regression import Examples, FullRegression
from ..base import StateField
from ..beliefs import BetaBelief, IndependentBelief


class Counts(NamedTuple):
    """What each arm has paid."""

    weight: np.ndarray  # (n_arms,) in how many rounds it was played
    reward_sum: np.ndarray  # (n_arms,) what it paid in all of them


COUNT_FIELDS = {
    "weight": StateField("arm", merge="sum"),
    "reward_sum": StateField("arm", merge="sum"),
}


def no_counts(n_arms):
    """The counts before any round."""
    return Counts(np.zeros(n_arms), np.zeros(n_arms))


def counted(state, rounds, forgetting=1.0):
    """The counts after more rounds.

    Parameters
    ----------
    state : Counts
    rounds : Rounds
    forgetting : float in (0, 1], default=1.0
        Every round multiplies the weight of those before it by this factor.

    Returns
    -------
    state : Counts
    """
    n_arms = len(state.weight)
    rounds = rounds.spelt_out(n_arms)
    weights, kept = rounds.weights, 1.0
    if forgetting < 1.0:
        weights, kept = fade_weights(weights, forgetting, rounds.rows_per_round)
    weight = np.bincount(rounds.arm, weights, minlength=n_arms)
    paid = np.bincount(rounds.arm, weights * rounds.reward, minlength=n_arms)
    return Counts(kept * state.weight + weight, kept * state.reward_sum + paid)


def mean_rewards(state, unknown=0.0):
    """Mean reward of each arm; `unknown` for those that were never played."""
    played = state.weight > 0.0
    mean = state.reward_sum / np.where(played, state.weight, 1.0)
    return np.where(played, mean, unknown)


def beta_parameters(state, prior=(1.0, 1.0)):
    """Parameters of the Beta posteriors of the arms.

    Parameters
    ----------
    state : Counts
    prior : (a, b), default=(1.0, 1.0)

    Returns
    -------
    a, b : ndarray of shape (n_arms,)
    """
    # The difference of two sums may be below zero by rounding.
    missed = np.maximum(state.weight - state.reward_sum, 0.0)
    return prior[0] + state.reward_sum, prior[1] + missed


def beta_belief(state, n_samples, prior=(1.0, 1.0)):
    """The Beta posteriors as a belief about `n_samples` rows."""
    a, b = beta_parameters(state, prior)
    shape = n_samples, len(a)
    return BetaBelief(np.broadcast_to(a, shape), np.broadcast_to(b, shape))


# -------------------------------------------------------------------------- rewards of any kind
def no_rewards(n_arms, prior_precision):
    """A regression on nothing but a constant, before any round: location and noise are learnt."""
    return FullRegression.empty(
        n_arms,
        0,
        prior_precision=prior_precision,
        intercept=True,
        learns_noise=True,
        locates=True,
    )


def rewarded(regression, rounds, forgetting=1.0):
    """The regression after more rounds."""
    rows = _NO_FEATURES[: len(rounds.arm)]
    if len(rows) < len(rounds.arm):
        rows = np.empty((len(rounds.arm), 0))
    examples = Examples(rows, rounds.arm, rounds.reward, rounds.weight, rounds.rows_per_round)
    return regression.learnt(examples, forgetting)


_NO_FEATURES = np.empty((64, 0))


def regrouped(regression, resize, prior_precision):
    """The regression of other arms."""
    return regression.carried(
        features=np.empty(0, dtype=np.intp),
        prior_precision=prior_precision,
        locates=True,
        groups=resize.arm_source,
        shares=resize.shares,
    )


def student_belief(regression, n_samples):
    """Student-t beliefs about what the arms pay, for `n_samples` rows."""
    variance, dof = regression.noise(None)
    scale = np.sqrt(regression.quadratic(_NO_FEATURES[:1])[0] * variance)
    mean = regression.mean(_NO_FEATURES[:1])[0]
    shape = n_samples, len(mean)
    return IndependentBelief(
        np.broadcast_to(mean, shape), np.broadcast_to(scale, shape), np.broadcast_to(dof, shape)
    )
