"""The reward model of a log: what serves by default, fitted once for all policies."""

import pickle
import threading
from collections import OrderedDict
from numbers import Integral

import joblib
import numpy as np
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import BayesianRidge, Ridge
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .._play import distinct_labels, make_encoder
from .._rows import take_rows
from ._reward_model import cross_fit_rewards, make_group_folds
from ._validation import check_groups

# All folds of a log together take as much as one table of its expected rewards.
_MAX_BYTES = 1 << 28


def default_reward_model(X):
    """Return the regressor that learns rewards where none is given; it needs no tuning.

    Linear on standardised features, shrunk by as much as the rewards themselves suggest
    (maximum evidence), so an arm with few rounds is predicted near its mean. Nothing depends on
    the units of rewards and features, and nothing is random. Columns of labels and missing entries
    become numbers first.

    Parameters
    ----------
    X : array-like, sparse matrix or frame
        All rows of the log, whose columns say what they hold.

    Returns
    -------
    model : regressor
    """
    # Without centring, so that sparse X stays so; the intercept takes care of it.
    scaler = StandardScaler(with_mean=False)
    if sparse.issparse(X):
        # Standardised features that explain half of the rewards' variance together have
        # coefficients of variance 1 / n_features relative to the noise.
        return make_pipeline(scaler, Ridge(alpha=float(X.shape[1])))
    encoder = make_encoder(X)
    return TransformedTargetRegressor(
        make_pipeline(scaler if encoder is None else encoder, BayesianRidge()),
        transformer=StandardScaler(),
        check_inverse=False,
    )


class _Entry:
    def __init__(self):
        self.lock = threading.Lock()
        self.value = None


class _TableCache:
    """The tables computed last, by key, up to a number of bytes; safe to share among threads."""

    def __init__(self, max_bytes):
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._entries = OrderedDict()

    def get(self, key, compute):
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
        # A thread that wants what another is computing waits for it.
        with entry.lock:
            if entry.value is None:
                value = compute()
                value.flags.writeable = False
                entry.value = value
        with self._lock:
            self._evict()
        return entry.value

    def _evict(self):
        sizes = {k: e.value.nbytes for k, e in self._entries.items() if e.value is not None}
        total = sum(sizes.values())
        for key, size in list(sizes.items())[:-1]:
            if total <= self.max_bytes:
                break
            del self._entries[key]
            total -= size

    def clear(self):
        with self._lock:
            self._entries.clear()


# One for the process: a search hands every worker a copy of the scorer for each of its tasks.
_cache = _TableCache(_MAX_BYTES)


def log_rewards(
    X, labels, reward, *, model=None, arm_model="disjoint", cv=5, groups=None, n_jobs=None
):
    """Cross-fit a reward model on a log, or recall what it predicted for the same log.

    The key is the content of everything that matters, so a changed log is another log.

    Parameters
    ----------
    X : rows of n_samples contexts, or ndarray of shape (n_samples, n_candidates, n_features)
    labels : ndarray of shape (n_samples,)
        The logged arms, or (n_samples, k) of sets, as is `reward`; the candidates' positions where
        `X` has three dimensions.
    reward : ndarray of shape (n_samples,)
    model, arm_model, cv, groups, n_jobs
        As in :func:`cross_fit_rewards`; None means :func:`default_reward_model`.

    Returns
    -------
    expected_reward : ndarray of shape (n_samples, n_logged_arms + 1)
        Read-only. The last column is for arms that were never logged.
    logged_arms : list of labels
        Of the other columns.
    """
    groups = check_groups(groups, len(reward))
    if labels.ndim == 2:
        if getattr(X, "ndim", 2) == 3:
            raise ValueError(
                "X has features of each arm where the log holds sets of arms; the default value "
                "has no reward model for both. Use the estimator 'snips' or 'ips'."
            )
        return _set_rewards(X, labels, reward, model, arm_model, cv, groups, n_jobs)
    if getattr(X, "ndim", 2) == 3:
        logged_arms, arm, n_arms = list(range(X.shape[1])), labels, X.shape[1]
    else:
        logged_arms, arm = distinct_labels(labels)
        n_arms = len(logged_arms) + 1

    def compute():
        chosen = default_reward_model(X) if model is None else model
        try:
            return cross_fit_rewards(
                chosen,
                X,
                arm,
                reward,
                n_arms=n_arms,
                cv=cv,
                arm_model=arm_model,
                groups=groups,
                n_jobs=n_jobs,
            )
        except (TypeError, ValueError) as error:
            if model is not None or _is_numeric(X):
                raise
            raise ValueError(
                "The default reward model needs X of columns with numbers, labels or missing "
                "entries, not texts, lists or infinity, as it comes to the scorer, before the "
                "steps of a Pipeline. Pass reward_model=, for instance a Pipeline with the same "
                "steps and a regressor at its end; or an estimator without a model, such as "
                f"'snips'. ({str(error).splitlines()[0]})"
            ) from error

    try:
        key = joblib.hash([X, arm, reward, n_arms, model, arm_model, cv, groups])
    except (AttributeError, TypeError, pickle.PicklingError):
        # What cannot be pickled (a generator of folds, say) cannot be recognised either.
        return compute(), logged_arms
    return _cache.get(key, compute), logged_arms


def _set_rewards(X, labels, reward, model, arm_model, cv, groups, n_jobs):
    """Take each arm of a set for a row of its own, all of a set in one fold."""
    n_samples, n_selected = labels.shape
    place = np.arange(n_selected)
    folds = [
        tuple((rows[:, None] * n_selected + place).ravel() for rows in fold)
        for fold in make_group_folds(cv, groups, n_samples)
    ]
    expected, logged_arms = log_rewards(
        take_rows(X, np.repeat(np.arange(n_samples), n_selected)),
        labels.ravel(),
        reward.ravel(),
        model=model,
        arm_model=arm_model,
        cv=folds,
        groups=np.repeat(np.arange(n_samples) if groups is None else groups, n_selected),
        n_jobs=n_jobs,
    )
    return expected[::n_selected], logged_arms


def forward(cv):
    """Return folds that predict each block from earlier ones, of a number of folds."""
    return TimeSeriesSplit(cv) if isinstance(cv, Integral) else cv


def _is_numeric(X):
    """Say whether the default model could have been fitted on X."""
    if sparse.issparse(X):
        X = X.data
    try:
        return bool(np.isfinite(np.asarray(X, dtype=np.float64)).all())
    except (TypeError, ValueError):
        return False
