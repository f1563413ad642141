"""Interval by empirical likelihood with the importance weight's expectation held at 1."""

import numpy as np
from scipy import stats

from ._asymptotic_intervals import Interval, check_confidence_level, symmetric_interval


def cressie_read_interval(estimate, *, confidence_level=0.95, reward_range=None, max_weight=None):
    """Interval by empirical likelihood of the Cressie-Read family.

    All values that a reweighting q of the rounds can reach whose divergence from equal weights is
    plausible and under which the importance weight w has expectation 1 (Karampatziakis, Langford &
    Mineiro 2020; power -2, the Euclidean likelihood, where the ends have closed form). With z the
    terms, n the number of rounds and B = cov(w, z) / var(w)::

        end = mean(z) + (1 - mean(w)) B -+ sqrt(F / n * var(z - B w))

    where F is the quantile of the F distribution at 1 and n - 1 degrees of freedom.

    With `max_weight` one round that was not seen joins at the edge of the possible weights and
    rewards, as in the paper, and each end takes the worse edge. That guards against large weights
    that the log happens to lack, for a longer interval.

    Parameters
    ----------
    estimate : PolicyValue
        What an estimator of `skbandit.metrics` returned. Where it has no importance weights of
        expectation 1, such as `dm_value`, the constraint is dropped.
    confidence_level : float, default=0.95
        Wanted coverage.
    reward_range : tuple of (low, high), default=None
        Smallest and largest possible reward, for the unseen round; None takes the observed range.
    max_weight : float, default=None
        Largest possible importance weight; None adds no unseen round.

    Returns
    -------
    interval : Interval

    See Also
    --------
    cressie_read_value : The point estimate of the same likelihood.

    References
    ----------
    Karampatziakis, Langford & Mineiro (2020), Empirical likelihood for contextual bandits,
    NeurIPS, sections 4 and 5. Baggerly (1998), Empirical likelihood as a goodness-of-fit measure,
    Biometrika 85.

    Examples
    --------
    >>> from skbandit.metrics import cressie_read_interval, ips_value
    >>> value = ips_value(reward=[0., 1., 1., 0.] * 100, propensity=[.5, .5, .25, .25] * 100,
    ...                   policy_probability=[.4, .6, .2, .3] * 100)
    >>> interval = cressie_read_interval(value)
    >>> guarded = cressie_read_interval(value, reward_range=(0, 1), max_weight=4.)
    >>> guarded.high - guarded.low > interval.high - interval.low > 0
    True
    """
    check_confidence_level(confidence_level)
    n = estimate.n_samples
    weight = estimate.control
    quantile = stats.f.isf(1 - confidence_level, 1, max(n - 1, 1))
    if n < 2 or weight is None or weight.var() <= 1e-14:
        return symmetric_interval(estimate, np.sqrt(quantile))
    moments = _Moments(weight, estimate.terms)
    if max_weight is None:
        centre, _, variance = moments.reach()
        width = np.sqrt(quantile / n * variance)
        return Interval(float(centre - width), float(centre + width))
    if max_weight < weight.max() * (1 - 1e-9):
        raise ValueError(
            f"max_weight={max_weight:g} is below the largest weight of the log, "
            f"{weight.max():g}; raise it to a true bound, such as the inverse of the smallest "
            "propensity."
        )
    base_low, base_high = estimate.base_range
    same = estimate.weight is weight
    low, high = estimate.term_range(reward_range, max_weight if same else None)
    # As in the paper, the unseen round is one that can bring the mean weight back to 1.
    edge_weight = max_weight if moments.mean_weight < 1 else 0.0
    _, divergence, _ = moments.reach((edge_weight, estimate.value))
    ends = []
    for sign, edges in ((-1, (base_low, low)), (1, (base_high, high))):
        reached = []
        for unseen in zip((0.0, max_weight), edges, strict=True):
            centre, least, variance = moments.reach(unseen)
            room = (divergence + quantile - least) / (n + 1)
            if room >= 0:
                reached.append(sign * centre + np.sqrt(room * variance))
        ends.append(sign * max(reached) if reached else (low, high)[sign > 0])
    return Interval(float(ends[0]), float(ends[1]))


class _Moments:
    """Moments of weights and terms, to which a round that was not seen can be added."""

    def __init__(self, weight, terms):
        self.n = weight.size
        self.mean_weight = weight.mean()
        self.mean_term = terms.mean()
        weight = weight - self.mean_weight
        terms = terms - self.mean_term
        self.products = np.array([weight @ weight, weight @ terms, terms @ terms])

    def reach(self, unseen=None):
        """Centre of what is reached, its least divergence, and the residual variance."""
        total, products = self.n, self.products
        mean_weight, mean_term = self.mean_weight, self.mean_term
        if unseen is not None:
            # Rank-one update of centred sums of products.
            total += 1
            gap_weight, gap_term = unseen[0] - mean_weight, unseen[1] - mean_term
            added = np.array([gap_weight**2, gap_weight * gap_term, gap_term**2])
            products = products + self.n / total * added
            mean_weight = mean_weight + gap_weight / total
            mean_term = mean_term + gap_term / total
        var_weight, covariance, var_term = products / total
        slope = covariance / var_weight
        centre = mean_term + (1 - mean_weight) * slope
        divergence = total * (1 - mean_weight) ** 2 / var_weight
        return centre, divergence, max(var_term - slope * covariance, 0.0)
