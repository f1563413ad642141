"""What a network is taught: the targets of rounds, and the loss that reads them."""

import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

# Fields that are one number a round.
_N_PLAIN = 6


class Targets(NamedTuple):
    """What is wanted of the outputs in each round; all of shape (n_rounds,), or (..., n_rounds).

    In a round of full feedback the arm paid 1 and all others paid 0; elsewhere the arm alone
    counts.

    Parameters
    ----------
    arm : ndarray or tensor of int
        The output that was played.
    reward : ndarray or tensor
        What it paid, in the unit of the loss.
    weight : ndarray or tensor
        Of the round.
    n_taught : ndarray or tensor
        How many arms, the first ones, learn from full feedback; 0 where the arm alone counts.
    low, high : ndarray or tensor
        What a reward of 0 and of 1 is in the unit of the loss.
    offset : ndarray or tensor of shape (..., n_rounds, n_outputs), or None
        What is added to the outputs before they are compared with rewards; None: nothing.
    """

    arm: np.ndarray
    reward: np.ndarray
    weight: np.ndarray
    n_taught: np.ndarray
    low: np.ndarray
    high: np.ndarray
    offset: np.ndarray | None = None

    def taken(self, rows):
        """Return the targets of some rounds."""
        return Targets(*(None if field is None else field[rows] for field in self))

    def of_played_arm(self):
        """Return the same with the offset of the arm that was played taken from the reward."""
        own = np.take_along_axis(self.offset, self.arm[..., None], axis=-1)[..., 0]
        return self._replace(reward=self.reward - own, offset=None)

    def packed(self, dtype):
        """Return one tensor (n_rounds, 6 or more), which skorch slices and moves as any target."""
        columns = [
            torch.from_numpy(np.ascontiguousarray(field)).to(dtype) for field in self[:_N_PLAIN]
        ]
        packed = torch.stack(columns, dim=1)
        if self.offset is None:
            return packed
        return torch.cat([packed, torch.from_numpy(self.offset).to(dtype)], dim=1)

    @classmethod
    def unpacked(cls, target, dtype):
        """Return the fields of a packed tensor."""
        target = target.to(dtype)
        targets = cls(*target[:, :_N_PLAIN].unbind(dim=1))
        if target.shape[1] > _N_PLAIN:
            targets = targets._replace(offset=target[:, _N_PLAIN:])
        return targets._replace(arm=targets.arm.long())


class NotALoss(TypeError):
    """A criterion that cannot be weighted row by row."""


class PlayedArmLoss(nn.Module):
    """Loss of the output of the arm that was played, weighted; of several for full feedback.

    Parameters
    ----------
    loss : type or torch.nn.Module, default=torch.nn.MSELoss
        A loss of predictions and rewards, one number a row; its class must take
        ``reduction="none"``. An instance is copied.
    **kwargs
        Arguments of `loss`, where it is a class.
    """

    def __init__(self, loss=nn.MSELoss, **kwargs):
        super().__init__()
        kwargs.pop("reduction", None)
        if isinstance(loss, nn.Module):
            self.loss = copy.deepcopy(loss)
            if kwargs or not hasattr(loss, "reduction"):
                raise NotALoss(_no_reduction(type(loss).__name__, kwargs))
            self.loss.reduction = "none"
            return
        try:
            self.loss = loss(reduction="none", **kwargs)
        except TypeError as error:
            name = getattr(loss, "__name__", loss)
            raise TypeError(f"{_no_reduction(name, kwargs)} ({error})") from error

    def forward(self, outputs, target):
        """Return the weighted mean loss of packed targets (see :class:`Targets`)."""
        outputs = outputs.reshape(len(target), -1)
        targets = Targets.unpacked(target, outputs.dtype)
        if targets.offset is not None:
            outputs = outputs + targets.offset
        index = targets.arm.clamp(max=outputs.shape[1] - 1)[:, None]
        losses = self.loss(outputs.gather(1, index)[:, 0], targets.reward)
        full = targets.n_taught > 0
        if bool(full.any()):
            low, high, taught = targets.low[full], targets.high[full], targets.n_taught[full]
            named = torch.zeros_like(outputs[full]).scatter(1, index[full], 1.0)
            each = self.loss(outputs[full], low[:, None] + named * (high - low)[:, None])
            learns = torch.arange(outputs.shape[1], device=outputs.device) < taught[:, None]
            losses = losses.clone()
            losses[full] = (each * learns).sum(dim=1) / taught
        return (losses * targets.weight).sum() / targets.weight.sum().clamp(min=1e-12)


def _no_reduction(name, kwargs):
    given = "".join(f", {key}={value!r}" for key, value in kwargs.items())
    return (
        "criterion must be a loss of predictions and rewards that is made by "
        f"{name}(reduction='none'{given}) and then gives one number a row, as torch's losses are "
        "and do: rounds have weights."
    )
