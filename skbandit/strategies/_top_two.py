"""The best arm in a share of the rounds, the second best in the others."""

from numbers import Real

import numpy as np

from .._optimality import argmax_policy, top_policy
from .._sklearn import Interval
from ..selectors import BaseSelector


def with_second(best, both, share, lone):
    """Chances of each arm where the second best has a part of the rounds.

    Parameters
    ----------
    best : ndarray of shape (n_rows, n_arms)
        The chance that the arm is the best.
    both : ndarray of shape (n_rows, n_arms)
        The chance that it is among the two best.
    share : float in [0, 1]
        Share of the rounds of the best arm.
    lone : ndarray of bool of shape (n_rows,)
        Rows in which there is no second arm: what `both` says of them is not looked at.

    Returns
    -------
    probability : ndarray of shape (n_rows, n_arms)
    """
    # Two quadratures agree to their error only.
    second = np.maximum(both - best, 0.0)
    total = second.sum(axis=1, keepdims=True)
    second = np.where(lone[:, None] | (total == 0.0), best, second / np.where(total, total, 1.0))
    return share * best + (1.0 - share) * second


class TopTwoSelector(BaseSelector):
    r"""Play the best arm in a share of the rounds, and the second best in the others.

    For tests whose rewards on the way do not count: half of the rounds go to the arm that could
    overtake the best one, so that one soon knows which of the two it is. Under Thompson sampling
    best and second best are those of a draw, so with :math:`P_a` the chance that arm a is the best
    one and :math:`Q_a` the chance that it is among the two best

    .. math:: p_a = \beta P_a + (1 - \beta) (Q_a - P_a),

    which is computed, not drawn. With upper bounds, or other sure scores, they are the two highest
    scores. Where one arm alone may be played it is played.

    Parameters
    ----------
    share : float in [0, 1], default=0.5
        The share :math:`\beta` of the best arm.

    See Also
    --------
    skbandit.contextfree.TopTwoThompsonSampling : Says when the best arm is found; no contexts.
    skbandit.linear.LinearTopTwoThompsonSampling : The same for the best arm on average over
        contexts.

    Notes
    -----
    Top-two Thompson sampling as published [1]_ draws again until another arm is the best; taking
    the second best of the first draw is the cheaper way that is often put in its place. The two
    differ in how often they try arms of which little is known: given that the leading arm is not
    the best, it is one that may be far above it; the second best of a draw need not be.

    References
    ----------
    .. [1] D. Russo (2020). Simple Bayesian algorithms for best-arm identification. Operations
       Research 68(6), 1625-1647. (section 4.3)

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.glm import LogisticThompsonSampling
    >>> from skbandit.strategies import TopTwoSelector
    >>> TopTwoSelector(share=0.6).select(np.array([[0.1, 0.5, 0.4]])).tolist()
    [[0.0, 0.6, 0.4]]
    >>> bandit = LogisticThompsonSampling(arms=["a", "b", "c"], selector=TopTwoSelector())
    >>> bandit = bandit.fit([[0.0]] * 300, ["a", "b", "c"] * 100, reward=[1, 0, 0] * 100)
    >>> bandit.predict_proba([[0.0]]).round(2)
    array([[0.5 , 0.25, 0.25]])
    """

    has_closed_form = True

    _parameter_constraints = {"share": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, share=0.5):
        self.share = share

    def select(self, scores, available=None):
        """See :meth:`~skbandit.selectors.BaseSelector.select`."""
        best = argmax_policy(scores, available)
        return self._with_second(best, lambda mask: top_policy(scores, 2, mask), available)

    def expect(self, belief, available=None):
        """See :meth:`~skbandit.selectors.BaseSelector.expect`; exact where the belief is."""
        best = belief.best(available)
        return self._with_second(best, lambda mask: belief.top(2, mask), available)

    def _with_second(self, best, two_best, available):
        if best.shape[1] == 1:
            return best
        lone = np.zeros(len(best), dtype=bool)
        if available is not None:
            lone = np.count_nonzero(available, axis=1) == 1
            if lone.any():
                available = available | lone[:, None]
        return with_second(best, two_best(available), float(self.share), lone)
