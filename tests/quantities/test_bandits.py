"""What both bandits with quantities promise: decisions, densities, errors, transfer."""

import pickle

import numpy as np
import pytest
from scipy.stats import chisquare
from sklearn.base import clone

from skbandit.base import make_log
from skbandit.contextfree import GaussianThompsonSampling
from skbandit.linear import LinearThompsonSampling
from skbandit.quantities import BaseQuantityBandit, QuantityThompsonSampling, ZoomingBandit
from skbandit.selectors import SoftmaxSelector, TopKSelector
from skbandit.strategies import PricedSelector
from skbandit.transfer import merge, transfer

# A sound implementation fails once in ten thousand seeds.
P_VALUE = 1e-4
QUANTITIES = {"dose": (0.0, 2.0), "mix": [(-1.0, 1.0), (0.0, 8.0)]}
ARMS = ["dose", "mix", "none"]


def _zooming(**params):
    return ZoomingBandit(**{"quantities": QUANTITIES, "arms": ARMS, "random_state": 0, **params})


def _contextual(**params):
    return _zooming(bandit=LinearThompsonSampling(), **params)


def _smooth(**params):
    defaults = {"quantities": QUANTITIES, "arms": ARMS, "random_state": 0, "n_draws": 16}
    return QuantityThompsonSampling(**{**defaults, **params})


KINDS = pytest.mark.parametrize("kind", [_zooming, _contextual, _smooth])


def paid(X, arm, quantity):
    """The best of the first arm moves with the context."""
    dose = 1.0 - (quantity[:, 0] - 1.0 - 0.2 * X[:, 0]) ** 2
    mix = 0.8 - 0.5 * quantity[:, 0] ** 2 - 0.02 * (np.nan_to_num(quantity[:, 1]) - 6.0) ** 2
    return np.select([arm == "dose", arm == "mix"], [dose, mix], 0.3)


