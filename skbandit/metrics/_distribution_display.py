"""The distribution of the reward under a policy, drawn with its band."""

import numpy as np

_COLOR = "#0072B2"


class RewardDistributionDisplay:
    """A distribution function with its band, and quantiles with their intervals.

    Use :meth:`from_distribution` to make one; the parameters are stored as attributes.

    Parameters
    ----------
    distribution : RewardDistribution
        What :func:`reward_distribution` returned.
    band : DistributionBand, default=None
        Its band; None draws the estimate alone.
    quantiles : tuple of float, default=(0.1, 0.5, 0.9)
        Which quantiles to mark.
    name : str, default=None
        The policy, for a legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the function.
    figure_ : matplotlib Figure
        Figure that holds them.
    line_ : matplotlib Line2D
        The distribution function.
    band_ : matplotlib PolyCollection or None
        Its band.
    errorbar_ : matplotlib ErrorbarContainer or None
        Quantiles and their intervals.

    See Also
    --------
    reward_distribution : Gives the distribution.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skbandit.metrics import RewardDistributionDisplay, reward_distribution
    >>> reward, half = np.random.default_rng(0).normal(size=500), np.full(500, 0.5)
    >>> distribution = reward_distribution(reward, half, half)
    >>> display = RewardDistributionDisplay.from_distribution(distribution, random_state=0)
    >>> display.ax_.get_ylabel()
    'Share of rounds with at most this reward'
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, distribution, band=None, quantiles=(0.1, 0.5, 0.9), name=None):
        self.distribution = distribution
        self.band = band
        self.quantiles = quantiles
        self.name = name

    @classmethod
    def from_distribution(
        cls,
        distribution,
        *,
        confidence_level=0.95,
        n_resamples=1000,
        random_state=None,
        quantiles=(0.1, 0.5, 0.9),
        name=None,
        ax=None,
        line_kw=None,
        band_kw=None,
    ):
        """Compute the band of a distribution and draw both.

        Parameters
        ----------
        distribution : RewardDistribution
            What :func:`reward_distribution` returned.
        confidence_level : float or None, default=0.95
            Of the band; None draws none.
        n_resamples : int, default=1000
            As in :meth:`RewardDistribution.band`.
        random_state : int, RandomState instance or None, default=None
            As in :meth:`RewardDistribution.band`.
        quantiles : tuple of float, default=(0.1, 0.5, 0.9)
            Which quantiles to mark, with what the band says of them; empty marks none.
        name : str, default=None
            The policy, for a legend.
        ax : matplotlib Axes, default=None
            Where to draw, beside other policies for instance; None makes a figure.
        line_kw, band_kw : dict, default=None
            Passed to matplotlib's ``step`` and ``fill_between``.

        Returns
        -------
        display : RewardDistributionDisplay
        """
        band = None
        if confidence_level is not None:
            band = distribution.band(
                confidence_level=confidence_level,
                n_resamples=n_resamples,
                random_state=random_state,
            )
        display = cls(distribution=distribution, band=band, quantiles=quantiles, name=name)
        return display.plot(ax, line_kw=line_kw, band_kw=band_kw)

    def plot(self, ax=None, *, line_kw=None, band_kw=None):
        """Draw the function, the band and the quantiles.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        line_kw, band_kw : dict, default=None
            As in :meth:`from_distribution`.

        Returns
        -------
        display : RewardDistributionDisplay
            This display.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.band_ = self.errorbar_ = None
        low, high = self.distribution.reward_range
        at = np.concatenate([[low], self.distribution.support, [high]])
        style = {"where": "post", "color": _COLOR, "label": self.name} | (line_kw or {})
        (self.line_,) = ax.step(at, self.distribution.cdf(at), **style)
        color = self.line_.get_color()
        if self.band is not None:
            ends = self.band.cdf(at)
            style = {"step": "post", "color": color, "alpha": 0.18, "linewidth": 0}
            self.band_ = ax.fill_between(at, *ends, **style | (band_kw or {}))
        if len(self.quantiles):
            share = np.asarray(self.quantiles, dtype=np.float64)
            value, reach = self.distribution.quantile(share), None
            if self.band is not None:
                ends = self.band.quantile(share)
                reach = np.abs([value - ends.low, ends.high - value])
            self.errorbar_ = ax.errorbar(
                value, share, xerr=reach, fmt="o", color=color, capsize=3, markersize=4
            )
        ax.set_xlabel("Reward of a round")
        ax.set_ylabel("Share of rounds with at most this reward")
        if self.name is not None:
            ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        return self
