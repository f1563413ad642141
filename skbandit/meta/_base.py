"""What bandits around an estimator share: rounds, refits, cold arms, transfer."""

import copy
from functools import lru_cache
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.linear_model import Ridge
from sklearn.utils import get_tags

from .._rows import join_rows, n_rows, row_keys, take_rows
from .._shares import teachers
from .._sklearn import HasMethods, Interval, StrOptions
from .._threads import NO_LIMIT, one_blas_thread
from ..base import BaseBandit
from ..beliefs import IndependentBelief
from ..buffers import (
    BUFFER_METHODS,
    AllData,
    RefitSchedule,
    ScheduleState,
    SlidingWindow,
    check_instance,
    take_rounds,
)
from ._arm_models import ARM_MODELS
from ._cold import Paid, cold_moments, is_warm
from ._features import with_features
from ._fitting import (
    can_learn_on,
    check_estimator_fits,
    checked_once,
    derived_seed,
    entropy_of,
    expected,
    fitted,
    learnt_on,
    takes_weights,
)
from ._linear import linear_stack

_RECENT = 10_000
_FEW_ROWS = 20_000
# Ridge solves sparse contexts by steps.
_TOLERANCE = 1e-10


class Model(NamedTuple):
    """What was fitted for one arm, or for all."""

    fitted: object = None  # what `_fit_rounds` returned; None while there are too few rewards
    schedule: ScheduleState = ScheduleState()
    n_kept: int = 0  # how many rounds the buffer held then
    codes: tuple = ()  # one-hot column of each arm, -1 for none; where the arm is a feature
    n_codes: int = 0  # how many such columns there are


class EstimatorState(NamedTuple):
    """Rounds that are kept, what arms have paid, and what was fitted to them."""

    buffer: object
    paid: Paid  # by arm; one entry where arms are candidates
    models: tuple  # of Model: one an arm, or one


