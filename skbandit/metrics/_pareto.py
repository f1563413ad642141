"""The Pareto front of points that are known, and what decisions lack to be on it."""

import numpy as np

from .._pareto import dominated_volume, front_of_points
from .._pareto import pareto_gap as _pareto_gap


def _points(points, name, ndim=(2,)):
    try:
        array = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers, got {points!r}.") from error
    if array.ndim not in ndim or 0 in array.shape:
        shapes = {2: "(n_points, n_objectives)", 3: "(n_samples, n_arms, n_objectives)"}
        wanted = " or ".join(shapes[one] for one in ndim)
        raise ValueError(f"{name} must have shape {wanted}, not empty; got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name} contains NaN or infinity in {np.count_nonzero(~np.isfinite(array))} of "
            f"{array.size} entries."
        )
    return array


def _signs(maximize, n_objectives):
    maximize = np.asarray(maximize)
    if maximize.dtype != bool or maximize.shape not in ((), (n_objectives,)):
        raise ValueError(
            f"maximize must be True, False, or one of them for each of the {n_objectives} "
            f"objectives, got {maximize.tolist()!r}."
        )
    return np.broadcast_to(np.where(maximize, 1.0, -1.0), n_objectives)


def pareto_front(points, maximize=True):
    """Say which points no other point dominates.

    A point dominates another where it is at least as good in all objectives and better in one.

    Parameters
    ----------
    points : array-like of shape (n_points, n_objectives)
        What each arm, or policy, pays in each objective.
    maximize : bool or array-like of bool of shape (n_objectives,), default=True
        Which objectives are to be large.

    Returns
    -------
    front : ndarray of bool of shape (n_points,)
        Equal points are on the front together.

    Raises
    ------
    ValueError
        If `points` are not finite numbers of that shape, or `maximize` does not fit them.

    See Also
    --------
    pareto_regret : How far decisions are behind the front.
    skbandit.objectives.ParetoSelector : Plays the front of what is believed.

    Notes
    -----
    With two objectives by sorting, in n log n steps; with more, in n steps for each point of the
    front.

    Examples
    --------
    >>> from skbandit.metrics import pareto_front
    >>> pareto_front([[1.0, 0.0], [0.5, 0.5], [0.4, 0.4], [0.0, 1.0]]).tolist()
    [True, True, False, True]
    >>> pareto_front([[0.9, 3.0], [0.9, 2.0]], maximize=[True, False]).tolist()
    [False, True]
    """
    points = _points(points, "points")
    return front_of_points(points * _signs(maximize, points.shape[1]))


def pareto_regret(expected, arm, maximize=True):
    r"""Return how far the arms played are behind the Pareto front.

    The gap of arm a is what must be added to all its objectives so that no other arm is better in
    all of them [1]_ [2]_,

    .. math:: \Delta_a = \max_b \min_i (\mu_{bi} - \mu_{ai}).

    Parameters
    ----------
    expected : array-like of shape (n_samples, n_arms, n_objectives) or (n_arms, n_objectives)
        What each arm pays on average, in each context or in all of them.
    arm : array-like of int of shape (n_samples,)
        Columns of the arms played.
    maximize : bool or array-like of bool of shape (n_objectives,), default=True
        Which objectives are to be large.

    Returns
    -------
    regret : ndarray of shape (n_samples,)
        In the unit of the objectives, which is the same for all: scale them first where it is
        not. 0 on the front, and for arms that another one beats in some objectives and equals in
        the others.

    Raises
    ------
    ValueError
        If shapes do not fit, `expected` is not finite, or an arm has no column.

    See Also
    --------
    pareto_front : Which arms are on the front.

    References
    ----------
    .. [1] M. M. Drugan and A. Nowé (2013). Designing multi-objective multi-armed bandits
       algorithms: a study. IJCNN, section II.
    .. [2] S. Lu, G. Wang, Y. Hu and L. Zhang (2019). Multi-objective generalized linear bandits.
       IJCAI, definition 3. (with contexts)

    Examples
    --------
    >>> from skbandit.metrics import pareto_regret
    >>> pareto_regret([[1.0, 0.0], [0.5, 0.5], [0.25, 0.125]], [0, 1, 2]).tolist()
    [0.0, 0.0, 0.25]
    """
    expected = _points(expected, "expected", (2, 3))
    arm = np.asarray(arm)
    n_arms, n_objectives = expected.shape[-2:]
    if arm.ndim != 1 or (expected.ndim == 3 and len(arm) != len(expected)):
        raise ValueError(
            "arm must have one entry for each row of expected, got shape "
            f"{arm.shape} for {expected.shape}."
        )
    if arm.dtype.kind not in "iu" or ((arm < 0) | (arm >= n_arms)).any():
        raise ValueError(
            f"arm must hold columns of expected, integers from 0 to {n_arms - 1}; turn labels "
            "into places in bandit.classes_ first."
        )
    expected = expected * _signs(maximize, n_objectives)
    if expected.ndim == 2:
        gaps = _pareto_gap(np.broadcast_to(expected, (n_arms, *expected.shape)), np.arange(n_arms))
        return gaps[arm]
    return _pareto_gap(expected, arm)


def hypervolume(points, reference, maximize=True):
    """Return the volume that points dominate above a reference point.

    One number for how good a set of arms or policies is in all objectives (Zitzler and Thiele
    1999): it grows where a point is added that no other one dominates.

    Parameters
    ----------
    points : array-like of shape (n_points, n_objectives)
    reference : array-like of shape (n_objectives,)
        A point that is worse than those of interest in all objectives; what is not better than it
        in all of them counts nothing.
    maximize : bool or array-like of bool of shape (n_objectives,), default=True
        Which objectives are to be large.

    Returns
    -------
    volume : float
        In the product of the units of the objectives.

    Raises
    ------
    ValueError
        If shapes do not fit or numbers are not finite.

    Notes
    -----
    Exact, by slices along one objective after the other: for few objectives.

    References
    ----------
    E. Zitzler and L. Thiele (1999). Multiobjective evolutionary algorithms: a comparative case
    study and the strength Pareto approach. IEEE Transactions on Evolutionary Computation 3(4),
    257-271.

    Examples
    --------
    >>> from skbandit.metrics import hypervolume
    >>> hypervolume([[2.0, 1.0], [1.0, 3.0]], reference=[0.0, 0.0])
    4.0
    """
    points = _points(points, "points")
    try:
        reference = np.asarray(reference, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"reference must hold numbers, got {reference!r}.") from error
    if reference.shape != points.shape[1:] or not np.isfinite(reference).all():
        raise ValueError(
            f"reference must have one finite number for each of the {points.shape[1]} "
            f"objectives, got {reference.tolist()!r}."
        )
    return dominated_volume((points - reference) * _signs(maximize, points.shape[1]))
