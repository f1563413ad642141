"""How much or little a regressor may expect of a row and still fit its rounds about as well."""

from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from .._rows import join_rows, n_rows, take_rows
from ._fitting import expected, fitted, last_step

# Weights of the round that is made up lie within these powers of 2, relative to all rounds.
_LOWEST, _HIGHEST = -20.0, 10.0
# Made-up rewards of a regressor lie so many ranges of its rewards beyond them.
_BEYOND = 3.0


class RidgeBounds(NamedTuple):
    """A ridge regression, and what its bounds follow from."""

    fitted: object  # the estimator
    factor: np.ndarray  # (n_features, n_features) lower Cholesky factor of the centred moments
    centre: np.ndarray  # (n_features,) weighted mean of the rows; 0 without an intercept
    intercept_variance: float  # one over the weight of all rounds; 0 without an intercept

    def expected(self, rows, is_chance):
        """What it expects of each row."""
        return expected(self.fitted, rows, is_chance)

    def bounds(self, rows, excess, is_chance):
        """Lower and upper bounds; see :func:`ridge_width`."""
        mean = self.expected(rows, is_chance)
        features = _features(self.fitted, rows)
        width = np.sqrt(excess) * ridge_width(self, features)
        return mean - width, mean + width


class OracleBounds(NamedTuple):
    """An estimator, and the rounds that bounds are found from by fitting it again."""

    fitted: object
    estimator: object
    rows: object
    reward: np.ndarray
    weight: np.ndarray
    seed: int
    n_steps: int

    def expected(self, rows, is_chance):
        """What it expects of each row."""
        return expected(self.fitted, rows, is_chance)

    def bounds(self, rows, excess, is_chance):
        """Lower and upper bounds, by 2 `n_steps` fits a row; see :func:`oracle_bound`."""
        low, high = np.empty(n_rows(rows)), np.empty(n_rows(rows))
        for place in range(len(low)):
            row = take_rows(rows, np.array([place]))
            low[place] = oracle_bound(self, row, excess, is_chance, is_upper=False)
            high[place] = oracle_bound(self, row, excess, is_chance, is_upper=True)
        return low, high


def is_ridge(estimator):
    """Whether bounds of an estimator, or of the last step of a Pipeline, are known in closed form.

    Parameters
    ----------
    estimator : estimator
    """
    last = last_step(estimator)
    return type(last) is Ridge and not last.positive and np.ndim(last.alpha) == 0


def _features(model, rows):
    """What the last step of a Pipeline sees, as a dense array."""
    while isinstance(model, Pipeline):
        rows, model = model[:-1].transform(rows), model.steps[-1][1]
    rows = rows.toarray() if sparse.issparse(rows) else rows
    return np.asarray(rows, dtype=np.float64)


def ridge_bounds(model, rows, weight):
    """What the bounds of a fitted ridge regression follow from.

    Parameters
    ----------
    model : fitted Ridge, or Pipeline that ends in one
    rows : rows of any kind
    weight : ndarray of shape (n_rows,)

    Returns
    -------
    bounds : RidgeBounds
    """
    last, features = last_step(model), _features(model, rows)
    total = float(weight.sum())
    centre = weight @ features / total if last.fit_intercept else np.zeros(features.shape[1])
    away = features - centre
    moments = (away.T * weight) @ away
    # A ridge of 0 leaves directions that no round has; a rounding of the moments stands for it.
    ridge = last.alpha or 1e-12 * max(float(np.trace(moments)), 1.0)
    moments[np.diag_indices_from(moments)] += ridge
    factor = linalg.cholesky(moments, lower=True)
    return RidgeBounds(model, factor, centre, 1.0 / total if last.fit_intercept else 0.0)


def ridge_width(bounds, features):
    r"""Largest change of a ridge regression's prediction for an excess loss of 1.

    With :math:`A = \sum_i w_i (x_i - m)(x_i - m)^\top + \lambda I` about the weighted mean m of W
    rounds, the penalised loss exceeds its least value by :math:`(w - \hat w)^\top A (w - \hat w)`
    and the square of the intercept's change times W, so that predictions change by at most
    :math:`\sqrt{1 / W + (x - m)^\top A^{-1} (x - m)}`.

    Parameters
    ----------
    bounds : RidgeBounds
    features : ndarray of shape (n_rows, n_features)

    Returns
    -------
    width : ndarray of shape (n_rows,)
    """
    away = linalg.solve_triangular(bounds.factor, (features - bounds.centre).T, lower=True)
    return np.sqrt((away**2).sum(axis=0) + bounds.intercept_variance)


def oracle_bound(bounds, row, excess, is_chance, is_upper):
    """The farthest expectation of one row among fits whose loss is at most so much in excess.

    A round with an extreme reward is made up at the row. The more it weighs, the farther the
    estimator's expectation goes and the larger the squared loss of the true rounds gets; the
    weight is found by bisection of its logarithm.

    Parameters
    ----------
    bounds : OracleBounds
    row : rows of any kind, one row
    excess : float
        How much larger the squared loss may be than that of the estimator itself.
    is_chance : bool
    is_upper : bool

    Returns
    -------
    bound : float
    """
    reward, weight = bounds.reward, bounds.weight
    if is_chance:
        made_up = 1.0 if is_upper else 0.0
    else:
        low, high = float(reward.min()), float(reward.max())
        reach = _BEYOND * ((high - low) or 1.0)
        made_up = high + reach if is_upper else low - reach
    rows = join_rows([bounds.rows, row])
    rewards = np.append(reward, made_up)

    def loss(model):
        return float(weight @ (expected(model, bounds.rows, is_chance) - reward) ** 2)

    allowed = loss(bounds.fitted) + excess
    found = float(expected(bounds.fitted, row, is_chance)[0])
    lowest, highest, total = _LOWEST, _HIGHEST, float(weight.sum())
    for _ in range(bounds.n_steps):
        middle = 0.5 * (lowest + highest)
        weights = np.append(weight, total * 2.0**middle)
        model = fitted(bounds.estimator, rows, rewards, weights, bounds.seed)
        if loss(model) <= allowed:
            lowest, expects = middle, float(expected(model, row, is_chance)[0])
            found = max(found, expects) if is_upper else min(found, expects)
        else:
            highest = middle
    return found
