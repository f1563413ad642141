"""What arms pay in two objectives, and how often each is played."""

import numpy as np

from ._pareto import _points, _signs, pareto_front

_ON, _OFF = "#0072B2", "#999999"
# Areas in square points: of an arm that is never played, and what a share of 1 adds.
_SMALLEST, _AREA = 20.0, 700.0


class ParetoFrontDisplay:
    """Arms as points in two objectives, as large as they are often played, and the Pareto front.

    Use :meth:`from_estimator` to make one of a bandit; the parameters are stored as attributes.

    Parameters
    ----------
    points : array-like of shape (n_arms, 2)
        What each arm pays in the two objectives.
    names : list of str, default=None
        The arms; None numbers them.
    share : array-like of shape (n_arms,), default=None
        How often each arm is played; None draws all alike.
    maximize : bool or (bool, bool), default=True
        Which objectives are to be large.
    labels : (str, str), default=("Objective 0", "Objective 1")
        What the axes say.

    Attributes
    ----------
    front_ : ndarray of bool of shape (n_arms,)
        Which arms are on the front.
    ax_ : matplotlib Axes
        Axes with the points.
    figure_ : matplotlib Figure
        Figure that holds them.
    scatter_ : matplotlib PathCollection
        The arms.
    line_ : matplotlib Line2D
        The front, as steps: what lies behind it is beaten in both objectives.

    Raises
    ------
    ValueError
        If shapes do not fit.

    See Also
    --------
    pareto_front : Which points are on the front.
    skbandit.objectives.MultiObjectiveBandit : Learns what arms pay in several objectives.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skbandit.metrics import ParetoFrontDisplay
    >>> display = ParetoFrontDisplay([[0.9, 0.1], [0.5, 0.5], [0.4, 0.4]], names=["a", "b", "c"])
    >>> display.plot().front_.tolist()
    [True, True, False]
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        points,
        *,
        names=None,
        share=None,
        maximize=True,
        labels=("Objective 0", "Objective 1"),
    ):
        self.points = points
        self.names = names
        self.share = share
        self.maximize = maximize
        self.labels = labels

    @classmethod
    def from_estimator(
        cls, estimator, X, *, objectives=(0, 1), labels=None, ax=None, scatter_kw=None
    ):
        """Draw what a bandit believes and plays, on average over contexts.

        Parameters
        ----------
        estimator : MultiObjectiveBandit
            Fitted, with at least two objectives.
        X : array-like of shape (n_samples, n_features)
            The contexts.
        objectives : (int, int), default=(0, 1)
            Which two.
        labels : (str, str), default=None
            What the axes say; None numbers the objectives.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        scatter_kw : dict, default=None
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : ParetoFrontDisplay

        Raises
        ------
        TypeError
            If `estimator` has no ``expected_objectives``.
        ValueError
            If it lacks one of the objectives.
        """
        if not hasattr(estimator, "expected_objectives"):
            raise TypeError(
                "estimator must be a MultiObjectiveBandit, got "
                f"{type(estimator).__name__}. Of a Pipeline pass the last step, and X as it "
                "reaches that."
            )
        expected = estimator.expected_objectives(X).mean(axis=0)
        n_objectives = expected.shape[1]
        if len(objectives) != 2 or not all(0 <= one < n_objectives for one in objectives):
            raise ValueError(
                f"objectives must be two of the {n_objectives} objectives, numbered from 0, got "
                f"{objectives!r}."
            )
        which = list(objectives)
        maximize = np.broadcast_to(estimator.maximize, n_objectives)[which]
        display = cls(
            expected[:, which],
            names=[str(one) for one in estimator.classes_],
            share=estimator.predict_proba(X).mean(axis=0),
            maximize=maximize,
            labels=labels or tuple(f"Objective {one}" for one in which),
        )
        return display.plot(ax, scatter_kw=scatter_kw)

    def plot(self, ax=None, *, scatter_kw=None):
        """Draw the arms and the front.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        scatter_kw : dict, default=None
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : ParetoFrontDisplay
            This display.
        """
        points = _points(self.points, "points")
        if points.shape[1] != 2:
            raise ValueError(
                f"points must have two columns, one an objective, got {points.shape[1]}."
            )
        n_arms = len(points)
        share = np.full(n_arms, 1.0 / n_arms) if self.share is None else np.asarray(self.share)
        names = [str(one) for one in (range(n_arms) if self.names is None else self.names)]
        if share.shape != (n_arms,) or len(names) != n_arms:
            raise ValueError(
                f"share and names must have one entry for each of the {n_arms} arms, got "
                f"{share.shape} and {len(names)}."
            )
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(6.0, 4.5), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.front_ = pareto_front(points, maximize=self.maximize)
        sign = _signs(self.maximize, 2)
        on = points[self.front_]
        on = on[np.argsort(-sign[0] * on[:, 0])]
        (self.line_,) = ax.plot(
            on[:, 0], on[:, 1], color=_ON, linewidth=1, drawstyle="steps-post", zorder=0
        )
        style = {
            "s": _SMALLEST + _AREA * share,
            "facecolors": np.where(self.front_, _ON, "white"),
            "edgecolors": np.where(self.front_, _ON, _OFF),
            "alpha": 0.8,
        }
        self.scatter_ = ax.scatter(points[:, 0], points[:, 1], **style | (scatter_kw or {}))
        for name, part, point in zip(names, share, points, strict=True):
            text = name if self.share is None else f"{name} ({part:.0%})"
            ax.annotate(text, point, xytext=(8, 6), textcoords="offset points", fontsize=8)
        arrows = [" (less is better)" if one < 0 else "" for one in sign]
        ax.set_xlabel(self.labels[0] + arrows[0])
        ax.set_ylabel(self.labels[1] + arrows[1])
        ax.margins(0.15)
        ax.spines[["top", "right"]].set_visible(False)
        return self
