"""Where the variational bandit is found, and what that loads."""

import pickle
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

import skbandit.variational
from skbandit.utils.discovery import all_bandits
from skbandit.variational import BayesianNeuralBandit


def test_importing_and_learning_load_no_torch():
    code = (
        "import sys\n"
        "from skbandit.variational import BayesianNeuralBandit\n"
        "bandit = BayesianNeuralBandit(hidden_units=(2,)).fit([[0.0], [1.0]], [0, 1])\n"
        "bandit.predict([[0.5]])\n"
        "print(sorted({'torch', 'skorch', 'matplotlib', 'dask'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_old_path_warns():
    pytest.importorskip("skorch", reason="skbandit.neural needs the extra 'neural'")
    neural = import_module("skbandit.neural")
    with pytest.warns(DeprecationWarning, match=r"skbandit\.variational"):
        assert neural.BayesianNeuralBandit is BayesianNeuralBandit
    assert "BayesianNeuralBandit" not in neural.__all__
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        neural.Nothing


def test_it_is_listed_once():
    found = [kind for name, kind in all_bandits() if name == "BayesianNeuralBandit"]
    assert found == [BayesianNeuralBandit]
    assert skbandit.variational.__all__ == ["BayesianNeuralBandit"]


def test_files_name_the_public_path():
    bandit = BayesianNeuralBandit(arms=[0, 1]).fit(np.eye(2), [0, 1], reward=[1.0, 0.0])
    stored = pickle.dumps(bandit)
    assert b"skbandit.variational" in stored
    assert b"skbandit.variational._" not in stored
