"""Bandits inside a bandit: one for each of several numbers that a round pays."""

import copy
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from ._random import derived_seed
from .base import BaseBandit, is_bandit
from .beliefs import IndependentBelief
from .selectors import BaseSelector

# From what promises most to what promises least.
_ORDER = {
    "learning": ("none", "sum", "sequence", "calls", "buffer"),
    "policy": ("exact", "draws"),
    "contexts": ("none", "any", "numbers"),
    "arms": ("independent", "linked", "shared"),
    "arm_order": ("free", "named", "matters"),
    "prior": ("fixed", "learnt"),
    "propensity": ("unused", "used"),
    "location": ("learnt", "fixed"),
    "adding_features": ("exact", "approximate", "no"),
    "dropping_features": ("exact", "approximate", "no"),
    "how_it_merges": ("exact", "approximate", "no"),
}


def check_inner(owner, name, bandit, *, own_selector=False):
    """Raise where a bandit cannot be put into another one.

    Parameters
    ----------
    owner : bandit
        The outer one, for messages.
    name : str
        The parameter that holds the inner one.
    bandit : object
    own_selector : bool, default=False
        Whether the inner one may have a selector of its own.
    """
    if isinstance(bandit, type):
        raise TypeError(
            f"{name} must be an instance, got the class {bandit.__name__}. Write "
            f"{bandit.__name__}()."
        )
    if not isinstance(bandit, BaseBandit) or not is_bandit(bandit):
        raise TypeError(
            f"{name} must be a bandit of skbandit, got {type(bandit).__name__}. A Pipeline goes "
            "around this bandit, not into it."
        )
    if bandit.selector is not None and not own_selector:
        raise ValueError(
            f"{name} has selector={bandit.selector!r}: give the selector to this "
            f"{type(owner).__name__}, which decides."
        )


def new_inner(owner, bandit, number=0):
    """Return a bandit that goes into another one, before any round.

    Parameters
    ----------
    owner : bandit
        The outer one; it knows its arms.
    bandit : bandit
        What is cloned. Without a `random_state` of its own it is seeded by that of the owner.
    number : int, default=0
        Its place among those inside.
    """
    new = clone(bandit)
    if new.random_state is None and isinstance(owner.random_state, Integral):
        new.set_params(random_state=derived_seed(owner.random_state, number))
    return new.set_params(arms=None if are_candidates(owner) else owner.classes_.tolist())


def are_candidates(owner):
    """Whether arms are candidates without names, of which there may be more or fewer."""
    return owner._candidate_features and owner.arms is None


def played_contexts(owner, contexts, arm):
    """Return contexts and arms as an inner bandit learns them.

    Of candidates without names, whose number varies, what was played alone teaches.
    """
    if are_candidates(owner):
        return contexts[np.arange(len(arm)), arm][:, None], np.zeros_like(arm)
    return contexts, arm


def taught(owner, bandit, contexts, arm, reward, weight):
    """Return an inner bandit after more rounds; the one that is given is left alone.

    Parameters
    ----------
    owner : bandit
    bandit : bandit
    contexts : rows, as :func:`played_contexts` returns them
    arm : ndarray of int of shape (n_samples,)
    reward : ndarray of shape (n_samples,)
    weight : ndarray of shape (n_samples,)
    """
    new = bandit._twin()
    if new.random_state is None and isinstance(owner.random_state, np.random.RandomState):
        new.random_state = derived_seed(owner.random_state)
    weight = None if (weight == 1.0).all() else weight
    return new.partial_fit(contexts, owner.classes_[arm], reward=reward, sample_weight=weight)


def carried(known, new, resize):
    """Return inner bandits in another size, those before any round as they are made anew.

    Parameters
    ----------
    known, new : sequence of bandits
        What is carried, and what it is carried into.
    resize : Resize
        Of the outer bandit.
    """
    # Inside, features have names only where rows come as they are: checked numbers are arrays.
    unnamed = resize._replace(feature_names=None)
    return tuple(
        old._carried_into(one, resize if hasattr(old, "feature_names_in_") else unnamed)
        if old.__sklearn_is_fitted__()
        else one
        for old, one in zip(known, new, strict=True)
    )


def asked(bandit, selector):
    """Return an inner bandit as it decides under a selector of the outer one."""
    twin = bandit._twin()
    twin.selector = selector
    return twin


class _Weighed(BaseSelector):
    """A selector that keeps what a bandit hands to it."""

    has_closed_form = True
    treats_arms_alike = False
    # Bandits that look at no context then hand over all rows, not one of them.
    differs_by_row = True

    def __init__(self):
        self.seen = []

    def select(self, scores, available=None):
        """Keep sure scores."""
        self.seen.append(IndependentBelief(scores, np.zeros_like(scores)))
        return np.full(scores.shape, 1.0 / scores.shape[1])

    def expect(self, belief, available=None):
        """Keep a belief."""
        self.seen.append(belief)
        return np.full(np.shape(belief.mean), 1.0 / np.shape(belief.mean)[1])


