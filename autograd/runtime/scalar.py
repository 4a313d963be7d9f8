"""The `python` back end: straight-line scalar code, a line for each node, without any package.

Slower than arrays, but it can be read and stepped through, and it computes what the eager engine
does, in its order.
"""

import math
from typing import Any

from autograd.compiler.trace import Trace
from autograd.runtime.compiled import Compiled
from autograd.runtime.optimizers import update
from autograd.runtime.result import rebuilt, replay, result_of
from autograd.value import Value


class Unrolled(Compiled):
    """The scalar program for one signature."""

    def adopt(self, arguments: list[Any]) -> None:
        optimizer = self.owner.optimizer
        known = list(optimizer.params) if optimizer is not None else []
        for model in arguments:
            known += model.parameters() if hasattr(model, "parameters") else []
        self.known = {id(v): v for v in known}

    def is_fixed(self, v: Value) -> bool:
        return id(v) in self.known

    def lower(self, trace: Trace) -> None:
        printed = self.owner.target.emit(trace, {})
        self.source, self.program, self.parameters = printed[0], printed[1], printed.parameters
        self.stats = {"nodes": printed.operations, "kinds": 0, "array ops": 0}
        self.boxes = []

    def result(self, inputs: dict[str, Any]) -> Any:
        trace, parents = self.trace, (*self.parameters, *inputs[""])
        call = ScalarCall(self, inputs)
        views = [View(call, k) for k in range(len(trace.ends))]
        results = [result_of(v, x, parents) for v, x in zip(views, call.numbers)]
        return rebuilt(trace, results)

    def step(self, inputs: dict[str, Any]) -> float:
        optimizer, result = self.owner.optimizer, self.result(inputs)
        optimizer.zero_grad()
        result.backward()
        if math.isfinite(result.data):
            update(optimizer, self.owner.clip)
        return float(result.data)


class ScalarCall:
    """One call of a program: its results, and the gradients of each once they are wanted."""

    def __init__(self, program: Unrolled, inputs: dict[str, Any]) -> None:
        self.inputs = {name: list(map(float, row)) for name, row in inputs.items() if name}
        self.program, self.values = program, inputs[""]
        self.parameters = [v.data for v in program.parameters]
        self.found: dict[int, list[float]] = {}
        self.first = self.run()
        results = next(self.first)
        self.numbers: list[float] = results if program.trace.results else [results]

    def run(self) -> Any:
        return self.program.program(P=self.parameters, **self.inputs)

    def gradients(self, k: int) -> list[float]:
        """Of one result, with respect to the parameters and the Values."""
        if k not in self.found and not self.program.trace.results:
            self.found[k] = next(self.first)
        elif k not in self.found:
            steps = self.run()
            next(steps)
            self.found[k] = steps.send([float(i == k) for i in range(len(self.numbers))])
        return self.found[k]


class View:
    """One result of a call."""

    def __init__(self, call: ScalarCall, k: int) -> None:
        self.call, self.k = call, k

    def partials(self) -> list[float]:
        return self.call.gradients(self.k)

    def replayed(self) -> Value:
        call = self.call
        return replay(call.program.trace, call.inputs, call.values)[1][self.k]

    def leaves(self) -> Any:
        return zip([*self.call.program.parameters, *self.call.values], self.partials())
