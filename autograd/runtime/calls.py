"""`jit`: programs by signature, found again at each call, or traced. Both back ends share this."""

import copy
import functools
import gc
import inspect
import re
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

from autograd.compiler import trace as tracing
from autograd.compiler.targets import Target
from autograd.compiler.trace import Integer, Number, Symbol, Trace, TraceError, symbol
from autograd.number import number
from autograd.ops import OPS
from autograd.recording import current_recorder
from autograd.runtime.watch import IMMUTABLE, Watch, refuse_iterator
from autograd.value import Value

KEPT = 64  # programs for one number of arguments: who changes a static argument every step, traces
# every step, but the memory does not fill up


class Jitted:
    """A compiled function. source: its latest program, as Python text. stats: nodes, kinds and
    array operations, seconds of tracing and analysis, and how many programs are cached."""

    def __init__(
        self,
        fn: Any,
        optimizer: Any,
        compile: type["Compiled"],
        target: Target,
        clip: tuple[Any, Any],
    ) -> None:
        functools.update_wrapper(self, fn)
        self.fn, self.optimizer, self.clip = fn, optimizer, clip
        self.compile, self.target = compile, target
        self.programs: dict[Any, list[Compiled]] = {}
        self.latest: Compiled | None = None
        self.changes = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tracing.tracers:  # inside of another jitted function: a part of its program
            return self.fn(*args, **kwargs)
        values = (*args, *kwargs.values()) if kwargs else args
        known = self.programs.setdefault((len(args), *kwargs), [])
        for program in known:
            inputs = program.bind(values)
            if inputs is not None:
                break
        else:
            self.warn(known)
            inputs = None
            while inputs is None:  # once more if the trace took in parameters that are arguments
                program = self.compile(self, args, kwargs)
                inputs = program.bind(values)
            known.insert(0, program)
            del known[KEPT:]
        self.latest = program
        if self.optimizer is not None:
            return program.step(inputs)
        result = program.result(inputs)
        record = current_recorder()
        return record(OPS["take"], (result,)) if record else result

    def warn(self, known: list["Compiled"]) -> None:
        """Say what makes it trace again, when that happens often."""
        changed = known[0].watch.changed() if known and not known[0].watch.holds() else []
        self.changes += bool(changed)
        if changed and self.changes == 10:
            warnings.warn(
                f"jit has compiled this function {self.changes} times, each time because of a "
                f"change of {', '.join(changed)}, which it can reach. That is slow: keep what "
                "changes often out of its reach, or pass it as an argument.",
                stacklevel=3,
            )

    def __getattr__(self, name: str) -> Any:
        if name not in ("source", "ir", "stats", "boxes"):
            raise AttributeError(f"a jitted function has no attribute {name!r}")
        if self.latest is None:
            raise ValueError("there is no program yet: call the jitted function once.")
        found = getattr(self.latest, name)
        programs = {"programs": sum(map(len, self.programs.values()))}
        return found | programs if name == "stats" else found