def weighed(bandit, contexts):
    """Return what a bandit would hand to its selector: a belief about what each arm is worth.

    Of a bandit with upper bounds, or none, that is a belief without width; of one with Thompson
    sampling the belief from which it draws, as wide as its ``alpha`` makes it.

    Parameters
    ----------
    bandit : bandit
        Inside another one, fitted.
    contexts : checked rows

    Returns
    -------
    belief : belief
        See :mod:`skbandit.beliefs`. One without width is an ``IndependentBelief`` of scale 0.

    Raises
    ------
    ValueError
        If the bandit decides without asking its selector.
    """
    selector = _Weighed()
    asked(bandit, selector)._policy(contexts, None)
    # A belief that knows chances alone has no scores to weigh.
    if len(selector.seen) != 1 or not hasattr(selector.seen[0], "std"):
        raise ValueError(
            f"{type(bandit).__name__} decides by more than a selector of scores, so nothing can "
            "be weighed against its scores. Put in a bandit whose policy follows from scores, "
            "such as LinearThompsonSampling."
        )
    return selector.seen[0]


def least_tags(tags, inner):
    """Return tags that promise what all inner bandits promise.

    Parameters
    ----------
    tags : tags of the outer bandit
    inner : list of bandits
    """
    every = [get_tags(bandit) for bandit in inner]
    tags.input_tags = copy.copy(every[0].input_tags)
    for one in every[1:]:
        for name in ("two_d_array", "three_d_array", "sparse", "allow_nan", "string"):
            both = getattr(tags.input_tags, name) and getattr(one.input_tags, name)
            setattr(tags.input_tags, name, both)
    several = [one.bandit_tags for one in every if hasattr(one, "bandit_tags")]
    if not several:
        # What is no bandit is refused once there is something to learn or to decide.
        return tags
    least = copy.copy(several[0])
    for name, order in _ORDER.items():
        value = max((getattr(one, name) for one in several), key=order.index)
        setattr(least, "merging" if name == "how_it_merges" else name, value)
    least.fades = any(one.fades for one in several)
    least.has_width = all(one.has_width for one in several)
    least.rounding = max(one.rounding for one in several)
    tags.bandit_tags = least
    return tags


class InnerState(NamedTuple):
    """The bandits inside, and what the outer one knows besides."""

    bandits: tuple
    rest: object = ()


class BaseBanditOfBandits(BaseBandit):
    """Base class of bandits with a bandit inside for each of several numbers a round.

    A subclass defines ``_templates()``, the list of bandits to put inside, and
    ``_numbers(rounds)``, what each of them learns as its reward: a list of arrays (n_samples,),
    None where it learns nothing from these rounds. What it knows besides goes into ``rest`` of the
    state: ``_initial_rest(n_arms)``, ``_learnt_rest(rest, rounds)``, ``_carried_rest(source,
    resize)`` and ``_merged_rest(rests)``.
    """

    # ------------------------------------------------------------------ hooks
    def _templates(self):
        raise NotImplementedError(f"{type(self).__name__} must define _templates.")

    def _numbers(self, rounds):
        raise NotImplementedError(f"{type(self).__name__} must define _numbers.")

    def _initial_rest(self, n_arms):
        return ()

    def _learnt_rest(self, rest, rounds):
        return rest

    def _carried_rest(self, source, resize):
        return source.state_.rest

    def _merged_rest(self, rests):
        return rests[0]

    # ------------------------------------------------------------------ state
    def _new_inner(self):
        return [new_inner(self, one, number) for number, one in enumerate(self._templates())]

    def _initial_state(self, n_arms, n_features):
        return InnerState(tuple(self._new_inner()), self._initial_rest(n_arms))

    def _learn(self, rounds):
        rounds = rounds.spelt_out(len(self.classes_))
        contexts, arm = played_contexts(self, rounds.contexts, rounds.arm)
        numbers = self._numbers(rounds)
        bandits = tuple(
            bandit
            if number is None
            else taught(self, bandit, contexts, arm, number, rounds.weights)
            for bandit, number in zip(self.state_.bandits, numbers, strict=True)
        )
        return InnerState(bandits, self._learnt_rest(self.state_.rest, rounds))

    def _floats_per_row(self, contexts, n_arms):
        return sum(one._floats_per_row(contexts, n_arms) for one in self.state_.bandits)

    # --------------------------------------------------------------- transfer
    def _carry_state(self, source, resize):
        self._check_same_shape(source)
        bandits = carried(source.state_.bandits, self._new_inner(), resize)
        return InnerState(bandits, self._carried_rest(source, resize))

    def _merge_states(self, states):
        bandits = []
        for same in zip(*(state.bandits for state in states), strict=True):
            fitted = [one for one in same if one.__sklearn_is_fitted__()]
            bandits.append(fitted[0]._twin()._joined(fitted) if fitted else same[0])
        return InnerState(tuple(bandits), self._merged_rest([state.rest for state in states]))
