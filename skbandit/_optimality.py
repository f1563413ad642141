"""Which arm is best: policies from scores, and the chance of being best under uncertain scores.

Arrays in, arrays out. Rows are contexts, columns are arms, and rows have no influence on each
other.
"""

import numpy as np

from ._quadrature import sinh_best_above, sinh_best_probability
from ._scores import checked_k, masked_scores, tie_width, width_of_range
from ._top_k import panel_top_probability

# A point mass beside proper distributions gets this part of the smallest of their widths: the
# error is of the same order, and equal point masses share evenly.
_POINT_WIDTH = 1e-8


def argmax_policy(scores, available=None):
    """Play the arm of the highest score.

    Parameters
    ----------
    scores : array-like of shape (n_rows, n_arms)
        Scores; infinite ones are allowed.
    available : array-like of shape (n_rows, n_arms) of bool, default=None
        Arms that may be played; None means all. The scores of the others are ignored.

    Returns
    -------
    ndarray of shape (n_rows, n_arms)
        Probabilities: uniform over the best arms of each row, those whose score is within 1e-10
        times the range of the finite scores of the row's available arms plus 1e-12 times the
        largest of them. Scores that are equal in theory differ in their last bits, depending on
        how a matrix product was cut into blocks.

    Raises
    ------
    ValueError
        If a row has no available arm, or an available arm has a score that is not a number.

    See Also
    --------
    top_policy : The same for more than one arm.

    Examples
    --------
    >>> from skbandit._optimality import argmax_policy
    >>> argmax_policy([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]])
    array([[0. , 0.5, 0.5],
           [1. , 0. , 0. ]])
    """
    scores, available = masked_scores(scores, available)
    # The reductions themselves: the methods take twice as long for a row or two.
    best = np.maximum.reduce(scores, axis=1, keepdims=True)
    low = np.minimum.reduce(scores, axis=1, keepdims=True)
    if np.logical_and.reduce(np.isfinite(best) & np.isfinite(low), axis=None):
        width = width_of_range(low, best)
    else:
        if np.isnan(best).any():
            _raise_nan("scores")
        width = tie_width(scores)
    tied = scores >= best - width
    if available is not None:
        tied &= available
    return tied / np.add.reduce(tied, axis=1, keepdims=True)


def top_policy(scores, k, available=None):
    """Play the k arms of the highest scores.

    Parameters
    ----------
    scores : array-like of shape (n_rows, n_arms)
        Scores; infinite ones are allowed.
    k : int
        Number of arms to play.
    available : array-like of shape (n_rows, n_arms) of bool, default=None
        Arms that may be played; None means all. The scores of the others are ignored.

    Returns
    -------
    ndarray of shape (n_rows, n_arms)
        The probability that an arm is in the set; each row sums to k. Arms that tie with the
        k-th best share evenly the places that are left for them. Ties are to within 1e-10 times
        the range of the finite scores of the row's available arms plus 1e-12 times the largest.

    Raises
    ------
    ValueError
        If a row has fewer than k available arms, or an available arm has a score that is not a
        number.

    See Also
    --------
    argmax_policy : The same for one arm.

    Examples
    --------
    >>> from skbandit._optimality import top_policy
    >>> top_policy([[5.0, 1.0, 1.0, 0.0]], k=2)
    array([[1. , 0.5, 0.5, 0. ]])
    """
    scores, available = masked_scores(scores, available)
    k = checked_k(k, scores.shape[1], available)
    if np.isnan(scores).any():
        _raise_nan("scores")
    n_arms = scores.shape[1]
    width = tie_width(scores)
    kth = np.partition(scores, n_arms - k, axis=1)[:, n_arms - k, None]
    above = scores > kth + width
    tied = (scores >= kth - width) & ~above
    if available is not None:
        tied &= available
    free = k - np.count_nonzero(above, axis=1)
    return above + tied * (free / np.count_nonzero(tied, axis=1))[:, None]


