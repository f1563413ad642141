"""The battery finds the defects that it is there to find."""

import numpy as np
import pytest
from sklearn.exceptions import EstimatorCheckFailedWarning, SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator

from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import TopKSelector
from skbandit.utils.estimator_checks import (
    bandit_checks_generator,
    check_bandit,
    parametrize_with_bandit_checks,
)


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


class MaskedAfterwards(LinearThompsonSampling):
    """Ignores which arms are available."""

    def predict(self, X, *, explore=True, available=None, return_propensity=False):
        return super().predict(X, explore=explore, return_propensity=return_propensity)


class FirstOnTies(LinearUCB):
    """Breaks ties in favour of the first arm."""

    def _decision_function(self, contexts):
        scores = super()._decision_function(contexts)
        return scores - 1e-4 * np.arange(scores.shape[1])


class ExploringGreedy(LinearThompsonSampling):
    """Explores although it was told not to."""

    def predict(self, X, *, explore=True, available=None, return_propensity=False):
        return super().predict(X, available=available, return_propensity=return_propensity)


class NoisyScores(LinearThompsonSampling):
    """Depends on the batch that a row comes in."""

    def predict(self, X, *, explore=True, available=None, return_propensity=False):
        order = np.argsort(np.asarray(X)[:, 0]) if np.ndim(X) == 2 else slice(None)
        if np.ndim(X) == 2 and len(X) > 1 and explore and available is None:
            keyed = self.__sklearn_clone__().set_params(random_state=len(X))
            vars(keyed).update({k: v for k, v in vars(self).items() if k.endswith("_")})
            keyed._forget_cache()
            assert order is not None
            return super(NoisyScores, keyed).predict(X, return_propensity=return_propensity)
        return super().predict(
            X, explore=explore, available=available, return_propensity=return_propensity
        )


class SameDrawsForever(LinearThompsonSampling):
    """Its draws do not know that it has learnt."""

    def predict(self, X, **keywords):
        calls = vars(self).get("n_learning_calls_")
        if calls is not None:
            self.n_learning_calls_ = 0
        try:
            return super().predict(X, **keywords)
        finally:
            if calls is not None:
                self.n_learning_calls_ = calls


class RememberingFit(LinearUCB):
    """Does not forget in ``fit``."""

    def fit(self, X, y, reward=None, sample_weight=None):
        return self.partial_fit(X, y, reward, sample_weight=sample_weight)


class CountingReader(LinearUCB):
    """Writes down that it was asked."""

    def predict_proba(self, X, available=None):
        self.n_questions_ = vars(self).get("n_questions_", 0) + 1
        return super().predict_proba(X, available)


class HalfWritten(LinearUCB):
    """Writes before it checks."""

    def _learn(self, rounds):
        self.gram_[0] += 1.0
        super()._learn(rounds)

    def partial_fit(self, X, y, reward=None, classes=None, sample_weight=None):
        if self.__sklearn_is_fitted__():
            self.gram_[0] += 1.0
        return super().partial_fit(X, y, reward, classes, sample_weight)


class IgnoredWeights(LinearUCB):
    """Takes weights and does not use them."""

    def _learn(self, rounds):
        super()._learn(rounds._replace(weight=None))


class InvertedPrior(LinearUCB):
    """The width of a cold arm is the prior precision's root instead of its inverse."""

    def _expected_reward(self, contexts):
        mean, std = super()._expected_reward(contexts)
        cold = self.weight_ == 0
        if self.weight_.sum() > 0:
            std[:, cold] *= 3.0
        return mean, std


class ForgottenPadding(LinearUCB):
    """New features start from what the first one knows."""

    def expand_features(self, features, init="prior"):
        bigger = super().expand_features(features, init)
        bigger.moment_[:, -1] = 1.0
        return bigger


class SharedStorage(LinearUCB):
    """What it returns shares memory with itself."""

    def add_arms(self, arms, init="prior"):
        bigger = super().add_arms(arms, init)
        if self.__sklearn_is_fitted__():
            self.moment_ += 1.0
            self._forget_cache()
        return bigger


class ShyMessages(LinearUCB):
    """Its errors do not say what is wrong."""

    def partial_fit(self, X, y, reward=None, classes=None, sample_weight=None):
        try:
            return super().partial_fit(X, y, reward, classes, sample_weight)
        except ValueError:
            raise ValueError("bad input") from None


