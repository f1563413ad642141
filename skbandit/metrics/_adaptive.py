"""Values from the log of a policy that was learning while it wrote it."""

import numpy as np

from .._values import RatioOfMeans, ratio_columns
from ._diagnostics import warn_mean_weight, warn_poor_support
from ._importance_weighted import span
from ._policy_value import PolicyValue
from ._validation import EvaluatedRounds, check_table

_WEIGHTINGS = {"square_root": 0.5, "minimum_variance": 1.0, "uniform": 0.0}
# The variance of a round's term is foreseen from so many rounds before it; from more of them where
# only the squared weight of the arm that was played is known.
_WINDOW, _LONG_WINDOW = 50, 400
# The square of a larger number is none.
_SQUARABLE = 1e150


def adaptive_dr_value(
    *,
    reward,
    arm,
    propensity,
    policy_probability,
    expected_reward,
    arm_propensity=None,
    weighting="square_root",
    sample_weight=None,
    groups=None,
):
    r"""Value by the adaptively weighted doubly robust method, for the log of a learning policy.

    With the doubly robust terms :math:`\Gamma_t` of `dr_value`,

    .. math:: \hat V = \frac{\sum_t h_t \Gamma_t}{\sum_t h_t}, \qquad h_t = \phi_t^{-1/2}, \qquad
              \phi_t \approx E_x \sum_a \frac{\pi(a \mid x)^2}{e_t(a \mid x)},

    where :math:`e_t` is the logging policy of the round. As a policy learns it plays some arms
    less and less; their terms vary more and more, and the plain mean is not normal: an interval of
    95 % for the worse of two arms covers less. With these weights each round adds about as much
    variance as any other, and the mean is normal [1]_ [2]_. The weight of a round may depend on
    earlier rounds and on its logging policy alone, so :math:`\phi_t` is the mean over the 50
    rounds before it.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards, in the order of time.
    arm : array-like of int of shape (n_samples,)
        Column of the logged arm in `policy_probability`.
    propensity : array-like of shape (n_samples,)
        Probability with which the logged arm was played, in (0, 1]. Give the policy a floor, see
        :class:`skbandit.selectors.PropensityFloorSelector`.
    policy_probability : array-like of shape (n_samples, n_arms)
        Probabilities of the evaluated policy.
    expected_reward : array-like of shape (n_samples, n_arms)
        A model's prediction for every arm, from earlier rows: those of `cross_fit_rewards` with
        ``cv=TimeSeriesSplit()``.
    arm_propensity : array-like of shape (n_samples, n_arms), default=None
        Probability of every arm under the logging policy, what its ``predict_proba`` returned when
        it decided. None: it follows from `propensity` where there are two arms; with more of them
        :math:`\phi_t` is the mean of the squared weights of 400 rounds before, which is right too,
        and less sharp.
    weighting : {"square_root", "minimum_variance", "uniform"}, default="square_root"
        The power of :math:`\phi_t`: -1/2, -1 or 0. "minimum_variance" is a little shorter, and
        covers less where two arms are equally good; "uniform" is `dr_value`.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    dr_value : For the log of a policy that stays as it is.
    skbandit.selectors.PropensityFloorSelector : What such logs need.

    References
    ----------
    .. [1] V. Hadad, D. A. Hirshberg, R. Zhan, S. Wager and S. Athey (2021). Confidence intervals
       for policy evaluation in adaptive experiments. PNAS 118(15), equations 5 and 12.
    .. [2] R. Zhan, V. Hadad, D. A. Hirshberg and S. Athey (2021). Off-policy evaluation via
       adaptive weighting with data from contextual bandits. KDD, section 4 (StableVar, MinVar).

    Examples
    --------
    >>> from skbandit.metrics import adaptive_dr_value
    >>> first = [[1., 0.]] * 3
    >>> value = adaptive_dr_value(reward=[1., 0., 1.], arm=[0, 1, 0], propensity=[.5, .5, .8],
    ...                           policy_probability=first, expected_reward=[[0., 0.]] * 3)
    >>> round(value.value, 3)
    1.195
    """
    rounds = EvaluatedRounds(
        reward=reward,
        arm=arm,
        propensity=propensity,
        policy_probability=policy_probability,
        expected_reward=expected_reward,
        sample_weight=sample_weight,
        groups=groups,
    )
    return adaptive_dr(rounds, arm_propensity=arm_propensity, weighting=weighting)


