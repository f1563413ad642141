"""Weights of any size: no digit is lost to cancellation, and nothing overflows."""

from contextlib import nullcontext
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from skbandit._values import (
    effective_sample_size,
    root_sum_of_squares,
    self_normalized_mean,
    self_normalized_value,
)
from skbandit.metrics import (
    PoorSupportWarning,
    get_estimator_names,
    mean_value,
    policy_support,
    policy_value,
    slate_ips_value,
    snips_value,
)

# Logs of policies that are not uniform go through every estimator here.
pytestmark = pytest.mark.filterwarnings("ignore:replay is for the log of a uniform policy")

N_ROUNDS = 200
METHODS = ["normal", "student", "bootstrap", "bca", "bernstein", "betting", "cressie_read"]
SMALLEST = [0.1, 1e-8, 1e-12, 1e-16, 1e-100, 1e-300]


def rare_round(smallest, offset=0.0):
    """A log in which one round was nearly impossible."""
    rng = np.random.RandomState(0)
    propensity = np.full(N_ROUNDS, 1 / 3)
    propensity[0] = smallest
    return {
        "arm": rng.randint(3, size=N_ROUNDS),
        "reward": offset + rng.rand(N_ROUNDS),
        "policy_probability": rng.dirichlet(np.ones(3), N_ROUNDS),
        "propensity": propensity,
        "expected_reward": offset + rng.rand(N_ROUNDS, 3),
    }


def exact_interval(weight, terms, level=0.95):
    """The regression of terms on weights in fractions, which have all digits."""
    weight, terms = [Fraction(x) for x in weight], [Fraction(x) for x in terms]
    n = len(weight)
    mean_weight, mean_term = sum(weight) / n, sum(terms) / n
    products = [(w - mean_weight, z - mean_term) for w, z in zip(weight, terms, strict=True)]
    slope = sum(w * z for w, z in products) / sum(w * w for w, _ in products)
    centre = float(mean_term + (1 - mean_weight) * slope)
    residual = float(sum((z - slope * w) ** 2 for w, z in products) / n)
    width = np.sqrt(stats.f.isf(1 - level, 1, n - 1) / n * residual)
    return centre, (centre - width, centre + width)


def warned(smallest):
    """A context that expects a warning of poor support where it is poor, and elsewhere none."""
    return pytest.warns(PoorSupportWarning) if smallest < 1e-3 else nullcontext()


@pytest.mark.parametrize("smallest", SMALLEST)
@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_likelihood_interval_has_all_digits(smallest, offset):
    log = rare_round(smallest, offset)
    with warned(smallest):
        value = policy_value("ips", **log)
        estimate = policy_value("cressie_read", **log)
    centre, ends = exact_interval(value.weight, value.weight * log["reward"])
    scale = ends[1] - ends[0]
    assert scale > 0.05
    # A reward of 1e9 has seven digits after the point.
    assert_allclose(value.interval("cressie_read"), ends, rtol=0, atol=1e-12 + 1e-15 * offset)
    assert_allclose(estimate.value, centre, rtol=0, atol=1e-12 + 1e-14 * offset)


@pytest.mark.parametrize("smallest", SMALLEST)
@pytest.mark.parametrize("name", get_estimator_names())
def test_every_interval_is_one(name, smallest):
    log = rare_round(smallest)
    # Two estimators use no propensity.
    with warned(1.0 if name in ("dm", "replay") else smallest):
        value = policy_value(name, **log)
    logging = mean_value(reward=log["reward"])
    assert np.isfinite(value.value)
    assert value.standard_error > 0
    for method in METHODS:
        options = {"random_state": 0, "n_resamples": 50} if method in ("bootstrap", "bca") else {}
        low, high = value.interval(method, **options)
        # The ratio of one round's weighted reward to its weight is that reward, to all digits; and
        # where later rounds count nothing beside a huge one, no digits are left.
        assert low < high or (name in ("snips", "adaptive_dr") and smallest < 1e-16)
        low, high = (value - logging).interval(method, **options)
        assert low <= high


