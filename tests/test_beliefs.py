"""Beliefs about arms: chances, draws, links, and ties that are even."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.integrate import quad
from scipy.special import expit, ndtr, stdtr

from skbandit import beliefs
from skbandit._optimality import argmax_policy, best_probability, top_policy, top_probability
from skbandit.beliefs import BetaBelief, IndependentBelief, JointBelief, LinkedBelief
from skbandit.explorations import ThompsonSamplingMixin, UpperConfidenceBoundMixin, thompson_policy
from skbandit.selectors import (
    ArgmaxSelector,
    BaseSelector,
    EpsilonGreedySelector,
    SoftmaxSelector,
    TopKSelector,
)

# A normal deviate beyond 5 standard errors has a chance of 6e-7; the seeds are fixed.
N_SE = 5
SELECTORS = pytest.mark.parametrize(
    "selector",
    [
        ArgmaxSelector(),
        EpsilonGreedySelector(0.2),
        SoftmaxSelector(),
        SoftmaxSelector(0.1, standardize=False),
        TopKSelector(2),
    ],
    ids=repr,
)


def make_scores(n_rows, n_arms, ratio=10, spread=1.0, seed=0):
    """Widths that differ by a factor of `ratio` (log-uniform), means of their order."""
    rng = np.random.default_rng(seed)
    std = np.exp(rng.uniform(-0.5, 0.5, (n_rows, n_arms)) * np.log(ratio))
    return rng.normal(size=(n_rows, n_arms)) * spread * std, std


def joint(draws, **keywords):
    return JointBelief(draws.mean(axis=0), draws.std(axis=0), draws, **keywords)


class TestIndependentBelief:
    def test_best_and_top(self):
        mean, std = make_scores(20, 4)
        mask = np.random.default_rng(1).random((20, 4)) < 0.5
        mask[:, :2] = True
        for dof in (None, 5.0):
            belief = IndependentBelief(mean, std, dof)
            assert_array_equal(belief.best(mask), best_probability(mean, std, dof, mask))
            assert_array_equal(belief.top(2, mask), top_probability(2, mean, std, dof, mask))

    @pytest.mark.parametrize("dof", [None, 1.5, 2.0, 2.5, 30.0, np.inf])
    def test_std(self, dof):
        scale = np.array([[1.0, 3.0]])
        expected = scale if dof is None else scale * stats.t(dof).std()
        assert_allclose(IndependentBelief(np.zeros((1, 2)), scale, dof).std, expected, rtol=1e-12)

    def test_bound_and_width(self):
        mean, std = make_scores(5, 3)
        for dof, factor in ((None, 1.0), (4.0, np.sqrt(2.0))):
            belief = IndependentBelief(mean, std, dof)
            assert_allclose(belief.upper_bound(0.7), mean + 0.7 * factor * std, rtol=1e-12)
            wide = belief.widened(0.3)
            assert_allclose(wide.scale, 0.3 * std)
            assert_array_equal(wide.mean, mean)
            assert wide.dof == dof

    @pytest.mark.parametrize("dof", [None, 3.0])
    def test_deviates_depend_on_seed_draw_and_arm_only(self, dof):
        mean, std = make_scores(7, 4)
        full = IndependentBelief(mean, std, dof).draws(50, seed=3)
        assert full.shape == (50, 7, 4)
        part = IndependentBelief(mean[2:5, :3], std[2:5, :3], dof).draws(20, seed=3)
        assert_array_equal(part, full[:20, 2:5, :3])
        z = (full - mean) / std
        assert_allclose(z, z[:, :1].repeat(7, axis=1), rtol=1e-9)
        other = IndependentBelief(mean, std, dof).draws(50, seed=4)
        assert not np.isclose(other, full).any()

    @pytest.mark.parametrize("dof", [None, 1.0, 3.0, 50.0, np.inf])
    def test_distribution(self, dof):
        # 24 tests at a level of 1e-5 each.
        mean, std = np.array([[2.0, -1.0]]), np.array([[1.0, 10.0]])
        law = stats.norm if dof in (None, np.inf) else stats.t(dof)
        for seed in range(3):
            z = (IndependentBelief(mean, std, dof).draws(4000, seed) - mean) / std
            for arm in range(2):
                assert stats.kstest(z[:, 0, arm], law.cdf).pvalue > 1e-5
            assert abs(stats.spearmanr(z[:, 0, 0], z[:, 0, 1])[0]) < N_SE / np.sqrt(4000)

    def test_dof_by_row_and_arm(self):
        dof = np.array([[1.0, 8.0], [3.0, np.inf]])
        draws = IndependentBelief(np.zeros((2, 2)), np.ones((2, 2)), dof).draws(500, seed=0)
        gaussian = IndependentBelief(np.zeros((2, 2)), np.ones((2, 2))).draws(500, seed=0)
        level = stdtr(np.minimum(dof, 1e10), draws)
        assert_allclose(level, ndtr(gaussian), rtol=0, atol=1e-7)

    def test_frequencies_are_the_probabilities(self):
        mean, std = make_scores(3, 4, seed=9)
        belief = IndependentBelief(mean, std)
        n_draws = 40_000
        share = joint(belief.draws(n_draws, seed=1))
        atol = N_SE * 0.5 / np.sqrt(n_draws)
        assert_allclose(share.best(), belief.best(), atol=atol)
        assert_allclose(share.top(2), belief.top(2), atol=atol)


class TestJointBelief:
    @pytest.mark.parametrize("block", [1, 100, 10**6])
    @pytest.mark.parametrize("masked", [False, True])
    def test_averages(self, block, masked, monkeypatch):
        monkeypatch.setattr(beliefs, "_BLOCK_ENTRIES", block)
        rng = np.random.default_rng(0)
        draws = rng.integers(0, 5, (30, 8, 4)).astype(float)
        mask = None
        if masked:
            mask = rng.random((8, 4)) < 0.6
            mask[:, :2] = True
        belief = joint(draws)
        best = np.mean([argmax_policy(d, mask) for d in draws], axis=0)
        top = np.mean([top_policy(d, 2, mask) for d in draws], axis=0)
        assert_allclose(belief.best(mask), best, rtol=1e-14)
        assert_allclose(belief.top(2, mask), top, rtol=1e-14)

    def test_draws(self):
        draws = np.random.default_rng(0).normal(size=(10, 3, 4))
        belief = joint(draws)
        assert_array_equal(belief.draws(10, seed=0), draws)
        few, many = belief.draws(6, seed=0), belief.draws(25, seed=0)
        known = {d.tobytes() for d in draws}
        assert len({d.tobytes() for d in few}) == 6
        assert {d.tobytes() for d in few} <= known
        assert many.shape == (25, 3, 4)
        assert {d.tobytes() for d in many} <= known
        assert_array_equal(belief.draws(6, seed=0), few)
        belief.draws(10, seed=0)[:] = 0
        assert draws.any()

    def test_draws_are_made_when_they_are_needed_and_once(self):
        calls = []

        def make():
            calls.append(1)
            return np.random.default_rng(0).normal(size=(10, 3, 4))

        belief = JointBelief(np.zeros((3, 4)), np.ones((3, 4)), make)
        assert belief.upper_bound(1.0).tolist() == np.ones((3, 4)).tolist()
        assert not calls
        belief.best(), belief.top(2), belief.draws(5, 0)
        assert len(calls) == 1

    @pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.0])
    def test_width(self, alpha):
        draws = np.random.default_rng(0).normal(size=(50, 3, 4))
        wide = joint(draws).widened(alpha)
        centre = draws.mean(axis=0)
        assert_allclose(wide.known_draws, centre + alpha * (draws - centre), atol=1e-14)
        assert_allclose(wide.std, alpha * draws.std(axis=0), rtol=1e-12)
        assert_allclose(wide.mean, centre)


class TestLinkedBelief:
    @pytest.mark.parametrize(("link", "dof"), [(expit, None), (expit, 6.0), (np.exp, None)])
    def test_moments_by_adaptive_integration(self, link, dof):
        latent = IndependentBelief(np.array([[0.3, -2.0]]), np.array([[0.5, 1.2]]), dof)
        belief = LinkedBelief(latent, link)
        law = stats.norm if dof is None else stats.t(dof)
        for arm in range(2):
            centre, scale = latent.mean[0, arm], latent.scale[0, arm]
            moments = [
                quad(lambda z, p=p, c=centre, s=scale: link(c + s * z) ** p * law.pdf(z), -40, 40)
                for p in (1, 2)
            ]
            mean = moments[0][0]
            assert belief.mean[0, arm] == pytest.approx(mean, rel=1e-4)
            std = np.sqrt(moments[1][0] - mean**2)
            assert belief.std[0, arm] == pytest.approx(std, rel=1e-3)

    def test_chances_and_bounds_are_those_of_the_scores(self):
        mean, std = make_scores(6, 4)
        latent = IndependentBelief(mean, std)
        belief = LinkedBelief(latent, expit)
        assert_array_equal(belief.best(), latent.best())
        assert_array_equal(belief.top(2), latent.top(2))
        assert_array_equal(belief.upper_bound(0.4), expit(mean + 0.4 * std))
        assert_array_equal(belief.draws(30, 1), expit(latent.draws(30, 1)))
        assert_allclose(belief.widened(0.5).latent.scale, 0.5 * std)

    def test_of_joint_draws(self):
        draws = np.random.default_rng(0).normal(size=(200, 3, 4))
        belief = LinkedBelief(joint(draws), expit)
        assert_allclose(belief.mean, expit(draws).mean(axis=0))
        assert_allclose(belief.std, expit(draws).std(axis=0))


class TestTies:
    """Arms about which the same is believed are played alike, under every selector."""

    @SELECTORS
    @pytest.mark.parametrize("dof", [None, 5.0])
    @pytest.mark.parametrize("linked", [False, True])
    def test_independent(self, selector, dof, linked):
        mean, std = np.tile([0.5, 0.1, 0.5, 0.5], (3, 1)), np.tile([1.0, 0.3, 1.0, 1.0], (3, 1))
        # The first and the third tie, to rounding; the fourth has another width.
        mean[:, 2] *= 1 + 1e-14
        std[:, 3] = 2.0
        belief = IndependentBelief(mean, std, dof)
        belief = LinkedBelief(belief, expit) if linked else belief
        policy = belief.expect(selector)
        assert_allclose(policy[:, 0], policy[:, 2], rtol=1e-9)
        assert_allclose(policy.sum(axis=1), selector.n_selected or 1, rtol=1e-9)
        mask = np.ones((3, 4), dtype=bool)
        mask[1, 0] = False
        masked = belief.expect(selector, mask)
        assert masked[1, 0] == 0.0
        assert_allclose(masked[[0, 2], 0], masked[[0, 2], 2], rtol=1e-9)
        assert_allclose(masked.sum(axis=1), selector.n_selected or 1, rtol=1e-9)

    @SELECTORS
    def test_of_unseen_arms_in_joint_draws(self, selector):
        draws = np.random.default_rng(0).normal(size=(300, 2, 5))
        unseen = np.array([False, True, True, False, True])
        mean, std = np.zeros((2, 5)), np.ones((2, 5))
        mean[:, 4] = 0.7
        belief = JointBelief(mean, std, draws, unseen)
        raw, even = selector.expect(belief), belief.expect(selector)
        # Of those that were never played, two are alike; the last one is believed to pay more.
        assert_allclose(even[:, 1], even[:, 2], rtol=1e-12)
        assert_allclose(even[:, 1:3].sum(axis=1), raw[:, 1:3].sum(axis=1), rtol=1e-12)
        assert_array_equal(even[:, [0, 3, 4]], raw[:, [0, 3, 4]])
        assert (raw[:, 1] != raw[:, 2]).any()

    def test_arms_that_were_seen_are_left_to_their_draws(self):
        draws = np.random.default_rng(0).normal(size=(300, 2, 3))
        belief = JointBelief(np.zeros((2, 3)), np.ones((2, 3)), draws)
        assert_array_equal(belief.expect(ArgmaxSelector()), belief.best())

    def test_labels(self):
        values = np.array([[1.0, 2.0, 1.0 + 1e-13, 2.1], [0.0, 0.0, 0.0, 0.0]])
        labels = beliefs.alike_arms(values)
        assert labels[0, 0] == labels[0, 2]
        assert len(set(labels[0].tolist())) == 3
        assert len(set(labels[1].tolist())) == 1
        two = beliefs.alike_arms(values, np.array([[0, 0, 1, 0], [0, 1, 0, 1.0]]))
        assert len(set(two[0].tolist())) == 4
        assert two[1].tolist() == [two[1, 0], two[1, 1], two[1, 0], two[1, 1]]


class Best(BaseSelector):
    """A user's selector, known by its select alone."""

    def select(self, scores, available=None):
        return argmax_policy(scores, available)


