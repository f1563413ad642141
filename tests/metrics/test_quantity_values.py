"""Values of policies that choose quantities: against loops, closed forms and quadrature."""

import warnings

import numpy as np
import pytest
from scipy.integrate import trapezoid

from skbandit.metrics import (
    PoorSupportWarning,
    density_dr_value,
    density_ips_value,
    density_snips_value,
    dr_value,
    ips_value,
    kernel_dr_value,
    kernel_ips_value,
    kernel_snips_value,
    slope,
    snips_value,
)

N = 400
BOXES = {"dose": (0.0, 2.0), "mix": [(0.0, 1.0), (-1.0, 1.0)]}


@pytest.fixture(scope="module")
def mixed():
    """A log of three arms: a number, a vector, and none; every third weight is larger."""
    rng = np.random.default_rng(3)
    arm = rng.choice(["dose", "mix", "none"], size=N)
    low = np.where(arm == "mix", 0.0, 0.0)
    high = np.where(arm == "mix", 1.0, 2.0)
    quantity = np.column_stack([rng.uniform(low, high), rng.uniform(-1, 1, size=N)])
    target_arm = np.where(rng.uniform(size=N) < 0.7, arm, "none")
    target = np.clip(quantity + rng.normal(scale=0.1, size=(N, 2)), [0, -1], [1, 1])
    for labels, numbers in ((arm, quantity), (target_arm, target)):
        numbers[labels == "none"] = np.nan
        numbers[labels == "dose", 1] = np.nan
    return {
        "reward": rng.normal(size=N) + 1,
        "propensity": rng.uniform(0.1, 0.6, size=N),
        "arm": arm,
        "quantity": quantity,
        "policy_arm": target_arm,
        "policy_quantity": target,
        "bounds": BOXES,
    }


def weights_by_loops(log, bandwidth):
    weights = []
    for row in range(N):
        if log["arm"][row] != log["policy_arm"][row]:
            weights.append(0.0)
            continue
        weight = 1 / log["propensity"][row]
        box = np.atleast_2d(BOXES.get(log["arm"][row], np.empty((0, 2))))
        for column, (low, high) in enumerate(box):
            target, width = log["policy_quantity"][row, column], bandwidth * (high - low)
            u = (log["quantity"][row, column] - target) / width
            grid = np.linspace(low, high, 20001)
            inside = trapezoid(np.maximum(1 - ((grid - target) / width) ** 2, 0), grid)
            weight *= max(1 - u * u, 0) / inside
        weights.append(weight)
    return np.array(weights)


@pytest.mark.filterwarnings("ignore::skbandit.metrics.PoorSupportWarning")
@pytest.mark.parametrize("weighted", [False, True])
def test_values_are_the_sums_over_rounds(mixed, weighted):
    share = np.where(np.arange(N) % 3 == 0, 2.0, 1.0) if weighted else np.ones(N)
    given = {"sample_weight": share} if weighted else {}
    w, r = weights_by_loops(mixed, 0.3), mixed["reward"]
    logged, policy = np.sin(np.arange(N)), np.cos(np.arange(N))
    model = {"expected_logged": logged, "expected_policy": policy}
    options = {**mixed, "bandwidth": 0.3, **given}
    total = share.sum()
    assert kernel_ips_value(**options).value == pytest.approx(
        (share * w * r).sum() / total, rel=1e-6
    )
    assert kernel_snips_value(**options).value == pytest.approx(
        (share * w * r).sum() / (share * w).sum(), rel=1e-6
    )
    assert kernel_dr_value(**options, **model).value == pytest.approx(
        (share * (policy + w * (r - logged))).sum() / total, rel=1e-6
    )


def evenly_spaced(n=20001):
    """A log of evenly spaced quantities in [0, 1]: a mean over it is a quadrature."""
    return (np.arange(n) + 0.5) / n


@pytest.mark.parametrize(
    ("target", "kernel", "lean"),
    [
        (0.5, "epanechnikov", 0.0),
        (0.5, "gaussian", 0.0),
        # The mean of half a kernel: 3/8 of its width, and the root of 2 / pi.
        (1.0, "epanechnikov", -3 / 8),
        (0.0, "epanechnikov", 3 / 8),
        (1.0, "gaussian", -np.sqrt(2 / np.pi)),
    ],
)
def test_a_linear_reward_has_the_bias_of_the_kernels_mean(target, kernel, lean):
    a = evenly_spaced()
    value = kernel_ips_value(
        reward=3 + 2 * a,
        propensity=np.ones(a.size),
        quantity=a,
        policy_quantity=np.full(a.size, target),
        bounds=(0, 1),
        bandwidth=0.1,
        kernel=kernel,
    )
    assert value.value == pytest.approx(3 + 2 * target + 2 * 0.1 * lean, abs=1e-4)
    assert value.weight.mean() == pytest.approx(1.0, abs=1e-6)


