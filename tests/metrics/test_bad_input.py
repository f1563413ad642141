"""What is wrong with a log is said: the argument, what came, the way out."""

import numpy as np
import pytest

from skbandit.metrics import get_estimator_names, policy_support, policy_value
from skbandit.metrics._validation import check_vector


def changed(log, key, row, value):
    array = log[key].copy()
    array[row] = value
    return {**log, key: array}


@pytest.mark.parametrize("value", [0.0, -0.1, 1.5])
@pytest.mark.parametrize("name", sorted(set(get_estimator_names()) - {"dm", "replay"}))
def test_impossible_propensity(name, value, log):
    with pytest.raises(ValueError, match=r"propensity must lie in \(0, 1\].*Log what predict"):
        policy_value(name, **changed(log, "propensity", 7, value))


@pytest.mark.parametrize("key", ["reward", "policy_probability", "expected_reward"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(key, value, log):
    with pytest.raises(ValueError, match=f"{key} has NaN or infinity in 1 row.* at 7; drop"):
        policy_value("dr", **changed(log, key, 7, value))


def test_finite_numbers_whose_sum_overflows_are_finite():
    assert check_vector(np.full(500, 1e308), "reward").size == 500


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        (
            "policy_probability",
            0.3,
            r"must sum to 1; 1 row.*at 7, sums to",
        ),
        ("policy_probability", [1.5, -0.5, 0, 0], "policy_probability must hold probabilities"),
        ("arm", 4, r"arm holds 4 where the policy knows the arms 0 to 3 \(1 row.*column"),
        ("arm", -1, "arm holds -1"),
    ],
)
def test_impossible_entries(key, value, match, log):
    with pytest.raises(ValueError, match=match):
        policy_value("dr", **changed(log, key, 7, value))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"reward": np.ones(499)}, "reward has 499 entries where the log has 500"),
        ({"reward": np.ones((500, 1))}, r"reward must have one dimension.*\(500, 1\)"),
        ({"propensity": np.ones(3)}, r"propensity must have shape \(500,\)"),
        ({"arm": np.zeros(3, int)}, "arm has 3 entries"),
        ({"arm": np.zeros(500)}, r"arm must hold integers.*float64.*LabelEncoder"),
        ({"arm": np.array(["a"] * 500)}, "arm must hold integers"),
        ({"expected_reward": np.ones((500, 3))}, r"expected_reward must have shape \(500, 4\)"),
        ({"policy_probability": np.ones((500, 2, 2)) / 2}, "policy_probability must have shape"),
        ({"policy_probability": np.ones((0, 4))}, "policy_probability must have shape"),
        ({"sample_weight": -np.ones(500)}, "sample_weight must be non-negative"),
        ({"sample_weight": np.zeros(500)}, "sample_weight must be non-negative"),
        ({"sample_weight": np.ones(2)}, "sample_weight has 2 entries"),
        ({"reward": None}, "reward is None and this estimator needs it"),
        ({"arm": None}, "arm is None and this estimator needs it"),
        ({"propensity": None}, "propensity is None and this estimator needs it; pass the logged"),
        ({"expected_reward": None}, r"expected_reward is None.*cross_fit_rewards"),
        ({"policy_probability": np.full(500, 0.5)}, "needs the probabilities of all arms"),
    ],
)
def test_wrong_arguments(change, match, log):
    with pytest.raises(ValueError, match=match):
        policy_value("dr", **{**log, **change})


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("clipped_ips", "clip", -1),
        ("clipped_ips", "clip", np.nan),
        ("switch_dr", "tau", -1),
        ("dros", "lambda_", -1),
        ("subgaussian_ips", "lambda_", 1.1),
        ("ix", "gamma", "best"),
        ("ix", "gamma", None),
    ],
)
def test_impossible_parameters(name, parameter, value, log):
    with pytest.raises(ValueError, match=f'{parameter} must be a number.*"auto" or "slope"; got'):
        policy_value(name, **log, **{parameter: value})


@pytest.mark.parametrize("value", [-1, np.nan, np.inf, "slope"])
def test_impossible_smoothing(value, log):
    with pytest.raises(ValueError, match=r"lambda_ must be a number that is not negative; got"):
        policy_value("ls", **log, lambda_=value)


def test_smoothing_of_negative_rewards(log):
    with pytest.raises(
        ValueError, match=r"reward must not be negative.*got -2\. Take the smallest"
    ):
        policy_value("ls", **changed(log, "reward", 7, -2.0))


def test_names(log):
    with pytest.raises(ValueError, match=r"estimator must be among.*got 'magic'"):
        policy_value("magic", **log)
    with pytest.raises(ValueError, match="estimator must be among"):
        policy_value([], **log)
    with pytest.raises(ValueError, match="clip are given for several estimators"):
        policy_value(["ips", "clipped_ips"], **log, clip=2.0)


@pytest.mark.filterwarnings("ignore:replay is for the log of a uniform policy")
def test_inputs_are_left_alone(log):
    before = {key: array.copy() for key, array in log.items()}
    for name in get_estimator_names():
        policy_value(name, **log).interval("bca", n_resamples=50, random_state=0)
    policy_support(**{key: log[key] for key in ("arm", "propensity", "policy_probability")})
    for key, array in log.items():
        np.testing.assert_array_equal(array, before[key])


def test_policy_that_plays_what_was_not_available(log):
    mask = np.ones((500, 4), dtype=bool)
    policy_value("ips", **log, available=mask)
    row = int(np.flatnonzero(log["arm"] != 2)[0])
    mask[row, 2] = False
    with pytest.raises(ValueError, match=rf"above 0 for an arm .* 1 row.* at {row}\..*available="):
        policy_value("ips", **log, available=mask)
    probability = log["policy_probability"].copy()
    probability[row] = np.eye(4)[log["arm"][row]]
    masked = {**log, "policy_probability": probability}
    assert policy_value("dr", **masked, available=mask).value == policy_value("dr", **masked).value
    mask[row, log["arm"][row]] = False
    masked["policy_probability"][row] = np.eye(4)[mask[row].argmax()]
    with pytest.raises(ValueError, match=rf"logged arm was not available in 1 row.* at {row}\."):
        policy_value("ips", **masked, available=mask)
    of_logged = {**log, "policy_probability": np.full(500, 0.5), "expected_reward": None}
    with pytest.raises(ValueError, match="available needs the probabilities of all arms"):
        policy_value("ips", **of_logged, available=mask)
    with pytest.raises(ValueError, match="available must have shape"):
        policy_value("ips", **log, available=mask[:, :3])
