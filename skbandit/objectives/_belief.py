"""What is believed about the worth of arms that pay in several objectives."""

from functools import cached_property

import numpy as np

from .._optimality import argmax_policy, top_policy
from ..beliefs import BaseBelief, IndependentBelief, alike_arms
from ..selectors import BaseSelector

# As many as a selector without a closed form takes of any belief.
N_DRAWS = 512


class ObjectivesBelief(BaseBelief):
    """The worth of arms under beliefs about several objectives, which are independent.

    Parameters
    ----------
    parts : list of beliefs
        One an objective.
    selector : objective selector
        One that knows arms, objectives and costs.
    available : ndarray of bool of shape (n_rows, n_arms), default=None
        Arms among which worth is found.
    offset : ndarray of shape (n_rows, n_arms), default=None
        Added to the worth.
    """

    def __init__(self, parts, selector, available=None, offset=None):
        self.parts = parts
        self.selector = selector
        self.available = available
        self.offset = offset

    @cached_property
    def mean(self):
        """Worth of the means, (n_rows, n_arms)."""
        return self._worth(stacked([part.mean for part in self.parts]))

    @cached_property
    def std(self):
        """Standard deviation of the worth over draws, (n_rows, n_arms)."""
        return self.draws(N_DRAWS, 0).std(axis=0)

    @property
    def is_sure(self):
        """Whether no belief has any width."""
        return not any(np.any(part.std) for part in self.parts)

    def values(self, n_draws, seed):
        """Return joint draws of what the arms pay.

        Parameters
        ----------
        n_draws : int
        seed : int
            Each objective has draws of its own.

        Returns
        -------
        values : ndarray of shape (n_draws, n_rows, n_arms, n_objectives)
            A single one where nothing is uncertain.
        """
        if self.is_sure:
            return stacked([part.mean for part in self.parts])[None]
        draws = []
        for number, part in enumerate(self.parts):
            one = part.draws(n_draws, [seed, number])
            if number:
                # Beliefs that hold draws of the same deviates are paired at random.
                one = one[np.random.default_rng([seed, number]).permutation(len(one))]
            draws.append(one)
        return stacked(draws)

    def _worth(self, values):
        flat = values.reshape(-1, *values.shape[-2:])
        worth = self.selector.worth(flat, self._tiled(self.available, len(flat)))
        if self.offset is not None:
            worth = worth + self._tiled(self.offset, len(flat))
        return worth.reshape(values.shape[:-1])

    def _tiled(self, array, n_rows):
        """An array (n_rows, n_arms) for draws that come one after the other."""
        return None if array is None else np.tile(array, (n_rows // len(array), 1))

    def draws(self, n_draws, seed):
        """See :meth:`skbandit.beliefs.BaseBelief.draws`; one where nothing is uncertain."""
        return self._worth(self.values(n_draws, seed))

    def best(self, available=None):
        """See :meth:`skbandit.beliefs.BaseBelief.best`; the selector's choice in each draw."""
        values = self.values(N_DRAWS, 0)
        n_draws, n_rows, n_arms, _ = values.shape
        flat = values.reshape(-1, *values.shape[2:])
        mask = self._tiled(available, len(flat))
        if self.offset is None:
            choice = self.selector.choice(flat, mask)
        else:
            choice = argmax_policy(self._worth(values).reshape(-1, n_arms), mask)
        return choice.reshape(n_draws, n_rows, n_arms).mean(axis=0)

    def top(self, k, available=None):
        """See :meth:`skbandit.beliefs.BaseBelief.top`; the share of draws."""
        worth = self.draws(N_DRAWS, 0)
        n_draws, n_rows, n_arms = worth.shape
        mask = self._tiled(available, n_draws * n_rows)
        chosen = top_policy(worth.reshape(-1, n_arms), k, mask)
        return chosen.reshape(n_draws, n_rows, n_arms).mean(axis=0)

    def widened(self, alpha):
        """See :meth:`skbandit.beliefs.BaseBelief.widened`."""
        parts = [part.widened(alpha) for part in self.parts]
        return ObjectivesBelief(parts, self.selector, self.available, self.offset)

    def shifted(self, offset):
        """See :meth:`skbandit.beliefs.BaseBelief.shifted`; each draw's worth is."""
        offset = np.broadcast_to(offset, np.shape(self.parts[0].mean))
        if self.offset is not None:
            offset = offset + self.offset
        return ObjectivesBelief(self.parts, self.selector, self.available, offset)

    def _alike(self, selector):
        if self.is_sure:
            return None
        labels = [part._alike(_AVERAGED) for part in self.parts]
        if any(one is None for one in labels):
            return None
        n_rows, n_arms = labels[0].shape
        keys = self.selector.keys(n_rows, n_arms)
        if self.offset is not None:
            keys.append(self.offset)
        alike = alike_arms(*labels, *keys)
        # What one objective knows of no equal has none.
        return np.where(np.min(labels, axis=0) < 0, -1, alike)


# A selector of which nothing is computed in closed form, so that beliefs name the arms alike.
_AVERAGED = BaseSelector()


def stacked(values):
    """Values of each objective, the objectives along the last axis."""
    return np.stack(np.broadcast_arrays(*values), axis=-1).astype(np.float64)


def sum_of_gaussians(parts, weights, offset):
    """Return the belief about a weighted sum of independent Gaussians, or None.

    Parameters
    ----------
    parts : list of beliefs
    weights : ndarray of shape (n_objectives,)
    offset : ndarray of shape (n_rows, n_arms), or 0.0

    Returns
    -------
    belief : IndependentBelief or None
        None where a part that counts is not Gaussian.
    """
    counts = [(part, weight) for part, weight in zip(parts, weights, strict=True) if weight]
    if not all(isinstance(part, IndependentBelief) and part.dof is None for part, _ in counts):
        return None
    mean = sum(weight * np.asarray(part.mean) for part, weight in counts) + offset
    variance = sum((weight * np.asarray(part.scale)) ** 2 for part, weight in counts)
    return IndependentBelief(mean, np.sqrt(variance))
