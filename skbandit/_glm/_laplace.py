r"""Online Laplace approximation on the layer of Gaussian beliefs of :mod:`skbandit._regression`.

What rounds have added to a group's prior :math:`N(c e_0, \lambda^{-1} I)` are natural parameters,
a Gram matrix G and a moment b: the belief is Gaussian with precision :math:`\lambda I + G` and
mean :math:`(\lambda I + G)^{-1} (b + \lambda c e_0)`. New rounds are learnt at their mode: with
slopes :math:`s_i` and curvatures :math:`\kappa_i` of the log-likelihood there, they add

.. math:: \sum_i w_i \kappa_i x_i x_i^\top \quad \text{and} \quad
   \sum_i w_i (s_i + \kappa_i x_i^\top \theta) x_i,

the quadratic that touches the log-likelihood. The latest rounds of a group are kept as they came,
until they are many enough, of both kinds of reward: when more come, all of them are learnt anew at
the new mode. So the first rounds are learnt as if they had come in one call, however they came,
and no quadratic is left as it is that was found where little was known.
"""

from typing import NamedTuple

import numpy as np

from .._gaussian import mean_and_factor
from .._regression import (
    FullRegression,
    HybridRegression,
    add_constant,
    embedded,
    picked,
    raise_overflow,
    segments_of,
)
from .._shares import teachers
from ._likelihoods import LIKELIHOODS, common_rate
from ._newton import Rows, full_mode, hybrid_mode, joined, sites

# Rounds of a group that are kept as they came, in units of weight, until they hold so many rewards
# of the rarer kind; and numbers of these rounds at most.
_KEPT_WEIGHT = 256.0
_KEPT_EVENTS = 16.0
_KEPT_ENTRIES = 1 << 17
# Where there are many terms fewer rounds are kept: each update costs as many rows.
_UPDATED_ENTRIES = 1 << 13
# More rounds than _KEPT_WEIGHT are learnt anew when they have grown by this share; rounds that
# come between are learnt as they come.
_GROWTH = 1.0 / 64.0


class OpenRounds(NamedTuple):
    """The latest rounds of one group, which are learnt anew with those that come."""

    parts: tuple  # of Rows, which are put together when they are learnt
    weight: float  # of all of them, not faded
    since: float  # of those that came since all were learnt together
    events: np.ndarray  # rewards of each kind
    gram: np.ndarray  # what earlier rounds have added
    moment: np.ndarray

    def with_more(self, rows, weight, events):
        """These rounds and others."""
        return self._replace(
            parts=(*self.parts, rows),
            weight=self.weight + weight,
            since=self.since + weight,
            events=self.events + events,
        )

    @property
    def is_due(self):
        """Whether all of them are to be learnt together."""
        return self.weight <= _KEPT_WEIGHT or self.since >= _GROWTH * self.weight

    def together(self):
        """All of them in one part, learnt together."""
        if len(self.parts) == 1:
            return self._replace(since=0.0)
        return self._replace(parts=(joined(self.parts),), since=0.0)

    def faded(self, kept):
        """The same once time has moved on."""
        return self._replace(
            parts=tuple(rows._replace(weight=kept * rows.weights) for rows in self.parts),
            gram=kept * self.gram,
            moment=kept * self.moment,
        )


class RateSums:
    """What follows from the sums of rewards: where the prior of the constant terms lies.

    A kind has ``intercept``, ``prior_mean``, ``likelihood_name``, ``reward_sum``, ``weight``,
    ``exposure_sum`` and ``prior_precision``.
    """

    @property
    def likelihood(self):
        """The likelihood of a reward given its score."""
        return LIKELIHOODS[self.likelihood_name]

    @property
    def location(self):
        """Where the prior of the constants lies, on the scale of the score."""
        if not self.intercept:
            return 0.0
        if self.prior_mean is not None:
            return self.prior_mean
        location = self._derived.get("location")
        if location is None:
            rate = common_rate(
                self.likelihood,
                self.reward_sum,
                self.exposure_sum,
                self.weight,
                self.prior_precision,
            )
            location = self._derived["location"] = self.likelihood.score_of(rate)
        return location


