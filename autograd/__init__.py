"""glassgrad's engine: scalar reverse-mode automatic differentiation that can be read."""

from autograd.functional import gradcheck, grad, hessian, jacobian, no_grad, value_and_grad
from autograd.graph import topological_order
from autograd.ops import *  # noqa: F403  (the table: exp, log, tanh, ...)
from autograd.ops import __all__ as _ops
from autograd.value import Value, dot

__all__ = [
    "Value",
    "dot",
    "grad",
    "gradcheck",
    "hessian",
    "jacobian",
    "no_grad",
    "topological_order",
    "value_and_grad",
    *_ops,
]
