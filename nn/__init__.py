"""glassgrad's network layer: modules, layers, losses and training, on top of `autograd`."""

from nn import init, optim, schedules
from nn.files import load, save
from nn.film import Film, Watch, watch
from nn.layers import MLP, RNN, Conv2d, Dropout, Embedding, Layer, LayerNorm, MaxPool2d, Neuron
from nn.losses import (
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
    "MLP",
    "RNN",
    "Watch",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Film",
    "History",
    "Layer",
    "LayerNorm",
    "MaxPool2d",
    "Module",
    "Neuron",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "fit",
    "hinge_loss",
    "huber_loss",
    "init",
    "l1_penalty",
    "l2_penalty",
    "load",
    "mae_loss",
    "mse_loss",
    "optim",
    "save",
    "schedules",
    "watch",
]
