"""`autograd.jit`, the function: programs by signature, in use.

calls.py finds or makes the program for a call, watch.py notices what the program took for granted
and is no longer so; run.py (with store.py, the parameters in one array, and update.py, the
optimiser's rule) and scalar.py are the two back ends. The compiler itself is autograd/jit.
"""

from collections.abc import Callable
from typing import Any

from autograd.compiled.calls import Jitted

__all__ = ["Jitted", "jit"]


def jit(
    fn: Callable[..., Any],
    optimizer: Any = None,
    *,
    backend: str = "numpy",
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Jitted:
    """`fn`, a function of plain scalar code that returns one Value, as an array program.

    Without an optimizer the result is a Value: `loss(model, xs, ys).backward()` fills the same
    `p.grad`. With one, a call is a whole training step, zero_grad, backward and step, on arrays,
    and returns the loss as a float; clip_norm and clip_value clip the gradients before the update,
    as `nn.optim.clip_grad_norm` and `clip_grad_value` do. (A loss that is not finite is returned,
    but nothing is updated.)

    Arguments: floats (also in nested lists, dicts and arrays) are data, ints are data or indices
    for `take`; both may change from call to call. Modules and Values are trained, also those that
    `fn` reaches through its closure. A new shape, or a change of anything else, traces again.

    backend: "numpy", or "python", straight-line scalar code that needs no package.
    Raises TraceError, when called, where `fn` looks at a number, or reads what changes by itself:
    random numbers, iterators, counters. ImportError without NumPy.
    """
    try:
        return Jitted(fn, optimizer, backend, (clip_norm, clip_value))
    except ImportError as error:
        raise ImportError(
            'jit needs NumPy: pip install "glassgrad[jit]"; or say backend="python", which needs '
            f"nothing, but is slower. ({error})"
        ) from error
