"""Values of policies that choose quantities as scikit-learn scorers."""

import inspect
from typing import NamedTuple

import numpy as np

from .._play import as_rows, check_log, check_steps_read_logs, is_bandit, take_apart
from ._quantity_rewards import cross_fit_quantity_rewards
from ._quantity_values import (
    density_dr_value,
    density_ips_value,
    density_snips_value,
    kernel_dr_value,
    kernel_ips_value,
    kernel_snips_value,
)
from ._scorer import PolicyScorer

_ESTIMATORS = {
    "kernel_dr": kernel_dr_value,
    "kernel_ips": kernel_ips_value,
    "kernel_snips": kernel_snips_value,
    "density_dr": density_dr_value,
    "density_ips": density_ips_value,
    "density_snips": density_snips_value,
}


class QuantityPlan(NamedTuple):
    """What a policy does in logged rounds; arms are None where there is one."""

    arm: np.ndarray | None  # (n_samples,)
    quantity: np.ndarray  # (n_samples, n_quantities)
    bounds: object  # as in kernel_ips_value
    density: np.ndarray | None = None  # (n_samples,), of what was logged


def make_quantity_scorer(
    estimator="kernel_dr",
    *,
    reward_model=None,
    cv=5,
    bounds=None,
    bandwidth=None,
    kernel="epanechnikov",
    smoothness=1,
    interval=None,
    bound="lower",
    confidence_level=0.95,
    interval_params=None,
    n_jobs=None,
):
    """Make a scorer that estimates the value of a policy with quantities from a log.

    It serves as ``scoring=`` wherever scikit-learn takes a scorer, and takes bandits with
    quantities, Pipelines and searches around them, and whatever predicts a quantity: a regressor,
    or a function of the contexts.

    Parameters
    ----------
    estimator : str, default="kernel_dr"
        ``"kernel_dr"``, ``"kernel_snips"`` and ``"kernel_ips"`` value what the policy plays
        without exploring, ``predict(X, explore=False, return_quantity=True)``; ``"density_dr"``,
        ``"density_snips"`` and ``"density_ips"`` value the policy as it explores, by its
        ``quantity_density``.
    reward_model : estimator, default=None
        Regressor or classifier for the estimators with a model, see `cross_fit_quantity_rewards`,
        which fits it on the very log that is scored, never on the rows it predicts.
    cv : int or cross-validation generator, default=5
        Folds of that cross-fitting.
    bounds : tuple (low, high), list of such pairs, or dict of arm to either, default=None
        The box of the quantities. None takes the `quantities` of a bandit, and none for other
        policies.
    bandwidth : float, "auto" or "slope", default=None
        See `kernel_ips_value`. None is ``"slope"`` where the value is scored, for its smaller
        error, and ``"auto"`` where an end of an interval is.
    kernel, smoothness : object
        As in `kernel_ips_value`.
    interval : str, default=None
        None scores the value. Otherwise the method of a confidence interval, see
        `PolicyValue.interval`, of which the score is one end.
    bound : {"lower", "upper"}, default="lower"
        Which end, where `interval` is given.
    confidence_level : float, default=0.95
        Probability that the value lies above the lower bound (below the upper one); at least 0.5.
    interval_params : dict, default=None
        Options of the interval.
    n_jobs : int, default=None
        Folds of the reward model fitted in parallel.

    Returns
    -------
    scorer : QuantityScorer
        Called as ``scorer(policy, X, y)`` with `y` a log that holds quantities; higher is better.

    Raises
    ------
    ValueError
        If an argument is none of those named.

    See Also
    --------
    make_policy_scorer : For arms without quantities.
    skbandit.model_selection.compare_quantity_policies : A table with intervals.

    Notes
    -----
    A regressor is a policy of one arm, which plays what it predicts; so is a function of the
    contexts that returns quantities. A function may also return a tuple of arms and quantities.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.base import make_log
    >>> from skbandit.metrics import make_quantity_scorer
    >>> rng = np.random.default_rng(0)
    >>> X, dose = rng.uniform(size=(3000, 2)), rng.uniform(size=3000)
    >>> reward = 1 - (dose - X[:, 0]) ** 2 + 0.1 * rng.normal(size=3000)
    >>> log = make_log(np.full(3000, "dose"), reward, np.ones(3000), quantity=dose)
    >>> scorer = make_quantity_scorer(bounds=(0, 1))
    >>> follow, half = (lambda X: X[:, 0]), (lambda X: np.full(len(X), 0.5))
    >>> round(scorer(follow, X, log), 2), round(scorer(half, X, log), 2)
    (1.0, 0.91)
    """
    return QuantityScorer(
        estimator,
        reward_model=reward_model,
        cv=cv,
        bounds=bounds,
        bandwidth=bandwidth,
        kernel=kernel,
        smoothness=smoothness,
        interval=interval,
        bound=bound,
        confidence_level=confidence_level,
        interval_params=interval_params,
        n_jobs=n_jobs,
    )


