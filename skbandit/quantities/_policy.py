"""Policies over arms and quantities whose density is exact: mixtures of boxes."""

import numpy as np

from .._sampling import draw_arms


class QuantityPolicy:
    """A policy over arms and quantities: in each row a mixture of uniform densities on boxes.

    Densities, chances of boxes and draws are exact, whatever the bandit.

    Parameters
    ----------
    arm : ndarray of int of shape (n_components,) or (n_samples, n_components)
        The arm that each component plays.
    weight : ndarray of shape (n_samples, n_components)
        The chance of each component.
    low, high : ndarray of shape (n_components, n_quantities) or \
            (n_samples, n_components, n_quantities)
        The box on which a component is uniform, inside that of its arm; NaN where the arm takes
        none.
    top : ndarray of shape (n_arms, n_quantities)
        The upper ends of the boxes of the arms. A component's box is closed there, and half open,
        [low, high), elsewhere.

    See Also
    --------
    ZoomingBandit.quantity_policy : Returns one.

    Notes
    -----
    The density at (arm a, quantity q) of a row is
    :math:`\\sum_j w_j 1[a_j = a] 1[q \\in B_j] / |B_j|`; the volume of no box is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.quantities import QuantityPolicy
    >>> policy = QuantityPolicy(
    ...     arm=[0, 0, 1],
    ...     weight=[[0.5, 0.25, 0.25]],
    ...     low=np.array([[0.0], [1.0], [np.nan]]),
    ...     high=np.array([[1.0], [2.0], [np.nan]]),
    ...     top=np.array([[2.0], [np.nan]]),
    ... )
    >>> policy.probability().tolist()
    [[0.75, 0.25]]
    >>> policy.density(np.array([0]), np.array([[1.5]])).tolist()
    [0.25]
    """

    def __init__(self, arm, weight, low, high, top):
        self.weight = np.asarray(weight)
        shape = self.weight.shape
        self.arm = np.broadcast_to(arm, shape)
        self.low = np.broadcast_to(low, (*shape, np.shape(low)[-1]))
        self.high = np.broadcast_to(high, (*shape, np.shape(high)[-1]))
        self.top = np.asarray(top)

    def probability(self, n_arms=None):
        """Return the chance of each arm.

        Parameters
        ----------
        n_arms : int, default=None
            None: as many as the policy knows.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_arms)
        """
        n_arms = len(self.top) if n_arms is None else n_arms
        n_samples = len(self.weight)
        # Adds up in the order of the components: rows have no influence on each other.
        place = self.arm + n_arms * np.arange(n_samples)[:, None]
        total = np.bincount(
            place.ravel(), weights=self.weight.ravel(), minlength=n_samples * n_arms
        )
        return total.reshape(n_samples, n_arms)

    def density(self, arm, quantity):
        """Return the density of an arm with a quantity in each row, (n_samples,).

        Parameters
        ----------
        arm : ndarray of int of shape (n_samples,)
        quantity : ndarray of shape (n_samples, n_quantities)
            NaN where the arm takes none.

        Returns
        -------
        density : ndarray of shape (n_samples,)
            In 1 over the units of the quantities.
        """
        at = quantity[:, None, :]
        taken = ~np.isnan(self.low)
        closed = self.high >= self.top[self.arm]
        inside = (at >= self.low) & ((at < self.high) | (closed & (at == self.high)))
        factor = np.where(inside, 1.0 / np.where(taken, self.high - self.low, 1.0), 0.0)
        factor = np.where(taken, factor, 1.0).prod(axis=-1)
        return np.where(self.arm == arm[:, None], self.weight * factor, 0.0).sum(axis=1)

    def chance(self, arm, low, high):
        """Return the chance of an arm with a quantity in a box in each row, (n_samples,).

        Parameters
        ----------
        arm : ndarray of int of shape (n_samples,)
        low, high : ndarray of shape (n_samples, n_quantities)
            Ends of the box, which may reach beyond that of the arm; NaN, or infinite, where all is
            in it.

        Returns
        -------
        chance : ndarray of shape (n_samples,)
        """
        taken = ~np.isnan(self.low)
        low = np.where(np.isnan(low), -np.inf, low)[:, None, :]
        high = np.where(np.isnan(high), np.inf, high)[:, None, :]
        shared = np.minimum(self.high, high) - np.maximum(self.low, low)
        side = np.where(taken, self.high - self.low, 1.0)
        factor = np.where(taken, np.maximum(shared, 0.0) / side, 1.0).prod(axis=-1)
        return np.where(self.arm == arm[:, None], self.weight * factor, 0.0).sum(axis=1)

    def draw(self, uniform):
        """Draw an arm and a quantity in each row.

        Parameters
        ----------
        uniform : ndarray of shape (n_samples, 1 + n_quantities)
            In [0, 1): one number for the component, one for each quantity.

        Returns
        -------
        arm : ndarray of int of shape (n_samples,)
        quantity : ndarray of shape (n_samples, n_quantities)
        """
        component = draw_arms(self.weight, uniform[:, 0])[:, 0]
        rows = np.arange(len(component))
        arm, low, high = (one[rows, component] for one in (self.arm, self.low, self.high))
        quantity = low + uniform[:, 1:] * (high - low)
        # Rounding may reach the upper end, which belongs to the next box.
        quantity = np.minimum(quantity, np.nextafter(high, low))
        return arm, np.maximum(quantity, low)
