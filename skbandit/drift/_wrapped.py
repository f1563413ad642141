"""A bandit inside a bandit: what both ways of forgetting share."""

from typing import NamedTuple

import numpy as np

from .._inner import (
    are_candidates,
    asked,
    carried,
    check_inner,
    least_tags,
    new_inner,
    played_contexts,
    taught,
)
from .._sklearn import HasMethods
from ..base import BaseBandit
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
        tags = least_tags(tags, [self._bandit])
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
        if self.bandit is not None:
            check_inner(self, "bandit", self.bandit)

    def _initial_state(self, n_arms, n_features):
        self._check_bandit()
        return WrappedState(self._new_bandit(), SlidingWindow(self._n_kept))

    def _new_bandit(self):
        """The bandit inside, before any round."""
        return new_inner(self, self._bandit)

    def _learn(self, rounds):
        rounds = rounds.spelt_out(len(self.classes_))
        weight = rounds.weights
        counts = np.flatnonzero(weight > 0.0)
        if not len(counts):
            return self.state_
        contexts, arm = played_contexts(self, rounds.contexts, rounds.arm)
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
        names = ("row", "arm", "reward", "weight")
        return taught(self, bandit, *(columns[name] for name in names))

    # -------------------------------------------------------------- questions
    @property
    def _asked_bandit(self):
        """The bandit inside, with the selector of this one."""
        return asked(self.state_.bandit, None if self.selector is None else self._selector)

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
        (inner,) = carried([old.bandit], [new], resize)
        moved = resize.n_features is not None and resize.moves_features(source.n_features_in_)
        buffer = SlidingWindow(self._n_kept)
        if len(old.buffer) and not moved and are_candidates(self):
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
