"""Experiments that the laws of several tasks share: with graphs, and with optimisers."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from autograd import Value
from autograd.exercises.program import Program
from autograd.exercises.task import Case, Outcome


def shorter(xs: list[Any]) -> Iterator[list[Any]]:
    """Lists that say the same with less: without the last item, or with whole numbers."""
    if len(xs) > 1:
        yield xs[:-1]
    yield from whole(xs)


def whole(xs: Any) -> Iterator[Any]:
    """The same lists with each number rounded, if that changes anything."""
    rounded = _rounded(xs)
    if rounded != xs:
        yield rounded


def _rounded(x: Any) -> Any:
    return [_rounded(item) for item in x] if isinstance(x, list) else float(round(x))


def smaller(program: Program) -> Iterator[Program]:
    """Programs without one of its lines, if no other line needs it."""
    lines = program.source.split("\n")
    for i in reversed(range(len(lines))):
        name, rest = lines[i].split(" ", 1)[0], [*lines[:i], *lines[i + 1 :]]
        needed = any(re.search(rf"\b{name}\b", line.split("=", 1)[1]) for line in rest)
        if rest and not needed and not re.search(r"= Value\(", rest[-1]):
            yield Program("\n".join(rest))


def graph(*lines: str) -> Program:
    return Program("\n".join(lines))


def parents(node: Any) -> tuple[Any, ...]:
    """The parents under any of the names in use: `parents`, or micrograd's `_prev`."""
    for name in ("parents", "_prev", "_parents"):
        if hasattr(node, name):
            return tuple(getattr(node, name))
    kind = type(node).__name__
    raise AttributeError(f"'{kind}' object has no attribute 'parents' (or '_prev')")


def data_case(program: Program) -> Case:
    """Run the program; observe the number in every named node."""

    def run(value_class: Any, *_: Any) -> Outcome:
        return {f"{k}.data": v.data for k, v in program.run(value_class).items()}

    return Case(program.source, run, simpler=lambda: map(data_case, smaller(program)))


def gradient_case(program: Program) -> Case:
    """Run the program and `backward()` from its root; observe every named node's gradient."""

    def run(value_class: Any, *_: Any) -> Outcome:
        nodes = program.run(value_class)
        nodes[program.root].backward()
        return {f"{k}.grad": v.grad for k, v in nodes.items()}

    text = f"{program.source}\n{program.root}.backward()"
    less = lambda: map(gradient_case, smaller(program))
    return Case(text, run, program=program, simpler=less)


def cases_of(
    make: Callable[[Program], Case], programs: Iterable[Program]
) -> Callable[[Any], list[Case]]:
    fixed = list(programs)
    return lambda rng: [make(program) for program in fixed]


Rounds = list[list[float]]  # the gradients of all parameters, one list for each step


def steps_case(name: str, index: int, start: list[float], rounds: Rounds, **how: float) -> Case:
    """Make the optimiser with the parameters, then for each round set the gradients and step."""
    given = "".join(f", {key}={value:g}" for key, value in how.items())
    text = [f"ps = [{', '.join(f'Value({x:g})' for x in start)}]", f"optimizer = {name}(ps{given})"]
    for grads in rounds:
        text += [f"set the gradients to {grads}", "optimizer.step()"]

    def run(*classes: Any) -> Outcome:
        ps = [Value(x) for x in start]
        optimizer = classes[index](ps, **how)
        outcome: Outcome = {}
        for k, grads in enumerate(rounds, 1):
            for p, g in zip(ps, grads):
                p.grad = g
            optimizer.step()
            outcome |= {f"ps[{i}].data after step {k}": p.data for i, p in enumerate(ps)}
        return outcome | {f"ps[{i}].grad": p.grad for i, p in enumerate(ps)}

    return Case("\n".join(text), run)


# --- what every task asks: is a second time like the first, and is the input left as it was? -----


def again(case: Case) -> Case:
    """The case twice, with the same functions: what one call keeps must not show in the next."""

    def run(*targets: Any) -> Outcome:
        case.run(*targets)
        return case.run(*targets)

    return replace(case, text=f"{case.text}\n# all of it once more", run=run)


