"""Linear bandit problems: expected rewards are linear in the context."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_scalar

from ._streams import spawn

# Floor of a direction's standard deviation, relative to the largest, below the effective rank.
_TAIL = 1e-3


class LinearProblem(NamedTuple):
    """What stays the same from round to round."""

    coef: np.ndarray  # (n_arms, n_features), or (n_features,) where arms have features
    intercept: np.ndarray  # (n_arms,)
    mixing: np.ndarray | None  # (n_features, n_features): contexts are normals @ mixing


def make_linear_bandit(
    n_samples=1000,
    n_features=20,
    n_arms=5,
    *,
    n_informative=None,
    effective_rank=None,
    intercept_std=0.0,
    noise=0.5,
    arm_features=False,
    random_state=None,
    return_coef=False,
):
    r"""Generate rounds of a random bandit whose expected rewards are linear in the context.

    Contexts are Gaussian with mean 0. Arm :math:`a` pays :math:`b_a + \theta_a^\top x +
    \varepsilon`, with :math:`\varepsilon \sim N(0, \text{noise}^2)`. The direction of each
    :math:`\theta_a` is uniform; its length is such that :math:`\theta_a^\top x` has variance 1
    over the contexts. So `noise` and `intercept_std` are in units of how much the context moves
    the reward, and what they mean does not change with `n_features`.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of rounds.
    n_features : int, default=20
        Number of features of a context (of an arm, with `arm_features`).
    n_arms : int, default=5
        Number of arms.
    n_informative : int, default=None
        How many features matter (their coefficients are not 0), the same for all arms. None means
        all.
    effective_rank : int, default=None
        None: features are independent, of variance 1. A number :math:`r`: contexts vary in about
        :math:`r` directions only, with standard deviations that fall as :math:`\exp(-(i/r)^2)` for
        :math:`i = 0, 1, \ldots` down to a thousandth of the largest. The mean variance of a
        feature is still 1, but they are nearly collinear.
    intercept_std : float >= 0, default=0.0
        Standard deviation, over the arms, of the intercepts :math:`b_a`: how much better some arms
        are whatever the context.
    noise : float >= 0, default=0.5
        Standard deviation of a reward around its expectation. The larger, the harder.
    arm_features : bool, default=False
        True: in each round every arm has features of its own, and one :math:`\theta` is shared.
    random_state : int, RandomState instance or None, default=None
        An int makes problem and rounds reproducible; more rounds then extend fewer.
    return_coef : bool, default=False
        Also return the true coefficients and intercepts.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features) or (n_samples, n_arms, n_features)
        The contexts; three axes with `arm_features`.
    reward : ndarray of shape (n_samples, n_arms)
        What each arm pays in each round.
    expected_reward : ndarray of shape (n_samples, n_arms)
        Its expectation given the context.
    coef : ndarray of shape (n_arms, n_features), or (n_features,) with `arm_features`
        Only if `return_coef`.
    intercept : ndarray of shape (n_arms,)
        Only if `return_coef`.

    See Also
    --------
    skbandit.environments.LinearEnvironment : An environment whose problem stays fixed.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.datasets import make_linear_bandit
    >>> X, reward, expected_reward, coef, intercept = make_linear_bandit(
    ...     500, n_features=3, n_arms=2, random_state=0, return_coef=True
    ... )
    >>> X.shape, reward.shape, coef.shape
    ((500, 3), (500, 2), (2, 3))
    >>> np.allclose(expected_reward, X @ coef.T + intercept)
    True
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    for_problem, for_rounds = spawn(random_state, 2)
    problem = draw_problem(
        for_problem,
        n_features=n_features,
        n_arms=n_arms,
        n_informative=n_informative,
        effective_rank=effective_rank,
        intercept_std=intercept_std,
        arm_features=arm_features,
    )
    X, reward, expected_reward = draw_rounds(problem, n_samples, noise, for_rounds)
    if return_coef:
        return X, reward, expected_reward, problem.coef, problem.intercept
    return X, reward, expected_reward


def draw_problem(
    rng, *, n_features, n_arms, n_informative, effective_rank, intercept_std, arm_features
):
    """Draw what :func:`make_linear_bandit` keeps fixed over the rounds, a LinearProblem."""
    check_scalar(n_features, "n_features", Integral, min_val=1)
    check_scalar(n_arms, "n_arms", Integral, min_val=1)
    if n_informative is None:
        n_informative = n_features
    check_scalar(n_informative, "n_informative", Integral, min_val=1, max_val=n_features)
    check_scalar(intercept_std, "intercept_std", Real, min_val=0)
    mixing = None
    if effective_rank is not None:
        check_scalar(effective_rank, "effective_rank", Integral, min_val=1, max_val=n_features)
        mixing = _low_rank_mixing(rng, n_features, effective_rank)
    informative = rng.permutation(n_features)[:n_informative]
    coef = np.zeros((1 if arm_features else n_arms, n_features))
    coef[:, informative] = rng.standard_normal((len(coef), n_informative))
    # theta' Sigma theta = |mixing theta|^2 is the variance of the reward that the context
    # explains.
    spread = coef if mixing is None else coef @ mixing.T
    coef /= np.linalg.norm(spread, axis=1, keepdims=True)
    intercept = intercept_std * rng.standard_normal(n_arms)
    return LinearProblem(coef[0] if arm_features else coef, intercept, mixing)


def _low_rank_mixing(rng, n_features, effective_rank):
    """Return a matrix that turns independent normals into contexts of a low effective rank."""
    std = np.exp(-((np.arange(n_features) / effective_rank) ** 2)) + _TAIL
    std *= np.sqrt(n_features / np.sum(std**2))
    rotation, _ = np.linalg.qr(rng.standard_normal((n_features, n_features)))
    return std[:, None] * rotation.T


def draw_rounds(problem, n_samples, noise, random_state):
    """Draw contexts, realised and expected rewards of a LinearProblem."""
    check_scalar(noise, "noise", Real, min_val=0)
    place, deviation = spawn(random_state, 2)
    n_arms, n_features = len(problem.intercept), problem.coef.shape[-1]
    shared = problem.coef.ndim == 1
    shape = (n_samples, n_arms, n_features) if shared else (n_samples, n_features)
    X = place.standard_normal(shape)
    if problem.mixing is not None:
        X = X @ problem.mixing
    expected_reward = X @ problem.coef.T
    expected_reward += problem.intercept
    reward = expected_reward + noise * deviation.standard_normal(expected_reward.shape)
    return X, reward, expected_reward
