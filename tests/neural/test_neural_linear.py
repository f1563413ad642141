"""NeuralLinearBandit: the posterior, its schedule, its policy."""

import numpy as np
import pytest
from scipy import stats

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from skbandit.buffers import SlidingWindow  # noqa: E402
from skbandit.neural import NeuralLinearBandit, _linear, make_net  # noqa: E402
from skbandit.neural._modules import represent  # noqa: E402


def rounds(n_rounds=300, n_arms=2, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_rounds, 3))
    arm = rng.randint(n_arms, size=n_rounds)
    reward = np.sin(X[:, 0] * (arm + 1)) + 0.1 * rng.normal(size=n_rounds)
    return X, arm, reward


def terms_of(bandit, X, known, weight=None):
    """Terms of rows, from the net that users see, in double precision.

    A constant, the representation, and the inputs where they are included, each about the mean of
    the rounds that were known at the last rebuild. The representation is divided by the root of
    its mean square, and as large as held-out rounds say; each input has a mean square of 1.
    """

    def features(rows):
        scaled = (rows - bandit.scaling_.shift) / bandit.scaling_.scale
        module = bandit.net_.module_
        with torch.no_grad():
            hidden = represent(module.double(), torch.from_numpy(scaled)).numpy()
        module.float()
        return [hidden, scaled] if bandit.includes_inputs_ else [hidden]

    terms = [np.ones((len(X), 1))]
    parts = zip(features(X), features(known), strict=True)
    for number, (rows, past) in enumerate(parts):
        past_mean = np.average(past, axis=0, weights=weight)
        square = np.average(((past - past_mean) ** 2).sum(axis=1), weights=weight)
        size = bandit.state_.judgement.sizes[number] * (np.sqrt(rows.shape[1]) if number else 1.0)
        terms.append((rows - past_mean) / np.sqrt(square) * size)
    return np.concatenate(terms, axis=1)


def location_of(terms, arm, reward, weight, prior):
    """Generalised least squares: rewards of an arm vary together by what its weights may be."""
    total, mass = 0.0, 0.0
    for a in np.unique(arm):
        of_it = arm == a
        rows = terms[of_it]
        inverse = np.linalg.inv(np.diag(1.0 / weight[of_it]) + rows @ rows.T / prior)
        total += inverse.sum(axis=0) @ reward[of_it]
        mass += inverse.sum()
    return total / mass


@pytest.mark.parametrize("include_inputs", [True, False])
@pytest.mark.parametrize("noise", ["learnt", "fixed"])
@pytest.mark.parametrize("cuts", [[300], [150, 160, 161, 163, 300]])
def test_belief_is_bayesian_linear_regression_on_the_terms(noise, cuts, include_inputs):
    X, arm, reward = rounds()
    weight = np.random.RandomState(1).randint(1, 4, size=300).astype(float)
    bandit = NeuralLinearBandit(
        net="tiny_mlp", noise=noise, noise_std=0.3, prior_precision=0.7, train_every=10**9
    ).set_params(random_state=0, include_inputs=include_inputs)
    start = 0
    for stop in cuts:
        part = slice(start, stop)
        bandit.partial_fit(
            X[part], arm[part], reward=reward[part], classes=[0, 1], sample_weight=weight[part]
        )
        start = stop
    assert bandit.n_trainings_ == 1
    mean, std = bandit.expected_reward(X, return_std=True)
    terms = terms_of(bandit, X, X[: cuts[0]], weight[: cuts[0]])
    assert terms.shape[1] == 1 + 64 + 3 * include_inputs
    # One part of the prior's precision for each block of terms.
    prior = 0.7 * (3 if include_inputs else 2)
    location = location_of(terms, arm, reward, weight, prior)
    left, matrices = {}, {}
    for a in (0, 1):
        rows, w = terms[arm == a], weight[arm == a]
        r = reward[arm == a] - location
        matrix = prior * np.eye(terms.shape[1]) + rows.T @ (rows * w[:, None])
        coef = np.linalg.solve(matrix, rows.T @ (w * r))
        expected = location + terms @ coef
        np.testing.assert_allclose(mean[:, a], expected, rtol=1e-6, atol=1e-8)
        matrices[a] = matrix
        left[a] = w @ (r - rows @ coef) ** 2 + prior * coef @ coef
    # What alike contexts' residuals have in common is a part of the answer.
    missed = bandit.state_.judgement.misfit
    total = weight.sum()
    spread = np.average((reward - np.average(reward, weights=weight)) ** 2, weights=weight)
    pooled = (2 * spread + sum(left.values())) / (2 + total)
    for a in (0, 1):
        form = np.einsum("nt,nt->n", terms, np.linalg.solve(matrices[a], terms.T).T)
        if noise == "fixed":
            np.testing.assert_allclose(std[:, a], 0.3 * np.sqrt(form + missed), rtol=1e-7)
            continue
        shape = 2 + 0.5 * weight[arm == a].sum()
        together = (2 * pooled + 0.5 * sum(left.values())) / (2 + 0.5 * total)
        variance = max((2 * pooled + 0.5 * left[a]) / shape, together)
        # What the rounds that the network was trained on hide of the noise.
        variance *= bandit.state_.judgement.noise_factor
        # Variance of a Student-t with 4 + n degrees of freedom.
        np.testing.assert_allclose(
            std[:, a], np.sqrt(variance * (shape / (shape - 1) * form + missed)), rtol=1e-6
        )


