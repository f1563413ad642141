"""Networks: the multilayer perceptron, its names, and where a network's representation is read."""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn

_ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "identity": nn.Identity,
}

# Names of networks: what is handed to MLP.
NAMED_NETWORKS = {
    "none": {"hidden_units": ()},
    "linear": {"hidden_units": (64,), "activation": "identity"},
    "tiny_mlp": {"hidden_units": (64,)},
    "small_mlp": {"hidden_units": (128, 128)},
    "large_mlp": {"hidden_units": (256, 256, 256)},
    "deep_mlp": {"hidden_units": (64,) * 7},
}


class MLP(nn.Module):
    """Multilayer perceptron.

    The output layer starts at zero: before it has learnt, the network says of every arm that it
    pays what all rounds paid on average, and no arm is ahead by the luck of its initial weights.

    Parameters
    ----------
    n_inputs : int
        Number of features.
    n_outputs : int
        Number of arms, or 1 where arms have features of their own.
    hidden_units : tuple of int, default=(128, 128)
        Width of each hidden layer. None of them: a linear model.
    activation : {"relu", "tanh", "sigmoid", "gelu", "identity"}, default="relu"
    residual : bool, default=False
        Add to what each hidden layer after the first puts out what it was given. All hidden layers
        must then have one width, so that it is clear which unit is added to which.
    dropout : float in [0, 1), default=0.0
        Share of hidden units that are left out while training.

    Examples
    --------
    >>> import torch
    >>> from skbandit.neural import MLP
    >>> MLP(3, 2, hidden_units=(8,))(torch.ones(4, 3)).shape
    torch.Size([4, 2])
    """

    def __init__(
        self,
        n_inputs,
        n_outputs=1,
        hidden_units=(128, 128),
        activation="relu",
        residual=False,
        dropout=0.0,
    ):
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {sorted(_ACTIVATIONS)}, got {activation!r}."
            )
        hidden_units = tuple(int(width) for width in hidden_units)
        if any(width < 1 for width in hidden_units):
            raise ValueError(f"hidden_units must be positive, got {hidden_units}.")
        if residual and len(set(hidden_units)) > 1:
            raise ValueError(
                "residual=True needs hidden layers of one width, so that it is clear which unit "
                f"is added to which; got hidden_units={hidden_units}."
            )
        widths = (n_inputs, *hidden_units)
        self.residual = residual
        self.activation_name = activation
        self.activation = _ACTIVATIONS[activation]()
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.ModuleList()
        for before, after in pairwise(widths):
            layer = nn.Linear(before, after)
            # Variance 2 / fan_in keeps the scale of ReLU layers (He et al. 2015).
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
            self.hidden.append(layer)
        # Last, so that more arms leave the hidden layers' random weights as they are.
        self.output = nn.Linear(widths[-1], n_outputs)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def represent(self, X):
        """Return the last hidden representation.

        Parameters
        ----------
        X : tensor
            The inputs, the first axis counts them.

        Returns
        -------
        hidden : tensor of shape (n_samples, n_units)
        """
        for depth, layer in enumerate(self.hidden):
            out = self.dropout(self.activation(layer(X)))
            X = X + out if self.residual and depth > 0 else out
        return X

    def forward(self, X):
        """Return the outputs.

        Parameters
        ----------
        X : tensor
            The inputs, the first axis counts them.

        Returns
        -------
        outputs : tensor of shape (n_samples, n_outputs)
        """
        return self.output(self.represent(X))


class TextEncoder(nn.Module):
    """A Hugging Face encoder of token ids with a linear output; needs the extra ``text``.

    Parameters
    ----------
    n_inputs : int
        Tokens a text, padding included; not used beyond the check of the input.
    n_outputs : int
    pretrained : str, default="bert-base-uncased"
        Name or folder of the encoder.
    config : transformers configuration, default=None
        Build an untrained encoder of this configuration and load nothing.
    trainable : bool, default=True
        False keeps the encoder as it is and trains the output alone.
    """

    # Token ids are names, not numbers: no bandit may centre or scale them.
    raw_inputs = True

    def __init__(
        self, n_inputs, n_outputs=1, pretrained="bert-base-uncased", config=None, trainable=True
    ):
        super().__init__()
        try:
            from transformers import AutoModel
        except ImportError as error:
            raise ImportError(
                "net='bert' needs transformers: pip install skbandit[text].", name="transformers"
            ) from error
        self.encoder = (
            AutoModel.from_pretrained(pretrained)
            if config is None
            else AutoModel.from_config(config)
        )
        self.padding = self.encoder.config.pad_token_id or 0
        for parameter in self.encoder.parameters():
            parameter.requires_grad_(trainable)
        self.output = nn.Linear(self.encoder.config.hidden_size, n_outputs)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def represent(self, X):
        """Return the mean of the last layer over the tokens that are no padding."""
        tokens = X.long()
        mask = (tokens != self.padding).to(self.output.weight.dtype)
        hidden = self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
        total = mask.sum(dim=1, keepdim=True).clamp(min=1)
        return (hidden * mask[:, :, None]).sum(dim=1) / total

    def forward(self, X):
        """Return the outputs.

        Parameters
        ----------
        X : tensor
            The inputs, the first axis counts them.

        Returns
        -------
        outputs : tensor of shape (n_samples, n_outputs)
        """
        return self.output(self.represent(X))


