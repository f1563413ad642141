"""Cells: the parts into which the boxes of the arms are cut."""

from typing import NamedTuple

import numpy as np

# So many cells, or those of all sides in halves, does the box of an arm have once it was played.
_FEWEST_CELLS = 8
# Sums of weights in another order differ by less.
_ROUNDING = 1e-9


class Cells(NamedTuple):
    """Parts of the boxes of all arms; those of an arm fill its box and do not overlap.

    An arm without a quantity is one cell. Sides are parts of those of the box, in [0, 1], and NaN
    where the arm takes no quantity; they are halved again and again, so they are exact.
    """

    label: np.ndarray  # (n_cells,) distinct integers, the arms of the bandit inside
    arm: np.ndarray  # (n_cells,) index of the arm
    low: np.ndarray  # (n_cells, n_quantities)
    high: np.ndarray  # (n_cells, n_quantities)
    weight: np.ndarray  # (n_cells,) rounds from which each has learnt, those it was given included

    @property
    def longest(self):
        """Longest side of each cell, (n_cells,); 0 for arms without a quantity."""
        if not self.low.shape[1]:
            return np.zeros(len(self.arm))
        return np.where(np.isnan(self.low), 0.0, self.high - self.low).max(axis=1)

    @property
    def volume(self):
        """Part of the box of the arm that each cell fills, (n_cells,)."""
        return np.where(np.isnan(self.low), 1.0, self.high - self.low).prod(axis=1)


def first_cells(boxes):
    """Return the cells before any round: one for each arm, its whole box."""
    n_arms = len(boxes.low)
    low = np.where(boxes.taken, 0.0, np.nan)
    return Cells(np.arange(n_arms), np.arange(n_arms), low, low + 1.0, np.zeros(n_arms))


def n_first(cells):
    """Return how many cells the arm of each cell has once it was played, (n_cells,).

    Each side is cut into halves, and again where these are fewer than eight.
    """
    n_taken = np.count_nonzero(~np.isnan(cells.low), axis=1)
    return np.where(n_taken > 0, np.maximum(2**n_taken, _FEWEST_CELLS), 1)


def hidden_rewards(cells, score):
    """Return how much more than its score a part of each cell may pay, (n_samples, n_cells).

    The longest side of the cell times the standard deviation of the scores over the box of its
    arm, which is what rewards may change by over such a length as far as is known, and times a
    factor that grows while others are played.
    """
    hidden = np.zeros(score.shape)
    volume, longest = cells.volume, cells.longest
    total = max(cells.weight.sum(), 1.0)
    longest = longest * np.sqrt(np.log1p(total / np.maximum(cells.weight, 1.0)))
    for arm in np.unique(cells.arm[longest > 0.0]):
        own = np.flatnonzero(cells.arm == arm)
        part, of_arm = volume[own], score[:, own]
        away = of_arm - (of_arm @ part)[:, None]
        hidden[:, own] = np.sqrt(away**2 @ part)[:, None] * longest[own]
    return hidden


def placed(cells, boxes):
    """Return the ends of the cells in units of the quantities, two arrays (n_cells, n_quantities).

    Cells that touch have the same number for where they do.
    """
    low, high = boxes.low[cells.arm], boxes.high[cells.arm]
    extent = high - low
    ends = [
        np.where(part == 1.0, high, np.clip(low + part * extent, low, high))
        for part in (cells.low, cells.high)
    ]
    return tuple(ends)


def cell_of(cells, boxes, arm, quantity):
    """Return the place of the cell in which each round was played, (n_samples,).

    Parameters
    ----------
    cells : Cells
    boxes : Boxes
    arm : ndarray of int of shape (n_samples,)
    quantity : ndarray of shape (n_samples, n_quantities)
        Inside the boxes.
    """
    low, high = placed(cells, boxes)
    place = np.empty(len(arm), dtype=np.intp)
    for one in np.unique(arm):
        rows, own = np.flatnonzero(arm == one), np.flatnonzero(cells.arm == one)
        taken = boxes.taken[one]
        at = quantity[rows][:, None, taken]
        below = at < high[own][:, taken]
        inside = (at >= low[own][:, taken]) & (below | (cells.high[own][:, taken] == 1.0))
        place[rows] = own[inside.all(axis=2).argmax(axis=1)]
    return place


def rounds_to_split(cells, n_to_halve, max_cells):
    """Return how many rounds each cell must have learnt from to be cut, (n_cells,).

    Any for an arm that was not played before. Infinite for arms without a quantity, and where an
    arm has as many cells as it may have.
    """
    longest, n_own = cells.longest, np.bincount(cells.arm)[cells.arm]
    with np.errstate(divide="ignore"):
        needed = n_to_halve / longest**2
    needed = np.where(n_own < n_first(cells), np.finfo(np.float64).tiny, needed)
    return np.where((longest > 0.0) & (n_own < max_cells), needed, np.inf)


