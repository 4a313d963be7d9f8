"""glassgrad with nn's layers and the n-ary ops: a neuron's weighted sum is one node."""

from typing import Any

import autograd
from autograd import Value
from benchmarks.scalar import Kit, Step


class NaryKit(Kit):
    """For what has no layer in nn: the same programs, each sum one node."""

    def __init__(self) -> None:
        super().__init__(Value, autograd.exp, autograd.log)

    sum = staticmethod(autograd.sum)
    dot = staticmethod(autograd.dot)
    logsumexp = staticmethod(autograd.logsumexp)


def build(workload: str, numbers: Any) -> Step:
    return NaryKit().build(workload, numbers)
