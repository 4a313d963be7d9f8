"""glassgrad's engine: scalar reverse-mode automatic differentiation that can be read."""

import gc as _gc

from autograd import pickling as _pickling  # noqa: F401  (Values pickle and deep-copy)
from autograd.custom import register_op
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
    "register_op",
    "stepper",
    "steps",
    "topological_order",
    "value_and_grad",
    *_ops,
]

# Graphs have no cycles, and looking for some would take half of the time. A setting that is not
# the interpreter's own (3.10 to 3.12; from 3.13 on) is somebody's, and stays.
if _gc.get_threshold() in {(700, 10, 10), (2000, 10, 10), (2000, 10, 0)}:
    _gc.set_threshold(200_000, 20, 100)
