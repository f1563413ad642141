"""Thompson sampling by drawing a member of an ensemble of networks."""

import copy
from numbers import Integral, Real

import numpy as np
import torch
from torch import nn

from .._optimality import SampledScores
from .._sklearn import Interval
from ._base import BaseNeuralBandit
from ._evaluation import freeze
from ._generators import forked_generators
from ._networks import plain_layers


class EnsembleBandit(BaseNeuralBandit):
    r"""Thompson sampling with an ensemble of networks with randomised priors.

    Member m predicts :math:`f_m(x) + \beta p_m(x)`: a network that is trained, on rounds with
    random weights of its own (each counts twice or not at all), plus a random network
    :math:`p_m` that never is [1]_. Members agree where there are rounds to learn from and
    disagree elsewhere. A decision draws a member and plays the arm it likes best; so the policy,
    the share of members that like an arm best, is known exactly.

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
    n_members : int, default=10
        How many networks. The smallest probability above 0 is one over it.
    prior_scale : float >= 0, default=0.1
        Scale :math:`\beta` of the random networks, in units of the rewards' root mean square:
        how strongly members disagree where nothing is known.
    bootstrap : bool, default=True
        Whether members weigh rounds at random. False lets the priors alone tell them apart.
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
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`. None:
        :class:`~skbandit.selectors.ArgmaxSelector`.
    random_state : int, RandomState instance or None, default=None
        Of initial weights, batches and decisions. None draws afresh at every call, a RandomState
        advances its stream, an int makes a decision a function of the seed, the number of learning
        calls, the state and the row alone. Torch's global generators are left as they are.

    Attributes
    ----------
    nets_ : list of skorch nets
        The members' trained parts.
    priors_ : list of torch modules
        The members' fixed parts.
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

    _unpromised_checks = {
        **BaseNeuralBandit._unpromised_checks,
        **dict.fromkeys(
            (
                "check_order_of_arms",
                "check_ties_are_uniform",
            ),
            "every arm of every member has a random prior of its own",
        ),
    }

    _parameter_constraints = {
        **BaseNeuralBandit._parameter_constraints,
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "prior_scale": [Interval(Real, 0, None, closed="left")],
        "bootstrap": ["boolean"],
    }

    def __init__(
        self,
        *,
        arms=None,
        net="small_mlp",
        n_members=10,
        prior_scale=0.1,
        bootstrap=True,
        buffer=None,
        sampler=None,
        min_samples_to_train=64,
        train_every=64,
        initial_train_steps=None,
        train_steps=None,
        warm_start=True,
        early_stopping_threshold=None,
        standardize=True,
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.net = net
        self.n_members = n_members
        self.prior_scale = prior_scale
        self.bootstrap = bootstrap
        self.buffer = buffer
        self.sampler = sampler
        self.min_samples_to_train = min_samples_to_train
        self.train_every = train_every
        self.initial_train_steps = initial_train_steps
        self.train_steps = train_steps
        self.warm_start = warm_start
        self.early_stopping_threshold = early_stopping_threshold
        self.standardize = standardize
        self.selector = selector
        self.random_state = random_state

    def _n_nets(self):
        return self.n_members

    def _clear_statistics(self):
        if not vars(self).get("nets_"):
            self.priors_ = None

    def _new_nets(self, seed):
        nets = super()._new_nets(seed)
        self.prior_seeds_ = [
            (seed + 15485863 * (number + 1)) % 2**32 for number in range(len(nets))
        ]
        self.priors_ = [
            _random_module(net.module_, one, self._n_outputs())
            for net, one in zip(nets, self.prior_seeds_, strict=True)
        ]
        self.n_known_outputs_ = self._n_outputs()
        return nets

    # --------------------------------------------------------------- learning
    def _columns_of(self, rounds):
        columns = super()._columns_of(rounds)
        full = columns["n_taught"] > 0
        if not full.any():
            return columns
        # The members' priors differ from arm to arm: each arm is a round of its own.
        n_arms = len(self.classes_)
        arm = np.tile(np.arange(n_arms), len(full))
        columns = {name: np.repeat(column, n_arms, axis=0) for name, column in columns.items()}
        reward = (arm == columns["arm"]).astype(np.float64)
        share = columns["share"] / n_arms
        return {**columns, "arm": arm, "reward": reward, "n_taught": 0.0 * share, "share": share}

    def _absorb(self, columns):
        shape = (len(columns["arm"]), self.n_members)
        if self.bootstrap:
            rng = np.random.RandomState(self._bootstrap_seed())
            copies = (2 * rng.randint(2, size=shape)).astype(np.uint8)
        else:
            copies = np.ones(shape, dtype=np.uint8)
        super()._absorb({**columns, "copies": copies})

    def _bootstrap_seed(self):
        if isinstance(self.random_state, Integral):
            sequence = np.random.SeedSequence([int(self.random_state), self.n_updates_, 1])
            return int(sequence.generate_state(1)[0])
        return self._seed()

    def _targets(self, columns, number):
        targets = super()._targets(columns, number)
        prior = self._prior(columns["row"], number)
        return targets._replace(
            reward=targets.reward - prior[np.arange(len(prior)), columns["arm"]],
            weight=targets.weight * columns["copies"][:, number],
        )

    def _rebuild(self):
        """Nothing is kept beside the networks."""

    def _update(self, columns):
        """Nothing is kept beside the networks."""

    # ----------------------------------------------------------------- belief
    def _prior(self, rows, number):
        """Outputs of a member's random network for plain rows."""
        key = ("prior", number)
        if key not in self._cache:
            self._cache[key] = freeze(self.priors_[number], self.input_shape_)
        return self.prior_scale * self._cache[key].outputs(self.scaling_.inputs(rows))

    def _member_scores(self, contexts):
        """What each member expects, (n_members, n_samples, n_arms), in units of the reward."""

        def hook(rows):
            return [
                self._outputs(rows, number) + self._prior(rows, number)
                for number in range(len(self.nets_))
            ]

        scores = np.stack(self._over_candidates(contexts, hook))
        return self.scaling_.reward_scale * scores

    def _expected_reward(self, contexts):
        if not self.nets_:
            shape = (len(contexts), self._n_columns(contexts))
            return np.zeros(shape), np.full(shape, float(self.prior_scale))
        scores = self._member_scores(contexts)
        spread = scores.std(axis=0, ddof=1) if len(scores) > 1 else np.zeros(scores.shape[1:])
        return scores.mean(axis=0), spread

    def _policy(self, contexts, available):
        if not self.nets_:
            return super()._policy(contexts, available)
        return self._selector.expect(SampledScores(self._member_scores(contexts)), available)

    def _floats_per_row(self, contexts, n_arms):
        return self.n_members * (4 * n_arms + 128) + contexts.size // len(contexts)

    # -------------------------------------------------------------- transfer
    def _resize_extra(self, feature_source, output_source):
        n_new = np.count_nonzero(output_source < 0)
        # An arm that is added has the random weights that it would have had from the start; one
        # that takes the place of an arm that is gone has others.
        numbers = self.n_known_outputs_ + np.arange(n_new)
        self.n_known_outputs_ += n_new
        self.priors_ = [copy.deepcopy(prior) for prior in self.priors_]
        for prior, seed in zip(self.priors_, self.prior_seeds_, strict=True):
            layers = plain_layers(prior)
            _resize_inputs(layers[0], np.asarray(feature_source), seed)
            rows = [_output_weights(layers[-1], seed, number) for number in numbers.tolist()]
            _resize_outputs(layers[-1], np.asarray(output_source), rows)

    def _teach_extra(self, new_arms, taught):
        for prior in self.priors_:
            output = plain_layers(prior)[-1]
            with torch.no_grad():
                output.weight[new_arms] = output.weight[taught].mean(dim=0)


