"""The battery finds the defects that it is there to find."""

import copy
import time
import warnings
from numbers import Integral

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import EstimatorCheckFailedWarning, SkipTestWarning
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils._param_validation import Interval
from sklearn.utils.estimator_checks import check_estimator

from skbandit.base import BaseBandit, StateField, make_log
from skbandit.beliefs import IndependentBelief, JointBelief
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import TopKSelector
from skbandit.utils.estimator_checks import (
    bandit_checks_generator,
    check_bandit,
    parametrize_with_bandit_checks,
)
from skbandit.utils.estimator_checks._promises import for_bandits, why_not
from skbandit.utils.estimator_checks._run import ALL_CHECKS
from tests.newcomers.estimator_bandit import EstimatorBandit
from tests.newcomers.precision_bandit import Posterior, PrecisionThompsonSampling


def _declaring(**tags):
    """A method that declares other tags than the parent's."""

    def declared(self):
        found = super(type(self), self).__sklearn_tags__()
        for name, value in tags.items():
            setattr(found.bandit_tags, name, value)
        return found

    return declared


# -------------------------------------------------------------------------- policy and propensity
class OverstatedPropensity(LinearThompsonSampling):
    """Reports 1 for whatever it drew."""

    def predict(self, X, *, explore=True, available=None, return_propensity=False):
        arms, propensity = super().predict(
            X, explore=explore, available=available, return_propensity=True
        )
        return (arms, np.ones_like(propensity)) if return_propensity else arms


class SharperPolicy(LinearThompsonSampling):
    """Draws from another distribution than it reports."""

    def predict_proba(self, X, available=None):
        policy = super().predict_proba(X, available) ** 2
        return policy / policy.sum(axis=1, keepdims=True)


class Unnormalised(LinearThompsonSampling):
    """Its probabilities do not add up."""

    def predict_proba(self, X, available=None):
        return 0.9 * super().predict_proba(X, available)


class MaskedAfterwards(LinearThompsonSampling):
    """Ignores which arms are available."""

    def predict(self, X, *, explore=True, available=None, return_propensity=False):
        return super().predict(X, explore=explore, return_propensity=return_propensity)


class ScoredAmongAll(LinearUCB):
    """Scores a log with masks as one without."""

    def score(self, X, y, reward=None, propensity=None, sample_weight=None, **asked):
        return super().score(X, y, reward, propensity, sample_weight)


class MaskIgnored(LinearThompsonSampling):
    """Takes any mask."""

    def _mask(self, available, contexts):
        try:
            return super()._mask(available, contexts)
        except ValueError:
            return None


class CostsOfTheFirstRow(LinearThompsonSampling):
    """Decides all rows by what the arms cost in the first one."""

    def _at_cost(self, cost, rows):
        return super()._at_cost(None if cost is None else np.tile(cost[:1], (len(cost), 1)), rows)


class CostsForgotten(LinearUCB):
    """Takes costs and does not look at them."""

    def predict_proba(self, X, available=None, cost=None):
        return super().predict_proba(X, available)


class FirstOnTies(LinearUCB):
    """Breaks ties in favour of the first arm."""

    def _decision_function(self, contexts):
        scores = super()._decision_function(contexts)
        return scores - 1e-4 * np.arange(scores.shape[1])


class FirstIfGreedy(LinearUCB):
    """Breaks ties in favour of the first arm where it does not explore."""

    def _mean_reward(self, contexts):
        mean = super()._mean_reward(contexts)
        return mean - 1e-4 * np.arange(mean.shape[1])


class UnevenDraws(PrecisionThompsonSampling):
    """Averages a selector over draws, and leaves arms that are alike to chance."""

    def _policy(self, contexts, available):
        return self._selector.expect(self._belief(contexts).widened(self.alpha), available)


class ExploringGreedy(LinearThompsonSampling):
    """Explores although it was told not to."""

    def predict(self, X, *, explore=True, available=None, return_propensity=False):
        return super().predict(X, available=available, return_propensity=return_propensity)


# ---------------------------------------------------------------------------------------- draws
class NoisyScores(LinearThompsonSampling):
    """Depends on the batch that a row comes in."""

    def predict(self, X, **keywords):
        keyed = copy.copy(self)
        keyed.random_state = len(X)
        return super(NoisyScores, keyed).predict(X, **keywords)


class SameSeed(LinearThompsonSampling):
    """All its seeds are one."""

    def predict(self, X, **keywords):
        keyed = copy.copy(self)
        keyed.random_state = 0
        return super(SameSeed, keyed).predict(X, **keywords)


class SameDrawForEqualRows(LinearThompsonSampling):
    """Decides equal rows alike."""

    def predict(self, X, *, explore=True, available=None, return_propensity=False):
        if available is not None or len(X) < 100:
            return super().predict(
                X, explore=explore, available=available, return_propensity=return_propensity
            )
        rows, place = np.unique(X, axis=0, return_inverse=True)
        arms, propensity = super().predict(rows, explore=explore, return_propensity=True)
        return (arms[place], propensity[place]) if return_propensity else arms[place]


class SameDrawsForever(LinearThompsonSampling):
    """Its draws do not know that it has learnt."""

    def predict(self, X, **keywords):
        young = copy.copy(self)
        if hasattr(young, "learnt_weight_"):
            young.learnt_weight_ = 0.0
        return super(SameDrawsForever, young).predict(X, **keywords)


class SameDrawsEveryNight(LinearUCB):
    """Counts learning calls since the last fit."""

    def fit(self, X, y, reward=None, sample_weight=None):
        super().fit(X, y, reward, sample_weight)
        self.learnt_weight_ = 1.0
        return self


class CountsCalls(LinearUCB):
    """Its draws depend on how rounds were cut into calls."""

    def _learn_rounds(self, *arguments, **keywords):
        before = vars(self).get("learnt_weight_", 0.0)
        super()._learn_rounds(*arguments, **keywords)
        self.learnt_weight_ = before + 1.0
        return self


