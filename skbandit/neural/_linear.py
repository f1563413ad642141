"""Bayesian linear regression on what a network has learnt to see."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from .._gaussian import noise_draws
from .._regression import Examples, FullRegression
from .._sklearn import Interval, StrOptions
from ..beliefs import IndependentBelief, JointBelief
from ..buffers import take_rounds
from ..explorations import (
    ALPHA_CONSTRAINT,
    forced_by,
    thompson_policy,
    upper_bound,
    with_forced,
)
from ._base import BaseNeuralBandit
from ._frozen import BLOCK_ROWS
from ._linear_part import SAME_SIZE, empty_part, judged, lessons_of

# Entries of the representation that are kept while statistics are rebuilt (half a gigabyte); of
# more rounds it is computed twice.
_KEPT_ENTRIES = 1 << 26

# Sizes of a representation and of the inputs that are tried, and on how many rounds at most.
_SIZES = tuple((own, inputs) for inputs in (1.0, 0.3) for own in (3.0, 1.0, 0.3, 0.1, 0.03))
_MOST_JUDGED = 20_000


class NeuralLinearBandit(BaseNeuralBandit):
    r"""Bayesian linear regression on the last hidden representation of a network.

    A network is trained on a schedule; on its last hidden representation, with a constant term,
    every arm has an exact Gaussian posterior that learns from every round [1]_. After the network
    has changed, the sums are rebuilt from the buffer, never mixed. The terms :math:`\phi(x)` are a
    constant, the representation about its mean and, where there are not too many, the inputs about
    theirs [2]_: what is linear is then known before the network has learnt to see it. With the
    Gram matrix :math:`G_a` and the moment :math:`b_a` of an arm's rounds and
    :math:`A_a = \lambda B I + G_a`, its expected reward has the mean
    :math:`\phi^\top A_a^{-1} b_a` and the scale
    :math:`\sigma_a \sqrt{\phi^\top A_a^{-1} \phi}`. Of the B blocks of terms the constant has a
    mean square of 1, each input one of 1 or .09, the whole representation one from 9 down to
    .0009: held-out rounds choose both. On a linear problem that of the representation is small,
    and how wide the bandit explores does not grow with the width of a layer. The network is taught
    what a ridge regression on the inputs leaves.
    Candidates with features share one posterior.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order of ``classes_``. None: they are learnt from the first `y`
        (or ``classes``); with three-dimensional `X` they are then the indexes of the candidates.
    net : skorch net, torch.nn.Module, its class or str, default="small_mlp"
        The network. A name: "none" (the inputs themselves), "linear", "tiny_mlp" (64),
        "small_mlp" (128, 128), "large_mlp" (256 x 3), "deep_mlp" (64 x 7), or "bert" for token
        ids (extra ``text``). A module class is told ``n_inputs`` and ``n_outputs`` if its
        constructor takes them; a module is copied and cannot take other arms or features. A
        skorch net brings its optimizer, batch size, device and callbacks; its criterion is
        applied to the arm that was played. See :func:`make_net`.
    include_inputs : bool or "auto", default="auto"
        Whether the inputs are terms beside the representation. "auto": if there are no more of
        them than units in the last hidden layer, and they are plain numbers. False is the method
        as it was published.
    exploration : {"thompson", "ucb"}, default="thompson"
        Play an arm with the probability that it is the best one, exactly (for candidates: its
        share of `n_draws` joint draws), or the arm of the highest upper confidence bound.
    alpha : float >= 0 or "auto", default="auto"
        Factor on the standard deviation of the belief; it has no unit. "auto" finds it for each
        arm in each row, see :mod:`skbandit.explorations`.
    prior_precision : float > 0, default=0.3
        Precision :math:`\lambda` of the prior: before any round the variance of an expected reward
        is about that of the noise over it.
    noise : {"learnt", "fixed"}, default="learnt"
        Whether the variance of a reward about its mean is learnt; the width of the exploration
        then follows the rewards' own scale.
    noise_std : float > 0, default=1.0
        Standard deviation of the noise, in units of the reward, for ``noise="fixed"``.
    buffer : buffer, default=None
        The rounds to learn from again, see :mod:`skbandit.buffers`. None:
        :class:`~skbandit.buffers.AllData`.
    sampler : sampler, default=None
        The order in which training goes through the buffer. None:
        :class:`~skbandit.buffers.RandomSampler`. Rounds that fit into one batch are taken at once.
    min_samples_to_train : int, default=64
        The network is not trained before the buffer holds so many rounds (by weight).
    train_every : int, default=None
        Train when at least so many rounds are new since the last training; one training a
        learning call at most. None: 64, and a twentieth of the rounds that are kept, so that the
        mean cost of a round is bounded; with a number it grows with the rounds that are kept.
    initial_train_steps, train_steps : int, default=None
        Gradient steps of the first training and of each later one. None: for a network given by
        name or class two for each new round (at least 200, 20), ended as soon as the rounds that
        are held out say so; the ``max_epochs`` of a skorch net.
    warm_start : bool, default=True
        Train on from the network as it is. False trains a fresh one each time, with
        `initial_train_steps`.
    early_stopping_threshold : float >= 0, default=None
        End a training when the mean loss of ten steps falls below this, as a share of the
        rewards' variance.
    standardize : bool, default=True
        Measure inputs in units of their spread about their mean, ten of them at most; a column
        that has not varied yet counts as zero. It is found anew when the rounds have doubled or
        such a column varies, and everything that rests on it is then rebuilt. Rewards are always
        in units of their spread about their mean.
    n_draws : int, default=500
        Joint posterior draws behind the Thompson policy of candidates with features.
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`. None:
        :class:`~skbandit.selectors.ArgmaxSelector`.
    random_state : int, RandomState instance or None, default=None
        Of initial weights, batches and decisions. None draws afresh at every call, a RandomState
        advances its stream, an int makes a decision a function of the seed, of what was learnt and
        of the row alone. Torch's global generators are left as they are.

    Attributes
    ----------
    net_ : skorch net
        The trained network.
    head_ : regression
        Sums over the rounds in the buffer, and since; the posterior follows from them.
    noise_variance_ : ndarray of shape (n_arms,)
        Variance of a reward about its mean, in squared units of the reward.
    includes_inputs_ : bool
        Whether the inputs are terms.
    term_shift_, term_scale_ : ndarray of shape (n_terms - 1,)
        What representation and inputs are centred and divided by.
    buffer_ : buffer
        The rounds that are kept.
    scaling_ : tuple
        Shift and scale of inputs and rewards.
    n_trainings_ : int
        How many times the network was trained.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NeuralState
        What was learnt. Never written to: learning makes another one.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if it has learnt from a DataFrame.
    candidate_shape_ : tuple of int or None
        Shape of a candidate that is no flat row of features (an image, a sequence).

    See Also
    --------
    NeuralUCB : Gradients of the whole network as features.
    EnsembleBandit : Several networks that disagree.

    Notes
    -----
    Rounds that fit into one batch are trained on all at once, and a weight of k is then k
    repetitions to the rounding of single precision. With more rounds, batches are random and this
    holds on average.

    No network is trained on every fifth round. These say when a training ends, how large the
    representation is beside the inputs, and how far the other rounds understate the noise.

    Adding arms or features leaves beliefs on old rows as they were; dropping features sets them to
    their mean. Buffer, counts and optimizer are carried.

    References
    ----------
    .. [1] C. Riquelme, G. Tucker and J. Snoek (2018). Deep Bayesian bandits showdown. ICLR,
       section 3, "Neural Linear".
    .. [2] H.-T. Cheng et al. (2016). Wide & deep learning for recommender systems. DLRS.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.neural import NeuralLinearBandit
    >>> X = np.random.RandomState(0).normal(size=(400, 2))
    >>> arms = np.tile(["in", "out"], 200)
    >>> inside = (X**2).sum(axis=1) < 1
    >>> reward = np.where(arms == "in", inside, ~inside)
    >>> bandit = NeuralLinearBandit(random_state=0).fit(X, arms, reward=reward)
    >>> bandit.predict([[0.0, 0.0], [2.0, 2.0]], explore=False).tolist()
    ['in', 'out']
    """

    _shape_parameters = (*BaseNeuralBandit._shape_parameters, "include_inputs", "prior_precision")

    _parameter_constraints = {
        **BaseNeuralBandit._parameter_constraints,
        "exploration": [StrOptions({"thompson", "ucb"})],
        "alpha": ALPHA_CONSTRAINT,
        "noise": [StrOptions({"learnt", "fixed"})],
        "noise_std": [Interval(Real, 0, None, closed="neither")],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        arms=None,
        net="small_mlp",
        include_inputs="auto",
        exploration="thompson",
        alpha="auto",
        prior_precision=0.3,
        noise="learnt",
        noise_std=1.0,
        buffer=None,
        sampler=None,
        min_samples_to_train=64,
        train_every=None,
        initial_train_steps=None,
        train_steps=None,
        warm_start=True,
        early_stopping_threshold=None,
        standardize=True,
        n_draws=500,
        selector=None,
        random_state=None,
    ):
        super().__init__(
            arms=arms,
            net=net,
            buffer=buffer,
            sampler=sampler,
            min_samples_to_train=min_samples_to_train,
            train_every=train_every,
            initial_train_steps=initial_train_steps,
            train_steps=train_steps,
            warm_start=warm_start,
            early_stopping_threshold=early_stopping_threshold,
            standardize=standardize,
            selector=selector,
            random_state=random_state,
        )
        self.include_inputs = include_inputs
        self.exploration = exploration
        self.alpha = alpha
        self.prior_precision = prior_precision
        self.noise = noise
        self.noise_std = noise_std
        self.n_draws = n_draws

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Of candidates, whose posterior is shared, the policy is a share of joint draws.
        tags.bandit_tags.policy = "draws" if self.exploration == "thompson" else "exact"
        return tags

    # ------------------------------------------------------------- statistics
    def _includes_inputs(self, state):
        """Whether the inputs are terms; decided once, since widths may change later."""
        if state.statistics is not None:
            return state.statistics.includes_inputs
        if not self._is_trained():
            return False
        if not isinstance(self.include_inputs, str):
            return bool(self.include_inputs)
        network, n_features = state.networks[0], len(state.scaling.shift)
        n_units = network.frozen.represent(np.zeros((1, n_features))).shape[1]
        raw = bool(getattr(network.module, "raw_inputs", False))
        return network.input_shape is None and not raw and n_features <= n_units

    def _build(self, state):
        columns = state.buffer.columns
        rows, includes_inputs = columns["row"], self._includes_inputs(state)
        width = _features(state, rows[:1], includes_inputs)[0].shape[1]
        kept = None
        if len(rows) * width <= _KEPT_ENTRIES:
            kept = list(_feature_blocks(state, rows, includes_inputs))
        moments = _Moments()
        for block, features in kept or _feature_blocks(state, rows, includes_inputs):
            moments.add(features, columns["weight"][block])
        shift, scale, n_blocks = moments.found(state.judgement.sizes)
        # The constant, the representation and the inputs each have a mean square of 1.
        regression = empty_part(
            len(state.taught_weight), len(shift), self.prior_precision * (1 + n_blocks)
        )
        statistics = LinearStatistics(includes_inputs, shift, scale, regression)
        for block, features in kept or _feature_blocks(state, rows, includes_inputs):
            statistics = _taught(state, statistics, features, take_rounds(columns, block))
        return statistics

    def _update(self, state, columns):
        statistics = state.statistics
        if statistics.regression is None:
            return self._build(state)
        features = _features(state, columns["row"], statistics.includes_inputs)
        return _taught(state, statistics, features, columns)

    def _has_linear_part(self, state):
        return self._includes_inputs(state)

    def _judge(self, state):
        """Compare sizes of the representation, by what its terms say of held-out rounds."""
        columns = state.buffer.columns
        columns = take_rounds(columns, slice(None, None, -(-len(columns["arm"]) // _MOST_JUDGED)))
        rows, includes_inputs = columns["row"], self._includes_inputs(state)
        moments, parts = _Moments(), list(_feature_blocks(state, rows, includes_inputs))
        for block, features in parts:
            moments.add(features, columns["weight"][block])
        shift, scale, n_blocks = moments.found()
        terms = (np.concatenate([np.concatenate(f, axis=1) for _, f in parts]) - shift) / scale
        lessons = lessons_of(columns, state.scaling, len(state.taught_weight))
        part = empty_part(
            len(state.taught_weight), terms.shape[1], self.prior_precision * (1 + n_blocks)
        )
        n_hidden, found = parts[0][1][0].shape[1], []

        def resized(sizes):
            own = terms.copy()
            own[:, :n_hidden] *= sizes[0]
            own[:, n_hidden:] *= sizes[1]
            return own

        for sizes in _SIZES if includes_inputs else (SAME_SIZE,):
            one = judged(part, resized(sizes), lessons, lessons.reward)
            found.append(one._replace(sizes=sizes))
        sizes = min(found, key=lambda one: one.score).sizes
        places = terms[:, :n_hidden]
        best = judged(part, resized(sizes), lessons, lessons.reward, places)
        return best._replace(sizes=sizes)

    def _sums(self, state):
        regression = state.statistics.regression
        yield from regression.gram
        yield from (regression.moment, regression.residual_square)

    def _carry_statistics(self, source, resize, outputs, seeds):
        # Of what is known, the choice of the terms alone outlives other networks.
        known = source.state_.statistics
        if isinstance(known, LinearStatistics):
            return known._replace(shift=None, scale=None, regression=None)
        return None

    # ----------------------------------------------------------------- belief
    def _is_at_prior(self):
        statistics = self.state_.statistics
        return statistics is None or statistics.regression is None

    def _noise(self):
        """Noise variance in squared units of the reward, and degrees of freedom or None."""
        if self.noise == "fixed":
            return np.array([float(self.noise_std) ** 2]), None
        variance, dof = self.state_.statistics.regression.noise()
        unit = self.state_.scaling.reward_scale**2 * self.state_.judgement.noise_factor
        return variance * unit, dof

    def _forced(self):
        return None if self._is_at_prior() else self._untried()

    def _belief(self, contexts):
        shape = self._shape_of_answer(contexts)
        if self._is_at_prior():
            width = self.noise_std if self.noise == "fixed" else 1.0
            width = np.full(shape, width / np.sqrt(self.prior_precision))
            return IndependentBelief(np.zeros(shape), width)
        terms = self._terms(contexts)
        regression = self.state_.statistics.regression
        variance, dof = self._noise()
        mean = self.state_.scaling.unscaled(regression.mean(terms)).reshape(shape)
        scale = np.sqrt(regression.quadratic(terms) * variance).reshape(shape)
        if contexts.ndim == 2:
            return IndependentBelief(mean, scale, dof)
        std = scale if dof is None else scale * np.sqrt(dof / (dof - 2.0))
        return JointBelief(mean, std, lambda: self._score_draws(mean, terms, variance, dof))

    def _mean_reward(self, contexts):
        shape = self._shape_of_answer(contexts)
        if self._is_at_prior():
            return np.zeros(shape)
        mean = self.state_.statistics.regression.mean(self._terms(contexts))
        return self.state_.scaling.unscaled(mean).reshape(shape)

    def _missed_variance(self):
        if self._is_at_prior():
            return 0.0
        return self.state_.judgement.misfit * self._noise()[0]

    def _terms(self, contexts):
        """Terms of plain rows, or of all candidates of all rows."""
        rows = np.ascontiguousarray(contexts.reshape(-1, contexts.shape[-1]))
        statistics = self.state_.statistics
        return _as_terms(statistics, _features(self.state_, rows, statistics.includes_inputs))

    def _score_draws(self, mean, terms, variance, dof):
        """Scores under joint draws of the shared weights, (n_draws, n_samples, n_candidates)."""
        key = "deviations", self.n_draws
        if key not in self._cache:
            # Antithetic pairs have the right mean.
            regression = self.state_.statistics.regression
            half = regression.weight_deviations(0, (self.n_draws + 1) // 2)
            self._cache[key] = np.concatenate([half, -half])[: self.n_draws]
        deviations = self._cache[key]
        spread = deviations[:, :1] + deviations[:, 1:] @ terms.T
        dof = None if dof is None else dof[0]
        spread *= noise_draws(variance[0], dof, self.n_draws, stream=1)[:, None]
        return mean + spread.reshape(self.n_draws, *mean.shape)

    def _decision_function(self, contexts):
        if self.exploration == "thompson":
            return self._mean_reward(contexts)
        return upper_bound(self._belief(contexts), self.alpha)

    def _policy(self, contexts, available):
        if self.exploration == "ucb":
            policy = super()._policy(contexts, available)
        else:
            belief = self._belief(contexts)
            policy = thompson_policy(belief, self._selector, self.alpha, available)
        return with_forced(policy, forced_by(self), available)

    def _floats_per_row(self, contexts, n_arms):
        candidates = contexts.shape[1] if contexts.ndim == 3 else 1
        width = 256 if self._is_at_prior() else self.state_.statistics.regression.n_terms
        draws = 3 * self.n_draws * n_arms if contexts.ndim == 3 else 0
        return 8 * n_arms + draws + candidates * (8 * width + 2 * contexts.shape[-1])

    # ---------------------------------------------------- what users look at
    @property
    def head_(self):
        """Regression on the terms: sums over the rounds, and the posterior that follows."""
        return self._learnt("head_").statistics.regression

    @property
    def noise_variance_(self):
        """Variance of a reward about its mean, in squared units of the reward, (n_outputs,)."""
        state = self._learnt("noise_variance_")
        return np.zeros(len(state.taught_weight)) + self._noise()[0]

    @property
    def includes_inputs_(self):
        """Whether the inputs are terms."""
        return self._learnt("includes_inputs_").statistics.includes_inputs

    @property
    def term_shift_(self):
        """What representation and inputs are centred at."""
        return self._learnt("term_shift_").statistics.shift

    @property
    def term_scale_(self):
        """What representation and inputs are divided by."""
        return self._learnt("term_scale_").statistics.scale


class LinearStatistics(NamedTuple):
    """What is built on the network of a :class:`NeuralLinearBandit`."""

    includes_inputs: bool
    shift: np.ndarray | None  # (n_terms - 1,)
    scale: np.ndarray | None  # (n_terms - 1,)
    regression: FullRegression | None


def _features(state, rows, includes_inputs):
    """Last hidden representation of plain rows, and the inputs where they are terms."""
    inputs = state.scaling.inputs(rows)
    hidden = state.networks[0].frozen.represent(inputs)
    return [hidden, inputs] if includes_inputs else [hidden]


def _feature_blocks(state, rows, includes_inputs):
    for start in range(0, len(rows), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        yield block, _features(state, rows[block], includes_inputs)


def _as_terms(statistics, features):
    """Centred and scaled features, without the constant term."""
    terms = np.concatenate(features, axis=1)
    terms -= statistics.shift
    terms /= statistics.scale
    return terms


def _taught(state, statistics, features, columns):
    """The statistics after more rounds, under the same network and terms."""
    terms, scaling = _as_terms(statistics, features), state.scaling
    regression, n_taught = statistics.regression, columns["n_taught"]
    low, high = scaling.reward(0.0), scaling.reward(1.0)
    for count in np.unique(n_taught):
        rows = n_taught == count
        part, full = take_rounds(columns, rows), count > 0
        regression = regression.learnt(
            Examples(
                terms[rows],
                part["arm"],
                reward=None if full else scaling.reward(part["reward"]),
                weight=part["weight"],
                n_taught=int(count) if full else None,
                low=low,
                high=high,
            )
        )
    return statistics._replace(regression=regression)


class _Moments:
    """Weighted mean of each kind of features, and the root mean square of the distance from it."""

    def __init__(self):
        self.centres, self.weight = None, 0.0

    def add(self, features, weight):
        """Add rows: a list of arrays (n_rows, n_features), one a kind, and their weights."""
        if self.centres is None:
            # Squares about a point near the mean keep the digits of the spread.
            self.centres = [weight @ part / weight.sum() for part in features]
            self.sums = [np.zeros_like(centre) for centre in self.centres]
            self.squares = [np.zeros_like(centre) for centre in self.centres]
        self.weight += weight.sum()
        for number, part in enumerate(features):
            away = part - self.centres[number]
            self.sums[number] += weight @ away
            self.squares[number] += weight @ away**2

    def found(self, sizes=SAME_SIZE):
        """Shift and scale of all features, and how many kinds there are.

        The first kind, the representation, has a root mean square of the first size; each feature
        of the other one, the inputs, one of the second.
        """
        shift, scale = [], []
        for centre, total, square in zip(self.centres, self.sums, self.squares, strict=True):
            offset = total / self.weight
            mean = centre + offset
            square = np.maximum(square / self.weight - offset**2, 0.0)
            # Rows that are all alike leave rounding.
            varies = square > 1e-16 * (mean @ mean)
            spread = np.sqrt(square[varies].sum()) if varies.any() else 1.0
            shift.append(mean)
            # Each input by itself is as heavy as the whole representation.
            kind = sizes[1] * np.sqrt(max(varies.sum(), 1)) if scale else sizes[0]
            scale.append(np.full(len(mean), spread / kind))
        return np.concatenate(shift), np.concatenate(scale), len(shift)
