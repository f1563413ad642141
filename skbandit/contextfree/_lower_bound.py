"""How many rounds the best arm takes at least to be found: Garivier and Kaufmann's bound."""

import numpy as np
from scipy.optimize import brentq

from ._bounds import bernoulli_kl

_LARGEST_RATIO = 1e8


def characteristic_time(means):
    r"""The time :math:`T^*` that multiplies :math:`\mathrm{kl}(\delta, 1 - \delta)`.

    Parameters
    ----------
    means : array-like of shape (n_arms,)
        Chances of Bernoulli arms, in (0, 1), one of them the highest.

    Returns
    -------
    time : float
        Expected rounds over the divergence, at least.
    weights : ndarray of shape (n_arms,)
        Shares of the arms in the rounds with which the bound is met.

    Notes
    -----
    Let arm a be played x times as often as the best arm, 1. What then tells the two apart is, for
    each round with the best one,

    .. math:: g_a(x) = d(\mu_1, m) + x \, d(\mu_a, m), \qquad m = \frac{\mu_1 + x \mu_a}{1 + x} .

    All arms are told apart alike, by y, at :math:`x_a(y) = g_a^{-1}(y)`, and the best y solves
    :math:`\sum_a d(\mu_1, m_a) / d(\mu_a, m_a) = 1` (theorem 5 of [1]_).

    References
    ----------
    .. [1] A. Garivier and E. Kaufmann (2016). Optimal best arm identification with fixed
       confidence. COLT.

    Examples
    --------
    >>> from skbandit.contextfree._lower_bound import characteristic_time
    >>> time, weights = characteristic_time([0.7, 0.3])
    >>> round(time, 2), weights.round(2).tolist()
    (12.15, [0.5, 0.5])
    """
    means = np.asarray(means, dtype=np.float64)
    best = int(np.argmax(means))
    top, others = means[best], np.delete(means, best)
    if not (others < top).all():
        raise ValueError(f"means must have one highest value, got {means.tolist()}.")

    def middle(other, x):
        return (top + x * other) / (1.0 + x)

    def told_apart(other, x):
        m = middle(other, x)
        return float(bernoulli_kl(top, m) + x * bernoulli_kl(other, m))

    def ratio(other, y):
        return brentq(lambda x: told_apart(other, x) - y, 0.0, _LARGEST_RATIO, rtol=1e-14)

    def excess(y):
        at = [middle(other, ratio(other, y)) for other in others]
        pairs = zip(others, at, strict=True)
        return sum(float(bernoulli_kl(top, m) / bernoulli_kl(other, m)) for other, m in pairs) - 1

    # No arm is told apart by more than it would be if the best arm alone were unknown.
    limit = min(float(bernoulli_kl(top, other)) for other in others)
    y = brentq(excess, 1e-9 * limit, (1.0 - 1e-6) * limit, xtol=1e-14, rtol=1e-12)
    ratios = np.array([ratio(other, y) for other in others])
    weights = np.insert(ratios, best, 1.0) / (1.0 + ratios.sum())
    return float(1.0 / (y * weights[best])), weights
