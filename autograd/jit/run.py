"""The NumPy back end: a program in use, its memory, its results and its training steps."""

import math
from typing import Any

import numpy as np

from autograd import value as engine
from autograd.jit.calls import Compiled
from autograd.jit.kinds import Graph, group
from autograd.jit.lower import Program
from autograd.jit.store import Stored, adopt, places
from autograd.jit.trace import Trace
from autograd.jit.update import Update
from autograd.ops import OPS
from autograd.value import Value

_UPDATE = "\n\n# The optimizer's update, in place.\n"


class Arrays(Compiled):
    """The array program for one signature, and the memory of its runs."""

    def adopt(self, arguments: list[Any]) -> None:
        if self.owner.optimizer is not None:
            adopt(self.owner.optimizer.params)
            return
        for model in arguments:
            if hasattr(model, "parameters"):
                adopt(model.parameters())

    def is_fixed(self, v: Value) -> bool:
        return type(v) is Stored

    def lower(self, trace: Trace) -> None:
        optimizer = self.owner.optimizer

        def place(parameters: list[Value]) -> np.ndarray:
            self.store = adopt([*(optimizer.params if optimizer else ()), *parameters])
            return places(self.store, parameters)

        graph = group(trace, place)
        sizes = {name: len(inputs) for name, inputs in (trace.inputs | trace.values).items()}
        program = Program(graph, len(self.store.data), sizes)
        self.source = program.source
        self.replayed = (trace, graph) if program.fragile else None
        self.untouched, self.constants, self.limits = (
            program.untouched, program.constants, program.limits)  # fmt: skip
        self.given = {array.name: array.size for array in program.given}
        self.boxes = program.boxes()
        self.read = {array.name for array in program.given if array.is_read or program.fragile}
        self.build = _build(self.source)
        self.free: list[Run] = []
        self.rule: Update | None = None
        self.is_arithmetic = True  # is the optimizer's rule such that `Update` can compile it?
        if optimizer is not None:
            index = places(self.store, optimizer.params)
            start, n = int(index[0]), len(index)
            whole = (index == np.arange(start, start + n)).all()
            self.trained: Any = slice(start, start + n) if whole else index
            self.sole = len(self.store.data) == n  # are they all that there is?
        self.stats = {
            "nodes": graph.count,
            "kinds": sum(bool(kind.nodes) for kind in graph.kinds),
            "array ops": len(program.lines) - 1,
        }

    def binder(self, name: str, x: Any, sign: Any, numbers: list[Any], values: list[Any]) -> Any:
        general = super().binder(name, x, sign, numbers, values)
        if values or {type(n) for n in numbers} not in ({int}, {float}):
            return general
        try:
            array = np.array(x)
        except (TypeError, ValueError):  # lists of different lengths, or dicts
            return general
        if array.size != len(numbers) or array.dtype.kind not in "fi":
            return general
        shape, kind, of_array = array.shape, array.dtype.kind, isinstance(x, np.ndarray)

        def regular(x: Any, run: Run) -> bool:
            """Nested lists of one shape and type, or an array: all at once."""
            if isinstance(x, np.ndarray) != of_array:
                return False
            try:
                array = np.asarray(x)
            except (TypeError, ValueError):
                return False
            if array.shape != shape or array.dtype.kind != kind:
                return False
            run.fill(name, array)
            return True

        return regular

    def new_run(self) -> "Run":
        while self.free and self.free[-1].stale():
            self.free.pop().drop()
        run = self.free.pop() if self.free else Run(self)
        run.values = []
        return run

    def put_back(self, run: "Run") -> None:
        run.pending = None
        if run.stale():
            run.drop()
        else:
            self.free.append(run)

    def forget(self) -> None:
        for run in self.free:
            run.drop()
        self.free.clear()

    def value(self, run: "Run") -> Value:
        return Result.of(Lease(run))

    def step(self, run: "Run") -> float:
        try:
            self.store.settle()
            with np.errstate(all="ignore"):
                loss = run.forward()
                run.pull()
                if not self.sole:  # zero_grad is for the optimizer's parameters, others accumulate
                    self.store.grad[self.trained] = 0.0
                    self.store.grad += run.gradient
                if math.isfinite(loss):
                    self.update(self.store.grad)
        finally:
            self.put_back(run)
        return loss

    def update(self, gradient: np.ndarray) -> None:
        """The optimizer's step, on arrays."""
        optimizer, data, at = self.owner.optimizer, self.store.data, self.trained
        max_norm, limit = self.owner.clip
        if max_norm is not None:
            norm = float(np.sqrt(gradient[at] @ gradient[at]))
            if norm > max_norm:
                gradient[at] *= max_norm / norm
        if limit is not None:
            gradient[at] = np.clip(gradient[at], -limit, limit)
        optimizer.steps += 1
        for name, column in optimizer.state.items():
            if not isinstance(column, np.ndarray):
                optimizer.state[name] = np.array(column, float)
        if isinstance(at, slice) and self.is_arithmetic:
            try:
                if self.rule is None or not self.rule.fits(data, gradient):
                    self.rule = Update(optimizer, data, gradient, at)
                    self.source = f"{self.source.partition(_UPDATE)[0]}{_UPDATE}{self.rule.source}"
            except (TypeError, AttributeError, KeyError):  # the rule calls other functions
                self.is_arithmetic = False
            else:
                self.rule()
                return
        columns = list(optimizer.state.values())
        data[at], *new = optimizer.update(data[at], gradient[at], *columns)
        for column, numbers in zip(columns, new):
            column[...] = numbers