def rounds_until(needed, known, place, weight):
    """Say when the first cell gets to what it needs.

    Parameters
    ----------
    needed, known : ndarray of shape (n_cells,)
    place : ndarray of int of shape (n_samples,)
        The cell of each round.
    weight : ndarray of shape (n_samples,)

    Returns
    -------
    n_rounds : int
        After so many rounds, in their order; all of them where none gets there.
    part : float
        And so much of the weight of the last one: as many repetitions as it takes, where a weight
        of k stands for k rounds.
    """
    order = np.argsort(place, kind="stable")
    ordered = place[order]
    running = np.cumsum(weight[order])
    # Sums start anew with each cell.
    first = np.searchsorted(ordered, ordered, side="left")
    total = np.empty(len(place))
    total[order] = running - np.concatenate([[0.0], running])[first]
    total += known[place]
    reached = np.flatnonzero(total >= needed[place] - _ROUNDING)
    if not len(reached):
        return len(place), float(weight[-1])
    last = int(reached[0])
    lacking = needed[place[last]] - (total[last] - weight[last])
    return last + 1, min(max(float(np.ceil(lacking - _ROUNDING)), 1.0), float(weight[last]))


def halves(cells, place, share):
    """Return a cell's halves along its longest side, with new labels.

    Parameters
    ----------
    cells : Cells
    place : int
    share : float
        Of what the cell has learnt that each half starts from.

    Returns
    -------
    cells : Cells
        The others in their order, and the halves after them.
    """
    side = int(np.nanargmax(cells.high[place] - cells.low[place]))
    middle = 0.5 * (cells.low[place, side] + cells.high[place, side])
    low, high = (np.repeat(one[place][None], 2, axis=0) for one in (cells.low, cells.high))
    high[0, side] = low[1, side] = middle
    label = cells.label.max() + 1 + np.arange(2)
    arm, weight = np.repeat(cells.arm[place], 2), np.repeat(share * cells.weight[place], 2)
    new = Cells(label, arm, low, high, weight)
    return Cells(
        *(np.concatenate([np.delete(a, place, 0), b]) for a, b in zip(cells, new, strict=True))
    )


def carried_cells(cells, boxes, resize):
    """Return the cells of other arms, and where the bandit inside has them from.

    A new arm that starts from others is cut as the one of the largest share is, where that takes
    as many quantities; each of its cells starts from those of the others that hold its centre, as
    parts of the box, in proportion to how much of them it fills.

    Parameters
    ----------
    cells : Cells
        Of the arms that were known.
    boxes : Boxes
        Of the arms then.
    resize : Resize

    Returns
    -------
    cells : Cells
    source : ndarray of int of shape (n_cells,)
        Old places; -1 for what is new.
    shares : ndarray of shape (n_new, n_old), or None
        Of what old cells have learnt in the start of each new one.
    """
    n_quantities = boxes.n_quantities
    old = cells._replace(
        low=_padded(cells.low, n_quantities), high=_padded(cells.high, n_quantities)
    )
    fresh = first_cells(boxes)
    parts, sources, shares, new_arms = [], [], [], resize.new_arms.tolist()
    for arm, before in enumerate(resize.arm_source.tolist()):
        if before >= 0:
            own = np.flatnonzero(old.arm == before)
            parts.append(_of(old, own, arm))
            sources.append(own)
            continue
        part, given = _of(fresh, np.flatnonzero(fresh.arm == arm), arm), None
        if resize.shares is not None:
            given = resize.shares[new_arms.index(arm)]
            model = np.flatnonzero(old.arm == given.argmax())
            taken = boxes.taken[arm]
            if given.max() > 0.0 and np.array_equal(~np.isnan(old.low[model[0]]), taken):
                part = _of(old, model, arm)
        started = _started(part, old, given)
        parts.append(part._replace(weight=started @ old.weight))
        sources.append(np.full(len(part.arm), -1))
        shares.append(started)
    source = np.concatenate(sources)
    joined = Cells(*(np.concatenate(one) for one in zip(*parts, strict=True)))
    label = joined.label.copy()
    came = source < 0
    label[came] = (cells.label.max() + 1) + np.arange(np.count_nonzero(came))
    shares = np.concatenate(shares) if shares and resize.shares is not None else None
    return joined._replace(label=label), source, shares


def _padded(ends, n_quantities):
    """Ends of cells for another number of quantities; those that go are of no arm that stays."""
    lacking = max(n_quantities - ends.shape[1], 0)
    return np.pad(ends, ((0, 0), (0, lacking)), constant_values=np.nan)[:, :n_quantities]


def _of(cells, places, arm):
    """Some cells, as those of another arm."""
    some = Cells(*(one[places] for one in cells))
    return some._replace(arm=np.full(len(places), arm))


def _started(part, old, given):
    """Shares of old cells in new ones, (n_new, n_old)."""
    started = np.zeros((len(part.arm), len(old.arm)))
    if given is None:
        return started
    centre, volume = 0.5 * (part.low + part.high), part.volume
    for arm in np.flatnonzero(given > 0.0):
        own = np.flatnonzero(old.arm == arm)
        for place, at in enumerate(centre):
            low, high = old.low[own], old.high[own]
            # What one of the two does not take says nothing.
            open_side = np.isnan(low) | np.isnan(at)
            inside = (open_side | ((low <= at) & (at < high))).all(axis=1)
            hits = own[inside]
            fills = np.minimum(volume[place] / old.volume[hits], 1.0)
            started[place, hits] = given[arm] * fills / len(hits)
    return started
