"""More or fewer arms, features and hidden units."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from skbandit.neural import EnsembleBandit, NeuralLinearBandit, NeuralUCB, make_net  # noqa: E402
from skbandit.transfer import merge, transfer  # noqa: E402


def belief(bandit, X):
    return bandit.expected_reward(X, return_std=True)


@pytest.fixture
def fitted(bandit, played):
    X, arm, reward = played
    return bandit.set_params(arms=["a", "b"]).fit(X, arm, reward=reward)


def test_new_features_at_zero_change_nothing(fitted, played):
    X = played[0]
    bigger = fitted.expand_features(2)
    padded = np.column_stack([X, np.zeros((len(X), 2))])
    for old, new in zip(belief(fitted, X), belief(bigger, padded), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-9, atol=1e-12)
    # What is new can be learnt.
    rng = np.random.RandomState(1)
    more = rng.normal(size=(300, 5))
    arms = np.asarray(["a", "b"])[rng.randint(2, size=300)]
    bigger.set_params(train_steps=300)
    bigger.partial_fit(more, arms, reward=3 * more[:, 3])
    gap = bigger.expected_reward(more)
    assert np.corrcoef(gap[:, 0], more[:, 3])[0, 1] > 0.7
    assert fitted.n_features_in_ == 3


def test_expanding_equals_zeros_so_far(bandit, played):
    X, arm, reward = played
    padded = np.column_stack([X, np.zeros((len(X), 1))])
    if isinstance(bandit, EnsembleBandit):
        pytest.skip("random networks for other sizes are other random networks")
    # The first layer's random weights depend on its width: fix the scale of both.
    after = bandit.fit(X, arm, reward=reward).expand_features(1)
    rows = after.buffer_.columns["row"]
    np.testing.assert_array_equal(rows, padded)
    assert after.scaling_.shift[3] == 0
    assert after.scaling_.scale[3] == 1
    assert not after.net_.module_.hidden[0].weight[:, 3].any()


def test_adding_an_arm_equals_having_known_it(bandit, played):
    X, arm, reward = played
    added = bandit.set_params(arms=["a", "b"]).fit(X, arm, reward=reward).add_arms(["c"])
    known = clone(bandit).set_params(arms=["a", "b", "c"]).fit(X, arm, reward=reward)
    assert added.arms_.tolist() == known.arms_.tolist() == ["a", "b", "c"]
    # Networks are trained in single precision, and a third output rounds differently.
    for one, other in zip(belief(added, X), belief(known, X), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_trainings_after_a_transfer_go_on_with_the_optimizer(bandit, played):
    """An arm added and never played changes nothing in how the others are learnt on."""
    X, arm, reward = played
    known = bandit.set_params(arms=["a", "b"]).fit(X[:100], arm[:100], reward=reward[:100])
    added = known.add_arms(["c"])
    states = [b.net_.optimizer_.state_dict()["state"] for b in (known, added)]
    for key, one in states[0].items():
        old, new = one["exp_avg"], states[1][key]["exp_avg"]
        assert one["step"] == states[1][key]["step"] > 0
        torch.testing.assert_close(new[tuple(map(slice, old.shape))], old, rtol=0, atol=0)
    for one in (known, added):
        one.partial_fit(X[100:], arm[100:], reward=reward[100:])
        assert one.n_trainings_ == 2
    np.testing.assert_allclose(
        added.expected_reward(X)[:, :2], known.expected_reward(X), rtol=1e-4, atol=1e-4
    )


def test_an_arm_in_the_place_of_one_that_is_gone_is_another(played):
    X, arm, reward = played
    bandit = EnsembleBandit(net="tiny_mlp", n_members=2, arms=["a", "b"], random_state=0)
    bandit.fit(X, arm, reward=reward)
    other = bandit.remove_arms(["a"]).add_arms(["c"])
    for prior in other.priors_:
        assert not torch.equal(prior.output.weight[0], prior.output.weight[1])


@pytest.mark.parametrize("init", ["mean", "b"])
def test_new_arms_start_from_others(fitted, played, init):
    X = played[0]
    added = fitted.add_arms(["c", "d"], init=init)
    mean, std = belief(added, X)
    np.testing.assert_allclose(mean[:, 2], mean[:, 3], rtol=1e-6, atol=1e-9)
    if init == "b":
        np.testing.assert_allclose(mean[:, 2], mean[:, 1], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(std[:, 2], std[:, 1], rtol=0.2)
    # What all arms share is found anew with the rounds that the new ones are given.
    np.testing.assert_allclose(mean[:, :2], fitted.expected_reward(X), rtol=0.05, atol=0.06)


def test_new_arms_start_from_weights(fitted, played):
    """Their outputs, their rounds, and how much they have learnt are so much of the others'."""
    added = fitted.add_arms(["c", "d"], init={"c": {"a": 0.5, "b": 0.25}, "d": {"b": 0.5}})
    shares = np.array([[0.5, 0.25], [0.0, 0.5]])
    old, new = fitted.net_.module_.output, added.net_.module_.output
    for before, after in ((old.weight, new.weight), (old.bias, new.bias)):
        expected = np.tensordot(shares, before.detach().numpy(), axes=1)
        np.testing.assert_allclose(after.detach().numpy()[2:], expected, rtol=1e-5, atol=1e-7)
    kept, columns = fitted.buffer_.columns, added.buffer_.columns
    for output, own in zip((2, 3), shares, strict=True):
        lent = columns["arm"] == output
        share = own[kept["arm"]]
        np.testing.assert_allclose(columns["weight"][lent], share[share > 0] * 1.0)
        np.testing.assert_array_equal(columns["reward"][lent], kept["reward"][share > 0])
    known = fitted.state_.taught_weight
    np.testing.assert_allclose(added.state_.taught_weight[2:], shares @ known)


