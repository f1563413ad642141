"""What the neural bandits share: networks, buffer, schedule, scaling, learning, transfer."""

import copy
from numbers import Integral, Real

import numpy as np
import torch

from .._shares import blended
from .._sklearn import HasMethods, Interval, StrOptions
from .._threads import threads_for
from ..base import BaseBandit
from ..buffers import (
    BUFFER_METHODS,
    SAMPLER_METHODS,
    AllData,
    RandomSampler,
    RefitSchedule,
    ScheduleState,
    check_instance,
    take_rounds,
)
from ..explorations import all_were_tried, still_to_try
from ._columns import columns_of, n_rounds, weight_by_output
from ._frozen import BLOCK_ROWS, dtype_of, to_tensor
from ._generators import ordinary_mode
from ._gradients import trainable
from ._linear_part import Judgement, Lessons, empty_part, lessons_of, offsets, share_of
from ._nets import build_net, copied_net_parameter, is_skorch_net, starts_at_zero
from ._scaling import check_squares, find_scaling, varies_anew
from ._seeds import Seeds
from ._state import Network, NeuralState
from ._targets import Targets
from ._training import Training, fewest_rows, train_nets, warn_diverged
from ._transfer import (
    carried_networks,
    carried_rounds,
    carried_scaling,
    check_same_structure,
    module_description,
)

# A net that brings no number of passes of its own takes two steps for each new round, so many at
# least; held-out rounds may end a training sooner.
_STEPS_A_ROUND = 2
_FEWEST_STEPS, _FEWEST_INITIAL_STEPS = 20, 200
# Between trainings so many rounds come in at least, and the rounds grow by such a factor: with T
# rounds all trainings together then cost about as much as 20 T rounds.
_TRAIN_EVERY, _GROWTH = 64, 1.05
# Until the network is trained, what rounds are measured in is found anew when they have grown by
# this; few rounds are measured each time.
_MEASURE_GROWTH, _FEW = 1.1, 256
# Numbers beyond this, in units of the spread, are measured anew before they train a network.
_FAR_OUT = 1e9
# Rounds of a step of a training, about.
_A_BATCH = 256
# The linear part takes the square of the number of inputs, an arm.
_MOST_TERMS = 128
# Contexts that are asked what the model expects of arms that are far behind.
_ASKED_ROWS = 64
_TOO_LARGE = (
    "X or reward is so large that what is learnt from it is not finite; the bandit is what it was "
    "before. Scale the features (StandardScaler) and rewards."
)


