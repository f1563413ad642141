"""Linear bandit problems: expected rewards are linear in the context."""

from numbers import Integral

from sklearn.utils import check_scalar

from .._problems import draw_problem, draw_rounds, spawn


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
