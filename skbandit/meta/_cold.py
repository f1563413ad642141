"""Arms that have too few rewards to fit a model to: what is believed about them until then."""

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv


class Paid(NamedTuple):
    """What each arm has paid; squares are about its mean, so that an offset costs no digits."""

    weight: np.ndarray  # (n_arms,) how many rounds
    mean: np.ndarray  # (n_arms,) of the rewards; 0 where there are none
    square: np.ndarray  # (n_arms,) sum of the squares about the mean

    @classmethod
    def nothing(cls, n_arms):
        """Before any round."""
        return cls(np.zeros(n_arms), np.zeros(n_arms), np.zeros(n_arms))

    @classmethod
    def of(cls, arm, reward, weight, n_arms):
        """What these rounds have paid."""
        total = np.bincount(arm, weight, minlength=n_arms)
        mean = _over(np.bincount(arm, weight * reward, minlength=n_arms), total)
        square = np.bincount(arm, weight * (reward - mean[arm]) ** 2, minlength=n_arms)
        return cls(total, mean, square)

    def and_of(self, arm, reward, weight):
        """With these rounds as well."""
        more = Paid.of(arm, reward, weight, len(self.weight))
        total = self.weight + more.weight
        step = more.mean - self.mean
        mean = self.mean + step * _over(more.weight, total)
        across = step**2 * _over(self.weight * more.weight, total)
        return Paid(total, mean, self.square + more.square + across)

    def together(self):
        """All arms as if they were one."""
        total = self.weight.sum()
        mean = np.array([_over(self.weight @ self.mean, total)])
        square = self.square.sum() + self.weight @ (self.mean - mean) ** 2
        return Paid(np.array([total]), mean, np.array([square]))

    def reward_variance(self):
        """Of the rewards of all arms about their common mean; 1 before there are any."""
        weight, _, square = (float(part[0]) for part in self.together())
        return square / weight if weight > 0.0 else 1.0


def _over(part, total):
    """A quotient that is 0 where there is nothing."""
    return part / np.where(total > 0.0, total, 1.0)


def is_warm(paid, least, in_unit_interval):
    """Whether each arm has rewards enough to fit a model to.

    Parameters
    ----------
    paid : Paid
    least : float
        Weight of the rewards; of each kind, where they lie in [0, 1].
    in_unit_interval : bool

    Returns
    -------
    warm : ndarray of bool of shape (n_arms,)
    """
    enough = least * (1.0 - 1e-9)
    if in_unit_interval:
        return paid.weight * np.minimum(paid.mean, 1.0 - paid.mean) >= enough
    return paid.weight >= enough


def cold_moments(paid, in_unit_interval):
    r"""Mean and standard deviation of the expected reward of each arm, from its rewards alone.

    Rewards in [0, 1] have a Beta posterior. With :math:`m = (1 + \sum r) / (2 + \sum w)` over all
    arms, the prior is :math:`\text{Beta}(2 m, 2 - 2 m)`, which is uniform before any round. Other
    rewards have a Gaussian one: the prior counts as one round of what arms pay on average, with
    the variance that rewards have about that (0 and 1 before any round).

    Parameters
    ----------
    paid : Paid
    in_unit_interval : bool

    Returns
    -------
    mean, std : ndarray of shape (n_arms,)
    """
    weight, mean, square = (float(part[0]) for part in paid.together())
    if in_unit_interval:
        rate = (1.0 + weight * mean) / (2.0 + weight)
        ones = 2.0 * rate + paid.weight * paid.mean
        zeros = 2.0 * (1.0 - rate) + paid.weight * (1.0 - paid.mean)
        count = ones + zeros
        return ones / count, np.sqrt(ones * zeros / (count**2 * (count + 1.0)))
    scale = (square / weight) ** 0.5 if weight > 0.0 else 1.0
    count = 1.0 + paid.weight
    return mean + (paid.mean - mean) * (paid.weight / count), scale / np.sqrt(count)


def beta_quantiles(mean, std, levels):
    """Quantiles of the Beta distributions of some means and standard deviations.

    Parameters
    ----------
    mean, std : ndarray of shape (n_arms,)
        Between 0 and 1, as :func:`cold_moments` says.
    levels : ndarray of shape (n_levels, 1)

    Returns
    -------
    quantiles : ndarray of shape (n_levels, n_arms)
    """
    count = mean * (1.0 - mean) / std**2 - 1.0
    return betaincinv(mean * count, (1.0 - mean) * count, levels)
