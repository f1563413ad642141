"""What the neural bandits do with their defaults: units, columns, new arms, noise, training."""

import itertools
import warnings

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from skbandit.linear import LinearUCB  # noqa: E402
from skbandit.neural import (  # noqa: E402
    MLP,
    EnsembleBandit,
    NeuralLinearBandit,
    NeuralThompsonSampling,
    NeuralUCB,
    make_net,
)
from skbandit.neural._columns import n_rounds  # noqa: E402
from skbandit.neural._holding import held_out_weight  # noqa: E402
from skbandit.neural._linear_part import offsets  # noqa: E402
from skbandit.neural._scaling import find_scaling  # noqa: E402


def make(name, n_members=3, **parameters):
    if name == "ensemble":
        return EnsembleBandit(n_members=n_members, **parameters)
    kinds = {"linear": NeuralLinearBandit, "ucb": NeuralUCB, "thompson": NeuralThompsonSampling}
    return kinds[name](**parameters)


ALL = pytest.mark.parametrize("name", ["linear", "ucb", "thompson", "ensemble"])


def play(bandit, contexts, pay, size=32):
    """Arms that were played, batch after batch."""
    played = []
    for start in range(0, len(contexts), size):
        rows = contexts[start : start + size]
        arms = bandit.predict(rows)
        bandit.partial_fit(rows, arms, reward=pay(rows, arms))
        played.append(arms)
    return np.concatenate(played)


# ------------------------------------------------------------------------ units
@ALL
@pytest.mark.parametrize(("factor", "offset"), [(1.0, 1e4), (1e-4, 0.0), (250.0, -3e4)])
def test_offset_and_unit_of_rewards_change_no_policy(name, factor, offset):
    rng = np.random.RandomState(0)
    X, arm = rng.normal(size=(300, 4)), rng.randint(3, size=300)
    reward = np.sin(2 * X[:, 0]) * (arm - 1) + 0.2 * rng.normal(size=300)
    policies = []
    for paid in (reward, factor * reward + offset):
        bandit = make(name, arms=[0, 1, 2], net="tiny_mlp", random_state=0)
        for part in (slice(0, 200), slice(200, 300)):
            bandit.partial_fit(X[part], arm[part], reward=paid[part])
        policies.append(bandit.predict_proba(X))
    # Training in single precision rounds the two differently, and of UCB and three members a
    # close decision may turn over.
    different = np.abs(policies[0] - policies[1]).max(axis=1) > 0.05
    assert different.mean() <= 0.02


@ALL
def test_full_feedback_and_the_same_spelt_out_agree(name):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 3))
    best = X.argmax(axis=1)
    one = make(name, random_state=0, min_samples_to_train=10**6).fit(X, best)
    each = np.tile([0, 1, 2], 60)
    paid = (each == np.repeat(best, 3)).astype(float)
    other = make(name, random_state=0, min_samples_to_train=10**6)
    other.fit(np.repeat(X, 3, axis=0), each, reward=paid)
    np.testing.assert_allclose(one.expected_reward(X), other.expected_reward(X), atol=1e-8)


@ALL
@pytest.mark.parametrize("paid", [0.0, 1.0, -7.5])
def test_rewards_that_are_all_alike_leave_a_width(name, paid):
    rng = np.random.RandomState(0)
    X, arm = rng.normal(size=(40, 3)), rng.randint(2, size=40)
    bandit = make(name, arms=[0, 1, 2], random_state=0).fit(X, arm, reward=np.full(40, paid))
    mean, _ = bandit.expected_reward(X, return_std=True)
    np.testing.assert_allclose(mean[:, :2], paid, atol=0.5 * max(abs(paid), 1.0))
    assert np.isfinite(bandit.predict_proba(X)).all()


# ------------------------------------------------------------------------ inputs
@ALL
@pytest.mark.parametrize("constant", [0.0, 2024.0, 1e6])
def test_a_column_that_does_not_vary_costs_nothing(name, constant):
    """Right in .96 to .98 of the last rounds; at random in .33."""
    rng = np.random.RandomState(0)
    X = np.column_stack([rng.normal(size=(1280, 5)), np.full(1280, constant)])
    bandit = make(name, arms=[0, 1, 2], random_state=0)
    arms = play(bandit, X, lambda rows, arms: arms == rows[:, :3].argmax(axis=1))
    assert (arms == X[:, :3].argmax(axis=1))[640:].mean() > 0.9


