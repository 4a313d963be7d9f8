"""glassgrad's engine: scalar reverse-mode automatic differentiation that can be read."""

import gc as _gc

from autograd import pickling as _pickling  # noqa: F401  (Values pickle and deep-copy)
from autograd.diagnose import AnomalyError, detect_anomaly, explain, gradient_health
from autograd.differences import gradcheck
from autograd.draw import draw, name_values, stepper
from autograd.functional import grad, hessian, jacobian, value_and_grad
from autograd.graph import topological_order
from autograd.jit import TraceError, jit  # the function takes the name of its module
from autograd.ops import *  # noqa: F403  (the table: exp, log, tanh, ...)
from autograd.ops import __all__ as _ops
from autograd.recording import enable_grad, no_grad
from autograd.steps import steps
from autograd.value import Value, dot

__all__ = [
    "AnomalyError",
    "TraceError",
    "Value",
    "detect_anomaly",
    "dot",
    "draw",
    "enable_grad",
    "explain",
    "grad",
    "gradcheck",
    "gradient_health",
    "hessian",
    "jacobian",
    "jit",
    "name_values",
    "no_grad",
    "stepper",
    "steps",
    "topological_order",
    "value_and_grad",
    *_ops,
]

if 0 < _gc.get_threshold()[0] < 200_000:  # graphs have no cycles, and looking for some would take
    _gc.set_threshold(200_000, 20, 100)  # half of the time; a user's own higher setting stays
