"""What bandits over a list of prices share."""

from numbers import Real

import numpy as np

from .._sklearn import Interval
from ..base import BaseBandit
from ._prices import prices_of, units_sold

PRICE_CONSTRAINTS = {
    "prices": [dict, callable, None],
    "unit_cost": [Interval(Real, 0, None, closed="left")],
}


def carried_weight(weight, resize):
    """Weights of the rounds of each arm, for other arms."""
    known = resize.arm_source >= 0
    carried = np.where(known, weight[np.maximum(resize.arm_source, 0)], 0.0)
    if resize.shares is not None:
        carried[~known] = resize.shares @ weight
    return carried


class BasePricingBandit(BaseBandit):
    """Base class of bandits whose arms have a price and pay price times demand.

    A subclass has the parameters ``prices`` and ``unit_cost``, and defines ``_demand(contexts)``:
    mean and standard deviation of the demand at each price.
    """

    _parameter_constraints = {**BaseBandit._parameter_constraints, **PRICE_CONSTRAINTS}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        bandit = tags.bandit_tags
        bandit.arms, bandit.prior, bandit.location = "linked", "learnt", "fixed"
        bandit.policy = "draws"
        return tags

    # ------------------------------------------------------------------ prices
    @property
    def _price(self):
        """Price of each arm, (n_arms,)."""
        return prices_of(self.classes_, self.prices)

    def _check_prices(self):
        """Raise where an arm has no price, or an impossible one."""
        prices_of(self.classes_, self.prices)

    @property
    def _margin(self):
        """What a unit earns at each price, (n_arms,)."""
        return self._price - self.unit_cost

    def _check_reward(self, reward):
        # Which units a reward is depends on the arm that was played: see _units.
        pass

    def _sold(self, rounds, price, kind):
        """Units sold in each round at these prices, and the weight of what that says of demand."""
        units = units_sold(rounds.reward, price, float(self.unit_cost), kind, type(self).__name__)
        # A unit that earns nothing leaves no trace in the reward.
        return units, np.where(price == self.unit_cost, 0.0, rounds.weights)

    # --------------------------------------------------------------- questions
    def _demand(self, contexts):
        raise NotImplementedError(f"{type(self).__name__} must define _demand.")

    def _expected_reward(self, contexts):
        mean, std = self._demand(contexts)
        margin = self._margin
        return mean * margin, std * np.abs(margin)

    def expected_demand(self, X, return_std=False):
        """Return the units that are believed to be sold at each price.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The contexts.
        return_std : bool, default=False
            Also return the standard deviation of that belief.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_arms)
            Units a round: the chance of a purchase, where a customer buys one or none. It does not
            rise with the price.
        std : ndarray of shape (n_samples, n_arms)
            Only if `return_std`.
        """
        contexts, bandit = self._asked(X)
        mean, std = bandit._columns(contexts, lambda rows, block: bandit._demand(block), 2)
        return (mean, std) if return_std else mean

    # ---------------------------------------------------- what users look at
    @property
    def prices_(self):
        """Price of each arm, (n_arms,)."""
        return self._price

    @property
    def price_range_(self):
        """The lowest and the highest price of the arms, (2,)."""
        return np.array([self._price.min(), self._price.max()])
