r"""Expected log-likelihoods of rewards whose scores are uncertain.

A score is Gaussian or Student-t, :math:`z = a + b \epsilon`. What is expected under it is a
one-dimensional integral, by the rule of nodes and weights of :mod:`skbandit._deviates`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

SMALLEST_SCALE = 1e-6


@dataclass(frozen=True, eq=False)
class BernoulliTerm:
    r"""Rewards in [0, 1] whose mean is the logistic function of the score.

    A reward y of weight n stands for n trials of which y n succeeded.
    """

    reward: np.ndarray
    weight: np.ndarray

    def renewed(self, rule, location, scale):
        """The term itself: it has nothing to learn."""
        return self

    def expect(self, rule, location, scale):
        r"""Return the expected log-likelihood with its slope and curvature.

        With :math:`z = a + b \epsilon` the slope is :math:`n (y - E \sigma(z))` and the curvature
        :math:`n E[\sigma(z) \epsilon] / b`, which is :math:`n E \sigma'(z)` for a Gaussian deviate
        (Stein).

        Returns
        -------
        value : float
        slope, curvature : ndarray of shape (n,)
        """
        scale = np.maximum(scale, SMALLEST_SCALE)

        def moments(scores, rows):
            chance = expit(scores)
            # log(1 + exp(z)) without overflow.
            softplus = np.maximum(scores, 0.0) + np.log1p(np.exp(-np.abs(scores)))
            # Taking the chance at the centre off saves the digits of a narrow belief.
            tilt = (chance - expit(location[rows, None])) * rule.nodes
            return softplus, chance, tilt

        softplus, chance, tilt = rule.mean(moments, location, scale)
        value = float(self.weight @ (self.reward * location - softplus))
        return value, self.weight * (self.reward - chance), self.weight * tilt / scale


@dataclass(frozen=True, eq=False)
class GaussianTerm:
    """Rewards that are the score plus Gaussian noise.

    Parameters
    ----------
    reward, weight : ndarray of shape (n,)
    variance : float
        Of the noise.
    variance_given : callable, default=None
        The variance as a function of the expected residual sum of squares; None keeps it. Noise
        and weights are then found in turn, under a belief that factorises over the two.
    """

    reward: np.ndarray
    weight: np.ndarray
    variance: float
    variance_given: Callable | None = None

    def renewed(self, rule, location, scale):
        """The term with the variance that best fits the scores, where it is to be learnt."""
        if self.variance_given is None:
            return self
        return replace(
            self, variance=self.variance_given(self.residual_square(rule, location, scale))
        )

    def expect(self, rule, location, scale):
        """Return the expected log-likelihood with its slope and curvature."""
        precision = self.weight / self.variance
        error = self.reward - location
        value = -0.5 * float(precision @ (error**2 + rule.variance * scale**2))
        return value, precision * error, rule.variance * precision

    def residual_square(self, rule, location, scale):
        """Return the weighted sum of the expected squared errors."""
        error = self.reward - location
        return float(self.weight @ (error**2 + rule.variance * scale**2))
