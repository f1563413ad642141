"""Regret curves."""

import numpy as np
from sklearn.isotonic import isotonic_regression

# Okabe & Ito (2008): told apart by colour-blind eyes; ordered so that neighbours differ in
# lightness, and each has a dash pattern, so that they are told apart in grey as well.
_COLORS = ("#0072B2", "#E69F00", "#000000", "#CC79A7", "#009E73", "#D55E00", "#56B4E9")
_DASHES = ("-", (0, (5, 1)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (8, 2)), (0, (2, 2)))
# More points than a figure has pixels across are not seen.
_MAX_POINTS = 2000
_LABEL_SIZE = 10.0


class RegretDisplay:
    """Curves of cumulative regret over the rounds, mean and spread over repeats.

    Use :meth:`from_results` to make one; the parameters are stored as attributes.

    Parameters
    ----------
    results : None
        Not taken: what :func:`simulate` returns goes to :meth:`from_results`.
    rounds : ndarray of shape (n_points,)
        Rounds played, counted from 1.
    mean, lower, upper : dict of str to ndarray of shape (n_points,)
        For each policy the curve, and the ends of its band (equal to the mean where there is
        none).
    uniform : ndarray of shape (n_points,), default=None
        Expected cumulative regret of uniformly random play.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.
    figure_ : matplotlib Figure
        Figure that holds them.
    lines_ : list of matplotlib Line2D
        One curve a policy.
    bands_ : list of matplotlib FillBetweenPolyCollection
        One band a policy that has one.
    labels_ : list of matplotlib Annotation
        The policies' names, at the ends of their curves.
    chance_level_ : matplotlib Line2D or None
        The curve of uniform play.

    Raises
    ------
    TypeError
        If it is given results, or lacks the curves.

    See Also
    --------
    simulate : Gives the results.
    summarize : The same in numbers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skbandit.benchmark import RegretDisplay, simulate
    >>> from skbandit.environments import LinearEnvironment
    >>> from skbandit.linear import LinearThompsonSampling, LinearUCB
    >>> bandits = {"UCB": LinearUCB(), "Thompson": LinearThompsonSampling()}
    >>> results = simulate(bandits, LinearEnvironment(), 100, n_repeats=3, random_state=0)
    >>> display = RegretDisplay.from_results(results)
    >>> [label.get_text() for label in display.labels_]
    ['UCB', 'Thompson']
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, results=None, *, rounds=None, mean=None, lower=None, upper=None, uniform=None
    ):
        if results is not None or any(part is None for part in (rounds, mean, lower, upper)):
            raise TypeError(
                "RegretDisplay is made of curves (rounds=, mean=, lower=, upper=). To draw what "
                "simulate returns, write RegretDisplay.from_results(results)."
            )
        self.rounds = rounds
        self.mean = mean
        self.lower = lower
        self.upper = upper
        self.uniform = uniform

    @classmethod
    def from_results(
        cls,
        results,
        *,
        policies=None,
        band="quantile",
        level=0.8,
        ax=None,
        plot_chance_level=False,
        chance_level_kw=None,
        line_kw=None,
        band_kw=None,
    ):
        """Draw the curves of a simulation.

        Parameters
        ----------
        results : DataFrame
            What :func:`simulate` returns. All policies need the same number of rounds.
        policies : list of str, default=None
            Which policies to draw, in this order; None means all.
        band : {"quantile", "standard_error"} or None, default="quantile"
            What is shaded where there are two repeats or more: the middle part of the repeats, the
            mean plus and minus its standard error, or nothing.
        level : float in (0, 1), default=0.8
            How large the middle part is.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        plot_chance_level : bool, default=False
            Draw the expected regret of uniform play too.
        chance_level_kw, line_kw, band_kw : dict, default=None
            Passed to matplotlib's ``plot`` for the chance level and the curves, and to
            ``fill_between``.

        Returns
        -------
        display : RegretDisplay

        Raises
        ------
        ValueError
            If columns or policies are missing, repeats differ in length, or a parameter is
            unknown.
        """
        curves = _curves(results, policies)
        rounds, mean, lower, upper = None, {}, {}, {}
        for name, values in curves.items():
            if rounds is None:
                length = values.shape[1]
                points = np.unique(
                    np.linspace(0, length - 1, min(length, _MAX_POINTS)).astype(int)
                )
                rounds = points + 1
            values = values[:, points]
            mean[name] = values.mean(axis=0)
            lower[name], upper[name] = _spread(values, mean[name], band, level)
        # Every policy faces the same rounds, so one of them knows the chance level of all.
        first = results[results["policy"] == next(iter(curves))]
        uniform = first.groupby("round")["uniform_regret"].mean().cumsum().to_numpy()[points]
        display = cls(rounds=rounds, mean=mean, lower=lower, upper=upper, uniform=uniform)
        return display.plot(
            ax,
            plot_chance_level=plot_chance_level,
            chance_level_kw=chance_level_kw,
            line_kw=line_kw,
            band_kw=band_kw,
        )

    def plot(
        self,
        ax=None,
        *,
        plot_chance_level=False,
        chance_level_kw=None,
        line_kw=None,
        band_kw=None,
    ):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        plot_chance_level : bool, default=False
            Draw the expected regret of uniform play too.
        chance_level_kw, line_kw, band_kw : dict, default=None
            As in :meth:`from_results`.

        Returns
        -------
        display : RegretDisplay
            This display.

        Raises
        ------
        ValueError
            If the chance level is asked for, but `uniform` is None.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_, self.bands_, self.chance_level_ = [], [], None
        for index, (name, mean) in enumerate(self.mean.items()):
            color = _COLORS[index % len(_COLORS)]
            style = {"color": color, "linestyle": _DASHES[index % len(_DASHES)], "label": name}
            (line,) = ax.plot(self.rounds, mean, **style | (line_kw or {}))
            self.lines_.append(line)
            if np.any(self.upper[name] > self.lower[name]):
                shade = {"color": line.get_color(), "alpha": 0.15, "linewidth": 0}
                ends = self.lower[name], self.upper[name]
                self.bands_.append(ax.fill_between(self.rounds, *ends, **shade | (band_kw or {})))
        if plot_chance_level:
            if self.uniform is None:
                raise ValueError(
                    "plot_chance_level needs uniform, which this display was made without."
                )
            style = {
                "color": "grey",
                "linewidth": 1,
                "linestyle": (0, (1, 3)),
                "label": "expected of chance",
            }
            style |= chance_level_kw or {}
            (self.chance_level_,) = ax.plot(self.rounds, self.uniform, **style)
        ax.set(xlabel="Rounds played", ylabel="Cumulative regret")
        ax.spines[["top", "right"]].set_visible(False)
        ax.margins(x=0)
        lines = self.lines_ + ([self.chance_level_] if plot_chance_level else [])
        self.labels_ = _label_ends(ax, lines)
        return self


def _curves(results, policies):
    """Return for each policy its curves, an array of shape (n_repeats, n_rounds)."""
    needed = ["policy", "repeat", "round", "cumulative_regret", "uniform_regret"]
    missing = [name for name in needed if name not in results]
    if missing:
        raise ValueError(
            f"results must have the columns that simulate returns; these are missing: {missing}."
        )
    known = results["policy"].unique().tolist()
    policies = known if policies is None else list(policies)
    unknown = [name for name in policies if name not in known]
    if unknown or not policies:
        raise ValueError(f"policies must be taken from {known}, got {policies}.")
    curves = {}
    for name in policies:
        rows = results[results["policy"] == name]
        table = rows.pivot(index="repeat", columns="round", values="cumulative_regret")
        curves[name] = table.to_numpy()
    lengths = {name: values.shape[1] for name, values in curves.items()}
    ragged = any(np.isnan(values).any() for values in curves.values())
    if ragged or len(set(lengths.values())) > 1:
        raise ValueError(f"All runs must have the same number of rounds, got at most {lengths}.")
    return curves


def _spread(values, mean, band, level):
    """Return the lower and the upper end of a band around the mean of the rows."""
    if band not in ("quantile", "standard_error", None):
        raise ValueError(f"band must be 'quantile', 'standard_error' or None, got {band!r}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level!r}.")
    if band is None or len(values) == 1:
        return mean, mean
    if band == "quantile":
        return tuple(np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0))
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return mean - error, mean + error


def _label_ends(ax, lines):
    """Write each curve's name at its end, pushed apart where they would overlap."""
    ends = [(line.get_xdata()[-1], line.get_ydata()[-1]) for line in lines]
    points_per_pixel = 72.0 / ax.figure.dpi
    # A curve that ends at 0 has no height on a logarithmic axis.
    height = np.nan_to_num(ax.transData.transform(ends)[:, 1]) * points_per_pixel
    gap = 1.25 * _LABEL_SIZE
    order = np.argsort(height, kind="stable")
    # The nearest heights that keep order and gap are an isotonic regression.
    steps = gap * np.arange(len(ends))
    wanted = np.empty(len(ends))
    wanted[order] = isotonic_regression(height[order] - steps) + steps
    return [
        ax.annotate(
            line.get_label(),
            end,
            xytext=(6, shift),
            textcoords="offset points",
            va="center",
            color=line.get_color(),
            fontsize=_LABEL_SIZE,
            annotation_clip=False,
        )
        for line, end, shift in zip(lines, ends, wanted - height, strict=True)
    ]