class BaseEstimatorBandit(BaseBandit):
    """Base class of bandits around a classifier or regressor.

    A subclass says by these what is fitted and what it answers; all else (which rounds are kept,
    when models are fitted anew, arms that have too few rewards, transfer) is here.

    - ``_fit_rounds(rows, reward, weight, seed)`` returns what is fitted to these rounds, for one
      arm or for all: any object that pickles. Unless you say otherwise, a fitted clone of
      ``estimator``.
    - ``_learn_more(before, rows, reward, weight, seed)`` returns what has learnt these rounds too,
      for ``update="partial_fit"``; `before` is left alone, and is None at first.
    - ``_ask(model, rows)`` returns the mean reward that it expects of each row, (n_rows,), and the
      standard deviation of that, or None.
    - ``_learn_between(model, rows, reward, weight)`` returns what was fitted, with rounds that
      have come since and wait for the next fit. None: there is nothing to be done with them.

    For them to use: ``_moments(contexts)``, the mean and standard deviation of all arms, cold ones
    included, and ``_cold_arms()``.

    Parameters
    ----------
    estimator : classifier with ``predict_proba`` or regressor, default=None
        What expects rewards. None: :class:`~sklearn.linear_model.Ridge`.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    arm_model : {"disjoint", "pooled", "shared"}, default="disjoint"
        One estimator an arm, one for all with the arm as one-hot columns, or one for candidates.
    update : {"auto", "refit", "partial_fit"}, default="auto"
        How more rounds are learnt; "auto" takes ``partial_fit`` where there is one.
    refit_growth : float >= 1, default=1.05
        An estimator is fitted anew once its rounds have grown by this factor.
    min_rewards : float > 0, default=2
        Rewards that an arm must have before its estimator is asked; of each kind (0 and 1) for a
        classifier.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`.
    n_jobs : int, default=None
        Estimators fitted in parallel.
    selector : selector, default=None
        From scores to a policy, see :mod:`skbandit.selectors`.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and seeds the estimators.

    Examples
    --------
    >>> from skbandit.meta import BaseEstimatorBandit, GreedyBandit
    >>> issubclass(GreedyBandit, BaseEstimatorBandit)
    True
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "estimator": [HasMethods(["fit", "get_params"]), type, None],
        "arm_model": [StrOptions(set(ARM_MODELS))],
        "update": [StrOptions({"auto", "refit", "partial_fit"})],
        "refit_growth": [Interval(Real, 1, None, closed="left")],
        "min_rewards": [Interval(Real, 0, None, closed="neither")],
        "buffer": [BUFFER_METHODS, None],
        "n_jobs": [Integral, None],
    }
    _shape_parameters = ("estimator", "arm_model", "update", "buffer")
    # Whether all fits of a model have one seed, with an integer `random_state`.
    _seeds_stay = False
    _learn_between = None

    def __init__(
        self,
        *,
        estimator=None,
        arms=None,
        arm_model="disjoint",
        update="auto",
        refit_growth=1.05,
        min_rewards=2,
        buffer=None,
        n_jobs=None,
        selector=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.arms = arms
        self.arm_model = arm_model
        self.update = update
        self.refit_growth = refit_growth
        self.min_rewards = min_rewards
        self.buffer = buffer
        self.n_jobs = n_jobs
        self.selector = selector
        self.random_state = random_state

    # ------------------------------------------------------------- parameters
    @property
    def _estimator(self):
        return Ridge(tol=_TOLERANCE) if self.estimator is None else self.estimator

    @property
    def _arm_model(self):
        return ARM_MODELS[self.arm_model]

    @property
    def _in_unit_interval(self):
        return self._bandit_tags.reward != "real"

    @property
    def _learns_on(self):
        """Whether models go on learning, in place of being fitted anew."""
        if self.update == "auto":
            return can_learn_on(self._estimator)
        return self.update == "partial_fit"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        estimator = self._estimator
        arm_model = ARM_MODELS.get(self.arm_model, ARM_MODELS["disjoint"])
        if not isinstance(estimator, type):
            tags.input_tags = copy.copy(get_tags(estimator).input_tags)
        tags.input_tags.two_d_array = 2 in arm_model.context_ndims
        tags.input_tags.three_d_array = 3 in arm_model.context_ndims
        bandit = tags.bandit_tags
        bandit.contexts = "any" if tags.input_tags.two_d_array else "numbers"
        if tags.input_tags.three_d_array:
            tags.input_tags.sparse = False
        bandit.reward = "real"
        if not isinstance(estimator, type) and is_classifier(estimator):
            bandit.reward = "unit_interval" if takes_weights(estimator) else "binary"
        # Of what ``partial_fit`` makes of weights and pieces nothing is known either.
        bandit.learning = "buffer"
        bandit.merging = "no" if self._learns_on else "approximate"
        bandit.has_width = False
        # Arms with too few rewards are believed to pay what arms pay.
        bandit.arms, bandit.prior = "linked", "learnt"
        bandit.arm_order = "named" if arm_model.by_arm else "matters"
        bandit.adding_features = bandit.dropping_features = "approximate"
        return tags

    # ------------------------------------------------------------------ state
    def _initial_state(self, n_arms, n_features):
        check_estimator_fits(self._estimator)
        check_instance(self.buffer, "buffer")
        if self._learns_on and not can_learn_on(self._estimator):
            raise ValueError(
                "update='partial_fit' needs an estimator that has partial_fit, got "
                f"{type(self._estimator).__name__}. Use update='refit'."
            )
        arm_model = self._arm_model
        n_models = n_arms if arm_model.by_arm else 1
        paid = Paid.nothing(n_arms if arm_model.tells_arms else 1)
        return EstimatorState(self._empty_buffer(), paid, (Model(),) * n_models)

    def _empty_buffer(self):
        if self.buffer is not None:
            return copy.deepcopy(self.buffer)
        # Models that go on learning need rounds for transfer alone.
        return SlidingWindow(_RECENT) if self._learns_on else AllData()

    def _learn(self, rounds):
        state, n_arms = self.state_, len(self.classes_)
        rounds = rounds.spelt_out(n_arms)
        arm_model, entropy = self._arm_model, entropy_of(self.random_state)
        arm, rows = rounds.arm, arm_model.kept(rounds.contexts, rounds.arm)
        reward, weight = rounds.reward, rounds.weights
        if not arm_model.tells_arms:
            arm = np.zeros_like(arm)
        if rounds.weight is not None and not (weight > 0.0).all():
            counts = np.flatnonzero(weight > 0.0)
            rows, arm = take_rows(rows, counts), arm[counts]
            reward, weight = reward[counts], weight[counts]
        if not len(arm):
            return state
        columns = {"row": rows, "arm": arm, "reward": reward, "weight": weight}
        rng = None
        if state.buffer.capacity is not None:
            rng = np.random.RandomState(derived_seed(entropy, state.buffer.n_seen))
        state = state._replace(buffer=state.buffer.extended(columns, rng))
        if self._learns_on or state.buffer.capacity is None:
            state = state._replace(paid=state.paid.and_of(arm, reward, weight))
        else:
            # What is no longer kept counts no longer.
            state = state._replace(paid=self._paid_in(state.buffer, len(state.paid.weight)))
        if self._learns_on:
            return self._taught(state, columns, entropy)
        weight_of = np.bincount(self._group(arm), weight, minlength=len(state.models))
        return self._refitted(state, weight_of, entropy, columns)

    def _paid_in(self, buffer, n_arms):
        kept = buffer.columns
        return Paid.of(kept["arm"], kept["reward"], kept["weight"], n_arms)

    def _group(self, arm):
        """The number of the model that learns from each round."""
        return arm if self._arm_model.by_arm else np.zeros_like(arm)

    def _warm(self, paid):
        """Which models have rewards enough to be fitted, (n_models,)."""
        paid = paid if self._arm_model.by_arm else paid.together()
        return is_warm(paid, self.min_rewards, self._in_unit_interval)

    def _seed(self, entropy, group, n_refits):
        """Seed of a fit; arms are known by their names, wherever they stand."""
        key = 0
        n_refits = 0 if self._seeds_stay else n_refits
        if self._arm_model.by_arm:
            key = _label_key(self.classes_[group])
        return derived_seed(entropy, key, n_refits)

    def _rounds_of(self, columns, group, model=None):
        """What the model of a group is fitted to: rows, rewards and weights.

        With `model`, as one sees them that was fitted when there were other arms.
        """
        rows, reward, weight = (columns[name] for name in ("row", "reward", "weight"))
        if self._arm_model.by_arm:
            own = np.flatnonzero(columns["arm"] == group)
            rows, reward, weight = take_rows(rows, own), reward[own], weight[own]
        else:
            code, n_codes = columns["arm"], len(self.classes_)
            if model is not None and self._arm_model.tells_arms:
                code, n_codes = np.array(model.codes)[code], model.n_codes
            rows = self._arm_model.design(rows, code, n_codes)
        return rows, reward, weight

    def _model(self, one, schedule, n_kept):
        """The record of what was just fitted."""
        n_codes = 0 if self._arm_model.by_arm else len(self.classes_)
        return Model(one, schedule, n_kept, tuple(range(n_codes)), n_codes)

    def _refitted(self, state, new_weight, entropy, new=None):
        """Fit the models that are due anew; tell the others of the new rounds."""
        schedule = RefitSchedule(min_weight=0.0, every=0.0, growth=self.refit_growth)
        paid = state.paid if self._arm_model.by_arm else state.paid.together()
        warm, models = self._warm(state.paid), list(state.models)
        due = []
        for group in np.flatnonzero((new_weight > 0.0) | ~warm):
            model = models[group]
            if not warm[group]:
                # A window may have lost the rewards that there were.
                models[group] = Model(None, ScheduleState(model.schedule.n_refits))
                continue
            waits = model.schedule.extended(new_weight[group])
            models[group] = model._replace(schedule=waits)
            if model.fitted is None or schedule.is_due(waits, paid.weight[group]):
                due.append(int(group))
            elif new is not None:
                models[group] = self._told(models[group], new, group)
        for group, one in zip(due, self._fits(state, due, models, entropy), strict=True):
            done = models[group].schedule.refitted(float(paid.weight[group]))
            models[group] = self._model(one, done, len(state.buffer))
        return state._replace(models=tuple(models))

    def _told(self, model, columns, group):
        """A model with rounds that it was not fitted to."""
        if self._learn_between is None or not len(columns["arm"]):
            return model
        rounds = self._rounds_of(columns, group, model)
        return model._replace(fitted=self._learn_between(model.fitted, *rounds))

    def _fits(self, state, groups, models, entropy):
        """What is fitted for some groups."""
        if not groups:
            return []
        columns = state.buffer.columns
        seeds = [self._seed(entropy, one, models[one].schedule.n_refits) for one in groups]
        rounds = (self._rounds_of(columns, one) for one in groups)
        if len(groups) == 1 or self.n_jobs in (None, 1):
            return [self._fit_rounds(*one, s) for one, s in zip(rounds, seeds, strict=True)]
        # Workers are sent the rounds of their arm, not all that the bandit keeps.
        worker = self._twin()
        worker.state_ = state._replace(buffer=self._empty_buffer(), models=())
        return Parallel(n_jobs=self.n_jobs)(
            delayed(worker._fit_rounds)(*one, seed)
            for one, seed in zip(rounds, seeds, strict=True)
        )

    def _taught(self, state, columns, entropy):
        """Let models learn more rounds."""
        models, group = list(state.models), self._group(columns["arm"])
        for one in np.unique(group).tolist():
            model = models[one]
            seed = self._seed(entropy, one, model.schedule.n_refits)
            rounds = self._rounds_of(columns, one)
            schedule = model.schedule
            models[one] = self._model(
                self._learn_more(model.fitted, *rounds, seed),
                schedule.refitted(schedule.known_weight + float(rounds[2].sum())),
                len(state.buffer),
            )
        return state._replace(models=tuple(models))

    def _fit_rounds(self, rows, reward, weight, seed):
        return fitted(self._estimator, rows, reward, weight, seed)

    def _learn_more(self, before, rows, reward, weight, seed):
        return learnt_on(self._estimator, before, rows, reward, weight, seed)

    # -------------------------------------------------------------- questions
    def _ask(self, model, rows):
        return expected(model, rows, self._in_unit_interval), None

    def _cold_arms(self):
        """Which arms have too few rewards, (n_arms,); one entry where arms are candidates."""
        if "cold" not in self._cache:
            paid = self.state_.paid
            cold = ~is_warm(paid, self.min_rewards, self._in_unit_interval)
            models = self.state_.models
            if self._arm_model.by_arm:
                cold = cold | np.array([model.fitted is None for model in models])
            elif models[0].fitted is None or not self._warm(paid)[0]:
                cold = np.ones_like(cold)
            self._cache["cold"] = cold
        return self._cache["cold"]

    def _prior_moments(self):
        """Mean and standard deviation of each arm from its rewards alone."""
        if "prior" not in self._cache:
            self._cache["prior"] = cold_moments(self.state_.paid, self._in_unit_interval)
        return self._cache["prior"]

    def _reward_spread(self):
        """Standard deviation of all rewards so far; 1 where they do not differ."""
        if "spread" not in self._cache:
            total = self.state_.paid.together()
            weight, square = float(total.weight[0]), float(total.square[0])
            spread = np.sqrt(square / weight) if weight > 0.0 else 0.0
            # Rewards that are alike differ by rounding.
            least = 1e-9 * abs(float(total.mean[0]))
            self._cache["spread"] = float(spread) if spread > least else 1.0
        return self._cache["spread"]

    def _reward_variance(self):
        """Variance of what all arms have paid: that of a reward of which nothing is known."""
        if "variance" not in self._cache:
            self._cache["variance"] = self.state_.paid.reward_variance()
        return self._cache["variance"]

    def _moments(self, contexts):
        """Mean and standard deviation of the expected reward of each arm, (n_rows, n_arms)."""
        n_arms = len(self._arms_for(contexts))
        cold = np.broadcast_to(self._cold_arms(), n_arms)
        prior_mean, prior_std = self._prior_moments()
        mean, std = np.zeros((2, n_rows(contexts), n_arms))
        mean[:, cold] = np.broadcast_to(prior_mean, n_arms)[cold]
        std[:, cold] = np.broadcast_to(prior_std, n_arms)[cold]
        stack = self._linear_stack(contexts)
        if stack is not None:
            mean[:, ~cold] = stack.expected(contexts)
            return mean, std
        with checked_once():
            for place, model, rows in self._asked_models(contexts, ~cold):
                mean[:, place], width = self._ask(model, rows)
                if width is not None:
                    std[:, place] = width
        return mean, std

    def _linear_stack(self, contexts):
        """Linear models of the same rows as one, where there are no others; or None."""
        asks_alike = type(self)._ask is BaseEstimatorBandit._ask
        if not asks_alike or not self._arm_model.by_arm or getattr(contexts, "ndim", 0) != 2:
            return None
        if not isinstance(contexts, np.ndarray) and not sparse.issparse(contexts):
            return None
        if "stack" not in self._cache:
            models = self.state_.models
            warm = [models[one].fitted for one in np.flatnonzero(~self._cold_arms())]
            self._cache["stack"] = linear_stack(self._asked_in_turn(warm)) if warm else None
        return self._cache["stack"]

    def _asked_in_turn(self, fitted):
        """The estimators in what was fitted for some arms, in the order of their answers."""
        return fitted

    def _asked_models(self, contexts, asked):
        """Yield place, fitted model and the rows by which to ask it, for some arms."""
        arm_model, models = self._arm_model, self.state_.models
        for place in np.flatnonzero(asked).tolist():
            model = models[place if arm_model.by_arm else 0]
            code = model.codes[place] if arm_model.tells_arms and model.codes else -1
            yield place, model.fitted, arm_model.asked(contexts, place, code, model.n_codes)

    def _expected_reward(self, contexts):
        mean, std = self._moments(contexts)
        # What cold arms are drawn by is no width of a model that has none.
        return mean, std if self._bandit_tags.has_width else np.zeros_like(mean)

    def _belief(self, contexts):
        return IndependentBelief(*self._moments(contexts))

    def _threads(self, n_rows):
        # Small products in many threads wait for each other; large ones are the estimator's.
        known = len(self.state_.buffer) if "state_" in self.__dict__ else 0
        return one_blas_thread() if max(n_rows, known) < _FEW_ROWS else NO_LIMIT

    def _floats_per_row(self, contexts, n_arms):
        known = getattr(self, "n_features_in_", None) or 0
        return 8 * n_arms + (0 if self._arm_model.by_arm else known + n_arms)

    # --------------------------------------------------------------- transfer
    def _carry_state(self, source, resize):
        if not isinstance(source, BaseEstimatorBandit):
            self._check_same_shape(source)
        if source._arm_model.tells_arms != self._arm_model.tells_arms:
            raise ValueError(
                f"arm_model is {source.arm_model!r} in source and {self.arm_model!r} in template: "
                "the rounds of candidates cannot be those of arms."
            )
        moves = resize.moves_features(source.n_features_in_) if resize.n_features else False
        old, new = source.state_, self._initial_state(resize.n_arms, resize.n_features)
        if not len(old.buffer):
            return new
        self._check_reward(old.buffer.columns["reward"])
        tells_arms = self._arm_model.tells_arms
        arm_source = resize.arm_source if tells_arms else np.zeros(1, dtype=np.intp)
        shares = resize.shares if tells_arms else None
        columns, place = carried_rounds(
            old.buffer.columns, arm_source, shares, resize.feature_source if moves else None
        )
        same_buffer = repr(source._empty_buffer()) == repr(new.buffer)
        kept = old.buffer.columns
        is_same = _is_same(place, len(kept["arm"])) and np.array_equal(columns["arm"], kept["arm"])
        # Rows in parts are joined where they are read: a storage of one's own leaves those of the
        # other bandit as they were.
        is_same = is_same and isinstance(kept["row"], np.ndarray)
        if moves or not same_buffer or not is_same:
            empty = old.buffer if same_buffer else new.buffer
            buffer = empty.replaced(columns) if same_buffer else empty.extended(columns)
        else:
            buffer = old.buffer
        state = EstimatorState(buffer, _carried_paid(old, columns, arm_source, shares), new.models)
        return self._carried_models(source, state, place, arm_source, shares, moves)

    def _carried_models(self, source, state, place, arm_source, shares, moves):
        """Keep models where all is as it was; fit them anew to the rounds they knew elsewhere."""
        old, entropy = source.state_.models, entropy_of(self.random_state)
        by_arm, n_before = self._arm_model.by_arm, len(source.classes_)
        origin = arm_source.copy()
        if shares is not None:
            # What knows all of one arm answers as that one does, until there are more rounds.
            origin[arm_source < 0] = teachers(shares)
        alike = not moves and self._fits_alike(source)
        if source.arm_model != self.arm_model:
            # Of other models the rounds alone are of use.
            old = (Model(),) * max(n_before, len(old))
        if not by_arm and self._arm_model.tells_arms:
            forgets = len(set(arm_source[arm_source >= 0].tolist())) < n_before
            averages = shares is not None and (origin < 0).any()
            alike = alike and not (forgets or averages or self._learns_on)
        models, warm = list(state.models), self._warm(state.paid)
        for group in range(len(models)):
            before = int(origin[group]) if by_arm else 0
            known = old[before] if before >= 0 else Model()
            if known.fitted is not None and alike:
                codes = [known.codes[one] if one >= 0 else -1 for one in origin if known.codes]
                models[group] = known._replace(codes=tuple(codes))
            elif warm[group]:
                models[group] = self._fitted_again(state, group, known, place, entropy)
        return state._replace(models=tuple(models))

    def _fitted_again(self, state, group, known, place, entropy):
        """Fit a model to the rounds that another knew: those that came since go on waiting."""
        columns, schedule, late = state.buffer.columns, known.schedule, None
        if known.n_kept and state.buffer.capacity is None:
            rows = np.flatnonzero(place < known.n_kept)
            since = np.flatnonzero(place >= known.n_kept)
            columns, late = take_rounds(columns, rows), take_rounds(columns, since)
        rounds = self._rounds_of(columns, group)
        if schedule.n_refits == 0:
            schedule = schedule.refitted(float(rounds[2].sum()))
        seed = self._seed(entropy, group, schedule.n_refits - 1)
        if self._learns_on:
            one = self._learn_more(None, *rounds, seed)
        else:
            one = self._fit_rounds(*rounds, seed)
        model = self._model(one, schedule, known.n_kept or len(state.buffer))
        return model if late is None or self._learns_on else self._told(model, late, group)

    def _fits_alike(self, source):
        """Whether another bandit's models are what this one would fit."""
        names = set(self._get_param_names()) - {"arms", "selector", "random_state", "n_jobs"}
        return type(self) is type(source) and all(
            repr(getattr(self, name)) == repr(getattr(source, name)) for name in names
        )

    def _merge_states(self, states):
        states = [state for state in states if len(state.buffer)] or states[:1]
        if not len(states[0].buffer):
            return states[0]
        parts = [state.buffer.columns for state in states]
        columns = {name: join_rows([part[name] for part in parts]) for name in parts[0]}
        entropy, n_arms = entropy_of(self.random_state), len(states[0].paid.weight)
        buffer = self._empty_buffer().extended(columns, np.random.RandomState(entropy % 2**32))
        paid = self._paid_in(buffer, n_arms)
        fresh = EstimatorState(buffer, paid, (Model(),) * len(states[0].models))
        weight = np.bincount(
            self._group(buffer.columns["arm"]),
            buffer.columns["weight"],
            minlength=len(fresh.models),
        )
        return self._refitted(fresh, weight, entropy)

    # -------------------------------------------------------------- attributes
    @property
    def estimators_(self):
        """The fitted models, by arm; one for all where they share one. None: too few rewards."""
        return [model.fitted for model in self._known().models]

    @property
    def n_refits_(self):
        """How many times each model was fitted, (n_models,)."""
        return np.array([model.schedule.n_refits for model in self._known().models])

    @property
    def weight_(self):
        """Weight of the rounds that each arm was played in, (n_arms,)."""
        return self._known().paid.weight

    def _known(self):
        if not self.__sklearn_is_fitted__():
            raise AttributeError(
                f"This {type(self).__name__} has not learnt yet: it has no fitted attributes."
            )
        return self.state_