class Run:
    """One set of buffers for a program. It serves one call at a time: until the backward pass of
    that call is done, or its result is gone."""

    def __init__(self, compiled: Arrays) -> None:
        store = compiled.store
        self.compiled, self.store, self.data = compiled, store, store.data
        self.pending: Any = None
        self.values: list[Value] = []
        self.targets: dict[str, list[np.ndarray]] = {}
        self.memory: dict[str, np.ndarray] = {}
        in_place = compiled.owner.optimizer is not None and compiled.sole
        for name, size in compiled.given.items():
            self.memory[name] = np.zeros(size if name not in ("P", "G") else 0)
        self.memory["P"] = store.data
        self.memory["G"] = store.grad if in_place else np.zeros(compiled.given["G"])
        self.gradient = self.memory["G"]
        for name, limits in compiled.limits.items():
            self.memory[f"{name}_i"] = np.zeros(len(limits), int)
            self.memory[f"{name}_limit"] = limits
        memory = self.memory | compiled.constants
        build = compiled.build
        wanted = build.__code__.co_varnames[3 : build.__code__.co_argcount]
        self.start = build(np, _view, _check, *[memory[name] for name in wanted])
        self.clear = in_place and compiled.untouched
        self.store.top()[0].runs.append(self)

    def stale(self) -> bool:
        return self.store.data is not self.data

    def drop(self) -> None:
        runs = self.store.top()[0].runs
        if self in runs:
            runs.remove(self)

    def fill(self, name: str, numbers: Any) -> None:
        array = np.asarray(numbers)
        targets = self.targets.get(name)
        if targets is None:  # the numbers, as floats or as indices or both, as they are used
            used = [name] if name in self.compiled.read else []
            used += [f"{name}_i"] if f"{name}_i" in self.memory else []
            targets = [self.memory[key].reshape(array.shape) for key in used]
            self.targets[name] = targets
        for target in targets:
            target[...] = array

    def fill_values(self, name: str, values: list[Value]) -> None:
        self.memory[name][...] = [v.data for v in values]
        self.values += values

    def forward(self) -> float:
        if self.clear:
            self.store.grad[...] = 0.0
        steps = self.start()
        loss = next(steps)
        self.pending = steps
        return float(loss)

    def pull(self) -> None:
        """The backward pass, once."""
        if self.pending is not None:
            next(self.pending)
            self.pending = None
            if self.compiled.replayed and any(np.isnan(g).any() for g in self.gradients()):
                self.replay(*self.compiled.replayed)

    def gradients(self) -> list[np.ndarray]:
        """G, and the gradients of the Values among the arguments, in order."""
        return [self.gradient, *[g for name, g in self.memory.items() if name.startswith("g_V_")]]

    def replay(self, trace: Trace, graph: Graph) -> None:
        """The same once more on the eager engine. It does not see what a look-up left aside; here
        that has the gradient 0, and 0 times infinity made a NaN that does not belong there."""
        values: dict[int, Value] = {}
        leaves = [
            (node, place, graph.kinds[k])
            for node, (place, k) in enumerate(zip(graph.position.tolist(), graph.kind_of))
            if node < len(graph.values) and k >= 0 and not graph.kinds[k].nodes
        ]
        for node, place, kind in leaves:
            known = graph.constants if kind.op == "const" else self.memory[kind.name]
            values[id(graph.values[node])] = Value(known[place])
        for s in trace.nodes:
            if s.op == "take":
                index = id(s.parents[0])
                chosen = trace.tables[trace.chosen[id(s)]][int(values[index].data)]
                values[id(s)] = values[id(chosen)]
            elif all(id(p) in values for p in s.parents):  # else nobody needs it
                parents = tuple([values[id(p)] for p in s.parents])
                values[id(s)] = engine.apply(OPS[s.op], parents)
        values[id(trace.root)].backward()
        for node, place, kind in leaves:
            if kind.op in ("param", "value"):
                into = self.gradient if kind.op == "param" else self.memory[f"g_{kind.name}"]
                into[place] = values[id(graph.values[node])].grad


