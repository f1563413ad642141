"""What the linear bandits share: state, learning, belief, transfer."""

from functools import partial
from numbers import Real

import numpy as np

from .._arm_models import ARM_MODELS, model_kind
from .._gaussian import noise_draws
from .._regression import (
    DiagonalRegression,
    FullRegression,
    HierarchicalRegression,
    HybridRegression,
)
from .._sklearn import Interval, StrOptions
from .._threads import NO_LIMIT, threads_for_rows
from ..base import BaseBandit
from ..beliefs import IndependentBelief, JointBelief
from ..explorations import ALPHA_CONSTRAINT, all_were_tried, still_to_try

_OF_EACH_ARM = {"full": FullRegression, "diagonal": DiagonalRegression}
_KINDS = {"disjoint": _OF_EACH_ARM, "shared": _OF_EACH_ARM, "hybrid": {"full": HybridRegression}}


class BaseLinearBandit(BaseBandit):
    """Bayesian linear regression of the reward, per arm, shared by all, or both.

    The state is a regression of :mod:`skbandit._regression`, under the prior of the time when it
    last learnt.
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "alpha": ALPHA_CONSTRAINT,
        "prior": [StrOptions({"ridge", "hierarchical"})],
        "prior_precision": [Interval(Real, 0, None, closed="neither")],
        "precision": [StrOptions({"full", "diagonal"})],
        "arm_model": [StrOptions({"disjoint", "shared", "hybrid"})],
        "fit_intercept": ["boolean"],
        "noise": [StrOptions({"learnt", "fixed"})],
        "noise_std": [Interval(Real, 0, None, closed="neither")],
        "noise_prior": [tuple, list, None],
        "forgetting": [Interval(Real, 0, 1, closed="right")],
    }

    _shape_parameters = (
        "prior",
        "arm_model",
        "precision",
        "fit_intercept",
        "noise",
        "forgetting",
    )
    # Joint draws behind the policy of linked arms; explorations that draw none need none.
    n_draws = 0

    def __init__(
        self,
        *,
        arms=None,
        alpha="auto",
        prior="ridge",
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
        self.prior = prior
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

    @property
    def _arms(self):
        return ARM_MODELS[self.arm_model]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        arms = ARM_MODELS.get(self.arm_model, ARM_MODELS["disjoint"])
        tags.input_tags.two_d_array = 2 in arms.context_ndims
        tags.input_tags.three_d_array = 3 in arms.context_ndims
        tags.input_tags.sparse = self.precision == "diagonal" and not arms.are_linked
        bandit = tags.bandit_tags
        bandit.learning = "sum" if self.forgetting == 1.0 else "sequence"
        bandit.fades = self.forgetting < 1.0
        # Without a prior of its own the noise, and the location, are what all arms' rewards say.
        guesses = self.noise == "learnt" and self.noise_prior is None
        finds = guesses or self.prior == "hierarchical"
        bandit.arms = "linked" if arms.are_linked or finds else "independent"
        bandit.prior = "learnt" if finds else "fixed"
        bandit.location = "learnt" if guesses and self.fit_intercept else "fixed"
        bandit.policy = "draws" if arms.are_linked and self.n_draws else "exact"
        if self.arm_model == "hybrid":
            # A cold arm knows what all share; marginalising leaves arms coupled through what goes.
            bandit.prior, bandit.dropping_features = "learnt", "approximate"
        if self.prior == "hierarchical":
            # What is marginalised leaves a prior that finds itself anew.
            bandit.dropping_features = "approximate"
        if self.precision == "diagonal":
            # Rounds that are learnt at once know of each other's terms, blocks do not.
            bandit.learning, bandit.merging = "calls", "approximate"
        return tags

    # ----------------------------------------------------------------- state
    def _initial_state(self, n_arms, n_features):
        kind = model_kind(
            _KINDS,
            HierarchicalRegression,
            arm_model=self.arm_model,
            precision=self.precision,
            prior=self.prior,
        )
        self._check_noise_prior()
        return kind.empty(
            self._arms.n_groups(n_arms),
            n_features,
            intercept=self.fit_intercept,
            learns_noise=self.noise == "learnt",
            **self._of_prior(),
        )

    def _of_prior(self):
        """What the engine is told about the prior."""
        told = {"prior_precision": float(self.prior_precision), "locates": self._locates}
        if self.prior == "hierarchical":
            told["noise_variance"] = float(self.noise_std) ** 2
        return told

    def _check_noise_prior(self):
        if self.noise_prior is None:
            return
        prior = tuple(self.noise_prior)
        if len(prior) != 2 or not prior[0] > 1 or not prior[1] > 0:
            raise ValueError(
                "noise_prior must be (shape, scale) of an inverse-gamma distribution with "
                "shape > 1 and scale > 0, so that its mean exists; got "
                f"{self.noise_prior!r}."
            )

    @property
    def _locates(self):
        """Whether location and unit of the rewards are guessed from what all arms pay."""
        return bool(self.fit_intercept and self.noise == "learnt" and self.noise_prior is None)

    @property
    def _regression(self):
        """What was learnt, under the prior of now."""
        state, told = self.state_, self._of_prior()
        if all(getattr(state, name) == value for name, value in told.items()):
            return state
        key = "prior", *told.values()
        if key not in self._cache:
            self._cache[key] = state.carried(**told)
        return self._cache[key]

    def _learn(self, rounds):
        return self._regression.learnt(self._arms.examples(rounds), float(self.forgetting))

    def _carry_state(self, source, resize):
        self._check_same_shape(source)
        return source._regression.carried(
            features=resize.feature_source,
            **self._of_prior(),
            **self._arms.carried_groups(resize),
        )

    def _merge_states(self, states):
        return type(states[0]).merged(states)

    # ---------------------------------------------------------------- belief
    def _noise(self):
        """Noise variance and degrees of freedom of the belief about it; None: known."""
        if self.noise == "fixed":
            return np.array([float(self.noise_std) ** 2]), None
        key = self._noise_key
        if key not in self._cache:
            self._check_noise_prior()
            self._cache[key] = self._regression.noise(self.noise_prior)
        return self._cache[key]

    @property
    def _noise_key(self):
        prior = None if self.noise_prior is None else tuple(self.noise_prior)
        return "noise", float(self.noise_std), prior, float(self.prior_precision)

    def _forced(self):
        key = "forced", float(self.prior_precision)
        if key not in self._cache:
            asks = self._locates and not self._arms.are_linked
            self._cache[key] = self._untried() if asks else None
        return self._cache[key]

    def _untried(self):
        known = self._regression
        if all_were_tried(known.weight):
            return None
        mean, spread = known.mean_rewards(), known.spreads()
        if still_to_try(known.weight, mean, spread) is None:
            return None
        return still_to_try(known.weight, mean, spread, known.expected_spreads())

    def _mean_reward(self, contexts):
        return self._arms.ask(self._regression.mean, contexts)

    def _belief(self, contexts):
        arms, regression = self._arms, self._regression
        variance, dof = self._noise()
        # Widths first: they need factors, from which the means follow.
        scale = np.sqrt(arms.ask(regression.quadratic, contexts) * variance)
        marginal = IndependentBelief(arms.ask(regression.mean, contexts), scale, dof)
        if not arms.are_linked:
            return marginal
        unseen = arms.unseen(contexts, regression.weight)
        draws = partial(self._score_draws, contexts)
        return JointBelief(marginal.mean, marginal.std, draws, unseen)

    def _score_draws(self, contexts):
        """Scores under joint posterior draws of all weights, (n_draws, n_samples, n_arms)."""
        n_arms = contexts.shape[1] if contexts.ndim == 3 else len(self.classes_)
        scores = np.empty((self.n_draws, contexts.shape[0], n_arms))
        for arm in range(n_arms):
            rows, weights = self._arms.rows_of(contexts, arm), self._weight_draws(arm)
            scores[:, :, arm] = self._regression.rewards(rows, weights).T
        return scores

    def _weight_draws(self, arm):
        """Posterior draws of an arm's weights, (n_draws, n_terms): the same at every call.

        The policy is thus a function of the state, the same for all rows.
        """
        group = self._arms.group_of(arm)
        key = ("draws", group, self.n_draws, *self._noise_key)
        if key not in self._cache:
            variance, dof = self._noise()
            dof = None if dof is None else dof[0]
            noise = noise_draws(variance[0], dof, self.n_draws, stream=0)
            spread = self._regression.weight_deviations(group, self.n_draws)
            self._cache[key] = self._regression.coef[group] + noise[:, None] * spread
        return self._cache[key]

    def _floats_per_row(self, contexts, n_arms):
        diagonal = self.precision == "diagonal"
        return self._arms.floats_per_row(contexts, n_arms, diagonal, self.n_draws)

    def _threads(self, n_rows):
        if self.precision == "diagonal":
            return NO_LIMIT
        return threads_for_rows(n_rows * self.state_.n_groups, self.n_features_in_)

    # ---------------------------------------------------- what users look at
    @property
    def gram_(self):
        """Weighted sum over rounds of the products (or squares) of the terms."""
        return np.stack(self.state_.gram)

    @property
    def moment_(self):
        """Weighted sum over rounds of reward times terms, (n_arms, n_terms).

        With a diagonal precision, each weight's mean times its precision over the noise's.
        """
        return self.state_.raw_moment

    @property
    def weight_(self):
        """Sum of the weights of the rounds from which each arm has learnt, (n_arms,)."""
        return self.state_.weight.copy()

    @property
    def residual_square_(self):
        """What the posterior mean leaves of the squared rewards, the prior's share included.

        With a diagonal precision, the sum of the squared errors made one step ahead, each over
        its variance in units of the noise's.
        """
        self._check_learns_noise("residual_square_")
        return self._regression.located_residual_square.copy()

    @property
    def reward_square_(self):
        """Weighted sum of the squared rewards, (n_arms,) or (1,)."""
        self._check_learns_noise("reward_square_")
        return self.state_.raw_reward_square

    def _check_learns_noise(self, name):
        if not self.state_.learns_noise:
            raise AttributeError(f"{name} is kept with noise='learnt' only.")

    @property
    def coef_(self):
        """Posterior mean of the weights, (n_arms, n_features); one row if they are shared."""
        return self._regression.coef[:, int(self.fit_intercept) :].copy()

    @property
    def intercept_(self):
        """Posterior mean of the constant term, (n_arms,); zeros without an intercept."""
        coef = self._regression.coef
        return coef[:, 0].copy() if self.fit_intercept else np.zeros(len(coef))

    @property
    def location_(self):
        """Where the prior of the constant terms lies: what arms pay on the whole; float."""
        return self._regression.location

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
        covariance = self._regression.covariance
        return covariance * self._variance_like(covariance)

    @property
    def precision_(self):
        """Precision of the weights: the inverse of ``covariance_``, in the same layout."""
        precision = self._regression.precision
        # Rewards that are all zero so far have no noise: the precision is then infinite.
        with np.errstate(divide="ignore", invalid="ignore"):
            return precision / self._variance_like(precision)

    def _variance_like(self, array):
        variance = self._noise()[0]
        return variance.reshape(-1, *[1] * (array.ndim - 1))
