"""Every group has weights of its own and keeps all products of its terms."""

from math import isfinite

import numpy as np

from .._gaussian import (
    condition_on_row,
    inverse_factor,
    mean_and_factor,
    posterior_mean,
    quadratic_forms,
)
from ._base import normal_deviates, raise_overflow
from ._matrices import MatrixRegression
from ._sums import add_constant

# More rows than this learn faster by blocks than one by one.
_MAX_SINGLE_ROWS = 4
# So few rows are asked by the covariance, where it is kept up with what is learnt.
_MAX_ASKED_ROWS = 2
# Matrices of so many terms are kept in one array, and one product asks all groups: covariances,
# which every update copies, and factors.
_MAX_STACKED_COVARIANCE = 63
_MAX_STACKED_FACTOR = 255
# A rank-one update that shrinks a direction by more than this costs as many digits.
_MAX_LEVERAGE = 1e4
# Products with the covariance whose terms cancel by more than this keep too few digits: the factor
# is used instead. Nearly collinear columns under a weak prior do so.
_MAX_CANCELLATION = 1e8
# So many updates a term between factorizations: their cost then stays below that of the updates.
_UPDATES_PER_TERM = 4


class FullRegression(MatrixRegression):
    """Weights of its own for every group, all correlations of its terms.

    A few rows are learnt by rank-one updates of the covariance, more by blocks. The covariances
    are kept up from the first such update until the next block, and refreshed from the sums before
    rounding adds up.
    """

    # --------------------------------------------------- what follows from the sums
    # Derived: "own" (n_groups, n_terms) and "pull", see the base class; "factors", a list with
    # None for those not found yet; and where the covariances are kept up, "covariances",
    # "n_updates" (since each was found from the sums) and "cancels" (whether products with them
    # have lost digits).
    def _own_coef(self):
        own = self._derived.get("own")
        if own is None:
            own = np.stack([self._solved(group) for group in range(self.n_groups)])
            self._derived["own"] = own
        return own

    def _solved(self, group):
        if not self.weight[group] > 0:
            return np.zeros(self.n_terms)
        return posterior_mean(self.gram[group], self.moment[group], self.prior_precision)

    def _pull(self):
        pull = self._derived.get("pull")
        if pull is None:
            covariances = self._covariances_kept_up()
            if isinstance(covariances, np.ndarray):
                pull = covariances[:, :, 0]
            elif covariances is not None:
                pull = np.stack([one[:, 0] for one in covariances])
            else:
                pull = np.stack([one[:, 0] @ one for one in self._factors()])
            pull = self._derived["pull"] = self.prior_precision * pull
        return pull

    def _covariances_kept_up(self):
        """Covariances over the noise variance where they are at hand and have all digits."""
        known = self._derived
        return None if known.get("cancels", False) else known.get("covariances")

    def _location_terms(self):
        terms = self._derived.get("location_terms")
        if terms is None:
            lam = self.prior_precision
            terms = lam * self._own_coef()[:, 0], lam * (1.0 - self._pull()[:, 0])
            self._derived["location_terms"] = terms
        return terms

    def _factors(self):
        """Factors of the covariances over the noise variance, for all groups."""
        known = self._derived.get("factors")
        if known is None and "own" not in self._derived:
            # Both come from one decomposition.
            pairs = [
                mean_and_factor(gram, moment, self.prior_precision)
                for gram, moment in zip(self.gram, self.moment, strict=True)
            ]
            own, known = zip(*pairs, strict=True)
            self._derived["own"] = np.stack(own)
        elif known is None or any(one is None for one in known):
            known = known or [None] * self.n_groups
            known = [
                inverse_factor(gram[None], self.prior_precision)[0] if one is None else one
                for one, gram in zip(known, self.gram, strict=True)
            ]
        else:
            return known
        self._derived["factors"] = list(known)
        return known

    def _stacked_factors(self):
        stacked = self._derived.get("stacked_factors")
        if stacked is None:
            stacked = self._derived["stacked_factors"] = np.stack(self._factors())
            # Views of it: the same numbers are not kept twice.
            self._derived["factors"] = list(stacked)
        return stacked

    def _covariances(self):
        """Covariances over the noise variance, in one array or a list."""
        if "covariances" in self._derived:
            return self._derived["covariances"]
        if self.n_terms <= _MAX_STACKED_COVARIANCE:
            factors = self._stacked_factors()
            return np.matmul(factors.transpose(0, 2, 1), factors)
        return [factor.T @ factor for factor in self._factors()]

    # --------------------------------------------------------------- learning
    def _learnt(self, examples, forgetting):
        few = examples.n_rows <= _MAX_SINGLE_ROWS and forgetting == 1.0
        if few and examples.all_weigh_one:
            return self._learnt_one_by_one(examples)
        return super()._learnt(examples, forgetting)

    def _learnt_one_by_one(self, examples):
        lam = self.prior_precision
        rows = examples.rows.astype(np.float64, copy=False)
        lessons = _lessons(examples, self.n_groups)
        if not isfinite(np.vdot(rows, rows) + sum(reward * reward for _, _, reward in lessons)):
            raise_overflow()
        design = add_constant(rows, self.intercept)
        known = self._derived
        covariances = self._covariances().copy()
        factors = [*known["factors"]] if "factors" in known else [None] * self.n_groups
        coef, cancels = self._own_coef().copy(), known.get("cancels", False)
        n_updates = known["n_updates"].copy() if "n_updates" in known else [0] * self.n_groups
        gram, moment, weight = list(self.gram), self.moment.copy(), self.weight.copy()
        reward_sum = self.reward_sum.copy()
        learns_noise = self.learns_noise
        residual_square = self.residual_square.copy() if learns_noise else None
        reward_square = self.reward_square.copy() if learns_noise else None
        for number, group, reward in lessons:
            row = design[number]
            product = row[:, None] * row
            product += gram[group]
            gram[group] = product
            moment[group] += reward * row
            weight[group] += 1.0
            reward_sum[group] += reward
            update = condition_on_row(coef[group], covariances[group], row, reward)
            if learns_noise:
                residual_square[group] += update.residual_square
                reward_square[group] += reward * reward
            lost = update.spread > _MAX_CANCELLATION * update.leverage
            cancels |= lost
            n_updates[group] += 1
            due = n_updates[group] > _UPDATES_PER_TERM * len(row)
            if due or lost or update.leverage > _MAX_LEVERAGE:
                coef[group], factors[group] = mean_and_factor(product, moment[group], lam)
                covariances[group] = factors[group].T @ factors[group]
                n_updates[group] = 0
            else:
                coef[group], covariances[group] = update.mean, update.covariance
                factors[group] = None
        return self._changed(
            gram=tuple(gram),
            moment=moment,
            weight=weight,
            reward_sum=reward_sum,
            reward_square=reward_square,
            residual_square=residual_square,
            _derived={
                "own": coef,
                "factors": factors,
                "covariances": covariances,
                "n_updates": n_updates,
                "cancels": cancels,
            },
        )

    def _moved(self, segments, kept):
        # Without fading, groups that saw no round stay where they are.
        if kept < 1.0:
            return np.arange(self.n_groups)
        return np.unique([segment.group for segment in segments])

    def _noise_of(self, groups):
        return groups

    def _solve_after(self, old, moved, with_factors):
        coef, factors = old._own_coef().copy(), old._derived.get("factors")
        self._derived["own"] = coef
        if factors is None:
            for group in moved:
                coef[group] = self._solved(group)
            return
        factors = list(factors)
        with_factors = with_factors and all(one is not None for one in factors)
        self._derived["factors"] = factors
        for group in moved:
            if with_factors:
                # One decomposition serves both.
                coef[group], factors[group] = mean_and_factor(
                    self.gram[group], self.moment[group], self.prior_precision
                )
            else:
                coef[group], factors[group] = self._solved(group), None

    # ----------------------------------------------------------------- belief
    def quadratic(self, rows, group=None):
        """Variance of the expected reward over that of the noise.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
        group : int, default=None
            Ask one group alone.

        Returns
        -------
        forms : ndarray of shape (n_samples, n_groups), or (n_samples,) for one group
        """
        design = add_constant(rows, self.intercept)
        if group is not None:
            return quadratic_forms(self._factors()[group][None], design)[:, 0]
        kept_up = self._derived.get("covariances")
        if len(rows) <= _MAX_ASKED_ROWS and kept_up is not None and not self._derived["cancels"]:
            return _small_forms(kept_up, design)
        if self.n_terms <= _MAX_STACKED_FACTOR:
            return quadratic_forms(self._stacked_factors(), design)
        forms = [quadratic_forms(factor[None], design)[:, 0] for factor in self._factors()]
        return np.stack(forms, axis=1)

    def weight_deviations(self, group, n_draws):
        """Draws of how far a group's weights lie from their mean, over the noise's deviation.

        The deviates depend on the group and the term alone, not on the call: new groups or
        features leave those of the others.

        Returns
        -------
        deviations : ndarray of shape (n_draws, n_terms)
        """
        return normal_deviates(group + 1, self.n_terms, n_draws) @ self._factors()[group]

    @property
    def factors(self):
        """Factors F of the covariances over the noise variance, F.T @ F, one a group."""
        return self._factors()

    @property
    def covariance(self):
        """Covariance of the weights over the noise variance, (n_groups, n_terms, n_terms)."""
        factors = np.stack(self._factors())
        return np.matmul(factors.transpose(0, 2, 1), factors)

    @property
    def precision(self):
        """The inverse of the covariance, (n_groups, n_terms, n_terms)."""
        return np.stack(self.gram) + self.prior_precision * np.eye(self.n_terms)

    def expected_spreads(self):
        """See :class:`RewardSums`."""
        if not self.intercept:
            return np.zeros(self.n_groups)
        # The first row of the products with a constant holds the sums of the terms.
        sums, share = np.stack([gram[0] for gram in self.gram]), self.weight / self.weight.sum()
        centres = sums / np.where(self.weight > 0.0, self.weight, 1.0)[:, None]
        expected = self.coef @ centres.T
        away = expected - (expected @ share)[:, None]
        return np.sqrt(away**2 @ share)

    # --------------------------------------------------------------- residual
    def _weights(self, groups=None):
        return self._own_coef() if groups is None else self._own_coef()[groups]

    def _objective(self, weights, groups=None):
        groups = np.arange(self.n_groups) if groups is None else groups
        move = weights - self._own_coef()[groups]
        # Rounding can leave a matrix of products with a direction below zero.
        data = [
            max(one @ self.gram[group] @ one, 0.0) for one, group in zip(move, groups, strict=True)
        ]
        return (
            self.residual_square[groups]
            + np.array(data)
            + self.prior_precision * self._prior_square(move)
        )

    def _prior_square(self, weights):
        return np.einsum("gi,gi->g", weights, weights)


def _lessons(examples, n_groups):
    """Rows one by one: the number of the row, the group that learns and what it is told."""
    named = examples.group.tolist()
    if examples.reward is not None:
        return list(zip(range(len(named)), named, examples.reward.tolist(), strict=True))
    n_taught = examples.n_taught_of(n_groups)
    return [
        (number, group, examples.high if group == name else examples.low)
        for number, name in enumerate(named)
        for group in range(n_taught)
    ]


def _small_forms(covariances, design):
    """Quadratic forms of a row or two."""
    if isinstance(covariances, np.ndarray):
        image = np.matmul(covariances, design.T)
        forms = np.einsum("nt,gtn->ng", design, image)
    else:
        forms = np.array([[row.dot(one.dot(row)) for one in covariances] for row in design])
    # Cancellation can leave a sum below zero.
    return np.maximum(forms, 0.0)