def linear_layers(module):
    """Return the module's linear layers, in the order in which they were defined."""
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)]


def plain_layers(module):
    """Return the linear layers that are nothing more: a weight, a bias and their product."""
    return [
        layer
        for layer in linear_layers(module)
        if type(layer) is nn.Linear
        and set(dict(layer.named_parameters())) <= {"weight", "bias"}
        and not layer._forward_pre_hooks
    ]


def is_plain_mlp(module):
    """Say whether a module is an :class:`MLP` as its constructor made it.

    What is written out for perceptrons holds for these alone: a user may have put in another
    activation, other layers, hooks or reparametrised weights.
    """
    if type(module) is not MLP or type(module.activation) is not _ACTIVATIONS.get(
        module.activation_name
    ):
        return False
    layers = [*module.hidden, module.output]
    names = [f"hidden.{depth}" for depth in range(len(module.hidden))] + ["output"]
    expected = [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]
    parts = list(module.modules())
    return (
        len(plain_layers(module)) == len(layers) == len(linear_layers(module))
        and [name for name, _ in module.named_parameters()] == expected
        and len(parts) == 4 + len(layers)
        and not any(_is_hooked(part) for part in parts)
        and getattr(module.activation, "approximate", "none") == "none"
    )


def _is_hooked(part):
    return bool(part._forward_hooks or part._forward_pre_hooks or part._backward_hooks)


class Call(NamedTuple):
    """A call of a linear layer."""

    layer: nn.Linear
    given: torch.Tensor
    put_out: torch.Tensor


def called_layers(module, X):
    """Return the calls of a module's linear layers, in their order, and its answer.

    Parameters
    ----------
    module : torch.nn.Module
    X : tensor of shape (n_samples, ...)

    Returns
    -------
    calls : list of Call
    outputs : tensor
    """
    calls = []

    def note(layer, inputs, out):
        # What follows may write to either.
        calls.append(Call(layer, inputs[0].clone(), out.clone()))

    # Before hooks of the module's own, which may change what the layer puts out.
    hooks = [layer.register_forward_hook(note, prepend=True) for layer in linear_layers(module)]
    try:
        outputs = module(X.clone())
    finally:
        for hook in hooks:
            hook.remove()
    return calls, outputs


def represent(module, X):
    """Return the input of a module's output layer: the last hidden representation.

    A module may say itself what that is, by a method ``represent``; of any other, it is what the
    ``torch.nn.Linear`` layer that is called last is given.

    Parameters
    ----------
    module : torch.nn.Module
    X : tensor of shape (n_samples, ...)

    Returns
    -------
    representation : tensor of shape (n_samples, n_units)
    """
    if hasattr(module, "represent"):
        hidden = module.represent(X)
        if not torch.is_tensor(hidden) or hidden.ndim < 2 or len(hidden) != len(X):
            what = tuple(hidden.shape) if torch.is_tensor(hidden) else type(hidden).__name__
            raise ValueError(
                f"The method represent of net's module {type(module).__name__} must return a "
                f"tensor of shape (n_samples, n_units), got {what} for {len(X)} rows."
            )
        return hidden
    calls, _ = called_layers(module, X)
    if not calls:
        raise ValueError(
            f"net's module {type(module).__name__} calls no torch.nn.Linear layer whose input "
            "could be its last hidden representation. Give it a method represent(X) that returns "
            "it, of shape (n_samples, n_units)."
        )
    return calls[-1].given.reshape(len(X), -1)
