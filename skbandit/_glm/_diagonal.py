"""Laplace's approximation with a diagonal precision: for very many sparse features.

A group's weights have independent Gaussian beliefs. A call learns all its rounds of a group at
their mode, exactly under that belief; of the precision the diagonal alone is kept for the next.
See O. Chapelle and L. Li (2011), An empirical evaluation of Thompson sampling, algorithm 3.

As in :mod:`skbandit._glm._laplace`, the latest rounds are kept as they came until they are many
enough, and now and then learnt anew together: what they have added is taken off before.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from .._regression import (
    Columns,
    IndependentWeights,
    columns_of,
    picked,
    raise_overflow,
)
from ._laplace import RateSums, opened_of, totals
from ._newton import Rows, diagonal_mode, joined

# Fading is a factor on all columns; below this it is multiplied out, and weights are nothing.
_MIN_SCALE = 1e-50
# Rounds of a group are kept until there are so many, with so many rewards of the rarer kind, or so
# many non-zeros; they are learnt anew, beyond a few, when they have grown by this share: to find
# and replace their columns takes longer than to learn them.
_KEPT_WEIGHT = 256.0
_KEPT_EVENTS = 16.0
_KEPT_ENTRIES = 1 << 17
_FEW_WEIGHT = 16.0
_GROWTH = 1.0 / 8.0
# So many numbers are cheaper to multiply as they are than by their non-zeros.
_MAX_DENSE = 1 << 15


class Added(NamedTuple):
    """What rounds have added to natural parameters, the constant last."""

    columns: np.ndarray | None  # ascending; None: all
    gram: np.ndarray  # (n_columns [+ 1],)
    moment: np.ndarray

    def of_columns(self, columns, n):
        """What was added in `n` columns, among which all of these are."""
        gram, moment = np.zeros(n), np.zeros(n)
        if self.columns is None:
            where = slice(n) if columns is None else columns
            return self.gram[where], self.moment[where]
        where = self.columns if columns is None else np.searchsorted(columns, self.columns)
        m = len(self.columns)
        gram[where], moment[where] = self.gram[:m], self.moment[:m]
        return gram, moment

    def kept(self, places, local):
        """The same for the columns alone that these rows have."""
        if not sparse.issparse(local):
            return self
        own = np.unique(local.indices)
        every = np.append(own, np.arange(local.shape[1], len(self.gram)))
        columns = own if places is None else places[own]
        return Added(columns, self.gram[every], self.moment[every])

    def moved(self, place):
        """The same where features have other positions."""
        columns = place if self.columns is None else place[self.columns]
        order = np.argsort(columns)
        # The constant stays the last one.
        every = np.append(order, np.arange(len(order), len(self.gram)))
        return Added(columns[order], self.gram[every], self.moment[every])


class OpenRows(NamedTuple):
    """The latest rounds of one group, and what they have added."""

    parts: tuple  # of Rows, whose designs are contexts
    added: tuple  # of Added
    weight: float  # of all rounds
    since: float  # of those that came since all were learnt together
    size: float  # weighted number of entries
    events: np.ndarray  # rewards of each kind

    def moved(self, place, n_features):
        """The same for more features; `place` is the new position of each old one."""
        parts = (
            rows._replace(design=_moved(rows.design, place, n_features)) for rows in self.parts
        )
        added = (one.moved(place) for one in self.added)
        return self._replace(parts=tuple(parts), added=tuple(added))

    @property
    def is_due(self):
        """Whether all of them are to be learnt together."""
        return self.weight <= _FEW_WEIGHT or self.since >= _GROWTH * self.weight

    @property
    def is_full(self):
        """Whether they are many enough to be left as they were learnt."""
        if self.size >= _KEPT_ENTRIES:
            return True
        if self.weight < _KEPT_WEIGHT or self.events.min() < _KEPT_EVENTS:
            # Where rounds weigh little, they are counted.
            return sum(_n_entries(rows.design) for rows in self.parts) >= 2 * _KEPT_ENTRIES
        return True

    def with_more(self, rows, weight, events):
        """These rounds and others, of these weights."""
        entries = (
            np.diff(rows.design.indptr)
            if sparse.issparse(rows.design)
            else (np.full(len(rows.design), rows.design.shape[1]))
        )
        total = float(weight.sum())
        return self._replace(
            parts=(*self.parts, rows),
            weight=self.weight + total,
            since=self.since + total,
            size=self.size + float(weight @ (entries + 1.0)),
            events=self.events + events,
        )


def _n_entries(rows):
    return rows.nnz + rows.shape[0] if sparse.issparse(rows) else rows.size


def _moved(rows, place, n_features):
    """Contexts for more features, which were zero so far."""
    if not sparse.issparse(rows):
        new = np.zeros((len(rows), n_features))
        new[:, place] = rows
        return new
    shape = rows.shape[0], n_features
    new = sparse.csr_array((rows.data, place[rows.indices], rows.indptr), shape=shape)
    new.sort_indices()
    return new


def _together(parts):
    """Rounds one after the other; contexts may be arrays and CSR."""
    if not any(sparse.issparse(part.design) for part in parts):
        return joined(parts)
    places = [part._replace(design=np.zeros((len(part.reward), 0))) for part in parts]
    designs = [sparse.csr_array(part.design) for part in parts]
    return joined(places)._replace(design=sparse.csr_array(sparse.vstack(designs, format="csr")))


class DiagonalLaplace(IndependentWeights, RateSums):
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
    opened : tuple of OpenRows or None
        One a group.
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
            opened=(None,) * n_groups,
            likelihood_name=likelihood,
            prior_precision=float(prior_precision),
            prior_mean=prior_mean,
            intercept=bool(intercept),
            converged=True,
            _derived={},
        )
        return new

    # ------------------------------------------------------- what is known, written out
    @property
    def moment(self):
        """What rounds have added to the precision times the mean, (n_groups, n_terms)."""
        return self._with_constant(self.constant[1], self._whole()[:, 1].T)

    @property
    def _constant_added(self):
        return self.constant[0]

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
        mass = examples.weights
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
            converged=True,
        )
        told = list(new._lessons(examples, mass, exposure))
        if forgetting < 1.0:
            # What fades differs from round to round: nothing is kept.
            return new._with_rows(examples.rows, told, {})
        opened = {one[0]: new._opened_with(one[0], *one[2:]) for one in told}
        due = [group for group, one in opened.items() if len(one.parts) > 1 and one.is_due]
        first = [lesson for lesson in told if lesson[0] not in due]
        new = new._with_rows(examples.rows, first, opened) if first else new
        for group in due:
            new = new._learnt_together(group, opened[group])
        return new

    def _opened_with(self, own, rows, mass):
        """The open rounds of the group that these rows teach."""
        known = self.opened[own]
        if known is None:
            known = OpenRows((), (), 0.0, 0.0, 0.0, np.zeros(1))
        return known.with_more(rows, mass, self.likelihood.events(rows.reward, mass))

    def _with_rows(self, contexts, lessons, opened):
        """Learn rows under the belief of now, for several groups whose contexts these are."""
        places, local = columns_of(contexts)
        stored = self.columns.whole() if places is None else self.columns.take(places)
        constant, kept, converged = self.constant.copy(), list(self.opened), self.converged
        everything = None
        for group, own, rows, _ in lessons:
            near = local if own is None else local[own]
            rows = rows._replace(design=self._design(near))
            belief = stored[:, :, group] * self.scale, constant[:, group]
            added, reached = self._added(rows, *belief, places)
            converged &= reached
            n = len(stored)
            stored[:, 0, group] += added.gram[:n] / self.scale
            stored[:, 1, group] += added.moment[:n] / self.scale
            if self.intercept:
                constant[:, group] += added.gram[-1], added.moment[-1]
            if group in opened:
                one = opened[group]
                if one.is_full:
                    kept[group] = None
                    continue
                if own is None and everything is None:
                    # The caller's array is the caller's.
                    everything = contexts.copy()
                last = one.parts[-1].copied(everything if own is None else None)
                kept[group] = one._replace(
                    parts=(*one.parts[:-1], last), added=(*one.added, added.kept(places, near))
                )
        return self._changed(
            columns=Columns.of(stored) if places is None else self.columns.put(places, stored),
            constant=constant,
            opened=tuple(kept),
            converged=converged,
        )

    def _learnt_together(self, group, opened):
        """Learn all rounds of a group that are kept anew."""
        rows = _together(opened.parts)
        places, local = columns_of(rows.design)
        stored = self.columns.whole() if places is None else self.columns.take(places)
        n = len(stored)
        before, constant = stored[:, :, group] * self.scale, self.constant[:, group].copy()
        for one in opened.added:
            gram, moment = one.of_columns(places, n)
            before[:, 0] -= gram
            before[:, 1] -= moment
            if self.intercept:
                constant -= one.gram[-1], one.moment[-1]
        # A precision is never less than that of the prior.
        np.maximum(before[:, 0], 0.0, out=before[:, 0])
        constant[0] = max(constant[0], 0.0)
        design = self._design(local)
        added, reached = self._added(rows._replace(design=design), before, constant, places)
        stored[:, 0, group] = (before[:, 0] + added.gram[:n]) / self.scale
        stored[:, 1, group] = (before[:, 1] + added.moment[:n]) / self.scale
        constants = self.constant.copy()
        if self.intercept:
            constants[:, group] = constant[0] + added.gram[-1], constant[1] + added.moment[-1]
        kept = list(self.opened)
        kept[group] = None
        if not opened.is_full:
            added = added.kept(places, local)
            kept[group] = opened._replace(parts=(rows,), added=(added,), since=0.0)
        return self._changed(
            columns=Columns.of(stored) if places is None else self.columns.put(places, stored),
            constant=constants,
            opened=tuple(kept),
            converged=self.converged and reached,
        )

    def _added(self, rows, known, constant, places):
        """What rows add to a belief, given as natural parameters without the prior's.

        Parameters
        ----------
        rows : Rows
            With the constant.
        known : ndarray of shape (n_columns, 2)
        constant : ndarray of shape (2,)
        places : ndarray of int or None

        Returns
        -------
        added : Added
        converged : bool
        """
        lam = self.prior_precision
        precision, pull = lam + known[:, 0], known[:, 1]
        start = np.zeros(len(pull))
        if self.intercept:
            precision = np.append(precision, lam + constant[0])
            pull = np.append(pull, lam * self.location + constant[1])
            start = np.append(start, self.location)
        mode, gram, reached = diagonal_mode(
            self.likelihood, rows, pull / precision, precision, start=start
        )
        moment = (precision + gram) * mode - pull
        if not (np.isfinite(gram).all() and np.isfinite(moment).all()):
            raise_overflow()
        return Added(places, gram, moment), reached

    def _lessons(self, examples, mass, exposure):
        """For each group that learns: its number, the positions of its rows, they, their mass."""
        offset = None if exposure is None else np.log(exposure)
        weight, contexts = examples.weight, examples.rows
        if examples.reward is None:
            for group in range(examples.n_taught_of(self.n_groups)):
                reward = examples.named_rewards(group)
                yield group, None, Rows(contexts, reward, weight, offset), mass
            return
        order = np.argsort(examples.group, kind="stable")
        group = examples.group[order]
        for own in np.split(order, np.flatnonzero(np.diff(group)) + 1):
            number = int(examples.group[own[0]])
            if len(own) == len(group):
                yield number, None, Rows(contexts, examples.reward, weight, offset), mass
                continue
            rows = Rows(
                contexts[own],
                examples.reward[own],
                None if weight is None else weight[own],
                None if offset is None else offset[own],
            )
            yield number, own, rows, mass[own]

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

    # --------------------------------------------------------------- carrying
    def carried(
        self, *, groups=None, shares=None, features=None, prior_precision=None, prior_mean="same"
    ):
        """Return what is known, for other groups, features or another prior.

        See :meth:`LaplaceLearning.carried`; features that go are left out, beliefs are
        independent.
        """
        new = self
        if prior_mean != "same" and prior_mean != self.prior_mean:
            new = new._changed(prior_mean=prior_mean)
        if features is not None and not np.array_equal(features, np.arange(self.n_features)):
            new = new._with_features(np.asarray(features, dtype=np.intp))
        if groups is not None and not np.array_equal(groups, np.arange(self.n_groups)):
            new = new._with_groups(np.asarray(groups, dtype=np.intp), shares)
        if prior_precision is not None and prior_precision != self.prior_precision:
            new = new._changed(prior_precision=float(prior_precision))
        return new

    def _with_features(self, source):
        place = np.full(self.n_features, -1, dtype=np.intp)
        place[source[source >= 0]] = np.flatnonzero(source >= 0)
        opened = self.opened
        if (place < 0).any():
            # Of what goes, natural parameters alone are known.
            opened = (None,) * self.n_groups
        moved = tuple(one and one.moved(place, len(source)) for one in opened)
        return self._changed(
            columns=Columns.of(picked(self.columns.whole(), source, None)), opened=moved
        )

    def _with_groups(self, source, shares):
        names = ("weight", "reward_sum", "exposure_sum")
        sums = {name: picked(getattr(self, name), source, shares) for name in names}
        values = picked(self.columns.whole().transpose(2, 0, 1), source, shares)
        columns = Columns.of(np.ascontiguousarray(values.transpose(1, 2, 0)))
        constant = picked(self.constant.T, source, shares).T
        opened = opened_of(self.opened, source, shares)
        return self._changed(columns=columns, constant=constant, opened=opened, **sums)

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
        opened = (None,) * first.n_groups
        return first._changed(columns=Columns.of(columns), scale=1.0, opened=opened, **sums)
