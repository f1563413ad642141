"""The contract of every bandit: a scikit-learn estimator whose ``predict`` is a decision."""

from collections.abc import Mapping
from numbers import Integral, Real
from operator import itemgetter

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import ClassifierTags, get_tags
from sklearn.utils.validation import check_is_fitted

from ._axes import Resize, StateField, carry_by_fields, merge_by_fields, source_index
from ._contexts import block_of, check_contexts
from ._paths import set_public_path
from ._random import uniforms
from ._rounds import (
    Rounds,
    check_arms,
    check_available,
    check_cost,
    check_feedback,
    check_logged_available,
    check_not_encoded,
    check_propensity,
    encode_arms,
    flatten_rounds,
    learn_arms,
    make_log,
)
from ._rows import n_rows
from ._sampling import draw_arms, order_by_score
from ._shares import ROUNDING
from ._sklearn import HasMethods
from ._steps import check_own_pipeline
from ._tags import BanditTags, TagsWithBandit
from ._threads import NO_LIMIT
from ._values import self_normalized_value
from .selectors import ArgmaxSelector, at, for_arms, for_costs

__all__ = ["BanditTags", "BaseBandit", "StateField", "is_bandit", "make_log"]

set_public_path(__name__, BanditTags, StateField)

# A block of rows and its scores should stay in the processor's cache.
_BLOCK_BYTES = 1 << 23
# The full validation takes about 100 microseconds more to decide and 200 to learn, whatever the
# number of rows: larger batches gain little from skipping it.
_PLAIN_ROWS = 1024
# Attributes that are derived from the state and rebuilt on demand.
_REBUILT = ("_cache", "_arm_lookup", "_bandit_tags")


def is_bandit(estimator):
    """Say whether an estimator is a bandit, or a Pipeline or search around one.

    Parameters
    ----------
    estimator : estimator object

    Returns
    -------
    answer : bool

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbandit.base import is_bandit
    >>> from skbandit.linear import LinearUCB
    >>> is_bandit(make_pipeline(StandardScaler(), LinearUCB())), is_bandit(LogisticRegression())
    (True, False)
    """
    return get_tags(estimator).estimator_type == "bandit"


