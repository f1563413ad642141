"""The base class, and bandits inside scikit-learn: pipelines, searches, curves, routing."""

import inspect
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context, set_config
from sklearn.base import clone, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    RandomizedSearchCV,
    TimeSeriesSplit,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.utils import estimator_html_repr

from skbandit.base import BanditTags, BaseBandit, StateField, is_bandit, make_log
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import EpsilonGreedySelector, TopKSelector

pd = pytest.importorskip("pandas", reason="pandas is not installed")

ARMS = ["red", "green", "blue"]


def make_rounds(n_samples=600, seed=0):
    """A log of a uniform policy; each arm pays by a line of its own."""
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_samples, 3))
    arm = rng.randint(3, size=n_samples)
    reward = X[np.arange(n_samples), arm] + 0.3 * rng.standard_normal(n_samples)
    return X, make_log(np.asarray(ARMS)[arm], reward, np.full(n_samples, 1 / 3))


def bandit_of(kind=LinearUCB, **params):
    return kind(**{"arms": ARMS, "random_state": 0, **params})


class TestOnlineLoop:
    """The loop of the documentation, with what it may rely on."""

    @pytest.mark.parametrize("kind", [LinearUCB, LinearThompsonSampling])
    def test_it_learns(self, kind):
        rng = np.random.RandomState(0)
        bandit = bandit_of(kind)
        X = rng.standard_normal((800, 3))
        means = []
        for start in range(0, 800, 50):
            rows = X[start : start + 50]
            played, propensity = bandit.predict(rows, return_propensity=True)
            assert ((propensity > 0) & (propensity <= 1)).all()
            column = [ARMS.index(label) for label in played]
            reward = rows[np.arange(50), column]
            bandit.partial_fit(rows, played, reward)
            means.append(reward.mean())
        # The best of three standard normals pays 0.85 on average, a random one nothing.
        assert np.mean(means[-8:]) > 0.75
        assert abs(means[0]) < 0.6

    @pytest.mark.parametrize("size", [1, 2, 32, 33])
    def test_fast_and_full_validation_end_alike(self, size):
        """Few plain arrays take a short way; lists go the long one."""
        X, log = make_rounds(200)
        fast, full = bandit_of(), bandit_of()
        for start in range(0, 200 - size, size):
            rows = slice(start, start + size)
            fast.partial_fit(X[rows], log["arm"][rows], log["reward"][rows])
            full.partial_fit(X[rows].tolist(), log["arm"][rows].tolist(), log["reward"][rows])
        assert_allclose(fast.decision_function(X), full.decision_function(X), rtol=1e-9)
        assert_array_equal(fast.predict(X), full.predict(X))
        assert fast.learnt_weight_ == full.learnt_weight_

    @pytest.mark.parametrize(
        "change",
        [
            lambda X, y, r: (X[0], y, r),
            lambda X, y, r: (X[:, :2], y, r),
            lambda X, y, r: (np.where(np.eye(*X.shape) > 0, np.nan, X), y, r),
            lambda X, y, r: (X, np.array(["pink"] * len(y)), r),
            lambda X, y, r: (X, np.arange(len(y)), r),
            lambda X, y, r: (X, y[:-1], r),
            lambda X, y, r: (X, y, r[:-1]),
            lambda X, y, r: (X, y, np.full(len(r), np.nan)),
            lambda X, y, r: (X, y, r.astype(str)),
            lambda X, y, r: (X, y, r + 0j),
        ],
    )
    def test_fast_and_full_validation_raise_alike(self, change):
        X, log = make_rounds(4)
        bandit = bandit_of().fit(X, log)
        rounds = change(X, log["arm"], log["reward"])
        with pytest.raises(ValueError, match=r".") as fast:
            bandit.partial_fit(*rounds)
        with pytest.raises(ValueError, match=r".") as full:
            # Weights take the long way.
            bandit.partial_fit(*rounds, sample_weight=np.ones(4))
        assert type(fast.value) is type(full.value)
        assert str(fast.value) == str(full.value)

    def test_labels_of_other_types(self):
        X, log = make_rounds(4)
        bandit = bandit_of(arms=[0, 1]).fit(X, [0, 1, 1, 0], reward=log["reward"])
        other = clone(bandit).fit(X, [0, 1, 1, 0], reward=log["reward"])
        bandit.partial_fit(X[:2], np.array([1.0, 0.0]), log["reward"][:2])
        other.partial_fit(X[:2], np.array([1, 0]), log["reward"][:2])
        assert_array_equal(bandit.decision_function(X), other.decision_function(X))
        with pytest.raises(ValueError, match="add_arms"):
            bandit.partial_fit(X[:1], np.array(["1"]), log["reward"][:1])

    def test_total_weight_of_what_was_learnt(self):
        """It is the key of the draws: the same however rounds were cut into calls."""
        X, log = make_rounds(40)
        bandit = bandit_of()
        assert bandit.fit(X, log).learnt_weight_ == 40.0
        bandit.partial_fit(X, log).partial_fit(X[:1], log["arm"][:1], log["reward"][:1])
        assert bandit.learnt_weight_ == 81.0
        assert bandit.fit(X, log, sample_weight=np.full(40, 0.25)).learnt_weight_ == 10.0
        assert bandit.fit(X, log["arm"]).learnt_weight_ == 40.0

    @pytest.mark.parametrize("how", ["fit", "partial_fit", "pipeline"])
    def test_a_nightly_fit_explores_other_rows_every_night(self, how):
        """The customers who are explored are drawn anew, though the seed is an integer."""
        customers = np.random.RandomState(0).standard_normal((500, 3))
        bandit = bandit_of(selector=EpsilonGreedySelector(0.2))
        policy = make_pipeline(StandardScaler(), bandit) if how == "pipeline" else bandit
        logs, nights = [], []
        for night in range(8):
            if night:
                played, propensity = policy.predict(customers, return_propensity=True)
                nights.append(propensity < 0.5)
            else:
                played = np.resize(ARMS, 500)
            logs.append(make_log(played, customers[:, 0] * (played == "red")))
            if how == "partial_fit":
                policy.partial_fit(customers, logs[-1])
            else:
                policy.fit(np.tile(customers, (night + 1, 1)), np.concatenate(logs))
        share = np.mean(nights)
        # Of 500 customers; five standard errors.
        expected = 1.0 - (1.0 - share) ** 7
        tolerance = 5 * np.sqrt(expected * (1 - expected) / 500)
        assert abs(np.any(nights, axis=0).mean() - expected) < tolerance

    def test_kind_of_feedback(self):
        X, log = make_rounds(40)
        bandit = bandit_of().fit(X, log["arm"])
        assert bandit.full_feedback_
        assert not bandit.partial_fit(X, log).full_feedback_
        assert not bandit.partial_fit(X, log["arm"]).full_feedback_
        assert bandit.fit(X, log["arm"]).full_feedback_

    def test_memory_of_a_prediction_is_bounded(self):
        X, log = make_rounds(2000)
        bandit = bandit_of(LinearThompsonSampling).fit(X, log)
        arms, propensity = bandit.predict(X, return_propensity=True)
        with config_context(working_memory=0.05):
            in_blocks = bandit.predict(X, return_propensity=True)
        assert_array_equal(in_blocks[0], arms)
        # Some kernels of a BLAS round a block of rows otherwise than all of them.
        assert_allclose(in_blocks[1], propensity, rtol=1e-12)


