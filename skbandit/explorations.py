"""Explorations: from a belief about the arms to the policy that plays them.

A bandit is a model, which has the hook ``_belief``, and one of these in front of it::

    class LogisticThompsonSampling(ThompsonSamplingMixin, LogisticModel):
        ...

They have no state of their own; what they use is ``_belief(contexts)``, the parameter ``alpha``
and the parameter ``selector``.
"""

__all__ = ["ThompsonSamplingMixin", "UpperConfidenceBoundMixin", "thompson_policy"]


def thompson_policy(belief, selector, alpha=1.0, available=None):
    """Return the policy that follows a draw from a belief.

    Parameters
    ----------
    belief : belief
        See :mod:`skbandit.beliefs`.
    selector : selector
        What is played once the scores are drawn, see :mod:`skbandit.selectors`.
    alpha : float >= 0, default=1.0
        Factor on the widths of the belief.
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
        return thompson_policy(self._belief(contexts), self._selector, self.alpha, available)


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
        return self._belief(contexts).upper_bound(self.alpha)
