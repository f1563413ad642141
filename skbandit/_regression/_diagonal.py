r"""A diagonal precision around a mean that is fitted: for very many sparse features.

A group's weights have the mean :math:`w` and independent variances :math:`\sigma^2 / q_j`. A block
of rounds with rows :math:`Z`, weights :math:`k` and rewards :math:`t` is learnt by the exact
Gaussian update under that belief, in its dual form,

.. math::

   S = \operatorname{diag}(1 / k) + Z Q^{-1} Z^\top, \quad
   w \leftarrow w + Q^{-1} Z^\top S^{-1} (t - Z w), \quad
   q_j \leftarrow q_j + \sum_i k_i Z_{ij}^2,

where the precision keeps its diagonal alone. A first block is thus ridge regression, exactly. The
constant is one more term, with the precision :math:`\lambda + n` after rounds of total weight
:math:`n`; its prior mean is what all groups pay on average.

:math:`e^\top S^{-1} e` with the errors :math:`e = t - Z w` made before the block is learnt is the
sum of the squares of the one-step-ahead errors, each over its own variance: from these the noise
is learnt. See O. Chapelle and L. Li (2011), An empirical evaluation of Thompson sampling,
algorithm 3, for the belief.
"""

import numpy as np

from ._base import RewardSums, check_finite, picked
from ._columns import Columns, columns_of
from ._filter import Block, GroupBelief, lessons_of
from ._independent import IndependentWeights

# Fading is a factor on all columns; below this it is multiplied out, and weights are nothing.
_MIN_SCALE = 1e-50