def test_a_quadratic_reward_has_the_bias_of_the_kernels_variance():
    a = evenly_spaced()
    log = {"reward": (a - 0.4) ** 2, "propensity": np.ones(a.size), "quantity": a}
    log |= {"policy_quantity": np.full(a.size, 0.4), "bounds": (0, 1), "bandwidth": 0.2}
    # Epanechnikov's variance is a fifth of the squared width.
    assert kernel_ips_value(**log).value == pytest.approx(0.2**2 / 5, abs=1e-5)
    assert kernel_snips_value(**log).value == pytest.approx(0.2**2 / 5, abs=1e-5)
    # What the model explains has no bias.
    model = {"expected_logged": (a - 0.4) ** 2, "expected_policy": np.zeros(a.size)}
    assert kernel_dr_value(**log, **model).value == pytest.approx(0.0, abs=1e-12)


def test_the_unit_of_a_quantity_means_nothing():
    rng = np.random.default_rng(0)
    a = rng.uniform(size=3000)
    reward = 1 - np.abs(a - 0.4) + 0.3 * rng.normal(size=a.size)

    def value(unit):
        return kernel_snips_value(
            reward=reward,
            propensity=np.full(a.size, 1 / unit),
            quantity=unit * a,
            policy_quantity=np.full(a.size, 0.4 * unit),
            bounds=(0, unit),
        )

    dollars, cents = value(1.0), value(100.0)
    assert cents.value == pytest.approx(dollars.value)
    assert cents.parameters == dollars.parameters


def test_without_bounds_the_spread_stands_for_the_box():
    rng = np.random.default_rng(0)
    a = rng.normal(size=2000)
    log = {
        "reward": a,
        "propensity": np.exp(-0.5 * a * a) / np.sqrt(2 * np.pi),
        "quantity": a,
        "policy_quantity": np.full(a.size, 0.2),
    }
    value = kernel_ips_value(**log, bandwidth=0.1)
    width = 0.1 * 2 * np.sqrt(3) * a.std()
    kernel = 0.75 * np.maximum(1 - ((a - 0.2) / width) ** 2, 0) / width
    assert value.value == pytest.approx(np.mean(kernel / log["propensity"] * a))


@pytest.mark.filterwarnings("ignore::skbandit.metrics.PoorSupportWarning")
def test_arms_without_quantities_are_ordinary_arms():
    rng = np.random.default_rng(1)
    arm, policy_arm = rng.integers(2, size=(2, N))
    reward, none = rng.normal(size=N), np.full(N, np.nan)
    log = {"reward": reward, "propensity": np.full(N, 0.5)}
    played = {"arm": arm, "policy_arm": policy_arm, "quantity": none, "policy_quantity": none}
    agrees = (arm == policy_arm).astype(float)
    for ours, theirs in ((kernel_ips_value, ips_value), (kernel_snips_value, snips_value)):
        found = ours(**log, **played)
        wanted = theirs(**log, policy_probability=agrees)
        assert found.value == pytest.approx(wanted.value)
        assert found.standard_error == pytest.approx(wanted.standard_error)


def test_densities_below_one_are_probabilities_to_the_other_estimators():
    rng = np.random.default_rng(2)
    log = {"reward": rng.normal(size=N), "propensity": rng.uniform(0.3, 0.9, size=N)}
    density = log["propensity"] * rng.uniform(0.5, 1.0, size=N)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for ours, theirs in ((density_ips_value, ips_value), (density_snips_value, snips_value)):
            found = ours(**log, policy_density=density)
            wanted = theirs(**log, policy_probability=density)
            assert found.value == pytest.approx(wanted.value)
            assert found.interval("student") == pytest.approx(wanted.interval("student"))
        table = np.column_stack([density, 1 - density])
        expected = rng.normal(size=(N, 2))
        found = density_dr_value(
            **log,
            policy_density=density,
            expected_logged=expected[:, 0],
            expected_policy=(table * expected).sum(axis=1),
        )
        wanted = dr_value(
            **log, arm=np.zeros(N, int), policy_probability=table, expected_reward=expected
        )
    assert found.value == pytest.approx(wanted.value)
    assert found.standard_error == pytest.approx(wanted.standard_error)


