"""glassgrad's engine: scalar reverse-mode automatic differentiation that can be read."""

from autograd.graph import topological_order
from autograd.ops import *  # noqa: F403  (the table: exp, log, tanh, ...)
from autograd.ops import __all__ as _ops
from autograd.value import Value, dot

__all__ = ["Value", "dot", "topological_order", *_ops]