def _random_module(module, seed, n_outputs):
    """Return a copy with random weights, also of the outputs, which have about unit size."""
    module = copy.deepcopy(module).cpu()
    layers = plain_layers(module)
    if not layers or layers[-1].out_features != n_outputs:
        raise ValueError(
            f"net's module {type(module).__name__} must have a torch.nn.Linear layer that puts "
            f"out one number an arm ({n_outputs}): EnsembleBandit gives the outputs of its random "
            "prior networks weights of their own there."
        )
    with forked_generators(seed), torch.no_grad():
        for layer in layers:
            if layer is not layers[-1]:
                layer.weight.normal_(0.0, (2.0 / layer.in_features) ** 0.5)
            if layer.bias is not None:
                layer.bias.zero_()
        for number in range(layers[-1].out_features):
            layers[-1].weight[number] = _output_weights(layers[-1], seed, number)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module


def _output_weights(layer, seed, number):
    """Random weights of one output: they do not depend on how many outputs there are."""
    deviates = np.random.RandomState([seed, number]).standard_normal(layer.in_features)
    return torch.from_numpy(deviates * layer.in_features**-0.5).to(layer.weight.dtype)


def _resize_inputs(layer, source, seed):
    """Give a linear layer other inputs; the weights of new ones are random."""
    old = layer.weight.detach()
    if np.array_equal(source, np.arange(layer.in_features)):
        return
    shape = (len(old), len(source))
    deviates = np.random.RandomState([seed, 1, len(source)]).standard_normal(shape)
    weight = torch.from_numpy((float(old.square().mean().sqrt()) or 1.0) * deviates).to(old.dtype)
    known = np.flatnonzero(source >= 0)
    weight[:, known] = old[:, source[known]]
    layer.weight = nn.Parameter(weight, requires_grad=False)
    layer.in_features = len(source)


def _resize_outputs(layer, source, fresh):
    """Give a linear layer other outputs; `fresh` holds the weights of each new one."""
    old, fresh = layer.weight.detach(), iter(fresh)
    rows = [old[one] if one >= 0 else next(fresh) for one in source.tolist()]
    layer.weight = nn.Parameter(torch.stack(rows), requires_grad=False)
    layer.out_features = len(rows)
    if layer.bias is not None:
        layer.bias = nn.Parameter(old.new_zeros(len(rows)), requires_grad=False)
