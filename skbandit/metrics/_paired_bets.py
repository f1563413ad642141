"""Bets on which of two policies is better, round by round, for many pairs at once.

With importance weights v and w of two policies a and b and the reward u scaled to [0, 1], each
round gives a number for either side whose expectation is the difference of the values:

    a over b:  (v - w) (u - c)             b over a:  (w - v) (u - c)             weights up to W
    a over b:  v u + w (1 - u) - 1         b over a:  w u + v (1 - u) - 1         any weights

for any c that this round does not know, since weights have the mean 1. Terms are at least
-W max(c, 1 - c) in the first line and -1 in the second: one over that is the largest stake. A
bettor who stakes s on the difference being above m makes of a capital of 1

    prod (1 + s term) / (1 + s m),

a fair game at a difference of m and an unfavourable one below it, which exceeds 1 / alpha with a
chance of at most alpha, ever (Ville). Several bettors side by side have the sum of their capitals.
Stakes and c may follow from earlier rounds. They are set anew each time the number of rounds has
doubled and stay between, so that the sums of log(1 + s term), which know no m, are all that is
kept.

All terms are linear in v, w, v u and w u. So the means of these over the rounds of a group may
take the place of a round's: their terms have the same bounds, and as mean the difference of the
values when each group counts once.
"""

import numpy as np
from scipy import optimize, special

# No bet loses more than this share of its capital in one round.
_LARGEST_LOSS = 0.95
# The first time that stakes are set by what was seen; then at twice as many rounds, and so on.
_FIRST_PERIOD = 16
# Before that, terms are taken to be as in this many rounds with a mean square of v - w of W (at
# most 2 W is possible), or of the terms of 4 where weights have no bound. Weights that are large
# and rare are not seen for long, and who takes their variance as small stakes too much.
_PRIOR_ROUNDS = 30
_PRIOR_SQUARE = 4.0
# Stakes in units of the expected one, and how much capital each gets: a log-normal law on a grid.
# The expected stake is gain / variance, and without a gain that matters, it is that of a gain of
# _EFFECT standard deviations of the terms, with a wider law.
_FACTORS_KNOWN, _SPREAD_KNOWN = np.geomspace(1 / 5, 5.0, 11), 0.4
_FACTORS, _SPREAD, _EFFECT = np.geomspace(1 / 12, 12.0, 17), 0.8, 0.08
_LARGEST_TERM = 1e300
_TOLERANCE = 1e-12


