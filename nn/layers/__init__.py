"""Layers: modules that compute, from neurons up.

Data are plain lists of Values or numbers, one example at a time: a vector is a list, an image a
list of channels, each a list of rows. A forward pass uses operators and ops only, and never looks
at a number, so `autograd.jit` can run it on symbols.

All layers with weights take `init=` (see `nn.init`; by default Kaiming's uniform spread with the
activation's gain; biases start at 0) and `rng=`, a `random.Random` to draw from, or a seed.
Without `rng`, Python's own generator seeds the layer: `random.seed(0)` makes a model repeatable.
"""

from nn.layers.containers import ModuleDict, ModuleList, Sequential
from nn.layers.dense import MLP, Layer, Neuron
from nn.layers.image import AvgPool2d, Conv2d, Flatten, MaxPool2d
from nn.layers.normal import BatchNorm1d, Dropout, LayerNorm
from nn.layers.sequence import GRU, LSTM, RNN, Embedding

__all__ = [
    "GRU",
    "LSTM",
    "MLP",
    "RNN",
    "AvgPool2d",
    "BatchNorm1d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "Layer",
    "LayerNorm",
    "MaxPool2d",
    "ModuleDict",
    "ModuleList",
    "Neuron",
    "Sequential",
]
