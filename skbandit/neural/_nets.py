"""Nets: from what ``net=`` was given to a skorch net that is ready to train on rounds."""

import copy
import functools
import inspect

import numpy as np
import torch
from sklearn.base import clone
from skorch import NeuralNet, NeuralNetRegressor
from skorch.callbacks import Callback
from torch import nn

from ._copies import copied_module, make_storable, note_computed
from ._frozen import dtype_of, to_module
from ._generators import forked_generators
from ._gradients import trainable
from ._modules import MLP, NAMED_NETWORKS, TextEncoder, is_plain_mlp
from ._targets import NotALoss, PlayedArmLoss, Targets

# Share of a weight that a step of unit learning rate takes off. With 1e-3 what nothing holds up is
# halved in 700 steps: on sets of make_classification the mistakes of 4,000 rounds fall by 8 % (6
# classes) and 9 % (10 classes) beside no decay; ten times less changes little, three times more
# costs what it gains.
_DECAY = 1.0


def make_net(name="small_mlp", **parameters):
    """Return an unfitted skorch net for the name of a network, or for a module.

    Use it to change what the name alone leaves at its default, or to search it: its parameters are
    those of a bandit that holds it (``net__lr``, ``net__module__hidden_units``).

    Parameters
    ----------
    name : {"none", "linear", "tiny_mlp", "small_mlp", "large_mlp", "deep_mlp", "bert"}, \
            torch.nn.Module or its class, default="small_mlp"
        A module that is given as an instance is copied: its weights are where the net starts.
    **parameters
        Parameters of :class:`skorch.NeuralNetRegressor` (``lr``, ``max_epochs``, ``device``,
        ``optimizer``, ``callbacks``, ...; these nets have no callbacks by default, and get theirs
        here, not by ``set_params``) and of the network (``module__hidden_units``,
        ``module__activation``, ``module__residual``, ``module__dropout``).

    Returns
    -------
    net : skorch.NeuralNetRegressor

    Examples
    --------
    >>> from skbandit.neural import NeuralLinearBandit, make_net
    >>> bandit = NeuralLinearBandit(net=make_net("tiny_mlp", lr=3e-3))
    >>> bandit.get_params()["net__lr"]
    0.003
    """
    # As in any other net.
    name = parameters.pop("module", name)
    if _is_module(name):
        network, module = {}, name
    elif not isinstance(name, str):
        raise TypeError(_not_a_net("name", name))
    elif name == "bert":
        network, module = {}, TextEncoder
    elif name in NAMED_NETWORKS:
        network, module = NAMED_NETWORKS[name], MLP
    else:
        raise ValueError(f"net must be one of {[*NAMED_NETWORKS, 'bert']}, got {name!r}.")
    defaults = {f"module__{key}": value for key, value in network.items()}
    if module is MLP and "optimizer" not in parameters:
        # Weights that come with a module were learnt elsewhere and are left where they are.
        defaults |= {"optimizer": torch.optim.AdamW, "optimizer__weight_decay": _DECAY}
    return _default_net(module, **{**defaults, **parameters})


def _default_net(module, **parameters):
    defaults = {
        "optimizer": torch.optim.Adam,
        # One kernel for all weights: small networks spend most of a step on overhead.
        "optimizer__fused": True,
        "lr": 1e-3,
        "batch_size": 64,
        "train_split": None,
        "callbacks": "disable",
        "verbose": 0,
    }
    return NeuralNetRegressor(module, **_with_apt_fused({**defaults, **parameters}))


def _with_apt_fused(parameters):
    """Parameters of a net without ``optimizer__fused`` where its optimizer has no such kernel.

    Nor is the decay of named networks left to an optimizer that it was not meant for.
    """
    decay = parameters.get("optimizer__weight_decay")
    if decay == _DECAY and parameters["optimizer"] is not torch.optim.AdamW:
        parameters = {k: v for k, v in parameters.items() if k != "optimizer__weight_decay"}
    other = any(parameters.get(f"optimizer__{name}") for name in ("foreach", "differentiable"))
    if "optimizer__fused" not in parameters or (
        _takes(parameters["optimizer"], "fused") and not other
    ):
        return parameters
    return {name: value for name, value in parameters.items() if name != "optimizer__fused"}


def _takes(function, name):
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


# ------------------------------------------------------------------------------ specification
def resolve_net(net):
    """Return an unfitted skorch net for a name, a module or its class, or a skorch net."""
    if isinstance(net, str):
        return make_net(net)
    if _is_module(net):
        return _default_net(net)
    if isinstance(net, NeuralNet):
        return unfitted_copy(net)
    raise TypeError(_not_a_net("net", net))


def _is_module(net):
    return isinstance(net, nn.Module) or (inspect.isclass(net) and issubclass(net, nn.Module))


