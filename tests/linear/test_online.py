"""The online loop's short way, memory-mapped state, copies."""

import copy
import pickle
import warnings

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_allclose
from sklearn.base import clone

from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.utils import get_bandit_tags

SUMS = ("gram_", "moment_", "weight_", "residual_square_", "reward_square_")


def sums_of(bandit):
    """Names of the sums that a bandit keeps."""
    return [name for name in SUMS if hasattr(bandit, name)]


BOTH = pytest.mark.parametrize("Bandit", [LinearUCB, LinearThompsonSampling])
OPTIONS = pytest.mark.parametrize(
    "options",
    [
        {},
        {"noise": "fixed"},
        {"precision": "diagonal"},
        {"fit_intercept": False},
        {"arm_model": "hybrid"},
        {"forgetting": 0.9},
    ],
    ids=str,
)


def full_way(bandit):
    """Send every call through the whole validation."""
    bandit._plain_rounds = lambda *rounds: None
    return bandit


@BOTH
@OPTIONS
@pytest.mark.parametrize("labels", [[0, 1, 2], ["x", "yy", "zzz"], [2.0, 0.5, 1.0], [False, True]])
def test_the_short_way_equals_the_long_one(Bandit, options, labels, rounds):
    X, arm, reward = rounds(n_arms=len(labels))
    y = np.array(labels)[arm]
    short, long = (Bandit(arms=labels, random_state=0, **options) for _ in range(2))
    full_way(long)
    for rows in np.split(np.arange(120), [1, 2, 3, 8, 9, 40, 41, 42]):
        for bandit in (short, long):
            bandit.partial_fit(X[rows], y[rows], reward[rows])
        played = [bandit.predict(X[rows], explore=False) for bandit in (short, long)]
        assert np.array_equal(*played)
    for name in sums_of(short):
        assert np.array_equal(getattr(short, name), getattr(long, name)), name
    assert short.learnt_weight_ == long.learnt_weight_ == 120.0
    assert np.array_equal(short.predict_proba(X), long.predict_proba(X))


@BOTH
@pytest.mark.parametrize(
    "kind",
    ["list", "nan in X", "inf in X", "narrow", "unknown", "nan reward", "short reward",
     "text reward", "complex reward", "flat X", "empty", "bool reward", "int reward", "column y",
     "log", "float32", "object y", "fortran", "labels as text", "none y"],
)  # fmt: skip
def test_the_short_way_judges_as_the_long_one(Bandit, kind, rounds):
    """Good or bad: the same state, or the same error and the state as it was."""
    X, arm, reward = rounds()
    rows, y, paid = X[:2].copy(), arm[:2].copy(), reward[:2].copy()
    if kind == "list":
        rows, y, paid = rows.tolist(), y.tolist(), paid.tolist()
    elif kind == "nan in X":
        rows[1, 1] = np.nan
    elif kind == "inf in X":
        rows[1, 1] = -np.inf
    elif kind == "narrow":
        rows = rows[:, :-1]
    elif kind == "unknown":
        y[1] = 9
    elif kind == "nan reward":
        paid[0] = np.nan
    elif kind == "short reward":
        paid = paid[:1]
    elif kind == "text reward":
        paid = np.array(["a", "b"])
    elif kind == "complex reward":
        paid = paid + 1j
    elif kind == "flat X":
        rows = rows[0]
    elif kind == "empty":
        rows, y, paid = rows[:0], y[:0], paid[:0]
    elif kind == "bool reward":
        paid = paid > 0
    elif kind == "int reward":
        paid = np.array([1, 0])
    elif kind == "column y":
        y, paid = y[:, None], paid[:, None]
    elif kind == "log":
        log = np.zeros(2, dtype=[("arm", int), ("reward", float)])
        log["arm"], log["reward"] = y, paid
        y, paid = log, None
    elif kind == "float32":
        rows = rows.astype(np.float32)
    elif kind == "object y":
        y = y.astype(object)
    elif kind == "fortran":
        rows = np.asfortranarray(rows)
    elif kind == "labels as text":
        y = y.astype(str)
    elif kind == "none y":
        y = None
    answers = []
    for way in (lambda bandit: bandit, full_way):
        bandit = way(Bandit().fit(X, arm, reward))
        before = {name: getattr(bandit, name).copy() for name in sums_of(bandit)}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # a column where a row is meant
                bandit.partial_fit(rows, y, paid)
        except (TypeError, ValueError) as error:
            answers.append((type(error), str(error)))
            for name, value in before.items():
                assert np.array_equal(getattr(bandit, name), value)
            assert bandit.learnt_weight_ == 120.0
        else:
            answers.append([getattr(bandit, name).tolist() for name in sums_of(bandit)])
            assert bandit.learnt_weight_ == 122.0
    assert answers[0] == answers[1]


