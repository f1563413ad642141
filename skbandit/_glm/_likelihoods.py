"""Likelihoods of a reward given its linear score: what a generalised linear model is made of.

Each has a name, the link from scores to expected rewards, and three functions of arrays: the
log-likelihood with its slope and curvature, and what a rate is as a score.
"""

import numpy as np
from scipy.special import expit

# Expected counts and their squares stay finite numbers.
_LARGEST_LOG = 300.0


class Logistic:
    """Rewards in [0, 1] whose mean is the logistic function of the score.

    The log-likelihood of a reward between 0 and 1 is the cross-entropy: it stands for a share of
    successes.
    """

    name = "logistic"
    link = staticmethod(expit)

    @staticmethod
    def value(score, reward):
        """Log-likelihood of each row, up to what does not depend on the score."""
        # log(1 + exp(z)) without overflow.
        return reward * score - np.logaddexp(0.0, score)

    @staticmethod
    def slope_and_curvature(score, reward):
        """First derivative of the log-likelihood, and the second with its sign turned."""
        # What is small is kept small: 1 - p has no digits where p is nearly 1.
        mean, rest = expit(score), expit(-score)
        slope = np.where(score > 0.0, (reward - 1.0) + rest, reward - mean)
        return slope, mean * rest

    @staticmethod
    def score_of(rate):
        """The score whose expected reward is this: the log-odds."""
        return float(np.log(rate) - np.log1p(-rate))

    @staticmethod
    def information(rate):
        """Curvature that a round of weight 1 has at this expected reward."""
        return rate * (1.0 - rate)

    @staticmethod
    def overall(paid, weight, per_round):
        """A mean reward, shrunk: half a success and half a failure are added to the rounds."""
        return (paid + 0.5) / (weight + 1.0)

    @staticmethod
    def events(reward, weight):
        """How many rewards of either kind there are: successes and failures."""
        paid = float(weight @ reward)
        return np.array([paid, float(weight.sum()) - paid])


def exponential(score):
    """The exponential function of scores, short of where its square overflows."""
    return np.exp(np.minimum(score, _LARGEST_LOG))


class Poisson:
    """Counts whose mean is the exponential function of the score."""

    name = "poisson"
    link = staticmethod(exponential)

    @staticmethod
    def value(score, reward):
        """Log-likelihood of each row, up to what does not depend on the score."""
        return reward * score - np.exp(score)

    @staticmethod
    def slope_and_curvature(score, reward):
        """First derivative of the log-likelihood, and the second with its sign turned."""
        mean = np.exp(score)
        return reward - mean, mean

    @staticmethod
    def score_of(rate):
        """The score whose expected reward is this: the logarithm."""
        return float(np.log(rate))

    @staticmethod
    def information(rate):
        """Curvature that a unit of exposure has at this rate."""
        return rate

    @staticmethod
    def overall(paid, weight, per_round):
        """A rate, shrunk: half an event in half a round of mean exposure is added."""
        return (paid + 0.5) / (weight + 0.5 * per_round)

    @staticmethod
    def events(reward, weight):
        """How many events there are."""
        return np.array([float(weight @ reward)])


LIKELIHOODS = {one.name: one for one in (Logistic, Poisson)}


def common_rate(likelihood, paid, weight, rounds, prior_precision):
    r"""Expected reward of a round (a unit of exposure), between groups, shrunk.

    Rates of groups, each with the information :math:`i_a = w_a \kappa` of its rounds, vary about
    the common one by :math:`1 / \lambda + 1 / i_a` on the scale of the score. So they are averaged
    with the weights :math:`i_a / (\lambda + i_a)`: a group counts for about as much as any other,
    once it is known.

    Parameters
    ----------
    likelihood : Logistic or Poisson
    paid : ndarray of shape (n_groups,)
        Sum of the rewards.
    weight : ndarray of shape (n_groups,)
        Sum of the weights, times the exposures.
    rounds : ndarray of shape (n_groups,)
        Sum of the weights.
    prior_precision : float

    Returns
    -------
    rate : float
        1/2 (logistic) or 1 (Poisson) before any round.
    """
    total = float(np.add.reduce(weight))
    if not total > 0.0:
        return likelihood.overall(0.0, 0.0, 1.0)
    per_round = total / float(np.add.reduce(rounds))
    information = likelihood.information(
        likelihood.overall(float(np.add.reduce(paid)), total, per_round)
    )
    share = 1.0 / (prior_precision + weight * information)
    mean = float(np.add.reduce(share * paid)) / float(np.add.reduce(share * weight))
    return likelihood.overall(total * mean, total, per_round)
