"""Threads that decide while another one learns see whole models, each of which existed."""

import copy
import threading
from time import monotonic, sleep

import numpy as np
import pytest

from skbandit.linear import LinearThompsonSampling, LinearUCB

N_ARMS, N_FEATURES, N_DECIDING = 4, 6, 8


def linear_bandits():
    return {
        "ucb": LinearUCB(arms=list(range(N_ARMS)), random_state=0),
        "thompson": LinearThompsonSampling(arms=list(range(N_ARMS)), random_state=0),
        "diagonal": LinearUCB(arms=list(range(N_ARMS)), precision="diagonal", random_state=0),
        "hybrid": LinearUCB(arms=list(range(N_ARMS)), arm_model="hybrid", random_state=0),
    }


def neural_linear():
    pytest.importorskip("torch")
    pytest.importorskip("skorch")
    from skbandit.neural import NeuralLinearBandit, make_net

    return NeuralLinearBandit(
        arms=list(range(N_ARMS)),
        net=make_net("tiny_mlp", module__hidden_units=(16,)),
        initial_train_steps=20,
        train_steps=10,
        random_state=0,
    )


def play(bandit, seconds, n_deciding=N_DECIDING, n_models=12):
    """Learn in one thread and decide in others; return the models that existed and the answers.

    It lasts some seconds, and until there were some models and some answers.

    An answer is (rows, arms, propensities, first, last): the models that may have given it are
    those numbered from `first` to `last`.
    """
    rng = np.random.RandomState(0)
    X = rng.standard_normal((4096, N_FEATURES))
    pays = rng.standard_normal((N_ARMS, N_FEATURES))
    bandit.partial_fit(X[:20], np.arange(20) % N_ARMS, np.ones(20))
    models, answers, errors = [copy.copy(bandit)], [], []
    stop = threading.Event()

    def decide(number):
        own = np.random.RandomState(number)
        while not stop.is_set():
            start = own.randint(len(X) - 64)
            rows = slice(start, start + (1 if own.rand() < 0.5 else 64))
            first = len(models) - 1
            try:
                arms, propensity = bandit.predict(X[rows], return_propensity=True)
            except Exception as error:
                errors.append(error)
                return
            # The learner may have assigned one more model than it has written down.
            answers.append((rows, arms, propensity, first, len(models)))

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(n_deciding)]
    for thread in threads:
        thread.start()
    end, step = monotonic() + seconds, 0
    try:
        while monotonic() < end or len(models) < n_models or len(answers) < 10 * n_deciding:
            if errors:
                break
            size = (1, 1, 1, 8, 40)[step % 5]
            rows = rng.randint(len(X), size=size)
            arm = rng.randint(N_ARMS, size=size)
            reward = np.einsum("ij,ij->i", X[rows], pays[arm]) + rng.standard_normal(size)
            bandit.partial_fit(X[rows], arm, reward)
            models.append(copy.copy(bandit))
            step += 1
            sleep(0.001)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return X, models, answers, errors


def unexplained(X, models, answers, n_checked):
    """Answers, of a sample, that none of the models that existed meanwhile gives."""
    chosen = np.random.RandomState(0).permutation(len(answers))[:n_checked]
    wrong = []
    for number in chosen.tolist():
        rows, arms, propensity, first, last = answers[number]
        for model in models[first : last + 1]:
            own_arms, own_propensity = model.predict(X[rows], return_propensity=True)
            if np.array_equal(own_arms, arms) and np.array_equal(own_propensity, propensity):
                break
        else:
            wrong.append(number)
    return wrong


def check(bandit, seconds, n_checked):
    X, models, answers, errors = play(bandit, seconds)
    assert not errors
    assert len(models) >= 12
    assert len(answers) >= 10 * N_DECIDING
    assert not unexplained(X, models, answers, n_checked)
    # What was learnt meanwhile is what is learnt without anybody deciding.
    assert models[-1].learnt_weight_ == bandit.learnt_weight_


@pytest.mark.parametrize("name", linear_bandits())
def test_linear_bandits_decide_while_they_learn(name):
    check(linear_bandits()[name], seconds=1.0, n_checked=200)


def test_neural_bandit_decides_while_it_learns():
    check(neural_linear(), seconds=3.0, n_checked=100)


@pytest.mark.long
@pytest.mark.parametrize("name", ["ucb", "thompson", "neural linear"])
def test_a_minute_of_deciding_while_learning(name):
    bandit = neural_linear() if name == "neural linear" else linear_bandits()[name]
    check(bandit, seconds=60.0, n_checked=5000)


def test_a_mixed_up_answer_is_noticed():
    """The test can fail: an answer put together of two models is found."""
    X, models, answers, _ = play(linear_bandits()["thompson"], seconds=0.5, n_deciding=2)
    batches = [number for number, answer in enumerate(answers) if len(answer[1]) == 64]
    rows, arms, propensity, first, last = answers[batches[0]]
    later = models[-1].predict(X[rows], return_propensity=True)[1]
    answers[batches[0]] = (rows, arms, np.r_[propensity[:32], later[32:]], first, last)
    assert unexplained(X, models, answers, len(answers)) == [batches[0]]
