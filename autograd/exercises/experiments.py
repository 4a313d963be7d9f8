"""Experiments that the laws of several tasks share: with graphs, and with optimisers."""

from collections.abc import Callable, Iterable
from typing import Any

from autograd import Value
from autograd.exercises.program import Program
from autograd.exercises.task import Case, Outcome


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

    return Case(program.source, run)


def gradient_case(program: Program) -> Case:
    """Run the program and `backward()` from its root; observe every named node's gradient."""

    def run(value_class: Any, *_: Any) -> Outcome:
        nodes = program.run(value_class)
        nodes[program.root].backward()
        return {f"{k}.grad": v.grad for k, v in nodes.items()}

    return Case(f"{program.source}\n{program.root}.backward()", run, program=program)


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
