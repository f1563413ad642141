"""The one off-policy value that the base class itself needs: arrays in, a number out."""

import warnings

import numpy as np


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
    if sample_weight is not None:
        weight = weight * (sample_weight if weight.ndim == 1 else sample_weight[:, None])
    total = weight.sum()
    if total == 0:
        warnings.warn(
            "The policy never plays an arm that was logged, so the log says nothing about its "
            "value. "
            "Log more rounds, or let the policy explore (EpsilonGreedySelector).",
            UserWarning,
            stacklevel=3,
        )
        return float("nan")
    n_selected = 1 if weight.ndim == 1 else weight.shape[1]
    return float(n_selected * np.sum(weight * reward) / total)