def best_probability(mean, std, dof=None, available=None):
    r"""Chance that each arm has the highest of independent uncertain scores.

    Parameters
    ----------
    mean : array-like of shape (n_rows, n_arms)
        Means of the scores (locations, where `dof` is given).
    std : array-like of shape (n_rows, n_arms)
        Standard deviations (scales, where `dof` is given), not negative. A score of width 0 is
        known exactly.
    dof : None or array-like that broadcasts to (n_rows, n_arms), default=None
        Degrees of freedom, at least 1, of scores that follow Student's t distribution. None means
        Gaussian scores; so does infinity.
    available : array-like of shape (n_rows, n_arms) of bool, default=None
        Arms that take part; None means all. The numbers of the others are ignored.

    Returns
    -------
    ndarray of shape (n_rows, n_arms)
        Probabilities; each row sums to 1. Accurate to about 1e-7 for Gaussian and
        1e-6 for Student t scores, for widths that differ by a factor of up to a million or so.

    Raises
    ------
    ValueError
        If a row has no available arm, or an available arm a mean or std that is not finite, a
        negative std or degrees of freedom that are not positive.

    See Also
    --------
    top_probability : Chance to be among the k highest.

    Notes
    -----
    This is the policy of Thompson sampling with independent arms [1]_. With :math:`f_a` and
    :math:`\Phi_a` the density and distribution function of arm a,

    .. math:: p_a = \int \frac{f_a(t)}{\Phi_a(t)} \prod_b \Phi_b(t) \, dt .

    Let the product be 1e-9 at L. Then no arm that matters lies entirely above L, so at a
    distance d above L only scores of a width of about d/12 or more still vary. Hence
    ``t = L + s sinh(x)`` gives all of them comparable widths in x, the integrand vanishes at both
    ends, and the midpoint rule converges exponentially. Where the tails of Student t scores are
    too heavy for it, the rule of `top_probability` takes over. An arm that beats the leading one
    with a chance below 1e-9 gets exactly 0.

    A score of width 0 is a number that others have to exceed: the integrals of Gaussian ones begin
    there. Beside Student t scores it is given 1e-8 times the smallest of their widths. Such scores
    tie, and share evenly, under the tolerance of `argmax_policy`.

    References
    ----------
    .. [1] Thompson, W. R. (1933). On the likelihood that one unknown probability exceeds another
       in view of the evidence of two samples. Biometrika 25(3/4), 285-294.

    Examples
    --------
    >>> from skbandit._optimality import best_probability
    >>> best_probability([[0.0, 0.0, 0.0], [1.0, 0.0, -9.0]], [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    array([[0.33333333, 0.33333333, 0.33333333],
           [0.76024994, 0.23975006, 0.        ]])
    """
    mean, std, dof, available = _check_scores(mean, std, dof, available)
    return _chances(1, mean, std, dof, available)


def top_probability(k, mean, std, dof=None, available=None):
    r"""Chance that each arm is among the k highest of independent uncertain scores.

    Parameters
    ----------
    k : int
        Number of arms in the set.
    mean : array-like of shape (n_rows, n_arms)
        Means of the scores (locations, where `dof` is given).
    std : array-like of shape (n_rows, n_arms)
        Standard deviations (scales, where `dof` is given), not negative. A score of width 0 is
        known exactly.
    dof : None or array-like that broadcasts to (n_rows, n_arms), default=None
        Degrees of freedom, at least 1, of scores that follow Student's t distribution. None means
        Gaussian scores; so does infinity.
    available : array-like of shape (n_rows, n_arms) of bool, default=None
        Arms that take part; None means all. The numbers of the others are ignored.

    Returns
    -------
    ndarray of shape (n_rows, n_arms)
        Probabilities of being in the set; each row sums to k.

    Raises
    ------
    ValueError
        If a row has fewer than k available arms, or an available arm a mean or std that is not
        finite, a negative std or degrees of freedom that are not positive.

    See Also
    --------
    best_probability : The same for one arm.

    Notes
    -----
    With :math:`N_a(t)` the number of arms other than a whose score exceeds t,

    .. math:: p_a = \int f_a(t) \, P(N_a(t) \le k - 1) \, dt .

    The count is Poisson-binomial. The integral is cut into panels that are short against the
    width of every score that varies there.

    Examples
    --------
    >>> from skbandit._optimality import top_probability
    >>> top_probability(2, [[0.0, 0.0, 0.0, 9.0]], [[1.0, 1.0, 1.0, 1.0]])
    array([[0.33333333, 0.33333333, 0.33333333, 1.        ]])
    """
    mean, std, dof, available = _check_scores(mean, std, dof, available)
    k = checked_k(k, mean.shape[1], available)
    return _chances(k, mean, std, dof, available)


