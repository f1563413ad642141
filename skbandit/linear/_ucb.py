"""LinUCB."""

from ._base import BaseLinearBandit


class LinearUCB(BaseLinearBandit):
    r"""Linear bandit that plays the highest upper confidence bound (LinUCB)."""

    def _decision_function(self, contexts):
        mean, std = self._expected_reward(contexts)
        return mean + self.alpha * std
