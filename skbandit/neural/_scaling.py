"""What inputs and rewards are measured in inside a neural bandit."""

from typing import NamedTuple

import numpy as np


class Scaling(NamedTuple):
    """Shift and scale of the inputs, scale of the rewards, and how many rounds are behind it."""

    shift: np.ndarray  # (n_features,)
    scale: np.ndarray  # (n_features,)
    reward_scale: float
    n_rounds: float

    def inputs(self, rows):
        """Rows in units of their spread."""
        return (rows - self.shift) / self.scale

    def reward(self, reward):
        """Rewards in units of their root mean square."""
        return reward / self.reward_scale


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


def find_scaling(columns, n_rounds, standardize):
    """Return the scaling of the rounds in a buffer.

    Parameters
    ----------
    columns : dict of str to ndarray
    n_rounds : float
        How many rounds they are.
    standardize : bool
        Whether inputs are centred and scaled.

    Returns
    -------
    scaling : Scaling
    """
    rows, reward, weight = columns["row"], columns["reward"], columns["weight"]
    total = float(weight.sum())
    n_features = rows.shape[1]
    shift, scale = np.zeros(n_features), np.ones(n_features)
    if standardize:
        shift = weight @ rows / total
        spread = np.sqrt(np.maximum(weight @ (rows - shift) ** 2 / total, 0.0))
        # A feature that does not vary stays as it is: what has always been zero remains zero.
        varies = spread > 1e-12 * np.abs(shift)
        shift, scale = np.where(varies, shift, 0.0), np.where(varies, spread, 1.0)
    # Rewards keep their zero, which is what an arm is believed to pay before it is played; their
    # unit is their root mean square. A round of full feedback is one reward of 1 and zeros.
    mass = float(np.maximum(columns["n_taught"], 1.0) @ weight)
    square = float(weight @ reward**2) / mass
    return Scaling(shift, scale, float(np.sqrt(square)) or 1.0, n_rounds)
