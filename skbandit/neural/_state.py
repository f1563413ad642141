"""What a neural bandit has learnt: one immutable record."""

from typing import NamedTuple

import numpy as np

from ..buffers import BaseBuffer, ScheduleState
from ._frozen import freeze
from ._linear_part import Judgement
from ._scaling import Scaling


class FrozenOnce:
    """A module that does not change any more, and how scores ask it, found when first asked for.

    A subclass has ``module`` and ``input_shape`` (None is flat).
    """

    _frozen = None

    @property
    def frozen(self):
        """The network as scores ask it: scaled rows, answers in double precision."""
        if self._frozen is None:
            # Two threads that miss it at once make the same.
            self._frozen = freeze(self.module, self.input_shape)
        return self._frozen

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_frozen"}

    def __deepcopy__(self, memo):
        # It does not change: a copy may share it.
        return self


class Network(FrozenOnce):
    """A network at one time, which is not trained any further: training makes another one.

    Parameters
    ----------
    net : initialised skorch net
    input_shape : tuple of int or None
        Shape of a candidate; None is flat.
    """

    def __init__(self, net, input_shape):
        self.net, self.input_shape = net, input_shape
        # Asked at every decision; training makes another network.
        self.n_weights = sum(weight.numel() for weight in self.module.parameters())

    @property
    def module(self):
        """The torch module."""
        # A file holds it once, in the net, which knows on which device it lies.
        return self.net.module_


class NeuralState(NamedTuple):
    """Networks, the rounds they learn from, and what is built on them."""

    networks: tuple  # of Network; empty before the first round
    buffer: BaseBuffer
    schedule: ScheduleState
    scaling: Scaling | None
    n_updates: int
    taught_weight: np.ndarray  # (n_outputs,), weight of all rounds that taught each output
    paid: np.ndarray  # (n_outputs,), weighted sum of the rewards in these
    judgement: Judgement  # what held-out rounds said of the network when it was trained
    statistics: object  # what a family keeps beside its networks; None before there are rounds