def test_when_the_inputs_are_terms():
    X, arm, reward = rounds()
    wide = np.tile(X, 30)
    for net, rows, include, expected in (
        ("tiny_mlp", X, "auto", True),
        ("tiny_mlp", wide, "auto", False),
        ("tiny_mlp", wide, True, True),
        ("tiny_mlp", X, False, False),
        # The representation is the inputs already.
        ("none", X, True, False),
    ):
        bandit = NeuralLinearBandit(net=net, include_inputs=include, random_state=0)
        bandit.fit(rows, arm, reward=reward)
        assert bandit.includes_inputs_ is expected
    # What was decided stays when the number of features grows past that of the units.
    narrow = make_net("tiny_mlp", module__hidden_units=(4,))
    bandit = NeuralLinearBandit(net=narrow, random_state=0).fit(X, arm, reward=reward)
    bigger = bandit.expand_features(3)
    assert bigger.includes_inputs_
    padded = np.column_stack([X, np.zeros((300, 3))])
    np.testing.assert_allclose(bigger.expected_reward(padded), bandit.expected_reward(X))
    bigger.partial_fit(padded, arm, reward=reward)
    assert bigger.includes_inputs_
    assert not bigger.fit(padded, arm, reward=reward).includes_inputs_


def test_a_rebuild_without_room_for_the_terms_is_the_same(monkeypatch):
    X, arm, reward = rounds()
    weight = np.random.RandomState(1).randint(1, 4, size=300).astype(float)
    monkeypatch.setattr(_linear, "BLOCK_ROWS", 70)
    beliefs = []
    for room in (1 << 20, 0):
        monkeypatch.setattr(_linear, "_KEPT_ENTRIES", room)
        bandit = NeuralLinearBandit(net="tiny_mlp", random_state=0)
        bandit.fit(X, arm, reward=reward, sample_weight=weight)
        beliefs.append(bandit.expected_reward(X, return_std=True))
    np.testing.assert_array_equal(beliefs[0], beliefs[1])


def test_a_linear_reward_is_known_before_the_network_has_learnt():
    """After 60 noisy rounds of 20 features, the inputs halve what is left unexplained."""
    rng = np.random.RandomState(0)
    X, coef = rng.normal(size=(1060, 20)), rng.normal(size=20)
    reward = X @ coef + 0.1 * rng.normal(size=1060)
    left = []
    for include in (True, False):
        bandit = NeuralLinearBandit(include_inputs=include, arms=[0], random_state=0)
        bandit.partial_fit(X[:60], np.zeros(60, dtype=int), reward=reward[:60])
        assert bandit.n_trainings_ == 0
        error = reward[60:] - bandit.expected_reward(X[60:])[:, 0]
        left.append(error.var() / reward[60:].var())
    assert left[0] < 0.5 * left[1]


