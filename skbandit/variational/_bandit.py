"""Bayesian neural bandit: variational beliefs about all weights of a network."""

from functools import partial
from numbers import Integral, Real

import numpy as np
from scipy.special import expit, gammaincinv

from .._deviates import deviates
from .._gaussian import quadratic_forms
from .._shares import known_places
from .._sklearn import Interval, StrOptions
from .._threads import NO_LIMIT, threads_for_rows
from ..base import BaseBandit, StateField
from ..beliefs import IndependentBelief, JointBelief, LinkedBelief
from ..explorations import ThompsonSamplingMixin
from ._categories import check_same_categories, moved_keys, n_categories_of
from ._layout import Layout
from ._likelihoods import BernoulliTerm, GaussianTerm
from ._prior import weight_prior
from ._state import SUMS, VariationalState
from ._transfer import carry_weights, forget_weights, teach_groups
from ._weight_belief import WeightBelief, update_belief

# The square of so many weights takes 0.8 GB an arm.
_MAX_FULL_WEIGHTS = 10_000
# Prior degrees of freedom of the noise, as in the linear bandits.
_NOISE_DOF = 4.0
# Rows that are learnt at once; their Jacobian, and for a diagonal precision their products.
_MAX_ENTRIES = 1 << 24
_MAX_DIAGONAL_ROWS = 1024


def _of_state(name, likelihood, documentation):
    """A property that reads an array of the state, under one likelihood; under both, if None."""

    def read(bandit):
        if likelihood not in (None, bandit.likelihood):
            raise AttributeError(f"{name}_ needs likelihood={likelihood!r}.")
        return getattr(bandit.state_, name)

    return property(read, doc=documentation)


