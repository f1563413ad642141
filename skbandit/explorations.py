"""Explorations: from a belief about the arms to the policy that plays them.

A bandit is a model, which has the hook ``_belief``, and one of these in front of it::

    class LogisticThompsonSampling(ThompsonSamplingMixin, LogisticModel):
        ...

They have no state of their own; what they use is ``_belief(contexts)``, the parameter ``alpha``
and the parameter ``selector``. With ``alpha="auto"`` the scale of the exploration follows from the
belief: it is small where all arms are about equally well known, as they are where contexts differ
and each arm has its turn, and grows for an arm that is known much less than the best-known one.
"""

from math import log
from numbers import Real

import numpy as np

from ._sklearn import Interval, StrOptions

__all__ = [
    "ALPHA_CONSTRAINT",
    "ThompsonSamplingMixin",
    "UpperConfidenceBoundMixin",
    "all_were_tried",
    "forced_by",
    "still_to_try",
    "thompson_policy",
    "thompson_scale",
    "upper_bound",
    "upper_bound_scale",
    "with_forced",
]

# What the parameter ``alpha`` of a bandit may be.
ALPHA_CONSTRAINT = [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})]

# Widths further apart than this are not told apart.
_LARGEST_RATIO = 1e6
_ROOT_OF_TWO = 2.0**0.5
# Arms further behind than so many deviations one that was played so often are tried so often, all
# together, in at most such a share of the rounds.
_FAR_APART, _KNOWN, _TRIES, _SHARE = 10.0, 10.0, 300.0, 0.4
_ROUNDING = 1e-9


def _ratio(width, available):
    """Width of each arm over that of the best-known arm of the row, from 1 to the largest."""
    if available is None:
        # The reductions themselves: the methods take twice as long for a row or two.
        least = np.minimum.reduce(width, axis=1, keepdims=True)
        if np.minimum.reduce(least, axis=None) > 0.0:
            return np.minimum(width / least, _LARGEST_RATIO)
        usable = width
    else:
        usable = np.where(available, width, 0.0)
        least = width.min(axis=1, keepdims=True, initial=np.inf, where=available)
    least = np.maximum(least, usable.max(axis=1, keepdims=True) / _LARGEST_RATIO)
    # Where no arm has any width there is nothing to scale.
    ratio = width / np.where(least > 0.0, least, 1.0)
    return np.clip(ratio, 1.0, _LARGEST_RATIO)


def _log_half_arms(width, available):
    """Log of half the number of arms, at least 0; a number, or one for each row."""
    if available is None:
        return log(max(width.shape[1], 2) / 2.0)
    n_arms = np.count_nonzero(available, axis=1, keepdims=True)
    return np.log(np.maximum(n_arms, 2) / 2.0)


def thompson_scale(width, available=None):
    r"""Return the factors on the widths of a belief that Thompson sampling draws with.

    With :math:`\rho_a` the squared width of arm a over that of the best-known of K arms,

    .. math:: \alpha_a^2 = \min(1, 0.01 + 0.4 \log \rho_a) / (1 + \log(K / 2)).

    Posterior sampling itself is :math:`\alpha = 1`. The largest of many draws lies further out
    than that of two, which the denominator makes up for. As an arm is left alone while others are
    played, :math:`\rho` grows and so does its factor: no arm is written off for good.

    Parameters
    ----------
    width : ndarray of shape (n_rows, n_arms)
        Standard deviations of the belief, ``belief.width``.
    available : ndarray of bool of shape (n_rows, n_arms), default=None
        Arms that may be played; the others do not count.

    Returns
    -------
    alpha : ndarray of shape (n_rows, n_arms)

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.explorations import thompson_scale
    >>> thompson_scale(np.array([[1.0, 1.0], [1.0, 10.0]])).round(2)
    array([[0.1, 0.1],
           [0.1, 1. ]])
    """
    # What the largest of many draws lies further out than that of two, squared.
    further = 1.0 + _log_half_arms(width, available)
    # Of the widths, not of their squares: twice the logarithm.
    square = (0.8 / further) * np.log(_ratio(width, available)) + 0.01 / further
    return np.sqrt(np.minimum(square, 1.0 / further))