def test_random_parts_of_new_arms_are_their_own_where_weights_leave_room(played):
    X, arm, reward = played
    bandit = EnsembleBandit(net="tiny_mlp", n_members=2, arms=["a", "b"], random_state=0)
    bandit.fit(X, arm, reward=reward)
    cold, half, whole = (
        bandit.add_arms(["c"], init=init) for init in ("prior", {"a": 0.5}, {"a": 1.0})
    )
    for number in range(2):
        weights = [one.priors_[number].output.weight for one in (cold, half, whole)]
        assert torch.equal(weights[2][2], weights[2][0])
        expected = 0.5 * (weights[0][2] + weights[0][0])
        torch.testing.assert_close(weights[1][2], expected)
        deviates = [one.state_.statistics.deviates[number] for one in (cold, half, whole)]
        np.testing.assert_allclose(deviates[2][2], deviates[2][0])
        np.testing.assert_allclose(deviates[1][2], 0.5 * (deviates[0][2] + deviates[0][0]))


def test_removing_arms_and_features_forgets_them(fitted, played):
    X = played[0]
    one = fitted.remove_arms(["a"])
    assert one.predict(X).tolist() == ["b"] * len(X)
    assert (one.buffer_.columns["arm"] == 0).all()
    assert len(one.buffer_) == (played[1] == "b").sum()
    np.testing.assert_allclose(
        one.net_.module_.output.weight.detach(),
        fitted.net_.module_.output.weight[1:].detach(),
    )
    fewer = fitted.drop_features([1])
    # The network believes the feature to be at its mean; what is linear is found anew.
    at_mean = X.copy()
    at_mean[:, 1] = fitted.scaling_.shift[1]
    np.testing.assert_allclose(
        fewer.state_.networks[0].frozen.outputs(fewer.scaling_.inputs(X[:, [0, 2]])),
        fitted.state_.networks[0].frozen.outputs(fitted.scaling_.inputs(at_mean)),
        atol=1e-6,
    )
    assert fewer.n_features_in_ == 2
    fewer.partial_fit(X[:, [0, 2]], played[1], reward=played[2])