def _check_scores(mean, std, dof, available):
    """Broadcast, and replace what is not available by scores that never win."""
    mean = np.asarray(mean, dtype=np.float64)
    std = np.asarray(std, dtype=np.float64)
    if dof is not None:
        dof = np.broadcast_to(np.asarray(dof, dtype=np.float64), mean.shape)
    if available is not None:
        masked, available = masked_scores(mean, available)
        mean = np.where(available, mean, 0.0)
        std = np.where(available, std, 1.0)
        if dof is not None:
            dof = np.where(available, dof, np.inf)
    for name, values in (("mean", mean), ("std", std)):
        if np.count_nonzero(np.isfinite(values)) != values.size:
            _raise_nan(name)
    if dof is not None and np.count_nonzero(dof > 0) != dof.size:
        raise ValueError("dof: degrees of freedom must be positive numbers; None is Gaussian.")
    return (mean if available is None else masked), std, dof, available


def _raise_nan(name):
    raise ValueError(f"{name}: an available arm has a value that is not a finite number.")


def _chances(k, mean, std, dof, available):
    proper = std > 0.0
    if np.logical_and.reduce(proper, axis=None):
        return _proper_chances(k, mean, std, dof, available)
    if std.min() < 0:
        raise ValueError(f"std: it must not be negative, got {std.min()}.")
    point, wide = ~proper, proper
    if available is not None:
        point, wide = point & available, wide & available
    known = ~np.logical_or.reduce(wide, axis=1)
    beside = np.logical_or.reduce(point, axis=1)
    if k > 1 or dof is not None:
        beside = np.zeros_like(beside)
    beside &= ~known
    if np.logical_and.reduce(beside):
        return _beside_points(mean, std, point, wide)
    p = np.empty(mean.shape)
    if known.any():
        p[known] = top_policy(mean[known], k, None if available is None else available[known])
    if beside.any():
        p[beside] = _beside_points(mean[beside], std[beside], point[beside], wide[beside])
    mixed = ~known & ~beside
    if mixed.any():
        mean, point, wide = mean[mixed], point[mixed], wide[mixed]
        smallest = np.where(wide, std[mixed], np.inf).min(axis=1, keepdims=True)
        width = np.maximum(_POINT_WIDTH * smallest, np.finfo(float).tiny)
        mean = np.where(point, _snap(mean, point), mean)
        std = np.where(point, width, std[mixed])
        dof = None if dof is None else dof[mixed]
        p[mixed] = _proper_chances(k, mean, std, dof, point | wide)
    return p


def _beside_points(mean, std, point, wide):
    """Chances to be the best in rows of which some scores are known, and some are not."""
    floor = np.maximum.reduce(np.where(point, mean, -np.inf), axis=1)
    lead = point & (mean >= floor[:, None] - tie_width(mean))
    arms = np.flatnonzero(np.logical_or.reduce(wide, axis=0))
    others, width = mean[:, arms], std[:, arms]
    takes_part = wide[:, arms]
    if not np.logical_and.reduce(takes_part, axis=None):
        others, width = np.where(takes_part, others, -np.inf), np.where(takes_part, width, 1.0)
    chance, none = sinh_best_above(floor, others, width)
    p = lead * (none / np.add.reduce(lead, axis=1))[:, None]
    p[:, arms] += chance
    return p


def _proper_chances(k, mean, std, dof, available):
    """Chances under scores without point masses."""
    if k > 1:
        return panel_top_probability(k, mean, std, dof, available)
    p = sinh_best_probability(mean, std, dof)
    if dof is not None:
        hard = np.isnan(p[:, 0])
        if hard.any():
            mask = None if available is None else available[hard]
            p[hard] = panel_top_probability(1, mean[hard], std[hard], dof[hard], mask)
    return p


def _snap(mean, point):
    """Set point masses that tie to exactly the same value, the highest of theirs."""
    width = tie_width(mean)
    value = np.where(point, mean, -np.inf)
    order = np.argsort(-value, axis=1, kind="stable")
    value = np.take_along_axis(value, order, axis=1)
    new = np.ones(mean.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        new[:, 1:] = value[:, :-1] - value[:, 1:] > width
    first = np.maximum.accumulate(np.where(new, np.arange(mean.shape[1]), 0), axis=1)
    snapped = np.empty(mean.shape)
    np.put_along_axis(snapped, order, np.take_along_axis(value, first, axis=1), axis=1)
    return snapped
