"""Derivatives of functions: `grad`, `value_and_grad`, `jacobian`, `hessian`, and `gradcheck`.

`f` is plain code: it takes numbers or nested lists (or tuples) of them, uses operators and ops,
and returns a Value, or for `jacobian` nested lists of Values. A derivative has the nesting of
the argument. It is made of floats; or of Values, which can be differentiated again, when an
argument holds a Value or when the call happens inside a function that is being differentiated.
Nothing here reads or writes anyone's `.grad`.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from autograd.graph import expand, topological_order
from autograd.number import number
from autograd.ops import OPS, closed
from autograd.recording import current_recorder, enable_grad, no_grad
from autograd.value import ByHand, Value, as_value, compute_only


def grad(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """The function that computes the derivative of `f` in its argument number `argnum`.

    grad(lambda x: x**3)(2.0) is 12.0; grad(grad(lambda x: x**3))(2.0) is 12.0 too (6 * x).
    Calling it raises TypeError when `f` does not return one Value.
    """

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return value_and_grad(f, argnum)(*args, **kwargs)[1]

    return gradient


def value_and_grad(f: Callable[..., Any], argnum: int = 0) -> Callable[..., tuple[Any, Any]]:
    """Like `grad`, but the function returns the pair (f's value, its derivative)."""

    def both(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        y, pull, as_result = _run(f, argnum, args, kwargs)
        if isinstance(y, list | tuple):
            raise TypeError(
                f"grad needs one Value from the function, but it returned {len(y)} in a "
                f"{type(y).__name__}. For the derivatives of each, use autograd.jacobian(f); "
                "for those of their sum, return autograd.sum(values)."
            )
        derivative = pull(_one_value(y))
        return as_result(y), derivative

    return both


def jacobian(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """The function that computes the derivative of each of `f`'s results in each input.

    Its result has the nesting of f's result, with the nesting of the argument inside:
    jacobian(f)(x)[i][j] is d f(x)[i] / d x[j] for a list to a list.
    """

    def matrix(*args: Any, **kwargs: Any) -> Any:
        y, pull, _ = _run(f, argnum, args, kwargs)
        return _map(lambda leaf: pull(_one_value(leaf)), y)

    return matrix


def hessian(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """The function that computes the second derivatives of `f`: the jacobian of its gradient."""
    return jacobian(grad(f, argnum), argnum)


# --- how: run f on new nodes, then sweep back to exactly these -----------------------------------

# how many functions this thread or task is differentiating right now, one inside the other
_depth: ContextVar[int] = ContextVar("autograd.functional", default=0)


def _run(
    f: Callable[..., Any], argnum: int, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Callable[[Value], Any], Callable[[Any], Any]]:
    """Call `f` with new nodes in place of the numbers in args[argnum]. Returns three things:
    its result; a function from one Value of the result to the derivative, nested as the
    argument; and a function that turns a Value into what the caller gets (a float, or a Value).

    Each input is a node of its own, made for this call, even where the argument holds a Value
    of an outer graph (then the new node is its child). So a call inside a function that is being
    differentiated finds its own derivative, and the outer one finds its way through it.
    """
    call = list(args)
    inputs: list[Value] = []
    nested = _depth.get() > 0 or any(isinstance(leaf, Value) for _, leaf in _leaves(call))
    recorded = current_recorder() is not compute_only  # no_grad around us must not stop us

    def new_input(x: Any) -> Value:
        inputs.append(OPS["take"](x) if isinstance(x, Value) else Value(x))
        return inputs[-1]

    depth = _depth.set(_depth.get() + 1)
    try:
        with nullcontext() if recorded else enable_grad():
            call[argnum] = argument = _map(new_input, call[argnum])
            y = f(*call, **kwargs)
    finally:
        _depth.reset(depth)

    def as_result(x: Any) -> Any:
        if not nested:
            return x.data if isinstance(x, Value) else x
        return as_value(x) if recorded else as_value(x).detach()

    def pull(root: Value) -> Any:
        gradients = _gradients(root, inputs, nested and recorded)
        return _map(lambda v: as_result(gradients.get(v, 0.0)), argument)

    return y, pull, as_result


def _gradients(root: Value, inputs: list[Value], differentiable: bool) -> dict[Value, Any]:
    """d(root)/d(node) of the inputs (those that root depends on). `differentiable`: as Values,
    from the same rows of the table, so that they can be differentiated again."""
    ends = set(inputs)
    if differentiable:
        expand(root)
    order = topological_order(root, parents=lambda v: () if v in ends else v.parents)
    between = set(inputs)  # the nodes that depend on the inputs: the only ones worth visiting
    for v in order:
        if not (v in ends or between.isdisjoint(v.parents)):
            between.add(v)
    gradients: dict[Value, Any] = {root: 1.0}
    for child in reversed(order):
        if child in between and child not in ends:
            upstream = gradients.pop(child, 0.0)  # 0.0: its children were closed gates
            partials = _slopes(child) if differentiable else child.partials
            for parent, partial in zip(child.parents, partials):
                if parent in between and not closed(child.op, partial):
                    gradients[parent] = gradients.get(parent, 0) + partial * upstream
    return gradients


def _slopes(v: Value) -> tuple[Any, ...]:
    """The partials of `v` as Values, from the table, for derivatives of derivatives."""
    if v.op not in OPS or isinstance(v, ByHand):
        raise TypeError(
            f"the node {v!r} was made by hand, so its derivative is known as a number only and "
            "can't be differentiated again: make it an op, with autograd.register_op."
        )
    slopes: tuple[Any, ...] = OPS[v.op].partials(v, *v.parents)
    return slopes


def _map(g: Callable[[Any], Any], tree: Any) -> Any:
    """`tree`, nested lists and tuples, with g(leaf) in place of each leaf."""
    if isinstance(tree, list | tuple):
        items = [_map(g, item) for item in tree]
        return items if isinstance(tree, list) else tuple(items)
    return g(tree)


def _leaves(tree: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Each leaf of nested lists and tuples, with its path: tree[i][j] has the path (i, j)."""
    if isinstance(tree, list | tuple):
        for i, item in enumerate(tree):
            yield from _leaves(item, (*path, i))
    else:
        yield path, tree


def _data(x: Any) -> float:
    return x.data if isinstance(x, Value) else number(x)


def _one_value(y: Any) -> Value:
    if isinstance(y, Value):
        return y
    if y is None:
        raise TypeError(
            "the function returned None, so there is nothing to differentiate. "
            "Most likely its `return` is missing."
        )
    raise TypeError(
        f"the function returned {y!r:.60}, a {type(y).__name__} and not a Value: it does not "
        "depend on the inputs, or the graph got lost on the way. Compute with the arguments "
        "themselves, not with .data or math; for a constant on purpose, return Value(number)."
    )


# --- gradcheck -----------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class GradcheckReport:
    """What `gradcheck` found; true (as in `assert`) when every derivative is right.

    input, output: where the worst derivative is (inputs[i][j] has the path (i, j)).
    analytic, numeric: what backpropagation says there, and what finite differences say.
    error: |analytic - numeric| / max(1, |analytic|, |numeric|). allowed: how much may be.
    count: how many derivatives were compared.
    """

    ok: bool
    input: tuple[int, ...]
    output: tuple[int, ...]
    analytic: float
    numeric: float
    error: float
    allowed: float
    count: int

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        place = "inputs" + "".join(f"[{i}]" for i in self.input)
        if self.output:
            place += " of output" + "".join(f"[{i}]" for i in self.output)
        numbers = (
            f"backpropagation says {self.analytic:.6g}, finite differences say "
            f"{self.numeric:.6g} (error {self.error:.1e}, allowed {self.allowed:.1e})"
        )
        if self.ok:
            return f"gradcheck passed, {self.count} compared; the worst, at {place}: {numbers}"
        return f"gradcheck FAILED at {place}: {numbers}"


def gradcheck(
    f: Callable[..., Any], inputs: Any, tolerance: float = 1e-6, raises: bool = False
) -> GradcheckReport:
    """Compare the derivatives of f(*inputs) with central finite differences.

    inputs: the list of f's arguments, each a number or nested lists of numbers (a single number
    may stand alone): gradcheck(f, [1.0, 2.0]) calls f(1.0, 2.0), gradcheck(f, [[1.0, 2.0]])
    calls f([1.0, 2.0]). f returns a Value or nested lists of them. raises: AssertionError with
    the report when a derivative is wrong. At a kink (relu at 0) the two rightly disagree, and
    where f is not finite the check fails: choose another point.
    """
    arguments = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    arguments = _map(_data, arguments)
    exact = dict(_leaves(jacobian(lambda xs: f(*xs))(arguments)))  # by output path + input path
    paths = [path for path, _ in _leaves(arguments)]
    if not paths:
        raise ValueError("gradcheck needs at least one number among the inputs: there is none.")

    def outputs(at: tuple[int, ...], x: float) -> list[tuple[tuple[int, ...], float]]:
        shifted = iter(paths)
        moved = _map(lambda old: Value(x if next(shifted) == at else old), arguments)
        with no_grad():
            return [(path, _data(y)) for path, y in _leaves(f(*moved))]

    numeric: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[float, float]] = {}
    for path, x in _leaves(arguments):
        # The error of a central difference is about h**2 from the curve and eps / h from
        # rounding: h = cbrt(eps) balances the two.
        h = sys.float_info.epsilon ** (1 / 3) * max(1.0, abs(x))
        for (where, above), (_, below) in zip(outputs(path, x + h), outputs(path, x - h)):
            noise = 4 * sys.float_info.epsilon * max(abs(above), abs(below)) / h
            numeric[where, path] = ((above - below) / ((x + h) - (x - h)), noise)

    reports = []
    for (where, path), (slope, noise) in numeric.items():
        found = _data(exact[where + path])
        scale = max(1.0, abs(found), abs(slope))
        error, allowed = abs(found - slope) / scale, tolerance + noise / scale
        ok = error <= allowed  # False for NaN
        reports.append(GradcheckReport(ok, path, where, found, slope, error, allowed, len(numeric)))
    worst = max(reports, key=lambda r: (not r.ok, r.error != r.error, r.error))
    if raises and not worst.ok:
        raise AssertionError(repr(worst))
    return worst