class Lease:
    """A run that a result holds: free for another call when the result is gone."""

    def __init__(self, run: Run) -> None:
        self.run = run
        with np.errstate(all="ignore"):
            self.loss = run.forward()

    def __del__(self) -> None:
        self.run.compiled.put_back(self.run)


class Result(Value):
    """What a jitted function returns. Its parents are `Parameters`, which stands for all that are
    trained, and the Values among the arguments; its partials are computed when they are read."""

    __slots__ = ("lease",)
    lease: Lease

    @classmethod
    def of(cls, lease: Lease) -> "Result":
        result = cls(lease.loss)
        result.lease = lease
        result.op = "jit"
        result.parents = (Parameters.of(lease), *lease.run.values)
        return result

    @property
    def partials(self) -> Any:
        run = self.lease.run
        with np.errstate(all="ignore"):
            run.pull()
        return (1.0, *np.concatenate([*run.gradients()[1:], np.zeros(0)]).tolist())

    @partials.setter
    def partials(self, _: Any) -> None:
        pass


class Parameters(Value):
    """A leaf for all parameters of a run: a gradient that it receives goes on to each of them."""

    __slots__ = ("lease",)
    lease: Lease

    @classmethod
    def of(cls, lease: Lease) -> "Parameters":
        parameters = cls(0.0, "parameters")
        parameters.lease = lease
        return parameters

    @property
    def grad(self) -> float:
        return 0.0

    @grad.setter
    def grad(self, upstream: float) -> None:
        if upstream:
            run = self.lease.run
            with np.errstate(all="ignore"):
                run.pull()
            if run.gradient.size:
                grad = run.store.grad
                grad[: run.gradient.size] += upstream * run.gradient


def _build(source: str) -> Any:
    space: dict[str, Any] = {}
    exec(compile(source, "<jit>", "exec"), space)  # our own text, made of names and numbers
    return space["program"]


def _view(a: np.ndarray, start: int, shape: Any, steps: Any) -> np.ndarray:
    """Elements start + sum(i_k * step_k) of `a`, without a copy."""
    strides = [8 * step for step in steps]
    return np.ndarray(shape, a.dtype, a.data, 8 * start, strides) if a.base is None else (
        np.lib.stride_tricks.as_strided(a.reshape(-1)[start:], shape, strides))  # fmt: skip


def _check(indices: np.ndarray, limits: np.ndarray) -> None:
    """IndexError, as from `take`, for an index that is out of range (below 0 is very large)."""
    outside = indices.view(np.uint64) >= limits
    if 1 in outside.tobytes():  # a third of the time of outside.any()
        bad = int(np.flatnonzero(outside)[0])
        raise IndexError(
            f"index {indices[bad]} is out of range: there are {limits[bad]} values, from 0"
        )
