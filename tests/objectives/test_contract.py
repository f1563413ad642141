"""The battery with two objectives: what it pays in rewards of one number becomes two."""

import numpy as np
import pytest

from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.objectives import (
    ChebyshevSelector,
    ConstrainedSelector,
    MultiObjectiveBandit,
    ParetoSelector,
    WeightedSumSelector,
)
from skbandit.selectors import EpsilonGreedySelector, SoftmaxSelector
from skbandit.utils.estimator_checks import bandit_checks_generator


class TwoOfOne(MultiObjectiveBandit):
    """Learns each reward and its cosine."""

    def _check_reward(self, reward):
        self._check_fit(2)

    def _learn(self, rounds):
        rounds = rounds.spelt_out(len(self.classes_))
        two = np.column_stack([rounds.reward, np.cos(rounds.reward)])
        return super()._learn(rounds._replace(reward=two))


def two(bandit, chosen, **params):
    return TwoOfOne(bandit=bandit, objective_selector=chosen, n_objectives=2, **params)


GAUSSIAN = LinearThompsonSampling(noise="fixed")
BANDITS = [
    two(GAUSSIAN, WeightedSumSelector([1.0, 2.0])),
    two(LinearUCB(), WeightedSumSelector(), maximize=[True, False]),
    two(LinearThompsonSampling(), ParetoSelector([0.2, 0.8]), selector=EpsilonGreedySelector(0.3)),
    two(LinearThompsonSampling(arm_model="shared"), ParetoSelector()),
    two(GAUSSIAN, ChebyshevSelector(reference=[2.0, 1.0]), maximize=[True, False]),
    two(
        [LinearUCB(), GAUSSIAN], ConstrainedSelector(at_least={1: 0.4}), selector=SoftmaxSelector()
    ),
    two(LinearUCB(), ConstrainedSelector(1, at_most={0: 0.5}, confidence=0.7)),
]
# They ask that the expected reward of one arm says nothing of the others, and here it is what an
# arm is worth among them.
OF_ARMS_ALONE = {
    "check_add_arms",
    "check_add_arm_from_another",
    "check_add_arm_from_the_mean",
    "check_add_arm_from_weights",
    "check_weights_of_arms_add_up",
    "check_candidates_are_independent",
}


def _label(bandit):
    chosen = repr(bandit.objective_selector).replace("Selector", "")
    return f"{bandit.bandit!r}-{chosen}-{bandit.selector!r}"


CHECKS = [
    pytest.param(estimator, check, id=f"{_label(bandit)}-{check.__name__}")
    for bandit in BANDITS
    for estimator, check in bandit_checks_generator(bandit)
    if not (bandit.objective_selector.compares_arms and check.__name__ in OF_ARMS_ALONE)
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_contract(estimator, check):
    check(estimator)
