"""What the neural bandits share: net, buffer, schedule, scaling, learning."""

import copy
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils import check_random_state

from .._sklearn import HasMethods, Interval
from ..base import BaseBandit
from ..buffers import (
    BUFFER_METHODS,
    SAMPLER_METHODS,
    AllData,
    RandomSampler,
    RefitSchedule,
    ScheduleState,
    check_instance,
)
from ._evaluation import dtype_of, freeze, to_tensor
from ._generators import ordinary_mode
from ._nets import build_net, is_skorch_net, unfitted_copy
from ._scaling import check_squares, find_scaling
from ._targets import Targets
from ._training import Training, fewest_rows, train_nets, warn_diverged
from ._transfer import NeuralTransferMixin

# Steps of a net that brings no number of passes of its own.
_INITIAL_STEPS, _STEPS = 200, 100
# Numbers beyond this, in units of the spread, are measured anew before they train a network.
_FAR_OUT = 1e9


class BaseNeuralBandit(NeuralTransferMixin, BaseBandit):
    """A network, trained on a schedule on the rounds in a buffer, and statistics built on it.

    Beside the hooks of :class:`skbandit.base.BaseBandit` a subclass has:

    - ``_rebuild()``: compute the statistics anew from ``buffer_`` and ``nets_``;
    - ``_update(columns)``: fold new rounds into the statistics, under the same network;
    - ``_n_nets()``: how many networks it trains (default: one).

    Learning works on a shallow copy and replaces objects instead of writing to them: a learning
    call that fails leaves the bandit as it was.
    """

    _context_ndims = (2, 3)

    # What skbandit.utils.estimator_checks asks of models that are sums over rounds.
    _unpromised_checks = {
        **dict.fromkeys(
            (
                "check_pieces_equal_whole",
                "check_weights_equal_repetition",
                "check_full_feedback",
                "check_candidates_learn_in_pieces",
                "check_removed_arm_is_forgotten",
            ),
            "what a network has learnt depends on when it was trained, and on what batches",
        ),
        **dict.fromkeys(
            ("check_expand_features", "check_drop_features"),
            "a network made for other features has other initial weights",
        ),
        "check_cold_arms_at_prior": "the prior's width is in units of the representation",
    }

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "net": [str, callable, HasMethods(["initialize", "get_params"])],
        "buffer": [BUFFER_METHODS, None],
        "sampler": [SAMPLER_METHODS, None],
        "min_samples_to_train": [Interval(Integral, 1, None, closed="left")],
        "train_every": [Interval(Integral, 1, None, closed="left")],
        "initial_train_steps": [Interval(Integral, 0, None, closed="left"), None],
        "train_steps": [Interval(Integral, 0, None, closed="left"), None],
        "warm_start": ["boolean"],
        "early_stopping_threshold": [Interval(Real, 0, None, closed="left"), None],
        "standardize": ["boolean"],
    }

    # ------------------------------------------------------------------ hooks
    def _n_nets(self):
        return 1

    def _net_is_trained(self):
        """Whether there is anything to train: the network 'none' is its own input."""
        return not (isinstance(self.net, str) and self.net == "none")

    def _takes_raw_inputs(self):
        """Whether the module wants its inputs as they are (token ids, say): it says so itself."""
        return bool(getattr(self.nets_[0].module_, "raw_inputs", False))

    # ----------------------------------------------------------------- inputs
    def _flat(self, X):
        """Flatten what each candidate is (an image, a sequence), and its shape or None."""
        if getattr(X, "ndim", 2) > 3 and not callable(X.ndim):
            X = np.asarray(X)
            return X.reshape(*X.shape[:2], -1), X.shape[2:]
        return X, None

    def _checked(self, X):
        X, shape = self._flat(X)
        if self.__sklearn_is_fitted__():
            self._check_shape(shape)
        return super()._checked(X)

    def _check_shape(self, shape):
        if shape != self.input_shape_ and None not in (shape, self.input_shape_):
            raise ValueError(
                f"X's candidates have shape {shape}, but the bandit has learnt from "
                f"{self.input_shape_}."
            )

    def _learn_rounds(self, X, y, reward, sample_weight, classes, forget):
        X, shape = self._flat(X)
        if forget or not self.__sklearn_is_fitted__():
            self._new_shape = shape
        else:
            self._check_shape(shape)
        try:
            return super()._learn_rounds(X, y, reward, sample_weight, classes, forget)
        finally:
            vars(self).pop("_new_shape", None)

    def _start(self, arms, candidate_features):
        super()._start(arms, candidate_features)
        self.nets_ = None
        self.buffer_ = AllData() if self.buffer is None else copy.deepcopy(self.buffer)
        self.scaling_ = None
        self.input_shape_ = vars(self).get("_new_shape")
        self.n_updates_ = 0
        self.schedule_ = ScheduleState()
        self._clear_statistics()

    def _clear_statistics(self):
        """Set the statistics of a bandit that has seen nothing."""

    def _grow_candidates(self, n_candidates):
        self.classes_ = np.arange(n_candidates)

    def _n_outputs(self):
        return 1 if self._candidate_features else len(self.classes_)

    # --------------------------------------------------------------- learning
    def __sklearn_clone__(self):
        # An open log in a net's callbacks cannot be copied: it is shared.
        bare = self._twin()
        bare.net = "none"
        new = super(BaseNeuralBandit, bare).__sklearn_clone__()
        new.net = unfitted_copy(self.net) if is_skorch_net(self.net) else copy.deepcopy(self.net)
        return new

    def _twin(self):
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

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

    def _learn(self, rounds):
        self._validate_params()
        self._check_buffer()
        columns = self._columns_of(rounds)
        if len(columns["row"]) == 0:
            return
        check_squares(columns)
        work = self._twin()
        # Frozen copies of the networks stay good until these are trained.
        work._cache = {k: v for k, v in self._cache.items() if k[0] in ("module", "prior")}
        # Learning that fails gives back what it drew.
        own_stream = isinstance(self.random_state, np.random.RandomState)
        before = self.random_state.get_state() if own_stream else None
        try:
            with ordinary_mode(), np.errstate(over="ignore", invalid="ignore"):
                work._absorb(columns)
                work._check_finite()
        except BaseException as error:
            if own_stream:
                self.random_state.set_state(before)
            if isinstance(error, np.linalg.LinAlgError):
                raise ValueError(_TOO_LARGE) from error
            raise
        self.__dict__ = vars(work)

    def _check_finite(self):
        """Raise where what was learnt is not finite."""
        if not all(np.isfinite(part).all() for part in self._sums()):
            raise ValueError(_TOO_LARGE)

    def _sums(self):
        """Yield arrays that must be finite."""
        yield self.scaling_.shift
        yield self.scaling_.scale
        yield self.scaling_.reward_scale

    def _columns_of(self, rounds):
        """Rounds as columns of the buffer, one row an arm that was played; weight 0 is absent."""
        rows, arm, reward, weight = rounds[:4]
        n_rounds = len(arm)
        weight = np.ones(n_rounds) if weight is None else weight
        n_taught, share = np.zeros(n_rounds), np.full(n_rounds, 1.0 / rounds.rows_per_round)
        if rows.ndim == 3:
            n_candidates = rows.shape[1]
            if reward is None:
                # Each candidate is a round of its own, paid 1 if it was named.
                named = np.arange(n_candidates) == arm[:, None]
                reward, weight = named.astype(np.float64).ravel(), np.repeat(weight, n_candidates)
                rows = rows.reshape(-1, rows.shape[2])
                share = np.full(len(rows), 1.0 / n_candidates)
            else:
                rows = rows[np.arange(n_rounds), arm]
            arm, n_taught = np.zeros(len(rows), dtype=np.intp), np.zeros(len(rows))
        elif reward is None:
            reward = np.ones(n_rounds)
            # So many arms, the first ones, learn from the round.
            n_taught = np.full(n_rounds, float(len(self.classes_)))
        columns = {
            "row": rows,
            "arm": arm,
            "reward": reward,
            "weight": weight,
            "n_taught": n_taught,
            "share": share,
        }
        present = columns["weight"] > 0
        return {
            name: (column if present.all() else column[present]).astype(
                np.intp if name == "arm" else np.float64
            )
            for name, column in columns.items()
        }

    def _seed(self):
        """Seed of this learning call; an int gives each call its own."""
        if isinstance(self.random_state, Integral):
            sequence = np.random.SeedSequence([int(self.random_state), self.n_updates_])
            return int(sequence.generate_state(1)[0])
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _absorb(self, columns):
        seed = self._seed()
        if self.nets_ is None:
            self.nets_ = self._new_nets(seed)
        self.n_updates_ += 1
        self.buffer_ = self.buffer_.extended(columns, np.random.RandomState(seed % 2**32))
        self.schedule_ = self.schedule_.extended(_n_rounds(columns))
        trains = self._training_is_due()
        if self._rescale(trains) or trains:
            if trains:
                self._train(seed)
            self._rebuild()
        else:
            self._update(columns)

    @property
    def _schedule(self):
        return RefitSchedule(
            self.min_samples_to_train, self.train_every, warm_start=self.warm_start
        )

    @property
    def n_trainings_(self):
        """How many times the network was trained."""
        return self.schedule_.n_refits

    def _training_is_due(self):
        columns = self.buffer_.columns
        return (
            self._net_is_trained()
            and self._schedule.is_due(self.schedule_, _n_rounds(columns))
            and len(columns["row"]) >= fewest_rows(self.nets_[0].module_)
        )

    def _rescale(self, trains):
        """Measure inputs and rewards anew, where that changes no trained network for nothing."""
        columns = self.buffer_.columns
        weight = _n_rounds(columns)
        # Before the first training that costs little, and pieces then end where the whole ends.
        if self.n_trainings_ > 0 and not (
            trains and (weight >= 2.0 * self.scaling_.n_rounds or self._is_far_out(columns))
        ):
            return False
        standardize = self.standardize and not self._takes_raw_inputs()
        self.scaling_ = find_scaling(columns, weight, standardize)
        largest = np.abs(self.scaling_.inputs(columns["row"])).max()
        if largest**2 > torch.finfo(dtype_of(self.nets_[0].module_)).max:
            raise ValueError(
                f"X holds numbers of size {largest:.2g}, whose square is beyond the precision of "
                "net's module. Scale the features, or leave standardize=True."
            )
        return True

    def _is_far_out(self, columns):
        """Whether numbers are so far from the known ones that single precision loses them."""
        scaled = self.scaling_.inputs(columns["row"]), self.scaling_.reward(columns["reward"])
        return max(np.abs(part).max() for part in scaled) > _FAR_OUT

    def _new_nets(self, seed):
        return [
            build_net(
                self.net,
                self.n_features_in_,
                self._n_outputs(),
                (seed + 7919 * number) % 2**32,
                self.input_shape_,
            )
            for number in range(self._n_nets())
        ]

    def _n_steps(self):
        afresh = self._schedule.starts_afresh(self.schedule_)
        steps = self.initial_train_steps if afresh else self.train_steps
        if steps is None and not is_skorch_net(self.net):
            return _INITIAL_STEPS if afresh else _STEPS
        return steps

    def _train(self, seed):
        columns = self.buffer_.columns
        numbers = range(len(self.nets_))
        trained = train_nets(
            self.nets_,
            to_tensor(
                self.scaling_.inputs(columns["row"]),
                dtype_of(self.nets_[0].module_),
                self.input_shape_,
            ),
            [self._targets(columns, number) for number in numbers],
            columns,
            [(seed + 7919 * number) % 2**32 for number in numbers],
            Training(
                RandomSampler() if self.sampler is None else self.sampler,
                self._n_steps(),
                self.early_stopping_threshold,
                afresh=not self.warm_start,
            ),
        )
        if any(net is None for net in trained):
            self.schedule_ = self.schedule_.postponed()
            warn_diverged()
            return
        self.schedule_ = self.schedule_.refitted(_n_rounds(columns))
        self.nets_ = trained
        self._forget_cache()

    def _targets(self, columns, number):
        """What the net of this number is taught."""
        low, high = self.scaling_.reward(np.array([0.0, 1.0]))
        n_rounds = len(columns["arm"])
        return Targets(
            arm=columns["arm"],
            reward=self.scaling_.reward(columns["reward"]),
            weight=columns["weight"],
            n_taught=columns["n_taught"],
            low=np.full(n_rounds, low),
            high=np.full(n_rounds, high),
        )

    # --------------------------------------------------------------- networks
    def _network(self, number=0):
        """A net as scores see it: asked with scaled rows, it answers in double precision."""
        key = ("module", number)
        if key not in self._cache:
            self._cache[key] = freeze(self.nets_[number].module_, self.input_shape_)
        return self._cache[key]

    def _outputs(self, rows, number=0):
        """Outputs of a network for plain rows, in units of the rewards' scale, float64."""
        return self._network(number).outputs(self.scaling_.inputs(rows))

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

    def _n_columns(self, contexts):
        return contexts.shape[1] if contexts.ndim == 3 else len(self.classes_)

    @property
    def net_(self):
        """The trained skorch net (the first, where there are several)."""
        if not vars(self).get("nets_"):
            raise AttributeError("net_ is there once the bandit has learnt from rounds.")
        return self.nets_[0]


def _n_rounds(columns):
    """How many rounds these are, by their weights; a round may have several rows."""
    return float(columns["weight"] @ columns["share"])


_TOO_LARGE = (
    "X or reward is so large that what is learnt from it is not finite; the bandit is what it was "
    "before. Scale the features (StandardScaler) and rewards."
)