KEPT = (
    "Something is kept from one call to the next: a list or a set in `def f(x, seen=set())` is "
    "made once, for all calls, and marks on the nodes stay there. Begin each call with new ones."
)
SHARED = (
    "Something belongs to the class, and so to all its objects: what stands right below `class` is "
    "made once. Set it in `__init__`, with `self.` before it, from things that are made there."
)
CHANGED = (
    "What was handed in is changed, or used up: whoever called still needs it. Work on a copy, "
    "`list(xs)`, and leave the numbers in the Values alone."
)
UNSTABLE = (
    "The number taken off must be the largest of exactly those that are summed: with another one "
    "some exp() is too big for a float, or all of them are 0."
)
SIGNS = (
    "It holds for friendlier numbers. What in your code depends on a sign, or on a 0? Is there an "
    "`abs`, a `max`, or an `if x:` that asks whether a number is 0?"
)
DETOURS = (
    "Every way from the end to a leaf is walked on its own, and their number doubles with each "
    "sum. Visit each node once, and hand on the whole of its gradient."
)


def many_ways() -> Case:
    """A sum of a sum of a sum with itself: whoever walks every way to the leaf never ends."""
    case = gradient_case(DOUBLED)
    text = f"{DOUBLED_TEXT}\nb.backward()"
    return replace(case, text=text, program=None, seconds=0.5)


def twice_on_one_graph(program: Program) -> Case:
    """backward(), every gradient set to 0 by hand, backward(): the same as the first time."""
    root = program.root

    def run(value_class: Any, *_: Any) -> Outcome:
        nodes = program.run(value_class)
        nodes[root].backward()
        for node in nodes.values():
            node.grad = 0.0
        nodes[root].backward()
        return {f"{k}.grad": v.grad for k, v in nodes.items()}

    text = f"{program.source}\n{root}.backward()\nset every .grad to 0\n{root}.backward()"
    return Case(text, run, program=program)


def two_graphs(first: Program, second: Program) -> Case:
    """Two graphs alive, made line by line in turn; each keeps to its own."""

    def run(value_class: Any, *_: Any) -> Outcome:
        graphs: list[dict[str, Any]] = [{}, {}]
        lines = zip_longest(first.source.split("\n"), second.source.split("\n"))
        for pair in lines:
            for names, line in zip(graphs, pair):
                exec(line or "", {"Value": value_class, "__builtins__": {}}, names)
        for program, names in zip((first, second), graphs):
            names[program.root].backward()
        return {
            f"{k}.grad of graph {i}": v.grad
            for i, names in enumerate(graphs, 1)
            for k, v in names.items()
        }

    text = f"# graph 1\n{first.source}\n# graph 2, made at the same time\n{second.source}"
    return Case(f"{text}\n# backward() from the end of each", run)


DOUBLED = Program("\n".join(["a = Value(1.0)", "b = a + a", *["b = b + b"] * 39]))  # 2 ** 40 ways
DOUBLED_TEXT = "a = Value(1.0)\nb = a + a\nfor _ in range(39):\n    b = b + b"


def as_it_was(*given: Any) -> Callable[[], bool]:
    """Ask later whether these lists (of lists) still hold what they hold now, Values their data."""
    before = _picture(given)
    return lambda: _picture(given) == before


def _picture(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return [_picture(item) for item in x]
    return (id(x), x.data) if hasattr(x, "data") else x


def in_turn(name: str, index: int, **how: float) -> Case:
    """Two optimisers, stepping in turn, each with numbers of its own."""

    def run(*classes: Any) -> Outcome:
        ps, qs = [Value(1.0), Value(-1.0)], [Value(5.0)]
        first = classes[index](ps, **how)
        second = classes[index](qs, **(how | {"lr": how["lr"] / 2}))
        for grad in (1.0, 3.0):
            for p in [*ps, *qs]:
                p.grad = grad
            first.step()
            second.step()
        return {"ps": [p.data for p in ps], "qs": [q.data for q in qs]}

    given = ", ".join(f"{key}={value:g}" for key, value in how.items())
    text = (
        f"one = {name}(ps, {given}), two = {name}(qs, with half the lr)\n"
        "one.step(), two.step(), one.step(), two.step()"
    )
    return Case(text, run)
