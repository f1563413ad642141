"""Laplace's approximation with a diagonal precision: for very many sparse features.

A group's weights have independent Gaussian beliefs. A call learns all its rounds of a group at
their mode, exactly under that belief; of the precision the diagonal alone is kept for the next.
See O. Chapelle and L. Li (2011), An empirical evaluation of Thompson sampling, algorithm 3.
"""

import numpy as np
from scipy import sparse

from .._regression import (
    Columns,
    columns_of,
    normal_deviates,
    picked,
    predict_rows,
    raise_overflow,
    squared,
)
from ._laplace import RateSums, totals
from ._newton import Rows, diagonal_mode

# Fading is a factor on all columns; below this it is multiplied out, and weights are nothing.
_MIN_SCALE = 1e-50
# So many numbers are cheaper to multiply as they are than by their non-zeros.
_MAX_DENSE = 1 << 15


class DiagonalLaplace(RateSums):
    """Weights of its own for every group, with independent beliefs; rows may be CSR.

    Never changed: learning returns a new one, at the price of the columns that rows have.

    Attributes
    ----------
    columns : Columns of shape (n_features, 2, n_groups)
        What rounds have added to the precision of each weight, and to its product with the mean;
        both over `scale`.
    scale : float
        Factor on all `columns`: what is left of rounds that fade.
    constant : ndarray of shape (2, n_groups)
        The same for the constant terms, without `scale`.
    weight, reward_sum, exposure_sum : ndarray of shape (n_groups,)
        Sums over rounds of the weight, of the weighted reward, of the weighted exposure.
    prior_precision : float
    prior_mean : float or None
        Of the constants, on the scale of the score; None: it is found from the sums.
    intercept : bool
    converged : bool
        Whether every mode was found when it last learnt.
    """

    @classmethod
    def empty(
        cls,
        n_groups,
        n_features,
        *,
        likelihood,
        prior_precision=1.0,
        prior_mean=None,
        intercept=True,
    ):
        """Return the model before any round.

        Parameters
        ----------
        n_groups, n_features : int
        likelihood : {"logistic", "poisson"}
        prior_precision : float, default=1.0
        prior_mean : float or None, default=None
        intercept : bool, default=True
        """
        new = object.__new__(cls)
        vars(new).update(
            columns=Columns.zeros(n_features, (2, n_groups)),
            scale=1.0,
            constant=np.zeros((2, n_groups)),
            weight=np.zeros(n_groups),
            reward_sum=np.zeros(n_groups),
            exposure_sum=np.zeros(n_groups),
            likelihood_name=likelihood,
            prior_precision=float(prior_precision),
            prior_mean=prior_mean,
            intercept=bool(intercept),
            converged=True,
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
            f"{name} cannot be set: a model never changes, learning returns a new one."
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
        """What rounds have added to the precision, (n_groups, n_terms)."""
        return self._with_constant(self.constant[0], self._whole()[:, 0].T)

    @property
    def moment(self):
        """What rounds have added to the precision times the mean, (n_groups, n_terms)."""
        return self._with_constant(self.constant[1], self._whole()[:, 1].T)

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
        """Variances of the weights, (n_groups, n_terms)."""
        if "covariance" not in self._derived:
            self._derived["covariance"] = 1.0 / self.precision
        return self._derived["covariance"]

    def _whole(self):
        return self.columns.whole() * self.scale

    def _with_constant(self, constant, others):
        return np.column_stack([constant, others]) if self.intercept else np.array(others)

    @property
    def _level(self):
        """Mean of the constant terms, (n_groups,)."""
        if not self.intercept:
            return np.zeros(self.n_groups)
        lam, (gram, moment) = self.prior_precision, self.constant
        return (lam * self.location + moment) / (lam + gram)

    # --------------------------------------------------------------- learning
    def learnt(self, examples, forgetting=1.0, exposure=None):
        """Return the model after more examples; see :meth:`LaplaceLearning.learnt`."""
        mass = examples.weight
        if mass is not None and not (mass > 0).all():
            # What weighs nothing teaches nothing, and no time passes.
            kept = mass > 0
            examples = examples.kept(kept)
            exposure = None if exposure is None else exposure[kept]
        if examples.n_rows == 0:
            return self
        # An overflow shows in the sums, and is told there.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            return self._learnt(examples, float(forgetting), exposure)

    def _learnt(self, examples, forgetting, exposure):
        examples, kept = examples.faded(forgetting)
        sums = totals(examples, exposure, self.n_groups)
        if not np.isfinite(np.concatenate(sums)).all():
            raise_overflow()
        columns, scale = self.columns, kept * self.scale
        if scale < _MIN_SCALE:
            columns, scale = Columns.of(columns.whole() * scale), 1.0
        new = self._changed(
            columns=columns,
            scale=scale,
            constant=kept * self.constant,
            weight=kept * self.weight + sums.weight,
            reward_sum=kept * self.reward_sum + sums.reward_sum,
            exposure_sum=kept * self.exposure_sum + sums.exposure_sum,
        )
        return new._at_modes(examples, exposure)

    def _at_modes(self, examples, exposure):
        places, rows = columns_of(examples.rows)
        stored = self.columns.whole() if places is None else self.columns.take(places)
        constant, converged = self.constant.copy(), True
        for group, told in self._lessons(examples, rows, exposure):
            prior = self._prior(group, stored)
            start = np.zeros_like(prior[0])
            if self.intercept:
                start[-1] = self.location
            mode, added, reached = diagonal_mode(self.likelihood, told, *prior, start=start)
            converged &= reached
            precision = prior[1] + added
            if not (np.isfinite(precision).all() and np.isfinite(mode).all()):
                raise_overflow()
            n = stored.shape[0]
            stored[:, 0, group] += added[:n] / self.scale
            stored[:, 1, group] = (precision * mode)[:n] / self.scale
            if self.intercept:
                constant[0, group] += added[-1]
                constant[1, group] = (
                    precision[-1] * mode[-1] - self.prior_precision * self.location
                )
        return self._changed(
            columns=Columns.of(stored) if places is None else self.columns.put(places, stored),
            constant=constant,
            converged=converged,
        )

    def _prior(self, group, stored):
        """Mean and precision of a group's weights in some columns, the constant last."""
        lam = self.prior_precision
        precision = lam + stored[:, 0, group] * self.scale
        mean = stored[:, 1, group] * self.scale / precision
        if self.intercept:
            precision = np.append(precision, lam + self.constant[0, group])
            mean = np.append(mean, self._level[group])
        return mean, precision

    def _lessons(self, examples, rows, exposure):
        """For each group that learns: its number and its rounds."""
        offset = None if exposure is None else np.log(exposure)
        if examples.reward is None:
            design = self._design(rows)
            for group in range(examples.n_taught_of(self.n_groups)):
                reward = examples.named_rewards(group)
                yield group, Rows(design, reward, examples.weight, offset)
            return
        order = np.argsort(examples.group, kind="stable")
        group = examples.group[order]
        for own in np.split(order, np.flatnonzero(np.diff(group)) + 1):
            design = self._design(rows if len(own) == len(group) else rows[own])
            if len(own) == len(group):
                own = slice(None)
            weight = None if examples.weight is None else examples.weight[own]
            told = Rows(
                design, examples.reward[own], weight, None if offset is None else offset[own]
            )
            yield int(examples.group[own][0]), told

    def _design(self, rows):
        """Rows with the constant term last, in the form that is quicker to multiply."""
        if sparse.issparse(rows) and rows.shape[0] * rows.shape[1] <= _MAX_DENSE:
            rows = rows.toarray()
        if not sparse.issparse(rows):
            rows = np.asarray(rows, dtype=np.float64)
            design = np.column_stack([rows, np.ones(len(rows))]) if self.intercept else rows
            if not np.isfinite(np.vdot(design, design)):
                raise_overflow()
            return design
        if not np.isfinite(np.vdot(rows.data, rows.data)):
            raise_overflow()
        if not self.intercept:
            return rows
        ones = sparse.csr_array(np.ones((rows.shape[0], 1)))
        return sparse.csr_array(sparse.hstack([rows, ones], format="csr"))

    # ----------------------------------------------------------------- belief
    def mean(self, rows, group=None):
        """Mean of the score.

        Parameters
        ----------
        rows : array or CSR of shape (n_samples, n_features)
        group : int, default=None
            Ask one group alone.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_groups), or (n_samples,) for one group
        """
        places, local = columns_of(rows)
        if places is None:
            return self.rewards(local, self.coef if group is None else self.coef[group])
        gram, moment = self._asked(places, group)
        level = self._level if group is None else self._level[group]
        return local @ (moment / (self.prior_precision + gram)) + level

    def quadratic(self, rows, group=None):
        """Variance of the score.

        Parameters
        ----------
        rows : array or CSR of shape (n_samples, n_features)
        group : int, default=None
            Ask one group alone.

        Returns
        -------
        forms : ndarray of shape (n_samples, n_groups), or (n_samples,) for one group
        """
        places, local = columns_of(rows)
        squares = squared(local)
        if places is None:
            covariance = self.covariance if group is None else self.covariance[group]
            return predict_rows(squares, covariance, self.intercept)
        gram, _ = self._asked(places, group)
        forms = squares @ (1.0 / (self.prior_precision + gram))
        if self.intercept:
            known = self.constant[0] if group is None else self.constant[0, group]
            forms = forms + 1.0 / (self.prior_precision + known)
        return forms

    def _asked(self, places, group):
        values = self.columns.take(places) * self.scale
        values = values if group is None else values[:, :, group]
        return values[:, 0], values[:, 1]

    def rewards(self, rows, weights):
        """Scores of rows under given weights, the constant term first."""
        return predict_rows(rows, weights, self.intercept)

    def weight_deviations(self, group, n_draws):
        """Draws of how far a group's weights lie from their mean, (n_draws, n_terms)."""
        deviates = normal_deviates(group + 1, self.n_terms, n_draws)
        return deviates * np.sqrt(self.covariance[group])

    # --------------------------------------------------------------- carrying
    def carried(
        self, *, groups=None, taught=None, features=None, prior_precision=None, prior_mean="same"
    ):
        """Return what is known, for other groups, features or another prior.

        See :meth:`LaplaceLearning.carried`; features that go are left out, beliefs are
        independent.
        """
        new = self
        if prior_mean != "same" and prior_mean != self.prior_mean:
            new = new._changed(prior_mean=prior_mean)
        if features is not None and not np.array_equal(features, np.arange(self.n_features)):
            new = new._changed(columns=Columns.of(picked(new.columns.whole(), features, None)))
        if groups is not None and not np.array_equal(groups, np.arange(self.n_groups)):
            new = new._with_groups(np.asarray(groups, dtype=np.intp), taught)
        if prior_precision is not None and prior_precision != self.prior_precision:
            new = new._changed(prior_precision=float(prior_precision))
        return new

    def _with_groups(self, source, taught):
        names = ("weight", "reward_sum", "exposure_sum")
        sums = {name: picked(getattr(self, name), source, taught) for name in names}
        values = picked(self.columns.whole().transpose(2, 0, 1), source, taught)
        columns = Columns.of(np.ascontiguousarray(values.transpose(1, 2, 0)))
        constant = picked(self.constant.T, source, taught).T
        return self._changed(columns=columns, constant=constant, **sums)

    @classmethod
    def merged(cls, parts):
        """Return an approximation of the model on the rounds of all parts.

        Natural parameters are added up.

        Parameters
        ----------
        parts : list of DiagonalLaplace
            Of the same groups and features. The prior is that of the first one.
        """
        first = parts[0]
        if len(parts) == 1:
            return first
        names = ("constant", "weight", "reward_sum", "exposure_sum")
        sums = {name: sum(getattr(part, name) for part in parts) for name in names}
        columns = sum(part._whole() for part in parts)
        return first._changed(columns=Columns.of(columns), scale=1.0, **sums)
