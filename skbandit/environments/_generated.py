"""Environments that are generated: linear and wheel."""

import numpy as np
from sklearn.utils import check_random_state

from .._problems import draw_problem, draw_rounds
from ..datasets import make_wheel_bandit
from ._base import BaseEnvironment


class LinearEnvironment(BaseEnvironment):
    """A random problem whose expected rewards are linear in the context.

    The problem (coefficients, intercepts, how features hang together) is fixed by `random_state`;
    :meth:`sample` draws contexts and noise. How they are drawn: see
    :func:`skbandit.datasets.make_linear_bandit`.

    Parameters
    ----------
    n_features : int, default=20
        Number of features of a context (of an arm, with `arm_features`).
    n_arms : int, default=5
        Number of arms.
    arm_features : bool, default=False
        True: every arm has features of its own in each round, and one coefficient vector is
        shared. Contexts are then of shape (n_rounds, n_arms, n_features).
    n_informative : int, default=None
        How many features matter; None means all.
    effective_rank : int, default=None
        In about how many directions contexts vary; None means in all, alike.
    intercept_std : float >= 0, default=0.0
        Standard deviation over the arms of their intercepts.
    noise : float >= 0, default=0.5
        Standard deviation of a reward around its expectation, in units of how much the context
        moves the expectation.
    random_state : int or None, default=0
        Which problem. None: every call of :meth:`sample` draws a problem of its own, from its
        own `random_state`; repeats of a simulation then average over problems.

    See Also
    --------
    skbandit.datasets.make_linear_bandit : Arrays instead of an environment.

    Examples
    --------
    >>> from skbandit.environments import LinearEnvironment
    >>> environment = LinearEnvironment(n_features=3, n_arms=4, random_state=7)
    >>> contexts, reward, expected = environment.sample(100, random_state=0)
    >>> contexts.shape, reward.shape
    ((100, 3), (100, 4))
    >>> environment.set_params(arm_features=True).sample(100).contexts.shape
    (100, 4, 3)
    """

    def __init__(
        self,
        *,
        n_features=20,
        n_arms=5,
        arm_features=False,
        n_informative=None,
        effective_rank=None,
        intercept_std=0.0,
        noise=0.5,
        random_state=0,
    ):
        self.n_features = n_features
        self.n_arms = n_arms
        self.arm_features = arm_features
        self.n_informative = n_informative
        self.effective_rank = effective_rank
        self.intercept_std = intercept_std
        self.noise = noise
        self.random_state = random_state

    @property
    def arms(self):
        """The arms: 0, 1, ..., n_arms - 1."""
        return np.arange(self.n_arms)

    def _sample(self, n_rounds, rng):
        if isinstance(self.random_state, np.random.RandomState):
            raise ValueError(
                "random_state must be an int or None, got a RandomState: the problem would change "
                "as its stream advances. Pass the RandomState to sample()."
            )
        problem = draw_problem(
            rng if self.random_state is None else check_random_state(self.random_state),
            n_features=self.n_features,
            n_arms=self.n_arms,
            n_informative=self.n_informative,
            effective_rank=self.effective_rank,
            intercept_std=self.intercept_std,
            arm_features=self.arm_features,
        )
        return draw_rounds(problem, n_rounds, self.noise, rng)


class WheelEnvironment(BaseEnvironment):
    """The wheel bandit: rare contexts in which one arm pays very much.

    See :func:`skbandit.datasets.make_wheel_bandit` for what pays where.

    Parameters
    ----------
    delta : float in [0, 1], default=0.5
        Radius of the circle in which arm 0 is best; a share ``1 - delta**2`` of the contexts lies
        outside.
    mean_safe : float, default=1.2
        Expected reward of arm 0.
    mean_low : float, default=1.0
        Expected reward of the others where they do not pay `mean_high`.
    mean_high : float, default=50.0
        Expected reward of the quadrant's arm outside the circle.
    noise : float >= 0, default=0.01
        Standard deviation of a reward around its expectation.

    References
    ----------
    C. Riquelme, G. Tucker and J. Snoek (2018). Deep Bayesian bandits showdown. ICLR, section "The
    wheel bandit".

    Examples
    --------
    >>> from skbandit.environments import WheelEnvironment
    >>> WheelEnvironment(delta=0.95).sample(3, random_state=0).expected.max(axis=1).tolist()
    [1.2, 50.0, 1.2]
    """

    n_features = 2

    def __init__(self, *, delta=0.5, mean_safe=1.2, mean_low=1.0, mean_high=50.0, noise=0.01):
        self.delta = delta
        self.mean_safe = mean_safe
        self.mean_low = mean_low
        self.mean_high = mean_high
        self.noise = noise

    @property
    def arms(self):
        """The arms: 0, 1, 2, 3, 4."""
        return np.arange(5)

    def _sample(self, n_rounds, rng):
        return make_wheel_bandit(n_rounds, **self.get_params(), random_state=rng)