def rounds(bandit, n_samples=300, seed=0):
    """Rounds that a bandit before any round has played."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, 2))
    untaught = clone(bandit)
    arm, quantity, density = untaught.predict(X, return_quantity=True, return_propensity=True)
    reward = paid(X, arm, quantity) + 0.3 * rng.normal(size=n_samples)
    return X, make_log(arm, reward, density, quantity=quantity)


def taught(bandit, n_samples=300):
    """A bandit that has learnt."""
    return bandit.fit(*rounds(bandit, n_samples))


def density_at(bandit, x, label, points):
    """The density of an arm at many quantities in one context."""
    density = np.concatenate(
        [
            bandit.quantity_density(np.repeat(x, len(some), axis=0), [label] * len(some), some)
            for some in np.array_split(points, 1 + len(points) // 1000)
        ]
    )
    assert (density >= 0.0).all()
    return density


@KINDS
class TestDecisions:
    def test_before_any_round_all_is_even(self, kind):
        X = np.zeros((3000, 2))
        arm, quantity, density = kind().predict(X, return_quantity=True, return_propensity=True)
        np.testing.assert_allclose(kind().predict_proba(X[:2]), 1 / 3)
        np.testing.assert_allclose(density[arm == "dose"], 1 / 3 / 2)
        np.testing.assert_allclose(density[arm == "mix"], 1 / 3 / 16)
        np.testing.assert_allclose(density[arm == "none"], 1 / 3)
        halves = np.bincount((quantity[arm == "mix", 1] > 4.0).astype(int))
        assert chisquare(halves).pvalue > P_VALUE
        taken = ~np.isnan(quantity)
        assert (taken.sum(axis=1) == np.select([arm == "dose", arm == "mix"], [1, 2])).all()

    def test_what_is_returned_in_which_order(self, kind):
        bandit, X = taught(kind()), np.random.RandomState(1).normal(size=(20, 2))
        arm = bandit.predict(X)
        with_chance = bandit.predict(X, return_propensity=True)
        every = bandit.predict(X, return_quantity=True, return_propensity=True)
        for one in (with_chance[0], every[0], bandit.predict(X, return_quantity=True)[0]):
            np.testing.assert_array_equal(one, arm)
        place = np.searchsorted(ARMS, arm)
        policy = bandit.predict_proba(X)
        np.testing.assert_allclose(with_chance[1], policy[np.arange(20), place], rtol=1e-12)
        density = bandit.quantity_density(X, arm, every[1])
        np.testing.assert_allclose(every[2], density, rtol=1e-12)

    def test_keys(self, kind):
        """Arm and quantity follow from the seed and the row, not from the batch."""
        bandit, X = taught(kind()), np.random.RandomState(1).normal(size=(30, 2))
        arm, quantity = bandit.predict(X, return_quantity=True)
        backwards = bandit.predict(X[::-1], return_quantity=True)
        np.testing.assert_array_equal(backwards[0][::-1], arm)
        np.testing.assert_allclose(backwards[1][::-1], quantity, rtol=1e-12)
        other = clone(bandit).set_params(random_state=1).fit(*rounds(kind()))
        assert not np.array_equal(other.predict(X, return_quantity=True)[1], quantity)
        alike = np.tile(X[:1], (200, 1))
        same_arm, drawn = bandit.predict(alike, return_quantity=True)
        first = drawn[same_arm == same_arm[0], 0]
        assert len(np.unique(first)) == len(first)

    def test_quantity_and_arm_are_drawn_apart(self, kind):
        """The quantity does not follow from the number that drew the arm."""
        X = np.zeros((4000, 2))
        arm, quantity = kind().predict(X, return_quantity=True)
        dose = quantity[arm == "dose", 0]
        assert chisquare(np.histogram(dose, bins=10, range=(0, 2))[0]).pvalue > P_VALUE

    def test_without_exploring(self, kind):
        bandit, X = taught(kind(), 600), np.random.RandomState(1).normal(size=(20, 2))
        arm, quantity = bandit.predict(X, explore=False, return_quantity=True)
        again = clone(bandit).set_params(random_state=7).fit(*rounds(kind(), 600))
        same = again.predict(X, explore=False, return_quantity=True)
        np.testing.assert_array_equal(same[0], arm)
        np.testing.assert_array_equal(same[1], quantity)
        best = bandit.expected_reward(X).max(axis=1)
        np.testing.assert_allclose(bandit.expected_reward_at(X, arm, quantity), best, rtol=1e-9)
        with pytest.raises(ValueError, match="one quantity for sure, which has no density"):
            bandit.predict(X, explore=False, return_quantity=True, return_propensity=True)
        chance = bandit.predict(X, explore=False, return_propensity=True)[1]
        np.testing.assert_allclose(chance, 1.0)

    def test_best_beats_what_else_there_is(self, kind):
        """No quantity that is tried is expected to pay more than what is said to be the best."""
        bandit, rng = taught(kind(), 600), np.random.RandomState(1)
        X = np.repeat(rng.normal(size=(5, 2)), 200, axis=0)
        dose = np.column_stack([rng.uniform(0, 2, 1000), np.full(1000, np.nan)])
        mix = np.column_stack([rng.uniform(-1, 1, 1000), rng.uniform(0, 8, 1000)])
        best = bandit.expected_reward(X)
        for column, (label, quantity) in enumerate((("dose", dose), ("mix", mix))):
            other = bandit.expected_reward_at(X, [label] * 1000, quantity)
            # The search ends at a part of the box, not at the point.
            assert (other <= best[:, column] + 5e-3).all()

    def test_masks(self, kind):
        bandit, X = taught(kind()), np.random.RandomState(1).normal(size=(200, 2))
        mask = np.ones((200, 3), dtype=bool)
        mask[:100, 0] = False
        mask[100:, 1:] = False
        arm, quantity, density = bandit.predict(
            X, available=mask, return_quantity=True, return_propensity=True
        )
        assert not (arm[:100] == "dose").any()
        assert (arm[100:] == "dose").all()
        same = bandit.quantity_density(X, arm, quantity, available=mask)
        np.testing.assert_allclose(density, same, rtol=1e-12)
        greedy = bandit.predict(X, available=mask, explore=False)
        assert not (greedy[:100] == "dose").any()
        assert (greedy[100:] == "dose").all()

    def test_costs(self, kind):
        """A price makes the dear arms rare; cells cost what their arm does."""
        X = np.random.RandomState(1).normal(size=(50, 2))
        cost = {"dose": 100.0, "mix": 100.0, "none": 0.0}
        bandit = taught(kind(selector=PricedSelector(cost)))
        assert (bandit.predict_proba(X)[:, 2] > 0.99).all()
        rows = np.tile([0.0, 100.0, 100.0], (50, 1))
        assert (bandit.predict_proba(X, cost=rows)[:, 0] > 0.99).all()
        mixed = np.where(np.arange(50)[:, None] % 2, rows, rows[:, ::-1])
        policy = bandit.predict_proba(X, cost=mixed)
        assert (policy[1::2, 0] > 0.99).all()
        assert (policy[::2, 2] > 0.99).all()
        arm, quantity = bandit.predict(X, cost=rows, return_quantity=True)
        density = bandit.quantity_density(X, arm, quantity, cost=rows)
        assert (density > 0.0).all()
        with pytest.raises(ValueError, match="does not weigh costs"):
            taught(kind()).predict(X, cost=rows)


@KINDS
class TestDensity:
    def test_it_integrates_to_one(self, kind):
        """By quadrature that is exact for what is constant between the ends of the boxes."""
        bandit, x = taught(kind(), 600), np.array([[0.3, -1.0]])
        record, total = bandit.quantity_policy(x), []
        for place, (label, sides) in enumerate((("dose", 1), ("mix", 2))):
            own = record.arm[0] == place
            nodes = []
            for side in range(sides):
                ends = np.unique([record.low[0, own, side], record.high[0, own, side]])
                box = np.ravel(QUANTITIES[label])[2 * side : 2 * side + 2]
                nodes.append(np.unique([*ends, *box]))
            points = np.meshgrid(*[0.5 * (one[1:] + one[:-1]) for one in nodes])
            areas = np.prod(np.meshgrid(*[np.diff(one) for one in nodes]), axis=0)
            points = np.column_stack([one.ravel() for one in points])
            if sides == 1:
                points = np.column_stack([points, np.full(len(points), np.nan)])
            total.append(density_at(bandit, x, label, points) @ areas.ravel())
        none = bandit.quantity_density(x, ["none"], [[np.nan, np.nan]])[0]
        policy = bandit.predict_proba(x)[0]
        np.testing.assert_allclose([*total, none], policy, rtol=1e-9)
        assert sum(total) + none == pytest.approx(1.0, abs=1e-9)
        # Exactly, by the chances of the whole boxes.
        low, high = np.full((1, 2), -np.inf), np.full((1, 2), np.inf)
        whole = [record.chance(np.array([arm]), low, high)[0] for arm in range(3)]
        np.testing.assert_allclose(whole, policy, rtol=1e-12)

    def test_it_is_the_histogram_of_decisions(self, kind):
        bandit, x, n = taught(kind(), 600), np.array([[0.3, -1.0]]), 8000
        bandit.set_params(random_state=3)
        arm, quantity = bandit.predict(np.repeat(x, n, axis=0), return_quantity=True)
        record, counts, chances = bandit.quantity_policy(x), [], []

        def count(label, low, high):
            place, low, high = ARMS.index(label), np.array(low), np.array(high)
            inside = (arm == label) & ~((quantity < low) | (quantity >= high)).any(axis=1)
            counts.append(inside.sum())
            chances.append(record.chance(np.array([place]), low[None], high[None])[0])

        for low in np.linspace(0, 2, 21)[:-1]:
            count("dose", [low, -np.inf], [low + 0.1, np.inf])
        for low in (-1.0, -0.5, 0.0, 0.5):
            for second in (0.0, 2.0, 4.0, 6.0):
                count("mix", [low, second], [low + 0.5, second + 2.0])
        count("none", [-np.inf] * 2, [np.inf] * 2)
        counts, expected = np.array(counts), n * np.array(chances)
        assert expected.sum() == pytest.approx(n)
        assert (counts[expected == 0.0] == 0).all()
        rare = expected < 5.0
        counts = np.append(counts[~rare], counts[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
        kept = expected > 0.0
        # The last pool may be rare itself: it joins the largest.
        if expected[-1] < 5.0:
            kept[-1] = False
            counts[expected.argmax()] += counts[-1]
            expected[expected.argmax()] += expected[-1]
        assert kept.sum() > 3
        assert chisquare(counts[kept], expected[kept]).pvalue > P_VALUE

    def test_score_divides_densities(self, kind):
        bandit = taught(kind())
        X, log = rounds(kind(random_state=5), 400, seed=3)
        density = bandit.quantity_density(X, log["arm"], log["quantity"])
        weight = density / log["propensity"]
        expected = np.average(log["reward"], weights=weight)
        assert bandit.score(X, log) == pytest.approx(expected)


@KINDS
class TestErrors:
    def test_of_logs(self, kind):
        bandit = kind()
        X, log = rounds(bandit, 30)
        arm, reward, quantity = log["arm"], log["reward"], log["quantity"]
        for bad, message in (
            (make_log(arm, reward), "y carries no quantities"),
            (arm, "y carries no quantities"),
            (make_log(arm, reward, quantity=quantity + 50), "quantity must lie in the box"),
            (make_log(arm, reward, quantity=quantity[:, 0]), "quantity has 1 columns"),
            (make_log(arm, reward, quantity=np.nan * quantity), "quantity is NaN"),
            (make_log(arm, reward, quantity=np.nan_to_num(quantity)), "quantity is a number"),
        ):
            with pytest.raises(ValueError, match=message):
                bandit.fit(X, bad)
            assert not bandit.__sklearn_is_fitted__()

    def test_of_boxes(self, kind):
        X = np.zeros((2, 2))
        with pytest.raises(ValueError, match="finite low below a finite high"):
            kind(quantities={"dose": (1.0, 1.0)}).predict(X)
        with pytest.raises(ValueError, match=r"names the arms \['lotion'\]"):
            kind(quantities={"lotion": (0.0, 1.0)}).predict(X)
        with pytest.raises(ValueError, match="is a box without an arm"):
            kind(quantities=(0.0, 1.0)).predict(X)

    def test_of_questions(self, kind):
        bandit, X = taught(kind()), np.zeros((2, 2))
        ask = bandit.quantity_density
        with pytest.raises(ValueError, match="quantity must lie in the box"):
            ask(X, ["dose", "dose"], [[3.0, np.nan], [1.0, np.nan]])
        with pytest.raises(ValueError, match="arms that the bandit does not know"):
            bandit.expected_reward_at(X, ["dose", "lotion"], [[1.0, np.nan]] * 2)
        with pytest.raises(ValueError, match=r"arm must have shape \(2,\)"):
            ask(X, ["dose"], [[1.0, np.nan]])
        with pytest.raises(ValueError, match="selector=TopKSelector"):
            clone(bandit).set_params(selector=TopKSelector(k=2)).predict(X)
        plain = kind(quantities=None)
        with pytest.raises(ValueError, match="take none"):
            plain.expected_reward_at(X, ["dose", "mix"], [1.0, 2.0])
        assert plain.predict(X, return_quantity=True)[1].shape == (2, 0)
        assert plain.expected_reward_at(X, ["dose", "mix"], None).shape == (2,)


@KINDS
class TestTransfer:
    def test_one_arm(self, kind):
        """A box without a label is for one arm; more arms give it a name."""
        bandit, X = kind(quantities=(0.0, 10.0), arms=None), np.zeros((40, 2))
        arm, dose = bandit.predict(X, return_quantity=True)
        assert set(arm) == {"quantity"}
        assert dose.shape == (40, 1)
        bandit = bandit.fit(X, make_log(arm, -((dose[:, 0] - 3) ** 2), quantity=dose))
        more = bandit.add_arms(["none", "rate"], quantities={"rate": (0.0, 1.0)})
        assert more.quantities == {"quantity": (0.0, 10.0), "rate": (0.0, 1.0)}
        assert bandit.quantities == (0.0, 10.0)
        old, new = bandit.expected_reward(X[:1])[0], more.expected_reward(X[:1])[0]
        assert new[0] == pytest.approx(old[0])
        _, quantity = more.predict(X, return_quantity=True)
        assert quantity.shape == (40, 1)
        fewer = more.remove_arms(["quantity"])
        assert fewer.quantities == {"rate": (0.0, 1.0)}
        assert fewer.classes_.tolist() == ["none", "rate"]
        before = kind(quantities=(0.0, 10.0), arms=None).add_arms(["none"])
        assert before.arms == ["quantity", "none"]
        assert set(before.predict(X)) == {"quantity", "none"}

    def test_an_arm_from_another(self, kind):
        """With the same box, scaled or not, it starts from all that was learnt."""
        bandit, x = taught(kind()), np.array([[0.3, -1.0]])
        bandit = bandit.add_arms(["cream"], init="dose", quantities={"cream": (0.0, 4.0)})
        mean, std = bandit.expected_reward(x, return_std=True)
        assert mean[0, 3] == pytest.approx(mean[0, 0])
        assert std[0, 3] == pytest.approx(std[0, 0])
        at = bandit.expected_reward_at(
            np.repeat(x, 2, axis=0), ["dose", "cream"], [[0.7, np.nan], [1.4, np.nan]]
        )
        assert at[0] == pytest.approx(at[1])

    def test_another_box_is_refused(self, kind):
        bandit = taught(kind())
        template = kind(quantities={**QUANTITIES, "dose": (0.0, 3.0)})
        with pytest.raises(ValueError, match="the arm 'dose' with quantities in"):
            transfer(bandit, template)
        bandit.set_params(quantities={**QUANTITIES, "dose": (0.0, 3.0)})
        with pytest.raises(ValueError, match="quantities was"):
            bandit.predict(np.zeros((1, 2)))

    def test_features(self, kind):
        bandit, X = taught(kind()), np.random.RandomState(1).normal(size=(20, 2))
        wider, padded = bandit.expand_features(1), np.column_stack([X, np.zeros(20)])
        same = [
            one.predict(rows, return_quantity=True) for one, rows in ((bandit, X), (wider, padded))
        ]
        np.testing.assert_array_equal(same[0][0], same[1][0])
        np.testing.assert_allclose(same[0][1], same[1][1], rtol=1e-9)

    def test_pickles(self, kind):
        bandit, X = taught(kind()), np.random.RandomState(1).normal(size=(20, 2))
        other = pickle.loads(pickle.dumps(bandit))
        for one, same in zip(
            *(b.predict(X, return_quantity=True, return_propensity=True) for b in (bandit, other)),
            strict=True,
        ):
            np.testing.assert_array_equal(one, same)

    def test_unit_and_offset(self, kind):
        """Another unit of the rewards and a constant added to them change no decision."""
        X, log = rounds(kind())
        plain, moved = kind().fit(X, log), kind()
        log = log.copy()
        log["reward"] = 50.0 + 1e3 * log["reward"]
        moved = moved.fit(X, log)
        asked = np.random.RandomState(1).normal(size=(40, 2))
        np.testing.assert_allclose(
            moved.predict_proba(asked), plain.predict_proba(asked), atol=1e-8
        )
        first, second = (one.predict(asked, return_quantity=True)[1] for one in (plain, moved))
        np.testing.assert_allclose(first, second, rtol=1e-6)


def test_merging():
    X, log = rounds(_smooth())
    whole = _smooth().fit(X, log)
    joined = merge([_smooth().fit(X[rows], log[rows]) for rows in (slice(0, 99), slice(99, 300))])
    asked = np.random.RandomState(1).normal(size=(20, 2))
    np.testing.assert_allclose(
        joined.expected_reward(asked), whole.expected_reward(asked), rtol=1e-6, atol=1e-9
    )
    np.testing.assert_allclose(joined.predict_proba(asked), whole.predict_proba(asked))
    halves = [_zooming().fit(X[rows], log[rows]) for rows in (slice(0, 99), slice(99, 300))]
    with pytest.raises(ValueError, match="cannot be merged"):
        merge(halves)
    # Arms without quantities are cells for ever, and merge as the bandit inside does.
    plain = [
        ZoomingBandit(arms=ARMS).fit(X[rows], log["arm"][rows], reward=log["reward"][rows])
        for rows in (slice(0, 99), slice(99, 300))
    ]
    same = GaussianThompsonSampling(arms=ARMS).fit(X, log["arm"], reward=log["reward"])
    np.testing.assert_allclose(merge(plain).expected_reward(X[:1]), same.expected_reward(X[:1]))


def test_selectors_of_cells():
    """Any selector that plays one arm goes with quantities, and the density knows it."""
    for kind in (_zooming, _smooth):
        bandit, X = taught(kind(selector=SoftmaxSelector(1.0))), np.zeros((300, 2))
        arm, quantity, density = bandit.predict(X, return_quantity=True, return_propensity=True)
        assert len(set(arm)) == 3
        np.testing.assert_allclose(density, bandit.quantity_density(X, arm, quantity), rtol=1e-12)


def test_a_bandit_of_ones_own():
    """What a subclass must define is said."""

    class Mine(BaseQuantityBandit):
        pass

    for hook, inputs in (
        ("_quantity_policy", (None, None)),
        ("_best_quantity", (None,)),
        ("_reward_at", (None, None, None)),
    ):
        with pytest.raises(NotImplementedError, match=f"Mine must define {hook}"):
            getattr(Mine(), hook)(*inputs)
