"""What estimators do to importance weights, and the weights for fitting a reward model."""

import numpy as np

from ._validation import EvaluatedRounds

# A larger one would be infinite, and infinity over infinity no number.
_LARGEST_PRODUCT = 1e300


def clip_weight(weight, clip):
    """min(w, clip)."""
    return np.minimum(weight, clip)


def switch_weight(weight, tau):
    """w where w <= tau, else 0."""
    return np.where(weight <= tau, weight, 0.0)


def optimistic_weight(weight, lambda_):
    """lambda w / (w^2 + lambda); the limits at 0 and infinity are 0 and w."""
    if lambda_ == 0:
        return np.zeros_like(weight)
    # Divided by lambda, so that infinity needs no case of its own; a weight whose square
    # overflows is shrunk to 0.
    with np.errstate(over="ignore"):
        return weight / (weight * (weight / lambda_) + 1)


def subgaussian_weight(weight, lambda_):
    """w / (1 - lambda + lambda w)."""
    if lambda_ == 0:
        return weight
    if lambda_ == 1:
        # All weights become 1, but what the policy never plays stays out for every lambda below.
        return np.where(weight > 0, 1.0, 0.0)
    return weight / (1 - lambda_ + lambda_ * weight)


def smoothed_weight(weight, reward, lambda_):
    """log(1 + lambda w r) / (lambda r), whose limit where r or lambda are 0 is w."""
    with np.errstate(over="ignore"):
        product = np.minimum(lambda_ * (weight * reward), _LARGEST_PRODUCT)
    some = product > 0
    return weight * np.divide(np.log1p(product), product, out=np.ones_like(product), where=some)


def mrdr_weight(*, arm, propensity, policy_probability):
    """Weights for fitting the reward model that makes the doubly robust estimate least variable.

    In More Robust Doubly Robust estimation the model minimises sum_i v_i (reward_i - model(x_i,
    arm_i))^2 with::

        v = policy_probability^2 (1 - propensity) / propensity^2

    of the logged arm. For a deterministic policy that is the variance of the doubly robust
    estimate given the contexts (Farajtabar, Chow & Ghavamzadeh 2018, section 5); for a stochastic
    one it is its diagonal part, without the products of the errors of two arms.

    Parameters
    ----------
    arm : array-like of int of shape (n_samples,)
        Column of the logged arm in `policy_probability`.
    propensity : array-like of shape (n_samples,)
        Probability with which the logged arm was played.
    policy_probability : array-like of shape (n_samples, n_arms) or (n_samples,)
        Probabilities of the evaluated policy; of one dimension for the logged arm alone.

    Returns
    -------
    weight : ndarray of shape (n_samples,)
        To be passed as `sample_weight` to `cross_fit_rewards`; then `dr_value` is the estimate.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    cross_fit_rewards : Fits the model with these weights.
    dr_value : The estimate that uses it.

    References
    ----------
    Farajtabar, Chow & Ghavamzadeh (2018), More robust doubly robust off-policy evaluation, ICML.

    Examples
    --------
    >>> from skbandit.metrics import mrdr_weight
    >>> mrdr_weight(arm=[0, 1], propensity=[.5, .25], policy_probability=[[1., 0.], [0., 1.]])
    array([ 2., 12.])
    """
    rounds = EvaluatedRounds(arm=arm, propensity=propensity, policy_probability=policy_probability)
    rounds.need("arm", "propensity")
    return rounds.weight**2 * (1 - rounds.propensity)
