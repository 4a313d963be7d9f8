"""Small faults put into a function: a dropped term, swapped operands, a wrong axis, sign or number.

`mutants(function)` gives each such version of it, with a description. Tests demand that one of them
dies for each: whatever survives is a fault that nobody would notice.
"""

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

SIGNS = {"+": "-", "-": "+", "*": "/", "/": "*", "sum": "max", "!=": "=="}
PAIRS = ((ast.Eq, ast.NotEq), (ast.Lt, ast.GtE), (ast.Gt, ast.LtE), (ast.Is, ast.IsNot))
COMPARISONS = {**dict(PAIRS), **{b: a for a, b in PAIRS}, ast.In: ast.NotIn, ast.NotIn: ast.In}


class Mutant(NamedTuple):
    description: str  # what became of which line
    function: Callable[..., Any]


def mutants(function: Callable[..., Any]) -> Iterator[Mutant]:
    """Each changes one place of the function's body."""
    source = textwrap.dedent(inspect.getsource(function))
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.FunctionDef)
    tree.decorator_list = []
    for i, node in enumerate(ast.walk(tree)):
        for k, changed in enumerate(changes(node)):
            other = copy.deepcopy(tree)
            target = list(ast.walk(other))[i]
            list(changes(target))[k].apply()
            before, after = ast.unparse(target_of(tree, i)), ast.unparse(target)
            if before != after:
                what = f"{function.__name__}: {before}  ->  {after} ({changed.what})"
                yield Mutant(what, compiled(other, function))


def target_of(tree: ast.AST, i: int) -> ast.AST:
    return list(ast.walk(tree))[i]


def compiled(tree: ast.FunctionDef, function: Callable[..., Any]) -> Callable[..., Any]:
    """It sees the names that the function sees, also those that a test has replaced."""
    module = ast.fix_missing_locations(ast.Module([tree], []))
    found: dict[str, Any] = {}
    exec(compile(module, f"<mutant of {function.__name__}>", "exec"), function.__globals__, found)
    mutant: Callable[..., Any] = found[tree.name]
    return mutant


class Change(NamedTuple):
    what: str
    apply: Callable[[], None]


def changes(node: ast.AST) -> Iterator[Change]:
    """What can be changed at this node, in place."""
    if isinstance(node, ast.Constant):
        yield from of_constant(node)
    if isinstance(node, ast.Call):
        commutes = isinstance(node.args[:1] and node.args[0], ast.Constant) and (
            node.args[0].value in ("*", "+")
        )
        for i, (a, b) in enumerate(zip(node.args, node.args[1:])):
            if same_kind(a, b) and not commutes:
                yield Change("swapped", lambda i=i: swap(node.args, i))
    if isinstance(node, ast.Tuple) and len(node.elts) == 2 and same_kind(*node.elts):
        yield Change("swapped", lambda: swap(node.elts, 0))
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        opposite = COMPARISONS[type(node.ops[0])]
        yield Change("opposite", lambda: node.ops.__setitem__(0, opposite()))
    if isinstance(node, ast.BoolOp):
        yield Change("and, or", lambda: setattr(node, "op", other_bool(node.op)))
        yield Change("only the first", lambda: become(node, node.values[0]))
        yield Change("without the first", lambda: become(node, rest_of(node)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield Change("dropped not", lambda: become(node, node.operand))
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        sign = ast.Sub if isinstance(node.op, ast.Add) else ast.Add
        yield Change("sign", lambda: setattr(node, "op", sign()))
    if isinstance(node, ast.IfExp):
        yield Change("always the first", lambda: setattr(node, "test", ast.Constant(True)))
        yield Change("always the second", lambda: setattr(node, "test", ast.Constant(False)))
    if isinstance(node, ast.Yield):
        nothing = ast.Call(ast.Name("iter", ast.Load()), [ast.Tuple([], ast.Load())], [])
        yield Change("dropped term", lambda: become(node, ast.YieldFrom(nothing)))


def of_constant(node: ast.Constant) -> Iterator[Change]:
    x = node.value
    if isinstance(x, bool):
        yield Change("flipped", lambda: setattr(node, "value", not x))
    elif isinstance(x, (int, float)):
        yield Change("one more", lambda: setattr(node, "value", x + 1))
    elif x in SIGNS:
        yield Change("sign", lambda: setattr(node, "value", SIGNS[x]))


def same_kind(a: ast.expr, b: ast.expr) -> bool:
    """Operands that might be mistaken for each other: not a name and a tuple."""
    return isinstance(a, (ast.Name, ast.Attribute, ast.Call, ast.UnaryOp)) and isinstance(
        b, (ast.Name, ast.Attribute, ast.Call, ast.UnaryOp)
    )


def swap(items: list[Any], i: int) -> None:
    items[i], items[i + 1] = items[i + 1], items[i]


def other_bool(op: ast.boolop) -> ast.boolop:
    return ast.Or() if isinstance(op, ast.And) else ast.And()


def rest_of(node: ast.BoolOp) -> ast.expr:
    rest = node.values[1:]
    return rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def become(node: Any, other: Any) -> None:
    node.__class__ = other.__class__
    node.__dict__ = dict(other.__dict__)
