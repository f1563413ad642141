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

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from ._base import check_finite, normal_deviates, raise_overflow
from ._columns import Columns
from ._sums import predict_rows

# Prior degrees of freedom of the noise, 4: the variance of a Student-t belief exists from the
# start.
_PRIOR_SHAPE = 2.0
# Rounds that are learnt at once, in units of weight; and rows, where weights are small.
_BLOCK_WEIGHT = 256
# So many numbers of a block are cheaper to multiply as they are than by their non-zeros.
_MAX_DENSE = 1 << 15
# The matrix of a block is I and what is positive: where its diagonal holds larger numbers than
# this, the rounding of these reaches the I, and the block is learnt in halves.
_MAX_SPREAD = 1e10
# Fading is a factor on all columns; below this it is multiplied out.
_MIN_SCALE = 1e-50


class DiagonalRegression:
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
    reference : float
        The first reward; `constant`, `reward_sum` and `reward_square` are of rewards less it. 0
        without an intercept.
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
        cls, n_groups, n_features, *, prior_precision=1.0, intercept=False, learns_noise=True
    ):
        """Return the regression before any round.

        Parameters
        ----------
        n_groups, n_features : int
        prior_precision : float, default=1.0
        intercept : bool, default=False
        learns_noise : bool, default=True
        """
        new = object.__new__(cls)
        vars(new).update(
            columns=Columns.zeros(n_features, (2, n_groups)),
            scale=1.0,
            constant=np.zeros(n_groups),
            weight=np.zeros(n_groups),
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

    def _changed(self, **fields):
        new = object.__new__(type(self))
        vars(new).update(vars(self))
        vars(new).update(fields, _derived={})
        return new

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
        return len(self.weight)

    @property
    def n_features(self):
        """Number of columns that rows have."""
        return len(self.columns)

    @property
    def n_terms(self):
        """Number of terms, the constant one included."""
        return self.n_features + int(self.intercept)

    # ------------------------------------------------------- what is known, written out
    @property
    def gram(self):
        """Weighted sum of the squares of the terms, (n_groups, n_terms)."""
        return self._with_constant(self.weight, self._whole()[:, 0].T)

    @property
    def moment(self):
        """Mean of each weight times its precision, (n_groups, n_terms).

        For orthogonal terms this is the weighted sum of reward times term. The constant's is of
        rewards less `reference` and lacks the share of the prior.
        """
        return self._with_constant(self.constant, self._whole()[:, 1].T)

    @property
    def coef(self):
        """Mean of the weights, (n_groups, n_terms)."""
        if "coef" not in self._derived:
            gram, moment = self._whole().transpose(1, 2, 0)
            mean = moment / (self.prior_precision + gram)
            self._derived["coef"] = self._with_constant(self._level, mean)
        return self._derived["coef"]

    @property
    def precision(self):
        """The inverse of the variances, (n_groups, n_terms)."""
        return self.prior_precision + self.gram

    @property
    def covariance(self):
        """Variances of the weights over the noise variance, (n_groups, n_terms)."""
        if "covariance" not in self._derived:
            self._derived["covariance"] = 1.0 / self.precision
        return self._derived["covariance"]

    def _whole(self):
        return self.columns.whole() * self.scale

    def _with_constant(self, constant, others):
        return np.column_stack([constant, others]) if self.intercept else np.array(others)

    @property
    def _location(self):
        """What groups pay on average, less `reference`."""
        return common_location(self.reward_sum, self.weight, self.prior_precision)

    @property
    def _level(self):
        """Mean of the constant terms, (n_groups,); zeros without."""
        lam = self.prior_precision
        if not self.intercept:
            return np.zeros(self.n_groups)
        return self.reference + (lam * self._location + self.constant) / (lam + self.weight)

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
        sums = before._sums_with(examples)
        check_finite(*sums)
        weight, reward_sum, reward_square = sums
        start = before if before.weight.sum() > 0 else before._changed(
            weight=weight, reward_sum=reward_sum
        )
        location = start._location if self.intercept else 0.0
        columns, local = columns_of(examples.rows)
        stored = before._stored(columns)
        beliefs = {}
        for lesson in lessons_of(examples, mass, self.n_groups, before.reference):
            block = Block.of(local, lesson.rows, lesson.weight)
            for group, reward in lesson.told:
                if group not in beliefs:
                    beliefs[group] = before._belief_of(group, stored, location)
                beliefs[group].learn(block, reward)
        return before._with_beliefs(beliefs, columns, stored, location, sums)

    def _faded(self, kept, examples):
        """What is left of it when these examples have been seen, and from where they count."""
        sums = {
            name: kept * getattr(self, name)
            for name in ("constant", "weight", "reward_sum", "reward_square", "residual_square")
            if getattr(self, name) is not None
        }
        if self.intercept and not self.weight.sum() > 0:
            sums["reference"] = float(
                examples.low if examples.reward is None else examples.reward[0]
            )
        columns, scale = self.columns, kept * self.scale
        if scale < _MIN_SCALE:
            columns, scale = Columns.of(columns.whole() * scale), 1.0
        return self._changed(columns=columns, scale=scale, **sums)

    def _sums_with(self, examples):
        """Weight, rewards and squared rewards of each group with those of the examples."""
        group, weight, n_groups = examples.group, examples.weights, self.n_groups

        def add(values, to):
            return to + np.bincount(group, weights=values, minlength=n_groups)

        if examples.reward is not None:
            reward = examples.reward - self.reference
            mass, paid = add(weight, self.weight), add(weight * reward, self.reward_sum)
            square = add(weight * reward * reward, 0.0)
        else:
            low, high = examples.low - self.reference, examples.high - self.reference
            learns = np.arange(n_groups) < examples.n_taught_of(n_groups)
            named = add(weight, 0.0)
            all_of = np.where(learns, weight.sum(), 0.0)
            mass = self.weight + all_of
            paid = self.reward_sum + low * (all_of - named) + high * named
            square = low**2 * (all_of - named) + high**2 * named
        return mass, paid, square + (self.reward_square if self.learns_noise else 0.0)

    def _stored(self, columns):
        return self.columns.whole() if columns is None else self.columns.take(columns)

    def _belief_of(self, group, stored, location):
        return GroupBelief(
            gram=stored[:, 0, group] * self.scale,
            moment=stored[:, 1, group] * self.scale,
            weight=float(self.weight[group]),
            constant=float(self.constant[group]),
            location=location if self.intercept else None,
            prior_precision=self.prior_precision,
        )

    def _with_beliefs(self, beliefs, columns, stored, location, sums):
        weight, reward_sum, reward_square = sums
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
            weight=weight,
            reward_sum=reward_sum,
            reward_square=reward_square if self.learns_noise else None,
            residual_square=residual_square,
        )

    # ----------------------------------------------------------------- belief
    def mean(self, rows, group=None):
        """Mean of the reward.

        Parameters
        ----------
        rows : array or CSR of shape (n_samples, n_features)
        group : int, default=None
            Ask one group alone.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_groups), or (n_samples,) for one group
        """
        columns, local = columns_of(rows)
        if columns is None:
            return self.rewards(rows, self.coef if group is None else self.coef[group])
        gram, moment = self._asked(columns, group)
        level = self._level if group is None else self._level[group]
        return local @ (moment / (self.prior_precision + gram)) + level

    def quadratic(self, rows, group=None):
        """Variance of the expected reward over that of the noise.

        Parameters
        ----------
        rows : array or CSR of shape (n_samples, n_features)
        group : int, default=None
            Ask one group alone.

        Returns
        -------
        forms : ndarray of shape (n_samples, n_groups), or (n_samples,) for one group
        """
        columns, local = columns_of(rows)
        squares = squared(local)
        if columns is None:
            covariance = self.covariance if group is None else self.covariance[group]
            return predict_rows(squares, covariance, self.intercept)
        gram, _ = self._asked(columns, group)
        forms = squares @ (1.0 / (self.prior_precision + gram))
        if self.intercept:
            forms = forms + 1.0 / (
                self.prior_precision + (self.weight if group is None else self.weight[group])
            )
        return forms

    def _asked(self, columns, group):
        """Sums of squares and natural parameters in some columns, (n, n_groups) or (n,) each."""
        values = self.columns.take(columns) * self.scale
        values = values if group is None else values[:, :, group]
        return values[:, 0], values[:, 1]

    def rewards(self, rows, weights):
        """Rewards of rows under given weights.

        Parameters
        ----------
        rows : array or CSR of shape (n_samples, n_features)
        weights : ndarray of shape (n_weights, n_terms), or (n_terms,)

        Returns
        -------
        rewards : ndarray of shape (n_samples, n_weights), or (n_samples,)
        """
        return predict_rows(rows, weights, self.intercept)

    def weight_deviations(self, group, n_draws):
        """Draws of how far a group's weights lie from their mean, over the noise's deviation.

        The deviates depend on the group and the term alone, not on the call.

        Returns
        -------
        deviations : ndarray of shape (n_draws, n_terms)
        """
        deviates = normal_deviates(group + 1, self.n_terms, n_draws)
        return deviates * np.sqrt(self.covariance[group])

    def noise(self, prior=None):
        """Belief about the variance of a reward about its mean.

        Parameters
        ----------
        prior : (shape, scale) of an inverse-gamma distribution, default=None
            None: shape 2, and the residual variance of all groups together as the guess. The
            variance of a group is then at least half of that.

        Returns
        -------
        variance : ndarray of shape (n_groups,)
            Its scale, for each noise.
        dof : ndarray of the same shape
            Degrees of freedom of the expected rewards' Student-t distribution.
        """
        pooled, floor = self._pooled_variance(), 0.0
        if prior is None:
            shape, scale, floor = _PRIOR_SHAPE, _PRIOR_SHAPE * pooled, 0.5 * pooled
        else:
            shape, scale = prior
        posterior_shape = shape + 0.5 * self.weight
        variance = (scale + 0.5 * self.residual_square) / posterior_shape
        return np.maximum(variance, floor), 2.0 * posterior_shape

    def _pooled_variance(self):
        """Residual variance of all groups, after two rounds with the rewards' own variance."""
        total = self.weight.sum()
        if not total > 0:
            return 1.0
        variance = self.reward_square.sum() / total
        if self.intercept:
            # The rewards are less the first of them, so that little is subtracted.
            variance = max(variance - (self.reward_sum.sum() / total) ** 2, 0.0)
        return (2.0 * variance + self.residual_square.sum()) / (2.0 + total)

    # --------------------------------------------------------------- carrying
    def carried(self, *, groups=None, taught=None, features=None, prior_precision=None):
        """Return what is known, for other groups, features or another prior.

        Parameters
        ----------
        groups : ndarray of int, default=None
            The old position of each new group; -1 for one that is new. None: the same groups.
        taught : ndarray of int, default=None
            Old groups whose average starts each new group. None: it starts from the prior.
        features : ndarray of int, default=None
            The old position of each new feature, -1 for one that is new: it was zero so far.
            Features that go are left out: beliefs are independent. None: the same features.
        prior_precision : float, default=None
            None: the same. The natural parameters stay, which is exact for orthogonal rows.
        """
        new = self
        if features is not None and not np.array_equal(features, np.arange(self.n_features)):
            new = new._changed(columns=Columns.of(picked(new.columns.whole(), features, None)))
        if groups is not None and not np.array_equal(groups, np.arange(self.n_groups)):
            new = new._with_groups(np.asarray(groups, dtype=np.intp), taught)
        if prior_precision is not None and prior_precision != self.prior_precision:
            new = new._changed(prior_precision=float(prior_precision))
        return new

    def _with_groups(self, source, taught):
        names = ("constant", "weight", "reward_sum", "reward_square", "residual_square")
        sums = {name: picked(getattr(self, name), source, taught) for name in names}
        values = picked(self.columns.whole().transpose(2, 0, 1), source, taught)
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
        known = [part for part in parts if part.weight.sum() > 0] or parts[:1]
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


