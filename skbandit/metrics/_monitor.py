"""Which policy is best, watched round by round."""

from itertools import combinations
from numbers import Real

import numpy as np
import pandas as pd

from .._play import as_rows, check_log, check_steps_read_logs, policy_table
from ._asymptotic_intervals import check_confidence_level
from ._groups import sum_by_group
from ._paired_bets import PairedBets, capital_against
from ._validation import EvaluatedRounds, check_max_weight, check_reward_range

# Numbers that one piece of an update may hold for each side: 16 MB.
_PIECE = 2_000_000


class PolicyMonitor:
    """Who is best, at any time: the policies that may still be, from rounds as they come.

    Feed it logged rounds by `update`, one at a time or many, and look as often as you like: the
    chance that it *ever* drops the best policy, promotes one that is not better than the baseline
    or stops although one is better by more than `smallest_gain`, is at most
    ``1 - confidence_level``. A test of fixed size that is looked at again and again does not keep
    what it promises.

    For each pair of policies, bettors put constant stakes on the importance-weighted difference
    of their rewards. If a policy is no better than the other, the capital of those who bet on it
    exceeds 1 / alpha with a chance of at most alpha, at any time (Ville's inequality). Only
    running sums are kept.

    Parameters
    ----------
    policies : list of str, or dict of str to estimator
        Names of two policies or more. With a dict of fitted policies, `update_log` asks them
        itself; None in the place of an estimator stands for the policy that writes the log.
    baseline : str, default=None
        The policy that stays unless another is better, one of `policies`. None has no favourite:
        the last one that may be best is promoted.
    reward_range : tuple of (low, high)
        Smallest and largest possible reward, not the observed ones.
    max_weight : float, default=None
        Largest possible importance weight of any policy, such as the inverse of the smallest
        propensity that the logging policy can have. None needs no bound, and many more rounds:
        what two policies do alike then no longer cancels.
    confidence_level : float, default=0.95
        One less the chance of ever being wrong.
    smallest_gain : float, default=0.0
        Difference in reward a round to the baseline that would matter. If none can gain more, the
        decision is to stop, and stakes are sized for this gain, which decides sooner if the
        true one is about as large. With 0, policies that are alike are watched forever.

    Attributes
    ----------
    names_ : list of str
        The policies.
    n_rounds_ : int
        Rounds seen; groups, where the rounds come in groups.
    candidates_ : list of str
        Policies that may still be best.
    better_ : list of str
        Policies that are better than the baseline, in the order in which that was shown.
    decision_ : str
        `"promote <name>"`, `"stop: ..."` or `"go on"`.
    history_ : DataFrame
        What was found in which round.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    MonitorDisplay : Draws the bounds of several looks.
    skbandit.model_selection.compare_policies : All of a log, once.
    mixture_interval : An interval of one policy's value, valid at all times.

    Notes
    -----
    With alpha = 1 - `confidence_level` and K policies, C(a, b) being the capital of those who bet
    on a being better than b: policy b is dropped once the sum of C(a, b) over all a reaches
    (2 K - 3) / alpha, and a is better than the baseline once C(a, baseline) does. The best policy
    is one: K - 1 games can drop it, and at most K - 2 promote one that is not better than the
    baseline where that is not the best itself. (Where it is, who promotes also drops it.) With two
    policies the level is 1 / alpha. Without baseline it is (K - 1) / alpha.

    Customers who come again and again are not new ones: what the policies would earn from them is
    known ever better, and who stops when that looks good promotes more often than promised. Pass
    `groups`.

    Policies must stay as they are; the logging policy may learn. Contexts and rewards must not
    drift: of two policies one is tested to be no better in any round, so where they drift, who is
    shown to be better was so in some rounds and need not be on average. With `max_weight` the
    logging policy must be able to play all that the policies play, else weights do not have the
    mean 1.
    Without, a policy that plays what could not be logged is taken to earn the least reward there
    when it is to be shown better, and the largest when it is to be shown worse.

    References
    ----------
    Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro (2024), Anytime-valid off-policy inference
    for contextual bandits, ACM/IMS Journal of Data Science 1. Karampatziakis, Mineiro & Ramdas
    (2021), Off-policy confidence sequences, ICML. Waudby-Smith & Ramdas (2024), Estimating means
    of bounded random variables by betting, JRSS B 86.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import PolicyMonitor
    >>> rng = np.random.default_rng(3)
    >>> arm = rng.integers(2, size=2000)
    >>> reward = rng.binomial(1, np.where(arm == 1, 0.6, 0.5))
    >>> monitor = PolicyMonitor(["old", "new"], baseline="old", reward_range=(0, 1), max_weight=2)
    >>> for day in np.split(np.arange(2000), 20):
    ...     chosen = {"old": arm[day] == 0, "new": arm[day] == 1}
    ...     monitor = monitor.update(reward=reward[day], propensity=np.full(100, 0.5),
    ...                              policy_probability=chosen)
    ...     if monitor.decision_ != "go on":
    ...         break
    >>> monitor.decision_, monitor.n_rounds_
    ('promote new', 600)
    """

    def __init__(
        self,
        policies,
        *,
        baseline=None,
        reward_range,
        max_weight=None,
        confidence_level=0.95,
        smallest_gain=0.0,
    ):
        self.policies = policies
        self.baseline = baseline
        self.reward_range = reward_range
        self.max_weight = max_weight
        self.confidence_level = confidence_level
        self.smallest_gain = smallest_gain
        self.names_ = _check_names(policies)
        self._check_parameters()
        n_policies = len(self.names_)
        self._pairs = np.array(list(combinations(range(n_policies), 2)))
        n_games = 2 * n_policies - 3 if baseline is not None else n_policies - 1
        self._log_level = np.log(n_games / (1 - confidence_level))
        self._low, high = map(float, reward_range)
        self._scale = high - self._low
        self._bets = PairedBets(
            len(self._pairs), max_weight=max_weight, gain=smallest_gain / self._scale
        )
        self._groups = frozenset()
        # The round in which something was found; 0 if it has not been.
        self._dropped = np.zeros(n_policies, dtype=np.int64)
        self._better = np.zeros(n_policies, dtype=np.int64)
        self._no_gain = np.zeros(n_policies, dtype=np.int64)

    def _check_parameters(self):
        check_confidence_level(self.confidence_level)
        if self.baseline is not None and self.baseline not in self.names_:
            raise ValueError(
                f"baseline must be one of the policies {self.names_}; got {self.baseline!r}. "
                "None watches them without a favourite."
            )
        try:
            low, high = self.reward_range
            fits = bool(-np.inf < low < high < np.inf)
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise ValueError(
                "reward_range must be the smallest and the largest possible reward, (low, high) "
                f"with low < high; got {self.reward_range!r}."
            )
        largest = self.max_weight
        if largest is not None and not (isinstance(largest, Real) and 1 <= largest < np.inf):
            raise ValueError(
                f"max_weight must be a number from 1 on; got {largest!r}. Weights have the mean "
                "1, so no bound is lower. None needs no bound."
            )
        gain = self.smallest_gain
        if not isinstance(gain, Real) or not 0 <= gain < np.inf:
            raise ValueError(
                "smallest_gain must be a difference in reward that is not negative; got "
                f"{gain!r}. 0 counts every gain."
            )
        if gain > 0 and self.baseline is None:
            raise ValueError(
                f"smallest_gain={gain:g} is a gain over the baseline, and there is none. Name "
                "the baseline, or leave smallest_gain at 0."
            )

    def update(self, *, reward, propensity, policy_probability, arm=None, groups=None):
        """Learn from logged rounds, in the order in which they came.

        Parameters
        ----------
        reward : array-like of shape (n_samples,)
            Logged rewards.
        propensity : array-like of shape (n_samples,)
            Probability with which the logged arm was played.
        policy_probability : dict of str to array-like of shape (n_samples, n_arms) or (n_samples,)
            Each policy's probabilities of all arms, or of the logged arm alone. For the policy
            that writes the log that is `propensity` itself.
        arm : array-like of int of shape (n_samples,), default=None
            Column of the logged arm. Needed where probabilities of all arms are given.
        groups : array-like of shape (n_samples,), default=None
            Labels of rounds that belong together, of a customer or a session. Each group is one
            step: one bets on the mean of its rounds, so customers count alike, however many rounds
            they have. All rounds of a group must come in one call; labels are kept, and one that
            comes again is an error. None: each round stands alone.

        Returns
        -------
        monitor : PolicyMonitor
            This one.

        Raises
        ------
        ValueError
            If a policy is missing or unknown, a reward or a weight leaves the range that was
            promised, a group was seen before, or an argument has a wrong shape or impossible
            values. Nothing is learnt then.
        """
        self._check_policies(policy_probability)
        weights = []
        for name in self.names_:
            rounds = EvaluatedRounds(
                reward=reward,
                arm=arm,
                propensity=propensity,
                policy_probability=policy_probability[name],
                groups=groups,
            )
            rounds.need("reward", "arm", "propensity")
            weights.append(rounds.weight)
            if self.max_weight is not None:
                check_max_weight(self.max_weight, rounds.weight)
        reward = rounds.reward
        check_reward_range(self.reward_range, (float(reward.min()), float(reward.max())))
        unit = np.clip((reward - self._low) / self._scale, 0.0, 1.0)
        weights = np.array(weights)
        paid = weights * unit
        seen = self._check_groups(groups)
        if groups is not None:
            size = np.bincount(rounds.groups)
            weights, paid = (
                np.array([sum_by_group(one, rounds.groups) for one in table]) / size
                for table in (weights, paid)
            )
        self._learn(weights, paid)
        self._groups = seen
        return self

    def _check_groups(self, groups):
        """Return the labels of all groups so far; raise where one comes again."""
        if groups is None:
            if self._groups:
                raise ValueError(
                    "groups is None, and earlier rounds came in groups. Pass the group of each "
                    "round; one that belongs to no other has a label of its own."
                )
            return self._groups
        if not self._groups and self.n_rounds_:
            raise ValueError(
                f"groups is given, and {self.n_rounds_} earlier rounds came without. Begin with a "
                "new PolicyMonitor."
            )
        labels = set(pd.unique(pd.Series(list(groups))).tolist())
        again = sorted(map(repr, labels & self._groups))
        if again:
            raise ValueError(
                f"groups holds {len(again)} label(s) that earlier calls had, such as {again[0]}. "
                "Rounds of one group depend on each other and must come in one call: wait until "
                "a customer's rounds are complete, or leave out all but those of the first call."
            )
        return self._groups | labels

    def update_log(self, X, log, *, groups=None):
        """Learn from a log, asking the policies themselves.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            The contexts.
        log : array-like of shape (n_samples,)
            A log with propensities, see :func:`skbandit.base.make_log`, of rounds from which none
            of the policies has learnt.
        groups : array-like of shape (n_samples,), default=None
            Labels of rounds that belong together, as for `update`.

        Returns
        -------
        monitor : PolicyMonitor
            This one.

        Raises
        ------
        ValueError
            If the monitor knows names only, the log has no propensities, or as for `update`.
        """
        if not isinstance(self.policies, dict):
            raise ValueError(
                "update_log asks the policies, and this monitor knows their names only: "
                f"{self.names_}. Make it of a dict of name to fitted policy, or pass the "
                "probabilities to update."
            )
        X = as_rows(X)
        logged = check_log(X, log)
        if logged.propensity is None:
            raise ValueError(
                "log has no propensities. Log them, or estimate them by "
                "skbandit.model_selection.estimate_propensity."
            )
        probability = {}
        for name, policy in self.policies.items():
            if policy is None:
                probability[name] = logged.propensity
                continue
            check_steps_read_logs(policy, log)
            table = policy_table(policy, X, logged.labels)
            probability[name] = table.probability[np.arange(len(table.column)), table.column]
        return self.update(
            reward=logged.reward,
            propensity=logged.propensity,
            policy_probability=probability,
            groups=groups,
        )

    def _check_policies(self, policy_probability):
        if not isinstance(policy_probability, dict):
            raise ValueError(
                "policy_probability must be a dict of name to probabilities; got "
                f"{type(policy_probability).__name__}. The names are {self.names_}."
            )
        missing = [name for name in self.names_ if name not in policy_probability]
        unknown = [name for name in policy_probability if name not in self.names_]
        if missing or unknown:
            raise ValueError(
                f"policy_probability must hold the policies {self.names_}; missing: {missing}, "
                f"unknown: {unknown}. All are compared on the same rounds, those that were "
                "dropped too."
            )

    def _learn(self, weights, paid):
        first, second = self._pairs.T
        size = max(1, _PIECE // (len(self._pairs) * self._bets.factors.size))
        for start in range(0, paid.shape[1], size):
            piece = slice(start, start + size)
            before = self._bets.n_rounds
            capital, short = self._bets.update_means(
                weights[first, piece],
                weights[second, piece],
                paid[first, piece],
                paid[second, piece],
            )
            self._judge(capital, short, before)

    def _judge(self, capital, short, before):
        """Note what capitals have shown, and in which round for the first time."""
        level = self._log_level
        against = capital_against(capital, self._pairs, len(self.names_))
        _note(self._dropped, np.arange(len(self.names_)), against >= level, before)
        if self.baseline is None:
            return
        baseline = self.names_.index(self.baseline)
        for pair, (first, second) in enumerate(self._pairs):
            if baseline not in (first, second):
                continue
            # The side that says the baseline is better, and the other policy.
            side, other = (0, second) if first == baseline else (1, first)
            _note(self._better, [other], capital[1 - side, pair][None] >= level, before)
            _note(self._no_gain, [other], short[side, pair][None] >= level, before)

    @property
    def n_rounds_(self):
        return self._bets.n_rounds

    @property
    def candidates_(self):
        kept = [
            name for name, dropped in zip(self.names_, self._dropped, strict=True) if not dropped
        ]
        # All were dropped: one of the errors that the level allows.
        return kept or [self.names_[int(np.argmax(self._dropped))]]

    @property
    def better_(self):
        shown = [place for place in range(len(self.names_)) if self._better[place]]
        return [self.names_[place] for place in sorted(shown, key=self._better.__getitem__)]

    @property
    def decision_(self):
        candidates = self.candidates_
        if self.baseline is None:
            return f"promote {candidates[0]}" if len(candidates) == 1 else "go on"
        better = self.better_
        if better:
            # All of these are better than the baseline; of those that may be best, the one that
            # looks best now.
            best = [name for name in better if name in candidates] or better
            return f"promote {max(best, key=self._advantage)}"
        others = [place for place, name in enumerate(self.names_) if name != self.baseline]
        if all(self._dropped[place] or self._no_gain[place] for place in others):
            margin = f" by more than {self.smallest_gain:g}" if self.smallest_gain else ""
            return f"stop: no candidate can beat {self.baseline}{margin}"
        return "go on"

    def _advantage(self, name):
        """Return a policy's estimated difference to the baseline, in units of the range."""
        place, baseline = self.names_.index(name), self.names_.index(self.baseline)
        total = 0.0
        for pair, (first, second) in enumerate(self._pairs):
            if {first, second} == {place, baseline}:
                total = self._bets.differences[pair] * (1 if first == place else -1)
        return total

    @property
    def history_(self):
        found = {"dropped": self._dropped, "better": self._better, "no gain": self._no_gain}
        rows = [
            (int(when), name, what)
            for what, rounds in found.items()
            for name, when in zip(self.names_, rounds, strict=True)
            if when
        ]
        return pd.DataFrame(sorted(rows), columns=["round", "policy", "found"])

    def bounds(self):
        """Differences of the policies' values with bounds that hold at all times.

        Returns
        -------
        bounds : DataFrame
            Indexed by `policy` and `versus`, with the columns `difference`, an unbiased estimate,
            `low` and `high`, in units of the reward. Versus the baseline, or all pairs without
            one. The chance that a true difference is ever outside, of any row, is at most
            ``1 - confidence_level``; promotion and dropping have a level of their own and may come
            somewhat before the bounds say so.
        """
        n_policies = len(self.names_)
        shown = self._pairs
        if self.baseline is not None:
            baseline = self.names_.index(self.baseline)
            shown = [(other, baseline) for other in range(n_policies) if other != baseline]
        lows = self._bets.lower_bounds(np.log(2 * len(shown) / (1 - self.confidence_level)))
        place = {tuple(pair): number for number, pair in enumerate(self._pairs.tolist())}
        rows, index = [], []
        for one, other in np.asarray(shown).tolist():
            pair = place.get((one, other), place.get((other, one)))
            turned = (one, other) not in place
            low, high = lows[0, pair], -lows[1, pair]
            estimate = self._bets.differences[pair] / max(1, self.n_rounds_)
            if turned:
                low, high, estimate = -high, -low, -estimate
            rows.append(np.array([estimate, min(low, high), max(low, high)]) * self._scale)
            index.append((self.names_[one], self.names_[other]))
        index = pd.MultiIndex.from_tuples(index, names=["policy", "versus"])
        bounds = pd.DataFrame(np.array(rows), index=index, columns=["difference", "low", "high"])
        bounds.attrs = {"n_rounds": self.n_rounds_, "candidates": self.candidates_}
        return bounds

    def __repr__(self):
        return (
            f"PolicyMonitor({self.names_}, n_rounds={self.n_rounds_}, "
            f"candidates={self.candidates_}, decision={self.decision_!r})"
        )


def _note(found, places, shown, before):
    """Write the first round in which something is shown where nothing was found yet."""
    for place, row in zip(places, shown, strict=True):
        if not found[place] and row.any():
            found[place] = before + int(np.argmax(row)) + 1


def _check_names(policies):
    if isinstance(policies, str) or not isinstance(policies, (dict, list, tuple)):
        raise ValueError(
            "policies must be a list of names or a dict of name to policy; got "
            f"{type(policies).__name__}."
        )
    names = list(policies)
    if not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"policies must go by names that are strings; got {names}. "
            "A dict gives names to policies."
        )
    if len(set(names)) < len(names) or len(names) < 2:
        raise ValueError(
            f"policies must be two different names or more; got {names}. To bound the value of "
            "one policy, take the interval 'mixture' of its value."
        )
    return names