class QuantityScorer(PolicyScorer):
    """A scorer of policies with quantities; made by `make_quantity_scorer`, with its arguments.

    Parameters
    ----------
    estimator : str
    reward_model, cv, bounds, bandwidth, kernel, smoothness : object
        As in `make_quantity_scorer`, with the same defaults.
    interval, bound, confidence_level, interval_params, n_jobs : object
        As in `make_quantity_scorer`, with the same defaults.

    See Also
    --------
    make_quantity_scorer : Says what the parameters mean.

    Examples
    --------
    >>> from skbandit.metrics import make_quantity_scorer
    >>> make_quantity_scorer("kernel_snips", bounds=(0, 10))
    make_quantity_scorer('kernel_snips', bounds=(0, 10))
    """

    def __init__(
        self,
        estimator="kernel_dr",
        *,
        reward_model=None,
        cv=5,
        bounds=None,
        bandwidth=None,
        kernel="epanechnikov",
        smoothness=1,
        interval=None,
        bound="lower",
        confidence_level=0.95,
        interval_params=None,
        n_jobs=None,
    ):
        super().__init__(
            reward_model=reward_model,
            cv=cv,
            interval=interval,
            bound=bound,
            confidence_level=confidence_level,
            interval_params=interval_params,
            n_jobs=n_jobs,
        )
        if estimator not in _ESTIMATORS:
            raise ValueError(
                f"estimator must be one of {', '.join(_ESTIMATORS)}; got {estimator!r}."
            )
        self.estimator = estimator
        self.bounds = bounds
        self.bandwidth = bandwidth
        self.kernel = kernel
        self.smoothness = smoothness

    def evaluate(
        self,
        policy,
        X,
        y,
        *,
        reward=None,
        propensity=None,
        sample_weight=None,
        available=None,
        cost=None,
        groups=None,
    ):
        """Estimate the value with all that its intervals need.

        Parameters
        ----------
        policy : estimator or callable
            Fitted; a bandit with quantities, a Pipeline or search around one, a regressor, or a
            function of X.
        X, y, reward, propensity, sample_weight, available, groups
            As in a call of `PolicyScorer`; `y` is a log with quantities.
        cost : None
            Not taken: policies are asked without costs.

        Returns
        -------
        value : PolicyValue
        """
        if cost is not None:
            raise ValueError("cost= is not taken by scorers of policies with quantities.")
        X = as_rows(X)
        if hasattr(policy, "predict"):
            check_steps_read_logs(policy, y)
        logged = check_log(X, y, reward, propensity, quantities=True, any_reward=True)
        if logged.quantity is None:
            raise ValueError(
                "y is a log without quantities, and this scorer values policies that choose them. "
                "Log them with make_log(arm, reward, propensity, quantity=...); of arms without "
                "quantities make_policy_scorer makes scorers."
            )
        if logged.reward.ndim != 1:
            raise ValueError(
                f"y holds {logged.reward.shape[1]} objectives a round, and a score is of one. "
                "Pass one of them as reward=, or their weighted sum in the log."
            )
        if logged.propensity is None:
            raise ValueError(
                "y is a log without propensities, and values from a log need them: the density "
                "of each arm and quantity. Log what predict(X, return_quantity=True, "
                "return_propensity=True) returns, or pass propensity=."
            )
        by_density = self.estimator.startswith("density")
        plan = ask_quantities(policy, X, logged, available=available, density=by_density)
        given = {
            "reward": logged.reward,
            "propensity": logged.propensity,
            "sample_weight": sample_weight,
            "groups": groups,
        }
        arms = {}
        if plan.arm is not None:
            arms = {"arm": logged.labels, "policy_arm": plan.arm}
        elif len(set(logged.labels.tolist())) > 1:
            raise ValueError(
                "y holds several arms, and the policy says nothing of which it plays. Pass a "
                "bandit, or a function of X that returns a tuple of arms and quantities."
            )
        if self.estimator.endswith("dr"):
            expected = cross_fit_quantity_rewards(
                self.reward_model,
                X,
                logged.quantity,
                logged.reward,
                policy_quantity=plan.quantity,
                cv=self.cv,
                groups=groups,
                n_jobs=self.n_jobs,
                **arms,
            )
            given |= {"expected_logged": expected.logged, "expected_policy": expected.policy}
        if by_density:
            return _ESTIMATORS[self.estimator](policy_density=plan.density, **given)
        bandwidth = self.bandwidth
        if bandwidth is None:
            bandwidth = "slope" if self.interval is None else "auto"
        return _ESTIMATORS[self.estimator](
            quantity=logged.quantity,
            policy_quantity=plan.quantity,
            bounds=plan.bounds if self.bounds is None else self.bounds,
            bandwidth=bandwidth,
            kernel=self.kernel,
            smoothness=self.smoothness,
            **given,
            **arms,
        )

    def __repr__(self):
        defaults = QuantityScorer().__dict__
        shown = {
            name: value
            for name, value in self.__dict__.items()
            if name not in ("estimator", "parameters", "_requests", "_token")
            and value != defaults[name]
        }
        pairs = "".join(f", {k}={v!r}" for k, v in shown.items())
        return f"make_quantity_scorer({self.estimator!r}{pairs})"