@ALL
def test_new_columns_in_other_units_widen_nothing_beyond_bounds(name):
    rng = np.random.RandomState(0)
    X, arm = rng.normal(size=(400, 3)), rng.randint(2, size=400)
    reward = X[:, 0] * (2 * arm - 1) + 0.1 * rng.normal(size=400)
    bandit = make(name, arms=[0, 1], random_state=0).fit(X, arm, reward=reward)
    width = bandit.expected_reward(X, return_std=True)[1].max()
    bigger = bandit.expand_features(1)
    more = np.column_stack([X, 5000 + 1000 * rng.normal(size=400)])
    assert bigger.expected_reward(more, return_std=True)[1].max() < 2 * width
    for start in range(0, 400, 50):
        part = slice(start, start + 50)
        bigger.partial_fit(more[part], arm[part], reward=reward[part])
    assert bigger.scaling_.varies.all()
    mean = bigger.expected_reward(more)
    assert np.corrcoef(mean[:, 1], X[:, 0])[0, 1] > 0.95


def test_standardised_inputs_are_bounded():
    rows = np.r_[np.random.RandomState(0).normal(size=(1000, 1)), [[1e9]]]
    columns = {"row": rows, "reward": np.zeros(1001), "weight": np.ones(1001)}
    columns["n_taught"] = np.zeros(1001)
    scaling = find_scaling(columns, 1001.0, standardize=True)
    assert np.abs(scaling.inputs(1e3 * rows)).max() <= 10.0


# ------------------------------------------------------------------------ arms
@ALL
@pytest.mark.parametrize("kind", ["clicks", "euros"])
def test_an_arm_that_comes_late_is_tried(name, kind):
    """Known arms pay .2 and the new one .9, or ten times that; it is best everywhere."""
    rng = np.random.RandomState(0)

    def pay(rows, arms):
        chance = np.where(arms == "d", 0.9, 0.2 + 0.1 * np.tanh(rows[:, 0]) * (arms == "a"))
        if kind == "clicks":
            return (rng.random_sample(len(rows)) < chance).astype(float)
        return 10 * chance + 0.5 * rng.normal(size=len(rows))

    bandit = make(name, arms=["a", "b", "c"], random_state=0)
    play(bandit, rng.normal(size=(600, 6)), pay, size=24)
    bandit = bandit.add_arms(["d"])
    arms = play(bandit, rng.normal(size=(600, 6)), pay, size=24)
    assert (arms == "d").mean() > 0.9


@ALL
def test_the_prior_of_a_new_arm_lies_where_the_rewards_do(name):
    rng = np.random.RandomState(0)
    X, arm = rng.normal(size=(300, 3)), rng.randint(2, size=300)
    reward = 50 + X[:, 0] + 0.5 * rng.normal(size=300)
    bandit = make(name, n_members=10, arms=["a", "b"], random_state=0)
    bandit.fit(X, np.asarray(["a", "b"])[arm], reward=reward)
    mean, std = bandit.add_arms(["c"]).expected_reward(X, return_std=True)
    assert np.abs(mean[:, 2] - 50).max() < 2.5
    assert (std[:, 2] > 2 * std[:, :2].max(axis=1)).mean() > 0.9


# ------------------------------------------------------------------------ noise
@pytest.mark.parametrize("name", ["linear", "ucb", "thompson", "ensemble"])
@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_two_deviations_cover_and_the_noise_is_learnt(name, noise):
    """512 rounds, mean of four fits. Over seeds 1000 to 1029 coverage is .93 to 1 and the learnt
    noise .85 to 1.2 of the true one: a false alarm in fewer than 1 % of seeds."""
    covered, learnt = [], []
    for seed in range(4):
        rng = np.random.RandomState(seed)
        X, arm = rng.normal(size=(512, 5)), rng.randint(2, size=512)
        reward = X[:, 0] * (2 * arm - 1) + noise * rng.normal(size=512)
        bandit = make(name, n_members=10, arms=[0, 1], random_state=seed)
        for start in range(0, 512, 32):
            part = slice(start, start + 32)
            bandit.partial_fit(X[part], arm[part], reward=reward[part])
        new = rng.normal(size=(500, 5))
        mean, std = bandit.expected_reward(new, return_std=True)
        covered.append((np.abs(mean - new[:, :1] * [-1, 1]) < 2 * std).mean())
        learnt.append(np.mean(bandit.noise_variance_) / noise**2)
    assert np.mean(covered) > 0.88
    assert 0.8 < np.mean(learnt) < 1.25