def upper_bound_scale(width, available=None):
    r"""Return the factors on the widths of a belief for upper confidence bounds.

    With :math:`\rho_a` the squared width of arm a over that of the best-known of K arms,

    .. math::
        \alpha_a^2 = \frac{0.0625 + 1.5 \max(0, \log(\rho_a / 2))}{1 + \log^2(K / 2)}.

    The logarithm of how much less an arm was played than others takes the place of that of the
    number of rounds [1]_. With many arms each is tried less on purpose: there is always one whose
    bound is far too high.

    Parameters
    ----------
    width : ndarray of shape (n_rows, n_arms)
        Standard deviations of the belief, ``belief.width``.
    available : ndarray of bool of shape (n_rows, n_arms), default=None
        Arms that may be played; the others do not count.

    Returns
    -------
    alpha : ndarray of shape (n_rows, n_arms)

    References
    ----------
    .. [1] J.-Y. Audibert and S. Bubeck (2009). Minimax policies for adversarial and stochastic
       bandits. COLT.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.explorations import upper_bound_scale
    >>> upper_bound_scale(np.array([[1.0, 1.0], [1.0, 10.0]])).round(2)
    array([[0.25, 0.25],
           [0.25, 2.44]])
    """
    fewer = 1.0 + _log_half_arms(width, available) ** 2
    # Of the widths, not of their squares: twice the logarithm.
    ratio = np.maximum(_ratio(width, available) / _ROOT_OF_TWO, 1.0)
    return np.sqrt((3.0 / fewer) * np.log(ratio) + 0.0625 / fewer)


def _is_auto(alpha):
    return isinstance(alpha, str)


def upper_bound(belief, alpha="auto"):
    """Return the upper confidence bounds of a belief.

    Parameters
    ----------
    belief : belief
        See :mod:`skbandit.beliefs`.
    alpha : float >= 0 or "auto", default="auto"
        How many widths above the mean; "auto" is :func:`upper_bound_scale`.

    Returns
    -------
    bound : ndarray of shape (n_rows, n_arms)

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.beliefs import IndependentBelief
    >>> from skbandit.explorations import upper_bound
    >>> upper_bound(IndependentBelief(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])), 2.0)
    array([[3., 2.]])
    """
    if _is_auto(alpha):
        alpha = upper_bound_scale(belief.width)
    return belief.upper_bound(alpha)


def still_to_try(weight, mean, spread, expected_spread=0.0):
    """Return the share of rounds that goes to arms which are too far behind to be played.

    Where two arms lie more than ten times as far apart as rewards vary, and the better one is
    expected to pay the same in all contexts, a belief is certain after a few rounds, and all the
    more certainly wrong where something rare has not happened yet. The arm that is behind is still
    played 300 / K times, K the number of arms, before it is left to the belief.

    Parameters
    ----------
    weight : ndarray of shape (n_arms,)
        How many rounds each arm was played.
    mean : ndarray of shape (n_arms,)
        Mean reward of each arm.
    spread : ndarray of shape (n_arms,)
        Standard deviation of what each arm paid.
    expected_spread : ndarray of shape (n_arms,), or float, default=0.0
        Standard deviation, over all contexts, of what each arm is expected to pay.

    Returns
    -------
    forced : ndarray of shape (n_arms,), or None
        0.4 / K for each such arm; None where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.explorations import still_to_try
    >>> still_to_try(np.array([90.0, 8.0]), np.array([1.2, 1.0]), np.array([0.01, 0.01]))
    array([0. , 0.2])
    """
    n_arms = len(weight)
    # An arm that was never played is not written off.
    few = (weight > 0.0) & (weight < _TRIES / n_arms)
    known = weight >= _KNOWN
    if not few.any() or not known.any():
        return None
    # What a model makes of few rounds is no reason to leave an arm alone.
    ahead = np.hypot(spread, expected_spread)[known]
    gap = mean[known] - mean[few, None]
    apart = _FAR_APART * np.hypot(ahead, spread[few, None])
    # Means that are alike differ by rounding.
    behind = (gap > apart + _ROUNDING * np.abs(mean).max()).any(axis=1)
    if not behind.any():
        return None
    forced = np.zeros(n_arms)
    forced[few] = np.where(behind, _SHARE / n_arms, 0.0)
    return forced


