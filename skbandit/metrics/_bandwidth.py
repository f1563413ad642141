"""The bandwidth of a kernel over quantities: given as a number, or chosen by the data."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from scipy import special

from .._values import effective_sample_size
from ._diagnostics import FEW_ROUNDS
from ._groups import count_groups, error_of_mean
from ._selection import slope
from ._tuning import BIAS_SHARE, SURELY

_RULES = ("auto", "slope")
# From the whole length of the box down, so many steps a factor of 2.
_STEPS, _MOST = 2, 60


class _Candidate(NamedTuple):
    bandwidth: float
    value: float
    error: float
    influence: np.ndarray
    distance: float  # mean distance from the policy's quantities, as weighted


def choose_bandwidth(rounds, bandwidth, smoothness, estimate):
    r"""Return a bandwidth, given or chosen, and whether its bias is surely small.

    The bias of a kernel estimate grows with the mean distance :math:`\delta(h)` of what was logged
    from what the policy plays, as weighted: for a reward that is Lipschitz in the quantity the
    bias is at most its constant times that distance, and with two derivatives it is proportional
    to the mean squared distance (`smoothness` 1 and 2). So of a narrow bandwidth h and a wider H

    .. math:: s(h, H) = \frac{|\hat V(h) - \hat V(H)|}{\delta(H) - \delta(h)}

    estimates by how much the bias grows with :math:`\delta`. Its upper 95 % bound, the lowest over
    H but no lower than any of its lower bounds, times :math:`\delta(h)` bounds the bias.

    With a reward model H is no more than half the box: a model is right on average over the whole
    of it, so wider kernels show nothing of its bias.

    ``"auto"`` goes from wide to narrow until that is a quarter of the standard error, and one step
    further: where estimates agree by luck it stops too, and there the value leans towards those of
    the wide ones. ``"slope"`` takes SLOPE's choice. Neither leaves fewer than 30 effective rounds,
    where the widest has them.

    Parameters
    ----------
    rounds : QuantityRounds
    bandwidth : float, "auto" or "slope"
        What the caller asked for.
    smoothness : {1, 2}
    estimate : callable
        Takes weights to a PolicyValue.

    Returns
    -------
    bandwidth : float
    harmless : bool
        False only where ``"auto"`` found none whose bias is surely small.
    """
    if not isinstance(smoothness, Integral) or smoothness not in (1, 2):
        raise ValueError(
            "smoothness must be 1, for rewards that may have kinks in the quantity, or 2, for "
            f"smooth ones; got {smoothness!r}."
        )
    if isinstance(bandwidth, str):
        if bandwidth not in _RULES:
            raise ValueError(
                f'bandwidth must be a positive number, "auto" or "slope"; got {bandwidth!r}.'
            )
    elif not isinstance(bandwidth, Real) or not 0 < bandwidth < np.inf:
        raise ValueError(
            "bandwidth must be a positive number, a share of the length of the box of the "
            f'quantities, "auto" or "slope"; got {bandwidth!r}.'
        )
    else:
        return float(bandwidth), True
    candidates = _candidates(rounds, smoothness, estimate)
    if bandwidth == "slope":
        tried = list(candidates)
        # The width of the default of `slope`, the upper 5 % quantile.
        n_groups = count_groups(rounds.groups, rounds.n_samples)
        width = special.stdtrit(max(n_groups - 1.0, 1.0), 0.95) * np.array(
            [one.error for one in tried]
        )
        width = np.nan_to_num(width)
        return tried[slope([one.value for one in tried], width=width)].bandwidth, True
    tried, found = [], False
    for one in candidates:
        tried.append(one)
        if found:
            break
        found = _bias_bound(tried, rounds.groups) <= BIAS_SHARE * one.error
    return tried[-1].bandwidth, found


def _candidates(rounds, smoothness, estimate):
    """Yield estimates from the widest bandwidth down, as long as 30 effective rounds are left."""
    distance = rounds.distance(smoothness)
    first = 0 if rounds.expected_logged is None else _STEPS
    for number in range(first, _MOST):
        bandwidth = 2.0 ** (-number / _STEPS)
        weight = rounds.weight(bandwidth)
        counted = weight * rounds.share
        # Arms without a quantity have the same weight under every bandwidth.
        effective = effective_sample_size(counted[rounds.taken])
        if number > first and not effective >= FEW_ROUNDS:
            return
        value = estimate(weight)
        total = counted.sum()
        yield _Candidate(
            bandwidth,
            value.value,
            value.standard_error,
            value.influence,
            float(counted @ distance / total) if total > 0 else 0.0,
        )


def _bias_bound(tried, groups):
    """What the bias of the last candidate surely does not exceed, from all wider ones."""
    last = tried[-1]
    if last.distance == 0.0:
        return 0.0
    upper, lower = np.inf, 0.0
    for wide in tried[:-1]:
        if not wide.distance > last.distance:
            continue
        doubt = SURELY * error_of_mean(last.influence - wide.influence, groups)
        moved, room = abs(last.value - wide.value), wide.distance - last.distance
        upper, lower = min(upper, (moved + doubt) / room), max(lower, (moved - doubt) / room)
    return max(upper, lower) * last.distance
