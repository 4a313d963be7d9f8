"""Loops made simpler: loops of one step, and two loops that are one run through memory."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autograd.compiler.targets.native.loops import (
    Buffer,
    Index,
    Kernel,
    Loop,
    Product,
    Statement,
    rewritten,
    walk,
)


def noted(statements: Sequence[Statement], note: str) -> list[Statement]:
    """With the note at the first loop or product."""
    found = list(statements)
    for k, statement in enumerate(found):
        if note and isinstance(statement, Loop | Product):
            found[k] = replace(statement, note=note)
            break
    return found


def kernel(name: str, body: Sequence[Statement]) -> Kernel:
    """With the buffers that the statements use, in the order of their first use."""
    found: dict[Buffer, None] = {}
    for statement in body:
        found |= dict.fromkeys(x for x in walk(statement) if isinstance(x, Buffer))
    return Kernel(name, tuple(found), tuple(body))


def collapsed(statements: Sequence[Statement]) -> list[Statement]:
    """Without loops that run once or do nothing; and two loops that go through memory as one would
    are one, so that LLVM sees the longer run."""
    found: list[Statement] = []
    for statement in statements:
        if not isinstance(statement, Loop):
            found.append(statement)
            continue
        loop = replace(statement, body=tuple(collapsed(statement.body)))
        if not loop.body:
            continue
        if loop.count == 1:
            found += noted(without(loop.counter, loop.body), loop.note)
        else:
            found.append(merged(loop))
    return found


def merged(loop: Loop) -> Loop:
    """With the loop that is all that it holds, if both together are one run through memory."""
    inner = loop.body[0]
    if len(loop.body) != 1 or not isinstance(inner, Loop):
        return loop
    strides = [dict(x.counters) for x in walk(inner.body) if isinstance(x, Index)]
    outer_strides = [s.get(loop.counter, 0) for s in strides]
    if outer_strides != [s.get(inner.counter, 0) * inner.count for s in strides]:
        return loop
    body, note = without(loop.counter, inner.body), loop.note or inner.note
    return Loop(inner.counter, loop.count * inner.count, body, note)


def without(name: str, body: tuple[Statement, ...]) -> Any:
    """The statements with no stride for that counter."""

    def change(x: Any) -> Any:
        if isinstance(x, Index):
            return replace(x, counters=tuple([item for item in x.counters if item[0] != name]))
        return x

    return rewritten(body, change)
