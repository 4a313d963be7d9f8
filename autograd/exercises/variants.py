"""A solution with one thing wrong, and what that is, in words.

For the diagnosis of an answer that no known mistake explains: the variant that gives the same
numbers says where to look. They are more than the mutants with which laws are tested, since they
are made of what people do: a factor left out, the other operand, a step left out or moved.
"""

import ast
import copy
from collections.abc import Callable, Collection, Iterator
from typing import Any

from autograd.exercises.mutants import OPERATORS

SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//",
    ast.Mod: "%", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==",
    ast.NotEq: "!=", ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
    ast.And: "and", ast.Or: "or", ast.USub: "-", ast.UAdd: "+",
}  # fmt: skip
LONGEST = 60  # characters of code that are quoted

Edit = Callable[[Any, Any], Any]  # (node, its parent in the copy) -> what stands there instead
Change = tuple[str, Edit]


def variants(source: str, lines: Collection[int]) -> Iterator[tuple[str, str]]:
    """(what is wrong, the whole source) for every variant that differs in one of these lines."""
    tree = ast.parse(source)
    for body, place in _functions(tree.body):
        function = body[place]
        for i, node in enumerate(ast.walk(function)):
            first = getattr(node, "lineno", function.lineno)
            if not any(n in lines for n in range(first, getattr(node, "end_lineno", first) + 1)):
                continue
            for words, edit in _changes(node):
                body[place] = copy.deepcopy(function)
                _put(body, list(ast.walk(body[place]))[i], edit)
                yield words, ast.unparse(ast.fix_missing_locations(tree))
                body[place] = function


def _functions(body: list[Any]) -> Iterator[tuple[list[Any], int]]:
    """Where the outermost functions stand: of the module and of its classes."""
    for i, statement in enumerate(body):
        if isinstance(statement, ast.FunctionDef):
            yield body, i
        elif isinstance(statement, ast.ClassDef):
            yield from _functions(statement.body)


def _put(body: list[Any], old: ast.AST, edit: Edit) -> None:
    """Put what `edit` makes of the node in its place."""
    for parent in ast.walk(ast.Module(body, [])):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, edit(old, parent))
                return
            if isinstance(value, list) and any(item is old for item in value):
                i = next(i for i, item in enumerate(value) if item is old)
                new = edit(old, parent)
                value[i : i + 1] = new if isinstance(new, list) else [new]
                return


def _changes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp):
        yield from _of_an_operation(node)
    if isinstance(node, ast.AugAssign):
        yield from _of_an_addition(node)
    if isinstance(node, ast.Compare):
        yield from _of_a_comparison(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield f"the minus sign of {_quoted(node)} is missing", lambda n, _: n.operand
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from _of_a_number(node)
    if isinstance(node, ast.Call):
        yield from _of_a_call(node)
    if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.ctx, ast.Load):
        yield f"the two parts of {_quoted(node)} are exchanged", _exchange_elements
    if isinstance(node, (ast.FunctionDef, ast.For, ast.While)):
        yield from _of_a_block(node)
    if isinstance(node, ast.FunctionDef):
        yield from _of_the_names(node)
        yield from _of_the_attributes(node)


def _of_an_operation(node: ast.BinOp) -> Iterator[Change]:
    where = _quoted(node)
    for kind in OPERATORS.get(type(node.op), ()):
        sign, right = SIGNS[kind], SIGNS[type(node.op)]
        yield f"`{sign}` stands where `{right}` belongs, in {where}", _operator(kind)
    yield f"{_quoted(node.right)} is missing in {where}", lambda n, _: n.left
    if not isinstance(node.op, (ast.Div, ast.Pow)):
        yield f"{_quoted(node.left)} is missing in {where}", lambda n, _: n.right
    if isinstance(node.op, ast.Mult):
        for side in ("left", "right"):
            yield f"{_quoted(getattr(node, side))} comes in twice in {where}", _twice(side)
    if isinstance(node.op, ast.Div):
        for kind in (ast.Sub, ast.Add):
            words = f"`{ast.unparse(node.right)} {SIGNS[kind]} 1` stands below the line of {where}"
            yield words, _one_off(kind)
    if isinstance(node.op, (ast.Sub, ast.Div, ast.Pow)):
        yield f"the two sides of {where} are exchanged", _exchange_sides


def _operator(kind: type[Any]) -> Edit:
    def edit(node: Any, _: Any) -> Any:
        node.op = kind()
        return node

    return edit


def _twice(side: str) -> Edit:
    return lambda node, _: ast.BinOp(node, ast.Mult(), copy.deepcopy(getattr(node, side)))


def _one_off(kind: type[Any]) -> Edit:
    def edit(node: Any, _: Any) -> Any:
        node.right = ast.BinOp(node.right, kind(), ast.Constant(1))
        return node

    return edit


def _exchange_sides(node: Any, _: Any) -> Any:
    node.left, node.right = node.right, node.left
    return node


def _exchange_elements(node: Any, _: Any) -> Any:
    node.elts.reverse()
    return node


def _of_an_addition(node: ast.AugAssign) -> Iterator[Change]:
    where, sign = _quoted(node), SIGNS[type(node.op)]

    def plain(n: Any, _: Any) -> Any:
        return ast.Assign(targets=[n.target], value=n.value)

    yield f"`=` stands where `{sign}=` belongs, in {where}", plain
    for kind in OPERATORS.get(type(node.op), ()):
        yield f"`{SIGNS[kind]}=` stands where `{sign}=` belongs, in {where}", _operator(kind)


