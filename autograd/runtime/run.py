"""The NumPy back end: a program in use, its results and its training steps."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd.compiler import pipeline, targets
from autograd.compiler.trace import DATA, GRAD, Trace
from autograd.runtime.compiled import Compiled
from autograd.runtime.optimizers import is_usual, methods
from autograd.runtime.result import rebuilt, replay, result_of
from autograd.runtime.store import Stored, adopt
from autograd.runtime.update import CHUNK, Rule, table
from autograd.runtime.watch import SMALL
from autograd.value import Value


class Arrays(Compiled):
    """The array program for one signature."""

    def adopt(self, arguments: list[Any]) -> None:
        self.regular: dict[str, Any] = {}  # arguments that are rectangular: shape, kind, type
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

        def place(parameters: list[Value]) -> Any:
            self.store = adopt([*(optimizer.params if optimizer else ()), *parameters])
            return list(map(GRAD.__get__, parameters))

        def sizes() -> dict[str, int]:
            rows = trace.inputs | trace.values
            return {name: len(row) for name, row in rows.items()} | {"P": len(self.store.data)}

        runtime = {"check": _check, "outer": self.outer}
        program = pipeline.compile(trace, place, sizes, self.owner.target, runtime)
        self.trace, self.ir = trace, program.ir
        self.is_one = isinstance(trace.returned, Value) and not trace.floats
        self.source = self.program_source = program.printed.source
        self.boxes, self.stats = program.boxes, dict(program.stats)
        self.inputs, self.has_holes = program.inputs, program.has_holes
        self.listed = optimizer.params if optimizer is not None else []
        self.copied = list(self.listed)
        data = self.store.data
        self.gradient, self.sole, self.defers = np.zeros(len(data)), False, False
        self.deferred: dict[int, Any] = {}  # parts of G, by id: (start, stop) if they are put off
        if optimizer is not None:
            at = np.array(list(map(GRAD.__get__, self.listed)))
            self.trained: Any = at
            start, n = int(at[0]), len(at)
            self.methods, self.clears = methods(optimizer), is_usual(optimizer, "zero_grad")
            self.sole = n == len(data) and self.clears  # are they all that there is?
            self.gradient = self.store.written if self.sole else self.gradient
            if (at == np.arange(start, start + n)).all():
                self.trained = slice(start, start + n)
                is_clipped = self.owner.clip != (None, None)
                self.defers = self.sole and not is_clipped and not self.has_holes
            self.rule: Rule | None = None
        self.run = program.printed.make(data, self.gradient)

    def holds(self) -> bool:
        if self.listed and not self.is_of(self.owner.optimizer):
            return False
        return not self.store.moved and self.watch.holds()

    def is_of(self, optimizer: Any) -> bool:
        """Whether the optimizer has the same parameters, and steps as before."""
        if methods(optimizer) != self.methods:
            return False
        listed = optimizer.params
        if listed is self.listed and len(listed) > SMALL and self.calls % 64:
            return len(listed) == len(self.copied)
        same: bool = listed == self.copied
        return same

    def accepts(self, i: int, name: str, x: Any, inputs: dict[str, Any]) -> bool:
        """As for all back ends; but nested lists of one shape, or arrays, all at once."""
        known = self.regular.get(name)
        if known is None:
            fits = super().accepts(i, name, x, inputs)
            if fits and f"V_{name}" not in inputs and name in inputs:
                self.regularise(name, x, len(inputs[name]))
            return fits
        nest, shape, kinds = known
        if type(x) is np.ndarray:
            inputs[name] = x.reshape(-1)
            return nest is np.ndarray and x.shape == shape and x.dtype == kinds
        array = _array(x) if _nest(x) == nest else None
        if array is None or array.shape != shape or array.dtype.kind not in kinds:
            return False
        inputs[name] = array.reshape(-1)
        return True

    def regularise(self, name: str, x: Any, n: int) -> None:
        """Note what such arguments look like, if that can be told from an array of them."""
        if type(x) is np.ndarray and x.dtype.kind in "fiu":
            self.regular[name] = (np.ndarray, x.shape, x.dtype)
            return
        array, kinds = _array(x), {kind for _, kind in self.typed.get(name, ())}
        if array is None or array.size != n or _nest(x) is None:
            return
        if not kinds or kinds == {int} and array.dtype.kind == "i":
            self.regular[name] = (_nest(x), array.shape, "i" if kinds else "fi")

    def begin(self, inputs: dict[str, Any]) -> Any:
        return self.run(*[np.asarray(inputs[name], kind) for name, kind in self.inputs])

    def backward(self, steps: Any, inputs: dict[str, Any], upstream: Any = None) -> list[float]:
        """The gradients: that of the store in `gradient`, and those of the Values. upstream: if
        there are several results, a number for each."""
        partials = [x for g in steps.send(upstream) for x in g.tolist()]
        if self.has_holes and any(map(math.isnan, (self.gradient @ self.gradient, *partials))):
            # a square sum is NaN if a term is; no inf - inf makes it so
            return self.replay(inputs, upstream)
        return partials

    def replay(self, inputs: dict[str, Any], upstream: Any) -> list[float]:
        """Once more, on scalars. Eager does not visit what `take` did not choose; in arrays that
        has the gradient 0, and 0 times infinity made a NaN that does not belong there."""
        printed = targets.find("python").emit(self.trace, {})
        parameters = printed.parameters
        numbers = {name: list(map(float, row)) for name, row in inputs.items() if name}
        steps = printed.make(P=[v.data for v in parameters], **numbers)
        next(steps)
        found: list[float] = steps.send(upstream)
        self.gradient[...] = 0.0
        for v, g in zip(parameters, found):  # not those that only dead code reads
            if type(v) is Stored and DATA.__get__(v) is self.store:
                self.gradient[GRAD.__get__(v)] = g
        return found[len(parameters) :]

    @np.errstate(all="ignore")
    def result(self, inputs: dict[str, Any]) -> Any:
        # copies, for the backward pass is yet to come and the arrays are the user's
        inputs = {name: np.array(row) if name else row for name, row in inputs.items()}
        if not self.trace.results:
            result = self.node(Call(self, inputs))
            return result if self.is_one else rebuilt(self.trace, [result])
        numbers, moment = next(self.begin(inputs)), Moment()
        calls = [Part(self, inputs, k, float(x), moment) for k, x in enumerate(numbers)]
        return rebuilt(self.trace, list(map(self.node, calls)))

    def node(self, call: "Call") -> Value:
        """The Value of a call."""
        self.store.pending.add(call)
        all_parameters = Parameters(0.0, "parameters")
        all_parameters.call = call
        return result_of(call, call.loss, (all_parameters, *call.inputs[""]))

    def outer(self, a: np.ndarray, b: np.ndarray, out: Any = None) -> Any:
        """A large outer product. Into a part of G, in a training step, it is put off: the update
        makes it a chunk at a time, and few people read a million gradients."""
        if self.defers and out is not None and id(out) not in self.deferred:
            start, stop, _ = table(self.gradient, out)
            others = [rows for rows in self.deferred.values() if rows]
            fits = out.size >= CHUNK and out.strides[1] == 8 and stop <= len(self.gradient)
            fits = fits and all(stop <= x or y <= start for x, y in others)
            self.deferred[id(out)] = (start, stop) if fits else None
        if not self.deferred.get(id(out)):
            return np.einsum("i,j->ij", a, b, out=out)
        self.store.late.append((out, a.copy(), b.copy()))
        return None

    @np.errstate(all="ignore")
    def step(self, inputs: dict[str, Any]) -> float:
        store, at = self.store, self.trained
        store.settle()
        if self.sole:
            store.late.clear()
        steps = self.begin(inputs)
        loss = float(next(steps))
        self.backward(steps, inputs)
        if not self.sole:  # zero_grad is for the optimizer's parameters, others accumulate
            if self.clears:
                store.grad[at] = 0.0
            else:
                self.owner.optimizer.zero_grad()
            store.grad[...] += self.gradient
        if math.isfinite(loss):
            max_norm, limit = self.owner.clip
            if max_norm is not None:
                norm = float(np.linalg.norm(store.grad[at]))
                store.grad[at] *= max_norm / norm if norm > max_norm else 1.0
            if limit is not None:
                store.grad[at] = np.clip(store.grad[at], -limit, limit)
            self.update(self.owner.optimizer)
        return loss

    def update(self, optimizer: Any) -> None:
        """The optimizer's step: its own rule on arrays, if that is possible."""
        store, at, late = self.store, self.trained, self.store.late
        if self.rule is None or not self.rule.fits(late):
            self.rule = Rule(optimizer, store.data, store.written, at, late, self.owner.target)
            self.source = self.program_source + self.rule.source
        rule = self.rule
        if rule.run is None:
            optimizer.step()
            return
        optimizer.steps += 1
        if isinstance(at, slice):
            rule.run(rule.chunks, optimizer.lr, optimizer.steps)
            if late:
                rule.run(rule.outer(late), optimizer.lr, optimizer.steps)
        else:  # parameters here and there: these are copies
            p = store.data[at]
            rule.run([(p, store.grad[at], *rule.state)], optimizer.lr, optimizer.steps)
            store.data[at] = p


