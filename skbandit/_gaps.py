"""Inverse gap weighting: policies from how far arms are behind. Arrays in, arrays out."""

import numpy as np

from ._scores import checked_k, masked_scores, tie_width


def inverse_gap_policy(scores, gamma, k=1, available=None):
    r"""Play arms with a probability that falls with their gap to the best.

    With :math:`\mu` arms that may be played and :math:`\Delta_a` the gap of arm a,

    .. math:: p_a = \frac{1}{\mu + \gamma \Delta_a}

    for all but the best, which has the rest [1]_. Of sets of k, the k - 1 best are played for
    sure, and the last place goes to one of the others in this way [2]_.

    Parameters
    ----------
    scores : array-like of shape (n_rows, n_arms)
    gamma : float >= 0
        0 plays all alike, towards infinity the best is played.
    k : int, default=1
    available : array-like of bool of shape (n_rows, n_arms), default=None

    Returns
    -------
    probability : ndarray of shape (n_rows, n_arms)
        Rows sum to k. Arms that tie with the k-th best share evenly.

    References
    ----------
    .. [1] D. Foster and A. Rakhlin (2020). Beyond UCB: optimal and efficient contextual bandits
       with regression oracles. ICML, section 3.
    .. [2] R. Sen et al. (2021). Top-k extreme contextual bandits with arm hierarchy. ICML.

    Examples
    --------
    >>> from skbandit._gaps import inverse_gap_policy
    >>> inverse_gap_policy([[1.0, 0.5, 0.0]], gamma=4.0).round(3)
    array([[0.657, 0.2  , 0.143]])
    """
    scores, available = masked_scores(scores, available)
    k = checked_k(k, scores.shape[1], available)
    n_arms = scores.shape[1]
    usable = np.ones(scores.shape, dtype=bool) if available is None else available
    width = tie_width(scores)
    edge = np.partition(scores, n_arms - k, axis=1)[:, n_arms - k, None]
    above = scores > edge + width
    tied = (scores >= edge - width) & ~above & usable
    behind = usable & ~above & ~tied
    n_left = np.count_nonzero(tied | behind, axis=1)[:, None]
    gap = np.where(behind, edge - np.where(behind, scores, 0.0), 0.0)
    probability = np.where(behind, 1.0 / (n_left + gamma * gap), 0.0)
    rest = k - np.count_nonzero(above, axis=1)[:, None] - probability.sum(axis=1, keepdims=True)
    share = rest / np.count_nonzero(tied, axis=1)[:, None]
    return above + np.where(tied, share, probability)
