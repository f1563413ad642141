"""Choice among estimates by data: SLOPE, and pessimism."""

import numpy as np
from scipy import special

from ._intervals import check_confidence_level

_RULES = ("slope", "slope++")


def slope(values, *, width=None, delta=0.05, rule="slope"):
    """Choose among estimates of one value that trade bias for variance.

    Lepski's principle: go from the widest interval to the narrowest, for as long as all intervals
    so far agree; the last one before they contradict each other has a bias no larger than its
    width.

    - `"slope"`: the intervals value -+ 2 width must have a point in common (Su, Srinath &
      Krishnamurthy 2020, algorithm 1);
    - `"slope++"`: `|value_i - value_j| <= width_i + (sqrt(6) - 1) width_j` for all j before i
      (Tucker & Lee 2021).

    Parameters
    ----------
    values : sequence of PolicyValue, or array-like of shape (n_candidates,)
        The estimates, in any order. Their bias is taken to grow as their width falls.
    width : array-like of shape (n_candidates,), default=None
        Half width of an interval of each value around its expectation. None with PolicyValue: the
        upper `delta` quantile of Student's t times the standard error.
    delta : float, default=0.05
        Probability beyond the width, on one side.
    rule : {"slope", "slope++"}, default="slope"
        When intervals agree.

    Returns
    -------
    index : int
        The chosen candidate.

    Raises
    ------
    ValueError
        If there is no candidate, a width is missing or negative, or `rule` is unknown.

    See Also
    --------
    select_pessimistic : Chooses among policies, not among estimates of one.

    References
    ----------
    Su, Srinath & Krishnamurthy (2020), Adaptive estimator selection for off-policy evaluation,
    ICML. Tucker & Lee (2021), Improved estimator selection for off-policy evaluation.

    Examples
    --------
    >>> from skbandit.metrics import slope
    >>> slope([1.0, 1.1, 3.0], width=[1.0, 0.5, 0.1])
    1
    """
    if rule not in _RULES:
        raise ValueError(f"rule must be one of {', '.join(_RULES)}; got {rule!r}.")
    values = list(values)
    if not values:
        raise ValueError("values is empty; give at least one estimate.")
    if width is None:
        if not hasattr(values[0], "standard_error"):
            raise ValueError(
                "width is None where values are numbers; give half the width of each one's "
                "interval around its value."
            )
        if not 0 < delta < 1:
            raise ValueError(f"delta must lie strictly between 0 and 1; got {delta!r}.")
        degrees = np.array([value.n_groups - 1.0 for value in values])
        error = np.array([value.standard_error for value in values])
        width = special.stdtrit(degrees, 1 - delta) * error
        values = [value.value for value in values]
    values = np.asarray(values, dtype=np.float64)
    width = np.asarray(width, dtype=np.float64)
    if width.shape != values.shape or not (width >= 0).all() or not np.isfinite(values).all():
        raise ValueError(
            f"width must hold one non-negative number for each of the {values.size} finite "
            f"values; got {width!r} for {values!r}."
        )
    order = np.argsort(-width, kind="stable")
    values, width = values[order], width[order]
    if rule == "slope":
        agree = np.maximum.accumulate(values - 2 * width) <= np.minimum.accumulate(
            values + 2 * width
        )
    else:
        reach = width[:, None] + (np.sqrt(6) - 1) * width
        apart = np.abs(values[:, None] - values) > reach
        agree = ~np.tril(apart, -1).any(axis=1)
    last = np.argmin(agree) - 1 if not agree.all() else values.size - 1
    return int(order[last])


def select_pessimistic(values, *, method="normal", confidence_level=0.95, **options):
    """Choose the policy with the highest lower bound of its value.

    A policy that the log hardly supports has a wide interval: its estimate may be the highest by
    luck, its lower bound is not. The bound is one-sided.

    Parameters
    ----------
    values : sequence of PolicyValue
        The estimated value of each policy.
    method : str, default="normal"
        The interval, see `PolicyValue.interval`.
    confidence_level : float, default=0.95
        Probability with which each value exceeds its bound; at least 0.5.
    **options
        Options of the interval.

    Returns
    -------
    index : int
        The chosen policy; the first of equals.
    bounds : ndarray of shape (n_policies,)
        The lower bound of each.

    Raises
    ------
    ValueError
        If there is no value, or the level is below 0.5.

    See Also
    --------
    slope : Chooses among estimates of one policy's value.

    References
    ----------
    Swaminathan & Joachims (2015), Counterfactual risk minimization, ICML. Jin, Yang & Wang (2021),
    Is pessimism provably efficient for offline RL?, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import mean_value, select_pessimistic
    >>> sure, unsure = mean_value(reward=[.5] * 9 + [.4]), mean_value(reward=[0.] * 4 + [1.] * 5)
    >>> index, bounds = select_pessimistic([unsure, sure])
    >>> index, np.round(bounds, 2)
    (1, array([0.27, 0.47]))
    """
    values = list(values)
    if not values:
        raise ValueError("values is empty; give at least one estimate.")
    check_confidence_level(confidence_level)
    if confidence_level <= 0.5:
        raise ValueError(
            f"confidence_level must exceed 0.5, got {confidence_level!r}: a lower bound at 0.5 "
            "is the estimate itself."
        )
    # The lower end of a two-sided interval at 1 - 2 alpha is a one-sided bound at 1 - alpha.
    two_sided = 2 * confidence_level - 1
    bounds = np.array(
        [value.interval(method, confidence_level=two_sided, **options).low for value in values]
    )
    return int(np.argmax(bounds)), bounds