class Call:
    """One call of a program: its loss, and its gradients once they are wanted."""

    def __init__(self, program: Arrays, inputs: dict[str, Any]) -> None:
        self.program, self.inputs, self.steps = program, inputs, program.begin(inputs)
        self.loss = float(next(self.steps))

    @np.errstate(all="ignore")
    def partials(self) -> Any:
        self.pull()
        return (1.0, *self.of_values)

    def replayed(self) -> Value:
        return replay(self.program.trace, self.inputs, self.inputs[""])[1][0]

    @np.errstate(all="ignore")
    def leaves(self) -> Any:
        self.pull()
        pairs = zip(self.program.store.members, self.gradient.tolist())
        return [*pairs, *zip(self.inputs[""], self.of_values)]

    def settle(self) -> None:
        """The parameters are about to change."""
        self.pull()

    def pull(self) -> None:
        """The backward pass, once: `gradient` is that of the store, `of_values` of the Values."""
        if self.steps is not None:
            steps, self.steps = self.steps, None
            self.pull_from(steps, None)

    def pull_from(self, steps: Any, upstream: Any) -> None:
        program, store = self.program, self.program.store
        if program.sole:  # the program writes into the parameters' own gradients: not now
            earlier = store.grad.copy()
            self.of_values = program.backward(steps, self.inputs, upstream)
            self.gradient = store.grad.copy()
            store.written[...] = earlier
        else:
            self.of_values = program.backward(steps, self.inputs, upstream)
            self.gradient = program.gradient.copy()
        store.pending.discard(self)