class GroupBelief:
    """What is believed about the weights of one group while a call learns.

    Parameters
    ----------
    gram, moment : ndarray of shape (n_columns,)
    weight, constant : float
    location : float or None
        Prior mean of the constant; None: there is none.
    prior_precision : float
    """

    def __init__(self, *, gram, moment, weight, constant, location, prior_precision):
        self.prior_precision = prior_precision
        self.gram = gram
        self.mean = moment / self.precision
        self.weight = weight
        self.location = location
        self.level = 0.0
        if location is not None:
            self.level = (prior_precision * location + constant) / (prior_precision + weight)
        self.residual_square = 0.0

    @property
    def precision(self):
        """Of each weight, over that of the noise."""
        return self.prior_precision + self.gram

    @property
    def constant_sum(self):
        """The mean of the constant times its precision, less the share of the prior."""
        lam = self.prior_precision
        return (lam + self.weight) * self.level - lam * self.location

    def learn(self, block, reward):
        """Learn a block of rounds."""
        constant_variance = (
            0.0 if self.location is None else 1.0 / (self.prior_precision + self.weight)
        )
        variance = 1.0 / self.precision
        error = reward - self.level - block.rows @ self.mean
        solved = block.solved(error, variance, constant_variance)
        if solved is None:
            half = len(reward) // 2
            self.learn(block.part(0, half), reward[:half])
            self.learn(block.part(half, None), reward[half:])
            return
        pull, square = solved
        self.mean = self.mean + variance * (block.rows.T @ pull)
        self.level += constant_variance * pull.sum()
        self.gram = self.gram + block.square_sum
        self.weight += block.mass
        self.residual_square += square