class BaseBandit(BaseEstimator):
    """Base class of all bandits.

    A subclass is a docstring, ``_parameter_constraints``, an ``__init__`` with ``arms``,
    ``selector`` and ``random_state`` among its keywords, and some of these hooks. Hooks see
    checked rows and never validate. What was learnt is one immutable record, ``self.state_``.

    ====================================== ========================================================
    hook                                   what it does
    ====================================== ========================================================
    ``_initial_state(n_arms, n_features)`` Return the state before any round: a NamedTuple, frozen
                                           dataclass or other immutable object. Needed.
    ``_learn(rounds)``                     Return the state after these rounds; ``self.state_`` is
                                           the one before, and is not written to. Needed.
    ``_belief(contexts)``                  Return a belief of :mod:`skbandit.beliefs` about each
                                           arm's expected reward. This or the next is needed.
    ``_expected_reward(contexts)``         Return its mean and standard deviation, two arrays
                                           (n_samples, n_arms); the belief's unless you say
                                           otherwise.
    ``_mean_reward(contexts)``             Return the mean alone, where that is cheaper.
    ``_decision_function(contexts)``       Return the score by which arms are ranked: the mean, or
                                           what an exploration makes of the belief.
    ``_policy(contexts, available)``       Return the probability of each arm: what the selector
                                           makes of the scores, or an exploration of the belief.
    ``_forced()``                          Return the share of rounds that each arm is given before
                                           it may be written off, (n_arms,), or None. Explorations
                                           with ``alpha="auto"`` ask for it.
    ``_state_fields``                      Dict of each array of the state to the
                                           :class:`StateField` that says what its axes count and
                                           how shards are joined. For transfer and merging.
    ``_carry_state(source, resize)``       Return this bandit's state from that of another bandit,
                                           for other arms, features or parameters. By
                                           ``_state_fields`` unless you say otherwise.
    ``_merge_states(states)``              Return the joined state of shards. By ``_state_fields``
                                           unless you say otherwise.
    ``_shape_parameters``                  Names of the parameters that shape the state: they may
                                           not change once the bandit has learnt.
    ``_check_contexts(X, reset)``          Return checked contexts. By the tags unless you say
                                           otherwise.
    ``_check_reward(reward)``              Raise where a reward is impossible under the model. By
                                           the tags unless you say otherwise.
    ``_check_quantity(arm, quantity)``     Return checked quantities of arms, given as indexes;
                                           raise where one is impossible. Asked only where
                                           ``BanditTags.quantity`` is "some".
    ``_named_arms``                        The labels that the parameters name, or None: ``arms``
                                           unless you say otherwise.
    ``_floats_per_row(contexts, n_arms)``  Return how many floats of temporary memory a row of a
                                           prediction takes.
    ``_threads(n_rows)``                   Return the context manager in which so many rows are
                                           learnt or asked: one that limits threads where many
                                           would wait for each other, or nothing.
    ``__sklearn_tags__()``                 Set ``tags.bandit_tags`` (:class:`BanditTags`) to what
                                           the bandit can do, and scikit-learn's own tags.
    ====================================== ========================================================

    For hooks to use: ``self._selector``, ``self.classes_``, ``self.n_features_in_``;
    ``self._cache``, a dict for what is derived from the state, which lives as long as the state;
    and, in ``_carry_state``, ``self._check_same_shape(source)``, which raises where parameters
    that shape the state differ.

    A learning call works on a bandit of its own and ends in one assignment, so that whoever
    decides meanwhile sees one whole model, and a call that raises or is interrupted changes
    nothing.
    """

    _estimator_type = "bandit"
    _parameter_constraints = {
        "arms": ["array-like", None],
        "selector": [HasMethods(["select", "expect", "get_params"]), None],
        "random_state": ["random_state"],
    }

    # ------------------------------------------------------------------ hooks
    _state_fields = {}
    _shape_parameters = ()
    # Whether a _check_contexts of one's own has to see a few plain rows too (two axes, float64, as
    # many features as known, finite), for which base's check would find nothing to do.
    _checks_plain_contexts = True

    def _initial_state(self, n_arms, n_features):
        raise NotImplementedError(f"{type(self).__name__} must define _initial_state.")

    def _learn(self, rounds):
        raise NotImplementedError(f"{type(self).__name__} must define _learn.")

    def _belief(self, contexts):
        raise NotImplementedError(
            f"{type(self).__name__} must define _belief, or _expected_reward where no exploration "
            "asks for a belief."
        )

    def _expected_reward(self, contexts):
        belief = self._belief(contexts)
        return belief.mean, belief.std

    def _mean_reward(self, contexts):
        return self._expected_reward(contexts)[0]

    def _decision_function(self, contexts):
        return self._mean_reward(contexts)

    def _policy(self, contexts, available):
        return self._selector.select(self._decision_function(contexts), available)

    def _forced(self):
        return None

    def _check_contexts(self, X, reset):
        return check_contexts(self, X, reset=reset)

    def _check_reward(self, reward):
        kind = self._bandit_tags.reward
        if kind in ("real", "several"):
            return
        if kind == "count":
            bad, what = (reward < 0) | (reward != np.round(reward)), "be 0 or a positive integer"
        elif kind == "binary":
            bad, what = (reward != 0) & (reward != 1), "be 0 or 1"
        else:
            bad, what = (reward < 0) | (reward > 1), "lie in [0, 1]"
        if bad.any():
            raise ValueError(
                f"reward must {what} for {type(self).__name__}, got {reward[bad].flat[0]:g} (in "
                f"{np.count_nonzero(bad)} of {reward.size} entries)."
            )

    def _check_quantity(self, arm, quantity):
        return quantity

    @property
    def _named_arms(self):
        return self.arms

    def _carry_state(self, source, resize):
        self._check_same_shape(source)
        prior = self._initial_state(resize.n_arms, resize.n_features)
        before = getattr(source, "n_features_in_", None)
        return carry_by_fields(
            type(self).__name__,
            source.state_,
            prior,
            self._state_fields,
            resize,
            len(source.classes_),
            before,
        )

    def _merge_states(self, states):
        return merge_by_fields(type(self).__name__, states, self._state_fields)

    def _floats_per_row(self, contexts, n_arms):
        return 8 * n_arms

    def _threads(self, n_rows):
        return NO_LIMIT

    # ------------------------------------------------------------ parameters
    @property
    def _selector(self):
        if self.selector is None:
            return ArgmaxSelector()
        selector = at(self.selector, self.__dict__.get("learnt_weight_", 0.0))
        arms = self.__dict__.get("classes_")
        return selector if arms is None else for_arms(selector, arms)

    def _check_parameters(self, against_state=False):
        """Validate the parameters where they changed since the bandit last learnt.

        With `against_state`, also raise where what was learnt does not fit them any more. Return
        whether they had changed.
        """
        if isinstance(self.selector, type):
            raise TypeError(
                f"selector must be an instance, got the class {self.selector.__name__}. Write "
                f"{self.selector.__name__}()."
            )
        changed = not self._parameters_are_as_validated()
        if changed:
            if not get_config()["skip_parameter_validation"]:
                self._validate_params()
            self._bandit_tags = get_tags(self).bandit_tags
            self._bandit_tags.check(type(self).__name__)
            if against_state:
                self._check_shape_parameters()
        if self.selector is not None and hasattr(self.selector, "check"):
            self.selector.check()
        return changed

    def _parameters_are_as_validated(self):
        validated = self.__dict__.get("_validated")
        if validated is None:
            return False
        read, values = validated
        try:
            # What is the same object is not compared any further.
            return read(self.__dict__) == values
        except ValueError:
            # Arrays that are other ones are not compared as a whole.
            return False

    def _remember_parameters(self):
        self._shape = {name: repr(getattr(self, name)) for name in self._shape_parameters}
        read = itemgetter(*self._get_param_names())
        self._validated = read, read(self.__dict__)

    def _check_shape_parameters(self):
        """Raise where a parameter changed that what was learnt does not fit any more."""
        for name, before in self._shape.items():
            now = repr(getattr(self, name))
            if now != before:
                raise ValueError(
                    f"{name} was {before} when the bandit learnt and is {now} now, which does not "
                    "fit what it has learnt. Call fit, or set it back; "
                    "skbandit.transfer.transfer says what can be carried over."
                )
        if self.arms is None or self._candidate_features:
            return
        arms = check_arms(self.arms)
        if not np.array_equal(arms, self.classes_):
            raise ValueError(
                f"arms is {arms.tolist()!r} now, but the bandit has learnt about "
                f"{self.classes_.tolist()!r}. Use add_arms or remove_arms, or call fit."
            )

    def _check_same_shape(self, source, but=()):
        """Raise where what another bandit learnt does not fit this one's parameters.

        For ``_carry_state``. `but` names parameters that the caller looks after itself.
        """
        if set(self._shape_parameters) != set(source._shape_parameters):
            differ = ["they keep different statistics"]
        else:
            differ = [
                f"{name} is {getattr(source, name)!r} in source "
                f"and {getattr(self, name)!r} in template"
                for name in self._shape_parameters
                if name not in but and repr(getattr(source, name)) != repr(getattr(self, name))
            ]
        if differ:
            raise ValueError(
                f"What a {type(source).__name__} learnt cannot be carried into this "
                f"{type(self).__name__}: {'; '.join(differ)}."
            )

    @property
    def arms_(self):
        """The arms, in the order of the columns of ``predict_proba``; the same as ``classes_``."""
        return self.classes_

    def __sklearn_is_fitted__(self):
        return "state_" in self.__dict__

    def __sklearn_tags__(self):
        tags = TagsWithBandit.of(super().__sklearn_tags__())
        tags.estimator_type = "bandit"
        # The sparse checks ask how many columns predict_proba has for several arms.
        tags.classifier_tags = ClassifierTags(multi_class=True)
        tags.target_tags.required = True
        return tags

    def __getstate__(self):
        state = super().__getstate__()
        # Factorizations are rebuilt from the state: they are not worth their bytes on disk.
        return {name: value for name, value in state.items() if name not in _REBUILT}

    def __setstate__(self, state):
        super().__setstate__(state)
        if self.__sklearn_is_fitted__():
            self._bandit_tags = get_tags(self).bandit_tags
            self._forget_cache()

    def _forget_cache(self):
        # Set while learning and filled while predicting: predicting itself sets no attribute.
        self._cache = {}
        self._arm_lookup = {}

    def _twin(self):
        """Return a bandit that is what this one is now, whatever becomes of this one."""
        twin = object.__new__(type(self))
        twin.__dict__ = self.__dict__.copy()
        return twin

    # -------------------------------------------------------------- learning
    def fit(self, X, y, reward=None, sample_weight=None):
        """Forget everything and learn from rounds.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_candidates, n_features)
            The contexts, one decision a row. For models that take any rows, also frames of texts
            and categories, or lists.
        y : array-like of shape (n_samples,) or (n_samples, n_selected)
            The arm that was played in each round; or a log (see :func:`make_log`), which carries
            its rewards; or, without rewards, the arm that would have paid 1 where all others would
            have paid 0 (full feedback, all arms learn).
        reward : array-like of the shape of `y`, default=None
            What the arm played has paid.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of k counts a round k times.

        Returns
        -------
        self : object
            The fitted bandit.

        Raises
        ------
        ValueError
            On bad input, or where a step before the bandit in the Pipeline that is fitted looks at
            `y` and cannot read a log; the bandit is then what it was before.
        """
        check_own_pipeline(y)
        return self._learn_rounds(X, y, reward, None, sample_weight, forget=True)

    def partial_fit(self, X, y, reward=None, classes=None, sample_weight=None):
        """Learn from more rounds.

        Parameters
        ----------
        X, y, reward, sample_weight
            As in :meth:`fit`.
        classes : array-like of shape (n_arms,), default=None
            All arms, on the first call, for a bandit that was made without ``arms``. Without both,
            the arms are those in the first `y`.

        Returns
        -------
        self : object
            The bandit.

        Raises
        ------
        ValueError
            On bad input, or where a parameter that shapes the state was changed after learning;
            the bandit is then what it was before.
        """
        if classes is None is sample_weight and self.__sklearn_is_fitted__():
            twin = self._twin()
            rounds = twin._plain_rounds(X, y, reward)
            if rounds is not None:
                if not isinstance(self.random_state, np.random.RandomState):
                    twin._absorb(rounds)
                    self.__dict__ = twin.__dict__
                    return self
                with _stream_kept(self.random_state):
                    twin._absorb(rounds)
                    self.__dict__ = twin.__dict__
                return self
        return self._learn_rounds(X, y, reward, classes, sample_weight, forget=False)

    def _plain_rounds(self, X, y, reward):
        """Check a few rounds of plain arrays fast; None sends them to the full validation."""
        if (
            type(y) is not np.ndarray
            or y.ndim != 1
            or y.dtype.names is not None
            or reward is None
            or not self._is_plain(X)
            or X.shape[0] != y.shape[0]
        ):
            return None
        reward = np.asarray(reward)
        if reward.shape != y.shape or reward.dtype.kind not in "biuf":
            return None
        reward = reward.astype(np.float64)
        lookup = self._arm_lookup
        if not lookup:
            # Found whole: other threads read it. It stays until there are other arms.
            lookup = {label: index for index, label in enumerate(self.classes_.tolist())}
            self._arm_lookup = lookup
        index = [lookup.get(label, -1) for label in y.tolist()]
        if min(index) < 0 or not np.isfinite(reward).all():
            return None
        if self._check_parameters(against_state=True):
            self._remember_parameters()
        self._check_reward(reward)
        return Rounds(X, np.array(index, dtype=np.intp), reward, None)

    def _learn_rounds(self, X, y, reward, classes, sample_weight, forget):
        twin = self._twin()
        with _stream_kept(self.random_state):
            first = forget or not self.__sklearn_is_fitted__()
            twin._check_parameters(against_state=not first)
            contexts = twin._check_contexts(X, first)
            feedback = check_feedback(
                contexts, y, reward, sample_weight, twin._selector.n_selected
            )
            labels, reward = feedback.arm, feedback.reward
            twin._check_kind_of_feedback(feedback)
            if first:
                arms = twin._first_arms(contexts, labels, classes, reward is None)
                twin._begin(arms, contexts)
            else:
                twin._go_on(contexts, classes)
            arm = encode_arms(labels, twin._arms_for(contexts))
            quantity = feedback.quantity
            if reward is not None:
                twin._check_reward(reward)
            if quantity is not None:
                quantity = twin._check_quantity(arm, quantity)
            twin._absorb(
                flatten_rounds(
                    contexts,
                    arm,
                    reward,
                    feedback.weight,
                    feedback.propensity,
                    feedback.cost,
                    quantity,
                )
            )
            twin._remember_parameters()
            # Last in here: an interruption before it puts the stream back, none comes after it.
            self.__dict__ = twin.__dict__
        return self

    def _check_kind_of_feedback(self, feedback):
        """Raise where rounds carry what the bandit cannot read, or lack what it needs."""
        tags, name = self._bandit_tags, type(self).__name__
        reward, arm = feedback.reward, feedback.arm
        if reward is not None and reward.ndim > arm.ndim and tags.reward != "several":
            raise ValueError(
                f"reward has {reward.shape[1]} columns, one for each objective, but {name} learns "
                "one reward an arm. Pass one column, a weighted sum of them, or put the bandit "
                "into a skbandit.objectives.MultiObjectiveBandit."
            )
        if feedback.quantity is not None and tags.quantity == "none":
            raise ValueError(
                f"y carries quantities, and the arms of {name} take none. Leave the field out, or "
                "use a bandit of skbandit.quantities."
            )
        if feedback.quantity is None and tags.quantity == "some":
            raise ValueError(
                f"y carries no quantities, and {name} learns how much of an arm pays. Pass "
                "y=make_log(arm, reward, quantity=quantity)."
            )

    def _absorb(self, rounds):
        """Learn from checked rounds; for a twin, which no one else sees yet."""
        with self._threads(n_rows(rounds.contexts)):
            state = self._learn(rounds)
        _protect(state)
        full = rounds.reward is None
        before = self.learnt_weight_
        self.state_ = state
        self.full_feedback_ = full if before == 0.0 else self.full_feedback_ and full
        self.learnt_weight_ = before + rounds.total_weight()
        self.n_learning_calls_ += 1
        self._cache = {}

    def _first_arms(self, contexts, labels, classes, full_feedback=False):
        """The arms of a bandit that begins."""
        if self._named_arms is not None:
            known = check_arms(self._named_arms)
            if classes is not None and sorted(map(str, check_arms(classes))) != sorted(
                map(str, known)
            ):
                raise ValueError(
                    f"classes={list(classes)!r} differs from arms={known.tolist()!r}: "
                    "give only one of them."
                )
            return known
        if getattr(contexts, "ndim", 2) == 3:
            return np.arange(contexts.shape[1])
        if classes is not None:
            return check_arms(classes)
        arms = learn_arms(labels)
        if full_feedback:
            check_not_encoded(arms, len(labels))
        return arms

    def _begin(self, arms, contexts):
        """Set the arms and the prior state."""
        self._candidate_features = getattr(contexts, "ndim", 2) == 3
        self._become(arms, 0.0, 0)
        self._takes_plain = self._can_take_plain()
        self.full_feedback_ = True
        self.state_ = self._initial_state(len(arms), getattr(self, "n_features_in_", None))
        _protect(self.state_)

    def _can_take_plain(self):
        """Whether few rounds of plain numbers need no full validation."""
        return (
            "n_features_in_" in self.__dict__
            and not self._candidate_features
            and "feature_names_in_" not in self.__dict__
            and not (
                self._checks_plain_contexts
                and type(self)._check_contexts is not BaseBandit._check_contexts
            )
        )

    def _become(self, arms, learnt_weight, n_learning_calls):
        """Set what describes a state that is about to be made."""
        self.classes_ = arms
        self.learnt_weight_ = learnt_weight
        self.n_learning_calls_ = n_learning_calls
        self._forget_cache()

    def _go_on(self, contexts, classes):
        """Check that more rounds go with those that were learnt."""
        if classes is not None and set(check_arms(classes).tolist()) != set(
            self.classes_.tolist()
        ):
            raise ValueError(
                f"classes={list(classes)!r} is not the same as on the first call: "
                f"{self.classes_.tolist()!r}. Use add_arms or remove_arms to change the arms."
            )
        self._check_candidates(contexts)

    def _check_candidates(self, contexts):
        """Check the number of axes; know as many candidates as come, the new ones at their prior.

        For a twin.
        """
        if (getattr(contexts, "ndim", 2) == 3) != self._candidate_features:
            was, now = ("three", "two") if self._candidate_features else ("two", "three")
            raise ValueError(f"X has {now} dimensions, but the bandit has learnt from {was}.")
        if not self._candidate_features or self.arms is not None:
            return
        known, n_candidates = len(self.classes_), contexts.shape[1]
        if n_candidates > known:
            source = np.full(n_candidates, -1)
            source[:known] = np.arange(known)
            resize = self._resize(arms=np.arange(n_candidates), arm_source=source)
            self.state_ = self._carry_state(self._twin(), resize)
            self.classes_ = resize.arms
            self._forget_cache()

    def _arms_for(self, contexts):
        """Labels of the columns for these contexts."""
        if getattr(contexts, "ndim", 2) != 3 or contexts.shape[1] == len(self.classes_):
            return self.classes_
        if self.arms is not None:
            raise ValueError(
                f"X has {contexts.shape[1]} candidates, but arms names {len(self.classes_)}. "
                "Leave arms out for a number of candidates that varies, "
                "or mask some with available=."
            )
        return np.arange(contexts.shape[1])

    # -------------------------------------------------------------- deciding
    def _is_plain(self, X):
        """Say whether X is a small plain array that needs no further check.

        ``validate_data`` takes over 100 microseconds a call, several times a decision of the
        online loop. What is not plainly good here is judged there, so errors are the same.
        """
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype == np.float64
            and self._takes_plain
            and 0 < X.shape[0] <= _PLAIN_ROWS
            and X.shape[1] == self.n_features_in_
            # Finite entries may overflow in the sum: then the full check decides.
            and np.isfinite(X.sum())
        )

    def _asked(self, X):
        """Return checked contexts, and the bandit to ask: a twin, at its prior before any data."""
        twin = self._twin()
        if twin.__sklearn_is_fitted__():
            twin._check_parameters(against_state=True)
            if twin._is_plain(X):
                return X, twin
            contexts = twin._check_contexts(X, False)
            twin._check_candidates(contexts)
            return contexts, twin
        if self._named_arms is None and getattr(X, "ndim", 2) != 3:
            raise NotFittedError(
                f"This {type(self).__name__} instance knows no arms yet. Call 'fit' or "
                "'partial_fit' first, or name the arms in the constructor (arms=[...]) to play "
                "from the prior."
            )
        twin._check_parameters()
        contexts = twin._check_contexts(X, True)
        twin._begin(twin._first_arms(contexts, None, None), contexts)
        return contexts, twin

    def _blocks(self, contexts, n_arms):
        """Yield slices of rows whose temporaries stay within cache and ``working_memory``."""
        budget = min(_BLOCK_BYTES, get_config()["working_memory"] * 2**20)
        block = max(1, int(budget / (8 * self._floats_per_row(contexts, n_arms))))
        n_samples = n_rows(contexts)
        for start in range(0, n_samples, block):
            yield slice(start, min(start + block, n_samples))

    def _columns(self, contexts, hook, n_outputs=1):
        """Run a hook over blocks of rows and join what it returns, (n_samples, n_arms) each."""
        n_samples, arms = n_rows(contexts), self._arms_for(contexts)
        outputs = [np.empty((n_samples, len(arms))) for _ in range(n_outputs)]
        with self._threads(n_samples):
            for rows in self._blocks(contexts, len(arms)):
                block = hook(rows, block_of(contexts, rows))
                for output, part in zip(outputs, block if n_outputs > 1 else [block], strict=True):
                    output[rows] = part
        return outputs if n_outputs > 1 else outputs[0]

    def _probabilities(self, contexts, available, cost=None):
        def hook(rows, block):
            bandit = self._at_cost(cost, rows)
            return bandit._policy(block, None if available is None else available[rows])

        return self._columns(contexts, hook)

    def _costs(self, cost, contexts):
        return (
            None if cost is None else check_cost(cost, self._arms_for(contexts), n_rows(contexts))
        )

    def _at_cost(self, cost, rows):
        """The bandit whose selector knows what the arms cost in these rows."""
        if cost is None:
            return self
        twin = self._twin()
        twin.selector = for_costs(self._selector, cost[rows])
        return twin

    def _mask(self, available, contexts):
        n_selected = self._selector.n_selected or 1
        if available is None and n_selected == 1:
            return None
        return check_available(available, self._arms_for(contexts), n_rows(contexts), n_selected)

    def predict(self, X, *, explore=True, available=None, cost=None, return_propensity=False):
        """Decide: draw an arm for each row from the policy.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_candidates, n_features)
            The contexts.
        explore : bool, default=True
            False plays the arm of the highest expected reward.
        available : array-like of bool of shape (n_samples, n_arms), default=None
            The arms that may be played in each row; None means all.
        cost : array-like or frame of shape (n_samples, n_arms), or array-like of (n_samples,), \
                default=None
            What it costs to play each arm in each row, for a selector that weighs costs (see
            :mod:`skbandit.strategies`), in place of the costs that it has itself; or a factor on
            those for each row. None: the selector's own.
        return_propensity : bool, default=False
            Also return the probability with which the arm was played, to be logged.

        Returns
        -------
        arms : ndarray of shape (n_samples,) or (n_samples, n_selected)
            The arms to play; sets of arms come best first.
        propensity : ndarray of the shape of `arms`
            Only if `return_propensity`.

        Raises
        ------
        NotFittedError
            If the bandit knows no arms yet.
        ValueError
            On bad contexts, a mask that leaves a row without an arm, or costs that the selector
            does not weigh.
        """
        contexts, bandit = self._asked(X)
        selector, arms = bandit._selector, bandit._arms_for(contexts)
        n_selected = selector.n_selected
        available, cost = bandit._mask(available, contexts), bandit._costs(cost, contexts)
        uniform = uniforms(bandit.random_state, contexts, bandit.learnt_weight_)
        index = np.empty((len(uniform), n_selected or 1), dtype=np.intp)
        propensity = np.empty(index.shape)
        with bandit._threads(len(uniform)):
            for rows in bandit._blocks(contexts, len(arms)):
                block = block_of(contexts, rows)
                mask = None if available is None else available[rows]
                asked = bandit._at_cost(cost, rows)
                if explore:
                    probability = asked._policy(block, mask)
                else:
                    greedy = ArgmaxSelector() if n_selected is None else selector
                    probability = greedy.select(asked._mean_reward(block), mask)
                chosen = draw_arms(probability, uniform[rows], n_selected or 1)
                if n_selected is not None and n_selected > 1:
                    ask = bandit._decision_function if explore else bandit._mean_reward
                    chosen = order_by_score(chosen, ask(block))
                index[rows] = chosen
                # Faster for a single row than take_along_axis.
                propensity[rows] = probability[np.arange(len(chosen))[:, None], chosen]
        if n_selected is None:
            index, propensity = index[:, 0], propensity[:, 0]
        return (arms[index], propensity) if return_propensity else arms[index]

    def predict_proba(self, X, available=None, cost=None):
        """Return the policy: the probability with which each arm is played.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_candidates, n_features)
            The contexts.
        available : array-like of bool of shape (n_samples, n_arms), default=None
            The arms that may be played in each row; None means all.
        cost : array-like or frame of shape (n_samples, n_arms), or array-like of (n_samples,), \
                default=None
            What it costs to play each arm in each row, as in :meth:`predict`.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_arms)
            Columns in the order of ``classes_``. Rows sum to 1, or to the number of arms that the
            selector plays.
        """
        contexts, bandit = self._asked(X)
        return bandit._probabilities(
            contexts, bandit._mask(available, contexts), bandit._costs(cost, contexts)
        )

    def decision_function(self, X):
        """Return the score on which the policy ranks the arms, without noise.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_candidates, n_features)
            The contexts.

        Returns
        -------
        score : ndarray of shape (n_samples, n_arms)
            In units of the reward; two-dimensional for two arms too.
        """
        contexts, bandit = self._asked(X)
        return bandit._columns(contexts, lambda rows, block: bandit._decision_function(block))

    def expected_reward(self, X, return_std=False):
        """Return what the model believes each arm pays.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_candidates, n_features)
            The contexts.
        return_std : bool, default=False
            Also return the standard deviation of that belief.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_arms)
            In units of the reward.
        std : ndarray of shape (n_samples, n_arms)
            Of the expected reward, without the noise of a single reward. Only if `return_std`.
        """
        contexts, bandit = self._asked(X)
        if return_std:
            return tuple(
                bandit._columns(contexts, lambda rows, block: bandit._expected_reward(block), 2)
            )
        return bandit._columns(contexts, lambda rows, block: bandit._mean_reward(block))

    def score(
        self, X, y, reward=None, propensity=None, sample_weight=None, available=None, cost=None
    ):
        """Return the off-policy value of the policy on a log.

        With rewards, the self-normalised importance-weighted mean reward (Swaminathan & Joachims
        2015); its weights are the policy's probability of the logged arm over its propensity. With
        plain labels, on a bandit that learnt from full feedback, the mean probability that the
        policy gives to the arm that pays.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The contexts.
        y : array-like of shape (n_samples,)
            A log with propensities (see :func:`make_log`), or the arms played.
        reward, propensity : array-like of the shape of `y`, default=None
            Where `y` does not carry them.
        sample_weight : array-like of shape (n_samples,), default=None
        available : array-like or frame of bool of shape (n_samples, n_arms), default=None
            The arms that could be played in each row, among which the policy decides; None means
            all. Columns as in :meth:`predict`.
        cost : array-like of shape (n_samples, n_arms) or (n_samples,), default=None
            What the arms cost the policy in each row, as in :meth:`predict`.

        Returns
        -------
        value : float
            Expected reward a round, in units of the reward.

        Raises
        ------
        ValueError
            If a logged arm was not available; if propensities are missing; or rewards are, on a
            bandit that learnt from rewards: the score would then rate how well the policy imitates
            the logging policy.

        References
        ----------
        A. Swaminathan and T. Joachims (2015). The self-normalized estimator for counterfactual
        learning. NeurIPS 28.
        """
        contexts, bandit = self._asked(X)
        feedback = check_feedback(contexts, y, reward, sample_weight, bandit._selector.n_selected)
        labels, reward, logged_propensity, weight = feedback[:4]
        bandit._check_kind_of_feedback(feedback)
        arm = encode_arms(labels, bandit._arms_for(contexts))
        if reward is None and not bandit.full_feedback_:
            raise ValueError(
                "score needs rewards: this bandit learnt from rewards, and comparing its arms "
                "with the logged ones would rate imitation. "
                "Pass y=make_log(arm, reward, propensity)."
            )
        mask = bandit._mask(available, contexts)
        if available is not None and reward is not None:
            check_logged_available(mask, arm)
        chosen = bandit._propensity_of(
            contexts, arm, feedback.quantity, mask, bandit._costs(cost, contexts)
        )
        if reward is None:
            return float(np.average(chosen, weights=weight))
        propensity = logged_propensity if propensity is None else propensity
        if propensity is None:
            raise ValueError(
                "score needs the propensities with which the logged arms were played: pass "
                "y=make_log(arm, reward, propensity) or propensity=."
            )
        propensity = check_propensity(propensity, arm.shape, feedback.quantity is not None)
        return self_normalized_value(reward, chosen, propensity, weight)

    def _propensity_of(self, contexts, arm, quantity, available, cost):
        """The probability, of the shape of `arm`, with which the policy plays what was played."""
        policy = self._probabilities(contexts, available, cost)
        place = arm if arm.ndim == 2 else arm[:, None]
        return np.take_along_axis(policy, place, axis=1).reshape(arm.shape)

    # -------------------------------------------------------------- transfer
    def _resize(self, *, arms=None, arm_source=None, shares=None, features=None, names=None):
        """Describe a change of this bandit's arms or features; None leaves them as they are."""
        n_features = getattr(self, "n_features_in_", None)
        if features is None:
            features = np.arange(n_features or 0)
            names = getattr(self, "feature_names_in_", None)
        else:
            n_features = len(features)
        return Resize(
            self.classes_ if arms is None else arms,
            np.arange(len(self.classes_)) if arm_source is None else arm_source,
            shares,
            n_features,
            features,
            names,
        )

    def _carried_into(self, new, resize):
        """Give an unfitted bandit what this one has learnt, in another size."""
        new._check_parameters()
        new._candidate_features = self._candidate_features
        new._become(resize.arms, self.learnt_weight_, self.n_learning_calls_)
        new.full_feedback_ = self.full_feedback_
        if resize.n_features is not None:
            new.n_features_in_ = resize.n_features
        if resize.feature_names is not None:
            new.feature_names_in_ = resize.feature_names
        new._takes_plain = new._can_take_plain()
        new.state_ = new._carry_state(self, resize)
        _protect(new.state_)
        new._remember_parameters()
        new._forget_cache()
        return new

    def _joined(self, parts):
        """Know what bandits of one class, parameters, arms and features know together.

        For a new bandit, or a twin; itself.
        """
        self.state_ = self._merge_states([part.state_ for part in parts])
        self.learnt_weight_ = sum(part.learnt_weight_ for part in parts)
        self.n_learning_calls_ = sum(part.n_learning_calls_ for part in parts)
        self.full_feedback_ = all(part.full_feedback_ for part in parts)
        self._forget_cache()
        return self

    def add_arms(self, arms, init="prior"):
        """Return a new bandit that also knows these arms.

        Parameters
        ----------
        arms : list of labels
            The new arms; they are appended to ``classes_``.
        init : {"prior", "mean"}, an arm that is known, or dict, default="prior"
            "prior": as if the arm had been known from the start and never played. "mean": starts
            it from the average of what the others learnt. An arm: starts it from what that one
            learnt. A dict of known arms to weights: starts it from so much of what each of them
            learnt; weights are not negative, their sum is 1 at most, and what they lack of 1 is
            the prior. A dict of new arms to such dicts: gives each its own weights, for instance
            those of :func:`skbandit.transfer.similar_arms`.

        Returns
        -------
        bandit : estimator
            A new one; this one is untouched.

        Raises
        ------
        ValueError
            If an arm is known already or `init` names no known arm, or its weights are negative
            or add up to more than 1.

        See Also
        --------
        skbandit.transfer.similar_arms : Weights of known arms by the likeness of their features.

        Examples
        --------
        >>> from skbandit.linear import LinearUCB
        >>> bandit = LinearUCB(arms=["a", "b"]).fit([[0.0], [1.0]], ["a", "b"], reward=[1, 0])
        >>> bandit.add_arms(["c"]).arms_.tolist()
        ['a', 'b', 'c']
        >>> bandit.add_arms(["c"], init={"a": 0.5, "b": 0.25}).weight_.tolist()
        [1.0, 1.0, 0.75]
        """
        new = check_arms(_as_list(arms, "arms"))
        if not self.__sklearn_is_fitted__() and self.arms is not None:
            known = check_arms(self.arms)
            _check_new_arms(known, new)
            _shares_of(init, known, new)
            return clone(self).set_params(arms=_joined(known, new).tolist())
        check_is_fitted(self)
        old = self._twin()
        old._check_arms_are_labels("add_arms")
        _check_new_arms(old.classes_, new)
        labels = _joined(old.classes_, new)
        source = np.concatenate([np.arange(len(old.classes_)), np.full(len(new), -1)])
        shares = _shares_of(init, old.classes_, new)
        resize = old._resize(arms=labels, arm_source=source, shares=shares)
        return old._carried_into(clone(old).set_params(arms=labels.tolist()), resize)

    def remove_arms(self, arms):
        """Return a new bandit that has forgotten these arms.

        Parameters
        ----------
        arms : list of labels
            Arms to forget; at least one must remain.

        Returns
        -------
        bandit : estimator
            A new one; this one is untouched.

        Raises
        ------
        ValueError
            If an arm is not known or none would remain.
        """
        gone = check_arms(_as_list(arms, "arms"))
        old = self._twin()
        fitted = old.__sklearn_is_fitted__()
        if not fitted and old.arms is None:
            check_is_fitted(old)
        known = old.classes_ if fitted else check_arms(old.arms)
        keep = np.setdiff1d(np.arange(len(known)), encode_arms(gone, known))
        if keep.size == 0:
            raise ValueError(f"arms={gone.tolist()!r} would leave the bandit without any arm.")
        smaller = clone(old).set_params(arms=known[keep].tolist())
        if not fitted:
            return smaller
        old._check_arms_are_labels("remove_arms")
        return old._carried_into(smaller, old._resize(arms=known[keep], arm_source=keep))

    def expand_features(self, features, init="prior"):
        """Return a new bandit with more features, appended after those it has.

        It equals one whose rounds so far all had zeros there: its predictions on old rows padded
        with zeros are the same.

        Parameters
        ----------
        features : int or list of str
            How many new features, or their names where the bandit has learnt from named columns.
        init : {"prior"}, default="prior"
            The new coefficients start from the prior.

        Returns
        -------
        bandit : estimator
            A new one; this one is untouched.

        Raises
        ------
        ValueError
            If a name is known already, or names are given or missing where they must not be.
        """
        check_is_fitted(self)
        if init != "prior":
            raise ValueError(f"init must be 'prior' for new features, got {init!r}.")
        old = self._twin()
        old._check_features_can("expand_features", "adding_features")
        n_new, names = _new_features(features, getattr(old, "feature_names_in_", None))
        source = np.concatenate([np.arange(old.n_features_in_), np.full(n_new, -1)])
        return old._carried_into(clone(old), old._resize(features=source, names=names))

    def drop_features(self, features):
        """Return a new bandit that has forgotten these features.

        A Gaussian posterior is marginalised: what is believed about the others does not change.

        Parameters
        ----------
        features : list of int or list of str
            Positions, or names where the bandit has learnt from named columns.

        Returns
        -------
        bandit : estimator
            A new one; this one is untouched.

        Raises
        ------
        ValueError
            If a feature is not known or none would remain.
        """
        check_is_fitted(self)
        old = self._twin()
        old._check_features_can("drop_features", "dropping_features")
        names = getattr(old, "feature_names_in_", None)
        dropped = _feature_positions(_as_list(features, "features"), names, old.n_features_in_)
        keep = np.setdiff1d(np.arange(old.n_features_in_), dropped)
        if keep.size == 0:
            raise ValueError(f"features={features!r} would leave the bandit without any feature.")
        resize = old._resize(features=keep, names=None if names is None else names[keep])
        return old._carried_into(clone(old), resize)

    def _check_features_can(self, method, tag):
        if getattr(get_tags(self).bandit_tags, tag) == "no" or not hasattr(self, "n_features_in_"):
            raise ValueError(
                f"{method} does not apply to this {type(self).__name__}: what it has learnt "
                "cannot be carried to other features. Fit a new one."
            )

    def _check_arms_are_labels(self, method):
        if self._candidate_features and self.arms is None:
            raise ValueError(
                f"{method} does not apply: the arms are candidates with features of their own, "
                "and their number may differ from call to call."
            )


