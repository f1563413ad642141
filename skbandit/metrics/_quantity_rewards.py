"""Predictions of a reward model for arms with quantities, by models that never saw the row."""

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.linear_model import BayesianRidge

from .._play import as_rows, distinct_labels, make_encoder
from .._rounds import as_labels
from .._rows import append_columns, as_frame, n_rows, nw, take_rows
from ._quantity_rounds import check_quantities
from ._reward_model import expectation, fit_model, make_group_folds
from ._validation import check_groups, check_sample_weight, check_vector

# Beyond so many features the default model lets none of them change the effect of a quantity.
_MOST_INTERACTIONS = 100
_KNOTS = (0.2, 0.4, 0.6, 0.8)


class QuantityRewards(NamedTuple):
    """What a reward model predicts for logged rounds and for a policy.

    Attributes
    ----------
    logged : ndarray of shape (n_samples,)
        For the arm and the quantity that were played.
    policy : ndarray of shape (n_samples,)
        For those that the policy would have played; the mean over its draws, where it has several.
    """

    logged: np.ndarray
    policy: np.ndarray


def cross_fit_quantity_rewards(
    model,
    X,
    quantity,
    reward,
    *,
    policy_quantity,
    arm=None,
    policy_arm=None,
    cv=5,
    sample_weight=None,
    groups=None,
    n_jobs=None,
):
    """Predict what logged quantities and a policy's pay by models fitted on other rounds.

    Parameters
    ----------
    model : estimator or None
        Any scikit-learn regressor, or a classifier for rewards of few distinct values. One is
        fitted for each arm, on X with the numbers that the arm takes as further columns (of a
        DataFrame "quantity 0" and so on). None: ridge regression on X, on each quantity as a
        curve (its square, and hinges at its quintiles), on products of two quantities and on
        those of quantities with X, its penalty learnt from the data.
    X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
        Contexts.
    quantity : array-like of shape (n_samples,) or (n_samples, n_quantities)
        How much was played; NaN where the arm takes none, or fewer numbers than others.
    reward : array-like of shape (n_samples,)
        Logged rewards.
    policy_quantity : array-like of the shape of `quantity`, or (n_samples, n_draws, n_quantities)
        How much the policy would have played, for sure or in each of several draws.
    arm : array-like of shape (n_samples,), default=None
        Labels of the arm that was played; None where there is one arm.
    policy_arm : array-like of shape (n_samples,) or (n_samples, n_draws), default=None
        Labels of the arm that the policy would have played.
    cv : int, cross-validation generator or iterable, default=5
        Each row is predicted by the model of the fold that holds it out, see `cross_fit_rewards`.
        Rows that no fold holds out are predicted by the mean reward before them.
    sample_weight : array-like of shape (n_samples,), default=None
        Passed to `model.fit`.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together: no row is predicted by a model that saw another row
        of its group.
    n_jobs : int, default=None
        Folds fitted in parallel.

    Returns
    -------
    rewards : QuantityRewards

    Raises
    ------
    ValueError
        If shapes do not match, the log is shorter than the folds, or `model` is None and X is
        sparse or holds what no features can be made of.

    See Also
    --------
    kernel_dr_value, density_dr_value : Take the predictions.
    cross_fit_rewards : For arms without quantities.

    Notes
    -----
    An arm of the policy that a training fold lacks is predicted at the mean reward of the fold.

    References
    ----------
    Chernozhukov et al. (2018), Double/debiased machine learning for treatment and structural
    parameters, Econometrics Journal 21. Colangelo & Lee (2020), Double debiased machine learning
    nonparametric inference with continuous treatments.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skbandit.metrics import cross_fit_quantity_rewards
    >>> X, dose = np.arange(20.0)[:, None], np.tile([0.0, 1.0, 3.0, 2.0], 5)
    >>> model, reward = LinearRegression(), X[:, 0] + 2 * dose
    >>> rewards = cross_fit_quantity_rewards(model, X, dose, reward, cv=2,
    ...                                      policy_quantity=np.full(20, 1.5))
    >>> rewards.logged[:3].round(6), rewards.policy[:3].round(6)
    (array([0., 3., 8.]), array([3., 4., 5.]))
    """
    reward = check_vector(reward, "reward")
    n_samples = reward.size
    X = as_rows(X)
    if n_rows(X) != n_samples:
        raise ValueError(
            f"X has {n_rows(X)} rows where reward has {n_samples}; give one row a round."
        )
    quantity = check_quantities(quantity, "quantity", n_samples)
    drawn = _check_draws(policy_quantity, quantity.shape)
    if (arm is None) != (policy_arm is None):
        raise ValueError("arm and policy_arm go together; give both, or neither for one arm.")
    if arm is None:
        arm, policy_arm = np.zeros(n_samples, int), np.zeros(drawn.shape[:2], int)
    arm, policy_arm = as_labels(arm, "arm"), as_labels(policy_arm, "policy_arm")
    policy_arm = policy_arm[:, None] if policy_arm.ndim == 1 else policy_arm
    if arm.shape != (n_samples,) or policy_arm.shape != drawn.shape[:2]:
        raise ValueError(
            f"arm must have shape ({n_samples},) and policy_arm {drawn.shape[:2]}, as "
            f"policy_quantity has; got {arm.shape} and {policy_arm.shape}."
        )
    weight = check_sample_weight(sample_weight, n_samples)
    groups = check_groups(groups, n_samples)
    log = _Log(X, arm, quantity, reward, weight, policy_arm, drawn)
    folds = make_group_folds(cv, groups, n_samples, labels=arm)
    predictions = Parallel(n_jobs=n_jobs)(
        delayed(_fit_predict)(model, log, train, test) for train, test in folds
    )
    # Where no fold holds a row out, all that is known is what earlier rounds have paid.
    before = np.cumsum(reward) - reward
    logged = before / np.maximum(np.arange(n_samples), 1)
    policy = logged.copy()
    for (_, test), (at_logged, at_policy) in zip(folds, predictions, strict=True):
        logged[test], policy[test] = at_logged, at_policy
    return QuantityRewards(logged, policy)