def all_were_tried(weight):
    """Say whether each arm was played so often that :func:`still_to_try` leaves it alone.

    Parameters
    ----------
    weight : ndarray of shape (n_arms,)

    Returns
    -------
    tried : bool

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.explorations import all_were_tried
    >>> bool(all_were_tried(np.array([200.0, 150.0])))
    True
    """
    return np.minimum.reduce(weight) >= _TRIES / len(weight)


def with_forced(probability, forced, available=None):
    """Return a policy that leaves each arm a share of its own.

    Parameters
    ----------
    probability : ndarray of shape (n_rows, n_arms)
    forced : ndarray of shape (n_arms,), or None
        The share of each arm; the policy has the rest.
    available : ndarray of bool of shape (n_rows, n_arms), default=None

    Returns
    -------
    probability : ndarray of shape (n_rows, n_arms)

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.explorations import with_forced
    >>> with_forced(np.array([[1.0, 0.0]]), np.array([0.0, 0.2]))
    array([[0.8, 0.2]])
    """
    if forced is None:
        return probability
    if available is not None:
        forced = np.where(available, forced, 0.0)
        return (1.0 - forced.sum(axis=1, keepdims=True)) * probability + forced
    return (1.0 - forced.sum()) * probability + forced


def forced_by(bandit):
    """Return the share of rounds that a bandit gives to arms which are not yet written off.

    None where it has a scale or a selector of the user's choice.

    Parameters
    ----------
    bandit : bandit with the hook ``_forced``

    Returns
    -------
    forced : ndarray of shape (n_arms,), or None

    Examples
    --------
    >>> from skbandit.explorations import forced_by
    >>> from skbandit.linear import LinearUCB
    >>> forced_by(LinearUCB(alpha=1.0)) is None
    True
    """
    return bandit._forced() if _is_auto(bandit.alpha) and bandit.selector is None else None


def thompson_policy(belief, selector, alpha=1.0, available=None):
    """Return the policy that follows a draw from a belief.

    Parameters
    ----------
    belief : belief
        See :mod:`skbandit.beliefs`.
    selector : selector
        What is played once the scores are drawn, see :mod:`skbandit.selectors`.
    alpha : float >= 0 or "auto", default=1.0
        Factor on the widths of the belief; "auto" is :func:`thompson_scale`.
    available : ndarray of bool of shape (n_rows, n_arms), default=None

    Returns
    -------
    probability : ndarray of shape (n_rows, n_arms)

    References
    ----------
    W. R. Thompson (1933). On the likelihood that one unknown probability exceeds another in view
    of the evidence of two samples. Biometrika 25(3/4), 285-294.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.beliefs import IndependentBelief
    >>> from skbandit.explorations import thompson_policy
    >>> from skbandit.selectors import ArgmaxSelector
    >>> belief = IndependentBelief(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]]))
    >>> thompson_policy(belief, ArgmaxSelector()).round(2)
    array([[0.76, 0.24]])
    """
    if _is_auto(alpha):
        alpha = thompson_scale(belief.width, available)
    return belief.widened(alpha).expect(selector, available)


class ThompsonSamplingMixin:
    """Play each arm with the probability that it is the best one under the belief.

    The policy is that of a draw from the belief, its widths multiplied by ``alpha``. It is
    computed, not drawn: ``predict`` then draws from it.

    Examples
    --------
    >>> from skbandit.explorations import ThompsonSamplingMixin
    >>> from skbandit.linear import LinearThompsonSampling
    >>> issubclass(LinearThompsonSampling, ThompsonSamplingMixin)
    True
    """

    def _policy(self, contexts, available):
        belief = self._belief(contexts)
        policy = thompson_policy(belief, self._selector, self.alpha, available)
        return with_forced(policy, forced_by(self), available)


class UpperConfidenceBoundMixin:
    """Play the arm of the highest upper confidence bound: ``alpha`` widths above the mean.

    Examples
    --------
    >>> from skbandit.explorations import UpperConfidenceBoundMixin
    >>> from skbandit.linear import LinearUCB
    >>> issubclass(LinearUCB, UpperConfidenceBoundMixin)
    True
    """

    def _decision_function(self, contexts):
        return upper_bound(self._belief(contexts), self.alpha)

    def _policy(self, contexts, available):
        policy = super()._policy(contexts, available)
        return with_forced(policy, forced_by(self), available)