class _stream_kept:
    """Put the stream of a RandomState back where a learning call does not come to its end."""

    def __init__(self, random_state):
        self.random_state = random_state
        self.is_stream = isinstance(random_state, np.random.RandomState)

    def __enter__(self):
        if self.is_stream:
            self.before = self.random_state.get_state()

    def __exit__(self, kind, error, traceback):
        if kind is not None and self.is_stream:
            self.random_state.set_state(self.before)


def _protect(state):
    """Make the arrays of a record read-only: a state is replaced, never written to."""
    if isinstance(state, tuple):
        values = state
    elif hasattr(state, "__dataclass_fields__"):
        values = vars(state).values()
    else:
        # An object that looks after itself.
        return
    for value in values:
        if type(value) is np.ndarray:
            value.flags.writeable = False


def _as_list(values, name):
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(
            f"{name} must be a list, got {values!r}. Write [{values!r}] for a single one."
        )
    return list(values)


def _new_features(features, names):
    """How many features are new, and the names of all."""
    if isinstance(features, Integral) and not isinstance(features, bool):
        if features < 1:
            raise ValueError(f"features must be at least 1, got {features}.")
        if names is not None:
            raise ValueError(
                f"features={features} is a number, but the bandit knows its features by name "
                f"({', '.join(map(str, names[:5]))}, ...). Pass the names of the new ones."
            )
        return int(features), None
    new = _as_list(features, "features")
    if not new:
        raise ValueError("features must name at least one new feature, got an empty list.")
    if names is None:
        raise ValueError(
            f"features={new!r} are names, but the bandit has learnt from unnamed columns. Pass "
            "how many there are."
        )
    clash = sorted(set(new) & set(names))
    if clash or len(set(new)) < len(new):
        raise ValueError(
            f"features must be new distinct names, got {new!r}"
            + (f"; the bandit knows {clash!r} already." if clash else ".")
        )
    return len(new), np.concatenate([names, np.asarray(new, dtype=object)])


