"""Linear Thompson sampling."""

from numbers import Integral

import numpy as np
from scipy.special import gammaincinv

from .._optimality import IndependentScores, SampledScores
from .._sklearn import Interval
from ._base import BaseLinearBandit
from ._statistics import predict_rows


class LinearThompsonSampling(BaseLinearBandit):
    _parameter_constraints = {
        **BaseLinearBandit._parameter_constraints,
        "n_draws": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        arms=None,
        alpha=0.25,
        prior_precision=1.0,
        precision="full",
        arm_model="disjoint",
        fit_intercept=True,
        noise="learnt",
        noise_std=1.0,
        noise_prior=None,
        forgetting=1.0,
        n_draws=500,
        selector=None,
        random_state=None,
    ):
        super().__init__(
            arms=arms,
            alpha=alpha,
            prior_precision=prior_precision,
            precision=precision,
            arm_model=arm_model,
            fit_intercept=fit_intercept,
            noise=noise,
            noise_std=noise_std,
            noise_prior=noise_prior,
            forgetting=forgetting,
            selector=selector,
            random_state=random_state,
        )
        self.n_draws = n_draws

    def _policy(self, contexts, available):
        if self.arm_model == "disjoint":
            mean, scale, dof = self._belief(contexts)
            scores = IndependentScores(mean, self.alpha * scale, dof)
        else:
            scores = SampledScores(self._score_draws(contexts))
        return self._selector.expect(scores, available)

    def _score_draws(self, contexts):
        """Scores under joint posterior draws of all weights, (n_draws, n_samples, n_arms)."""
        n_samples = contexts.shape[0]
        n_arms = contexts.shape[1] if contexts.ndim == 3 else len(self.classes_)
        known = self if n_arms <= len(self.classes_) else self._with_candidates(n_arms)
        scores = np.empty((self.n_draws, n_samples, n_arms))
        for arm in range(n_arms):
            rows = contexts if contexts.ndim == 2 else np.ascontiguousarray(contexts[:, arm])
            weights = known._weight_draws(0 if self.arm_model == "shared" else arm)
            scores[:, :, arm] = predict_rows(rows, weights, self.fit_intercept).T
        return scores

    def _weight_draws(self, group):
        """Posterior draws of one group's weights, (n_draws, n_terms).

        The deviates depend on the group and the term alone, not on the call: the policy is a
        function of the state, the same for all rows, and new arms or features leave those of the
        others.
        """
        key = ("draws", group, self.n_draws, float(self.alpha), float(self.prior_precision))
        if key not in self._cache:
            posterior = self._posterior()
            n_terms = self.moment_.shape[1]
            noise = self.alpha * self._noise_draws()
            deviates = _deviates(group + 1, n_terms, self.n_draws)
            if self.arm_model == "shared":
                posterior._renew_factors()
                mean, spread = posterior.coef[0], deviates @ posterior.factor[0]
            else:
                # Draw the shared weights, then the arm's own given them.
                shared = _deviates(0, n_terms, self.n_draws) @ posterior.shared_factor
                lam = float(self.prior_precision)
                factor = posterior.arm_factor[group]
                mean = posterior.coef[group]
                spread = deviates @ factor
                spread += lam * (shared @ factor.T) @ factor
            self._cache[key] = mean + noise[:, None] * spread
        return self._cache[key]

    def _noise_draws(self):
        """Posterior draws of the noise's standard deviation, (n_draws,)."""
        variance, dof = self._noise()
        if dof is None:
            return np.full(self.n_draws, np.sqrt(variance[0]))
        shape = 0.5 * dof[0]
        # Stratified quantiles in a random order: a gamma variate is shape on average.
        stratum = np.random.RandomState(0).permutation(self.n_draws)
        gamma = gammaincinv(shape, (stratum + 0.5) / self.n_draws)
        return np.sqrt(variance[0] * shape / gamma)

    def _floats_per_row(self, contexts, n_arms):
        floats = super()._floats_per_row(contexts, n_arms)
        return floats if self.arm_model == "disjoint" else floats + 3 * self.n_draws * n_arms


def _deviates(stream, n_terms, n_draws):
    """Standard normal deviates, (n_draws, n_terms); a term's do not depend on how many follow."""
    return np.random.RandomState(stream).standard_normal((n_terms, n_draws)).T