def _not_a_net(what, net):
    way_out = f" Pass an instance: {net.__name__}(...)." if inspect.isclass(net) else ""
    kinds = "a skorch net, a torch.nn.Module" if what == "net" else "a torch.nn.Module"
    names = [*NAMED_NETWORKS, "bert"]
    return f"{what} must be {kinds} or its class, or one of {names}, got {net!r}.{way_out}"


def is_skorch_net(net):
    """Say whether ``net=`` brings a schedule of training of its own (``max_epochs``)."""
    return isinstance(net, NeuralNet)


def starts_at_zero(net):
    """Say whether the outputs of an untrained network are zero, so that all arms are alike."""
    return isinstance(net, str) or (is_skorch_net(net) and net.module in (MLP, TextEncoder))


def unfitted_copy(net):
    """Return a skorch net of the same parameters; what cannot be copied in them is shared."""
    parameters = _with_apt_fused(net.get_params(deep=False))
    return type(net)(**{name: _copied_parameter(value) for name, value in parameters.items()})


def copied_net_parameter(net):
    """Return a copy of what ``net=`` was given."""
    if is_skorch_net(net):
        return unfitted_copy(net)
    return copied_module(net) if isinstance(net, nn.Module) else copy.deepcopy(net)


def _copied_parameter(value):
    if isinstance(value, nn.Module):
        return copied_module(value)
    try:
        return clone(value, safe=False)
    except Exception:
        return _copied_where_possible(value)


def _copied_where_possible(value):
    """Copy deeply; what holds a lock, a file or a connection (a log's writer) is shared."""
    try:
        return copy.deepcopy(value)
    except Exception:
        shared = {}
        _find_shared(value, shared, set())
        return copy.deepcopy(value, shared)


def _find_shared(value, shared, seen):
    """Note what cannot be copied in the memo of a deep copy; a module can always be."""
    if id(value) in seen or isinstance(value, nn.Module):
        return
    seen.add(id(value))
    try:
        copy.deepcopy(value)
    except Exception:
        if isinstance(value, (list, tuple, set)):
            parts = list(value)
        elif isinstance(value, dict):
            parts = list(value.values())
        elif isinstance(value, (Callback, NeuralNet)):
            parts = list(vars(value).values())
        else:
            shared[id(value)] = value
            return
        for part in parts:
            _find_shared(part, shared, seen)


# ----------------------------------------------------------------------------------- building
def build_net(net, n_inputs, n_outputs, seed, input_shape=None):
    """Return an initialised skorch net for so many inputs and outputs.

    The module is told its sizes where its constructor asks for ``n_inputs`` and ``n_outputs``. A
    module that was given as an instance is copied: its weights are where the net starts.

    Parameters
    ----------
    net : what ``net=`` is given
    n_inputs, n_outputs : int
    seed : int
        Of the initial weights.
    input_shape : tuple of int, default=None
        Shape of a candidate; None is flat.
    """
    net = resolve_net(net)
    module, sizes = net.module, {}
    own = net.get_params_for("module")
    if isinstance(module, nn.Module):
        own = _own_parameters(module, own)
        # What is given to its constructor is for a module of its class.
        net.set_params(module=type(module) if own else functools.partial(copied_module, module))
    if own or not isinstance(module, nn.Module):
        sizes = {"n_inputs": n_inputs, "n_outputs": n_outputs}
        sizes = {f"module__{k}": v for k, v in sizes.items() if _takes(net.module, k)}
    else:
        net = _without_module_parameters(net)
    if getattr(net.train_split, "stratified", False):
        raise ValueError(
            f"net's train_split holds out rounds by class ({net.train_split!r}), and rewards have "
            "none. Use skorch.NeuralNetRegressor, or set net__train_split to ValidSplit(5), say."
        )
    net.set_params(**sizes, criterion=PlayedArmLoss, criterion__loss=net.criterion)
    with forked_generators(seed, net.device):
        try:
            net.initialize()
        except NotALoss:
            raise
        except TypeError as error:
            raise TypeError(
                f"net cannot be made for {n_inputs} inputs and {n_outputs} outputs: {error}. Its "
                "module's constructor is told n_inputs and n_outputs where it asks for them; "
                "everything else must have a default or come as net__module__... ."
            ) from error
        except ValueError as error:
            raise ValueError(
                f"net cannot be made for {n_inputs} inputs and {n_outputs} outputs: {error}"
            ) from error
        # Lazy layers get their weights in the first answer.
        _check_module(net, n_inputs, n_outputs, input_shape)
        if not is_plain_mlp(net.module_):
            _check_step(net, n_inputs, n_outputs, input_shape)
    make_storable(net.module_)
    return net


def _own_parameters(module, given):
    """What a net gives to the constructor of the class of a module that is an instance.

    A net that was made for a perceptron still has a perceptron's where another module came in.
    """
    parameters = inspect.signature(type(module)).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return given
    own = {name: value for name, value in given.items() if _takes(type(module), name)}
    alien = set(given) - set(own) - set(inspect.signature(MLP).parameters)
    if alien:
        raise TypeError(
            f"net's module is an instance of {type(module).__name__}, whose constructor does not "
            f"take {sorted(alien)}. Set what it has when you make it, or leave out "
            f"{', '.join(f'module__{name}' for name in sorted(alien))}."
        )
    return own


