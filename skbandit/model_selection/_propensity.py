"""Propensities that were not logged."""

import warnings

import numpy as np
from joblib import Parallel, delayed
from scipy import special
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .._play import (
    ArmColumns,
    as_numbers,
    as_rows,
    check_log,
    entries_at,
    make_encoder,
    make_folds,
    show_labels,
)
from .._rounds import learn_arms
from .._rows import append_columns, as_frame, take_rows
from ..base import make_log
from ._underfit import unexplained

_N_BINS = 10
# Of each check: one false alarm in a thousand true models, over all bins together.
_FALSE_ALARMS = 1e-3
# Statistically clear but smaller deviations do no harm.
_MATERIAL = 0.1


class PropensityWarning(UserWarning):
    """Estimated propensities are wrong somewhere: values that rest on them may be far off."""


def estimate_propensity(log, X, estimator=None, *, cv=5, n_jobs=None, return_calibration=False):
    """Estimate the propensities of a log that lacks them, by cross-fitting.

    A classifier learns which arm was played in which context. Each round gets the probability of
    its arm from a model that was fitted on other rounds; otherwise the model would have learnt by
    heart what was played, and propensities would be too high.

    The propensities are checked for calibration: of all (round, arm) pairs with a predicted
    probability near p, a share of p should be what was played. Sums over ten bins of p are
    compared with what was expected, in standard errors under the prediction.

    A model that misses what the logging policy looked at can be calibrated nevertheless: where an
    arm is played with .8 or .2 by the XOR of two features, .5 is right on average everywhere. So a
    forest looks for what the probabilities leave unexplained, and is tested on rounds that it did
    not see. It needs X of columns (an array, a sparse matrix or a frame);
    of texts and lists nothing but the calibration is checked.

    Parameters
    ----------
    log : structured array or DataFrame of shape (n_samples,)
        With the fields ``arm`` and ``reward``, see :func:`skbandit.base.make_log`. A field
        ``propensity`` is replaced.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        What the logging policy may have decided on. If something that it looked at is missing here
        and moves the reward too, values from the log are biased whatever the estimator.
    estimator : classifier, default=None
        With ``predict_proba``, well calibrated. None means logistic regression on standardised
        features; in columns of labels on the 30 most frequent ones, and with missing numbers
        replaced by the median beside a column that says where.
    cv : int or cross-validation generator, default=5
        An integer means that many stratified, unshuffled folds. Each round must be held out once.
    n_jobs : int, default=None
        Folds fitted in parallel, then the trees of the check. These take some seconds: 5 for
        10,000 rounds of 10 features, 13 for 100,000.
    return_calibration : bool, default=False
        Also return the table of the check.

    Returns
    -------
    log : structured array or DataFrame of shape (n_samples,)
        The same log with ``propensity``; a DataFrame keeps its other columns.
    calibration : DataFrame
        Only if `return_calibration`. One row a bin: mean ``predicted`` probability, ``observed``
        share, ``n_pairs`` and ``z``, the deviation in standard errors.

    Raises
    ------
    ValueError
        If the log is shorter than the folds, an arm was played so rarely that a model never saw
        it, or a round is not held out.

    Warns
    -----
    PropensityWarning
        If a bin deviates by more than a tenth and by more than chance explains, or the forest
        finds a relative error above a tenth (root mean square) that chance does not explain. Each
        gives at most one false alarm in a thousand, as far as `X` and `estimator` can be right.

    See Also
    --------
    skbandit.metrics.policy_support : Diagnose the weights that follow.
    skbandit.metrics.balanced_weight : Estimates weights instead of propensities.

    References
    ----------
    P. R. Rosenbaum and D. B. Rubin (1983). The central role of the propensity score in
    observational studies for causal effects. Biometrika 70. V. Chernozhukov et al. (2018).
    Double/debiased machine learning for treatment and structural parameters. Econometrics Journal
    21 (cross-fitting).

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.base import make_log
    >>> from skbandit.model_selection import estimate_propensity
    >>> rng = np.random.RandomState(0)
    >>> X = rng.randint(2, size=(1000, 1))
    >>> arm = rng.binomial(1, np.where(X[:, 0] == 1, 0.8, 0.3))
    >>> log = estimate_propensity(make_log(arm, reward=arm), X)
    >>> print(f"{log['propensity'][(X[:, 0] == 1) & (arm == 1)].mean():.2f}")
    0.78
    """
    X = as_rows(X)
    logged = check_log(X, log, any_reward=True)
    if estimator is None:
        estimator = _default_model(X)
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(
            f"estimator must be a classifier with predict_proba, got {estimator!r}. Wrap one "
            "without it in CalibratedClassifierCV."
        )
    arms = learn_arms(logged.labels)
    column = ArmColumns(arms).find(logged.labels)
    if arms.size == 1:
        raise ValueError(
            f"the log holds one arm only, {arms.tolist()[0]!r}: there is nothing to estimate. If "
            "the policy could play nothing else, its propensity is 1."
        )
    folds = _folds(cv, column)
    blocks = Parallel(n_jobs=n_jobs)(
        delayed(_fold)(estimator, X, logged.labels, arms, train, test) for train, test in folds
    )
    probability = np.full((len(column), arms.size), np.nan)
    for (_, test), block in zip(folds, blocks, strict=True):
        probability[test] = block
    propensity = entries_at(probability, column)
    _check_positive(propensity, arms, column)
    table = calibration_table(probability, column)
    numbers = as_numbers(X)
    if not _warn_calibration(table) and numbers is not None:
        _warn_unexplained(*unexplained(numbers, probability, column, n_jobs=n_jobs))
    frame = as_frame(log)
    if frame is not None:
        new = append_columns(frame, {"propensity": propensity})
    else:
        new = make_log(logged.labels, logged.reward, propensity, cost=logged.cost)
    return (new, table) if return_calibration else new


