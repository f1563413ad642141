"""Carry what was learnt to another bandit; join shards."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.base import make_log
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import SoftmaxSelector
from skbandit.transfer import (
    add_arms,
    drop_features,
    expand_features,
    merge,
    remove_arms,
    similar_arms,
    transfer,
)

BOTH = pytest.mark.parametrize("Bandit", [LinearUCB, LinearThompsonSampling])
OPTIONS = [
    {"precision": precision, "noise": noise, "arm_model": arm_model}
    for precision, arm_model in (
        ("full", "disjoint"),
        ("diagonal", "disjoint"),
        ("full", "hybrid"),
    )
    for noise in ("fixed", "learnt")
]
OPTION = pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o.values()))
# Whose state is a sum over rounds; a diagonal precision is joined by approximation.
SUM = pytest.mark.parametrize(
    "options",
    [options for options in OPTIONS if options["precision"] == "full"],
    ids=lambda o: "-".join(o.values()),
)


def rounds(n_samples=150, n_arms=3, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 4)) * [0.3, 1.0, 3.0, 1.0] + [0, 1, 0, 0]
    X[:, 3] += 0.8 * X[:, 1]
    arm = rng.integers(0, n_arms, n_samples)
    theta = rng.normal(size=(n_arms, 4))
    reward = np.einsum("ij,ij->i", X, theta[arm]) + rng.normal(size=n_samples) + shift
    return X, arm, reward


def frame_of(X, names="abcd"):
    return pd.DataFrame(X, columns=list(names))


def assert_alike(one, other, X, rtol=1e-10, proba=1e-9):
    assert one.classes_.tolist() == other.classes_.tolist()
    for name in ("gram_", "moment_", "weight_", "coef_"):
        expected = getattr(other, name)
        atol = rtol * np.abs(expected).max(initial=0)
        assert_allclose(getattr(one, name), expected, rtol=rtol, atol=atol, err_msg=name)
    for ours, theirs in zip(
        one.expected_reward(X, return_std=True),
        other.expected_reward(X, return_std=True),
        strict=True,
    ):
        assert_allclose(ours, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max())
    assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=proba)


# --------------------------------------------------------------------- transfer
@BOTH
@OPTION
@pytest.mark.parametrize(
    "names", ["abcd", "xabcd", "dcba", "bd", "adx", "xbyd"], ids=lambda names: names
)
def test_features_are_matched_by_name(Bandit, options, names):
    """A column in front, another order, some gone, some new: each keeps what was learnt of it."""
    X, arm, reward = rounds()
    source = Bandit(**options).fit(frame_of(X), arm, reward)
    rng = np.random.default_rng(1)
    new = pd.DataFrame(rng.normal(size=(6, len(names))), columns=list(names))
    template = Bandit(**options).fit(new, [0, 1, 2, 0, 1, 2], np.zeros(6))
    moved = transfer(source, template)
    assert moved.feature_names_in_.tolist() == list(names)
    # By hand: drop what is gone, add what is new at the end, then reorder the columns.
    gone = [name for name in "abcd" if name not in names]
    by_hand = source.drop_features(gone) if gone else source
    fresh = [name for name in names if name not in "abcd"]
    by_hand = by_hand.expand_features(fresh) if fresh else by_hand
    expected = by_hand.expected_reward(new[list(by_hand.feature_names_in_)], return_std=True)
    for ours, theirs in zip(moved.expected_reward(new, return_std=True), expected, strict=True):
        assert_allclose(ours, theirs, rtol=1e-9)
    for place, name in enumerate(names):
        if name in "abcd":
            old = source.coef_[:, "abcd".index(name)]
            if not gone or options["arm_model"] == "disjoint":
                assert_allclose(moved.coef_[:, place], old, rtol=1e-9, atol=1e-12)
        elif options["arm_model"] == "disjoint":
            assert not moved.coef_[:, place].any()


@OPTION
def test_a_column_in_front_is_having_had_zeros_there(options):
    X, arm, reward = rounds()
    source = LinearUCB(**options).fit(frame_of(X), arm, reward)
    padded = frame_of(np.column_stack([np.zeros(150), X]), "xabcd")
    had = LinearUCB(**options).fit(padded, arm, reward)
    template = LinearUCB(**options).fit(padded[:3], [0, 1, 2], np.zeros(3))
    other = frame_of(np.random.default_rng(0).normal(size=(20, 5)), "xabcd")
    assert_alike(transfer(source, template), had, other)


@SUM
@pytest.mark.parametrize(("old", "new"), [(1.0, 7.0), (7.0, 0.1)])
@pytest.mark.parametrize("shift", [0.0, 50.0])
def test_another_prior_is_a_refit_with_it(options, old, new, shift):
    X, arm, reward = rounds(shift=shift)
    source = LinearUCB(prior_precision=old, **options).fit(X, arm, reward)
    refit = LinearUCB(prior_precision=new, **options).fit(X, arm, reward)
    moved = transfer(source, LinearUCB(prior_precision=new, **options))
    assert_alike(moved, refit, X, rtol=1e-9)
    assert source.prior_precision == old
    # And on from there, row by row.
    for bandit in (moved, refit):
        for t in range(5):
            bandit.partial_fit(X[[t]], arm[[t]], reward[[t]])
    assert_alike(moved, refit, X, rtol=1e-9)


@SUM
@pytest.mark.parametrize("intercept", [True, False])
def test_without_a_constant_term(options, intercept):
    """Another prior, joined shards, arms from the mean: also where there is no constant term."""
    X, arm, reward = rounds(shift=1.0)
    options = {**options, "fit_intercept": intercept}
    whole = LinearUCB(**options).fit(X, arm, reward)
    shards = [LinearUCB(**options).fit(X[i::2], arm[i::2], reward[i::2]) for i in range(2)]
    assert_alike(merge(shards), whole, X)
    moved = transfer(whole, LinearUCB(prior_precision=3.0, **options))
    assert_alike(moved, LinearUCB(prior_precision=3.0, **options).fit(X, arm, reward), X)
    taught = LinearUCB(arms=[0, 1, 2, 3], **options).fit(
        np.vstack([X, X]),
        np.concatenate([arm, np.full(150, 3)]),
        np.concatenate([reward, reward]),
        sample_weight=np.repeat([1.0, 1 / 3], 150),
    )
    assert_alike(whole.add_arms([3], init="mean"), taught, X, rtol=1e-9)
    wide = np.column_stack([X, X[:, 0]])
    assert_alike(whole.expand_features(1).drop_features([4]), whole, X)
    assert whole.expand_features(1).predict(wide).shape == (150,)


@OPTION
def test_across_classes(options):
    X, arm, reward = rounds()
    source = LinearUCB(**options).fit(X, arm, reward)
    template = LinearThompsonSampling(alpha=0.7, random_state=3, **options)
    moved = transfer(source, template)
    direct = LinearThompsonSampling(alpha=0.7, random_state=3, **options).fit(X, arm, reward)
    assert type(moved) is LinearThompsonSampling
    assert_alike(moved, direct, X)
    assert np.array_equal(moved.predict(X), direct.predict(X))
    back = transfer(moved, LinearUCB(selector=SoftmaxSelector(), **options))
    assert_allclose(back.expected_reward(X), source.expected_reward(X))
    assert isinstance(back.selector, SoftmaxSelector)


@BOTH
@OPTION
@pytest.mark.parametrize("fitted", [False, True])
def test_arms_are_those_of_the_template(Bandit, options, fitted):
    """In its order; the new ones cold, the missing ones forgotten."""
    X, arm, reward = rounds()
    labels = np.array(["left", "middle", "right"])
    source = Bandit(**options).fit(X, labels[arm], reward)
    template = Bandit(arms=["right", "new", "left"], **options)
    if fitted:
        template.fit(X[:2], ["new", "left"], [1.0, 5.0])
    moved = transfer(source, template)
    assert moved.classes_.tolist() == ["right", "new", "left"]
    by_hand = source.remove_arms(["middle"]).add_arms(["new"])
    mean, std = by_hand.expected_reward(X, return_std=True)
    order = [1, 2, 0]
    for ours, theirs in zip(moved.expected_reward(X, return_std=True), (mean, std), strict=True):
        assert_allclose(ours, theirs[:, order], rtol=1e-9, atol=1e-12)
    moved.partial_fit(X[:1], ["new"], [1.0])


def test_a_template_that_knows_nothing_gives_its_parameters():
    X, arm, reward = rounds()
    source = LinearUCB(alpha=0.1).fit(frame_of(X), arm, reward)
    moved = transfer(source, LinearUCB(alpha=9.0, random_state=1))
    assert (moved.alpha, moved.random_state, moved.arms) == (9.0, 1, None)
    assert moved.feature_names_in_.tolist() == list("abcd")
    assert_allclose(moved.coef_, source.coef_)
    assert not np.shares_memory(moved.gram_, source.gram_)
    moved.partial_fit(frame_of(X[:1]), [0], [9.0])
    assert source.weight_.sum() == 150


def test_without_names_features_are_matched_by_position():
    X, arm, reward = rounds()
    source = LinearUCB().fit(X, arm, reward)
    wide = np.column_stack([X, X[:, 0] ** 2])
    template = LinearUCB().fit(wide[:3], [0, 1, 2], np.zeros(3))
    assert_alike(transfer(source, template), source.expand_features(1), wide)
    narrow = LinearUCB().fit(X[:3, :2], [0, 1, 2], np.zeros(3))
    assert_alike(transfer(source, narrow), source.drop_features([2, 3]), X[:, :2])


@pytest.mark.parametrize(
    ("ours", "theirs", "word"),
    [
        ({"precision": "full"}, {"precision": "diagonal"}, "precision"),
        ({"noise": "learnt"}, {"noise": "fixed"}, "noise"),
        ({"noise": "fixed"}, {"noise": "learnt"}, "noise"),
        ({"fit_intercept": True}, {"fit_intercept": False}, "fit_intercept"),
        ({"arm_model": "disjoint"}, {"arm_model": "hybrid"}, "arm_model"),
    ],
)
def test_what_differs_in_structure_is_refused(ours, theirs, word):
    """The message names both sides."""
    X, arm, reward = rounds()
    source = LinearUCB(**ours).fit(X, arm, reward)
    with pytest.raises(ValueError, match=word) as caught:
        transfer(source, LinearThompsonSampling(**theirs))
    for part in ("source", "template", repr(ours[word]), repr(theirs[word]), "LinearUCB"):
        assert part in str(caught.value)
    assert "LinearThompsonSampling" in str(caught.value)


def test_arms_of_the_template_are_checked():
    X, arm, reward = rounds()
    source = LinearUCB().fit(X, arm, reward)
    with pytest.raises(ValueError, match="distinct"):
        transfer(source, LinearUCB(arms=[0, 0, 1]))


def test_names_on_one_side_only_are_refused_where_the_numbers_differ():
    X, arm, reward = rounds()
    source = LinearUCB().fit(frame_of(X), arm, reward)
    template = LinearUCB().fit(np.zeros((3, 5)), [0, 1, 2], np.zeros(3))
    with pytest.raises(ValueError, match=r"source knows.*template does not.*4.*5"):
        transfer(source, template)
    with pytest.raises(ValueError, match=r"template knows.*source does not.*5.*4"):
        transfer(template, source)


def test_what_is_no_bandit_is_refused():
    X, arm, reward = rounds()
    bandit = LinearUCB().fit(X, arm, reward)
    for call in (
        lambda: transfer(LogisticRegression(), bandit),
        lambda: transfer(bandit, LogisticRegression()),
        lambda: add_arms(LogisticRegression(), [3]),
        lambda: merge([bandit, LogisticRegression()]),
    ):
        with pytest.raises(TypeError, match="LogisticRegression"):
            call()


def test_an_unfitted_source_is_refused():
    with pytest.raises(ValueError, match="fitted"):
        transfer(LinearUCB(), LinearUCB())


# -------------------------------------------------------------------- pipelines
@BOTH
def test_pipelines(Bandit):
    X, arm, reward = rounds()
    pipeline = make_pipeline(StandardScaler(), Bandit(random_state=0)).fit(
        X, arm, **{f"{Bandit.__name__.lower()}__reward": reward}
    )
    bandit, scaled = pipeline[-1], pipeline[0].transform(X)
    for new, direct in (
        (add_arms(pipeline, [7], init="mean"), bandit.add_arms([7], init="mean")),
        (add_arms(pipeline, [7], init={0: 0.5}), bandit.add_arms([7], init={0: 0.5})),
        (remove_arms(pipeline, [1]), bandit.remove_arms([1])),
    ):
        assert_alike(new[-1], direct, scaled)
        assert np.array_equal(new.predict_proba(X), direct.predict_proba(scaled))
        assert new[0] is not pipeline[0]
    assert pipeline[-1] is bandit
    assert bandit.classes_.tolist() == [0, 1, 2]


def test_features_that_steps_make_are_refused_with_a_recipe_that_works():
    X, arm, reward = rounds()
    log = make_log(arm, reward)
    wide = frame_of(np.column_stack([X, X[:, 0] ** 2]), "abcde")
    step = StandardScaler(with_mean=False).set_output(transform="pandas")
    pipeline = make_pipeline(step, LinearUCB()).fit(frame_of(X), log)
    for function, change in ((expand_features, ["e"]), (drop_features, ["a"])):
        with pytest.raises(ValueError, match=r"StandardScaler make them(.|\n)*transfer\("):
            function(pipeline, change)
    template = make_pipeline(clone(step), clone(pipeline[-1])).fit(wide, log)
    moved = transfer(pipeline, template)
    # The columns that both share are scaled alike, so what was learnt of them holds.
    padded = wide.assign(e=0.0)
    assert_allclose(moved.predict_proba(padded), pipeline.predict_proba(frame_of(X)))
    assert_allclose(moved.decision_function(padded), pipeline.decision_function(frame_of(X)))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_features_in_pipelines_whose_steps_make_none(depth):
    X, arm, reward = rounds()
    pipeline = LinearUCB()
    for _ in range(depth):
        pipeline = make_pipeline("passthrough", pipeline)
    pipeline.fit(X, make_log(arm, reward))
    inner = pipeline
    while isinstance(inner, Pipeline):
        inner = inner[-1]
    wide = np.column_stack([X, X[:, 0]])
    for new, direct, contexts in (
        (expand_features(pipeline, 1), inner.expand_features(1), wide),
        (drop_features(pipeline, [0]), inner.drop_features([0]), X[:, 1:]),
        (add_arms(pipeline, [7]), inner.add_arms([7]), X),
        (remove_arms(pipeline, [1]), inner.remove_arms([1]), X),
    ):
        assert np.array_equal(new.predict_proba(contexts), direct.predict_proba(contexts))
        assert np.array_equal(new.classes_, direct.classes_)
    assert inner.n_features_in_ == 4
    moved = transfer(pipeline, LinearThompsonSampling(random_state=0))
    assert_alike(moved, transfer(inner, LinearThompsonSampling(random_state=0)), X)


@pytest.mark.parametrize("shape", ["both", "source", "template"])
def test_transfer_of_pipelines(shape):
    X, arm, reward = rounds()
    scaler = StandardScaler().fit(X)
    bandit = LinearUCB().fit(scaler.transform(X), arm, reward)
    source = make_pipeline(scaler, bandit) if shape != "template" else bandit
    model = LinearThompsonSampling(random_state=0)
    direct = transfer(bandit, model)
    if shape == "both":
        # Steps that are not fitted come from the source, with what they know.
        moved = transfer(source, make_pipeline(StandardScaler(), model))
        assert_allclose(moved[0].mean_, scaler.mean_)
    elif shape == "template":
        moved = transfer(source, make_pipeline(scaler, model))
    else:
        moved = transfer(source, model)
        assert_alike(moved, direct, scaler.transform(X))
        return
    assert_alike(moved[-1], direct, scaler.transform(X))
    assert np.array_equal(moved.predict(X), direct.predict(scaler.transform(X)))


def test_steps_that_nobody_has_fitted_are_refused():
    X, arm, reward = rounds()
    source = LinearUCB().fit(X, arm, reward)
    with pytest.raises(ValueError, match="not fitted"):
        transfer(source, make_pipeline(StandardScaler(), LinearUCB()))


# ------------------------------------------------------------------------ merge
@BOTH
@SUM
@pytest.mark.parametrize("n_shards", [1, 2, 5])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_shards_joined_are_all_rounds(Bandit, options, n_shards, shift):
    X, arm, reward = rounds(shift=shift)
    whole = Bandit(arms=[0, 1, 2], **options).fit(X, arm, reward)
    shards = [
        Bandit(arms=[0, 1, 2], random_state=i, **options).fit(
            X[i::n_shards], arm[i::n_shards], reward[i::n_shards]
        )
        for i in range(n_shards)
    ]
    before = [shard.gram_.copy() for shard in shards]
    joined = merge(shards)
    assert_alike(joined, whole, X)
    assert joined.learnt_weight_ == 150.0
    for shard, gram in zip(shards, before, strict=True):
        assert np.array_equal(shard.gram_, gram)
        assert not np.shares_memory(shard.gram_, joined.gram_)
    # And both learn on alike.
    for bandit in (joined, whole):
        bandit.partial_fit(X[:1], arm[:1], reward[:1])
    assert_alike(joined, whole, X)


@BOTH
@SUM
@pytest.mark.parametrize("named", [False, True])
def test_shards_with_different_arms(Bandit, options, named):
    X, arm, reward = rounds(n_arms=4)
    sets = ([1, 0], [3, 1], [2, 3])
    shards, used = [], []
    for i, arms in enumerate(sets):
        own = np.flatnonzero(np.isin(arm, arms) & (np.arange(150) % 3 == i))
        used.append(own)
        shard = Bandit(arms=arms if named else None, **options)
        shards.append(shard.fit(X[own], arm[own], reward[own]))
    joined = merge(shards)
    rows = np.concatenate(used)
    expected_arms = [1, 0, 3, 2] if named else [0, 1, 3, 2]
    assert joined.classes_.tolist() == expected_arms
    whole = Bandit(arms=expected_arms, **options).fit(X[rows], arm[rows], reward[rows])
    assert_alike(joined, whole, X)


@pytest.mark.parametrize("arm_model", ["shared", "hybrid"])
@pytest.mark.parametrize("noise", ["fixed", "learnt"])
def test_shards_of_candidates(arm_model, noise):
    """Different numbers of candidates in each."""
    rng = np.random.default_rng(0)
    X, index = rng.normal(size=(90, 5, 3)), rng.integers(0, 3, 90)
    reward = X[np.arange(90), index] @ [1.0, -1.0, 2.0] + rng.normal(size=90) + 20
    make = lambda: LinearThompsonSampling(arm_model=arm_model, noise=noise)  # noqa: E731
    index[50:] += 2
    shards = [
        make().fit(X[:50, :3], index[:50], reward[:50]),
        make().fit(X[50:], index[50:], reward[50:]),
    ]
    whole = make().fit(X[50:], index[50:], reward[50:])
    whole.partial_fit(X[:50, :3], index[:50], reward[:50])
    assert_alike(merge(shards), whole, X)


@pytest.mark.parametrize(
    ("others", "word"),
    [
        (lambda X, a, r: LinearThompsonSampling().fit(X, a, r), "one class"),
        (lambda X, a, r: LinearUCB(alpha=2.0).fit(X, a, r), "alpha: '?auto'? and 2.0"),
        (lambda X, a, r: LinearUCB(prior_precision=2.0).fit(X, a, r), "prior_precision"),
        (lambda X, a, r: LinearUCB().fit(X[:, :3], a, r), "same features"),
        (lambda X, a, r: LinearUCB().fit(frame_of(X, "abce"), a, r), "same features"),
    ],
)
def test_what_cannot_be_joined_is_refused(others, word):
    X, arm, reward = rounds()
    first = LinearUCB().fit(X if "abce" not in word else frame_of(X), arm, reward)
    with pytest.raises(ValueError, match=word):
        merge([first, others(X, arm, reward)])


def test_fading_rounds_cannot_be_joined():
    X, arm, reward = rounds()
    bandit = LinearUCB(forgetting=0.9).fit(X, arm, reward)
    with pytest.raises(ValueError, match=r"forgetting=0\.9.*no sum over rounds"):
        merge([bandit, bandit])


def test_nothing_to_join():
    with pytest.raises(ValueError, match="at least one"):
        merge([])
    with pytest.raises(ValueError, match="not fitted"):
        merge([LinearUCB(), LinearUCB()])


# ----------------------------------------------------------------- arms alike
class TestSimilarArms:
    FEATURES = np.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.9], [0.9, 3.0]])

    def test_weights_follow_the_likeness(self):
        init = similar_arms(list("abcd"), self.FEATURES, ["x", "y"], [[0.1, 0.95], [1.0, 0.1]])
        assert list(init) == ["x", "y"]
        assert init["x"]["a"] + init["x"]["c"] > 0.08
        assert init["x"]["a"] == pytest.approx(init["x"]["c"], rel=0.2)
        assert max(init["y"], key=init["y"].get) == "b"
        for weights in init.values():
            assert all(weight > 0.0 for weight in weights.values())
            assert 0.08 < sum(weights.values()) < 0.1 + 1e-12

    def test_strength_is_a_factor(self):
        new = [[0.1, 0.95], [0.5, 1.4]]
        whole = similar_arms(list("abcd"), self.FEATURES, [1, 2], new, strength=1.0)
        part = similar_arms(list("abcd"), self.FEATURES, [1, 2], new, strength=0.25)
        for arm, weights in whole.items():
            assert sum(weights.values()) <= 1.0 + 1e-12
            assert part[arm] == {label: pytest.approx(w / 4) for label, w in weights.items()}

    def test_an_arm_unlike_all_others_starts_near_its_prior(self):
        far = similar_arms(list("abcd"), self.FEATURES, ["x"], [[50.0, -50.0]])
        assert sum(far["x"].values()) < 1e-6
        near = similar_arms(
            list("abcd"), self.FEATURES, ["x"], [[1.5, 4.0]], bandwidth=0.1, strength=1.0
        )
        assert sum(near["x"].values()) < 1e-6

    def test_many_points_around_do_not_add_up_to_more(self):
        """Two points a little to each side would weigh more than one together."""
        init = similar_arms([0, 1], [[-1.0], [1.0]], [2], [[0.0]], bandwidth=2.0, strength=1.0)
        assert init[2] == {0: pytest.approx(0.5), 1: pytest.approx(0.5)}

    def test_frames_are_rows_in_the_order_of_the_arms(self):
        frame = pd.DataFrame(self.FEATURES, columns=["pace", "length"], index=list("zyxw"))
        new = pd.DataFrame([[0.3, 1.0]], columns=["pace", "length"])
        plain = similar_arms(list("abcd"), self.FEATURES, ["x"], new.to_numpy())
        assert similar_arms(list("abcd"), frame, ["x"], new) == plain
        with pytest.raises(ValueError, match="the same columns in the same order"):
            similar_arms(list("abcd"), frame, ["x"], new[["length", "pace"]])

    @BOTH
    def test_a_bandit_starts_its_new_arms_so(self, Bandit):
        X, arm, reward = rounds()
        bandit = Bandit(random_state=0).fit(X, arm, reward=reward)
        features, new = [[0.0], [1.0], [2.0]], [[0.5], [1.9]]
        init = similar_arms(bandit.arms_, features, [7, 8], new)
        added = bandit.add_arms([7, 8], init=init)
        shares = np.array([[init[new].get(old, 0.0) for old in range(3)] for new in (7, 8)])
        assert_allclose(added.weight_[3:], shares @ bandit.weight_)
        assert_allclose(added.gram_[3:], np.tensordot(shares, bandit.gram_, axes=1))
        pipeline = make_pipeline(StandardScaler(), Bandit(random_state=0)).fit(
            X, arm, **{f"{Bandit.__name__.lower()}__reward": reward}
        )
        grown = add_arms(pipeline, [7, 8], init=similar_arms([0, 1, 2], features, [7, 8], new))
        assert_allclose(grown[-1].weight_[3:], added.weight_[3:])

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"features": [[0.0, 1.0]]}, ValueError, "features must have a row for each of arms"),
            ({"new_arms": ["x", "y"]}, ValueError, "new_features must have a row for each of"),
            ({"new_features": [[0.0]]}, ValueError, "the same columns, got 2 and 1"),
            ({"new_features": [[np.nan, 0.0]]}, ValueError, "new_features contains NaN"),
            ({"features": [0.0, 1.0, 2.0, 3.0]}, ValueError, "2D array"),
            ({"arms": ["a", "a", "b", "c"]}, ValueError, "distinct"),
            ({"strength": 0.0}, ValueError, "strength == 0.0, must be > 0"),
            ({"strength": 1.5}, ValueError, "strength == 1.5, must be <= 1"),
            ({"strength": "all"}, TypeError, "strength must be an instance of"),
            ({"bandwidth": 0.0}, ValueError, "bandwidth == 0.0, must be > 0"),
        ],
    )
    def test_messages(self, change, error, message):
        given = {
            "arms": list("abcd"),
            "features": self.FEATURES,
            "new_arms": ["x"],
            "new_features": [[0.0, 0.0]],
        }
        with pytest.raises(error, match=message):
            similar_arms(**{**given, **change})
