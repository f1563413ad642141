r"""Exponential weights as scores plus Gumbel noise, of which the highest is played.

The arm with the highest of :math:`s_a + g_a`, the g independent standard Gumbel variables, is a
with the probability :math:`e^{s_a} / \sum_b e^{s_b}`. Seen so, exponential weights are a belief,
and a selector for sets, or one that weighs scores, has a meaning for them.
"""

import numpy as np
from scipy.special import softmax

from .._top_k import few_others_above
from ..beliefs import BaseBelief, alike_arms

# Below s - 3.04 a Gumbel variable lies with a chance of 1e-9, above s + 20.7 with one of 1e-9.
_BELOW, _ABOVE = 3.1, 20.8
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


def gumbel_top_probability(k, scores, available=None):
    """Chance that each arm is among the k highest of scores with Gumbel noise.

    Parameters
    ----------
    k : int
    scores : ndarray of shape (n_rows, n_arms)
    available : ndarray of bool of shape (n_rows, n_arms), default=None

    Returns
    -------
    probability : ndarray of shape (n_rows, n_arms)
        Each row sums to k. For one arm that is the softmax of the scores.
    """
    usable = np.ones(scores.shape, dtype=bool) if available is None else available
    masked = np.where(usable, scores, -np.inf)
    if k == 1:
        return softmax(masked, axis=1)
    return np.array([_top_of_row(k, *row) for row in zip(masked, usable, strict=True)])


def _top_of_row(k, scores, usable):
    p = np.zeros(len(scores))
    arms = np.flatnonzero(usable)
    if len(arms) == k:
        p[arms] = 1.0
        return p
    order = arms[np.argsort(-scores[arms], kind="stable")]
    # Steps that are so wide that the order is certain may as well be shorter.
    steps = np.minimum(-np.diff(scores[order]), _ABOVE + _BELOW)
    close = -np.concatenate([[0.0], np.cumsum(steps)])
    low, high = close[k - 1] - _BELOW, close[0] + _ABOVE
    n_panels = int(np.ceil(high - low))
    half = 0.5 * (high - low) / n_panels
    x = low + half * (2 * np.arange(n_panels)[:, None] + 1.0 + _NODES)
    # exp(-e^{s - x}) is the chance to stay below x.
    rate = np.exp(np.minimum(close[:, None, None] - x, 700.0))
    density = rate * np.exp(-rate) * few_others_above(k, -np.expm1(-rate))
    chance = np.einsum("apn,n->a", density, _WEIGHTS) * half
    p[order] = np.clip(chance * (k / chance.sum()), 0.0, 1.0)
    return p


class GumbelBelief(BaseBelief):
    """Scores plus standard Gumbel noise."""

    def __init__(self, scores):
        self.scores = scores

    @property
    def mean(self):
        """The scores, (n_rows, n_arms)."""
        return self.scores

    def best(self, available=None):
        """See :meth:`BaseBelief.best`; the softmax of the scores."""
        return gumbel_top_probability(1, self.scores, available)

    def top(self, k, available=None):
        """See :meth:`BaseBelief.top`; by quadrature."""
        return gumbel_top_probability(k, self.scores, available)

    def shifted(self, offset):
        """See :meth:`BaseBelief.shifted`; scores are no rewards, so nothing can be taken off."""
        raise ValueError(
            "Exp3 draws its arms by exponential weights, which are no rewards, so a cost cannot "
            "be weighed against them. Let it learn the reward less the cost."
        )

    def draws(self, n_draws, seed):
        """See :meth:`BaseBelief.draws`; the noise of an arm is the same in all rows."""
        noise = np.empty((n_draws, 1, self.scores.shape[1]))
        for arm in range(noise.shape[2]):
            sequence = np.random.SeedSequence(seed, spawn_key=(arm,))
            noise[:, 0, arm] = np.random.default_rng(sequence).gumbel(size=n_draws)
        return self.scores + noise

    def _alike(self, selector):
        closed = getattr(selector, "has_closed_form", False)
        return None if closed else alike_arms(self.scores)