def test_a_density_needs_no_smoothing():
    a = evenly_spaced()
    log = {"reward": a**2, "propensity": np.ones(a.size), "policy_density": 3 * a**2}
    # The mean of a squared under the density 3 a squared.
    assert density_ips_value(**log).value == pytest.approx(3 / 5, abs=1e-6)
    assert density_snips_value(**log).value == pytest.approx(3 / 5, abs=1e-6)
    low, high = density_ips_value(**log).interval("mixture", reward_range=(0, 1))
    assert low < 3 / 5 < high


def test_differences_and_groups_work_as_for_other_values():
    rng = np.random.default_rng(4)
    a = rng.uniform(size=2000)
    log = {
        "reward": 1 - (a - 0.5) ** 2 + 0.1 * rng.normal(size=a.size),
        "propensity": np.ones(a.size),
        "quantity": a,
        "bounds": (0, 1),
        "bandwidth": 0.1,
        "groups": np.arange(a.size) // 2,
    }
    near, far = (
        kernel_snips_value(**log, policy_quantity=np.full(a.size, at)) for at in (0.5, 0.9)
    )
    assert near.n_groups == 1000
    low, high = (near - far).interval("normal")
    assert low < 0.16 < high
    assert (near - near).value == 0.0


# ------------------------------------------------------------------ bandwidth
def noisy_log(n, seed, kink=True):
    rng = np.random.default_rng(seed)
    X, a = rng.uniform(size=(2, n))
    apart = np.abs(a - 0.2 - 0.6 * X)
    reward = (1 - 2 * apart if kink else 1 - apart**2) + 0.5 * rng.normal(size=n)
    log = {"reward": reward, "propensity": np.ones(n), "quantity": a, "bounds": (0, 1)}
    return {**log, "policy_quantity": 0.2 + 0.6 * X}


def with_model(**log):
    """Doubly robust values with a model that is off by a slope."""
    a, target = log["quantity"], log["policy_quantity"]
    return kernel_dr_value(**log, expected_logged=1 + 0.3 * a, expected_policy=1 + 0.3 * target)


def grid_of(function, log, least=30):
    """Values at 1 (with a model 1 / 2), 1 / root 2, ... while they have 30 effective rounds."""
    first = 2 if function is with_model else 0
    values = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in range(first, 40):
            value = function(**log, bandwidth=2 ** (-step / 2))
            if step > first and value.effective_sample_size < least:
                break
            values.append(value)
    return values


