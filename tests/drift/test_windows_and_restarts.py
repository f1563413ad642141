"""Bandits inside bandits: what a window knows, what a restart forgets."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.base import make_log
from skbandit.drift import AdaptiveWindow, RestartingBandit, SlidingWindowBandit
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import EpsilonGreedySelector, TopKSelector
from skbandit.transfer import add_arms, remove_arms

ARMS = ["a", "b", "c"]


def make_rounds(n_rounds, seed=0, sign=1.0):
    rng = np.random.RandomState(seed)
    X, arm = rng.randn(n_rounds, 3), rng.randint(3, size=n_rounds)
    slope = np.array([[1.0, 0.0, 0.5], [-1.0, 0.5, 0.0], [0.0, -1.0, -0.5]])
    reward = sign * (X * slope[arm]).sum(axis=1) + 0.3 * rng.randn(n_rounds)
    return X, np.array(ARMS)[arm], reward


def require_same(left, right, X):
    for one, two in zip(
        left.expected_reward(X, return_std=True),
        right.expected_reward(X, return_std=True),
        strict=True,
    ):
        assert_allclose(one, two, rtol=1e-9, atol=1e-12)
    assert_allclose(left.predict_proba(X), right.predict_proba(X), atol=1e-9)


class TestSlidingWindow:
    @pytest.mark.parametrize("inner", [LinearUCB(), LinearThompsonSampling()])
    def test_it_knows_the_window_and_what_came_since(self, inner):
        X, arm, reward = make_rounds(100)
        bandit = SlidingWindowBandit(bandit=inner, window=40, refit_every=15, arms=ARMS)
        for start in range(0, 100, 5):
            part = slice(start, start + 5)
            bandit.partial_fit(X[part], arm[part], reward=reward[part])
        known = int(bandit.bandit_.weight_.sum())
        assert 40 <= known < 55
        last = slice(100 - known, 100)
        peer = clone(inner).set_params(arms=ARMS).fit(X[last], arm[last], reward=reward[last])
        require_same(bandit, peer, X[:20])

    def test_before_the_window_is_full_it_is_the_bandit_inside(self):
        X, arm, reward = make_rounds(30)
        bandit = SlidingWindowBandit(bandit=LinearUCB(), window=40, arms=ARMS)
        peer = LinearUCB(arms=ARMS)
        for part in (slice(0, 11), slice(11, 30)):
            for one in (bandit, peer):
                one.partial_fit(X[part], arm[part], reward=reward[part])
        require_same(bandit, peer, X)

    def test_weights_and_full_feedback(self):
        X, arm, reward = make_rounds(30)
        weight = np.arange(30) % 3
        bandit = SlidingWindowBandit(bandit=LinearUCB(), window=10, arms=ARMS)
        bandit.fit(X, arm, reward=reward, sample_weight=weight)
        # A window counts rounds; those of weight 0 are none.
        kept = np.flatnonzero(weight)[-10:]
        peer = LinearUCB(arms=ARMS)
        peer.fit(X[kept], arm[kept], reward=reward[kept], sample_weight=weight[kept])
        require_same(bandit, peer, X)
        bandit = SlidingWindowBandit(bandit=LinearUCB(), window=12, arms=ARMS).fit(X, arm)
        assert bandit.bandit_.weight_.tolist() == [4.0, 4.0, 4.0]

    def test_transfer_keeps_the_window(self):
        X, arm, reward = make_rounds(60)
        bandit = SlidingWindowBandit(bandit=LinearUCB(), window=20, refit_every=1, arms=ARMS)
        bandit.fit(X, arm, reward=reward)
        smaller = remove_arms(bandit, ["b"])
        assert len(smaller.state_.buffer) == np.count_nonzero(arm[-20:] != "b")
        # Fitted anew with the next round: to the rounds that are left, and that one.
        bigger = add_arms(smaller, ["b"]).partial_fit(X[:1], ["a"], reward=[0.0])
        require_same(bigger, _taught_again(bigger), X)


def _taught_again(bandit):
    """A bandit that learns what the window holds, and nothing else."""
    columns = bandit.state_.buffer.columns
    peer = LinearUCB(arms=bandit.arms_.tolist())
    return peer.fit(columns["row"], bandit.arms_[columns["arm"]], reward=columns["reward"])


@pytest.mark.parametrize("kind", [SlidingWindowBandit, RestartingBandit])
def test_names_of_features_stay_outside(kind):
    """A warning is an error: rows that are asked inside are arrays, after a transfer too."""
    X, arm, reward = make_rounds(60)
    frame = pd.DataFrame(X, columns=["x", "y", "z"])
    bandit = kind(bandit=LinearUCB()).fit(frame, arm, reward=reward)
    wider = bandit.expand_features(["new"])
    assert_allclose(
        wider.predict_proba(frame.assign(new=0.0)), bandit.predict_proba(frame), atol=1e-12
    )
    wider.partial_fit(frame.assign(new=1.0), arm, reward=reward)
    bandit.add_arms(["d"]).predict(frame)


class TestRestarting:
    def played(self, bandit, n_before=1200, n_after=400, batch=40):
        before, after = make_rounds(n_before, 1), make_rounds(n_after, 2, sign=-1.0)
        for rounds in (before, after):
            for start in range(0, len(rounds[1]), batch):
                X, arm, reward = (part[start : start + batch] for part in rounds)
                bandit.partial_fit(X, arm, reward=reward)
        return bandit, after

    @pytest.mark.parametrize("restart", ["all", "arm"])
    def test_it_forgets_what_was_before_the_change(self, restart):
        bandit = RestartingBandit(bandit=LinearUCB(), restart=restart, arms=ARMS, random_state=0)
        bandit, (X, _, _) = self.played(bandit)
        assert bandit.n_restarts_.sum() >= 1
        stationary = LinearUCB(arms=ARMS)
        self.played(stationary)
        truth = -(X @ np.array([[1.0, 0.0, 0.5], [-1.0, 0.5, 0.0], [0.0, -1.0, -0.5]]).T)
        error = np.abs(bandit.expected_reward(X) - truth).mean()
        assert error < 0.15
        assert error < 0.2 * np.abs(stationary.expected_reward(X) - truth).mean()

    def test_without_a_change_it_is_the_bandit_inside(self):
        bandit = RestartingBandit(bandit=LinearUCB(), arms=ARMS, random_state=0)
        peer = LinearUCB(arms=ARMS, random_state=0)
        for seed in range(30):
            X, arm, reward = make_rounds(40, seed)
            for one in (bandit, peer):
                one.partial_fit(X, arm, reward=reward)
        assert bandit.n_restarts_.sum() == 0
        require_same(bandit, peer, X)

    def test_one_arm_that_changes_restarts_alone(self):
        bandit = RestartingBandit(
            bandit=LinearUCB(noise="fixed"), restart="arm", arms=ARMS, random_state=0
        )
        total = {"b": 0.0, "c": 0.0}
        for seed in range(40):
            X, arm, reward = make_rounds(40, seed)
            reward = np.where((arm == "a") & (seed >= 25), reward + 4.0, reward)
            bandit.partial_fit(X, arm, reward=reward)
            for one in total:
                total[one] += np.count_nonzero(arm == one)
        assert bandit.n_restarts_.tolist()[1:] == [0, 0]
        assert bandit.n_restarts_[0] >= 1
        weight = dict(zip(ARMS, bandit.bandit_.weight_.tolist(), strict=True))
        assert {one: weight[one] for one in total} == total
        assert weight["a"] < 15 * 40

    def test_unit_and_offset_of_the_rewards_do_not_matter(self):
        found = []
        for unit, offset in ((1.0, 0.0), (1e4, 1e6)):
            bandit = RestartingBandit(bandit=LinearUCB(), arms=ARMS, random_state=0)
            for sign, seeds in ((1.0, range(20)), (-1.0, range(20, 30))):
                for seed in seeds:
                    X, arm, reward = make_rounds(40, seed, sign)
                    bandit.partial_fit(X, arm, reward=unit * reward + offset)
            found.append((bandit.n_restarts_.tolist(), bandit.predict(X).tolist()))
        assert found[0] == found[1]
        assert sum(found[0][0]) >= 1

    def test_own_detector(self):
        bandit = RestartingBandit(
            bandit=LinearUCB(), detector=AdaptiveWindow(delta=1e-300), arms=ARMS
        )
        assert self.played(bandit)[0].n_restarts_.sum() == 0


class TestBoth:
    @pytest.mark.parametrize("kind", [SlidingWindowBandit, RestartingBandit])
    def test_bad_bandits(self, kind):
        X, arm, reward = make_rounds(10)
        for bad, error, pattern in (
            (LinearUCB, TypeError, "instance"),
            (make_pipeline(StandardScaler(), LinearUCB()), TypeError, "Pipeline"),
            (LinearUCB(selector=EpsilonGreedySelector()), ValueError, "give the selector"),
        ):
            with pytest.raises(error, match=pattern):
                kind(bandit=bad, arms=ARMS).fit(X, arm, reward=reward)
        with pytest.raises(ValueError, match="bandit"):
            kind(bandit=3, arms=ARMS).fit(X, arm, reward=reward)

    def test_restart_of_arms_needs_arms_of_their_own(self):
        X = np.random.RandomState(0).randn(10, 3, 2)
        bandit = RestartingBandit(bandit=LinearUCB(arm_model="shared"), restart="arm")
        with pytest.raises(ValueError, match="restart='all'"):
            bandit.fit(X, np.zeros(10, dtype=int), reward=np.zeros(10))

    @pytest.mark.parametrize("kind", [SlidingWindowBandit, RestartingBandit])
    def test_sets_and_pipelines(self, kind):
        X, arm, reward = make_rounds(50)
        sets = kind(bandit=LinearUCB(), arms=ARMS, selector=TopKSelector(2), random_state=0)
        played = sets.predict(X)
        sets.fit(X, played, reward=np.ones(played.shape))
        assert_allclose(sets.predict_proba(X).sum(axis=1), 2.0)
        pipeline = make_pipeline(StandardScaler(), kind(bandit=LinearUCB(), random_state=0))
        assert pipeline.fit(X, make_log(arm, reward)).predict(X).shape == (50,)
