"""A bandit that cuts boxes into cells, the finer the more a part is played."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils import get_tags

from .._inner import asked, check_inner, least_tags, new_inner
from .._random import derived_seed
from .._rows import n_rows, take_rows
from .._sklearn import HasMethods, Interval
from ..contextfree import GaussianThompsonSampling
from ..selectors import ArgmaxSelector, SelectorAround, at, for_arms, for_costs
from ._base import BaseQuantityBandit
from ._boxes import Boxes
from ._cells import (
    Cells,
    carried_cells,
    cell_of,
    first_cells,
    halves,
    hidden_rewards,
    n_first,
    placed,
    rounds_to_split,
    rounds_until,
)
from ._policy import QuantityPolicy


class ZoomingState(NamedTuple):
    """The bandit inside, whose arms are the cells."""

    bandit: object
    cells: Cells
    boxes: Boxes


class _OfCells(SelectorAround):
    """A selector of cells: it adds to the score of each what may be hidden in it.

    The arms of its scores are known to the selector that it asks.
    """

    # Cells of one belief differ in their size.
    treats_arms_alike = False

    def __init__(self, selector, cells, optimism):
        self.selector = selector
        self.cells = cells
        self.optimism = optimism

    def select(self, scores, available=None):
        return self.selector.select(scores + self._hidden(scores), available)

    def expect(self, belief, available=None):
        hidden = self._hidden(belief.mean)
        if hidden.any():
            belief = belief.shifted(hidden)
        return belief.expect(self.selector, available)

    def _hidden(self, scores):
        return self.optimism * hidden_rewards(self.cells, np.asarray(scores, dtype=np.float64))


class ZoomingBandit(BaseQuantityBandit):
    r"""Cut the boxes of the arms into cells, finer where it pays, around any bandit.

    Each cell of a box is an arm of the bandit inside; an arm without a quantity is one cell. The
    bandit plays a cell, and a quantity in it is drawn evenly. A cell is cut into halves along its
    longest side :math:`\ell` (as a part of that of the box) once it has learnt from

    .. math:: n \ge c / \ell^2

    rounds: as soon as the width of its estimate, which falls with the square root of n, is below
    what rewards may change by over its extent [1]_ [2]_. The halves start from a share of what it
    has learnt. After its first round an arm has eight cells, more with four quantities or more. To
    what the bandit makes of a cell is added what may be hidden in it,

    .. math:: \kappa \, s \, \ell \sqrt{\log(1 + N / n)},

    s the standard deviation over the box of what the cells of its arm are believed to pay, N the
    rounds of all cells. So rewards may have any unit, nobody has to know how steep they are, and a
    cell that was long left alone is looked into again.

    Without contexts where the bandit inside looks at none, for binary rewards where that is
    :class:`~skbandit.contextfree.BetaThompsonSampling`; contextual around linear, generalised
    linear or tree bandits. The density is exact: the chance of the cell over its volume.

    Parameters
    ----------
    bandit : bandit, default=None
        What learns and decides between cells; its arms must have models of their own. None:
        :class:`~skbandit.contextfree.GaussianThompsonSampling`. It is cloned, never fitted itself.
        Its own `selector` must be None, and its `arms` are the cells.
    quantities : dict of label to box, or box, default=None
        The box, (low, high) or a list of such pairs, of each arm that takes a quantity; arms
        without an entry take none. A box without a label is for the one arm, called "quantity"
        where `arms` is None. None: no arm takes any, and this is the bandit inside.
    n_to_halve : float > 0, default=4.0
        The c above: rounds after which a cell as long as the box would be cut.
    share : float in [0, 1], default=0.5
        How much of what a cell has learnt each of its halves starts from.
    optimism : float >= 0, default=2.0
        The :math:`\kappa` above. Larger finds narrow peaks sooner and pays more for looking.
    max_cells : int, default=128
        An arm with so many cells has none of them cut any more.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    selector : selector, default=None
        From scores of cells to a policy, see :mod:`skbandit.selectors`; one arm a round where
        there are quantities. What arms cost, or are called, holds for their cells.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and quantities, and seeds the bandit inside where that has None.

    Attributes
    ----------
    bandit_ : bandit
        The bandit inside, fitted; its arms are numbers of cells.
    cells_ : list of tuple
        Of each cell its arm, the lower and the upper ends of its sides, and how many rounds it has
        learnt from.
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    learnt_weight_ : float
        Total weight of all rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        The bandit inside, and the cells; replaced by learning.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    QuantityThompsonSampling : For rewards that are smooth in the quantity.

    References
    ----------
    .. [1] R. Kleinberg, A. Slivkins and E. Upfal (2019). Bandits and experts in metric spaces.
       Journal of the ACM 66(4), section 4 (the zooming algorithm).
    .. [2] A. Slivkins (2014). Contextual bandits with similarity information. Journal of Machine
       Learning Research 15, 2533-2568, section 5: a ball is refined once its confidence radius is
       at most its own.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.base import make_log
    >>> from skbandit.quantities import ZoomingBandit
    >>> bandit = ZoomingBandit(quantities=(0.0, 10.0), random_state=0)
    >>> rng, nothing = np.random.RandomState(0), np.empty((10, 0))
    >>> for _ in range(50):
    ...     arm, dose = bandit.predict(nothing, return_quantity=True)
    ...     effect = -((dose[:, 0] - 7.0) ** 2) + rng.normal(size=10)
    ...     bandit = bandit.partial_fit(nothing, make_log(arm, effect, quantity=dose))
    >>> _, dose = bandit.predict(nothing[:1], explore=False, return_quantity=True)
    >>> bool(abs(dose[0, 0] - 7.0) < 1.0), len(bandit.cells_) > 4
    (True, True)
    """

    _parameter_constraints = {
        **BaseQuantityBandit._parameter_constraints,
        "bandit": [HasMethods(["fit", "partial_fit", "predict_proba"]), type, None],
        "n_to_halve": [Interval(Real, 0, None, closed="neither")],
        "share": [Interval(Real, 0, 1, closed="both")],
        "optimism": [Interval(Real, 0, None, closed="left")],
        "max_cells": [Interval(Integral, 1, None, closed="left")],
    }
    _shape_parameters = ("bandit", "quantities")

    def __init__(
        self,
        *,
        bandit=None,
        quantities=None,
        n_to_halve=4.0,
        share=0.5,
        optimism=2.0,
        max_cells=128,
        arms=None,
        selector=None,
        random_state=None,
    ):
        self.bandit = bandit
        self.quantities = quantities
        self.n_to_halve = n_to_halve
        self.share = share
        self.optimism = optimism
        self.max_cells = max_cells
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if isinstance(self.bandit, type):
            # It is refused once there is something to learn or to decide.
            return tags
        quantity = tags.bandit_tags.quantity
        tags = least_tags(tags, [self._bandit])
        # Candidates with features are refused with a hint once there is something to learn.
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False
        tags.no_validation = get_tags(self._bandit).no_validation
        bandit = tags.bandit_tags
        bandit.quantity, bandit.propensity = quantity, "unused"
        if quantity == "some":
            # Where a cell is split depends on the order of rounds.
            bandit.merging = "no"
            bandit.arms = "linked"
            if bandit.learning == "sum":
                bandit.learning = "sequence"
        return tags

    # ------------------------------------------------------------------ state
    @property
    def _bandit(self):
        return GaussianThompsonSampling() if self.bandit is None else self.bandit

    def _check_bandit(self):
        if self.bandit is not None:
            check_inner(self, "bandit", self.bandit)
            if not get_tags(self.bandit).input_tags.two_d_array:
                raise ValueError(
                    f"bandit={self.bandit!r} takes candidates with features of their own, and "
                    "cells have none. Give it arm_model='disjoint', so that each has its weights."
                )

    def _new_bandit(self, cells):
        return new_inner(self, self._bandit).set_params(arms=cells.label.tolist())

    def _initial_state(self, n_arms, n_features):
        self._check_bandit()
        cells = first_cells(self._boxes)
        return ZoomingState(self._new_bandit(cells), cells, self._boxes)

    def _learn(self, rounds):
        rounds = rounds.spelt_out(len(self.classes_))
        state, boxes, weight = self.state_, self._boxes, rounds.weights
        counts = np.flatnonzero(weight > 0.0)
        if not len(counts):
            return state
        bandit, cells, _ = state
        contexts, arm, reward = rounds.contexts, rounds.arm, rounds.reward
        quantity = rounds.quantity
        if quantity is None:
            quantity = np.empty((len(arm), 0))
        if len(counts) < len(weight):
            contexts = take_rows(contexts, counts)
            arm, reward, quantity, weight = (
                one[counts] for one in (arm, reward, quantity, weight)
            )
        start, weight = 0, weight.copy()
        while start < len(arm):
            place = cell_of(cells, boxes, arm[start:], quantity[start:])
            needed = rounds_to_split(cells, self.n_to_halve, self.max_cells)
            n_next, part = rounds_until(needed, cells.weight, place, weight[start:])
            rows, place, last = slice(start, start + n_next), place[:n_next], start + n_next - 1
            now = weight[rows].copy()
            now[-1] = part
            bandit = self._taught(
                bandit, take_rows(contexts, rows), cells.label[place], reward[rows], now
            )
            learnt = np.bincount(place, weights=now, minlength=len(cells.arm))
            cells = cells._replace(weight=cells.weight + learnt)
            bandit, cells = self._cut(bandit, cells, needed)
            weight[last] -= part
            # What is left of a round goes to the halves.
            start = last if weight[last] > 0.0 else last + 1
        return ZoomingState(bandit, cells, boxes)

    def _cut(self, bandit, cells, needed):
        """Cut the cells that have learnt enough, and an arm that was played first."""
        for label in cells.label[cells.weight >= needed].tolist():
            arm = cells.arm[cells.label == label][0]
            young = np.count_nonzero(cells.arm == arm) < n_first(cells)[cells.label == label][0]
            bandit, cells = self._split(bandit, cells, label)
            while young and np.count_nonzero(cells.arm == arm) < min(
                n_first(cells)[cells.arm == arm][0], self.max_cells
            ):
                own = np.flatnonzero(cells.arm == arm)
                longest = own[np.argmax(cells.longest[own])]
                bandit, cells = self._split(bandit, cells, int(cells.label[longest]))
        return bandit, cells

    def _taught(self, bandit, contexts, label, reward, weight):
        new = bandit._twin()
        if new.random_state is None and isinstance(self.random_state, np.random.RandomState):
            new.random_state = derived_seed(self.random_state)
        weight = None if (weight == 1.0).all() else weight
        return new.partial_fit(contexts, label, reward=reward, sample_weight=weight)

    def _split(self, bandit, cells, label):
        place = int(np.flatnonzero(cells.label == label)[0])
        new = halves(cells, place, self.share)
        bandit = bandit.add_arms(new.label[-2:].tolist(), init={int(label): self.share})
        return bandit.remove_arms([int(label)]), new

    # -------------------------------------------------------------- questions
    def _at_cost(self, cost, rows):
        if cost is None:
            return self
        if cost.ndim == 2:
            cost = cost[:, self.state_.cells.arm]
        twin = self._twin()
        twin.selector = for_costs(self._cell_selector(), cost[rows])
        return twin

    def _cell_selector(self):
        # Bound to cells, not to the arms.
        selector = ArgmaxSelector() if self.selector is None else self.selector
        selector = at(selector, self.learnt_weight_)
        return for_arms(selector, self.classes_[self.state_.cells.arm])

    def _quantity_policy(self, contexts, available):
        bandit, cells, boxes = self.state_
        selector = _OfCells(self._cell_selector(), cells, self.optimism)
        mask = None if available is None else available[:, cells.arm]
        weight = asked(bandit, selector).predict_proba(contexts, available=mask)
        low, high = self._placed()
        order = self._order
        return QuantityPolicy(
            cells.arm[order], weight[:, order], low[order], high[order], boxes.high
        )

    @property
    def _order(self):
        """The order of the cells in which they are drawn: not that in which they were cut."""
        if "order" not in self._cache:
            cells = self.state_.cells
            self._cache["order"] = np.lexsort((*cells.low.T, cells.arm))
        return self._cache["order"]

    def _placed(self):
        if "placed" not in self._cache:
            self._cache["placed"] = placed(self.state_.cells, self.state_.boxes)
        return self._cache["placed"]

    def _best_quantity(self, contexts):
        mean, std = self.state_.bandit.expected_reward(contexts, return_std=True)
        best = self._best_cells(mean)
        low, high = self._placed()
        rows = np.arange(len(mean))[:, None]
        return mean[rows, best], std[rows, best], (0.5 * (low + high))[best]

    def _best_cells(self, score):
        """The place of the cell of the highest score of each arm, (n_samples, n_arms)."""
        arm = self.state_.cells.arm
        best = np.empty((len(score), len(self.classes_)), dtype=np.intp)
        for one in range(best.shape[1]):
            own = np.flatnonzero(arm == one)
            best[:, one] = own[score[:, own].argmax(axis=1)]
        return best

    def _decision_function(self, contexts):
        score = self.state_.bandit.decision_function(contexts)
        return np.take_along_axis(score, self._best_cells(score), axis=1)

    def _reward_at(self, contexts, arm, quantity):
        bandit, cells, boxes = self.state_
        place = cell_of(cells, boxes, arm, quantity)
        mean, std = bandit.expected_reward(contexts, return_std=True)
        rows = np.arange(n_rows(contexts))
        return mean[rows, place], std[rows, place]

    def _floats_per_row(self, contexts, n_arms):
        bandit, cells, boxes = self.state_
        n_cells = len(cells.arm)
        return bandit._floats_per_row(contexts, n_cells) + n_cells * (6 * boxes.n_quantities + 4)

    # --------------------------------------------------------------- transfer
    def _carry_state(self, source, resize):
        self._check_same_shape(source, but=("quantities",))
        self._check_bandit()
        old = source.state_
        self._check_same_boxes(old.boxes, resize)
        cells, cell_source, shares = carried_cells(old.cells, self._boxes, resize)
        new = self._new_bandit(cells)
        if old.bandit.__sklearn_is_fitted__():
            inner = old.bandit._resize(
                arms=cells.label,
                arm_source=cell_source,
                shares=shares,
                features=resize.feature_source,
                # Checked numbers come without names, rows of any kind with them.
                names=resize.feature_names if hasattr(old.bandit, "feature_names_in_") else None,
            )
            if resize.n_features is None:
                inner = inner._replace(n_features=None)
            new = old.bandit._carried_into(new, inner)
        return ZoomingState(new, cells, self._boxes)

    def _merge_states(self, states):
        # Without quantities: each cell is an arm.
        fitted = [one.bandit for one in states if one.bandit.__sklearn_is_fitted__()]
        first = states[0]
        if not fitted:
            return first
        weight = np.sum([one.cells.weight for one in states], axis=0)
        bandit = fitted[0]._twin()._joined(fitted)
        return first._replace(bandit=bandit, cells=first.cells._replace(weight=weight))

    # ---------------------------------------------------- what users look at
    @property
    def bandit_(self):
        """The bandit inside, as it is now."""
        return self.state_.bandit

    @property
    def cells_(self):
        """Each cell as (arm, lower ends, upper ends, rounds)."""
        cells = self.state_.cells
        low, high = self._placed()
        return [
            (
                self.classes_[arm].item(),
                tuple(a[~np.isnan(a)].tolist()),
                tuple(b[~np.isnan(b)].tolist()),
                float(weight),
            )
            for arm, a, b, weight in zip(cells.arm, low, high, cells.weight, strict=True)
        ]
