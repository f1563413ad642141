"""Bandits that are as unsure of an arm as the network's weights leave its output."""

from numbers import Real
from typing import NamedTuple

import numpy as np

from .._regression import FullRegression
from .._sklearn import Interval, StrOptions
from ..beliefs import IndependentBelief
from ..explorations import (
    ALPHA_CONSTRAINT,
    ThompsonSamplingMixin,
    UpperConfidenceBoundMixin,
)
from ._base import BaseNeuralBandit
from ._columns import weight_by_output
from ._linear_part import judged, lessons_of, taught
from ._precision import PRECISIONS


class GradientStatistics(NamedTuple):
    """What is built on the network of a bandit with gradient features."""

    precision: object  # of the weights, see PRECISIONS
    linear: FullRegression  # on what the network leaves of the rewards, in units of their spread


class BaseGradientBandit(BaseNeuralBandit):
    """Expected reward from a network, its width from gradient features."""

    _shape_parameters = (*BaseNeuralBandit._shape_parameters, "precision", "prior_precision")

    _parameter_constraints = {
        **BaseNeuralBandit._parameter_constraints,
        "precision": [StrOptions(set(PRECISIONS))],
        "alpha": ALPHA_CONSTRAINT,
        "noise": [StrOptions({"learnt", "fixed"})],
        "noise_std": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        arms=None,
        net="small_mlp",
        include_inputs="auto",
        precision="diagonal",
        alpha="auto",
        prior_precision=1.0,
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
        self.precision = precision
        self.alpha = alpha
        self.prior_precision = prior_precision
        self.noise = noise
        self.noise_std = noise_std

    # ------------------------------------------------------------- statistics
    def _build(self, state):
        if not self._is_trained():
            raise ValueError(
                f"net='none' has no weights that {type(self).__name__} could train; use "
                "net='linear', or NeuralLinearBandit."
            )
        precision = PRECISIONS[self.precision](len(state.taught_weight), self.prior_precision)
        statistics = GradientStatistics(precision, self._no_linear(state))
        return self._taught_in_blocks(state, statistics)

    def _update(self, state, columns):
        return self._taught(state, state.statistics, columns)

    def _taught(self, state, statistics, columns):
        """The statistics after more rounds, under the same network."""
        inputs, weight = self._inputs_and_weight(state, columns)
        precision, _ = statistics.precision.learnt(state.networks[0].frozen, inputs, weight)
        outputs = self._net_outputs(state, inputs)
        lessons = lessons_of(columns, state.scaling, weight.shape[1])
        left = lessons.reward - outputs[lessons.row, lessons.output]
        terms = self._terms_of(state, inputs)
        linear = taught(statistics.linear, terms, lessons, left, lessons.weight)
        return GradientStatistics(precision, linear)

    @staticmethod
    def _inputs_and_weight(state, columns):
        inputs = state.scaling.inputs(columns["row"])
        return inputs, weight_by_output(columns, len(state.taught_weight))

    def _judge(self, state):
        columns = state.buffer.columns
        inputs = state.scaling.inputs(columns["row"])
        lessons = lessons_of(columns, state.scaling, len(state.taught_weight))
        outputs = self._net_outputs(state, inputs)
        left = lessons.reward - outputs[lessons.row, lessons.output]
        terms, places = self._terms_of(state, inputs), self._places(state, inputs)
        found = judged(self._no_linear(state), terms, lessons, left, places)
        said = outputs[lessons.row, lessons.output]
        square = float(lessons.weight @ said**2 / lessons.weight.sum())
        return found._replace(net_square=square / found.inside)

    def _sums(self, state):
        sums = state.statistics.precision.sums
        yield from sums.values() if isinstance(sums, dict) else [sums]
        yield from state.statistics.linear.gram
        yield from (state.statistics.linear.moment, state.statistics.linear.residual_square)

    # ----------------------------------------------------------------- belief
    @property
    def noise_variance_(self):
        """Variance of a reward about its mean, of all arms, in squared units of the reward."""
        variance = self._noise_variances()
        state = self.__dict__.get("state_")
        known = None if state is None else state.taught_weight
        if known is None or not known.any():
            return float(variance.mean())
        return float(np.average(variance, weights=known))

    def _noise_variances(self):
        """Variance of the rewards of each output about their mean, (n_outputs,)."""
        n_outputs = self._n_outputs() if hasattr(self, "classes_") else 1
        if self.noise == "fixed":
            return np.full(n_outputs, float(self.noise_std) ** 2)
        state = self.__dict__.get("state_")
        if state is None or state.statistics is None:
            return np.ones(n_outputs)
        variance = state.statistics.linear.noise()[0] * state.judgement.noise_factor
        return variance * state.scaling.reward_scale**2

    @property
    def precision_(self):
        """Precision of the weights."""
        return self._learnt("precision_").statistics.precision

    def _forced(self):
        return None if self.state_.statistics is None else self._untried()

    def _mean_reward(self, contexts):
        state = self.state_
        if state.statistics is None:
            return np.zeros(self._shape_of_answer(contexts))

        def hook(rows):
            inputs = state.scaling.inputs(rows)
            linear = state.statistics.linear.mean(self._terms_of(state, inputs))
            return (self._net_outputs(state, inputs) + linear,)

        (mean,) = self._over_candidates(contexts, hook)
        return state.scaling.unscaled(mean)

    def _belief(self, contexts):
        state, variance = self.state_, self._noise_variances()
        mean, statistics = self._mean_reward(contexts), state.statistics
        if statistics is None:
            width = np.sqrt(variance[0] / self.prior_precision)
            return IndependentBelief(mean, np.full(mean.shape, width))

        share = state.judgement.shares[0] if state.judgement.shares else 1.0

        def hook(rows):
            inputs = state.scaling.inputs(rows)
            linear = statistics.linear.quadratic(self._terms_of(state, inputs))
            form = statistics.precision.quadratic(state.networks[0].frozen, inputs)
            return (linear + np.minimum(share**2 * form, state.judgement.net_square),)

        (form,) = self._over_candidates(contexts, hook)
        return IndependentBelief(mean, np.sqrt(np.maximum(form, 0.0) * variance))

    def _missed_variance(self):
        return self.state_.judgement.misfit * self._noise_variances()

    def _floats_per_row(self, contexts, n_arms):
        width = 4 * contexts.shape[-1] * (n_arms if contexts.ndim == 3 else 1)
        return 8 * n_arms + width + contexts.size // len(contexts) + 1024 * (n_arms + 2)


class NeuralUCB(UpperConfidenceBoundMixin, BaseGradientBandit):
    r"""Upper confidence bounds from the gradients of a network (NeuralUCB).

    The expected reward of an arm is the network's output :math:`f_a(x)` plus what a ridge
    regression of the rest on a constant and the inputs, :math:`z`, says. With the gradient
    :math:`g_a(x)` of the output for all weights, :math:`G = \sum g g^\top` over the rounds played,
    :math:`E` the mean square of a gradient and :math:`Z_a = \sum z z^\top` over the rounds of the
    arm, the score is that mean plus

    .. math:: \alpha \, \sigma \sqrt{g_a^\top (\lambda E I + G)^{-1} g_a
              + z^\top (\lambda I + Z_a)^{-1} z}

    [1]_. So a linear problem costs about what it costs a linear bandit, and an arm that was never
    played is as wide as its prior. The first of the two forms counts no more than the outputs are
    large. Dividing by :math:`E` takes the place of the paper's layer
    width m: the width of the bound grows neither with that of the layers nor with the scale of
    the weights. With a diagonal precision the form is :math:`\sum_i g_i^2 / (\lambda E + P
    G_{ii})`, where P is the effective number of parameters, :math:`(\sum_i G_{ii})^2 / \sum_i
    G_{ii}^2`.

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
    precision : {"diagonal", "last_layer", "full"}, default="diagonal"
        Of which weights, and how, the precision is kept: all weights without their correlations,
        the output layer in full (one block an arm), or all weights in full (up to 5,000).
    alpha : float >= 0 or "auto", default="auto"
        How many standard deviations of the expected reward are added to it; it has no unit. "auto"
        finds it for each arm in each row, see :mod:`skbandit.explorations`.
    prior_precision : float > 0, default=1.0
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
    precision_ : object
        The precision of the weights.
    noise_variance_ : float
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
    NeuralThompsonSampling : Draws from the same belief.
    NeuralLinearBandit : An exact posterior on the last hidden representation.

    Notes
    -----
    The sums of gradients are rebuilt from the buffer after each training, so they are all of one
    network. The published algorithm keeps adding gradients of ever new networks.

    No network is trained on every fifth round. These say when a training ends, how much of the
    network counts (``state_.judgement.shares``; one that does not help counts nothing and is begun
    anew), and how far the errors on the other rounds understate the noise. What is alike in the
    errors of alike contexts, which the network misses, is a part of the standard deviation of
    ``expected_reward`` but not of what `alpha` multiplies: playing an arm does not make it less.

    References
    ----------
    .. [1] D. Zhou, L. Li and Q. Gu (2020). Neural contextual bandits with UCB-based exploration.
       ICML, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.neural import NeuralUCB
    >>> X = np.random.RandomState(0).normal(size=(400, 2))
    >>> arms = np.tile(["in", "out"], 200)
    >>> inside = (X**2).sum(axis=1) < 1
    >>> reward = np.where(arms == "in", inside, ~inside)
    >>> bandit = NeuralUCB(random_state=0).fit(X, arms, reward=reward)
    >>> bandit.predict([[0.0, 0.0], [2.0, 2.0]], explore=False).tolist()
    ['in', 'out']
    """


class NeuralThompsonSampling(ThompsonSamplingMixin, BaseGradientBandit):
    r"""Thompson sampling with a width from the gradients of a network.

    The belief about the expected reward of an arm is Gaussian, with the mean and the width of
    :class:`NeuralUCB`, independent from arm to arm [1]_. The policy, the probability that an arm
    is the best one, is found by quadrature.

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
    precision : {"diagonal", "last_layer", "full"}, default="diagonal"
        Of which weights, and how, the precision is kept: all weights without their correlations,
        the output layer in full (one block an arm), or all weights in full (up to 5,000).
    alpha : float >= 0 or "auto", default="auto"
        Factor on the standard deviation of the belief; it has no unit. "auto" finds it for each
        arm in each row, see :mod:`skbandit.explorations`.
    prior_precision : float > 0, default=1.0
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
    precision_ : object
        The precision of the weights.
    noise_variance_ : float
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
    NeuralUCB : Plays the highest upper confidence bound.
    NeuralLinearBandit : An exact posterior on the last hidden representation.

    Notes
    -----
    The sums of gradients are rebuilt from the buffer after each training, so they are all of one
    network. The published algorithm keeps adding gradients of ever new networks.

    No network is trained on every fifth round. These say when a training ends, how much of the
    network counts (``state_.judgement.shares``; one that does not help counts nothing and is begun
    anew), and how far the errors on the other rounds understate the noise. What is alike in the
    errors of alike contexts, which the network misses, is a part of the standard deviation of
    ``expected_reward`` but not of what `alpha` multiplies: playing an arm does not make it less.

    References
    ----------
    .. [1] W. Zhang, D. Zhou, L. Li and Q. Gu (2021). Neural Thompson sampling. ICLR, algorithm
       1.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.neural import NeuralThompsonSampling
    >>> X = np.random.RandomState(0).normal(size=(400, 2))
    >>> arms = np.tile(["in", "out"], 200)
    >>> inside = (X**2).sum(axis=1) < 1
    >>> reward = np.where(arms == "in", inside, ~inside)
    >>> bandit = NeuralThompsonSampling(random_state=0).fit(X, arms, reward=reward)
    >>> bandit.predict([[0.0, 0.0], [2.0, 2.0]], explore=False).tolist()
    ['in', 'out']
    """

    def __init__(
        self,
        *,
        arms=None,
        net="small_mlp",
        include_inputs="auto",
        precision="diagonal",
        alpha="auto",
        prior_precision=1.0,
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
        selector=None,
        random_state=None,
    ):
        super().__init__(
            include_inputs=include_inputs,
            precision=precision,
            alpha=alpha,
            prior_precision=prior_precision,
            noise=noise,
            noise_std=noise_std,
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
