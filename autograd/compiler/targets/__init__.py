"""The languages that a program can be printed in, by name: `TARGETS`.

A target prints, once and at the end, what the stages before have decided. Nothing reads its text
but the language's own compiler. To add one, `register` it; nothing else has to know.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple

STAGES = ("trace", "ir")
BUILT_IN = ("jax", "native", "numpy", "python")  # modules here, imported when they are asked for

EXTRAS = {  # what to install for a package that is missing, and what to do without it
    "numpy": ("jit", 'or say backend="python", which needs nothing, but is slower'),
    "jax": ("jax", 'backend="numpy" and "native" do the same on one processor'),
    "llvmlite": ("native", 'where it has no wheel, backend="numpy" does the same, slower'),
}


class Printed(NamedTuple):
    """source: the text. operations: how many it has.

    make: called with the parameters' array P and G, where their gradient is to be written, it
    gives `step`; that one, called with the inputs, is a generator, which yields the loss, and then
    a list of the gradients of all other Values. Of a trace, `make` is `step`: P is an argument, a
    list of the numbers of the `parameters`, and their gradients come first in the list.
    """

    source: str
    make: Callable[..., Any]
    operations: int
    parameters: Sequence[Any] = ()


@dataclass(frozen=True)
class Target:
    """stage: what it prints, the "ir" of a program, or its "trace", a line for each scalar node.
    emit: that, and the functions of the runtime that the text may call, give what was printed.
    emit_update: a block with an optimizer's rule and the names of its states give (source, update);
    without it NumPy makes the update."""

    name: str
    stage: str
    emit: Callable[[Any, Mapping[str, Any]], Printed]
    emit_update: Callable[[Any, list[str]], tuple[str, Callable[..., None]]] | None = None


TARGETS: dict[str, Target] = {}


def register(target: Target) -> Target:
    """From now on `jit(f, backend=target.name)` uses it. ValueError for another stage."""
    if target.stage not in STAGES:
        raise ValueError(f"a target prints the trace or the ir, not {target.stage!r}")
    TARGETS[target.name] = target
    return target


def find(name: str) -> Target:
    """The target of that name. ValueError if there is none; ImportError if its package is not."""
    if name in BUILT_IN and name not in TARGETS:
        _import(name).install(register)
    if name not in TARGETS:
        known = ", ".join(map(repr, sorted({*BUILT_IN, *TARGETS})))
        raise ValueError(f"there is no backend {name!r}: there are {known}.")
    return TARGETS[name]


def _import(name: str) -> Any:
    """The module of a target; if the package that it needs is missing, what to install."""
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        extra, instead = EXTRAS[error.name]
        raise ImportError(
            f'backend={name!r} needs {error.name}: pip install "glassgrad[{extra}]"; {instead}.'
        ) from error