class BaseNeuralBandit(BaseBandit):
    """Networks, trained on a schedule on the rounds in a buffer, and statistics built on them.

    Beside the hooks of :class:`skbandit.base.BaseBandit` a subclass has:

    - ``_build(state)``: return the statistics of the rounds in the buffer;
    - ``_update(state, columns)``: return the statistics after new rounds, under the same networks;
    - ``_sums(state)``: yield the arrays of the statistics that must be finite;
    - ``_missed_variance()``: return the variance of what the networks miss (default: none);
    - ``_n_nets()``: how many networks it trains (default: one);
    - ``_judge(state)``: return what held-out rounds say of the networks, see :func:`judged`;
    - ``_prepare(state, seeds)``, ``_carry_statistics(source, resize, outputs, seeds)``: return the
      statistics that new, or carried, networks start with (default: none).
    """

    _shape_parameters = ("net__module", "buffer")
    # What _check_contexts adds is about candidates.
    _checks_plain_contexts = False

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "net": [str, callable, HasMethods(["initialize", "get_params"])],
        "buffer": [BUFFER_METHODS, None],
        "sampler": [SAMPLER_METHODS, None],
        "min_samples_to_train": [Interval(Integral, 1, None, closed="left")],
        "train_every": [Interval(Integral, 1, None, closed="left"), None],
        "initial_train_steps": [Interval(Integral, 0, None, closed="left"), None],
        "train_steps": [Interval(Integral, 0, None, closed="left"), None],
        "warm_start": ["boolean"],
        "early_stopping_threshold": [Interval(Real, 0, None, closed="left"), None],
        "standardize": ["boolean"],
        "include_inputs": ["boolean", StrOptions({"auto"})],
        "prior_precision": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        arms,
        net,
        buffer,
        sampler,
        min_samples_to_train,
        train_every,
        initial_train_steps,
        train_steps,
        warm_start,
        early_stopping_threshold,
        standardize,
        selector,
        random_state,
    ):
        self.arms = arms
        self.net = net
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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        bandit_tags = tags.bandit_tags
        bandit_tags.learning = "buffer"
        # Hidden layers are taught by all arms, and so is the unit of the rewards.
        bandit_tags.arms, bandit_tags.prior = "linked", "learnt"
        # A noise that is given is in units of the reward.
        is_given = getattr(self, "noise", "learnt") == "fixed"
        bandit_tags.location = "fixed" if is_given else "learnt"
        bandit_tags.arm_order = "free" if starts_at_zero(self.net) else "matters"
        # A network made for other features has other initial weights; a feature that is dropped
        # is set to its mean.
        bandit_tags.adding_features = bandit_tags.dropping_features = "approximate"
        # Networks are trained in single precision, step after step.
        bandit_tags.rounding = 1e-3
        return tags

    def __sklearn_clone__(self):
        # An open log in a net's callbacks cannot be copied: it is shared.
        bare = self._twin()
        bare.net = "none"
        new = super(BaseNeuralBandit, bare).__sklearn_clone__()
        new.net = copied_net_parameter(self.net)
        return new

    # ----------------------------------------------------- for families to define
    def _build(self, state):
        return state.statistics

    def _update(self, state, columns):
        return state.statistics

    def _sums(self, state):
        return ()

    def _n_nets(self):
        return 1

    def _judge(self, state):
        return Judgement()

    def _prepare(self, state, seeds):
        return None

    def _carry_statistics(self, source, resize, outputs, seeds):
        return None

    # ---------------------------------------------------------------- contexts
    def _check_contexts(self, X, reset):
        shape = None
        if getattr(X, "ndim", 2) > 3 and not callable(X.ndim):
            # What each candidate is (an image, a sequence) is kept flat.
            X = np.asarray(X)
            X, shape = X.reshape(*X.shape[:2], -1), X.shape[2:]
        if reset:
            self.candidate_shape_ = shape
        elif shape != self.candidate_shape_ and None not in (shape, self.candidate_shape_):
            raise ValueError(
                f"X's candidates have shape {shape}, but the bandit has learnt from "
                f"{self.candidate_shape_}."
            )
        return super()._check_contexts(X, reset)

    def _n_outputs(self, n_arms=None):
        n_arms = len(self.classes_) if n_arms is None else n_arms
        return 1 if self._candidate_features else n_arms

    # ---------------------------------------------------------------- learning
    def _initial_state(self, n_arms, n_features):
        return NeuralState(
            networks=(),
            buffer=AllData() if self.buffer is None else copy.deepcopy(self.buffer),
            schedule=ScheduleState(),
            scaling=None,
            n_updates=0,
            taught_weight=np.zeros(self._n_outputs(n_arms)),
            paid=np.zeros(self._n_outputs(n_arms)),
            judgement=Judgement(),
            statistics=None,
        )

    def _learn(self, rounds):
        self._check_buffer()
        state = self.state_
        seeds = Seeds(self.random_state, state.n_updates)
        columns = self._columns_of(rounds, seeds, state.n_updates)
        if len(columns["arm"]) == 0:
            return state
        check_squares(columns)
        try:
            with ordinary_mode(), np.errstate(over="ignore", invalid="ignore"):
                state = self._after(state, columns, seeds)
        except np.linalg.LinAlgError as error:
            raise ValueError(_TOO_LARGE) from error
        sums = [*state.scaling[:4], *self._sums(state)]
        if not all(np.isfinite(part).all() for part in sums):
            raise ValueError(_TOO_LARGE)
        return state

    def _columns_of(self, rounds, seeds, n_updates):
        return columns_of(rounds, len(self.classes_), n_updates)

    def _after(self, state, columns, seeds):
        """The state after these columns of rounds."""
        is_first = not state.networks
        if is_first:
            state = state._replace(networks=self._new_networks(seeds))
            state = state._replace(statistics=self._prepare(state, seeds))
        n_outputs = len(state.taught_weight)
        taught = weight_by_output(columns, n_outputs).sum(axis=0)
        named = columns["weight"] * columns["reward"]
        state = state._replace(
            n_updates=state.n_updates + 1,
            buffer=state.buffer.extended(columns, np.random.RandomState(seeds.net(0))),
            schedule=state.schedule.extended(n_rounds(columns)),
            taught_weight=state.taught_weight + taught,
            paid=state.paid + np.bincount(columns["arm"], named, minlength=n_outputs),
        )
        trains = self._training_is_due(state)
        scaling = self._measured(state, trains)
        if scaling is not None:
            state = state._replace(scaling=scaling)
        if is_first:
            state.networks[0].frozen.check_answers(scaling.inputs(columns["row"][:3]))
        if trains:
            state = self._trained(state, seeds)
            found = self._judge(state)._replace(shares=state.judgement.shares)
            state = state._replace(judgement=found)
        if trains or scaling is not None or state.statistics is None:
            return state._replace(statistics=self._build(state))
        return state._replace(statistics=self._update(state, columns))

    def _check_buffer(self):
        """Raise where the network would never be trained."""
        check_instance(self.buffer, "buffer")
        check_instance(self.sampler, "sampler")
        capacity = getattr(self.buffer, "capacity", None)
        if capacity is not None and capacity < self.min_samples_to_train:
            raise ValueError(
                f"buffer keeps at most {capacity} rounds, too few samples for "
                f"min_samples_to_train={self.min_samples_to_train}: the network would never be "
                "trained. Give the buffer more room, or lower min_samples_to_train."
            )

    def _new_networks(self, seeds):
        shape = self.candidate_shape_
        sizes = self.n_features_in_, self._n_outputs()
        nets = [
            build_net(self.net, *sizes, seeds.net(number), shape)
            for number in range(self._n_nets())
        ]
        return tuple(Network(net, shape) for net in nets)

    def _no_linear(self, state):
        """The linear part before any round."""
        n_terms = self._terms_of(state, np.empty((0, len(state.scaling.shift)))).shape[1]
        return empty_part(len(state.taught_weight), n_terms, self.prior_precision)

    def _taught_in_blocks(self, state, statistics):
        """Statistics after all rounds in the buffer, by a family's ``_taught``."""
        columns = state.buffer.columns
        for start in range(0, len(columns["arm"]), BLOCK_ROWS):
            block = take_rounds(columns, slice(start, start + BLOCK_ROWS))
            statistics = self._taught(state, statistics, block)
        return statistics

    # ---------------------------------------------------------------- scaling
    def _measured(self, state, trains):
        """Scaling of inputs and rewards, measured anew; None where the known one is kept.

        A trained network keeps the units that it was trained in until it is trained again.
        """
        known, trained = state.scaling, state.schedule.n_refits > 0
        if trained and not trains:
            return None
        columns = state.buffer.columns
        weight = n_rounds(columns)
        if known is not None and not (
            weight >= (2.0 if trained else _MEASURE_GROWTH) * known.n_rounds
            or (not trained and weight <= _FEW)
            or (trains and (varies_anew(columns, known) or _is_far_out(columns, known)))
        ):
            return None
        module = state.networks[0].module
        raw = bool(getattr(module, "raw_inputs", False))
        scaling = find_scaling(
            columns, weight, self.standardize and not raw, bounded=self._is_trained()
        )
        largest = np.abs(scaling.inputs(columns["row"])).max()
        if largest**2 > torch.finfo(dtype_of(module)).max:
            raise ValueError(
                f"X holds numbers of size {largest:.2g}, whose square is beyond the precision of "
                "net's module. Scale the features, or leave standardize=True."
            )
        return scaling

    # ---------------------------------------------------------------- training
    @property
    def _schedule(self):
        every, growth = self.train_every, 1.0
        if every is None:
            every, growth = _TRAIN_EVERY, _GROWTH
        return RefitSchedule(self.min_samples_to_train, every, growth, warm_start=self.warm_start)

    def _is_trained(self):
        """Whether there is anything to train: the network 'none' is its own input."""
        return not (isinstance(self.net, str) and self.net == "none")

    def _training_is_due(self, state):
        if not self._is_trained():
            return False
        columns = state.buffer.columns
        module = state.networks[0].module
        return (
            bool(trainable(module))
            and self._schedule.is_due(state.schedule, n_rounds(columns))
            and len(columns["arm"]) >= fewest_rows(module)
        )

    def _steps(self, state):
        """The number of steps of a training, and whether held-out rounds may end it."""
        schedule, afresh = state.schedule, self._schedule.starts_afresh(state.schedule)
        steps = self.initial_train_steps if afresh else self.train_steps
        if steps is not None or is_skorch_net(self.net):
            return steps, False
        columns = state.buffer.columns
        n_rows, kept = len(columns["arm"]), n_rounds(columns)
        if afresh:
            return max(_STEPS_A_ROUND * n_rows, _FEWEST_INITIAL_STEPS), True
        share = min(schedule.new_weight / max(kept, 1e-12), 1.0)
        return max(round(_STEPS_A_ROUND * share * n_rows), _FEWEST_STEPS), True

    def _trained(self, state, seeds):
        columns, networks = state.buffer.columns, state.networks
        numbers = range(len(networks))
        shape = networks[0].input_shape
        inputs = state.scaling.inputs(columns["row"])
        taught, held = zip(
            *(self._targets(state, inputs, number) for number in numbers), strict=True
        )
        n_steps, is_watched = self._steps(state)
        shares = state.judgement.shares or (1.0,) * len(networks)
        trained = train_nets(
            [network.net for network in networks],
            to_tensor(inputs, dtype_of(networks[0].module), shape),
            taught,
            held,
            columns,
            [seeds.net(number) for number in numbers],
            Training(
                RandomSampler() if self.sampler is None else self.sampler,
                n_steps,
                self.early_stopping_threshold,
                # What held-out rounds know nothing good of is not worth going on from.
                afresh=[not self.warm_start or (is_watched and one == 0.0) for one in shares],
                is_watched=is_watched,
            ),
        )
        if any(net is None for net in trained):
            warn_diverged()
            return state._replace(schedule=state.schedule.postponed())
        networks = tuple(Network(net, shape) for net in trained)
        shares = tuple(
            self._share(state, network, inputs, targets)
            for network, targets in zip(networks, held, strict=True)
        )
        return state._replace(
            networks=networks,
            judgement=state.judgement._replace(shares=shares),
            schedule=state.schedule.refitted(n_rounds(columns)),
        )

    def _share(self, state, network, inputs, held):
        """How much of a network counts, by the targets of what is held out."""
        columns = state.buffer.columns
        lessons = lessons_of(columns, state.scaling, len(state.taught_weight))
        rows = np.flatnonzero(held.weight > 0.0)
        if not rows.size:
            return 1.0
        held = held.taken(rows)
        asked = np.flatnonzero(np.isin(lessons.row, rows))
        lessons = Lessons(*(field[asked] for field in lessons))
        place = np.searchsorted(rows, lessons.row)
        lessons = lessons._replace(row=place)
        if held.offset is None:
            wanted = held.reward[place]
        else:
            wanted = lessons.reward - held.offset[place, lessons.output]
        return share_of(network.frozen.outputs(inputs[rows]), lessons, wanted, held.weight[place])

    def _targets(self, state, inputs, number):
        """What the net of this number is taught, and by what it is watched."""
        columns, scaling = state.buffer.columns, state.scaling
        lessons = lessons_of(columns, scaling, len(state.taught_weight))
        trained, held = self._parted(columns, number)
        if (trained > 0.0).sum() < fewest_rows(state.networks[number].module):
            # So few rounds have no fifth.
            trained, held = trained + held, np.zeros_like(held)
        share = trained / columns["weight"]
        shape = len(trained), len(state.taught_weight)
        own = self._own_part(state, inputs, number)
        reward = lessons.reward - own[lessons.row, lessons.output]
        weight = lessons.weight * share[lessons.row]
        terms = self._terms_of(state, inputs)
        linear = offsets(terms, lessons, reward, weight, self.prior_precision, shape)
        low, high = scaling.reward(np.array([0.0, 1.0]))
        size = len(trained)
        of_part = [
            Targets(
                arm=columns["arm"],
                reward=scaling.reward(columns["reward"]),
                weight=part,
                n_taught=columns["n_taught"],
                low=np.full(size, low),
                high=np.full(size, high),
                offset=own + offset,
            )
            for part, offset in zip((trained, held), linear, strict=True)
        ]
        if not (columns["n_taught"] > 0).any():
            # One number a round is faster to go through.
            of_part = [targets.of_played_arm() for targets in of_part]
        return of_part

    def _parted(self, columns, number):
        """The weights of what the net of this number is trained on, and of what is held out."""
        return columns["weight"] - columns["held"], columns["held"]

    def _own_part(self, state, inputs, number):
        """What a net is added to beside the linear part, (n_rows, n_outputs)."""
        return np.zeros((len(inputs), len(state.taught_weight)))

    def _threads(self, n_rows):
        networks = self.state_.networks
        n_weights = networks[0].n_weights if networks else 0
        # Forwards and backwards, and the linear part of whatever width.
        return threads_for(6.0 * n_weights * max(n_rows, _A_BATCH))

    # ---------------------------------------------------------------- linear part
    def _net_outputs(self, state, inputs, number=0):
        """What counts of the outputs of a network, for scaled inputs."""
        outputs = state.networks[number].frozen.outputs(inputs)
        shares = state.judgement.shares
        return shares[number] * outputs if shares else outputs

    def _has_linear_part(self, state):
        """Whether the inputs are terms of the linear part; else it is a constant an arm."""
        if not isinstance(self.include_inputs, str):
            return bool(self.include_inputs)
        network, n_features = state.networks[0], len(state.scaling.shift)
        raw = bool(getattr(network.module, "raw_inputs", False))
        return network.input_shape is None and not raw and n_features <= _MOST_TERMS

    @staticmethod
    def _places(state, inputs, number=0):
        """Where contexts lie, such that near ones are alike: as the network sees them."""
        try:
            return state.networks[number].frozen.represent(inputs)
        except ValueError:
            # A module without a representation of its own.
            return inputs

    def _terms_of(self, state, inputs):
        """Terms of the linear part, for scaled inputs, (n_rows, n_terms)."""
        return inputs if self._has_linear_part(state) else inputs[:, :0]

    # ---------------------------------------------------------------- transfer
    @property
    def net__module(self):
        """What the network is made of, in words; a change of it does not fit what was learnt."""
        return module_description(self.net)

    def _carry_state(self, source, resize):
        if not isinstance(source, BaseNeuralBandit):
            self._check_same_shape(source)
        check_same_structure(source.net, self.net, source._n_nets(), self._n_nets())
        state = source.state_
        self.candidate_shape_ = shape = source.candidate_shape_
        moves = resize.moves_features(source.n_features_in_)
        if source._candidate_features and not moves and self._is_set_as(source):
            # Candidates share one network, however many there are.
            return state
        if shape is not None and moves:
            raise ValueError(
                f"The candidates have shape {shape}: features of such inputs cannot be added, "
                "dropped or reordered."
            )
        known = self._initial_state(resize.n_arms, resize.n_features)
        known = known._replace(n_updates=state.n_updates)
        if not state.networks:
            return known
        seeds = _seeds_of_transfer(self.random_state, state.n_updates)
        outputs = np.zeros(1, dtype=np.intp) if source._candidate_features else resize.arm_source
        shares = None if source._candidate_features else resize.shares
        with ordinary_mode():
            known = known._replace(
                networks=carried_networks(
                    state.networks,
                    self.net,
                    source._some_inputs(),
                    resize.feature_source,
                    outputs,
                    shares,
                    seeds,
                ),
                buffer=carried_rounds(
                    state.buffer, known.buffer, resize.feature_source, outputs, shares, seeds
                ),
                schedule=state.schedule,
                scaling=carried_scaling(state.scaling, resize.feature_source),
                taught_weight=_carried_weight(state.taught_weight, outputs, shares),
                paid=_carried_weight(state.paid, outputs, shares),
                judgement=state.judgement,
                statistics=self._carry_statistics(source, resize, outputs, seeds),
            )
            if len(known.buffer) == 0:
                return known
            return known._replace(statistics=self._build(known))

    def _some_inputs(self):
        """Some rows that were learnt, scaled: networks are held against each other on them."""
        state = self.state_
        rows = state.buffer.columns["row"][-16:]
        if len(rows) == 0:
            rows = np.zeros((1, self.n_features_in_))
        return state.scaling.inputs(rows)

    def _is_set_as(self, source):
        """Whether another bandit has the very parameters of this one."""
        return type(self) is type(source) and all(
            getattr(self, name) is getattr(source, name)
            for name in self._get_param_names()
            if name != "arms"
        )

    # ---------------------------------------------------------------- questions
    def _missed_variance(self):
        """Variance of what the networks miss, in squared units of the reward."""
        return 0.0

    def _expected_reward(self, contexts):
        # Explorations multiply widths that shrink as an arm is played; what the networks cannot
        # see of the rewards does not, and is a part of the answer alone.
        belief = self._belief(contexts)
        return belief.mean, np.sqrt(belief.std**2 + self._missed_variance())

    def _untried(self):
        """The share of rounds of arms far behind: the hook ``_forced`` of families."""
        if "forced" not in self._cache:
            self._cache["forced"] = self._found_untried()
        return self._cache["forced"]

    def _found_untried(self):
        state = self.state_
        weight, columns = state.taught_weight, state.buffer.columns
        if self._candidate_features or all_were_tried(weight) or (columns["n_taught"] > 0).any():
            return None
        mean = self._mean_paid()
        square = columns["weight"] * (columns["reward"] - mean[columns["arm"]]) ** 2
        square = np.bincount(columns["arm"], square, minlength=len(weight))
        known = np.bincount(columns["arm"], columns["weight"], minlength=len(weight))
        spread = np.sqrt(square / np.where(known > 0.0, known, 1.0))
        if still_to_try(weight, mean, spread) is None:
            return None
        rows = columns["row"][:: -(-len(columns["row"]) // _ASKED_ROWS)]
        return still_to_try(weight, mean, spread, self._mean_reward(rows).std(axis=0))

    def _mean_paid(self):
        """Mean reward of each output; that of all for one that has learnt nothing."""
        state = self.state_
        weight = state.taught_weight
        overall = state.paid.sum() / max(weight.sum(), 1e-300)
        return np.where(weight > 0.0, state.paid / np.where(weight > 0.0, weight, 1.0), overall)

    def _over_candidates(self, contexts, hook):
        """Ask a hook about every row of plain rows, or every candidate of every row.

        The hook returns arrays (n_rows, n_outputs); for candidates they come back as
        (n_samples, n_candidates).
        """
        if contexts.ndim == 2:
            return tuple(hook(contexts))
        n_samples, n_candidates, n_features = contexts.shape
        answers = hook(np.ascontiguousarray(contexts.reshape(-1, n_features)))
        return tuple(answer.reshape(n_samples, n_candidates) for answer in answers)

    def _shape_of_answer(self, contexts):
        n_columns = contexts.shape[1] if contexts.ndim == 3 else len(self.classes_)
        return len(contexts), n_columns

    # ---------------------------------------------------- what users look at
    def _learnt(self, name):
        if not self.__sklearn_is_fitted__() or not self.state_.networks:
            raise AttributeError(f"{name} is there once the bandit has learnt from rounds.")
        return self.state_

    @property
    def nets_(self):
        """The trained skorch nets."""
        return [network.net for network in self._learnt("nets_").networks]

    @property
    def net_(self):
        """The trained skorch net (the first, where there are several)."""
        return self._learnt("net_").networks[0].net

    @property
    def buffer_(self):
        """The rounds that are kept."""
        return self._learnt("buffer_").buffer

    @property
    def scaling_(self):
        """Shift and scale of inputs, scale of rewards."""
        return self._learnt("scaling_").scaling

    @property
    def n_trainings_(self):
        """How many times the network was trained."""
        return self._learnt("n_trainings_").schedule.n_refits


def _is_far_out(columns, scaling):
    """Whether numbers are so far from the known ones that single precision loses them."""
    scaled = scaling.inputs(columns["row"]), scaling.reward(columns["reward"])
    return max(np.abs(part).max() for part in scaled) > _FAR_OUT


def _seeds_of_transfer(random_state, n_updates):
    """Seeds of what is new after a transfer; a stream is left where it is."""
    return Seeds(copy.deepcopy(random_state), n_updates)


def _carried_weight(weight, outputs, shares):
    carried = np.where(outputs >= 0, weight[outputs], 0.0)
    if shares is not None:
        carried[outputs < 0] = blended(weight, shares)
    return carried
