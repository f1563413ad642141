"""Validation of rounds: logs, labels, rewards, propensities, masks."""

import enum

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skbandit._rounds import (
    Rounds,
    as_labels,
    check_arms,
    check_available,
    check_feedback,
    check_not_encoded,
    check_propensity,
    check_reward,
    encode_arms,
    flatten_rounds,
    learn_arms,
    make_log,
    split_log,
)
from skbandit.linear import LinearUCB

pd = pytest.importorskip("pandas", reason="pandas is not installed")


class TestMakeLog:
    def test_fields(self):
        log = make_log(["a", "bc"], [1, 0], [0.5, 1.0])
        assert log.dtype.names == ("arm", "reward", "propensity")
        assert log.shape == (2,)
        assert log["arm"].dtype.kind == "U"
        assert_array_equal(log["arm"], ["a", "bc"])
        assert log["reward"].dtype == np.float64
        assert_array_equal(log["propensity"], [0.5, 1.0])
        assert make_log([0, 1], [1.0, 0.0]).dtype.names == ("arm", "reward")

    def test_sets_of_arms(self):
        log = make_log([[0, 1], [2, 0]], [[1.0, 0.0], [0.0, 0.0]], [[0.5, 0.6], [0.7, 0.8]])
        assert log.shape == (2,)
        assert_array_equal(log["arm"], [[0, 1], [2, 0]])
        assert_array_equal(log[1:]["propensity"], [[0.7, 0.8]])

    @pytest.mark.parametrize(
        "arms",
        [
            np.array(["a", "b"], dtype=object),
            pd.Series(["a", "b"]),
            pd.Series(["a", "b"], dtype="category"),
            ("a", "b"),
        ],
        ids=["object", "Series", "categorical", "tuple"],
    )
    def test_kinds_of_labels(self, arms):
        assert make_log(arms, [1.0, 0.0])["arm"].tolist() == ["a", "b"]
        assert make_log(arms, [1.0, 0.0])["arm"].dtype.kind == "U"

    def test_it_is_a_copy(self):
        reward = np.array([1.0, 2.0])
        log = make_log([0, 1], reward)
        reward[:] = 9.0
        assert_array_equal(log["reward"], [1.0, 2.0])

    def test_column_vectors(self):
        log = make_log([0, 1], [[1.0], [2.0]], np.array([[0.5], [0.5]]))
        assert log["reward"].shape == (2,)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("a", 1.0), r"arm must be of shape .* got \(\)"),
            ((np.zeros((1, 1, 1)), np.zeros((1, 1, 1))), "arm must be of shape"),
            ((["a"], [1.0, 2.0]), r"reward must have shape \(1,\).* got \(2,\)"),
            ((["a"], [np.nan]), "reward contains NaN or infinity in 1 of 1"),
            ((["a", "b"], [np.inf, -np.inf]), "in 2 of 2 entries"),
            ((["a"], ["1.5"]), "reward must hold real numbers"),
            ((["a"], [1j]), "reward must hold real numbers"),
            ((["a"], np.array([{}], dtype=object)), "reward must hold real numbers"),
            ((["a"], [1.0], [0.0]), r"propensity must lie in \(0, 1\], got 0.0"),
            ((["a"], [1.0], [1.1]), r"propensity must lie in \(0, 1\], got 1.1"),
            ((["a", "b"], [1.0, 2.0], [np.nan, 2.0]), "got nan .and 1 more outside"),
            ((["a"], [1.0], [0.5, 0.5]), "propensity must have shape"),
        ],
    )
    def test_messages(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            make_log(*arguments)


class TestSplitLog:
    def test_labels_pass_through(self):
        labels = ["a", "b"]
        assert split_log(labels) == (labels, None, None, None, None)
        series = pd.Series(labels, name="arm")
        assert split_log(series)[0] is series

    def test_structured_array(self):
        arm, reward, propensity, _, _ = split_log(make_log([1, 2], [3.0, 4.0], [0.5, 0.6]))
        assert_array_equal(arm, [1, 2])
        assert_array_equal(reward, [3.0, 4.0])
        assert_array_equal(propensity, [0.5, 0.6])
        assert split_log(make_log([1], [2.0]))[2] is None

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_frames(self, library):
        module = pytest.importorskip(library, reason=f"{library} is not installed")
        frame = module.DataFrame({"who": [7, 8], "reward": [1.0, 2.0], "arm": ["x", "y"]})
        arm, reward, propensity, _, _ = split_log(frame)
        assert list(arm) == ["x", "y"]
        assert reward.tolist() == [1.0, 2.0]
        assert propensity is None

    def test_fields_that_nobody_reads(self):
        log = np.zeros(2, dtype=[("arm", "U1"), ("reward", "f8"), ("when", "f8")])
        with pytest.raises(ValueError, match=r"'when'.*nothing reads.*DataFrame may"):
            split_log(log)
        assert split_log(pd.DataFrame(log))[1].tolist() == [0.0, 0.0]

    def test_nullable_columns(self):
        frame = pd.DataFrame({"arm": ["a", "b"], "reward": [1, 0], "propensity": [0.5, None]})
        _, reward, propensity, _, _ = split_log(frame.convert_dtypes())
        assert reward.dtype == propensity.dtype == np.float64
        assert_array_equal(propensity, [0.5, np.nan])

    @pytest.mark.parametrize("field", ["arm", "reward"])
    def test_missing_field(self, field):
        with pytest.raises(ValueError, match=r"lacks a field.*make_log"):
            split_log(pd.DataFrame({field: [1.0], "propensity": [0.5]}))


class TestCheckReward:
    @pytest.mark.parametrize(
        "reward",
        [[1, 0], [True, False], np.array([1, 0], dtype=object), np.float32([1, 0]), (1.0, 0.0)],
    )
    def test_numbers(self, reward):
        checked = check_reward(reward, (2,))
        assert checked.dtype == np.float64
        assert_array_equal(checked, [1.0, 0.0])

    def test_nullable_integers(self):
        assert_array_equal(check_reward(pd.Series([1, 0], dtype="Int64"), (2,)), [1.0, 0.0])
        with pytest.raises(ValueError, match=r"NaN|missing|NA"):
            check_reward(pd.Series([1, None], dtype="Int64"), (2,))

    @pytest.mark.parametrize("reward", [["1", "0"], [b"1", b"0"], [1j, 0], ["2020-01-01"] * 2])
    def test_other_types(self, reward):
        with pytest.raises(ValueError, match="reward must hold real numbers, got dtype"):
            check_reward(reward, (2,))

    def test_dates(self):
        with pytest.raises(ValueError, match="reward must hold real numbers"):
            check_reward(np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"), (2,))


class TestCheckPropensity:
    def test_limits(self):
        assert_array_equal(check_propensity([1e-300, 1], (2,)), [1e-300, 1.0])
        # What was added up may exceed 1 by rounding.
        assert_array_equal(check_propensity([1.0 + 1e-12], (1,)), [1.0])
        in_float32 = np.array([1.0], np.float32) + 4 * np.finfo(np.float32).eps
        assert_array_equal(check_propensity(in_float32, (1,)), [1.0])

    @pytest.mark.parametrize("value", [0.0, -1e-9, 1.0 + 1e-5, 1.01, np.inf, np.nan])
    def test_outside(self, value):
        with pytest.raises(ValueError, match="return_propensity=True"):
            check_propensity([0.5, value], (2,))


AB = np.array(["a", "b"])


class TestCheckAvailable:
    def test_good(self):
        mask = [[True, False], [True, True]]
        assert_array_equal(check_available(mask, AB, 2), mask)
        assert_array_equal(check_available(np.array(mask, dtype=object), AB, 2), mask)
        assert check_available(None, AB, 2) is None

    @pytest.mark.parametrize(
        ("mask", "message"),
        [
            ([[1, 0], [1, 1]], "available must be a boolean mask, got dtype int64"),
            ([[True, False]], r"= \(2, 2\), got \(1, 2\)"),
            ([True, True], "available must have shape"),
            ([[True, True], [False, False]], r"no arm to play in 1 row\(s\): 1\."),
            ([["a", "b"], ["c", "d"]], "boolean mask"),
        ],
    )
    def test_messages(self, mask, message):
        with pytest.raises(ValueError, match=message):
            check_available(mask, AB, 2)

    def test_sets(self):
        mask = np.array([[True, True, False], [True, False, False]])
        with pytest.raises(ValueError, match=r"fewer than 2 arms to play in 1 row\(s\): 1"):
            check_available(mask, np.arange(3), 2, 2)
        with pytest.raises(ValueError, match="selects 3 arms a round, but there are only 2"):
            check_available(None, AB, 5, 3)

    def test_many_rows_are_not_all_listed(self):
        with pytest.raises(ValueError, match=r"in 9 row\(s\): 0, 1, 2, 3, 4, \.\.\."):
            check_available(np.zeros((9, 2), dtype=bool), AB, 9)


class TestMasksInFrames:
    """Columns with labels are matched with the arms, whatever holds the booleans."""

    MASK = np.array([[True, False], [True, True], [False, True]])

    def frame(self, **keywords):
        return pd.DataFrame(self.MASK[:, ::-1], columns=["b", "a"], **keywords)

    @pytest.mark.parametrize(
        "convert",
        [
            lambda frame: frame,
            lambda frame: frame.convert_dtypes(),
            lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
            lambda frame: frame.astype(object),
            lambda frame: frame.set_axis([2, 2, 0], axis=0),
            lambda frame: frame[["a", "b"]],
        ],
        ids=["bool", "nullable", "Arrow", "object", "index", "in order"],
    )
    def test_pandas(self, convert):
        assert_array_equal(check_available(convert(self.frame()), AB, 3), self.MASK)

    def test_polars(self):
        polars = pytest.importorskip("polars", reason="polars is not installed")
        frame = polars.DataFrame({"b": self.MASK[:, 1], "a": self.MASK[:, 0]})
        assert_array_equal(check_available(frame, AB, 3), self.MASK)

    def test_arms_that_are_numbers(self):
        frame = pd.DataFrame(self.MASK[:, ::-1], columns=[20, 10])
        assert_array_equal(check_available(frame, np.array([10, 20]), 3), self.MASK)
        frame.columns = ["20", "10"]
        assert_array_equal(check_available(frame, np.array([10, 20]), 3), self.MASK)

    def test_columns_without_names_are_in_the_order_of_the_arms(self):
        assert_array_equal(check_available(pd.DataFrame(self.MASK), AB, 3), self.MASK)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda frame: frame.rename(columns={"a": "z"}), r"columns \['b', 'z'\].*'a', 'b'"),
            (lambda frame: frame[["a"]], "columns"),
            (lambda frame: frame.assign(c=True), "columns"),
            (lambda frame: frame.convert_dtypes().shift(1), "missing.*fillna"),
            (lambda frame: frame.astype(int), "boolean mask.*column 'a'"),
            (lambda frame: frame.astype(str), "boolean mask"),
        ],
    )
    def test_messages(self, change, message):
        with pytest.raises(ValueError, match=message):
            check_available(change(self.frame()), AB, 3)