class GlobalSeed(LinearThompsonSampling):
    """Without a seed it draws from numpy's global stream, which forked children share."""

    def predict(self, X, **keywords):
        if self.random_state is not None:
            return super().predict(X, **keywords)
        seeded = copy.copy(self)
        seeded.random_state = np.random.mtrand._rand
        return super(GlobalSeed, seeded).predict(X, **keywords)


class SeededOnce(LinearThompsonSampling):
    """Without a seed it always has the same."""

    def predict(self, X, **keywords):
        seeded = copy.copy(self)
        seeded.random_state = 0 if self.random_state is None else self.random_state
        return super(SeededOnce, seeded).predict(X, **keywords)


class StandingStream(LinearThompsonSampling):
    """Copies the stream that it draws from."""

    def predict(self, X, **keywords):
        return super(StandingStream, copy.deepcopy(self)).predict(X, **keywords)


# ------------------------------------------------------------------------------------- learning
class RememberingFit(LinearUCB):
    """Does not forget in ``fit``."""

    def fit(self, X, y, reward=None, sample_weight=None):
        return self.partial_fit(X, y, reward, sample_weight=sample_weight)


class CountingReader(LinearUCB):
    """Writes down that it was asked."""

    def predict_proba(self, X, available=None):
        self.n_questions_ = vars(self).get("n_questions_", 0) + 1
        return super().predict_proba(X, available)


class IgnoredWeights(LinearUCB):
    """Takes weights and does not use them."""

    def _learn(self, rounds):
        return super()._learn(rounds._replace(weight=None))


class HalfWeights(LinearUCB):
    """Takes weights of 1 for weights of a half."""

    def _learn(self, rounds):
        weight = None if rounds.weight is None else 0.5 * rounds.weight
        return super()._learn(rounds._replace(weight=weight))


class FadesByCall(PrecisionThompsonSampling):
    """Every call fades what was before, but it declares a sum."""

    def _learn(self, rounds):
        state = super()._learn(rounds)
        return state._replace(mean=0.9 * state.mean)


class LastRoundCounts(PrecisionThompsonSampling):
    """The last round counts more, but it declares a sum."""

    def _learn(self, rounds):
        last = rounds._replace(
            contexts=rounds.contexts[-1:],
            arm=rounds.arm[-1:],
            reward=None if rounds.reward is None else 5.0 * rounds.reward[-1:],
            weight=None,
        )
        self.state_ = super()._learn(rounds)
        return super()._learn(last)


class LearnsNothing(LinearUCB):
    """Declares that it learns, and does not."""

    def _learn(self, rounds):
        return self.state_


class LearnsAfterAll(PrecisionThompsonSampling):
    """Declares that it learns nothing, and does."""

    __sklearn_tags__ = _declaring(learning="none")


class InvertedPrior(PrecisionThompsonSampling):
    """The width of a cold arm is another once others have learnt."""

    def _belief(self, contexts):
        belief = super()._belief(contexts)
        cold = ~self.state_.mean.any(axis=1)
        if not cold.all():
            belief.scale[:, cold] *= 3.0
        return belief


class SharedMean(PrecisionThompsonSampling):
    """Arms know of each other, which it does not declare."""

    def _belief(self, contexts):
        belief = super()._belief(contexts)
        return IndependentBelief(belief.mean + 0.1 * belief.mean.mean(axis=1)[:, None], belief.std)


class OnlyTheNamedArm(PrecisionThompsonSampling):
    """With full feedback only the arm that is named learns."""

    def _learn(self, rounds):
        if rounds.reward is None:
            rounds = rounds._replace(reward=np.ones(len(rounds.arm)))
        return super()._learn(rounds)


class KeepsNoKindOfFeedback(LinearUCB):
    """Says that all feedback was full."""

    def _absorb(self, rounds):
        super()._absorb(rounds)
        self.full_feedback_ = True


class KeepsTheCallersArrays(PrecisionThompsonSampling):
    """Learns from arrays that are still the caller's, and only when it is asked."""

    def partial_fit(self, X, y, reward=None, classes=None, sample_weight=None):
        super().partial_fit(X, y, reward, classes, sample_weight)
        self.seen_ = X
        return self

    def expected_reward(self, X, return_std=False):
        answer = super().expected_reward(X, return_std)
        seen = getattr(self, "seen_", None)
        shift = 0.0 if seen is None else 1e-3 * float(np.sum(seen))
        return (answer[0] + shift, answer[1]) if return_std else answer + shift


class MinusItsFirstReward(PrecisionThompsonSampling):
    """Takes the first reward for where all lie, which says nothing of their unit."""

    __sklearn_tags__ = _declaring(location="learnt", prior="learnt")

    def _learn(self, rounds):
        self._first = getattr(self, "_first", rounds.reward[0])
        return super()._learn(rounds._replace(reward=rounds.reward - self._first))


class NoWidth(PrecisionThompsonSampling):
    """Declares no width, and has one."""

    __sklearn_tags__ = _declaring(has_width=False)


class WidthOfNothing(PrecisionThompsonSampling):
    """Declares a width, and has none."""

    def expected_reward(self, X, return_std=False):
        mean = super().expected_reward(X)
        return (mean, np.zeros_like(mean)) if return_std else mean


class SharesOfDraws(PrecisionThompsonSampling):
    """Declares an exact policy, which is a share of draws."""

    def _belief(self, contexts):
        belief = super()._belief(contexts)
        unseen = ~self.state_.mean.any(axis=1)
        return JointBelief(belief.mean, belief.std, lambda: belief.draws(200, 0), unseen)


