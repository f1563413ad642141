"""skorch's callbacks on the net of a bandit: progress, stopping, checkpoints, rates, logs."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from skorch import callbacks  # noqa: E402

from skbandit.neural import EnsembleBandit, NeuralLinearBandit, NeuralUCB, make_net  # noqa: E402


def fit(played, *parts, bandit=None, **parameters):
    """A bandit that was trained twice with some callbacks."""
    X, arm, reward = played
    net = skorch.NeuralNetRegressor(
        make_net("tiny_mlp").module,
        module__hidden_units=(8,),
        **{"verbose": 0, "max_epochs": 4, "callbacks": list(parts), **parameters},
    )
    bandit = NeuralLinearBandit(random_state=0) if bandit is None else clone(bandit)
    bandit.set_params(net=net, arms=["a", "b"])
    for rows in (slice(0, 75), slice(75, 150)):
        bandit.partial_fit(X[rows], arm[rows], reward=reward[rows])
    assert bandit.n_trainings_ == 2
    return bandit


def test_progress_bar(played, capsys):
    pytest.importorskip("tqdm")
    fit(played, ("bar", callbacks.ProgressBar(detect_notebook=False)))
    # Two batches a pass.
    assert "0/2" in capsys.readouterr().err


def test_early_stopping(played):
    still = callbacks.EarlyStopping(patience=2, threshold=1e9, threshold_mode="abs")
    stopped = fit(played, ("stop", still), max_epochs=50)
    assert len(stopped.net_.history) < 10
    assert "valid_loss" in stopped.net_.history[-1]


def test_checkpoints_of_the_best_and_the_latest(played, tmp_path):
    bandit = fit(
        played,
        ("best", callbacks.Checkpoint(dirname=str(tmp_path / "best"))),
        ("latest", callbacks.TrainEndCheckpoint(dirname=str(tmp_path / "latest"))),
    )
    assert (tmp_path / "best" / "params.pt").exists()
    latest = torch.load(tmp_path / "latest" / "train_end_params.pt")
    for name, value in bandit.net_.module_.state_dict().items():
        assert torch.equal(value, latest[name])


def test_learning_rate_schedules(played):
    bandit = fit(played, ("rate", callbacks.LRScheduler("StepLR", step_size=2, gamma=0.5)))
    assert bandit.net_.optimizer_.param_groups[0]["lr"] < bandit.net_.lr


def test_gradient_clipping(played):
    """Clipped to nothing, a step of gradient descent leaves the weights as they were."""
    clipped = fit(
        played,
        ("clip", callbacks.GradientNormClipping(1e-12)),
        optimizer=torch.optim.SGD,
        train_split=None,
    )
    free = fit(played, optimizer=torch.optim.SGD, train_split=None)
    assert clipped.net_.module_.output.weight.abs().max() < 1e-10
    assert free.net_.module_.output.weight.abs().max() > 1e-3


def test_tensorboard_logs(played):
    class Writer:
        scalars = []

        def add_scalar(self, tag, scalar_value, global_step):
            self.scalars.append((tag, scalar_value, global_step))

        def close(self):
            pass

        def __deepcopy__(self, memo):
            return self

    fit(played, ("board", callbacks.TensorBoard(Writer())))
    assert {"Loss/train_loss", "Loss/valid_loss"} <= {tag for tag, _, _ in Writer.scalars}
    assert all(np.isfinite(value) for _, value, _ in Writer.scalars)


def test_histories_are_tables(played, tmp_path):
    """A table of all trainings for a CSV file, of a net that skorch trains or one that we do."""
    by_skorch = fit(played)
    ours = clone(by_skorch).set_params(net=make_net("tiny_mlp", max_epochs=4))
    X, arm, reward = played
    ours.fit(X, arm, reward=reward)
    for bandit, n_epochs in ((by_skorch, 8), (ours, 4)):
        table = pd.DataFrame(list(bandit.net_.history[:, ("epoch", "train_loss")]))
        table.to_csv(tmp_path / "history.csv", index=False)
        read = pd.read_csv(tmp_path / "history.csv").to_numpy()
        assert read[:, 0].tolist() == list(range(1, n_epochs + 1))
        assert np.isfinite(read[:, 1]).all()


@pytest.mark.parametrize("bandit", [NeuralUCB(random_state=0), EnsembleBandit(n_members=2)])
def test_with_callbacks_a_bandit_is_still_written_and_read(bandit, played):
    parts = ("stop", callbacks.EarlyStopping()), ("clip", callbacks.GradientNormClipping(1.0))
    fitted = fit(played, *parts, bandit=bandit)
    loaded = pickle.loads(pickle.dumps(fitted))
    X = played[0]
    np.testing.assert_array_equal(loaded.decision_function(X), fitted.decision_function(X))
