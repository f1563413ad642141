"""Several estimates on one log at once: how far the largest of their errors lies out."""

import numpy as np

_DRAWS = 20_000
# Entries of draws times contrasts that are held at once.
_BLOCK_ENTRIES = 1 << 22


def error_covariance(influence, groups=None):
    """Return the covariance of the errors of several means over the same rounds.

    Parameters
    ----------
    influence : ndarray of shape (n_samples, n_values)
        Of each round on each value; columns sum to zero.
    groups : ndarray of int of shape (n_samples,), default=None
        Codes of the rounds that belong together.

    Returns
    -------
    covariance : ndarray of shape (n_values, n_values)
        Its diagonal is the square of the standard errors, as `PolicyValue` has them.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit._joint import error_covariance
    >>> error_covariance(np.array([[1.0, 2.0], [-1.0, -2.0]]))
    array([[1., 2.],
           [2., 4.]])
    """
    sums = influence
    if groups is not None:
        sums = np.column_stack([np.bincount(groups, weights=column) for column in influence.T])
    n_groups, n_samples = len(sums), len(influence)
    return (sums.T @ sums) * (n_groups / max(n_groups - 1, 1)) / n_samples**2


def draw_errors(covariance, random_state=0, n_draws=_DRAWS):
    """Draw joint errors of several values, normal with this covariance.

    Parameters
    ----------
    covariance : ndarray of shape (n_values, n_values)
    random_state : int or RandomState, default=0
    n_draws : int, default=20000

    Returns
    -------
    errors : ndarray of shape (n_draws, n_values)
    """
    rng = np.random.default_rng(random_state)
    # Values may be the same: the covariance need not have full rank.
    size, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(np.maximum(size, 0.0))
    return rng.standard_normal((n_draws, len(size))) @ root.T


def joint_quantile(errors, scale, level, contrasts=None, one_sided=False):
    """Return how many standard errors hold all errors at once.

    Parameters
    ----------
    errors : ndarray of shape (n_draws, n_values)
        Draws, see :func:`draw_errors`.
    scale : ndarray of shape (n_contrasts,)
        Standard errors; contrasts of scale 0 are known and do not count.
    level : float
        Wanted probability that all errors are smaller.
    contrasts : ndarray of shape (n_values, n_contrasts), default=None
        Weights of the values in each contrast; None means the values themselves.
    one_sided : bool, default=False
        Count errors upwards alone, which is what lower bounds have to stand.

    Returns
    -------
    quantile : float
        0 where all is known.

    References
    ----------
    V. Chernozhukov, D. Chetverikov and K. Kato (2013). Gaussian approximations and multiplier
    bootstrap for maxima of sums of high-dimensional random vectors. Annals of Statistics 41(6).
    """
    counts = scale > 0.0
    if not counts.any():
        return 0.0
    block = max(1, _BLOCK_ENTRIES // len(scale))
    largest = np.empty(len(errors))
    for start in range(0, len(errors), block):
        part = errors[start : start + block]
        part = part[:, counts] if contrasts is None else part @ contrasts[:, counts]
        part = part / scale[counts]
        largest[start : start + block] = (part if one_sided else np.abs(part)).max(axis=1)
    return float(max(np.quantile(largest, level), 0.0))
