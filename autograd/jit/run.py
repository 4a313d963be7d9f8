"""`jit(fn)`: programs by signature, bound to their memory, called, and differentiated."""

import functools
import gc
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np

from autograd import value as engine
from autograd.jit import trace as tracing
from autograd.jit.kinds import Graph, group
from autograd.jit.lower import Program
from autograd.jit.store import Store, Stored, adopt, places
from autograd.jit.trace import Integer, Number, Symbol, Trace, signature, symbol, symbols
from autograd.jit.watch import Watch
from autograd.ops import OPS
from autograd.value import Value, as_value

CHUNK = 16_384  # numbers that an update handles at once: they stay in the processor's cache


def jit(
    fn: Callable[..., Any],
    optimizer: Any = None,
    *,
    backend: str = "numpy",
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> "Jitted":
    """`fn`, a function of plain scalar code that returns one Value, as an array program.

    Without an optimizer the result is a Value: `loss(model, xs, ys).backward()` fills the same
    `p.grad`. With one, a call is a whole training step, zero_grad, backward and step, on arrays,
    and returns the loss as a float; clip_norm and clip_value then clip gradients as
    `nn.optim.clip_grad_norm` and `clip_grad_value` do.

    Arguments: floats (also in nested lists, dicts and arrays) are data, ints are data or indices
    for `take`; both may change from call to call. Modules and Values are trained. A new shape, or
    anything else that changes, traces again. Raises TraceError where `fn` looks at a number.
    """
    if backend not in ("numpy", "python"):
        raise ValueError(f"there is no backend {backend!r}: there are 'numpy' and 'python'.")
    return Jitted(fn, optimizer, clip_norm, clip_value)


class Jitted:
    """A compiled function. source: its array program, as Python. stats: what compiling it took."""

    def __init__(self, fn: Any, optimizer: Any, clip_norm: Any, clip_value: Any) -> None:
        functools.update_wrapper(self, fn)
        self.fn, self.optimizer = fn, optimizer
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.compiled: dict[Any, list[Compiled]] = {}
        self.latest: Compiled | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tracing._tracers:  # inside of another jitted function: a part of its program
            return self.fn(*args, **kwargs)
        values = (*args, *kwargs.values()) if kwargs else args
        known = self.compiled.setdefault((len(args), *kwargs), [])
        for compiled in known:
            run = compiled.bind(values)
            if run is not None:
                break
        else:
            with _no_collection():
                compiled = Compiled(self, args, kwargs)
            known.insert(0, compiled)
            run = compiled.bind(values)
            assert run is not None
        self.latest = compiled
        return compiled.step(run) if self.optimizer is not None else compiled.value(run)

    @property
    def source(self) -> str:
        return self._latest().program.source

    @property
    def stats(self) -> dict[str, Any]:
        compiled = self._latest()
        return {**compiled.stats, "programs": sum(map(len, self.compiled.values()))}

    def _latest(self) -> "Compiled":
        if self.latest is None:
            raise ValueError("there is no program yet: call the jitted function once.")
        return self.latest


class Compiled:
    """The program for one signature, and the memory of its runs."""

    def __init__(self, owner: Jitted, args: Any, kwargs: Any) -> None:
        self.owner = owner
        begin = perf_counter()
        optimizer = owner.optimizer
        code = getattr(owner.fn, "__code__", None)
        names = list(code.co_varnames[: code.co_argcount]) if code else []
        if inspect.ismethod(owner.fn):
            names = names[1:]
        names += [f"arg{i}" for i in range(len(names), len(args))]
        reserved = {"P", "G", "np", "view", "check", "step", "program"}
        names = [f"{n}_" if n in reserved else n for n in [*names[: len(args)], *kwargs]]
        arguments = [*args, *kwargs.values()]
        if optimizer is not None:
            adopt(optimizer.params)
        else:
            for model in arguments:
                if hasattr(model, "parameters"):
                    adopt(model.parameters())
        watch = Watch([owner.fn, *_objects(arguments)], Stored)
        found = self.trace(names, args, kwargs, watch)
        traced = perf_counter()

        def place(parameters: list[Value]) -> np.ndarray:
            self.store = adopt([*(optimizer.params if optimizer else ()), *parameters])
            return places(self.store, parameters)

        graph = group(found, place)
        sizes = {name: len(inputs) for name, inputs in (found.inputs | found.values).items()}
        self.program = Program(graph, len(self.store.data), sizes)
        self.masks = found.masks
        self.replayed = (found, graph) if self.program.fragile else None
        self.build = _build(self.program.source)
        self.watch = watch if watch.holds() else Watch(watch.roots, Stored)  # as the trace left it
        self.free: list[Run] = []
        if optimizer is not None:
            index = places(self.store, optimizer.params)
            start, n = int(index[0]), len(index)
            whole = (index == np.arange(start, start + n)).all()
            self.trained: Any = slice(start, start + n) if whole else index
        steps = [line for line in self.program.source.split("def step():")[1].splitlines() if line]
        self.stats = {
            "nodes": graph.count,
            "kinds": sum(bool(kind.nodes) for kind in graph.kinds),
            "array ops": len(steps) - 3,
            "trace seconds": traced - begin,
            "analysis seconds": perf_counter() - traced,
        }

    def trace(self, names: list[str], args: Any, kwargs: Any, watch: Watch) -> Trace:
        arguments = [*args, *kwargs.values()]
        self.binders: list[Any] = []

        def call(found: Trace) -> Any:
            replaced = []
            for name, x in zip(names, arguments):
                numbers: list[Any] = []
                values: list[Any] = []
                sign = signature(x, _fixed, numbers, values)
                found_numbers = [symbol(Integer if type(n) is int else Number) for n in numbers]
                found_values = [symbol(Symbol) for _ in values]
                if numbers:
                    found.inputs[name] = found_numbers  # type: ignore[assignment]
                if values:
                    found.values[f"V_{name}"] = found_values
                replaced.append(symbols(x, sign, iter(found_numbers), iter(found_values)))
                self.binders.append(self.binder(name, x, sign, numbers, values))
            return self.owner.fn(
                *replaced[: len(args)], **dict(zip(kwargs, replaced[len(args) :]))
            )

        return tracing.trace(call, watch.modules)

    def binder(self, name: str, x: Any, sign: Any, numbers: list[Any], values: list[Any]) -> Any:
        """A function (argument, run) -> does it fit? If so, its numbers are in the run's memory."""
        def general(x: Any, run: "Run") -> bool:
            numbers: list[Any] = []
            values: list[Any] = []
            if signature(x, _fixed, numbers, values) != sign:
                return False
            if numbers:
                run.fill(name, np.array(numbers))
            if values:
                run.memory[f"V_{name}"][...] = [v.data for v in values]
                run.values += values
            return True

        if not numbers and not values:
            return lambda y, run: y is x or general(y, run)  # its contents are watched
        kinds = {type(n) for n in numbers}
        if values or kinds not in ({int}, {float}):
            return general
        try:
            array = np.array(x)
        except (TypeError, ValueError):  # lists of different lengths, or dicts
            return general
        if array.size != len(numbers) or array.dtype.kind not in "fi":
            return general
        shape, kind, of_array = array.shape, array.dtype.kind, isinstance(x, np.ndarray)

        def regular(x: Any, run: "Run") -> bool:
            if not of_array and type(x) not in (list, tuple, float, int):
                return general(x, run)
            try:
                array = np.asarray(x)
            except (TypeError, ValueError):
                return False
            if array.shape != shape or isinstance(x, np.ndarray) != of_array:
                return False
            if array.dtype.kind != kind:
                return array.dtype.kind == "O" and general(x, run)
            run.fill(name, array)
            return True

        return regular

    def bind(self, values: Any) -> "Run | None":
        """A run that holds these arguments, or None if the program is not for them."""
        if not self.watch.holds():
            return None
        while self.free and self.free[-1].stale():
            self.free.pop().drop()
        run = self.free.pop() if self.free else Run(self)
        run.values = []
        for binder, x in zip(self.binders, values):
            if not binder(x, run):
                self.free.append(run)
                return None
        for name, draw, n in self.masks:
            run.memory[name][...] = draw(n)
        return run

    def value(self, run: "Run") -> Value:
        result = Result.of(Lease(run))
        return engine.recorder(OPS["take"], (result,)) if engine.recorder else result

    def step(self, run: "Run") -> float:
        """Forward, backward and update."""
        owner, store, at = self.owner, self.store, self.trained
        store.settle()
        loss = run.forward()
        run.pull()
        optimizer, g = owner.optimizer, run.gradient
        if owner.clip_norm is not None or owner.clip_value is not None:
            mine = g[at]
            if owner.clip_norm is not None:
                norm = float(np.sqrt(mine @ mine))
                if norm > owner.clip_norm:
                    mine = mine * (owner.clip_norm / norm)
            if owner.clip_value is not None:
                mine = np.clip(mine, -owner.clip_value, owner.clip_value)
            g[at] = mine
        optimizer.steps += 1
        state = optimizer.state
        for name, column in state.items():
            if not isinstance(column, np.ndarray):
                state[name] = np.array(column, float)
        columns = list(state.values())
        n = len(optimizer.params)
        with np.errstate(all="ignore"):
            if isinstance(at, slice):
                p, g = store.data[at], g[at]
                for i in range(0, n, CHUNK):
                    part = slice(i, i + CHUNK) if n > CHUNK else slice(None)
                    p[part], *new = optimizer.update(p[part], g[part], *[c[part] for c in columns])
                    for column, numbers in zip(columns, new):
                        column[part] = numbers
            else:
                store.data[at], *new = optimizer.update(store.data[at], g[at], *columns)
                for column, numbers in zip(columns, new):
                    column[...] = numbers
        self.free.append(run)
        return loss


class Run:
    """One set of buffers for a program. It serves one call at a time: until the backward pass of
    that call is done, or its result is gone."""

    def __init__(self, compiled: Compiled) -> None:
        program, store = compiled.program, compiled.store
        self.compiled, self.store, self.data = compiled, store, store.data
        self.pending: Any = None
        self.values: list[Value] = []
        self.memory: dict[str, np.ndarray] = {}
        stepping = compiled.owner.optimizer is not None
        for array in program.given:
            self.memory[array.name] = np.zeros(array.size)
        if "P" in self.memory:
            self.memory["P"] = store.data
        self.memory.setdefault("G", np.zeros(0))
        if stepping and "P" in self.memory:
            self.memory["G"] = store.grad
        self.gradient = self.memory["G"]
        for name, limits in program.limits.items():
            self.memory[f"{name}_i"] = np.zeros(len(limits), int)
            self.memory[f"{name}_limit"] = limits
        memory = self.memory | program.constants
        build = compiled.build
        wanted = build.__code__.co_varnames[3 : build.__code__.co_argcount]
        self.start = build(np, _view, _check, *[memory[name] for name in wanted])
        self.clear = stepping and (program.untouched or "P" not in self.memory)
        self.store.top()[0].runs.append(self)

    def stale(self) -> bool:
        return self.store.data is not self.data

    def drop(self) -> None:
        runs = self.store.top()[0].runs
        if self in runs:
            runs.remove(self)

    def fill(self, name: str, array: np.ndarray) -> None:
        self.memory[name].reshape(array.shape)[...] = array
        if f"{name}_i" in self.memory:
            self.memory[f"{name}_i"].reshape(array.shape)[...] = array

    def forward(self) -> float:
        if self.clear:
            self.store.grad[...] = 0.0
        with np.errstate(all="ignore"):
            steps = self.start()
            loss = next(steps)
        self.pending = steps
        return float(loss)

    def pull(self) -> None:
        """The backward pass, once."""
        if self.pending is not None:
            with np.errstate(all="ignore"):
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
        leaves = [(n, int(p), graph.kinds[graph.kind_of[n]]) for n, p in enumerate(graph.position)
                  if graph.kind_of[n] >= 0 and not graph.kinds[graph.kind_of[n]].nodes]  # fmt: skip
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
        self.loss = run.forward()

    def __del__(self) -> None:
        run = self.run
        run.pending = None
        if not run.stale():
            run.compiled.free.append(run)
        else:
            run.drop()


class Result(Value):
    """What a jitted function returns. Its parents are `Parameters`, which stands for all that are
    trained, and the Values among the arguments; its partials are computed when they are read."""

    __slots__ = ("lease",)

    @classmethod
    def of(cls, lease: Lease) -> "Result":
        result = cls(lease.loss)
        result.lease = lease
        result.op = "jit"
        result.parents = (Parameters.of(lease), *lease.run.values)
        return result

    @property
    def partials(self) -> Any:  # type: ignore[override]
        run = self.lease.run
        run.pull()
        return (1.0, *np.concatenate(run.gradients()[1:] or [[]]).tolist())

    @partials.setter
    def partials(self, _: Any) -> None:
        pass


class Parameters(Value):
    """A leaf for all parameters of a run: a gradient that it receives goes on to each of them."""

    __slots__ = ("lease",)

    @classmethod
    def of(cls, lease: Lease) -> "Parameters":
        parameters = cls(0.0, "parameters")
        parameters.lease = lease
        return parameters

    @property
    def grad(self) -> float:  # type: ignore[override]
        return 0.0

    @grad.setter
    def grad(self, upstream: float) -> None:
        if upstream:
            run = self.lease.run
            run.pull()
            if run.gradient.size:
                grad = run.store.grad
                grad[: run.gradient.size] += upstream * run.gradient


@contextmanager
def _no_collection() -> Iterator[None]:
    """The garbage collector looks at every object that lives, again and again: not now."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _fixed(v: Value) -> bool:
    """Is it a parameter, which a program knows by identity? Other Values are inputs."""
    return type(v) is Stored


def _objects(x: Any) -> list[Any]:
    """What in the arguments may change without a trace in their signature: modules, say."""
    if isinstance(x, list | tuple | dict):
        items = list(x.values()) if isinstance(x, dict) else x
        if items and set(map(type, items)) <= {Stored}:
            return [x]
        return [found for item in items for found in _objects(item)]
    return [x] if hasattr(x, "__dict__") and not isinstance(x, type) else []


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
    """IndexError, as from `take`, for an index that is out of range."""
    if (indices.view(np.uint64) >= limits).any():
        bad = int(np.flatnonzero(indices.view(np.uint64) >= limits)[0])
        raise IndexError(
            f"index {indices[bad]} is out of range: there are {limits[bad]} values, from 0"
        )