@dataclass
class Moment:
    """What the results of one call share: the parameters as they were, once they change."""

    data: Any = None


class Part(Call):
    """One of several results of a call. Its gradient is a run of the program of its own: few of
    many results are asked for theirs."""

    def __init__(
        self, program: Arrays, inputs: dict[str, Any], k: int, number: float, moment: Moment
    ) -> None:
        self.program, self.inputs, self.k, self.loss = program, inputs, k, number
        self.moment, self.is_pulled = moment, False

    def replayed(self) -> Value:
        return replay(self.program.trace, self.inputs, self.inputs[""])[1][self.k]

    def settle(self) -> None:
        if self.moment.data is None:
            self.moment.data = self.program.store.data.copy()
        self.program.store.pending.discard(self)

    def pull(self) -> None:
        if self.is_pulled:
            return
        data, then = self.program.store.data, self.moment.data
        now = data.copy() if then is not None else None
        upstream = np.zeros(len(self.program.trace.results))
        upstream[self.k] = 1.0
        try:
            data[:] = data if then is None else then
            steps = self.program.begin(self.inputs)
            next(steps)
            self.pull_from(steps, upstream)
        finally:
            if now is not None:
                data[:] = now
        self.is_pulled = True


class Parameters(Value):
    """A leaf for all parameters of a call: a gradient that it receives goes on to each of them."""

    __slots__ = ("call",)
    call: Call

    @property
    def _grad(self) -> float:
        return 0.0

    @_grad.setter
    @np.errstate(all="ignore")
    def _grad(self, upstream: float) -> None:
        if upstream:
            self.call.pull()
            self.call.program.store.add(upstream * self.call.gradient)


def _nest(x: Any) -> Any:
    """The types of a nesting, as far down as its first items; None if they are not numbers."""
    kind = type(x)
    if kind not in (list, tuple):
        return None
    kinds = set(map(type, x))
    if kinds <= {float, int}:
        return kind
    inner = _nest(x[0])
    return inner and (kind, kinds, inner)


def _array(x: Any) -> Any:
    try:
        array = np.asarray(x)
    except (TypeError, ValueError):  # lists of different lengths
        return None
    return array if array.dtype.kind in "fiu" else None  # not of dicts, say


def _check(indices: np.ndarray, limits: np.ndarray) -> None:
    """IndexError, as from `take`, for an index that is out of range (below 0 is very large)."""
    outside = indices.view(np.uintp) >= limits
    if 1 in outside.tobytes():  # a third of the time of outside.any()
        bad = int(np.flatnonzero(outside)[0])
        raise IndexError(
            f"index {indices[bad]} is out of range: there are {limits[bad]} values, from 0"
        )
