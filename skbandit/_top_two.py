"""Top-two Thompson sampling: from the chances of being best to the chances of being played."""

import numpy as np

from .beliefs import BaseBelief

# Below this the quadrature does not say how the chances of the others compare.
_LEAST_REST = 1e-6


def top_two_policy(best, beta, challenger):
    r"""Chances that top-two Thompson sampling plays each arm.

    Parameters
    ----------
    best : ndarray of shape (n_rows, n_arms)
        The chance :math:`P_i` that arm i is the best; 0 for arms that may not be played.
    beta : float in (0, 1)
        Share of the rounds for the arm that is drawn first.
    challenger : callable
        From a row and an arm i to how likely each arm is to be the best if i is not,
        (n_arms,); asked where the chances of the others are too small to be compared.

    Returns
    -------
    policy : ndarray of shape (n_rows, n_arms)

    Notes
    -----
    .. math::

        p_j = P_j \left( \beta + (1 - \beta) \sum_{i \ne j} \frac{P_i}{1 - P_i} \right) .

    The denominator is taken as the sum of the other chances, which keeps its digits.
    """
    n_arms = best.shape[1]
    rest = best @ (1.0 - np.eye(n_arms))
    clear = rest > _LEAST_REST
    odds = np.where(clear, best / np.where(clear, rest, 1.0), 0.0)
    policy = best * (beta + (1.0 - beta) * (odds.sum(axis=1, keepdims=True) - odds))
    for row, leader in zip(*np.nonzero(~clear), strict=True):
        policy[row] += (1.0 - beta) * best[row, leader] * challenger(row, leader)
    return policy / policy.sum(axis=1, keepdims=True)


def challengers(costs, leader):
    """How likely each arm is to be the best if the leading one is not, from exponents.

    Parameters
    ----------
    costs : ndarray of shape (n_arms,)
        What it takes for each arm to overtake the leading one; infinite for arms that may not be
        played.
    leader : int

    Returns
    -------
    probability : ndarray of shape (n_arms,)
        In proportion to ``exp(-costs)``; the leading arm itself where there is no other.
    """
    costs = costs.copy()
    costs[leader] = np.inf
    least = costs.min()
    if not np.isfinite(least):
        return np.eye(len(costs))[leader]
    weight = np.exp(least - costs)
    return weight / weight.sum()


class TopTwoBelief(BaseBelief):
    """A belief whose highest draw gives way to the second highest in a share of the rounds."""

    def __init__(self, belief, beta, costs):
        self.belief, self.beta, self.costs = belief, beta, costs
        self.mean = belief.mean

    def best(self, available=None):
        mask = np.ones(self.mean.shape, dtype=bool) if available is None else available
        best = np.where(mask, self.belief.best(available), 0.0)

        def challenger(row, leader):
            return challengers(np.where(mask[row], self.costs(leader), np.inf), leader)

        return top_two_policy(best, self.beta, challenger)

    def shifted(self, offset):
        raise ValueError(
            "Top-two Thompson sampling finds the arm of the highest reward, so a cost cannot be "
            "weighed against it. Let the bandit learn the reward less the cost."
        )

    def top(self, k, available=None):
        return self.best(available) if k == 1 else self.belief.top(k, available)

    def draws(self, n_draws, seed):
        draws = self.belief.draws(n_draws, seed)
        if draws.shape[2] < 2:
            return draws
        # Spread evenly over the draws.
        count = np.arange(1, n_draws + 1) * (1.0 - self.beta)
        swapped = np.flatnonzero(np.floor(count) > np.floor(count - (1.0 - self.beta)))
        second, first = np.argsort(draws[swapped], axis=2)[:, :, -2:].transpose(2, 0, 1)
        rows = np.arange(draws.shape[1])
        place = swapped[:, None], rows
        high, low = draws[(*place, first)], draws[(*place, second)]
        draws[(*place, first)], draws[(*place, second)] = low, high
        return draws

    def _alike(self, selector):
        return self.belief._alike(selector)
