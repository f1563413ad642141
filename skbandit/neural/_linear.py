"""Bayesian linear regression on what a network has learnt to see."""

from numbers import Integral, Real

import numpy as np

from .._gaussian import noise_draws
from .._optimality import IndependentScores, SampledScores
from .._sklearn import Interval, StrOptions
from ._base import BaseNeuralBandit
from ._evaluation import BLOCK_ROWS
from ._head import GaussianHead

# Entries of the representation that are kept while statistics are rebuilt (half a gigabyte); of
# more rounds it is computed twice.
_KEPT_ENTRIES = 1 << 26


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
    :math:`\sigma_a \sqrt{\phi^\top A_a^{-1} \phi}`. Each of the B blocks of terms has a mean
    square of 1: how wide the bandit explores does not grow with the width of a layer. Candidates
    with features share one posterior.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order of ``classes_``. None: they are learnt from the first `y`
        (or ``classes``); with three-dimensional `X` they are then the indexes of the candidates.
    net : skorch net, torch.nn.Module class or str, default="small_mlp"
        The network. A name: "none" (the inputs themselves), "linear", "tiny_mlp" (64),
        "small_mlp" (128, 128), "large_mlp" (256 x 3), "deep_mlp" (64 x 7), or "bert" for token
        ids (extra ``text``). A module class is told ``n_inputs`` and ``n_outputs`` if its
        constructor takes them. A skorch net brings its optimizer, batch size, device and
        callbacks; its criterion is applied to the arm that was played. See :func:`make_net`.
    include_inputs : bool or "auto", default="auto"
        Whether the inputs are terms beside the representation. "auto": if there are no more of
        them than units in the last hidden layer, and they are plain numbers. False is the method
        as it was published.
    exploration : {"thompson", "ucb"}, default="thompson"
        Play an arm with the probability that it is the best one, exactly (for candidates: its
        share of `n_draws` joint draws), or the arm of the highest upper confidence bound.
    alpha : float >= 0, default=0.25
        Factor on the standard deviation of the belief; it has no unit.
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
    train_every : int, default=64
        Train when at least so many rounds are new since the last training; one training a
        learning call at most.
    initial_train_steps, train_steps : int, default=None
        Gradient steps of the first training and of each later one. None: 200 and 100 for a
        network given by name or class, the ``max_epochs`` of a skorch net.
    warm_start : bool, default=True
        Train on from the network as it is. False trains a fresh one each time, with
        `initial_train_steps`.
    early_stopping_threshold : float >= 0, default=None
        End a training when the mean loss of ten steps falls below this, as a share of the
        rewards' mean square.
    standardize : bool, default=True
        Measure inputs in units of their spread about their mean. It is found anew when the rounds
        have doubled, and everything that rests on it is then rebuilt. Rewards are always in units
        of their root mean square.
    n_draws : int, default=500
        Joint posterior draws behind the Thompson policy of candidates with features.
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`. None:
        :class:`~skbandit.selectors.ArgmaxSelector`.
    random_state : int, RandomState instance or None, default=None
        Of initial weights, batches and decisions. None draws afresh at every call, a RandomState
        advances its stream, an int makes a decision a function of the seed, the number of learning
        calls, the state and the row alone. Torch's global generators are left as they are.

    Attributes
    ----------
    net_ : skorch net
        The trained network.
    head_ : GaussianHead
        Sums over the rounds in the buffer, and since; the posterior follows from them.
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
    n_learning_calls_ : int
        How many times the bandit has learnt; part of the key of its draws.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    NeuralUCB : Gradients of the whole network as features.
    EnsembleBandit : Several networks that disagree.

    Notes
    -----
    Rounds that fit into one batch are trained on all at once, and a weight of k is then k
    repetitions to the rounding of single precision. With more rounds, batches are random and this
    holds on average.

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

    _parameter_constraints = {
        **BaseNeuralBandit._parameter_constraints,
        "include_inputs": ["boolean", StrOptions({"auto"})],
        "exploration": [StrOptions({"thompson", "ucb"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "prior_precision": [Interval(Real, 0, None, closed="neither")],
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
        alpha=0.25,
        prior_precision=0.3,
        noise="learnt",
        noise_std=1.0,
        buffer=None,
        sampler=None,
        min_samples_to_train=64,
        train_every=64,
        initial_train_steps=None,
        train_steps=None,
        warm_start=True,
        early_stopping_threshold=None,
        standardize=True,
        n_draws=500,
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.net = net
        self.include_inputs = include_inputs
        self.exploration = exploration
        self.alpha = alpha
        self.prior_precision = prior_precision
        self.noise = noise
        self.noise_std = noise_std
        self.buffer = buffer
        self.sampler = sampler
        self.min_samples_to_train = min_samples_to_train
        self.train_every = train_every
        self.initial_train_steps = initial_train_steps
        self.train_steps = train_steps
        self.warm_start = warm_start
        self.early_stopping_threshold = early_stopping_threshold
        self.standardize = standardize
        self.n_draws = n_draws
        self.selector = selector
        self.random_state = random_state

    # ------------------------------------------------------------- statistics
    def _start(self, arms, candidate_features):
        super()._start(arms, candidate_features)
        self.includes_inputs_ = None

    def _clear_statistics(self):
        self.head_ = None
        self.term_shift_ = self.term_scale_ = None

    def _decide_inputs(self):
        """Whether the inputs are terms; decided once, since widths may change later."""
        if not isinstance(self.include_inputs, str):
            self.includes_inputs_ = bool(self.include_inputs) and self._net_is_trained()
        elif vars(self).get("includes_inputs_") is None:
            n_units = self._network().represent(np.zeros((1, self.n_features_in_))).shape[1]
            plain = self.input_shape_ is None and not self._takes_raw_inputs()
            few = self.n_features_in_ <= n_units
            self.includes_inputs_ = plain and few and self._net_is_trained()

    def _features(self, rows):
        """Last hidden representation of plain rows, and the inputs where they are terms."""
        inputs = self.scaling_.inputs(rows)
        hidden = self._network().represent(inputs)
        return [hidden, inputs] if self.includes_inputs_ else [hidden]

    def _feature_blocks(self, rows):
        for start in range(0, len(rows), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            yield block, self._features(rows[block])

    def _terms(self, rows):
        """A constant term and the centred and scaled features of plain rows, float64."""
        return self._as_terms(self._features(rows))

    def _as_terms(self, features):
        terms = np.ones((len(features[0]), 1 + len(self.term_shift_)))
        np.concatenate(features, axis=1, out=terms[:, 1:])
        terms[:, 1:] -= self.term_shift_
        terms[:, 1:] /= self.term_scale_
        return terms

    def _rebuild(self):
        self._decide_inputs()
        columns = self.buffer_.columns
        rows = columns["row"]
        width = self._features(rows[:1])[0].shape[1]
        kept = None
        if len(rows) * width <= _KEPT_ENTRIES:
            kept = list(self._feature_blocks(rows))
        moments = _Moments()
        for block, features in kept or self._feature_blocks(rows):
            moments.add(features, columns["weight"][block])
        self.term_shift_, self.term_scale_, n_blocks = moments.found()
        # The constant, the representation and the inputs each have a mean square of 1.
        prior = self.prior_precision * (1 + n_blocks)
        head = GaussianHead(self._n_outputs(), 1 + len(self.term_shift_), prior)
        for block, features in kept or self._feature_blocks(rows):
            part = {name: column[block] for name, column in columns.items()}
            head = self._taught(head, self._as_terms(features), part)
        self.head_ = head

    def _update(self, columns):
        self.head_ = self._taught(self.head_, self._terms(columns["row"]), columns)

    def _taught(self, head, terms, columns):
        low, high = self.scaling_.reward(np.array([0.0, 1.0]))
        return head.learnt(
            terms,
            columns["arm"],
            self.scaling_.reward(columns["reward"]),
            columns["weight"],
            (columns["n_taught"], low, high),
        )

    def _sums(self):
        yield from super()._sums()
        yield from self.head_.gram
        yield self.head_.moment
        yield self.head_.residual_square

    # ----------------------------------------------------------------- belief
    def _noise(self):
        """Noise variance in squared units of the reward, and degrees of freedom or None."""
        if self.noise == "fixed":
            return np.array([float(self.noise_std) ** 2]), None
        if "noise" not in self._cache:
            variance, dof = self.head_.noise(pooled=self._candidate_features)
            self._cache["noise"] = variance * self.scaling_.reward_scale**2, dof
        return self._cache["noise"]

    def _belief(self, contexts):
        """Mean, scale and degrees of freedom (or None) of each arm's expected reward."""
        shape = (len(contexts), self._n_columns(contexts))
        if self.head_ is None:
            width = self.noise_std if self.noise == "fixed" else 1.0
            return np.zeros(shape), np.full(shape, width / np.sqrt(self.prior_precision)), None

        def hook(rows):
            terms = self._terms(rows)
            return self.head_.mean(terms), self.head_.quadratic(terms)

        mean, form = self._over_candidates(contexts, hook)
        variance, dof = self._noise()
        mean = self.scaling_.reward_scale * mean
        return mean, np.sqrt(form * variance), dof

    def _expected_reward(self, contexts):
        mean, scale, dof = self._belief(contexts)
        return (mean, scale) if dof is None else (mean, scale * np.sqrt(dof / (dof - 2.0)))

    def _mean_reward(self, contexts):
        if self.head_ is None:
            return np.zeros((len(contexts), self._n_columns(contexts)))
        (mean,) = self._over_candidates(
            contexts, lambda rows: (self.head_.mean(self._terms(rows)),)
        )
        return self.scaling_.reward_scale * mean

    def _decision_function(self, contexts):
        if self.exploration == "thompson":
            return self._mean_reward(contexts)
        mean, std = self._expected_reward(contexts)
        return mean + self.alpha * std

    def _policy(self, contexts, available):
        if self.exploration == "ucb":
            return super()._policy(contexts, available)
        if contexts.ndim == 3 and self.head_ is not None:
            scores = SampledScores(self._score_draws(contexts))
        else:
            mean, scale, dof = self._belief(contexts)
            scores = IndependentScores(mean, self.alpha * scale, dof)
        return self._selector.expect(scores, available)

    def _score_draws(self, contexts):
        """Scores under joint draws of the shared weights, (n_draws, n_samples, n_candidates)."""
        n_samples, n_candidates, n_features = contexts.shape
        terms = self._terms(np.ascontiguousarray(contexts.reshape(-1, n_features)))
        variance, dof = self._noise()
        if "draws" not in self._cache:
            self._cache["draws"] = self.head_.deviates(self.n_draws)
        spread = terms @ self._cache["draws"].T
        dof = None if dof is None else dof[0]
        spread *= self.alpha * noise_draws(variance[0], dof, self.n_draws, stream=1)
        mean = self.scaling_.reward_scale * self.head_.mean(terms)
        return (mean + spread).T.reshape(self.n_draws, n_samples, n_candidates)

    def _floats_per_row(self, contexts, n_arms):
        candidates = contexts.shape[1] if contexts.ndim == 3 else 1
        width = 256 if self.head_ is None else self.head_.moment.shape[1]
        draws = 3 * self.n_draws * n_arms if contexts.ndim == 3 else 0
        return 8 * n_arms + draws + candidates * (8 * width + 2 * contexts.shape[-1])


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
            self.squares = np.zeros(len(features))
        self.weight += weight.sum()
        for number, part in enumerate(features):
            away = part - self.centres[number]
            self.sums[number] += weight @ away
            self.squares[number] += weight @ np.einsum("nf,nf->n", away, away)

    def found(self):
        """Shift and scale of all features, and how many kinds there are."""
        shift, scale = [], []
        for centre, total, square in zip(self.centres, self.sums, self.squares, strict=True):
            offset = total / self.weight
            mean = centre + offset
            spread = np.sqrt(max(square / self.weight - offset @ offset, 0.0))
            # Rows that are all alike leave rounding.
            if spread <= 1e-8 * np.sqrt(mean @ mean):
                spread = 1.0
            shift.append(mean)
            scale.append(np.full(len(mean), spread))
        return np.concatenate(shift), np.concatenate(scale), len(shift)