def test_statistics_are_never_mixed_over_networks():
    X, arm, reward = rounds()
    bandit = NeuralLinearBandit(net="tiny_mlp", train_every=50, random_state=0, arms=[0, 1])
    for start in range(0, 300, 25):
        part = slice(start, start + 25)
        bandit.partial_fit(X[part], arm[part], reward=reward[part])
    assert bandit.n_trainings_ > 3
    # The last training came with the last but one call.
    terms = terms_of(bandit, X, X[: 300 - int(bandit.state_.schedule.new_weight)])
    for a in (0, 1):
        rows = terms[arm == a]
        np.testing.assert_allclose(bandit.head_.gram[a], rows.T @ rows, rtol=1e-7, atol=1e-7)
        unit = bandit.scaling_.reward(reward[arm == a])
        np.testing.assert_allclose(bandit.head_.raw_moment[a], unit @ rows, rtol=1e-6, atol=1e-6)
    assert bandit.head_.weight.sum() == 300


def test_full_feedback_teaches_every_arm():
    X, arm, _ = rounds(n_arms=3)
    bandit = NeuralLinearBandit(net="none", random_state=0).fit(X, arm)
    long = NeuralLinearBandit(net="none", random_state=0, arms=[0, 1, 2])
    each = np.tile([0, 1, 2], len(X))
    long.fit(np.repeat(X, 3, axis=0), each, reward=(each == np.repeat(arm, 3)).astype(float))
    np.testing.assert_allclose(
        bandit.expected_reward(X), long.expected_reward(X), rtol=1e-8, atol=1e-10
    )


@pytest.mark.parametrize("unit", [1e-6, 100.0, 1e9])
def test_the_unit_of_rewards_does_not_matter(unit):
    X, arm, reward = rounds()
    policies = [
        NeuralLinearBandit(net="tiny_mlp", random_state=0)
        .fit(X, arm, reward=scale * reward)
        .predict_proba(X)
        for scale in (1.0, unit)
    ]
    # Training in single precision rounds the two differently.
    np.testing.assert_allclose(policies[0], policies[1], atol=0.02)


def test_thompson_policy_is_the_share_of_posterior_draws():
    X, arm, reward = rounds(60)
    bandit = NeuralLinearBandit(net="none", alpha=0.8, random_state=0).fit(X, arm, reward=reward)
    belief = bandit._belief(X[:5])
    mean, scale, dof = belief.mean, belief.scale, belief.dof
    rng = np.random.default_rng(0)
    draws = mean + 0.8 * scale * stats.t.rvs(dof, size=(200_000, 5, 2), random_state=rng)
    share = (draws[..., 0] > draws[..., 1]).mean(axis=0)
    # Five standard errors of a share.
    np.testing.assert_allclose(bandit.predict_proba(X[:5])[:, 0], share, atol=5 * 0.5 / 447)


def test_candidates_share_one_posterior():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 4, 3))
    arm = rng.randint(4, size=200)
    reward = X[np.arange(200), arm, 0] ** 2
    bandit = NeuralLinearBandit(net="tiny_mlp", random_state=0, alpha=0.5)
    bandit.fit(X, arm, reward=reward)
    mean, std = bandit.expected_reward(X, return_std=True)
    assert mean.shape == (200, 4)
    known = X[np.arange(200), arm]
    flat, played = terms_of(bandit, X.reshape(-1, 3), known), terms_of(bandit, known, known)
    matrix = 3 * bandit.prior_precision * np.eye(played.shape[1]) + played.T @ played
    prior = 3 * bandit.prior_precision
    location = location_of(played, np.zeros(200), reward, np.ones(200), prior)
    coef = np.linalg.solve(matrix, played.T @ (reward - location))
    np.testing.assert_allclose(mean.ravel(), location + flat @ coef, rtol=1e-6, atol=1e-8)
    # The number of candidates may differ from call to call.
    assert bandit.predict(X[:, :2]).max() <= 1
    assert bandit.predict_proba(rng.normal(size=(5, 6, 3))).shape == (5, 6)
    # Fresh joint draws of weights and noise give the same policy.
    chosen = X[:3]
    terms = terms_of(bandit, chosen.reshape(-1, 3), known)
    variance, dof = bandit._noise()
    draws = rng.multivariate_normal(np.zeros(len(coef)), np.linalg.inv(matrix), size=40_000)
    noise = np.sqrt(variance[0] * dof[0] / rng.chisquare(dof[0], size=40_000))
    scores = (terms @ (coef[:, None] + 0.5 * noise * draws.T)).reshape(3, 4, -1)
    share = np.stack([(scores.argmax(axis=1) == k).mean(axis=1) for k in range(4)], axis=1)
    # Five standard errors of 500 draws.
    np.testing.assert_allclose(bandit.predict_proba(chosen), share, atol=5 * 0.5 / np.sqrt(500))
    assert (std > 0).all()


