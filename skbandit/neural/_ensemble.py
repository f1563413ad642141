"""Thompson sampling by drawing a member of an ensemble of networks."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from .._shares import blended, left_over
from .._sklearn import Interval
from ..beliefs import JointBelief
from ..explorations import (
    ALPHA_CONSTRAINT,
    forced_by,
    thompson_policy,
    with_forced,
)
from ._base import BaseNeuralBandit
from ._columns import columns_of
from ._linear_part import Judgement, judged, lessons_of, taught
from ._nets import build_net
from ._random_priors import _key, carried_priors, new_priors
from ._transfer import Sources


class EnsembleStatistics(NamedTuple):
    """What is built on the networks of an ensemble, one entry a member."""

    priors: tuple  # of RandomPrior
    deviates: tuple  # (n_outputs, 1 + n_features), behind the prior of the linear part
    linear: tuple  # of FullRegression, on what network and prior leave of the rewards


class EnsembleBandit(BaseNeuralBandit):
    r"""Thompson sampling with an ensemble of networks with randomised priors.

    Member m predicts :math:`f_m(x) + \beta p_m(x) + z^\top b_m`: a network that is trained, plus a
    random network :math:`p_m` that never is [1]_, plus a draw from the posterior of a linear model
    of a constant and the inputs, :math:`z`, on what the two leave. Members agree where there are
    rounds to learn from and disagree elsewhere. A decision draws a member and plays the arm it
    likes best; so the policy, the share of members that like an arm best, is known exactly. With
    ``alpha="auto"`` their departures from what they say together are scaled first.

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
        Whether a linear model of the inputs, known in closed form, stands beside the network,
        which is taught what that leaves. "auto": if there are at most 128 plain numbers. Without
        it each arm still has a constant.
    n_members : int, default=10
        How many networks. The smallest probability above 0 is one over it.
    prior_scale : float >= 0, default=0.1
        Scale :math:`\beta` of the random networks, in units of the rewards' spread: how strongly
        networks disagree where nothing is known.
    prior_precision : float > 0, default=1.0
        Precision of the prior of the linear part, over that of the noise.
    alpha : float >= 0 or "auto", default="auto"
        Factor on how far members depart from their mean; 1 leaves them as they are. "auto" finds
        it for each arm in each row, see :mod:`skbandit.explorations`.
    bootstrap : bool, default=False
        Whether each member is trained on rounds with random weights of its own (each counts twice
        or not at all), and judged by those it leaves out. It costs half of the rounds, and three
        times the time where members stop apart.
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
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`. None:
        :class:`~skbandit.selectors.ArgmaxSelector`.
    random_state : int, RandomState instance or None, default=None
        Of initial weights, batches and decisions. None draws afresh at every call, a RandomState
        advances its stream, an int makes a decision a function of the seed, of what was learnt and
        of the row alone. Torch's global generators are left as they are.

    Attributes
    ----------
    nets_ : list of skorch nets
        The members' trained parts.
    priors_ : list of torch modules
        The members' fixed parts. The random weights of an output belong to the arm's label.
    noise_variance_ : ndarray of shape (n_arms,)
        Variance of a reward about its mean, in squared units of the reward.
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
    NeuralLinearBandit : One network; far cheaper.

    Notes
    -----
    A sample weight multiplies the random weight of a round, so with ``bootstrap=True`` a weight of
    k equals k repetitions only on average. Rounds of full feedback are kept as one row an arm.

    References
    ----------
    .. [1] I. Osband, J. Aslanides and A. Cassirer (2018). Randomized prior functions for deep
       reinforcement learning. NeurIPS 31, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.neural import EnsembleBandit
    >>> X = np.random.RandomState(0).normal(size=(200, 2))
    >>> arms = np.tile(["a", "b"], 100)
    >>> reward = np.where(arms == "a", X[:, 0] > 0, X[:, 0] < 0)
    >>> bandit = EnsembleBandit(net="tiny_mlp", n_members=3, random_state=0)
    >>> bandit.fit(X, arms, reward=reward).predict([[2.0, 0.0], [-2.0, 0.0]]).tolist()
    ['a', 'b']
    """

    _shape_parameters = (
        *BaseNeuralBandit._shape_parameters,
        "n_members",
        "prior_scale",
        "prior_precision",
    )

    _parameter_constraints = {
        **BaseNeuralBandit._parameter_constraints,
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "prior_scale": [Interval(Real, 0, None, closed="left")],
        "alpha": ALPHA_CONSTRAINT,
        "bootstrap": ["boolean"],
    }

    def __init__(
        self,
        *,
        arms=None,
        net="small_mlp",
        include_inputs="auto",
        n_members=10,
        prior_scale=0.1,
        prior_precision=1.0,
        alpha="auto",
        bootstrap=False,
        buffer=None,
        sampler=None,
        min_samples_to_train=64,
        train_every=None,
        initial_train_steps=None,
        train_steps=None,
        warm_start=True,
        early_stopping_threshold=None,
        standardize=True,
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
        self.n_members = n_members
        self.prior_scale = prior_scale
        self.prior_precision = prior_precision
        self.alpha = alpha
        self.bootstrap = bootstrap

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.bandit_tags.policy = "draws"
        if tags.bandit_tags.arm_order == "free":
            # The random networks' outputs are drawn by the arms' names.
            tags.bandit_tags.arm_order = "named"
        return tags

    def _n_nets(self):
        return self.n_members

    # --------------------------------------------------------------- learning
    def _columns_of(self, rounds, seeds, n_updates):
        if rounds.contexts.ndim == 2:
            # The members' priors differ from arm to arm: each arm is a round of its own.
            rounds = rounds.spelt_out(len(self.classes_))
        columns = columns_of(rounds, len(self.classes_), n_updates)
        shape = (len(columns["arm"]), self.n_members)
        if self.bootstrap:
            rng = np.random.RandomState(seeds.bootstrap())
            columns["copies"] = (2 * rng.randint(2, size=shape)).astype(np.uint8)
        else:
            columns["copies"] = np.ones(shape, dtype=np.uint8)
        return columns

    def _output_labels(self):
        """What the outputs of a network stand for: the arms, or candidates of any kind."""
        return [None] if self._candidate_features else self.classes_.tolist()

    def _prepare(self, state, seeds):
        priors = new_priors(state.networks, self._output_labels(), self.n_features_in_, seeds)
        return EnsembleStatistics(priors, self._new_deviates(priors), linear=())

    def _new_deviates(self, priors, stream=2):
        """Standard normal deviates that belong to the arms' labels."""
        size = 1 + self.n_features_in_
        return tuple(
            np.stack(
                [
                    np.random.RandomState([prior.seed, stream, *_key(label)]).standard_normal(size)
                    for label in self._output_labels()
                ]
            )
            for prior in priors
        )

    def _carry_statistics(self, source, resize, outputs, seeds):
        shares = None if self._candidate_features else resize.shares
        priors, known = None, None
        if isinstance(source, EnsembleBandit):
            priors, known, _ = source.state_.statistics
        else:
            known_labels = [None] if source._candidate_features else source.classes_.tolist()
            networks = source.state_.networks
            priors = new_priors(networks, known_labels, source.n_features_in_, seeds)
        features = resize.feature_source
        sizes = len(features), len(outputs)
        template = build_net(self.net, *sizes, seeds.carried(0), source.candidate_shape_)
        sources = Sources.of(source._some_inputs(), features, outputs, priors)
        labels = self._output_labels()
        priors = carried_priors(priors, template.module_, labels, sources, shares)
        deviates = self._new_deviates(priors)
        if known is not None:
            columns = np.concatenate([[0], np.where(features >= 0, 1 + features, -1)])
            # A new feature's deviates do not repeat those of the others.
            extra = self._new_deviates(priors, stream=3)
            deviates = tuple(
                _carried(*each, outputs, columns, shares)
                for each in zip(known, deviates, extra, strict=True)
            )
        return EnsembleStatistics(priors, deviates, linear=())

    def _parted(self, columns, number):
        if not self.bootstrap:
            return super()._parted(columns, number)
        # The rounds that a member leaves out are those on which it is judged.
        copies = columns["copies"][:, number]
        return columns["weight"] * copies, columns["weight"] * (copies == 0)

    def _own_part(self, state, inputs, number):
        return self.prior_scale * state.statistics.priors[number].frozen.outputs(inputs)

    # ------------------------------------------------------------- statistics
    def _build(self, state):
        linear = (self._no_linear(state),) * self.n_members
        return self._taught_in_blocks(state, state.statistics._replace(linear=linear))

    def _update(self, state, columns):
        return self._taught(state, state.statistics, columns)

    def _taught(self, state, statistics, columns):
        """The statistics after more rounds, under the same networks."""
        inputs = state.scaling.inputs(columns["row"])
        terms = self._terms_of(state, inputs)
        lessons = lessons_of(columns, state.scaling, len(state.taught_weight))
        linear = []
        for number, part in enumerate(statistics.linear):
            left = self._left(state, lessons, inputs, number)
            weight = columns["weight"] * columns["copies"][:, number]
            linear.append(taught(part, terms, lessons, left, weight[lessons.row]))
        return statistics._replace(linear=tuple(linear))

    def _left(self, state, lessons, inputs, number):
        """What a member's networks leave of the rewards."""
        said = self._net_outputs(state, inputs, number) + self._own_part(state, inputs, number)
        return lessons.reward - said[lessons.row, lessons.output]

    def _judge(self, state):
        columns = state.buffer.columns
        inputs = state.scaling.inputs(columns["row"])
        terms, part, found = self._terms_of(state, inputs), self._no_linear(state), []
        lessons = lessons_of(columns, state.scaling, len(state.taught_weight))
        for number in range(self.n_members):
            left = self._left(state, lessons, inputs, number)
            trained, held = self._parted(columns, number)
            own = lessons._replace(weight=trained + held, held=held)
            places = self._places(state, inputs, number)
            found.append(judged(part, terms, own, left, places))
        names = ("noise_factor", "net_error", "misfit")
        means = {name: float(np.mean([getattr(one, name) for one in found])) for name in names}
        return Judgement(**means)

    def _sums(self, state):
        for part in state.statistics.linear:
            yield from part.gram
            yield part.moment

    # ----------------------------------------------------------------- belief
    def _noise_variance(self):
        """Variance of a reward about its mean, in units of the rewards' spread, (n_outputs,)."""
        state = self.state_
        variance = np.mean([part.noise()[0] for part in state.statistics.linear], axis=0)
        return variance * state.judgement.noise_factor

    def _departures(self):
        r"""Weights by which each member departs from its regression, one array a member.

        A member has a draw from the belief about the linear part,
        :math:`\sigma (\lambda I + G)^{-1/2} \epsilon`. Where members weigh rounds at random that
        is what the noise does to them, and what is left is a random prior, at
        :math:`\sigma \epsilon / \sqrt{\lambda}`, after its rounds:
        :math:`\sigma \sqrt{\lambda} (\lambda I + G)^{-1} \epsilon`. The deviates belong to the
        arm.
        """
        if "departures" not in self._cache:
            statistics = self.state_.statistics
            std = np.sqrt(self._noise_variance())[:, None]
            found = []
            for deviates, part in zip(statistics.deviates, statistics.linear, strict=True):
                own = deviates[:, : part.n_terms]
                if self.bootstrap:
                    pairs = zip(part.covariance, own, strict=True)
                    moved = [np.sqrt(self.prior_precision) * (one @ by) for one, by in pairs]
                else:
                    moved = [by @ one for one, by in zip(part.factors, own, strict=True)]
                found.append(std * np.stack(moved))
            self._cache["departures"] = found
        return self._cache["departures"]

    def _member_scores(self, contexts):
        """What each member expects, (n_members, n_samples, n_arms), in units of the reward."""
        state = self.state_

        def hook(rows):
            inputs = state.scaling.inputs(rows)
            terms = self._terms_of(state, inputs)
            return [
                self._net_outputs(state, inputs, number)
                + self._own_part(state, inputs, number)
                + part.rewards(terms, part.coef + departure)
                for number, (part, departure) in enumerate(
                    zip(state.statistics.linear, self._departures(), strict=True)
                )
            ]

        scores = np.stack(self._over_candidates(contexts, hook))
        return state.scaling.unscaled(scores)

    def _belief(self, contexts):
        shape = self._shape_of_answer(contexts)
        if not self.state_.networks:
            # Every arm of every member is a draw of its own, which nothing has been asked yet.
            std = np.full(shape, 1.0 / np.sqrt(self.prior_precision))
            return JointBelief(
                np.zeros(shape), std, np.zeros((1, *shape)), unseen=np.ones(shape, dtype=bool)
            )
        scores = self._member_scores(contexts)
        mean = scores.mean(axis=0)
        std = scores.std(axis=0, ddof=1) if len(scores) > 1 else np.zeros(shape)
        unseen = np.broadcast_to(self.state_.taught_weight == 0.0, shape)
        if contexts.ndim == 2 and unseen.any():
            # By their random networks alone arms are told apart by chance: they are alike.
            mean, std = _evened(mean, unseen), np.sqrt(_evened(std**2, unseen))
        return JointBelief(mean, std, scores, unseen=unseen)

    def _missed_variance(self):
        state = self.state_
        if not state.networks:
            return 0.0
        unit = state.scaling.reward_scale**2
        return state.judgement.misfit * self._noise_variance() * unit

    def _mean_reward(self, contexts):
        return self._belief(contexts).mean

    def _forced(self):
        return self._untried() if self.state_.networks else None

    def _policy(self, contexts, available):
        policy = thompson_policy(self._belief(contexts), self._selector, self.alpha, available)
        return with_forced(policy, forced_by(self), available)

    def _floats_per_row(self, contexts, n_arms):
        return self.n_members * (6 * n_arms + 128) + contexts.size // len(contexts)

    # ---------------------------------------------------- what users look at
    @property
    def noise_variance_(self):
        """Variance of a reward about its mean, in squared units of the reward, (n_outputs,)."""
        state = self._learnt("noise_variance_")
        return self._noise_variance() * state.scaling.reward_scale**2

    @property
    def priors_(self):
        """The members' random parts."""
        return [prior.module for prior in self._learnt("priors_").statistics.priors]


def _carried(known, new, extra, outputs, columns, shares):
    """A member's deviates for other arms and features."""
    came = outputs < 0
    own, left = known[outputs], came.astype(np.float64)
    own[came] = 0.0
    if shares is not None:
        own[came], left[came] = blended(known, shares), left_over(shares)
    left = left[:, None]
    return np.where(columns >= 0, own[:, columns], (1.0 - left) * extra) + left * new


def _evened(values, mask):
    """Values with those of the mask, the same columns in every row, replaced by their mean."""
    mean = values[:, mask[0]].mean(axis=1, keepdims=True)
    return np.where(mask, mean, values)
