"""The transfer methods of every bandit."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError

from skbandit.linear import LinearThompsonSampling, LinearUCB

pd = pytest.importorskip("pandas", reason="pandas is not installed")


def _rounds(arms=("c", "a", "b"), n_samples=40, n_features=3, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_samples, n_features))
    y = np.asarray(arms)[rng.randint(len(arms), size=n_samples)]
    return X, y, rng.standard_normal(n_samples)


def _bandit(arms=("c", "a", "b"), kind=LinearUCB, **params):
    X, y, reward = _rounds(arms)
    return kind(arms=list(arms), random_state=0, **params).fit(X, y, reward=reward)


class TestAddArms:
    @pytest.mark.parametrize(
        ("arms", "new"),
        [
            (["b", "a"], ["a name that is longer"]),
            ([2, 1], [7, 3]),
            ([0.5, 1.5], [0.25]),
            (pd.Index(["b", "a"]), ["c"]),
        ],
    )
    def test_labels(self, arms, new):
        bandit = _bandit(arms)
        bigger = bandit.add_arms(new)
        assert bigger.arms_.tolist() == [*arms, *new]
        assert bigger.arms == [*arms, *new]
        X, _, _ = _rounds()
        assert set(bigger.predict(X).tolist()) <= {*arms, *new}
        bigger.partial_fit(X[:1], np.asarray(new[:1]), [1.0])

    def test_learnt_arms(self):
        """Arms that were learnt from y become a parameter, so that a clone knows them."""
        X, y, reward = _rounds()
        bandit = LinearUCB().fit(X, y, reward=reward)
        bigger = bandit.add_arms(["d"])
        assert bigger.arms == ["a", "b", "c", "d"]
        assert bandit.arms is None

    @pytest.mark.parametrize("new", [(["d"]), ("d", "e"), np.array(["d"]), pd.Series(["d"])])
    def test_kinds_of_sequences(self, new):
        assert _bandit().add_arms(new).arms_.tolist() == ["c", "a", "b", *new]

    @pytest.mark.parametrize(
        ("new", "error", "message"),
        [
            (["a"], ValueError, r"arms \['a'\] are known already.*remove_arms"),
            (["d", "d"], ValueError, "distinct"),
            ([], ValueError, "non-empty"),
            ("d", TypeError, r"Write \['d'\]"),
            (3, TypeError, r"Write \[3\]"),
            ([3], ValueError, "one type"),
            ([["d"]], ValueError, "one-dimensional"),
        ],
    )
    def test_messages(self, new, error, message):
        bandit = _bandit()
        with pytest.raises(error, match=message):
            bandit.add_arms(new)
        with pytest.raises(error, match=message):
            LinearUCB(arms=["c", "a", "b"]).add_arms(new)

    @pytest.mark.parametrize("init", ["z", 3, None])
    def test_unknown_init(self, init):
        with pytest.raises(ValueError, match=r"init|know"):
            _bandit().add_arms(["d"], init=init)

    def test_init_from_an_arm(self):
        bandit = _bandit()
        X, _, _ = _rounds(seed=3)
        bigger = bandit.add_arms(["d", "e"], init="a")
        mean, std = bigger.expected_reward(X, return_std=True)
        for column in (3, 4):
            assert_allclose(mean[:, column], mean[:, 1], rtol=1e-12)
            assert_allclose(std[:, column], std[:, 1], rtol=1e-12)

    def test_init_from_the_mean_averages_the_statistics(self):
        bigger = _bandit().add_arms(["d"], init="mean")
        assert_allclose(bigger.gram_[3], bigger.gram_[:3].mean(axis=0), rtol=1e-12)
        assert_allclose(bigger.moment_[3], bigger.moment_[:3].mean(axis=0), rtol=1e-12)

    @pytest.mark.parametrize("noise", ["learnt", "fixed"])
    def test_init_from_weights_adds_up_the_statistics(self, noise):
        bandit = _bandit(noise=noise)
        same = bandit.add_arms(["d", "e"], init={"a": 0.5, "b": 0.25})
        own = bandit.add_arms(["d", "e"], init={"e": {"c": 0.125}, "d": {"a": 0.5, "b": 0.25}})
        for name in ("gram_", "moment_", "weight_"):
            known = getattr(bandit, name)
            expected = 0.5 * known[1] + 0.25 * known[2]
            assert_allclose(getattr(same, name)[[3, 4]], [expected, expected], rtol=1e-12)
            assert_allclose(getattr(own, name)[[3, 4]], [expected, 0.125 * known[0]], rtol=1e-12)
            assert_allclose(getattr(same, name)[:3], known, rtol=1e-12)

    def test_what_weights_leave_is_the_prior(self):
        """Half of an arm that paid the same all along is as wide as an arm of half the rounds."""
        X, y = np.ones((8, 1)), ["a"] * 8
        settings = {"noise": "fixed", "fit_intercept": False, "random_state": 0}
        bandit = LinearUCB(arms=["a"], **settings).fit(X, y, reward=np.full(8, 2.0))
        half = LinearUCB(arms=["a"], **settings).fit(X[:4], y[:4], reward=np.full(4, 2.0))
        mean, std = bandit.add_arms(["b"], init={"a": 0.5}).expected_reward(X, return_std=True)
        expected, width = half.expected_reward(X, return_std=True)
        assert_allclose(mean[:, 1], expected[:, 0])
        assert_allclose(std[:, 1], width[:, 0])
        cold = bandit.add_arms(["b"]).expected_reward(X, return_std=True)
        for weights in ({}, {"a": 0.0}, {"b": {}}):
            added = bandit.add_arms(["b"], init=weights)
            for ours, theirs in zip(added.expected_reward(X, return_std=True), cold, strict=True):
                assert_allclose(ours, theirs)

    def test_weights_of_arms_that_are_numbers(self):
        X, y, reward = _rounds(arms=(2, 1, 5))
        bandit = LinearUCB(arms=[2, 1, 5]).fit(X, y, reward=reward)
        added = bandit.add_arms([7], init={np.int64(1): np.float64(0.5), 5: 0.5})
        assert_allclose(added.gram_[3], bandit.gram_[1:].mean(axis=0), rtol=1e-12)
        # A hundred weights of 0.01 exceed 1 by rounding.
        many = LinearUCB(arms=range(100)).fit(X, [0] * 40, reward=reward)
        assert many.add_arms([100], init=dict.fromkeys(range(100), 1 / 99.99999999999)).weight_[
            100
        ] == pytest.approx(0.4)

    @pytest.mark.parametrize(
        ("init", "message"),
        [
            ({"z": 1.0}, r"\['z'\], which are not known; the arms are \['c', 'a', 'b'\]"),
            ({"d": 1.0}, r"\['d'\], which are not known"),
            ({"a": -0.1}, r"weights from 0 to 1, got -0.1 for the arm 'a'"),
            ({"a": 1.5}, r"weights from 0 to 1, got 1.5 for the arm 'a'"),
            ({"a": "half"}, r"weights from 0 to 1, got 'half' for the arm 'a'"),
            ({"a": None}, r"weights from 0 to 1, got None for the arm 'a'"),
            ({"a": 0.6, "b": 0.6}, r"whose sum is 1 at most, got 1.2. Divide them by their sum"),
            ({"d": {"a": 1.0}, "a": 0.5}, r"the new arms are \['d', 'e'\]"),
            ({"d": {"a": 1.0}}, r"init must give each new arm a dict"),
            ({"d": {"a": 1.0}, "e": 0.5}, r"init must give each new arm a dict"),
            ({"d": {"a": 1.0}, "e": {"z": 0.5}}, r"\['z'\], which are not known"),
        ],
    )
    def test_weights_that_are_none(self, init, message):
        for bandit in (_bandit(), LinearUCB(arms=["c", "a", "b"])):
            with pytest.raises(ValueError, match=message):
                bandit.add_arms(["d", "e"], init=init)

    def test_weights_before_any_round(self):
        unfitted = LinearUCB(arms=["c", "a", "b"])
        assert unfitted.add_arms(["d"], init={"a": 1.0}).arms == ["c", "a", "b", "d"]

    def test_arms_that_are_called_like_an_init(self):
        bandit = _bandit(("mean", "prior"))
        X, _, _ = _rounds(seed=3)
        for init in ("mean", {"mean": 1.0}):
            mean = bandit.add_arms(["d"], init=init).expected_reward(X)
            assert_allclose(mean[:, 2], mean[:, 0], rtol=1e-12)

    def test_no_arms_yet(self):
        with pytest.raises(NotFittedError):
            LinearUCB().add_arms(["a"])


class TestRemoveArms:
    def test_order_and_beliefs(self):
        bandit = _bandit(noise="fixed")
        X, _, _ = _rounds(seed=3)
        smaller = bandit.remove_arms(["a"])
        assert smaller.arms_.tolist() == smaller.arms == ["c", "b"]
        for one, other in zip(
            smaller.expected_reward(X, return_std=True),
            bandit.expected_reward(X, return_std=True),
            strict=True,
        ):
            assert_allclose(one, other[:, [0, 2]], rtol=1e-12)

    @pytest.mark.parametrize(
        ("gone", "error", "message"),
        [
            (["a", "b", "c"], ValueError, "without any arm"),
            (["z"], ValueError, "'z'"),
            ([], ValueError, "non-empty"),
            ("a", TypeError, r"Write \['a'\]"),
            ([0], ValueError, "0"),
        ],
    )
    def test_messages(self, gone, error, message):
        with pytest.raises(error, match=message):
            _bandit().remove_arms(gone)
        with pytest.raises(error, match=message):
            LinearUCB(arms=["c", "a", "b"]).remove_arms(gone)

    def test_and_back(self):
        """An arm that comes back starts from its prior."""
        X, _, _ = _rounds(seed=3)
        back = _bandit(noise="fixed").remove_arms(["a"]).add_arms(["a"])
        prior = LinearUCB(arms=["a"], noise="fixed").expected_reward(X, return_std=True)
        for one, other in zip(back.expected_reward(X, return_std=True), prior, strict=True):
            assert_allclose(one[:, 2], other[:, 0], atol=1e-12)


class TestExpandFeatures:
    def test_order_of_names(self):
        X, y, reward = _rounds()
        frame = pd.DataFrame(X, columns=["u", "v", "w"])
        bandit = LinearUCB().fit(frame, y, reward=reward)
        bigger = bandit.expand_features(["a", "z"])
        assert bigger.feature_names_in_.tolist() == ["u", "v", "w", "a", "z"]
        assert bigger.feature_names_in_.dtype == object
        assert bigger.n_features_in_ == 5
        with pytest.raises(ValueError, match="feature names"):
            bigger.predict(frame)

    @pytest.mark.parametrize("n_new", [2, np.int64(2)])
    def test_numbers(self, n_new):
        assert _bandit().expand_features(n_new).n_features_in_ == 5

    @pytest.mark.parametrize(
        ("features", "error", "message"),
        [
            (0, ValueError, "at least 1, got 0"),
            (-2, ValueError, "at least 1"),
            (1.5, TypeError, "features"),
            (True, TypeError, "features"),
            ("new", TypeError, r"Write \['new'\]"),
            (["new"], ValueError, "unnamed columns"),
        ],
    )
    def test_messages_without_names(self, features, error, message):
        with pytest.raises(error, match=message):
            _bandit().expand_features(features)

    @pytest.mark.parametrize(
        ("features", "message"),
        [
            (1, "Pass the names of the new ones"),
            (["u"], "'u'"),
            (["new", "new"], "distinct"),
            ([], "at least one new feature"),
        ],
    )
    def test_messages_with_names(self, features, message):
        X, y, reward = _rounds()
        bandit = LinearUCB().fit(pd.DataFrame(X, columns=["u", "v", "w"]), y, reward=reward)
        with pytest.raises(ValueError, match=message):
            bandit.expand_features(features)

    def test_unknown_init(self):
        with pytest.raises(ValueError, match="init must be 'prior'"):
            _bandit().expand_features(1, init="mean")

    def test_unfitted(self):
        with pytest.raises(NotFittedError):
            LinearUCB(arms=["a"]).expand_features(1)


class TestDropFeatures:
    @pytest.mark.parametrize("dropped", [[1], np.array([1]), (1,), [1, 1], [np.int64(1)]])
    def test_positions(self, dropped):
        assert _bandit().drop_features(dropped).n_features_in_ == 2

    def test_names(self):
        X, y, reward = _rounds()
        frame = pd.DataFrame(X, columns=["u", "v", "w"])
        bandit = LinearUCB().fit(frame, y, reward=reward)
        by_name, by_place = bandit.drop_features(["v"]), bandit.drop_features([1])
        for smaller in (by_name, by_place):
            assert smaller.feature_names_in_.tolist() == ["u", "w"]
            assert_allclose(
                smaller.decision_function(frame[["u", "w"]]),
                by_name.decision_function(frame[["u", "w"]]),
            )

    @pytest.mark.parametrize(
        ("dropped", "error", "message"),
        [
            ([0, 1, 2], ValueError, "without any feature"),
            ([3], ValueError, "from 0 to 2"),
            ([-1], ValueError, "from 0 to 2"),
            ([0.0], ValueError, "from 0 to 2"),
            ([True, False, False], ValueError, "from 0 to 2"),
            (["u"], ValueError, "unnamed columns"),
            (1, TypeError, r"Write \[1\]"),
            ("u", TypeError, r"Write \['u'\]"),
            ([], ValueError, "features"),
        ],
    )
    def test_messages(self, dropped, error, message):
        with pytest.raises(error, match=message):
            _bandit().drop_features(dropped)

    def test_unknown_name(self):
        X, y, reward = _rounds()
        bandit = LinearUCB().fit(pd.DataFrame(X, columns=["u", "v", "w"]), y, reward=reward)
        with pytest.raises(ValueError, match=r"features \['x'\] are not known.*'u', 'v', 'w'"):
            bandit.drop_features(["u", "x"])

    def test_marginal_beliefs_do_not_change(self):
        """Marginalising: on rows where the dropped feature is zero nothing changes."""
        bandit = _bandit(noise="fixed", kind=LinearThompsonSampling)
        X, _, _ = _rounds(seed=3)
        X[:, 1] = 0.0
        smaller = bandit.drop_features([1])
        for one, other in zip(
            smaller.expected_reward(X[:, [0, 2]], return_std=True),
            bandit.expected_reward(X, return_std=True),
            strict=True,
        ):
            assert_allclose(one, other, rtol=1e-9)


class TestAllOfThem:
    def test_chain(self):
        """What comes back from one can go into the next, and learns on."""
        bandit = _bandit()
        other = bandit.add_arms(["d"]).expand_features(2).remove_arms(["c"]).drop_features([0, 3])
        assert other.arms_.tolist() == ["a", "b", "d"]
        assert other.n_features_in_ == 3
        X, y, reward = _rounds(("a", "b", "d"))
        other.partial_fit(X, y, reward)
        assert np.isfinite(other.decision_function(X)).all()
        assert bandit.arms_.tolist() == ["c", "a", "b"]

    def test_parameters_and_seed_are_kept(self):
        bandit = _bandit(alpha=1.25, prior_precision=3.0)
        for other in (
            bandit.add_arms(["d"]),
            bandit.remove_arms(["c"]),
            bandit.expand_features(1),
            bandit.drop_features([0]),
        ):
            assert type(other) is type(bandit)
            kept = {k: v for k, v in bandit.get_params().items() if k != "arms"}
            assert {k: v for k, v in other.get_params().items() if k != "arms"} == kept
            assert other.learnt_weight_ == bandit.learnt_weight_ == 40.0
            assert other.full_feedback_ == bandit.full_feedback_

    def test_candidates_have_no_labels(self):
        X = np.random.RandomState(0).standard_normal((20, 4, 3))
        bandit = LinearUCB(arm_model="shared").fit(X, np.arange(20) % 4, reward=np.ones(20))
        with pytest.raises(ValueError, match="add_arms does not apply"):
            bandit.add_arms([9])
        with pytest.raises(ValueError, match="remove_arms does not apply"):
            bandit.remove_arms([0])
        assert bandit.expand_features(1).n_features_in_ == 4
        assert bandit.drop_features([0]).n_features_in_ == 2