def _of_a_comparison(node: ast.Compare) -> Iterator[Change]:
    def edit(kind: type[Any]) -> Edit:
        def exchange(n: Any, _: Any) -> Any:
            n.ops[0] = kind()
            return n

        return exchange

    for kind in OPERATORS.get(type(node.ops[0]), ()):
        sign, right = SIGNS[kind], SIGNS[type(node.ops[0])]
        yield f"`{sign}` stands where `{right}` belongs, in {_quoted(node)}", edit(kind)


def _of_a_number(node: ast.Constant) -> Iterator[Change]:
    old: Any = node.value
    for new in (old + 1, old - 1, 2 * old, old / 2, -old):
        if new != old:
            yield f"`{new:g}` stands where `{old:g}` belongs", _number(new)


def _number(new: Any) -> Edit:
    return lambda node, _: ast.Constant(new)


def _of_a_call(node: ast.Call) -> Iterator[Change]:
    if len(node.args) == 1 and not node.keywords:
        name = ast.unparse(node.func)
        yield f"`{name}` is left out of {_quoted(node)}", lambda n, _: n.args[0]
    if isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
        words = f"`{node.func.attr}()` is left out of {_quoted(node)}"
        yield words, lambda n, _: n.func.value
    if isinstance(node.func, ast.Name) and node.func.id == "range":
        for sign, words in ((ast.Add(), "one round more"), (ast.Sub(), "one round fewer")):
            yield f"there is {words} than {_quoted(node)}", _longer(sign)


def _longer(sign: Any) -> Edit:
    def edit(node: Any, _: Any) -> Any:
        node.args[-1] = ast.BinOp(node.args[-1], sign, ast.Constant(1))
        return node

    return edit


def _of_a_block(node: Any) -> Iterator[Change]:
    """Steps left out, exchanged with the next, or moved into or out of a loop."""
    for i, step in enumerate(node.body):
        if not isinstance(step, (ast.FunctionDef, ast.Return)):
            yield f"the step {_quoted(step)} is missing", _without(i)
        following = node.body[i + 1] if i + 1 < len(node.body) else None
        if following is not None and not isinstance(following, (ast.FunctionDef, ast.Return)):
            first, second = _quoted(following), _quoted(step)
            yield f"{first} comes before {second}, and not after it", _exchanged(i)
        if isinstance(step, ast.For) and len(step.body) > 1:
            words = f"{_quoted(step.body[-1])} stands behind the loop, and not in it"
            yield words, _moved_out(i)
        if isinstance(step, ast.For) and following is not None:
            yield f"{_quoted(following)} stands in the loop, and not behind it", _moved_in(i)


def _body(change: Callable[[list[Any]], None]) -> Edit:
    def edit(node: Any, _: Any) -> Any:
        change(node.body)
        return node

    return edit


def _without(i: int) -> Edit:
    return _body(lambda body: body.__setitem__(i, ast.Pass()))


def _exchanged(i: int) -> Edit:
    return _body(lambda body: body.__setitem__(slice(i, i + 2), [body[i + 1], body[i]]))


def _moved_out(i: int) -> Edit:
    return _body(lambda body: body.insert(i + 1, body[i].body.pop()))


def _moved_in(i: int) -> Edit:
    return _body(lambda body: body[i].body.append(body.pop(i + 1)))


def _of_the_names(function: ast.FunctionDef) -> Iterator[Change]:
    """One name in the place of another, in sums, products, and what is handed over."""
    loaded = [n for n in ast.walk(function) if isinstance(n, ast.Name)]
    stored = {n.id for n in loaded if isinstance(n.ctx, ast.Store)}
    names = sorted(stored | {arg.arg for arg in function.args.args})[:8]
    places = [i for i, n in enumerate(loaded) if isinstance(n.ctx, ast.Load) and n.id in names]
    for i in places:
        for name in names:
            if name != loaded[i].id:
                words = f"`{name}` stands where `{loaded[i].id}` belongs"
                yield words + _line_of(function, loaded[i]), _renamed(i, name)


def _of_the_attributes(function: ast.FunctionDef) -> Iterator[Change]:
    """`self.this` in the place of `self.that`."""
    found: list[Any] = [n for n in ast.walk(function) if _of_self(n)]
    names = sorted({n.attr for n in found})[:8]
    for i, node in enumerate(found):
        for name in names:
            if name != node.attr and isinstance(node.ctx, ast.Load):
                words = f"`self.{name}` stands where `self.{node.attr}` belongs"
                yield words + _line_of(function, node), _other_attribute(i, name)


def _of_self(node: Any) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"


def _other_attribute(i: int, name: str) -> Edit:
    def edit(function: Any, _: Any) -> Any:
        found: list[Any] = [n for n in ast.walk(function) if _of_self(n)]
        found[i].attr = name
        return function

    return edit


def _renamed(i: int, name: str) -> Edit:
    def edit(function: Any, _: Any) -> Any:
        [n for n in ast.walk(function) if isinstance(n, ast.Name)][i].id = name
        return function

    return edit


def _line_of(function: ast.FunctionDef, name: ast.AST) -> str:
    statements = [n for n in ast.walk(function) if isinstance(n, ast.stmt) and n is not function]
    holders = [s for s in statements if any(n is name for n in ast.walk(s))]
    return f", in {_quoted(holders[-1])}" if holders else ""


def _quoted(node: ast.AST) -> str:
    text = ast.unparse(node).split("\n")[0]
    return f"`{text[:LONGEST]}...`" if len(text) > LONGEST else f"`{text}`"
