"""Random weights of the bootstrap: functions of a seed, a replicate and a round's number."""

import numpy as np
from scipy.special import gammaincinv, pdtr, pdtrik

from .._random import derived_seed
from .._rows import _GOLDEN, mix

_UNIT = 2.0**-53


def keyed_uniform(seed, replicate, number):
    """Uniform numbers in (0, 1), a pure function of a seed, a replicate and a number each.

    Parameters
    ----------
    seed, replicate : int
    number : ndarray of int

    Returns
    -------
    uniform : ndarray of the shape of `number`
    """
    key = (derived_seed(seed, replicate) << 32) | derived_seed(seed, replicate, 1)
    keys = (np.asarray(number).astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN)
    keys ^= np.uint64(key)
    mix(keys)
    keys += np.uint64(_GOLDEN)
    mix(keys)
    return ((keys >> np.uint64(11)) + 0.5) * _UNIT


def bootstrap_weights(kind, weight, seed, replicate, first=0):
    r"""Weights of rounds in one replicate of the bootstrap.

    A round of weight w has a Gamma(w, 1) weight, the Bayesian bootstrap [1]_, or a Poisson(w) one,
    the online bootstrap [2]_ [3]_: both have mean and variance w, and those of k equal rounds
    add up to that of one of weight k.

    Parameters
    ----------
    kind : {"gamma", "poisson"}
    weight : ndarray of shape (n_rounds,)
    seed, replicate : int
    first : int, default=0
        Number of the first of these rounds; the weight of a round depends on its number alone.

    Returns
    -------
    weights : ndarray of shape (n_rounds,)

    References
    ----------
    .. [1] D. B. Rubin (1981). The Bayesian bootstrap. Annals of Statistics 9(1), 130-134.
    .. [2] N. C. Oza and S. J. Russell (2001). Online bagging and boosting. AISTATS.
    .. [3] D. Eckles and M. Kaptein (2014). Thompson sampling with the online bootstrap.
       arXiv:1410.4009.
    """
    uniform = keyed_uniform(seed, replicate, first + np.arange(len(weight)))
    if kind == "gamma":
        drawn = -np.log(uniform)
        other = weight != 1.0
        if other.any():
            drawn[other] = gammaincinv(weight[other], uniform[other])
        return drawn
    return _poisson_quantile(uniform, weight)


def _poisson_quantile(uniform, mean):
    """Smallest count whose distribution function reaches a level."""
    count = np.ceil(pdtrik(uniform, mean))
    before = np.maximum(count - 1.0, 0.0)
    return np.where(pdtr(before, mean) >= uniform, before, count)