class Totals(NamedTuple):
    """Sums over examples for each group."""

    weight: np.ndarray
    reward_sum: np.ndarray
    exposure_sum: np.ndarray


def totals(examples, exposure, n_groups):
    """Sum up the weights, rewards and exposures of examples, group by group."""
    group, weight = examples.group, examples.weights
    amount = weight if exposure is None else weight * exposure

    def of_named(values):
        return np.bincount(group, weights=values, minlength=n_groups)

    if examples.reward is not None:
        return Totals(of_named(weight), of_named(weight * examples.reward), of_named(amount))
    learns = np.arange(n_groups) < examples.n_taught_of(n_groups)
    low, high, named, mass = examples.low, examples.high, of_named(weight), weight.sum()
    paid = np.where(learns, low * (mass - named) + high * named, 0.0)
    return Totals(np.where(learns, mass, 0.0), paid, np.where(learns, amount.sum(), 0.0))


class LaplaceLearning(RateSums):
    """Learning, location and carrying of Laplace's approximation; a kind of regression follows.

    Attributes
    ----------
    gram, moment
        What rounds have added to the natural parameters of the prior, see the module.
    weight, reward_sum, exposure_sum : ndarray of shape (n_groups,)
        Sums over rounds of the weight, of the weighted reward, of the weighted exposure.
    opened : tuple of OpenRounds or None
        One a group.
    prior_precision : float
    prior_mean : float or None
        Of the constants, on the scale of the score; None: it is found from the sums.
    intercept : bool
    converged : bool
        Whether every mode was found when it last learnt.
    """

    # Whether rounds are kept for longer where rewards of one kind are rare.
    _keeps_rare = True

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
        n_terms = n_features + int(intercept)
        return cls._of(
            gram=cls._no_gram(n_groups, n_terms),
            moment=np.zeros((n_groups, n_terms)),
            weight=np.zeros(n_groups),
            locates=bool(intercept),
            reference=0.0,
            reward_sum=np.zeros(n_groups),
            reward_square=None,
            residual_square=None,
            exposure_sum=np.zeros(n_groups),
            opened=(None,) * n_groups,
            likelihood_name=likelihood,
            prior_precision=float(prior_precision),
            prior_mean=prior_mean,
            intercept=bool(intercept),
            learns_noise=False,
            converged=True,
        )

    @property
    def _offset(self):
        return self.location

    # --------------------------------------------------------------- learning
    def learnt(self, examples, forgetting=1.0, exposure=None):
        """Return the model after more examples.

        Parameters
        ----------
        examples : Examples
        forgetting : float in (0, 1], default=1.0
            Every round multiplies the weight of all rounds before it by this; the prior stays.
        exposure : ndarray of shape (n_rows,), default=None
            Factors on the expected rewards.

        Raises
        ------
        ValueError
            If squares of the numbers overflow.
        """
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
            return self._learnt_together(examples, float(forgetting), exposure)

    def _learnt_together(self, examples, forgetting, exposure):
        mass = examples.weights
        examples, kept = examples.faded(forgetting)
        new = self._faded(kept)
        sums = totals(examples, exposure, self.n_groups)
        if not np.isfinite(np.concatenate(sums)).all():
            raise_overflow()
        new = new._changed(
            weight=new.weight + sums.weight,
            reward_sum=new.reward_sum + sums.reward_sum,
            exposure_sum=new.exposure_sum + sums.exposure_sum,
        )
        opened = new._opened_with(examples.part(0, examples.n_rows), mass, exposure)
        return new._at_modes(self, opened, forgetting)

    def _faded(self, kept):
        if kept == 1.0:
            return self
        return self._changed(
            gram=self._collect([kept * one for one in self.gram]),
            moment=kept * self.moment,
            weight=kept * self.weight,
            reward_sum=kept * self.reward_sum,
            exposure_sum=kept * self.exposure_sum,
            opened=tuple(one and one.faded(kept) for one in self.opened),
        )

    def _opened_with(self, examples, mass, exposure):
        """The open rounds of the groups that have new ones: a dict of group to OpenRounds."""
        # Positions travel as a column, so that each group finds the masses and exposures of its
        # rows.
        place = np.arange(examples.n_rows)[:, None]
        opened, design = {}, None
        for segment in segments_of(examples._replace(rows=place), self.n_groups):
            own = segment.rows[:, 0]
            if design is None or examples.reward is not None:
                # In full feedback all groups learn from the same rows.
                design = add_constant(examples.rows[own], self.intercept)
                if not np.isfinite(np.vdot(design, design)):
                    raise_overflow()
            offset = None if exposure is None else np.log(exposure[own])
            # The weights of full feedback may be the caller's array.
            weight = None if segment.weight is None else segment.weight.copy()
            rows = Rows(design, segment.reward, weight, offset)
            group, weight = segment.group, mass[own]
            known = self.opened[group]
            if known is None:
                known = OpenRounds((), 0.0, 0.0, np.zeros(1), self.gram[group], self.moment[group])
            opened[group] = known.with_more(
                rows, float(weight.sum()), self.likelihood.events(segment.reward, weight)
            )
        return opened

    def _is_full(self, opened, forgetting):
        """Whether open rounds are many enough to be left as they were learnt."""
        few = min(_KEPT_WEIGHT, _UPDATED_ENTRIES / self.n_terms)
        if opened.weight < few:
            return sum(len(rows.reward) for rows in opened.parts) >= 4 * _KEPT_WEIGHT
        if not self._keeps_rare or forgetting < 1.0 or few < _KEPT_WEIGHT:
            return True
        size = sum(len(rows.reward) for rows in opened.parts) * self.n_terms
        most = _KEPT_ENTRIES / self.n_terms
        return (
            opened.events.min() >= _KEPT_EVENTS
            or opened.weight >= most
            or size >= 2 * _KEPT_ENTRIES
        )

    def _after(self, learnt, converged, forgetting):
        """The model once groups have learnt.

        `learnt` is a dict of group to its open rounds and natural parameters.
        """
        gram, moment, kept = list(self.gram), self.moment.copy(), list(self.opened)
        for group, (own, gram[group], moment[group]) in learnt.items():
            if not (np.isfinite(gram[group]).all() and np.isfinite(moment[group]).all()):
                raise_overflow()
            kept[group] = None if self._is_full(own, forgetting) else own
        return self._changed(
            gram=self._collect(gram), moment=moment, opened=tuple(kept), converged=converged
        )

    # --------------------------------------------------------------- carrying
    def carried(
        self, *, groups=None, shares=None, features=None, prior_precision=None, prior_mean="same"
    ):
        """Return what is known, for other groups, features or another prior.

        Parameters
        ----------
        groups, shares, features, prior_precision
            As in :meth:`skbandit._regression.FullRegression.carried`.
        prior_mean : float or None or "same", default="same"
        """
        new = self
        if prior_mean != "same" and prior_mean != self.prior_mean:
            new = new._changed(prior_mean=prior_mean)
        return super(LaplaceLearning, new).carried(
            groups=groups, shares=shares, features=features, prior_precision=prior_precision
        )

    def _with_features(self, source):
        offset = int(self.intercept)
        terms = np.concatenate([np.arange(offset), np.where(source >= 0, source + offset, -1)])
        drops = len(np.setdiff1d(np.arange(self.n_terms), terms)) > 0
        new = super()._with_features(source)
        # What is marginalised is known as natural parameters alone.
        opened = [None if drops or one is None else _moved(one, terms) for one in self.opened]
        return new._changed(opened=tuple(opened))

    def _with_groups(self, source, shares):
        return (
            super()
            ._with_groups(source, shares)
            ._changed(
                exposure_sum=picked(self.exposure_sum, source, shares),
                opened=opened_of(self.opened, source, shares),
            )
        )

    @classmethod
    def merged(cls, parts):
        """Return an approximation of the model on the rounds of all parts.

        The product of their posteriors over all priors but one: natural parameters add up.

        Parameters
        ----------
        parts : list of models of this kind
            Of the same groups and features. The prior is that of the first one.
        """
        first = parts[0]
        if len(parts) == 1:
            return first
        names = ("moment", "weight", "reward_sum", "exposure_sum")
        sums = {name: sum(getattr(part, name) for part in parts) for name in names}
        grams = zip(*(part.gram for part in parts), strict=True)
        return first._changed(
            gram=cls._collect([sum(group) for group in grams]),
            opened=(None,) * first.n_groups,
            **sums,
        )


