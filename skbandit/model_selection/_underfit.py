"""What estimated probabilities leave unexplained, found by a forest on rows that it never saw."""

from itertools import pairwise

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from .._rows import take_rows

_N_TREES = 25
_N_BLOCKS = 5
# Each tree sees at most so many rows, so the cost of a long log is that of predicting it.
_MAX_ROWS = 5000
# Arms beyond the most probable ones are taken together: trees cost as much as they have outputs.
_MAX_OUTPUTS = 10


def unexplained(X, probability, column, *, n_jobs=None):
    """Test whether contexts say more about the arm that was played than its probabilities do.

    Rounds are shuffled and cut into blocks. A forest learns the residuals, 1 for the arm that was
    played less its probability, of all blocks before. With its prediction h for the next block,

        z = sum_ik h_ik (1{a_i = k} - p_ik) / sqrt(sum_i Var_{k ~ p_i}(h_ik)),

    which is standard normal where the probabilities p are true, whatever the forest has learnt: a
    martingale. (Were each block predicted from all others, each pair of rounds would count twice,
    and the variance be twice that.) Where p* is true, the Cauchy-Schwarz inequality bounds the
    relative error from below: E[sum_k h_k (p*_k - p_k)]^2 <= E[Var_p(h)] E[sum_k (p*_k - p_k)^2 /
    p_k].

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Numbers; entries may be missing in an ndarray.
    probability : ndarray of shape (n_samples, n_arms)
        Of rows that the model of their fold did not see.
    column : ndarray of int of shape (n_samples,)
        The arm played.
    n_jobs : int, default=None
        Trees grown in parallel.

    Returns
    -------
    z : float
        Large where something is left unexplained.
    relative_error : float
        Estimated lower bound of the root mean square of p* / p - 1 over what is played.
    """
    n_samples = len(column)
    joined, place = _join_rare(probability, column)
    residual = -joined
    residual[np.arange(n_samples), place] += 1
    order = np.random.RandomState(0).permutation(n_samples)
    edges = np.linspace(0, n_samples, _N_BLOCKS + 1).astype(int)
    hit, variance = 0.0, 0.0
    for start, stop in pairwise(edges[1:]):
        train, test = order[:start], order[start:stop]
        if train.size == 0:
            continue
        forest = RandomForestRegressor(
            _N_TREES,
            min_samples_leaf=10,
            max_samples=min(train.size, _MAX_ROWS),
            random_state=0,
            n_jobs=n_jobs,
        ).fit(take_rows(X, train), residual[train])
        found = forest.predict(take_rows(X, test))
        hit += np.sum(found * residual[test])
        mean = np.sum(joined[test] * found, axis=1)
        variance += np.sum(joined[test] * found**2) - np.sum(mean**2)
    z = hit / np.sqrt(variance) if variance > 0 else 0.0
    n_tested = n_samples - edges[1]
    return float(z), float(max(z, 0.0) / np.sqrt(n_tested))


def _join_rare(probability, column):
    """Take all arms but the most probable ones together, in the last column."""
    n_arms = probability.shape[1]
    if n_arms <= _MAX_OUTPUTS:
        return probability.copy(), column
    # Not by how often they were played: the luck that brought an arm there would be a deviation.
    order = np.argsort(-probability.sum(axis=0), kind="stable")
    often, rest = order[: _MAX_OUTPUTS - 1], order[_MAX_OUTPUTS - 1 :]
    place = np.full(n_arms, _MAX_OUTPUTS - 1)
    place[often] = np.arange(_MAX_OUTPUTS - 1)
    joined = np.column_stack([probability[:, often], probability[:, rest].sum(axis=1)])
    return joined, place[column]
