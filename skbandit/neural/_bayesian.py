"""Bayesian neural bandit: variational beliefs about all weights of a network."""

from numbers import Integral, Real

import numpy as np
from scipy.special import gammaincinv

from .._gaussian import quadratic_forms
from .._optimality import IndependentScores, SampledScores
from .._sklearn import Interval, StrOptions
from ..base import BaseBandit
from ..selectors import BaseSelector
from ._bayesian_learning import BayesianLearningMixin
from ._bayesian_scores import LinkedScores, share_alike
from ._bayesian_transfer import BayesianTransferMixin
from ._variational import bernoulli_mean
from ._variational_network import Layout

# The square of so many weights takes 0.8 GB an arm.
_MAX_FULL_WEIGHTS = 10_000


class BayesianNeuralBandit(BayesianLearningMixin, BayesianTransferMixin, BaseBandit):
    r"""Thompson sampling from a variational belief about all weights of a network.

    Every arm a has a network :math:`f_w(x)` of its own, with a Gaussian or Student-t belief about
    its weights, :math:`w \sim N(m_a, S_a)`. Rewards in [0, 1] have the mean
    :math:`\sigma(f_w(x))`; other rewards are :math:`f_w(x)` plus Gaussian noise. Learning
    maximises the evidence lower bound

    .. math::
        \sum_i n_i \, E \log p(y_i \mid f_w(x_i)) - KL(N(m, S) \,\|\, N(m_0, S_0))

    where the prior :math:`N(m_0, S_0)` is the posterior of the call before: every round is counted
    once, and nothing is forgotten. Without hidden layers this is the closest Gaussian to the
    posterior [1]_, to rounding. A network with hidden layers is taken as linear in its weights
    about :math:`m` [2]_, anew in every step. Either way :math:`f_w(x)` is Gaussian (or Student-t),
    so expectations are one-dimensional integrals and nothing is left to sampling: equal rounds
    give equal beliefs, and the policy of arms with networks of their own is the exact probability
    of being best, as in :class:`~skbandit.linear.LinearThompsonSampling`.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``).
    likelihood : {"bernoulli", "gaussian"}, default="bernoulli"
        "bernoulli": rewards in [0, 1], of which 0.3 is 0.3 successes and 0.7 failures; a round of
        several trials is their share of successes with their number as ``sample_weight``.
        "gaussian": rewards of any size.
    hidden_units : tuple of int, default=()
        Width of each hidden layer. () is logistic, or linear, regression.
    activation : {"tanh", "relu", "sigmoid", "gelu"}, default="tanh"
        Activation of the hidden layers.
    residual : bool, default=False
        Add what goes into each hidden layer but the first to what comes out of it. All hidden
        layers then have one width.
    categorical_features : dict, default=None
        Columns that hold codes 0, 1, ... of categories: name or position of the column to the
        number of its categories. A name or position that comes later, with
        :meth:`expand_features`, may be added to the parameter then.
    embedding_dim : int, default=None
        Length of the vector that stands for a category, learnt as all weights are. None: every
        category has a weight of its own for each unit of the first layer.
    weights : {"gaussian", "student_t"}, default="gaussian"
        Law of the belief about an arm's weights. "student_t" multiplies their precision by a Gamma
        variable of mean 1, common to prior and posterior.
    dof : float > 2, default=5.0
        Degrees of freedom for ``weights="student_t"``.
    precision : {"full", "diagonal"}, default="full"
        "full" keeps the correlations of an arm's weights, at O(n_weights ** 2) memory and
        O(n_weights ** 3) time; "diagonal" takes them for independent (mean field), for networks
        of more than about a thousand weights.
    arm_model : {"disjoint", "shared"}, default="disjoint"
        "disjoint": every arm has a network of its own, `X` has two dimensions. "shared":
        candidates have features, `X` is (n_samples, n_candidates, n_features), and all share one
        network.
    prior_std : float > 0 or dict of arm to float, default=1.0
        Standard deviation of the prior of the output's weights, for features of unit scale; in
        units of the rewards' root mean square for Gaussian rewards. Arms that the dict leaves out
        have 1.
    prior_mean : float or dict of arm to float, default=0.0
        Prior mean of the output's constant term: log-odds, or units of the reward. Arms that the
        dict leaves out have 0.
    noise : {"learnt", "fixed"}, default="learnt"
        Whether the variance of Gaussian rewards about their mean is learnt, for each arm.
    noise_std : float > 0, default=1.0
        Standard deviation of the noise, in units of the reward, for ``noise="fixed"``.
    alpha : float >= 0, default=0.5
        Factor on the standard deviation of the belief that the policy explores with. 1 samples
        from the posterior itself; less explores less, which lowers the regret of most problems at
        practical horizons [3]_.
    n_draws : int, default=500
        Joint posterior draws, the same for all rows, behind the policy of shared weights.
    max_iter : int, default=30
        Most Newton steps a learning call and arm.
    tol : float > 0, default=1e-4
        Stop when a step moves no weight by more than this many of its standard deviations.
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`. None:
        :class:`~skbandit.selectors.ArgmaxSelector`.
    random_state : int, RandomState instance or None, default=None
        None draws afresh at every call, a RandomState advances its stream, an int makes a decision
        a function of the seed, the number of learning calls, the state and the row alone. Learning
        draws nothing.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    mean_ : ndarray of shape (n_arms, n_weights)
        Posterior mean of the weights; without hidden layers the constant term comes first, then
        the features. One row if weights are shared, here and below.
    covariance_, precision_ : ndarray of shape (n_arms, n_weights[, n_weights])
        Posterior covariance of the weights and its inverse; the diagonals for a diagonal
        precision. For Student-t weights, of the Gaussian whose precision is multiplied.
    successes_, failures_ : ndarray of shape (n_arms,)
        Sums of the rewards, and of what they lacked to 1, for Bernoulli rewards.
    weight_ : ndarray of shape (n_arms,)
        Sum of the weights of the rounds from which each arm has learnt.
    noise_variance_ : ndarray of shape (n_arms,)
        Variance of a Gaussian reward about its mean.
    gram_, moment_ : ndarray
        What rounds have added to the prior's precision, and to its product with the mean.
    reward_square_, residual_square_ : ndarray of shape (n_arms,)
        Sums of squares of Gaussian rewards: the rewards' own, and what the network leaves
        unexplained.
    anchor_ : ndarray of shape (n_weights,)
        Deviates behind the prior means of the hidden weights: fixed, so that units differ.
    n_categories_ : ndarray of shape (n_features,)
        Number of categories of each feature; 0 for a numeric one.
    n_learning_calls_ : int
        How many times the bandit has learnt; part of the key of its draws.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    skbandit.linear.LinearThompsonSampling : Exact Bayesian linear regression.
    NeuralThompsonSampling : Uncertainty from the gradient of a trained network.

    Notes
    -----
    A posterior that is approximated call by call depends on how rounds are cut into calls, if
    little: larger calls are closer to the posterior of all rounds. Student-t weights keep the
    tails of their prior, so the belief about an arm of about ten rounds is too narrow, by a fifth
    or more; from some forty rounds on the spread is right to about a tenth.

    Hidden weights have a prior around fixed deviates, with a spread of half of unit scale and
    means of that size: all-zero means would leave all units alike. The weights that lead from the
    last hidden layer of H units to the output have a prior of twice ``prior_std / sqrt(H)``. A
    sigmoid, which is half of a tanh, has twice the weights of one on both sides.

    In :func:`skbandit.transfer.transfer` hidden layers may grow. An arm that has learnt keeps its
    scores and their spread, at the price that it makes little use of its new units; new arms use
    all of them.

    References
    ----------
    .. [1] M. Opper and C. Archambeau (2009). The variational Gaussian approximation revisited.
       Neural Computation 21(3), 786-792.
    .. [2] A. Immer, M. Korzepa and M. Bauer (2021). Improving predictions of Bayesian neural nets
       via local linearization. AISTATS.
    .. [3] O. Chapelle and L. Li (2011). An empirical evaluation of Thompson sampling. NeurIPS 24.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.neural import BayesianNeuralBandit
    >>> bandit = BayesianNeuralBandit(arms=["a", "b"], random_state=0)
    >>> X = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [1.0, 1.0, -0.5]])
    >>> bandit = bandit.partial_fit(X, bandit.predict(X), reward=[1.0, 0.0, 1.0])
    >>> bandit.successes_.sum(), bandit.failures_.sum()
    (np.float64(2.0), np.float64(1.0))
    >>> bigger = bandit.expand_features(1).add_arms(["c"])
    >>> bigger.predict_proba(np.ones((1, 4))).shape
    (1, 3)
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "likelihood": [StrOptions({"bernoulli", "gaussian"})],
        "hidden_units": [tuple, list],
        "activation": [StrOptions({"gelu", "relu", "sigmoid", "tanh"})],
        "residual": ["boolean"],
        "categorical_features": [dict, None],
        "embedding_dim": [Interval(Integral, 1, None, closed="left"), None],
        "weights": [StrOptions({"gaussian", "student_t"})],
        "dof": [Interval(Real, 2, None, closed="neither")],
        "precision": [StrOptions({"full", "diagonal"})],
        "arm_model": [StrOptions({"disjoint", "shared"})],
        "prior_std": [Interval(Real, 0, None, closed="neither"), dict],
        "prior_mean": [Interval(Real, None, None, closed="neither"), dict],
        "noise": [StrOptions({"learnt", "fixed"})],
        "noise_std": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
    }

    # Why checks of the public battery do not apply.
    _unpromised_checks = dict.fromkeys(
        (
            "check_pieces_equal_whole",
            "check_full_feedback_in_pieces",
            "check_candidates_learn_in_pieces",
        ),
        "after each call the posterior is the closest Gaussian, from which the next one starts",
    )

    def __init__(
        self,
        *,
        arms=None,
        likelihood="bernoulli",
        hidden_units=(),
        activation="tanh",
        residual=False,
        categorical_features=None,
        embedding_dim=None,
        weights="gaussian",
        dof=5.0,
        precision="full",
        arm_model="disjoint",
        prior_std=1.0,
        prior_mean=0.0,
        noise="learnt",
        noise_std=1.0,
        alpha=0.5,
        n_draws=500,
        max_iter=30,
        tol=1e-4,
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.likelihood = likelihood
        self.hidden_units = hidden_units
        self.activation = activation
        self.residual = residual
        self.categorical_features = categorical_features
        self.embedding_dim = embedding_dim
        self.weights = weights
        self.dof = dof
        self.precision = precision
        self.arm_model = arm_model
        self.prior_std = prior_std
        self.prior_mean = prior_mean
        self.noise = noise
        self.noise_std = noise_std
        self.alpha = alpha
        self.n_draws = n_draws
        self.max_iter = max_iter
        self.tol = tol
        self.selector = selector
        self.random_state = random_state

    # ----------------------------------------------------------------- shape
    @property
    def _context_ndims(self):
        return (3,) if self.arm_model == "shared" else (2,)

    @property
    def _group_axis(self):
        return "shared" if self.arm_model == "shared" else "arm"

    @property
    def _state_axes(self):
        group = self._group_axis
        terms = ("weight",) if self.precision == "diagonal" else ("weight", "weight")
        counts = (
            ("successes_", "failures_")
            if self.likelihood == "bernoulli"
            else ("reward_square_", "residual_square_")
        )
        return {
            "n_categories_": ("feature",),
            "anchor_": ("weight",),
            "gram_": (group, *terms),
            "moment_": (group, "weight"),
            **dict.fromkeys(("weight_", *counts), (group,)),
        }

    def _layout(self, categories=None):
        categories = self.n_categories_ if categories is None else categories
        return Layout(
            tuple(np.asarray(categories).tolist()),
            tuple(self.hidden_units),
            self.activation,
            bool(self.residual),
            self.embedding_dim,
        )

    def _initial_state(self, n_arms, n_features):
        self._check_combination()
        categories = self._known_categories(n_features)
        layout = self._layout(categories)
        if self.precision == "full" and layout.n_weights > _MAX_FULL_WEIGHTS:
            raise ValueError(
                f"precision='full' keeps the square of the number of weights, which is "
                f"{layout.n_weights} an arm and may be {_MAX_FULL_WEIGHTS}. Use "
                "precision='diagonal' or fewer hidden_units."
            )
        sizes = {"shared": 1, "arm": n_arms, "weight": layout.n_weights, "feature": n_features}
        state = {
            name: np.zeros(tuple(sizes[axis] for axis in axes))
            for name, axes in self._state_axes.items()
        }
        return state | {"n_categories_": categories, "anchor_": layout.anchor()}

    def _check_combination(self):
        units = list(self.hidden_units)
        if not all(isinstance(n, Integral) and not isinstance(n, bool) and n > 0 for n in units):
            raise ValueError(
                f"hidden_units must hold the widths of the hidden layers, positive integers, got "
                f"{self.hidden_units!r}. No hidden layer is ()."
            )
        if self.residual and len(set(units)) > 1:
            raise ValueError(
                f"residual=True needs hidden layers of one width, got hidden_units={units}."
            )
        for name, low in (("prior_std", 0.0), ("prior_mean", -np.inf)):
            value = getattr(self, name)
            if not isinstance(value, dict):
                continue
            if self.arm_model == "shared":
                raise ValueError(
                    f"{name} must be a number with arm_model='shared', where arms share their "
                    f"weights; got {value!r}."
                )
            if not all(isinstance(one, Real) and low < one < np.inf for one in value.values()):
                raise ValueError(
                    f"{name} must map arms to finite numbers above {low}, got {value!r}."
                )

    def _grow_candidates(self, n_candidates):
        self.classes_ = np.arange(n_candidates)

    # ---------------------------------------------------------------- belief
    def _belief(self, group):
        key = ("belief", group, repr(self.prior_std), repr(self.prior_mean))
        if key not in self._cache:
            self._cache[key] = self._belief_of(
                vars(self), group, self._reward_scale(), self._layout()
            )
        return self._cache[key]

    def _latent(self, contexts):
        """Location and scale of each arm's score, both (n_samples, n_arms)."""
        layout = self._layout()
        if contexts.ndim == 3:
            flat = layout.inputs(contexts.reshape(-1, contexts.shape[2]))
            location, jacobian = layout.linearize(self._belief(0).mean, flat)
            shape = contexts.shape[:2]
            return location.reshape(shape), self._belief(0).scale(jacobian).reshape(shape)
        inputs = layout.inputs(contexts)
        beliefs = [self._belief(group) for group in range(len(self.classes_))]
        if layout.is_linear and self.precision == "full":
            means = np.stack([belief.mean for belief in beliefs])
            factors = np.stack([belief.factor for belief in beliefs])
            columns = inputs.columns
            return columns @ means.T, np.sqrt(quadratic_forms(factors, columns))
        location = np.empty((len(contexts), len(beliefs)))
        scale = np.empty_like(location)
        for group, belief in enumerate(beliefs):
            location[:, group], jacobian = layout.linearize(belief.mean, inputs)
            scale[:, group] = belief.scale(jacobian)
        return location, scale

    def _expected_reward(self, contexts):
        location, scale = self._latent(contexts)
        if self.likelihood == "bernoulli":
            return bernoulli_mean(self._rule, location, scale)
        return location, scale * np.sqrt(self._rule.variance)

    @property
    def _policy_error(self):
        """How far tied probabilities may differ where the policy is an average over draws."""
        closed_form = type(self._selector).expect is not BaseSelector.expect
        if self.arm_model == "disjoint" and closed_form:
            return 0.0
        return 2.5 / np.sqrt(min(self.n_draws, 512))

    def _policy(self, contexts, available):
        if self.arm_model == "shared":
            scores = SampledScores(self._score_draws(contexts))
        else:
            location, scale = self._latent(contexts)
            dof = None if self.weights == "gaussian" else float(self.dof)
            scores = IndependentScores(location, self.alpha * scale, dof)
        if self.likelihood == "bernoulli":
            scores = LinkedScores(scores)
        probability = self._selector.expect(scores, available)
        if self._policy_error > 0.0 and contexts.ndim == 2:
            self._share_alike(probability, available)
        return probability

    def _share_alike(self, probability, available):
        """Even out what draws alone tell apart: cold arms of one prior are alike everywhere."""
        alike = {}
        for arm in np.flatnonzero(self.weight_ == 0.0).tolist():
            prior = self._of_arm("prior_std", arm, 1.0), self._of_arm("prior_mean", arm, 0.0)
            alike.setdefault(prior, []).append(arm)
        for arms in alike.values():
            share_alike(probability, arms, available)

    def _score_draws(self, contexts):
        """Scores under joint posterior draws of the weights, the same for all rows."""
        layout, belief = self._layout(), self._belief(0)
        flat = layout.inputs(contexts.reshape(-1, contexts.shape[2]))
        location, jacobian = layout.linearize(belief.mean, flat)
        scores = location + self._weight_draws(belief) @ jacobian.T
        return scores.reshape(self.n_draws, *contexts.shape[:2])

    def _weight_draws(self, belief):
        """Departures of the weights from their mean, (n_draws, n_weights)."""
        key = ("draws", self.n_draws, float(self.alpha), float(self.dof), self.weights)
        if key not in self._cache:
            size = len(belief.mean)
            # A weight's deviates do not depend on how many weights follow.
            normal = np.random.RandomState(1).standard_normal((size, self.n_draws)).T
            spread = normal * belief.factor if belief.factor.ndim == 1 else normal @ belief.factor
            if self.weights == "student_t":
                # Stratified quantiles in a random order: the precisions' mean is 1.
                stratum = np.random.RandomState(0).permutation(self.n_draws)
                half = 0.5 * float(self.dof)
                gamma = gammaincinv(half, (stratum + 0.5) / self.n_draws) / half
                spread /= np.sqrt(gamma)[:, None]
            self._cache[key] = self.alpha * spread
        return self._cache[key]

    def _floats_per_row(self, contexts, n_arms):
        layout = self._layout()
        # The expectations' nodes, and the Jacobian with its image.
        floats = n_arms * 400 + 2 * layout.n_weights * (1 if contexts.ndim == 2 else n_arms)
        if not layout.is_linear:
            floats += 3 * layout.n_weights
        if contexts.ndim == 3:
            floats += 3 * self.n_draws * n_arms
        return floats + n_arms * layout.n_weights

    # ---------------------------------------------------- what users look at
    def _groups(self):
        return range(len(self.moment_))

    @property
    def mean_(self):
        """Posterior mean of the weights, (n_arms, n_weights)."""
        return np.stack([self._belief(group).mean for group in self._groups()])

    @property
    def covariance_(self):
        """Posterior covariance of the weights; for Student-t weights its scale matrix."""
        return np.stack([self._belief(group).covariance() for group in self._groups()])

    @property
    def precision_(self):
        """Inverse of ``covariance_``."""
        return np.stack([self._belief(group).precision for group in self._groups()])

    @property
    def noise_variance_(self):
        """Variance of the noise of Gaussian rewards, (n_arms,)."""
        if self.likelihood == "bernoulli":
            raise AttributeError("noise_variance_ needs likelihood='gaussian'.")
        return np.zeros(len(self.weight_)) + self._noise(
            self.residual_square_, self.weight_, self._reward_scale()
        )