class Arm(str, enum.Enum):  # noqa: UP042
    """Members of an enumeration of strings, of the kind that numpy prints by name."""

    EMAIL = "email"
    PUSH = "push"


class TestLabels:
    @pytest.mark.parametrize("dtype", ["object", "string", "category", "string[pyarrow]"])
    def test_series_of_texts(self, dtype):
        labels = as_labels(pd.Series(["b", "a"], index=[5, 5], dtype=dtype), "y")
        assert labels.dtype.kind == "U"
        assert labels.tolist() == ["b", "a"]

    @pytest.mark.parametrize(
        "labels", [[Arm.PUSH, Arm.EMAIL], np.array([Arm.PUSH, Arm.EMAIL], dtype=object)]
    )
    def test_members_of_an_enumeration(self, labels):
        assert as_labels(labels, "y").tolist() == ["push", "email"]
        assert check_arms(labels).tolist() == ["push", "email"]

    @pytest.mark.parametrize(
        ("labels", "expected"),
        [
            (pd.Series([1, 0], dtype="Int64"), [1, 0]),
            (pd.Series([1, 0], dtype=object), [1, 0]),
            (pd.Series([True, False]), [True, False]),
            (pd.Series([3, 2], dtype="category"), [3, 2]),
        ],
    )
    def test_series_of_numbers(self, labels, expected):
        found = as_labels(labels, "y")
        assert found.tolist() == expected
        assert found.dtype.kind in "ib"

    def test_frames_are_sets(self):
        frame = pd.DataFrame({"first": ["a", "b"], "second": ["c", "a"]})
        assert as_labels(frame, "y").tolist() == [["a", "c"], ["b", "a"]]

    @pytest.mark.parametrize(
        "labels",
        [
            ["a", None],
            np.array(["a", np.nan], dtype=object),
            pd.Series(["a", None]),
            pd.Series(["a", None], dtype="string"),
            pd.Series(["a", None], dtype="category"),
            pd.Series([1, None], dtype="Int64"),
        ],
    )
    def test_missing(self, labels):
        with pytest.raises(ValueError, match=r"^y has a missing label in 1 of 2"):
            as_labels(labels, "y")

    @pytest.mark.parametrize("labels", [["a", 1], [1, "a"], pd.Series(["a", 1.5])])
    def test_mixed(self, labels):
        with pytest.raises(ValueError, match=r"^y must hold labels of one type.* and "):
            as_labels(labels, "y")