class BayesianNeuralBandit(ThompsonSamplingMixin, BaseBandit):
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
        number of its categories. For a column that comes with :meth:`expand_features` its new name
        or position is added to the parameter right before; positions follow their columns in
        :meth:`drop_features`.
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
        units of the standard deviation of Gaussian rewards. Arms that the dict leaves out have
        1. This and the next may change after learning: what was learnt is kept apart from
        the prior.
    prior_mean : float or dict of arm to float, default=None
        Prior mean of the output's constant term: log-odds, or units of the reward. None, and arms
        that the dict leaves out: log-odds of 0, or the mean of all Gaussian rewards so far.
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
        a function of the seed, the total weight learnt, the state and the row alone. Learning
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
    reward_sum_, reward_square_, residual_square_ : ndarray of shape (n_arms,)
        Sums of Gaussian rewards and of squares: the rewards' own, and what the network leaves
        unexplained.
    anchor_ : ndarray of shape (n_weights,)
        Deviates behind the prior means of the hidden weights: fixed, so that units differ.
    n_categories_ : ndarray of shape (n_features,)
        Number of categories of each feature; 0 for a numeric one.
    state_ : VariationalState
        All that was learnt, as one record that is replaced and never written to.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    skbandit.linear.LinearThompsonSampling : Exact Bayesian linear regression.
    skbandit.neural.NeuralThompsonSampling : Uncertainty from the gradient of a trained network.

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
    >>> from skbandit.variational import BayesianNeuralBandit
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
        "prior_mean": [Interval(Real, None, None, closed="neither"), dict, None],
        "noise": [StrOptions({"learnt", "fixed"})],
        "noise_std": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
    }

    _shape_parameters = (
        "likelihood",
        "hidden_units",
        "activation",
        "residual",
        "categorical_features",
        "embedding_dim",
        "weights",
        "dof",
        "precision",
        "arm_model",
        "noise",
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
        prior_mean=None,
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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        is_shared = self.arm_model == "shared"
        tags.input_tags.two_d_array = not is_shared
        tags.input_tags.three_d_array = is_shared
        is_linear = not self.hidden_units and not (
            self.embedding_dim and self.categorical_features
        )
        own = tags.bandit_tags
        own.learning = "calls"
        own.merging = "approximate" if is_linear else "no"
        own.reward = "unit_interval" if self.likelihood == "bernoulli" else "real"
        # The prior and the noise of Gaussian rewards have their unit, which all arms teach.
        has_unit = self.likelihood != "bernoulli"
        own.prior = "learnt" if has_unit else "fixed"
        # A noise and a mean that are given are in units of the reward.
        is_found = has_unit and self.noise == "learnt" and self.prior_mean is None
        own.location = "learnt" if is_found else "fixed"
        own.arms = "linked" if is_shared or has_unit else "independent"
        own.policy = "draws" if is_shared else "exact"
        # The prior means of hidden weights depend on the places of their features.
        own.dropping_features = "exact" if is_linear else "approximate"
        return tags

    # ----------------------------------------------------------------- state
    @property
    def _state_fields(self):
        group = "shared" if self.arm_model == "shared" else "arm"
        terms = ("weight",) if self.precision == "diagonal" else ("weight", "weight")
        return {
            **{name: StateField(group, merge="sum") for name in SUMS},
            "gram": StateField(group, *terms, merge="sum"),
            "moment": StateField(group, "weight", merge="sum"),
            "n_categories": StateField("feature", merge="same"),
            "anchor": StateField("weight", merge="same"),
            "center": StateField(group, "weight", merge="same"),
            "spread": StateField(group, "weight", merge="same"),
        }

    def _initial_state(self, n_arms, n_features):
        self._check_combination()
        names = getattr(self, "feature_names_in_", None)
        n_categories = n_categories_of(self.categorical_features, names, n_features)
        layout = self._layout_of(n_categories)
        is_diagonal = self.precision == "diagonal"
        if not is_diagonal and layout.n_weights > _MAX_FULL_WEIGHTS:
            raise ValueError(
                "precision='full' keeps the square of the number of weights, which is "
                f"{layout.n_weights} an arm and may be {_MAX_FULL_WEIGHTS}. Use "
                "precision='diagonal' or fewer hidden_units."
            )
        n_groups = 1 if self.arm_model == "shared" else n_arms
        return VariationalState.of_nothing(n_groups, n_categories, layout, is_diagonal=is_diagonal)

    def _check_combination(self):
        units = list(self.hidden_units)
        if not all(isinstance(n, Integral) and not isinstance(n, bool) and n > 0 for n in units):
            raise ValueError(
                "hidden_units must hold the widths of the hidden layers, positive integers, got "
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

    def _layout_of(self, n_categories):
        return Layout(
            tuple(n_categories.tolist()),
            tuple(self.hidden_units),
            self.activation,
            bool(self.residual),
            self.embedding_dim,
        )

    def _layout(self):
        if "layout" not in self._cache:
            self._cache["layout"] = self._layout_of(self.state_.n_categories)
        return self._cache["layout"]

    # -------------------------------------------------------------- learning
    def _check_reward(self, reward):
        try:
            super()._check_reward(reward)
        except ValueError as error:
            raise ValueError(
                f"{error} Use likelihood='gaussian' for rewards of any size."
            ) from None

    def _learn(self, rounds):
        rows, group, reward, weight = self._teaching(rounds)
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                state = self._conditioned(rows, group, reward, weight)
        except np.linalg.LinAlgError:
            state = None
        if state is None or not all(np.isfinite(values).all() for values in state):
            raise ValueError(
                "The posterior is not finite: X or reward is too large, or reward too small. The "
                "bandit is what it was before. Scale the features (StandardScaler) and the reward."
            )
        return state

    def _teaching(self, rounds):
        """Rows that teach: contexts, the group that each teaches, reward and weight."""
        contexts, candidates = rounds.contexts, rounds.contexts.ndim == 3
        places = rounds._replace(contexts=np.arange(len(contexts)))
        places = places.spelt_out(contexts.shape[1] if candidates else len(self.classes_))
        kept = np.flatnonzero(places.weights > 0)
        arm, place = places.arm[kept], places.contexts[kept]
        rows = contexts[place, arm] if candidates else contexts[place]
        group = np.zeros_like(arm) if self.arm_model == "shared" else arm
        return rows.astype(np.float64), group, places.reward[kept], places.weights[kept]

    def _conditioned(self, rows, group, reward, weight):
        """The state after these rows, group by group."""
        known, layout, rule = self.state_, self._layout(), deviates(self._tails)
        is_bernoulli = self.likelihood == "bernoulli"
        state = known.counting(group, reward, weight, is_bernoulli)
        unit, location = state.reward_unit, state.location
        gram, moment = known.gram.copy(), known.moment.copy()
        count, residual_square = known.weight.copy(), known.residual_square.copy()
        for one in np.unique(group):
            prior = self._prior(one, unit, location)
            for part in self._parts(np.flatnonzero(group == one), layout):
                belief = WeightBelief.posterior(prior, gram[one], moment[one])
                if is_bernoulli:
                    term = BernoulliTerm(reward[part], weight[part])
                else:
                    term = self._gaussian_term(
                        reward[part], weight[part], residual_square[one], count[one], unit
                    )
                inputs = layout.inputs(rows[part])
                new, gain, scores = update_belief(
                    belief,
                    partial(layout.linearize, inputs=inputs),
                    term,
                    rule,
                    max_iter=self.max_iter,
                    tol=self.tol,
                )
                if not is_bernoulli:
                    residual_square[one] += term.residual_square(rule, *scores)
                pull = gain @ new.mean if gain.ndim == 2 else gain * new.mean
                moment[one] += pull + belief.weigh(new.mean - belief.mean)
                gram[one] += gain
                count[one] += weight[part].sum()
        return state._replace(gram=gram, moment=moment, residual_square=residual_square)

    def _parts(self, rows, layout):
        """Cut rows where their Jacobian, or its products, would take too much memory."""
        size = max(64, _MAX_ENTRIES // layout.n_weights)
        if self.precision == "diagonal":
            size = min(size, _MAX_DIAGONAL_ROWS)
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    def _gaussian_term(self, reward, weight, square, count, unit):
        total = count + weight.sum()

        def variance_given(more):
            return self._noise(square + more, total, unit)

        return GaussianTerm(reward, weight, self._noise(square, count, unit), variance_given)

    def _noise(self, square, count, unit):
        """Variance of the noise: fixed, or the inverse of its posterior mean precision."""
        if self.noise == "fixed":
            return float(self.noise_std) ** 2
        return (_NOISE_DOF * unit**2 + square) / (_NOISE_DOF + count)

    # ---------------------------------------------------------------- belief
    def _of_arm(self, name, group, default):
        value = getattr(self, name)
        if value is None:
            return default
        if not isinstance(value, dict):
            return float(value)
        return float(value.get(self.classes_.tolist()[group], default))

    def _prior(self, group, unit, location):
        """Mean and precision of the prior of a group's weights, both (n_weights,)."""
        center, spread = self.state_.center[group], self.state_.spread[group]
        std = self._of_arm("prior_std", group, 1.0) * unit
        mean = self._of_arm("prior_mean", group, location)
        return weight_prior(self._layout(), center, spread, std, mean)

    @property
    def _tails(self):
        """Degrees of freedom of the scores; None is Gaussian."""
        return None if self.weights == "gaussian" else float(self.dof)

    @property
    def _prior_key(self):
        """What a belief depends on beside the state."""
        return repr(self.prior_std), repr(self.prior_mean)

    def _weight_belief(self, group):
        key = ("belief", group, *self._prior_key)
        if key not in self._cache:
            state = self.state_
            prior = self._prior(group, state.reward_unit, state.location)
            self._cache[key] = WeightBelief.posterior(
                prior, state.gram[group], state.moment[group]
            )
        return self._cache[key]

    def _weight_beliefs(self):
        return [self._weight_belief(group) for group in range(len(self.state_.moment))]

    def _latent(self, contexts):
        """Belief about each arm's score, taken for itself."""
        return IndependentBelief(*self._scores(contexts), self._tails)

    def _scores(self, contexts):
        """Location and scale of each arm's score, both (n_samples, n_arms)."""
        layout, beliefs = self._layout(), self._weight_beliefs()
        if contexts.ndim == 3:
            flat = layout.inputs(contexts.reshape(-1, contexts.shape[2]))
            location, jacobian = layout.linearize(beliefs[0].mean, flat)
            shape = contexts.shape[:2]
            return location.reshape(shape), beliefs[0].scale(jacobian).reshape(shape)
        inputs = layout.inputs(contexts)
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

    def _linked(self, latent):
        return LinkedBelief(latent, expit) if self.likelihood == "bernoulli" else latent

    def _belief(self, contexts):
        latent = self._latent(contexts)
        if self.arm_model == "shared":
            unseen = self.state_.weight[:, None] == 0.0
            draws = partial(self._score_draws, contexts)
            latent = JointBelief(latent.mean, latent.std, draws, unseen)
        return self._linked(latent)

    def _expected_reward(self, contexts):
        # Exact for candidates too, whose joint belief is known by draws.
        belief = self._linked(self._latent(contexts))
        return belief.mean, belief.std

    def _score_draws(self, contexts):
        """Scores under joint posterior draws of the weights, the same for all rows."""
        layout, belief = self._layout(), self._weight_belief(0)
        flat = layout.inputs(contexts.reshape(-1, contexts.shape[2]))
        location, jacobian = layout.linearize(belief.mean, flat)
        scores = location + self._weight_draws(belief) @ jacobian.T
        return scores.reshape(self.n_draws, *contexts.shape[:2])

    def _weight_draws(self, belief):
        """Departures of the weights from their mean, (n_draws, n_weights)."""
        key = ("draws", self.n_draws, *self._prior_key)
        if key not in self._cache:
            normal = self._layout().deviates(self.n_draws).T
            spread = normal * belief.factor if belief.factor.ndim == 1 else normal @ belief.factor
            if self.weights == "student_t":
                # Stratified quantiles in a random order: the precisions' mean is 1.
                stratum = np.random.RandomState(0).permutation(self.n_draws)
                half = 0.5 * float(self.dof)
                gamma = gammaincinv(half, (stratum + 0.5) / self.n_draws) / half
                spread /= np.sqrt(gamma)[:, None]
            self._cache[key] = spread
        return self._cache[key]

    def _threads(self, n_rows):
        if self.precision == "diagonal":
            return NO_LIMIT
        return threads_for_rows(n_rows, self.state_.moment.shape[1])

    def _floats_per_row(self, contexts, n_arms):
        layout = self._layout()
        # The expectations' nodes, and the Jacobian with its image.
        floats = n_arms * 400 + 2 * layout.n_weights * (1 if contexts.ndim == 2 else n_arms)
        if not layout.is_linear:
            floats += 3 * layout.n_weights
        if contexts.ndim == 3:
            # Draws, those that are widened, those that a selector takes, and these seen through
            # the link.
            floats += 4 * self.n_draws * n_arms
        return floats + n_arms * layout.n_weights

    # -------------------------------------------------------------- transfer
    def _carry_state(self, source, resize):
        # What these shape is looked after here.
        self._check_same_shape(source, but=("hidden_units", "categorical_features", "dof"))
        self._check_layers(source)
        self._move_categories(source, resize)
        state = self._initial_state(resize.n_arms, resize.n_features)
        n_categories = source.state_.n_categories
        check_same_categories(n_categories, state.n_categories, resize.feature_source)
        old, new = source._layout(), self._layout_of(state.n_categories)
        weight_source = new.sources(old, resize.feature_source)
        known = source._without(np.setdiff1d(np.arange(old.n_weights), weight_source))
        if self.arm_model == "shared":
            groups = np.zeros(1, dtype=np.intp)
            carry_weights(known, state, new, weight_source, resize.feature_source, groups)
            return state
        carry_weights(known, state, new, weight_source, resize.feature_source, resize.arm_source)
        if resize.shares is not None:
            known = known_places(resize.arm_source, resize.shares)
            teach_groups(state, resize.new_arms, known, resize.shares)
        return state

    def _check_layers(self, source):
        ours, theirs = list(self.hidden_units), list(source.hidden_units)
        if len(ours) != len(theirs):
            raise ValueError(
                f"the number of hidden layers is {len(theirs)} in source and {len(ours)} in "
                "template: it may not change."
            )
        if any(new < old for new, old in zip(ours, theirs, strict=True)):
            raise ValueError(
                f"hidden_units is {theirs} in source and {ours} in template: hidden layers may "
                "grow, not shrink."
            )

    def _move_categories(self, source, resize):
        """Let positions in ``categorical_features`` follow their columns where some were dropped.

        Where columns come from elsewhere the parameter already says where they are now.
        """
        origin = resize.feature_source
        in_order = (np.diff(origin, prepend=-1) > 0).all()
        if (
            in_order
            and len(origin) < source.n_features_in_
            and repr(self.categorical_features) == repr(source.categorical_features)
        ):
            names = getattr(source, "feature_names_in_", None)
            self.categorical_features = moved_keys(
                self.categorical_features, names, source.n_features_in_, origin
            )

    def _without(self, gone):
        """The state without some weights: a full precision is marginalised."""
        state = self.state_
        if self.precision == "diagonal" or not len(gone):
            return state
        gram, moment = state.gram.copy(), state.moment.copy()
        for group in np.flatnonzero(state.weight > 0):
            prior = self._prior(group, state.reward_unit, state.location)
            gram[group], moment[group] = forget_weights(gram[group], moment[group], prior, gone)
        return state._replace(gram=gram, moment=moment)

    # ---------------------------------------------------- what users look at
    gram_ = _of_state("gram", None, "What rounds have added to the prior's precision.")
    moment_ = _of_state("moment", None, "What rounds have added to its product with the mean.")
    weight_ = _of_state("weight", None, "Total weight of the rounds, (n_arms,).")
    successes_ = _of_state("successes", "bernoulli", "Sum of the rewards, (n_arms,).")
    failures_ = _of_state("failures", "bernoulli", "What rewards lacked to 1, (n_arms,).")
    reward_sum_ = _of_state("reward_sum", "gaussian", "Sum of the rewards.")
    reward_square_ = _of_state("reward_square", "gaussian", "Sum of squares of the rewards.")
    residual_square_ = _of_state("residual_square", "gaussian", "What of it is unexplained.")
    n_categories_ = _of_state("n_categories", None, "Number of categories of each feature.")
    anchor_ = _of_state("anchor", None, "Deviates behind the prior means of hidden weights.")

    @property
    def mean_(self):
        """Posterior mean of the weights, (n_arms, n_weights)."""
        return np.stack([belief.mean for belief in self._weight_beliefs()])

    @property
    def covariance_(self):
        """Posterior covariance of the weights; for Student-t weights its scale matrix."""
        return np.stack([belief.covariance() for belief in self._weight_beliefs()])

    @property
    def precision_(self):
        """Inverse of ``covariance_``."""
        return np.stack([belief.precision for belief in self._weight_beliefs()])

    @property
    def noise_variance_(self):
        """Variance of the noise of Gaussian rewards, (n_arms,)."""
        if self.likelihood == "bernoulli":
            raise AttributeError("noise_variance_ needs likelihood='gaussian'.")
        state = self.state_
        noise = self._noise(state.residual_square, state.weight, state.reward_unit)
        return np.zeros(len(state.weight)) + noise
