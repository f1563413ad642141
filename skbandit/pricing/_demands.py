"""Kinds of demand: what a customer may buy, and the model of a curve for it."""

from typing import NamedTuple

import numpy as np

from ..beliefs import linked_moments
from ..glm import LogisticThompsonSampling, PoissonThompsonSampling
from ..linear import LinearThompsonSampling

# As for counts of Poisson bandits.
_LARGEST_LOG = 300.0


def _as_it_is(score):
    return score


def _same_moments(mean, std):
    return mean, std


def _lognormal_moments(mean, std):
    variance = np.minimum(std**2, _LARGEST_LOG)
    expected = np.exp(np.minimum(mean + 0.5 * variance, _LARGEST_LOG))
    return expected, expected * np.sqrt(np.expm1(variance))


class Demand(NamedTuple):
    """A kind of demand."""

    kind: str  # which units there are, as BanditTags.reward says it
    bandit: type  # the model
    params: dict  # and its parameters
    link: object  # from scores to demands; None: as they are
    moments: object  # of the demand, from those of a Gaussian score


def _logistic_moments(mean, std):
    from .._glm import Logistic

    return linked_moments(Logistic.link, mean, std)


DEMANDS = {
    "purchase": Demand(
        "unit_interval", LogisticThompsonSampling, {}, "logistic", _logistic_moments
    ),
    "count": Demand("count", PoissonThompsonSampling, {}, "poisson", _lognormal_moments),
    "amount": Demand("real", LinearThompsonSampling, {}, None, _same_moments),
}
