"""Steps before a bandit that look at ``y``: what they see of a log."""

from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._rounds import as_labels, split_log
from ._sklearn import HasMethods, StrOptions

__all__ = ["LogTarget"]


def _inner_has(method):
    def check(self):
        return hasattr(getattr(self, "transformer_", self.transformer), method)

    return check


class LogTarget(TransformerMixin, MetaEstimatorMixin, BaseEstimator):
    """Transformer that shows another one the arms, or the rewards, of a log as its ``y``.

    A step of a Pipeline that looks at ``y``, a feature selection for instance, takes a log for
    labels, and every round for a class of its own. Wrapped in this it sees what it should.

    Parameters
    ----------
    transformer : transformer
        Fitted on a clone. Its parameters can be searched (``transformer__k``).
    target : {"reward", "arm"}, default="reward"
        What it is shown of a log. Of ``y`` without rewards it is shown the labels.

    Attributes
    ----------
    transformer_ : transformer
        The fitted one.
    n_features_in_ : int
        Number of features, where the transformer counts them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where it knows them.

    See Also
    --------
    skbandit.base.make_log : What a log is.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.feature_selection import SelectKBest, f_regression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbandit.base import make_log
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.pipeline import LogTarget
    >>> X = np.random.RandomState(0).normal(size=(200, 4))
    >>> arm = np.tile(["a", "b"], 100)
    >>> log = make_log(arm, X[:, 2] + (arm == "a"), np.full(200, 0.5))
    >>> select = LogTarget(SelectKBest(f_regression, k=1))
    >>> pipeline = make_pipeline(select, LinearUCB()).fit(X, log)
    >>> pipeline[0].transformer_.get_support(indices=True).tolist()
    [2]
    """

    _reads_logs = True
    _parameter_constraints = {
        "transformer": [HasMethods(["fit", "transform"])],
        "target": [StrOptions({"reward", "arm"})],
    }

    def __init__(self, transformer, *, target="reward"):
        self.transformer = transformer
        self.target = target

    def _seen(self, y):
        arm, reward = split_log(y)[:2]
        if reward is None:
            return y
        return reward if self.target == "reward" else as_labels(arm, "y")

    def fit(self, X, y=None):
        """Fit the transformer on the contexts and what it is shown of the log.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : log or array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object
        """
        self._validate_params()
        transformer = clone(self.transformer)
        transformer.fit(X, None if y is None else self._seen(y))
        self.transformer_ = transformer
        return self

    def fit_transform(self, X, y=None):
        """Fit, and transform the contexts as the transformer does when it is fitted.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : log or array-like of shape (n_samples,), default=None

        Returns
        -------
        X : what the transformer returns
        """
        self._validate_params()
        transformer = clone(self.transformer)
        seen = None if y is None else self._seen(y)
        if hasattr(transformer, "fit_transform"):
            # Target encoders fit on other rows than they transform.
            transformed = transformer.fit_transform(X, seen)
        else:
            transformed = transformer.fit(X, seen).transform(X)
        self.transformer_ = transformer
        return transformed

    def transform(self, X):
        """Transform contexts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X : what the transformer returns
        """
        check_is_fitted(self)
        return self.transformer_.transform(X)

    @available_if(_inner_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns that come out.

        Parameters
        ----------
        input_features : array-like of str, default=None

        Returns
        -------
        names : ndarray of str
        """
        return self.transformer_.get_feature_names_out(input_features)

    @available_if(_inner_has("set_output"))
    def set_output(self, *, transform=None):
        """Choose the container of what comes out, see ``set_output`` of scikit-learn.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None

        Returns
        -------
        self : object
        """
        self.transformer.set_output(transform=transform)
        if hasattr(self, "transformer_"):
            self.transformer_.set_output(transform=transform)
        return self

    @property
    def n_features_in_(self):
        """Number of features that the transformer was fitted on."""
        check_is_fitted(self)
        return self.transformer_.n_features_in_

    @property
    def feature_names_in_(self):
        """Names of the features that the transformer was fitted on."""
        check_is_fitted(self)
        return self.transformer_.feature_names_in_

    def __sklearn_is_fitted__(self):
        return "transformer_" in vars(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.transformer)
        tags.input_tags = inner.input_tags
        tags.transformer_tags = inner.transformer_tags
        tags.target_tags.required = inner.target_tags.required
        return tags