class Imitator(LinearUCB):
    """Its score without rewards rates imitation."""

    def score(self, X, y, reward=None, propensity=None, sample_weight=None):
        if reward is None and getattr(np.asarray(y).dtype, "names", None) is None:
            return 0.5
        return super().score(X, y, reward, propensity, sample_weight)


class SortedArms(LinearUCB):
    """Sorts the arms that it was given."""

    def _start(self, arms, candidate_features):
        super()._start(np.sort(arms), candidate_features)


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


CULPRITS = {
    OverstatedPropensity: "check_propensity_is_probability",
    SharperPolicy: "check_propensity_is_frequency",
    MaskedAfterwards: "check_available",
    FirstOnTies: "check_ties_are_uniform",
    ExploringGreedy: "check_greedy_decisions",
    NoisyScores: "check_shards_decide_alike",
    SameDrawsForever: "check_draws_are_new_after_learning",
    RememberingFit: "check_clone_forgets",
    CountingReader: "check_reading_changes_nothing",
    HalfWritten: "check_bad_rounds_change_nothing",
    IgnoredWeights: "check_weights_equal_repetition",
    InvertedPrior: "check_cold_arms_at_prior",
    ForgottenPadding: "check_expand_features",
    SharedStorage: "check_add_arms",
    ShyMessages: "check_bad_rounds_change_nothing",
    Imitator: "check_score_needs_rewards",
    SortedArms: "check_order_of_arms",
    Positional: "check_constructor",
    NotABandit: "check_tags",
}


def _check(estimator, name):
    checks = {check.func.__name__: check for _, check in bandit_checks_generator(estimator)}
    return checks[name]


@pytest.mark.parametrize(("kind", "check_name"), CULPRITS.items())
def test_defect_is_found(kind, check_name):
    estimator = kind()
    with pytest.raises(AssertionError):
        _check(estimator, check_name)(estimator)


@pytest.mark.parametrize("check_name", sorted(set(CULPRITS.values())))
def test_sound_bandits_pass(check_name):
    for estimator in (LinearUCB(noise="fixed"), LinearThompsonSampling()):
        _check(estimator, check_name)(estimator)


def test_results_have_the_keys_of_scikit_learn():
    results = check_bandit(LinearUCB(), on_skip=None, on_fail=None)
    expected = check_estimator(LinearUCB(), on_skip=None, on_fail=None)
    assert set(results[0]) == set(expected[0])
    names = [result["check_name"] for result in results]
    assert len(names) == len(set(names)) > 50
    skipped = [result for result in results if result["status"] == "skipped"]
    assert all(str(result["exception"]) for result in skipped)
    assert {result["check_name"] for result in skipped} >= {
        "check_semi_bandit_feedback",
        "check_candidates_are_positions",
    }


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
    with pytest.warns(SkipTestWarning) as caught:
        check_bandit(LinearUCB(), on_fail=None)
    assert any("check_semi_bandit_feedback" in str(warning.message) for warning in caught)


class Modest(LinearUCB):
    """Declares what it does not promise."""

    _unpromised_checks = {"check_full_feedback": "it learns from rewards only"}


def test_unpromised_check_is_skipped_with_its_reason():
    results = check_bandit(Modest(), on_skip=None, on_fail=None)
    skipped = {r["check_name"]: str(r["exception"]) for r in results if r["status"] == "skipped"}
    assert skipped["check_full_feedback"].endswith("it learns from rewards only")


def test_unknown_unpromised_check_is_an_error():
    bandit = Modest()
    bandit._unpromised_checks = {"check_nothing": "why"}
    with pytest.raises(ValueError, match="check_nothing"):
        check_bandit(bandit)


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


def test_decorator():
    mark = parametrize_with_bandit_checks(
        [LinearUCB(), LinearUCB(selector=TopKSelector(k=2))],
        expected_failed_checks=lambda bandit: (
            {"check_constructor": "why"} if bandit.selector is None else None
        ),
    ).mark
    assert mark.args[0] == ("estimator", "check")
    parameters = mark.args[1]
    assert len(parameters) == 2 * len(list(bandit_checks_generator(LinearUCB())))
    assert parameters[0].id == "LinearUCB()-check_constructor"
    marked = [parameter.id for parameter in parameters if parameter.marks]
    assert marked == ["LinearUCB()-check_constructor"]
    assert parameters[0].marks[0].kwargs == {"reason": "why", "strict": True}