@lru_cache(maxsize=4096, typed=True)
def _label_key(label):
    """An integer that belongs to an arm's label, on every machine."""
    return int(row_keys(np.array([label], dtype=object))[0])


def _is_same(place, n_rounds):
    return len(place) == n_rounds and np.array_equal(place, np.arange(n_rounds))


def carried_rounds(columns, arm_source, shares, feature_source=None):
    """Rounds that are kept, for other arms and features.

    Parameters
    ----------
    columns : dict
        ``row``, ``arm``, ``reward`` and ``weight``.
    arm_source : ndarray of int
        Old position of each new arm; -1 for what is new.
    shares : ndarray of shape (n_new, n_old) or None
        Of the rounds of each old arm, from which each new arm starts.
    feature_source : ndarray of int, default=None
        Old position of each new feature, -1 for what is new; None leaves them.

    Returns
    -------
    columns : dict
    place : ndarray of int
        Where each of the rounds stood before.
    """
    known = np.flatnonzero(arm_source >= 0)
    target = np.full(max(int(columns["arm"].max(initial=-1)), int(arm_source.max())) + 1, -1)
    target[arm_source[known]] = known
    arm = target[columns["arm"]]
    place = np.flatnonzero(arm >= 0)
    arm, weight = arm[place], columns["weight"][place]
    if shares is not None:
        for new, own in zip(np.flatnonzero(arm_source < 0), shares, strict=True):
            share = own[columns["arm"]]
            lent = np.flatnonzero(share)
            place = np.append(place, lent)
            arm = np.append(arm, np.full(len(lent), new))
            weight = np.append(weight, columns["weight"][lent] * share[lent])
    rows = columns["row"]
    if not _is_same(place, len(columns["arm"])):
        rows = take_rows(rows, place)
    if feature_source is not None:
        rows = with_features(rows, feature_source)
    return {"row": rows, "arm": arm, "reward": columns["reward"][place], "weight": weight}, place


def _carried_paid(old, columns, arm_source, shares):
    """What other arms have paid: sums of rounds that are no longer kept too."""
    known = arm_source >= 0
    paid = Paid.nothing(len(arm_source))
    if shares is not None:
        paid = Paid.of(columns["arm"], columns["reward"], columns["weight"], len(arm_source))
    for part, before in zip(paid, old.paid, strict=True):
        part[known] = before[arm_source[known]]
    return paid
