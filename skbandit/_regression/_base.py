r"""What the kinds of regression share.

Weights of a group have the prior :math:`\theta \sim N(0, \sigma^2 \lambda^{-1} I)` and rewards are
:math:`r = x^\top \theta + N(0, \sigma^2)`. A posterior with mean :math:`m`, precision :math:`A`
and residual sum of squares :math:`S` stands for the quadratic

.. math:: Q(\theta) = S + (\theta - m)^\top A (\theta - m),

the squared errors of all rounds plus :math:`\lambda \|\theta\|^2`. Whatever happens to the rounds
(more of them, fading, joining shards, another prior) changes :math:`Q` by known terms, and the new
:math:`S` is the new quadratic at its minimum: it stays a sum of squares, and no large sums are
subtracted from each other.

Where the location of the rewards is not known beforehand (``locates``), all of this is about
rewards minus a reference, the first reward ever seen, so that rewards far from zero keep their
digits. The prior of the constants lies elsewhere, at a location :math:`c` that all groups share
and that is found from the sums: with
:math:`S_a(c) = S_a - 2 c s_a + c^2 t_a` the minimum of group a's quadratic under a prior at
:math:`c`,

.. math:: c = \frac{\sum_a s_a}{\sum_a t_a},

the generalised least-squares estimate. An offset in all rewards thus moves all beliefs by as much
and changes nothing else.
"""

import numpy as np

from .._shares import blended, left_over
from ._sums import block_rows, predict_rows

# Prior degrees of freedom of the noise, 4: the variance of a Student-t belief exists from the
# start.
_PRIOR_SHAPE = 2.0
# Rounds that the rewards' own variance counts as, beside the residuals of all groups.
PRIOR_ROUNDS = 2.0


def _sum(array):
    """The sum of a vector; the method takes twice as long where there are few numbers."""
    return float(np.add.reduce(array))


class RewardSums:
    """What follows from the sums of rewards and of what a regression leaves of them.

    A kind has ``weight``, ``reward_sum``, ``reward_square``, ``reference``, ``locates``, see
    :class:`Regression`, and ``located_residual_square`` and ``_offset``, the location from the
    reference on.
    """

    @property
    def location(self):
        """Where the prior of the constants lies, in units of the reward."""
        return (self.reference or 0.0) + self._offset

    @property
    def raw_reward_square(self):
        """Weighted sum of squared rewards, (n_groups,)."""
        reference = self.reference or 0.0
        return self.reward_square + reference * (2.0 * self.reward_sum + reference * self.weight)

    def mean_rewards(self):
        """Mean reward of each group; the location for one that has learnt nothing."""
        known = self.weight > 0.0
        mean = self.reward_sum / np.where(known, self.weight, 1.0)
        return np.where(known, mean, self._offset) + (self.reference or 0.0)

    def spreads(self):
        """Standard deviation of each group's rewards about their mean, (n_groups,)."""
        weight = np.where(self.weight > 0.0, self.weight, 1.0)
        square = self.reward_square / weight - (self.reward_sum / weight) ** 2
        return np.sqrt(np.maximum(square, 0.0))

    def expected_spreads(self):
        """Standard deviation of what each group is expected to pay, over the rounds of all.

        A lower bound, where the products of the terms are kept: over the mean terms of each group.
        """
        return np.zeros(len(self.weight))

    @property
    def deviation(self):
        """Root mean square of what the posterior mean leaves of the rewards."""
        total = self._noise_weight.sum()
        return float(np.sqrt(self.located_residual_square.sum() / total)) if total > 0 else 0.0

    def noise(self, prior=None):
        """Belief about the variance of a reward about its mean.

        Parameters
        ----------
        prior : (shape, scale) of an inverse-gamma distribution, default=None
            None: shape 2 for each noise, with the variance that all groups have together as the
            guess; and no noise is believed to be less than it would be as that of all groups: the
            rewards of a few rounds agree by chance, those of rare events for long.

        Returns
        -------
        variance : ndarray of shape (n_groups,) or (1,)
            Its scale, for each noise.
        dof : ndarray of the same shape
            Degrees of freedom of the expected rewards' Student-t distribution.
        """
        residual, weight = self.located_residual_square, self._noise_weight
        if prior is not None:
            shape, scale = prior
            posterior_shape = shape + 0.5 * weight
            return (scale + 0.5 * residual) / posterior_shape, 2.0 * posterior_shape
        total, left = _sum(weight), _sum(residual)
        guess = (PRIOR_ROUNDS * self._spread(total) + left) / (PRIOR_ROUNDS + total)
        posterior_shape = _PRIOR_SHAPE + 0.5 * weight
        variance = (_PRIOR_SHAPE * guess + 0.5 * residual) / posterior_shape
        together = (_PRIOR_SHAPE * guess + 0.5 * left) / (_PRIOR_SHAPE + 0.5 * total)
        return np.maximum(variance, together), 2.0 * posterior_shape

    def _spread(self, total):
        """Variance of all rewards, whose weight is this; 1 before there are any."""
        if not total > 0:
            return 1.0
        spread = _sum(self.reward_square) / total
        if self.locates:
            spread = max(spread - (_sum(self.reward_sum) / total) ** 2, 0.0)
        return spread

    @property
    def _noise_weight(self):
        """Weight of the rounds that tell of each noise."""
        return self.weight


