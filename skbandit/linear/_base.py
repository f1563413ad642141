"""What the linear bandits share: state, learning, belief, transfer."""

from numbers import Real

import numpy as np
from scipy import sparse

from .._gaussian import marginal_statistics
from .._sklearn import Interval, StrOptions
from ..base import BaseBandit
from ._learning import Block, Model, absorb
from ._posterior import DiagonalPosterior, FullPosterior, HybridPosterior
from ._residuals import (
    averaged_residual,
    merged_residuals,
    pooled_residual,
    rebased_residuals,
)

# Prior degrees of freedom of the noise, 4: the variance of a Student-t belief exists from the
# start.
_PRIOR_SHAPE = 2.0
# More rows than this learn faster by blocks than one by one.
_MAX_SINGLE_ROWS = 4


class BaseLinearBandit(BaseBandit):
    """Bayesian linear regression of the reward, per arm, shared by all, or both."""

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "prior_precision": [Interval(Real, 0, None, closed="neither")],
        "precision": [StrOptions({"full", "diagonal"})],
        "arm_model": [StrOptions({"disjoint", "shared", "hybrid"})],
        "fit_intercept": ["boolean"],
        "noise": [StrOptions({"learnt", "fixed"})],
        "noise_std": [Interval(Real, 0, None, closed="neither")],
        "noise_prior": [tuple, list, None],
        "forgetting": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(
        self,
        *,
        arms=None,
        alpha=0.5,
        prior_precision=1.0,
        precision="full",
        arm_model="disjoint",
        fit_intercept=True,
        noise="learnt",
        noise_std=1.0,
        noise_prior=None,
        forgetting=1.0,
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.alpha = alpha
        self.prior_precision = prior_precision
        self.precision = precision
        self.arm_model = arm_model
        self.fit_intercept = fit_intercept
        self.noise = noise
        self.noise_std = noise_std
        self.noise_prior = noise_prior
        self.forgetting = forgetting
        self.selector = selector
        self.random_state = random_state

    # ----------------------------------------------------------------- shape
    @property
    def _context_ndims(self):
        return {"disjoint": (2,), "shared": (3,), "hybrid": (2, 3)}[self.arm_model]

    @property
    def _state_axes(self):
        group = "shared" if self.arm_model == "shared" else "arm"
        terms = ("term",) if self.precision == "diagonal" else ("term", "term")
        axes = {"gram_": (group, *terms), "moment_": (group, "term"), "weight_": (group,)}
        if self.noise == "learnt":
            # Groups with weights of their own have a noise of their own.
            own = "arm" if self.arm_model == "disjoint" else "shared"
            axes |= {"residual_square_": (own,), "reward_square_": (group,)}
        return axes

    def _initial_state(self, n_arms, n_features):
        self._check_combination()
        sizes = {"arm": n_arms, "shared": 1, "term": n_features + int(self.fit_intercept)}
        return {
            name: np.zeros(tuple(sizes[axis] for axis in axes))
            for name, axes in self._state_axes.items()
        }

    def _check_combination(self):
        if self.arm_model == "hybrid" and self.precision == "diagonal":
            raise ValueError(
                "arm_model='hybrid' needs precision='full': shared and per-arm weights are "
                "correlated."
            )
        if self.noise_prior is not None:
            prior = tuple(self.noise_prior)
            if len(prior) != 2 or not prior[0] > 1 or not prior[1] > 0:
                raise ValueError(
                    "noise_prior must be (shape, scale) of an inverse-gamma distribution with "
                    "shape > 1 "
                    f"and scale > 0, so that its mean exists; got {self.noise_prior!r}."
                )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.precision == "diagonal" and self.arm_model == "disjoint"
        return tags

    @property
    def _unpromised_checks(self):
        """What the contract's checks cannot hold this configuration to, and why."""
        reasons = {}
        if self.forgetting < 1.0:
            reason = "time moves on with every round, whichever arm it teaches"
            reasons["check_full_feedback"] = reason
            reasons["check_removed_arm_is_forgotten"] = reason
        if self.arm_model == "hybrid":
            reason = "an arm that was never played knows what all arms share"
            reasons["check_cold_arms_at_prior"] = reason
        return reasons

    def _structure(self):
        return {
            name: getattr(self, name)
            for name in ("arm_model", "precision", "fit_intercept", "noise", "forgetting")
        }

    def _source_axes(self, arms, features):
        if self.fit_intercept:
            features = np.concatenate([[0], np.where(features >= 0, features + 1, -1)])
        return {"arm": arms, "term": features}

    # -------------------------------------------------------------- learning
    def _model(self):
        return Model(
            float(self.prior_precision),
            self.fit_intercept,
            self.precision == "diagonal",
            self.arm_model == "hybrid",
            self.noise == "learnt",
            float(self.forgetting),
        )

    def _learn(self, rounds):
        block = self._played(rounds)
        n_samples = block.rows.shape[0]
        if (
            n_samples <= _MAX_SINGLE_ROWS
            and block.group is not None
            and block.weight is None
            and self.precision == "full"
            and self.arm_model != "hybrid"
            and self.forgetting == 1.0
        ):
            self._learn_singly(block)
            return
        model = self._model()
        # Learn into copies: a call that is interrupted leaves the state as it was.
        state = {name: value.copy() for name, value in self._state().items()}
        # An overflow shows in the sums, and is told there.
        with np.errstate(over="ignore", invalid="ignore"):
            absorb(state, block, model)
        _check_no_overflow(state)
        vars(self).update(state)
        self._cache.clear()

    def _played(self, rounds):
        """Rows that teach, and which group each teaches."""
        contexts, arm, reward, weight, rows_per_round = rounds
        if contexts.ndim == 2:
            group = None if reward is None else arm
            return Block(contexts, group, arm, reward, weight, rows_per_round)
        n_samples, n_candidates, n_features = contexts.shape
        if reward is None:
            # Full feedback on candidates: each teaches, paid 1 if it was named.
            candidate = np.tile(np.arange(n_candidates), n_samples)
            reward = (candidate == np.repeat(arm, n_candidates)).astype(np.float64)
            rows, arm = contexts.reshape(-1, n_features), candidate
            weight = None if weight is None else np.repeat(weight, n_candidates)
            rows_per_round = n_candidates
        else:
            rows = contexts[np.arange(n_samples), arm]
        group = np.zeros_like(arm) if self.arm_model == "shared" else arm
        return Block(rows, group, arm, reward, weight, rows_per_round)

    def _learn_singly(self, block):
        """A few rounds by rank-one updates: the online loop."""
        learns_noise = self.noise == "learnt"
        posterior = self._posterior()
        if not self.gram_.flags.writeable:
            # Arrays that came memory-mapped (joblib's workers) may not be written to.
            vars(self).update({name: value.copy() for name, value in self._state().items()})
            self._cache.clear()
            posterior = self._posterior()
        offset = int(self.fit_intercept)
        squares = np.vdot(block.rows, block.rows) + np.vdot(block.reward, block.reward)
        _check_no_overflow({"sum of squares": squares})
        for row, group, reward in zip(
            block.rows.astype(np.float64, copy=False),
            block.group.tolist(),
            block.reward.tolist(),
            strict=True,
        ):
            gram, moment = self.gram_[group], self.moment_[group]
            gram[offset:, offset:] += row[:, None] * row
            moment[offset:] += reward * row
            if offset:
                gram[0, 1:] += row
                gram[1:, 0] += row
                gram[0, 0] += 1.0
                moment[0] += reward
            self.weight_[group] += 1.0
            added = posterior.update(group, row, reward)
            if learns_noise:
                self.residual_square_[group] += added
                self.reward_square_[group] += reward * reward
        # The posterior was kept up; all else that was derived is out of date.
        self._cache.clear()
        self._cache[self._posterior_key] = posterior

    def _grow_candidates(self, n_candidates):
        """Know more candidates than before, the new ones at their prior."""
        if self.arm_model == "hybrid":
            grown = self._with_candidates(n_candidates)
            vars(self).update({name: getattr(grown, name) for name in self._state_axes})
            self._forget_cache()
        self.classes_ = np.arange(n_candidates)

    def _with_candidates(self, n_candidates):
        known = len(self.classes_)
        source = np.concatenate([np.arange(known), np.full(n_candidates - known, -1)])
        return self._resized(
            np.arange(n_candidates), source, self.n_features_in_, self._all_features(), None
        )

    # ---------------------------------------------------------------- belief
    @property
    def _posterior_key(self):
        return "posterior", float(self.prior_precision)

    def _posterior(self):
        key = self._posterior_key
        if key not in self._cache:
            kind = (
                DiagonalPosterior
                if self.precision == "diagonal"
                else HybridPosterior
                if self.arm_model == "hybrid"
                else FullPosterior
            )
            self._cache[key] = kind(
                self.gram_, self.moment_, float(self.prior_precision), self.fit_intercept
            )
        return self._cache[key]

    @property
    def _noise_key(self):
        prior = None if self.noise_prior is None else tuple(self.noise_prior)
        return "noise", self.noise, float(self.noise_std), prior

    def _noise(self):
        """Noise variance and degrees of freedom of the belief about it; None: known."""
        if self.noise == "fixed":
            return np.array([float(self.noise_std) ** 2]), None
        key = self._noise_key
        if key not in self._cache:
            own = len(self.residual_square_)
            weight = self.weight_ if len(self.weight_) == own else self.weight_.sum(keepdims=True)
            if self.noise_prior is not None:
                shape, scale = self.noise_prior
            else:
                # The guess before any residual: the rewards' own mean square, in their own unit.
                total = self.weight_.sum()
                square = self.reward_square_.sum() / total if total > 0 else 1.0
                shape, scale = _PRIOR_SHAPE, _PRIOR_SHAPE * square
            posterior_shape = shape + 0.5 * weight
            posterior_scale = scale + 0.5 * self.residual_square_
            self._cache[key] = posterior_scale / posterior_shape, 2.0 * posterior_shape
        return self._cache[key]

    def _mean_reward(self, contexts):
        return self._over_contexts(contexts, "mean_reward")

    def _belief(self, contexts):
        """Mean, scale and degrees of freedom (or None) of each arm's expected reward."""
        variance, dof = self._noise()
        form = self._over_contexts(contexts, "quadratic")
        return self._mean_reward(contexts), np.sqrt(form * variance), dof

    def _over_contexts(self, contexts, method):
        """Ask the posterior about every arm or candidate of every row."""
        if contexts.ndim == 2:
            return getattr(self._posterior(), method)(contexts)
        n_samples, n_candidates, n_features = contexts.shape
        if self.arm_model == "shared":
            flat = contexts.reshape(-1, n_features)
            return getattr(self._posterior(), method)(flat).reshape(n_samples, n_candidates)
        # A candidate beyond those known is at its prior.
        known = self if n_candidates <= len(self.classes_) else self._with_candidates(n_candidates)
        posterior = known._posterior()
        answer = np.empty((n_samples, n_candidates))
        for arm in range(n_candidates):
            rows = np.ascontiguousarray(contexts[:, arm])
            answer[:, arm] = getattr(posterior.of_arm(arm), method)(rows)[:, 0]
        return answer

    def _expected_reward(self, contexts):
        mean, scale, dof = self._belief(contexts)
        if dof is None:
            return mean, scale
        return mean, scale * np.sqrt(dof / (dof - 2.0))

    def _floats_per_row(self, contexts, n_arms):
        if sparse.issparse(contexts):
            return 8 * n_arms
        width = contexts.shape[-1] + 1
        if self.precision == "diagonal" or contexts.ndim == 3:
            return 8 * n_arms + 3 * width * (n_arms if contexts.ndim == 3 else 1)
        return (n_arms + 2) * width

    # -------------------------------------------------------------- transfer
    def _forget_features(self, dropped):
        if self.precision == "diagonal":
            return
        terms = dropped + int(self.fit_intercept)
        # Marginalising leaves a hybrid model's arms coupled through the dropped shared weight;
        # each arm is marginalised under its own prior, whose variance is that of both parts.
        prior = self.prior_precision * (0.5 if self.arm_model == "hybrid" else 1.0)
        for group in range(len(self.gram_)):
            self.gram_[group], self.moment_[group] = marginal_statistics(
                self.gram_[group], self.moment_[group], prior, terms
            )

    def _resized(self, arms, arm_source, *features):
        """Forget what arms that go have told of the noise that all share."""
        gone = np.setdiff1d(np.arange(len(self.classes_)), arm_source)
        pooled = self.arm_model == "hybrid" and self.noise == "learnt"
        if not (pooled and self.weight_[gone].any()):
            return super()._resized(arms, arm_source, *features)
        # Arms first: the two states must have the same terms.
        new = super()._resized(arms, arm_source, self.n_features_in_, self._all_features(), None)
        new.residual_square_ = pooled_residual(
            self._state(), new._state(), self._model(), arm_source
        )
        return new._resized(arms, np.arange(len(arms)), *features)

    def add_arms(self, arms, init="prior"):
        bigger = super().add_arms(arms, init=init)
        # Arms that start from others' rounds need the noise of those rounds about one line.
        if self.noise == "fixed" or not self.__sklearn_is_fitted__():
            return bigger
        n_known = len(self.classes_)
        if not bigger.weight_[n_known:].any():
            return bigger
        if self.arm_model == "hybrid":
            source = np.full(len(bigger.classes_), -1)
            source[:n_known] = np.arange(n_known)
            bigger.residual_square_ = pooled_residual(
                self._state(), bigger._state(), self._model(), source
            )
        elif init == "mean" and "mean" not in self.classes_.tolist():
            bigger.residual_square_[n_known:] = averaged_residual(
                self._state(), self._model(), np.arange(n_known)
            )
        return bigger

    add_arms.__doc__ = BaseBandit.add_arms.__doc__

    def _state(self):
        return {name: getattr(self, name) for name in self._state_axes}

    def _after_transfer(self, source):
        """The residual sum of squares holds the prior: change it to this one's."""
        if self.noise == "learnt":
            self.residual_square_ = rebased_residuals(
                self._state(), source._model(), float(self.prior_precision)
            )

    def _after_merge(self, parts):
        if self.noise == "learnt":
            self.residual_square_ = merged_residuals(
                [part._state() for part in parts], self._state(), self._model()
            )

    # ---------------------------------------------------- what users look at
    @property
    def coef_(self):
        """Posterior mean of the weights, (n_arms, n_features); one row if they are shared."""
        return self._posterior().coef[:, int(self.fit_intercept) :].copy()

    @property
    def intercept_(self):
        """Posterior mean of the constant term, (n_arms,); zeros without an intercept."""
        coef = self._posterior().coef
        return coef[:, 0].copy() if self.fit_intercept else np.zeros(len(coef))

    @property
    def noise_variance_(self):
        """Variance of a reward about its mean, (n_arms,) or (1,).

        It is known, or the scale of the posterior.
        """
        return self._noise()[0].copy()

    @property
    def covariance_(self):
        """Covariance of the weights, the constant term first, (n_arms, n_terms, n_terms).

        The variances, (n_arms, n_terms), for a diagonal precision. With learnt noise it is the
        scale matrix of their Student-t distribution.
        """
        posterior, variance = self._posterior(), self._noise()[0]
        if self.precision == "diagonal":
            return posterior.variance * variance[:, None]
        posterior._renew_factors()
        covariance = np.matmul(posterior.factor.transpose(0, 2, 1), posterior.factor)
        return covariance * variance[:, None, None]

    @property
    def precision_(self):
        """Precision of the weights: the inverse of ``covariance_``, in the same layout."""
        posterior, variance = self._posterior(), self._noise()[0]
        # Rewards that are all zero so far have no noise: the precision is then infinite.
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.precision == "diagonal":
                return 1.0 / posterior.variance / variance[:, None]
            if self.arm_model == "hybrid":
                inverse = np.linalg.inv(posterior.factor)
                precision = np.matmul(inverse, inverse.transpose(0, 2, 1))
            else:
                precision = self.gram_ + self.prior_precision * np.eye(self.gram_.shape[1])
            return precision / variance[:, None, None]


def _check_no_overflow(sums):
    """Raise before sums that are not finite replace those that are."""
    if not all(np.isfinite(value).all() for value in sums.values()):
        raise ValueError(
            "X or reward holds numbers so large that their squares overflow. Rescale them, for "
            "instance with StandardScaler in a Pipeline."
        )