@BOTH
@OPTIONS
def test_memory_mapped_state_can_learn(Bandit, options, tmp_path, rounds):
    """Loaded read-only: learning works, equals learning in memory, and leaves the file alone."""
    X, arm, reward = rounds()
    bandit = Bandit(random_state=0, **options).fit(X[:60], arm[:60], reward[:60])
    joblib.dump(bandit, tmp_path / "bandit.joblib")
    mapped = joblib.load(tmp_path / "bandit.joblib", mmap_mode="r")
    assert isinstance(mapped.state_.weight, np.memmap)
    for rows in (slice(60, 61), slice(61, 63), slice(63, 120)):
        bandit.partial_fit(X[rows], arm[rows], reward[rows])
        mapped.partial_fit(X[rows], arm[rows], reward[rows])
    assert_allclose(mapped.predict_proba(X), bandit.predict_proba(X), atol=1e-12)
    again = joblib.load(tmp_path / "bandit.joblib")
    fresh = Bandit(random_state=0, **options).fit(X[:60], arm[:60], reward[:60])
    assert np.array_equal(again.gram_, fresh.gram_)


def _learn_and_play(bandit, X, arm, reward):
    bandit.partial_fit(X[:1], arm[:1], reward[:1])
    return bandit.predict_proba(X)


@pytest.mark.parametrize("options", [{}, {"arm_model": "hybrid"}], ids=str)
def test_workers_can_learn(options, rounds):
    """Every array goes to joblib's workers memory-mapped and read-only."""
    X, arm, reward = rounds()
    bandit = LinearThompsonSampling(**options).fit(X, arm, reward)
    answers = Parallel(n_jobs=2, max_nbytes=1)(
        delayed(_learn_and_play)(bandit, X, arm, reward) for _ in range(2)
    )
    expected = _learn_and_play(copy.deepcopy(bandit), X, arm, reward)
    for answer in answers:
        assert_allclose(answer, expected, atol=1e-12)
    assert bandit.learnt_weight_ == 120.0


@BOTH
@OPTIONS
@pytest.mark.parametrize("how", ["pickle", "deepcopy", "add_arms", "remove_arms", "expand"])
@pytest.mark.parametrize("size", [1, 60])
def test_copies_share_nothing(Bandit, options, how, size, rounds):
    """What the copy learns, the original does not, and the other way round."""
    X, arm, reward = rounds()
    bandit = Bandit(arms=[0, 1, 2, 3], **options).fit(X[:60], arm[:60], reward[:60])
    bandit.partial_fit(X[60:61], arm[60:61], reward[60:61])
    other = {
        "pickle": lambda: pickle.loads(pickle.dumps(bandit)),
        "deepcopy": lambda: copy.deepcopy(bandit),
        "add_arms": lambda: bandit.add_arms([4]),
        "remove_arms": lambda: bandit.remove_arms([3]),
        "expand": lambda: bandit.expand_features(1),
    }[how]()
    wide = np.column_stack([X, X[:, 0]]) if how == "expand" else X
    for one, two, their_X, our_X in ((other, bandit, wide, X), (bandit, other, X, wide)):
        state = {name: getattr(two, name).copy() for name in sums_of(two)}
        policy = two.predict_proba(our_X)
        rows = slice(61, 61 + size)
        one.partial_fit(their_X[rows], arm[rows], reward[rows])
        one.predict_proba(their_X)
        for name, value in state.items():
            assert np.array_equal(getattr(two, name), value)
            assert not np.shares_memory(getattr(one, name), getattr(two, name))
        assert np.array_equal(two.predict_proba(our_X), policy)


@BOTH
def test_copies_decide_alike(Bandit, rounds):
    X, arm, reward = rounds()
    bandit = Bandit(random_state=5).fit(X[:100], arm[:100], reward[:100])
    for t in range(100, 120):
        bandit.partial_fit(X[[t]], arm[[t]], reward[[t]])
    expected = bandit.predict(X)
    for other in (pickle.loads(pickle.dumps(bandit)), copy.deepcopy(bandit)):
        assert np.array_equal(other.predict(X), expected)
        assert_allclose(other.predict_proba(X), bandit.predict_proba(X), atol=1e-9)


@BOTH
def test_clones_have_learnt_nothing(Bandit, rounds):
    X, arm, reward = rounds()
    bandit = Bandit(noise_prior=(2.0, 3.0), random_state=np.random.RandomState(0))
    new = clone(bandit.fit(X, arm, reward))
    assert not any(name.endswith("_") or name == "_cache" for name in vars(new))
    assert new.get_params().keys() == bandit.get_params().keys()
    assert_allclose(new.fit(X, arm, reward).gram_, bandit.gram_)


