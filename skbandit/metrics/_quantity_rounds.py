"""Checks of logged rounds whose arms take quantities, beside what a policy would have played."""

from functools import cached_property

import numpy as np

from .._play import distinct_labels, show_labels, show_rows
from .._rounds import as_labels, check_propensity, check_quantity
from ._groups import error_of_mean
from ._kernels import KERNELS, smoothed_density
from ._validation import check_groups, check_sample_weight, check_vector, importance_weight

# A quantity that went through single precision may leave its box by so much of its length.
_ROUNDING = 1e-6
# The length of the interval on which a uniform variable has the standard deviation 1.
_LENGTH_OF_UNIT_DEVIATION = 2 * np.sqrt(3)


class WeightedRounds:
    """A log beside a reward model's predictions, checked.

    Parameters
    ----------
    reward, propensity : array-like of shape (n_samples,)
        `propensity` is a density.
    expected_logged, expected_policy : array-like of shape (n_samples,), default=None
        What a model predicts for what was played, and for what the policy would have played.
    sample_weight, groups : array-like of shape (n_samples,), default=None
    """

    def __init__(
        self,
        *,
        reward,
        propensity,
        expected_logged=None,
        expected_policy=None,
        sample_weight=None,
        groups=None,
    ):
        self.reward = check_vector(reward, "reward")
        self.n_samples = n_samples = self.reward.size
        if propensity is None:
            raise ValueError(
                "propensity is None, and values from a log need the density with which the "
                "logging policy played each arm and quantity. Log what predict(X, "
                "return_quantity=True, return_propensity=True) returns, or estimate the density."
            )
        self.propensity = check_propensity(propensity, (n_samples,), density=True)
        self.expected_logged = self.expected_policy = None
        if expected_logged is not None:
            self.expected_logged = check_vector(expected_logged, "expected_logged", n_samples)
            self.expected_policy = check_vector(expected_policy, "expected_policy", n_samples)
        self.sample_weight = check_sample_weight(sample_weight, n_samples)
        self.groups = check_groups(groups, n_samples)

    @cached_property
    def share(self):
        """How much each round counts, as a share of all."""
        share = np.ones(self.n_samples) if self.sample_weight is None else self.sample_weight
        return share / share.sum()

    def mean_weight(self, weight):
        """Mean of importance weights, whose expectation is 1, and its standard error."""
        mean = weight @ self.share
        influence = self.n_samples * self.share * (weight - mean)
        return mean, error_of_mean(influence, self.groups)


class DensityRounds(WeightedRounds):
    """A log beside the densities of a policy that draws its quantities."""

    def __init__(self, *, policy_density, **given):
        super().__init__(**given)
        density = check_vector(policy_density, "policy_density", self.n_samples)
        if (density < 0).any():
            raise ValueError(
                f"policy_density must not be negative; got {density.min():g}. Pass what "
                "quantity_density(X, arm, quantity) returns."
            )
        self.weight = importance_weight(density, self.propensity)


class QuantityRounds(WeightedRounds):
    """A log beside the arm and quantity that a policy would have played for sure.

    Attributes
    ----------
    same : ndarray of bool of shape (n_samples,)
        Whether the policy plays the arm that was logged.
    taken : ndarray of bool of shape (n_samples,)
        Whether that is so and the arm takes a quantity.
    """

    def __init__(
        self,
        *,
        quantity,
        policy_quantity,
        arm=None,
        policy_arm=None,
        bounds=None,
        kernel="epanechnikov",
        **given,
    ):
        super().__init__(**given)
        if kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}; got {kernel!r}.")
        self.kernel = kernel
        arm, policy_arm = check_arms(arm, policy_arm, self.n_samples)
        quantity = check_quantities(quantity, "quantity", self.n_samples)
        target = check_quantities(policy_quantity, "policy_quantity", self.n_samples)
        if target.shape != quantity.shape:
            raise ValueError(
                f"policy_quantity has {target.shape[1]} columns where quantity has "
                f"{quantity.shape[1]}. Give each number that an arm takes a column in both, with "
                "NaN where an arm takes fewer."
            )
        self.same = np.ones(self.n_samples, dtype=bool) if arm is None else arm == policy_arm
        if bounds is None:
            self._low, self._high = (
                np.full(quantity.shape, -np.inf),
                np.full(quantity.shape, np.inf),
            )
            self._length = _lengths(quantity, arm)
        else:
            self._low, self._high = _box_of_rows(bounds, arm, quantity.shape)
            quantity = _inside(quantity, self._low, self._high, "quantity")
            box = _box_of_rows(bounds, policy_arm, quantity.shape)
            target = _inside(target, *box, "policy_quantity")
            self._length = self._high - self._low
        apart = (np.isnan(quantity) != np.isnan(target)).any(axis=1) & self.same
        if apart.any():
            raise ValueError(
                "policy_quantity is NaN where quantity is a number, or the other way round, "
                f"although both are of the same arm, in {show_rows(apart)}. An arm that takes a "
                "quantity needs one in each round, and NaN stands for none."
            )
        self.quantity, self.target = quantity, target
        self.taken = self.same & ~np.isnan(quantity).all(axis=1)

    def weight(self, bandwidth):
        """Importance weights with a bandwidth, in lengths of the boxes.

        Of a round in which the policy plays the logged arm, the smoothed density of the logged
        quantity over the logged density; 1 over the propensity where the arm takes none.
        """
        density = self.same.astype(np.float64)
        rows = np.flatnonzero(self.taken)
        density[rows] = smoothed_density(
            self.quantity[rows],
            self.target[rows],
            self._low[rows],
            self._high[rows],
            bandwidth * self._length[rows],
            self.kernel,
        )
        return importance_weight(density, self.propensity)

    def distance(self, power):
        """How far logged quantities are from the policy's: a sum of powers, in boxes' lengths."""
        apart = np.abs(self.quantity - self.target) / self._length
        return np.where(self.taken, np.nansum(apart**power, axis=1), 0.0)


