"""Off-policy values as scikit-learn scorers: ``scoring=`` for policies and logs."""

import re
import uuid
import warnings

import numpy as np
from sklearn.utils.metadata_routing import UNCHANGED, MetadataRequest

from .._play import (
    UNKNOWN_ARMS,
    ArmColumns,
    as_rows,
    check_log,
    check_objective,
    check_steps_read_logs,
    policy_table,
)
from .._sklearn import error_score_of_search
from ._diagnostics import stacklevel_of_caller
from ._evaluate import get_estimator_names, policy_value
from ._intervals import INTERVALS, check_confidence_level
from ._scorer_model import forward, log_rewards

_BOUNDS = ("lower", "upper")
_METADATA = ("reward", "propensity", "sample_weight", "available", "cost", "groups")
# Splitters take groups as well: unless asked for, they are theirs alone. All else that nobody says
# whether to ask for is an error, as in scikit-learn.
_UNASKED = {"groups": False}
_DRAWS = ("bootstrap", "bca")
# Which scorer has said what about scores that failed, in this process.
_said = set()


def make_policy_scorer(
    estimator="dr",
    *,
    reward_model=None,
    arm_model="disjoint",
    cv=5,
    interval=None,
    bound="lower",
    confidence_level=0.95,
    interval_params=None,
    unknown_arms="raise",
    objective=None,
    price=0.0,
    n_jobs=None,
    **parameters,
):
    """Make a scorer that estimates the value of a policy from a log.

    It serves as ``scoring=`` wherever scikit-learn takes a scorer: `GridSearchCV` and its kin,
    `cross_validate`, `learning_curve`, `permutation_importance`. It asks the policy for
    ``predict_proba`` and matches arms by their labels in ``classes_``, so it also takes policies
    that are not from this package.

    Parameters
    ----------
    estimator : str or list of str, default="dr"
        Names of off-policy estimators, see `get_policy_scorer_names`. A list makes a scorer of
        several metrics that returns a dict and asks the policy only once.
    reward_model : estimator, default=None
        Regressor or classifier for the estimators with a model. It is fitted by cross-fitting on
        the very log that is scored (`cross_fit_rewards`), never on the rows it predicts. None
        means a ridge regression an arm, its penalty learnt from the data; it takes frames of
        numbers, categories and missing values, see Notes.
    arm_model : {"disjoint", "shared"}, default="disjoint"
        One reward model an arm, or one of all with the arm appended to X.
    cv : int or cross-validation generator, default=5
        Folds of the cross-fitting; `TimeSeriesSplit` for the log of a policy that learns, which
        `"adaptive_dr"` makes of a number by itself.
    interval : str, default=None
        None scores the value. Otherwise the method of a confidence interval, see
        `PolicyValue.interval`, of which the score is one end: a search then prefers what the log
        supports well (pessimism).
    bound : {"lower", "upper"}, default="lower"
        Which end, where `interval` is given.
    confidence_level : float, default=0.95
        Probability that the value lies above the lower bound (below the upper one); at least 0.5.
    interval_params : dict, default=None
        Options of the interval, such as `n_resamples`. Resamples are drawn with `random_state=0`
        unless this says otherwise: scores then do not change from call to call.
    unknown_arms : {"raise", "zero"}, default="raise"
        A logged arm that the policy does not know is an error, or counts as one that it plays with
        probability 0.
    objective : None, int, array-like of shape (n_objectives,) or "cost", default=None
        What of a log is scored. None: its reward, an error where it has several objectives. An
        int: that column of the rewards. Weights: the weighted sum of all columns. ``"cost"``: what
        playing has cost (the field ``cost`` of the log), negative, so that higher is better.
    price : float >= 0, default=0.0
        What a unit of cost is worth in units of the reward: the score is the value of the reward
        less `price` times the cost of the log.
    n_jobs : int, default=None
        Folds of the reward model fitted in parallel.
    **parameters
        Tuning parameters of the estimator (`clip`, `tau`, `lambda_`); only with a single one.

    Returns
    -------
    scorer : PolicyScorer
        Called as ``scorer(policy, X, y)`` with `y` a log; higher is better.

    Raises
    ------
    ValueError
        If an argument is none of those named.

    See Also
    --------
    get_policy_scorer : By name, without options.
    skbandit.model_selection.compare_policies : A table with intervals instead of a number.

    Notes
    -----
    What a reward model predicts for a log is kept in memory (256 MiB at most), so a search over 50
    policies fits it once a fold in each process. `sample_weight` counts in the estimate, not in
    the model. With `groups` no row is predicted by a model that saw its group.

    A search passes `available`, `cost` and `groups` on to the scorer where metadata routing is
    enabled and the scorer asks for them, ``set_score_request(available=True, cost=True)``. It asks
    for no `groups` unless it is told to, since splitters take an argument of that name.

    The default reward model reads columns of texts and categories as labels, of which the 30 most
    frequent have a weight each and the others share one; a missing number is the median, and its
    being missing counts.

    `X` is what the scorer gets, before the steps of a Pipeline; a `reward_model` can be a Pipeline
    with the same steps. In `permutation_importance` it is fitted on the permuted contexts; prefer
    ``"snips"`` there, which needs none, and avoid ``"dm"``.

    In a search a score that fails is NaN, or the search's ``error_score``, and one warning in each
    process says why, for all candidates and folds that fail alike. Where every candidate failed a
    search warns that scores are not finite and names the first as the best nevertheless:
    scikit-learn raises only where all fits fail. ``error_score="raise"`` shows the first error and
    ends the search.

    References
    ----------
    Dudik, Erhan, Langford & Li (2014), Doubly robust policy evaluation and optimization,
    Statistical Science 29. Swaminathan & Joachims (2015), Counterfactual risk minimization, ICML
    (pessimism).

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skbandit.environments import LinearEnvironment, log_policy
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.metrics import make_policy_scorer
    >>> from skbandit.selectors import EpsilonGreedySelector
    >>> environment = LinearEnvironment(n_features=3, noise=1.0)
    >>> logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    >>> X, log = log_policy(logger, environment, 2000, random_state=0)
    >>> grid = {"alpha": [0.0, 1.0, 100.0]}
    >>> cautious = make_policy_scorer("dr", interval="student")
    >>> GridSearchCV(LinearUCB(), grid, scoring=cautious).fit(X, log).best_params_
    {'alpha': 0.0}
    """
    return PolicyScorer(
        estimator,
        reward_model=reward_model,
        arm_model=arm_model,
        cv=cv,
        interval=interval,
        bound=bound,
        confidence_level=confidence_level,
        interval_params=interval_params,
        unknown_arms=unknown_arms,
        objective=objective,
        price=price,
        n_jobs=n_jobs,
        parameters=parameters,
    )


