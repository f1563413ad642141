"""Transfer, merging and persistence of BayesianNeuralBandit."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from skbandit.transfer import merge, transfer
from skbandit.variational import BayesianNeuralBandit
from skbandit.variational._transfer import forget_weights
from skbandit.variational._weight_belief import WeightBelief


def rounds(n_samples=60, n_features=3, n_arms=2, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_samples, n_features))
    arm = rng.randint(n_arms, size=n_samples)
    weights = rng.standard_normal((n_arms, n_features))
    chance = expit((X * weights[arm]).sum(axis=1))
    return X, arm, (rng.uniform(size=n_samples) < chance).astype(np.float64)


def padded(X, n_new=1):
    return np.pad(X, ((0, 0), (0, n_new)))


def same_beliefs(one, other, X, X_other=None, **tolerance):
    ours = one.expected_reward(X, return_std=True)
    theirs = other.expected_reward(X if X_other is None else X_other, return_std=True)
    for mine, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, their, **tolerance)


KINDS = pytest.mark.parametrize(
    "params",
    [
        {},
        {"precision": "diagonal"},
        {"hidden_units": (4,)},
        {"hidden_units": (4, 4), "residual": True, "activation": "gelu"},
        {"hidden_units": (4,), "weights": "student_t", "precision": "diagonal"},
    ],
    ids=str,
)


@KINDS
def test_the_tutorial(params):
    """Three features and two actions; then a fourth feature and a third action."""
    X, _, reward = rounds(200)
    bandit = BayesianNeuralBandit(arms=[0, 1], random_state=0, **params)
    bandit.partial_fit(X, bandit.predict(X), reward)
    evolved = bandit.expand_features(1).add_arms([2])
    old = bandit.expected_reward(X, return_std=True)
    new = evolved.expected_reward(padded(X), return_std=True)
    for before, after in zip(old, new, strict=True):
        np.testing.assert_allclose(after[:, :2], before, atol=1e-12)
    wide = np.random.RandomState(1).standard_normal((200, 4))
    evolved.partial_fit(wide, evolved.predict(wide), reward)
    assert evolved.weight_.sum() == 400.0
    assert evolved.weight_[2] > 0
    np.testing.assert_allclose(evolved.successes_ + evolved.failures_, evolved.weight_)


@KINDS
def test_hidden_layers_may_grow(params):
    X, arm, reward = rounds()
    source = BayesianNeuralBandit(arms=[0, 1], **params).fit(X, arm, reward=reward)
    units = params.get("hidden_units", ())
    template = BayesianNeuralBandit(
        arms=[0, 2, 1], **{**params, "hidden_units": tuple(2 * n for n in units)}
    )
    grown = transfer(source, template)
    ours = grown.expected_reward(X, return_std=True)
    theirs = source.expected_reward(X, return_std=True)
    np.testing.assert_allclose(ours[0][:, [0, 2]], theirs[0], atol=1e-6)
    # A confident bandit stays confident.
    np.testing.assert_allclose(ours[1][:, [0, 2]], theirs[1], rtol=1e-3)
    # An arm that nobody has played is at the prior of the larger network.
    fresh = template.expected_reward(X, return_std=True)
    np.testing.assert_allclose(ours[1][:, 1], fresh[1][:, 1])
    grown.partial_fit(X, arm, reward)
    assert np.isfinite(grown.expected_reward(X)).all()


def test_layers_grow_while_features_go():
    """What is dropped is marginalised, also where layers grow in the same step."""
    X, arm, reward = rounds()
    source = BayesianNeuralBandit(arms=[0, 1], hidden_units=(3,)).fit(X, arm, reward=reward)
    template = BayesianNeuralBandit(arms=[0, 1], hidden_units=(5,)).fit(X[:, :2], arm, reward)
    same_beliefs(
        transfer(source, template), source.drop_features([2]), X[:, :2], rtol=2e-3, atol=1e-6
    )
    absent = X * [1.0, 1.0, 0.0]
    same_beliefs(transfer(source, template), source, X[:, :2], absent, rtol=2e-3, atol=1e-6)


def test_the_prior_of_what_has_grown_stays_proper():
    """Rewards that get larger widen the prior; the belief of a network that has grown follows."""
    X, arm, reward = rounds()
    source = BayesianNeuralBandit(arms=[0, 1], hidden_units=(3,), likelihood="gaussian")
    source.fit(X[:4], [0, 0, 1, 1], reward=reward[:4])
    template = BayesianNeuralBandit(arms=[0, 1], hidden_units=(30,), likelihood="gaussian")
    grown = transfer(source, template)
    narrow = grown.expected_reward(X, return_std=True)[1]
    grown.partial_fit(X, arm, 100.0 * reward)
    wide = grown.set_params(prior_std=10.0).expected_reward(X, return_std=True)[1]
    assert (wide > narrow).all()
    assert (np.einsum("akk->ak", grown.gram_) >= 0.0).all()


def test_another_prior_meets_what_rounds_have_added():
    X, arm, _ = rounds()
    known = {"arms": [0, 1], "likelihood": "gaussian", "noise": "fixed"}
    source = BayesianNeuralBandit(**known).fit(X, arm, reward=X[:, 0])
    template = BayesianNeuralBandit(**known, prior_std=0.1, prior_mean={1: 2.0}, alpha=2.0)
    expected = BayesianNeuralBandit(**template.get_params()).fit(X, arm, reward=X[:, 0])
    same_beliefs(transfer(source, template), expected, X, atol=1e-8)


@pytest.mark.parametrize("is_sure", [False, True])
def test_forgotten_weights_leave_the_marginal_of_the_others(is_sure):
    rng = np.random.RandomState(0)
    root = rng.standard_normal((50 if is_sure else 3, 6))
    gram, moment = root.T @ root, rng.standard_normal(6)
    prior = rng.standard_normal(6), rng.uniform(0.5, 2.0, size=6)
    covariance = np.linalg.inv(np.diag(prior[1]) + gram)
    mean = covariance @ (prior[1] * prior[0] + moment)
    kept, gone = np.array([0, 2, 3]), np.array([1, 4, 5])
    new_gram, new_moment = forget_weights(gram, moment, prior, gone)
    left = prior[0][kept], prior[1][kept]
    belief = WeightBelief.posterior(left, new_gram[np.ix_(kept, kept)], new_moment[kept])
    np.testing.assert_allclose(belief.mean, mean[kept])
    np.testing.assert_allclose(belief.covariance(), covariance[np.ix_(kept, kept)])
    assert not new_gram[gone].any()
    assert not new_gram[:, gone].any()
    assert not new_moment[gone].any()


def test_the_average_of_arms_starts_a_new_one():
    X, arm, reward = rounds(n_arms=3)
    bandit = BayesianNeuralBandit(arms=[0, 1, 2], hidden_units=(3,)).fit(X, arm, reward=reward)
    added = bandit.add_arms([3], init="mean")
    np.testing.assert_allclose(added.gram_[3], bandit.gram_.mean(axis=0))
    np.testing.assert_allclose(added.weight_[3], bandit.weight_.mean())
    part = bandit.add_arms([3, 4], init={3: {0: 0.5, 2: 0.25}, 4: {1: 0.5}})
    shares = np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.0]])
    for name in ("gram_", "moment_", "weight_"):
        expected = np.tensordot(shares, getattr(bandit, name), axes=1)
        np.testing.assert_allclose(getattr(part, name)[3:], expected, atol=1e-12)
    prior = bandit.add_arms([3, 4]).state_
    for name in ("center", "spread"):
        known, start = getattr(bandit.state_, name), getattr(prior, name)[3:]
        expected = shares @ known + np.array([[0.25], [0.5]]) * start
        np.testing.assert_allclose(getattr(part.state_, name)[3:], expected, rtol=1e-12)
    twin = bandit.add_arms([3], init=1)
    for ours in twin.expected_reward(X, return_std=True):
        np.testing.assert_allclose(ours[:, 3], ours[:, 1])


def test_growing_layers_and_features_at_once_by_name():
    X, arm, reward = rounds()
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    source = BayesianNeuralBandit(hidden_units=(3,)).fit(frame, arm, reward=reward)
    wide = frame.assign(new=0.0)[["new", "c", "a", "b"]]
    template = BayesianNeuralBandit(arms=[0, 1], hidden_units=(5,)).fit(
        wide[:2], arm[:2], reward=reward[:2]
    )
    same_beliefs(transfer(source, template), source, wide, frame, rtol=2e-3, atol=1e-6)


def test_categorical_columns_are_matched_by_name():
    rng = np.random.RandomState(0)
    frame = pd.DataFrame({"age": rng.standard_normal(80), "city": rng.randint(3, size=80)})
    reward, arm = rng.uniform(size=80), rng.randint(2, size=80)
    for params in ({}, {"hidden_units": (3,), "embedding_dim": 2}):
        source = BayesianNeuralBandit(categorical_features={"city": 3}, **params)
        source.fit(frame, arm, reward=reward)
        other = frame.assign(plan=0)[["city", "plan", "age"]]
        categories = {"city": 5, "plan": 2}
        template = BayesianNeuralBandit(arms=[0, 1], categorical_features=categories, **params)
        template.fit(other[:4], arm[:4], reward=reward[:4])
        moved = transfer(source, template)
        same = moved.expected_reward(other)
        if not params:
            # The new column's own categories are at their prior, which has mean zero.
            location = moved._scores(other.to_numpy(dtype=float))[0]
            expected = source._scores(frame.to_numpy(dtype=float))[0]
            np.testing.assert_allclose(location, expected, atol=1e-8)
        assert np.isfinite(same).all()
        moved.partial_fit(other.assign(city=4), arm, reward)


def test_dropping_moves_categorical_positions():
    rng = np.random.RandomState(0)
    X = np.column_stack(
        [rng.standard_normal(50), rng.randint(3, size=50), rng.standard_normal(50)]
    )
    arm, reward = rng.randint(2, size=50), rng.uniform(size=50)
    bandit = BayesianNeuralBandit(categorical_features={1: 3}).fit(X, arm, reward=reward)
    smaller = bandit.drop_features([0])
    assert smaller.categorical_features == {0: 3}
    assert smaller.n_categories_.tolist() == [3, 0]
    assert bandit.categorical_features == {1: 3}
    kept = [0, 2, 3, 4, 5]
    np.testing.assert_allclose(
        smaller.covariance_, bandit.covariance_[:, [0, 2, 3, 4, 5]][:, :, kept]
    )
    np.testing.assert_allclose(smaller.mean_, bandit.mean_[:, kept])
    smaller.fit(X[:, 1:], arm, reward=reward)


def test_a_new_feature_may_be_categorical():
    X, arm, reward = rounds()
    bandit = BayesianNeuralBandit(arms=[0, 1]).fit(X, arm, reward=reward)
    bigger = bandit.set_params(categorical_features={3: 4}).expand_features(1)
    assert bigger.n_categories_.tolist() == [0, 0, 0, 4]
    assert bigger.mean_.shape == (2, 8)


CODED = pytest.mark.parametrize(
    "params",
    [
        {},
        {"embedding_dim": 2},
        {"hidden_units": (4,)},
        {"hidden_units": (4,), "embedding_dim": 2, "weights": "student_t"},
        {"hidden_units": (4, 4), "precision": "diagonal", "likelihood": "gaussian"},
        {"hidden_units": (4, 4), "residual": True, "embedding_dim": 2, "activation": "sigmoid"},
    ],
    ids=str,
)


@CODED
@pytest.mark.parametrize("arms", [[0, 1], [0, 1, 2]])
def test_a_new_column_of_categories_leaves_beliefs_as_they_were(params, arms):
    """All known rounds had code 0; an arm that nobody has played is at its prior."""
    X, arm, reward = rounds()
    bandit = BayesianNeuralBandit(arms=arms, **params).fit(X, arm, reward=reward)
    old = bandit.expected_reward(X, return_std=True)
    bigger = bandit.set_params(categorical_features={3: 4}).expand_features(1)
    new = bigger.expected_reward(padded(X), return_std=True)
    for before, after in zip(old, new, strict=True):
        np.testing.assert_allclose(after[:, :2], before[:, :2], rtol=1e-6, atol=1e-9)
    # What the others mean is learnt.
    other = np.column_stack([X, np.full(len(X), 2.0)])
    bigger.partial_fit(other, np.zeros(len(X), dtype=int), np.ones(len(X)))
    code, none = bigger.expected_reward(other)[:, 0], bigger.expected_reward(padded(X))[:, 0]
    assert code.mean() > none.mean() + 0.02


@CODED
@pytest.mark.parametrize("arm_model", ["disjoint", "shared"])
def test_more_categories_leave_beliefs_about_the_known_ones_as_they_were(params, arm_model):
    """Also the policy of shared weights, a share of draws."""
    rng = np.random.RandomState(0)
    shape = (60, 3) if arm_model == "shared" else (60,)
    X = [rng.standard_normal(shape), rng.randint(3, size=shape), rng.standard_normal(shape)]
    X, arm = np.stack(X, axis=-1), rng.randint(3, size=60)
    params = {"arm_model": arm_model, "n_draws": 50, "random_state": 0, **params}
    if arm_model == "disjoint":
        params["arms"] = [0, 1, 2]
    source = BayesianNeuralBandit(categorical_features={1: 3}, **params)
    reward = rng.randint(2, size=60)
    source.fit(X, arm, reward=reward)
    template = BayesianNeuralBandit(categorical_features={1: 5}, **params)
    moved = transfer(source, template)
    same_beliefs(moved, source, X, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(moved.predict_proba(X), source.predict_proba(X), atol=1e-9)
    # A category that nobody has seen is where it would be had it been there from the start.
    known = BayesianNeuralBandit(categorical_features={1: 5}, **params)
    known.fit(X, arm, reward=reward)
    unseen = X.copy()
    unseen[..., 1] = 4
    same_beliefs(moved, known, unseen, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"activation": "relu"}, "activation is 'tanh' in source and 'relu' in template"),
        ({"residual": True}, "residual is False in source and True in template"),
        ({"hidden_units": (3, 4)}, r"\[4, 4\] in source and \[3, 4\] in template"),
        ({"hidden_units": (4,)}, "number of hidden layers is 2 in source and 1 in template"),
        ({"likelihood": "gaussian"}, "likelihood"),
        ({"weights": "student_t"}, "weights is 'gaussian' in source"),
        ({"precision": "diagonal"}, "precision is 'full' in source"),
        ({"categorical_features": {1: 3}}, "column 1 is numeric in source"),
    ],
)
def test_transfer_refuses_another_structure(changed, message):
    X, arm, reward = rounds()
    source = BayesianNeuralBandit(hidden_units=(4, 4)).fit(X, arm, reward=reward)
    template = BayesianNeuralBandit(**{"hidden_units": (4, 4), **changed})
    with pytest.raises(ValueError, match=message):
        transfer(source, template)


def test_merge_adds_up_what_shards_have_learnt():
    X, arm, reward = rounds(2000)
    whole = BayesianNeuralBandit(arms=[0, 1]).fit(X, arm, reward=reward)
    shards = [
        BayesianNeuralBandit(arms=[0, 1]).fit(X[part], arm[part], reward=reward[part])
        for part in np.array_split(np.arange(2000), 4)
    ]
    merged = merge(shards)
    std = np.sqrt(np.einsum("akk->ak", whole.covariance_))
    assert (np.abs(merged.mean_ - whole.mean_) < 0.3 * std).all()
    np.testing.assert_allclose(np.sqrt(np.einsum("akk->ak", merged.covariance_)), std, rtol=0.1)
    np.testing.assert_allclose(merged.successes_, whole.successes_)
    hidden = [
        BayesianNeuralBandit(hidden_units=(2,)).fit(X[:9], arm[:9], reward=reward[:9])
        for _ in range(2)
    ]
    with pytest.raises(ValueError, match="cannot be merged"):
        merge(hidden)


@KINDS
def test_pickles_learn_on_as_if_nothing_had_happened(params):
    X, arm, reward = rounds()
    bandit = BayesianNeuralBandit(arms=[0, 1], random_state=0, **params)
    bandit.partial_fit(X[:30], arm[:30], reward[:30])
    twin = pickle.loads(pickle.dumps(bandit))
    for one in (bandit, twin):
        one.partial_fit(X[30:], arm[30:], reward[30:])
    np.testing.assert_array_equal(bandit.mean_, twin.mean_)
    np.testing.assert_array_equal(bandit.predict(X), twin.predict(X))


def test_a_dump_continues_in_another_process(tmp_path):
    X, arm, reward = rounds()
    bandit = BayesianNeuralBandit(arms=[0, 1], hidden_units=(4,), random_state=0)
    bandit.partial_fit(X[:30], arm[:30], reward[:30])
    joblib.dump((bandit, X, arm, reward), tmp_path / "in.joblib")
    script = (
        "import joblib; bandit, X, arm, reward = joblib.load('in.joblib');"
        "bandit.partial_fit(X[30:], arm[30:], reward[30:]); joblib.dump(bandit, 'out.joblib')"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    bandit.partial_fit(X[30:], arm[30:], reward[30:])
    there = joblib.load(tmp_path / "out.joblib")
    np.testing.assert_allclose(there.mean_, bandit.mean_, rtol=1e-12)
    np.testing.assert_array_equal(there.predict(X), bandit.predict(X))


def test_learning_draws_nothing():
    before = np.random.get_state()[1].copy()
    X, arm, reward = rounds()
    BayesianNeuralBandit(hidden_units=(4,)).fit(X, arm, reward=reward).predict_proba(X)
    np.testing.assert_array_equal(before, np.random.get_state()[1])
