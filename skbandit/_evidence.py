r"""Mixtures of likelihood ratios: evidence that one mean is above another, whenever one looks.

For a mean :math:`\theta` let :math:`A_\theta` be the likelihood of arm a's rewards averaged over
means above :math:`\theta`, over their likelihood under :math:`\theta`, and :math:`B_\theta` that
of arm b's over means below it. If a's mean is at most :math:`\theta` and b's at least, the product
of both is a supermartingale, whatever decides which arm is played. So the chance that the
least of these products over :math:`\theta` ever reaches :math:`1 / \delta` is at most
:math:`\delta` if a is not better than b. The averages are over truncated conjugate priors around
:math:`\theta` of several widths.
"""

import numpy as np
from scipy.special import log_ndtr, logsumexp

# How many rounds the priors of the mixture count as; all have the same weight.
PRIOR_ROUNDS = 4.0 * 8.0 ** np.arange(5)[:, None]
_GRID, _ZOOMS = 65, 3
_REACH = 8.0


class GaussianEvidence:
    """Statistics of arms whose rewards are Gaussian.

    Parameters
    ----------
    mean, weight, noise_std : ndarray of shape (n_arms,)
        Mean reward, number of rounds and standard deviation of a reward of each arm.
    """

    def __init__(self, mean, weight, noise_std):
        self.mean, self.weight = mean, weight
        # Rewards that are all alike so far have no noise.
        self.noise_std = np.maximum(noise_std, 1e-100)
        self.precision = weight / self.noise_std**2

    def likelihood_ratio(self, a, b):
        """The generalised log-likelihood ratio of arm a being better than arm b."""
        n, m = self.precision[[a, b]]
        if n == 0.0 or m == 0.0:
            return 0.0
        return float(0.5 * (self.mean[a] - self.mean[b]) ** 2 / (1.0 / n + 1.0 / m))

    def log_mixture(self, theta, a, b):
        """Log of the two arms' product of mixtures at each theta."""
        parts = self._log_above(theta - self.mean[a], a) + self._log_above(self.mean[b] - theta, b)
        return logsumexp(parts, axis=0) - np.log(len(PRIOR_ROUNDS))

    def _log_above(self, behind, arm):
        share = self.weight[arm] / (self.weight[arm] + PRIOR_ROUNDS)
        z = -behind * np.sqrt(self.precision[arm] * share)
        return 0.5 * np.log1p(-share) + 0.5 * z**2 + np.log(2.0) + log_ndtr(z)

    def search_range(self, a, b):
        """Means among which the least evidence is sought; beyond, it grows."""
        n, m = self.precision[[a, b]]
        reach = _REACH / np.sqrt(max(min(n, m), np.finfo(np.float64).tiny))
        low, high = sorted(self.mean[[a, b]])
        return low - reach, high + reach


def least_mixture(evidence, a, b):
    """The least log of the product of mixtures over all theta: evidence that a is better than b.

    Parameters
    ----------
    evidence : BernoulliEvidence or GaussianEvidence
    a, b : int
        Two arms.

    Returns
    -------
    log_mixture : float
    """
    if evidence.weight[a] == 0.0 or evidence.weight[b] == 0.0:
        return 0.0
    low, high = evidence.search_range(a, b)
    near_low, near_high = sorted(evidence.mean[[a, b]])
    # Densely where the two arms lie, coarsely elsewhere, then closer and closer.
    wide = 0.5 * (near_high - near_low) + 1e-12 * (high - low)
    near = np.clip([near_low - wide, near_high + wide], low, high)
    theta = np.unique(np.concatenate([np.linspace(low, high, _GRID), np.linspace(*near, _GRID)]))
    for _ in range(_ZOOMS):
        values = evidence.log_mixture(theta, a, b)
        least = int(np.argmin(values))
        ends = theta[max(least - 1, 0)], theta[min(least + 1, len(theta) - 1)]
        theta = np.linspace(*ends, 17)
    return float(min(values[least], evidence.log_mixture(theta, a, b).min()))
