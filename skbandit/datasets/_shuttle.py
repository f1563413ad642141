"""The Statlog (Shuttle) data set."""

from importlib import resources

import numpy as np
from sklearn.utils import Bunch

# UCI's training part comes first.
_N_TRAIN = 43_500
_SUBSETS = {
    "all": slice(None),
    "train": slice(None, _N_TRAIN),
    "test": slice(_N_TRAIN, None),
}


def load_shuttle(*, return_X_y=False, as_frame=False, subset="all"):
    """Load the Statlog (Shuttle) data set (classification); it ships with the package.

    ==============  ==============================================
    Rows            58,000 (43,500 for training, 14,500 for testing)
    Features        9, whole numbers
    Classes         7; 78.6 % of the rows are in one
    ==============  ==============================================

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas objects: the data as a DataFrame, the target as a Series.
    subset : {"all", "train", "test"}, default="all"
        All rows, or UCI's training or test part. Training rows come first in "all".

    Returns
    -------
    shuttle : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray of float64 of shape (n_samples, 9), or DataFrame
            The readings.
        target : ndarray of str of shape (n_samples,), or Series
            The name of the class.
        feature_names : list of str
            Names of the columns.
        target_names : ndarray of str of shape (7,)
            All classes, sorted; the same for every `subset`.
        frame : DataFrame or None
            Data and target together, if `as_frame`.
        DESCR : str
            Description, source and licence.
        filename : str
            Path of the file inside the package.

    (data, target) : tuple
        If `return_X_y`.

    Raises
    ------
    ValueError
        If `subset` is unknown.

    See Also
    --------
    skbandit.environments.ClassificationEnvironment : Play the data set as a bandit.

    References
    ----------
    Statlog (Shuttle), UCI Machine Learning Repository, https://doi.org/10.24432/C5WS31 (CC BY
    4.0).

    Examples
    --------
    >>> from skbandit.datasets import load_shuttle
    >>> X, y = load_shuttle(return_X_y=True)
    >>> X.shape, str(y[0])
    ((58000, 9), 'Fpv.Close')
    """
    if subset not in _SUBSETS:
        raise ValueError(f"subset must be one of {list(_SUBSETS)}, got {subset!r}.")
    rows = _SUBSETS[subset]
    folder = resources.files(__package__) / "data"
    with (folder / "shuttle.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
        data = stored["data"][rows].astype(np.float64)
        target_names = stored["target_names"]
        target = target_names[stored["target"][rows]]
        feature_names = stored["feature_names"].tolist()
    frame = None
    if as_frame:
        import pandas as pd

        data = pd.DataFrame(data, columns=feature_names)
        target = pd.Series(target, name="class")
        frame = data.assign(**{"class": target})
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=feature_names,
        target_names=target_names,
        DESCR=(folder / "shuttle.rst").read_text(encoding="utf-8"),
        filename="data/shuttle.npz",
    )
