"""The battery over bandits whose arms take quantities."""

import numpy as np
import pytest

from skbandit._rounds import as_labels, split_log
from skbandit._rows import n_rows
from skbandit.base import make_log
from skbandit.linear import LinearThompsonSampling
from skbandit.quantities import QuantityThompsonSampling, ZoomingBandit
from skbandit.quantities._boxes import find_boxes
from skbandit.selectors import EpsilonGreedySelector, SoftmaxSelector
from skbandit.utils.estimator_checks import bandit_checks_generator
from skbandit.utils.estimator_checks._run import label_of

ENDINGS = {"1": (0.0, 2.0), "3": [(-1.0, 1.0), (0.0, 8.0)], "5": (0.0, 1.0)}


def box_of(label):
    """The box of an arm, by the last sign of its label; every second arm takes none."""
    return ENDINGS.get(str(label)[-1:])


class FillsIn:
    """A bandit whose rounds have quantities, a function of the reward, where they come without.

    So the battery, which knows arms alone, teaches arms with quantities.
    """

    @property
    def _takes_quantities(self):
        return True

    @property
    def _named_arms(self):
        return self.arms

    @property
    def _boxes(self):
        if "boxes" not in self._cache:
            named = {label: box_of(label) for label in self.classes_.tolist() if box_of(label)}
            self._cache["boxes"] = find_boxes(named, self.classes_)
        return self._cache["boxes"]

    def _with_named_boxes(self):
        return self._twin()

    def _filled(self, X, y, reward):
        if y is None:
            return y, reward
        log = split_log(y)
        if (reward is None) == (log.reward is None) or log.quantity is not None:
            return y, reward
        paid = np.asarray(log.reward if reward is None else reward)
        if paid.dtype.kind not in "biuf":
            return y, reward
        labels = np.ravel(as_labels(log.arm, "y")).tolist()
        if paid.shape != (len(labels),) or not np.isfinite(paid).all() or n_rows(X) != len(paid):
            return y, reward
        arms = self.arms if self.arms is not None else getattr(self, "classes_", labels)
        known = [*labels, *np.asarray(arms).tolist()]
        quantity = np.full(
            (len(paid), max(np.size(box_of(one) or ()) // 2 for one in known)), np.nan
        )
        for row, label in enumerate(labels):
            for column, (low, high) in enumerate(np.reshape(box_of(label) or (), (-1, 2))):
                part = (7.3 * abs(paid[row]) * (1.0 + column)) % 1.0
                quantity[row, column] = low + part * (high - low)
        return make_log(np.array(labels), paid, log.propensity, quantity=quantity), None

    def fit(self, X, y, reward=None, sample_weight=None):
        y, reward = self._filled(X, y, reward)
        return super().fit(X, y, reward=reward, sample_weight=sample_weight)

    def partial_fit(self, X, y, reward=None, classes=None, sample_weight=None):
        y, reward = self._filled(X, y, reward)
        return super().partial_fit(
            X, y, reward=reward, classes=classes, sample_weight=sample_weight
        )

    def score(
        self, X, y, reward=None, propensity=None, sample_weight=None, available=None, cost=None
    ):
        y, reward = self._filled(X, y, reward)
        return super().score(
            X,
            y,
            reward=reward,
            propensity=propensity,
            sample_weight=sample_weight,
            available=available,
            cost=cost,
        )


class Zooming(FillsIn, ZoomingBandit):
    pass


class Smooth(FillsIn, QuantityThompsonSampling):
    pass


BANDITS = [
    Zooming(),
    Zooming(bandit=LinearThompsonSampling(), selector=EpsilonGreedySelector(0.2)),
    Smooth(n_draws=8),
    Smooth(n_draws=8, selector=SoftmaxSelector(0.5)),
]
FULL = "full feedback says nothing about quantities, and is refused"
DENSITY = "a logged propensity is a density here, and may exceed 1"
BOX = "the new arm has another box than the one that it starts from"
LABELS = "the box of an arm follows from its label in these tests"
REWARDS = "the quantities follow from the rewards in these tests"
NOT_FOR_QUANTITIES = {
    "check_full_feedback": FULL,
    "check_full_feedback_teaches_all": FULL,
    "check_full_feedback_in_pieces": FULL,
    "check_score_of_full_feedback": FULL,
    "check_encoded_logs_are_refused": FULL,
    "check_score_with_masks": DENSITY,
    "check_score_is_policy_value": DENSITY,
    "check_score_needs_rewards": DENSITY,
    "check_bad_rounds_change_nothing": DENSITY,
    "check_add_arm_from_another": BOX,
    "check_add_arm_from_weights": BOX,
    "check_kinds_of_labels": LABELS,
    "check_offset_and_unit": REWARDS,
}
# Of bandits around cells.
NOT_FOR_CELLS = {
    "check_draws_are_new_after_learning": "a selector plays all cells alike, not all arms",
}


def _is_left_out(estimator, check):
    name = check.__name__
    of_cells = isinstance(estimator, ZoomingBandit) and name in NOT_FOR_CELLS
    return of_cells or name in NOT_FOR_QUANTITIES


def _cases():
    for bandit in BANDITS:
        for estimator, check in bandit_checks_generator(bandit):
            if not _is_left_out(estimator, check):
                yield pytest.param(estimator, check, id=f"{label_of(estimator)}-{check.__name__}")


@pytest.mark.parametrize(("estimator", "check"), list(_cases()))
def test_battery(estimator, check):
    check(estimator)


def test_what_is_left_out_is_known():
    names = {check.__name__ for one in BANDITS for _, check in bandit_checks_generator(one)}
    assert set(NOT_FOR_QUANTITIES) | set(NOT_FOR_CELLS) <= names
    assert len(names - set(NOT_FOR_QUANTITIES)) > 70
