"""Selectors: from scores to probabilities, in closed form, by draws, and in a search."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from scipy.stats import norm
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils._param_validation import InvalidParameterError

from skbandit.base import make_log
from skbandit.beliefs import IndependentBelief, JointBelief
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import (
    ArgmaxSelector,
    BaseSelector,
    EpsilonGreedySelector,
    PropensityFloorSelector,
    SoftmaxSelector,
    TopKSelector,
)

SELECTORS = [
    ArgmaxSelector(),
    EpsilonGreedySelector(epsilon=0.3),
    SoftmaxSelector(temperature=0.7),
    SoftmaxSelector(temperature=0.7, standardize=False),
    TopKSelector(k=1),
    TopKSelector(k=3),
    PropensityFloorSelector(share=0.4),
    PropensityFloorSelector(SoftmaxSelector(), share=0.4),
    PropensityFloorSelector(TopKSelector(k=2), share=0.4),
]


def _scores(n_samples=200, n_arms=5, seed=0):
    return np.random.RandomState(seed).standard_normal((n_samples, n_arms))


def _mask(n_samples=200, n_arms=5, n_least=3, seed=1):
    rng = np.random.RandomState(seed)
    mask = rng.random_sample((n_samples, n_arms)) < 0.5
    first = rng.standard_normal((n_samples, n_arms)).argsort(axis=1)[:, :n_least]
    mask[np.arange(n_samples)[:, None], first] = True
    return mask


class Proportional(BaseSelector):
    """Plays an arm in proportion to a power of its rank from below."""

    def __init__(self, power=1.0):
        self.power = power

    def select(self, scores, available=None):
        if available is None:
            available = np.ones(scores.shape, dtype=bool)
        scores = np.where(available, scores, -np.inf)
        below = (scores[:, :, None] > scores[:, None, :]).sum(axis=2)
        weight = np.where(available, (1.0 + below) ** self.power, 0.0)
        return weight / weight.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("selector", [*SELECTORS, Proportional()], ids=repr)
class TestEverySelector:
    def test_distribution(self, selector):
        scores, mask = _scores(), _mask()
        for available in (None, mask):
            policy = selector.select(scores, available)
            assert policy.shape == scores.shape
            assert (policy >= 0).all()
            assert (policy <= 1 + 1e-12).all()
            assert_allclose(policy.sum(axis=1), selector.n_selected or 1, rtol=1e-12)
            if available is not None:
                assert (policy[~available] == 0).all()

    def test_better_arms_are_played_more(self, selector):
        scores = _scores()
        policy = np.take_along_axis(selector.select(scores), scores.argsort(axis=1), axis=1)
        assert (np.diff(policy, axis=1) >= -1e-15).all()

    def test_order_of_arms_and_rows_does_not_matter(self, selector):
        scores, mask = _scores(), _mask()
        policy = selector.select(scores, mask)
        assert_allclose(selector.select(scores[::-1, ::-1], mask[::-1, ::-1]), policy[::-1, ::-1])
        assert_array_equal(selector.select(scores[3:4], mask[3:4]), policy[3:4])

    def test_offset_does_not_matter(self, selector):
        scores = _scores()
        assert_allclose(selector.select(scores + 64.0), selector.select(scores), rtol=1e-9)

    def test_unavailable_scores_do_not_matter(self, selector):
        scores, mask = _scores(), _mask()
        other = np.where(mask, scores, 1e9)
        assert_allclose(selector.select(other, mask), selector.select(scores, mask), rtol=1e-12)

    def test_ties_are_even(self, selector):
        policy = selector.select(np.zeros((1, 5)))
        assert_allclose(policy, np.full((1, 5), (selector.n_selected or 1) / 5))

    def test_inputs_are_left_alone(self, selector):
        scores, mask = _scores(), _mask()
        selector.select(scores, mask)
        assert_array_equal(scores, _scores())
        assert_array_equal(mask, _mask())

    def test_it_is_an_estimator(self, selector):
        twin = clone(selector)
        assert repr(twin) == repr(selector)
        assert_array_equal(twin.select(_scores()), selector.select(_scores()))

    def test_sure_scores_expect_what_they_select(self, selector):
        """Random scores that do not vary are sure scores."""
        scores, mask = _scores(20), _mask(20)
        sampled = JointBelief(scores, np.zeros_like(scores), np.repeat(scores[None], 3, axis=0))
        assert_allclose(selector.expect(sampled, mask), selector.select(scores, mask), atol=1e-12)
        sure = IndependentBelief(scores, np.zeros_like(scores))
        assert_allclose(selector.expect(sure, mask), selector.select(scores, mask), atol=1e-9)


class TestArgmax:
    def test_closed_form(self):
        scores, mask = _scores(), _mask()
        best = np.where(mask, scores, -np.inf).argmax(axis=1)
        assert_array_equal(ArgmaxSelector().select(scores, mask), np.eye(5)[best])

    def test_expectation_of_two_gaussians(self):
        """The first is best with probability Phi((m1 - m2) / sqrt(s1^2 + s2^2))."""
        mean, std = _scores(50, 2), np.abs(_scores(50, 2, seed=3)) + 0.1
        chance = norm.cdf((mean[:, 0] - mean[:, 1]) / np.hypot(*std.T))
        policy = ArgmaxSelector().expect(IndependentBelief(mean, std))
        assert_allclose(policy[:, 0], chance, atol=1e-7)


class TestEpsilonGreedy:
    def test_closed_form(self):
        scores, mask = _scores(), _mask()
        uniform = mask / mask.sum(axis=1, keepdims=True)
        expected = 0.7 * ArgmaxSelector().select(scores, mask) + 0.3 * uniform
        assert_allclose(EpsilonGreedySelector(0.3).select(scores, mask), expected)

    @pytest.mark.parametrize("epsilon", [0, 1, 0.0, 1.0])
    def test_limits(self, epsilon):
        scores = _scores()
        policy = EpsilonGreedySelector(epsilon).select(scores)
        expected = ArgmaxSelector().select(scores) if epsilon == 0 else np.full(scores.shape, 0.2)
        assert_allclose(policy, expected)

    def test_least_propensity(self):
        policy = EpsilonGreedySelector(0.1).select(_scores())
        assert policy.min() == pytest.approx(0.02)

    @pytest.mark.parametrize("epsilon", [-0.1, 1.1, np.nan, "0.1", None])
    def test_parameters_are_validated(self, epsilon):
        selector = EpsilonGreedySelector(epsilon)
        with pytest.raises(InvalidParameterError, match="'epsilon' parameter"):
            selector.check()
        bandit = LinearUCB(arms=["a", "b"], selector=selector)
        with pytest.raises(ValueError, match="'epsilon' parameter"):
            bandit.predict([[0.0]])
        with pytest.raises(ValueError, match="'epsilon' parameter"):
            bandit.fit([[0.0]], ["a"], reward=[1.0])
        assert not hasattr(bandit, "classes_")


class TestTopK:
    @pytest.mark.parametrize("k", [1, 2, 3, 5])
    def test_against_sorting(self, k):
        scores = _scores()
        mask = _mask(n_least=max(k, 1))
        ordered = np.where(mask, scores, -np.inf).argsort(axis=1)[:, ::-1][:, :k]
        expected = np.zeros_like(scores)
        np.put_along_axis(expected, ordered, 1.0, axis=1)
        assert_array_equal(TopKSelector(k).select(scores, mask), expected)

    def test_ties_at_the_edge(self):
        """Two places for three arms that tie, after one that is better."""
        policy = TopKSelector(3).select(np.array([[5.0, 1.0, 1.0, 1.0, 0.0]]))
        assert_allclose(policy, [[1.0, 2 / 3, 2 / 3, 2 / 3, 0.0]])

    def test_expectation_by_draws(self):
        mean, std = _scores(4), np.abs(_scores(4, seed=2)) + 0.2
        policy = TopKSelector(2).expect(IndependentBelief(mean, std))
        n_draws = 40_000
        draws = mean + std * np.random.RandomState(0).standard_normal((n_draws, 4, 5))
        sampled = TopKSelector(2).select(draws.reshape(-1, 5)).reshape(n_draws, 4, 5).mean(axis=0)
        # 20 frequencies, each within five standard errors: false once in 90,000 seeds.
        assert_allclose(policy, sampled, atol=5 * 0.5 / np.sqrt(n_draws))

    def test_n_selected(self):
        assert TopKSelector(4).n_selected == 4
        assert ArgmaxSelector().n_selected is None

    @pytest.mark.parametrize("k", [0, -1, 1.5, "2", None])
    def test_parameters_are_validated(self, k):
        with pytest.raises(ValueError, match="'k' parameter"):
            LinearUCB(arms=["a", "b"], selector=TopKSelector(k)).predict([[0.0]])


class TestSoftmax:
    @pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
    def test_closed_form(self, temperature):
        scores = _scores()
        plain = SoftmaxSelector(temperature, standardize=False).select(scores)
        assert_allclose(plain, softmax(scores / temperature, axis=1), rtol=1e-10)
        unit = scores / scores.std(axis=1, keepdims=True)
        standardized = SoftmaxSelector(temperature).select(scores)
        assert_allclose(standardized, softmax(unit / temperature, axis=1), rtol=1e-10)

    def test_closed_form_among_some_arms(self):
        scores, mask = _scores(), _mask()
        policy = SoftmaxSelector(0.4).select(scores, mask)
        for row, available, chance in zip(scores, mask, policy, strict=True):
            some = row[available]
            assert_allclose(chance[available], softmax(some / some.std() / 0.4), rtol=1e-10)

    @pytest.mark.parametrize("unit", [1e-12, 0.01, 100.0, 1e12])
    def test_unit_of_the_reward_does_not_matter(self, unit):
        scores = _scores()
        selector = SoftmaxSelector(0.5)
        assert_allclose(selector.select(unit * scores), selector.select(scores), rtol=1e-9)

    def test_rounding_is_a_tie(self):
        """Scores that differ in their last digits alone are not blown up to unit spread."""
        policy = SoftmaxSelector(0.01).select(np.array([[1.0, 1.0 + 1e-15, 1.0 - 1e-15]]))
        assert_allclose(policy, np.full((1, 3), 1 / 3), rtol=1e-6)

    def test_one_arm_left(self):
        mask = np.array([[False, True, False]])
        assert_array_equal(SoftmaxSelector().select(_scores(1, 3), mask), [[0.0, 1.0, 0.0]])

    @pytest.mark.parametrize("temperature", [1e-300, 1e-5, 1e3, 1e300])
    @pytest.mark.parametrize("standardize", [True, False])
    def test_limits(self, temperature, standardize):
        scores = _scores()
        policy = SoftmaxSelector(temperature, standardize).select(scores)
        if temperature < 1:
            assert_allclose(policy, ArgmaxSelector().select(scores), atol=1e-2)
        else:
            assert_allclose(policy, 0.2, atol=1e-2)

    @pytest.mark.parametrize("temperature", [0, -1.0, np.inf, np.nan, "1"])
    def test_parameters_are_validated(self, temperature):
        with pytest.raises(ValueError, match="'temperature' parameter"):
            LinearUCB(arms=["a", "b"], selector=SoftmaxSelector(temperature)).predict([[0.0]])
        with pytest.raises(ValueError, match="'standardize' parameter"):
            SoftmaxSelector(standardize="yes").check()


class TestExpectationByDraws:
    """What ``BaseSelector.expect`` does where there is no closed form."""

    def test_against_closed_forms(self):
        mean, std = _scores(30), np.abs(_scores(30, seed=4)) + 0.2
        random_scores = IndependentBelief(mean, std)
        for exact in (ArgmaxSelector(), EpsilonGreedySelector(0.3), TopKSelector(2)):
            by_draws = BaseSelector.expect(exact, random_scores, _mask(30))
            # 512 draws: five standard errors of a frequency of one half.
            assert_allclose(
                by_draws, exact.expect(random_scores, _mask(30)), atol=5 * 0.5 / np.sqrt(512)
            )

    def test_softmax_of_gaussians_against_quadrature(self):
        """The logistic function of a Gaussian difference, by Gauss-Hermite quadrature."""
        mean, std = np.array([[0.3, -0.2]]), np.array([[0.5, 0.8]])
        nodes, weights = np.polynomial.hermite_e.hermegauss(80)
        gap = (mean[0, 0] - mean[0, 1]) + np.hypot(*std[0]) * nodes
        exact = np.sum(weights / (1.0 + np.exp(-gap / 0.7))) / np.sqrt(2 * np.pi)
        selector = SoftmaxSelector(0.7, standardize=False)
        policy = selector.expect(IndependentBelief(mean, std))
        assert_allclose(policy[0, 0], exact, atol=5 * 0.5 / np.sqrt(512))

    def test_all_draws_of_sampled_scores_count(self):
        draws = np.random.RandomState(0).standard_normal((512, 3, 4))
        selector = SoftmaxSelector(0.7)
        expected = np.mean([selector.select(draw) for draw in draws], axis=0)
        assert_allclose(
            selector.expect(JointBelief(draws.mean(axis=0), draws.std(axis=0), draws)),
            expected,
            rtol=1e-10,
        )

    def test_it_is_a_function_of_its_input(self):
        mean, std = _scores(30), np.ones((30, 5))
        selector = SoftmaxSelector()
        whole = selector.expect(IndependentBelief(mean, std))
        assert_array_equal(selector.expect(IndependentBelief(mean, std)), whole)
        part = selector.expect(IndependentBelief(mean[7:9], std[7:9]))
        assert_allclose(part, whole[7:9], rtol=1e-12)


class TestCustomSelector:
    def _log(self):
        rng = np.random.RandomState(0)
        X = rng.standard_normal((300, 2))
        arm = np.array(["a", "b", "c"])[rng.randint(3, size=300)]
        reward = X[:, 0] * (arm == "a") + X[:, 1] * (arm == "b") + 0.1 * rng.standard_normal(300)
        return X, make_log(arm, reward, np.full(300, 1 / 3))

    @pytest.mark.parametrize("kind", [LinearUCB, LinearThompsonSampling])
    def test_its_parameters_can_be_searched(self, kind):
        X, log = self._log()
        bandit = kind(arms=["a", "b", "c"], selector=Proportional(), random_state=0)
        search = GridSearchCV(bandit, {"selector__power": [-1.0, 0.0, 4.0]}, cv=3)
        search.fit(X, log)
        # The best arm is worth most, and more power plays it more often.
        assert search.best_params_ == {"selector__power": 4.0}
        by_power = search.cv_results_["mean_test_score"]
        assert (np.diff(by_power) > 0).all()

    def test_policy_is_the_selectors(self):
        X, log = self._log()
        bandit = LinearUCB(arms=["a", "b", "c"], selector=Proportional(2.0)).fit(X, log)
        expected = Proportional(2.0).select(bandit.decision_function(X))
        assert_allclose(bandit.predict_proba(X), expected)
        greedy = bandit.predict(X, explore=False)
        assert_array_equal(greedy, bandit.arms_[bandit.expected_reward(X).argmax(axis=1)])

    def test_missing_select_says_so(self):
        class Nothing(BaseSelector):
            pass

        with pytest.raises(NotImplementedError, match=r"Nothing must define select"):
            LinearUCB(arms=["a", "b"], selector=Nothing()).predict([[0.0]])

    @pytest.mark.parametrize("selector", ["argmax", 3, TopKSelector, object()])
    def test_something_else_is_refused(self, selector):
        bandit = LinearUCB(arms=["a", "b"], selector=selector)
        for call in (
            lambda: bandit.predict([[0.0]]),
            lambda: bandit.fit([[0.0]], ["a"], reward=[1.0]),
        ):
            with pytest.raises((ValueError, TypeError), match="selector"):
                call()


def test_sets_by_brute_force():
    """Inclusion probabilities under random scores, by listing all orders of three arms."""
    mean, std = np.array([[0.2, 0.0, -0.3]]), np.array([[0.4, 0.7, 0.5]])
    n_nodes = 40
    nodes, weights = np.polynomial.hermite_e.hermegauss(n_nodes)
    weights = weights / weights.sum()
    total = np.zeros(3)
    for place in itertools.product(range(n_nodes), repeat=3):
        scores = mean[0] + std[0] * nodes[list(place)]
        chance = np.prod(weights[list(place)])
        order = np.argsort(-scores)
        total[order[:2]] += chance
    policy = TopKSelector(2).expect(IndependentBelief(mean, std))
    # The indicator is not smooth, which costs quadrature its digits.
    assert_allclose(policy[0], total, atol=0.02)


# ---------------------------------------------------------------------------- propensity floor
def test_the_floor_falls_with_the_rounds_that_were_learnt():
    selector = PropensityFloorSelector(share=0.5, decay=0.24)
    X, reward = np.zeros((400, 1)), np.tile([0.0, 1.0], 200)
    bandit = LinearUCB(arms=["a", "b"], alpha=0.0, selector=selector)
    assert_allclose(bandit.predict_proba(X[:1]), [[0.5, 0.5]])
    for n_rounds in (2, 100, 400):
        bandit.fit(X[:n_rounds], np.tile(["a", "b"], n_rounds // 2), reward=reward[:n_rounds])
        least = 0.5 * n_rounds**-0.24 / 2
        assert_allclose(bandit.predict_proba(X[:1]), [[least, 1 - least]])
    arms, propensity = bandit.predict(X, return_propensity=True)
    assert_allclose(propensity, np.where(arms == "b", 1 - least, least))
    assert_allclose(selector.at(0.0).share, 0.5)
    assert PropensityFloorSelector(share=1.0, decay=0.0).at(1e9).share == 1.0


def test_the_floor_under_thompson_sampling_is_exact():
    rng = np.random.default_rng(0)
    X, arms, reward = rng.normal(size=(50, 2)), np.tile(["a", "b"], 25), rng.normal(size=50)
    plain = LinearThompsonSampling(alpha=1.0).fit(X, arms, reward=reward)
    floor = PropensityFloorSelector(share=0.2, decay=0.0)
    bandit = LinearThompsonSampling(alpha=1.0, selector=floor).fit(X, arms, reward=reward)
    assert_allclose(bandit.predict_proba(X), 0.8 * plain.predict_proba(X) + 0.1, rtol=1e-12)
    mask = np.tile([False, True], (50, 1))
    assert_allclose(bandit.predict_proba(X, available=mask), mask)


def test_the_floor_of_a_selector_that_changes_itself():
    outer = PropensityFloorSelector(PropensityFloorSelector(share=0.5, decay=0.5), share=0.0)
    scores = np.array([[1.0, 2.0]])
    assert_allclose(outer.at(100.0).select(scores), [[0.025, 0.975]])
    # One of one's own need not have the method.
    plain = PropensityFloorSelector(EpsilonGreedySelector(epsilon=0.0), share=0.1, decay=0.0)
    assert_allclose(plain.at(5.0).select(scores), [[0.05, 0.95]])


@pytest.mark.parametrize("parameters", [{"share": 1.5}, {"decay": -0.1}, {"selector": "argmax"}])
def test_impossible_floors(parameters):
    with pytest.raises(InvalidParameterError):
        LinearUCB(selector=PropensityFloorSelector(**parameters)).fit([[0.0]], ["a"], [1.0])
    inner = PropensityFloorSelector(EpsilonGreedySelector(epsilon=2.0))
    with pytest.raises(InvalidParameterError, match="epsilon"):
        LinearUCB(selector=inner).fit([[0.0]], ["a"], [1.0])