@BOTH
@pytest.mark.parametrize(
    "change",
    [
        {"prior_precision": 5.0},
        {"noise_prior": (3.0, 50.0)},
        {"noise_std": 4.0},
        {"alpha": 2.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("arm_model", ["disjoint", "hybrid"])
def test_parameters_that_are_set_later_take_effect(Bandit, change, arm_model, rounds):
    """Nothing that was derived under the old value is used again, before or after learning."""
    X, arm, reward = rounds()
    noise = "fixed" if "noise_std" in change else "learnt"
    bandit = Bandit(arm_model=arm_model, noise=noise).fit(X, arm, reward)
    original = bandit.get_params()
    bandit.predict_proba(X)
    bandit.set_params(**change)
    same = pickle.loads(pickle.dumps(bandit))
    assert np.array_equal(bandit.predict_proba(X), same.predict_proba(X))
    bandit.partial_fit(X[:1], arm[:1], reward[:1])
    bandit.predict_proba(X)
    bandit.set_params(**{name: original[name] for name in change})
    rebuilt = pickle.loads(pickle.dumps(bandit))
    assert_allclose(bandit.predict_proba(X), rebuilt.predict_proba(X), atol=1e-12)


@BOTH
@OPTIONS
def test_looking_changes_nothing(Bandit, options, rounds):
    """Decisions with and without looks in between are the same to the last bit of the state."""
    X, arm, reward = rounds()
    looked, blind = (Bandit(arms=[0, 1, 2], **options) for _ in range(2))
    for t in range(60):
        for bandit in (looked, blind):
            bandit.partial_fit(X[[t]], arm[[t]], reward[[t]])
        looked.predict_proba(X)
        looked.predict(X[:1])
    for name in sums_of(looked):
        assert_allclose(getattr(looked, name), getattr(blind, name), rtol=1e-12, atol=1e-12)
    assert_allclose(looked.predict_proba(X), blind.predict_proba(X), atol=1e-9)


@BOTH
@pytest.mark.parametrize("name", ["precision", "arm_model", "fit_intercept", "noise"])
def test_what_shapes_the_state_cannot_change_once_it_has_learnt(Bandit, name, rounds):
    X, arm, reward = rounds()
    bandit = Bandit().fit(X, arm, reward)
    before = bandit.decision_function(X)
    other = {"precision": "diagonal", "arm_model": "hybrid", "noise": "fixed"}.get(name, False)
    bandit.set_params(**{name: other})
    for ask in (bandit.predict, lambda X: bandit.partial_fit(X, arm, reward)):
        with pytest.raises(ValueError, match=f"{name} was"):
            ask(X)
    bandit.set_params(**{name: Bandit().get_params()[name]})
    assert np.array_equal(bandit.decision_function(X), before)


@BOTH
@pytest.mark.parametrize("arm_model", ["disjoint", "hybrid"])
@pytest.mark.parametrize("size", [1, 60])
def test_learning_goes_on_under_another_prior(Bandit, arm_model, size, rounds):
    """As if the prior of now had been there from the start, residuals too."""
    X, arm, reward = rounds()
    bandit = Bandit(arm_model=arm_model, prior_precision=0.1).fit(X[:60], arm[:60], reward[:60])
    bandit.set_params(prior_precision=7.0)
    for start in range(60, 120, size):
        rows = slice(start, start + size)
        bandit.partial_fit(X[rows], arm[rows], reward[rows])
    other = Bandit(arm_model=arm_model, prior_precision=7.0).fit(X, arm, reward)
    assert_allclose(bandit.residual_square_, other.residual_square_, rtol=1e-8)
    for ours, theirs in zip(
        bandit.expected_reward(X, return_std=True),
        other.expected_reward(X, return_std=True),
        strict=True,
    ):
        assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


@BOTH
def test_a_bad_noise_prior_is_refused_whenever_it_is_set(Bandit, rounds):
    X, arm, reward = rounds()
    bandit = Bandit().fit(X, arm, reward).set_params(noise_prior=(0.5, 1.0))
    with pytest.raises(ValueError, match="noise_prior must be"):
        bandit.predict_proba(X)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("sum", "linked", "exact", "exact", True)),
        ({"noise": "fixed"}, ("sum", "independent", "exact", "exact", True)),
        ({"noise_prior": (2, 1)}, ("sum", "independent", "exact", "exact", True)),
        ({"forgetting": 0.9}, ("sequence", "linked", "exact", "exact", False)),
        ({"arm_model": "shared"}, ("sum", "linked", "draws", "exact", True)),
        ({"arm_model": "hybrid"}, ("sum", "linked", "draws", "approximate", True)),
    ],
    ids=str,
)
def test_tags(options, expected):
    for Bandit in (LinearUCB, LinearThompsonSampling):
        tags = get_bandit_tags(Bandit(**options))
        policy = expected[2] if Bandit is LinearThompsonSampling else "exact"
        found = tags.learning, tags.arms, tags.policy, tags.dropping_features, tags.can_merge
        assert found == (*expected[:2], policy, *expected[3:])