class PolicyScorer:
    """A scorer of policies on logs; made by `make_policy_scorer`, whose arguments it takes.

    Parameters
    ----------
    estimator : str or list of str
    reward_model, arm_model, cv, interval, bound, confidence_level, interval_params : object
        As in `make_policy_scorer`, with the same defaults.
    unknown_arms, objective, price, n_jobs : object
        As in `make_policy_scorer`, with the same defaults.
    parameters : dict, default=None
        Tuning parameters of the estimator.

    See Also
    --------
    make_policy_scorer : Says what the parameters mean.

    Examples
    --------
    >>> from skbandit.metrics import make_policy_scorer
    >>> make_policy_scorer("clipped_ips", clip=5.0)
    make_policy_scorer('clipped_ips', clip=5.0)
    """

    def __init__(
        self,
        estimator="dr",
        *,
        reward_model=None,
        arm_model="disjoint",
        cv=5,
        interval=None,
        bound="lower",
        confidence_level=0.95,
        interval_params=None,
        unknown_arms="raise",
        objective=None,
        price=0.0,
        n_jobs=None,
        parameters=None,
    ):
        names = [estimator] if isinstance(estimator, str) else list(estimator)
        known = get_estimator_names()
        if not names or not set(names) <= set(known):
            raise ValueError(
                f"estimator must be among {', '.join(known)}, or a list of them; "
                f"got {estimator!r}."
            )
        if parameters and len(names) > 1:
            raise ValueError(
                f"parameters {', '.join(parameters)} are given for several estimators; make a "
                "scorer of each, and pass a dict of them as scoring=."
            )
        if interval not in (None, "auto", *INTERVALS):
            raise ValueError(
                f"interval must be None or one of auto, {', '.join(sorted(INTERVALS))}; "
                f"got {interval!r}."
            )
        if bound not in _BOUNDS:
            raise ValueError(f"bound must be one of {', '.join(_BOUNDS)}; got {bound!r}.")
        check_confidence_level(confidence_level)
        if confidence_level < 0.5:
            raise ValueError(
                f"confidence_level must be at least 0.5, got {confidence_level!r}: a bound below "
                "it lies on the other side of the value."
            )
        if unknown_arms not in UNKNOWN_ARMS:
            raise ValueError(
                f"unknown_arms must be one of {', '.join(UNKNOWN_ARMS)}; got {unknown_arms!r}."
            )
        check_objective(objective, price)
        self.estimator = estimator
        self.reward_model = reward_model
        self.arm_model = arm_model
        self.cv = cv
        self.interval = interval
        self.bound = bound
        self.confidence_level = confidence_level
        self.interval_params = interval_params
        self.unknown_arms = unknown_arms
        self.objective = objective
        self.price = price
        self.n_jobs = n_jobs
        self.parameters = dict(parameters or {})
        self._requests = {}
        # Copies, also those in other processes, are the same scorer.
        self._token = uuid.uuid4().hex

    def __call__(
        self,
        policy,
        X,
        y,
        *,
        reward=None,
        propensity=None,
        sample_weight=None,
        available=None,
        cost=None,
        groups=None,
    ):
        """Score a policy.

        Parameters
        ----------
        policy : estimator object
            Fitted, with ``predict_proba`` and ``classes_``; a bandit, a Pipeline or search around
            one, or any classifier.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            The contexts, as the policy takes them; texts in a list or a Series too.
        y : array-like of shape (n_samples,)
            A log (see :func:`skbandit.base.make_log`), or the arms that were played. A log of
            sets, of a policy with `TopKSelector`, has ``"dr"``, ``"dm"``, ``"ips"`` and
            ``"snips"``; the score is the expected sum of the rewards of a set.
        reward, propensity : array-like of shape (n_samples,), default=None
            Where `y` does not carry them; `propensity` takes the place of that of `y`.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each round counts.
        available : array-like of bool of shape (n_samples, n_arms), default=None
            The arms that could be played in each round; columns in the order of the policy's
            ``classes_``, or with labels that are matched with them, further arms left aside. The
            policy decides among these, also where it is the last step of a Pipeline; the
            probabilities of a policy that takes no mask, a classifier, are divided by their sum
            over these.
        cost : array-like or frame of shape (n_samples, n_arms), or array-like of (n_samples,), \
                default=None
            What the arms cost in each round, by which a policy that weighs costs decides, as in
            ``predict(X, cost=cost)``; others decide without. What is scored with `objective` and
            `price` is the field ``cost`` of `y`, what was paid.
        groups : array-like of shape (n_samples,), default=None
            Labels of rounds that belong together, see `PolicyValue`.

        Returns
        -------
        score : float, or dict of str to float
            A dict where the scorer was made with a list.

        Raises
        ------
        ValueError
            If there are no rewards, no propensities where they are needed, impossible values, an
            arm that the policy does not know, a logged arm that was not available, a row in which
            the policy plays none of those that were, or a step before the bandit that looks at `y`
            and cannot read a log. If the log has several objectives of which `objective` chooses
            none, no costs where they are scored, or quantities.
        """
        given = {
            "reward": reward,
            "propensity": propensity,
            "sample_weight": sample_weight,
            "available": available,
            "cost": cost,
            "groups": groups,
        }
        try:
            return self._score(policy, X, y, **given)
        except (TypeError, ValueError) as error:
            error_score = error_score_of_search()
            if error_score == "raise":
                raise
            self._say(error, error_score)
        if isinstance(self.estimator, str):
            return error_score
        return dict.fromkeys(self.estimator, error_score)

    def _score(self, policy, X, y, **given):
        values = self.evaluate(policy, X, y, **given)
        if isinstance(values, dict):
            return {name: self._number(value) for name, value in values.items()}
        return self._number(values)

    def _say(self, error, error_score):
        """Warn of a score that failed, once for all candidates and folds that fail alike."""
        # Numbers differ from fold to fold.
        said = self._token, type(error), re.sub(r"[0-9.e+-]+", "", str(error))
        if said in _said:
            return
        _said.add(said)
        warnings.warn(
            f"scores that fail are set to {error_score:g}; this one, and any that fails alike, "
            f'by {type(error).__name__}: {error} (error_score="raise" ends the search there.)',
            UserWarning,
            stacklevel=stacklevel_of_caller(),
        )

    def evaluate(
        self,
        policy,
        X,
        y,
        *,
        reward=None,
        propensity=None,
        sample_weight=None,
        available=None,
        cost=None,
        groups=None,
    ):
        """Estimate the value with all that its intervals need.

        Parameters
        ----------
        policy, X, y, reward, propensity, sample_weight, available, cost, groups
            As in a call.

        Returns
        -------
        value : PolicyValue, or dict of str to PolicyValue
        """
        X = as_rows(X)
        check_steps_read_logs(policy, y)
        logged = check_log(
            X, y, reward, propensity, sets=True, objective=self.objective, price=self.price
        )
        table = policy_table(
            policy,
            X,
            logged.labels,
            unknown_arms=self.unknown_arms,
            available=available,
            cost=cost,
        )
        return policy_value(
            self.estimator,
            policy_probability=table.probability,
            arm=table.column,
            reward=logged.reward,
            propensity=logged.propensity,
            expected_reward=self._expected_reward(X, logged, table, groups),
            sample_weight=sample_weight,
            groups=groups,
            **self.parameters,
        )

    def _expected_reward(self, X, logged, table, groups):
        """Predict the reward of the columns of a table; None where no estimator asks for it."""
        names = [self.estimator] if isinstance(self.estimator, str) else self.estimator
        if not set(names) & set(get_estimator_names(reward_model=True)):
            return None
        candidates = getattr(X, "ndim", 2) == 3
        expected, logged_arms = log_rewards(
            X,
            table.column if candidates else logged.labels,
            logged.reward,
            model=self.reward_model,
            arm_model=self.arm_model,
            cv=forward(self.cv) if "adaptive_dr" in names else self.cv,
            groups=groups,
            n_jobs=self.n_jobs,
        )
        if candidates:
            return expected
        # The last column, -1, is for any arm that was never logged.
        return expected[:, ArmColumns(logged_arms).find(table.arms)]

    def _number(self, value):
        # The lower end of a two-sided interval at 1 - 2 alpha is a one-sided bound at 1 - alpha.
        two_sided = 2 * self.confidence_level - 1
        if self.interval is None or two_sided == 0:
            return float(value.value)
        options = dict(self.interval_params or {})
        if self.interval in _DRAWS:
            options.setdefault("random_state", 0)
        low, high = value.interval(self.interval, confidence_level=two_sided, **options)
        return float(low if self.bound == "lower" else high)

    def set_score_request(
        self,
        *,
        reward=UNCHANGED,
        propensity=UNCHANGED,
        sample_weight=UNCHANGED,
        available=UNCHANGED,
        cost=UNCHANGED,
        groups=UNCHANGED,
    ):
        """Say which metadata the scorer asks for, where metadata routing is enabled.

        Parameters
        ----------
        reward, propensity, sample_weight, available, cost : bool, str or None, default=UNCHANGED
            True asks for it, False refuses it, None makes passing it an error, a string asks for
            it under that name.
        groups : bool, str or None, default=UNCHANGED
            The same. As long as nothing is said it is False: groups that are passed go to the
            splitter alone.

        Returns
        -------
        self : PolicyScorer

        Examples
        --------
        >>> from skbandit.metrics import make_policy_scorer
        >>> scorer = make_policy_scorer("snips").set_score_request(reward=True, propensity=True)
        """
        requests = (reward, propensity, sample_weight, available, cost, groups)
        given = dict(zip(_METADATA, requests, strict=True))
        given = {name: alias for name, alias in given.items() if alias is not UNCHANGED}
        self._requests = {**self._requests, **given}
        return self

    def get_metadata_routing(self):
        """Return what the scorer asks for, as scikit-learn's metadata routing wants to know it.

        Returns
        -------
        request : MetadataRequest
        """
        request = MetadataRequest(owner=self)
        for name in _METADATA:
            alias = self._requests.get(name, _UNASKED.get(name))
            request.score.add_request(param=name, alias=alias)
        return request

    def _accept_sample_weight(self):
        # scikit-learn asks this of scorers where metadata routing is off.
        return True

    def __repr__(self):
        defaults = PolicyScorer().__dict__
        shown = {
            name: value
            for name, value in self.__dict__.items()
            if name not in ("estimator", "parameters", "_requests", "_token")
            and not _same(value, defaults[name])
        }
        pairs = "".join(f", {k}={v!r}" for k, v in {**shown, **self.parameters}.items())
        return f"make_policy_scorer({self.estimator!r}{pairs})"