class TestExplorations:
    def test_expectation_of_a_users_selector(self):
        mean, std = make_scores(4, 3)
        belief = IndependentBelief(mean, std)
        assert_allclose(belief.expect(Best()), belief.best(), atol=N_SE * 0.5 / np.sqrt(512))

    @pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
    def test_mixins_use_public_names_alone(self, alpha):
        mean, std = make_scores(4, 3)

        class Model:
            def __init__(self):
                self.alpha = alpha
                self._selector = EpsilonGreedySelector(0.1)

            def _belief(self, contexts):
                return IndependentBelief(mean, std)

        class Thompson(ThompsonSamplingMixin, Model):
            pass

        class Bound(UpperConfidenceBoundMixin, Model):
            pass

        best = best_probability(mean, alpha * std)
        assert_allclose(Thompson()._policy(None, None), 0.9 * best + 0.1 / 3, rtol=1e-12)
        assert_allclose(Bound()._decision_function(None), mean + alpha * std, rtol=1e-12)
        policy = thompson_policy(IndependentBelief(mean, std), ArgmaxSelector(), alpha)
        assert_allclose(policy, best, rtol=1e-12)


class TestBeta:
    A, B = np.array([[0.5, 3.0, 80.0, 3.0]]), np.array([[2.0, 1.0, 40.0, 1.0]])

    def test_moments_and_bounds(self):
        belief, law = BetaBelief(self.A, self.B), stats.beta(self.A, self.B)
        assert_allclose(belief.mean, law.mean())
        assert_allclose(belief.std, law.std())
        assert_allclose(belief.upper_bound(1.5), law.mean() + 1.5 * law.std())
        # The arc sine of the root of a Beta variable has about this spread, whatever its mean.
        many = stats.beta(800, 200).rvs(100_000, random_state=0)
        width = BetaBelief(np.array([[800.0]]), np.array([[200.0]])).width[0, 0]
        assert_allclose(np.arcsin(np.sqrt(many)).std(), width, rtol=0.02)

    def test_widening_keeps_the_mean_and_multiplies_the_width(self):
        belief = BetaBelief(self.A, self.B)
        alpha = np.array([[0.3, 1.0, 2.0, 0.5]])
        wider = belief.widened(alpha)
        assert_allclose(wider.mean, belief.mean)
        assert_allclose(wider.width, alpha * belief.width)
        assert_allclose(wider.a, self.A / alpha**2)
        assert belief.widened(1.0) is belief
        assert_array_equal(belief.widened(0.0).std, 0.0)

    def test_widening_ends_at_distributions_that_can_be_told(self):
        belief = BetaBelief(self.A, self.B)
        for alpha in (np.full((1, 4), 1e-30), np.zeros((1, 4)), np.full((1, 4), 1e6), 1e6):
            other = belief.widened(alpha)
            assert_allclose(other.mean, belief.mean)
            assert_allclose(other.best().sum(), 1.0)
        assert BetaBelief(self.A, self.B).widened(1e-30).std.max() < 1e-4

    def test_draws_follow_the_distributions(self):
        """Four Kolmogorov-Smirnov tests at 1e-4."""
        draws = BetaBelief(self.A, self.B).draws(4000, 0)[:, 0]
        for arm in range(4):
            law = stats.beta(self.A[0, arm], self.B[0, arm])
            assert stats.kstest(draws[:, arm], law.cdf).pvalue > 1e-4
        # Rows and arms do not change each other's deviates.
        more = BetaBelief(np.vstack([self.B, self.A]), np.vstack([self.A, self.B]))
        assert_array_equal(more.draws(4000, 0)[:, 1], draws)

    @SELECTORS
    def test_expected_policies_agree_with_draws(self, selector):
        """Shares of 100,000 draws, and of 512 where nothing is in closed form."""
        belief = BetaBelief(self.A, self.B)
        rng = np.random.default_rng(0)
        scores = rng.beta(self.A[0], self.B[0], (100_000, 4))
        expected = selector.select(scores).mean(axis=0)
        found = belief.expect(selector)[0]
        tolerance = 0.01 if getattr(selector, "has_closed_form", False) else 0.1
        assert_allclose(found, expected, atol=tolerance)
        # Two arms are alike.
        assert_allclose(found[1], found[3], atol=1e-12)
