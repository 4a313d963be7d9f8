"""Derivatives of functions: `grad`, `value_and_grad`, `jacobian` and `hessian`.

`f` is plain code: it takes numbers or nested lists (tuples, dicts, NumPy arrays) of them, uses
operators and ops, and returns a Value, or for `jacobian` nested lists of Values. Inside of `f`, an
array holds Values. A derivative has the nesting of the argument; for an array it is an array. It
is made of floats; or of Values, which can be differentiated again, when an argument holds a Value
or when the call happens inside a function that is being differentiated.
Nothing here reads or writes anyone's `.grad`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from contextvars import ContextVar
from inspect import signature
from typing import Any, TypeAlias

from autograd.graph import expand, topological_order
from autograd.number import number
from autograd.ops import OPS, closed
from autograd.recording import current_recorder, enable_grad
from autograd.value import ByHand, Value, as_value, compute_only

Which: TypeAlias = "int | str | Sequence[int | str]"


def grad(f: Callable[..., Any], argnum: Which = 0) -> Callable[..., Any]:
    """The function that computes the derivative of `f` in one argument, or in several.

    argnum: the argument's number, from 0, or its name; or several of them, as in (0, "bias"),
    then the result is a tuple of as many derivatives.

    grad(lambda x: x**3)(2.0) is 12.0; grad(grad(lambda x: x**3))(2.0) is 12.0 too (6 * x).
    Calling it raises TypeError when `f` does not return one Value.
    """

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return value_and_grad(f, argnum)(*args, **kwargs)[1]

    return gradient


def value_and_grad(f: Callable[..., Any], argnum: Which = 0) -> Callable[..., tuple[Any, Any]]:
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


def jacobian(f: Callable[..., Any], argnum: Which = 0) -> Callable[..., Any]:
    """The function that computes the derivative of each of `f`'s results in each input.

    Its result has the nesting of f's result, with the nesting of the argument inside:
    jacobian(f)(x)[i][j] is d f(x)[i] / d x[j] for a list to a list.
    """

    def matrix(*args: Any, **kwargs: Any) -> Any:
        y, pull, _ = _run(f, argnum, args, kwargs)
        return map_leaves(lambda leaf: pull(_one_value(leaf)), y)

    return matrix


def hessian(f: Callable[..., Any], argnum: Which = 0) -> Callable[..., Any]:
    """The function that computes the second derivatives of `f`: the jacobian of its gradient."""
    return jacobian(grad(f, argnum), argnum)


# --- how: run f on new nodes, then sweep back to exactly these -----------------------------------

# how many functions this thread or task is differentiating right now, one inside the other
_depth: ContextVar[int] = ContextVar("autograd.functional", default=0)


def _run(
    f: Callable[..., Any], argnum: Which, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Callable[[Value], Any], Callable[[Any], Any]]:
    """Call `f` with new nodes in place of the numbers in the chosen arguments. Returns three
    things: its result; a function from one Value of the result to the derivative, nested as the
    argument; and a function that turns a Value into what the caller gets (a float, or a Value).

    Each input is a node of its own, made for this call, even where the argument holds a Value
    of an outer graph (then the new node is its child). So a call inside a function that is being
    differentiated finds its own derivative, and the outer one finds its way through it.
    """
    call: dict[int | str, Any] = dict(enumerate(args))
    call.update(kwargs)
    several = not isinstance(argnum, int | str)
    which = [argnum] if isinstance(argnum, int | str) else argnum
    chosen = [_place(f, one, args, kwargs) for one in which]
    inputs: list[Value] = []
    nested = _depth.get() > 0 or any(isinstance(v, Value) for _, v in leaves_of([*call.values()]))
    recorded = current_recorder() is not compute_only  # no_grad around us must not stop us

    def new_input(x: Any) -> Value:
        inputs.append(OPS["take"](x) if isinstance(x, Value) else Value(x))
        return inputs[-1]

    depth = _depth.set(_depth.get() + 1)
    try:
        with nullcontext() if recorded else enable_grad():
            call |= {place: map_leaves(new_input, call[place]) for place in chosen}
            y = f(*[call[i] for i in range(len(args))], **{name: call[name] for name in kwargs})
    finally:
        _depth.reset(depth)
    arguments = tuple([call[place] for place in chosen])

    def as_result(x: Any) -> Any:
        if not nested:
            return x.data if isinstance(x, Value) else x
        return as_value(x) if recorded else as_value(x).detach()

    def pull(root: Value) -> Any:
        gradients = _gradients(root, inputs, nested and recorded)
        found = map_leaves(lambda v: as_result(gradients.get(v, 0.0)), arguments)
        return found if several else found[0]

    return y, pull, as_result


def _place(f: Any, which: int | str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | str:
    """Where the argument was given: its position in `args`, or its name in `kwargs`."""
    names: list[str] = []
    with suppress(TypeError, ValueError):  # of some built-ins nobody knows the signature
        names = list(signature(f).parameters)
    if isinstance(which, str):
        if which in kwargs:
            return which
        if which in names[: len(args)]:
            return names.index(which)
    elif -len(args) <= which < len(args):
        return which % len(args)
    elif 0 <= which < len(names) and names[which] in kwargs:
        return names[which]
    raise TypeError(
        f"there is no argument {which!r} to differentiate in: the function got {len(args)} by "
        f"position (they count from 0) and {', '.join(kwargs) or 'none'} by name."
    )


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


def map_leaves(g: Callable[[Any], Any], tree: Any) -> Any:
    """`tree`, nested lists, tuples, dicts and NumPy arrays, with g(leaf) for each leaf."""
    if isinstance(tree, list | tuple):
        items = [map_leaves(g, item) for item in tree]
        return items if isinstance(tree, list) else tuple(items)
    if isinstance(tree, dict):
        return {key: map_leaves(g, item) for key, item in tree.items()}
    if _is_array(tree):
        return _array([map_leaves(g, item) for item in tree.flat], tree.shape)
    return g(tree)


def leaves_of(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each leaf of such a tree, with its path: tree[i][j] has the path (i, j)."""
    if isinstance(tree, list | tuple) or _is_array(tree):
        for i, item in enumerate(tree):
            yield from leaves_of(item, (*path, i))
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from leaves_of(item, (*path, key))
    else:
        yield path, tree


def _is_array(x: Any) -> bool:
    return type(x).__module__ == "numpy" and bool(getattr(x, "shape", ()))


def _array(items: list[Any], shape: tuple[int, ...]) -> Any:
    """A NumPy array of floats, or of Values; of arrays of one shape, an array with more axes."""
    import numpy as np

    if items and _is_array(items[0]):
        return np.stack(items).reshape(shape + items[0].shape)
    array = np.empty(len(items), float if all(type(x) is float for x in items) else object)
    array[:] = items
    return array.reshape(shape)


def number_of(x: Any) -> float:
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
