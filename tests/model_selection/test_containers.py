"""Contexts and logs in every container: the answer is that of arrays, whatever the index."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skbandit.base import make_log
from skbandit.benchmark import simulate
from skbandit.environments import ClassificationEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.metrics import (
    balanced_weight,
    cross_fit_rewards,
    get_policy_scorer,
    make_policy_scorer,
)
from skbandit.model_selection import (
    LogSplit,
    compare_policies,
    cross_val_predict,
    estimate_propensity,
    progressive_validation,
    replay_validate,
)
from skbandit.selectors import EpsilonGreedySelector

# Rewards and propensities are made up.
pytestmark = [
    pytest.mark.filterwarnings("ignore:the importance weights have mean"),
    pytest.mark.filterwarnings("ignore:all of the"),
]

N_ROUNDS = 120
NAMES = ["u", "v", "w"]


@pytest.fixture(scope="module")
def rounds():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((N_ROUNDS, 3))
    arm = rng.choice(["a", "b"], size=N_ROUNDS)
    reward = np.where(arm == "a", X[:, 0], -X[:, 0]) + 0.1 * rng.standard_normal(N_ROUNDS)
    return X, make_log(arm, reward, np.full(N_ROUNDS, 0.5))


def shuffled_index():
    """Positions that are labels of other rows."""
    return np.random.RandomState(1).permutation(N_ROUNDS)


FRAMES = {
    "pandas": lambda X: pd.DataFrame(X, columns=NAMES),
    "pandas, index shuffled": lambda X: pd.DataFrame(X, columns=NAMES, index=shuffled_index()),
    "pandas, index of texts": lambda X: pd.DataFrame(
        X, columns=NAMES, index=[f"row {i}" for i in range(N_ROUNDS)]
    ),
    "pandas, index of one label": lambda X: pd.DataFrame(X, columns=NAMES, index=[7] * N_ROUNDS),
    "polars": lambda X: pl.DataFrame(X, schema=NAMES),
}
ARRAYS = {"list": np.ndarray.tolist, "csr": sparse.csr_array, "coo": sparse.coo_array}
CONTAINERS = FRAMES | ARRAYS


def log_forms(log):
    columns = {name: log[name] for name in log.dtype.names}
    return {
        "pandas": pd.DataFrame({**columns, "note": "x"}, index=shuffled_index()),
        "polars": pl.DataFrame({**columns, "note": ["x"] * N_ROUNDS}),
    }


def bandit(**params):
    return LinearUCB(precision="diagonal", random_state=0, **params)


def replayed(X, log):
    result = replay_validate(bandit(), X, log, batch_size=3)
    return [result.value.value, *result.rounds["row"]]


def progressive(X, log):
    result = progressive_validation(bandit(), X, log, batch_size=10, estimator="dr")
    return [*result.rounds["running_value"], *result.rounds["expected_reward"]]


def compared(X, log):
    policy = bandit(arms=["a", "b"])
    # Not fitted: it plays from its prior, so the names of columns are of no account.
    return compare_policies({"prior": policy}, X, log, estimator="snips").to_numpy().ravel()


def scored(X, log):
    policy = bandit().fit(X, log)
    # The default reward model is another one for sparse contexts.
    robust = make_policy_scorer("dr", reward_model=Ridge(solver="lsqr", tol=1e-10))
    return [scorer(policy, X, log) for scorer in (robust, get_policy_scorer("snips"))]


def propensities(X, log):
    estimated = estimate_propensity(log, X, LogisticRegression())
    return np.asarray(estimated["propensity"])


def predicted(X, log):
    return cross_val_predict(bandit(), X, log, method="expected_reward").ravel()


FUNCTIONS = [replayed, progressive, compared, scored, propensities, predicted]


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_contexts(function, kind, rounds):
    X, log = rounds
    np.testing.assert_allclose(
        function(CONTAINERS[kind](X), log), function(X, log), rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize("kind", ["pandas", "polars"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_logs(function, kind, rounds):
    X, log = rounds
    form = log_forms(log)[kind]
    np.testing.assert_allclose(function(X, form), function(X, log))
    np.testing.assert_allclose(
        function(FRAMES["pandas, index shuffled"](X), form), function(X, log)
    )


def test_estimated_propensities_join_the_frame_by_position(rounds):
    X, log = rounds
    wanted = estimate_propensity(log, X)["propensity"]
    for form in log_forms(log).values():
        found = estimate_propensity(form, X)
        assert type(found) is type(form)
        np.testing.assert_allclose(np.asarray(found["propensity"]), wanted)
        assert list(found["note"]) == ["x"] * N_ROUNDS
        if isinstance(form, pd.DataFrame):
            assert found.index.equals(form.index)


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("arm_model", ["disjoint", "shared"])
def test_reward_models(arm_model, kind, rounds):
    X, log = rounds
    arm = (log["arm"] == "b").astype(int)
    found, wanted = (
        cross_fit_rewards(Ridge(solver="lsqr", tol=1e-10), given, arm, log["reward"],
                          arm_model=arm_model)
        for given in (CONTAINERS[kind](X), X)
    )  # fmt: skip
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("kind", FRAMES)
def test_shared_reward_model_of_a_frame_keeps_its_columns(kind, rounds):
    X, log = rounds
    seen = []

    class Model(Ridge):
        def fit(self, X, y):
            seen.append(list(X.columns))
            return super().fit(X, y)

    arm = (log["arm"] == "b").astype(int)
    cross_fit_rewards(Model(), FRAMES[kind](X), arm, log["reward"], arm_model="shared", cv=2)
    assert seen == [[*NAMES, "arm 0", "arm 1"]] * 2


@pytest.mark.parametrize("kind", CONTAINERS)
def test_balanced_weights(kind, rounds):
    X, log = rounds
    found, wanted = (
        balanced_weight(
            given,
            arm=(log["arm"] == "b").astype(int),
            policy_probability=np.tile([0.25, 0.75], (N_ROUNDS, 1)),
            estimator=LogisticRegression(tol=1e-8),
            random_state=0,
        )
        for given in (CONTAINERS[kind](X), X)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_environments_and_splits(kind, rounds):
    X, log = rounds
    given = CONTAINERS[kind](X)
    bandits = [bandit(arms=["a", "b"]) for _ in range(2)]
    found, wanted = (
        simulate(one, ClassificationEnvironment(rows, log["arm"]), 60, random_state=0)["arm"]
        for one, rows in zip(bandits, (given, X), strict=True)
    )
    assert found.tolist() == wanted.tolist()
    found, wanted = (
        log_policy(one, ClassificationEnvironment(rows, log["arm"]), 60, random_state=0)[1]
        for one, rows in zip(bandits, (given, X), strict=True)
    )
    assert found.tolist() == wanted.tolist()
    folds, wanted = (list(LogSplit(3).split(rows)) for rows in (given, X))
    assert str(folds) == str(wanted)


# ------------------------------------------------------------------------ texts
TEXTS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "pandas": lambda texts: pd.Series(texts, index=shuffled_index()),
    "polars": pl.Series,
}


@pytest.fixture(scope="module")
def texts():
    """Texts of which one word says what each arm pays; the log is of a uniform policy."""
    rng = np.random.RandomState(2)
    is_car = rng.uniform(size=N_ROUNDS) < 0.5
    arm = rng.choice(["a", "b"], size=N_ROUNDS)
    reward = (is_car == (arm == "a")).astype(float)
    words = np.where(is_car, "car", "bike")
    return (
        [f"a {word}, number {i % 3}" for i, word in enumerate(words)],
        make_log(arm, reward, np.full(N_ROUNDS, 0.5)),
        words,
    )


def reader(last=None):
    last = LinearUCB(alpha=0.3, random_state=0) if last is None else last
    return make_pipeline(HashingVectorizer(n_features=64), FunctionTransformer(as_dense), last)


def as_dense(X):
    return X.toarray()


@pytest.mark.parametrize("kind", TEXTS)
def test_texts(kind, texts):
    rows, log, words = texts
    X = TEXTS[kind](rows)
    progress = progressive_validation(reader(), X, log, batch_size=10)
    assert progress.bandit.classes_.tolist() == ["a", "b"]
    assert progress.value.value > 0.7 > log["reward"].mean() + 0.1
    replay = replay_validate(reader(), X, log)
    assert replay.value.value > 0.7
    dense = HashingVectorizer(n_features=64).transform(rows).toarray()
    assert replay.rounds.equals(replay_validate(reader()[-1], dense, log).rounds)
    policy = reader().fit(X, log)
    assert get_policy_scorer("snips")(policy, X, log) > 0.9
    assert compare_policies(policy, X, log, estimator="snips")["value"].iloc[1] > 0.9
    model = reader(Ridge())
    assert compare_policies(policy, X, log, reward_model=model)["value"].iloc[1] > 0.9
    chosen = cross_val_predict(reader(), X, log)
    assert np.mean((chosen == "a") == (words == "car")) > 0.9
    logger = reader(LogisticRegression())
    propensity = estimate_propensity(log, X, logger)["propensity"]
    assert 0.3 < np.median(propensity) < 0.7
    environment = ClassificationEnvironment(X, np.where(words == "car", "a", "b"))
    assert environment.n_features == 1
    played = simulate(reader(), environment, N_ROUNDS, random_state=0)
    assert played["reward"][-40:].mean() > 0.9
    contexts, again = log_policy(policy, environment, 50, random_state=0)
    assert len(contexts) == 50
    assert again["reward"].mean() > 0.9


def test_rows_of_mixed_kinds_reach_the_steps_as_they_are(rounds):
    _, log = rounds
    rows = [{"word": "car" if arm == "a" else "bike"} for arm in log["arm"]]
    pipeline = make_pipeline(DictVectorizer(), bandit(selector=EpsilonGreedySelector(0.5)))
    result = progressive_validation(pipeline, rows, log, batch_size=20)
    assert np.isfinite(result.value.value)


# ----------------------------------------------------------------------- labels
def mislabelled(kind):
    arm = {
        "missing": ["a", None, "b", "a"],
        "not a number": ["a", np.nan, "b", "a"],
        "mixed": ["a", 1, "b", "a"],
    }[kind]
    return pd.DataFrame({"arm": pd.Series(arm, dtype=object), "reward": 1.0, "propensity": 0.5})


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "y has a missing label in 1 of 4"),
        ("not a number", "y has a missing label in 1 of 4"),
        ("mixed", "y must hold labels of one type.* int and str"),
    ],
)
@pytest.mark.parametrize(
    "call",
    [
        lambda X, log: progressive_validation(LinearUCB(), X, log),
        lambda X, log: replay_validate(LinearUCB(), X, log),
        lambda X, log: compare_policies(LinearUCB(arms=["a", "b"]), X, log),
        lambda X, log: get_policy_scorer("snips")(LinearUCB(arms=["a", "b"]), X, log),
        lambda X, log: cross_val_predict(LinearUCB(), X, log, cv=2),
        lambda X, log: estimate_propensity(log, X, cv=2),
        lambda X, log: ClassificationEnvironment(X, log["arm"]).sample(2),
    ],
    ids=["progressive", "replay", "compare", "score", "predict", "propensity", "environment"],
)
def test_labels_that_name_no_arm(call, kind, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((4, 2)), mislabelled(kind))


def test_integers_of_dtype_object_are_integers(rounds):
    X, log = rounds
    number = (log["arm"] == "b").astype(int)
    plain = make_log(number, log["reward"], log["propensity"])
    frame = pd.DataFrame({name: plain[name] for name in plain.dtype.names})
    frame["arm"] = frame["arm"].astype(object)
    wanted = progressive_validation(bandit(), X, plain)
    found = progressive_validation(bandit(), X, frame)
    assert found.value.value == wanted.value.value
    assert found.bandit.classes_.tolist() == [0, 1]
    np.testing.assert_allclose(propensities(X, frame), propensities(X, plain))
