"""`autograd.jit`, the public door: scalar code as an array program.

The compiler is autograd/compiler, what keeps and runs its programs autograd/runtime.
"""

from collections.abc import Callable
from typing import Any

from autograd.compiler import targets
from autograd.compiler.targets import Target
from autograd.compiler.trace import TraceError
from autograd.runtime.calls import Compiled, Jitted

__all__ = ["Jitted", "TraceError", "jit"]


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
        target = targets.find(backend)
        return Jitted(fn, optimizer, _compiled(target), target, (clip_norm, clip_value))
    except ImportError as error:
        raise ImportError(
            'jit needs NumPy: pip install "glassgrad[jit]"; or say backend="python", which needs '
            f"nothing, but is slower. ({error})"
        ) from error


def _compiled(target: Target) -> type[Compiled]:
    """The programs of that target: in arrays, or one that is made of scalars."""
    if target.stage == "ir":
        from autograd.runtime.run import Arrays

        return Arrays
    from autograd.runtime.scalar import Unrolled

    return Unrolled


def __getattr__(name: str) -> Any:
    """Answers `from autograd.jit import trace`: the compiler was a package of this name."""
    if name in ("trace", "kinds", "patterns", "code", "lower"):
        raise ImportError(f"the compiler's stages are in autograd.compiler now, {name} too.")
    raise AttributeError(f"module 'autograd.jit' has no attribute {name!r}")


jit.TraceError = TraceError  # type: ignore[attr-defined]  # `autograd.jit` is the function