def _same(value, default):
    """Whether a parameter is its default; weights are an array, which is none."""
    return value is default or (np.ndim(value) == 0 and value == default)


def get_policy_scorer_names():
    """Names of the scorers that `get_policy_scorer` knows.

    scikit-learn does not know them: write ``scoring=get_policy_scorer("dr")``, not
    ``scoring="dr"``.

    Returns
    -------
    names : list of str
        ``"dr"``, ``"snips"`` and so on: the estimators of `policy_value`.

    See Also
    --------
    get_policy_scorer : The scorer of a name.

    Examples
    --------
    >>> from skbandit.metrics import get_policy_scorer_names
    >>> get_policy_scorer_names()[:3]
    ['adaptive_dr', 'clipped_ips', 'cressie_read']
    """
    return get_estimator_names()


def get_policy_scorer(name):
    """Return the scorer of a name, with default options; it goes into ``scoring=``.

    Parameters
    ----------
    name : str
        One of `get_policy_scorer_names`.

    Returns
    -------
    scorer : PolicyScorer

    Raises
    ------
    ValueError
        If the name is unknown.

    See Also
    --------
    make_policy_scorer : With options.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.metrics import get_policy_scorer
    >>> get_policy_scorer("snips")
    make_policy_scorer('snips')
    >>> search = GridSearchCV(LinearUCB(), {"alpha": [0.5, 1.0]}, scoring=get_policy_scorer("dr"))
    """
    if name not in get_policy_scorer_names():
        raise ValueError(
            f"name must be one of {', '.join(get_policy_scorer_names())}; got {name!r}. "
            "make_policy_scorer makes scorers with options."
        )
    return PolicyScorer(name)