def adaptive_dr(rounds, arm_propensity=None, weighting="square_root"):
    """`adaptive_dr_value` of checked rounds."""
    rounds.need("reward", "arm", "propensity", "expected_reward")
    if weighting not in _WEIGHTINGS:
        raise ValueError(f"weighting must be one of {', '.join(_WEIGHTINGS)}; got {weighting!r}.")
    weight = rounds.weight
    square, window = _expected_square(rounds, arm_propensity)
    share = _mean_of_those_before(square, window) ** -_WEIGHTINGS[weighting]
    terms = rounds.corrected(weight)
    value = float(
        np.average(
            terms, weights=share if rounds.sample_weight is None else share * rounds.sample_weight
        )
    )
    warn_poor_support(share * weight)
    warn_mean_weight(rounds)
    relative = share / np.average(share, weights=rounds.sample_weight)
    return PolicyValue(
        name="adaptive_dr",
        columns=ratio_columns(terms - value, share),
        formula=RatioOfMeans(value),
        weight=relative * weight,
        control=weight,
        residual=rounds.model_error,
        sample_weight=rounds.sample_weight,
        groups=rounds.groups,
        reward_range=span(rounds.reward),
        base_range=span(value + relative * (rounds.model_policy - value)),
        model_range=span(rounds.model_logged),
        parameters={"weighting": weighting},
    )


def _expected_square(rounds, arm_propensity):
    """Expectation, over the arm, of each round's squared weight; and how many rounds to average.

    Where the logging policy is known for the arm that was played alone, the squared weight itself.
    """
    policy, n_arms = rounds.policy_probability, rounds.policy_probability.shape[1]
    if arm_propensity is not None:
        chance = check_table(arm_propensity, "arm_propensity", policy.shape)
        logged = chance[np.arange(len(chance)), rounds.arm]
        off = np.abs(logged - rounds.propensity) > 1e-6
        if off.any():
            row = int(np.flatnonzero(off)[0])
            raise ValueError(
                f"arm_propensity says {logged[row]:g} for the arm that was played in row {row} "
                f"where propensity says {rounds.propensity[row]:g}. Pass what predict_proba "
                "returned when the round was decided, with its columns in the order of those of "
                "policy_probability: its arms."
            )
    elif n_arms == 2:
        chance = np.empty(policy.shape)
        rows = np.arange(len(chance))
        chance[rows, rounds.arm] = rounds.propensity
        chance[rows, 1 - rounds.arm] = 1.0 - rounds.propensity
    else:
        return np.minimum(rounds.weight, _SQUARABLE) ** 2, _LONG_WINDOW
    # An arm that neither policy plays adds nothing; one that only the evaluated one plays would
    # add infinity, and what was logged says nothing of it either.
    known = chance > 0.0
    square = np.where(known, policy**2 / np.where(known, chance, 1.0), 0.0).sum(axis=1)
    return square, _WINDOW


def _mean_of_those_before(square, window):
    """Mean of so many entries before each one; at least 1, as is its expectation."""
    mean = np.ones(len(square))
    few = square[: window - 1]
    mean[1 : len(few) + 1] = np.cumsum(few)[: len(mean) - 1] / np.arange(1, len(mean))[: len(few)]
    if len(square) > window:
        # No running sum: one huge entry would take the digits of all that follow.
        mean[window:] = np.lib.stride_tricks.sliding_window_view(square[:-1], window).mean(axis=1)
    return np.maximum(mean, 1.0)