def test_ucb_adds_standard_deviations():
    X, arm, reward = rounds()
    bandit = NeuralLinearBandit(net="tiny_mlp", exploration="ucb", alpha=2.0, random_state=0)
    mean, std = bandit.fit(X, arm, reward=reward).expected_reward(X, return_std=True)
    std = np.sqrt(std**2 - bandit._missed_variance())
    np.testing.assert_allclose(bandit.decision_function(X), mean + 2 * std)


def test_schedule():
    X, arm, reward = rounds(200)
    bandit = NeuralLinearBandit(
        arms=[0, 1],
        net=make_net("tiny_mlp", batch_size=16),
        min_samples_to_train=40,
        train_every=60,
        initial_train_steps=7,
        train_steps=3,
        random_state=0,
    )
    trainings, steps = [], []
    for start in range(0, 200, 20):
        part = slice(start, start + 20)
        bandit.partial_fit(X[part], arm[part], reward=reward[part])
        trainings.append(bandit.n_trainings_)
        steps.append(len(bandit.net_.history))
    assert trainings == [0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    state = bandit.net_.optimizer_.state_dict()["state"]
    assert state[0]["step"] == 7 + 3 + 3


@pytest.mark.parametrize("net", ["tiny_mlp", make_net("tiny_mlp", module__dropout=0.1)])
def test_training_from_scratch(net):
    """Without a warm start the second training begins with fresh weights and a fresh optimizer."""
    X, arm, reward = rounds(200)
    nets = {}
    for warm_start in (True, False):
        bandit = NeuralLinearBandit(
            arms=[0, 1],
            net=net,
            warm_start=warm_start,
            initial_train_steps=7,
            train_steps=3,
            random_state=0,
        )
        for part in (slice(0, 100), slice(100, 200)):
            bandit.partial_fit(X[part], arm[part], reward=reward[part])
        assert bandit.n_trainings_ == 2
        steps = bandit.net_.optimizer_.state_dict()["state"][0]["step"]
        assert steps == (7 + 3 if warm_start else 7)
        nets[warm_start] = bandit.net_.module_.hidden[0].weight
    first = NeuralLinearBandit(net=net, initial_train_steps=7, random_state=0)
    first.fit(X[:100], arm[:100], reward=reward[:100])
    start = first.net_.module_.hidden[0].weight
    # Adam moves a weight by at most about its learning rate a step.
    assert (nets[True] - start).abs().max() < 0.05
    assert (nets[False] - start).abs().max() > 0.5


def test_sliding_window_forgets():
    X, arm, reward = rounds(400)
    bandit = NeuralLinearBandit(
        arms=[0, 1], net="tiny_mlp", buffer=SlidingWindow(size=100), random_state=0
    )
    for start in range(0, 400, 100):
        part = slice(start, start + 100)
        bandit.partial_fit(X[part], arm[part], reward=reward[part])
    assert len(bandit.buffer_) == 100
    assert bandit.head_.weight.sum() == 100


def test_early_stopping_threshold_saves_steps():
    X, arm, _ = rounds(200)
    options = {"net": make_net("tiny_mlp"), "initial_train_steps": 500, "random_state": 0}
    steps = []
    for threshold in (None, 0.5):
        bandit = NeuralLinearBandit(early_stopping_threshold=threshold, **options)
        bandit.fit(X, arm, reward=X[:, 0])
        steps.append(bandit.net_.optimizer_.state_dict()["state"][0]["step"])
    assert steps[0] == 500
    assert 10 <= steps[1] < 250
