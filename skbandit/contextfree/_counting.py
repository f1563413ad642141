"""What the bandits share that count rounds and sum up rewards."""

from numbers import Real

from .._rows import n_rows
from .._sklearn import Interval
from ._arms import COUNT_FIELDS, beta_belief, counted, mean_rewards, no_counts
from ._base import BaseContextFreeBandit

FORGETTING_CONSTRAINT = [Interval(Real, 0, 1, closed="right")]


class BaseSummingBandit(BaseContextFreeBandit):
    """Counts the rounds of each arm and sums up what it has paid."""

    forgetting = 1.0
    _state_fields = COUNT_FIELDS

    def _initial_state(self, n_arms, n_features):
        return no_counts(n_arms)

    def _learn(self, rounds):
        return counted(self.state_, rounds, float(self.forgetting))

    @property
    def weight_(self):
        """Sum of the weights of the rounds in which each arm was played, (n_arms,)."""
        return self.state_.weight.copy()

    @property
    def reward_sum_(self):
        """What each arm has paid, (n_arms,)."""
        return self.state_.reward_sum.copy()

    @property
    def mean_(self):
        """Mean reward of each arm, (n_arms,); 0 for an arm that was never played."""
        return mean_rewards(self.state_)


class BaseCountingBandit(BaseSummingBandit):
    """Of rewards in [0, 1]; believes the Beta posterior of a uniform prior."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.bandit_tags.reward = "unit_interval"
        tags.bandit_tags.learning = "sum" if self.forgetting == 1.0 else "sequence"
        tags.bandit_tags.fades = self.forgetting < 1.0
        return tags

    def _belief(self, contexts):
        return beta_belief(self.state_, n_rows(contexts))
