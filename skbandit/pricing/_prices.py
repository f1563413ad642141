"""Prices of arms, and the units that a reward says were sold.

Functions of labels and arrays; messages name the parameter or argument that is wrong.
"""

from numbers import Real

import numpy as np

# Units that are not whole, or not within bounds, by this relative part are rounded.
_ROUNDING = 1e-6
_WHAT = {
    "binary": "0 or 1",
    "unit_interval": "from 0 to 1",
    "count": "0 or a positive integer",
}


def prices_of(arms, prices=None):
    """Return the price of each arm.

    Parameters
    ----------
    arms : ndarray of shape (n_arms,)
        Labels.
    prices : dict of arm to price, callable from an arm to its price, or None, default=None
        None: the labels are numbers, and those are the prices.

    Returns
    -------
    price : ndarray of shape (n_arms,)

    Raises
    ------
    ValueError
        If an arm has no price, or one that is negative or no finite number.
    """
    labels = arms.tolist()
    if prices is None:
        if arms.dtype.kind not in "iuf":
            raise ValueError(
                f"prices=None reads the labels of the arms as prices, and {labels[0]!r} is no "
                "number. Name the price of each arm: prices={arm: price}."
            )
        found = labels
    elif callable(prices):
        found = [prices(label) for label in labels]
    else:
        missing = [label for label in labels if label not in prices]
        if missing:
            raise ValueError(
                f"prices names no price for {missing!r}. Add them: prices={{arm: price}}."
            )
        found = [prices[label] for label in labels]
    for label, price in zip(labels, found, strict=True):
        if isinstance(price, (bool, np.bool_)) or not isinstance(price, Real):
            raise ValueError(f"prices must be numbers, got {price!r} for the arm {label!r}.")
        if not 0.0 <= price < np.inf:
            raise ValueError(
                f"prices must be finite and not negative, got {price!r} for the arm {label!r}."
            )
    return np.array(found, dtype=np.float64)


def units_sold(reward, price, unit_cost, kind, owner):
    """Return the units that rewards say were sold: the reward over what a unit earns.

    Parameters
    ----------
    reward : ndarray of shape (n_samples,)
        What the rounds have earned: (price - unit_cost) times the units.
    price : ndarray of shape (n_samples,)
        At which price.
    unit_cost : float
    kind : {"real", "unit_interval", "binary", "count"}
        Which units there can be.
    owner : str
        Name of the bandit, for messages.

    Returns
    -------
    units : ndarray of shape (n_samples,)
        0 where a unit earns nothing, so that the reward says nothing of the units.

    Raises
    ------
    ValueError
        If no number of units of this kind earns the reward.
    """
    margin = price - unit_cost
    silent = margin == 0.0
    if (silent & (reward != 0.0)).any():
        place = np.flatnonzero(silent & (reward != 0.0))[0]
        raise ValueError(
            "reward must be (price - unit_cost) times the units sold: at the price "
            f"{price[place]:g}, which earns nothing a unit, it must be 0, got {reward[place]:g}."
        )
    units = reward / np.where(silent, 1.0, margin)
    if kind == "real":
        return units
    whole = np.round(units)
    near = np.abs(units - whole) <= _ROUNDING * np.maximum(np.abs(whole), 1.0)
    if kind == "unit_interval":
        bounded = np.clip(units, 0.0, 1.0)
        good = np.abs(units - bounded) <= _ROUNDING
        units = np.where(near & good, np.clip(whole, 0.0, 1.0), bounded)
    else:
        good = near & (whole >= 0.0)
        if kind == "binary":
            good &= whole <= 1.0
        units = whole
    if not good.all():
        place = np.flatnonzero(~good)[0]
        raise ValueError(
            "reward must be (price - unit_cost) times the units sold, and units must be "
            f"{_WHAT[kind]} for {owner}; at the price {price[place]:g} and unit_cost={unit_cost:g}"
            f" a reward of {reward[place]:g} is {reward[place] / margin[place]:g} units (in "
            f"{np.count_nonzero(~good)} of {reward.size} entries)."
        )
    return units


def check_prices(prices):
    """Return prices that somebody asks about as an array.

    Parameters
    ----------
    prices : array-like of shape (n_prices,)

    Returns
    -------
    price : ndarray of shape (n_prices,)

    Raises
    ------
    ValueError
        If they are not finite numbers on one axis, or one is negative.
    """
    price = np.asarray(prices)
    if price.ndim != 1 or not price.size or price.dtype.kind not in "iuf":
        raise ValueError(
            f"prices must be numbers, of shape (n_prices,), got {price.dtype} of shape "
            f"{price.shape}."
        )
    if not ((price >= 0.0) & (price < np.inf)).all():
        raise ValueError(f"prices must be finite and not negative, got {price.tolist()}.")
    return price.astype(np.float64)