def _without_module_parameters(net):
    parameters = net.get_params(deep=False)
    return type(net)(**{k: v for k, v in parameters.items() if not k.startswith("module__")})


def _check_module(net, n_inputs, n_outputs, input_shape):
    """Raise where the module does not answer with one finite number an arm."""
    device_of(net)
    module, name = net.module_, type(net.module_).__name__
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            outputs = module(to_module(np.zeros((2, n_inputs)), module, input_shape))
    except Exception as error:
        raise ValueError(
            f"net's module {name} cannot take a batch of shape (2, {n_inputs}): {error}. A module "
            "class whose constructor takes n_inputs and n_outputs is told how many there are."
        ) from error
    finally:
        module.train(was_training)
    if not torch.is_tensor(outputs):
        raise ValueError(
            f"net's module {name} returns a {type(outputs).__name__}, not a tensor of shape "
            f"(n_samples, {n_outputs}). Let its forward return the expected rewards alone."
        )
    wanted = (2, n_outputs)
    if tuple(outputs.shape) != wanted and not (n_outputs == 1 and tuple(outputs.shape) == (2,)):
        raise ValueError(
            f"net's module {name} has outputs of shape {tuple(outputs.shape)} for 2 rows, but "
            f"{wanted} is needed: one an arm, or one alone where arms have features of their own. "
            "Give its constructor a parameter n_outputs, or set net__module__... to that width."
        )
    if not outputs.is_floating_point() or any(p.is_complex() for p in module.parameters()):
        raise ValueError(
            f"net's module {name} has complex weights or outputs that are no real numbers. Let "
            "its forward return expected rewards, and keep its weights real (real and imaginary "
            "parts as weights of their own)."
        )
    if not bool(torch.isfinite(outputs).all()):
        raise ValueError(
            f"net's module {name} returns NaN or infinity before any training. "
            "Check its initial weights."
        )


def _check_step(net, n_inputs, n_outputs, input_shape):
    """Raise where the net cannot be trained; a copy is asked, so it is left as it was."""
    if not trainable(net.module_):
        return
    trial = copied(net)
    module, dtype = trial.module_, dtype_of(trial.module_)
    ones = np.ones(2)
    targets = Targets(np.arange(2) % n_outputs, ones, ones, 0.0 * ones, 0.0 * ones, ones)
    target = targets.packed(dtype)
    try:
        module.train()
        X = to_module(np.zeros((2, n_inputs)), module, input_shape)
        with torch.enable_grad():
            loss = trial.get_loss(module(X), target.to(X.device), X=X, training=True)
            loss.backward()
    except Exception as error:
        criterion = type(net.criterion_.loss).__name__
        raise ValueError(
            f"net cannot be trained: a step of its module {type(module).__name__} under the "
            f"criterion {criterion} raises {type(error).__name__}: {error}"
        ) from error
    if all(p.grad is None for p in trainable(module).values()):
        raise ValueError(
            f"net's module {type(module).__name__} cuts its outputs off from all its weights "
            "(detach, no_grad), so it cannot be trained. Set requires_grad=False for what shall "
            "stay as it is."
        )


def device_of(net):
    """Return the device of a net's weights; complain about several."""
    devices = {parameter.device for parameter in net.module_.parameters()}
    if len(devices) > 1:
        raise ValueError(
            f"net's weights lie on several devices, {sorted(map(str, devices))}. Let skorch place "
            "them: net__device='cuda', and no .to(...) inside the module."
        )
    return devices.pop() if devices else torch.device("cpu")


def copied(net):
    """Return a copy of an initialised net; what cannot be copied in its callbacks is shared.

    skorch copies a net by writing and reading it as a file does, which takes many times as long,
    and warns of devices.
    """
    memo = {id(net.module): net.module}
    note_computed(net.module_, memo)
    try:
        parts = copy.deepcopy(vars(net), memo)
    except Exception:
        memo = {id(net.module): net.module}
        note_computed(net.module_, memo)
        _find_shared(vars(net), memo, set())
        parts = copy.deepcopy(vars(net), memo)
    new = object.__new__(type(net))
    vars(new).update(parts)
    for name in net._optimizers:
        _complete(getattr(net, f"{name}_"), getattr(new, f"{name}_"), memo)
    return new


def _complete(optimizer, new, memo):
    """Copy what an optimizer has of its own: torch's copies have what all optimizers have."""
    own = {
        name: value
        for name, value in vars(optimizer).items()
        if name not in vars(new) and not callable(value)
    }
    vars(new).update(copy.deepcopy(own, memo))
    if isinstance(new, torch.optim.LBFGS) and "_params" not in vars(new):
        # One that was read from a file.
        new._params, new._numel_cache = new.param_groups[0]["params"], None