# ---------------------------------------------------------------------------------------- state
class HalfWritten(LinearUCB):
    """Writes before it checks."""

    def partial_fit(self, X, y, reward=None, classes=None, sample_weight=None):
        if self.__sklearn_is_fitted__():
            self.learnt_weight_ += 1.0
        return super().partial_fit(X, y, reward, classes, sample_weight)


class AsksInPlace(LinearUCB):
    """Writes down the last bad question."""

    def predict(self, X, **keywords):
        try:
            return super().predict(X, **keywords)
        except ValueError as error:
            self.error_ = str(error)
            raise


class WritesInPlace(PrecisionThompsonSampling):
    """Writes into the arrays of the state before."""

    def _learn(self, rounds):
        new = super()._learn(rounds)
        for name in ("mean", "precision"):
            old = getattr(self.state_, name)
            old.flags.writeable = True
            old[:] = getattr(new, name)
        return self.state_


class AssignsInSteps(PrecisionThompsonSampling):
    """Replaces its state array by array."""

    def partial_fit(self, X, y, reward=None, classes=None, sample_weight=None):
        done = copy.copy(self)
        super(AssignsInSteps, done).partial_fit(X, y, reward, classes, sample_weight)
        if self.__sklearn_is_fitted__():
            self.state_ = self.state_._replace(mean=done.state_.mean)
            time.sleep(1e-3)
        self.__dict__ = done.__dict__
        return self


class MovesTheStream(LinearThompsonSampling):
    """Draws before it learns, and does not put the stream back."""

    def partial_fit(self, X, y, reward=None, classes=None, sample_weight=None):
        if isinstance(self.random_state, np.random.RandomState):
            self.random_state.random_sample()
        return super().partial_fit(X, y, reward, classes, sample_weight)


class UndeclaredShape(PrecisionThompsonSampling):
    """A parameter shapes the state, and is not declared."""

    _parameter_constraints = {
        **PrecisionThompsonSampling._parameter_constraints,
        "copies": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        arms=None,
        alpha=1.0,
        prior_precision=1.0,
        copies=1,
        selector=None,
        random_state=None,
    ):
        super().__init__(
            arms=arms,
            alpha=alpha,
            prior_precision=prior_precision,
            selector=selector,
            random_state=random_state,
        )
        self.copies = copies

    def _initial_state(self, n_arms, n_features):
        return super()._initial_state(n_arms, n_features * self.copies)

    def _learn(self, rounds):
        contexts = np.tile(rounds.contexts, (1, self.copies))
        return super()._learn(rounds._replace(contexts=contexts))

    def _belief(self, contexts):
        return super()._belief(np.tile(contexts, (1, self.copies)))


class ValidatesOnce(LinearUCB):
    """Looks at its parameters before it has learnt, and never again."""

    def _check_parameters(self, against_state=False):
        if not self.__sklearn_is_fitted__():
            super()._check_parameters()


class AnyArms(LinearUCB):
    """Does not mind other arms."""

    def _check_shape_parameters(self):
        pass


class AnyReward(LinearUCB):
    """Declares rewards of 0 and 1 and takes all."""

    __sklearn_tags__ = _declaring(reward="binary")

    def _check_reward(self, reward):
        pass


# ------------------------------------------------------------------------------ labels and frames
class ShyMessages(LinearUCB):
    """Its errors do not say what is wrong."""

    def partial_fit(self, X, y, reward=None, classes=None, sample_weight=None):
        try:
            return super().partial_fit(X, y, reward, classes, sample_weight)
        except ValueError:
            raise ValueError("bad input") from None


class TextOfLabels(LinearUCB):
    """Takes labels for what they look like in print."""

    def _learn_rounds(self, X, y, *arguments, **keywords):
        if np.asarray(y).dtype.kind in "UO" and np.ndim(y) == 1:
            y = np.array([f"{label}" for label in y])
        return super()._learn_rounds(X, y, *arguments, **keywords)


class SortedLabels(LinearUCB):
    """Sorts labels that come in a series."""

    def _learn_rounds(self, X, y, *arguments, **keywords):
        y = y.sort_values() if hasattr(y, "sort_values") else y
        return super()._learn_rounds(X, y, *arguments, **keywords)


class HalfOfFrames(LinearUCB):
    """Halves the rewards of logs that are frames."""

    def _learn_rounds(self, X, y, *arguments, **keywords):
        if hasattr(y, "columns"):
            y = make_log(y["arm"], 0.5 * y["reward"])
        return super()._learn_rounds(X, y, *arguments, **keywords)


class FieldsDropped(LinearUCB):
    """Drops what it does not know of a log."""

    def _learn_rounds(self, X, y, *arguments, **keywords):
        if getattr(getattr(y, "dtype", None), "names", None):
            y = y[["arm", "reward"]]
        return super()._learn_rounds(X, y, *arguments, **keywords)


class LearnsCodes(LinearUCB):
    """Takes an encoded log for classes."""

    def _first_arms(self, contexts, labels, classes, full_feedback=False):
        return super()._first_arms(contexts, labels, classes, False)


class MaskByPosition(LinearUCB):
    """Does not look at the columns of a mask."""

    def _mask(self, available, contexts):
        mask = None if available is None else np.asarray(available)
        return super()._mask(mask, contexts)


class RewardsByLabel(LinearUCB):
    """Sorts rewards by their index."""

    def _learn_rounds(self, X, y, reward, *arguments, **keywords):
        if hasattr(reward, "sort_index"):
            reward = reward.sort_index()
        return super()._learn_rounds(X, y, reward, *arguments, **keywords)


class RowsByLabel(LinearUCB):
    """Sorts rows by their index."""

    def _check_contexts(self, X, reset):
        X = X.sort_index() if hasattr(X, "sort_index") else X
        return super()._check_contexts(X, reset)