class TestInsideScikitLearn:
    def test_it_is_no_classifier(self):
        assert is_bandit(bandit_of())
        assert not is_classifier(bandit_of())
        assert not is_bandit(LogisticRegression())
        assert not is_bandit(DummyClassifier())
        assert is_bandit(make_pipeline(StandardScaler(), bandit_of()))
        assert not is_bandit(make_pipeline(StandardScaler(), LogisticRegression()))
        assert is_bandit(GridSearchCV(make_pipeline(StandardScaler(), bandit_of()), {}))

    def test_pipeline(self):
        X, log = make_rounds()
        pipeline = make_pipeline(StandardScaler(), PolynomialFeatures(2), bandit_of())
        pipeline.fit(X, log)
        Z = pipeline[:-1].transform(X)
        alone = bandit_of().fit(Z, log)
        assert_array_equal(pipeline.predict(X), alone.predict(Z))
        assert_allclose(pipeline.predict_proba(X), alone.predict_proba(Z))
        assert_allclose(pipeline.decision_function(X), alone.decision_function(Z))
        assert pipeline.score(X, log) == pytest.approx(alone.score(Z, log))
        assert_array_equal(pipeline.classes_, ARMS)
        played, propensity = pipeline.predict(X, return_propensity=True)
        assert played.shape == propensity.shape == (len(X),)

    def test_column_transformer_on_a_frame(self):
        X, log = make_rounds(200)
        frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(kind=["x", "y"] * 100)
        columns = ColumnTransformer(
            [
                ("number", StandardScaler(), ["a", "b"]),
                ("kind", OneHotEncoder(sparse_output=False), ["kind"]),
            ],
            sparse_threshold=0,
        ).set_output(transform="pandas")
        pipeline = make_pipeline(columns, bandit_of()).fit(frame, log)
        assert pipeline.predict(frame).shape == (200,)
        names = pipeline[-1].feature_names_in_.tolist()
        assert names == ["number__a", "number__b", "kind__kind_x", "kind__kind_y"]

    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_grid_search(self, n_jobs):
        X, log = make_rounds()
        pipeline = make_pipeline(StandardScaler(), bandit_of(LinearThompsonSampling))
        grid = {
            "linearthompsonsampling__prior_precision": [1.0, 1e6],
            "linearthompsonsampling__alpha": [0.25, 100.0],
        }
        search = GridSearchCV(pipeline, grid, cv=KFold(3), n_jobs=n_jobs, error_score="raise")
        search.fit(X, log)
        # A prior that swamps the data, or nothing but exploration, earns next to nothing.
        assert search.best_params_["linearthompsonsampling__alpha"] == 0.25
        assert search.best_score_ > 0.7
        worst = search.cv_results_["mean_test_score"].min()
        assert worst < 0.3
        assert is_bandit(search)
        assert_array_equal(search.predict(X), search.best_estimator_.predict(X))
        assert search.score(X, log) == pytest.approx(search.best_estimator_.score(X, log))

    def test_search_does_not_depend_on_the_number_of_jobs(self):
        X, log = make_rounds(200)
        scores = [
            GridSearchCV(
                bandit_of(LinearThompsonSampling), {"alpha": [0.1, 1.0]}, cv=3, n_jobs=n_jobs
            )
            .fit(X, log)
            .cv_results_["mean_test_score"]
            for n_jobs in (1, 2)
        ]
        assert_allclose(scores[0], scores[1], rtol=1e-10)

    @pytest.mark.parametrize(
        "search",
        [
            lambda bandit, grid: HalvingGridSearchCV(bandit, grid, random_state=0),
            lambda bandit, grid: HalvingRandomSearchCV(
                bandit, grid, n_candidates=4, min_resources=200, random_state=0
            ),
            lambda bandit, grid: RandomizedSearchCV(bandit, grid, n_iter=4, random_state=0),
        ],
        ids=["HalvingGridSearchCV", "HalvingRandomSearchCV", "RandomizedSearchCV"],
    )
    def test_other_searches(self, search):
        X, log = make_rounds()
        grid = {"alpha": [0.1, 1e4], "prior_precision": [0.1, 1.0, 10.0]}
        bandit = bandit_of(selector=EpsilonGreedySelector(0.1))
        found = search(bandit, grid).fit(X, log)
        assert found.best_params_["alpha"] == 0.1
        assert np.isfinite(found.best_score_)
        assert found.predict(X).shape == (len(X),)

    def test_cross_validation(self):
        X, log = make_rounds()
        bandit = bandit_of(LinearThompsonSampling)
        scores = cross_val_score(bandit, X, log, cv=5)
        by_hand = [
            clone(bandit).fit(X[train], log[train]).score(X[test], log[test])
            for train, test in KFold(5).split(X)
        ]
        assert_allclose(scores, by_hand)
        ordered = cross_validate(bandit, X, log, cv=TimeSeriesSplit(3), return_estimator=True)
        assert [type(fitted) for fitted in ordered["estimator"]] == [type(bandit)] * 3
        # A policy that earns more in truth also scores more.
        ignorant = cross_val_score(bandit_of(prior_precision=1e12), X, log, cv=5)
        assert scores.mean() > ignorant.mean() + 0.5

    def test_learning_curve(self):
        X, log = make_rounds(900)
        sizes, train, test = learning_curve(
            bandit_of(LinearThompsonSampling), X, log, train_sizes=[10, 100, 600], cv=3
        )
        assert sizes.tolist() == [10, 100, 600]
        assert train.shape == test.shape == (3, 3)
        assert test[2].mean() > test[0].mean()

    def test_permutation_importance(self):
        X, log = make_rounds(900)
        X = np.column_stack([X, np.random.RandomState(1).standard_normal(900)])
        bandit = bandit_of(LinearThompsonSampling).fit(X, log)
        importance = permutation_importance(bandit, X, log, random_state=0, n_repeats=5)
        means = importance.importances_mean
        assert (means[:3] > 0.1).all()
        assert abs(means[3]) < 0.1

    def test_train_test_split(self):
        X, log = make_rounds(100)
        X_train, X_test, log_train, log_test = train_test_split(X, log, random_state=0)
        assert log_train.dtype == log.dtype
        assert len(X_test) == len(log_test) == 25
        value = bandit_of().fit(X_train, log_train).score(X_test, log_test)
        assert np.isfinite(value)

    def test_sets_of_arms(self):
        X, _ = make_rounds(300)
        rng = np.random.RandomState(1)
        columns = rng.standard_normal((300, 3)).argsort(axis=1)[:, :2]
        reward = np.take_along_axis(X, columns, axis=1)
        log = make_log(np.asarray(ARMS)[columns], reward, np.full((300, 2), 2 / 3))
        scores = cross_val_score(bandit_of(selector=TopKSelector(2)), X, log, cv=3)
        # The two best of three standard normals pay 0.85 together, two random ones nothing.
        assert scores.mean() > 0.6

    def test_html(self):
        bandit = bandit_of().fit(*make_rounds(40))
        assert "LinearUCB" in bandit._repr_html_()
        pipeline = make_pipeline(StandardScaler(), bandit_of())
        assert "LinearUCB" in estimator_html_repr(pipeline)
        assert "fitted" in bandit._repr_html_()


