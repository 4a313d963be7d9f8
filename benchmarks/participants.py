"""Who takes part: one entry each. `build(workload, numbers)` returns the step to be timed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.scalar import Step


@dataclass(frozen=True)
class Participant:
    name: str
    build: Callable[[str, Any], Step]
    collector: bool = True  # whether Python's garbage collector runs
    tolerance: float = 1e-9  # how near its losses must be to the first participant's
    without: tuple[str, ...] = ()  # workloads that make no sense for it


def _layers(workload: str, numbers: Any) -> Step:
    from benchmarks import ours

    return ours.build(workload, numbers)


def _jitted(workload: str, numbers: Any) -> Step:
    from benchmarks import jitted

    return jitted.build(workload, numbers)


def _numpy(workload: str, numbers: Any) -> Step:
    from benchmarks import numpy_by_hand

    return numpy_by_hand.build(workload, numbers)


def _by_hand(workload: str, numbers: Any) -> Step:
    from autograd import Value, exp, log
    from benchmarks.scalar import Kit

    return Kit(Value, exp, log).build(workload, numbers)


def _micrograd(workload: str, numbers: Any) -> Step:
    from benchmarks.peers import micrograd

    return micrograd().build(workload, numbers)


def _microgpt_style(workload: str, numbers: Any) -> Step:
    from benchmarks.peers import microgpt_style

    return microgpt_style().build(workload, numbers)


def _torch(dtype: str) -> Callable[[str, Any], Step]:
    def build(workload: str, numbers: Any) -> Step:
        from benchmarks.peers import Tensors

        return Tensors(dtype).build(workload, numbers)

    return build


LAYERS, BY_HAND = "glassgrad, nn's layers", "glassgrad, sums by hand"
PARTICIPANTS = [
    Participant(BY_HAND, _by_hand),
    Participant(LAYERS, _layers, without=("chain",)),
    Participant("glassgrad, jit", _jitted, without=("chain",)),
    Participant("NumPy by hand, float64", _numpy, without=("chain",)),
    Participant("micrograd, as shipped", _micrograd),
    Participant("micrograd, collector off", _micrograd, collector=False),
    Participant("microgpt-style Value", _microgpt_style),
    Participant("microgpt-style, collector off", _microgpt_style, collector=False),
    Participant("PyTorch tensors, float64", _torch("float64")),
    Participant("PyTorch tensors, float32", _torch("float32"), tolerance=1e-4),
]