def opened_of(opened, source, shares):
    """Open rounds by the old positions of groups; of new ones, those of a group that they copy."""
    origin = source.copy()
    if shares is not None:
        origin[source < 0] = teachers(shares)
    return tuple(None if old < 0 else opened[old] for old in origin)


def _moved(opened, terms):
    """Open rounds for other terms, of which none is gone; new ones were zero so far."""
    known = terms >= 0

    def moved(rows):
        design = np.zeros((len(rows.design), len(terms)))
        design[:, known] = rows.design[:, terms[known]]
        return rows._replace(design=design)

    return opened._replace(
        parts=tuple(map(moved, opened.parts)),
        gram=embedded(opened.gram, terms),
        moment=embedded(opened.moment, terms),
    )


class FullLaplace(LaplaceLearning, FullRegression):
    """Weights of its own for every group, all correlations of its terms."""

    def _at_modes(self, old, opened, forgetting):
        prior = {"prior_precision": self.prior_precision, "prior_mean": self.location}
        starts, learnt, converged = old.coef, {}, True
        for group, own in opened.items():
            if own.is_due or self._is_full(own, forgetting):
                own, gram, moment = own.together(), own.gram, own.moment
            else:
                gram, moment = self.gram[group], self.moment[group]
            rows = own.parts[-1]
            mode, reached = full_mode(
                self.likelihood, rows, gram, moment, start=starts[group], **prior
            )
            converged &= reached
            added = sites(self.likelihood, rows, mode)
            learnt[group] = own, gram + added.gram, moment + added.moment
        new = self._after(learnt, converged, forgetting)
        if forgetting == 1.0:
            new._solve_groups(old, list(learnt))
        return new

    def _solve_groups(self, old, moved):
        """Take along what follows from the sums of groups that have not changed."""
        coef, factors = old._own_coef().copy(), old._derived.get("factors")
        factors = [None] * self.n_groups if factors is None else list(factors)
        for group in moved:
            coef[group], factors[group] = mean_and_factor(
                self.gram[group], self.moment[group], self.prior_precision
            )
        self._derived.update(own=coef, factors=factors)