class TestCheckArms:
    @pytest.mark.parametrize(
        "arms", [["b", "a"], [3, 1], np.array([1.5, 0.5]), (True, False), pd.Index(["x", "y"])]
    )
    def test_order_is_kept(self, arms):
        assert check_arms(arms).tolist() == list(arms)

    @pytest.mark.parametrize(
        ("arms", "message"),
        [
            ([], "non-empty"),
            ([["a", "b"]], "one-dimensional"),
            (["a", "a"], "distinct"),
            (["a", 1], "one type"),
            ([1, "1"], "one type"),
            ([1.0, np.nan], "NaN"),
            ([np.inf, 1.0], "infinity"),
            (np.array(["a", 1], dtype=object), "one type"),
            (["a", None], "arms has a missing label in 1 of 2"),
            ("ab", "list of labels"),
            ({"a", "b"}, "list of labels"),
        ],
    )
    def test_messages(self, arms, message):
        with pytest.raises(ValueError, match=message):
            check_arms(arms)


class TestEncodeArms:
    @pytest.mark.parametrize(
        ("labels", "arms"),
        [
            (["b", "a", "b"], ["c", "a", "b"]),
            ([5, 7, 5], [7, 6, 5]),
            ([5.0, 7.0], [7, 6, 5]),
            ([-3, 10**12, 0], [10**12, 0, -3]),
            ([2**40, 1], [1, 2**40, 2**41]),
            ([True, False], [False, True]),
            ([0.5, 1.5], [1.5, 0.5]),
            (["longer than any", "a"], ["a", "longer than any"]),
        ],
    )
    @pytest.mark.parametrize("kind", [None, object])
    def test_against_a_dictionary(self, labels, arms, kind):
        expected = [arms.index(label) for label in labels]
        encoded = encode_arms(np.array(labels, dtype=kind), np.array(arms))
        assert_array_equal(encoded, expected)
        assert np.issubdtype(encoded.dtype, np.integer)
        assert_array_equal(encode_arms(np.array(labels), np.array(arms, dtype=kind)), expected)

    def test_sets(self):
        arms = np.array(["c", "a", "b"])
        assert_array_equal(encode_arms(np.array([["a", "c"], ["b", "a"]]), arms), [[1, 0], [2, 1]])

    @pytest.mark.parametrize(
        ("labels", "arms"),
        [
            (["a", "z"], ["a", "b"]),
            ([1, 9], [1, 2]),
            ([1, -9], [1, 2]),
            ([1, 2**40], [1, 2]),
            ([1.5], [1, 2]),
            ([1], ["1", "2"]),
            (["1"], [1, 2]),
            ([3], [1, 2]),
            (["ab"], ["a", "b"]),
            (["a "], ["a", "b"]),
        ],
    )
    @pytest.mark.parametrize("kind", [None, object])
    def test_unknown(self, labels, arms, kind):
        with pytest.raises(ValueError, match=r"does not know: .*add_arms"):
            encode_arms(np.array(labels, dtype=kind), np.array(arms))

    def test_message_is_short(self):
        with pytest.raises(ValueError, match=r"know: 5, 6, 7, 8, 9, \.\.\.\. Its arms") as caught:
            encode_arms(np.arange(1000), np.arange(5))
        assert len(str(caught.value)) < 400