def test_named_features_are_matched_by_name(bandit, played):
    X = pd.DataFrame(played[0], columns=["age", "income", "visits"])
    source = bandit.fit(X, played[1], reward=played[2])
    other = X[["visits", "age"]].assign(city=0.0)[["visits", "city", "age"]]
    template = clone(bandit).fit(other, played[1], reward=played[2])
    moved = transfer(source, template)
    assert moved.feature_names_in_.tolist() == ["visits", "city", "age"]
    np.testing.assert_array_equal(moved.buffer_.columns["row"][:, [0, 2]], played[0][:, [2, 0]])
    old, new = (b.net_.module_.hidden[0].weight.detach() for b in (source, moved))
    np.testing.assert_array_equal(new[:, [0, 2]], old[:, [2, 0]])
    assert not new[:, 1].any()


def test_hidden_layers_may_grow(fitted, played):
    X = played[0]
    wider = make_net("tiny_mlp", module__hidden_units=(40,))
    grown = transfer(fitted, clone(fitted).set_params(net=wider))
    assert grown.net_.module_.hidden[0].out_features == 40
    (old, width), (new, new_width) = belief(fitted, X), belief(grown, X)
    # The head is as sure beforehand of all units together; there are more of them now.
    np.testing.assert_allclose(new, old, atol=5e-3 * np.std(old))
    # A confident bandit stays confident.
    assert (new_width < 1.01 * width).all()
    grown.partial_fit(X, played[1], reward=played[2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"module__activation": "tanh"}, "activation is 'relu' in source and 'tanh' in template"),
        ({"module__residual": True}, "residual is False in source and True in template"),
        ({"module__hidden_units": (16, 16)}, "hidden layers is 1 in source and 2 in template"),
        ({"module__hidden_units": (8,)}, r"\[16, 2\].*\[8, 2\].*not narrower"),
    ],
)
def test_what_cannot_be_carried_is_refused_with_both_sides_named(fitted, change, message):
    parameters = {"module__hidden_units": (16,), **change}
    template = clone(fitted).set_params(net=make_net("tiny_mlp", **parameters))
    with pytest.raises(ValueError, match=message):
        transfer(fitted, template)


def test_residual_networks_carry(played):
    X, arm, reward = played
    net = make_net("tiny_mlp", module__hidden_units=(8, 8), module__residual=True)
    bandit = NeuralUCB(net=net, arms=["a", "b"], random_state=0).fit(X, arm, reward=reward)
    wider = make_net("tiny_mlp", module__hidden_units=(20, 20), module__residual=True)
    grown = transfer(bandit, clone(bandit).set_params(net=wider))
    np.testing.assert_allclose(grown.expected_reward(X), bandit.expected_reward(X), atol=1e-6)


def test_one_family_learns_from_the_network_of_another(played):
    X, arm, reward = played
    source = NeuralLinearBandit(net="tiny_mlp", arms=["a", "b"], random_state=0)
    source.fit(X, arm, reward=reward)
    moved = transfer(source, NeuralUCB(net="tiny_mlp", random_state=0))
    assert moved.precision_.weight == 150
    for a, b in zip(
        source.net_.module_.parameters(), moved.net_.module_.parameters(), strict=True
    ):
        torch.testing.assert_close(a, b)


def test_merging_is_refused(fitted):
    with pytest.raises(ValueError, match="cannot be merged"):
        merge([fitted, fitted])


def test_the_old_bandit_is_untouched(fitted, played):
    X = played[0]
    before = fitted.decision_function(X)
    for new in (
        fitted.add_arms(["c"]),
        fitted.add_arms(["c"], init="mean"),
        fitted.expand_features(1),
        fitted.drop_features([0]),
        fitted.remove_arms(["a"]),
    ):
        width = new.n_features_in_
        new.partial_fit(np.ones((60, width)), [new.arms_[0]] * 60, reward=np.ones(60))
        np.testing.assert_array_equal(fitted.decision_function(X), before)
