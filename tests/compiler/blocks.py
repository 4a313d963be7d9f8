"""Random blocks, with every operation of the IR: what targets are compared with the interpreter on.

`random_block(seed)` gives a block and its inputs. Values are small and smooth, so that results can
be compared to rounding; edges (NaN, infinities, zeros) have tests of their own.
"""

import random
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from autograd.compiler.ir import Block
from autograd.compiler.operations import Inst, View

SHAPES = [(), (1,), (3,), (4,), (2, 3), (3, 4), (5, 3), (2, 3, 4), (1, 4), (3, 1)]
UNARY = ("tanh", "sigmoid", "sin", "relu", "softplus", "neg", "abs", "gelu")
BINARY = ("+", "-", "*", "maximum", "minimum", "<", ">=")


class Draw:
    """Instructions drawn one after another, each reading some of those before it."""

    def __init__(self, rng: random.Random, depth: int = 0) -> None:
        self.rng, self.depth = rng, depth
        self.insts: list[Inst] = []
        self.integers: list[tuple[Inst, int]] = []  # and how large they may become

    def add(self, op: str, args: Any, shape: Any, note: str = "", **attrs: Any) -> Inst:
        names = tuple([arg.name for arg in args])
        name = f"v{len(self.insts)}"
        self.insts.append(Inst(name, op, names, tuple(map(int, shape)), attrs, note))
        return self.insts[-1]

    def floats(self, accept: Callable[[Any], bool] = lambda shape: True) -> list[Inst]:
        hidden = {inst.name for inst, _ in self.integers}
        return [
            inst
            for inst in self.insts
            if inst.op != "scan" and inst.name not in hidden and accept(inst.shape)
        ]

    def pick(self, accept: Callable[[Any], bool] = lambda shape: True) -> Inst:
        found = self.floats(accept)
        shapes = [shape for shape in SHAPES if accept(shape)]
        if found and (not shapes or self.rng.random() < 0.9):
            return self.rng.choice(found[-8:])
        return self.number(self.rng.choice(shapes))

    def number(self, shape: Any) -> Inst:
        values = np.array([self.rng.uniform(-1, 1) for _ in range(prod(shape))]).reshape(shape)
        if self.rng.random() < 0.3:
            values = np.full(shape, round(self.rng.uniform(-2, 2), 1))
        return self.add("const", (), shape, value=values)

    # --- an instruction of each kind ---

    def map(self) -> None:
        a = self.pick()
        if self.rng.random() < 0.5:
            self.add("map", (a,), a.shape, fn=self.rng.choice(UNARY), note="Layer(2, 3)")
            return
        b = self.pick(lambda shape: fits(shape, a.shape))
        shape = np.broadcast_shapes(a.shape, b.shape)
        self.add("map", self.rng.sample([a, b], 2), shape, fn=self.rng.choice(BINARY))

    def view(self) -> None:
        a = self.pick()
        start, axes = self.rng.randrange(prod(a.shape)), []
        left = prod(a.shape) - 1 - start
        for _ in range(self.rng.randint(0, 2)):
            stride = self.rng.randint(0, 3)
            n = self.rng.randint(1, 4 if not stride else min(4, left // stride + 1))
            left -= stride * (n - 1)
            axes.append((stride, n))
        strides, shape = tuple([s for s, _ in axes]), tuple([n for _, n in axes])
        self.add("view", (a,), shape, view=View(start, strides, shape))

    def gather(self) -> None:
        a, shape = self.pick(), self.rng.choice(SHAPES)
        index = np.array([self.rng.randrange(prod(a.shape)) for _ in range(prod(shape))], np.intp)
        self.add("gather", (a,), shape, index=index.reshape(shape))

    def reshape(self) -> None:
        a = self.pick()
        shapes = [(prod(a.shape),), (1, *a.shape), (*a.shape, 1), a.shape[::-1]]
        self.add("reshape", (a,), self.rng.choice(shapes))

    def spread(self) -> None:
        a = self.pick(lambda shape: len(shape) < 3)
        shape = [self.rng.randint(2, 3) if n == 1 else n for n in a.shape]
        self.add("spread", (a,), (*([2] * self.rng.randint(0, 1)), *shape))

    def concat(self) -> None:
        a = self.pick(lambda shape: len(shape) > 0)
        axis = self.rng.randrange(len(a.shape))

        def fits_beside(shape: Any) -> bool:
            rest = [n for k, n in enumerate(shape) if k != axis]
            return len(shape) == len(a.shape) and rest == [
                n for k, n in enumerate(a.shape) if k != axis
            ]

        b = self.rng.choice(self.floats(fits_beside))
        shape = list(a.shape)
        shape[axis] += b.shape[axis]
        self.add("concat", (a, b), shape, axis=axis)

    def scatter(self) -> None:
        a, b = self.pick(), self.pick()
        size = prod(a.shape) + prod(b.shape) + self.rng.randint(0, 2)
        shift = self.rng.randint(0, prod(a.shape))
        strides = np.cumprod([1, *a.shape[:0:-1]])[::-1][: len(a.shape)].tolist()
        index = np.array([self.rng.randrange(size) for _ in range(prod(b.shape))], np.intp)
        places = (View(shift, tuple(strides), a.shape), index.reshape(b.shape))
        self.add("scatter", (a, b), (size + shift,), places=places)

    def matmul(self) -> None:
        a = self.pick(lambda shape: len(shape) in (1, 2))
        turned = len(a.shape) == 2 and self.rng.random() < 0.4
        m = a.shape[::-1] if turned else a.shape
        n = self.rng.choice([None, 1, 3, 8, 9])
        is_turned = n is not None and self.rng.random() < 0.5
        shape = (m[-1],) if n is None else (n, m[-1]) if is_turned else (m[-1], n)
        b = self.number(shape) if self.rng.random() < 0.5 else self.shaped(shape)
        out = (*m[:-1], *([] if n is None else [n]))
        self.add("matmul", (a, b), out, turned=(turned, is_turned))

    def shaped(self, shape: Any) -> Inst:
        """Something computed, of that shape."""
        a = self.pick()
        index = np.array([self.rng.randrange(prod(a.shape)) for _ in range(prod(shape))], np.intp)
        return self.add("gather", (a,), shape, index=index.reshape(shape))

    def outer(self) -> None:
        a, b = [self.pick(lambda shape: len(shape) == 1) for _ in range(2)]
        self.add("outer", (a, b), (*a.shape, *b.shape))

    def vecdot(self) -> None:
        a = self.pick(lambda shape: len(shape) > 0)
        b = self.pick(lambda shape: shape == a.shape)
        self.add("vecdot", (a, b), a.shape[:-1])

    def reduce(self) -> None:
        a = self.pick(lambda shape: len(shape) > 0)
        count = self.rng.randint(1, len(a.shape))
        axes = tuple(sorted(self.rng.sample(range(len(a.shape)), count)))
        shape = [n for k, n in enumerate(a.shape) if k not in axes]
        fn = "max" if self.rng.random() < 0.2 else "sum"
        self.add("reduce", (a,), shape, fn=fn, axes=axes)

    def segment_reduce(self) -> None:
        a = self.pick(lambda shape: len(shape) == 1 and shape[0] > 1)
        cut = self.rng.randint(1, a.shape[0] - 1)
        fn = self.rng.choice(["sum", "max"])
        self.add("segment_reduce", (a,), (2,), fn=fn, counts=np.array([cut, a.shape[0] - cut]))

    def integer(self) -> tuple[Inst, int]:
        if not self.integers or self.rng.random() < 0.3:
            shape = self.rng.choice([(), (3,), (2, 3)])
            values = np.array([self.rng.randint(0, 1) for _ in range(prod(shape))], np.intp)
            self.integers.append((self.add("const", (), shape, value=values.reshape(shape)), 1))
        inst, top = self.rng.choice(self.integers)
        if self.rng.random() < 0.3:
            one = self.add("const", (), (), value=np.array(1))
            self.integers.append((one, 1))
            inst = self.add("map", (inst, one), inst.shape, fn="+")
            self.integers.append((inst, top + 1))
        return self.integers[-1] if self.rng.random() < 0.5 else (inst, self.top_of(inst))

    def top_of(self, inst: Inst) -> int:
        return next(top for known, top in self.integers if known is inst)

    def lookup(self) -> None:
        at, top = self.integer()
        table = self.number((top + 1 + self.rng.randint(0, 2),))
        if self.rng.random() < 0.7:
            table = self.shaped(table.shape)
        self.add("lookup", (table, at), at.shape)

    def bincount(self) -> None:
        at, top = self.integer()
        x = self.shaped(at.shape)
        self.add("bincount", (x, at), (top + 2,))

    def scan(self) -> None:
        if self.depth > 1:
            return
        carries = [self.pick() for _ in range(self.rng.randint(1, 2))]
        fixed = [self.pick() for _ in range(self.rng.randint(0, 2))]
        length = self.rng.randint(1, 4)
        steps = [self.number((length, *self.rng.choice(SHAPES[:6]))) for _ in range(2)]
        inner = Draw(self.rng, self.depth + 1)
        for arg in (*carries, *fixed):
            inner.add("data", (), arg.shape)
        for arg in steps:
            inner.add("data", (), arg.shape[1:])
        inner.some(self.rng.randint(1, 5))
        ends = [inner.into(arg.shape) for arg in carries]
        kept = [self.rng.choice(inner.floats()) for _ in range(2)]
        body = Block(tuple(inner.insts), tuple([inst.name for inst in (*ends, *kept)]))
        reverse = self.rng.random() < 0.4
        attrs = {"body": body, "length": length, "carries": len(carries), "fixed": len(fixed)}
        loop = self.add("scan", (*carries, *fixed, *steps), (), reverse=reverse, **attrs)
        for k, inst in enumerate((*ends, *kept)):
            shape = inst.shape if k < len(carries) else (length, *inst.shape)
            self.add("item", (loop,), shape, index=k)

    def into(self, shape: Any) -> Inst:
        """A bounded number of that shape, made of what was computed last."""
        found = self.shaped(shape)
        return self.add("map", (found,), shape, fn="tanh")

    def some(self, count: int) -> None:
        kinds = [self.map] * 8
        kinds += [self.view, self.gather, self.reshape, self.spread, self.concat, self.scatter]
        kinds += [self.matmul] * 3
        kinds += [self.outer, self.vecdot, self.reduce, self.reduce, self.segment_reduce]
        kinds += [self.lookup, self.bincount, self.scan]
        for _ in range(count):
            self.rng.choice(kinds)()


def fits(a: Any, b: Any) -> bool:
    """Whether arrays of these shapes repeat to a common one."""
    return all(m == n or 1 in (m, n) for m, n in zip(a[::-1], b[::-1]))


def random_block(seed: int) -> tuple[Block, dict[str, Any]]:
    """A block, and numbers for its inputs."""
    rng = random.Random(seed)
    draw = Draw(rng)
    for op in ("param", "data"):
        draw.add(op, (), rng.choice([(12,), (3, 4), (5, 3)]))
    draw.some(rng.randint(3, 15))
    outputs = rng.sample(draw.floats(), min(3, len(draw.floats())))
    block = Block(tuple(draw.insts), tuple([inst.name for inst in outputs])).check()
    inputs = {
        name: np.array([rng.uniform(-1, 1) for _ in range(prod(block[name].shape))])
        for name in block.inputs
    }
    return block, inputs
