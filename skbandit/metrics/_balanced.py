"""Values by importance weights that a classifier estimated."""

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import KFold
from sklearn.utils import check_random_state

from .._play import as_rows, make_folds
from .._rows import append_arm, join_rows, n_rows, take_rows
from .._sampling import draw_arms
from ._importance_weighted import self_normalized
from ._validation import EvaluatedRounds, check_groups, check_sample_weight, check_vector

# Beyond these the odds of a saturated classifier say nothing.
_EDGE = 1e-6


def balanced_ips_value(*, reward, weight, clip=np.inf, sample_weight=None, groups=None):
    """Value by inverse propensity scoring with estimated weights, self-normalised.

    mean(v reward) / mean(v) with v = min(weight, clip), where `weight` estimates the ratio of the
    densities of (context, arm) under the evaluated and the logging policy. No propensities are
    needed.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
    weight : array-like of shape (n_samples,)
        Estimated density ratio of each round, for instance from `balanced_weight`; non-negative.
    clip : float, default=inf
        Largest weight.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue
        Its intervals take the weights as given.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values, or all weights are 0.

    See Also
    --------
    balanced_weight : Estimates the weights.
    snips_value : For known propensities.

    References
    ----------
    Sondhi, Arbour & Dimmery (2020), Balanced off-policy evaluation in general action spaces,
    AISTATS.

    Examples
    --------
    >>> from skbandit.metrics import balanced_ips_value
    >>> balanced_ips_value(reward=[1., 0., 1.], weight=[2., 1., 1.]).value
    0.75
    """
    reward = check_vector(reward, "reward")
    weight = check_vector(weight, "weight", reward.size)
    sample_weight = check_sample_weight(sample_weight, reward.size)
    if (weight < 0).any():
        raise ValueError(
            f"weight must be non-negative, a ratio of densities; got {weight.min():g}. Pass "
            "odds, p / (1 - p), not log odds."
        )
    if not clip > 0:
        raise ValueError(f"clip must be positive; got {clip!r}. Infinity clips nothing.")
    weight = np.minimum(weight, clip)
    return self_normalized(
        "balanced_ips",
        reward,
        weight,
        sample_weight=sample_weight,
        groups=check_groups(groups, reward.size),
        clip=float(clip),
    )


def balanced_weight(
    X, *, arm, policy_probability, estimator=None, cv=5, random_state=None, n_jobs=None
):
    """Estimate importance weights by telling logged arms from arms of the evaluated policy.

    A classifier learns to tell (context, logged arm), class 0, from (context, arm drawn from the
    evaluated policy), class 1. Its odds p / (1 - p) at a logged round estimate the ratio of the
    densities (Sondhi et al. 2020, section 3). It is cross-fitted by rounds. Well calibrated
    classifiers serve best.

    Parameters
    ----------
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Contexts.
    arm : array-like of int of shape (n_samples,)
        Column of the logged arm in `policy_probability`.
    policy_probability : array-like of shape (n_samples, n_arms)
        Probabilities of the evaluated policy.
    estimator : classifier, default=None
        Learns from X with the arm appended one-hot, so it must be able to let the two interact.
        None means `HistGradientBoostingClassifier`.
    cv : int or cross-validation generator, default=5
        An integer means that many shuffled folds.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and the folds.
    n_jobs : int, default=None
        Folds fitted in parallel.

    Returns
    -------
    weight : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values, the log is shorter than the folds,
        or `estimator` is no classifier.

    See Also
    --------
    balanced_ips_value : The estimate with these weights.

    References
    ----------
    Sondhi, Arbour & Dimmery (2020), Balanced off-policy evaluation in general action spaces,
    AISTATS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skbandit.metrics import balanced_weight
    >>> arm = np.arange(400) % 2
    >>> weight = balanced_weight(np.zeros((400, 1)), arm=arm, random_state=0,
    ...                          policy_probability=[[.75, .25]] * 400,
    ...                          estimator=LogisticRegression())
    >>> bool(abs(weight[arm == 0].mean() - 1.5) < 0.1)
    True
    """
    if estimator is None:
        estimator = HistGradientBoostingClassifier()
    if not is_classifier(estimator) or not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"estimator must be a classifier with predict_proba; got {estimator!r}. Wrap one "
            "without it in CalibratedClassifierCV."
        )
    rounds = EvaluatedRounds(arm=arm, policy_probability=policy_probability)
    if rounds.policy_probability.ndim == 1 or rounds.arm is None:
        raise ValueError(
            "policy_probability must have shape (n_samples, n_arms), and arm is needed."
        )
    n_samples, n_arms = rounds.policy_probability.shape
    X = as_rows(X)
    if n_rows(X) != n_samples:
        raise ValueError(
            f"X has {n_rows(X)} rows where policy_probability has {n_samples}; give one row a "
            "round of the log."
        )
    random_state = check_random_state(random_state)
    uniform = random_state.uniform(size=n_samples)
    played = draw_arms(rounds.policy_probability, uniform)[:, 0]
    if isinstance(cv, (int, np.integer)):
        cv = KFold(cv, shuffle=True, random_state=random_state)
    folds = make_folds(cv, n_samples)
    odds = Parallel(n_jobs=n_jobs)(
        delayed(_fold_odds)(estimator, X, rounds.arm, played, n_arms, train, test)
        for train, test in folds
    )
    weight = np.ones(n_samples)
    for (_, test), fold_odds in zip(folds, odds, strict=True):
        weight[test] = fold_odds
    return weight


def _fold_odds(estimator, X, arm, played, n_arms, train, test):
    contexts = take_rows(X, train)
    logged = append_arm(contexts, arm[train], n_arms)
    evaluated = append_arm(contexts, played[train], n_arms)
    label = np.repeat([0, 1], train.size)
    fitted = clone(estimator).fit(join_rows([logged, evaluated]), label)
    chance = fitted.predict_proba(append_arm(take_rows(X, test), arm[test], n_arms))[:, 1]
    chance = chance.clip(_EDGE, 1 - _EDGE)
    return chance / (1 - chance)
