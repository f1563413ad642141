"""The runner: what is played, when it is learnt, and what the table says of it."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from skbandit.benchmark import simulate
from skbandit.environments import ClassificationEnvironment, LinearEnvironment, WheelEnvironment
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import EpsilonGreedySelector, SoftmaxSelector, TopKSelector

COLUMNS = [
    "policy",
    "repeat",
    "round",
    "arm",
    "propensity",
    "reward",
    "expected_reward",
    "regret",
    "cumulative_regret",
    "uniform_regret",
    "decision_time",
    "learning_time",
]
PLAYED = [name for name in COLUMNS if not name.endswith("time")]


def line_environment(n_rows, labels="xyz"):
    """Contexts that count the rounds; arms pay by a table without noise."""
    X = np.arange(float(n_rows))[:, None]
    return ClassificationEnvironment(X, np.resize(list(labels), n_rows), shuffle=False)


def expected_diary(n_rounds, batch_size, delay):
    """When each batch is decided and learnt, told round by round."""
    entries, open_batches = [], []
    for start in range(0, n_rounds, batch_size):
        batch = list(range(start, min(start + batch_size, n_rounds)))
        # A batch is learnt once `delay` rounds were decided after its last one.
        for other in list(open_batches):
            if start - 1 - other[-1] >= delay:
                entries.append(("learn", other))
                open_batches.remove(other)
        entries.append(("decide", batch))
        open_batches.append(batch)
    return entries + [("learn", other) for other in open_batches]


@pytest.mark.parametrize("batch_size", [1, 4, 7, 100])
@pytest.mark.parametrize("delay", [0, 1, 3, 4, 5, 50])
def test_when_rounds_are_decided_and_learnt(diary_bandit, batch_size, delay):
    n_rounds = 22
    results = simulate(
        diary_bandit(),
        line_environment(n_rounds),
        n_rounds,
        batch_size=batch_size,
        feedback_delay=delay,
        random_state=0,
    )
    told = [(what, rows) for what, rows, _, _ in diary_bandit.diary]
    assert told == expected_diary(n_rounds, batch_size, delay)
    # What is learnt is what was played and paid.
    for what, rows, arms, rewards in diary_bandit.diary:
        if what == "learn":
            played = results.loc[[int(row) for row in rows]]
            assert arms == played["arm"].tolist()
            assert rewards == played["reward"].tolist()


def test_table_is_true():
    environment = LinearEnvironment(n_features=3, n_arms=4, intercept_std=1.0)
    bandits = {
        "softmax": LinearUCB(selector=SoftmaxSelector()),
        "thompson": LinearThompsonSampling(),
    }
    results = simulate(bandits, environment, 40, n_repeats=3, random_state=0)
    assert results.columns.tolist() == COLUMNS
    assert len(results) == 2 * 3 * 40
    assert results["policy"].cat.categories.tolist() == ["softmax", "thompson"]
    assert (results["decision_time"] > 0).all()
    assert (results["learning_time"] > 0).all()
    assert results["propensity"].between(0, 1, inclusive="right").all()
    assert (results["propensity"] < 1).any()
    seeds = np.random.RandomState(0).randint(np.iinfo(np.int32).max, size=(3, 2))
    for (_, repeat), run in results.groupby(["policy", "repeat"], observed=True):
        assert run["round"].tolist() == list(range(40))
        rounds = environment.sample(40, int(seeds[repeat, 0]))
        total = 0.0
        for row, reward, expected in zip(
            run.itertuples(), rounds.reward, rounds.expected, strict=True
        ):
            assert row.reward == reward[row.arm]
            assert row.expected_reward == expected[row.arm]
            assert row.regret == pytest.approx(max(expected) - expected[row.arm], abs=1e-12)
            assert row.uniform_regret == pytest.approx(max(expected) - sum(expected) / 4)
            total += row.regret
            assert row.cumulative_regret == pytest.approx(total, abs=1e-9)


def test_equals_a_loop_by_hand():
    environment = LinearEnvironment(n_features=3, n_arms=3)
    results = simulate(LinearUCB(random_state=0), environment, 60, batch_size=7, random_state=4)
    (seed, _) = np.random.RandomState(4).randint(np.iinfo(np.int32).max, size=2)
    X, reward, _ = environment.sample(60, int(seed))
    bandit = LinearUCB(arms=[0, 1, 2], random_state=0)
    for start in range(0, 60, 7):
        rows = np.arange(start, min(start + 7, 60))
        arms, propensity = bandit.predict(X[rows], return_propensity=True)
        assert results["arm"][rows].tolist() == arms.tolist()
        assert results["propensity"][rows].tolist() == propensity.tolist()
        bandit.partial_fit(X[rows], arms, reward[rows, arms])


def test_bandits_learn():
    environment = LinearEnvironment(n_features=5, n_arms=4)
    bandits = {"ucb": LinearUCB(), "thompson": LinearThompsonSampling()}
    results = simulate(bandits, environment, 1500, batch_size=10, random_state=0)
    for _, run in results.groupby("policy", observed=True):
        late = run[-300:]
        assert late["regret"].sum() < 0.1 * late["uniform_regret"].sum()


def test_uniform_policy_has_the_uniform_regret():
    environment = WheelEnvironment()
    uniform = LinearUCB(selector=EpsilonGreedySelector(epsilon=1.0))
    results = simulate(uniform, environment, 20_000, batch_size=1000, random_state=0)
    difference = results["regret"] - results["uniform_regret"]
    assert abs(difference.mean()) < 5 * difference.std() / np.sqrt(len(results))
    np.testing.assert_allclose(results["propensity"], 0.2)


def test_policies_share_rounds_and_do_not_disturb_each_other():
    environment = LinearEnvironment(n_features=3, n_arms=3)
    bandits = {"a": LinearUCB(), "b": LinearThompsonSampling(), "c": LinearUCB(alpha=0.0)}
    options = {"n_repeats": 3, "random_state": 1}
    together = simulate(bandits, environment, 30, **options)
    runs = [run for _, run in together.groupby("policy", observed=True)]
    rounds = [run["uniform_regret"].to_numpy() for run in runs]
    np.testing.assert_array_equal(rounds[0], rounds[1])
    np.testing.assert_array_equal(rounds[0], rounds[2])
    by_repeat = rounds[0].reshape(3, 30)
    assert not np.array_equal(by_repeat[0], by_repeat[1])
    alone = simulate({"b": bandits["b"]}, environment, 30, n_repeats=1, random_state=1)
    first = together[(together["policy"] == "b") & (together["repeat"] == 0)]
    np.testing.assert_array_equal(alone["arm"], first["arm"])
    np.testing.assert_array_equal(alone["reward"], first["reward"])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_random_state_makes_it_reproducible(n_jobs):
    environment = LinearEnvironment(n_features=3, n_arms=3)
    bandits = {"ucb": LinearUCB(selector=SoftmaxSelector()), "ts": LinearThompsonSampling()}
    options = {"n_repeats": 2, "random_state": 7}
    first = simulate(bandits, environment, 25, **options)
    again = simulate(bandits, environment, 25, n_jobs=n_jobs, **options)
    pd.testing.assert_frame_equal(first[PLAYED], again[PLAYED])
    other = simulate(bandits, environment, 25, n_repeats=2, random_state=8)
    assert not first["reward"].equals(other["reward"])
    fresh = [simulate(bandits, environment, 25)["reward"] for _ in range(2)]
    assert not fresh[0].equals(fresh[1])


def test_what_is_given_stays_as_it_is():
    environment = LinearEnvironment(n_features=3, n_arms=3)
    fitted = LinearUCB(arms=[0, 1, 2], random_state=np.random.RandomState(0))
    simulate(fitted, environment, 20, random_state=0)
    assert not hasattr(fitted, "classes_")
    X, reward, _ = environment.sample(30)
    fitted.partial_fit(X, np.zeros(30, dtype=int), reward[:, 0])
    for options in ({}, {"warm_start": True}, {"learn": False}):
        before = pickle.dumps(fitted)
        simulate(fitted, environment, 20, random_state=0, **options)
        assert pickle.dumps(fitted) == before


def test_warm_start_keeps_what_was_learnt(diary_bandit):
    environment = line_environment(10)
    bandit = diary_bandit(arms=["x", "y", "z"])
    bandit.n_learnt_ = 5
    learnt = []
    bandit.diary.clear()

    class Counting(diary_bandit):
        def partial_fit(self, X, y, reward):
            learnt.append(getattr(self, "n_learnt_", 0))
            return super().partial_fit(X, y, reward)

    counting = Counting(arms=["x", "y", "z"])
    counting.n_learnt_ = 5
    simulate(counting, environment, 3, n_repeats=2)
    assert learnt == [0, 1, 2] * 2
    learnt.clear()
    simulate(counting, environment, 3, n_repeats=2, warm_start=True)
    assert learnt == [5, 6, 7] * 2


def test_without_learning(diary_bandit):
    results = simulate(diary_bandit(), line_environment(12), 12, batch_size=5, learn=False)
    assert [what for what, *_ in diary_bandit.diary] == ["decide"] * 3
    assert (results["learning_time"] == 0).all()
    X, y = np.arange(20.0)[:, None], np.resize(["x", "y"], 20)
    model = LogisticRegression().fit(X, y)
    results = simulate(model, line_environment(12), 12, learn=False, random_state=0)
    chance = model.predict_proba(np.arange(12.0)[:, None])
    column = (results["arm"] == "y").to_numpy().astype(int)
    np.testing.assert_allclose(results["propensity"], chance[np.arange(12), column])
    assert set(results["arm"]) == {"x", "y"}


def test_equal_contexts_are_decided_independently_under_delay():
    environment = ClassificationEnvironment(np.ones((300, 1)), np.resize([0, 1, 2], 300))
    results = simulate(LinearUCB(), environment, 300, feedback_delay=1000, random_state=0)
    counts = results["arm"].value_counts().to_numpy()
    assert len(counts) == 3
    # Multinomial with 1/3 each: five standard deviations are 41.
    assert (np.abs(counts - 100) < 41).all()


def test_repeats_draw_independently(diary_bandit):
    results = simulate(diary_bandit(), line_environment(30), 30, n_repeats=4, random_state=0)
    played = results["arm"].to_numpy().reshape(4, 30)
    assert len({tuple(run) for run in played}) == 4


def test_sets_of_arms():
    environment = LinearEnvironment(n_features=3, n_arms=4)
    bandit = LinearUCB(selector=TopKSelector(k=2))
    results = simulate(bandit, environment, 50, random_state=0)
    (seed, _) = np.random.RandomState(0).randint(np.iinfo(np.int32).max, size=2)
    rounds = environment.sample(50, int(seed))
    for row, reward, expected in zip(
        results.itertuples(), rounds.reward, rounds.expected, strict=True
    ):
        assert isinstance(row.arm, tuple)
        assert len(set(row.arm)) == len(row.propensity) == 2
        pairs = [(i, j) for i in range(4) for j in range(i)]
        best = max(expected[i] + expected[j] for i, j in pairs)
        mean = sum(expected[i] + expected[j] for i, j in pairs) / len(pairs)
        assert row.reward == pytest.approx(sum(reward[arm] for arm in row.arm))
        assert row.expected_reward == pytest.approx(sum(expected[arm] for arm in row.arm))
        assert row.regret == pytest.approx(best - row.expected_reward, abs=1e-12)
        assert row.uniform_regret == pytest.approx(best - mean)


@pytest.mark.parametrize("bandit_class", [LinearUCB, LinearThompsonSampling])
def test_arms_with_features(bandit_class):
    environment = LinearEnvironment(n_features=4, n_arms=6, arm_features=True)
    bandit = bandit_class(arm_model="shared")
    results = simulate(bandit, environment, 400, batch_size=5, random_state=0)
    assert results["arm"].isin(range(6)).all()
    late = results[-100:]
    assert late["regret"].sum() < 0.2 * late["uniform_regret"].sum()


@pytest.mark.parametrize("kind", ["frame", "sparse"])
def test_kinds_of_contexts(kind):
    X = np.random.RandomState(0).standard_normal((80, 3))
    y = np.where(X[:, 0] > 0, "yes", "no")
    contexts = pd.DataFrame(X, columns=list("abc")) if kind == "frame" else sparse.csr_matrix(X)
    bandit = LinearUCB(precision="diagonal")
    plain, other = (
        simulate(bandit, ClassificationEnvironment(Z, y), 80, batch_size=5, random_state=0)
        for Z in (X, contexts)
    )
    assert plain["arm"].tolist() == other["arm"].tolist()


def test_subset_of_arms(diary_bandit):
    results = simulate(diary_bandit(arms=["z", "x"]), line_environment(30), 30, random_state=0)
    assert set(results["arm"]) == {"x", "z"}
    right = results["arm"].to_numpy() == np.resize(list("xyz"), 30)
    np.testing.assert_array_equal(results["reward"], right.astype(float))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"n_rounds": 0}, ValueError),
        ({"n_rounds": 2.5}, TypeError),
        ({"batch_size": 0}, ValueError),
        ({"feedback_delay": -1}, ValueError),
        ({"n_repeats": 0}, ValueError),
    ],
)
def test_bad_parameters(diary_bandit, options, error):
    with pytest.raises(error, match=next(iter(options))):
        simulate(diary_bandit(), line_environment(5), options.pop("n_rounds", 5), **options)


def test_what_cannot_learn(diary_bandit):
    environment = line_environment(5)
    for policy in (LogisticRegression(), GaussianNB()):
        name = type(policy).__name__
        with pytest.raises(TypeError, match=rf"must be a bandit.*got {name}.*learn=False"):
            simulate(policy, environment, 5)
    for nothing in ({}, []):
        with pytest.raises(ValueError, match="bandit must hold at least one policy"):
            simulate(nothing, environment, 5)


def test_errors_name_the_policy(diary_bandit):
    bandits = {"good": diary_bandit(), "bad": diary_bandit(arms=["nowhere"])}
    with pytest.raises(ValueError, match="environment does not have") as info:
        simulate(bandits, line_environment(5), 5)
    assert info.value.__notes__ == ["This was raised by the policy 'bad' in repeat 0."]