@pytest.mark.parametrize("name", ["linear", "ucb", "thompson"])
def test_width_falls_with_the_root_of_repeated_rounds(name):
    rng = np.random.RandomState(0)
    X = np.tile(rng.normal(size=(64, 3)), (4, 1))
    arm = np.arange(len(X)) % 2
    bandit = make(name, arms=[0, 1], train_every=10**9, random_state=0)
    widths = []
    for repeats in (1, 15):
        paid = np.tile(X[:, 0], repeats) + rng.normal(size=repeats * len(X))
        bandit.partial_fit(np.tile(X, (repeats, 1)), np.tile(arm, repeats), reward=paid)
        widths.append(np.median(bandit._belief(X[:64]).std))
    assert bandit.n_trainings_ == 1
    # Sixteen times the rounds, and a prior that counts a little.
    assert 3.0 < widths[0] / widths[1] < 5.0


# ------------------------------------------------------------------------ training
def test_more_rounds_make_a_better_fit_and_no_unit_dies():
    """26 classes: with a learning rate of 5e-3 the share fell, and a third of the units died."""
    X, y = make_classification(
        5000, 16, n_informative=14, n_redundant=0, n_classes=26, n_clusters_per_class=1,
        class_sep=1.5, random_state=0,
    )  # fmt: skip
    arm = np.random.RandomState(0).randint(26, size=4000)
    reward = (arm == y[:4000]).astype(float)
    bandit, right = NeuralUCB(arms=np.arange(26), random_state=0), []
    for start, stop in ((0, 1000), (1000, 2000), (2000, 4000)):
        for first in range(start, stop, 50):
            part = slice(first, first + 50)
            bandit.partial_fit(X[part], arm[part], reward=reward[part])
        right.append((bandit.predict(X[4000:], explore=False) == y[4000:]).mean())
    assert right[0] + 0.03 < right[1] < right[2] - 0.03
    hidden = bandit.state_.networks[0].frozen.represent(bandit.scaling_.inputs(X))
    assert (hidden == 0).all(axis=0).mean() < 0.05
    linear = LinearUCB(arms=np.arange(26)).fit(X[:4000], arm, reward=reward)
    assert right[-1] > (linear.predict(X[4000:], explore=False) == y[4000:]).mean() - 0.02


def test_a_fit_takes_as_many_steps_as_held_out_rounds_ask_for():
    rng = np.random.RandomState(0)
    X, arm = rng.normal(size=(3000, 4)), rng.randint(2, size=3000)
    noise = rng.normal(size=3000)
    steps = {}
    for name, reward in (("noise", noise), ("signal", np.sin(3 * X[:, 0]) + 0.1 * noise)):
        bandit = NeuralUCB(random_state=0).fit(X, arm, reward=reward)
        steps[name] = sum(row["train_batch_count"] for row in bandit.net_.history)
        losses = [row["held_out_loss"] for row in bandit.net_.history]
        assert np.isfinite(losses).all()
    assert steps["noise"] < 500 < steps["signal"]


@pytest.mark.parametrize("fast", [True, False])
def test_the_net_ends_where_held_out_rounds_were_best(fast, monkeypatch):
    from skbandit.neural import _training

    if not fast:
        monkeypatch.setattr(_training, "can_train_fast", lambda net: False)
    rng = np.random.RandomState(0)
    X, arm = rng.normal(size=(400, 4)), np.zeros(400, dtype=int)
    reward = np.sin(2 * X[:, 0]) + rng.normal(size=400)
    bandit = NeuralUCB(net="tiny_mlp", arms=[0], random_state=0).fit(X, arm, reward=reward)
    inputs = bandit.scaling_.inputs(X)
    _, held = bandit._targets(bandit.state_, inputs, 0)
    outputs = bandit.state_.networks[0].frozen.outputs(inputs)[:, 0]
    loss = held.weight @ (outputs - held.reward) ** 2 / held.weight.sum()
    losses = [row["held_out_loss"] for row in bandit.net_.history]
    assert len(losses) > 5
    assert loss == pytest.approx(min(losses), rel=1e-4)


class Exploding(MLP):
    """Says a million of everything once it is trained."""

    broken = False

    def forward(self, X):
        return super().forward(X) + (1e6 if type(self).broken else 0.0)