class Regression(RewardSums):
    """Bayesian linear regression of every group's reward; never changed, learning returns a new
    one.

    What follows from the sums is found when it is first asked for and kept beside them, but not in
    a pickle. Threads may ask the same regression at once: two that miss something find the same.

    Attributes
    ----------
    gram : tuple of ndarray of shape (n_terms, n_terms), or ndarray of shape (n_groups, n_terms)
        Weighted sum of the products of the terms, a matrix a group; of their squares where the
        precision is diagonal.
    moment : ndarray of shape (n_groups, n_terms)
        Weighted sum of reward times terms.
    weight : ndarray of shape (n_groups,)
        Sum of the weights of the rows from which each group has learnt.
    locates : bool
        Whether the prior of the constants lies where the sums put it; otherwise it is at zero.
    reference : float or None
        What moment, reward_sum, reward_square and residual_square have subtracted from rewards:
        the first reward where it locates (None before there is any), otherwise 0.
    reward_sum : ndarray of shape (n_groups,)
        Weighted sum of rewards.
    reward_square : ndarray of shape (n_groups,) or None
        Weighted sum of squared rewards; None where the noise is not learnt.
    residual_square : ndarray of shape (n_groups,) or (1,), or None
        For each noise that is learnt: what the posterior mean under a prior at the reference
        leaves of the squared rewards, the prior's share included.
    prior_precision : float
        Over the precision of the noise.
    intercept : bool
        Whether a constant term is put in front of the rows.
    learns_noise : bool
    """

    @classmethod
    def empty(
        cls,
        n_groups,
        n_features,
        *,
        prior_precision=1.0,
        intercept=False,
        learns_noise=True,
        locates=False,
    ):
        """Return the regression before any round.

        Parameters
        ----------
        n_groups, n_features : int
        prior_precision : float, default=1.0
        intercept : bool, default=False
        learns_noise : bool, default=True
        locates : bool, default=False
            Needs a constant term; without one it has no effect.
        """
        locates = bool(locates and intercept)
        n_terms = n_features + int(intercept)
        return cls._of(
            gram=cls._no_gram(n_groups, n_terms),
            moment=np.zeros((n_groups, n_terms)),
            weight=np.zeros(n_groups),
            locates=locates,
            reference=None if locates else 0.0,
            reward_sum=np.zeros(n_groups),
            reward_square=np.zeros(n_groups) if learns_noise else None,
            residual_square=cls._no_residual(n_groups) if learns_noise else None,
            prior_precision=float(prior_precision),
            intercept=bool(intercept),
            learns_noise=bool(learns_noise),
        )

    @classmethod
    def _of(cls, **fields):
        new = object.__new__(cls)
        vars(new).update(fields, _derived={})
        return new

    def _changed(self, **fields):
        """The same with other fields; what was derived is forgotten unless it is given."""
        new = object.__new__(type(self))
        vars(new).update(vars(self))
        vars(new).update(_derived={})
        vars(new).update(fields)
        return new

    def _with_residual(self, residual_square):
        return self._changed(residual_square=residual_square, _derived=self._derived)

    def __setattr__(self, name, value):
        raise AttributeError(
            f"{name} cannot be set: a regression never changes, learning returns a new one."
        )

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_derived"}

    def __setstate__(self, state):
        vars(self).update(state, _derived={})

    # ------------------------------------------------------------------ sizes
    @property
    def n_groups(self):
        """Number of groups."""
        return self.moment.shape[0]

    @property
    def n_terms(self):
        """Number of terms, the constant one included."""
        return self.moment.shape[1]

    @property
    def n_features(self):
        """Number of columns that rows have."""
        return self.n_terms - int(self.intercept)

    # ------------------------------------------------------ what a kind defines
    @staticmethod
    def _no_gram(n_groups, n_terms):
        """Sums of products before any round."""
        raise NotImplementedError

    @staticmethod
    def _no_residual(n_groups):
        """The residual sum of squares of each noise before any round."""
        return np.zeros(n_groups)

    @staticmethod
    def _collect(grams):
        """The sums of products of all groups from a list of those of each."""
        raise NotImplementedError

    def _learnt_in_blocks(self, examples, block_size, forgetting):
        raise NotImplementedError

    def _without(self, dropped):
        """Forget terms: the same sizes, and what is believed about the others stays."""
        raise NotImplementedError

    def _weights(self):
        """Posterior means under a prior at the reference: an array or a record that the next two
        can read."""
        raise NotImplementedError

    def _objective(self, weights):
        """The quadratic Q at other weights, for each noise."""
        raise NotImplementedError

    def _prior_square(self, weights):
        """The square that the prior precision multiplies, for each noise."""
        raise NotImplementedError

    def _own_coef(self):
        """Posterior means under a prior at the reference, (n_groups, n_terms)."""
        raise NotImplementedError

    def _pull(self):
        """How far the weights move with the location of the prior, (n_groups, n_terms)."""
        raise NotImplementedError

    def _location_terms(self):
        """The s and t of the location, for each noise."""
        raise NotImplementedError

    # --------------------------------------------------------------- location
    @property
    def _offset(self):
        """The location, from the reference on."""
        if not self.locates:
            return -(self.reference or 0.0)
        offset = self._derived.get("offset")
        if offset is None:
            linear, square = self._location_terms()
            total = _sum(square)
            offset = _sum(linear) / total if total > 0.0 else 0.0
            self._derived["offset"] = offset
        return offset

    @property
    def _is_at_reference(self):
        """Whether rewards are as they came and the prior is at zero."""
        return not self.locates and self.reference == 0.0

    @property
    def coef(self):
        """Posterior mean of the weights, (n_groups, n_terms)."""
        if self._is_at_reference:
            return self._own_coef()
        coef = self._derived.get("located_coef")
        if coef is None:
            coef = self._own_coef() + self._offset * self._pull()
            coef[:, 0] += self.reference or 0.0
            self._derived["located_coef"] = coef
        return coef

    @property
    def located_residual_square(self):
        """Residual sum of squares under the prior at the location, for each noise."""
        if self._is_at_reference:
            return self.residual_square
        residual = self._derived.get("located_residual")
        if residual is None:
            residual = self._derived["located_residual"] = self._residual_about(self._offset)
        return residual

    def _residual_about(self, offset):
        """Residual sum of squares under a prior so far from the reference."""
        linear, square = self._location_terms()
        return np.maximum(self.residual_square - offset * (2.0 * linear - offset * square), 0.0)

    def _relative_to(self, reference):
        """The same, with another reference."""
        if reference is None or reference == self.reference:
            return self
        if self.reference is None:
            return self._changed(reference=reference)
        offset = reference - self.reference
        new = self._changed(
            reference=reference,
            moment=self.moment - offset * self._ones_moment(),
            reward_sum=self.reward_sum - offset * self.weight,
        )
        if not self.learns_noise:
            return new
        square = self.reward_square - offset * (2.0 * self.reward_sum - offset * self.weight)
        return new._changed(
            reward_square=np.maximum(square, 0.0), residual_square=self._residual_about(offset)
        )

    @property
    def raw_moment(self):
        """Weighted sum of reward times terms, (n_groups, n_terms), in units of the reward."""
        if not self.reference:
            return self.moment.copy()
        return self.moment + self.reference * self._ones_moment()

    def _ones_moment(self):
        """The moment that rewards of one would have."""
        return np.stack([one[:, 0] for one in self.gram])

    # --------------------------------------------------------------- learning
    def learnt(self, examples, forgetting=1.0):
        """Return the regression after more examples.

        Parameters
        ----------
        examples : Examples
        forgetting : float in (0, 1], default=1.0
            Every round multiplies the weight of all rounds before it by this; the prior stays.

        Raises
        ------
        ValueError
            If squares of the numbers overflow.
        """
        if examples.n_rows == 0:
            return self
        known, examples = self._referred(examples)
        return known._learnt(examples, forgetting)

    def _referred(self, examples):
        """This regression with a reference, and the examples' rewards relative to it."""
        known = self
        if self.reference is None:
            first = examples.low if examples.reward is None else examples.reward[0]
            known = self._changed(reference=float(first))
        return known, examples.minus(known.reference)

    def _learnt(self, examples, forgetting):
        size = min(examples.n_rows, block_rows(self.n_features, self.n_groups))
        # A round is not cut in two.
        size = -(-size // examples.rows_per_round) * examples.rows_per_round
        # An overflow shows in the sums, and is told there.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._learnt_in_blocks(examples, size, float(forgetting))

    # ----------------------------------------------------------------- belief
    def mean(self, rows, group=None):
        """Posterior mean of the reward.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
        group : int, default=None
            Ask one group alone.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_groups), or (n_samples,) for one group
        """
        return self.rewards(rows, self.coef if group is None else self.coef[group])

    def rewards(self, rows, weights):
        """Rewards of rows under given weights.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
        weights : ndarray of shape (n_weights, n_terms), or (n_terms,)

        Returns
        -------
        rewards : ndarray of shape (n_samples, n_weights), or (n_samples,)
        """
        return predict_rows(rows, weights, self.intercept)

    # --------------------------------------------------------------- carrying
    def carried(
        self, *, groups=None, shares=None, features=None, prior_precision=None, locates=None
    ):
        """Return what is known, for other groups, features or another prior.

        Parameters
        ----------
        groups : ndarray of int, default=None
            The old position of each new group; -1 for one that is new. None: the same groups.
        shares : ndarray of shape (n_new, n_groups), default=None
            Of what each old group has learnt in the start of each new one; the rest is the prior.
            None: all of it.
        features : ndarray of int, default=None
            The old position of each new feature, -1 for one that is new: it was zero so far.
            Features that go are marginalised out. None: the same features.
        prior_precision : float, default=None
            None: the same.
        locates : bool, default=None
            Whether the prior of the constants lies where the sums put it. None: the same.
        """
        new = self
        if locates is not None and locates != self.locates:
            new = new._changed(locates=bool(locates and self.intercept))
        if features is not None and not np.array_equal(features, np.arange(self.n_features)):
            new = new._with_features(np.asarray(features, dtype=np.intp))
        if groups is not None and not np.array_equal(groups, np.arange(self.n_groups)):
            new = new._with_groups(np.asarray(groups, dtype=np.intp), shares)
        if prior_precision is not None and prior_precision != self.prior_precision:
            new = new._under(float(prior_precision))
        return new

    def _with_features(self, source):
        offset = int(self.intercept)
        terms = np.concatenate([np.arange(offset), np.where(source >= 0, source + offset, -1)])
        dropped = np.setdiff1d(np.arange(self.n_terms), terms)
        old = self._without(dropped) if dropped.size else self
        return old._changed(
            gram=self._collect([embedded(one, terms) for one in old.gram]),
            moment=np.stack([embedded(one, terms) for one in old.moment]),
        )

    def _with_groups(self, source, shares):
        came = np.flatnonzero(source < 0)
        start = self._no_gram(len(came), self.n_terms)
        if shares is not None:
            start = blended(self.gram, shares)
        gram = [self.gram[old] if old >= 0 else None for old in source]
        for place, one in zip(came, start, strict=True):
            gram[place] = one
        sums = {
            name: picked(getattr(self, name), source, shares)
            for name in ("moment", "weight", "reward_sum", "reward_square")
        }
        new = self._changed(gram=self._collect(gram), **sums)
        if not self.learns_noise:
            return new
        return new._with_residual(self._regrouped_residual(new, source, shares))

    def _regrouped_residual(self, new, source, shares):
        """The residual sum of squares of the groups of `new`, each with a noise of its own."""
        residual = picked(self.residual_square, source, None)
        if shares is None:
            return residual
        lam, left = self.prior_precision, left_over(shares)
        for number, place in enumerate(np.flatnonzero(source < 0)):
            # The shares of the groups' quadratics and of the prior, at their minimum.
            weights = new._weights()[[place]]
            parts = shares[number] @ self._objective(weights)
            residual[place] = parts + left[number] * lam * self._prior_square(weights)[0]
        return residual

    def _under(self, prior_precision):
        new = self._changed(prior_precision=prior_precision)
        if not self.learns_noise:
            return new
        weights = new._weights()
        change = (prior_precision - self.prior_precision) * self._prior_square(weights)
        return new._with_residual(np.maximum(self._objective(weights) + change, 0.0))

    @classmethod
    def merged(cls, parts):
        """Return the regression on the rounds of all parts.

        Parameters
        ----------
        parts : list of regressions of this kind
            Of the same groups and features. The prior is that of the first one.
        """
        lam = parts[0].prior_precision
        known = [part.reference for part in parts if part.reference is not None]
        reference = known[0] if known else None
        parts = [part.carried(prior_precision=lam)._relative_to(reference) for part in parts]
        names = ("moment", "weight", "reward_sum")
        sums = {name: sum(getattr(part, name) for part in parts) for name in names}
        if parts[0].learns_noise:
            sums["reward_square"] = sum(part.reward_square for part in parts)
        grams = zip(*(part.gram for part in parts), strict=True)
        new = parts[0]._changed(gram=cls._collect([sum(group) for group in grams]), **sums)
        if not new.learns_noise:
            return new
        weights = new._weights()
        total = sum(part._objective(weights) for part in parts)
        # Every part's quadratic holds the prior; the whole holds it once.
        total = total - (len(parts) - 1) * lam * new._prior_square(weights)
        return new._with_residual(np.maximum(total, 0.0))


def check_finite(*sums):
    """Raise before sums that are not finite replace those that are."""
    if not all(np.isfinite(value).all() for value in sums):
        raise_overflow()


def raise_overflow():
    """Say that sums of squares are no finite numbers."""
    raise ValueError(
        "X or reward holds numbers so large that their squares overflow. Rescale them, for "
        "instance with StandardScaler in a Pipeline."
    )


def normal_deviates(stream, n_terms, n_draws):
    """Standard normal deviates, (n_draws, n_terms); a term's do not depend on how many follow."""
    return np.random.RandomState(stream).standard_normal((n_terms, n_draws)).T


def embedded(array, terms):
    """Entries of a vector or matrix at the old positions of its new terms; zero for -1."""
    new = np.zeros((len(terms),) * array.ndim)
    known = np.flatnonzero(terms >= 0)
    new[np.ix_(*[known] * array.ndim)] = array[np.ix_(*[terms[known]] * array.ndim)]
    return new


def picked(array, source, shares):
    """Entries by their old positions; what is new is zero, or the sum of shares of the old."""
    if array is None:
        return None
    new = array[source]
    new[source < 0] = 0.0 if shares is None else blended(array, shares)
    return new