class _Log(NamedTuple):
    contexts: object
    arm: np.ndarray
    quantity: np.ndarray
    reward: np.ndarray
    weight: np.ndarray | None
    policy_arm: np.ndarray  # (n_samples, n_draws)
    drawn: np.ndarray  # (n_samples, n_draws, n_quantities)


def _check_draws(policy_quantity, shape):
    """Return the policy's quantities as an array (n_samples, n_draws, n_quantities)."""
    if np.ndim(policy_quantity) < 3:
        drawn = check_quantities(policy_quantity, "policy_quantity", shape[0])[:, None]
    else:
        drawn = np.asarray(policy_quantity, dtype=np.float64)
    if drawn.shape[0] != shape[0] or drawn.shape[2] != shape[1] or np.isinf(drawn).any():
        raise ValueError(
            f"policy_quantity must hold finite numbers of shape {shape}, or (n_samples, n_draws, "
            f"n_quantities); got shape {np.shape(policy_quantity)}."
        )
    return drawn


def _fit_predict(model, log, train, test):
    """Predictions for held-out rows: of what was played, and the mean over the policy's draws."""
    mean = log.reward[train].mean()
    logged, policy = np.full(test.size, mean), np.full((test.size, log.drawn.shape[1]), mean)
    for label in distinct_labels(log.arm)[0]:
        rows = train[log.arm[train] == label]
        if rows.size == 0:
            continue
        columns = np.flatnonzero(~np.isnan(log.quantity[rows]).all(axis=0))
        predict = _fitted(model, log, rows, columns)
        here = np.flatnonzero(log.arm[test] == label)
        if here.size:
            logged[here] = predict(test[here], log.quantity[test[here]])
        for draw in range(policy.shape[1]):
            here = np.flatnonzero(log.policy_arm[test, draw] == label)
            if here.size:
                policy[here, draw] = predict(test[here], log.drawn[test[here], draw])
    return logged, policy.mean(axis=1)


