"""What a neural bandit has learnt: one immutable record."""

from typing import NamedTuple

import numpy as np

from ..buffers import BaseBuffer, ScheduleState
from ._evaluation import freeze
from ._scaling import Scaling


class Network:
    """A network at one time, which is not trained any further: training makes another one.

    Parameters
    ----------
    net : initialised skorch net
    input_shape : tuple of int or None
        Shape of a candidate; None is flat.
    """

    def __init__(self, net, input_shape):
        self.net, self.input_shape = net, input_shape
        self._frozen = None

    @property
    def module(self):
        """The torch module."""
        # A file holds it once, in the net, which knows on which device it lies.
        return self.net.module_

    @property
    def frozen(self):
        """The network as scores ask it: scaled rows, answers in double precision."""
        if self._frozen is None:
            # Two threads that miss it at once make the same.
            self._frozen = freeze(self.module, self.input_shape)
        return self._frozen

    def __getstate__(self):
        return {**vars(self), "_frozen": None}


class NeuralState(NamedTuple):
    """Networks, the rounds they learn from, and what is built on them."""

    networks: tuple  # of Network; empty before the first round
    buffer: BaseBuffer
    schedule: ScheduleState
    scaling: Scaling | None
    n_updates: int
    taught_weight: np.ndarray  # (n_outputs,), weight of all rounds that taught each output
    statistics: object  # what a family keeps beside its networks; None before there are rounds
