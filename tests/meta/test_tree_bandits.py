"""Bandits on the leaves of trees, against what the fitted trees say for themselves."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skbandit.meta import PolicyTreeBandit, TreeThompsonSampling, TreeUCB
from skbandit.selectors import ArgmaxSelector

ARMS = [0, 1, 2]
FOREST = ExtraTreesRegressor(n_estimators=7, min_samples_leaf=3)


def make_rounds(n_rounds=240, seed=0):
    """Noisy rewards that depend on the context and the arm."""
    rng = np.random.RandomState(seed)
    X, arm = rng.rand(n_rounds, 3), rng.randint(3, size=n_rounds)
    return X, arm, (X[:, 0] > 0.5) * (arm == 1) + X[:, 1] * (arm == 2) + 0.1 * rng.randn(n_rounds)


def leaf_of(tree, rows):
    """The last node on the path of each row."""
    path = tree.decision_path(rows.astype(np.float32))
    return np.array([path.indices[path.indptr[i + 1] - 1] for i in range(len(rows))])


def test_a_forest_an_arm_against_decision_paths():
    X, arm, reward = make_rounds()
    bandit = TreeThompsonSampling(
        estimator=FOREST, arms=ARMS, arm_model="disjoint", prior_weight=0.7, random_state=0
    ).fit(X, arm, reward=reward)
    asked = make_rounds(20, seed=1)[0]
    mean, std = bandit.expected_reward(asked, return_std=True)
    for a, forest in enumerate(bandit.estimators_):
        own, paid = X[arm == a], reward[arm == a]
        means, variances = [], []
        for tree in forest.estimators_:
            known = leaf_of(tree, own)
            fallen = [paid[known == one] for one in leaf_of(tree, asked)]
            means.append([part.mean() for part in fallen])
            noise = [(0.7 * reward.var() + len(p) * p.var()) / (0.7 + len(p)) for p in fallen]
            variances.append(
                [one / (0.7 + len(part)) for one, part in zip(noise, fallen, strict=True)]
            )
        assert_allclose(mean[:, a], np.mean(means, axis=0))
        assert_allclose(std[:, a], np.sqrt(np.mean(variances, axis=0)))
        assert_allclose(mean[:, a], forest.predict(asked))


def joint_by_loop(bandit, X, arm, reward, asked, prior_weight):
    """Mean and standard deviation of all arms, from rounds that fell where the row falls."""
    centre = bandit.state_.models[0].fitted.centre
    mean, std = np.zeros((2, len(asked), 3))
    n_trees = len(bandit.estimators_[0].estimators_)
    for row, x in enumerate(asked):
        weight, total, about = np.zeros((3, 3))
        square = np.zeros(3)
        for tree in bandit.estimators_[0].estimators_:
            here = leaf_of(tree, X) == leaf_of(tree, x[None])
            for a in range(3):
                values = reward[here & (arm == a)] - centre
                weight[a] += len(values) / n_trees
                total[a] += values.sum() / n_trees
                square[a] += (values**2).sum() / n_trees
        about = np.where(weight > 0, square - total**2 / np.maximum(weight, 1e-300), 0.0)
        noise = prior_weight * reward.var() + about.sum()
        noise /= prior_weight + weight.sum()
        mean[row] = centre + total / (prior_weight + weight)
        std[row] = np.sqrt(noise / (100.0 + weight))
    return mean, std


@pytest.mark.parametrize("pieces", [1, 90])
def test_a_forest_for_all_arms_against_decision_paths(pieces):
    """The trees know the first 150 rounds only; the leaves go on counting."""
    X, arm, reward = make_rounds()
    bandit = TreeThompsonSampling(
        estimator=FOREST,
        arms=ARMS,
        arm_model="joint",
        prior_weight=0.4,
        refit_growth=10.0,
        random_state=0,
    ).fit(X[:150], arm[:150], reward=reward[:150])
    for part in np.array_split(np.arange(150, 240), pieces):
        bandit.partial_fit(X[part], arm[part], reward=reward[part])
    assert bandit.n_refits_.tolist() == [1]
    asked = make_rounds(10, seed=1)[0]
    expected = joint_by_loop(bandit, X, arm, reward, asked, 0.4)
    for found, want in zip(bandit.expected_reward(asked, return_std=True), expected, strict=True):
        assert_allclose(found, want, rtol=1e-9)
    # Many rows are asked in another way than few.
    many = bandit.expected_reward(np.tile(asked, (40, 1)), return_std=True)
    for found, want in zip(many, expected, strict=True):
        assert_allclose(found, np.tile(want, (40, 1)), rtol=1e-9)


def test_two_forests_against_decision_paths():
    """The mean is 0.4 of that of trees for all arms and 0.6 of that of trees that see the arm."""
    X, arm, reward = make_rounds()
    params = {"estimator": FOREST, "arms": ARMS, "refit_growth": 10.0, "random_state": 0}
    bandit = TreeThompsonSampling(**params).fit(X[:150], arm[:150], reward=reward[:150])
    bandit.partial_fit(X[150:], arm[150:], reward=reward[150:])
    alone = TreeThompsonSampling(arm_model="joint", **params)
    alone.fit(X[:150], arm[:150], reward=reward[:150])
    alone.partial_fit(X[150:], arm[150:], reward=reward[150:])
    first, second = bandit.estimators_
    asked = make_rounds(10, seed=1)[0]
    assert_allclose(first.predict(asked), alone.estimators_[0].predict(asked))
    pooled, known = np.zeros((10, 3)), np.column_stack([X, np.eye(3)[arm]])
    for a in range(3):
        design = np.column_stack([asked, np.tile(np.eye(3)[a], (10, 1))])
        for tree in second.estimators_:
            leaf = leaf_of(tree, known)
            means = [reward[leaf == one].mean() for one in leaf_of(tree, design)]
            pooled[:, a] += np.array(means) / len(second.estimators_)
    joint, width = alone.expected_reward(asked, return_std=True)
    mean, std = bandit.expected_reward(asked, return_std=True)
    assert_allclose(mean, 0.4 * joint + 0.6 * pooled)
    assert_allclose(std, width)


def test_by_default_the_arm_is_tried_at_splits_of_wide_rows():
    X, arm, reward = make_rounds(60)
    bandit = TreeThompsonSampling(arms=ARMS, random_state=0)
    first, second = bandit.fit(X, arm, reward=reward).estimators_
    assert (first.max_features, second.max_features) == ("sqrt", 1.0)
    wide = np.hstack([X, np.zeros((60, 397))])
    assert bandit.fit(wide, arm, reward=reward).estimators_[1].max_features == 0.25


@pytest.mark.parametrize("init", [None, "zero"])
def test_boosted_trees_against_their_stages(init):
    X, arm, reward = make_rounds()
    boosted = GradientBoostingRegressor(n_estimators=6, learning_rate=0.3, init=init)
    bandit = TreeUCB(
        estimator=boosted, arms=ARMS, arm_model="disjoint", prior_weight=0.5, random_state=0
    ).fit(X, arm, reward=reward)
    asked = make_rounds(15, seed=1)[0]
    mean, std = bandit.expected_reward(asked, return_std=True)
    for a, model in enumerate(bandit.estimators_):
        own, paid = X[arm == a], reward[arm == a]
        assert_allclose(mean[:, a], model.predict(asked))
        start = 0.0 if init == "zero" else paid.mean()
        before = [np.full(len(own), start), *model.staged_predict(own)]
        variance = 0.0
        for stage, tree in enumerate(model.estimators_[:, 0]):
            left, known = paid - before[stage], leaf_of(tree, own)
            for row, one in enumerate(leaf_of(tree, asked)):
                part = left[known == one]
                noise = (0.5 * reward.var() + len(part) * part.var()) / (0.5 + len(part))
                share = np.zeros(len(asked))
                share[row] = 0.09 * noise / (0.5 + len(part))
                variance = variance + share
        assert_allclose(std[:, a], np.sqrt(variance))


@pytest.mark.parametrize("arm_model", ["disjoint", "pooled", "joint", "mixed"])
def test_rounds_between_fits_count_as_those_before(arm_model):
    """With trees that are fitted to the same rounds, it does not matter when the others came."""
    X, arm, reward = make_rounds()
    bandit = TreeThompsonSampling(
        estimator=DecisionTreeRegressor(max_leaf_nodes=6, random_state=0),
        arms=ARMS,
        arm_model=arm_model,
        refit_growth=1e6,
        random_state=0,
    )
    first = bandit.fit(X[:100], arm[:100], reward=reward[:100])
    for row in range(100, 240):
        one = slice(row, row + 1)
        first.partial_fit(X[one], arm[one], reward=reward[one])
    if arm_model == "mixed":
        for grown in first.state_.models[0].fitted:
            assert_allclose(grown.sums.settled().weight.sum(), 240.0)
    else:
        weight = sum(model.fitted.sums.settled().weight.sum() for model in first.state_.models)
        assert_allclose(weight, 240.0)
    again = clone(bandit).fit(X[:100], arm[:100], reward=reward[:100])
    again.partial_fit(X[100:], arm[100:], reward=reward[100:])
    asked = make_rounds(30, seed=1)[0]
    for found, want in zip(
        first.expected_reward(asked, return_std=True),
        again.expected_reward(asked, return_std=True),
        strict=True,
    ):
        assert_allclose(found, want)


def test_new_arms_learn_before_and_after_the_next_fit():
    X, arm, reward = make_rounds()
    bandit = TreeThompsonSampling(estimator=FOREST, arms=ARMS, refit_growth=1.5, random_state=0)
    bandit = bandit.fit(X, arm, reward=reward).add_arms([3])
    before = bandit.expected_reward(X[:1])
    bandit = bandit.partial_fit(X[:1], [3], reward=[9.0])
    assert_allclose(bandit.expected_reward(X[:1]), before)
    bandit = bandit.partial_fit(X[:150], np.full(150, 3), reward=np.full(150, 9.0))
    assert_allclose(bandit.expected_reward(X[:5])[:, 3], 9.0, atol=1.0)


@pytest.mark.parametrize("kind", [TreeThompsonSampling, PolicyTreeBandit])
def test_after_dropping_a_feature_all_rounds_are_in_the_leaves(kind):
    X, arm, reward = make_rounds()
    bandit = kind(arms=ARMS, refit_growth=5.0, random_state=0)
    bandit = bandit.fit(X[:100], arm[:100], reward=reward[:100])
    bandit = bandit.partial_fit(X[100:], arm[100:], reward=reward[100:]).drop_features([2])
    fitted = bandit.state_.models[0].fitted
    for grown in fitted if kind is TreeThompsonSampling else [fitted]:
        sums = grown.sums.settled()
        assert_allclose(sums.weight.sum() / sums.late_leaf.shape[1], 240.0)


@pytest.mark.parametrize("kind", [TreeThompsonSampling, TreeUCB, PolicyTreeBandit])
def test_unit_and_offset_of_rewards_do_not_matter(kind):
    """By powers of two, so that no rounding comes in."""
    X, arm, reward = make_rounds()
    reward = np.round(reward * 64.0) / 64.0
    policies = [
        kind(arms=ARMS, alpha="auto", random_state=0)
        .fit(X, arm, reward=scale * reward + offset)
        .predict_proba(X[:50])
        for scale, offset in [(1.0, 0.0), (1024.0, 0.0), (0.25, 8.0)]
    ]
    assert_allclose(policies[1], policies[0], atol=1e-9)
    assert_allclose(policies[2], policies[0], atol=1e-5)


@pytest.mark.parametrize("kind", [TreeThompsonSampling, PolicyTreeBandit])
def test_the_policy_is_that_of_gaussian_draws(kind):
    """A million draws; five standard errors are 0.0025."""
    X, arm, reward = make_rounds()
    bandit = kind(arms=ARMS, alpha=1.5, random_state=0).fit(X, arm, reward=reward)
    asked = X[:6]
    mean, std = bandit.expected_reward(asked, return_std=True)
    z = np.random.RandomState(0).standard_normal((1_000_000, 3))
    for row in range(6):
        best = (mean[row] + 1.5 * std[row] * z).argmax(axis=1)
        share = np.bincount(best, minlength=3) / len(z)
        assert_allclose(bandit.predict_proba(asked[row : row + 1])[0], share, atol=0.0025)


def test_upper_bounds():
    X, arm, reward = make_rounds()
    bandit = TreeUCB(arms=ARMS, alpha=2.0, selector=ArgmaxSelector(), random_state=0)
    bandit = bandit.fit(X, arm, reward=reward)
    mean, std = bandit.expected_reward(X[:20], return_std=True)
    assert_allclose(bandit.decision_function(X[:20]), mean + 2.0 * std)


@pytest.mark.parametrize("arm_model", ["joint", "mixed", "disjoint", "pooled"])
def test_weights_equal_repetition_on_one_tree(arm_model):
    X, arm, reward = make_rounds(90)
    # With one feature no two splits are equally good.
    X = X[:, :1]
    weight = np.random.RandomState(2).randint(1, 4, size=90)
    bandit = TreeThompsonSampling(
        estimator=DecisionTreeRegressor(max_leaf_nodes=5), arms=ARMS, arm_model=arm_model
    ).set_params(random_state=0)
    weighted = bandit.fit(X, arm, reward=reward, sample_weight=weight)
    found = weighted.expected_reward(X, return_std=True)
    rows = np.repeat(np.arange(90), weight)
    repeated = clone(bandit)
    repeated.fit(X[rows], arm[rows], reward=reward[rows])
    for one, other in zip(found, repeated.expected_reward(X, return_std=True), strict=True):
        assert_allclose(one, other)


def test_rewards_of_0_and_1_by_a_classifier():
    X, arm, reward = make_rounds()
    reward = (reward > 0.4).astype(float)
    forest = ExtraTreesClassifier(n_estimators=5, min_samples_leaf=4)
    bandit = TreeThompsonSampling(
        estimator=forest, arms=ARMS, arm_model="disjoint", random_state=0
    ).fit(X, arm, reward=reward)
    for a, model in enumerate(bandit.estimators_):
        if model is not None:
            chance = model.predict_proba(X)[:, 1]
            assert_allclose(bandit.expected_reward(X)[:, a], chance)
    with pytest.raises(ValueError, match=r"between 0 and 1|\[0, 1\]"):
        bandit.fit(X, arm, reward=2.0 * reward)


@pytest.mark.parametrize(
    ("estimator", "arm_model", "message"),
    [
        (HistGradientBoostingRegressor(), "joint", "leaves can be read"),
        (LogisticRegression(), "disjoint", "leaves can be read"),
        (GradientBoostingClassifier(), "disjoint", "leaves can be read"),
        (GradientBoostingRegressor(loss="huber"), "disjoint", "squared_error"),
        (GradientBoostingRegressor(), "joint", "arm_model='disjoint'"),
        (ExtraTreesClassifier(), "mixed", "arm_model='disjoint'"),
    ],
)
def test_what_has_no_leaves_is_refused(estimator, arm_model, message):
    X, arm, reward = make_rounds(20)
    bandit = TreeThompsonSampling(estimator=estimator, arm_model=arm_model)
    with pytest.raises(ValueError, match=message):
        bandit.fit(X, arm, reward=(reward > 0.4).astype(float))


@pytest.mark.parametrize("arm_model", ["joint", "mixed", "disjoint", "pooled"])
def test_pipelines_of_texts(arm_model):
    """The colour says which arm pays."""
    rng = np.random.RandomState(0)
    X = pd.DataFrame({"colour": rng.choice(["red", "green", "blue"], 300)})
    arm = rng.randint(3, size=300)
    reward = (X["colour"].map({"red": 0, "green": 1, "blue": 2}).to_numpy() == arm).astype(float)
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    if arm_model == "pooled":
        encoder = OneHotEncoder(sparse_output=False, min_frequency=1)
    bandit = TreeThompsonSampling(
        estimator=make_pipeline(encoder, RandomForestRegressor(n_estimators=5)),
        arms=ARMS,
        arm_model=arm_model,
        random_state=0,
    ).fit(X, arm, reward=reward)
    asked = pd.DataFrame({"colour": ["red", "green", "blue"]})
    assert bandit.predict(asked, explore=False).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("arm_model", "boosted"),
    [(one, False) for one in ("joint", "mixed", "disjoint")]
    + [(one, True) for one in ("disjoint", "pooled")],
)
def test_frames_large_and_small_as_arrays(arm_model, boosted):
    """Warnings are errors: neither forest nor stages complain about names."""
    X, arm, reward = make_rounds(600)
    estimator = GradientBoostingRegressor(n_estimators=4) if boosted else FOREST
    bandit = TreeThompsonSampling(
        estimator=estimator, arms=ARMS, arm_model=arm_model, random_state=0
    )
    on_arrays = clone(bandit).fit(X, arm, reward=reward)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    on_frames = clone(bandit).fit(frame, arm, reward=reward)
    for n_rows in (3, 600):
        found = on_frames.expected_reward(frame[:n_rows])
        assert_allclose(found, on_arrays.expected_reward(X[:n_rows]))


def test_missing_values():
    X, arm, reward = make_rounds()
    X[::7, 2] = np.nan
    bandit = TreeThompsonSampling(arms=ARMS, random_state=0)
    bandit = bandit.fit(X, arm, reward=reward)
    assert np.isfinite(bandit.expected_reward(X)).all()


def test_candidates_with_features():
    rng = np.random.RandomState(0)
    X = rng.rand(300, 4, 2)
    arm = rng.randint(4, size=300)
    reward = (X[np.arange(300), arm, 0] > 0.5).astype(float)
    bandit = TreeThompsonSampling(arm_model="shared", estimator=FOREST, random_state=0)
    bandit = bandit.fit(X, arm, reward=reward)
    asked = np.full((1, 3, 2), 0.2)
    asked[0, 1, 0] = 0.9
    assert bandit.predict(asked, explore=False).tolist() == [1]


def test_it_learns_which_class_is_right():
    """Six rounds in seven go to the wrong one without learning: 340 of 400 with seven arms."""
    rng = np.random.RandomState(0)
    X = rng.rand(400, 2)
    y = (7 * X[:, 0]).astype(int)
    bandit = TreeThompsonSampling(
        estimator=ExtraTreesRegressor(n_estimators=10), arms=list(range(7)), refit_growth=1.3
    ).set_params(random_state=0)
    wrong = 0
    for row in range(400):
        x = X[row : row + 1]
        arm = bandit.predict(x)
        reward = float(arm[0] == y[row])
        bandit.partial_fit(x, arm, reward=[reward])
        wrong += 1 - reward
    assert wrong < 120


class TestPolicyTree:
    """One tree, and in each leaf arms as if there were no contexts."""

    def fitted(self, **params):
        X, arm, reward = make_rounds()
        reward = (reward > 0.4).astype(float)
        bandit = PolicyTreeBandit(
            estimator=DecisionTreeRegressor(max_leaf_nodes=3), arms=ARMS, random_state=0, **params
        )
        return bandit.fit(X, arm, reward=reward), X, arm, reward

    def test_beta_posteriors_in_leaves(self):
        bandit, X, arm, reward = self.fitted(rewards="unit_interval", prior_weight=3.0)
        mean, std = bandit.expected_reward(X, return_std=True)
        leaf = leaf_of(bandit.tree_, X)
        rate = reward.mean()
        for row in range(0, 240, 17):
            for a in range(3):
                own = reward[(leaf == leaf[row]) & (arm == a)]
                ones = 3.0 * rate + own.sum()
                zeros = 3.0 * (1.0 - rate) + (1.0 - own).sum()
                total = ones + zeros
                assert_allclose(mean[row, a], ones / total)
                assert_allclose(std[row, a] ** 2, ones * zeros / (total**2 * (total + 1.0)))

    def test_gaussian_posteriors_in_leaves(self):
        bandit, X, arm, reward = self.fitted(prior_weight=3.0)
        mean, std = bandit.expected_reward(X, return_std=True)
        leaf = leaf_of(bandit.tree_, X)
        for row in range(0, 240, 17):
            own = [reward[(leaf == leaf[row]) & (arm == a)] for a in range(3)]
            n = np.array([len(one) for one in own])
            about = sum(len(one) * one.var() for one in own)
            noise = (3.0 * reward.var() + about) / (3.0 + n.sum())
            total = np.array([one.sum() for one in own])
            assert_allclose(mean[row], (3.0 * reward.mean() + total) / (3.0 + n))
            assert_allclose(std[row], np.sqrt(noise / (3.0 + n)))

    def test_the_text_has_what_leaves_believe(self):
        bandit, X, _, _ = self.fitted(rewards="unit_interval")
        text = bandit.export_text(feature_names=["age", "size", "hour"], decimals=3)
        assert text.count("|--- 0 ") == 3
        for value in np.unique(bandit.expected_reward(X).round(3)):
            assert f"{value:.3f}" in text
        assert "age <= 0.5" in text or "age <= 0.4" in text
        assert "feature_0" in bandit.export_text()

    def test_before_there_is_a_tree(self):
        bandit = PolicyTreeBandit(arms=ARMS).fit([[0.0]], [0], reward=[1.0])
        assert bandit.tree_ is None
        with pytest.raises(ValueError, match="no tree yet"):
            bandit.export_text()
