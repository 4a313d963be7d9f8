"""glassgrad's engine: scalar reverse-mode automatic differentiation that can be read."""

import autograd.pickling  # noqa: F401  (so that Values can be pickled and deep-copied)
from autograd.diagnose import explain
from autograd.functional import grad, gradcheck, hessian, jacobian, no_grad, value_and_grad
from autograd.graph import topological_order
from autograd.ops import *  # noqa: F403  (the table: exp, log, tanh, ...)
from autograd.ops import __all__ as _ops
from autograd.steps import steps
from autograd.value import Value, dot

__all__ = [
    "Value",
    "dot",
    "explain",
    "grad",
    "gradcheck",
    "hessian",
    "jacobian",
    "no_grad",
    "steps",
    "topological_order",
    "value_and_grad",
    *_ops,
]