@pytest.mark.parametrize("smallest", SMALLEST)
def test_poor_support_is_said(smallest):
    log = rare_round(smallest)
    arrays = {key: log[key] for key in ("arm", "propensity", "policy_probability")}
    with warned(smallest):
        support = policy_support(**arrays)
    assert support.effective_sample_size >= 1
    assert support.mean_weight_interval.low < support.mean_weight_interval.high
    if smallest < 1e-3:
        assert support.effective_sample_size < 1.1
        with pytest.warns(PoorSupportWarning, match=r"only 1.0 of 200 rounds"):
            value = snips_value(reward=log["reward"], **arrays)
        low, high = value.interval("student")
        assert high - low > 1e6


def test_error_of_a_ratio_does_not_depend_on_the_offset():
    with pytest.warns(PoorSupportWarning):
        errors = [
            policy_value(name, **rare_round(1e-8, offset)).standard_error
            for name in ("snips", "sndr")
            for offset in (0.0, 1e9)
        ]
    assert_allclose(errors[1], errors[0], rtol=1e-6)
    assert_allclose(errors[3], errors[2], rtol=1e-6)


@pytest.mark.filterwarnings("ignore:the importance weights have mean")
def test_equal_weights_leave_nothing_to_regress_on():
    # Large and equal: what is left of their variance is rounding.
    rng = np.random.default_rng(0)
    log = {
        "reward": rng.uniform(size=50),
        "propensity": np.full(50, 1e-9 / 3),
        "policy_probability": np.full(50, 0.3),
    }
    value = policy_value("cressie_read", **log)
    assert_allclose(value.value, policy_value("ips", **log).value)
    low, high = value.interval("cressie_read")
    assert_allclose(high - low, 2 * stats.t.isf(0.025, 49) * value.standard_error)


def test_weights_that_are_no_floats_are_refused():
    log = rare_round(1e-300)
    for smallest in (5e-324, 1e-308):
        log["propensity"][:9] = smallest
        with pytest.raises(ValueError, match=r"propensity is as small as .* weights overflow"):
            policy_value("ips", **log)
    with pytest.raises(ValueError, match="weights overflow"):
        slate_ips_value(
            reward=[[1.0]] * 2,
            propensity=[[5e-324]] * 2,
            policy_probability=[[1.0]] * 2,
        )


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_norm_and_effective_size_of_any_scale(scale):
    weight = np.array([3.0, 4.0, 0.0])
    assert_allclose(root_sum_of_squares(scale * weight), 5 * scale)
    assert_allclose(effective_sample_size(scale * weight), 49 / 25)
    assert_allclose(self_normalized_mean(np.array([1.0, 2.0, 9.0]), scale * weight), 11 / 7)


def test_norm_and_effective_size_of_nothing():
    assert root_sum_of_squares(np.zeros(3)) == 0
    assert effective_sample_size(np.zeros(3)) == 0
    assert np.isnan(self_normalized_mean(np.ones(3), np.zeros(3)))
    assert root_sum_of_squares(np.array([1.0, np.inf])) == np.inf


@pytest.mark.parametrize("weighted", [False, True])
def test_one_self_normalised_value(log, weighted):
    weight = np.random.default_rng(3).uniform(size=500) if weighted else None
    chosen = log["policy_probability"][np.arange(500), log["arm"]]
    given = {"reward": log["reward"], "propensity": log["propensity"]}
    value = snips_value(**given, policy_probability=chosen, sample_weight=weight).value
    counted = chosen / log["propensity"] * (1.0 if weight is None else weight)
    assert_allclose(value, (counted * log["reward"]).sum() / counted.sum(), rtol=1e-12)
    assert_allclose(
        self_normalized_value(**given, policy_probability=chosen, sample_weight=weight), value,
        rtol=1e-14,
    )  # fmt: skip


def test_value_of_sets_is_the_sum_over_their_arms():
    reward = np.array([[1.0, 0.0], [0.5, 2.0]])
    chance = np.array([[0.5, 0.25], [1.0, 0.5]])
    logged = np.array([[0.5, 0.5], [0.5, 0.25]])
    weight = chance / logged
    times = np.array([1.0, 3.0])
    expected = 2 * (weight * reward * times[:, None]).sum() / (weight * times[:, None]).sum()
    assert_allclose(self_normalized_value(reward, chance, logged, times), expected)
    with pytest.warns(UserWarning, match="never plays an arm that was logged"):
        assert np.isnan(self_normalized_value(reward, 0 * chance, logged))
