"""The curve of reward over cost, with intervals in both."""

import numpy as np

_COLOR = "#0072B2"


class RewardCostDisplay:
    """What settings earn over what they cost, and the efficient ones of them.

    Use :meth:`from_curve` to make one; the parameters are stored as attributes.

    Parameters
    ----------
    values : list
        The settings.
    reward, cost : ndarray of shape (n_values,)
        Estimates.
    reward_interval, cost_interval : ndarray of shape (n_values, 2)
        Their ends.
    efficient : ndarray of bool of shape (n_values,)
        Which settings no other one beats.
    parameter : str, default=None
        The name of what is varied.
    logging : tuple of (cost, reward), default=None
        What the log has paid and earned.
    confidence_level : float, default=None
        Of the intervals.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curve.
    figure_ : matplotlib Figure
        Figure that holds them.
    errorbar_ : matplotlib ErrorbarContainer
        Points and intervals.
    frontier_ : matplotlib Line2D
        The line through the efficient settings.
    logging_ : matplotlib PathCollection or None
        The point of the log.
    texts_ : list of matplotlib Annotation
        The settings that are written beside their points.

    See Also
    --------
    reward_cost_curve : Makes the curve.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skbandit.model_selection import RewardCostDisplay
    >>> display = RewardCostDisplay(
    ...     values=[0.0, 0.5], reward=np.array([1.0, 0.8]), cost=np.array([3.0, 1.0]),
    ...     reward_interval=np.array([[0.9, 1.1], [0.7, 0.9]]),
    ...     cost_interval=np.array([[2.9, 3.1], [0.9, 1.1]]), efficient=np.array([True, True]),
    ... )
    >>> display.plot().ax_.get_xlabel()
    'Cost a round'
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        values,
        reward,
        cost,
        reward_interval,
        cost_interval,
        efficient,
        parameter=None,
        logging=None,
        confidence_level=None,
    ):
        self.values = values
        self.reward = reward
        self.cost = cost
        self.reward_interval = reward_interval
        self.cost_interval = cost_interval
        self.efficient = efficient
        self.parameter = parameter
        self.logging = logging
        self.confidence_level = confidence_level

    @classmethod
    def from_curve(cls, curve, *, ax=None, joint=False, **options):
        """Draw a curve.

        Parameters
        ----------
        curve : RewardCostCurve
            What :func:`reward_cost_curve` returns.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        joint : bool, default=False
            Draw the intervals that hold for all settings together.
        **options
            Passed to :meth:`plot`.

        Returns
        -------
        display : RewardCostDisplay
        """
        table = curve.table
        ends = curve.joint_intervals() if joint else table
        display = cls(
            values=curve.values,
            reward=table["reward"].to_numpy(),
            cost=table["cost"].to_numpy(),
            reward_interval=ends[["reward_low", "reward_high"]].to_numpy(),
            cost_interval=ends[["cost_low", "cost_high"]].to_numpy(),
            efficient=table["efficient"].to_numpy(),
            parameter=curve.parameter,
            logging=(curve.logging_cost.value, curve.logging_reward.value),
            confidence_level=curve.confidence_level,
        )
        return display.plot(ax, **options)

    def plot(self, ax=None, *, n_texts=6, line_kw=None, frontier_kw=None, logging_kw=None):
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        n_texts : int, default=6
            How many efficient settings are written beside their points.
        line_kw, frontier_kw, logging_kw : dict, default=None
            Passed to matplotlib's ``errorbar`` for the points, to ``plot`` for the frontier, and
            to ``scatter`` for the log.

        Returns
        -------
        display : RewardCostDisplay
            This display.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_, self.logging_ = ax, ax.figure, None
        reward, cost = np.asarray(self.reward), np.asarray(self.cost)
        style = {"fmt": "o", "color": _COLOR, "markersize": 4, "elinewidth": 0.8, "alpha": 0.8}
        self.errorbar_ = ax.errorbar(
            cost,
            reward,
            xerr=_reach(cost, self.cost_interval),
            yerr=_reach(reward, self.reward_interval),
            **style | (line_kw or {}),
        )
        place = np.flatnonzero(self.efficient)
        place = place[np.argsort(cost[place], kind="stable")]
        style = {"color": _COLOR, "linewidth": 1.2, "label": "efficient"}
        (self.frontier_,) = ax.plot(cost[place], reward[place], **style | (frontier_kw or {}))
        shown = np.unique(np.linspace(0, len(place) - 1, min(n_texts, len(place))).round())
        self.texts_ = [
            ax.annotate(
                f"{value:g}" if isinstance(value, (int, float)) else str(value),
                (cost[one], reward[one]),
                xytext=(4, -10),
                textcoords="offset points",
                fontsize="small",
            )
            for one in place[shown.astype(int)]
            for value in [self.values[one]]
        ]
        if self.logging is not None:
            style = {"color": "black", "marker": "x", "zorder": 3, "label": "the log"}
            self.logging_ = ax.scatter(*self.logging, **style | (logging_kw or {}))
        level = self.confidence_level
        of = f" ({100 * level:g} % intervals)" if level is not None else ""
        ax.set_xlabel("Cost a round")
        ax.set_ylabel(f"Reward a round{of}")
        ax.legend(title=self.parameter, frameon=False, loc="best")
        ax.spines[["top", "right"]].set_visible(False)
        return self


def _reach(value, ends):
    """Lengths of the bars to both sides; an interval need not hold its estimate."""
    ends = np.asarray(ends)
    return np.abs([value - np.minimum(ends[:, 0], value), np.maximum(ends[:, 1], value) - value])
