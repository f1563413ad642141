"""Progressive validation, against the loop that it stands for."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skbandit.base import make_log
from skbandit.environments import LinearEnvironment, log_policy
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.metrics import dr_value, get_estimator_names, snips_value
from skbandit.model_selection import progressive_validation
from skbandit.selectors import EpsilonGreedySelector


@pytest.fixture(scope="module")
def rounds():
    environment = LinearEnvironment(n_features=3, n_arms=3)
    logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    return log_policy(logger, environment, 400, random_state=0)


@pytest.mark.parametrize("batch_size", [1, 64, 400])
def test_is_predict_then_learn(rounds, batch_size):
    X, log = rounds
    bandit = LinearUCB(arms=[0, 1, 2], selector=EpsilonGreedySelector(epsilon=0.2))
    loop, probability, expected = LinearUCB(**bandit.get_params(deep=False)), [], []
    for start in range(0, 400, batch_size):
        batch = slice(start, start + batch_size)
        probability.append(loop.predict_proba(X[batch]))
        expected.append(loop.expected_reward(X[batch]))
        loop.partial_fit(X[batch], log[batch])
    probability, expected = np.concatenate(probability), np.concatenate(expected)
    given = {
        "reward": log["reward"],
        "propensity": log["propensity"],
        "arm": log["arm"],
        "policy_probability": probability,
    }
    result = progressive_validation(bandit, X, log, batch_size=batch_size)
    assert result.value.value == pytest.approx(snips_value(**given).value, rel=1e-12)
    robust = progressive_validation(bandit, X, log, batch_size=batch_size, estimator="dr")
    reference = dr_value(**given, expected_reward=expected)
    assert robust.value.value == pytest.approx(reference.value, rel=1e-9)
    logged = probability[np.arange(400), log["arm"]]
    np.testing.assert_allclose(result.rounds["probability"], logged)
    np.testing.assert_allclose(
        result.rounds["expected_reward"], expected[np.arange(400), log["arm"]], atol=1e-9
    )
    np.testing.assert_allclose(result.bandit.predict_proba(X), loop.predict_proba(X))
    # What was passed in stays unfitted.
    assert not bandit.__sklearn_is_fitted__()


@pytest.mark.parametrize("estimator", get_estimator_names())
def test_running_value_is_the_value_of_a_shorter_log(rounds, estimator):
    X, log = rounds
    parameters = {
        "clipped_ips": {"clip": 2.0},
        "ix": {"gamma": 0.1},
        "ls": {"lambda_": 0.1},
        "subgaussian_ips": {"lambda_": 0.1},
        "subgaussian_dr": {"lambda_": 0.1},
        "switch_dr": {"tau": 2.0},
        "dros": {"lambda_": 5.0},
        "drps": {"lambda_": 2.0},
    }.get(estimator, {})
    bandit = LinearUCB(arms=[0, 1, 2], selector=EpsilonGreedySelector(epsilon=0.3))
    if estimator == "ls":
        log = log.copy()
        log["reward"] -= log["reward"].min()
    result = progressive_validation(
        bandit, X, log, estimator=estimator, batch_size=10, **parameters
    )
    shorter = progressive_validation(
        bandit, X[:200], log[:200], estimator=estimator, batch_size=10, **parameters
    )
    running = result.rounds["running_value"]
    assert running[199] == pytest.approx(shorter.value.value, rel=1e-9)
    assert running[399] == pytest.approx(result.value.value, rel=1e-9)


def test_learning_shows(rounds):
    X, log = rounds
    result = progressive_validation(LinearUCB(), X, log, batch_size=20)
    first, last = result.rounds[:100], result.rounds[300:]
    assert ((last["expected_reward"] - last["reward"]) ** 2).mean() < (
        (first["expected_reward"] - first["reward"]) ** 2
    ).mean()
    assert result.value.value > log["reward"].mean() + 0.2
    assert result.value.interval("normal").low < result.value.value


def test_arms_are_those_of_the_log(rounds):
    X, log = rounds
    labels = np.array(["left", "right", "none"])[log["arm"]]
    named = make_log(labels, log["reward"], log["propensity"])
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    bandit = LinearUCB(selector=EpsilonGreedySelector(epsilon=0.2))
    one = progressive_validation(bandit, X, log)
    two = progressive_validation(bandit, frame, pd.DataFrame(named))
    assert two.bandit.classes_.tolist() == ["left", "none", "right"]
    assert two.rounds["arm"].tolist() == labels.tolist()
    assert two.value.value == pytest.approx(one.value.value)
    keywords = {"reward": log["reward"], "propensity": log["propensity"]}
    three = progressive_validation(bandit, X, labels, **keywords)
    assert three.value.value == pytest.approx(one.value.value)


def test_pipelines(rounds):
    X, log = rounds
    pipeline = make_pipeline(StandardScaler(), LinearUCB())
    found = progressive_validation(pipeline, X, log, batch_size=50).value.value
    scaler = StandardScaler().fit(X[:50])
    assert (
        found
        == progressive_validation(LinearUCB(), scaler.transform(X), log, batch_size=50).value.value
    )
    with pytest.raises(ValueError, match=r"StandardScaler before the bandit is not fitted"):
        progressive_validation(pipeline, X, log, batch_size=1)
    fitted = make_pipeline(scaler, LinearUCB())
    assert np.isfinite(progressive_validation(fitted, X, log, batch_size=1).value.value)


def test_warm_start(rounds):
    X, log = rounds
    bandit = LinearUCB(alpha=0.0).fit(X[:200], log[:200])
    before = bandit.expected_reward(X)
    warm = progressive_validation(bandit, X[200:], log[200:], warm_start=True)
    cold = progressive_validation(bandit, X[200:], log[200:])
    np.testing.assert_array_equal(bandit.expected_reward(X), before)
    whole = LinearUCB(alpha=0.0).fit(X, log)
    later = LinearUCB(alpha=0.0).fit(X[200:], log[200:])
    np.testing.assert_allclose(warm.bandit.expected_reward(X), whole.expected_reward(X))
    np.testing.assert_allclose(cold.bandit.expected_reward(X), later.expected_reward(X))
    assert warm.value.value > cold.value.value


def test_candidates():
    environment = LinearEnvironment(n_features=3, n_arms=4, arm_features=True)
    logger = LinearUCB(arm_model="shared", selector=EpsilonGreedySelector(epsilon=1.0))
    X, log = log_policy(logger, environment, 400, random_state=0)
    bandit = LinearThompsonSampling(arm_model="shared")
    result = progressive_validation(bandit, X, log, estimator="dr")
    assert result.value.value > log["reward"].mean() + 0.3


def test_progress(rounds, capsys):
    pytest.importorskip("tqdm")
    X, log = rounds
    progressive_validation(LinearUCB(), X, log, progress=True)
    assert "400/400" in capsys.readouterr().err
    progressive_validation(LinearUCB(), X, log)
    assert capsys.readouterr().err == ""


def test_bad_input(rounds):
    X, log = rounds
    with pytest.raises(ValueError, match=r"estimator must be one of .*snips.*got 'mse'"):
        progressive_validation(LinearUCB(), X, log, estimator="mse")
    with pytest.raises(ValueError, match=r"batch_size == 0, must be >= 1"):
        progressive_validation(LinearUCB(), X, log, batch_size=0)
    with pytest.raises(ValueError, match=r"no rewards"):
        progressive_validation(LinearUCB(), X, log["arm"])
    with pytest.raises(ValueError, match=r"propensity is None"):
        progressive_validation(LinearUCB(), X, make_log(log["arm"], log["reward"]))
    with pytest.raises(TypeError, match=r"bandit must be a bandit.*got LogisticRegression"):
        progressive_validation(LogisticRegression(), X, log)
    with pytest.raises(ValueError, match=r"arms that the policy does not know: 2"):
        progressive_validation(LinearUCB(arms=[0, 1]), X, log)


@pytest.mark.filterwarnings("ignore:the importance weights have mean")
@pytest.mark.parametrize("form", ["array", "frame"])
def test_masks(draw_masked, form):
    rounds = draw_masked(600, 0)
    bandit = LinearUCB(alpha=0.0, selector=EpsilonGreedySelector(epsilon=0.1))
    mask = rounds.available
    if form == "frame":
        mask = pd.DataFrame(mask, index=np.arange(600)[::-1])[[2, 1, 3, 0]]
    loop = LinearUCB(**{**bandit.get_params(deep=False), "arms": [0, 1, 2, 3]})
    probability = []
    for start in range(0, 600, 100):
        batch = slice(start, start + 100)
        probability.append(loop.predict_proba(rounds.X[batch], rounds.available[batch]))
        loop.partial_fit(rounds.X[batch], rounds.log[batch])
    probability = np.concatenate(probability)
    reference = snips_value(
        reward=rounds.log["reward"],
        propensity=rounds.log["propensity"],
        arm=rounds.log["arm"],
        policy_probability=probability,
    )
    for policy in (bandit, make_pipeline(FunctionTransformer(), bandit)):
        result = progressive_validation(policy, rounds.X, rounds.log, available=mask)
        assert result.value.value == pytest.approx(reference.value, rel=1e-12)
    truth = (probability * rounds.expected).sum(axis=1).mean()
    # Four standard errors.
    assert abs(result.value.value - truth) < 4 * result.value.standard_error
    alone = progressive_validation(bandit, rounds.X, rounds.log).value
    assert alone.value > truth + 0.1


def test_bad_masks_name_rows_of_the_log(draw_masked):
    rounds = draw_masked(300, 0)
    mask = rounds.available.copy()
    mask[[150, 250]] = np.arange(4) != rounds.log["arm"][[150, 250], None]
    with pytest.raises(ValueError, match=r"logged arm was not available in 2 row.*150, 250"):
        progressive_validation(LinearUCB(), rounds.X, rounds.log, available=mask)
    with pytest.raises(ValueError, match=r"available must have shape"):
        progressive_validation(LinearUCB(), rounds.X, rounds.log, available=mask[:200])


def test_groups_count_in_the_error(rounds):
    X, log = rounds
    groups = np.arange(400) // 8
    alone = progressive_validation(LinearUCB(arms=[0, 1, 2]), X, log).value
    value = progressive_validation(LinearUCB(arms=[0, 1, 2]), X, log, groups=groups).value
    assert value.value == alone.value
    sums = alone.influence.reshape(50, 8).sum(axis=1)
    assert value.standard_error == pytest.approx(np.sqrt(50 / 49 * (sums**2).sum()) / 400)