class Block:
    """Rows that are learnt at once, and their last factor: groups may share it.

    Parameters
    ----------
    rows : ndarray or CSR of shape (n_rows, n_columns)
    weight : ndarray of shape (n_rows,) or None
    """

    def __init__(self, rows, weight):
        self.rows = rows
        self.root = None if weight is None else np.sqrt(weight)
        self.mass = float(rows.shape[0] if weight is None else weight.sum())
        squares = squared(rows)
        if weight is None:
            self.square_sum = np.asarray(squares.sum(axis=0)).ravel()
        else:
            self.square_sum = squares.T @ weight
        if not np.isfinite(self.square_sum).all():
            raise_overflow()
        self._known = None
        self._weight = weight

    @classmethod
    def of(cls, rows, positions, weight):
        """Take some of the rows, in the form that is quicker to multiply."""
        if positions is not None:
            rows = rows[positions]
        if not sparse.issparse(rows):
            rows = np.asarray(rows, dtype=np.float64)
        elif rows.shape[0] * rows.shape[1] <= _MAX_DENSE:
            rows = rows.toarray()
        return cls(rows, weight)

    def part(self, start, stop):
        """Some of the rows."""
        weight = None if self._weight is None else self._weight[start:stop]
        return Block(self.rows[start:stop], weight)

    def solved(self, error, variance, constant_variance):
        """Errors over their covariance, and their squares over it.

        Returns
        -------
        pull : ndarray of shape (n_rows,)
        square : float
            None for both if rounding leaves too little: learn the rows in parts.
        """
        root = self.root
        scaled = error if root is None else root * error
        if len(error) == 1:
            form = self.rows @ (variance * self.rows).T if self._is_dense else self._forms(variance)
            leverage = (float(form[0, 0]) + constant_variance) * self.mass
            pull = scaled / (1.0 + leverage)
            square = float(scaled @ pull)
        else:
            factor = self._factor(variance, constant_variance)
            if factor is None:
                return None
            white = lapack.dtrtrs(factor, scaled, lower=1)[0]
            pull = lapack.dtrtrs(factor, white, lower=1, trans=1)[0]
            square = float(white @ white)
        return pull if root is None else root * pull, square

    @property
    def _is_dense(self):
        return not sparse.issparse(self.rows)

    def _forms(self, variance):
        """Products of the rows over the precision."""
        if self._is_dense:
            return (self.rows * variance) @ self.rows.T
        scaled = self.rows.copy()
        scaled.data *= variance[scaled.indices]
        return (scaled @ self.rows.T).toarray()

    def _factor(self, variance, constant_variance):
        """Cholesky factor of the errors' covariance, or None."""
        if self._known is not None:
            known_variance, known_constant, factor = self._known
            if known_constant == constant_variance and np.array_equal(known_variance, variance):
                return factor
        matrix = self._forms(variance) + constant_variance
        if self.root is not None:
            matrix *= self.root[:, None] * self.root
        diagonal = np.einsum("ii->i", matrix)
        diagonal += 1.0
        factor = None
        if diagonal.max() < _MAX_SPREAD:
            factor, info = lapack.dpotrf(matrix, lower=1, clean=1)
            factor = factor if info == 0 else None
        self._known = variance, constant_variance, factor
        return factor