class TestRouting:
    def test_reward_as_metadata(self):
        X, log = make_rounds(200)
        arm, reward, propensity = (log[name] for name in log.dtype.names)
        with config_context(enable_metadata_routing=True):
            bandit = (
                bandit_of(LinearThompsonSampling)
                .set_fit_request(reward=True)
                .set_score_request(reward=True, propensity=True)
            )
            search = GridSearchCV(
                make_pipeline(StandardScaler(), bandit),
                {"linearthompsonsampling__alpha": [0.1, 1.0]},
                cv=3,
                error_score="raise",
            )
            # fit takes no propensity of its own: the search hands it on to score.
            search.fit(X, arm, reward=reward, propensity=propensity)
            scores = cross_val_score(
                bandit, X, arm, cv=3, params={"reward": reward, "propensity": propensity}
            )
        plain = GridSearchCV(
            make_pipeline(StandardScaler(), bandit_of(LinearThompsonSampling)),
            {"linearthompsonsampling__alpha": [0.1, 1.0]},
            cv=3,
        ).fit(X, log)
        assert_allclose(
            search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
        )
        assert_array_equal(search.predict(X), plain.predict(X))
        alone = cross_val_score(bandit_of(LinearThompsonSampling), X, log, cv=3)
        assert_allclose(scores, alone)

    def test_set_config(self):
        X, log = make_rounds(100)
        set_config(enable_metadata_routing=True)
        try:
            bandit = bandit_of().set_fit_request(reward=True).set_predict_request(explore=True)
            pipeline = make_pipeline(StandardScaler(), bandit)
            pipeline.fit(X, log["arm"], reward=log["reward"])
            greedy = pipeline.predict(X, explore=False)
        finally:
            set_config(enable_metadata_routing=False)
        expected = make_pipeline(StandardScaler(), bandit_of()).fit(X, log)
        assert_array_equal(greedy, expected.predict(X, explore=False))


