"""Values of policies as points with intervals."""

import numpy as np

_COLUMNS = ("value", "difference")
_COLOR = "#0072B2"


class PolicyValueDisplay:
    """Values of policies and their intervals, one below the other.

    Use :meth:`from_results` to make one; the parameters are stored as attributes.

    Parameters
    ----------
    results : None
        Not taken: what :func:`skbandit.model_selection.compare_policies` returns goes to
        :meth:`from_results`.
    names : list of str
        The policies, top down.
    value, low, high : ndarray of shape (n_policies,)
        Estimates and ends of their intervals.
    reference : float, default=None
        Where to draw a line to compare with: the value of the logging policy.
    label : str, default="Value (reward a round)"
        What the axis says.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the points.
    figure_ : matplotlib Figure
        Figure that holds them.
    errorbar_ : matplotlib ErrorbarContainer
        Points and intervals.
    reference_ : matplotlib Line2D or None
        The line of the logging policy.

    Raises
    ------
    TypeError
        If it is given results, or lacks names and values.

    See Also
    --------
    skbandit.model_selection.compare_policies : Gives the results.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skbandit.metrics import PolicyValueDisplay
    >>> display = PolicyValueDisplay(names=["old", "new"], value=[0.1, 0.2], low=[0.05, 0.12],
    ...                              high=[0.15, 0.28], reference=0.1)
    >>> display.plot().ax_.get_xlabel()
    'Value (reward a round)'
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        results=None,
        *,
        names=None,
        value=None,
        low=None,
        high=None,
        reference=None,
        label="Value (reward a round)",
    ):
        if results is not None or any(part is None for part in (names, value, low, high)):
            raise TypeError(
                "PolicyValueDisplay is made of values (names=, value=, low=, high=). To draw what "
                "compare_policies returns, write PolicyValueDisplay.from_results(results)."
            )
        self.names = names
        self.value = value
        self.low = low
        self.high = high
        self.reference = reference
        self.label = label

    @classmethod
    def from_results(
        cls, results, *, column="value", policies=None, ax=None, line_kw=None, reference_kw=None
    ):
        """Draw the table of a comparison.

        Parameters
        ----------
        results : DataFrame
            What :func:`skbandit.model_selection.compare_policies` returns.
        column : {"value", "difference"}, default="value"
            Draw the values, or the differences to the logging policy.
        policies : list of str, default=None
            Which policies to draw, top down; None means all (but for the logging policy itself
            with differences).
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        line_kw, reference_kw : dict, default=None
            Passed to matplotlib's ``errorbar`` for the points, and to ``axvline``.

        Returns
        -------
        display : PolicyValueDisplay

        Raises
        ------
        ValueError
            If columns or policies are missing.
        """
        if column not in _COLUMNS:
            raise ValueError(f"column must be one of {', '.join(_COLUMNS)}; got {column!r}.")
        ends = ("low", "high") if column == "value" else ("difference_low", "difference_high")
        missing = [name for name in (column, *ends) if name not in results]
        if missing:
            raise ValueError(
                f"results must have the columns that compare_policies returns; missing: {missing}."
            )
        known = results.index.tolist()
        if policies is None:
            policies = known if column == "value" else known[1:]
        unknown = [name for name in policies if name not in known]
        if unknown or not len(policies):
            raise ValueError(f"policies must be taken from {known}, got {policies}.")
        rows = results.loc[list(policies)]
        level = results.attrs.get("confidence_level")
        label = "Value" if column == "value" else "Difference to the logging policy"
        label += " (reward a round"
        label += f"; {100 * level:g} % intervals)" if level is not None else ")"
        display = cls(
            names=list(policies),
            value=rows[column].to_numpy(),
            low=rows[ends[0]].to_numpy(),
            high=rows[ends[1]].to_numpy(),
            reference=float(results["value"].iloc[0]) if column == "value" else 0.0,
            label=label,
        )
        return display.plot(ax, line_kw=line_kw, reference_kw=reference_kw)

    def plot(self, ax=None, *, line_kw=None, reference_kw=None):
        """Draw the points.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        line_kw, reference_kw : dict, default=None
            As in :meth:`from_results`.

        Returns
        -------
        display : PolicyValueDisplay
            This display.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            height = 1.2 + 0.35 * len(self.names)
            _, ax = plt.subplots(figsize=(6.4, height), layout="constrained")
        self.ax_, self.figure_, self.reference_ = ax, ax.figure, None
        value = np.asarray(self.value, dtype=np.float64)
        # BCa and likelihood intervals need not hold the estimate; a bar has no negative length.
        reach = np.abs([value - np.minimum(self.low, value), np.maximum(self.high, value) - value])
        place = np.arange(len(value))
        style = {"fmt": "o", "color": _COLOR, "capsize": 3, "markersize": 5}
        self.errorbar_ = ax.errorbar(value, place, xerr=reach, **style | (line_kw or {}))
        if self.reference is not None:
            style = {"color": "grey", "linewidth": 1, "linestyle": (0, (4, 2)), "zorder": 0}
            self.reference_ = ax.axvline(self.reference, **style | (reference_kw or {}))
        ax.set_yticks(place, self.names)
        ax.set_ylim(len(value) - 0.5, -0.5)
        ax.set_xlabel(self.label)
        ax.spines[["top", "right"]].set_visible(False)
        return self
