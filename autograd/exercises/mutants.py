"""Mutants of a source text: each differs from it in one operator, sign, comparison or constant."""

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any

OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.USub: (ast.UAdd,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the mutant's source) for every single change."""
    tree = ast.parse(source)
    for place, node in enumerate(ast.walk(tree)):
        for what, change in _changes(node):
            other = copy.deepcopy(tree)
            twin = list(ast.walk(other))[place]
            change(twin)
            line = getattr(node, "lineno", 0)
            before = source.split("\n")[line - 1].strip() if line else ""
            after = ast.unparse(ast.fix_missing_locations(other))
            yield f"line {line}: {before}  [{what}]", after


Change = tuple[str, Callable[[Any], None]]


def _changes(node: Any) -> Iterator[Change]:
    if isinstance(node, (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.AugAssign)):
        yield from (_operator(node.op, kind) for kind in OPERATORS.get(type(node.op), ()))
    if isinstance(node, ast.AugAssign):
        yield "= for augmented =", _plain_assignment
    if isinstance(node, ast.Compare):
        yield from (_comparison(node.ops[0], kind) for kind in OPERATORS.get(type(node.ops[0]), ()))
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
        yield from (_constant(node.value, value) for value in _near(node.value))


def _operator(old: ast.AST, kind: type[ast.AST]) -> Change:
    return _named(old, kind), lambda node: setattr(node, "op", kind())


def _comparison(old: ast.AST, kind: type[ast.AST]) -> Change:
    return _named(old, kind), lambda node: node.ops.__setitem__(0, kind())


def _constant(old: Any, value: Any) -> Change:
    return f"{old!r} -> {value!r}", lambda node: setattr(node, "value", value)


def _named(old: ast.AST, kind: type[ast.AST]) -> str:
    return f"{type(old).__name__} -> {kind.__name__}"


def _near(value: Any) -> tuple[Any, ...]:
    if isinstance(value, bool):
        return (not value,)
    return (value + 1, -value) if value else (1,)


def _plain_assignment(node: Any) -> None:
    value, target = node.value, node.target
    node.__class__ = ast.Assign
    node._fields = ast.Assign._fields
    node.targets, node.value, node.type_comment = [target], value, None
