"""A bandit inside a bandit: what both ways of forgetting share."""

import copy
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from .._random import derived_seed
from .._sklearn import HasMethods
from ..base import BaseBandit, is_bandit
from ..buffers import SlidingWindow, take_rounds
from ..linear import LinearThompsonSampling


class WrappedState(NamedTuple):
    """The bandit inside, and the rounds from which it may have to learn again."""

    bandit: object
    buffer: object
    watch: tuple = ()  # what a subclass has to know


class BaseWrappedBandit(BaseBandit):
    """Base class of bandits that let another one learn from a part of the rounds.

    A subclass defines ``_n_kept`` (how many rounds are kept to learn from again) and
    ``_learnt(state, columns)``, which returns the state after columns of rounds.
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "bandit": [HasMethods(["fit", "partial_fit", "predict_proba"]), type, None],
    }
    _shape_parameters = ("bandit",)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if isinstance(self.bandit, type):
            # It is refused once there is something to learn or to decide.
            return tags
        inner = get_tags(self._bandit)
        tags.input_tags = copy.copy(inner.input_tags)
        if hasattr(inner, "bandit_tags"):
            tags.bandit_tags = copy.copy(inner.bandit_tags)
        # What is forgotten depends on the order of rounds, and on how they are cut into calls.
        tags.bandit_tags.learning, tags.bandit_tags.merging = "buffer", "no"
        for name in ("adding_features", "dropping_features"):
            if getattr(tags.bandit_tags, name) == "exact":
                setattr(tags.bandit_tags, name, "approximate")
        return tags

    # ------------------------------------------------------------------ state
    @property
    def _bandit(self):
        return LinearThompsonSampling() if self.bandit is None else self.bandit

    def _check_bandit(self):
        if self.bandit is None:
            return
        if isinstance(self.bandit, type):
            raise TypeError(
                f"bandit must be an instance, got the class {self.bandit.__name__}. Write "
                f"{self.bandit.__name__}()."
            )
        if not isinstance(self.bandit, BaseBandit) or not is_bandit(self.bandit):
            raise TypeError(
                f"bandit must be a bandit of skbandit, got {type(self.bandit).__name__}. A "
                "Pipeline goes around this bandit, not into it."
            )
        if self.bandit.selector is not None:
            raise ValueError(
                f"bandit has selector={self.bandit.selector!r}: give the selector to this "
                f"{type(self).__name__}, which decides."
            )

    def _initial_state(self, n_arms, n_features):
        self._check_bandit()
        return WrappedState(self._new_bandit(), SlidingWindow(self._n_kept))

    def _new_bandit(self):
        """The bandit inside, before any round."""
        new = clone(self._bandit)
        if new.random_state is None and isinstance(self.random_state, Integral):
            new.set_params(random_state=derived_seed(self.random_state, 0))
        return new.set_params(arms=None if self._are_candidates else self.classes_.tolist())

    @property
    def _are_candidates(self):
        """Whether arms are candidates without names, of which there may be more or fewer."""
        return self._candidate_features and self.arms is None

    def _learn(self, rounds):
        rounds = rounds.spelt_out(len(self.classes_))
        weight = rounds.weights
        counts = np.flatnonzero(weight > 0.0)
        if not len(counts):
            return self.state_
        contexts, arm = rounds.contexts, rounds.arm
        if self._are_candidates:
            # What was played alone teaches.
            contexts, arm = contexts[np.arange(len(arm)), arm][:, None], np.zeros_like(arm)
        columns = {
            "row": contexts,
            "arm": arm,
            "reward": rounds.reward,
            "weight": weight,
        }
        if len(counts) < len(weight):
            columns = take_rounds(columns, counts)
        return self._learnt(self.state_, columns)

    def _teach(self, bandit, columns):
        """Return the bandit inside after more rounds; the one that is given is left alone."""
        new, weight = copy.copy(bandit), columns["weight"]
        if new.random_state is None and isinstance(self.random_state, np.random.RandomState):
            new.random_state = derived_seed(self.random_state)
        weight = None if (weight == 1.0).all() else weight
        labels = self.classes_[columns["arm"]]
        return new.partial_fit(
            columns["row"], labels, reward=columns["reward"], sample_weight=weight
        )

    # -------------------------------------------------------------- questions
    @property
    def _asked_bandit(self):
        """The bandit inside, with the selector of this one."""
        if "asked" not in self._cache:
            asked = copy.copy(self.state_.bandit)
            asked.selector = None if self.selector is None else self._selector
            self._cache["asked"] = asked
        return self._cache["asked"]

    def _policy(self, contexts, available):
        return self._asked_bandit.predict_proba(contexts, available=available)

    def _decision_function(self, contexts):
        return self._asked_bandit.decision_function(contexts)

    def _expected_reward(self, contexts):
        return self._asked_bandit.expected_reward(contexts, return_std=True)

    def _mean_reward(self, contexts):
        return self._asked_bandit.expected_reward(contexts)

    def _floats_per_row(self, contexts, n_arms):
        return self.state_.bandit._floats_per_row(contexts, n_arms)

    # --------------------------------------------------------------- transfer
    def _carry_state(self, source, resize):
        if not isinstance(source, BaseWrappedBandit):
            self._check_same_shape(source)
        self._check_bandit()
        new, old = self._new_bandit(), source.state_
        if not old.bandit.__sklearn_is_fitted__():
            return WrappedState(new, SlidingWindow(self._n_kept))
        inner = old.bandit._carried_into(new, resize)
        moved = resize.n_features is not None and resize.moves_features(source.n_features_in_)
        buffer = SlidingWindow(self._n_kept)
        if len(old.buffer) and not moved and self._are_candidates:
            buffer = buffer.extended(old.buffer.columns)
        elif len(old.buffer) and not moved and not self._candidate_features:
            # Rounds of arms that are gone go too; features that move leave none to learn again.
            target = np.full(len(source.classes_), -1)
            known = np.flatnonzero(resize.arm_source >= 0)
            target[resize.arm_source[known]] = known
            columns = old.buffer.columns
            arm = target[columns["arm"]]
            kept = np.flatnonzero(arm >= 0)
            if len(kept):
                columns = take_rounds(columns, kept)
                buffer = buffer.extended({**columns, "arm": arm[kept]})
        return WrappedState(inner, buffer, self._carried_watch(source, resize))

    def _carried_watch(self, source, resize):
        return ()

    @property
    def bandit_(self):
        """The bandit inside, as it is now."""
        return self.state_.bandit