def _feature_positions(features, names, n_features):
    if not features:
        raise ValueError("features must name at least one feature to drop, got an empty list.")
    if all(isinstance(feature, str) for feature in features):
        if names is None:
            raise ValueError(
                f"features={features!r} are names, but the bandit has learnt from unnamed "
                "columns. Pass positions."
            )
        positions = source_index(names, features)
        if (positions < 0).any():
            unknown = [f for f, place in zip(features, positions, strict=True) if place < 0]
            raise ValueError(
                f"features {unknown!r} are not known; the bandit has {list(names)!r}."
            )
    else:
        positions = np.asarray(features)
        if positions.dtype.kind not in "iu" or (
            ((positions < 0) | (positions >= n_features)).any()
        ):
            raise ValueError(
                f"features must be names or positions from 0 to {n_features - 1}, got "
                f"{features!r}."
            )
    return np.unique(positions)


def _shares_of(init, known, new):
    """Shares of known arms in the start of new ones, (n_new, n_known); None is the prior."""
    labels = known.tolist()
    if isinstance(init, Mapping):
        shares = _mapped_shares(init, labels, new.tolist())
        return shares if shares.any() else None
    if init in labels:
        shares = np.zeros((len(new), len(labels)))
        shares[:, labels.index(init)] = 1.0
        return shares
    if isinstance(init, str) and init in ("prior", "mean"):
        return None if init == "prior" else np.full((len(new), len(labels)), 1.0 / len(labels))
    raise ValueError(
        "init must be 'prior', 'mean', an arm that is known, or a dict of known arms to weights, "
        f"got {init!r}; the arms are {labels!r}."
    )