def check_arms(arm, policy_arm, n_samples):
    """Return logged arms and the policy's as labels; None for both where there is one arm."""
    if (arm is None) != (policy_arm is None):
        missing, given = ("arm", "policy_arm") if arm is None else ("policy_arm", "arm")
        raise ValueError(
            f"{missing} is None where {given} is given: of several arms the label of the one that "
            "was played and of the one that the policy plays are needed. Leave out both where "
            "there is one arm."
        )
    if arm is None:
        return None, None
    arm, policy_arm = as_labels(arm, "arm"), as_labels(policy_arm, "policy_arm")
    for labels, name in ((arm, "arm"), (policy_arm, "policy_arm")):
        if labels.shape != (n_samples,):
            raise ValueError(
                f"{name} must have shape ({n_samples},), a label for each round; got "
                f"{labels.shape}."
            )
    if (arm.dtype.kind in "US") != (policy_arm.dtype.kind in "US"):
        raise ValueError(
            f"arm and policy_arm must hold labels of one kind; got dtypes {arm.dtype} and "
            f"{policy_arm.dtype}."
        )
    return arm, policy_arm


def check_quantities(quantity, name, n_samples):
    """Return quantities as float64 of shape (n_samples, n_quantities); NaN is for none."""
    if quantity is None:
        raise ValueError(
            f"{name} is None, and a kernel needs how much was played and how much the policy "
            "would play. Log quantities with make_log(arm, reward, propensity, quantity=...); of "
            "arms without quantities the functions ips_value, snips_value and dr_value are."
        )
    try:
        return check_quantity(quantity, (n_samples,))
    except ValueError as error:
        raise ValueError(str(error).replace("quantity", name, 1)) from None


def check_box(box, n_quantities, of=""):
    """Return a pair, or a list of pairs, as an array of shape (n_quantities, 2), NaN for none."""
    try:
        pairs = np.asarray(box, dtype=np.float64)
    except (TypeError, ValueError):
        pairs = np.empty(0)
    pairs = pairs[None] if pairs.shape == (2,) else pairs
    fits = pairs.ndim == 2 and pairs.shape[1:] == (2,) and 0 < len(pairs) <= n_quantities
    if not fits or not np.isfinite(pairs).all() or not (pairs[:, 0] < pairs[:, 1]).all():
        raise ValueError(
            f"bounds{of} must be a pair (low, high) with low below high, or a list of such pairs, "
            f"one for each of the {n_quantities} columns of quantity; got {box!r}."
        )
    padding = np.full((n_quantities - len(pairs), 2), np.nan)
    return np.vstack([pairs, padding])


def _box_of_rows(bounds, arm, shape):
    """The ends of the box of each row, (n_samples, n_quantities) each, NaN where there is none."""
    n_quantities = shape[1]
    if not isinstance(bounds, dict):
        pairs = check_box(bounds, n_quantities)
        if np.isnan(pairs).any():
            raise ValueError(
                f"bounds has fewer pairs than quantity has columns, {n_quantities}; got "
                f"{bounds!r}. Give one a column, or a dict of arm to box."
            )
        return tuple(np.broadcast_to(end, shape) for end in pairs.T)
    if arm is None:
        if len(bounds) != 1:
            raise ValueError(
                f"bounds names {len(bounds)} arms, but arm is None. Pass arm and policy_arm, the "
                "labels of what was played and of what the policy plays."
            )
        return _box_of_rows(next(iter(bounds.values())), None, shape)
    values, place = distinct_labels(arm)
    boxes = np.full((len(values), n_quantities, 2), np.nan)
    for number, label in enumerate(values):
        if label in bounds:
            boxes[number] = check_box(bounds[label], n_quantities, f" of the arm {label!r}")
    return boxes[place, :, 0], boxes[place, :, 1]


def _inside(quantity, low, high, name):
    """Return quantities, those a rounding outside put back; raise where others are outside."""
    stray = (~np.isnan(quantity) & np.isnan(low)).any(axis=1)
    if stray.any():
        raise ValueError(
            f"{name} holds a number of an arm that takes none by bounds, in {show_rows(stray)}. "
            "Name the arm in bounds, or pass NaN."
        )
    room = _ROUNDING * (high - low)
    outside = (quantity < low - room) | (quantity > high + room)
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise ValueError(
            f"{name} must lie within bounds: {quantity[row, column]:g} in row {row} is outside "
            f"[{low[row, column]:g}, {high[row, column]:g}] (and {outside.sum() - 1} more "
            "entries). Widen bounds, or clip the policy to what can be played."
        )
    return np.clip(quantity, low, high)


def _lengths(quantity, arm):
    """Stand-ins for the lengths of boxes: those of uniform densities of the same spread."""
    lengths = np.full(quantity.shape, np.nan)
    values, place = ([None], np.zeros(len(quantity), int)) if arm is None else distinct_labels(arm)
    flat = []
    for number, label in enumerate(values):
        rows = np.flatnonzero(place == number)
        for column in range(quantity.shape[1]):
            known = quantity[rows, column]
            known = known[~np.isnan(known)]
            if known.size:
                spread = known.std()
                lengths[rows, column] = _LENGTH_OF_UNIT_DEVIATION * spread
                if not spread > 0:
                    flat.append(label)
    if flat:
        of = "" if arm is None else f" of the arm {show_labels(flat)}"
        raise ValueError(
            f"quantity{of} has no spread: it was always the same, and a log of one quantity says "
            "nothing of another. Log more than one, or pass bounds if it may vary."
        )
    return lengths