class RowsByLabelInside(EstimatorBandit):
    """Looks rows of any kind up by their index label."""

    def _learn(self, rounds):
        if hasattr(rounds.contexts, "loc"):
            contexts = rounds.contexts.loc[np.arange(len(rounds.contexts))]
            rounds = rounds._replace(contexts=contexts)
        return super()._learn(rounds)


class NamesForgotten(LinearUCB):
    """Forgets the names of features."""

    def _check_contexts(self, X, reset):
        return super()._check_contexts(np.asarray(X), reset)


class ColumnsByDtype(LinearUCB):
    """Takes nullable columns for zeros."""

    def _check_contexts(self, X, reset):
        checked = super()._check_contexts(X, reset)
        if hasattr(X, "dtypes") and any(str(dtype) in ("Float64", "Int64") for dtype in X.dtypes):
            checked = np.zeros_like(checked)
        return checked


class RowsByText(LinearUCB):
    """Takes objects for other numbers."""

    def _check_contexts(self, X, reset):
        checked = super()._check_contexts(X, reset)
        return -checked if np.asarray(X).dtype.kind == "O" else checked


# ---------------------------------------------------------------------------- score and interface
class Imitator(LinearUCB):
    """Its score without rewards rates imitation."""

    def score(self, X, y, reward=None, propensity=None, sample_weight=None):
        if reward is None and getattr(np.asarray(y).dtype, "names", None) is None:
            return 0.5
        return super().score(X, y, reward, propensity, sample_weight)


class RawMean(LinearUCB):
    """Its score does not weight."""

    def score(self, X, y, reward=None, propensity=None, sample_weight=None):
        super().score(X, y, reward, propensity, sample_weight)
        return float(np.mean(y["reward"] if reward is None else reward))