def test_a_blow_up_is_a_divergence():
    rng = np.random.RandomState(0)
    X, arm = rng.normal(size=(140, 3)), rng.randint(2, size=140)
    bandit = NeuralUCB(net=Exploding, arms=[0, 1], random_state=0)
    bandit.partial_fit(X[:70], arm[:70], reward=X[:70, 0])
    before = bandit.net_
    Exploding.broken = True
    try:
        with pytest.warns(ConvergenceWarning, match="far beyond all that were paid"):
            bandit.partial_fit(X[70:], arm[70:], reward=X[70:, 0])
    finally:
        Exploding.broken = False
    assert bandit.net_ is before
    assert bandit.n_trainings_ == 1


def test_settings_of_the_user_keep_their_meaning():
    rng = np.random.RandomState(0)
    X, arm = rng.normal(size=(300, 3)), rng.randint(2, size=300)
    net = make_net("tiny_mlp", max_epochs=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        epochs = NeuralUCB(net=net, random_state=0).fit(X, arm, reward=X[:, 0])
        steps = NeuralUCB(initial_train_steps=7, random_state=0).fit(X, arm, reward=X[:, 0])
    assert len(epochs.net_.history) == 3
    assert steps.net_.optimizer_.state_dict()["state"][0]["step"] == 7


# ------------------------------------------------------------------------ parts
@pytest.mark.parametrize("seed", range(3))
def test_what_is_held_out_does_not_depend_on_order_or_repetition(seed):
    rng = np.random.RandomState(seed)
    row, reward = np.repeat(rng.normal(size=(40, 2)), 3, axis=0), rng.randint(2, size=120)
    weight, arm = rng.randint(1, 5, size=120), rng.randint(2, size=120)
    columns = {"row": row, "arm": arm, "reward": reward.astype(float), "weight": weight * 1.0}
    held = held_out_weight(columns, 3)
    assert 0.1 < held.sum() / weight.sum() < 0.3
    assert (held >= 0).all()
    assert (held <= weight).all()
    order = rng.permutation(np.repeat(np.arange(120), weight))
    repeated = {name: column[order] for name, column in columns.items()}
    repeated["weight"] = np.ones(len(order))
    parts = held_out_weight(repeated, 3)
    for context in row[::3]:
        for played, paid in itertools.product((0, 1), (0.0, 1.0)):
            one, other = (
                (rounds["row"] == context).all(axis=1)
                & (rounds["arm"] == played)
                & (rounds["reward"] == paid)
                for rounds in (columns, repeated)
            )
            assert held[one].sum() == pytest.approx(parts[other].sum())


def test_offsets_are_predictions_of_a_ridge_regression_without_the_round():
    rng = np.random.RandomState(0)
    from skbandit.neural._linear_part import Lessons

    terms, reward = rng.normal(size=(30, 2)), rng.normal(size=30)
    zeros = np.zeros(30, dtype=int)
    lessons = Lessons(np.arange(30), zeros, reward, np.ones(30), np.zeros(30))
    found, watched = (
        part[:, 0] for part in offsets(terms, lessons, reward, np.ones(30), 0.7, (30, 1))
    )
    design = np.column_stack([np.ones(30), terms])
    inverse = np.linalg.inv(np.eye(30) + design @ design.T / 0.7)
    # The prior lies at the generalised least-squares mean of all rounds.
    location = inverse.sum(axis=0) @ reward / inverse.sum()
    for left in range(30):
        rest = np.delete(np.arange(30), left)
        matrix = 0.7 * np.eye(3) + design[rest].T @ design[rest]
        coef = np.linalg.solve(matrix, design[rest].T @ (reward[rest] - location))
        assert found[left] == pytest.approx(location + design[left] @ coef, abs=1e-8)
    # What is held out of a round was not learnt: the regression on all of them says it.
    matrix = 0.7 * np.eye(3) + design.T @ design
    coef = np.linalg.solve(matrix, design.T @ (reward - location))
    np.testing.assert_allclose(watched, location + design @ coef, atol=1e-8)


def test_rounds_of_full_feedback_are_counted_exactly():
    """A third of a row is no number of ours, 27 rounds are 27."""
    share = np.repeat([1 / 3, 1 / 7, 1.0], [81, 7 * 27, 4])
    columns = {"arm": np.zeros(len(share)), "share": share, "weight": np.ones(len(share))}
    assert n_rounds(columns) == 27 + 27 + 4
    assert n_rounds({name: column[:81] for name, column in columns.items()}) == 27
    assert n_rounds({name: column[:0] for name, column in columns.items()}) == 0