@pytest.mark.parametrize("function", [kernel_ips_value, kernel_snips_value, with_model])
@pytest.mark.parametrize("smoothness", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_auto_is_the_rule_written_out(function, smoothness, seed):
    log = noisy_log(1500, seed, kink=seed % 2 == 0)
    values = grid_of(function, log)
    apart = np.abs(log["quantity"] - log["policy_quantity"]) ** smoothness
    distance = [np.average(apart, weights=value.weight) for value in values]
    chosen = None
    for i, narrow in enumerate(values):
        slopes = []
        for j in range(i):
            difference = narrow - values[j]
            room = distance[j] - distance[i]
            slopes.append((abs(difference.value), 1.6449 * difference.standard_error, room))
        if not slopes:
            continue
        moved, doubt, room = np.array(slopes).T
        steepest = max(np.min((moved + doubt) / room), np.max((moved - doubt) / room))
        if steepest * distance[i] <= narrow.standard_error / 4:
            chosen = min(i + 1, len(values) - 1)
            break
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = function(**log, smoothness=smoothness)
    assert any("no bandwidth" in str(one.message) for one in caught) == (chosen is None)
    chosen = values[-1 if chosen is None else chosen]
    assert found.parameters == chosen.parameters
    assert found.value == chosen.value


@pytest.mark.parametrize("seed", range(3))
def test_slope_takes_the_choice_of_slope(seed):
    log = noisy_log(1000, seed)
    values = grid_of(kernel_snips_value, log)
    found = kernel_snips_value(**log, bandwidth="slope")
    assert found.value == values[slope(values)].value


def test_more_rounds_have_a_narrower_bandwidth():
    found = [kernel_snips_value(**noisy_log(n, 0)).parameters["bandwidth"] for n in (4000, 60_000)]
    assert found[1] < 0.6 * found[0]


def test_normal_intervals_cover():
    # Intervals that cover 94 % hold fewer than 176 times of 200 with a chance of 4e-4.
    held = 0
    for seed in range(200):
        log = noisy_log(2500, 1000 + seed, kink=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            low, high = kernel_snips_value(**log).interval("normal")
        held += low <= 1.0 <= high
    assert held >= 176


# ------------------------------------------------------------------- warnings
def test_too_few_rounds_are_warned_of():
    with pytest.warns(PoorSupportWarning, match="effective for this policy"):
        kernel_snips_value(**noisy_log(500, 0), bandwidth=0.005)
    with pytest.warns(PoorSupportWarning, match="no bandwidth that leaves 30"):
        kernel_snips_value(**noisy_log(300, 0))


def test_wrong_densities_are_warned_of():
    log = noisy_log(3000, 0)
    log["propensity"] = np.full(3000, 0.01)
    with pytest.warns(PoorSupportWarning, match="no densities in 1 over the unit"):
        kernel_ips_value(**log, bandwidth=0.2)


# ------------------------------------------------------------------ bad input
GOOD = {
    "reward": [1.0, 0.0],
    "propensity": [1.0, 2.0],
    "quantity": [0.5, 0.6],
    "policy_quantity": [0.5, 0.5],
    "bounds": (0, 1),
    "bandwidth": 0.5,
}
ARMS = {"arm": ["a", "b"], "policy_arm": ["a", "a"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"propensity": None}, "propensity is None"),
        ({"propensity": [0.5, 0.0]}, "propensity must be positive"),
        ({"propensity": [0.5]}, r"propensity must have shape \(2,\)"),
        ({"quantity": None}, "quantity is None"),
        ({"quantity": [0.5, np.inf]}, "quantity contains infinity"),
        ({"quantity": [0.5]}, r"quantity must have shape \(2,\)"),
        ({"policy_quantity": [0.5]}, r"policy_quantity must have shape \(2,\)"),
        (
            {"policy_quantity": [[0.5, 1]] * 2},
            "policy_quantity has 2 columns where quantity has 1",
        ),
        ({"quantity": [0.5, 1.5]}, "quantity must lie within bounds: 1.5 in row 1"),
        ({"policy_quantity": [-3.0, 0.5]}, "policy_quantity must lie within bounds: -3 in row 0"),
        ({"quantity": [0.5, np.nan]}, "policy_quantity is NaN where quantity is a number"),
        ({"bounds": (1, 0)}, "bounds must be a pair"),
        ({"bounds": "box"}, "bounds must be a pair"),
        ({"bounds": [(0, 1), (0, 1)]}, "bounds must be a pair"),
        ({"bounds": {"a": (0, 1), "b": (0, 1)}}, "bounds names 2 arms, but arm is None"),
        ({"bounds": {"a": (0, 1)}, **ARMS}, "a number of an arm that takes none by bounds"),
        ({"bounds": None, "quantity": [0.5, 0.5]}, "quantity has no spread"),
        ({"bandwidth": 0.0}, "bandwidth must be a positive number"),
        ({"bandwidth": -1}, "bandwidth must be a positive number"),
        ({"bandwidth": np.inf}, "bandwidth must be a positive number"),
        ({"bandwidth": "wide"}, 'bandwidth must be a positive number, "auto" or "slope"'),
        ({"smoothness": 3}, "smoothness must be 1"),
        ({"kernel": "box"}, "kernel must be one of"),
        ({"arm": ["a", "b"]}, "policy_arm is None where arm is given"),
        ({"policy_arm": ["a", "b"]}, "arm is None where policy_arm is given"),
        ({"arm": ["a", "b"], "policy_arm": [0, 1]}, "labels of one kind"),
        ({"arm": ["a"], "policy_arm": ["a", "b"]}, r"arm must have shape \(2,\)"),
        ({"reward": [1.0, np.nan]}, "reward has NaN"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        kernel_ips_value(**{**GOOD, **change})


def test_a_policy_that_plays_nothing_of_the_log_has_no_ratio():
    log = {**GOOD, "arm": ["a", "a"], "policy_arm": ["b", "b"]}
    with pytest.raises(ValueError, match="kernel_snips is undefined"):
        kernel_snips_value(**log)


def test_a_density_is_not_negative():
    with pytest.raises(ValueError, match="policy_density must not be negative"):
        density_ips_value(reward=[1.0], propensity=[1.0], policy_density=[-1.0])