class SilentZero(LinearUCB):
    """A log that says nothing has the value 0."""

    def score(self, X, y, reward=None, propensity=None, sample_weight=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = super().score(X, y, reward, propensity, sample_weight)
        return 0.0 if np.isnan(value) else value


class WholeScore(LinearUCB):
    """Its score is an integer."""

    def score(self, X, y, reward=None, propensity=None, sample_weight=None):
        return int(super().score(X, y, reward, propensity, sample_weight) > 0)


class SortedArms(LinearUCB):
    """Sorts the arms that it was given."""

    def _first_arms(self, *arguments, **keywords):
        return np.sort(super()._first_arms(*arguments, **keywords))


class FirstArmBetter(PrecisionThompsonSampling):
    """Expects a little more of the arm that was named first, once it has learnt."""

    def _belief(self, contexts):
        belief = super()._belief(contexts)
        if self.state_.mean.any():
            belief.mean[:, 0] += 0.01
        return belief


class SinglePrecision(LinearUCB):
    """Answers in single precision."""

    def expected_reward(self, X, return_std=False):
        answer = super().expected_reward(X, return_std)
        return answer if return_std else answer.astype(np.float32)


class GuessesArms(LinearUCB):
    """Plays arms that nobody named."""

    def predict(self, X, **keywords):
        if self.arms is None and not self.__sklearn_is_fitted__():
            return np.zeros(len(X), dtype=int)
        return super().predict(X, **keywords)


class Positional(LinearUCB):
    """Takes positional arguments."""

    def __init__(self, arms=None, random_state=None):
        super().__init__(arms=arms, random_state=random_state)


class NotABandit(LinearUCB):
    """Says that it is a classifier."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        return tags


# ------------------------------------------------------------------------------ sets, candidates
class DoublesSparse(LinearUCB):
    """Doubles sparse contexts."""

    def __init__(self, *, arms=None, precision="diagonal", selector=None, random_state=None):
        super().__init__(
            arms=arms, precision=precision, selector=selector, random_state=random_state
        )

    def _check_contexts(self, X, reset):
        checked = super()._check_contexts(X, reset)
        return 2.0 * checked if sparse.issparse(checked) else checked


class PlaysSets(LinearUCB):
    """Plays two arms by default; the parent of broken ones that do."""

    def __init__(self, *, arms=None, selector=TopKSelector(2), random_state=None):  # noqa: B008
        super().__init__(arms=arms, selector=selector, random_state=random_state)


class ReversedSets(PlaysSets):
    """Names the arms of a set worst first."""

    def predict(self, X, *, explore=True, available=None, return_propensity=False):
        arms, propensity = super().predict(
            X, explore=explore, available=available, return_propensity=True
        )
        answer = arms[:, ::-1], propensity[:, ::-1]
        return answer if return_propensity else answer[0]


class FirstOfEachSet(PlaysSets):
    """Learns from the first arm of each set only."""

    def _learn(self, rounds):
        step = rounds.rows_per_round
        weight = None if rounds.weight is None else rounds.weight[::step]
        reward = None if rounds.reward is None else rounds.reward[::step]
        first = (rounds.contexts[::step], rounds.arm[::step], reward, weight)
        return super()._learn(type(rounds)(*first))


class ShySets(ShyMessages, PlaysSets):
    """Its errors about sets do not say what is wrong."""


class PlaysCandidates(LinearUCB):
    """Shares its weights by default; the parent of broken ones that do."""

    def __init__(self, *, arms=None, arm_model="shared", selector=None, random_state=None):
        super().__init__(
            arms=arms, arm_model=arm_model, selector=selector, random_state=random_state
        )


class PlaysTexts(PlaysCandidates):
    """Its positions are texts."""

    def predict(self, X, **keywords):
        return super().predict(X, **keywords).astype(str)


class CountsCandidates(CountingReader, PlaysCandidates):
    """Writes down that it was asked about candidates."""


class OverstatedCandidates(PlaysCandidates):
    """Reports 1 for whatever it drew."""

    def predict_proba(self, X, available=None):
        return 0.5 * super().predict_proba(X, available)


class ForgetfulCandidates(PlaysCandidates):
    """Forgets in ``partial_fit``."""

    def partial_fit(self, X, y, reward=None, classes=None, sample_weight=None):
        return self.fit(X, y, reward, sample_weight)


class UnweightedCandidates(IgnoredWeights, PlaysCandidates):
    """Takes weights of candidates and does not use them."""


# ------------------------------------------------------------------------------------- transfer
class ForgottenPadding(PrecisionThompsonSampling):
    """New features start from something."""

    def _carry_state(self, source, resize):
        state = super()._carry_state(source, resize)
        if (resize.feature_source < 0).any():
            state.mean[:, -1] = 1.0
        return state


class SharedStorage(LinearUCB):
    """What it returns changes the old one."""

    def add_arms(self, arms, init="prior"):
        bigger = super().add_arms(arms, init)
        if self.__sklearn_is_fitted__():
            self.learnt_weight_ += 1.0
        return bigger


class GrowsInPlace(LinearUCB):
    """Adds arms to itself."""

    def add_arms(self, arms, init="prior"):
        self.__dict__ = super().add_arms(arms, init).__dict__
        return self


class WarmNewArms(PrecisionThompsonSampling):
    """New arms are not cold."""

    def _carry_state(self, source, resize):
        state = super()._carry_state(source, resize)
        if len(resize.new_arms):
            state.precision[resize.new_arms] *= 2.0
        return state


class NoTeachers(PrecisionThompsonSampling):
    """Ignores from whom new arms should learn."""

    def _carry_state(self, source, resize):
        return super()._carry_state(source, resize._replace(shares=None))


class SumOfTeachers(PrecisionThompsonSampling):
    """Adds up what the others learnt."""

    def _carry_state(self, source, resize):
        state = super()._carry_state(source, resize)
        if resize.shares is not None:
            state.mean[resize.new_arms] *= (resize.shares > 0).sum(axis=1)[:, None]
        return state


class EvenTeachers(PrecisionThompsonSampling):
    """Takes as much of one arm as of another, whatever their weights."""

    def _carry_state(self, source, resize):
        if resize.shares is not None:
            shares = (resize.shares > 0).astype(float)
            resize = resize._replace(shares=shares / shares.sum(axis=1, keepdims=True))
        return super()._carry_state(source, resize)


class SquaredWeights(PrecisionThompsonSampling):
    """Weights do not add up."""

    def _carry_state(self, source, resize):
        if resize.shares is not None:
            resize = resize._replace(shares=resize.shares**2)
        return super()._carry_state(source, resize)


class KeepsRemovedArms(LinearUCB):
    """Plays on what was removed."""

    def remove_arms(self, arms):
        super().remove_arms(arms)
        return copy.copy(self)


class RemembersRemovedArms(PrecisionThompsonSampling):
    """What an arm taught stays when it is removed."""

    def _carry_state(self, source, resize):
        state = super()._carry_state(source, resize)
        gone = np.setdiff1d(np.arange(len(source.classes_)), resize.arm_source)
        if len(gone):
            state.mean[0] += 0.1 * source.state_.mean[gone].sum(axis=0)
        return state


class Conditioned(PrecisionThompsonSampling):
    """Leaves out the rows of a precision: conditions where it should marginalise."""

    def _carry_state(self, source, resize):
        return BaseBandit._carry_state(self, source, resize)


class WrongFeatureGoes(PrecisionThompsonSampling):
    """Forgets that the constant term comes first."""

    def _carry_state(self, source, resize):
        if len(resize.dropped_features(source.n_features_in_)):
            kept = resize.feature_source
            terms = np.concatenate([kept, [source.n_features_in_]])
            mean, precision = source.state_
            return Posterior(mean[:, terms].copy(), precision[:, terms[:, None], terms].copy())
        return super()._carry_state(source, resize)


class ForgetsByHalf(PrecisionThompsonSampling):
    """Marginalises the belief, and loses what it is worth in learning on."""

    def _belief(self, contexts):
        belief = super()._belief(contexts)
        return belief if not hasattr(self, "scaled_") else belief.widened(self.scaled_)

    def _carry_state(self, source, resize):
        state = super()._carry_state(source, resize)
        if len(resize.dropped_features(source.n_features_in_)):
            # Half the precision and a width that hides it.
            self.scaled_ = np.sqrt(0.5)
            return state._replace(precision=0.5 * state.precision)
        return state


class DropsTheOld(PrecisionThompsonSampling):
    """Dropping features changes the old bandit."""

    def drop_features(self, features):
        smaller = super().drop_features(features)
        self.learnt_weight_ += 1.0
        return smaller


class ExpandsTheOld(PrecisionThompsonSampling):
    """Expanding features changes the old bandit."""

    def expand_features(self, features, init="prior"):
        bigger = super().expand_features(features, init)
        self.learnt_weight_ += 1.0
        return bigger


class DropsAfterAll(PrecisionThompsonSampling):
    """Declares that features cannot be dropped, and drops them."""

    __sklearn_tags__ = _declaring(dropping_features="no")

    def _check_features_can(self, method, tag):
        pass


class NamesBySortedOrder(PrecisionThompsonSampling):
    """Sorts the names of features that are dropped by their place from the end."""

    def drop_features(self, features):
        if all(isinstance(feature, str) for feature in features):
            names = list(self.feature_names_in_)
            features = [names[-1 - names.index(feature)] for feature in features]
        return super().drop_features(features)


# -------------------------------------------------------------------------------------- merging
class AddedUp(PrecisionThompsonSampling):
    """Adds up means and precisions."""

    _state_fields = {
        "mean": StateField("arm", "1+feature", merge="sum", drop="slice"),
        "precision": StateField("arm", "1+feature", "1+feature", merge="sum", drop="slice"),
    }

    def _merge_states(self, states):
        return BaseBandit._merge_states(self, states)


class LostShards(PrecisionThompsonSampling):
    """Keeps the first shard only."""

    def _merge_states(self, states):
        return states[0]


class PriorOfEachShard(PrecisionThompsonSampling):
    """Counts the prior once a shard."""

    def _merge_states(self, states):
        precision = sum(state.precision for state in states)
        moment = sum(state.precision @ state.mean[:, :, None] for state in states)
        return Posterior(np.linalg.solve(precision, moment)[:, :, 0], precision)


class PriorOfKnownArms(PrecisionThompsonSampling):
    """Takes the number of shards that know an arm for all of them."""

    def _merge_states(self, states):
        merged = super()._merge_states(states)
        n_cold = sum(~state.mean.any(axis=1) for state in states)
        precision = merged.precision.copy()
        precision += n_cold[:, None, None] * self.prior_precision * np.eye(precision.shape[-1])
        return merged._replace(precision=precision)


class MergedIntoNothing(PrecisionThompsonSampling):
    """Joined shards are at their prior."""

    def _merge_states(self, states):
        return self._initial_state(len(self.classes_), self.n_features_in_)


class NothingDeclared(PrecisionThompsonSampling):
    """Declares a sum and does not say of what."""

    def _merge_states(self, states):
        return BaseBandit._merge_states(self, states)


CULPRITS = [
    (OverstatedPropensity, "check_propensity_is_probability"),
    (SharperPolicy, "check_propensity_is_frequency"),
    (Unnormalised, "check_policy_is_a_distribution"),
    (MaskedAfterwards, "check_available"),
    (MaskedAfterwards, "check_available_frequencies"),
    (MaskIgnored, "check_available_messages"),
    (CostsOfTheFirstRow, "check_costs_of_a_call"),
    (CostsForgotten, "check_costs_of_a_call"),
    (ScoredAmongAll, "check_score_with_masks"),
    (FirstOnTies, "check_ties_are_even_under_every_selector"),
    (FirstOnTies, "check_ties_are_drawn_evenly"),
    (FirstOnTies, "check_unfitted_plays_from_prior"),
    (FirstIfGreedy, "check_ties_are_drawn_evenly"),
    (UnevenDraws, "check_ties_are_even_under_every_selector"),
    (ExploringGreedy, "check_greedy_decisions"),
    (NoisyScores, "check_shards_decide_alike"),
    (NoisyScores, "check_pickle_decides_alike"),
    (SameSeed, "check_same_call_same_decisions"),
    (SameDrawForEqualRows, "check_equal_rows_are_independent"),
    (SameDrawsForever, "check_draws_are_new_after_learning"),
    (SameDrawsEveryNight, "check_draws_are_new_after_learning"),
    (CountsCalls, "check_draws_do_not_know_the_cuts"),
    (GlobalSeed, "check_no_seed_is_fresh_in_forked_children"),
    (SeededOnce, "check_no_seed_is_fresh"),
    (StandingStream, "check_random_state_instance"),
    (RememberingFit, "check_clone_forgets"),
    (RememberingFit, "check_nested_pipelines"),
    (CountingReader, "check_reading_changes_nothing"),
    (IgnoredWeights, "check_weights_equal_repetition"),
    (IgnoredWeights, "check_zero_weight_equals_absence"),
    (IgnoredWeights, "check_full_feedback_in_pieces"),
    (HalfWeights, "check_weights_of_one"),
    (FadesByCall, "check_pieces_equal_whole"),
    (LastRoundCounts, "check_order_of_rounds"),
    (LearnsNothing, "check_it_learns"),
    (LearnsAfterAll, "check_it_learns_nothing"),
    (InvertedPrior, "check_cold_arms_at_prior"),
    (SharedMean, "check_arms_are_independent"),
    (OnlyTheNamedArm, "check_full_feedback"),
    (KeepsNoKindOfFeedback, "check_full_feedback_teaches_all"),
    (KeepsTheCallersArrays, "check_learning_keeps_no_view"),
    (NoWidth, "check_width_is_as_declared"),
    (WidthOfNothing, "check_width_is_as_declared"),
    (SharesOfDraws, "check_order_of_arms"),
    (HalfWritten, "check_bad_rounds_change_nothing"),
    (AsksInPlace, "check_bad_contexts_change_nothing"),
    (WritesInPlace, "check_old_states_are_left_alone"),
    (AssignsInSteps, "check_interruption_leaves_one_state"),
    (AssignsInSteps, "check_deciding_while_learning"),
    (MovesTheStream, "check_interruption_leaves_one_state"),
    (UndeclaredShape, "check_parameters_changed_after_learning"),
    (ValidatesOnce, "check_parameters_are_validated"),
    (AnyArms, "check_arms_changed_after_learning"),
    (AnyReward, "check_impossible_rewards"),
    (ShyMessages, "check_bad_rounds_change_nothing"),
    (TextOfLabels, "check_labels_messages"),
    (SortedArms, "check_kinds_of_labels"),
    (SortedLabels, "check_containers_of_labels"),
    (FieldsDropped, "check_logs_with_unread_fields"),
    (LearnsCodes, "check_encoded_logs_are_refused"),
    (MaskByPosition, "check_masks_in_frames"),
    (RewardsByLabel, "check_rewards_in_series"),
    (RewardsByLabel, "check_rows_by_position"),
    (RowsByLabel, "check_rows_by_position"),
    (NamesForgotten, "check_step_before"),
    (ColumnsByDtype, "check_nullable_columns"),
    (RowsByText, "check_number_types"),
    (Imitator, "check_score_needs_rewards"),
    (RawMean, "check_score_is_policy_value"),
    (HalfOfFrames, "check_log_equals_keywords"),
    (Imitator, "check_score_of_full_feedback"),
    (SilentZero, "check_score_of_silent_log"),
    (WholeScore, "check_slicing_tools"),
    (NamesForgotten, "check_dataframes"),
    (DoublesSparse, "check_sparse_contexts"),
    (ReversedSets, "check_sets_are_distinct"),
    (FirstOfEachSet, "check_semi_bandit_feedback"),
    (ShySets, "check_sets_messages"),
    (PlaysTexts, "check_candidates_are_positions"),
    (CountsCandidates, "check_number_of_candidates_varies"),
    (OverstatedCandidates, "check_candidates_follow_policy"),
    (ForgetfulCandidates, "check_candidates_learn_in_pieces"),
    (UnweightedCandidates, "check_weights_of_candidates"),
    (SortedArms, "check_classes"),
    (FirstArmBetter, "check_order_of_arms"),
    (SinglePrecision, "check_shapes"),
    (GuessesArms, "check_unfitted_without_arms"),
    (Positional, "check_constructor"),
    (NotABandit, "check_tags"),
    (MinusItsFirstReward, "check_offset_and_unit"),
    (ForgottenPadding, "check_added_features_were_zero"),
    (SharedStorage, "check_add_arms"),
    (GrowsInPlace, "check_transfer_in_nested_pipelines"),
    (WarmNewArms, "check_added_arm_was_never_played"),
    (NoTeachers, "check_add_arm_from_another"),
    (SumOfTeachers, "check_add_arm_from_the_mean"),
    (EvenTeachers, "check_add_arm_from_weights"),
    (SquaredWeights, "check_weights_of_arms_add_up"),
    (KeepsRemovedArms, "check_remove_arms"),
    (RemembersRemovedArms, "check_removed_arm_is_forgotten"),
    (Conditioned, "check_dropped_feature_is_marginalised"),
    (WrongFeatureGoes, "check_dropped_zeros_were_never_there"),
    (WrongFeatureGoes, "check_dropped_feature_is_marginalised"),
    (ForgetsByHalf, "check_learning_on_after_dropping"),
    (DropsTheOld, "check_drop_features"),
    (ExpandsTheOld, "check_expand_features"),
    (DropsAfterAll, "check_features_that_cannot_change"),
    (NamesBySortedOrder, "check_named_features"),
    (AddedUp, "check_merge_equals_whole"),
    (LostShards, "check_merge_equals_whole"),
    (MergedIntoNothing, "check_merge"),
    (PriorOfEachShard, "check_merge_equals_whole"),
    (PriorOfKnownArms, "check_merge_arms_that_differ"),
]


def _check(estimator, name, contexts=None):
    checks = bandit_checks_generator(estimator, contexts=contexts)
    return {check.__name__: check for _, check in checks}[name]


@pytest.mark.parametrize(("kind", "check_name"), CULPRITS)
def test_defect_is_found(kind, check_name):
    estimator = kind()
    with pytest.raises(AssertionError):
        _check(estimator, check_name)(estimator)


@pytest.mark.parametrize("check_name", sorted({name for _, name in CULPRITS}))
def test_sound_bandits_pass(check_name):
    for estimator in (LinearUCB(noise="fixed"), PrecisionThompsonSampling()):
        names = {check.__name__ for _, check in bandit_checks_generator(estimator)}
        if check_name in names:
            _check(estimator, check_name)(estimator)


# Checks of what the package's own functions do with any bandit.
NO_CULPRIT = {
    "check_features_in_nested_pipelines",
    "check_merge_is_refused",
    "check_merge_messages",
    "check_metadata_routing",
    "check_pipeline",
}


def test_every_check_has_a_bandit_that_it_catches():
    names = {check.__name__ for check in ALL_CHECKS}
    assert len(names) == len(ALL_CHECKS)
    assert names - {name for _, name in CULPRITS} == NO_CULPRIT


# ------------------------------------------------------------------------ what applies, and where
def _names(estimator, **keywords):
    return [check.__name__ for _, check in bandit_checks_generator(estimator, **keywords)]


@pytest.mark.parametrize(
    ("promise", "check_name"),
    [
        ({"learning": "calls"}, "check_pieces_equal_whole"),
        ({"learning": "sequence"}, "check_order_of_rounds"),
        ({"learning": "sequence"}, "check_merge_equals_whole"),
        ({"learning": "buffer"}, "check_weights_equal_repetition"),
        ({"merging": "approximate"}, "check_merge_equals_whole"),
        ({"arms": "linked"}, "check_arms_are_independent"),
        ({"prior": "learnt"}, "check_cold_arms_at_prior"),
        ({"propensity": "used"}, "check_added_arm_was_never_played"),
        ({"arm_order": "matters"}, "check_order_of_arms"),
        ({"adding_features": "approximate"}, "check_added_features_were_zero"),
        ({"adding_features": "no"}, "check_expand_features"),
        ({"dropping_features": "approximate"}, "check_dropped_feature_is_marginalised"),
        ({"dropping_features": "no"}, "check_drop_features"),
    ],
)
def test_what_is_not_promised_is_not_checked(promise, check_name):
    class Modest(PrecisionThompsonSampling):
        __sklearn_tags__ = _declaring(**promise)

    assert check_name in _names(PrecisionThompsonSampling())
    assert check_name not in _names(Modest())


def test_what_cannot_be_merged_is_checked_to_be_refused():
    assert "check_merge_is_refused" not in _names(LinearUCB())
    assert "check_merge_is_refused" in _names(LinearUCB(forgetting=0.9))


def test_checks_of_everybody():
    """Honesty, ties, errors and interruptions nobody can declare away."""
    for_all = {check.__name__ for check in ALL_CHECKS if check.wanted == [{}]}
    assert for_all >= {
        "check_propensity_is_frequency",
        "check_propensity_is_probability",
        "check_ties_are_even_under_every_selector",
        "check_available",
        "check_bad_rounds_change_nothing",
        "check_parameters_are_validated",
        "check_interruption_leaves_one_state",
        "check_deciding_while_learning",
        "check_draws_are_new_after_learning",
        "check_shards_decide_alike",
        "check_no_seed_is_fresh_in_forked_children",
        "check_reading_changes_nothing",
    }


def test_why_not():
    facts = {"learning": "calls", "rows": "numbers", "axes": 2}

    @for_bandits(learning=("sum", "sequence"), rows="numbers")
    def one(case):
        pass

    @for_bandits({"learning": "sum"}, {"learning": "calls", "rows": "any"}, axes=2)
    def other(case):
        pass

    assert why_not(one, facts) == "it is not for bandits with learning='calls'"
    assert why_not(one, facts | {"learning": "sum"}) is None
    assert "rows='numbers'" in why_not(other, facts)
    assert why_not(other, facts | {"rows": "any"}) is None
    assert why_not(other, facts | {"learning": "sum", "axes": 3}) is not None


def test_impossible_tags_are_refused():
    class Misspelt(LinearUCB):
        __sklearn_tags__ = _declaring(learning="summ")

    with pytest.raises(ValueError, match=r"learning of Misspelt.*'summ'"):
        check_bandit(Misspelt())


def test_merging_that_is_not_declared_says_what_to_declare():
    bandit = NothingDeclared()
    with pytest.raises(ValueError, match=r"merge='sum'.*_merge_states"):
        _check(bandit, "check_merge")(bandit)


# ------------------------------------------------------------------------------ rows of any kind
def _frames(n_samples, rng):
    return pd.DataFrame({"a": rng.standard_normal(n_samples), "b": rng.randint(9, size=n_samples)})


def test_contexts_of_another_kind():
    bandit = EstimatorBandit(estimator=DecisionTreeRegressor(random_state=0))
    with_numbers, with_frames = _names(bandit), _names(bandit, contexts=_frames)
    assert set(with_frames) < set(with_numbers)
    assert {"check_number_types", "check_dataframes"} <= set(with_numbers) - set(with_frames)
    assert "check_rows_by_position" in with_frames


def test_rows_looked_up_by_label_are_found():
    bandit = RowsByLabelInside(estimator=DecisionTreeRegressor(random_state=0))
    with pytest.raises((AssertionError, KeyError)):
        _check(bandit, "check_rows_by_position", contexts=_frames)(bandit)


def test_contexts_that_are_too_few_are_found():
    bandit = EstimatorBandit(estimator=DecisionTreeRegressor(random_state=0))
    with pytest.raises(AssertionError, match=r"contexts\(60, rng\) made 5 rows"):
        _check(bandit, "check_clone_forgets", contexts=lambda n, rng: _frames(5, rng))(bandit)


# --------------------------------------------------------------------------------------- running
def test_results_have_the_keys_of_scikit_learn():
    results = check_bandit(LinearUCB(), on_skip=None, on_fail=None)
    expected = check_estimator(LinearUCB(), on_skip=None, on_fail=None)
    assert set(results[0]) == set(expected[0])
    names = [result["check_name"] for result in results]
    assert len(names) == len(set(names)) > 80
    assert {result["status"] for result in results} == {"passed"}
    assert not {"check_semi_bandit_feedback", "check_merge_is_refused"} & set(names)


def test_failed_check_raises_warns_or_is_reported():
    with pytest.raises(AssertionError, match="keyword-only"):
        check_bandit(Positional(), on_skip=None)
    seen = []
    with pytest.warns(EstimatorCheckFailedWarning) as caught:
        results = check_bandit(
            Positional(),
            on_skip=None,
            on_fail="warn",
            callback=lambda **result: seen.append(result),
        )
    assert seen == results
    assert any("check_constructor" in str(warning.message) for warning in caught)
    assert {r["check_name"] for r in results if r["status"] == "failed"} >= {"check_constructor"}
    results = check_bandit(
        Positional(), on_skip=None, on_fail=None, expected_failed_checks={"check_constructor": "x"}
    )
    first = next(r for r in results if r["check_name"] == "check_constructor")
    assert first["status"] == "xfail"
    assert first["expected_to_fail"]
    assert first["expected_to_fail_reason"] == "x"


def test_skipped_check_warns():
    """A check that lacks something is skipped, and says what."""
    bandit = EstimatorBandit(estimator=DecisionTreeRegressor(random_state=0))
    with pytest.warns(SkipTestWarning, match=r"check_rows_by_position.*no pandas frame"):
        results = check_bandit(
            bandit, contexts=lambda n, rng: rng.standard_normal((n, 2)), on_fail=None
        )
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped == {"check_rows_by_position"}


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"on_fail": "ignore"}, "on_fail"),
        ({"on_skip": "raise"}, "on_skip"),
        ({"callback": print}, "callback"),
    ],
)
def test_arguments_are_validated(keywords, message):
    with pytest.raises(ValueError, match=message):
        check_bandit(LinearUCB(), **keywords)


def test_classes_are_refused():
    with pytest.raises(TypeError, match=r"LinearUCB\(\)"):
        check_bandit(LinearUCB)


def test_what_is_no_bandit_is_refused():
    with pytest.raises(TypeError, match="bandit"):
        check_bandit(DecisionTreeRegressor())


def test_decorator():
    bandits = [LinearUCB(), LinearUCB(selector=TopKSelector(k=2))]
    mark = parametrize_with_bandit_checks(
        bandits,
        expected_failed_checks=lambda bandit: (
            {"check_constructor": "why"} if bandit.selector is None else None
        ),
    ).mark
    assert mark.args[0] == ("estimator", "check")
    parameters = mark.args[1]
    assert len(parameters) == sum(len(_names(bandit)) for bandit in bandits)
    assert parameters[0].id == "LinearUCB()-check_constructor"
    marked = [parameter.id for parameter in parameters if parameter.marks]
    assert marked == ["LinearUCB()-check_constructor"]
    assert parameters[0].marks[0].kwargs == {"reason": "why", "strict": True}