class TestLearnArms:
    def test_sorted(self):
        assert learn_arms(np.array(["b", "a", "b"])).tolist() == ["a", "b"]
        assert learn_arms(np.array([3, 1])).tolist() == [1, 3]

    def test_continuous_labels(self):
        with pytest.raises(ValueError, match="Unknown label type"):
            learn_arms(np.array([0.5, 1.7]))


class TestCheckFeedback:
    X = np.zeros((2, 3))

    def test_labels(self):
        arm, reward, propensity, weight, _, _ = check_feedback(
            self.X, ["a", "b"], None, None, None
        )
        assert arm.tolist() == ["a", "b"]
        assert reward is propensity is weight is None

    def test_log(self):
        log = make_log([0, 1], [1.0, 0.5], [0.5, 0.5])
        _, reward, propensity, weight, _, _ = check_feedback(self.X, log, None, [1, 2], None)
        assert_array_equal(reward, [1.0, 0.5])
        assert_array_equal(propensity, [0.5, 0.5])
        assert_array_equal(weight, [1.0, 2.0])

    @pytest.mark.parametrize(
        ("y", "reward", "weight", "k", "message"),
        [
            (None, None, None, None, "y to be passed"),
            (make_log([0, 1], [1, 1]), [1, 1], None, None, "given twice"),
            ([0, 1, 2], None, None, None, "inconsistent numbers of samples"),
            ([[0, 1], [1, 0]], None, None, None, r"TopKSelector\(k\)"),
            ([[0, 1], [1, 0]], None, None, 2, "reward of each in reward="),
            ([[0, 1], [1, 1]], np.ones((2, 2)), None, 2, "distinct arms in each row"),
            ([0, 1], [1], None, None, "reward must have shape"),
            ([0, 1], [1, 1], [1, -1], None, "[Nn]egative"),
            ([0, 1], [1, 1], [1], None, "sample_weight"),
            ([0.5, np.nan], [1, 1], None, None, "NaN"),
            ([1j, 0], [1, 1], None, None, "[Cc]omplex"),
        ],
    )
    def test_messages(self, y, reward, weight, k, message):
        with pytest.raises(ValueError, match=message):
            check_feedback(self.X, y, reward, weight, k)