def ask_quantities(policy, X, logged, *, available=None, density=False):
    """Ask a policy which arm it plays in logged rounds, and how much of it.

    Parameters
    ----------
    policy : estimator or callable
    X : rows
    logged : LoggedRounds
    available : array-like or frame of bool, default=None
        For bandits alone.
    density : bool, default=False
        Whether to ask for a draw and the density of what was logged, instead of what the policy
        plays for sure.

    Returns
    -------
    plan : QuantityPlan
    """
    steps, last = take_apart(policy)
    masked = {} if available is None else {"available": available}
    if (
        hasattr(last, "predict")
        and "return_quantity" in inspect.signature(last.predict).parameters
    ):
        for step in steps:
            X = step.transform(X)
        arm, quantity = last.predict(X, explore=density, return_quantity=True, **masked)
        known = None
        if density:
            known = last.quantity_density(X, logged.labels, logged.quantity, **masked)
        return QuantityPlan(
            np.asarray(arm), _as_columns(quantity), getattr(last, "quantities", None), known
        )
    if is_bandit(last):
        raise TypeError(
            f"{type(last).__name__} chooses arms without quantities. Score it with "
            "make_policy_scorer, on a log without them."
        )
    if density:
        raise TypeError(
            f"{type(last).__name__} plays one quantity for sure and has no density. Use the "
            "estimators kernel_dr, kernel_snips or kernel_ips."
        )
    if available is not None:
        raise TypeError(
            f"available is given, but {type(last).__name__} takes no mask. Pass a bandit."
        )
    if hasattr(policy, "predict"):
        return QuantityPlan(None, _as_columns(policy.predict(X)), None)
    if not callable(policy):
        raise TypeError(
            "policy must be a bandit with quantities, a regressor or a function of X; got "
            f"{type(policy).__name__}."
        )
    answer = policy(X)
    if isinstance(answer, tuple):
        arm, quantity = answer
        return QuantityPlan(np.asarray(arm), _as_columns(quantity), None)
    return QuantityPlan(None, _as_columns(answer), None)


def _arguments_of_predict(policy):
    return inspect.signature(policy.predict).parameters if hasattr(policy, "predict") else ()


def _as_columns(quantity):
    quantity = np.asarray(quantity, dtype=np.float64)
    return quantity[:, None] if quantity.ndim == 1 else quantity
