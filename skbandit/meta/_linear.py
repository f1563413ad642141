"""Linear models of scikit-learn asked together: one product in place of one call each."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit
from sklearn import linear_model

from ._fitting import last_step

# Estimators whose prediction is a product with `coef_` and `intercept_`; for classifiers of two
# classes, the logistic function of that. Subclasses may predict otherwise.
_REGRESSORS = frozenset(
    {
        linear_model.BayesianRidge,
        linear_model.ElasticNet,
        linear_model.ElasticNetCV,
        linear_model.HuberRegressor,
        linear_model.Lasso,
        linear_model.LassoCV,
        linear_model.LinearRegression,
        linear_model.Ridge,
        linear_model.RidgeCV,
        linear_model.SGDRegressor,
    }
)
_LOGISTIC = frozenset({linear_model.LogisticRegression, linear_model.LogisticRegressionCV})


class LinearStack(NamedTuple):
    """Several linear models of the same rows."""

    coef: np.ndarray  # (n_features, n_models)
    intercept: np.ndarray  # (n_models,)
    is_chance: bool

    def expected(self, contexts):
        """What each model expects of each row, (n_rows, n_models)."""
        score = contexts @ self.coef
        score += self.intercept
        return expit(score, out=score) if self.is_chance else score


def linear_stack(models):
    """Return linear models as one, or None where one of them is something else.

    Parameters
    ----------
    models : non-empty sequence of fitted estimators

    Returns
    -------
    stack : LinearStack or None
    """
    kind = type(models[0])
    is_chance = _is_logistic(models[0])
    if kind not in _REGRESSORS and not is_chance:
        return None
    if any(type(one) is not kind for one in models):
        return None
    coef = np.array([np.ravel(one.coef_) for one in models], dtype=np.float64)
    intercept = [float(np.ravel(one.intercept_)[0]) for one in models]
    return LinearStack(np.ascontiguousarray(coef.T), np.array(intercept), is_chance)


def is_logistic(estimator):
    """Whether an estimator, or the last step of a Pipeline, is a logistic model."""
    return _is_logistic(last_step(estimator))


def _is_logistic(model):
    if type(model) is linear_model.SGDClassifier:
        return model.loss == "log_loss"
    return type(model) in _LOGISTIC
