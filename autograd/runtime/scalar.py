"""The `python` back end: straight-line scalar code, a line for each node, without any package.

Slower than arrays, but it can be read and stepped through, and it computes what the eager engine
does, in its order.
"""

import math
from typing import Any

from autograd.compiler.trace import Trace
from autograd.runtime.calls import Compiled
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
        numbers = {name: list(map(float, row)) for name, row in inputs.items() if name}
        steps = self.program(P=[v.data for v in self.parameters], **numbers)
        result = ScalarResult(next(steps))
        result.steps, result.found, result.op = steps, None, "jit"
        result.parents = (*self.parameters, *inputs[""])
        return result

    def step(self, inputs: dict[str, Any]) -> float:
        optimizer, (max_norm, limit) = self.owner.optimizer, self.owner.clip
        result = self.result(inputs)
        optimizer.zero_grad()
        result.backward()
        norm = math.sqrt(math.fsum(p.grad * p.grad for p in optimizer.params))
        for p in optimizer.params:
            p.grad *= max_norm / norm if max_norm is not None and norm > max_norm else 1.0
            p.grad = p.grad if limit is None else min(max(p.grad, -limit), limit)
        if math.isfinite(result.data):
            optimizer.step()
        return result.data


class ScalarResult(Value):
    """What a jitted function returns: a child of all its parameters and Values."""

    __slots__ = ("found", "steps")
    steps: Any
    found: list[float] | None

    @property
    def partials(self) -> Any:
        if self.found is None:
            self.found = next(self.steps)
        return self.found

    @partials.setter
    def partials(self, _: Any) -> None:
        """A Value sets it when it is made."""
