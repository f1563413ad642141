"""What a monitor showed, look by look."""

import numpy as np
import pandas as pd

_COLUMNS = ("difference", "low", "high")
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


class MonitorDisplay:
    """Bounds of differences over time, and which policies may still be best.

    Use :meth:`from_bounds` to make one; the parameters are stored as attributes.

    Parameters
    ----------
    bounds : DataFrame
        A row a look and pair of policies, with the columns ``n_rounds``, ``policy``, ``versus``,
        ``difference``, ``low`` and ``high``.
    candidates : dict of int to list of str
        The policies that could still be best after so many rounds.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the bounds.
    candidates_ax_ : matplotlib Axes
        Axes with a line a policy, as long as it may be best.
    figure_ : matplotlib Figure
        Figure that holds both.
    lines_ : dict of (str, str) to matplotlib Line2D
        Estimated difference of each pair.
    bands_ : dict of (str, str) to matplotlib PolyCollection
        Its bounds.

    See Also
    --------
    PolicyMonitor : Gives the bounds.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skbandit.metrics import MonitorDisplay, PolicyMonitor
    >>> rng = np.random.default_rng(0)
    >>> monitor = PolicyMonitor(["old", "new"], baseline="old", reward_range=(0, 1), max_weight=2)
    >>> looks = []
    >>> for day in range(10):
    ...     arm = rng.integers(2, size=100)
    ...     monitor = monitor.update(reward=rng.binomial(1, 0.3 + 0.2 * arm),
    ...                              propensity=np.full(100, 0.5),
    ...                              policy_probability={"old": arm == 0, "new": arm == 1})
    ...     looks.append(monitor.bounds())
    >>> display = MonitorDisplay.from_bounds(looks)
    >>> display.ax_.get_ylabel()
    'Difference to old (reward a round)'
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, bounds, candidates):
        self.bounds = bounds
        self.candidates = candidates

    @classmethod
    def from_bounds(cls, looks, *, ax=None, line_kw=None, band_kw=None):
        """Draw what :meth:`PolicyMonitor.bounds` returned at several looks.

        Parameters
        ----------
        looks : list of DataFrame
            In the order of time, of one monitor.
        ax : (matplotlib Axes, matplotlib Axes), default=None
            Where to draw bounds and candidates; None makes a figure.
        line_kw, band_kw : dict, default=None
            Passed to matplotlib's ``plot`` and ``fill_between``.

        Returns
        -------
        display : MonitorDisplay

        Raises
        ------
        ValueError
            If there are no looks, or they are not what a monitor returned.
        """
        looks = list(looks)
        fits = [
            isinstance(look, pd.DataFrame)
            and set(_COLUMNS) <= set(look.columns)
            and {"n_rounds", "candidates"} <= set(look.attrs)
            for look in looks
        ]
        if not looks or not all(fits):
            raise ValueError(
                "looks must be a list of what PolicyMonitor.bounds() returned, one at each look; "
                f"got {len(looks)} of which {sum(fits)} are that."
            )
        rows = []
        for look in looks:
            table = pd.DataFrame(look[list(_COLUMNS)]).reset_index()
            table.insert(0, "n_rounds", look.attrs["n_rounds"])
            table.attrs = {}
            rows.append(table)
        display = cls(
            bounds=pd.concat(rows, ignore_index=True),
            candidates={look.attrs["n_rounds"]: look.attrs["candidates"] for look in looks},
        )
        return display.plot(ax, line_kw=line_kw, band_kw=band_kw)

    def plot(self, ax=None, *, line_kw=None, band_kw=None):
        """Draw bounds and candidates.

        Parameters
        ----------
        ax : (matplotlib Axes, matplotlib Axes), default=None
            Where to draw bounds and candidates; None makes a figure.
        line_kw, band_kw : dict, default=None
            As in :meth:`from_bounds`.

        Returns
        -------
        display : MonitorDisplay
            This display.
        """
        import matplotlib.pyplot as plt

        pairs = self.bounds[["policy", "versus"]].drop_duplicates().itertuples(index=False)
        pairs = [tuple(pair) for pair in pairs]
        names = list(dict.fromkeys(name for pair in pairs for name in pair))
        if ax is None:
            height = 3.4 + 0.3 * len(names)
            ratios = [3.0, 0.4 + 0.3 * len(names)]
            _, ax = plt.subplots(
                2,
                sharex=True,
                figsize=(6.4, height),
                height_ratios=ratios,
                layout="constrained",
            )
        self.ax_, self.candidates_ax_ = ax
        self.figure_ = self.ax_.figure
        self.lines_, self.bands_ = {}, {}
        baseline = pairs[0][1] if len({versus for _, versus in pairs}) == 1 else None
        color = {name: _COLORS[place % len(_COLORS)] for place, name in enumerate(names)}
        for place, pair in enumerate(pairs):
            rows = self.bounds[
                (self.bounds["policy"] == pair[0]) & (self.bounds["versus"] == pair[1])
            ]
            one = color[pair[0]] if baseline is not None else _COLORS[place % len(_COLORS)]
            label = pair[0] if baseline is not None else f"{pair[0]} - {pair[1]}"
            style = {"color": one, "label": label, "marker": "." if len(rows) == 1 else None}
            (self.lines_[pair],) = self.ax_.plot(
                rows["n_rounds"], rows["difference"], **style | (line_kw or {})
            )
            style = {"color": one, "alpha": 0.18, "linewidth": 0}
            self.bands_[pair] = self.ax_.fill_between(
                rows["n_rounds"], rows["low"], rows["high"], **style | (band_kw or {})
            )
        self.ax_.axhline(0.0, color="grey", linewidth=1, linestyle=(0, (4, 2)), zorder=0)
        versus = "" if baseline is None else f" to {baseline}"
        self.ax_.set_ylabel(f"Difference{versus} (reward a round)")
        self.ax_.legend(frameon=False)
        self._plot_candidates(names, color)
        for one in ax:
            one.spines[["top", "right"]].set_visible(False)
        return self

    def _plot_candidates(self, names, color):
        looks = np.array(sorted(self.candidates))
        for place, name in enumerate(names):
            kept = [look for look in looks if name in self.candidates[look]]
            if kept:
                self.candidates_ax_.hlines(place, 0, kept[-1], color=color[name], linewidth=4)
        self.candidates_ax_.set_yticks(np.arange(len(names)), names)
        self.candidates_ax_.set_ylim(len(names) - 0.5, -0.5)
        self.candidates_ax_.set_xlabel("Rounds; as long as a policy may be best")
