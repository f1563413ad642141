"""Scorers: what they compute, for whom, and what they refuse."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.base import make_log
from skbandit.environments import LinearEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.metrics import (
    PolicyValue,
    PoorSupportWarning,
    cross_fit_rewards,
    get_policy_scorer,
    get_policy_scorer_names,
    make_policy_scorer,
    policy_value,
    select_pessimistic,
)
from skbandit.model_selection import compare_policies
from skbandit.selectors import EpsilonGreedySelector, TopKSelector

# Logs of policies that are not uniform go through every estimator here.
pytestmark = [
    pytest.mark.filterwarnings("ignore:replay is for the log of a uniform policy"),
    pytest.mark.filterwarnings("ignore:the importance weights have mean"),
]

N_ROUNDS = 600


class TablePolicy(BaseEstimator):
    """A policy that is not ours: fixed probabilities under given labels."""

    def __init__(self, classes, weights):
        self.classes = classes
        self.weights = weights

    def fit(self, X, y):
        return self

    @property
    def classes_(self):
        return np.asarray(self.classes)

    def predict_proba(self, X):
        scores = np.exp(np.asarray(X)[:, :1] * np.asarray(self.weights))
        return scores / scores.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module", params=[2, 4], ids=["two arms", "four arms"])
def rounds(request):
    """Contexts, a log with string labels and skewed propensities, and a policy."""
    n_arms = request.param
    rng = np.random.RandomState(7)
    labels = np.array(["d", "a", "c", "b"][:n_arms])
    X = rng.standard_normal((N_ROUNDS, 3))
    logging = rng.dirichlet(np.full(n_arms, 4.0), size=N_ROUNDS)
    logging = 0.9 * logging + 0.1 / n_arms
    drawn = rng.uniform(size=(N_ROUNDS, 1)) > logging.cumsum(axis=1)
    column = drawn.sum(axis=1).clip(0, n_arms - 1)
    propensity = logging[np.arange(N_ROUNDS), column]
    reward = 1.0 + X[:, 0] * column + 0.3 * rng.standard_normal(N_ROUNDS)
    log = make_log(labels[column], reward, propensity)
    policy = TablePolicy(labels, rng.standard_normal(n_arms))
    return X, log, policy, column


def cross_fitted(X, column, reward, n_arms, n_folds):
    """Least squares an arm, by folds of contiguous rows, written out."""
    expected = np.empty((len(X), n_arms))
    design = np.column_stack([np.ones(len(X)), X])
    for test in np.array_split(np.arange(len(X)), n_folds):
        train = np.setdiff1d(np.arange(len(X)), test)
        for arm in range(n_arms):
            rows = train[column[train] == arm]
            coef = np.linalg.lstsq(design[rows], reward[rows], rcond=None)[0]
            expected[test, arm] = design[test] @ coef
    return expected


def by_hand(name, X, log, policy, column):
    probability = policy.predict_proba(X)
    rows = np.arange(len(X))
    weight = probability[rows, column] / log["propensity"]
    reward = log["reward"]
    expected = cross_fitted(X, column, reward, probability.shape[1], 4)
    model = (probability * expected).sum(axis=1)
    error = reward - expected[rows, column]
    return {
        "ips": np.mean(weight * reward),
        "snips": np.sum(weight * reward) / np.sum(weight),
        "dm": np.mean(model),
        "dr": np.mean(model + weight * error),
        "sndr": np.mean(model) + np.sum(weight * error) / np.sum(weight),
    }[name]


@pytest.mark.parametrize("name", ["ips", "snips", "dm", "dr", "sndr"])
def test_score_is_the_formula(rounds, name):
    X, log, policy, column = rounds
    scorer = make_policy_scorer(name, reward_model=LinearRegression(), cv=4)
    np.testing.assert_allclose(
        scorer(policy, X, log), by_hand(name, X, log, policy, column), rtol=1e-10
    )


@pytest.mark.parametrize("name", get_policy_scorer_names())
def test_every_name_scores_the_same_in_every_form(rounds, name):
    X, log, policy, _ = rounds
    if name == "ls":
        log = log.copy()
        log["reward"] -= log["reward"].min()
    score = get_policy_scorer(name)(policy, X, log)
    assert isinstance(score, float)
    frame = pd.DataFrame({field: log[field] for field in log.dtype.names})
    keywords = {"reward": log["reward"], "propensity": log["propensity"]}
    for form in (
        get_policy_scorer(name)(policy, X, frame),
        get_policy_scorer(name)(policy, X, log["arm"], **keywords),
        get_policy_scorer(name)(policy, X.tolist(), log),
        make_policy_scorer(name)(policy, X, log, sample_weight=np.full(N_ROUNDS, 3.0)),
    ):
        np.testing.assert_allclose(form, score, rtol=1e-9)


def test_arms_are_matched_by_label(rounds):
    X, log, policy, _ = rounds
    order = np.argsort(policy.classes)
    reordered = TablePolicy(np.asarray(policy.classes)[order], np.asarray(policy.weights)[order])
    assert (reordered.classes_ != policy.classes_).any()
    for name in ("snips", "dr", "dm"):
        scorer = get_policy_scorer(name)
        np.testing.assert_allclose(scorer(reordered, X, log), scorer(policy, X, log), rtol=1e-12)


def test_propensity_keyword_takes_the_place_of_the_logged_one(rounds):
    X, log, policy, _ = rounds
    other = np.full(N_ROUNDS, 0.5)
    expected = make_log(log["arm"], log["reward"], other)
    scorer = get_policy_scorer("ips")
    assert scorer(policy, X, log, propensity=other) == scorer(policy, X, expected)
    assert scorer(policy, X, log) != scorer(policy, X, expected)


def test_sample_weight_counts_rounds(rounds):
    X, log, policy, _ = rounds
    weight = np.zeros(N_ROUNDS)
    weight[:400] = 2.0
    scorer = get_policy_scorer("snips")
    np.testing.assert_allclose(
        scorer(policy, X, log, sample_weight=weight), scorer(policy, X[:400], log[:400])
    )


def test_list_gives_a_dict(rounds):
    X, log, policy, _ = rounds
    names = ["snips", "dr", "dm"]
    scores = make_policy_scorer(names)(policy, X, log)
    assert scores == {name: get_policy_scorer(name)(policy, X, log) for name in names}


def test_parameters_reach_the_estimator(rounds):
    X, log, policy, column = rounds
    weight = policy.predict_proba(X)[np.arange(N_ROUNDS), column] / log["propensity"]
    expected = np.mean(np.minimum(weight, 0.7) * log["reward"])
    np.testing.assert_allclose(
        make_policy_scorer("clipped_ips", clip=0.7)(policy, X, log), expected
    )


@pytest.mark.parametrize("method", ["normal", "student", "bernstein", "betting", "cressie_read"])
def test_bounds_are_one_sided(rounds, method):
    X, log, policy, _ = rounds
    plain = make_policy_scorer("dr")
    lower = make_policy_scorer("dr", interval=method, confidence_level=0.9)
    upper = make_policy_scorer("dr", interval=method, bound="upper", confidence_level=0.9)
    value = plain.evaluate(policy, X, log)
    assert isinstance(value, PolicyValue)
    _, bounds = select_pessimistic([value], method=method, confidence_level=0.9)
    assert lower(policy, X, log) == bounds[0] < plain(policy, X, log) < upper(policy, X, log)


def test_bootstrapped_bounds_repeat(rounds):
    X, log, policy, _ = rounds
    scorer = make_policy_scorer("snips", interval="bootstrap")
    assert scorer(policy, X, log) == scorer(policy, X, log)
    other = make_policy_scorer("snips", interval="bootstrap", interval_params={"random_state": 1})
    assert other(policy, X, log) != scorer(policy, X, log)


def test_half_confidence_is_the_value(rounds):
    X, log, policy, _ = rounds
    scorer = make_policy_scorer("snips", interval="normal", confidence_level=0.5)
    assert scorer(policy, X, log) == get_policy_scorer("snips")(policy, X, log)


def test_doubly_robust_score_is_unbiased():
    # Mean of 120 independent scores; the bound is four standard errors, one false alarm in 15,000.
    environment = LinearEnvironment(n_features=3, n_arms=3, noise=1.0, random_state=2)
    logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    start = log_policy(logger, environment, 300, random_state=1)
    policy = LinearUCB(selector=EpsilonGreedySelector(epsilon=0.1)).fit(*start)
    rounds = environment.sample(200_000, random_state=3)
    truth = (policy.predict_proba(rounds.contexts) * rounds.expected).sum(axis=1).mean()
    scores = [
        get_policy_scorer("dr")(policy, *log_policy(logger, environment, 200, random_state=seed))
        for seed in range(10, 130)
    ]
    error = np.std(scores, ddof=1) / np.sqrt(len(scores))
    assert abs(np.mean(scores) - truth) < 4 * error
    assert error < 0.03


def test_on_policy_score_is_the_mean_reward():
    environment = LinearEnvironment(n_features=3, n_arms=4)
    policy = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    # Not fitted: it plays from its prior, and its arms are those it was made with.
    X, log = log_policy(policy, environment, 400, random_state=0)
    for name in ("ips", "snips", "cressie_read"):
        np.testing.assert_allclose(get_policy_scorer(name)(policy, X, log), log["reward"].mean())


def test_classifiers_and_wrapped_bandits_are_policies():
    environment = LinearEnvironment(n_features=3, n_arms=2)
    logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    X, log = log_policy(logger, environment, 500, random_state=0)
    best = environment.sample(500, random_state=0).expected.argmax(axis=1)
    pipeline = make_pipeline(StandardScaler(), LinearUCB(alpha=0.0)).fit(X, log)
    search = GridSearchCV(pipeline, {"linearucb__alpha": [0.0]}, cv=3).fit(X, log)
    for policy in (LogisticRegression().fit(X, best), pipeline, search):
        probability = policy.predict_proba(X)
        weight = probability[np.arange(500), log["arm"]] / 0.5
        expected = weight @ log["reward"] / weight.sum()
        score = get_policy_scorer("snips")(policy, X, log)
        np.testing.assert_allclose(score, expected)
        assert score > log["reward"].mean() + 0.2


def test_candidates_with_features_of_their_own():
    environment = LinearEnvironment(n_features=4, n_arms=5, arm_features=True, noise=0.2)
    uniform = LinearUCB(arm_model="shared", selector=EpsilonGreedySelector(epsilon=1.0))
    X, log = log_policy(uniform, environment, 1500, random_state=0)
    policy = LinearUCB(arm_model="shared", alpha=0.0).fit(X[:500], log[:500])
    rounds = environment.sample(1500, random_state=0)
    played = policy.predict(X[500:], explore=False)
    truth = rounds.expected[500:][np.arange(1000), played].mean()
    value = get_policy_scorer("dr").evaluate(policy, X[500:], log[500:])
    # The model is right, so only noise is left: 4 standard errors.
    assert abs(value.value - truth) < 4 * value.standard_error < 0.15


def test_unknown_arms(rounds):
    X, log, policy, _ = rounds
    less = TablePolicy(policy.classes[1:], policy.weights[1:])
    with pytest.raises(ValueError, match=r"arms that the policy does not know: 'd'.*add_arms"):
        get_policy_scorer("dr")(less, X, log)
    # With probability 0 it is the policy that never plays the arm.
    full = TablePolicy(policy.classes, np.r_[-np.inf, policy.weights[1:]])
    full.predict_proba = lambda X: np.column_stack([np.zeros(len(X)), less.predict_proba(X)])
    for name in ("snips", "dr"):
        scorer = make_policy_scorer(name, unknown_arms="zero")
        np.testing.assert_allclose(scorer(less, X, log), get_policy_scorer(name)(full, X, log))


def test_numbers_are_not_strings():
    X = np.zeros((40, 1))
    log = make_log(np.arange(40) % 2, np.ones(40), np.full(40, 0.5))
    policy = TablePolicy(["0", "1"], [0.0, 0.0])
    with pytest.raises(ValueError, match=r"does not know: 0, 1. It knows '0', '1'"):
        get_policy_scorer("snips")(policy, X, log)
    zero = make_policy_scorer("ips", unknown_arms="zero")
    with pytest.warns(PoorSupportWarning, match="only 0.0 of 40 rounds are effective"):
        assert zero(policy, X, log) == 0.0


def test_policy_that_plays_arms_never_logged(rounds):
    X, log, policy, _ = rounds
    more = TablePolicy([*policy.classes, "new"], [*policy.weights, 0.5])
    value = make_policy_scorer("dm").evaluate(more, X, log)
    # Nothing is known of the new arm: it is expected to pay what the others of the fold do.
    low, high = log["reward"].min(), log["reward"].max()
    assert low < value.value < high


def test_imitation_raises(rounds):
    X, log, policy, _ = rounds
    for scorer in (get_policy_scorer("dr"), get_policy_scorer("snips")):
        with pytest.raises(ValueError, match=r"no rewards.*imitates the logging policy"):
            scorer(policy, X, log["arm"])
        with pytest.raises(ValueError, match=r"no rewards"):
            scorer(policy, X, log["arm"], propensity=log["propensity"])


@pytest.mark.parametrize("value", [0.0, np.nan, 1.5, -0.1])
def test_impossible_propensity(rounds, value):
    X, log, policy, _ = rounds
    bad = log.copy()
    bad["propensity"][3] = value
    with pytest.raises(ValueError, match=r"propensity must lie in \(0, 1\]"):
        get_policy_scorer("snips")(policy, X, bad)


def test_bad_logs(rounds):
    X, log, policy, _ = rounds
    without = make_log(log["arm"], log["reward"])
    with pytest.raises(ValueError, match=r"propensity is None"):
        get_policy_scorer("dr")(policy, X, without)
    assert np.isfinite(get_policy_scorer("dm")(policy, X, without))
    assert np.isfinite(get_policy_scorer("replay")(policy, X, without))
    with pytest.raises(ValueError, match=r"reward was given twice"):
        get_policy_scorer("dr")(policy, X, log, reward=log["reward"])
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples"):
        get_policy_scorer("dr")(policy, X[:-1], log)
    with pytest.raises(ValueError, match=r"y is None"):
        get_policy_scorer("dr")(policy, X, None)
    bad = log.copy()
    bad["reward"][0] = np.inf
    with pytest.raises(ValueError, match=r"reward contains NaN or infinity"):
        get_policy_scorer("snips")(policy, X, bad)


def test_short_log_and_one_class_rewards(rounds):
    X, log, policy, _ = rounds
    with pytest.raises(ValueError, match=r"the log has 3 rounds, fewer than the 5 folds"):
        get_policy_scorer("dr")(policy, X[:3], log[:3])
    clicks = make_log(log["arm"], np.zeros(N_ROUNDS), log["propensity"])
    scorer = make_policy_scorer("dr", reward_model=LogisticRegression())
    with pytest.raises(ValueError, match=r"all rewards are 0, which a classifier cannot learn"):
        scorer(policy, X, clicks)
    assert get_policy_scorer("dr")(policy, X, clicks) == 0.0


def test_contexts_that_the_default_model_cannot_take(rounds):
    X, log, policy, _ = rounds
    endless = pd.DataFrame({"x": X[:, 0], "size": np.inf})
    policy = make_pipeline(_FirstColumn(), policy)
    policy[-1].fitted_ = True  # there is nothing to fit
    with pytest.raises(ValueError, match=r"default reward model needs X of columns.*snips"):
        get_policy_scorer("dr")(policy, endless, log)
    assert np.isfinite(get_policy_scorer("snips")(policy, endless, log))


class _FirstColumn(BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.asarray(X.iloc[:, :1], dtype=float)


def test_policies_that_do_not_say_what_they_play(rounds):
    X, log, _, _ = rounds
    scorer = get_policy_scorer("snips")
    with pytest.raises(TypeError, match=r"policy must have predict_proba"):
        scorer(LinearRegression(), X, log)

    class Nameless(BaseEstimator):
        def predict_proba(self, X):
            return np.ones((len(X), 1))

    with pytest.raises(TypeError, match=r"which arm each column.*classes_"):
        scorer(Nameless(), X, log)
    with pytest.raises(ValueError, match=r"one label for each of the 2 columns"):
        scorer(TablePolicy(["a", "b", "c"], [0.0, 1.0]), X, log)


def test_sets_of_arms_know_four_estimators():
    environment = LinearEnvironment(n_features=2, n_arms=4)
    bandit = LinearUCB(arms=environment.arms, selector=TopKSelector(k=2))
    X, log = log_policy(bandit, environment, 50, random_state=0)
    assert np.isfinite(get_policy_scorer("snips")(bandit, X, log))
    with pytest.raises(ValueError, match=r"'ix' is none of sets of arms, arm of shape \(50, 2\)"):
        get_policy_scorer("ix")(bandit, X, log)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"estimator": "accuracy"}, r"estimator must be among .*snips"),
        ({"estimator": []}, r"estimator must be among"),
        ({"estimator": ["ips", "clipped_ips"], "clip": 2.0}, r"parameters clip are given for sev"),
        ({"interval": "jackknife"}, r"interval must be None or one of .*normal"),
        ({"bound": "middle"}, r"bound must be one of lower, upper"),
        ({"confidence_level": 95}, r"confidence_level must lie strictly between 0 and 1"),
        ({"confidence_level": 0.3}, r"confidence_level must be at least 0.5"),
        ({"unknown_arms": "skip"}, r"unknown_arms must be one of raise, zero"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_policy_scorer(**arguments)


def test_unknown_name():
    with pytest.raises(ValueError, match=r"name must be one of .*got 'accuracy'"):
        get_policy_scorer("accuracy")


def test_scorers_are_plain_objects(rounds):
    X, log, policy, _ = rounds
    scorer = make_policy_scorer(
        "dr", reward_model=LinearRegression(), cv=KFold(3), interval="normal"
    )
    assert repr(scorer) == (
        "make_policy_scorer('dr', reward_model=LinearRegression(), "
        "cv=KFold(n_splits=3, random_state=None, shuffle=False), interval='normal')"
    )
    again = pickle.loads(pickle.dumps(scorer))
    assert again(policy, X, log) == scorer(policy, X, log)
    search = clone(GridSearchCV(LinearUCB(), {"alpha": [1.0]}, scoring=scorer))
    assert search.scoring(policy, X, log) == scorer(policy, X, log)


@pytest.fixture(scope="module")
def masked(draw_masked):
    start, rounds = draw_masked(2000, 0), draw_masked(6000, 1)
    policy = LinearUCB(alpha=0.0).fit(start.X, start.log)
    rounds.truth = (policy.predict_proba(rounds.X, rounds.available) * rounds.expected).sum(axis=1)
    return policy, rounds


@pytest.mark.parametrize("name", ["ips", "snips", "dr", "cressie_read"])
def test_policy_is_asked_with_the_mask(name, masked):
    policy, rounds = masked
    scorer = get_policy_scorer(name)
    value = scorer.evaluate(policy, rounds.X, rounds.log, available=rounds.available)
    # Four standard errors, one false alarm in 15,000.
    assert abs(value.value - rounds.truth.mean()) < 4 * value.standard_error < 0.12
    assert scorer(policy, rounds.X, rounds.log, available=rounds.available) == value.value
    # Asked without it, the policy plays what could not be logged. IPS counts nothing for that and
    # is right by luck; all others take what is left for the whole.
    alone = scorer.evaluate(policy, rounds.X, rounds.log)
    if name != "ips":
        assert alone.value > rounds.truth.mean() + 6 * alone.standard_error


def test_mask_reaches_the_last_step(masked):
    policy, rounds = masked
    pipeline = make_pipeline(StandardScaler(), LinearUCB(alpha=0.0)).fit(rounds.X, rounds.log)
    probability = pipeline[-1].predict_proba(pipeline[0].transform(rounds.X), rounds.available)
    weight = probability[np.arange(6000), rounds.log["arm"]] / rounds.log["propensity"]
    search = GridSearchCV(pipeline, {"linearucb__alpha": [0.0]}, cv=2).fit(rounds.X, rounds.log)
    for policy in (pipeline, search):
        value = get_policy_scorer("ips")(policy, rounds.X, rounds.log, available=rounds.available)
        np.testing.assert_allclose(value, np.mean(weight * rounds.log["reward"]), rtol=1e-3)


def test_masks_with_labels(masked):
    policy, rounds = masked
    expected = get_policy_scorer("snips")(policy, rounds.X, rounds.log, available=rounds.available)
    frame = pd.DataFrame(rounds.available)[[2, 0, 3, 1]]
    for mask in (frame, pl.from_pandas(frame.rename(columns=str)), rounds.available.tolist()):
        assert get_policy_scorer("snips")(policy, rounds.X, rounds.log, available=mask) == expected


def test_classifier_is_divided_by_what_is_left(masked):
    _, rounds = masked
    model = LogisticRegression().fit(rounds.X, rounds.expected.argmax(axis=1))
    probability = np.where(rounds.available, model.predict_proba(rounds.X), 0)
    probability /= probability.sum(axis=1, keepdims=True)
    weight = probability[np.arange(6000), rounds.log["arm"]] / rounds.log["propensity"]
    expected = weight @ rounds.log["reward"] / weight.sum()
    found = get_policy_scorer("snips")(model, rounds.X, rounds.log, available=rounds.available)
    np.testing.assert_allclose(found, expected)
    assert abs(found - (probability * rounds.expected).sum(axis=1).mean()) < 0.05


def test_bad_masks(rounds):
    X, log, policy, column = rounds
    scorer = get_policy_scorer("snips")
    mask = np.ones((N_ROUNDS, len(policy.classes_)), dtype=bool)
    assert scorer(policy, X, log, available=mask) == pytest.approx(scorer(policy, X, log))
    mask[[3, 8], column[[3, 8]]] = False
    with pytest.raises(ValueError, match=r"logged arm was not available in 2 row\(s\).*3, 8"):
        scorer(policy, X, log, available=mask)
    mask[4] = False
    with pytest.raises(ValueError, match=r"available leaves no arm to play in 1 row\(s\): 4"):
        scorer(policy, X, log, available=mask)
    with pytest.raises(ValueError, match=r"available must have shape \(n_samples, n_arms\)"):
        scorer(policy, X, log, available=mask[:-1])
    with pytest.raises(ValueError, match="available must be a boolean mask"):
        scorer(policy, X, log, available=mask.astype(float))


def test_policy_that_plays_none_of_what_was_available(rounds):
    X, log, policy, column = rounds
    sure = TablePolicy(policy.classes, np.zeros(len(policy.classes_)))
    sure.predict_proba = lambda X: np.eye(len(policy.classes_))[np.zeros(len(X), dtype=int)]
    mask = np.ones((N_ROUNDS, len(policy.classes_)), dtype=bool)
    row = int(np.flatnonzero(column != 0)[5])
    mask[row, 0] = False
    with pytest.raises(ValueError, match=rf"TablePolicy gives all .* 1 row\(s\).* at {row}:"):
        get_policy_scorer("snips")(sure, X, log, available=mask)


def test_bandit_without_masks_is_refused(masked):
    _, rounds = masked

    class Maskless(LinearUCB):
        def predict_proba(self, X):
            return super().predict_proba(X)

    bandit = Maskless().fit(rounds.X, rounds.log)
    for policy in (bandit, make_pipeline(StandardScaler(), bandit)):
        with pytest.raises(TypeError, match="predict_proba of Maskless takes no mask"):
            get_policy_scorer("snips")(policy, rounds.X, rounds.log, available=rounds.available)


def test_groups_count_in_bounds_and_in_the_reward_model(rounds):
    X, log, policy, column = rounds
    groups = np.arange(N_ROUNDS) // 4
    for name in ("snips", "dr"):
        scorer = make_policy_scorer(name, reward_model=LinearRegression(), interval="normal")
        value = scorer.evaluate(policy, X, log, groups=groups)
        assert value.n_groups == N_ROUNDS / 4
        low = value.interval("normal", confidence_level=0.9).low
        assert scorer(policy, X, log, groups=[f"g{one}" for one in groups]) == low
    expected = cross_fit_rewards(
        LinearRegression(), X, column, log["reward"], groups=groups, n_arms=len(policy.classes_)
    )
    reference = policy_value(
        "dr",
        reward=log["reward"],
        arm=column,
        propensity=log["propensity"],
        policy_probability=policy.predict_proba(X),
        expected_reward=expected,
    )
    assert value.value == pytest.approx(reference.value, rel=1e-12)
    assert scorer.evaluate(policy, X, log).value != value.value


@pytest.mark.filterwarnings("ignore:the error of this value rests on")
def test_mask_of_more_arms_than_the_policy_knows(rounds):
    X, log, policy, column = rounds
    n_arms = len(policy.classes_)
    mask = np.ones((N_ROUNDS, n_arms), dtype=bool)
    mask[(column != 1) & (np.arange(N_ROUNDS) % 2 == 0), 1] = False
    frame = pd.DataFrame(mask, columns=policy.classes_).assign(other=False)[
        ["other", *np.sort(policy.classes_)]
    ]
    bandit = LinearUCB(arms=policy.classes_, random_state=0).fit(X, log)
    less = TablePolicy(policy.classes[1:], policy.weights[1:])
    for one in (policy, bandit):
        expected = get_policy_scorer("snips")(one, X, log, available=mask)
        assert get_policy_scorer("snips")(one, X, log, available=frame) == expected
    if n_arms > 2:
        zero = make_policy_scorer("snips", unknown_arms="zero")
        expected = zero(less, X, log, available=mask[:, 1:])
        assert zero(less, X, log, available=pl.from_pandas(frame)) == expected
        both = compare_policies(
            [less, bandit], X, log, available=frame, estimator="snips", unknown_arms="zero"
        )
        assert both.loc["TablePolicy", "value"] == expected