class HybridLaplace(LaplaceLearning, HybridRegression):
    """All groups share weights, and every group departs from them."""

    # What is kept is learnt anew for all groups, whichever has new rounds.
    _keeps_rare = False

    def _at_modes(self, old, opened, forgetting):
        c, own = self.location, old.coef
        # Of all shared weights, those that suit the groups' best.
        center = np.zeros(self.n_terms)
        center[0] = c
        shared = (center + own.sum(axis=0)) / (1.0 + self.n_groups)
        known = {group: one for group, one in enumerate(self.opened) if one is not None}
        opened = {group: one.together() for group, one in {**known, **opened}.items()}
        rows, grams, moments = [None] * self.n_groups, list(self.gram), self.moment.copy()
        for group, one in opened.items():
            rows[group], grams[group], moments[group] = one.parts[0], one.gram, one.moment
        modes, converged = hybrid_mode(
            self.likelihood,
            rows,
            grams,
            moments,
            prior_precision=self.prior_precision,
            prior_mean=c,
            start=(shared, own),
        )
        learnt = {}
        for group, one in opened.items():
            added = sites(self.likelihood, one.parts[0], modes[group])
            learnt[group] = one, one.gram + added.gram, one.moment + added.moment
        return self._after(learnt, converged, forgetting)

    def _location_terms(self):
        raise NotImplementedError("The location comes from the rates.")
