"""What runners and validations share: arms and columns, folds, rows, names."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, LeaveOneOut, ShuffleSplit, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skbandit
from skbandit._play import (
    ArmColumns,
    as_rows,
    ask_policy,
    costs_by_row,
    entries_at,
    last_step,
    make_folds,
    name_arms,
    name_policies,
    take_apart,
    weighs_costs,
)
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import EpsilonGreedySelector, PropensityFloorSelector
from skbandit.strategies import CheapestNearBestSelector, DefaultArmSelector


@pytest.mark.parametrize("n_labels", [5, 500])
@pytest.mark.parametrize(
    "arms",
    [
        ["b", "c", "a"],
        [30, 10, 20],
        [0.5, 0.25, 2.0],
        [True, False],
        np.array(["b", "c", "a"], dtype=object),
    ],
    ids=["texts", "integers", "floats", "booleans", "objects"],
)
def test_columns_are_found_by_label(arms, n_labels):
    place = np.random.RandomState(0).randint(len(arms), size=n_labels)
    labels = np.asarray(arms)[place]
    columns = ArmColumns(arms)
    np.testing.assert_array_equal(columns.find(labels), place)
    np.testing.assert_array_equal(columns.find(labels.reshape(-1, 5)), place.reshape(-1, 5))
    assert columns.unknown(labels) == []
    fewer = ArmColumns(np.asarray(arms)[1:])
    np.testing.assert_array_equal(fewer.find(labels), place - 1)
    assert fewer.unknown(labels) == [np.asarray(arms)[0]]
    with pytest.raises(ValueError, match="which the environment does not have"):
        fewer.of_played(labels)


@pytest.mark.parametrize("n_labels", [2, 200])
def test_a_number_is_never_the_text_that_looks_like_it(n_labels):
    numbers = np.arange(n_labels) % 2
    assert ArmColumns(["0", "1"]).find(numbers).tolist() == [-1] * n_labels
    assert ArmColumns([0, 1]).find(numbers.astype(str)).tolist() == [-1] * n_labels
    assert ArmColumns(["0", 1]).find(numbers).tolist() == [-1, 1] * (n_labels // 2)


def test_entries_at_columns():
    table = np.arange(12.0).reshape(4, 3)
    assert entries_at(table, np.array([0, 2, 1, 1])).tolist() == [0, 5, 7, 10]
    sets = np.array([[0, 2], [1, 0], [2, 1], [1, 2]])
    assert entries_at(table, sets).tolist() == [[0, 2], [4, 3], [8, 7], [10, 11]]


def test_folds_are_those_of_the_splitter():
    for cv in (3, KFold(3), list(KFold(3).split(np.zeros(10)))):
        for found, wanted in zip(make_folds(cv, 10), KFold(3).split(np.zeros(10)), strict=True):
            for part, other in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(part, other)
    assert len(make_folds(LeaveOneOut(), 4, hold_out_all=True)) == 4
    masks = [(np.arange(10) >= 5, np.arange(10) < 5), (np.arange(10) < 5, np.arange(10) >= 5)]
    assert [test.tolist() for _, test in make_folds(masks, 10)] == [[*range(5)], [*range(5, 10)]]
    assert len(make_folds(TimeSeriesSplit(3), 10)) == 3


@pytest.mark.parametrize(
    ("cv", "options", "message"),
    [
        (12, {}, "the log has 10 rounds, fewer than the 12 folds"),
        (ShuffleSplit(3, test_size=0.5, random_state=0), {}, "more than once.*KFold"),
        (TimeSeriesSplit(4), {"hold_out_all": True}, "each round once, but 2 of 10"),
    ],
)
def test_impossible_folds(cv, options, message):
    with pytest.raises(ValueError, match=message):
        make_folds(cv, 10, **options)


def test_lists_of_numbers_become_arrays_and_other_rows_stay():
    assert as_rows([[1, 2], [3, 4]]).shape == (2, 2)
    assert as_rows([[[1.0], [2.0]], [[3.0], [4.0]]]).shape == (2, 2, 1)
    assert as_rows(sparse.coo_array(np.eye(2))).format == "csr"
    for rows in (
        ["a text", "another"],
        [["a", 1], ["b", 2]],
        [[1, 2], [3]],
        [{"a": 1}, {"b": 2}],
        np.array(["a text", "another"]),
        pd.Series(["a text", "another"]),
        pl.DataFrame({"u": [1, 2]}),
    ):
        assert as_rows(rows) is rows


def test_names_of_policies():
    ucb, thompson = LinearUCB(), LinearThompsonSampling()
    pipeline = make_pipeline(StandardScaler(), LinearUCB())
    assert name_policies(pipeline, "bandit") == {"LinearUCB": pipeline}
    named = name_policies([ucb, thompson], "bandit")
    assert named == {"LinearUCB": ucb, "LinearThompsonSampling": thompson}
    assert name_policies({1: ucb}, "bandit") == {"1": ucb}
    with pytest.raises(ValueError, match=r"bandit holds several of one class.*in a dict"):
        name_policies([ucb, pipeline], "bandit")
    for nothing in ({}, []):
        with pytest.raises(ValueError, match="policies must hold at least one policy"):
            name_policies(nothing, "policies")


def test_arms_are_named_through_pipelines_and_searches():
    bandit = LinearUCB()
    pipeline = make_pipeline("passthrough", make_pipeline(StandardScaler(), bandit))
    search = GridSearchCV(pipeline, {})
    assert last_step(search) is bandit
    name_arms(search, ["a", "b"])
    assert bandit.arms == ["a", "b"]
    name_arms(search, ["c"])
    assert bandit.arms == ["a", "b"], "arms that are named stay"
    steps, last = take_apart(pipeline)
    assert [type(step) for step in steps] == [StandardScaler]
    assert last is bandit
    classifier = LogisticRegression()
    name_arms(classifier, ["a"])
    assert not hasattr(classifier, "arms")


def test_answers_stand_for_the_policy_that_gave_them():
    X = np.random.RandomState(0).standard_normal((20, 2))
    model = LogisticRegression().fit(X, np.tile(["x", "y"], 10))
    answers = ask_policy(model, X)
    again = ask_policy(answers, X)
    np.testing.assert_array_equal(again.probability, model.predict_proba(X))
    assert again.classes_.tolist() == ["x", "y"]


def test_no_package_imports_a_private_module_of_its_neighbour():
    root = Path(skbandit.__file__).parent
    packages = {folder.name for folder in root.iterdir() if (folder / "__init__.py").exists()}
    found = []
    for path in root.rglob("*.py"):
        own = path.relative_to(root).parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom):
                continue
            base = own[: len(own) - node.level] if node.level else ()
            parts = [*base, *(node.module or "").split(".")]
            if parts[0] == "skbandit":
                parts = parts[1:]
            elif not node.level:
                continue
            names = [*parts[1:], *(alias.name for alias in node.names)]
            private = any(name.startswith("_") and name[1:2] != "_" for name in names)
            if parts[0] in packages and parts[0] != own[0] and private:
                found.append(f"{'/'.join(own)} imports {'.'.join(parts)}")
    assert found == []


def test_mask_of_answers_is_the_one_they_were_given():
    X = np.random.RandomState(0).standard_normal((20, 2))
    model = LogisticRegression().fit(X, np.tile(["x", "y"], 10))
    mask = np.ones((20, 2), dtype=bool)
    mask[3, 0] = False
    answers = ask_policy(model, X, mask)
    assert answers.probability[3].tolist() == [0.0, 1.0]
    np.testing.assert_allclose(
        np.delete(answers.probability, 3, 0), model.predict_proba(X)[mask.all(axis=1)]
    )
    again = ask_policy(answers, X, mask)
    np.testing.assert_array_equal(again.probability, answers.probability)


class _OwnSelector(BaseEstimator):
    """A selector that is not of the base class."""

    n_selected = None

    def select(self, scores, available=None):
        return np.full(scores.shape, 1.0 / scores.shape[1])

    def expect(self, belief, available=None):
        return self.select(belief.mean)

    def for_costs(self, cost):
        return self


def test_which_policies_weigh_costs():
    near = CheapestNearBestSelector()
    for selector, answer in (
        (None, False),
        (EpsilonGreedySelector(), False),
        (near, True),
        (PropensityFloorSelector(near), True),
        (PropensityFloorSelector(EpsilonGreedySelector()), False),
        (DefaultArmSelector("a", 0.5, near), True),
        (DefaultArmSelector("a", 0.5), False),
        (_OwnSelector(), True),
    ):
        assert weighs_costs(LinearUCB(selector=selector)) == answer
    assert not weighs_costs(LogisticRegression())


def test_costs_by_row():
    assert costs_by_row(None, 3) is None
    assert costs_by_row([1.0, 2.0, 3.0], 3).shape == (3,)
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    assert costs_by_row(frame, 2) is frame
    for bad in (1.0, [1.0], np.ones((4, 2))):
        with pytest.raises(ValueError, match="cost must have a row for each of the 3 rounds"):
            costs_by_row(bad, 3)
