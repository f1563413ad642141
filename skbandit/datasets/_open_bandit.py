"""A sample of the Open Bandit Dataset."""

from importlib import resources

import numpy as np
from scipy import sparse
from sklearn.utils import Bunch

from ..base import make_log

_POLICIES = ("random", "bts")
_N_ARMS = 80
_POSITIONS = (1, 2, 3)
# Propensities of the Thompson-sampling policy are frequencies in this many simulated draws.
_N_DRAWS = 200_000


def load_open_bandit(policy="random", *, return_X_y=False, as_frame=False):
    """Load a sample of the Open Bandit Dataset; it ships with the package.

    A fashion shop showed items to its visitors; a click pays 1. Two policies ran side by side in
    the same week: one chose items uniformly at random, the other by Thompson sampling with a beta
    prior, learning as it went. Both logged with which probability they chose.

    ==============  ========================================================
    Rounds          10,000 a policy (of the campaign "all"), in order of time
    Arms            80 items
    Features        29: 4 categorical features of the visitor and the position
                    on the page, one-hot
    Reward          click: 38 (random) and 42 (bts) of 10,000
    ==============  ========================================================

    Parameters
    ----------
    policy : {"random", "bts"}, default="random"
        Whose log: that of the uniformly random policy, or of Bernoulli Thompson sampling.
    return_X_y : bool, default=False
        Return ``(data, log)`` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas objects: data, log and item features as DataFrames, position and timestamp as
        Series.

    Returns
    -------
    open_bandit : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray of float64 of shape (10000, 29), or DataFrame
            Contexts: the four features of the visitor and the position, one-hot. Columns are the
            same for both policies.
        log : structured ndarray of shape (10000,), or DataFrame
            Fields ``arm`` (the item, 0 to 79), ``reward`` (1.0 for a click) and ``propensity``,
            see :func:`skbandit.base.make_log`.
        position : ndarray of int of shape (10000,), or Series
            Where on the page the item was shown: 1, 2 or 3.
        timestamp : ndarray of datetime64 of shape (10000,), or Series
            When, in UTC.
        affinity : CSR array of shape (10000, 80)
            How often the visitor had clicked each item before.
        item_features : ndarray of float64 of shape (80, 41), or DataFrame
            A numeric feature of each item, and three categorical ones, one-hot.
        arms : ndarray of int of shape (80,)
            The items.
        feature_names, item_feature_names : list of str
            Categories are the first eight digits of the hash that the source gives.
        frame : DataFrame or None
            Data and log side by side, if `as_frame`.
        DESCR : str
            Description, source and licence.
        filename : str
            Path of the file inside the package.

    (data, log) : tuple
        If `return_X_y`.

    Raises
    ------
    ValueError
        If `policy` is unknown.

    See Also
    --------
    skbandit.metrics.policy_value : The value of another policy on such a log.
    skbandit.model_selection.compare_policies : The values of several.

    References
    ----------
    Y. Saito, S. Aihara, M. Matsutani and Y. Narita (2021). Open Bandit Dataset and Pipeline:
    towards realistic and reproducible off-policy evaluation. NeurIPS, track on datasets and
    benchmarks.

    Examples
    --------
    >>> from skbandit.datasets import load_open_bandit
    >>> X, log = load_open_bandit("bts", return_X_y=True)
    >>> X.shape, log.dtype.names, int(log["reward"].sum())
    ((10000, 29), ('arm', 'reward', 'propensity'), 42)
    """
    if policy not in _POLICIES:
        raise ValueError(f"policy must be one of {list(_POLICIES)}, got {policy!r}.")
    folder = resources.files(__package__) / "data"
    names, stored = (_read(folder, f"open_bandit_{part}.npz") for part in ("names", policy))
    position = stored["position"].astype(np.int64)
    codes = np.column_stack([stored["user_features"], position - 1])
    data = _one_hot(codes, [*names["user_counts"], len(_POSITIONS)])
    feature_names = _names("user_feature", 0, names["user_categories"], names["user_counts"])
    feature_names += [f"position_{place}" for place in _POSITIONS]
    item_features = np.column_stack(
        [names["item_value"], _one_hot(names["item_codes"], names["item_counts"])]
    )
    item_feature_names = ["item_feature_0"]
    item_feature_names += _names("item_feature", 1, names["item_categories"], names["item_counts"])
    log = make_log(
        stored["arm"].astype(np.int64), stored["reward"], stored["propensity"] / _N_DRAWS
    )
    microseconds = stored["timestamp_start"] + np.cumsum(stored["timestamp_step"].astype(np.int64))
    timestamp = microseconds.astype("datetime64[us]")
    frame = None
    if as_frame:
        import pandas as pd

        data = pd.DataFrame(data, columns=feature_names)
        log = pd.DataFrame({field: log[field] for field in log.dtype.names})
        position = pd.Series(position, name="position")
        timestamp = pd.Series(timestamp, name="timestamp")
        item_features = pd.DataFrame(item_features, columns=item_feature_names)
        frame = pd.concat([data, log], axis=1)
    if return_X_y:
        return data, log
    cells = (stored["affinity_row"], stored["affinity_column"])
    affinity = sparse.csr_array(
        (stored["affinity_value"].astype(np.float64), cells), shape=(len(position), _N_ARMS)
    )
    return Bunch(
        data=data,
        log=log,
        position=position,
        timestamp=timestamp,
        affinity=affinity,
        item_features=item_features,
        arms=np.arange(_N_ARMS),
        frame=frame,
        feature_names=feature_names,
        item_feature_names=item_feature_names,
        DESCR=(folder / "open_bandit.rst").read_text(encoding="utf-8"),
        filename=f"data/open_bandit_{policy}.npz",
    )


def _read(folder, name):
    with (folder / name).open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return dict(stored)


def _one_hot(codes, counts):
    """Turn columns of category numbers into one column a category."""
    return np.hstack(
        [np.eye(count)[column] for column, count in zip(codes.T, counts, strict=True)]
    )


def _names(prefix, first, categories, counts):
    """Name the one-hot columns of features `first`, `first` + 1, ..."""
    feature = np.repeat(first + np.arange(len(counts)), counts)
    return [f"{prefix}_{k}_{name}" for k, name in zip(feature, categories.tolist(), strict=True)]
