"""The base class of all environments."""

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, check_scalar


class EnvironmentRounds(NamedTuple):
    """Rounds of an environment, with what every arm would pay in each of them.

    Attributes
    ----------
    contexts : ndarray, sparse matrix or DataFrame of shape (n_rounds, n_features), or \
            ndarray of shape (n_rounds, n_arms, n_features)
        One context a round; three axes where every arm has features of its own.
    reward : ndarray of float64 of shape (n_rounds, n_arms)
        What each arm pays in the round, noise included.
    expected : ndarray of float64 of shape (n_rounds, n_arms)
        The expectation of `reward` given the context.
    """

    contexts: Any
    reward: np.ndarray
    expected: np.ndarray


class BaseEnvironment(BaseEstimator):
    """Base class of all environments.

    An environment knows what *every* arm would pay, so all policies can be played on the very same
    rounds (common random numbers) and their regret is known. It is a parameter object, like a
    scikit-learn estimator: ``get_params``, ``set_params``, ``clone``; its ``__init__`` only
    stores.

    A subclass defines ``arms`` and ``n_features`` (attributes or properties) and the hook
    ``_sample(n_rounds, rng)``, which returns contexts, reward and expected.

    Attributes
    ----------
    arms : ndarray of shape (n_arms,)
        The arms' labels, in the order of the columns of `reward` and `expected`.
    n_features : int
        Number of features of a context, or of an arm where contexts have three axes.

    See Also
    --------
    skbandit.benchmark.simulate : Let bandits play and learn in an environment.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.environments import BaseEnvironment
    >>> class CoinEnvironment(BaseEnvironment):
    ...     "Coins of known bias; there is no context to learn from."
    ...
    ...     n_features = 1
    ...
    ...     def __init__(self, *, bias=(0.4, 0.6)):
    ...         self.bias = bias
    ...
    ...     @property
    ...     def arms(self):
    ...         return np.arange(len(self.bias))
    ...
    ...     def _sample(self, n_rounds, rng):
    ...         expected = np.tile(self.bias, (n_rounds, 1))
    ...         return np.ones((n_rounds, 1)), rng.binomial(1, expected), expected
    >>> CoinEnvironment().sample(4, random_state=0).reward.tolist()
    [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    """

    @property
    def arms(self):
        """The arms' labels, in the order of the columns."""
        raise NotImplementedError(f"{type(self).__name__} must define the property arms.")

    def _sample(self, n_rounds, rng):
        """Return contexts, reward and expected of `n_rounds` rounds drawn from a RandomState."""
        raise NotImplementedError(f"{type(self).__name__} must define _sample(n_rounds, rng).")

    def sample(self, n_rounds, random_state=None):
        """Draw rounds.

        Parameters
        ----------
        n_rounds : int
            How many.
        random_state : int, RandomState instance or None, default=None
            An int returns the same rounds at every call.

        Returns
        -------
        rounds : EnvironmentRounds
            A named tuple of contexts, reward and expected.

        Raises
        ------
        ValueError
            If `n_rounds` is below 1, more than there is, or a parameter is out of range.
        """
        check_scalar(n_rounds, "n_rounds", Integral, min_val=1)
        contexts, reward, expected = self._sample(n_rounds, check_random_state(random_state))
        return EnvironmentRounds(
            contexts, np.asarray(reward, np.float64), np.asarray(expected, np.float64)
        )