def _default_model(X):
    if as_numbers(X) is None:
        raise ValueError(
            "the default estimator needs X of columns (an array, a sparse matrix or a frame), but "
            f"X is of type {type(X).__name__}. Pass an estimator that takes it, for instance a "
            "Pipeline of TfidfVectorizer and LogisticRegression for texts."
        )
    # Without centring, so that sparse X stays so.
    first = make_encoder(X) or StandardScaler(with_mean=False)
    return make_pipeline(first, LogisticRegression(max_iter=1000))


def _folds(cv, column):
    # Rare arms cannot be in every fold; which of them matter is said below.
    if isinstance(cv, (int, np.integer)) and np.bincount(column).min() >= cv:
        cv = StratifiedKFold(cv)
    return make_folds(cv, len(column), labels=column, hold_out_all=True)


def _fold(estimator, X, labels, arms, train, test):
    fitted = clone(estimator).fit(take_rows(X, train), labels[train])
    probability = np.zeros((test.size, arms.size))
    known = ArmColumns(arms).find(fitted.classes_)
    probability[:, known] = fitted.predict_proba(take_rows(X, test))
    return probability


def _check_positive(propensity, arms, column):
    bad = ~(propensity > 0)
    if bad.any():
        never = arms[np.unique(column[bad])].tolist()
        raise ValueError(
            f"the estimated propensity is 0 in {bad.sum()} rounds, whose arms are "
            f"{show_labels(never)}: the model that predicts them gave what was played no chance, "
            "mostly for having seen no such round. Drop or join rare arms, use a shuffled cv, or "
            "an estimator that never predicts 0 (CalibratedClassifierCV)."
        )


def calibration_table(probability, column):
    """Compare predicted probabilities with what was played, in bins.

    Parameters
    ----------
    probability : ndarray of shape (n_samples, n_arms)
    column : ndarray of int of shape (n_samples,)
        The arm played.

    Returns
    -------
    table : DataFrame
        One row a bin with the columns predicted, observed, n_pairs and z.
    """
    import pandas as pd

    n_samples = len(probability)
    edges = np.unique(np.quantile(probability, np.arange(1, _N_BINS) / _N_BINS))
    place = np.searchsorted(edges, probability, side="left")
    # One multinomial draw a row: its chance s of falling into a bin has variance s (1 - s).
    rows = np.arange(n_samples)
    flat = place + (edges.size + 1) * rows[:, None]
    size = n_samples * (edges.size + 1)
    chance = np.bincount(flat.ravel(), probability.ravel(), size).reshape(n_samples, -1)
    played = np.bincount(place[rows, column], minlength=edges.size + 1)
    pairs = np.bincount(place.ravel(), minlength=edges.size + 1)
    variance = np.sum(chance * np.clip(1 - chance, 0, 1), axis=0)
    expected = chance.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(variance > 0, (played - expected) / np.sqrt(variance), 0.0)
    table = pd.DataFrame(
        {
            "predicted": expected / np.maximum(pairs, 1),
            "observed": played / np.maximum(pairs, 1),
            "n_pairs": pairs,
            "z": z,
        }
    )
    return table[table["n_pairs"] > 0].reset_index(drop=True)


def _warn_calibration(table):
    """Warn where bins deviate, and return whether they do."""
    bound = -special.ndtri(_FALSE_ALARMS / (2 * len(table)))
    gap = (table["observed"] - table["predicted"]).abs()
    bad = (table["z"].abs() > bound) & (gap > _MATERIAL * table["predicted"])
    if bad.any():
        worst = table.loc[table["z"].abs().where(bad, 0.0).idxmax()]
        warnings.warn(
            "the estimated propensities are not calibrated: where they are near "
            f"{worst['predicted']:.3g}, the share that was played is {worst['observed']:.3g} "
            f"({worst['z']:.1f} standard errors off; {bad.sum()} of {len(table)} bins). Use a "
            "richer estimator, CalibratedClassifierCV around it, or a shuffled cv where the "
            "logging policy changed with time (better: give it the time as a feature).",
            PropensityWarning,
            stacklevel=3,
        )
    return bool(bad.any())


def _warn_unexplained(z, relative_error):
    if z > -special.ndtri(_FALSE_ALARMS) and relative_error > _MATERIAL:
        warnings.warn(
            "the estimated propensities miss something that X says about the arm: a forest "
            f"predicts what they leave unexplained in rounds that it did not see ({z:.1f} "
            f"standard errors), so they are off by {relative_error:.0%} or more (root mean "
            "square). Pass a model that can see interactions, such as "
            "HistGradientBoostingClassifier, or give it the features that the policy computed.",
            PropensityWarning,
            stacklevel=3,
        )
