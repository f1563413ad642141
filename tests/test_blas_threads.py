"""Small work runs in one thread of BLAS, and the process gets its threads back."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_info, threadpool_limits

from skbandit import _threads
from skbandit._threads import NO_LIMIT, one_blas_thread, threads_for
from skbandit.linear import LinearUCB


def n_threads():
    """The largest number of threads of a BLAS of this process."""
    return max(
        (one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"), default=0
    )


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        if n_threads() != 2:
            pytest.skip("this BLAS has no threads to limit, or the machine has one processor")
        yield


def test_limit_is_lifted(two_threads):
    with one_blas_thread():
        assert n_threads() == 1
        with one_blas_thread():
            assert n_threads() == 1
        assert n_threads() == 1
    assert n_threads() == 2
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        1 / 0
    assert n_threads() == 2


class Recorder:
    """Stands for a library: says how many threads it was given."""

    def __init__(self):
        self.num_threads = 4
        self.events = []

    def set_num_threads(self, n_threads):
        self.num_threads = n_threads
        self.events.append(n_threads)


def test_limit_of_many_threads_is_set_by_the_first_and_lifted_by_the_last(monkeypatch):
    library = Recorder()
    monkeypatch.setattr(_threads, "_libraries", lambda: [library])
    inside, over = Barrier(4), Barrier(4)

    def work(_):
        with one_blas_thread():
            inside.wait()
            found = list(library.events)
            over.wait()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [[1]] * 4
    assert library.events == [1, 4]


def test_an_interruption_leaves_no_limit_for_good(monkeypatch):
    """As if a signal had come between setting the limit and the work."""
    library = Recorder()
    monkeypatch.setattr(_threads, "_libraries", lambda: [library])
    limit = _threads._Limit()
    holder = _threads._Holder()
    limit.enter(holder)
    del holder
    assert library.events == [1]
    other = _threads._Holder()
    limit.enter(other)
    limit.leave(other)
    assert library.events == [1, 4]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_its_threads(two_threads):
    with one_blas_thread():
        child = os.fork()
        if child == 0:
            os._exit(n_threads())
        assert n_threads() == 1
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


def test_large_work_keeps_its_threads():
    assert threads_for(1e12) is NO_LIMIT
    assert threads_for(1e3) is not NO_LIMIT


class Watched(LinearUCB):
    """Says how many threads there were when it learnt and decided."""

    seen = ()

    def _learn(self, rounds):
        type(self).seen += (("learn", len(rounds.arm), n_threads()),)
        return super()._learn(rounds)

    def _policy(self, contexts, available):
        type(self).seen += (("decide", len(contexts), n_threads()),)
        return super()._policy(contexts, available)


def test_linear_bandits_learn_and_decide_small_batches_in_one(two_threads):
    rng = np.random.RandomState(0)
    X, arm = rng.normal(size=(60, 80)), np.arange(60) % 2
    Watched.seen = ()
    bandit = Watched(random_state=0).fit(X, arm, reward=X[:, 0])
    bandit.predict(X)
    bandit.predict_proba(X)
    assert Watched.seen == (("learn", 60, 1), ("decide", 60, 1), ("decide", 60, 1))
    assert n_threads() == 2
    # Few columns are no work for several threads, and nothing is limited.
    Watched.seen = ()
    clone(bandit).fit(X[:, :5], arm, reward=X[:, 0]).predict(X[:, :5])
    assert [threads for *_, threads in Watched.seen] == [2, 2]


def test_neural_bandits_train_in_one(two_threads):
    pytest.importorskip("torch")
    pytest.importorskip("skorch")
    from skbandit.neural import NeuralUCB

    class WatchedNet(NeuralUCB):
        def _trained(self, state, seeds):
            trainings.append(n_threads())
            return super()._trained(state, seeds)

    trainings = []
    rng = np.random.RandomState(0)
    X, arm = rng.normal(size=(80, 4)), np.arange(80) % 2
    bandit = WatchedNet(net="tiny_mlp", initial_train_steps=5, random_state=0)
    bandit.fit(X, arm, reward=X[:, 0])
    assert trainings == [1]
    assert n_threads() == 2
