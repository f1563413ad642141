r"""How sure one may be that an arm is the best, at every number of rounds at once.

The evidence that arm a pays more than arm b is a statistic :math:`Z_{ab}`; an error probability
:math:`\delta` follows from it that holds whenever one looks, however arms were chosen.

**Generalised likelihood ratio.** With d the divergence of two means,

.. math:: Z_{ab} = \min_\theta \; N_a \, d(\bar x_a, \theta) + N_b \, d(\bar x_b, \theta) .

**Mixture.** For a mean :math:`\theta` let :math:`A_\theta` be the likelihood of arm a's rewards
averaged over means above :math:`\theta`, over their likelihood under :math:`\theta`, and
:math:`B_\theta` that of arm b's over means below it. A likelihood ratio of a mean above
:math:`\theta` rises with the reward, so it is a supermartingale under every mean up to
:math:`\theta`. If :math:`\mu_a \le \theta \le \mu_b`, both are supermartingales, and so is their
product, whatever decides which arm is played. So the chance that

.. math:: \log M_{ab} = \min_\theta \log A_\theta B_\theta

ever reaches :math:`\log(1 / \delta)` is at most :math:`\delta` (Ville), and that one of the K - 1
arms that are not the best ever looks better than the best one by as much is at most
:math:`(K - 1) \delta`. The averages are over truncated conjugate priors around :math:`\theta` of
several widths. For rewards between 0 and 1 the Bernoulli likelihood ratio is convex in the reward,
hence smaller in expectation than for rewards of 0 and 1: all of this holds for them too.
"""

import numpy as np
from scipy.special import betainc, betaln, logsumexp, xlog1py, xlogy

from .._evidence import PRIOR_ROUNDS, least_mixture
from ._bounds import bernoulli_kl

_LEAST = 1e-290


def _log_lower_tail(a, b, x):
    """Log of the regularised incomplete beta function, or a lower bound where that underflows."""
    tail = betainc(a, b, x)
    # The series of positive terms, of which this is the first.
    bound = xlogy(a, x) + xlog1py(b, -x) - np.log(a) - betaln(a, b)
    return np.where(tail > _LEAST, np.log(np.maximum(tail, _LEAST)), bound)


class BernoulliEvidence:
    """Statistics of arms whose rewards lie in [0, 1].

    Parameters
    ----------
    mean, weight : ndarray of shape (n_arms,)
        Mean reward and number of rounds of each arm.
    """

    def __init__(self, mean, weight):
        self.mean = np.clip(mean, 0.0, 1.0)
        self.weight = weight

    def likelihood_ratio(self, a, b):
        """The generalised log-likelihood ratio of arm a being better than arm b."""
        (p, q), (n, m) = self.mean[[a, b]], self.weight[[a, b]]
        if n == 0.0 or m == 0.0:
            return 0.0
        middle = (n * p + m * q) / (n + m)
        return float(n * bernoulli_kl(p, middle) + m * bernoulli_kl(q, middle))

    def _log_above(self, theta, paid, missed, prior):
        """Log of the mixtures over means above theta, one a row; (n_priors, n_theta)."""
        a, b = prior * theta, prior * (1.0 - theta)
        ratio = betaln(a + paid, b + missed) - betaln(a, b)
        # What exceeds theta: the lower tail of 1 minus the mean.
        ratio += _log_lower_tail(b + missed, a + paid, 1.0 - theta)
        ratio -= _log_lower_tail(b, a, 1.0 - theta)
        return ratio - paid * np.log(theta) - missed * np.log1p(-theta)

    def log_mixture(self, theta, a, b):
        """Log of the two arms' product of mixtures at each theta."""
        paid = self.weight * self.mean
        missed = self.weight - paid
        parts = self._log_above(theta, paid[a], missed[a], PRIOR_ROUNDS)
        # The means below theta are those above 1 - theta of what lacks to 1.
        parts += self._log_above(1.0 - theta, missed[b], paid[b], PRIOR_ROUNDS)
        return logsumexp(parts, axis=0) - np.log(len(PRIOR_ROUNDS))

    def search_range(self, a, b):
        """Means among which the least evidence is sought: all."""
        edge = 1e-9
        return edge, 1.0 - edge


def error_probability(evidence, leader, threshold="mixture"):
    """The chance, at most, that the leading arm is not the best one.

    Parameters
    ----------
    evidence : BernoulliEvidence or GaussianEvidence
    leader : int
        The arm that looks best.
    threshold : {"mixture", "union", "loglog", "chernoff"}, default="mixture"

    Returns
    -------
    delta : float in [0, 1]
    """
    others = [arm for arm in range(len(evidence.mean)) if arm != leader]
    if not others:
        return 0.0
    ratio = min(evidence.likelihood_ratio(leader, arm) for arm in others)
    total = max(float(evidence.weight.sum()), 1.0)
    if threshold == "union":
        delta = 2.0 * total * len(others) * np.exp(-ratio)
    elif threshold == "loglog":
        delta = (np.log(total) + 1.0) * np.exp(-ratio)
    elif threshold == "chernoff":
        delta = np.exp(-ratio)
    elif len(others) * np.exp(-ratio) >= 1.0:
        # An average of likelihoods is at most the largest one.
        return 1.0
    else:
        least = min(least_mixture(evidence, leader, arm) for arm in others)
        delta = len(others) * np.exp(-least)
    return float(min(delta, 1.0))
