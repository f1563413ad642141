"""A classification data set played as a bandit."""

from numbers import Real

import numpy as np
from sklearn.utils import check_consistent_length, check_scalar, column_or_1d

from .._play import ArmColumns, as_rows
from .._rounds import as_labels, learn_arms
from .._rows import take_rows
from ._base import BaseEnvironment


class ClassificationEnvironment(BaseEnvironment):
    """A classification data set played as a bandit: the arm of the right class pays.

    Each round shows the features of one row; the arms are the classes. Rewards carry no noise, so
    `expected` equals `reward`. Features are passed on as they are: standardise them in a Pipeline,
    or before.

    Parameters
    ----------
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        The contexts; or n_samples texts, in a list or a Series.
    y : array-like of shape (n_samples,)
        The right class of each row.
    shuffle : bool, default=True
        Play the rows in random order. False plays the first rows in the order in which they are.
    replace : bool, default=False
        Draw rows with replacement, independently of each other: there may then be more rounds than
        rows. It needs `shuffle`.
    reward_right : float, default=1.0
        What the right class pays.
    reward_wrong : float, default=0.0
        What the others pay.

    See Also
    --------
    skbandit.datasets.load_shuttle : A data set to play.

    References
    ----------
    J. Langford and T. Zhang (2007). The epoch-greedy algorithm for contextual multi-armed bandits.
    NeurIPS 20. M. Dudik, J. Langford and L. Li (2011). Doubly robust policy evaluation and
    learning. ICML 28, section 4.1 (classification turned into a bandit).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skbandit.environments import ClassificationEnvironment
    >>> iris = load_iris()
    >>> environment = ClassificationEnvironment(iris.data, iris.target_names[iris.target])
    >>> environment.arms.tolist()
    ['setosa', 'versicolor', 'virginica']
    >>> environment.sample(2, random_state=0).reward.tolist()
    [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """

    def __init__(self, X, y, *, shuffle=True, replace=False, reward_right=1.0, reward_wrong=0.0):
        self.X = X
        self.y = y
        self.shuffle = shuffle
        self.replace = replace
        self.reward_right = reward_right
        self.reward_wrong = reward_wrong

    @property
    def arms(self):
        """The classes, sorted."""
        return learn_arms(self._labels())

    @property
    def n_features(self):
        """Number of features of a context; a text is one."""
        contexts = as_rows(self.X)
        if hasattr(contexts, "shape"):
            return contexts.shape[1] if len(contexts.shape) > 1 else 1
        return 1 if isinstance(contexts[0], str) else len(contexts[0])

    def _labels(self):
        return column_or_1d(as_labels(self.y, "y"))

    def _sample(self, n_rounds, rng):
        contexts = as_rows(self.X)
        y = self._labels()
        check_consistent_length(contexts, y)
        arms = learn_arms(y)
        check_scalar(self.reward_right, "reward_right", Real)
        check_scalar(self.reward_wrong, "reward_wrong", Real)
        n_rows = len(y)
        if self.replace and not self.shuffle:
            raise ValueError("replace=True draws rows at random, so it needs shuffle=True.")
        if self.replace:
            rows = rng.randint(n_rows, size=n_rounds)
        elif n_rounds > n_rows:
            raise ValueError(
                f"n_rounds={n_rounds} is more than the {n_rows} rows of the data. Ask for fewer, "
                "or draw rows with replacement: ClassificationEnvironment(X, y, replace=True)."
            )
        else:
            rows = rng.permutation(n_rows)[:n_rounds] if self.shuffle else np.arange(n_rounds)
        right = ArmColumns(arms).find(y[rows])
        reward = np.full((n_rounds, len(arms)), self.reward_wrong, dtype=np.float64)
        reward[np.arange(n_rounds), right] = self.reward_right
        return take_rows(contexts, rows), reward, reward
