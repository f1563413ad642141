"""Thompson sampling for arms with quantities: draws of a smooth reward, maximised over the box."""

from numbers import Integral, Real
from typing import NamedTuple
from zlib import crc32

import numpy as np

from .._gaussian import noise_draws
from .._random import _weight_key
from .._regression import Examples, FullRegression
from .._sklearn import Interval
from .._threads import threads_for_rows
from ..beliefs import IndependentBelief
from ..explorations import thompson_policy
from ._base import BaseQuantityBandit
from ._basis import basis_of, coefficients, columns_source, design_of, functions_at
from ._boxes import Boxes, scaled, unscaled
from ._maximum import candidates, maxima
from ._policy import QuantityPolicy


class SmoothState(NamedTuple):
    """What was learnt of the reward as a function of context and quantity."""

    regression: FullRegression
    boxes: Boxes


class QuantityThompsonSampling(BaseQuantityBandit):
    r"""Thompson sampling for rewards that are smooth in a quantity, and linear in the context.

    The reward of an arm with context x and quantity q, as a part u of its box, is

    .. math:: r = \sum_{j \ge 0} \sum_k w_{jk} \, s_j \phi_j(u) \, [1, x]_k + \varepsilon

    with products of cosines :math:`\phi_j` and the deviations :math:`s_j` that a Gaussian process
    with several length scales gives them [1]_; an arm without a quantity has the constant alone.
    This is Bayesian linear regression with learnt noise and location, the engine of
    :class:`~skbandit.linear.LinearThompsonSampling`.

    A decision draws the weights and plays the arm and the quantity at which the draw is largest
    [2]_. Its policy is the mixture over `n_draws` draws; around the best quantity of each draw, it
    is uniform on the box that reaches

    .. math:: (1 + n_a)^{-e}

    of the sides of the arm's box in each direction, :math:`n_a` the rounds of the arm, cut at the
    border. So the density is exact, and before any round arms and quantities are played evenly.
    Arms with and without quantities compete in the same draws.

    Parameters
    ----------
    quantities : dict of label to box, or box, default=None
        The box, (low, high) or a list of such pairs, of each arm that takes a quantity; arms
        without an entry take none. A box without a label is for the one arm, called "quantity"
        where `arms` is None. None: no arm takes any.
    alpha : float >= 0, default=0.5
        Factor on the deviations of the draws from the mean; 1 is posterior sampling itself.
    prior_precision : float > 0, default=1.0
        Precision of the weights, over that of the noise.
    n_draws : int, default=32
        Draws of each arm's weights in the policy. They follow from the name of the arm and what
        it has learnt: the policy is a function of what was learnt.
    width_exponent : float in [0, 1], default=0.5
        The e above. Smaller keeps more overlap for off-policy evaluation, and costs more.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    selector : selector, default=None
        What is played given what the arms are worth in a draw, see :mod:`skbandit.selectors`; one
        arm a round where there are quantities.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and quantities.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    weight_ : ndarray of shape (n_arms,)
        Sum of the weights of the rounds from which each arm has learnt.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        What was learnt; replaced by learning.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features; with quantities it may be 0, for X of shape (n_samples, 0).
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    ZoomingBandit : Cells around any bandit, for rewards that are not smooth, or of 0 and 1.

    Notes
    -----
    With one quantity an arm has 20 functions, with two 48, with three 80, with more 120, each
    times one more than the number of features. The maximum of a draw is the best of 65, 256, 512
    or 1,024 points, and four steps of half the length each from there. So a decision takes of the
    order of `n_draws` times points times functions operations an arm, whatever was learnt; without
    contexts it is made once for all rows. Learning takes the square of the number of terms a
    round.

    The reward is linear in the context at each quantity. Where it is not, put features that are
    curved in front, such as :class:`sklearn.preprocessing.PolynomialFeatures`: a best quantity
    that moves with the context makes squares of the context.

    References
    ----------
    .. [1] A. Solin and S. Särkkä (2020). Hilbert space methods for reduced-rank Gaussian process
       regression. Statistics and Computing 30, 419-446.
    .. [2] S. R. Chowdhury and A. Gopalan (2017). On kernelized multi-armed bandits. ICML,
       algorithm 2 (GP-Thompson sampling).

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.base import make_log
    >>> from skbandit.quantities import QuantityThompsonSampling
    >>> bandit = QuantityThompsonSampling(
    ...     arms=["dose", "none"], quantities={"dose": (0.0, 10.0)}, random_state=0
    ... )
    >>> rng = np.random.RandomState(0)
    >>> for _ in range(30):
    ...     X = rng.normal(size=(10, 1))
    ...     arm, dose = bandit.predict(X, return_quantity=True)
    ...     effect = 1.0 - 0.1 * (dose[:, 0] - 5.0) ** 2 + 0.5 * X[:, 0]
    ...     reward = np.where(arm == "dose", effect, 0.0) + 0.1 * rng.normal(size=10)
    ...     bandit = bandit.partial_fit(X, make_log(arm, reward, quantity=dose))
    >>> arm, dose = bandit.predict([[2.0], [-4.0]], explore=False, return_quantity=True)
    >>> arm.tolist(), bool(abs(dose[0, 0] - 5.0) < 0.5), dose[1].tolist()
    (['dose', 'none'], True, [nan])
    """

    _parameter_constraints = {
        **BaseQuantityBandit._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "prior_precision": [Interval(Real, 0, None, closed="neither")],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "width_exponent": [Interval(Real, 0, 1, closed="both")],
    }
    _shape_parameters = ("quantities",)

    def __init__(
        self,
        *,
        quantities=None,
        alpha=0.5,
        prior_precision=1.0,
        n_draws=32,
        width_exponent=0.5,
        arms=None,
        selector=None,
        random_state=None,
    ):
        self.quantities = quantities
        self.alpha = alpha
        self.prior_precision = prior_precision
        self.n_draws = n_draws
        self.width_exponent = width_exponent
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        bandit = tags.bandit_tags
        bandit.arms, bandit.prior, bandit.location = "linked", "learnt", "learnt"
        if self._takes_quantities:
            bandit.policy, bandit.arm_order = "draws", "named"
        return tags

    # ------------------------------------------------------------------ state
    def _check_contexts(self, X, reset):
        bare = self._takes_quantities and np.ndim(X) == 2 and np.shape(X)[1] == 0
        if bare and (reset or self.n_features_in_ == 0):
            # Quantities without any context.
            self.n_features_in_ = 0
            return np.empty((len(X), 0))
        return super()._check_contexts(X, reset)

    def _initial_state(self, n_arms, n_features):
        n_functions = basis_of(self._boxes).n_functions
        regression = FullRegression.empty(
            n_arms,
            n_functions + n_features * (1 + n_functions),
            prior_precision=float(self.prior_precision),
            intercept=True,
            locates=True,
        )
        return SmoothState(regression, self._boxes)

    @property
    def _basis(self):
        if "basis" not in self._cache:
            self._cache["basis"] = basis_of(self._boxes)
        return self._cache["basis"]

    @property
    def _regression(self):
        """What was learnt, under the prior of now."""
        known, lam = self.state_.regression, float(self.prior_precision)
        if known.prior_precision == lam:
            return known
        if ("prior", lam) not in self._cache:
            self._cache["prior", lam] = known.carried(prior_precision=lam)
        return self._cache["prior", lam]

    def _design(self, contexts, arm, quantity):
        """The columns of rounds, or of questions."""
        return design_of(contexts, functions_at(self._basis, scaled(quantity, arm, self._boxes)))

    def _learn(self, rounds):
        rows = rounds.contexts
        if rounds.quantity is not None:
            rows = self._design(rows, rounds.arm, rounds.quantity)
        examples = Examples(rows, rounds.arm, rounds.reward, rounds.weight, rounds.rows_per_round)
        return self.state_._replace(regression=self._regression.learnt(examples))

    # -------------------------------------------------------------- questions
    def _belief(self, contexts):
        """Of arms without quantities."""
        regression = self._regression
        variance, dof = regression.noise()
        scale = np.sqrt(regression.quadratic(contexts) * variance)
        return IndependentBelief(regression.mean(contexts), scale, dof)

    def _policy(self, contexts, available):
        if self._takes_quantities:
            return super()._policy(contexts, available)
        return thompson_policy(self._belief(contexts), self._selector, self.alpha, available)

    def _draws(self, arm):
        """Draws of an arm's weights, (n_draws, n_terms), and its means under the prior of now.

        They are a function of what was learnt, so that the policy is one too.
        """
        key = "draws", arm, self.n_draws, float(self.alpha), float(self.prior_precision)
        if key not in self._cache:
            regression = self._regression
            variance, dof = regression.noise()
            # By its name: arms that come and go leave the draws of the others.
            name = crc32(str(self.classes_[arm]).encode())
            seed = np.random.SeedSequence([name, _weight_key(regression.weight[arm])])
            deviates = np.random.default_rng(seed).standard_normal(
                (regression.n_terms, self.n_draws)
            )
            noise = noise_draws(variance[arm], dof[arm], self.n_draws, stream=name)
            spread = deviates.T @ regression.factors[arm]
            self._cache[key] = regression.coef[arm] + self.alpha * noise[:, None] * spread
        return self._cache[key]

    def _maxima(self, contexts, arm, weights):
        """The best quantity under each draw of an arm's weights, as parts of its box.

        Returns
        -------
        where : ndarray of shape (n_samples, n_draws, n_quantities)
        value : ndarray of shape (n_samples, n_draws)
        """
        basis, taken = self._basis, np.flatnonzero(self._boxes.taken[arm])
        of_row = coefficients(weights, contexts, basis.n_functions)
        n_samples, n_draws, n_terms = of_row.shape
        n_quantities = self._boxes.n_quantities
        if not len(taken):
            return np.full((n_samples, n_draws, n_quantities), np.nan), of_row[..., 0]
        points, at_points = self._points(tuple(taken))
        where, value = maxima(of_row.reshape(-1, n_terms), basis, points, at_points, taken)
        return where.reshape(n_samples, n_draws, -1), value.reshape(n_samples, n_draws)

    def _points(self, taken):
        if ("points", taken) not in self._cache:
            some = candidates(len(taken))
            points = np.full((len(some), self._boxes.n_quantities), np.nan)
            points[:, taken] = some
            self._cache["points", taken] = points, functions_at(self._basis, points)
        return self._cache["points", taken]

    def _quantity_policy(self, contexts, available):
        boxes, n_arms = self._boxes, len(self.classes_)
        n_samples, n_draws = len(contexts), self.n_draws
        if not self._takes_quantities:
            return QuantityPolicy(
                np.arange(n_arms),
                self._policy(contexts, available),
                boxes.low,
                boxes.high,
                boxes.high,
            )
        asked, of_row = _different(contexts)
        shape = len(asked), n_draws, n_arms, boxes.n_quantities
        low, high, value = np.empty(shape), np.empty(shape), np.zeros(shape[:3])
        half = self._half_widths()
        for arm in range(n_arms):
            where, worth = self._maxima(asked, arm, self._draws(arm))
            if self.learnt_weight_ > 0.0:
                value[:, :, arm] = worth
            places = np.full(where.shape[:2], arm)
            low[:, :, arm] = unscaled(np.maximum(where - half[arm], 0.0), places, boxes)
            high[:, :, arm] = unscaled(np.minimum(where + half[arm], 1.0), places, boxes)
        # One draw after the other, each for all rows: so selectors know whose costs are whose.
        scores = value[of_row].transpose(1, 0, 2).reshape(-1, n_arms)
        mask = None if available is None else np.tile(available, (n_draws, 1))
        chance = self._selector.select(scores, mask).reshape(n_draws, n_samples, n_arms) / n_draws
        weight = chance.transpose(1, 0, 2).reshape(n_samples, n_draws * n_arms)
        ends = [one.reshape(len(asked), -1, boxes.n_quantities)[of_row] for one in (low, high)]
        arm = np.tile(np.arange(n_arms), n_draws)
        return QuantityPolicy(arm, weight, *ends, boxes.high)

    def _half_widths(self):
        """Half of the sides of the boxes around a best quantity, over those of the arm's box."""
        return (1.0 + self._regression.weight) ** -self.width_exponent

    def _best_quantity(self, contexts):
        n_arms, boxes, regression = len(self.classes_), self._boxes, self._regression
        if not self._takes_quantities:
            belief = self._belief(contexts)
            return belief.mean, belief.std, np.empty((*np.shape(belief.mean), 0))
        mean, std = (np.empty((len(contexts), n_arms)) for _ in range(2))
        quantity = np.empty((len(contexts), n_arms, boxes.n_quantities))
        for arm in range(n_arms):
            where, _ = self._maxima(contexts, arm, regression.coef[[arm]])
            places = np.full(len(contexts), arm)
            quantity[:, arm] = unscaled(where[:, 0], places, boxes)
            mean[:, arm], std[:, arm] = self._reward_at(contexts, places, quantity[:, arm])
        return mean, std, quantity

    def _mean_reward(self, contexts):
        return self._expected_reward(contexts)[0]

    def _reward_at(self, contexts, arm, quantity):
        rows, regression = contexts, self._regression
        if self._takes_quantities:
            rows = self._design(contexts, arm, quantity)
        variance, dof = regression.noise()
        mean, std = np.empty(len(arm)), np.empty(len(arm))
        for one in np.unique(arm):
            own = arm == one
            mean[own] = regression.mean(rows[own], group=one)
            scale = np.sqrt(regression.quadratic(rows[own], group=one) * variance[one])
            std[own] = scale / np.sqrt(1.0 - 2.0 / dof[one])
        return mean, std

    def _floats_per_row(self, contexts, n_arms):
        basis = self._basis
        if not basis.n_functions:
            return (n_arms + 2) * (contexts.shape[1] + 1)
        n_points = len(candidates(self._boxes.n_quantities))
        return self.n_draws * (n_points + (4 * n_arms + 6) * (basis.n_functions + 1))

    def _threads(self, n_rows):
        return threads_for_rows(n_rows * len(self.classes_), self.state_.regression.n_terms)

    # --------------------------------------------------------------- transfer
    def _carry_state(self, source, resize):
        self._check_same_shape(source, but=("quantities",))
        self._check_same_boxes(source.state_.boxes, resize)
        before = basis_of(source.state_.boxes)
        regression = source._regression.carried(
            groups=resize.arm_source,
            shares=resize.shares,
            features=columns_source(self._basis, before, resize.feature_source),
            prior_precision=float(self.prior_precision),
        )
        return SmoothState(regression, self._boxes)

    def _merge_states(self, states):
        merged = FullRegression.merged([state.regression for state in states])
        return states[0]._replace(regression=merged)

    @property
    def weight_(self):
        """Sum of the weights of the rounds from which each arm has learnt, (n_arms,)."""
        return self.state_.regression.weight.copy()


def _different(contexts):
    """The rows that differ, and which of them each row is: what is alike is asked once."""
    if contexts.shape[1] == 0:
        return contexts[:1], np.zeros(len(contexts), dtype=np.intp)
    if len(contexts) == 1:
        return contexts, np.zeros(1, dtype=np.intp)
    asked, of_row = np.unique(contexts, axis=0, return_inverse=True)
    return asked, of_row.reshape(-1)
