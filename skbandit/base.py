"""The contract of every bandit: a scikit-learn estimator whose ``predict`` is a decision."""

import copy

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import ClassifierTags, get_tags

from ._random import uniforms
from ._reshaping import ReshapingMixin
from ._rounds import (
    Rounds,
    check_arms,
    check_available,
    check_contexts,
    check_feedback,
    check_propensity,
    encode_arms,
    flatten_rounds,
    learn_arms,
    make_log,
    take_rows,
)
from ._sampling import draw_arms, order_by_score
from ._sklearn import HasMethods, _fit_context
from ._values import self_normalized_value
from .selectors import ArgmaxSelector

__all__ = ["BaseBandit", "is_bandit", "make_log"]

# A block of rows and its scores should stay in the processor's cache.
_BLOCK_BYTES = 1 << 23
# Attributes that are derived from the state and rebuilt on demand.
_REBUILT = ("_cache", "_arm_lookup")
# Batches above this size gain nothing from the fast path of the online loop.
_FAST_ROWS = 32


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


class BaseBandit(ReshapingMixin, BaseEstimator):
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
        if self.selector is not None and hasattr(self.selector, "check"):
            self.selector.check()

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
        """Check a few rounds of plain arrays fast; None sends them to the full validation.

        ``validate_data`` takes over 100 microseconds a call, several times the learning itself.
        What is not plainly good here is judged there, so errors are the same.
        """
        state = self.__dict__
        if (
            type(X) is not np.ndarray
            or X.ndim != 2
            or X.dtype != np.float64
            or type(y) is not np.ndarray
            or y.ndim != 1
            or y.dtype.names is not None
            or reward is None
            or not 0 < X.shape[0] == y.shape[0] <= _FAST_ROWS
            or "n_learning_calls_" not in state
            or X.shape[1] != self.n_features_in_
            or "feature_names_in_" in state
            or 2 not in self._context_ndims
            or self._candidate_features
            or not np.isfinite(X.sum())
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

    # --------------------------------------------------------------- playing
    def _checked(self, X):
        """Return checked contexts and the bandit to ask: this one, or its prior before any "
        "data."""
        state = self.__dict__
        if "n_learning_calls_" in state:
            if (
                type(X) is np.ndarray
                and X.ndim == 2
                and X.dtype == np.float64
                and 0 < X.shape[0] <= _FAST_ROWS
                and X.shape[1] == self.n_features_in_
                and "feature_names_in_" not in state
                and not self._candidate_features
                and np.isfinite(X.sum())
            ):
                return X, self
            contexts = check_contexts(self, X, reset=False, context_ndims=self._context_ndims)
            self._check_same_kind(contexts)
            return contexts, self
        three_dimensional = getattr(X, "ndim", 2) == 3 and 3 in self._context_ndims
        if self.arms is None and not three_dimensional:
            raise NotFittedError(
                f"This {type(self).__name__} instance knows no arms yet. Call 'fit' or "
                f"'partial_fit' "
                "first, or name the arms in the constructor (arms=[...]) to play from the prior."
            )
        prior = copy.copy(self)
        prior._validate_params()
        contexts = check_contexts(prior, X, reset=True, context_ndims=self._context_ndims)
        prior._start(prior._first_arms(contexts, None, None), contexts.ndim == 3)
        prior.n_learning_calls_ = 0
        return contexts, prior

    def _blocks(self, contexts, n_arms):
        """Yield slices of rows whose temporaries stay within cache and ``working_memory``."""
        budget = min(_BLOCK_BYTES, get_config()["working_memory"] * 2**20)
        block = max(1, int(budget / (8 * self._floats_per_row(contexts, n_arms))))
        n_samples = contexts.shape[0]
        for start in range(0, n_samples, block):
            yield slice(start, min(start + block, n_samples))

    def _columns(self, contexts, hook, n_outputs=1):
        """Run a hook over blocks of rows and join what it returns, (n_samples, n_arms) each."""
        arms = self._arms_for(contexts)
        outputs = [np.empty((contexts.shape[0], len(arms))) for _ in range(n_outputs)]
        for rows in self._blocks(contexts, len(arms)):
            block = hook(rows, take_rows(contexts, rows.start, rows.stop))
            for output, part in zip(outputs, block if n_outputs > 1 else [block], strict=True):
                output[rows] = part
        return outputs if n_outputs > 1 else outputs[0]

    def predict(self, X, *, explore=True, available=None, return_propensity=False):
        """Decide: draw an arm for each row from the policy.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_candidates, n_features)
            The contexts.
        explore : bool, default=True
            False plays the arm of the highest expected reward.
        available : array-like of bool of shape (n_samples, n_arms), default=None
            The arms that may be played in each row; None means all.
        return_propensity : bool, default=False
            Also return the probability with which the arm was played, to be logged.

        Returns
        -------
        arms : ndarray of shape (n_samples,) or (n_samples, n_selected)
            The arms to play; sets of arms come best first.
        propensity : ndarray of the shape of `arms`
            Only if `return_propensity`.

        Raises
        ------
        NotFittedError
            If the bandit knows no arms yet.
        ValueError
            On bad contexts, or a mask that leaves a row without an arm.
        """
        contexts, bandit = self._checked(X)
        self._check_selector()
        arms = bandit._arms_for(contexts)
        n_selected = self._selector.n_selected
        n_samples, n_arms = contexts.shape[0], len(arms)
        available = check_available(available, (n_samples, n_arms), n_selected or 1)
        uniform = uniforms(self.random_state, contexts, bandit.n_learning_calls_)
        index = np.empty((n_samples, n_selected or 1), dtype=np.intp)
        propensity = np.empty(index.shape)
        for rows in bandit._blocks(contexts, n_arms):
            block = take_rows(contexts, rows.start, rows.stop)
            mask = None if available is None else available[rows]
            probability = bandit._play(block, mask, explore)
            chosen = draw_arms(probability, uniform[rows], n_selected or 1)
            if n_selected is not None and n_selected > 1:
                chosen = order_by_score(chosen, bandit._ranking(block, explore))
            index[rows] = chosen
            propensity[rows] = np.take_along_axis(probability, chosen, axis=1)
        if n_selected is None:
            index, propensity = index[:, 0], propensity[:, 0]
        return (arms[index], propensity) if return_propensity else arms[index]

    def _play(self, contexts, available, explore):
        if explore:
            return self._policy(contexts, available)
        selector = self._selector
        greedy = ArgmaxSelector() if selector.n_selected is None else selector
        return greedy.select(self._mean_reward(contexts), available)

    def _ranking(self, contexts, explore):
        return self._decision_function(contexts) if explore else self._mean_reward(contexts)

    def predict_proba(self, X, available=None):
        """Return the policy: the probability with which each arm is played.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_candidates, n_features)
            The contexts.
        available : array-like of bool of shape (n_samples, n_arms), default=None
            The arms that may be played in each row; None means all.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_arms)
            Columns in the order of ``classes_``. Rows sum to 1, or to the number of arms that the
            selector plays.
        """
        contexts, bandit = self._checked(X)
        self._check_selector()
        shape = (contexts.shape[0], len(bandit._arms_for(contexts)))
        available = check_available(available, shape, self._selector.n_selected or 1)

        def hook(rows, block):
            return bandit._policy(block, None if available is None else available[rows])

        return bandit._columns(contexts, hook)

    def decision_function(self, X):
        """Return the score on which the policy ranks the arms, without noise.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_candidates, n_features)
            The contexts.

        Returns
        -------
        score : ndarray of shape (n_samples, n_arms)
            In units of the reward; two-dimensional for two arms too.
        """
        contexts, bandit = self._checked(X)
        return bandit._columns(contexts, lambda rows, block: bandit._decision_function(block))

    def expected_reward(self, X, return_std=False):
        """Return what the model believes each arm pays.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_candidates, n_features)
            The contexts.
        return_std : bool, default=False
            Also return the standard deviation of that belief.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_arms)
            In units of the reward.
        std : ndarray of shape (n_samples, n_arms)
            Of the expected reward, without the noise of a single reward. Only if `return_std`.
        """
        contexts, bandit = self._checked(X)
        if return_std:
            return tuple(
                bandit._columns(contexts, lambda rows, block: bandit._expected_reward(block), 2)
            )
        return bandit._columns(contexts, lambda rows, block: bandit._mean_reward(block))

    def score(self, X, y, reward=None, propensity=None, sample_weight=None):
        """Return the off-policy value of the policy on a log.

        With rewards, the self-normalised importance-weighted mean reward (Swaminathan & Joachims
        2015); its weights are the policy's probability of the logged arm over its propensity. With
        plain labels, on a bandit that learnt from full feedback, the mean probability that the
        policy gives to the arm that pays.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The contexts.
        y : array-like of shape (n_samples,)
            A log with propensities (see :func:`make_log`), or the arms played.
        reward, propensity : array-like of the shape of `y`, default=None
            Where `y` does not carry them.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        value : float
            Expected reward a round, in units of the reward.

        Raises
        ------
        ValueError
            If propensities are missing; or rewards are, on a bandit that learnt from rewards: the
            score would then rate how well the policy imitates the logging policy.

        References
        ----------
        A. Swaminathan and T. Joachims (2015). The self-normalized estimator for counterfactual
        learning. NeurIPS 28.
        """
        contexts, bandit = self._checked(X)
        n_selected = self._selector.n_selected
        labels, reward, logged_propensity, weight = check_feedback(
            contexts, y, reward, sample_weight, n_selected
        )
        arm = encode_arms(labels, bandit._arms_for(contexts))
        if reward is None and not getattr(bandit, "full_feedback_", True):
            raise ValueError(
                "score needs rewards: this bandit learnt from rewards, and comparing its arms "
                "with "
                "the logged ones would rate imitation. Pass y=make_log(arm, reward, propensity)."
            )
        policy = self.predict_proba(X)
        chosen = (
            policy[np.arange(len(arm)), arm]
            if arm.ndim == 1
            else (np.take_along_axis(policy, arm, axis=1))
        )
        if reward is None:
            return float(np.average(chosen, weights=weight))
        propensity = logged_propensity if propensity is None else propensity
        if propensity is None:
            raise ValueError(
                "score needs the propensities with which the logged arms were played: pass "
                "y=make_log(arm, reward, propensity) or propensity=."
            )
        propensity = check_propensity(propensity, arm.shape)
        return self_normalized_value(reward, chosen, propensity, weight)
