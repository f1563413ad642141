"""Links: from an uncertain score to the expected reward, its mean and its spread."""

import numpy as np

from .._glm import Logistic, Poisson
from ..beliefs import linked_moments

# The logarithm of an expected count, and of its variance, stay below this.
_LARGEST_LOG = 300.0


class LogisticLink:
    """Rewards in [0, 1] and the logistic function."""

    reward = "unit_interval"
    function = staticmethod(Logistic.link)

    @staticmethod
    def moments(mean, scale):
        """Mean and standard deviation of the logistic function of a Gaussian score.

        Parameters
        ----------
        mean, scale : ndarray of shape (n_samples, n_arms)

        Returns
        -------
        mean, std : ndarray of shape (n_samples, n_arms)
        """
        return linked_moments(Logistic.link, mean, scale)


class ExponentialLink:
    """Counts and the exponential function."""

    reward = "count"
    function = staticmethod(Poisson.link)

    @staticmethod
    def moments(mean, scale):
        """Mean and standard deviation of a log-normal variable.

        Parameters
        ----------
        mean, scale : ndarray of shape (n_samples, n_arms)

        Returns
        -------
        mean, std : ndarray of shape (n_samples, n_arms)
        """
        variance = np.minimum(scale * scale, _LARGEST_LOG)
        expected = Poisson.link(mean + 0.5 * variance)
        return expected, expected * np.sqrt(np.expm1(variance))


LINKS = {"logistic": LogisticLink(), "poisson": ExponentialLink()}
