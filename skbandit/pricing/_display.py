"""The demand curve and what prices earn, drawn."""

import numpy as np
from scipy.special import ndtri

_DEMAND, _EARNED, _PLAYED = "#0072B2", "#D55E00", "#000000"
_N_PRICES = 200


class PricingDisplay:
    """Curves of the demand and of what a round earns, over the price, each with its band.

    Use :meth:`from_estimator` to make one; the parameters are stored as attributes.

    Parameters
    ----------
    price : ndarray of shape (n_prices,)
        Rising.
    demand, demand_std : ndarray of shape (n_prices,)
        Mean and standard deviation of the demand, as it is believed.
    earned, earned_std : ndarray of shape (n_prices,)
        The same of what a round earns.
    level : float in (0, 1), default=0.9
        The chance that the belief, read as a Gaussian one, gives to a band at each price.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes
        The demand, and what is earned.
    lines_ : list of matplotlib Line2D
    bands_ : list of matplotlib FillBetweenPolyCollection
    best_ : matplotlib Line2D
        Upright, at the price that is believed to earn the most.

    See Also
    --------
    DemandCurveThompsonSampling : Has a demand curve.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skbandit.pricing import DemandCurveThompsonSampling, PricingDisplay
    >>> bandit = DemandCurveThompsonSampling(arms=[5, 10, 20])
    >>> bandit = bandit.fit([[0.0]] * 4, [5, 10, 20, 20], reward=[5, 10, 0, 0])
    >>> display = PricingDisplay.from_estimator(bandit, [[0.0]])
    >>> len(display.lines_), len(display.bands_)
    (2, 2)
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, price, demand, demand_std, earned, earned_std, level=0.9):
        self.price = price
        self.demand = demand
        self.demand_std = demand_std
        self.earned = earned
        self.earned_std = earned_std
        self.level = level

    @classmethod
    def from_estimator(cls, estimator, X, *, prices=None, level=0.9, axes=None):
        """Ask a bandit for its curves in one context, and draw them.

        Parameters
        ----------
        estimator : bandit of :mod:`skbandit.pricing`
        X : array-like of shape (1, n_features)
            The context.
        prices : array-like of shape (n_prices,), default=None
            Where the curves are drawn. None: from the lowest price of the arms to the highest.
        level : float in (0, 1), default=0.9
        axes : pair of matplotlib Axes, default=None
            None makes a figure.

        Returns
        -------
        display : PricingDisplay
        """
        if prices is None:
            _, asked = estimator._asked(X)
            prices = np.linspace(*asked.price_range_, _N_PRICES)
        price = np.sort(np.asarray(prices, dtype=np.float64))
        mean, std = estimator.demand_curve(X, price, return_std=True)
        if len(mean) != 1:
            raise ValueError(f"X must have one row, the context of the curves, got {len(mean)}.")
        margin = price - estimator.unit_cost
        display = cls(
            price=price,
            demand=mean[0],
            demand_std=std[0],
            earned=margin * mean[0],
            earned_std=np.abs(margin) * std[0],
            level=level,
        )
        return display.plot(axes=axes)

    def plot(self, *, axes=None):
        """Draw the curves.

        Parameters
        ----------
        axes : pair of matplotlib Axes, default=None
            None makes a figure.

        Returns
        -------
        display : PricingDisplay
            Itself.
        """
        import matplotlib.pyplot as plt

        if not 0.0 < self.level < 1.0:
            raise ValueError(f"level must lie between 0 and 1, got {self.level!r}.")
        if axes is None:
            _, axes = plt.subplots(1, 2, figsize=(9.0, 3.6), constrained_layout=True)
        self.axes_ = np.asarray(axes)
        self.figure_ = self.axes_[0].figure
        self.lines_, self.bands_ = [], []
        reach = float(ndtri(0.5 + 0.5 * self.level))
        for axis, mean, std, color, label in (
            (self.axes_[0], self.demand, self.demand_std, _DEMAND, "units a round"),
            (self.axes_[1], self.earned, self.earned_std, _EARNED, "earned a round"),
        ):
            band = axis.fill_between(
                self.price, mean - reach * std, mean + reach * std, color=color, alpha=0.2, lw=0
            )
            (line,) = axis.plot(self.price, mean, color=color)
            axis.set(xlabel="price", ylabel=label)
            self.bands_.append(band)
            self.lines_.append(line)
        best = self.price[np.argmax(self.earned)]
        self.best_ = self.axes_[1].axvline(best, color=_PLAYED, lw=0.8, ls=":")
        return self
