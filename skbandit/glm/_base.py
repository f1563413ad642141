"""What the generalised linear bandits share: state, learning, belief, transfer."""

import warnings
from functools import partial
from numbers import Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._arm_models import ARM_MODELS, model_kind
from .._glm import (
    LIKELIHOODS,
    DiagonalLaplace,
    FullLaplace,
    HierarchicalLaplace,
    HybridLaplace,
)
from .._sklearn import Interval, StrOptions
from .._threads import NO_LIMIT, threads_for_rows
from ..base import BaseBandit
from ..beliefs import IndependentBelief, JointBelief, LinkedBelief
from ..explorations import ALPHA_CONSTRAINT
from ._links import LINKS

_OF_EACH_ARM = {"full": FullLaplace, "diagonal": DiagonalLaplace}
_KINDS = {"disjoint": _OF_EACH_ARM, "shared": _OF_EACH_ARM, "hybrid": {"full": HybridLaplace}}


class BaseGeneralizedLinearBandit(BaseBandit):
    """Bayesian generalised linear regression of the reward, per arm, shared by all, or both.

    A subclass names its ``_likelihood``. The state is a model of :mod:`skbandit._glm`, under the
    prior of the time when it last learnt.
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "alpha": ALPHA_CONSTRAINT,
        "prior": [StrOptions({"ridge", "hierarchical"})],
        "prior_precision": [Interval(Real, 0, None, closed="neither")],
        "prior_reward": [Interval(Real, 0, None, closed="neither"), None],
        "precision": [StrOptions({"full", "diagonal"})],
        "arm_model": [StrOptions({"disjoint", "shared", "hybrid"})],
        "fit_intercept": ["boolean"],
        "forgetting": [Interval(Real, 0, 1, closed="right")],
    }

    _shape_parameters = ("prior", "arm_model", "precision", "fit_intercept", "forgetting")
    # Key of skbandit._glm.LIKELIHOODS and of LINKS.
    _likelihood = None
    # Joint draws behind the policy of linked arms; explorations that draw none need none.
    n_draws = 0

    def __init__(
        self,
        *,
        arms=None,
        alpha="auto",
        prior="ridge",
        prior_precision=1.0,
        prior_reward=None,
        precision="full",
        arm_model="disjoint",
        fit_intercept=True,
        forgetting=1.0,
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.alpha = alpha
        self.prior = prior
        self.prior_precision = prior_precision
        self.prior_reward = prior_reward
        self.precision = precision
        self.arm_model = arm_model
        self.fit_intercept = fit_intercept
        self.forgetting = forgetting
        self.selector = selector
        self.random_state = random_state

    @property
    def _arms(self):
        return ARM_MODELS[self.arm_model]

    @property
    def _link(self):
        return LINKS[self._likelihood]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        arms = ARM_MODELS.get(self.arm_model, ARM_MODELS["disjoint"])
        tags.input_tags.two_d_array = 2 in arms.context_ndims
        tags.input_tags.three_d_array = 3 in arms.context_ndims
        tags.input_tags.sparse = self.precision == "diagonal" and not arms.are_linked
        bandit = tags.bandit_tags
        link = LINKS.get(self._likelihood)
        bandit.reward = "real" if link is None else link.reward
        # The latest rounds are learnt anew with those that come, the others once, where they were
        # believed to lie.
        bandit.learning = "calls"
        bandit.fades = self.forgetting < 1.0
        bandit.merging = "no" if bandit.fades else "approximate"
        is_hybrid, is_hierarchical = self.arm_model == "hybrid", self.prior == "hierarchical"
        finds = is_hierarchical or bool(self.fit_intercept and self.prior_reward is None)
        bandit.arms = "linked" if arms.are_linked or finds else "independent"
        bandit.prior = "learnt" if is_hybrid or finds else "fixed"
        bandit.policy = "draws" if arms.are_linked and self.n_draws else "exact"
        if is_hybrid or is_hierarchical:
            # Marginalising leaves arms coupled through what goes, or the prior finds itself anew.
            bandit.dropping_features = "approximate"
        return tags

    # ----------------------------------------------------------------- state
    def _initial_state(self, n_arms, n_features):
        kind = model_kind(
            _KINDS,
            HierarchicalLaplace,
            arm_model=self.arm_model,
            precision=self.precision,
            prior=self.prior,
        )
        return kind.empty(
            self._arms.n_groups(n_arms),
            n_features,
            likelihood=self._likelihood,
            prior_precision=self.prior_precision,
            prior_mean=self._prior_mean,
            intercept=self.fit_intercept,
        )

    @property
    def _prior_mean(self):
        """Prior mean of the constant terms on the scale of the score; None: it is found."""
        if self.prior_reward is None:
            return None
        return LIKELIHOODS[self._likelihood].score_of(float(self.prior_reward))

    @property
    def _model(self):
        """What was learnt, under the prior of now."""
        state, lam, mean = self.state_, float(self.prior_precision), self._prior_mean
        if state.prior_precision == lam and state.prior_mean == mean:
            return state
        key = "prior", lam, mean
        if key not in self._cache:
            self._cache[key] = state.carried(prior_precision=lam, prior_mean=mean)
        return self._cache[key]

    def _learn(self, rounds):
        examples = self._arms.examples(rounds)
        examples, exposure = self._without_exposure(examples)
        state = self._model.learnt(examples, float(self.forgetting), exposure)
        if not state.converged:
            warnings.warn(
                f"The mode of the posterior of {type(self).__name__} was not reached: its weights "
                "are near it. Scale the features, for instance with StandardScaler in a Pipeline.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return state

    def _without_exposure(self, examples):
        """Examples without the column of the exposure, and that column; None where there is
        none."""
        return examples, None

    def _features_and_offset(self, contexts):
        """Contexts without the column of the exposure, and what it adds to scores, or None."""
        return contexts, None

    def _carry_state(self, source, resize):
        self._check_same_shape(source)
        if self._likelihood != source._likelihood:
            raise ValueError(
                f"What a {type(source).__name__} learnt cannot be carried into this "
                f"{type(self).__name__}: their rewards have different likelihoods."
            )
        return self._carried_features(source, resize.feature_source, resize)

    def _carried_features(self, source, features, resize):
        """What the source knows, for other features and arms."""
        return source._model.carried(
            features=features,
            prior_precision=self.prior_precision,
            prior_mean=self._prior_mean,
            **self._arms.carried_groups(resize),
        )

    def _merge_states(self, states):
        return type(states[0]).merged(states)

    # ---------------------------------------------------------------- belief
    def _scores(self, contexts):
        """Mean and standard deviation of each arm's score, both (n_samples, n_arms)."""
        features, offset = self._features_and_offset(contexts)
        arms, model = self._arms, self._model
        # Widths first: they need factors, from which the means follow.
        scale = np.sqrt(arms.ask(model.quadratic, features))
        mean = arms.ask(model.mean, features)
        return mean if offset is None else mean + offset, scale

    def _expected_reward(self, contexts):
        # Also where the policy is by draws: expectations are computed.
        return self._link.moments(*self._scores(contexts))

    def _belief(self, contexts):
        mean, scale = self._scores(contexts)
        arms = self._arms
        if not arms.are_linked:
            return LinkedBelief(IndependentBelief(mean, scale), self._link.function)
        unseen = arms.unseen(contexts, self._model.weight)
        draws = partial(self._score_draws, contexts)
        return LinkedBelief(JointBelief(mean, scale, draws, unseen), self._link.function)

    def _score_draws(self, contexts):
        """Scores under joint posterior draws of all weights, (n_draws, n_samples, n_arms)."""
        features, offset = self._features_and_offset(contexts)
        n_arms = features.shape[1] if features.ndim == 3 else len(self.classes_)
        scores = np.empty((self.n_draws, features.shape[0], n_arms))
        for arm in range(n_arms):
            rows, weights = self._arms.rows_of(features, arm), self._weight_draws(arm)
            scores[:, :, arm] = self._model.rewards(rows, weights).T
        return scores if offset is None else scores + offset

    def _weight_draws(self, arm):
        """Posterior draws of an arm's weights, (n_draws, n_terms): the same at every call.

        The policy is thus a function of the state, the same for all rows.
        """
        group = self._arms.group_of(arm)
        key = "draws", group, self.n_draws, float(self.prior_precision), self._prior_mean
        if key not in self._cache:
            model = self._model
            deviations = model.weight_deviations(group, self.n_draws)
            self._cache[key] = model.coef[group] + deviations
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
        """What rounds have added to the precision of the weights, the constant term first."""
        return np.stack(self.state_.gram)

    @property
    def moment_(self):
        """What rounds have added to the precision times the mean, (n_arms, n_terms)."""
        return self.state_.moment.copy()

    @property
    def weight_(self):
        """Sum of the weights of the rounds from which each arm has learnt, (n_arms,)."""
        return self.state_.weight.copy()

    @property
    def reward_sum_(self):
        """Weighted sum of the rewards, (n_arms,); one number if the weights are shared."""
        return self.state_.reward_sum.copy()

    @property
    def coef_(self):
        """Posterior mean of the weights, (n_arms, n_features); one row if they are shared."""
        return self._model.coef[:, int(self.fit_intercept) :].copy()

    @property
    def intercept_(self):
        """Posterior mean of the constant term, (n_arms,); zeros without an intercept."""
        coef = self._model.coef
        return coef[:, 0].copy() if self.fit_intercept else np.zeros(len(coef))

    @property
    def location_(self):
        """Where the prior of the constant terms lies, on the scale of the score; float."""
        return self._model.location

    @property
    def covariance_(self):
        """Covariance of the weights, the constant term first, (n_arms, n_terms, n_terms).

        The variances, (n_arms, n_terms), for a diagonal precision.
        """
        return np.array(self._model.covariance)

    @property
    def precision_(self):
        """Precision of the weights: the inverse of ``covariance_``, in the same layout."""
        return np.array(self._model.precision)