class Lesson(NamedTuple):
    """Rows that are learnt at once and what each group is told of them."""

    rows: np.ndarray | None  # (n,) positions; None: all of them
    weight: np.ndarray | None  # (n,)
    told: list  # of (group, rewards)


def lessons_of(examples, mass, n_groups, reference):
    """Cut examples into blocks for each group.

    Parameters
    ----------
    examples : Examples
        With their weights at the end.
    mass : ndarray of shape (n_rows,) or None
        The weights as they were given.
    n_groups : int
    reference : float
        Rewards count from here.
    """
    if examples.reward is None:
        told = {
            group: examples.named_rewards(group) - reference
            for group in range(examples.n_taught_of(n_groups))
        }
        for rows, weight in blocks_of(np.arange(examples.n_rows), mass, examples.weight):
            yield Lesson(rows, weight, [(group, paid[rows]) for group, paid in told.items()])
        return
    reward = examples.reward - reference
    if examples.n_rows == 1:
        yield Lesson(None, examples.weight, [(int(examples.group[0]), reward)])
        return
    order = np.argsort(examples.group, kind="stable")
    group = examples.group[order]
    for own in np.split(order, np.flatnonzero(np.diff(group)) + 1):
        number = int(examples.group[own[0]])
        for rows, weight in blocks_of(own, mass, examples.weight):
            yield Lesson(rows, weight, [(number, reward[rows])])


