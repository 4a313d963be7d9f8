"""`jit`: programs by signature, found again at each call, or traced. Both back ends share this."""

import functools
import gc
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from autograd import value as engine
from autograd.jit import trace as tracing
from autograd.jit.trace import Integer, Number, Symbol, Trace, signature, symbol, symbols
from autograd.jit.watch import Watch
from autograd.ops import OPS
from autograd.value import Value

KEPT = 64  # programs for one number of arguments: who changes a static argument every step, traces
# every step, but the memory does not fill up


class Jitted:
    """A compiled function. source: its latest program, as Python text. stats: nodes, kinds and
    array operations, seconds of tracing and analysis, and how many programs are cached."""

    def __init__(self, fn: Any, optimizer: Any, backend: str, clip: tuple[Any, Any]) -> None:
        functools.update_wrapper(self, fn)
        self.fn, self.optimizer, self.clip = fn, optimizer, clip
        self.compile: type[Compiled]
        if backend == "numpy":
            from autograd.jit.run import Arrays as compile
        elif backend == "python":
            from autograd.jit.scalar import Unrolled as compile  # type: ignore[assignment]
        else:
            raise ValueError(f"there is no backend {backend!r}: there are 'numpy' and 'python'.")
        self.compile = compile
        self.programs: dict[Any, list[Compiled]] = {}
        self.latest: Compiled | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tracing.tracers:  # inside of another jitted function: a part of its program
            return self.fn(*args, **kwargs)
        values = (*args, *kwargs.values()) if kwargs else args
        known = self.programs.setdefault((len(args), *kwargs), [])
        for compiled in known:
            run = compiled.bind(values)
            if run is not None:
                break
        else:
            run = None
            while run is None:  # once more if the trace took in parameters that are arguments, too
                with _no_collection():
                    compiled = self.compile(self, args, kwargs)
                run = compiled.bind(values)
            known.insert(0, compiled)
            for old in known[KEPT:]:
                old.forget()
            del known[KEPT:]
        self.latest = compiled
        if self.optimizer is not None:
            return compiled.step(run)
        result = compiled.value(run)
        return engine.recorder(OPS["take"], (result,)) if engine.recorder else result

    @property
    def source(self) -> str:
        return self._latest().source

    @property
    def boxes(self) -> list[Any]:
        """The kinds and their arrays, for `autograd.draw`."""
        return self._latest().boxes

    @property
    def stats(self) -> dict[str, Any]:
        return {**self._latest().stats, "programs": sum(map(len, self.programs.values()))}

    def _latest(self) -> "Compiled":
        if self.latest is None:
            raise ValueError("there is no program yet: call the jitted function once.")
        return self.latest


class Compiled:
    """The program for one signature. A back end says how to `lower` a trace and how to run it."""

    source: str
    stats: dict[str, Any]
    boxes: list[Any]  # what a picture shows

    def __init__(self, owner: Jitted, args: Any, kwargs: Any) -> None:
        self.owner = owner
        begin = perf_counter()
        arguments = [*args, *kwargs.values()]
        self.adopt(arguments)
        self.binders: list[Callable[[Any, Any], bool]] = []
        watch = Watch([owner.fn, *self.objects(arguments)])
        names = _names(owner.fn, len(args), kwargs)

        def call(found: Trace) -> Any:
            replaced = []
            for name, x in zip(names, arguments):
                numbers: list[Any] = []
                values: list[Any] = []
                sign = signature(x, self.is_fixed, numbers, values)
                found.inputs[name] = [
                    symbol(Integer if type(n) is int else Number) for n in numbers
                ]
                found.values[f"V_{name}"] = [symbol(Symbol) for _ in values]
                ours = iter(found.inputs[name]), iter(found.values[f"V_{name}"])
                replaced.append(symbols(x, sign, *ours))
                self.binders.append(self.binder(name, x, sign, numbers, values))
            for inputs in (found.inputs, found.values):
                for name in [name for name, row in inputs.items() if not row]:
                    del inputs[name]
            return owner.fn(*replaced[: len(args)], **dict(zip(kwargs, replaced[len(args) :])))

        found = tracing.trace(call, watch.modules)
        self.masks = [(name, draw, len(found.inputs[name])) for name, draw in found.masks.items()
                      if name in found.inputs]  # fmt: skip
        traced = perf_counter()
        self.lower(found)
        self.watch = watch if watch.holds() else Watch(watch.roots)
        self.stats |= {"trace seconds": traced - begin, "analysis seconds": perf_counter() - traced}

    def adopt(self, arguments: list[Any]) -> None:
        """Before the trace: take in the parameters that are known already."""
        raise NotImplementedError

    def is_fixed(self, v: Value) -> bool:
        """Is it a parameter, which the program knows by identity? Other Values are inputs."""
        raise NotImplementedError

    def lower(self, trace: Trace) -> None:
        """Make the program: sets `source` and `stats`."""
        raise NotImplementedError

    def new_run(self) -> Any:
        """Room for one call: `fill(name, numbers)`, `fill_values(name, Values)`."""
        raise NotImplementedError

    def value(self, run: Any) -> Value:
        """The result, with a gradient to pull."""
        raise NotImplementedError

    def step(self, run: Any) -> float:
        """Forward, backward and the optimizer's update; returns the loss."""
        raise NotImplementedError

    def binder(self, name: str, x: Any, sign: Any, numbers: list[Any], values: list[Any]) -> Any:
        """A function (argument, run) -> does it fit? If so, its numbers are in the run."""

        def bind(x: Any, run: Any) -> bool:
            numbers: list[Any] = []
            values: list[Any] = []
            if signature(x, self.is_fixed, numbers, values) != sign:
                return False
            if numbers:
                run.fill(name, numbers)
            if values:
                run.fill_values(f"V_{name}", values)
            return True

        if numbers or values:
            return bind
        return lambda y, run: y is x or bind(y, run)  # the contents are watched

    def bind(self, values: Any) -> Any:
        """A run that holds these arguments, or None if the program is not for them."""
        if not self.watch.holds():
            return None
        run = self.new_run()
        for binder, x in zip(self.binders, values):
            if not binder(x, run):
                self.put_back(run)
                return None
        for name, draw, n in self.masks:
            run.fill(name, draw(n))
        return run

    def put_back(self, run: Any) -> None:
        """The run is not needed any more."""

    def forget(self) -> None:
        """The program will not be called again."""

    def objects(self, x: Any) -> list[Any]:
        """What in the arguments may change without a trace in their signature: modules, say."""
        if isinstance(x, list | tuple | dict):
            items = list(x.values()) if isinstance(x, dict) else x
            if items and isinstance(items[0], Value) and all(map(self.is_fixed, items)):
                return [x]
            return [found for item in items for found in self.objects(item)]
        return [x] if hasattr(x, "__dict__") and not isinstance(x, type | Value) else []


def _names(fn: Any, n: int, kwargs: Any) -> list[str]:
    """What the program calls the arguments: as the function does."""
    code = getattr(fn, "__code__", None)
    names = list(code.co_varnames[: code.co_argcount][inspect.ismethod(fn) :]) if code else []
    names = [*names[:n], *[f"arg{i}" for i in range(len(names), n)], *kwargs]
    taken = {"P", "G", "np", "view", "check", "step", "program", *[op.name for op in OPS.values()]}
    return [f"{name}_" if name in taken else name for name in names]


@contextmanager
def _no_collection() -> Iterator[None]:
    """The garbage collector would look at every node again and again: not while compiling."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
