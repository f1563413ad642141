"""Values of slate policies against loops over slots and an exhaustive truth."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.metrics import (
    cascade_dr_value,
    independent_ips_value,
    reward_interaction_ips_value,
    slate_ips_value,
)

PLAIN = {
    "slate": slate_ips_value,
    "independent": independent_ips_value,
    "interaction": reward_interaction_ips_value,
}


@pytest.fixture
def slates():
    rng = np.random.default_rng(0)
    shape = (200, 3)
    return {
        "reward": rng.uniform(-1, 1, size=shape),
        "propensity": rng.uniform(0.4, 1, size=shape),
        "policy_probability": rng.uniform(0.2, 1, size=shape),
    }


def weights_by_slot(kind, propensity, policy):
    ratio = [p / q for p, q in zip(policy, propensity, strict=True)]
    if kind == "independent":
        return ratio
    running = list(itertools.accumulate(ratio, lambda a, b: a * b))
    return running if kind == "interaction" else [running[-1]] * len(ratio)


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("slot_weight", [None, [1.0, 0.5, 0.25]])
def test_value_equals_formula_slot_by_slot(kind, normalize, slot_weight, slates):
    alpha = slot_weight or [1.0] * 3
    sums, weight_sums = [0.0] * 3, [0.0] * 3
    n = len(slates["reward"])
    tables = (table.tolist() for table in slates.values())
    for reward, propensity, policy in zip(*tables, strict=True):
        for slot, w in enumerate(weights_by_slot(kind, propensity, policy)):
            sums[slot] += w * alpha[slot] * reward[slot]
            weight_sums[slot] += w
    expected = sum(
        total / (weight if normalize else n)
        for total, weight in zip(sums, weight_sums, strict=True)
    )
    value = PLAIN[kind](**slates, normalize=normalize, slot_weight=slot_weight)
    assert_allclose(value.value, expected, rtol=1e-12)


def test_cascade_doubly_robust_slot_by_slot(slates):
    rng = np.random.default_rng(1)
    model, baseline = rng.uniform(size=(2, 200, 3))
    total = 0.0
    for row in range(200):
        above = 1.0
        for slot in range(3):
            ratio = slates["policy_probability"][row, slot] / slates["propensity"][row, slot]
            total += above * baseline[row, slot]
            above *= ratio
            total += above * (slates["reward"][row, slot] - model[row, slot])
    value = cascade_dr_value(**slates, expected_reward=model, policy_expected_reward=baseline)
    assert_allclose(value.value, total / 200, rtol=1e-12)


def test_cascade_doubly_robust_with_zero_model(slates):
    zeros = np.zeros((200, 3))
    value = cascade_dr_value(**slates, expected_reward=zeros, policy_expected_reward=zeros)
    expected = reward_interaction_ips_value(**slates)
    assert_allclose(value.terms, expected.terms, atol=1e-12)


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("normalize", [False, True])
def test_one_policy_for_both_is_the_mean_reward(kind, normalize, slates):
    same = {**slates, "policy_probability": slates["propensity"]}
    value = PLAIN[kind](**same, normalize=normalize)
    assert_allclose(value.value, slates["reward"].sum(axis=1).mean(), rtol=1e-12)


def cascade_world(n, seed):
    """Two slots, three items; rewards depend on the items above."""
    rng = np.random.default_rng(seed)
    logging = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])
    policy = np.array([[0.2, 0.2, 0.6], [0.6, 0.2, 0.2]])
    expected_first = np.array([0.2, 0.4, 0.6])
    expected_second = np.array([[0.1, 0.5, 0.9], [0.3, 0.3, 0.3], [0.8, 0.2, 0.4]])
    item = np.stack([rng.choice(3, size=n, p=logging[slot]) for slot in range(2)], axis=1)
    chance = np.stack([expected_first[item[:, 0]], expected_second[item[:, 0], item[:, 1]]], 1)
    arrays = {
        "reward": rng.binomial(1, chance).astype(float),
        "propensity": logging[[0, 1], item],
        "policy_probability": policy[[0, 1], item],
    }
    second = expected_second @ policy[1]
    truth = policy[0] @ expected_first + policy[0] @ second
    model = {
        # Rewards from the slot on, given the items down to it.
        "expected_reward": np.stack(
            [expected_first[item[:, 0]] + second[item[:, 0]], chance[:, 1]], axis=1
        ),
        "policy_expected_reward": np.stack([np.full(n, truth), second[item[:, 0]]], axis=1),
    }
    return arrays, model, truth


@pytest.mark.parametrize("kind", ["slate", "interaction", "cascade_dr", "wrong_cascade_dr"])
def test_value_reaches_the_truth(kind):
    arrays, model, truth = cascade_world(100_000, 0)
    if kind == "wrong_cascade_dr":
        # Unbiased for any model whose baseline is its expectation; here a constant.
        constant = np.full_like(arrays["reward"], 0.3)
        value = cascade_dr_value(
            **arrays, expected_reward=constant, policy_expected_reward=constant
        )
    elif kind == "cascade_dr":
        value = cascade_dr_value(**arrays, **model)
    else:
        value = PLAIN[kind](**arrays)
    assert abs(value.value - truth) < 4 * value.standard_error


def test_a_true_model_makes_the_value_more_precise():
    arrays, model, _ = cascade_world(20_000, 1)
    robust = cascade_dr_value(**arrays, **model).standard_error
    interaction = reward_interaction_ips_value(**arrays).standard_error
    slate = slate_ips_value(**arrays).standard_error
    assert robust < 0.8 * interaction < 0.8 * slate


def test_independent_ips_is_biased_under_a_cascade():
    arrays, _, truth = cascade_world(100_000, 2)
    value = independent_ips_value(**arrays)
    assert abs(value.value - truth) > 10 * value.standard_error


@pytest.mark.parametrize("method", ["normal", "bootstrap", "bca", "bernstein", "betting"])
@pytest.mark.parametrize("normalize", [False, True])
def test_intervals(method, normalize, slates):
    value = independent_ips_value(**slates, normalize=normalize)
    low, high = value.interval(method)
    assert low < value.value < high


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"propensity": np.zeros((200, 3))}, r"propensity must lie in \(0, 1\]"),
        ({"propensity": np.ones((200, 2))}, r"propensity must have shape \(200, 3\)"),
        ({"reward": np.ones(200)}, "reward must have shape"),
        ({"reward": np.full((200, 3), np.nan)}, "reward has NaN"),
        ({"policy_probability": np.full((200, 3), 1.5)}, "must hold probabilities"),
        ({"slot_weight": [1.0, 2.0]}, "slot_weight has 2 entries"),
    ],
)
@pytest.mark.parametrize("kind", PLAIN)
def test_bad_input(kind, change, match, slates):
    with pytest.raises(ValueError, match=match):
        PLAIN[kind](**{**slates, **change})


def test_slot_that_the_policy_never_fills_so(slates):
    policy = slates["policy_probability"].copy()
    policy[:, 1] = 0
    with pytest.raises(ValueError, match=r"slot 1 probability 0.*normalize=False"):
        independent_ips_value(**{**slates, "policy_probability": policy}, normalize=True)