class TestPersistence:
    def test_joblib(self, tmp_path):
        X, log = make_rounds(100)
        bandit = bandit_of(LinearThompsonSampling).fit(X, log)
        joblib.dump(bandit, tmp_path / "bandit.joblib")
        loaded = joblib.load(tmp_path / "bandit.joblib")
        assert_array_equal(loaded.predict(X), bandit.predict(X))
        assert_array_equal(loaded.predict_proba(X), bandit.predict_proba(X))

    @pytest.mark.parametrize("size", [1, 100])
    def test_memory_mapped_state_learns_on(self, tmp_path, size):
        X, log = make_rounds(100)
        bandit = bandit_of().fit(X, log)
        joblib.dump(bandit, tmp_path / "bandit.joblib")
        mapped = joblib.load(tmp_path / "bandit.joblib", mmap_mode="r")
        mapped.predict(X)
        rounds = X[:size], log["arm"][:size], log["reward"][:size]
        assert_allclose(
            mapped.partial_fit(*rounds).decision_function(X),
            bandit.partial_fit(*rounds).decision_function(X),
        )

    def test_size_does_not_grow_by_predicting(self):
        X, log = make_rounds(100)
        bandit = bandit_of(LinearThompsonSampling, arm_model="hybrid").fit(X, log)
        before = len(pickle.dumps(bandit))
        bandit.predict(X)
        bandit.expected_reward(X, return_std=True)
        assert len(pickle.dumps(bandit)) == before

    def test_another_interpreter_decides_alike(self, tmp_path):
        X, log = make_rounds(60)
        bandit = bandit_of(LinearThompsonSampling).fit(X, log)
        joblib.dump((bandit, X), tmp_path / "both.joblib")
        code = (
            "import sys, joblib\n"
            "bandit, X = joblib.load(sys.argv[1])\n"
            "print(','.join(bandit.predict(X)))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "both.joblib")],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip().split(",") == bandit.predict(X).tolist()


class Count(NamedTuple):
    """How many calls have taught; the smallest state."""

    calls: np.ndarray


class ConstantBandit(BaseBandit):
    """Believes that arm number a pays a; the smallest subclass that can be written."""

    _state_fields = {"calls": StateField("arm", merge="sum")}

    def __init__(self, *, arms=None, selector=None, random_state=None):
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    def _initial_state(self, n_arms, n_features):
        return Count(np.zeros(n_arms))

    def _learn(self, rounds):
        if (rounds.arm == 0).any():
            raise RuntimeError("the first arm cannot be learnt from")
        return Count(self.state_.calls + 1.0)

    def _expected_reward(self, contexts):
        mean = np.tile(np.arange(float(len(self.classes_))), (len(contexts), 1))
        return mean, np.ones_like(mean)


def with_tags(**tags):
    class Tagged(ConstantBandit):
        def __sklearn_tags__(self):
            found = super().__sklearn_tags__()
            found.bandit_tags = BanditTags(**tags)
            return found

    return Tagged


class TestSubclass:
    def test_hooks_are_few(self):
        bandit = ConstantBandit(arms=ARMS)
        assert bandit.predict([[0.0]]).tolist() == ["blue"]
        assert bandit.predict([[0.0]], explore=False).tolist() == ["blue"]
        assert bandit.predict_proba([[0.0]]).tolist() == [[0.0, 0.0, 1.0]]
        assert bandit.decision_function([[0.0]]).tolist() == [[0.0, 1.0, 2.0]]
        bandit.fit([[0.0]], ["green"], reward=[1.0])
        assert bandit.n_features_in_ == 1

    @pytest.mark.parametrize("hook", ["_initial_state", "_learn", "_belief"])
    def test_hooks_that_are_needed_say_so(self, hook):
        bandit = BaseBandit.__new__(BaseBandit)
        arguments = {"_initial_state": (2, 3)}.get(hook, (None,))
        with pytest.raises(NotImplementedError, match=hook):
            getattr(bandit, hook)(*arguments)

    @pytest.mark.parametrize("size", [1, 50])
    def test_learning_that_fails_midway_is_undone(self, size):
        X = np.zeros((size, 2))
        bandit = ConstantBandit(arms=ARMS)
        with pytest.raises(RuntimeError):
            bandit.fit(X, ["red"] * size, reward=np.ones(size))
        assert not hasattr(bandit, "classes_")
        assert not hasattr(bandit, "n_features_in_")
        bandit.fit(X, ["blue"] * size, reward=np.ones(size))
        before = joblib.hash(bandit)
        with pytest.raises(RuntimeError):
            bandit.partial_fit(X, np.array(["red"] * size), np.ones(size))
        with pytest.raises(RuntimeError):
            bandit.fit(np.zeros((size, 5)), ["red"] * size, reward=np.ones(size))
        assert joblib.hash(bandit) == before

    @pytest.mark.parametrize("size", [1, 50])
    def test_interrupted_learning_is_undone_and_the_stream_put_back(self, size):
        class Interrupted(ConstantBandit):
            def _learn(self, rounds):
                self.random_state.random_sample()
                state = super()._learn(rounds)
                if stop:
                    raise KeyboardInterrupt
                return state

        stop = False
        bandit = Interrupted(arms=ARMS, random_state=np.random.RandomState(0))
        bandit.fit(np.zeros((50, 2)), ["blue"] * 50, np.ones(50))
        before, stream = bandit.state_, bandit.random_state.get_state()[2]
        stop = True
        rounds = np.zeros((size, 2)), np.array(["blue"] * size), np.ones(size)
        for method in ("fit", "partial_fit"):
            with pytest.raises(KeyboardInterrupt):
                getattr(bandit, method)(*rounds)
            assert bandit.state_ is before
            assert bandit.random_state.get_state()[2] == stream

    def test_the_arrays_of_a_state_cannot_be_written_to(self):
        bandit = ConstantBandit(arms=ARMS).fit([[0.0]], ["blue"], reward=[1.0])
        with pytest.raises(ValueError, match="read-only"):
            bandit.state_.calls[0] = 3.0

    def test_unfitted(self):
        with pytest.raises(NotFittedError, match=r"arms=\[\.\.\.\]"):
            ConstantBandit().predict([[0.0]])

    @pytest.mark.parametrize("size", [1, 50])
    @pytest.mark.parametrize(
        ("kind", "good", "bad", "message"),
        [
            ("binary", [0, 1], [0.5, -1, 2], "0 or 1"),
            ("unit_interval", [0, 0.3, 1], [-0.1, 1.5], r"\[0, 1\]"),
            ("count", [0, 7], [-1, 0.5], "positive integer"),
        ],
    )
    def test_support_of_rewards(self, size, kind, good, bad, message):
        bandit = with_tags(reward=kind)(arms=ARMS)
        bandit.fit(np.zeros((len(good), 1)), ["blue"] * len(good), good)
        before, learnt = bandit.state_, bandit.learnt_weight_
        for reward in bad:
            with pytest.raises(ValueError, match=rf"reward must.*{message}.*got {reward}"):
                bandit.partial_fit(np.zeros((size, 1)), np.array(["blue"] * size), [reward] * size)
        assert bandit.state_ is before
        assert bandit.learnt_weight_ == learnt

    def test_contexts_of_any_kind(self):
        bandit = with_tags(contexts="any")(arms=ARMS)
        for contexts in (["a text", "another"], pd.DataFrame({"a": ["x", None]}), np.eye(2)):
            fitted = clone(bandit).fit(contexts, ["blue", "blue"], reward=[1.0, 0.0])
            assert fitted.predict(contexts).tolist() == ["blue", "blue"]
        for empty in ([], pd.DataFrame({"a": []}), np.empty((0, 2))):
            with pytest.raises(ValueError, match=r"0 sample\(s\)"):
                bandit.predict(empty)
        frame = pd.DataFrame({"a": ["x"], "b": [1.0]})
        named = clone(bandit).fit(frame, ["blue"], reward=[1.0])
        with pytest.raises(ValueError, match="feature names"):
            named.predict(frame[["b", "a"]])

    def test_contexts_that_nobody_looks_at(self):
        bandit = with_tags(contexts="none")(arms=ARMS)
        assert bandit.predict(np.array([[np.nan], [np.inf]])).tolist() == ["blue", "blue"]

    def test_tags_that_nobody_knows(self):
        with pytest.raises(ValueError, match=r"bandit_tags\.learning of Tagged.*'summ'"):
            with_tags(learning="summ")(arms=ARMS).predict([[0.0]])


def test_contributing_has_the_list_of_hooks_of_the_base_class():
    # getdoc takes the indentation off, as Python 3.13 does itself.
    hooks = re.findall(r"^``(_\w+)", inspect.getdoc(BaseBandit), re.MULTILINE)
    page = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
    assert len(hooks) == len(set(hooks)) > 10
    assert all(hasattr(BaseBandit, hook) for hook in hooks)
    assert re.findall(r"^\| `(_\w+)", page, re.MULTILINE) == hooks


class TestMessages:
    """Words that tell a user what to do next."""

    def test_classes_and_arms_differ(self):
        X, log = make_rounds(20)
        with pytest.raises(ValueError, match="differs from arms"):
            bandit_of().partial_fit(X, log, classes=["red", "green"])
        bandit = LinearUCB().partial_fit(X, log, classes=ARMS)
        with pytest.raises(ValueError, match="not the same as on the first call"):
            bandit.partial_fit(X, log, classes=["red", "green"])

    def test_score_without_rewards(self):
        X, log = make_rounds(20)
        with pytest.raises(ValueError, match="rate imitation"):
            bandit_of().fit(X, log).score(X, log["arm"])
        with pytest.raises(ValueError, match="needs the propensities"):
            bandit_of().fit(X, log).score(X, log["arm"], reward=log["reward"])


class TestScoreWithMasks:
    def test_a_log_with_masks(self, draw_masked):
        start, rounds = draw_masked(400, 0), draw_masked(2000, 1)
        bandit = LinearUCB(alpha=0.0, random_state=0).fit(start.X, start.log)
        score = bandit.score(rounds.X, rounds.log, available=rounds.available)
        policy = bandit.predict_proba(rounds.X, available=rounds.available)
        weight = policy[np.arange(2000), rounds.log["arm"]] / rounds.log["propensity"]
        assert score == pytest.approx(np.average(rounds.log["reward"], weights=weight))
        # Four standard errors; asked without masks it is taken for far better than it is.
        truth = (policy * rounds.expected).sum(axis=1).mean()
        assert abs(score - truth) < 4 * 0.02
        assert bandit.score(rounds.X, rounds.log) > truth + 0.1

    def test_columns_with_labels_and_wrong_masks(self, draw_masked):
        rounds = draw_masked(300, 1)
        bandit = LinearUCB(arms=[3, 1, 0, 2], alpha=0.0).fit(rounds.X, rounds.log)
        frame = pd.DataFrame(rounds.available)
        score = bandit.score(rounds.X, rounds.log, available=frame)
        mask = rounds.available[:, [3, 1, 0, 2]]
        assert score == bandit.score(rounds.X, rounds.log, available=mask)
        with pytest.raises(ValueError, match=r"logged arm was not available in \d+ row"):
            bandit.score(rounds.X, rounds.log, available=rounds.available)
        with pytest.raises(ValueError, match=r"available must have shape"):
            bandit.score(rounds.X, rounds.log, available=mask[:, :3])

    def test_full_feedback(self, draw_masked):
        rounds = draw_masked(300, 1)
        best = rounds.expected.argmax(axis=1)
        bandit = LinearUCB(alpha=0.0).fit(rounds.X, best)
        # The arm that pays may be one that could not be played.
        policy = bandit.predict_proba(rounds.X, available=rounds.available)
        score = bandit.score(rounds.X, best, available=rounds.available)
        assert score == pytest.approx(policy[np.arange(300), best].mean())
        assert score < bandit.score(rounds.X, best)

    def test_it_is_routed(self, draw_masked):
        rounds = draw_masked(600, 0)
        with config_context(enable_metadata_routing=True):
            bandit = LinearUCB(alpha=0.0).set_score_request(available=True)
            search = GridSearchCV(bandit, {"prior_precision": [1.0]}, cv=KFold(3))
            search.fit(rounds.X, rounds.log, available=rounds.available)
        scores = []
        for train, test in KFold(3).split(rounds.X):
            fitted = LinearUCB(alpha=0.0).fit(rounds.X[train], rounds.log[train])
            mask = rounds.available[test]
            scores.append(fitted.score(rounds.X[test], rounds.log[test], available=mask))
        assert search.best_score_ == pytest.approx(np.mean(scores))