class Compiled:
    """The program for one signature. A back end says how to `lower` a trace and how to run it."""

    source: str
    stats: dict[str, Any]
    boxes: list[Any]  # what a picture shows

    def __init__(self, owner: Jitted, args: Any, kwargs: Any) -> None:
        begin, self.owner, collecting = perf_counter(), owner, gc.isenabled()
        arguments = [*args, *kwargs.values()]
        self.names = _names(owner.fn, len(args), kwargs)
        for name, x in zip(self.names, arguments):
            refuse_iterator(name, x)
        self.adopt(arguments)
        watch = Watch([owner.fn, *self.objects(arguments)])
        self.signs = [self.signature(x, [], []) for x in arguments]
        self.plain: dict[str, Any] = {}  # arguments without numbers, whose contents are watched

        def call(found: Trace) -> Any:
            replaced = []
            for name, x in zip(self.names, arguments):
                numbers: list[Symbol] = []
                values: list[Symbol] = []
                replaced.append(self.mapped(x, functools.partial(_symbols, numbers, values)))
                found.inputs |= {name: numbers} if numbers else {}
                found.values |= {f"V_{name}": values} if values else {}
                self.plain |= {} if numbers or values else {name: x}
            return owner.fn(*replaced[: len(args)], **dict(zip(kwargs, replaced[len(args) :])))

        gc.disable()  # it would look at every node again and again
        try:
            state, found = watch.drawn(), tracing.trace(call, watch.modules)
            if not watch.holds() or watch.drawn() != state:  # a change: the first time, or always?
                watch = Watch(watch.roots)
                state, found = watch.drawn(), tracing.trace(call, watch.modules)
                if watch.drawn() != state:
                    raise TraceError(
                        "the function draws random numbers, and jit would repeat the same ones "
                        "forever: draw them outside and pass them as an argument. (nn.Dropout "
                        "works under jit.)"
                    )
                if changed := watch.changed():
                    raise TraceError(
                        f"the function changes {', '.join(changed)} whenever it runs, but jit runs "
                        "it only once. Change it outside, and pass what is needed as an argument."
                    )
            self.masks = [(name, draw, len(found.inputs.get(name, ())))
                          for name, draw in found.masks.items()]  # fmt: skip
            traced = perf_counter()
            self.lower(found)
        finally:
            if collecting:
                gc.enable()
        self.watch = watch if watch.holds() else Watch(watch.roots)
        self.stats |= {"trace seconds": traced - begin, "analysis seconds": perf_counter() - traced}

    def adopt(self, arguments: list[Any]) -> None:
        """Before the trace: take in the parameters that are known already."""
        raise NotImplementedError

    def is_fixed(self, v: Value) -> bool:
        """Is it a parameter, which the program knows by identity? Other Values are inputs."""
        raise NotImplementedError

    def lower(self, trace: Trace) -> None:
        """Make the program: sets `source`, `stats` and `boxes`."""
        raise NotImplementedError

    def result(self, inputs: dict[str, Any]) -> Value:
        """What a call returns: a Value with a gradient to pull."""
        raise NotImplementedError

    def step(self, inputs: dict[str, Any]) -> float:
        """Forward, backward and the optimizer's update; returns the loss."""
        raise NotImplementedError

    def holds(self) -> bool:
        """Is all that the program took for granted as it was?"""
        return self.watch.holds()

    def bind(self, arguments: Any) -> dict[str, Any] | None:
        """These arguments as the program's inputs, or None if it is not for them."""
        if not self.holds():
            return None
        inputs: dict[str, Any] = {"": ()}
        for i, (name, x) in enumerate(zip(self.names, arguments)):
            if self.plain.get(name, self) is not x and not self.accepts(i, name, x, inputs):
                return None
        for name, draw, n in self.masks:
            inputs[name] = draw(n)
        return inputs

    def accepts(self, i: int, name: str, x: Any, inputs: dict[str, Any]) -> bool:
        """Does argument `i` fit the program? If so, its numbers are in `inputs`, also those of its
        Values, which are themselves in inputs[""]."""
        numbers: list[float] = []
        values: list[Value] = []
        fits: bool = self.signature(x, numbers, values) == self.signs[i]
        inputs |= {name: numbers} if numbers else {}
        inputs |= {f"V_{name}": [v.data for v in values]} if values else {}
        inputs[""] = [*inputs.get("", ()), *values]
        return fits

    def signature(self, x: Any, numbers: list[Any], values: list[Value]) -> Any:
        """What of an argument makes the program; its numbers and Values are collected in order."""

        def leaf(x: Any) -> Any:
            if isinstance(x, list | tuple):  # plain numbers of one type
                numbers.extend(x)
                return type(x), type(x[0]), len(x)
            if hasattr(x, "dtype"):
                if x.dtype.kind not in "fiub":
                    raise TypeError(f"jit takes arrays of floats or ints, not of {x.dtype}.")
                if x.dtype.kind == "b":
                    return x.shape, x.tobytes()
                numbers.extend(x.reshape(-1).tolist())
                return x.shape, x.dtype.kind == "f"
            (values if isinstance(x, Value) else numbers).append(x)
            return Value if isinstance(x, Value) else type(x)

        return self.mapped(x, leaf, True)

    def mapped(self, x: Any, leaf: Callable[[Any], Any], is_sign: bool = False) -> Any:
        """The same nesting with leaf(item) for each number, array, and Value that is not fixed.
        Modules and everything else stand for themselves. is_sign: as a signature, to compare."""
        kind = type(x)
        if kind is float or kind is int or (isinstance(x, Value) and not self.is_fixed(x)):
            return leaf(x)
        if isinstance(x, list | tuple):
            if is_sign and set(map(type, x)) in ({float}, {int}):  # usual, and so the fast case
                return leaf(x)
            items = [self.mapped(item, leaf, is_sign) for item in x]
            if is_sign or kind in (list, tuple):
                return (kind, *items) if is_sign else kind(items)
            if hasattr(x, "_make"):  # a namedtuple
                return x._make(items)
            replaced: Any = copy.copy(x)
            replaced[:] = items
            return replaced
        if isinstance(x, dict):
            pairs = [(key, self.mapped(item, leaf, is_sign)) for key, item in x.items()]
            if is_sign:  # the order counts: in it the numbers are collected
                return (kind, *pairs)
            replaced = copy.copy(x)
            replaced.update(pairs)
            return replaced
        if hasattr(x, "dtype") and hasattr(x, "tolist"):  # NumPy's, without NumPy
            return leaf(x) if x.shape else leaf(x.item())
        return leaf(number(x)) if hasattr(x, "__float__") and not isinstance(x, bool | Value) else x

    def objects(self, x: Any) -> list[Any]:
        """What in the arguments may change without a trace in their signature: modules, say."""
        if isinstance(x, list | tuple | dict):
            items = list(x.values()) if isinstance(x, dict) else x
            if items and isinstance(items[0], Value) and all(map(self.is_fixed, items)):
                return [x]
            return [found for item in items for found in self.objects(item)]
        is_number = isinstance(x, IMMUTABLE) or hasattr(x, "__float__") or hasattr(x, "dtype")
        return [] if is_number else [x]


def _symbols(numbers: list[Symbol], values: list[Symbol], x: Any) -> Any:
    """A symbol instead of a number or Value, or an array of them."""
    if hasattr(x, "dtype"):
        if x.dtype.kind == "b":
            return x
        array = x.astype(object, order="C")
        array.reshape(-1)[:] = [_symbols(numbers, values, item) for item in x.reshape(-1).tolist()]
        return array
    s = symbol(Symbol if isinstance(x, Value) else Integer if type(x) is int else Number)
    (values if isinstance(x, Value) else numbers).append(s)
    return s


def _names(fn: Any, n: int, kwargs: Any) -> list[str]:
    """What the program calls the arguments: as the function does."""
    code = getattr(fn, "__code__", None)
    names = list(code.co_varnames[: code.co_argcount][inspect.ismethod(fn) :]) if code else []
    names = [*names[:n], *[f"arg{i}" for i in range(len(names), n)], *kwargs]
    taken = {"P", "G", "np", "check", "outer", "step", "program", *[op.name for op in OPS.values()]}
    clashes = re.compile(r"\w+_i|V_\w+|mask\d+|d?v\d+|g\d+").fullmatch
    return [f"{name}_" if name in taken or clashes(name) else name for name in names]
