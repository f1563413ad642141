"""What every bandit does with contexts: decide, and say policy, scores, belief and value."""

import copy

import numpy as np
from sklearn import get_config
from sklearn.exceptions import NotFittedError

from ._random import uniforms
from ._rounds import (
    check_available,
    check_contexts,
    check_feedback,
    check_propensity,
    encode_arms,
    take_rows,
)
from ._sampling import draw_arms, order_by_score
from ._values import self_normalized_value
from .selectors import ArgmaxSelector

# A block of rows and its scores should stay in the processor's cache.
_BLOCK_BYTES = 1 << 23
# Larger batches gain nothing from skipping the full validation.
_PLAIN_ROWS = 32


class DecisionMixin:
    """Methods that decide and explain decisions; they change nothing but a RandomState."""

    def _is_plain(self, X):
        """Say whether X is a small plain array that needs no further check.

        ``validate_data`` takes over 100 microseconds a call, several times a decision of the
        online loop. What is not plainly good here is judged there, so errors are the same.
        """
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype == np.float64
            and 0 < X.shape[0] <= _PLAIN_ROWS
            and X.shape[1] == self.n_features_in_
            and "feature_names_in_" not in self.__dict__
            and not self._candidate_features
            # Finite entries may overflow in the sum: then the full check decides.
            and np.isfinite(X.sum())
        )

    def _checked(self, X):
        """Return checked contexts and the bandit to ask: this one, or its prior before any "
        "data."""
        if self.__sklearn_is_fitted__():
            if self._is_plain(X):
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
