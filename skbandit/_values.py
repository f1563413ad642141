"""Self-normalised means and effective sample sizes: arrays in, numbers out."""

import warnings
from dataclasses import dataclass

import numpy as np

# Between these a sum of squares has lost nothing to overflow or underflow.
_TINY, _HUGE = 1e-280, 1e280


def ratio_columns(value, weight):
    """Return what each row contributes to a self-normalised mean, (n_samples, 2).

    Only the proportions of weights matter: the largest counts 1, so that none is too large.
    """
    weight = weight / (weight.max() or 1.0)
    return np.column_stack([weight * value, weight])


@dataclass(frozen=True)
class RatioOfMeans:
    """g(a, b) = centre + a / b, of means (or sums) of `ratio_columns` of value - centre.

    With the mean itself as the centre, what the rows contribute to its error is small numbers
    and no difference of large ones.
    """

    centre: float = 0.0

    def __call__(self, means):
        """Return the self-normalised mean."""
        return self.centre + means[..., 0] / means[..., 1]


def self_normalized_mean(value, weight, sample_weight=None):
    r"""Return the weighted mean :math:`\sum_i w_i v_i / \sum_i w_i`; NaN where all weights are 0.

    Parameters
    ----------
    value, weight : ndarray of shape (n_samples,)
    sample_weight : ndarray of shape (n_samples,), default=None
        How much each row counts, beside its weight.
    """
    columns = ratio_columns(value, weight)
    sums = columns.sum(axis=0) if sample_weight is None else sample_weight @ columns
    return float(RatioOfMeans()(sums)) if sums[1] > 0 else float("nan")


def self_normalized_value(reward, policy_probability, propensity, sample_weight=None):
    r"""Self-normalised importance-weighted mean reward.

    .. math:: \hat V = \frac{\sum_i w_i r_i}{\sum_i w_i}, \quad w_i = \pi(a_i \mid x_i) / p_i

    For sets of k arms the sums also run over the arms of a set, and the value is that of the set.

    Parameters
    ----------
    reward, policy_probability, propensity : ndarray of shape (n_samples,) or (n_samples, k)
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    value : float
        NaN, with a warning, when the policy never plays a logged arm.

    References
    ----------
    A. Swaminathan and T. Joachims (2015). The self-normalized estimator for counterfactual
    learning. NeurIPS 28, equation 9.
    """
    weight = policy_probability / propensity
    n_selected = 1 if weight.ndim == 1 else weight.shape[1]
    if sample_weight is not None:
        sample_weight = np.repeat(sample_weight, n_selected)
    value = self_normalized_mean(reward.ravel(), weight.ravel(), sample_weight)
    if np.isnan(value):
        warnings.warn(
            "The policy never plays an arm that was logged, so the log says nothing about its "
            "value. Log more rounds, or let the policy explore (EpsilonGreedySelector).",
            UserWarning,
            stacklevel=3,
        )
    return n_selected * value


def _square_sum(values):
    """Return the sum of squares of `values` / `unit`, and the unit that keeps it a float."""
    with np.errstate(over="ignore", under="ignore"):
        square = values @ values
    if _TINY < square < _HUGE:
        return square, 1.0
    largest = np.abs(values).max(initial=0.0)
    if not 0 < largest < np.inf:
        return largest, 1.0
    scaled = values / largest
    return scaled @ scaled, largest


def root_sum_of_squares(values):
    """Return the Euclidean norm; a float where it is one, however large or small the entries."""
    square, unit = _square_sum(values)
    return float(unit * np.sqrt(square))


def effective_sample_size(weight):
    """Return (sum of weights)^2 / (sum of squared weights), the size of Kish; 0 for no weight.

    References
    ----------
    L. Kish (1965). Survey Sampling. Wiley.
    """
    square, unit = _square_sum(weight)
    return float((weight.sum() / unit) ** 2 / square) if square > 0 else 0.0
