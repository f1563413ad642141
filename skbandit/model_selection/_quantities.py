"""Several policies with quantities on one log, beside the policy that wrote it."""

from .._play import as_rows, check_log, name_policies
from ..metrics import QuantityScorer, chance_better, mean_value
from ._comparison import DRAWS, LOGGING, comparison_frame, comparison_row


def compare_quantity_policies(
    policies,
    X,
    log,
    *,
    estimator="kernel_dr",
    reward_model=None,
    cv=5,
    bounds=None,
    bandwidth="auto",
    kernel="epanechnikov",
    smoothness=1,
    interval="normal",
    confidence_level=0.95,
    interval_params=None,
    prior_scale=0.5,
    reward=None,
    propensity=None,
    sample_weight=None,
    available=None,
    groups=None,
    n_jobs=None,
):
    """Estimate the values of policies that choose quantities, and how surely they beat the logger.

    Parameters
    ----------
    policies : dict of str to policy, list of policies, or policy
        Bandits with quantities, fitted, Pipelines and searches around them, regressors that
        predict a quantity, and functions of X that return quantities, or arms and quantities. A
        list goes by the names of the classes.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        The contexts.
    log : array-like of shape (n_samples,)
        A log with quantities, on which none of the policies was fitted.
    estimator : str, default="kernel_dr"
        The off-policy estimator, see :func:`skbandit.metrics.make_quantity_scorer`.
    reward_model, cv, bounds : object
        As in :func:`skbandit.metrics.make_quantity_scorer`.
    bandwidth, kernel, smoothness : object
        As in :func:`skbandit.metrics.kernel_ips_value`. Each policy has a bandwidth of its own.
    interval : str, default="normal"
        Method of the intervals, see :class:`skbandit.metrics.PolicyValue`.
    confidence_level : float, default=0.95
        Of each interval; they are not corrected for the number of policies.
    interval_params : dict, default=None
        Options of the intervals. Resamples are drawn with `random_state=0` unless this says
        otherwise.
    prior_scale : float, default=0.5
        Of ``chance_better``, see :func:`skbandit.metrics.chance_better`.
    reward, propensity : array-like of shape (n_samples,), default=None
        In place of those of the log.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that could be played in each round, for bandits alone.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see :class:`skbandit.metrics.PolicyValue`.
    n_jobs : int, default=None
        Folds of the reward model in parallel.

    Returns
    -------
    results : DataFrame
        As of :func:`compare_policies`: one row a policy, after one for the logging policy.

    Raises
    ------
    ValueError
        If the log has no quantities, rewards or propensities, or a quantity is out of bounds.

    See Also
    --------
    compare_policies : For arms without quantities.
    skbandit.metrics.PolicyValueDisplay : Draws the table.

    References
    ----------
    Kallus & Zhou (2018), Policy evaluation and optimization with continuous treatments, AISTATS.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.base import make_log
    >>> from skbandit.model_selection import compare_quantity_policies
    >>> rng = np.random.default_rng(0)
    >>> X, dose = rng.uniform(size=(3000, 2)), rng.uniform(size=3000)
    >>> reward = 1 - 4 * (dose - X[:, 0]) ** 2 + 0.1 * rng.normal(size=3000)
    >>> log = make_log(np.full(3000, "dose"), reward, np.ones(3000), quantity=dose)
    >>> policies = {"follow": lambda X: X[:, 0], "half": lambda X: np.full(len(X), 0.5)}
    >>> results = compare_quantity_policies(policies, X, log, bounds=(0, 1))
    >>> results[["value", "difference", "chance_better"]].round(1)
                    value  difference  chance_better
    policy...
    logging policy    0.3         0.0            0.5
    follow            1.0         0.7            1.0
    half              0.6         0.3            1.0
    """
    named = name_policies(policies, "policies")
    if LOGGING in named:
        raise ValueError(
            f"policies must hold none of the name {LOGGING!r}, which stands for the policy that "
            f"wrote the log; got {list(named)}."
        )
    scorer = QuantityScorer(
        estimator,
        reward_model=reward_model,
        cv=cv,
        bounds=bounds,
        bandwidth=bandwidth,
        kernel=kernel,
        smoothness=smoothness,
        interval=interval,
        confidence_level=max(confidence_level, 0.5),
        n_jobs=n_jobs,
    )
    options = dict(interval_params or {})
    if interval in DRAWS:
        options.setdefault("random_state", 0)
    X = as_rows(X)
    logged = check_log(X, log, reward, propensity, quantities=True, any_reward=True)
    given = {
        "reward": reward,
        "propensity": propensity,
        "sample_weight": sample_weight,
        "available": available,
        "groups": groups,
    }
    values = {name: scorer.evaluate(policy, X, log, **given) for name, policy in named.items()}
    logging = mean_value(reward=logged.reward, sample_weight=sample_weight, groups=groups)
    low, high = logging.interval(interval, confidence_level=confidence_level, **options)
    effective = logging.effective_sample_size
    rows = {LOGGING: [logging.value, low, high, 0.0, 0.0, 0.0, 0.5, effective]}
    for name, value in values.items():
        rows[name] = [
            *comparison_row(value, logging, interval, confidence_level, options),
            chance_better(value - logging, logged.reward, prior_scale=prior_scale),
            value.effective_sample_size,
        ]
    return comparison_frame(rows, estimator, interval, confidence_level)