class DiagonalRegression(IndependentWeights, RewardSums):
    """Weights of its own for every group, with independent beliefs; rows may be CSR.

    Never changed: learning returns a new one, at the price of the columns that rows have. See
    :class:`Columns`.

    Attributes
    ----------
    columns : Columns of shape (n_features, 2, n_groups)
        For each feature and group the weighted sum of squares, and the mean of the weight times
        its precision (the natural parameter of a Gaussian); both over `scale`.
    scale : float
        Factor on all `columns`: what is left of rounds that fade.
    constant : ndarray of shape (n_groups,)
        The mean of each constant term times its precision, less the share of the prior.
    weight : ndarray of shape (n_groups,)
        Sum of the weights of the rows from which each group has learnt.
    locates : bool
        Whether the prior of the constants lies at what all groups pay on average; at zero
        otherwise.
    reference : float
        What `constant`, `reward_sum` and `reward_square` have subtracted from rewards: the first
        reward where it locates, otherwise 0.
    reward_sum : ndarray of shape (n_groups,)
        Weighted sum of the rewards.
    reward_square : ndarray of shape (n_groups,) or None
        Weighted sum of the squared rewards; None where the noise is not learnt.
    residual_square : ndarray of shape (n_groups,) or None
        Weighted sum of the squared one-step-ahead errors, each over its variance in units of the
        noise's.
    prior_precision : float
        Over the precision of the noise.
    intercept : bool
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
        new = object.__new__(cls)
        vars(new).update(
            columns=Columns.zeros(n_features, (2, n_groups)),
            scale=1.0,
            constant=np.zeros(n_groups),
            weight=np.zeros(n_groups),
            locates=bool(locates and intercept),
            reference=0.0,
            reward_sum=np.zeros(n_groups),
            reward_square=np.zeros(n_groups) if learns_noise else None,
            residual_square=np.zeros(n_groups) if learns_noise else None,
            prior_precision=float(prior_precision),
            intercept=bool(intercept),
            learns_noise=bool(learns_noise),
            _derived={},
        )
        return new

    # ------------------------------------------------------- what is known, written out
    @property
    def moment(self):
        """Mean of each weight times its precision, (n_groups, n_terms).

        For orthogonal terms this is the weighted sum of reward times term. The constant's is of
        rewards less `reference` and lacks the share of the prior.
        """
        return self._with_constant(self.constant, self._whole()[:, 1].T)

    @property
    def raw_moment(self):
        """The same, with that of the constant from rewards as they came."""
        return self._with_constant(
            self.constant + self.reference * self.weight, self._whole()[:, 1].T
        )

    @property
    def located_residual_square(self):
        """Sum of squared errors, each over its variance, for each noise."""
        return self.residual_square

    @property
    def _offset(self):
        """Where the prior of the constants lies, from the reference on."""
        if not self.locates:
            return -self.reference
        return common_location(self.reward_sum, self.weight, self.prior_precision)

    @property
    def _constant_added(self):
        return self.weight

    @property
    def _level(self):
        """Mean of the constant terms, (n_groups,); zeros without."""
        lam = self.prior_precision
        if not self.intercept:
            return np.zeros(self.n_groups)
        return self.reference + (lam * self._offset + self.constant) / (lam + self.weight)

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
        mass = examples.weight
        if mass is not None and not (mass > 0).all():
            # What weighs nothing teaches nothing, and no time passes.
            examples = examples.kept(mass > 0)
        if examples.n_rows == 0:
            return self
        # An overflow shows in the sums, and is told there.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return self._learnt(examples, float(forgetting))

    def _learnt(self, examples, forgetting):
        mass = examples.weight
        examples, kept = examples.faded(forgetting)
        before = self._faded(kept, examples)
        after = before._with_sums(examples)
        # Before any round, these tell where rewards lie.
        location = (before if before.weight.sum() > _MIN_SCALE else after)._offset
        columns, local = columns_of(examples.rows)
        stored = before.columns.whole() if columns is None else before.columns.take(columns)
        beliefs = {}
        for lesson in lessons_of(examples, mass, self.n_groups, before.reference):
            block = Block.of(local, lesson.rows, lesson.weight)
            for group, reward in lesson.told:
                if group not in beliefs:
                    beliefs[group] = before._belief_of(group, stored, location)
                beliefs[group].learn(block, reward)
        return after._with_beliefs(beliefs, columns, stored)

    def _faded(self, kept, examples):
        """What is left of it when these examples have been seen, and from where they count."""
        sums = {
            name: kept * getattr(self, name)
            for name in ("constant", "weight", "reward_sum", "reward_square", "residual_square")
            if getattr(self, name) is not None
        }
        if self.locates and not self.weight.any():
            sums["reference"] = float(
                examples.low if examples.reward is None else examples.reward[0]
            )
        columns, scale = self.columns, kept * self.scale
        if scale < _MIN_SCALE:
            columns, scale = Columns.of(columns.whole() * scale), 1.0
        return self._changed(columns=columns, scale=scale, **sums)

    def _with_sums(self, examples):
        """The same with the weights and rewards of the examples."""
        group, weight, n_groups = examples.group, examples.weights, self.n_groups

        def total(values):
            return np.bincount(group, weights=values, minlength=n_groups)

        if examples.reward is not None:
            reward = examples.reward - self.reference
            mass, paid = total(weight), total(weight * reward)
            square = total(weight * reward * reward)
        else:
            low, high = examples.low - self.reference, examples.high - self.reference
            learns = np.arange(n_groups) < examples.n_taught_of(n_groups)
            named, mass = total(weight), np.where(learns, weight.sum(), 0.0)
            paid = low * (mass - named) + high * named
            square = low**2 * (mass - named) + high**2 * named
        check_finite(mass, paid, square)
        return self._changed(
            weight=self.weight + mass,
            reward_sum=self.reward_sum + paid,
            reward_square=self.reward_square + square if self.learns_noise else None,
        )

    def _belief_of(self, group, stored, location):
        return GroupBelief(
            gram=stored[:, 0, group] * self.scale,
            moment=stored[:, 1, group] * self.scale,
            weight=float(self.weight[group]),
            constant=float(self.constant[group]),
            location=location if self.intercept else None,
            prior_precision=self.prior_precision,
        )

    def _with_beliefs(self, beliefs, columns, stored):
        constant = self.constant.copy()
        residual_square = self.residual_square.copy() if self.learns_noise else None
        for group, belief in beliefs.items():
            stored[:, 0, group] = belief.gram / self.scale
            stored[:, 1, group] = belief.mean * belief.precision / self.scale
            if self.intercept:
                constant[group] = belief.constant_sum
            if self.learns_noise:
                residual_square[group] += belief.residual_square
        check_finite(stored[:, :, list(beliefs)], constant)
        if self.learns_noise:
            check_finite(residual_square)
        return self._changed(
            columns=Columns.of(stored) if columns is None else self.columns.put(columns, stored),
            constant=constant,
            residual_square=residual_square,
        )

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
            Features that go are left out: beliefs are independent. None: the same features.
        prior_precision : float, default=None
            None: the same. The natural parameters stay, which is exact for orthogonal rows.
        locates : bool, default=None
            None: the same.
        """
        new = self
        if locates is not None and locates != self.locates:
            new = new._changed(locates=bool(locates and self.intercept))
        if features is not None and not np.array_equal(features, np.arange(self.n_features)):
            new = new._changed(columns=Columns.of(picked(new.columns.whole(), features, None)))
        if groups is not None and not np.array_equal(groups, np.arange(self.n_groups)):
            new = new._with_groups(np.asarray(groups, dtype=np.intp), shares)
        if prior_precision is not None and prior_precision != self.prior_precision:
            new = new._changed(prior_precision=float(prior_precision))
        return new

    def _with_groups(self, source, shares):
        names = ("constant", "weight", "reward_sum", "reward_square", "residual_square")
        sums = {name: picked(getattr(self, name), source, shares) for name in names}
        values = picked(self.columns.whole().transpose(2, 0, 1), source, shares)
        columns = Columns.of(np.ascontiguousarray(values.transpose(1, 2, 0)))
        return self._changed(columns=columns, **sums)

    @classmethod
    def merged(cls, parts):
        """Return an approximation of the regression on the rounds of all parts.

        Natural parameters are added up: every mean is that of the parts' means, weighted by their
        precisions, with the prior counted once. It is exact for orthogonal rows.

        Parameters
        ----------
        parts : list of DiagonalRegression
            Of the same groups and features. The prior is that of the first one.
        """
        first = parts[0]
        if len(parts) == 1:
            return first
        known = [part for part in parts if part.weight.any()] or parts[:1]
        moved = [part._referred_to(known[0].reference) for part in known]
        names = ("constant", "weight", "reward_sum", "reward_square", "residual_square")
        sums = {
            name: None
            if getattr(first, name) is None
            else sum(getattr(part, name) for part in moved)
            for name in names
        }
        columns = sum(part._whole() for part in moved)
        return first._changed(
            columns=Columns.of(columns), scale=1.0, reference=known[0].reference, **sums
        )

    def _referred_to(self, reference):
        """The same, with rewards counted from elsewhere."""
        move = self.reference - reference
        if move == 0.0:
            return self
        square = self.reward_square
        if square is not None:
            square = square + move * (2.0 * self.reward_sum + move * self.weight)
        return self._changed(
            reference=reference,
            constant=self.constant + move * self.weight,
            reward_sum=self.reward_sum + move * self.weight,
            reward_square=square,
        )


def common_location(reward_sum, weight, prior_precision):
    r"""Where groups' means lie: generalised least squares.

    The mean of a group with weight n varies about it by :math:`1 / \lambda + 1 / n`.
    """
    total = prior_precision + weight
    share = (weight / total).sum()
    return float((reward_sum / total).sum() / share) if share > 0 else 0.0
