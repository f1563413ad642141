"""What inputs and rewards are measured in inside a neural bandit."""

from typing import NamedTuple

import numpy as np

# Standardised inputs end here: a column of rare or wild values sends no network far beyond what it
# was trained on.
_LARGEST_INPUT = 10.0
# A spread below this share of the numbers themselves is rounding.
_ROUNDING = 1e-12


class Scaling(NamedTuple):
    """Shift and scale of inputs and rewards, and how many rounds are behind it."""

    shift: np.ndarray  # (n_features,)
    scale: np.ndarray  # (n_features,)
    reward_shift: float
    reward_scale: float
    n_rounds: float
    varies: np.ndarray  # (n_features,), columns that do not vary go in as zero
    limit: float  # scaled inputs end there

    def inputs(self, rows):
        """Rows about their mean, in units of their spread."""
        scaled = (rows - self.shift) / self.scale
        if not self.varies.all():
            scaled[:, ~self.varies] = 0.0
        return scaled if np.isinf(self.limit) else np.clip(scaled, -self.limit, self.limit)

    def reward(self, reward):
        """Rewards about their mean, in units of their spread."""
        return (reward - self.reward_shift) / self.reward_scale

    def unscaled(self, mean):
        """Expected rewards in the rewards' own units."""
        return self.reward_shift + self.reward_scale * mean


# Squares of one call, summed, must leave room for those of all calls.
_LARGEST_SQUARE = 1e290


def check_squares(columns):
    """Raise where inputs or rewards are so large that sums of their squares may overflow.

    Parameters
    ----------
    columns : dict of str to ndarray
    """
    weight = columns["weight"]
    with np.errstate(over="ignore", invalid="ignore"):
        for name, values in (("X", columns["row"]), ("reward", columns["reward"])):
            if not np.sum(weight @ values**2) < _LARGEST_SQUARE:
                raise ValueError(
                    f"{name} holds numbers of size {np.abs(values).max():.2g}, whose squares add "
                    "up to more than a float can hold. Scale them first."
                )
        if not weight.sum() < _LARGEST_SQUARE:
            raise ValueError(f"sample_weight is too large, {weight.max():.2g}.")


def find_scaling(columns, n_rounds, standardize, bounded=True):
    """Return the scaling of the rounds in a buffer.

    Parameters
    ----------
    columns : dict of str to ndarray
    n_rounds : float
        How many rounds they are.
    standardize : bool
        Whether inputs are centred and scaled.
    bounded : bool, default=True
        Whether standardised inputs are cut off far from their mean.

    Returns
    -------
    scaling : Scaling
    """
    rows, weight = columns["row"], columns["weight"]
    total = float(weight.sum())
    n_features = rows.shape[1]
    shift, scale = np.zeros(n_features), np.ones(n_features)
    varies, limit = np.ones(n_features, dtype=bool), np.inf
    if standardize:
        shift = weight @ rows / total
        spread = np.sqrt(np.maximum(weight @ (rows - shift) ** 2 / total, 0.0))
        # A feature that does not vary tells nothing, and its unit is not known yet.
        varies = spread > _ROUNDING * np.abs(shift)
        scale = np.where(varies, spread, 1.0)
        limit = _LARGEST_INPUT if bounded else np.inf
    reward_shift, reward_scale = _location_and_scale(columns)
    return Scaling(shift, scale, reward_shift, reward_scale, n_rounds, varies, limit)


def varies_anew(columns, scaling):
    """Say whether a column varies in these rounds that did not when the scaling was found."""
    unknown = np.flatnonzero(~scaling.varies)
    if not unknown.size:
        return False
    rows = columns["row"][:, unknown]
    return bool((np.ptp(rows, axis=0) > _ROUNDING * np.abs(rows).max(axis=0)).any())


def _location_and_scale(columns):
    """Weighted mean and standard deviation of what was paid.

    A round of full feedback is one reward of 1 and zeros.
    """
    reward, weight, n_taught = columns["reward"], columns["weight"], columns["n_taught"]
    zeros = np.maximum(n_taught - 1.0, 0.0) * weight
    mass = float(weight.sum() + zeros.sum())
    # About one of the rewards: numbers far from zero keep the digits of their spread.
    start = float(reward[0])
    away = reward - start
    mean = float(weight @ away - start * zeros.sum()) / mass
    square = weight @ (away - mean) ** 2 + zeros.sum() * (start + mean) ** 2
    spread = float(np.sqrt(square / mass))
    shift = start + mean
    if spread <= _ROUNDING * max(abs(start), abs(shift)):
        # Rewards that are all alike do not tell their unit; no decision depends on it.
        return shift, abs(shift) or 1.0
    return shift, spread