class PairedBets:
    """Running sums of bets for pairs of policies.

    Parameters
    ----------
    n_pairs : int
    max_weight : float, default=None
        Bound of all importance weights; None bets on the terms that need none.
    gain : float, default=0.0
        The difference to size stakes for, in units of the scaled reward; 0 means none.

    Attributes
    ----------
    n_rounds : int
        Groups, where the rounds come in groups.
    moments : ndarray of shape (3, n_pairs)
        What the variance of the terms is known from.
    stakes : list of ndarray of shape (n_pairs, n_bettors)
        Of each period, the present one last.
    sums : list of ndarray of shape (2, n_pairs, n_bettors)
        Sums of log(1 + stake term) of each period, for either side.
    period_sizes : list of int
        Rounds of each period so far.
    differences : ndarray of shape (n_pairs,)
        Sums of unbiased estimates of the difference, one a round.
    """

    def __init__(self, n_pairs, *, max_weight=None, gain=0.0):
        self.max_weight = max_weight
        self.gain = gain
        factors, spread = (_FACTORS_KNOWN, _SPREAD_KNOWN) if gain else (_FACTORS, _SPREAD)
        self.factors = factors
        share = np.exp(-0.5 * (np.log(factors) / spread) ** 2)
        self.log_shares = np.log(share / share.sum())
        self.n_rounds = 0
        square = _PRIOR_ROUNDS * (_PRIOR_SQUARE if max_weight is None else max_weight)
        # Rewards of 0 and 1, half of each.
        self.moments = np.outer([square, square / 2, square / 2], np.ones(n_pairs))
        self.differences = np.zeros(n_pairs)
        self.stakes, self.sums, self.period_sizes = [], [], []
        self._start_period()

    def _start_period(self):
        zeroth, first, second = self.moments
        n_rounds = self.n_rounds + _PRIOR_ROUNDS
        if self.max_weight is None:
            self.level, floor = None, 1.0
            variance = zeroth / n_rounds
        else:
            # The level of the least variance.
            self.level = first / zeroth
            floor = self.max_weight * np.maximum(self.level, 1 - self.level)
            variance = (second - first**2 / zeroth) / n_rounds
        expected = self.gain / variance if self.gain else _EFFECT / np.sqrt(variance)
        largest = _LARGEST_LOSS / floor * np.ones_like(variance)
        # Those who would stake more stake what is allowed.
        self.stakes.append(np.minimum(expected[:, None] * self.factors, largest[:, None]))
        self.sums.append(np.zeros((2, *self.stakes[-1].shape)))
        self.period_sizes.append(0)
        self._next_period = _FIRST_PERIOD * 2 ** (len(self.stakes) - 1)
        # What the bettors had when the period began, at a difference of 0.
        self._before = sum(self.sums)

    def update(self, weight, other, reward):
        """Bet on rounds and return the capital after each.

        Parameters
        ----------
        weight, other : ndarray of shape (n_pairs, n_samples)
            Importance weights of the first and of the second policy of each pair.
        reward : ndarray of shape (n_pairs, n_samples) or (1, n_samples)
            Between 0 and 1.

        Returns
        -------
        log_capital, log_short : ndarray of shape (2, n_pairs, n_samples)
            As of `update_means`.
        """
        return self.update_means(weight, other, weight * reward, other * reward)

    def update_means(self, weight, other, paid, other_paid):
        """Bet on rounds or groups of rounds and return the capital after each.

        Parameters
        ----------
        weight, other : ndarray of shape (n_pairs, n_samples)
            Importance weights of the first and of the second policy of each pair; of groups, their
            means.
        paid, other_paid : ndarray of shape (n_pairs, n_samples)
            The same of weight times reward.

        Returns
        -------
        log_capital : ndarray of shape (2, n_pairs, n_samples)
            Logarithm of the capital that says the first policy is better, and the second.
        log_short : ndarray of shape (2, n_pairs, n_samples)
            Of the capital that says the first policy falls short of the second by less than the
            gain, and the second of the first. The same where there is no gain.
        """
        log_capital = np.empty((2, *weight.shape))
        log_short = np.empty_like(log_capital) if self.gain else log_capital
        start, n_samples = 0, weight.shape[1]
        while start < n_samples:
            if self.n_rounds == self._next_period:
                self._start_period()
            end = min(n_samples, start + self._next_period - self.n_rounds)
            piece = slice(start, end)
            self._bet(
                [one[:, piece] for one in (weight, other, paid, other_paid)],
                log_capital[..., piece],
                log_short[..., piece],
            )
            start = end
        return log_capital, log_short

    def _bet(self, means, log_capital, log_short):
        """Bet on rounds of one period; write the capital after each into the last two."""
        both_sides = self._terms(*means)
        self._look(*means, both_sides)
        n_samples = log_capital.shape[-1]
        # (n_samples, 1) and (n_pairs, 1, n_bettors)
        size = np.arange(1, n_samples + 1)[:, None] + self.period_sizes[-1]
        present = _log_factor(self.stakes[-1], -self.gain)[:, None, :]
        past = self._paid(-self.gain, slice(-1))[:, None, :]
        for side, terms in enumerate(both_sides):
            sums = np.log1p(terms[..., None] * self.stakes[-1][:, None, :])
            np.cumsum(sums, axis=1, out=sums)
            sums += self.sums[-1][side][:, None, :]
            self.sums[-1][side] = sums[:, -1]
            sums += (self._before[side] + self.log_shares)[:, None, :]
            log_capital[side] = _log_sum_exp(sums)
            if self.gain:
                sums -= past + size * present
                log_short[side] = _log_sum_exp(sums)
        self.differences += (both_sides[0] - both_sides[1]).sum(axis=1) / 2
        self.n_rounds += n_samples
        self.period_sizes[-1] += n_samples

    def _paid(self, difference, periods=slice(None)):
        """Return the logarithm of what betting against a difference divides capital by."""
        paid = np.zeros_like(self.stakes[0])
        for stakes, size in zip(self.stakes[periods], self.period_sizes[periods], strict=True):
            paid += size * _log_factor(stakes, difference)
        return paid

    def _terms(self, weight, other, paid, other_paid):
        if self.max_weight is None:
            first = paid + other - other_paid - 1
            second = other_paid + weight - paid - 1
            return np.minimum(first, _LARGEST_TERM), np.minimum(second, _LARGEST_TERM)
        first = paid - other_paid - self.level[:, None] * (weight - other)
        return first, -first

    def _look(self, weight, other, paid, other_paid, both_sides):
        """Add to the moments; with a bound they are sums weighted by (v - w)^2."""
        if self.max_weight is None:
            first, second = both_sides
            self.moments[0] += (first**2 + second**2).sum(axis=1) / 2
            return
        apart, paid_apart = weight - other, paid - other_paid
        self.moments[0] += (apart**2).sum(axis=1)
        self.moments[1] += (apart * paid_apart).sum(axis=1)
        self.moments[2] += (paid_apart**2).sum(axis=1)

    def lower_bounds(self, log_level):
        """Return the least differences that the capital has not ruled out.

        Parameters
        ----------
        log_level : float
            Logarithm of the capital that rules a difference out.

        Returns
        -------
        bounds : ndarray of shape (2, n_pairs)
            Of the first policy's advantage and of the second's, from -1 on.
        """
        return np.array([self._bounds_of_side(side, log_level) for side in range(2)])

    def _bounds_of_side(self, side, log_level):
        won = sum(self.sums)[side] + self.log_shares
        sizes = np.array(self.period_sizes)[:, None]
        bounds = np.empty(len(won))
        for pair, mine in enumerate(won):
            stakes = np.array([one[pair] for one in self.stakes])

            def surplus(difference, mine=mine, stakes=stakes):
                paid = (sizes * _log_factor(stakes, difference)).sum(axis=0)
                return special.logsumexp(mine - paid) - log_level

            # Capital falls in the difference that is bet against.
            if surplus(-1.0) <= 0:
                bounds[pair] = -1.0
            elif surplus(1.0) >= 0:
                bounds[pair] = 1.0
            else:
                root = optimize.brentq(surplus, -1.0, 1.0, xtol=_TOLERANCE)
                bounds[pair] = max(-1.0, root - _TOLERANCE)
        return bounds


def capital_against(log_capital, pairs, n_policies):
    """Sum, for each policy, the capital of those who bet on another one being better.

    Parameters
    ----------
    log_capital : ndarray of shape (2, n_pairs, ...)
        As `PairedBets.update` returns it.
    pairs : sequence of (int, int) of length n_pairs
        The policies of each pair.
    n_policies : int

    Returns
    -------
    log_against : ndarray of shape (n_policies, ...)
    """
    log_against = np.full((n_policies, *log_capital.shape[2:]), -np.inf)
    for pair, (first, second) in enumerate(pairs):
        np.logaddexp(log_against[second], log_capital[0, pair], out=log_against[second])
        np.logaddexp(log_against[first], log_capital[1, pair], out=log_against[first])
    return log_against


def _log_factor(stakes, difference):
    # No difference is below the floor of the terms. Who bets against one that is, bets against a
    # larger one instead, and has less.
    return np.log1p(np.maximum(stakes * difference, -_LARGEST_LOSS))


def _log_sum_exp(values):
    """Return the logarithm of sums over the last axis, in a fifth of scipy's time."""
    largest = values.max(axis=-1)
    return largest + np.log(np.exp(values - largest[..., None]).sum(axis=-1))
