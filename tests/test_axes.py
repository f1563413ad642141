"""States of arrays with declared axes: carried to other sizes, and joined."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skbandit._axes import Resize, carry_by_fields, embed, merge_by_fields, source_index
from skbandit.base import StateField


class State(NamedTuple):
    """Two arms, three features."""

    mean: np.ndarray
    total: np.ndarray
    table: np.ndarray


FIELDS = {
    "mean": StateField("arm", "1+feature", merge="same", drop="slice"),
    "total": StateField("arm", merge="sum"),
    "table": StateField("draw", "feature", "arm", merge="sum", drop="slice"),
}


def state_of(n_arms, n_features, start=0.0):
    mean = start + np.arange(n_arms * (n_features + 1.0)).reshape(n_arms, n_features + 1)
    table = start + np.arange(2.0 * n_features * n_arms).reshape(2, n_features, n_arms)
    return State(mean, start + np.arange(float(n_arms)), table)


def prior_of(n_arms, n_features):
    return State(*(np.full_like(part, -1.0) for part in state_of(n_arms, n_features)))


def resize_of(arms=(0, 1), features=(0, 1, 2), shares=None):
    arms, features = np.array(arms), np.array(features)
    shares = None if shares is None else np.array(shares)
    return Resize(np.arange(len(arms)), arms, shares, len(features), features, None)


def carried(resize, fields=FIELDS, state=None, prior=None, size=(2, 3)):
    state = state_of(2, 3) if state is None else state
    prior = prior_of(resize.n_arms, resize.n_features) if prior is None else prior
    return carry_by_fields("Stranger", state, prior, fields, resize, *size)


class TestEmbed:
    def test_source_index(self):
        assert_array_equal(source_index(["a", "b", "c"], ["c", "z", "a"]), [2, -1, 0])
        assert_array_equal(source_index([], ["a"]), [-1])
        assert source_index(["a"], []).shape == (0,)

    def test_in_two_axes(self):
        known = np.arange(6.0).reshape(2, 3)
        prior = np.full((3, 4), -1.0)
        embed(prior, known, [np.array([1, -1, 0]), np.array([2, 0, -1, 1])])
        assert_array_equal(prior, [[5, 3, -1, 4], [-1] * 4, [2, 0, -1, 1]])

    def test_in_a_square(self):
        """A covariance has its features on two axes."""
        rng = np.random.RandomState(0)
        known = rng.standard_normal((2, 3, 3))
        prior = np.zeros((2, 2, 2))
        kept = np.array([2, 0])
        embed(prior, known, [None, kept, kept])
        assert_array_equal(prior, known[:, kept][:, :, kept])

    def test_the_last_entry_stays_the_last(self):
        known, prior = np.array([1.0, 2.0, 9.0]), np.zeros(4)
        embed(prior, known, [np.array([0, -1, 1, -2])])
        assert_array_equal(prior, [1.0, 0.0, 2.0, 9.0])


class TestCarry:
    def test_nothing_changes(self):
        same = carried(resize_of())
        for name, value in state_of(2, 3)._asdict().items():
            assert_array_equal(getattr(same, name), value)
            assert not np.shares_memory(getattr(same, name), value)

    def test_arms(self):
        old, new = state_of(2, 3), carried(resize_of(arms=(1, -1, 0)))
        assert_array_equal(new.mean, [old.mean[1], [-1] * 4, old.mean[0]])
        assert_array_equal(new.total, [1.0, -1.0, 0.0])
        assert_array_equal(new.table[..., [0, 2]], old.table[..., [1, 0]])
        assert_array_equal(new.table[..., 1], np.full((2, 3), -1.0))

    @pytest.mark.parametrize("gone", [0, 1, 2])
    def test_a_feature_less(self, gone):
        """The constant term stays, wherever the feature stood."""
        kept = [place for place in range(3) if place != gone]
        old, new = state_of(2, 3), carried(resize_of(features=kept))
        assert_array_equal(new.mean, old.mean[:, [0, *(1 + np.array(kept))]])
        assert_array_equal(new.table, old.table[:, kept])
        assert_array_equal(new.total, old.total)

    def test_a_feature_in_front(self):
        old, new = state_of(2, 3), carried(resize_of(features=(-1, 2, 0, 1)))
        assert_array_equal(new.mean[:, [0, 2, 3, 4]], old.mean[:, [0, 3, 1, 2]])
        assert_array_equal(new.mean[:, 1], [-1.0, -1.0])

    def test_a_constant_term_at_the_end(self):
        fields = {**FIELDS, "mean": StateField("arm", "feature+1", merge="same", drop="slice")}
        old = state_of(2, 3)
        more = carried(resize_of(features=(0, 1, 2, -1)), fields)
        assert_array_equal(more.mean[:, [0, 1, 2, 4]], old.mean)
        assert_array_equal(more.mean[:, 3], [-1.0, -1.0])
        less = carried(resize_of(features=(0, 2)), fields)
        assert_array_equal(less.mean, old.mean[:, [0, 2, 3]])

    def test_new_arms_start_from_shares_of_those_that_teach(self):
        old, new = state_of(2, 3), carried(resize_of(arms=(0, 1, -1), shares=[[0.5, 0.5]]))
        assert_array_equal(new.mean[2], old.mean.mean(axis=0))
        assert_array_equal(new.table[..., 2], old.table.mean(axis=2))
        one = carried(resize_of(arms=(1, 0, -1), shares=[[0.0, 1.0]]))
        assert_array_equal(one.mean[2], old.mean[1])

    def test_what_shares_leave_is_the_prior(self):
        old = state_of(2, 3)
        new = carried(resize_of(arms=(-1, 1, 0, -1), shares=[[0.0, 0.25], [0.5, 0.25]]))
        prior = carried(resize_of(arms=(-1, 1, 0, -1))).mean
        assert_array_equal(new.mean[[1, 2]], old.mean[[1, 0]])
        assert_array_equal(new.mean[0], 0.25 * old.mean[1] + 0.75 * prior[0])
        assert_array_equal(new.mean[3], 0.5 * old.mean[0] + 0.25 * (old.mean[1] + prior[3]))

    def test_records_of_other_kinds(self):
        @dataclass(frozen=True)
        class Frozen:
            total: np.ndarray

        new = carried(
            resize_of(arms=(0, -1)),
            {"total": FIELDS["total"]},
            Frozen(np.array([3.0, 4.0])),
            Frozen(np.zeros(2)),
        )
        assert isinstance(new, Frozen)
        assert_array_equal(new.total, [3.0, 0.0])

    def test_dropping_is_not_guessed(self):
        """Leaving out rows of a precision would condition on the feature."""
        fields = {**FIELDS, "table": StateField("draw", "feature", "arm")}
        with pytest.raises(ValueError, match=r"Stranger.*'table'.*drop='slice'.*marginalised"):
            carried(resize_of(features=(0, 2)), fields)
        # Of other changes it is no concern.
        carried(resize_of(arms=(0,), features=(2, 1, 0, -1)), fields)

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({}, r"declares the state fields \[\], but its state has.*_carry_state"),
            ({**FIELDS, "other": StateField("arm")}, "declares the state fields"),
            ({**FIELDS, "total": StateField("arm", "feature")}, "2 axes for 'total'.*has 1"),
            (
                {**FIELDS, "mean": StateField("arm", "feature", drop="slice")},
                r"'mean' as 'feature', which is 3 long, but it has the length 4.*1\+feature",
            ),
            (
                {**FIELDS, "mean": StateField("draw", "term", drop="slice")},
                r"'mean' as 'term', whose length would go from 4 to 3.*_carry_state",
            ),
            ({**FIELDS, "total": StateField("feature", drop="slice")}, "'feature'.*3 long"),
        ],
    )
    def test_what_is_declared_wrongly_is_an_error(self, fields, message):
        with pytest.raises(TypeError, match=message):
            carried(resize_of(features=(0, 2)), fields)


class TestMerge:
    def test_sums_and_what_is_the_same(self):
        one, other = state_of(2, 3), state_of(2, 3, start=10.0)._replace(mean=state_of(2, 3).mean)
        merged = merge_by_fields("Stranger", [one, other, other], FIELDS)
        assert_array_equal(merged.total, one.total + 2 * other.total)
        assert_array_equal(merged.table, one.table + 2 * other.table)
        assert_array_equal(merged.mean, one.mean)
        assert not np.shares_memory(merged.mean, one.mean)

    def test_what_is_not_the_same(self):
        with pytest.raises(ValueError, match="agree in 'mean'"):
            merge_by_fields("Stranger", [state_of(2, 3), state_of(2, 3, 1.0)], FIELDS)

    def test_what_is_not_declared(self):
        fields = {**FIELDS, "total": StateField("arm")}
        with pytest.raises(ValueError, match=r"Stranger.*'total'.*merge='sum'.*_merge_states"):
            merge_by_fields("Stranger", [state_of(2, 3)] * 2, fields)
        with pytest.raises(TypeError, match="_merge_states"):
            merge_by_fields("Stranger", [state_of(2, 3)] * 2, {})


class TestStateField:
    @pytest.mark.parametrize("keywords", [{"merge": "add"}, {"drop": True}, {"merge": True}])
    def test_unknown_words(self, keywords):
        with pytest.raises(ValueError, match="must be one of"):
            StateField("arm", **keywords)
