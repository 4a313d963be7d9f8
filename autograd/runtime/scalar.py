"""The `python` back end: straight-line scalar code, a line for each node, without any package.

Slower than arrays, but it can be read and stepped through, and it computes what the eager engine
does, in its order.
"""

import math
from typing import Any

from autograd.compiler.trace import Trace
from autograd.runtime.compiled import Compiled
from autograd.runtime.optimizers import update
from autograd.runtime.result import replay, result_of
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

    def result(self, inputs: dict[str, Any]) -> Value:
        call = ScalarCall(self, inputs)
        return result_of(call, call.loss, (*self.parameters, *inputs[""]))

    def gradients(self, result: Any) -> dict[int, float]:
        found: dict[int, float] = {}
        for v, g in zip(result.parents, result.partials):
            found[id(v)] = found.get(id(v), 0.0) + g
        return found

    def step(self, inputs: dict[str, Any]) -> float:
        optimizer, result = self.owner.optimizer, self.result(inputs)
        optimizer.zero_grad()
        result.backward()
        if math.isfinite(result.data):
            update(optimizer, self.owner.clip)
        return result.data


class ScalarCall:
    """One call of a program: its loss, and its gradients once they are wanted."""

    def __init__(self, program: Unrolled, inputs: dict[str, Any]) -> None:
        numbers = {name: list(map(float, row)) for name, row in inputs.items() if name}
        self.program, self.inputs = program, inputs
        self.steps = program.program(P=[v.data for v in program.parameters], **numbers)
        self.loss: float = next(self.steps)
        self.found: list[float] | None = None

    def partials(self) -> list[float]:
        if self.found is None:
            self.found = next(self.steps)
        return self.found

    def replayed(self) -> Value:
        return replay(self.program.trace, self.inputs, self.inputs[""])[-1]

    def leaves(self) -> Any:
        return zip([*self.program.parameters, *self.inputs[""]], self.partials())
