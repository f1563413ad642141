"""The wheel bandit."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_scalar

from .._problems import spawn

_N_ARMS = 5


def make_wheel_bandit(
    n_samples=1000,
    *,
    delta=0.5,
    mean_safe=1.2,
    mean_low=1.0,
    mean_high=50.0,
    noise=0.01,
    random_state=None,
):
    r"""Generate rounds of the wheel bandit, which rewards exploration.

    Contexts are uniform in the unit disc. Arm 0 pays :math:`\mu_1` (`mean_safe`) everywhere. The
    other four pay :math:`\mu_2` (`mean_low`), a little less, but one of them pays :math:`\mu_3`
    (`mean_high`) outside the circle of radius :math:`\delta`: arm 1 where both coordinates are
    positive, arm 2 where only the first is, arm 3 where only the second is, arm 4 where neither
    is. All rewards have Gaussian noise. The larger `delta`, the rarer the large reward, a share
    :math:`1 - \delta^2` of the rounds, and the easier a bandit that explores too little settles
    for arm 0.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of rounds.
    delta : float in [0, 1], default=0.5
        Radius of the circle in which arm 0 is best. The paper takes 0.5, 0.7, 0.9, 0.95 and 0.99.
    mean_safe : float, default=1.2
        Expected reward of arm 0.
    mean_low : float, default=1.0
        Expected reward of the others where they do not pay `mean_high`.
    mean_high : float, default=50.0
        Expected reward of the quadrant's arm outside the circle.
    noise : float >= 0, default=0.01
        Standard deviation of a reward around its expectation.
    random_state : int, RandomState instance or None, default=None
        An int makes the rounds reproducible; more rounds then extend fewer.

    Returns
    -------
    X : ndarray of shape (n_samples, 2)
        The contexts.
    reward : ndarray of shape (n_samples, 5)
        What each arm pays in each round.
    expected_reward : ndarray of shape (n_samples, 5)
        Its expectation given the context.

    See Also
    --------
    skbandit.environments.WheelEnvironment : The same as an environment.

    References
    ----------
    C. Riquelme, G. Tucker and J. Snoek (2018). Deep Bayesian bandits showdown. ICLR, section "The
    wheel bandit" (arms are numbered from 1 there).

    Examples
    --------
    >>> from skbandit.datasets import make_wheel_bandit
    >>> X, reward, expected_reward = make_wheel_bandit(1000, delta=0.9, random_state=0)
    >>> reward.shape, float((expected_reward.max(axis=1) == 50).mean())
    ((1000, 5), 0.181)
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    check_scalar(delta, "delta", Real, min_val=0, max_val=1)
    check_scalar(noise, "noise", Real, min_val=0)
    for name, value in {
        "mean_safe": mean_safe,
        "mean_low": mean_low,
        "mean_high": mean_high,
    }.items():
        check_scalar(value, name, Real)
    place, deviation = spawn(random_state, 2)
    polar = place.random_sample((n_samples, 2))
    # Area grows with the square of the radius: a uniform area is a uniform squared radius.
    radius = np.sqrt(polar[:, 0])
    angle = 2 * np.pi * polar[:, 1]
    X = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    expected_reward = np.full((n_samples, _N_ARMS), float(mean_low))
    expected_reward[:, 0] = mean_safe
    outside = np.flatnonzero(radius > delta)
    quadrant_arm = 1 + 2 * (X[outside, 0] <= 0) + (X[outside, 1] <= 0)
    expected_reward[outside, quadrant_arm] = mean_high
    reward = expected_reward + noise * deviation.standard_normal(expected_reward.shape)
    return X, reward, expected_reward