def test_flatten_rounds():
    contexts = np.arange(6.0).reshape(2, 3)
    arm, reward = np.array([[0, 2], [1, 0]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    rounds = flatten_rounds(contexts, arm, reward, np.array([1.0, 5.0]))
    assert_array_equal(rounds.contexts, contexts[[0, 0, 1, 1]])
    assert_array_equal(rounds.arm, [0, 2, 1, 0])
    assert_array_equal(rounds.reward, [1.0, 2.0, 3.0, 4.0])
    assert_array_equal(rounds.weight, [1.0, 1.0, 5.0, 5.0])
    plain = flatten_rounds(contexts, arm[:, 0], reward[:, 0], None)
    assert plain.contexts is contexts
    assert plain.weight is None


def test_flatten_rounds_keeps_propensities():
    contexts, arm = np.zeros((2, 1)), np.array([[0, 1], [2, 0]])
    chance = np.array([[0.5, 0.6], [0.7, 0.8]])
    rounds = flatten_rounds(contexts, arm, np.ones((2, 2)), None, chance)
    assert_array_equal(rounds.propensity, [0.5, 0.6, 0.7, 0.8])
    plain = flatten_rounds(contexts, arm[:, 0], np.ones(2), None, chance[:, 0])
    assert_array_equal(plain.propensity, [0.5, 0.7])
    assert flatten_rounds(contexts, arm, np.ones((2, 2)), None).propensity is None


class TestFullFeedback:
    def test_spelt_out(self):
        contexts, weight = np.arange(6.0).reshape(2, 3), np.array([2.0, 3.0])
        rounds = Rounds(contexts, np.array([1, 0]), None, weight).spelt_out(3)
        assert_array_equal(rounds.contexts, np.repeat(contexts, 3, axis=0))
        assert_array_equal(rounds.arm, [0, 1, 2, 0, 1, 2])
        assert_array_equal(rounds.reward, [0, 1, 0, 1, 0, 0])
        assert_array_equal(rounds.weight, [2, 2, 2, 3, 3, 3])
        assert rounds.rows_per_round == 3
        assert rounds.spelt_out(3) is rounds

    def test_rows_of_any_kind(self):
        rounds = Rounds(["x", "y"], np.array([1, 0]), None, None).spelt_out(2)
        assert rounds.contexts == ["x", "x", "y", "y"]
        assert_array_equal(rounds.weights, np.ones(4))

    def test_total_weight(self):
        rounds = Rounds(np.zeros((2, 1)), np.array([1, 0]), None, None)
        assert rounds.total_weight() == 2.0
        assert rounds._replace(weight=np.array([0.5, 3.0])).total_weight() == 3.5

    def test_encoded_logs(self):
        check_not_encoded(np.arange(19), 19)
        check_not_encoded(np.arange(5), 40)
        check_not_encoded(np.array([f"{i}" for i in range(40)]), 40)
        with pytest.raises(ValueError, match=r"40 arms in 40 rounds.*cross_val_predict"):
            check_not_encoded(np.arange(40), 40)


LOG = make_log(["a", "b"], [1.0, 2.0], [0.5, 0.25], cost=[0.0, 3.0])


class TestCostsQuantitiesAndObjectives:
    def test_costs(self):
        columns = split_log(LOG)
        assert_array_equal(columns.cost, [0.0, 3.0])
        assert columns.quantity is None
        feedback = check_feedback(np.zeros((2, 1)), LOG, None, None, None)
        assert_array_equal(feedback.cost, [0.0, 3.0])
        frame = pd.DataFrame({"arm": ["a"], "reward": [1], "cost": [2], "quantity": [0.5]})
        feedback = check_feedback(np.zeros((1, 1)), frame, None, None, None)
        assert_array_equal(feedback.cost, [2.0])
        assert_array_equal(feedback.quantity, [[0.5]])

    def test_costs_of_sets_are_flattened(self):
        log = make_log([["a", "b"]], [[1.0, 2.0]], cost=[[3.0, 4.0]])
        feedback = check_feedback(np.zeros((1, 1)), log, None, None, 2)
        rounds = flatten_rounds(
            np.zeros((1, 1)), np.array([[0, 1]]), feedback.reward, None, cost=feedback.cost
        )
        assert_array_equal(rounds.cost, [3.0, 4.0])

    @pytest.mark.parametrize("quantity", [[0.5, np.nan], [[0.5, 1.0], [np.nan, np.nan]]])
    def test_quantities(self, quantity):
        log = make_log(["a", "b"], [1.0, 2.0], [7.5, 0.25], quantity=quantity)
        feedback = check_feedback(np.zeros((2, 1)), log, None, None, None)
        assert_array_equal(feedback.quantity, np.reshape(quantity, (2, -1)))
        # A density may be above 1.
        assert_array_equal(feedback.propensity, [7.5, 0.25])

    def test_several_objectives(self):
        log = make_log(["a", "b"], [[1.0, 2.0], [3.0, 4.0]], [0.5, 0.5])
        assert_array_equal(log["reward"], [[1.0, 2.0], [3.0, 4.0]])
        feedback = check_feedback(np.zeros((2, 1)), log, None, None, None)
        assert feedback.reward.shape == (2, 2)
        assert make_log(["a"], [[1.0]])["reward"].shape == (1,)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"cost": [1.0]}, r"cost must have shape \(2,\)"),
            ({"cost": [1.0, np.nan]}, "cost contains NaN"),
            ({"quantity": [1.0, np.inf]}, "quantity contains infinity"),
            ({"quantity": [1.0]}, r"quantity must have shape \(2,\)"),
            ({"quantity": ["x", "y"]}, "quantity must hold real numbers"),
            ({"quantity": [1.0, 2.0], "propensity": [0.0, 1.0]}, "positive and finite"),
            ({"propensity": [1.5, 1.0]}, r"lie in \(0, 1\]"),
        ],
    )
    def test_bad_columns(self, more, message):
        with pytest.raises(ValueError, match=message):
            make_log(["a", "b"], [1.0, 2.0], **more)

    def test_what_a_bandit_cannot_read_is_an_error(self):
        bandit = LinearUCB(arms=["a", "b"])
        X = np.zeros((2, 1))
        with pytest.raises(ValueError, match=r"reward has 2 columns.*MultiObjectiveBandit"):
            bandit.fit(X, ["a", "b"], reward=np.ones((2, 2)))
        with pytest.raises(ValueError, match="carries quantities"):
            bandit.fit(X, make_log(["a", "b"], [1.0, 2.0], quantity=[1.0, 2.0]))
        # Costs are there for those who look at them.
        assert bandit.fit(X, LOG).learnt_weight_ == 2.0
