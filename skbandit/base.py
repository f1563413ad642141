"""The contract of every bandit: a scikit-learn estimator whose ``predict`` is a decision."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, get_tags

from ._decisions import DecisionMixin
from ._reshaping import ReshapingMixin
from ._rounds import (
    Rounds,
    check_arms,
    check_contexts,
    check_feedback,
    encode_arms,
    flatten_rounds,
    learn_arms,
    make_log,
)
from ._sklearn import HasMethods, _fit_context
from .selectors import ArgmaxSelector

__all__ = ["BaseBandit", "is_bandit", "make_log"]

# Attributes that are derived from the state and rebuilt on demand.
_REBUILT = ("_cache", "_arm_lookup")


def is_bandit(estimator):
    """Say whether an estimator is a bandit, or a Pipeline or search around one.

    Parameters
    ----------
    estimator : estimator object

    Returns
    -------
    answer : bool

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbandit.base import is_bandit
    >>> from skbandit.linear import LinearUCB
    >>> is_bandit(make_pipeline(StandardScaler(), LinearUCB())), is_bandit(LogisticRegression())
    (True, False)
    """
    return get_tags(estimator).estimator_type == "bandit"


class BaseBandit(DecisionMixin, ReshapingMixin, BaseEstimator):
    """Base class of all bandits.

    A subclass is a docstring, ``_parameter_constraints``, an ``__init__`` with ``arms``,
    ``selector`` and ``random_state`` among its keywords, and a few hooks:

    - ``_state_axes`` and ``_initial_state(n_arms, n_features)``: the state and its axes;
    - ``_learn(rounds)``: fold checked rounds into the state;
    - ``_expected_reward(contexts)``: mean and standard deviation of each arm's expected reward;
    - ``_decision_function(contexts)``: the score on which arms are ranked (default: the mean);
    - ``_policy(contexts, available)``: the probability that each arm is played (default: the
      selector's, on the scores).

    Hooks see checked arrays and never validate; ``contexts`` is a float64 block of rows.
    """

    _estimator_type = "bandit"
    _parameter_constraints = {
        "arms": ["array-like", None],
        "selector": [HasMethods(["select", "expect", "get_params"]), None],
        "random_state": ["random_state"],
    }

    # Numbers of axes that X may have.
    _context_ndims = (2,)

    # ------------------------------------------------------------------ hooks
    _state_axes = {}

    def _initial_state(self, n_arms, n_features):
        """Return the state before any round, name to array."""
        return {}

    def _learn(self, rounds):
        """Fold checked rounds into the state. Raise before anything is written."""
        raise NotImplementedError

    def _expected_reward(self, contexts):
        """Return the mean and the standard deviation of the expected reward, both (n, n_arms)."""
        raise NotImplementedError

    def _mean_reward(self, contexts):
        """Return the mean alone, where that is cheaper."""
        return self._expected_reward(contexts)[0]

    def _decision_function(self, contexts):
        return self._mean_reward(contexts)

    def _policy(self, contexts, available):
        return self._selector.select(self._decision_function(contexts), available)

    def _check_reward_support(self, reward):
        """Raise where a reward lies outside the model's support."""

    def _floats_per_row(self, contexts, n_arms):
        """Floats of temporary memory that a row of a prediction takes."""
        return 8 * n_arms

    # ------------------------------------------------------------ parameters
    @property
    def _selector(self):
        return ArgmaxSelector() if self.selector is None else self.selector

    def _check_selector(self):
        if isinstance(self.selector, type):
            raise TypeError(
                f"selector must be an instance, got the class {self.selector.__name__}. Write "
                f"{self.selector.__name__}()."
            )
        if self.selector is not None and hasattr(self.selector, "check"):
            self.selector.check()

    def set_params(self, **params):
        """Set parameters; see :meth:`sklearn.base.BaseEstimator.set_params`.

        Parameters
        ----------
        **params : dict
            Parameters by name, nested ones as ``selector__k``.

        Returns
        -------
        self : object
            The bandit. New values are validated when it next learns.
        """
        super().set_params(**params)
        self._parameters_checked = False
        return self

    @property
    def arms_(self):
        """The arms, in the order of the columns of ``predict_proba``; the same as ``classes_``."""
        return self.classes_

    def __sklearn_is_fitted__(self):
        return "n_learning_calls_" in self.__dict__

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "bandit"
        # The sparse checks ask how many columns predict_proba has for several arms.
        tags.classifier_tags = ClassifierTags(multi_class=True)
        tags.target_tags.required = True
        tags.input_tags.three_d_array = 3 in self._context_ndims
        tags.input_tags.two_d_array = 2 in self._context_ndims
        return tags

    def __getstate__(self):
        state = super().__getstate__()
        # Factorizations are rebuilt from the state: they are not worth their bytes on disk.
        return {name: value for name, value in state.items() if name not in _REBUILT}

    def __setstate__(self, state):
        super().__setstate__(state)
        if self.__sklearn_is_fitted__():
            self._forget_cache()

    def _forget_cache(self):
        """Drop what is derived from the state."""
        # Set while learning and filled while predicting: predicting itself sets no attribute.
        self._cache = {}
        self._arm_lookup = {}

    # -------------------------------------------------------------- learning
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, reward=None, sample_weight=None):
        """Forget everything and learn from rounds.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_candidates, n_features)
            The contexts, one decision a row.
        y : array-like of shape (n_samples,) or (n_samples, n_selected)
            The arm that was played in each round; or a log (see :func:`make_log`), which carries
            its rewards; or, without rewards, the arm that would have paid 1 where all others would
            have paid 0 (full feedback, all arms learn).
        reward : array-like of the shape of `y`, default=None
            What the arm played has paid.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of k counts a round k times.

        Returns
        -------
        self : object
            The fitted bandit.

        Raises
        ------
        ValueError
            On bad input; the bandit is then what it was before.
        """
        return self._learn_rounds(X, y, reward, sample_weight, classes=None, forget=True)

    def partial_fit(self, X, y, reward=None, classes=None, sample_weight=None):
        """Learn from more rounds.

        Parameters
        ----------
        X, y, reward, sample_weight
            As in :meth:`fit`.
        classes : array-like of shape (n_arms,), default=None
            All arms, on the first call, for a bandit that was made without ``arms``. Without both,
            the arms are those in the first `y`.

        Returns
        -------
        self : object
            The bandit.

        Raises
        ------
        ValueError
            On bad input; the bandit is then what it was before.
        """
        rounds = self._plain_rounds(X, y, reward) if classes is None is sample_weight else None
        if rounds is None:
            return self._partial_fit(X, y, reward, classes, sample_weight)
        self._learn(rounds)
        self.full_feedback_ = False
        self.n_learning_calls_ += 1
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def _partial_fit(self, X, y, reward, classes, sample_weight):
        return self._learn_rounds(X, y, reward, sample_weight, classes, forget=False)

    def _plain_rounds(self, X, y, reward):
        """Check a few rounds of plain arrays fast; None sends them to the full validation."""
        if (
            type(y) is not np.ndarray
            or y.ndim != 1
            or y.dtype.names is not None
            or reward is None
            or not self.__dict__.get("_parameters_checked", False)
            or not self.__sklearn_is_fitted__()
            or not self._is_plain(X)
            or X.shape[0] != y.shape[0]
        ):
            return None
        reward = np.asarray(reward)
        if reward.shape != y.shape or reward.dtype.kind not in "biuf":
            return None
        reward = reward.astype(np.float64)
        lookup = self._arm_lookup
        if not lookup:
            lookup.update((label, index) for index, label in enumerate(self.classes_.tolist()))
        index = [lookup.get(label, -1) for label in y.tolist()]
        if min(index) < 0 or not np.isfinite(reward).all():
            return None
        self._check_reward_support(reward)
        return Rounds(X, np.array(index, dtype=np.intp), reward, None)

    def _learn_rounds(self, X, y, reward, sample_weight, classes, forget):
        before = self.__dict__.copy()
        try:
            if not self.__dict__.get("_parameters_checked", False):
                # The decorator checks no parameters once the bandit is fitted.
                self._validate_params()
            self._check_selector()
            first = forget or not self.__sklearn_is_fitted__()
            contexts = check_contexts(self, X, reset=first, context_ndims=self._context_ndims)
            labels, reward, _, weight = check_feedback(
                contexts, y, reward, sample_weight, self._selector.n_selected
            )
            if first:
                known = self._first_arms(contexts, labels, classes)
                self._start(known, contexts.ndim == 3)
            else:
                self._check_later(contexts, classes)
            arm = encode_arms(labels, self._arms_for(contexts))
            if reward is not None:
                self._check_reward_support(reward)
            self._learn(flatten_rounds(contexts, arm, reward, weight))
            full = reward is None
            self.full_feedback_ = full if first else self.full_feedback_ and full
            self.n_learning_calls_ = 1 if first else self.n_learning_calls_ + 1
            self._parameters_checked = True
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _first_arms(self, contexts, labels, classes):
        if self.arms is not None:
            known = check_arms(self.arms)
            if classes is not None and sorted(map(str, check_arms(classes))) != sorted(
                map(str, known)
            ):
                raise ValueError(
                    f"classes={list(classes)!r} differs from arms={known.tolist()!r}: give only "
                    f"one."
                )
            return known
        if contexts.ndim == 3:
            return np.arange(contexts.shape[1])
        return check_arms(classes) if classes is not None else learn_arms(labels)

    def _start(self, arms, candidate_features):
        """Set the arms and the prior state."""
        self.classes_ = arms
        self._candidate_features = candidate_features
        self._forget_cache()
        for name, value in self._initial_state(len(arms), self.n_features_in_).items():
            setattr(self, name, value)

    def _check_later(self, contexts, classes):
        if classes is not None and set(check_arms(classes).tolist()) != set(
            self.classes_.tolist()
        ):
            raise ValueError(
                f"classes={list(classes)!r} is not the same as on the first call: "
                f"{self.classes_.tolist()!r}. Use add_arms or remove_arms to change the arms."
            )
        self._check_same_kind(contexts)
        if contexts.ndim == 3 and self.arms is None and contexts.shape[1] > len(self.classes_):
            self._grow_candidates(contexts.shape[1])

    def _check_same_kind(self, contexts):
        if (contexts.ndim == 3) != self._candidate_features:
            was, now = ("three", "two") if self._candidate_features else ("two", "three")
            raise ValueError(f"X has {now} dimensions, but the bandit has learnt from {was}.")

    def _arms_for(self, contexts):
        """Labels of the columns for these contexts."""
        if contexts.ndim == 2 or contexts.shape[1] == len(self.classes_):
            return self.classes_
        if self.arms is not None:
            raise ValueError(
                f"X has {contexts.shape[1]} candidates, but arms names {len(self.classes_)}. "
                f"Leave arms "
                "out for a number of candidates that varies, or mask some with available=."
            )
        return np.arange(contexts.shape[1])
