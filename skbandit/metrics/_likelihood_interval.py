"""Interval by empirical likelihood with the importance weight's expectation held at 1."""

import numpy as np
from scipy import stats

from .._values import root_sum_of_squares
from ._asymptotic_intervals import Interval, check_confidence_level, symmetric_interval
from ._groups import sum_by_group

_FLAT = 1e-14


def cressie_read_interval(estimate, *, confidence_level=0.95, reward_range=None, max_weight=None):
    """Interval by empirical likelihood of the Cressie-Read family.

    All values that a reweighting q of the rounds can reach whose divergence from equal weights is
    plausible and under which the importance weight w has expectation 1 (Karampatziakis, Langford &
    Mineiro 2020; power -2, the Euclidean likelihood, where the ends have closed form). With z the
    terms, n the number of rounds and B = cov(w, z) / var(w)::

        end = mean(z) + (1 - mean(w)) B -+ sqrt(F / n * var(z - B w))

    where F is the quantile of the F distribution at 1 and n - 1 degrees of freedom.

    With G groups, groups take the place of rounds: with s = G / n, group g has the term value + s
    sum_g (z - value) and the weight 1 + s sum_g (w - 1), which has the expectation 1 as well.

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
        Largest possible importance weight; None adds no unseen round. An error with groups: an
        unseen group may have any number of rounds.

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
    n = estimate.n_groups
    weight = estimate.control
    quantile = stats.f.isf(1 - confidence_level, 1, max(n - 1, 1))
    # The constant that all terms share would take digits from small ones: it is added at the end.
    terms, offset = estimate.linear_terms, estimate.offset
    if estimate.groups is not None:
        if max_weight is not None:
            raise ValueError(
                f"max_weight={max_weight:g} is given with groups, and a group that was not seen "
                "may have any number of rounds. Leave max_weight out."
            )
        share = n / estimate.n_samples
        centre = estimate.value - offset
        terms = centre + share * sum_by_group(estimate.influence, estimate.groups)
        if weight is not None:
            weight = 1 + share * sum_by_group(weight - 1, estimate.groups)
    if n < 2 or weight is None or _is_flat(weight):
        return symmetric_interval(estimate, np.sqrt(quantile))
    if max_weight is None:
        centre, _, spread = _reach(weight, terms)
        width = np.sqrt(quantile / n) * spread
        return Interval(float(centre + offset - width), float(centre + offset + width))
    if max_weight < weight.max() * (1 - 1e-9):
        raise ValueError(
            f"max_weight={max_weight:g} is below the largest weight of the log, "
            f"{weight.max():g}; raise it to a true bound, such as the inverse of the smallest "
            "propensity of the logger."
        )
    base_low, base_high = estimate.base_range
    same = estimate.weight is weight
    low, high = estimate.term_range(reward_range, max_weight if same else None)
    # As in the paper, the unseen round is one that can bring the mean weight back to 1.
    edge_weight = max_weight if weight.mean() < 1 else 0.0
    _, divergence, _ = _reach(weight, terms, (edge_weight, estimate.value - offset))
    ends = []
    for sign, edges in ((-1, (base_low, low)), (1, (base_high, high))):
        reached = []
        for unseen, edge in zip((0.0, max_weight), edges, strict=True):
            centre, least, spread = _reach(weight, terms, (unseen, edge - offset))
            room = (divergence + quantile - least) / (n + 1)
            if room >= 0:
                reached.append(sign * (centre + offset) + np.sqrt(room) * spread)
        ends.append(sign * max(reached) if reached else (low, high)[sign > 0])
    return Interval(float(ends[0]), float(ends[1]))


def _is_flat(weight):
    """Say whether weights vary by no more than rounding."""
    return np.var(weight / max(1.0, weight.max())) <= _FLAT


def _reach(weight, terms, unseen=None):
    """Regress the terms on the weights, with or without a round (weight, term) that was not seen.

    The line a + b w is told by a and by its error f at the round of the largest weight p, which it
    nearly meets where that weight exceeds all others: b = (z_p + f - a) / w_p. With s = w / w_p a
    round's residual is then (z - z_p s) - a (1 - s) - f s, and a weight however large takes no
    digits from the residuals of the others.

    Returns
    -------
    centre : float
        The line at a weight of 1.
    divergence : float
        What moving the mean weight to 1 costs.
    spread : float
        Root of the mean squared residual.
    """
    if unseen is not None:
        weight, terms = np.append(weight, unseen[0]), np.append(terms, unseen[1])
    pivot = weight.argmax()
    largest = weight[pivot]
    share = weight / largest
    design = np.column_stack([1 - share, share])
    target = terms - terms[pivot] * share
    level, error = np.linalg.solve(design.T @ design, design.T @ target)
    residual = target - design @ [level, error]
    centre = level * (1 - 1 / largest) + (terms[pivot] + error) / largest
    divergence = weight.size * (1 / largest - share.mean()) ** 2 / share.var()
    return centre, divergence, root_sum_of_squares(residual) / np.sqrt(weight.size)
