"""A program for one signature, whatever its back end: made by a trace, found again by `bind`."""

import functools
import gc
import weakref
from collections.abc import Callable
from time import perf_counter
from typing import Any

from autograd.compiler.masks import original
from autograd.compiler.trace import Argument, Trace, TraceError, trace
from autograd.runtime.arguments import (
    Signature,
    Substitute,
    is_array,
    is_number,
    is_record,
    names,
    repeats,
    weak,
)
from autograd.runtime.optimizers import fields_read
from autograd.runtime.transaction import Effects, transaction
from autograd.runtime.watch import ATOMS, Names, Watch, refuse_iterator
from autograd.value import Value

LARGE = 1_000_000  # products and sums in a plain run: more take a second or so
LATER = 64  # the call of a large program at which it is audited first; of others it is the 2nd


def work(trace: Trace) -> int:
    """How much a plain run computes: the terms of all weighted sums, and all other nodes."""
    return len(trace.nodes) + sum([len(rows[0]) for rows in trace.rows.values() if rows])


class Compiled:
    """The program for one signature. A back end says how to `lower` a trace and how to run it.

    calls: how many there were. audit_at: at which call the plain function runs, too.
    """

    source: str
    stats: dict[str, Any]
    boxes: list[Any]  # what a picture shows
    trace: Trace

    def __init__(self, owner: Any, args: Any, kwargs: Any) -> None:
        self.owner, self.keys = owner, (len(args), *kwargs)
        self.calls, self.audit_at = 1, 2
        self.arguments: list[Any] = [*args, *kwargs.values()]
        self.names = names(owner.fn, len(args), kwargs)
        for name, x in zip(self.names, self.arguments):
            refuse_iterator(name, x)
        self.adopt(self.arguments)
        self.watch = self.watched()

    # --- what a back end says ----------------------------------------------------------------

    def adopt(self, arguments: list[Any]) -> None:
        """Before the trace: take in the parameters that are known already."""
        raise NotImplementedError

    def is_fixed(self, v: Value) -> bool:
        """Is it a parameter, which the program knows by identity? Other Values are inputs."""
        raise NotImplementedError

    def lower(self, trace: Trace) -> None:
        """Make the program: sets `source`, `stats` and `boxes`."""
        raise NotImplementedError

    def result(self, inputs: dict[str, Any]) -> Any:
        """What a call returns: a Value with a gradient to pull, or several, nested."""
        raise NotImplementedError

    def gradients(self, results: list[Any]) -> dict[int, float]:
        """Of the sum of such results, by the ids of the parameters and Values."""
        found: dict[int, float] = {}
        for result in results:
            for v, g in result.edges():
                found[id(v)] = found.get(id(v), 0.0) + g
        return found

    def step(self, inputs: dict[str, Any]) -> float:
        """Forward, backward and the optimizer's update; returns the loss."""
        raise NotImplementedError

    # --- making it ---------------------------------------------------------------------------

    def watched(self) -> Watch:
        """A snapshot of all that the function can reach."""
        return Watch([self.owner.fn, *[s for x in self.arguments for s in self.statics(x)]])

    def statics(self, x: Any) -> list[Any]:
        """What in the arguments may change without a trace in their signature: modules, say."""
        if isinstance(x, list | tuple | dict):
            items = list(x.values()) if isinstance(x, dict) else x
            found = [s for item in items for s in self.statics(item)]
            is_plain = not any(map(self.is_input, items))
            return [x, *found] if is_plain else found
        if is_record(x):
            return [s for item in vars(x).values() for s in self.statics(item)]
        if is_array(x):
            return [x] if x.dtype.kind not in "fiu" else []
        return [] if isinstance(x, ATOMS) or is_number(x) else [x]

    def is_input(self, x: Any) -> bool:
        """Whether there are numbers or Values in it that come anew with each call."""
        if isinstance(x, list | tuple | dict):
            return any(map(self.is_input, x.values() if isinstance(x, dict) else x))
        if isinstance(x, Value):
            return not self.is_fixed(x)
        is_data = is_array(x) and x.dtype.kind in "fiuO"
        return is_data or type(x) in (int, float) or is_record(x) or is_number(x)

    def traced(self) -> tuple[Trace, Effects]:
        """Call the function on symbols. Afterwards all is as before; what it did is told."""
        begin, collecting = perf_counter(), gc.isenabled()
        gc.disable()  # it would look at every node again and again
        try:
            with transaction(self.watch) as effects, fields_read(self.watch.optimizers) as read:
                found = trace(self.call_on_symbols, self.watch.modules)
        finally:
            if collecting:
                gc.enable()
        self.read = read
        self.trace_seconds = perf_counter() - begin
        return found, effects

    def call_on_symbols(self, found: Trace) -> Any:
        """What `trace` runs."""
        substitute = Substitute(self.is_fixed)
        replaced = []
        for name, x in zip(self.names, self.arguments):
            substitute.numbers, substitute.values = [], []
            replaced.append(substitute.of(x))
            if substitute.numbers:
                found.inputs[name] = substitute.numbers
            if substitute.values:
                found.values[f"V_{name}"] = substitute.values
        n, keys = self.keys[0], self.keys[1:]
        root = self.owner.fn(*replaced[:n], **dict(zip(keys, replaced[n:])))
        if substitute.is_changed():
            raise TraceError(
                "the function changes its arguments in place, a list, a dict or an array, but a "
                "compiled program only reads them. Make a copy first, and return what is new."
            )
        return root

    def finish(self, found: Trace) -> None:
        """Make the program from the trace."""
        begin, self.trace = perf_counter(), found
        if self.owner.optimizer is not None and not isinstance(found.returned, Value):
            raise TraceError(
                f"a jitted training step needs one loss, a Value, but the function returned a "
                f"{type(found.returned).__name__}: reduce a list with autograd.sum(values)."
            )
        for optimizer, fields in self.read:
            if optimizer is self.owner.optimizer and not {"steps", "state"}.isdisjoint(fields):
                raise TraceError(
                    f"the function reads {', '.join(fields)} of its own optimizer, which changes "
                    "with every step, and so would the program: pass what is needed as an argument."
                )
            get = functools.partial(_fields, fields)
            self.watch.names.append(Names(fields, get, vars(optimizer)))
        self.sign()  # before parameters are taken in: what was an input must stay one
        self.lower(found)
        if work(found) > LARGE:
            self.audit_at = LATER
        self.guard(found)
        found.forget()
        seconds = perf_counter() - begin
        self.stats |= {"trace seconds": self.trace_seconds, "analysis seconds": seconds}

    def sign(self) -> None:
        """What the arguments of later calls must look like."""
        self.signs: list[Any] = []
        self.plain: dict[str, Any] = {}  # arguments without inputs, which are watched
        values: list[Value] = []
        for name, x in zip(self.names, self.arguments):
            signature = Signature(self.is_fixed)
            self.signs.append(signature.of(x))
            values += signature.values
            if not (signature.numbers or signature.values):
                self.plain[name] = weak(x)
        self.repeats = repeats(values)

    def guard(self, found: Trace) -> None:
        """What the function has seen of its inputs, besides numbers: their types, say."""
        self.typed: dict[str, list[tuple[int, type]]] = {}
        self.identical: list[tuple[int, Value]] = []
        self.labels: list[tuple[int, str]] = []
        observed = {i: what for what, i in found.observed}
        for name, row in found.inputs.items():
            for i, s in enumerate(row):
                if observed.get(id(s)) in ("type", "index"):
                    self.typed.setdefault(name, []).append((i, s.stands_for_a))
        for i, s in enumerate([s for row in found.values.values() for s in row]):
            if not isinstance(s, Argument):
                continue
            if ("identity", id(s)) in found.observed:
                self.identical.append((i, s.stands_for))
            if ("label", id(s)) in found.observed:
                self.labels.append((i, s.stands_for.label))
        self.draws = merged(found.draws, self.watch.modules)
        self.computed = found.computed
        self.places = {id(s): (name, i) for name, row in found.inputs.items() if name != "computed"
                       for i, s in enumerate(row)}  # fmt: skip

    def release(self, forget: Callable[[Any], None]) -> None:
        """After the first call: hold on to no argument. forget: called when a model has gone."""
        models = [x for x in self.arguments if hasattr(x, "parameters")]
        self.models = [weakref.ref(x, forget) for x in models if hasattr(x, "__weakref__")]
        self.arguments = []

    # --- using it ----------------------------------------------------------------------------

    def holds(self) -> bool:
        """Is all that the program took for granted as it was?"""
        return self.watch.holds()

    def bind(self, args: Any, kwargs: Any, masks: Any = None) -> dict[str, Any] | None:
        """These arguments as the program's inputs, or None if it is not for them. masks: if they
        were drawn already."""
        arguments = (*args, *kwargs.values()) if kwargs else args
        if (len(args), *kwargs) != self.keys or not self.holds():
            return None
        inputs: dict[str, Any] = {"": ()}
        for i, (name, x) in enumerate(zip(self.names, arguments)):
            known = self.plain.get(name)
            if (known is None or known() is not x) and not self.accepts(i, name, x, inputs):
                return None
        if inputs[""] and not self.fits(inputs[""]):
            return None
        if self.computed:
            inputs["computed"] = self.compute(inputs)
        if self.draws:
            self.draw(inputs) if masks is None else inputs.update(masks)
        return inputs

    def accepts(self, i: int, name: str, x: Any, inputs: dict[str, Any]) -> bool:
        """Does argument `i` fit the program? If so, its numbers are in `inputs`, also those of its
        Values, which are themselves in inputs[""]."""
        signature = Signature(self.is_fixed)
        fits: bool = signature.of(x) == self.signs[i]
        numbers = signature.numbers
        if fits and name in self.typed:
            fits = all(type(numbers[k]) is kind for k, kind in self.typed[name])
        if numbers:
            inputs[name] = numbers
        if signature.values:
            inputs[f"V_{name}"] = [v.data for v in signature.values]
            inputs[""] = [*inputs[""], *signature.values]
        return fits

    def fits(self, values: list[Value]) -> bool:
        """Are they told apart as the function told them apart?"""
        return (
            repeats(values) == self.repeats
            and all(values[i] is v for i, v in self.identical)
            and all(values[i].label == label for i, label in self.labels)
        )

    def compute(self, inputs: dict[str, Any]) -> list[int]:
        """The ints that are computed from ints among the arguments."""
        known: dict[int, Any] = {}

        def number(x: Any) -> Any:
            if type(x) is int:
                return x
            if id(x) not in known:
                name, i = self.places[id(x)]
                known[id(x)] = inputs[name][i]
            return known[id(x)]

        for s, function, operands in self.computed:
            known[id(s)] = int(function(*map(number, operands)))
        return [known[id(s)] for s, _, _ in self.computed]

    def draw(self, inputs: dict[str, Any]) -> None:
        """The masks of this call."""
        for name, module, n in self.draws:
            drawn = original(module)(n)
            inputs[name] = [*inputs[name], *drawn] if name in inputs else drawn


def merged(draws: list[tuple[str, int]], modules: list[Any]) -> list[tuple[str, Any, int]]:
    """(input, module, how many numbers), joined as far as each generator gives the same numbers:
    all those of a module, if no two modules draw from one generator; else neighbours."""
    generators = [id(getattr(m, "rng", None)) for m in modules]
    found: list[tuple[str, Any, int]] = []
    if len(set(generators)) == len(generators):
        draws = sorted(draws, key=lambda item: item[0])  # stable
    for name, n in draws:
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1], found[-1][2] + n)
        else:
            found.append((name, modules[int(name[4:]) - 1], n))
    return found


def _fields(names: list[str], attributes: dict[str, Any]) -> tuple[Any, ...]:
    return tuple([attributes.get(name) for name in names])
