"""Boxes: which arms take a number or a vector, and from where to where."""

from typing import NamedTuple

import numpy as np

# The one arm of a bandit that is given a box and no arms.
ONE_ARM = "quantity"
# A quantity that went through single precision may leave its box by so much of its extent.
_ROUNDING = 1e-6


class Boxes(NamedTuple):
    """Where the quantities of each arm lie; NaN where an arm takes none, or fewer than others."""

    low: np.ndarray  # (n_arms, n_quantities)
    high: np.ndarray  # (n_arms, n_quantities)

    @property
    def n_quantities(self):
        """The most numbers that an arm takes."""
        return self.low.shape[1]

    @property
    def taken(self):
        """Whether an arm takes each of the numbers, (n_arms, n_quantities)."""
        return ~np.isnan(self.low)

    @property
    def extent(self):
        """Lengths of the sides, (n_arms, n_quantities)."""
        return self.high - self.low


def named_boxes(quantities, arms):
    """Return `quantities` as a dict of label to an array of pairs, (n_quantities, 2).

    Parameters
    ----------
    quantities : None, dict of label to box, or a box
        A box is a pair, or a list of pairs. One alone is for the one arm that there is.
    arms : list of labels

    Raises
    ------
    ValueError
        If a box is none, or of an arm that is not known.
    """
    if quantities is None:
        return {}
    if not isinstance(quantities, dict):
        if len(arms) != 1:
            raise ValueError(
                f"quantities={quantities!r} is a box without an arm, and there are the arms "
                f"{list(arms)!r}. Write quantities={{arm: (low, high), ...}} with an entry for "
                "each arm that takes a quantity."
            )
        quantities = {arms[0]: quantities}
    known = set(arms)
    unknown = [label for label in quantities if label not in known]
    if unknown:
        raise ValueError(
            f"quantities names the arms {unknown!r}, which are not known; the arms are "
            f"{list(arms)!r}. Name all arms in arms=."
        )
    return {label: _checked_box(label, box) for label, box in quantities.items()}


def _checked_box(label, box):
    try:
        pairs = np.asarray(box, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"quantities of the arm {label!r} must be a pair (low, high) or a list of such pairs, "
            f"got {box!r}."
        ) from error
    if pairs.shape == (2,):
        pairs = pairs[None]
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs):
        raise ValueError(
            f"quantities of the arm {label!r} must be a pair (low, high) or a list of such pairs, "
            f"got {box!r}."
        )
    if not np.isfinite(pairs).all() or not (pairs[:, 0] < pairs[:, 1]).all():
        raise ValueError(
            f"quantities of the arm {label!r} must have a finite low below a finite high, got "
            f"{box!r}. An arm with a single quantity is an arm without one."
        )
    return pairs


def find_boxes(quantities, arms):
    """Return the boxes of all arms.

    Parameters
    ----------
    quantities : see :func:`named_boxes`
    arms : ndarray of shape (n_arms,)

    Returns
    -------
    boxes : Boxes
    """
    labels = arms.tolist()
    named = named_boxes(quantities, labels)
    n_quantities = max((len(box) for box in named.values()), default=0)
    low = np.full((len(labels), n_quantities), np.nan)
    high = low.copy()
    for place, label in enumerate(labels):
        if label in named:
            low[place, : len(named[label])], high[place, : len(named[label])] = named[label].T
    return Boxes(low, high)


def check_in_boxes(quantity, arm, boxes, labels):
    """Return quantities of arms that lie in their boxes; those that left by rounding are put back.

    Parameters
    ----------
    quantity : ndarray of shape (n_samples, n_columns)
        NaN where an arm takes none.
    arm : ndarray of int of shape (n_samples,)
    boxes : Boxes
    labels : ndarray of shape (n_arms,)

    Returns
    -------
    quantity : ndarray of shape (n_samples, n_quantities)
    """
    if quantity.shape[1] != boxes.n_quantities:
        raise ValueError(
            f"quantity has {quantity.shape[1]} columns, but arms take {boxes.n_quantities} "
            "numbers at most. Give each a column, with NaN where an arm takes none."
        )
    low, high = boxes.low[arm], boxes.high[arm]
    taken, given = boxes.taken[arm], ~np.isnan(quantity)
    for wrong, what, way_out in (
        (taken & ~given, "is NaN", "takes a number there"),
        (given & ~taken, "is a number", "takes none there: pass NaN"),
    ):
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                f"quantity {what} in column {column} of row {row} (and in {wrong.sum() - 1} more "
                f"entries), but the arm {labels[arm[row]].item()!r} {way_out}."
            )
    room = _ROUNDING * (high - low)
    # Comparisons with NaN are false.
    outside = (quantity < low - room) | (quantity > high + room)
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise ValueError(
            f"quantity must lie in the box of its arm: {quantity[row, column]:g} in row {row} is "
            f"outside [{low[row, column]:g}, {high[row, column]:g}] of the arm "
            f"{labels[arm[row]].item()!r} (and {outside.sum() - 1} more entries)."
        )
    return np.clip(quantity, low, high)


def scaled(quantity, arm, boxes):
    """Quantities as parts of the sides of their boxes, in [0, 1]; NaN where there are none."""
    return (quantity - boxes.low[arm]) / boxes.extent[arm]


def unscaled(part, arm, boxes):
    """Quantities from parts of the sides of their boxes."""
    return np.clip(
        boxes.low[arm] + part * boxes.extent[arm],
        boxes.low[arm],
        boxes.high[arm],
    )