def _mapped_shares(init, labels, new):
    """The shares that a dict gives: the same to all new arms, or each new arm its own."""
    if not any(isinstance(value, Mapping) for value in init.values()):
        return np.tile(_weights_of(init, labels), (len(new), 1))
    place = {label: number for number, label in enumerate(new)}
    if set(init) != set(place) or not all(isinstance(one, Mapping) for one in init.values()):
        raise ValueError(
            "init must give each new arm a dict of weights where it gives one to any; the new "
            f"arms are {new!r}, got {init!r}."
        )
    shares = np.zeros((len(new), len(labels)))
    for label, weights in init.items():
        shares[place[label]] = _weights_of(weights, labels)
    return shares


def _weights_of(weights, labels):
    """One new arm's shares."""
    place = {label: number for number, label in enumerate(labels)}
    unknown = [label for label in weights if label not in place]
    if unknown:
        raise ValueError(
            f"init gives weights to the arms {unknown!r}, which are not known; the arms are "
            f"{labels!r}."
        )
    shares = np.zeros(len(labels))
    for label, weight in weights.items():
        if not isinstance(weight, Real) or not 0.0 <= weight <= 1.0 + ROUNDING:
            raise ValueError(
                f"init must give weights from 0 to 1, got {weight!r} for the arm {label!r}."
            )
        shares[place[label]] = weight
    total = shares.sum()
    if total > 1.0 + ROUNDING:
        raise ValueError(
            f"init must give weights whose sum is 1 at most, got {total:g}. Divide them by "
            "their sum."
        )
    return shares


def _check_new_arms(known, new):
    clash = [label for label in new.tolist() if label in known.tolist()]
    if clash:
        raise ValueError(
            f"arms {clash!r} are known already; the arms are {known.tolist()!r}. Use remove_arms "
            "first to start one over."
        )


def _joined(known, new):
    """Append labels, keeping one type."""
    if {known.dtype.kind, new.dtype.kind} & set("US") and known.dtype.kind != new.dtype.kind:
        raise ValueError(
            f"arms must be labels of one type: known are {known.tolist()!r}, new {new.tolist()!r}."
        )
    return np.concatenate([known, new])
