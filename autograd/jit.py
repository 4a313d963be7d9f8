"""`autograd.jit`, the public door: scalar code as an array program.

The compiler is autograd/compiler, what keeps and runs its programs autograd/runtime.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from autograd.compiler import targets
from autograd.compiler.targets import Target
from autograd.compiler.trace import TraceError
from autograd.runtime.calls import Compiled, Jitted

__all__ = ["Jitted", "TraceError", "jit"]


def _decorator() -> None:
    """Stands for the function that is to come: @jit() and @jit(backend=...) are above it."""


def jit(
    fn: Callable[..., Any] = _decorator,
    optimizer: Any = None,
    *,
    backend: str = "numpy",
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Any:
    """`fn`, a function of plain scalar code that returns one Value, as an array program.

    Without an optimizer the result is a Value: `loss(model, xs, ys).backward()` fills the same
    `p.grad`. With one, a call is a whole training step, zero_grad, backward and step, on arrays,
    and returns the loss as a float; clip_norm and clip_value clip the gradients before the update,
    as `nn.optim.clip_grad_norm` and `clip_grad_value` do. (After a loss that is not finite, no
    update is made.) As a decorator, of methods too: `@jit`, or `@jit(backend="python")`.

    Arguments: floats (also in nested lists, dicts, data classes and arrays) are data, ints are data
    or indices for `take`; both may change from call to call. Modules and Values are trained, also
    those that `fn` reaches through its closure. A new shape, or a change of anything else, traces
    again.

    The first call runs `fn` plainly, compiles it, and compares the two; at the 2nd, 4th, 8th, ...
    call of a program `fn` runs beside it, unseen (from the 64th on, where a run of `fn` computes
    more than a million products and sums).

    backend: "numpy"; "native", loops in machine code (extra `native`: llvmlite), the fastest where
    calls cost more than arithmetic; "jax", compiled by XLA (extra `jax`); or "python",
    straight-line scalar code that needs no package.
    Raises TraceError, when called, where `fn` looks at a number, reads what changes by itself
    (random numbers, iterators, clocks), or changes anything itself. What plain code raises, it
    raises, too. ImportError, with what to install, if the backend's package is missing; TypeError
    and ValueError for arguments of jit's own.
    """
    if fn is _decorator:
        return partial(
            jit,
            optimizer=optimizer,
            backend=backend,
            clip_norm=clip_norm,
            clip_value=clip_value,
        )
    _check(fn, optimizer, {"clip_norm": clip_norm, "clip_value": clip_value})
    return jitted(fn, optimizer, backend, (clip_norm, clip_value))


def jitted(
    fn: Any, optimizer: Any = None, backend: str = "numpy", clip: tuple[Any, Any] = (None, None),
    plain: Callable[[Any], Any] | None = None,
) -> Jitted:  # fmt: skip
    """The same without checks. plain: see `Jitted`."""
    target = targets.find(backend)
    return Jitted(fn, optimizer, _compiled(target), target, clip, plain)


def _check(fn: Any, optimizer: Any, clips: dict[str, Any]) -> None:
    """Raise TypeError or ValueError, with the fix, for what can't be meant."""
    if isinstance(fn, property | classmethod):
        raise TypeError(f"@jit belongs below @{type(fn).__name__}, next to the function itself.")
    if fn is None:
        raise TypeError(
            "jit takes a function, but got None: write jit(loss), or @jit(backend=...) above it. "
            "(A function that makes functions must return one.)"
        )
    if not callable(fn):
        raise TypeError(
            f"jit takes a function, but this is of type {type(fn).__name__}: {fn!r:.60}"
        )
    if optimizer is not None and not hasattr(optimizer, "params"):
        raise TypeError(
            f"the optimizer is one of nn.optim, such as nn.optim.SGD(model.parameters(), lr=0.1), "
            f"but this is of type {type(optimizer).__name__}: {optimizer!r:.60}"
        )
    for name, limit in clips.items():
        if limit is not None and optimizer is None:
            raise ValueError(f"{name} clips the gradients of a training step: give an optimizer.")
        if limit is not None and not limit > 0:
            raise ValueError(f"{name} is a positive number, but got {limit!r}.")


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