def blocks_of(rows, mass, weight):
    """Cut the rows of a group where their weights reach a multiple of the block's.

    A row that lies across is learnt in two parts: so weights are repetitions wherever the cuts
    fall, for weights up to that of a block.

    Yields
    ------
    rows : ndarray of int
    weight : ndarray or None
    """
    size = _BLOCK_WEIGHT
    if mass is None:
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            yield part, None if weight is None else weight[part]
        return
    own = np.minimum(mass[rows], size)
    stop = np.cumsum(own)
    start = stop - own
    first, last = start // size, np.maximum(np.ceil(stop / size) - 1, start // size)
    parts = (last - first).astype(np.intp) + 1
    row = np.repeat(np.arange(len(rows)), parts)
    number = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(parts) - parts, parts)
    inside = np.minimum(stop[row], (number + 1) * size) - np.maximum(start[row], number * size)
    share = np.divide(inside, own[row], out=np.zeros(len(row)), where=own[row] > 0)
    share = np.where(parts[row] == 1, 1.0, share)
    for begin, end in zip(*edges_of(number, size), strict=True):
        place = rows[row[begin:end]]
        yield place, weight[place] * share[begin:end]


def edges_of(number, size):
    """Where equal numbers start and stop, at most `size` of them."""
    cuts = np.flatnonzero(np.diff(number)) + 1
    bounds = np.concatenate([[0], cuts, [len(number)]])
    starts = np.concatenate(
        [np.arange(a, b, size) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    )
    return starts.tolist(), [*starts[1:].tolist(), len(number)]


def columns_of(rows):
    """The columns that CSR rows have, and the rows in these alone.

    Returns
    -------
    columns : ndarray of int or None
        None: all; rows are dense, or have more entries than there are columns.
    local : array or CSR
    """
    if not sparse.issparse(rows):
        return None, rows
    rows = sparse.csr_array(rows)
    if rows.dtype != np.float64:
        rows = rows.astype(np.float64)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    if rows.nnz >= rows.shape[1]:
        return None, rows
    if rows.shape[0] == 1:
        return rows.indices, rows.data[None, :]
    columns, place = np.unique(rows.indices, return_inverse=True)
    shape = (rows.shape[0], len(columns))
    return columns, sparse.csr_array((rows.data, place.ravel(), rows.indptr), shape=shape)


def squared(rows):
    """Squares of the entries."""
    if not sparse.issparse(rows):
        return rows * rows
    squares = rows.copy()
    squares.data *= squares.data
    return squares


def common_location(reward_sum, weight, prior_precision):
    r"""Where groups' means lie: generalised least squares.

    The mean of a group with weight n varies about it by :math:`1 / \lambda + 1 / n`.
    """
    total = prior_precision + weight
    share = (weight / total).sum()
    return float((reward_sum / total).sum() / share) if share > 0 else 0.0


def picked(array, source, taught):
    """Entries by their old positions; what is new is zero, or the average of those taught."""
    if array is None:
        return None
    new = array[source]
    new[source < 0] = 0.0 if taught is None else array[taught].mean(axis=0)
    return new
