"""Checks of the state: it is replaced in one step, whatever interrupts and whoever asks."""

import copy
import inspect
import os
import sys
import threading
import warnings

import numpy as np
import sklearn

from ._case import beliefs, require, require_close, require_equal, some
from ._promises import for_bandits

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_SCIKIT_LEARN = os.path.dirname(os.path.abspath(sklearn.__file__)) + os.sep
# Where each learning call takes long, fewer of them must do.
_FAST = ("sum", "sequence", "none")
_N_POINTS = {True: 16, False: 5}
_N_UPDATES = {True: 25, False: 8}
_N_DECIDERS = 2


def _homes(estimator):
    """Where the code of a bandit is: the package, and the files of its own classes."""
    files = {_PACKAGE + os.sep}
    for kind in type(estimator).__mro__:
        try:
            files.add(inspect.getfile(kind))
        except (OSError, TypeError):
            continue
    return tuple(file for file in files if not file.startswith(_SCIKIT_LEARN))


def _run(call, homes, stop=None):
    """Run a call and count its lines; interrupt it before the one of number `stop`."""
    count = 0

    def count_line(frame, event, argument):
        nonlocal count
        if event == "line":
            count += 1
            if count == stop:
                raise KeyboardInterrupt
        return count_line

    def enter(frame, event, argument):
        return count_line if frame.f_code.co_filename.startswith(homes) else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    except KeyboardInterrupt:
        if stop is None:
            raise
    finally:
        sys.settrace(before)
    return count


def _snapshot(bandit, X):
    """All that a caller can see of a bandit: its stream, what it learnt, what it believes."""
    _, numbers, position, *_ = bandit.random_state.get_state()
    stream = np.append(numbers, position)
    return [
        stream,
        np.array(getattr(bandit, "learnt_weight_", -1.0)),
        *beliefs(bandit, X).values(),
    ]


def _same(left, right):
    return all(
        np.allclose(one, other, rtol=1e-10, atol=1e-12)
        for one, other in zip(left, right, strict=True)
    )


@for_bandits()
def check_interruption_leaves_one_state(case):
    """A learning call that is interrupted anywhere ends as if never made, or as if completed."""
    test = case.contexts(10)
    few, many = case.rounds(2), case.rounds(40)
    learnt = case.new(random_state=np.random.RandomState(1)).fit(*case.rounds(30))
    homes, n_points = _homes(case.estimator), _N_POINTS[case.tags.learning in _FAST]
    for what, bandit, method, rounds in (
        ("partial_fit", learnt, "partial_fit", few),
        ("fit", learnt, "fit", many),
        ("the first fit", case.new(random_state=np.random.RandomState(1)), "fit", many),
    ):
        before = _snapshot(copy.deepcopy(bandit), test)
        done = copy.deepcopy(bandit)
        n_lines = _run(lambda m=method, b=done, r=rounds: getattr(b, m)(*r), homes)
        after = _snapshot(done, test)
        points = np.linspace(1, n_lines, n_points).astype(int)
        # The last lines are those that assign.
        points = np.unique(np.append(points, np.arange(max(1, n_lines - 3), n_lines + 1)))
        for stop in points.tolist():
            victim = copy.deepcopy(bandit)
            _run(lambda m=method, b=victim, r=rounds: getattr(b, m)(*r), homes, stop)
            now = _snapshot(victim, test)
            require(
                _same(now, before) or _same(now, after),
                f"{what}, interrupted at line {stop} of {n_lines}, left a state (or a stream of "
                "random numbers) that is neither the one before nor the one after",
            )


@for_bandits()
def check_old_states_are_left_alone(case):
    """Learning writes nothing into the state before: a shallow copy still answers as it did."""
    X, y, reward = case.rounds(40)
    test = case.contexts(10)
    bandit = case.new().fit(X, y, reward=reward)
    for what, learn in (
        ("partial_fit of one round", lambda: bandit.partial_fit(*some(slice(0, 1), X, y, reward))),
        ("partial_fit of many rounds", lambda: bandit.partial_fit(X, y, reward)),
        ("fit", lambda: bandit.fit(X, y, reward=reward)),
    ):
        older = copy.copy(bandit)
        before = beliefs(older, test)
        learn()
        for name, value in beliefs(older, test).items():
            require_equal(value, before[name], f"{what} wrote into the state before: {name}")


@for_bandits()
def check_deciding_while_learning(case):
    """Whoever decides while another thread learns hears from one model that existed."""
    n_updates = _N_UPDATES[case.tags.learning in _FAST]
    X, y, reward = case.rounds(20 + n_updates)
    parts = [case.contexts(1), case.contexts(8)]
    first = some(slice(0, 20), X, y, reward)
    updates = [some(slice(at, at + 1), X, y, reward) for at in range(20, 20 + n_updates)]
    bandit = case.new().fit(*first)
    models = [[_answers(bandit, part) for part in parts]]
    for update in updates:
        bandit.partial_fit(*update)
        models.append([_answers(bandit, part) for part in parts])
    # For each part: (models, mean or width or probability, rows, arms).
    models = [np.array(answers) for answers in zip(*models, strict=True)]
    bandit = case.new().fit(*first)
    heard, errors, stop = [], [], threading.Event()

    def decide():
        try:
            while not stop.is_set():
                for which, part in enumerate(parts):
                    mean, std = bandit.expected_reward(part, return_std=True)
                    heard.append((models[which][:, :2], np.stack([mean, std])))
                    policy = bandit.predict_proba(part)
                    heard.append((models[which][:, 2:], policy[None]))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=decide, daemon=True) for _ in range(_N_DECIDERS)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    # Before Python 3.14 the filters of warnings are the process's. scikit-learn's parallel calls
    # empty them and fill them again, so another thread may find any part: none makes an error.
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        try:
            for thread in threads:
                thread.start()
            for update in updates:
                bandit.partial_fit(*update)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            sys.setswitchinterval(interval)
    require(not errors, f"deciding while another thread learns raised {errors[:1]}")
    for known, answer in heard:
        distance = np.abs(known - answer).max(axis=(1, 2, 3))
        require(
            distance.min() <= 1e-9 * max(1.0, np.abs(answer).max()),
            "an answer while another thread learnt is of no model that existed",
        )
    require_close(
        _answers(bandit, parts[1]), models[1][-1], "what was learnt while others decided", 1e-9
    )


def _answers(bandit, X):
    mean, std = bandit.expected_reward(X, return_std=True)
    return np.stack([mean, std, bandit.predict_proba(X)])


CHECKS = [
    check_interruption_leaves_one_state,
    check_old_states_are_left_alone,
    check_deciding_while_learning,
]