def _fitted(model, log, rows, columns):
    """Fit the model of an arm, and return what predicts rows of contexts at quantities."""
    reward = log.reward[rows]
    if model is None:
        weight = None if log.weight is None else log.weight[rows]
        curves = _Curves(take_rows(log.contexts, rows), log.quantity[rows][:, columns])
        curves.fit(reward, weight)
        return lambda test, quantity: curves.predict(
            take_rows(log.contexts, test), quantity[:, columns]
        )
    if is_classifier(model) and np.ptp(reward) == 0:
        return lambda test, quantity: np.full(test.size, reward[0])

    def design(which, quantity):
        return append_quantities(take_rows(log.contexts, which), quantity[:, columns])

    fitted, paid = fit_model(
        clone(model), design(rows, log.quantity[rows]), reward, log.weight, rows
    )
    return lambda test, quantity: expectation(fitted, paid, design(test, quantity))


def append_quantities(X, quantity):
    """Return rows with quantities as further columns.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), sparse matrix or frame
    quantity : ndarray of shape (n_rows, n_quantities)

    Returns
    -------
    rows : of the kind of `X`
        The columns of a frame are called "quantity 0" and so on.
    """
    if sparse.issparse(X):
        return sparse.hstack([X, sparse.csr_array(quantity)], format="csr")
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return np.hstack([X, quantity])
    frame = as_frame(X)
    if not isinstance(frame, nw.DataFrame):
        raise ValueError(
            f"quantities cannot be features beside rows in a {type(X).__name__}"
            f"{' of three dimensions' if np.ndim(X) == 3 else ''}, which have no columns of their "
            "own. Give an array of two dimensions or a frame, or use an estimate without a model, "
            "such as kernel_snips_value."
        )
    names = [f"quantity {one}" for one in range(quantity.shape[1])]
    return append_columns(frame, dict(zip(names, quantity.T, strict=True)))


class _Curves:
    """The default model: ridge regression on contexts and on curves of the quantities."""

    def __init__(self, contexts, quantity):
        if sparse.issparse(contexts) or np.ndim(contexts) == 3:
            raise ValueError(
                "the default reward model takes arrays of two dimensions and frames; got X "
                f"{'sparse' if sparse.issparse(contexts) else 'of three dimensions'}. Pass a "
                "model of your own, or use an estimate without one, such as kernel_snips_value."
            )
        self._encoder = make_encoder(contexts)
        if self._encoder is not None:
            self._encoder.fit(contexts)
        self._contexts, self._quantity = contexts, quantity
        # Quantities as parts of their spread, so that squares keep their digits.
        self._middle = quantity.mean(axis=0)
        self._spread = np.where(np.ptp(quantity, axis=0) > 0, quantity.std(axis=0), 1.0)
        self._knots = np.quantile((quantity - self._middle) / self._spread, _KNOTS, axis=0)

    def _features(self, contexts, quantity):
        quantity = (quantity - self._middle) / self._spread
        n_quantities = quantity.shape[1]
        if self._encoder is None:
            known = np.asarray(contexts, dtype=np.float64)
        else:
            known = np.asarray(self._encoder.transform(contexts))
        curves = [known, quantity, quantity**2]
        curves += [np.maximum(quantity - knot, 0.0) for knot in self._knots]
        for first in range(n_quantities):
            curves.append(quantity[:, [first]] * quantity[:, first + 1 :])
            if known.shape[1] <= _MOST_INTERACTIONS:
                curves += [known * quantity[:, [first]], known * quantity[:, [first]] ** 2]
        return np.hstack(curves)

    def fit(self, reward, weight):
        """Fit on the rows that it was made with."""
        features = self._features(self._contexts, self._quantity)
        del self._contexts, self._quantity
        self._scaler = _Scaler(features)
        self._middle_reward, self._spread_reward = reward.mean(), reward.std() or 1.0
        self._ridge = BayesianRidge().fit(
            self._scaler(features),
            (reward - self._middle_reward) / self._spread_reward,
            sample_weight=weight,
        )

    def predict(self, contexts, quantity):
        """Predict the reward of rows of contexts at quantities."""
        paid = self._ridge.predict(self._scaler(self._features(contexts, quantity)))
        return self._middle_reward + self._spread_reward * paid


class _Scaler:
    """Features with mean 0 and standard deviation 1 in the rows that it was made with."""

    def __init__(self, features):
        spread = features.std(axis=0)
        self._middle = features.mean(axis=0)
        # Of a constant column the spread is rounding.
        self._spread = np.where(spread > 1e-12 * (1 + np.abs(self._middle)), spread, np.inf)

    def __call__(self, features):
        return (features - self._middle) / self._spread
