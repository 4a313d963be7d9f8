"""glassgrad's network layer: modules, layers, losses and training, on top of `autograd`."""

from nn import init, optim, schedules
from nn.export import from_torch, to_torch
from nn.files import load, save
from nn.film import Film, Watch, watch
from nn.functional import log_softmax, softmax
from nn.layers import *  # noqa: F403  (all layers are public)
from nn.layers import __all__ as _layers
from nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    l1_penalty,
    l2_penalty,
    mae_loss,
    mse_loss,
)
from nn.module import Module
from nn.training import History, fit

__all__ = [
    "Film",
    "History",
    "Module",
    "Watch",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "fit",
    "from_torch",
    "hinge_loss",
    "huber_loss",
    "init",
    "l1_penalty",
    "l2_penalty",
    "load",
    "log_softmax",
    "mae_loss",
    "mse_loss",
    "optim",
    "save",
    "schedules",
    "softmax",
    "watch",
    *_layers,
    "to_torch",
]
