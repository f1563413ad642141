"""Kinds of demand: which units there are, and the model of their curve."""

import numpy as np

from .._glm import FullLaplace, Logistic, Poisson
from .._regression import FullRegression
from ..beliefs import linked_moments

_LARGEST_LOG = 300.0


class GeneralizedDemand:
    """Units whose mean is a link of the score: Laplace's approximation.

    Parameters
    ----------
    likelihood : Logistic or Poisson
    units : {"unit_interval", "count"}
    moments : callable
        From means and standard deviations of Gaussian scores to those of the demand.
    """

    learning, merging = "calls", "approximate"

    def __init__(self, likelihood, units, moments):
        self.likelihood = likelihood
        self.units = units
        self.moments = moments
        self.link = likelihood.link

    def empty(self, n_terms, prior_precision):
        """The model before any round."""
        return FullLaplace.empty(
            1, n_terms, likelihood=self.likelihood.name, prior_precision=prior_precision
        )

    def factor(self, model):
        """Variance of a score over the model's quadratic form."""
        return 1.0


class LinearDemand:
    """Units that are any number, whose mean is the score: Bayesian linear regression.

    The Student-t belief is read as the Gaussian one of its mean and variance.
    """

    units = "real"
    learning, merging = "sum", "exact"

    def link(self, score):
        """The score itself."""
        return score

    def moments(self, mean, std):
        """Mean and standard deviation of the demand."""
        return mean, std

    def empty(self, n_terms, prior_precision):
        """The model before any round; location and noise are learnt."""
        return FullRegression.empty(
            1, n_terms, prior_precision=prior_precision, intercept=True, locates=True
        )

    def factor(self, model):
        """Variance of a score over the model's quadratic form."""
        variance, dof = model.noise(None)
        return float(variance[0] * dof[0] / (dof[0] - 2.0))


def _logistic_moments(mean, std):
    return linked_moments(Logistic.link, mean, std)


def _lognormal_moments(mean, std):
    variance = np.minimum(std**2, _LARGEST_LOG)
    expected = Poisson.link(mean + 0.5 * variance)
    return expected, expected * np.sqrt(np.expm1(variance))


DEMANDS = {
    "purchase": GeneralizedDemand(Logistic, "unit_interval", _logistic_moments),
    "count": GeneralizedDemand(Poisson, "count", _lognormal_moments),
    "amount": LinearDemand(),
}
